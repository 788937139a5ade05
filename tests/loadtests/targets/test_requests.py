"""Requests: parameters and bodies as OpenAPI and Arazzo say."""

from __future__ import annotations

import json
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.loadtests.targets.conftest import FAMILY, Bench, Told, reply

from canbao_loadtests.http.messages import Request
from canbao_loadtests.targets import ArazzoTarget

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


PAPER = {"paper": "front", "paper_image": b"\x89PNG\r\n--x", "paper_type": "image/png", "paper_name": 'a"b.png'}


def uploading(bench: Bench, step: dict[str, Any], **more: Any) -> ArazzoTarget:
    """Make a target whose workflow for papers has one step."""
    workflow = {"workflowId": "upload_paper", "steps": [step], **more}
    return bench(workflow, **{"x-canbao": {"papers": {"front": "photo"}}})


def sent(bench: Bench, step: dict[str, Any], given_by: dict[str, Any] | None = None, **more: Any) -> Request:
    """Give the request of a workflow of one step."""
    target = uploading(bench, {"stepId": "s", **step}, **more)
    browser = Told([reply(200, {})])
    answer = target.session(browser, {}).call("upload_paper", {**FAMILY, **PAPER, **(given_by or {})})
    assert answer.outcome == "done", answer
    return browser.sent[0]


def parameters(*given_as: tuple[str, str, Any]) -> list[dict[str, Any]]:
    """Write parameters."""
    return [{"in": where, "name": name, "value": value} for where, name, value in given_as]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(child=TEXT.filter(bool), query=TEXT)
def test_values_in_path_and_query_come_back_as_they_were(bench: Bench, child: str, query: str) -> None:
    """Whatever signs are in a value, decoding the URL gives it back, and it stays in its place."""
    given_as = parameters(("path", "child", "$inputs.child_name"), ("query", "q", "$inputs.address"))
    request = sent(
        bench, {"operationId": "show_child", "parameters": given_as}, {"child_name": child, "address": query}
    )
    url = urlsplit(request.path)
    assert url.path.count("/") == 2
    assert unquote(url.path.removeprefix("/children/")) == child
    assert parse_qsl(url.query, keep_blank_values=True) == [("q", query)]


@pytest.mark.parametrize(
    ("parameter", "query"),
    [
        (("query", "tags", ["a", "b c"]), "tags=a&tags=b%20c"),
        (("query", "fields", ["a", "b"]), "fields=a,b"),
        (("query", "filter", {"age": 3, "of": "x"}), "filter[age]=3&filter[of]=x"),
        (("query", "q", True), "q=true"),
        (("query", "q", "$inputs.fee_yuan"), "q=400"),
        (("query", "unknown", "{$inputs.kind}/1"), "unknown=pupil%2F1"),
    ],
)
def test_parameters_are_written_in_the_style_of_openapi(
    bench: Bench, parameter: tuple[str, str, Any], query: str
) -> None:
    """Lists and objects are written as the style of the parameter says."""
    given_as = parameters(("path", "child", 7), parameter)
    assert sent(bench, {"operationId": "show_child", "parameters": given_as}).path == f"/children/7?{query}"


def test_headers_and_cookies(bench: Bench) -> None:
    """Headers and cookies are sent under their names; what would break a line or is not ASCII cannot harm."""
    given_as = parameters(
        ("path", "child", 1),
        ("header", "X-Trace", "a{$inputs.user_name}\r\nEvil: 1"),
        ("header", "Authorization", "Bearer {$inputs.password}"),
        ("cookie", "theme", "dark; x"),
        ("cookie", "child", "$inputs.child_name"),
    )
    request = sent(bench, {"operationId": "show_child", "parameters": given_as}, {"child_name": "李"})
    assert list(request.headers) == [
        ("X-Trace", "afamily-1 Evil: 1"),
        ("Authorization", "Bearer correct-horse-1"),
        ("Cookie", "theme=dark%3B x; child=" + "李".encode().decode("latin-1")),
    ]


def test_parameters_of_the_workflow_hold_for_all_steps_and_can_be_overridden(bench: Bench) -> None:
    """A parameter of the workflow, or of components, is sent by each step, with the step's value where it has one."""
    step = {"operationId": "show_child", "parameters": parameters(("query", "q", "own"))}
    shared = [*parameters(("query", "q", "shared"), ("path", "child", "c")), {"reference": "$components.parameters.t"}]
    target = bench(
        {"workflowId": "enrol", "parameters": shared, "steps": [{"stepId": "s", **step}]},
        components={"parameters": {"t": {"name": "tags", "in": "query", "value": "x"}}},
    )
    browser = Told([reply()])
    target.session(browser, {}).call("enrol", FAMILY)
    assert browser.sent[0].path == "/children/c?q=own&tags=x"


