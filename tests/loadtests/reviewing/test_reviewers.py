"""Reviewers at the reference service, over HTTP."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent
import pytest

from canbao.errors import InputError
from canbao.luck import Luck
from canbao_loadtests.clock import LoadClock
from canbao_loadtests.http.client import Client
from canbao_loadtests.http.exchange import Exchange
from canbao_loadtests.http.messages import Browser
from canbao_loadtests.http.safety import Safety
from canbao_loadtests.reviewing.desks import review_desks
from canbao_loadtests.reviewing.reviewers import Post, Reviewers
from canbao_loadtests.targets import load_target

CODE = "open sesame"
HOUR = 3600.0
REFERENCE = Path(__file__).parents[3] / "loadtests" / "targets" / "reference"
SURE = {"incomplete": 0.0, "mismatch": 0.0, "refused": 0.0}
STEADY = {"kind": "lognormal", "mean": "240 s", "cv": 0.2}


def wait_until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    """Wait for something that comes, and let greenlets work meanwhile."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        gevent.sleep(0.02)


@contextmanager
def reviewing(
    office: Any, *, code: str = CODE, record: Callable[[Exchange], None] = lambda _: None, **post: Any
) -> Iterator[Reviewers]:
    """Let the reviewers of the office's scenario work."""
    client = Client(office.url, Safety(), timeout_s=20)
    target = load_target(REFERENCE, {"CANBAO_REVIEWER_CODE": code})
    where = Post(office.clock, Luck(1), poll_s=0.05, **post)
    reviewers = Reviewers(review_desks(office.file), target, lambda: client.browser({}, record), where)
    reviewers.start()
    try:
        yield reviewers
    finally:
        reviewers.stop()
        client.close()


@pytest.mark.alone
def test_they_get_through_their_number_times_their_speed(start_office: Any) -> None:
    """Twelve reviewers, 240 s an application, an hour and a half: as many decisions, within 5 %, as the database has.

    The times of work scatter by 20 %, so that chance makes 1 % of it.
    """
    review = {**SURE, "second": {"staff": 12, "service": STEADY}}
    with start_office(review, day_s=96.0, begins="2025-12-01T08:30") as office:
        office.fill("second", 700)
        with reviewing(office) as reviewers:
            wait_until(lambda: reviewers.tallies["second"].reviewers == 12)
            begin = office.clock.moment(time.time()) + HOUR / 6  # each is at work
            end = begin + 1.5 * HOUR
            assert end < 12 * HOUR, "the machine is too busy: they came too late"
            wait_until(lambda: office.clock.moment(time.time()) > end)
        rows = office.rows("SELECT decided FROM decisions WHERE desk = 'second'")
        tally = reviewers.tallies["second"]
        assert len(rows) == tally.passed
        assert (tally.reviewers, tally.returned, tally.lost, tally.troubles) == (12, 0, 0, {})
        found = sum(begin <= decided < end for (decided,) in rows)
        assert found == pytest.approx(12 * 1.5 * HOUR / 240.0, rel=0.05)


@pytest.mark.alone
def test_nobody_works_at_noon_and_what_is_in_hand_is_finished(start_office: Any) -> None:
    """Nothing is taken between the morning's end and the afternoon; what was taken before is decided."""
    hours = ["08:30-12:00", "12:30-17:30"]
    review = {**SURE, "first": {"staff": 5, "service": STEADY, "hours": hours}, "second": {"staff": 0}}
    with start_office(review, day_s=192.0, begins="2025-12-01T11:40") as office:
        office.fill("first", 400)
        with reviewing(office):
            wait_until(lambda: office.clock.moment(time.time()) > 12.6 * HOUR)
        rows = office.rows(
            "SELECT started, decided FROM decisions UNION SELECT taken, 0 FROM applications WHERE taken > 0"
        )
        taken = [started / HOUR for started, _ in rows]
        assert min(taken) < 12.0
        assert max(taken) >= 12.5
        # Ten minutes are 1.3 s of real time: whoever is free just before noon may be heard of a little later.
        assert not [hour for hour in taken if 12.17 < hour < 12.5]
        assert not [decided for started, decided in rows if 12.3 < decided / HOUR < 12.5]


