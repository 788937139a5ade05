"""Schedules: step functions of time."""

from __future__ import annotations

import math
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.errors import NetworkError
from canbao.schedule import Schedule, combine

moments = st.integers(0, 60)
numbers = st.integers(-5, 5)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Draw a schedule with whole times, so that sums over whole moments are exact."""
    times = [0, *sorted(draw(st.sets(st.integers(1, 50), max_size=8)))]
    values = draw(st.lists(numbers, min_size=len(times), max_size=len(times)))
    return Schedule(np.array(times), np.array(values))


@given(schedules(), moments)
def test_value_is_that_of_the_last_breakpoint_not_after_the_moment(schedule: Schedule, t: int) -> None:
    """Between breakpoints the value stays."""
    passed = [value for time, value in zip(schedule.times, schedule.values, strict=True) if time <= t]
    assert schedule.at(t) == passed[-1]


@given(schedules())
def test_new_value_holds_from_the_breakpoint_on_and_not_an_instant_before(schedule: Schedule) -> None:
    """A schedule is continuous from the right."""
    assert schedule.at(schedule.times).tolist() == schedule.values.tolist()
    before = [schedule.at(math.nextafter(time, 0)) for time in schedule.times[1:]]
    assert before == schedule.values[:-1].tolist()


@given(schedules(), st.lists(st.floats(0, 80), max_size=5))
def test_array_of_moments_gives_the_value_at_each(schedule: Schedule, times: list[float]) -> None:
    """One call with an array says what many calls with a number say."""
    assert schedule.at(np.array(times)).tolist() == [schedule.at(t) for t in times]


@given(schedules(), moments, moments)
def test_integral_equals_a_sum_over_unit_steps(schedule: Schedule, a: int, b: int) -> None:
    """Between whole moments, the integral is the sum of the values at the whole moments."""
    start, end = min(a, b), max(a, b)
    assert schedule.integral(start, end) == sum(schedule.at(t) for t in range(start, end))


@given(schedules(), st.lists(st.floats(0, 80), min_size=3, max_size=3))
def test_integrals_of_parts_add_up(schedule: Schedule, cuts: list[float]) -> None:
    """The integral over a stretch is the sum over its two parts, wherever it is cut."""
    start, middle, end = sorted(cuts)
    parts = schedule.integral(start, middle) + schedule.integral(middle, end)
    assert parts == pytest.approx(schedule.integral(start, end), abs=1e-9)


@given(schedules())
def test_changes_are_the_moments_at_which_the_value_differs(schedule: Schedule) -> None:
    """Each change differs from the one before, and the changes alone make the same function."""
    changes = schedule.changes()
    assert changes[0] == (0.0, schedule.values[0])
    assert all(old != new for (_, old), (_, new) in pairwise(changes))
    rebuilt = Schedule(*np.array(changes).T)
    assert [rebuilt.at(t) for t in range(61)] == [schedule.at(t) for t in range(61)]


@given(schedules())
def test_maximum_is_the_largest_value_met(schedule: Schedule) -> None:
    """No moment has more than the maximum, and one has exactly it."""
    assert schedule.maximum == max(schedule.at(t) for t in range(61))


@given(schedules(), schedules(), st.sampled_from([np.add, np.multiply, np.minimum, np.maximum]))
def test_combination_is_the_function_of_both_at_every_moment(a: Schedule, b: Schedule, function: np.ufunc) -> None:
    """At each moment the combination is the function of the two values, and no breakpoint is idle."""
    combined = combine(a, b, function)
    assert [combined.at(t) for t in range(61)] == [function(a.at(t), b.at(t)) for t in range(61)]
    assert (np.diff(combined.values) != 0).all()


def test_constant_never_changes() -> None:
    """A constant has one breakpoint, at 0."""
    schedule = Schedule.constant(3)
    assert schedule.changes() == [(0.0, 3.0)]
    assert schedule.at(1e9) == schedule.maximum == 3.0
    assert schedule.integral(5.0, 7.0) == 6.0


def test_no_limit_is_a_value_and_weighs_nothing_where_it_lasts_no_time() -> None:
    """A value of inf gives an infinite integral only over a stretch that has a length."""
    schedule = Schedule(np.array([0.0, 10.0]), np.array([2.0, math.inf]))
    assert schedule.at(10.0) == schedule.maximum == math.inf
    assert schedule.integral(0.0, 10.0) == 20.0
    assert schedule.integral(0.0, 10.5) == math.inf


def test_arrays_are_copied_and_cannot_be_written() -> None:
    """Neither the caller's arrays nor the schedule's own can change it afterwards, not even after a pickle."""
    times, values = np.array([0.0, 5.0]), np.array([1.0, 2.0])
    schedule = Schedule(times, values)
    values[0] = 9.0
    assert schedule.values[0] == schedule.at(0.0) == 1.0
    for kept in (schedule, pickle.loads(pickle.dumps(schedule))):
        assert kept.changes() == [(0.0, 1.0), (5.0, 2.0)]
        for array in (kept.times, kept.values):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 7.0


@pytest.mark.parametrize(
    ("times", "values", "shown"),
    [
        ([], [], r"at least one number, given array\(\[\]"),
        ([0.0, 1.0], [1.0], "2 times, 1 values"),
        ([1.0], [1.0], r"times\[0\] = 1"),
        ([0.0, 5.0, 5.0], [1.0, 2.0, 3.0], r"times\[2\] = 5.0 after 5.0"),
        ([0.0, 5.0, 4.0], [1.0, 2.0, 3.0], r"times\[2\] = 4.0 after 5.0"),
        ([0.0, math.inf], [1.0, 2.0], r"times\[1\] = inf"),
        ([0.0, math.nan], [1.0, 2.0], r"times\[1\] = nan"),
        ([math.nan], [1.0], r"times\[0\] = nan"),
        ([0.0, 1.0], [1.0, math.nan], r"values\[1\] = nan"),
        ([0.0], [-math.inf], r"values\[0\] = -inf"),
        ([[0.0]], [[1.0]], "a list of at least one number"),
    ],
)
def test_arrays_that_are_no_step_function_are_refused(times: list[float], values: list[float], shown: str) -> None:
    """The error shows the value that does not fit."""
    with pytest.raises(NetworkError, match=shown):
        Schedule(np.array(times), np.array(values))


def test_values_that_are_no_numbers_are_refused() -> None:
    """Text in place of a number is shown in the error."""
    with pytest.raises(NetworkError, match=r"must be numbers.*many"):
        Schedule(np.zeros(1), np.array(["many"]))


@pytest.mark.parametrize("t", [-1.0, math.nan])
def test_moments_before_the_beginning_are_refused(t: float) -> None:
    """There is no value before 0, for one moment or in an array."""
    schedule = Schedule.constant(1.0)
    with pytest.raises(NetworkError, match=str(t)):
        schedule.at(t)
    with pytest.raises(NetworkError, match=str(t)):
        schedule.at(np.array([0.0, t]))


@pytest.mark.parametrize(("start", "end"), [(-1.0, 1.0), (2.0, 1.0), (0.0, math.inf), (math.nan, 1.0), (0.0, math.nan)])
def test_stretches_without_an_integral_are_refused(start: float, end: float) -> None:
    """A stretch runs forwards, from 0 at the earliest, to a moment."""
    with pytest.raises(NetworkError, match=f"start = {start}, end = {end}"):
        Schedule.constant(1.0).integral(start, end)
