"""Desks of a scenario: who is on duty when."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.distributions import Constant
from canbao.luck import Luck
from canbao.plugins import load_plugins
from canbao.schedule import Schedule
from canbao.testing import small_scenario
from canbao_loadtests.reviewing.desks import ReviewDesk, review_desks

HOUR = 3600.0


def scenario(**review: Any) -> Any:
    """Give the small scenario with another review."""
    return small_scenario({"review": review}, load_plugins(environment={"CANBAO_NO_PLUGINS": "1"}))


def test_desks_have_the_staff_hours_and_shares_of_the_scenario() -> None:
    """In the order of the review; nobody is there at noon, at night or on Sunday."""
    desks = review_desks(scenario(acceptance={"staff": 3}, incomplete=0.1, mismatch=0.2, refused=0.3))
    assert [desk.name for desk in desks] == ["acceptance", "first", "second"]
    assert [desk.share for desk in desks] == [0.1, 0.2, 0.3]
    assert [desk.fault for desk in desks] == ["incomplete papers", "data mismatch", "refused"]
    acceptance = desks[0]
    assert acceptance.on_duty.at(9 * HOUR) == acceptance.staff(0.0) == 3
    for hour in (3, 13, 20, 6 * 24 + 9):  # 1 December 2025 is a Monday
        assert acceptance.on_duty.at(hour * HOUR) == 0
    assert acceptance.duty(0, 13 * HOUR) == 14 * HOUR
    assert acceptance.duty(0, 4 * 24 * HOUR + 18 * HOUR) == 7 * 24 * HOUR + 8.5 * HOUR


def test_a_shift_brings_more_people_for_its_dates_only() -> None:
    """Who is only there on some dates is on duty on these alone."""
    shift = {"staff": 5, "start": dt.date(2025, 12, 3), "end": dt.date(2025, 12, 3)}
    desk = review_desks(scenario(first={"staff": 2, "shifts": [shift]}))[1]
    assert desk.staff(0.0) == 5
    assert desk.duty(4, 0.0) == 2 * 24 * HOUR + 8.5 * HOUR
    assert desk.duty(4, 3 * 24 * HOUR) == math.inf
    assert desk.staff(3 * 24 * HOUR) == 2


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.floats(0, 13), st.integers(0, 4))
def test_duty_is_the_next_moment_with_enough_people(staff: list[int], moment: float, who: int) -> None:
    """It is never before the moment, somebody is wanted then, and at no change in between."""
    desk = ReviewDesk("first", Schedule(np.arange(len(staff)), staff), Constant(1.0), "x", 0.0)
    duty = desk.duty(who, moment)
    assert duty >= moment
    between = [time for time in range(len(staff)) if moment <= time < duty]
    assert all(staff[time] <= who for time in between)
    if duty < math.inf:
        assert desk.on_duty.at(duty) > who
    assert (duty < math.inf) == (who < desk.staff(moment))


def test_luck_gives_the_distribution_and_the_share_of_the_scenario() -> None:
    """The mean time and the share of faults, over many applications."""
    desk = review_desks(scenario(mismatch=0.3))[1]
    luck = Luck(7)
    turns = [(who, turn) for who in range(20) for turn in range(200)]
    times = np.array([desk.takes_s(luck, *one) for one in turns])
    faults = np.array([desk.finds_fault(luck, *one) for one in turns])
    assert times.mean() == pytest.approx(240.0, rel=0.05)  # lognormal(240, 0.6), standard error 1 %
    assert faults.mean() == pytest.approx(0.3, abs=0.03)