@pytest.mark.parametrize(
    ("payload", "content"),
    [
        ({"name": "$inputs.child_name", "n": [1, "{$inputs.kind}!"]}, {"name": "Li Xiaoming", "n": [1, "pupil!"]}),
        ({"fixed": None}, {"fixed": None}),
        ('{"name": "{$inputs.child_name}", "fee": {$inputs.fee_yuan}}', {"name": "Li Xiaoming", "fee": 400.0}),
        ('{"name": "{$inputs.child_name}"}', {"name": "Li Xiaoming"}),
        ("$inputs.child_name", "Li Xiaoming"),
        ({"image": "$inputs.paper_image"}, {"image": "iVBORw=="}),
    ],
)
def test_json_bodies(bench: Bench, payload: Any, content: Any) -> None:
    """A payload may be an object, a text that is JSON, or one expression; bytes are written as base64."""
    body = {"contentType": "application/json", "payload": payload}
    request = sent(bench, {"operationId": "add_child", "requestBody": body}, {"paper_image": b"\x89PNG"})
    assert json.loads(request.body) == content
    assert ("Content-Type", "application/json") in request.headers


_PERCENT = st.sampled_from(["100 %", "%s", "{}", '"', "\\"])
_INPUTS = st.sampled_from([f"$inputs.{name}" for name in FAMILY])
_LEAVES = (
    _INPUTS | _PERCENT | st.integers(-5, 5) | st.booleans() | st.none() | TEXT.filter(lambda text: "$" not in text)
)
_PAYLOADS = st.dictionaries(
    _PERCENT | st.sampled_from("abc"),
    st.recursive(
        _LEAVES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=6,
    ),
    min_size=1,
    max_size=3,
)


def _resolved(payload: Any) -> Any:
    """Put the values of a family into a payload."""
    if isinstance(payload, dict):
        return {key: _resolved(value) for key, value in payload.items()}
    if isinstance(payload, list):
        return [_resolved(value) for value in payload]
    is_input = isinstance(payload, str) and payload.startswith("$inputs.")
    return FAMILY[payload.removeprefix("$inputs.")] if is_input else payload


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(payload=_PAYLOADS)
def test_json_bodies_hold_the_values_where_they_were_asked_for(bench: Bench, payload: Any) -> None:
    """However deep a value stands, and whatever stands beside it, percent signs and quotes included."""
    body = {"contentType": "application/json", "payload": payload}
    request = sent(bench, {"operationId": "add_child", "requestBody": body})
    assert json.loads(request.body) == _resolved(payload)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(TEXT)
def test_a_value_cannot_break_out_of_a_json_text(bench: Bench, value: str) -> None:
    """Quotes and backslashes of a value stay in the value, also where the payload is a text."""
    for payload in ('{"a": "{$inputs.address}"}', '{"n": {$inputs.fee_yuan}, "a": "{$inputs.address}"}'):
        body = {"contentType": "application/json", "payload": payload}
        request = sent(bench, {"operationId": "add_child", "requestBody": body}, {"address": value})
        assert json.loads(request.body)["a"] == value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(TEXT, TEXT)
def test_forms_come_back_as_they_were(bench: Bench, one: str, two: str) -> None:
    """Decoding a form gives the values back; a list becomes several fields of one name."""
    payload = {"a": "$inputs.address", "l": ["$inputs.child_name", 2.0], "t": True}
    body = {"contentType": "application/x-www-form-urlencoded", "payload": payload}
    request = sent(bench, {"operationId": "add_child", "requestBody": body}, {"address": one, "child_name": two})
    fields = parse_qsl(request.body.decode(), keep_blank_values=True)
    assert fields == [("a", one), ("l", two), ("l", "2"), ("t", "true")]


def test_a_form_can_be_a_text(bench: Bench) -> None:
    """A form that is written as a text has its values encoded."""
    body = {"contentType": "application/x-www-form-urlencoded", "payload": "a={$inputs.address}&b=1"}
    assert sent(bench, {"operationId": "add_child", "requestBody": body}, {"address": "x&y"}).body == b"a=x%26y&b=1"


