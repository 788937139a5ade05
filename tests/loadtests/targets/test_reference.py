"""The reference target: a family and two reviewers go through the real service, by its documents alone."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.loadtests.conftest import told_by
from tests.loadtests.targets.conftest import Plain

from canbao.calendar import Horizon
from canbao_loadtests.applicants import Applicants
from canbao_loadtests.http.client import Client
from canbao_loadtests.http.safety import Safety
from canbao_loadtests.targets import Answer, ArazzoTarget, load_target

REFERENCE = Path(__file__).parents[3] / "loadtests" / "targets" / "reference"
CODE = {"CANBAO_REVIEWER_CODE": "open sesame"}
PICTURE = {"paper_image": b"\x89PNG sample", "paper_type": "image/png", "paper_name": "paper.png"}
GIVEN: dict[str, dict[str, Any]] = {
    "choose_payment": {"payment_way": "alipay"},
    "pay": {"payment_way": "alipay", "idempotency_key": "pay-1"},
    "submit": {"idempotency_key": "submit-1"},
    "activate_card": {"card_password": "123456"},
    "settle": {"bill_yuan": 1200.0, "idempotency_key": "bill-1"},
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the reference service, reviewed by people, with a working day of half a second."""
    data = tmp_path_factory.mktemp("reference")
    options = [
        "--port",
        "0",
        "--data",
        str(data),
        "--password-cost",
        "1",
        "--working-day",
        "0.5 s",
        "--reviews",
        "people",
    ]
    command = [sys.executable, "-m", "canbao", "serve", "--json", *options, "--set", "review.precheck=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **CODE}) as service:
        yield told_by(service)["url"]
        service.send_signal(signal.SIGINT)
        service.wait()


@pytest.fixture(scope="module")
def target() -> ArazzoTarget:
    """Read the reference target."""
    return load_target(REFERENCE, CODE, time.sleep)


class Person:
    """A family or a reviewer, with a session."""

    def __init__(self, target: ArazzoTarget, url: str, known: dict[str, Any]) -> None:
        self.session, self.known = target.session(Plain(url), {}), known

    def __call__(self, step: str, **given: Any) -> Answer:
        return self.session.call(step, {**self.known, **GIVEN.get(step, {}), **given})

    def done(self, step: str, **given: Any) -> Answer:
        """Take a step that must succeed; wait where the service is not ready."""
        for _ in range(200):
            answer = self(step, **given)
            if answer.outcome != "not ready":
                break
            time.sleep(min(answer.retry_after_s or 0.05, 0.2))
        assert answer.outcome == "done", (step, answer)
        return answer


def family(target: ArazzoTarget, url: str, number: int) -> Person:
    """Give a family of its own."""
    today = dt.date(2026, 1, 1)
    return Person(target, url, dict(Applicants({}, Horizon(today, today), 7, run=url).of(number)))


def handed_in(one: Person, target: ArazzoTarget) -> None:
    """Take a family as far as the review."""
    for step in ("register", "log_in", "enrol"):
        one.done(step)
    for paper in target.papers:
        one.done("upload_paper", paper=paper, **PICTURE)
    one.done("choose_payment")
    for key in range(20):  # a debit fails now and then
        if one("pay", idempotency_key=f"pay-{key}").outcome == "done":
            break
    one.done("submit")


def reviewer(target: ArazzoTarget, url: str, name: str) -> Person:
    """Give a reviewer with an account."""
    one = Person(target, url, {"user_name": name, "password": "password-123"})
    one.done("reviewer_register")
    return one


def test_a_family_and_two_reviewers_go_through_the_whole_flow(target: ArazzoTarget, url: str) -> None:
    """Every step of the flow is taken at the real service: a return, a correction, an approval, card and first bill."""
    one = family(target, url, 1)
    handed_in(one, target)
    assert one.done("progress").outputs["status"] == "in review"
    first, second = reviewer(target, url, "first-1"), reviewer(target, url, "second-1")
    mine = one.session.memory["outputs"]["enrol"]["application"]

    def review(who: Person, desk: str, verdict: str) -> None:
        assert who.done("take", desk=desk).outputs["application"] == mine
        given = {"desk": desk, "application": mine, "verdict": verdict, "fault": "incomplete papers"}
        who.done("decide", **given)

    review(first, "acceptance", "pass")
    review(first, "first", "return")
    told = one.done("progress").outputs
    assert (told["status"], told["reason"]) == ("returned", "incomplete papers")
    one.done("correct")
    one.done("submit", idempotency_key="submit-2")
    review(first, "acceptance", "pass")
    review(first, "first", "pass")
    review(second, "second", "pass")
    told = one.done("progress").outputs
    assert told["status"] == "approved"
    assert dt.datetime.fromisoformat(told["decided_at"]).tzinfo is None
    for step in ("credential", "order_card", "collect_card", "activate_card", "settle"):
        one.done(step)
    assert first("take", desk="first").outcome == "not ready"


def test_a_session_that_has_lost_its_token_goes_on(target: ArazzoTarget, url: str) -> None:
    """With a token that the service does not know the session logs in again; another session goes on from memory."""
    one = family(target, url, 2)
    for step in ("register", "log_in", "enrol"):
        one.done(step)
    memory = json.loads(json.dumps(one.session.memory))
    memory["outputs"]["log_in"]["token"] = "1.family.0.00"
    again = target.session(Plain(url), memory)
    assert again.call("progress", one.known).reason == "unknown status 'draft'"
    assert again.memory["outputs"]["log_in"]["token"] != "1.family.0.00"


@pytest.mark.parametrize(
    ("rule", "outcome", "reason"),
    [
        ({"status": 500}, "failed", "status 500"),
        ({"status": 429, "headers": {"Retry-After": "3"}}, "not ready", "status 429"),
        ({"raw": "this is not HTTP\r\n\r\n", "then": "close"}, "failed", "garbage"),
        ({"passed_on": True, "cut": 20, "then": "reset"}, "failed", "reset"),
        ({"status": 201, "headers": {"Content-Type": "application/json"}, "body": '{"applic'}, "failed", "garbage"),
        (
            {"status": 201, "headers": {"Content-Type": "application/json"}, "body": "[]"},
            "failed",
            "no output application",
        ),
    ],
)
def test_whatever_the_network_does_a_step_ends(
    target: ArazzoTarget, url: str, start_faulty: Any, rule: dict[str, Any], outcome: str, reason: str
) -> None:
    """Between a browser and the service anything may break: the step says how it ended, and the next works."""
    between = start_faulty(behind=url)
    client = Client(between.url, Safety(), timeout_s=10)
    try:
        one = family(target, url, 100 + len(json.dumps(rule)))
        one.session = target.session(client.browser({}, lambda _: None), {})
        one.done("register")
        one.done("log_in")
        between.faults({"match": "POST /applications", "times": 1, **rule})
        answer = one("enrol")
        assert (answer.outcome, answer.reason) == (outcome, reason)
        one.done("enrol")
    finally:
        client.close()


def test_refusals_and_wrong_passwords_are_told(target: ArazzoTarget, url: str) -> None:
    """A second account of one name, a wrong password, and a step out of turn fail with their status."""
    one = family(target, url, 3)
    one.done("register")
    assert one("register").reason == "status 409"
    one.known["password"] = "wrong-password"
    assert (one("log_in").outcome, one("log_in").reason) == ("failed", "status 401")
    assert one("enrol").reason == "log_in: status 401"


def test_without_the_code_reviewers_stay_out(url: str) -> None:
    """Where the environment lacks the code, the step says which variable is missing."""
    answer = Person(load_target(REFERENCE, {}, time.sleep), url, {"user_name": "r", "password": "p"})(
        "reviewer_register"
    )
    assert answer.reason == "the environment variable CANBAO_REVIEWER_CODE is not set"
