"""Rounds of review: working days by the Civil Code, what could be watched, the flow of each date."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.assembly.review import INTAKE, REVIEW
from canbao.calendar import WHOLE_DAY, Calendar, Horizon, working_days
from canbao.columns import Coded
from canbao.measures.reviews import Rounds, review_flow, review_rounds, review_times
from canbao.trace import Trace

NAN = math.nan
DAY_S = 86_400.0
HORIZON = Horizon(dt.date(2025, 9, 25), dt.date(2025, 10, 15))  # Thursday to Wednesday, the National Day in between
WORKING = working_days(HORIZON)
OFFICE_DAYS = Calendar.build(HORIZON, [(WORKING, WHOLE_DAY)])
STATIONS = {"portal": "portal", INTAKE: REVIEW, "review.acceptance": REVIEW, "review.first": REVIEW}


def _at(text: str) -> float:
    """Read a moment, `09-26 17:00`."""
    return HORIZON.seconds(dt.datetime.fromisoformat(f"2025-{text}"))


def _round(family: int, submitted: str, *desks: str | None) -> list[tuple[Any, ...]]:
    """Make the visits of a round: handed in, then at each desk until a moment; None for a desk that has not decided."""
    moments = [_at(submitted), *(NAN if desk is None else _at(desk) for desk in desks)]
    names = ("review.acceptance", "review.first")
    rows: list[tuple[Any, ...]] = [(family, INTAKE, moments[0], moments[0], moments[0], "served")]
    for name, (enter, leave) in zip(names, pairwise(moments), strict=False):
        rows.append((family, name, enter, enter, leave, "inside" if math.isnan(leave) else "served"))
    return rows


Maker = Callable[..., Trace]


def _rounds(by_hand: Maker, families: int, *visits: tuple[Any, ...], channels: tuple[str, ...] = ()) -> Rounds:
    rows = [{"arrival": 0.0, "first_channel": channels[i] if channels else "office"} for i in range(families)]
    trace = by_hand(rows, visits, until=HORIZON.end_s, stations=STATIONS)
    return review_rounds(trace, REVIEW, INTAKE, OFFICE_DAYS)


@pytest.mark.parametrize(
    ("submitted", "decided", "days"),
    [
        ("09-25 09:00", "09-25 16:00", 0),  # the same day
        ("09-25 16:59", "09-26 08:31", 1),  # over one night
        ("09-26 17:00", "09-28 09:00", 1),  # Friday evening to the make-up Sunday
        ("09-26 17:00", "09-29 09:00", 2),  # and to Monday
        ("09-27 12:00", "09-28 09:00", 1),  # handed in on Saturday
        ("09-27 12:00", "09-27 12:00", 0),
        ("09-30 16:00", "10-09 09:00", 1),  # over the National Day
        ("10-04 20:00", "10-09 09:00", 1),  # handed in during the holidays
        ("09-30 16:00", "10-11 09:00", 3),  # to the make-up Saturday
        ("10-10 16:00", "10-13 09:00", 2),  # Friday to Monday, with that Saturday between
        ("10-11 16:00", "10-12 09:00", 0),  # decided on a Sunday: no working day has passed
        ("10-11 16:00", "10-13 09:00", 1),
    ],
)
def test_the_day_of_submission_does_not_count(submitted: str, decided: str, days: int, by_hand: Maker) -> None:
    """Working days by art. 201 of the Civil Code: make-up days count, weekends and holidays do not."""
    rounds = _rounds(by_hand, 1, *_round(0, submitted, decided))
    assert rounds.working_days.tolist() == [days]


moments = st.integers(0, HORIZON.days * 24 - 1)


@given(moments, moments)
def test_working_days_are_dates_counted_one_by_one(a: int, b: int) -> None:
    """Any two hours of the horizon: as many working dates lie behind the first date, up to the second."""
    start, end = sorted([a, b])
    dates = [date for date, works in zip(HORIZON.dates(), WORKING, strict=True) if works]
    first, last = HORIZON.date(start * 3600.0), HORIZON.date(end * 3600.0)
    days = OFFICE_DAYS.day_number(end * 3600.0) - OFFICE_DAYS.day_number(start * 3600.0)
    assert days == sum(first < date <= last for date in dates)


def test_from_a_plain_friday_evening_to_monday_is_one_day(by_hand: Maker) -> None:
    """On a weekend without make-up days."""
    horizon = Horizon(dt.date(2025, 11, 3), dt.date(2025, 11, 30))
    days = Calendar.build(horizon, [(working_days(horizon), WHOLE_DAY)])
    friday, monday = (horizon.seconds(dt.datetime(2025, 11, day, hour)) for day, hour in ((7, 20), (10, 8)))
    rows = [(0, INTAKE, friday, friday, friday, "served"), (0, "review.first", friday, monday, monday, "served")]
    trace = by_hand([{"arrival": 0.0}], rows, until=horizon.end_s, stations=STATIONS)
    assert review_rounds(trace, REVIEW, INTAKE, days).working_days.tolist() == [1]


def test_each_correction_is_a_round_of_its_own(by_hand: Maker) -> None:
    """Handed in three times with two corrections: three rounds, each decided when its last desk let go."""
    rounds = _rounds(
        by_hand,
        2,
        (0, "portal", 0.0, 0.0, 9.0, "served"),
        *_round(0, "09-25 09:00", "09-25 10:00"),  # returned by acceptance
        (0, "portal", _at("09-26 08:00"), _at("09-26 08:00"), _at("09-26 08:01"), "served"),
        *_round(0, "09-26 09:00", "09-26 10:00", "09-29 10:00"),  # returned by the first review
        *_round(0, "09-30 09:00", "09-30 10:00", "10-10 10:00"),
        *_round(1, "09-25 12:00", "09-25 13:00", None),  # still at the first review
    )
    assert rounds.family.tolist() == [0, 0, 0, 1]
    assert rounds.submitted.tolist() == [_at(t) for t in ("09-25 09:00", "09-26 09:00", "09-30 09:00", "09-25 12:00")]
    decided = [_at("09-25 10:00"), _at("09-29 10:00"), _at("10-10 10:00"), NAN]
    np.testing.assert_array_equal(rounds.decided, decided)
    np.testing.assert_array_equal(rounds.working_days, [0, 2, 2, NAN])


def test_what_ends_at_the_intake_is_decided_there(by_hand: Maker) -> None:
    """A duplicate never reaches a desk."""
    rounds = _rounds(by_hand, 1, *_round(0, "09-25 09:00"))
    assert rounds.decided.tolist() == [_at("09-25 09:00")]
    assert rounds.working_days.tolist() == [0]


def test_only_rounds_that_were_watched_long_enough_count(by_hand: Maker) -> None:
    """The horizon ends on Wednesday: of what came on Tuesday nobody can say whether it takes two days."""
    rounds = _rounds(
        by_hand,
        4,
        *_round(0, "10-13 09:00", "10-13 10:00", "10-14 10:00"),  # Monday, decided after 1 day
        *_round(1, "10-13 09:00", "10-13 10:00", "10-15 10:00"),  # Monday, after 2
        *_round(2, "10-14 09:00", "10-14 10:00", "10-15 10:00"),  # Tuesday, after 1
        *_round(3, "10-14 09:00", "10-14 10:00", None),  # Tuesday, open
    )
    assert rounds.observed.tolist() == [2, 2, 1, 1]
    assert rounds.share_within(1) == 2 / 4
    assert rounds.share_within(2) == 2 / 2  # only Monday's two could be watched for 2 days
    assert rounds.share_within(3) is None
    assert rounds.share_within(0) == 0.0
    assert rounds.share_within(1, np.array([True, False, True, False])) == 1.0
    assert rounds.share_within(1, np.zeros(4, dtype=bool)) is None


def test_open_rounds_that_were_watched_count_as_not_decided(by_hand: Maker) -> None:
    """An old application that is still open is no excuse."""
    rounds = _rounds(by_hand, 2, *_round(0, "09-25 09:00", None), *_round(1, "09-25 09:00", "09-25 10:00"))
    assert [rounds.share_within(days) for days in (1, 5, 9)] == [0.5, 0.5, 0.5]


def test_asking_does_not_change_the_rounds(by_hand: Maker) -> None:
    """A measure leaves what it looks at as it is."""
    rounds = _rounds(by_hand, 2, *_round(0, "09-25 09:00", None), *_round(1, "09-25 09:00", "09-25 10:00"))
    before = replace(rounds, observed=rounds.observed.copy())
    rounds.share_within(1, np.array([True, False]))
    assert rounds.observed.tolist() == before.observed.tolist()
    assert rounds.share_within(1) == 0.5


def test_times_are_described_with_every_promise(by_hand: Maker) -> None:
    """Counts, working days of the decided, their distribution, and the share inside each promise up to the longest."""
    rounds = _rounds(
        by_hand,
        4,
        *_round(0, "09-25 09:00", "09-25 10:00"),
        *_round(1, "09-25 09:00", "09-26 10:00"),
        *_round(2, "09-25 09:00", "09-29 10:00"),
        *_round(3, "09-25 09:00", None),
        channels=("office", "office", "portal", "portal"),
    )
    said = review_times(rounds, 4)
    assert (said["rounds"], said["open"]) == (4, 1)
    assert said["distribution"] == [1, 1, 0, 1]
    assert said["working_days"]["mean"] == pytest.approx(4 / 3)
    assert said["within"] == {"1": 0.5, "2": 0.5, "3": 0.75, "4": 0.75}
    portal = review_times(rounds, 1, rounds.channel.has("portal"))
    assert (portal["rounds"], portal["open"], portal["within"]) == (2, 1, {"1": 0.0})


def test_the_flow_of_each_date_adds_up(by_hand: Maker) -> None:
    """Handed in less decided is what piles up; the throughput looks at working days only."""
    rounds = _rounds(
        by_hand,
        4,
        *_round(0, "09-25 09:00", "09-26 10:00"),
        *_round(1, "09-25 23:59", "10-09 10:00"),
        *_round(2, "09-27 12:00", "09-28 10:00"),
        *_round(3, "10-15 12:00", None),
    )
    flow = review_flow(rounds, HORIZON.days, OFFICE_DAYS)
    dates = [f"{date:%m-%d}" for date in HORIZON.dates()]
    handed_in = {date: count for date, count in zip(dates, flow["handed_in"], strict=True) if count}
    decided = {date: count for date, count in zip(dates, flow["decided"], strict=True) if count}
    backlog = dict(zip(dates, flow["backlog"], strict=True))
    assert handed_in == {"09-25": 2, "09-27": 1, "10-15": 1}
    assert decided == {"09-26": 1, "09-28": 1, "10-09": 1}
    listed = ("09-25", "09-26", "09-27", "09-28", "10-08", "10-09", "10-15")
    assert [backlog[date] for date in listed] == [2, 1, 2, 1, 1, 0, 1]
    assert flow["throughput_a_working_day"]["count"] == int(WORKING.sum())
    assert flow["throughput_a_working_day"]["mean"] == pytest.approx(3 / WORKING.sum())


def test_a_season_without_a_review_has_no_rounds(by_hand: Maker) -> None:
    """Nothing handed in is nothing to describe, and no error."""
    rounds = _rounds(by_hand, 1, (0, "portal", 0.0, 0.0, 9.0, "served"))
    said = review_times(rounds, 2)
    assert (said["rounds"], said["open"], said["distribution"]) == (0, 0, [0])
    assert said["within"] == {"1": None, "2": None}
    assert sum(review_flow(rounds, HORIZON.days, OFFICE_DAYS)["handed_in"]) == 0


_days = st.integers(0, 30)


@given(st.lists(st.tuples(_days, st.one_of(st.none(), _days)), max_size=30), st.integers(1, 25))
def test_all_promises_at_once_are_each_promise_by_itself(rounds: list[tuple[int, int | None]], longest: int) -> None:
    """Watched for any time, decided after any time or open: one table of counts says the same as twenty looks."""
    observed, took = (np.array([NAN if pair[i] is None else pair[i] for pair in rounds], dtype=float) for i in (0, 1))
    none = np.zeros(len(rounds))
    made = Rounds(none.astype(int), none, none, took, observed, Coded(none.astype(int), ("office",)))
    assert made.shares_within(longest) == {str(days): made.share_within(days) for days in range(1, longest + 1)}
