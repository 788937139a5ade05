"""Runtime expressions: what they name, and what they give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.scenario.quantities import MisfitError
from canbao_loadtests.http.messages import Request, Response
from canbao_loadtests.targets.documents import MISSING
from canbao_loadtests.targets.expressions import (
    Names,
    NoValueError,
    as_text,
    expression,
    is_constant,
    is_expression,
    template,
    value_of,
)
from canbao_loadtests.targets.scope import Scope

NAME = st.text("abcXYZ019_-", min_size=1, max_size=8)
LEAF = st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=8)
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def scope(inputs: Mapping[str, Any] | None = None, body: Any = None, **more: Any) -> Scope:
    """Make a scope whose last answer had this body."""
    made = Scope(inputs or {}, more.pop("workflows", {}), lambda: more.get("cookies", {}))
    made.steps = more.get("steps", {})
    made.sending(Request("POST", "/children?q=1", (), b'{"sent": [7]}'), {("query", "q"): "1", ("header", "x-a"): "b"})
    headers = [("Content-Type", "application/json"), ("Location", "/children/9")]
    made.answered(Response(201, headers, json.dumps(body).encode(), "http://127.0.0.1/children/9"))
    return made


def given_by(text: str, at: Scope) -> Any:
    """Give the value of an expression."""
    return expression(text, Names())(at)


@given(NAME, JSON)
def test_an_input_is_given_as_it_is(name: str, value: Any) -> None:
    """`$inputs.x` gives the input, whatever its type."""
    assert given_by(f"$inputs.{name}", scope({name: value})) == value


@given(st.dictionaries(st.text("abc/~é", min_size=1, max_size=4), JSON, min_size=1, max_size=3), st.data())
def test_a_pointer_into_the_body_finds_the_value(body: dict[str, Any], data: st.DataObject) -> None:
    """`$response.body#/pointer` gives what stands there, whatever signs are in the key."""
    key = data.draw(st.sampled_from(sorted(body)))
    pointer = key.replace("~", "~0").replace("/", "~1")
    assert given_by(f"$response.body#/{pointer}", scope(body=body)) == body[key]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$statusCode", 201),
        ("$method", "POST"),
        ("$url", "http://127.0.0.1/children/9"),
        ("$response.header.location", "/children/9"),
        ("$response.header.nowhere", MISSING),
        ("$response.body", {"items": [{"id": 5}], "a.b": 1}),
        ("$response.body#/items/0/id", 5),
        ("$response.body#/items/1/id", MISSING),
        ("$response.body.items[0].id", 5),
        ("$request.body#/sent/0", 7),
        ("$request.query.q", "1"),
        ("$request.header.X-A", "b"),
        ("$request.path.child", MISSING),
        ("$inputs.list#/1", "y"),
        ("$inputs.list[0]", "x"),
        ("$inputs.nothing", MISSING),
        ("$inputs.cookies.sid", "crumb"),
        ("$inputs.cookies.none", MISSING),
        ("$steps.first.outputs.id", 3),
        ("$steps.first.outputs.deep#/a/0", 4),
        ("$steps.first.outputs.none", MISSING),
        ("$steps.later.outputs.id", MISSING),
        ("$workflows.log_in.outputs.token", "t"),
        ("$workflows.log_in.inputs.user", "u"),
    ],
)
def test_each_kind_of_expression_gives_its_value(text: str, value: Any) -> None:
    """Every kind of expression of the specification gives what it names, and nothing where that is not there."""
    at = scope(
        {"list": ["x", "y"]},
        {"items": [{"id": 5}], "a.b": 1},
        steps={"first": {"id": 3, "deep": {"a": [4]}}},
        workflows={"log_in": {"outputs": {"token": "t"}, "inputs": {"user": "u"}}},
        cookies={"sid": "crumb"},
    )
    assert given_by(text, at) == value


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("$input.x", "is no runtime expression", "did you mean $inputs?"),
        ("$inputs.chld_name", "there is no input 'chld_name'", "did you mean 'child_name'?"),
        ("$steps.frm.outputs.id", "there is no step 'frm'", "did you mean 'form'?"),
        ("$steps.form.outputs.idd", "there is no output of step 'form' 'idd'", "did you mean 'id'?"),
        ("$steps.form.output.id", "$steps.form.output is not known", ""),
        ("$workflows.login.outputs.token", "there is no workflow 'login'", "did you mean 'log_in'?"),
        ("$response.bodi#/x", "$response.bodi#/x is not known", ""),
        ("$response.body#x", "a JSON Pointer begins with /", ""),
        ("$statusCode.x", "nothing can stand behind $statusCode", ""),
        ("$sourceDescriptions.apo.url", "there is no source description 'apo'", "did you mean 'api'?"),
        ("$components.inputs.x", "$components.inputs has no value", ""),
    ],
)
def test_what_leads_nowhere_is_told_when_it_is_read(text: str, said: str, hint: str) -> None:
    """An expression that names what there is not is refused before anything is sent, with the nearest name."""
    names = Names(
        inputs=dict.fromkeys(["child_name"]),
        steps={"form": ["id"]},
        workflows={"log_in": ["token"]},
        sources={"api": "x"},
    )
    with pytest.raises(MisfitError) as caught:
        expression(text, names)
    assert said in str(caught.value)
    assert caught.value.hint == hint


@given(st.text("ab {}$.", max_size=20))
def test_texts_without_expressions_stay_as_they_are(text: str) -> None:
    """A text in which no `{$name…}` and no leading `$name` stands is a constant."""
    if "{$a" in text or "{$b" in text or is_expression(text):
        return
    made = value_of(text, Names())
    assert is_constant(made)
    assert made(scope()) == text


@given(
    st.lists(st.text(st.characters(exclude_characters="{}$"), max_size=4), min_size=2, max_size=4), st.text(max_size=6)
)
def test_expressions_inside_a_text_are_filled_in(pieces: list[str], value: str) -> None:
    """`{$inputs.x}` is replaced by the value, as often as it stands there."""
    text = "{$inputs.x}".join(pieces)
    assert template(text, Names())(scope({"x": value})) == value.join(pieces)


@given(JSON)
def test_objects_are_filled_in_at_any_depth(value: Any) -> None:
    """An object with an expression anywhere in it gives the object with the value in its place, and keeps its type."""
    made = value_of({"a": [{"b": "$inputs.x"}, "{$inputs.n}", 7], "c": None}, Names())
    assert made(scope({"x": value, "n": 2})) == {"a": [{"b": value}, "2", 7], "c": None}


def test_a_value_that_a_request_needs_and_that_is_not_there_is_named() -> None:
    """A missing value in what is sent is an error that names the expression."""
    for made in (value_of("$inputs.gone", Names()), value_of({"a": ["x{$inputs.gone}"]}, Names())):
        with pytest.raises(NoValueError, match=r"no value for \$inputs\.gone"):
            made(scope())


def test_it_is_noted_what_a_document_asks_for() -> None:
    """Compiling notes which inputs are used, and that anything else is, so that bodies can be kept."""
    names = Names()
    value_of({"a": "$inputs.x", "b": "{$inputs.y#/0}", "c": "$response.body"}, names)
    assert names.used == {"x", "y", "$response"}


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (None, ""), (2.0, "2"), (2.5, "2.5"), ([1, "é"], '[1, "é"]'), ("x", "x"), (3, "3")],
)
def test_values_are_written_as_json_writes_them(value: Any, text: str) -> None:
    """In texts, queries and forms a value is written as JSON does, a text without quotes and a whole number whole."""
    assert as_text(value) == text
