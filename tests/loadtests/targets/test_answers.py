"""Answers: what they mean, what is kept of them, and where a workflow goes from there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.loadtests.targets.conftest import ENROL, FAMILY, PROGRESS, Bench, Reply, Told, reply

from canbao_loadtests.http.messages import Response, TransportError
from canbao_loadtests.targets import Answer


def step(name: str = "s", operation: str = "list_children", **more: Any) -> dict[str, Any]:
    """Write a step."""
    return {"stepId": name, "operationId": operation, **more}


def workflow(name: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Write a workflow."""
    return {"workflowId": name, "steps": list(steps), **more}


def enrolled(bench: Bench, one: dict[str, Any], *replies: Reply) -> tuple[Answer, Told]:
    """Give the answer of a workflow `enrol`, and the browser."""
    browser = Told(replies)
    return bench(one).session(browser, {}).call("enrol", FAMILY), browser


# --- what an answer means ---


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (reply(200), "done", ""),
        (reply(204), "done", ""),
        (reply(301, Location="/"), "failed", "status 301"),
        (reply(400), "failed", "status 400"),
        (reply(402), "declined", "status 402"),
        (reply(401), "logged out", "status 401"),
        (reply(403), "failed", "status 403"),
        (reply(409), "failed", "status 409"),
        (reply(409, Retry_After="3"), "not ready", "status 409"),
        (reply(425), "not ready", "status 425"),
        (reply(429), "not ready", "status 429"),
        (reply(503), "not ready", "status 503"),
        (reply(500), "failed", "status 500"),
        (TransportError("timeout"), "failed", "timeout"),
        (TransportError("garbage", "half an answer"), "failed", "garbage"),
        (TransportError("reset"), "failed", "reset"),
    ],
)
def test_what_an_answer_means_where_nothing_is_said(bench: Bench, answer: Reply, outcome: str, reason: str) -> None:
    """Statuses mean what HTTP says, and no answer is a failure with its trouble."""
    got, _ = enrolled(bench, ENROL, answer)
    assert (got.outcome, got.reason) == (outcome, reason)


def test_retry_after_is_handed_on(bench: Bench) -> None:
    """`Retry-After` in seconds, or as a date against the deployment's own clock."""
    got, _ = enrolled(bench, ENROL, reply(503, Retry_After="7"))
    assert got.retry_after_s == 7.0
    dates = {"Retry_After": "Sun, 22 Nov 2026 11:00:42 GMT", "Date": "Sun, 22 Nov 2026 11:00:02 GMT"}
    assert enrolled(bench, ENROL, reply(429, **dates))[0].retry_after_s == 40.0
    assert enrolled(bench, ENROL, reply(429, Retry_After="soon"))[0].retry_after_s is None


def test_success_criteria_decide(bench: Bench) -> None:
    """All criteria must hold, and they alone decide, whatever the status."""
    tests = [{"condition": "$statusCode == 409"}, {"condition": "$response.body#/known == true"}]
    one = workflow("enrol", step(successCriteria=tests))
    assert enrolled(bench, one, reply(409, {"known": True}))[0].outcome == "done"
    got, _ = enrolled(bench, one, reply(409, {"known": False}))
    assert (got.outcome, got.reason) == ("failed", "status 409")


def test_a_success_criterion_that_does_not_hold_is_told(bench: Bench) -> None:
    """Where the status is fine and the criterion is not, the reason says so."""
    one = workflow("enrol", step(successCriteria=[{"condition": "$response.body#/ok"}]))
    assert enrolled(bench, one, reply(200, {"ok": False}))[0].reason == "a success criterion does not hold"


@pytest.mark.parametrize("outcome", ["done", "declined", "not ready", "logged out", "failed"])
@pytest.mark.parametrize("level", ["step", "workflow", "document"])
def test_a_document_says_what_answers_mean(bench: Bench, outcome: str, level: str) -> None:
    """Statuses and criteria stand for each outcome, in a step, a workflow or for the whole document."""
    criterion = {"context": "$url", "condition": "/login$", "type": "regex"}
    hints = {"x-canbao": {"outcomes": {outcome: [418, criterion]}}}
    one = workflow("enrol", step(**(hints if level == "step" else {})), **(hints if level == "workflow" else {}))
    target = bench(one, **(hints if level == "document" else {}))
    for answer in (reply(418), Response(200, (), b"", "http://127.0.0.1/login")):
        assert target.session(Told([answer]), {}).call("enrol", FAMILY).outcome == outcome