def test_each_application_is_reviewed_by_three_people(start_office: Any) -> None:
    """From acceptance to the second review, each by somebody else, and issued in the end."""
    review = {**SURE, **{desk: {"staff": 3, "service": STEADY} for desk in ("acceptance", "first", "second")}}
    with start_office(review, day_s=24.0, begins="2025-12-01T09:00") as office:
        office.fill("acceptance", 30)
        with reviewing(office) as reviewers:
            wait_until(lambda: reviewers.counts()["passed"] == 90)
        assert office.rows("SELECT DISTINCT status FROM applications") == [("approved",)]
        who = office.rows("SELECT count(DISTINCT reviewer), count(*) FROM decisions GROUP BY application")
        assert who == [(3, 3)] * 30
        assert reviewers.counts() == {"reviewers": 9, "passed": 90, "returned": 0, "lost": 0}


def test_what_is_wrong_is_returned_with_its_reason(start_office: Any) -> None:
    """At each desk its own fault, as often as the scenario says."""
    review = {"incomplete": 0.0, "mismatch": 1.0, "first": {"staff": 3, "service": STEADY}}
    with start_office(review, day_s=24.0, begins="2025-12-01T09:00") as office:
        office.fill("first", 10)
        with reviewing(office) as reviewers:
            wait_until(lambda: reviewers.tallies["first"].returned == 10)
        assert office.rows("SELECT DISTINCT status FROM applications") == [("returned",)]
        ((reasons,),) = office.rows("SELECT DISTINCT reasons FROM decisions")
        assert '"data mismatch"' in reasons


def test_one_looks_at_an_empty_desk_for_all(start_office: Any) -> None:
    """However many wait, an empty desk is looked at once in a while; when something comes, somebody takes it."""
    review = {**SURE, "first": {"staff": 30, "service": STEADY}}
    seen: list[Exchange] = []
    with (
        start_office(review, day_s=96.0, begins="2025-12-01T09:00") as office,
        reviewing(office, record=seen.append) as reviewers,
    ):
        wait_until(lambda: reviewers.tallies["first"].reviewers == 30)
        seen.clear()
        begun = time.monotonic()
        gevent.sleep(1.0)
        wait_until(lambda: seen)
        looks = sum(exchange.operation == "take" for exchange in seen)
        assert 0 < looks <= 3 * ((time.monotonic() - begun) / 0.05 + 5)  # three desks
        office.fill("first", 20)
        wait_until(lambda: reviewers.tallies["first"].passed == 20)


@pytest.mark.alone
def test_they_go_home_at_once_when_they_are_sent(start_office: Any) -> None:
    """A night's sleep, the work in hand and the line at an empty desk end within a second."""
    review = {**SURE, "first": {"staff": 3, "service": {"kind": "lognormal", "mean": "20 h", "cv": 0.1}}}
    with start_office(review, day_s=8640.0, begins="2025-12-01T09:00") as office:
        office.fill("first", 5)
        with reviewing(office) as reviewers:
            wait_until(lambda: office.rows("SELECT count(*) FROM applications WHERE taken_by NOT NULL") == [(3,)])
            begun = time.monotonic()
            reviewers.stop()
            assert time.monotonic() - begun < 1.0
        assert office.rows("SELECT count(*) FROM decisions") == [(0,)]


def test_two_processes_share_the_reviewers(start_office: Any) -> None:
    """Each has every second reviewer of each desk; together they are all."""
    with start_office({"first": {"staff": 5}}, day_s=96.0, begins="2025-12-01T09:00") as office:
        with reviewing(office, part=0, parts=2) as one, reviewing(office, part=1, parts=2) as other:
            wait_until(lambda: one.counts()["reviewers"] + other.counts()["reviewers"] == 9)
        assert one.tallies["first"].reviewers == 3
        assert office.rows("SELECT count(*) FROM accounts WHERE side = 'reviewer'") == [(9,)]


def test_who_is_not_let_in_is_told_of(start_office: Any) -> None:
    """With a wrong code nobody works, and the tally says why."""
    with start_office({}, day_s=96.0, begins="2025-12-01T09:00") as office:
        with reviewing(office, code="wrong") as reviewers:
            wait_until(lambda: sum(sum(tally.troubles.values()) for tally in reviewers.tallies.values()) == 12)
        assert reviewers.counts()["reviewers"] == 0
        assert "reviewer_register: status 403" in reviewers.tallies["first"].troubles


def test_a_target_without_a_reviewers_side_is_refused(second_target: Path) -> None:
    """Before the load test begins, with what is missing."""

    def nobody() -> Browser:
        raise AssertionError

    post = Post(LoadClock(0.0, 0.0, 1.0), Luck(1))
    with pytest.raises(InputError, match=r"no reviewer's side.*no workflow decide and none take"):
        Reviewers([], load_target(second_target), nobody, post)
    assert math.isfinite(post.moment())
