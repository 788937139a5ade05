"""What became of the families, on paper."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from canbao.assembly.review import REVIEW
from canbao.measures.enrolment import deadlines, fates, hours_spent, newborns, spent
from canbao.trace import Trace

NAN, INF = math.nan, math.inf
Maker = Callable[..., Trace]

FAMILIES: list[dict[str, Any]] = [
    {"arrival": 0.0, "finished": 10.0, "submitted": 4.0, "kind": "pupil", "deadline_s": 50.0},
    {"arrival": 1.0, "finished": 61.0, "submitted": 50.0, "kind": "pupil", "deadline_s": 50.0},
    {
        "arrival": 2.0,
        "finished": 9.0,
        "outcome": "gave up",
        "kind": "pupil",
        "deadline_s": 50.0,
        "last_channel": "portal",
    },
    {
        "arrival": 3.0,
        "finished": 53.0,
        "outcome": "too late",
        "kind": "newborn",
        "deadline_s": INF,
        "first_channel": "portal",
    },
    {"arrival": 4.0, "submitted": 51.0, "outcome": "inside", "kind": "pre-school", "deadline_s": 50.0},
    {"arrival": 5.0, "outcome": "inside", "kind": "pre-school", "deadline_s": 50.0, "first_channel": "none"},
]
STATIONS = {"hall": "office", "portal": "portal", "review.first": REVIEW}


@pytest.fixture
def season(by_hand: Maker) -> Trace:
    """Give the six families, numbered 10, 20 and so on, with a few visits."""
    visits = [
        (10, "hall", 0.0, 1.0, 4.0, "served"),
        (10, "review.first", 4.0, 5.0, 9.0, "served"),
        (20, "portal", 1.0, 2.0, 3.0, "served"),
        (20, "portal", 20.0, NAN, 26.0, "abandoned"),
        (60, "hall", 40.0, NAN, NAN, "inside"),
    ]
    rows = [{**row, "family": 10 * (number + 1)} for number, row in enumerate(FAMILIES)]
    rows[0] |= {"trips": 2, "effort_s": 3600.0}
    rows[1] |= {"effort_s": 1800.0}
    return by_hand(rows, visits, until=100.0, stations=STATIONS)


# --- fates ---


def test_every_family_is_counted_once(season: Trace) -> None:
    """Arrived is finished plus inside, and the outcomes add up to all; who is inside is not dropped."""
    said = fates(season)
    assert {name: said[name] for name in ("arrived", "finished", "inside", "enrolled", "changed_channel")} == {
        "arrived": 6,
        "finished": 4,
        "inside": 2,
        "enrolled": 2,
        "changed_channel": 1,
    }
    assert said["outcomes"] == {"enrolled": 2, "gave up": 1, "too late": 1, "inside": 2}


def test_outcomes_are_told_by_channel_and_by_kind(season: Trace) -> None:
    """Each way to tell families apart adds up to all of them; labels that nobody has are left out."""
    by = fates(season)["outcomes_by"]
    assert by["channel"] == {
        "office": {"enrolled": 2, "gave up": 1, "inside": 1},
        "portal": {"too late": 1},
        "none": {"inside": 1},
    }
    assert by["kind"]["pupil"] == {"enrolled": 2, "gave up": 1}
    assert all(sum(sum(counts.values()) for counts in groups.values()) == 6 for groups in by.values())


def test_time_in_system_is_that_of_those_who_left(season: Trace) -> None:
    """Families inside have none yet."""
    times = fates(season)["time_in_system_s"]
    assert times["all"]["count"] == 4
    assert times["all"]["mean"] == pytest.approx((10 + 60 + 7 + 50) / 4)
    assert times["channel"]["portal"]["max"] == 50.0
    assert "pre-school" not in times["kind"]


# --- the deadline ---


def test_the_deadline_is_met_by_handing_in_not_by_being_enrolled(season: Trace) -> None:
    """At the deadline is in time, a second later is not; who has no deadline does not count."""
    said: Any = deadlines(season)
    assert {name: said[name] for name in ("families", "in_time", "missed", "undecided")} == {
        "families": 5,
        "in_time": 2,
        "missed": 3,
        "undecided": 0,
    }
    assert said["in_time_share"] == 0.4
    assert said["enrolled_by_deadline"] == 1  # to give up by then is not to be enrolled
    assert said["missed_by_outcome"] == {"gave up": 1, "inside": 2}
    assert said["missed_by"]["kind"] == {
        "pupil": {"missed": 1, "of": 3},
        "pre-school": {"missed": 2, "of": 2},
    }


def test_without_deadlines_there_is_nothing_to_tell(by_hand: Maker) -> None:
    """No such column, or nobody who has one."""
    assert deadlines(by_hand([{"arrival": 0.0}], until=9.0, stations=STATIONS)) is None
    assert deadlines(by_hand([{"arrival": 0.0, "deadline_s": INF}], until=9.0, stations=STATIONS)) is None
    assert deadlines(by_hand([], until=9.0, stations=STATIONS)) is None


def test_who_can_still_make_it_has_not_missed_the_deadline(by_hand: Maker) -> None:
    """At the end of a horizon before the deadline: handed in is in time, gone is missed, on the way is undecided."""
    rows = [
        {"arrival": 0.0, "submitted": 5.0, "outcome": "inside"},
        {"arrival": 0.0, "outcome": "inside"},
        {"arrival": 0.0, "outcome": "inside"},
        {"arrival": 0.0, "finished": 7.0, "outcome": "gave up"},
    ]
    trace = by_hand([{**row, "deadline_s": 200.0} for row in rows], until=100.0, stations=STATIONS)
    said: Any = deadlines(trace)
    assert (said["families"], said["in_time"], said["missed"], said["undecided"]) == (2, 1, 1, 2)
    assert said["in_time_share"] == 0.5
    waiting = by_hand([{**rows[1], "deadline_s": 200.0}], until=100.0, stations=STATIONS)
    assert deadlines(waiting) is None


# --- newborns ---


def test_newborns_are_insured_from_birth_if_handed_in_in_time_and_enrolled(by_hand: Maker) -> None:
    """In time and enrolled; enrolled later; still inside; and those who are not enrolled. Others are no newborns."""
    rows = [
        {"arrival": 0.0, "submitted": 50.0, "newborn_until_s": 50.0},
        {"arrival": 0.0, "submitted": 51.0, "newborn_until_s": 50.0},
        {"arrival": 0.0, "submitted": 10.0, "newborn_until_s": 50.0, "outcome": "inside"},
        {"arrival": 0.0, "submitted": 10.0, "newborn_until_s": 50.0, "outcome": "inside", "enrolled": 40.0},
        {"arrival": 0.0, "submitted": 10.0, "newborn_until_s": 50.0, "outcome": "rejected"},
        {"arrival": 0.0, "newborn_until_s": 50.0, "outcome": "gave up"},
        {"arrival": 0.0, "submitted": 10.0, "newborn_until_s": NAN},
    ]
    assert newborns(by_hand(rows, until=99.0, stations=STATIONS)) == {
        "families": 6,
        "from_birth": 2,  # one of them waits for its card
        "later": 1,
        "in_process": 1,
        "not_enrolled": 2,
        "from_birth_share": 0.4,
    }


def test_newborns_who_are_all_inside_have_no_share_yet(by_hand: Maker) -> None:
    """None of nothing; and without newborns there is nothing to tell."""
    inside = [{"arrival": 0.0, "newborn_until_s": 50.0, "outcome": "inside"}]
    said: Any = newborns(by_hand(inside, until=99.0, stations=STATIONS))
    assert said["from_birth_share"] is None
    assert newborns(by_hand([{"arrival": 0.0, "newborn_until_s": NAN}], until=9.0, stations=STATIONS)) is None
    assert newborns(by_hand([{"arrival": 0.0}], until=9.0, stations=STATIONS)) is None


# --- what it cost ---


def test_a_familys_hours_are_its_stays_and_ways_but_not_the_review(season: Trace) -> None:
    """Stays at channels, until the end for who is there still, and effort; the back office takes none of their time."""
    said = spent(season, hours_spent(season, REVIEW))
    seconds = np.array([4.0 + 3600.0, 2.0 + 6.0 + 1800.0, 0.0, 0.0, 0.0, 60.0])
    assert said["hours"]["total"] == pytest.approx(seconds.sum() / 3600)
    assert said["hours"]["all"]["max"] == pytest.approx(seconds[0] / 3600)
    assert said["hours"]["kind"]["pupil"]["mean"] == pytest.approx(seconds[:3].mean() / 3600)
    assert said["hours"]["channel"]["none"]["mean"] == pytest.approx(60 / 3600)
    assert said["trips"]["all"]["mean"] == pytest.approx(2 / 6)
    assert said["trips"]["channel"]["office"]["max"] == 2


def test_nobody_spends_nothing(by_hand: Maker) -> None:
    """A season without families, or without a review, is told all the same."""
    empty = by_hand([], until=9.0, stations=STATIONS)
    assert spent(empty, hours_spent(empty, REVIEW))["hours"] == {
        "all": fates(empty)["time_in_system_s"]["all"],
        "total": 0.0,
        "channel": {},
    }
    one = by_hand([{"arrival": 0.0}], [(0, "hall", 0.0, 0.0, 7200.0, "served")], until=9e9, stations={"hall": "office"})
    assert spent(one, hours_spent(one, REVIEW))["hours"]["total"] == 2.0
    assert fates(empty)["arrived"] == 0
    assert newborns(empty) is None