def test_multipart_bodies_carry_pictures(bench: Bench) -> None:
    """A picture becomes a part with its name and type; texts and objects become fields."""
    payload = {"kind": "$inputs.paper", "file": "$inputs.paper_image", "about": {"n": 1}}
    body = {"contentType": "multipart/form-data", "payload": payload}
    request = sent(bench, {"operationId": "add_child", "requestBody": body})
    kind = dict(request.headers)["Content-Type"]
    message = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + request.body)
    parts = {part.get_param("name", header="content-disposition"): part for part in message.get_payload()}
    assert parts["kind"].get_payload(decode=True) == b"front"
    assert parts["file"].get_payload(decode=True) == b"\x89PNG\r\n--x"
    assert (parts["file"].get_content_type(), parts["file"].get_filename()) == ("image/png", "a%22b.png")
    assert (parts["about"].get_content_type(), parts["about"].get_payload()) == ("application/json", '{"n":1}')


def test_the_body_of_a_picture_is_made_once(bench: Bench) -> None:
    """Families that upload the same picture send the very same bytes; another picture has its own."""
    for payload, kind in (
        ("$inputs.paper_image", "$inputs.paper_type"),
        ({"f": "$inputs.paper_image"}, "multipart/form-data"),
    ):
        body = {"contentType": kind, "payload": payload}
        target = uploading(bench, {"stepId": "s", "operationId": "add_child", "requestBody": body})
        browser = Told([reply()])
        for name, image in (("a", b"1"), ("b", b"1"), ("c", b"2")):
            target.session(browser, {}).call(
                "upload_paper", {**FAMILY, **PAPER, "user_name": name, "paper_image": image}
            )
        first, second, third = (request.body for request in browser.sent)
        assert first is second
        assert first != third
        assert dict(browser.sent[0].headers)["Content-Type"].startswith(("image/png", "multipart/form-data; boundary="))


def test_what_depends_on_the_family_is_made_anew(bench: Bench) -> None:
    """A body with the family's name in it is nobody else's."""
    body = {"contentType": "multipart/form-data", "payload": {"f": "$inputs.paper_image", "u": "$inputs.user_name"}}
    target = uploading(bench, {"stepId": "s", "operationId": "add_child", "requestBody": body})
    browser = Told([reply()])
    for name in ("one", "two"):
        target.session(browser, {}).call("upload_paper", {**FAMILY, **PAPER, "user_name": name})
    assert b"one" in browser.sent[0].body
    assert b"two" in browser.sent[1].body


@pytest.mark.parametrize(
    ("payload", "replacements", "content"),
    [
        ({"a": {"b": 1}}, [("/a/b", "$inputs.kind")], {"a": {"b": "pupil"}}),
        ({"a": [1, 2]}, [("/a/1", 9), ("/c", None)], {"a": [1, 9], "c": None}),
        ("$inputs.extra", [("/a", "$inputs.kind")], {"a": "pupil", "b": 2}),
        ('{"a": 1}', [("/a", 3)], {"a": 3}),
    ],
)
def test_replacements(bench: Bench, payload: Any, replacements: list[tuple[str, Any]], content: Any) -> None:
    """Values are put into a payload at JSON Pointers, also into one that is an input."""
    body = {
        "contentType": "application/json",
        "payload": payload,
        "replacements": [{"target": target, "value": value} for target, value in replacements],
    }
    step = {"operationId": "add_child", "requestBody": body}
    schema = {"type": "object", "properties": {"extra": {"default": {"a": 1, "b": 2}}}}
    assert json.loads(sent(bench, step, {}, inputs=schema).body) == content


def test_xml_texts_are_escaped(bench: Bench) -> None:
    """A value in an XML text stays text."""
    body = {"contentType": "application/xml", "payload": "<a>{$inputs.address}</a>"}
    request = sent(bench, {"operationId": "add_child", "requestBody": body}, {"address": "1 < 2 & 3"})
    assert request.body == b"<a>1 &lt; 2 &amp; 3</a>"


def test_the_content_type_of_the_operation_is_taken_where_none_is_given(bench: Bench) -> None:
    """Without contentType the first one of the operation is sent."""
    request = sent(bench, {"operationId": "add_child", "requestBody": {"payload": {"a": 1}}})
    assert (dict(request.headers)["Content-Type"], request.body) == ("application/json", b'{"a":1}')


@pytest.mark.parametrize("way", ["operationId", "source", "operationPath"])
def test_operations_can_be_named_in_each_way_of_the_standard(bench: Bench, way: str) -> None:
    """By id, by source and id, and by a pointer into the document."""
    step = {
        "operationId": {"operationId": "list_children"},
        "source": {"operationId": "$sourceDescriptions.api.list_children"},
        "operationPath": {"operationPath": "{$sourceDescriptions.api.url}#/paths/~1children/get"},
    }[way]
    request = sent(bench, step)
    assert (request.method, request.path, request.operation) == ("GET", "/children", "list_children")
