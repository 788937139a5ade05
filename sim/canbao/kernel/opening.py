"""Open time: what `canbao.calendar.Calendar` means, as plain functions over sequences of numbers.

`Calendar` calls them in Python, on lists; the kernel compiles the same functions, for arrays. So the two cannot
differ. Many calendars can stand one behind the other in an `OpenTime`; a `Span` says where one of them is.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "DAY_S",
    "OpenTime",
    "Span",
    "add_days",
    "add_open_s",
    "day_of",
    "is_open",
    "moment_in",
    "open_s_by",
    "working_day_clock",
]

DAY_S = 86400.0


class OpenTime(NamedTuple):
    """Open intervals and their sums."""

    opens: Sequence[float]
    closes: Sequence[float]
    before: Sequence[float]
    """Open seconds before each interval."""
    after: Sequence[float]
    """Open seconds up to the end of each interval."""
    at_midnight: Sequence[float]
    """Open seconds before each midnight, the last one included."""
    days_before: Sequence[int]
    """Open days before each midnight, the last one included."""
    open_days: Sequence[int]
    """The days with any open time."""


class Span(NamedTuple):
    """Where the numbers of one calendar stand."""

    first: int
    """Its first interval."""
    last: int
    """The interval behind its last one."""
    midnight: int
    """Its first midnight."""
    days: int
    """How many days it has."""
    open_day: int
    """Its first open day."""
    open_days: int
    """How many open days it has."""


def is_open(o: OpenTime, c: Span, t: float) -> bool:
    """Say whether it is open at a moment."""
    place = bisect_right(o.opens, t, c.first, c.last) - 1
    return place >= c.first and t < o.closes[place]


def day_of(c: Span, t: float) -> int:
    """Give the day of a moment: -1 before the horizon, `days` after it."""
    if 0 <= t < c.days * DAY_S:
        return int(t // DAY_S)
    return -1 if t < 0 else c.days


def open_s_by(o: OpenTime, c: Span, t: float) -> float:
    """Give the open seconds before a moment."""
    place = bisect_right(o.opens, t, c.first, c.last) - 1
    if place < c.first:
        return 0.0
    # The stored sum after a closing, so that a closing and all moments until the next opening give one same number.
    return o.after[place] if t >= o.closes[place] else o.before[place] + (t - o.opens[place])


def add_open_s(o: OpenTime, c: Span, t: float, seconds: float) -> float:
    """Give the first moment from `t` on by which `seconds` >= 0 of open time have passed; inf if they never do."""
    if seconds == 0:
        return t
    place = bisect_right(o.opens, t, c.first, c.last) - 1
    if place < c.first:
        return first_moment(o, c, seconds)
    left = o.closes[place] - t
    if left <= 0:
        return max(t, first_moment(o, c, o.after[place] + seconds))
    # Inside one interval the sum is not taken through the total, which would cost digits.
    if t + seconds <= o.closes[place]:
        return t + seconds
    return first_moment(o, c, o.after[place] + (seconds - left))


def add_days(o: OpenTime, c: Span, t: float, n: float) -> float:
    """Give a moment at which the working-day clock has moved by `n` >= 0 since `t`; inf if it never does."""
    if n == 0:
        return t
    if n > c.days:
        return math.inf
    number, share = working_day_clock(o, c, t)
    whole = math.floor(n)
    number, share = number + whole, share + (n - whole)
    if share > 1:
        number, share = number + 1, share - 1
    # A number below 0: so little was added that the sum before the first open day did not change.
    return max(t, moment_of_day(o, c, number, share)) if number >= 0 else t


def moment_in(o: OpenTime, c: Span, day_after: int, t: float, fraction: float) -> float:
    """Give the moment at which a share of a day's open time has passed; inf if no such day is left."""
    today = min(day_of(c, t), c.days - 1)
    if day_after == 0:
        if is_open(o, c, t):
            return t
        gone, all_s = open_s_by(o, c, t), o.at_midnight[c.midnight + today + 1]
        if gone < all_s:
            return open_moment(o, c, gone, all_s, fraction)
    number = o.days_before[c.midnight + today + 1] + max(day_after, 1) - 1
    if number >= c.open_days:
        return math.inf
    day = c.midnight + o.open_days[c.open_day + number]
    return open_moment(o, c, o.at_midnight[day], o.at_midnight[day + 1], fraction)


def working_day_clock(o: OpenTime, c: Span, t: float) -> tuple[int, float]:
    """Give the number of the open day and the share of it gone; a closed day is the end of the open day before."""
    day = min(day_of(c, t), c.days - 1)
    low, high = o.at_midnight[c.midnight + max(day, 0)], o.at_midnight[c.midnight + day + 1]
    share = (open_s_by(o, c, t) - low) / (high - low) if high > low else 1.0
    return o.days_before[c.midnight + day + 1] - 1, share


def moment_of_day(o: OpenTime, c: Span, number: int, share: float) -> float:
    """Give the moment at which a share of an open day has gone: a closing, unless it is the day's first opening."""
    if number >= c.open_days:
        return math.inf
    day = c.midnight + o.open_days[c.open_day + number]
    low, high = o.at_midnight[day], o.at_midnight[day + 1]
    open_s = _between(low, high, share)
    return first_moment(o, c, open_s) if open_s > low else open_moment(o, c, low, high, 0.0)


def first_moment(o: OpenTime, c: Span, open_s: float) -> float:
    """Give the first moment by which `open_s` > 0 have passed since time 0: a closing rather than an opening."""
    place = bisect_left(o.after, open_s, c.first, c.last)
    if place == c.last:
        return math.inf
    if open_s == o.after[place]:
        return o.closes[place]
    return min(o.closes[place], o.opens[place] + (open_s - o.before[place]))


def open_moment(o: OpenTime, c: Span, low: float, high: float, fraction: float) -> float:
    """Give the moment at a share of the way between two amounts of open time: an opening rather than a closing."""
    open_s = _between(low, high, fraction)
    if open_s == high:
        return first_moment(o, c, high)
    place = bisect_right(o.after, open_s, c.first, c.last)
    return min(o.closes[place], o.opens[place] + (open_s - o.before[place]))


def _between(low: float, high: float, fraction: float) -> float:
    # Both ends exactly: rounding must not carry the end of a day into the next one.
    return high if fraction == 1 else min(high, low + fraction * (high - low))