def test_the_nearest_word_counts(bench: Bench) -> None:
    """What a step says of a status goes before what the document says of it."""
    one = workflow("enrol", step(**{"x-canbao": {"outcomes": {"done": [409]}}}))
    target = bench(one, **{"x-canbao": {"outcomes": {"declined": [409, 410]}}})
    assert target.session(Told([reply(409)]), {}).call("enrol", FAMILY).outcome == "done"
    assert target.session(Told([reply(410)]), {}).call("enrol", FAMILY).outcome == "declined"


# --- what is kept ---

PAGE = "<html><form><input type=hidden name=csrf value='a&amp;b'><p class=no>No. <b>12</b></p></form>"


@pytest.mark.parametrize(
    ("found", "value"),
    [
        ({"html": "input[name=csrf]", "attribute": "value"}, "a&b"),
        ({"html": "p.no"}, "No. 12"),
        ({"html": "input[name=none]", "attribute": "value"}, None),
        ({"regex": r"No\. <b>(\d+)"}, "12"),
        ({"regex": r"/children/(\d+)", "context": "$response.header.Location"}, "7"),
        ({"xpath": "//input/@value"}, "a&b"),
        ({"cookie": "sid"}, "crumb"),
        ({"cookie": "none"}, None),
    ],
)
def test_values_out_of_pages_headers_and_cookies(bench: Bench, found: dict[str, str], value: str | None) -> None:
    """CSS selectors, regular expressions, XPath and cookies give outputs where Arazzo has no expression."""
    one = workflow("enrol", step(**{"x-canbao": {"outputs": {"it": found}}}), outputs={"it": "$steps.s.outputs.it"})
    got, _ = enrolled(bench, one, reply(200, PAGE, {"sid": "crumb"}, Location="/children/7"))
    assert got.outputs.get("it") == value


@pytest.mark.parametrize(
    ("kind", "head", "encoding"),
    [
        ("text/html; charset=gb2312", "", "gbk"),
        ("text/html", '<meta charset="GBK">', "gbk"),
        ("text/html; charset=utf-8", '<meta charset="GBK">', "utf-8"),
        ("text/html; charset=nonsense", "", "utf-8"),
        ("text/html", "", "utf-8"),
        ("text/html; charset=idna", "", "utf-8"),
        ("text/html", '<?xml version="1.0" encoding="GBK"?><html xmlns="http://www.w3.org/1999/xhtml">', "utf-8"),
    ],
)
def test_pages_are_read_in_their_charset(bench: Bench, kind: str, head: str, encoding: str) -> None:
    """The charset of the type counts, then the one that the page names, then UTF-8."""
    one = workflow(
        "enrol", step(**{"x-canbao": {"outputs": {"it": {"html": "p"}}}}), outputs={"it": "$steps.s.outputs.it"}
    )
    page = f"<html>{head}<p>审核中</p></html>".encode(encoding)
    assert enrolled(bench, one, Response(200, [("Content-Type", kind)], page))[0].outputs == {"it": "审核中"}


def test_values_by_jsonpath(bench: Bench) -> None:
    """A JSONPath gives its first match."""
    found = {"jsonpath": "$.list[?@.open == true].id"}
    one = workflow("enrol", step(**{"x-canbao": {"outputs": {"it": found}}}), outputs={"it": "$steps.s.outputs.it"})
    body = {"list": [{"id": 1}, {"id": 2, "open": True}, {"id": 3, "open": True}]}
    assert enrolled(bench, one, reply(200, body))[0].outputs == {"it": 2}


def test_a_token_out_of_a_form_is_sent_back(bench: Bench) -> None:
    """The hidden input of a form goes into the next request, with the fields."""
    form = step(
        "form", "login_page", **{"x-canbao": {"outputs": {"csrf": {"html": "[name=csrf]", "attribute": "value"}}}}
    )
    payload = {"csrf": "$steps.form.outputs.csrf", "user": "$inputs.user_name"}
    body = {"contentType": "application/x-www-form-urlencoded", "payload": payload}
    one = workflow("enrol", form, step("send", "login", requestBody=body))
    _, browser = enrolled(bench, one, reply(200, PAGE), reply(200))
    assert browser.sent[1].body == b"csrf=a%26b&user=family-1"


