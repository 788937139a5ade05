"""Sessions: what they remember, and how they log in again."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from tests.loadtests.targets.conftest import ENROL, FAMILY, PROGRESS, Bench, Told, reply

from canbao_loadtests.http.messages import Request, Response

LOG_IN = {
    "workflowId": "log_in",
    "steps": [{"stepId": "s", "operationId": "login_page", "outputs": {"token": "$response.body#/token"}}],
    "outputs": {"token": "$steps.s.outputs.token"},
}
WITH_TOKEN = [{"in": "header", "name": "Authorization", "value": "Bearer {$inputs.token}"}]
LISTED = {"workflowId": "enrol", "steps": [{"stepId": "s", "operationId": "list_children", "parameters": WITH_TOKEN}]}


def _token(request: Request) -> str | None:
    return dict(request.headers).get("Authorization")


class Expiring:
    """A deployment whose tokens are good for some requests."""

    def __init__(self, good_for: int, status: int = 401) -> None:
        self.good_for, self.status, self.logged_in = good_for, status, 0
        self.left: dict[str, int] = {}

    def __call__(self, request: Request) -> Response:
        if request.operation == "login_page":
            self.logged_in += 1
            self.left[f"Bearer {self.logged_in}"] = self.good_for
            return reply(200, {"token": str(self.logged_in)})
        token = _token(request) or ""
        if self.left.get(token, 0) <= 0:
            return reply(self.status)
        self.left[token] -= 1
        return reply(200, {})


def test_a_session_logs_in_again_when_its_token_has_expired(bench: Bench) -> None:
    """A 401 makes the session log in and repeat the call; nobody notices."""
    deployment = Expiring(good_for=2)
    session = bench(LOG_IN, LISTED).session(Told([deployment]), {})
    session.call("log_in", FAMILY)
    assert [session.call("enrol", FAMILY).outcome for _ in range(5)] == ["done"] * 5
    assert deployment.logged_in == 3


def test_who_never_logged_in_is_logged_in(bench: Bench) -> None:
    """A call that needs a token before there is one logs in first, without a request that cannot succeed."""
    browser = Told([Expiring(good_for=1)])
    assert bench(LOG_IN, LISTED).session(browser, {}).call("enrol", FAMILY).outcome == "done"
    assert [request.operation for request in browser.sent] == ["login_page", "list_children"]


def test_it_logs_in_once_a_call(bench: Bench) -> None:
    """Where the new token is refused as well, the answer is that the session is logged out."""
    browser = Told([Expiring(good_for=0)])
    answer = bench(LOG_IN, LISTED).session(browser, {}).call("enrol", FAMILY)
    assert (answer.outcome, answer.reason) == ("logged out", "status 401")
    assert [request.operation for request in browser.sent].count("login_page") == 1


def test_a_log_in_that_fails_is_told(bench: Bench) -> None:
    """The reason says that it was the log-in, and Retry-After goes on."""
    browser = Told([reply(503, Retry_After="4")])
    answer = bench(LOG_IN, LISTED).session(browser, {}).call("enrol", FAMILY)
    assert (answer.outcome, answer.reason, answer.retry_after_s) == ("logged out", "log_in: status 503", 4.0)
    assert bench(LOG_IN).session(Told([reply(401)]), {}).call("log_in", FAMILY).outcome == "logged out"


def test_without_a_log_in_the_session_is_logged_out(bench: Bench) -> None:
    """A target without the step log_in hands the outcome on."""
    assert bench(ENROL).session(Told([reply(401)]), {}).call("enrol", FAMILY).outcome == "logged out"


def test_a_reviewer_logs_in_by_the_step_of_reviewers(bench: Bench) -> None:
    """A reviewer's call that is logged out takes reviewer_log_in."""
    take = {
        "workflowId": "take",
        "steps": [{**LISTED["steps"][0], "outputs": {"id": "$response.body#/id"}}],
        "outputs": {"application": "$steps.s.outputs.id"},
    }
    log_in = {**LOG_IN, "workflowId": "reviewer_log_in"}
    browser = Told(
        [
            reply(200, {"token": "t"}),
            reply(200, {"id": 4}),
            reply(401),
            reply(200, {"token": "u"}),
            reply(200, {"id": 5}),
        ]
    )
    session, given = bench(take, log_in).session(browser, {}), {"user_name": "r", "password": "p", "desk": "first"}
    assert [session.call("take", given).outputs for _ in range(2)] == [{"application": 4}, {"application": 5}]
    assert _token(browser.sent[-1]) == "Bearer u"


def test_another_session_goes_on_with_what_one_remembers(bench: Bench) -> None:
    """Memory written as JSON and read again is enough for the next session, cookies included."""
    target = bench(LOG_IN, LISTED)
    first = target.session(Told([reply(200, {"token": "t"}, {"sid": "c"})]), {})
    first.call("log_in", FAMILY)
    kept = json.loads(json.dumps(first.memory))
    assert kept == {"outputs": {"log_in": {"token": "t"}}, "cookies": {"sid": "c"}}
    browser = Told([reply(200)])
    assert target.session(browser, kept).call("enrol", FAMILY).outcome == "done"
    assert _token(browser.sent[0]) == "Bearer t"
    assert kept == {"outputs": {"log_in": {"token": "t"}}, "cookies": {"sid": "c"}}


