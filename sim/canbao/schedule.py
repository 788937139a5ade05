"""Schedules: numbers that change at known moments, such as staffing, opening and rates of arrival.

A schedule is a step function of time, from 0 on and without an end. It is continuous from the right: at a
breakpoint the new value holds already.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, overload

from canbao.arrays import FloatArray, np
from canbao.errors import NetworkError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Schedule", "combine"]


def _read_only(name: str, given: ArrayLike) -> FloatArray:
    """Copy numbers into an array that cannot be changed, so that what was checked stays true."""
    try:
        numbers = np.array(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise NetworkError(f"{name} of a schedule must be numbers, given {given!r}") from error
    if numbers.ndim != 1 or not len(numbers):
        raise NetworkError(f"{name} of a schedule must be a list of at least one number, given {given!r}")
    numbers.setflags(write=False)
    return numbers


def _check_times(times: FloatArray) -> None:
    if times[0] != 0:
        raise NetworkError(f"a schedule must begin at time 0, given times[0] = {times[0]:g}")
    wrong = np.flatnonzero(~(np.isfinite(times[1:]) & (np.diff(times) > 0)))
    if len(wrong):
        place = int(wrong[0]) + 1
        raise NetworkError(
            f"times of a schedule must be finite and rise strictly, "
            f"given times[{place}] = {float(times[place])!r} after {float(times[place - 1])!r}"
        )


def _check_values(times: FloatArray, values: FloatArray) -> None:
    if len(times) != len(values):
        raise NetworkError(f"a schedule needs one value for each time, given {len(times)} times, {len(values)} values")
    wrong = np.flatnonzero(np.isnan(values) | (values == -math.inf))
    if len(wrong):
        place = int(wrong[0])
        raise NetworkError(
            f"values of a schedule must be numbers, or inf for no limit, given values[{place}] = {values[place]}"
        )


@dataclass(frozen=True, eq=False, slots=True, init=False)
class Schedule:
    """A step function of time: `values[i]` holds from `times[i]` until just before `times[i + 1]`.

    Parameters
    ----------
    times
        Where the value changes, shape (n,), rising strictly, the first of them 0.
    values
        What holds from then on, shape (n,): finite numbers, or inf where there is no limit.

    Both are copied. Anything else is a NetworkError.
    """

    times: FloatArray
    values: FloatArray
    # Lists of Python floats: bisection in them is several times faster than in an array, for one moment at a time.
    _times: list[float] = field(init=False, repr=False)
    _values: list[float] = field(init=False, repr=False)

    def __init__(self, times: ArrayLike, values: ArrayLike) -> None:
        """Check what was given and keep copies of it; lists will do as well as arrays."""
        moments, levels = _read_only("times", times), _read_only("values", values)
        _check_times(moments)
        _check_values(moments, levels)
        object.__setattr__(self, "times", moments)
        object.__setattr__(self, "values", levels)
        object.__setattr__(self, "_times", moments.tolist())
        object.__setattr__(self, "_values", levels.tolist())

    def __reduce__(self) -> tuple[type[Schedule], tuple[FloatArray, FloatArray]]:
        """Pickle by way of the constructor, because an array comes out of a pickle writeable."""
        return Schedule, (self.times, self.values)

    @classmethod
    def constant(cls, value: float) -> Schedule:
        """Make the schedule that never changes."""
        return cls(np.zeros(1), np.array([value]))

    @property
    def maximum(self) -> float:
        """The largest value that ever holds."""
        return max(self._values)

    @overload
    def at(self, t: float) -> float: ...
    @overload
    def at(self, t: FloatArray) -> FloatArray: ...
    def at(self, t: float | FloatArray) -> float | FloatArray:
        """Give the value at a moment, or at each of an array of moments; before 0 is a NetworkError."""
        if isinstance(t, np.ndarray):
            return self._at_each(t)
        if not t >= 0:
            raise NetworkError(f"a schedule begins at time 0, asked for its value at {t}")
        return self._values[bisect_right(self._times, t) - 1]

    def _at_each(self, moments: FloatArray) -> FloatArray:
        wrong = moments[~(moments >= 0)]
        if wrong.size:
            raise NetworkError(f"a schedule begins at time 0, asked for its value at {wrong[0]}")
        place = np.searchsorted(self.times, moments, side="right") - 1
        return np.asarray(self.values[place])

    def integral(self, start: float, end: float) -> float:
        """Give the integral from `start` to `end`; a NetworkError unless 0 <= start <= end < inf."""
        if not 0 <= start <= end < math.inf:
            raise NetworkError(f"an integral needs 0 <= start <= end < inf, given start = {start}, end = {end}")
        first = bisect_right(self._times, start) - 1
        past = bisect_right(self._times, end)
        edges = pairwise([start, *self._times[first + 1 : past], end])
        pieces = zip(edges, self._values[first:past], strict=True)
        # A piece without width adds nothing, even where the value is inf. fsum rounds once, at the very end.
        return math.fsum((later - earlier) * value for (earlier, later), value in pieces if later > earlier)

    def changes(self) -> list[tuple[float, float]]:
        """List (time, new value), first the value at 0, then only moments at which the value does change."""
        pairs = list(zip(self._times, self._values, strict=True))
        return pairs[:1] + [new for old, new in pairwise(pairs) if new[1] != old[1]]


def combine(a: Schedule, b: Schedule, function: Callable[[FloatArray, FloatArray], FloatArray]) -> Schedule:
    """Apply a function of two values at all times, as in `combine(staff, doors, np.multiply)`.

    Parameters
    ----------
    a, b
        Any two schedules.
    function
        Takes two arrays of one shape and gives the array of results, as numpy's functions of two arguments do.

    Returns
    -------
    Schedule
        Its breakpoints are those of `a` and `b` at which the result changes.
    """
    times = np.union1d(a.times, b.times)
    changes = Schedule(times, function(a.at(times), b.at(times))).changes()
    return Schedule(*np.array(changes).T)