def test_a_missing_token_is_told_and_nothing_is_sent(bench: Bench) -> None:
    """Where the page has no such input the step fails with the name of what is missing."""
    form = step(
        "form", "login_page", **{"x-canbao": {"outputs": {"csrf": {"html": "[name=csrf]", "attribute": "value"}}}}
    )
    body = {"contentType": "application/json", "payload": {"csrf": "$steps.form.outputs.csrf"}}
    got, browser = enrolled(bench, workflow("enrol", form, step("send", "login", requestBody=body)), reply(200, "oops"))
    assert (got.outcome, got.reason) == ("failed", "no value for $steps.form.outputs.csrf")
    assert len(browser.sent) == 1


def test_the_cookies_of_the_moment_are_an_input(bench: Bench) -> None:
    """A token that lives in a cookie goes into a header as it is at that moment."""
    header = [{"in": "header", "name": "X-CSRF", "value": "$inputs.cookies.csrftoken"}]
    one = workflow("enrol", step("a"), step("b", parameters=header), step("c", parameters=header))
    _, browser = enrolled(
        bench, one, reply(200, None, {"csrftoken": "1"}), reply(200, None, {"csrftoken": "2"}), reply()
    )
    assert [dict(request.headers).get("X-CSRF") for request in browser.sent] == [None, "1", "2"]


def test_an_output_that_later_steps_need_is_needed(bench: Bench) -> None:
    """An output that no other workflow asks for may be missing; one that another asks for may not."""
    outputs = {"id": "$response.body#/id", "note": "$response.body#/note"}
    names = {name: f"$steps.s.outputs.{name}" for name in outputs}
    submit = workflow("submit", step(parameters=[{"in": "query", "name": "id", "value": "$inputs.id"}]))
    target = bench(workflow("enrol", step(outputs=outputs), outputs=names), submit)
    assert target.session(Told([reply(200, {"id": 1})]), {}).call("enrol", FAMILY).outputs == {"id": 1}
    for body, reason in (({"note": 1}, "no output id"), ({"id": None}, "no output id")):
        got = target.session(Told([reply(200, body)]), {}).call("enrol", FAMILY)
        assert (got.outcome, got.reason) == ("failed", reason)
    broken = Response(200, [("Content-Type", "application/json")], b'{"id": 1')
    assert target.session(Told([broken]), {}).call("enrol", FAMILY).reason == "garbage"


# --- where it goes from there ---


def test_retries_wait_and_end(bench: Bench) -> None:
    """A step is tried again as often as its action says, after its pause or the deployment's."""
    again = {
        "name": "again",
        "type": "retry",
        "retryAfter": 2,
        "retryLimit": 3,
        "criteria": [{"condition": "$statusCode == 503"}],
    }
    one = workflow("enrol", step(onFailure=[again]))
    got, browser = enrolled(bench, one, reply(503), reply(503, Retry_After="5"), reply(200))
    assert (got.outcome, len(browser.sent), bench.naps) == ("done", 3, [2, 5])
    bench.naps.clear()
    got, browser = enrolled(bench, one, reply(503))
    assert (got.outcome, len(browser.sent), bench.naps) == ("not ready", 4, [2, 2, 2])
    got, browser = enrolled(bench, one, reply(500))
    assert (got.outcome, len(browser.sent)) == ("failed", 1)


def test_without_a_limit_a_step_is_tried_again_once(bench: Bench) -> None:
    """That is what the specification says."""
    one = workflow("enrol", step(onFailure=[{"name": "again", "type": "retry"}]))
    _, browser = enrolled(bench, one, TransportError("reset"))
    assert len(browser.sent) == 2


def test_nothing_is_tried_again_after_a_stop(bench: Bench) -> None:
    """When the load test stops sending, a retry does not go on."""
    one = workflow("enrol", step(onFailure=[{"name": "again", "type": "retry", "retryLimit": 9}]))
    got, browser = enrolled(bench, one, TransportError("stopped"))
    assert (got.outcome, got.reason, len(browser.sent)) == ("failed", "stopped", 1)


def test_a_long_wait_is_handed_back(bench: Bench) -> None:
    """Who is told to wait longer than half a minute is not ready, and nobody sleeps meanwhile."""
    one = workflow("enrol", step(onFailure=[{"name": "again", "type": "retry", "retryLimit": 9}]))
    got, browser = enrolled(bench, one, reply(503, Retry_After="3600"))
    assert (got.outcome, got.retry_after_s, len(browser.sent), bench.naps) == ("not ready", 3600.0, 1, [])