def test_the_latest_output_of_a_name_counts(bench: Bench) -> None:
    """Of two workflows that give an output of one name, the one that was done last counts; inputs count before both."""
    one = {**LOG_IN, "workflowId": "register"}
    target = bench(one, LOG_IN, LISTED)
    browser = Told([reply(200, {"token": "a"}), reply(200, {"token": "b"}), reply(200)])
    session = target.session(browser, {})
    for step in ("log_in", "register", "enrol"):
        session.call(step, FAMILY)
    session.call("enrol", {**FAMILY, "token": "own"})
    assert [_token(request) for request in browser.sent[2:]] == ["Bearer b", "Bearer own"]


def test_a_failed_step_leaves_no_outputs_behind(bench: Bench) -> None:
    """Outputs of a step that failed are handed back but not remembered."""
    tests = [{"condition": "$statusCode == 200"}]
    failing = {**LOG_IN, "steps": [{**LOG_IN["steps"][0], "successCriteria": tests}]}
    session = bench(failing).session(Told([reply(418, {"token": "t"})]), {})
    assert session.call("log_in", FAMILY).outputs == {"token": "t"}
    assert session.memory["outputs"] == {}


# --- words ---


def _status(bench: Bench, word: Any, **more: Any) -> tuple[str, Any, str]:
    session = bench(PROGRESS, **more).session(Told([reply(200, {"status": word})]), {})
    answer = session.call("progress", FAMILY)
    return answer.outcome, answer.outputs.get("status"), answer.reason


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("in review", "in review"),
        ("Approved", "approved"),
        ("PENDING", "in review"),
        (2, "approved"),
        (True, "rejected"),
    ],
)
def test_words_of_status_are_canbaos(bench: Bench, word: Any, status: str) -> None:
    """The deployment's words, numbers too, are mapped to canbao's; its own words are known in any case."""
    words = {"status": {"in review": ["pending", "CHECKING"], "approved": [2], "rejected": [True]}}
    assert _status(bench, word, **{"x-canbao": words}) == ("done", status, "")


def test_an_unknown_word_of_status_is_a_failure(bench: Bench) -> None:
    """A word that nobody mapped is told."""
    assert _status(bench, "lost") == ("failed", "lost", "unknown status 'lost'")


@pytest.mark.parametrize(
    ("text", "form", "moment"),
    [
        ("2026-01-05T10:23:31+08:00", None, "2026-01-05T10:23:31"),
        ("2026-01-05T02:23:31Z", None, "2026-01-05T10:23:31"),
        ("2026-01-05 10:23", None, "2026-01-05T10:23:00"),
        ("05/01/2026 10:23", "%d/%m/%Y %H:%M", "2026-01-05T10:23:00"),
        (86_400.5, None, 86_400.5),
        (None, None, None),
        ("soon", None, None),
    ],
)
def test_the_moment_of_a_decision_is_local_time(bench: Bench, text: Any, form: str | None, moment: Any) -> None:
    """A moment with a zone is brought to the scenario's, one in another form is read by it, seconds stay."""
    one = {
        **PROGRESS,
        "steps": [{**PROGRESS["steps"][0], "outputs": {"status": "$response.body#/s", "at": "$response.body#/at"}}],
        "outputs": {**PROGRESS["outputs"], "decided_at": "$steps.s.outputs.at"},
    }
    more = {"x-canbao": {"words": {"decided_at": form}}} if form else {}
    session = bench(one, **more).session(Told([reply(200, {"s": "approved", "at": text})]), {})
    assert session.call("progress", FAMILY).outputs["decided_at"] == moment


def test_inputs_are_written_in_the_deployments_words(bench: Bench) -> None:
    """Words of inputs and formats of dates are the deployment's; a workflow's go before the document's."""
    payload = {name: f"$inputs.{name}" for name in ("kind", "child_sex", "child_birth")}
    body = {"contentType": "application/json", "payload": payload}
    step = {"stepId": "s", "operationId": "add_child", "requestBody": body}
    words = {"kind": {"pupil": 3, "newborn": 1}, "child_sex": {"Male": "M"}, "child_birth": "%d/%m/%Y"}
    one = {"workflowId": "enrol", "steps": [step], "x-canbao": {"words": {"child_sex": {"male": "1"}}}}
    browser = Told([reply()])
    bench(one, **{"x-canbao": {"words": words}}).session(browser, {}).call("enrol", FAMILY)
    assert json.loads(browser.sent[0].body) == {"kind": 3, "child_sex": "1", "child_birth": "31/01/2019"}
    assert dt.date.fromisoformat(FAMILY["child_birth"]).day == 31


# --- inputs of the target ---


def test_inputs_of_the_target_and_secrets_are_supplied(bench: Bench) -> None:
    """What target.toml names is an input, a secret comes from the environment, and neither is remembered."""
    payload = {"district": "$inputs.district", "code": "$inputs.code"}
    body = {"contentType": "application/json", "payload": payload}
    one = {"workflowId": "enrol", "steps": [{"stepId": "s", "operationId": "add_child", "requestBody": body}]}
    settings = 'name = "x"\n[inputs]\ndistrict = "999999"\n[secrets]\ncode = "MY_CODE"\n'
    bench.environment = {"MY_CODE": "open sesame"}
    browser = Told([reply()])
    target = bench(one, settings=settings)
    session = target.session(browser, {})
    assert session.call("enrol", FAMILY).outcome == "done"
    assert json.loads(browser.sent[0].body) == {"district": "999999", "code": "open sesame"}
    assert "sesame" not in json.dumps(session.memory) + repr(target)
    bench.environment = {}
    answer = bench(one, settings=settings).session(Told([reply()]), {}).call("enrol", FAMILY)
    assert (answer.outcome, answer.reason) == ("failed", "the environment variable MY_CODE is not set")
