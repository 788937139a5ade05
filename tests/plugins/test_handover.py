"""Handing over in batches: on some working days at an hour, and never in silence nowhere."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from canbao.district import District
from canbao.plugins import Plugins, load_plugins
from canbao.testing import small_district
from canbao_plugins.handover import HandOver, by_the_deadline, moments_on

DAY_S = 86_400.0
START = dt.date(2025, 12, 1)


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins()


@pytest.fixture(scope="module")
def district(plugins: Plugins) -> District:
    """Give two months in which 1 to 3 January are off, and Sunday the 4th is a working day."""
    return small_district(plugins=plugins)


def _said(**said: Any) -> HandOver:
    return HandOver.model_validate(said)


def _dates(moments: list[float]) -> list[dt.date]:
    return [START + dt.timedelta(days=int(moment // DAY_S)) for moment in moments]


@given(
    every=st.none() | st.integers(1, 60),
    weekdays=st.lists(st.sampled_from(["Monday", "Thursday", "Saturday", "Sunday"]), unique=True),
    dates=st.lists(st.dates(dt.date(2025, 11, 1), dt.date(2026, 2, 28)), max_size=9),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
)
@settings(max_examples=60, deadline=None)
def test_moments_are_at_the_hour_of_working_days(
    every: int | None, weekdays: list[str], dates: list[dt.date], hour: int, minute: int, district: District
) -> None:
    """Whatever is said, each moment is a working day of the horizon at the hour, in order, none of them twice."""
    said = {"weekdays": weekdays, "dates": dates, "at": f"{hour:02d}:{minute:02d}", "size": 5}
    moments = _said(**said, **({"every": f"{every} working days"} if every else {})).moments(district)
    days = np.array(moments) // DAY_S
    np.testing.assert_array_equal(np.array(moments) % DAY_S, hour * 3600.0 + minute * 60.0)
    assert np.all(np.diff(days) > 0)
    assert np.all((days >= 0) & (days < district.horizon.days))
    assert district.working[days.astype(int)].all()


@given(every=st.integers(1, 45))
@settings(max_examples=20, deadline=None)
def test_between_two_hand_overs_lie_as_many_working_days_as_stated(every: int, district: District) -> None:
    """The first comes on the working day of that number, then one after each so many."""
    moments = _said(every=f"{every} working days").moments(district)
    worked = np.cumsum(district.working)[(np.array(moments) // DAY_S).astype(int)]
    assert worked.tolist() == list(range(every, int(district.working.sum()) + 1, every))


def test_a_weekday_that_is_off_is_the_next_working_day(district: District) -> None:
    """New Year's Day is a Thursday: its hand-over is on Sunday the 4th, which is worked."""
    dates = _dates(_said(weekdays=["Thursday"]).moments(district))
    thursdays = [dt.date(2025, 12, day) for day in (4, 11, 18, 25)] + [dt.date(2026, 1, day) for day in (8, 15, 22, 29)]
    assert dates == sorted([*thursdays, dt.date(2026, 1, 4)])


def test_two_dates_a_year_are_two_moments(district: District) -> None:
    """The older rule; a date beyond the horizon adds none, and a Saturday becomes a Monday."""
    rule = _said(dates=[dt.date(2025, 12, 13), dt.date(2026, 1, 20), dt.date(2026, 6, 30)], at="9:30")
    moments = rule.moments(district)
    assert _dates(moments) == [dt.date(2025, 12, 15), dt.date(2026, 1, 20)]
    assert {moment % DAY_S for moment in moments} == {9.5 * 3600}


@pytest.mark.parametrize(
    ("said", "last"),
    [
        ({"dates": [dt.date(2025, 12, 15)]}, 14 * DAY_S + 16 * 3600.0),
        ({"dates": [dt.date(2025, 12, 15), dt.date(2026, 6, 30)]}, math.inf),
        ({"dates": [dt.date(2025, 11, 15)]}, -math.inf),
        ({"dates": [dt.date(2025, 12, 15)], "size": 9}, math.inf),
        ({"weekdays": ["Friday"]}, math.inf),
        ({"every": "9 working days"}, math.inf),
        ({"longest": "3 days"}, math.inf),
    ],
)
def test_only_dates_come_to_an_end(said: dict[str, Any], last: float, district: District) -> None:
    """After the last date nothing is handed over; weeks, working days and sizes go on."""
    rule = _said(**said)
    assert rule.last(rule.moments(district), district) == last


def test_the_last_hand_overs_of_a_season_are_its_last_working_day_and_its_end(district: District) -> None:
    """The deadline is Saturday the 20th: Friday at the hour, and the midnight behind the deadline."""
    assert by_the_deadline("16:00", district) == [18 * DAY_S + 16 * 3600.0, 20 * DAY_S]


def test_a_make_up_saturday_is_a_last_working_day(plugins: Plugins) -> None:
    """28 February 2026 is a Saturday on which offices work: the last batch of the season leaves on it."""
    horizon = {"start": dt.date(2026, 2, 1), "end": dt.date(2026, 3, 15)}
    policy = {"kind": "collection", "start": dt.date(2026, 2, 1), "deadline": dt.date(2026, 2, 28)}
    district = small_district({"horizon": horizon, "policy": policy}, plugins)
    assert by_the_deadline("16:00", district) == [27 * DAY_S + 16 * 3600.0, 28 * DAY_S]


def test_a_season_that_ends_outside_the_horizon_has_no_last_hand_over(plugins: Plugins) -> None:
    """Neither one that is over nor one whose end is not simulated."""
    for start, deadline in ((dt.date(2025, 9, 1), dt.date(2025, 11, 30)), (START, dt.date(2026, 1, 31))):
        policy = {"kind": "collection", "start": start, "deadline": deadline}
        assert by_the_deadline("16:00", small_district({"policy": policy}, plugins)) == []


def test_dates_are_moments_of_working_days(district: District) -> None:
    """A date off becomes the next working day; dates outside the horizon are left out."""
    dates = [dt.date(2026, 1, 1), dt.date(2025, 12, 5), dt.date(2026, 1, 31), dt.date(2025, 11, 28)]
    assert moments_on(dates, "8:05", district) == [34 * DAY_S + 29100.0, 4 * DAY_S + 29100.0]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({}, "says nowhere when it happens"),
        ({"at": "12:00"}, "says nowhere when it happens"),
        ({"every": "2 days"}, "is no number of working days"),
        ({"every": "0 working days"}, "is no number of working days"),
        ({"every": "1.5 working days"}, "is no number of working days"),
        *(({"size": 1, "at": at}, "is not an hour of the day") for at in ("24:00", "8:60", "8", "8:5", "08:00:00", "")),
    ],
)
def test_what_says_no_moment_is_a_fault(said: dict[str, Any], problem: str) -> None:
    """A rule needs an occasion, whole working days, and an hour that is on the clock."""
    with pytest.raises(ValidationError, match=problem):
        HandOver.model_validate(said)