def test_polling(bench: Bench) -> None:
    """A step whose success criterion does not hold yet is asked again until it does."""
    poll = {"name": "poll", "type": "retry", "retryAfter": 0.5, "retryLimit": 10}
    one = workflow("enrol", step(successCriteria=[{"condition": "$response.body#/state == 'ready'"}], onFailure=[poll]))
    got, browser = enrolled(bench, one, *[reply(202, {"state": "busy"})] * 4, reply(200, {"state": "ready"}))
    assert (got.outcome, len(browser.sent), bench.naps) == ("done", 5, [0.5] * 4)


def test_something_is_done_before_the_next_try(bench: Bench) -> None:
    """A retry may take another step or workflow first; what that gives can be used."""
    refresh = workflow("refresh", step("r", "login_page"))
    again = {
        "name": "again",
        "type": "retry",
        "workflowId": "refresh",
        "criteria": [{"condition": "$statusCode == 403"}],
    }
    target = bench(workflow("enrol", step(onFailure=[again])), refresh)
    browser = Told([reply(403), reply(200), reply(201)])
    assert target.session(browser, {}).call("enrol", FAMILY).outcome == "done"
    assert [request.operation for request in browser.sent] == ["list_children", "login_page", "list_children"]
    browser = Told([reply(403), reply(500)])
    assert target.session(browser, {}).call("enrol", FAMILY).reason == "status 500"


def test_goto_and_end(bench: Bench) -> None:
    """After a success or a failure a workflow goes where the first action whose criteria hold says."""
    jump = {"name": "old", "type": "goto", "stepId": "c", "criteria": [{"condition": "$response.body#/known == true"}]}
    end = {"name": "end", "type": "end"}
    rescue = {"name": "rescue", "type": "goto", "stepId": "c", "criteria": [{"condition": "$statusCode == 404"}]}
    one = workflow(
        "enrol",
        step("a", onSuccess=[jump]),
        step("b", "login_page", onSuccess=[end], onFailure=[rescue]),
        step("c", "list_children"),
    )
    cases: list[tuple[list[Reply], list[str], str]] = [
        ([reply(200, {"known": True}), reply(200)], ["list_children", "list_children"], "done"),
        ([reply(200, {}), reply(200)], ["list_children", "login_page"], "done"),
        ([reply(200, {}), reply(404), reply(200)], ["list_children", "login_page", "list_children"], "done"),
        ([reply(200, {}), reply(500)], ["list_children", "login_page"], "failed"),
    ]
    for replies, operations, outcome in cases:
        got, browser = enrolled(bench, one, *replies)
        assert (got.outcome, [request.operation for request in browser.sent]) == (outcome, operations)


def test_going_to_another_workflow_ends_there(bench: Bench) -> None:
    """A goto to a workflow is one-way: its outputs are the answer."""
    other = workflow("other", step(outputs={"x": "$response.body#/x"}), outputs={"id": "$steps.s.outputs.x"})
    go = {"name": "go", "type": "goto", "workflowId": "other"}
    target = bench(workflow("enrol", step("a", onSuccess=[go]), step("b"), outputs={"id": "$inputs.kind"}), other)
    browser = Told([reply(200), reply(200, {"x": 5})])
    assert target.session(browser, {}).call("enrol", FAMILY).outputs == {"id": 5}
    assert len(browser.sent) == 2


def test_running_in_circles_ends(bench: Bench) -> None:
    """A workflow that goes round for ever fails after some hundred steps, also through other workflows."""
    back = {"name": "back", "type": "goto", "stepId": "s"}
    got, _ = enrolled(bench, workflow("enrol", step(onSuccess=[back])), reply(200))
    assert (got.outcome, got.reason) == ("failed", "more than 500 steps")
    itself = {"name": "back", "type": "goto", "workflowId": "enrol"}
    got, _ = enrolled(bench, workflow("enrol", step(onSuccess=[itself])), reply(200))
    assert (got.outcome, got.reason) == ("failed", "workflows call one another too deeply")


def test_actions_of_the_workflow_hold_for_all_steps(bench: Bench) -> None:
    """Failure actions of a workflow and of components hold for each step that has none of that name."""
    shared = {"failureActions": {"again": {"name": "again", "type": "retry", "retryLimit": 2}}}
    one = workflow(
        "enrol",
        step("a"),
        step("b", onFailure=[{"name": "again", "type": "end"}]),
        failureActions=[{"reference": "$components.failureActions.again"}],
    )
    target = bench(one, components=shared)
    browser = Told([reply(500), reply(500), reply(200), reply(500)])
    assert target.session(browser, {}).call("enrol", FAMILY).outcome == "failed"
    assert len(browser.sent) == 4


def test_a_step_can_call_another_workflow(bench: Bench) -> None:
    """Its parameters are inputs there, its outputs are outputs of the step."""
    find = workflow(
        "find",
        step(
            parameters=[{"in": "query", "name": "q", "value": "$inputs.wanted"}], outputs={"id": "$response.body#/id"}
        ),
        outputs={"id": "$steps.s.outputs.id"},
    )
    call = {
        "stepId": "call",
        "workflowId": "find",
        "parameters": [{"name": "wanted", "value": "{$inputs.kind}!"}],
        "successCriteria": [{"condition": "$statusCode == 200"}],
        "outputs": {"a": "$outputs.id", "b": "$workflows.find.outputs.id"},
    }
    outputs = {"a": "$steps.call.outputs.a", "b": "$steps.call.outputs.b"}
    target = bench(workflow("enrol", call, outputs=outputs), find)
    browser = Told([reply(200, {"id": 9})])
    assert target.session(browser, {}).call("enrol", FAMILY).outputs == {"a": 9, "b": 9}
    assert browser.sent[0].path == "/children?q=pupil%21"
    assert target.session(Told([reply(429)]), {}).call("enrol", FAMILY).outcome == "not ready"


def test_what_a_workflow_depends_on_is_done_once(bench: Bench) -> None:
    """It is done first, and not again in the same session."""
    visit = workflow(
        "visit", step("v", "login_page", outputs={"x": "$response.body#/x"}), outputs={"x": "$steps.v.outputs.x"}
    )
    header = [{"in": "header", "name": "X", "value": "$workflows.visit.outputs.x"}]
    target = bench(workflow("enrol", step(parameters=header), dependsOn=["visit"]), visit)
    browser = Told([reply(200, {"x": "crumb"})])
    session = target.session(browser, {})
    assert session.call("enrol", FAMILY).outcome == session.call("enrol", FAMILY).outcome == "done"
    assert [request.operation for request in browser.sent] == ["login_page", "list_children", "list_children"]
    browser = Told([reply(500)])
    assert target.session(browser, {}).call("enrol", FAMILY).reason == "status 500"
    assert len(browser.sent) == 1


# --- whatever a deployment does ---

BODY = st.one_of(
    st.binary(max_size=40),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["status", "id", "a"]), x),
    ).map(lambda data: json.dumps(data).encode()),
    st.just(PAGE.encode()),
    st.just(b"[" * 100_000),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    st.integers(100, 599),
    st.sampled_from(["application/json", "text/html", "image/png", "", "application/json; charset=latin-1"]),
    BODY,
    st.dictionaries(st.sampled_from(["Retry-After", "Date", "Location"]), st.text(max_size=6)),
)
def test_no_answer_makes_a_session_raise(
    bench: Bench, status: int, kind: str, body: bytes, headers: dict[str, str]
) -> None:
    """Whatever comes back, a session says how the step ended, and what it remembers is JSON."""
    found = {
        "page": {"html": "input[name=csrf]", "attribute": "value"},
        "path": {"jsonpath": "$.a[?@.id]"},
        "x": {"xpath": "//p"},
        "r": {"regex": "(a)?b"},
    }
    criteria = [
        {"condition": "$response.body#/a/0/id < 3 || $statusCode == 200"},
        {"context": "$response.body", "condition": "$.*", "type": "jsonpath"},
        {"context": "$response.body", "condition": "//p", "type": "xpath"},
    ]
    again = [{"name": "again", "type": "retry", "criteria": criteria}]
    one = workflow(
        "progress",
        step(
            outputs={
                "status": "$response.body#/status",
                "all": "$response.body",
                "kind": "{$response.header.Location}!",
            },
            onFailure=again,
            **{"x-canbao": {"outputs": found, "outcomes": {"declined": [{"condition": "$response.body#/id"}]}}},
        ),
        outputs={**PROGRESS["outputs"], "all": "$steps.s.outputs.all", "decided_at": "$steps.s.outputs.x"},
    )
    if not (bench.folder / "target.toml").exists():
        bench.write(one)
        bench.kept = bench(one)  # read once: only the answers differ
    answer = Response(status, [("Content-Type", kind), *headers.items()], body, "http://127.0.0.1/")
    session = bench.kept.session(Told([answer]), {})
    got = session.call("progress", FAMILY)
    assert got.outcome in ("done", "declined", "not ready", "logged out", "failed")
    assert json.loads(json.dumps(session.memory)) == session.memory
