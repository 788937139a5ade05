"""The calendar: which days a run covers, on which of them offices work, and at which hours they are open.

Three things, from coarse to fine. A `Horizon` says which dates a run covers and turns dates into seconds and back.
`working_days` says on which of them China works, make-up days included. A `Calendar` holds the open intervals of one
place and answers what an engine asks: is it open, when does it open next, when have three hours or two days of work
passed. Time is float64 seconds since the first midnight of the horizon, local time; China has no summer time, so each
day has 86,400 of them.

The working-day clock
---------------------
An *open day* is a date with any open time. The clock of a calendar (`day_clock`) shows the number of open days before
today, plus the share of today's open time that has gone. It runs from 0 to 1 over the open hours of the first open
day, stands still while the place is closed, and goes on where it stopped. `add_days` reads it backwards. Where one
reading fits both the end of a day and the opening of the next, whole days decide: n whole days after any moment of
an open day is the same share of the n-th next open day, so that `day_number` has moved by n.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import overload

from canbao.arrays import BoolArray, FloatArray, IntArray, np
from canbao.errors import CalendarError
from canbao.kernel import opening
from canbao.kernel.opening import DAY_S, OpenTime, Span
from canbao.schedule import Schedule, combine

__all__ = [
    "WHOLE_DAY",
    "Calendar",
    "Horizon",
    "Hours",
    "Interval",
    "check_days",
    "daily",
    "free_saturdays",
    "parse_hours",
    "working_days",
]

Interval = tuple[float, float]
"""From the first moment to just before the second, in seconds."""
Hours = tuple[Interval, ...]
"""Opening hours of one day, in seconds since its midnight, in order; empty for a day that is closed."""


WHOLE_DAY: Hours = ((0.0, DAY_S),)
"""The opening hours of a place that never closes."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """The dates that a run covers, from `start` to `end`, both included; it must not end before it starts."""

    start: dt.date
    end: dt.date

    def __post_init__(self) -> None:
        """Check the two dates."""
        _check_dates("the horizon", (self.start, self.end))
        if self.end < self.start:
            raise CalendarError(f"the horizon ends on {self.end}, before it starts on {self.start}")

    @property
    def days(self) -> int:
        """How many dates it has."""
        return (self.end - self.start).days + 1

    @property
    def end_s(self) -> float:
        """The midnight at which its last date ends, in seconds."""
        return self.days * DAY_S

    def seconds(self, moment: dt.date) -> float:
        """Turn a date (its midnight) or a local date and time into seconds; negative before the horizon."""
        if not isinstance(moment, dt.datetime):
            return (moment - self.start).days * DAY_S
        if moment.tzinfo is not None:
            raise CalendarError(f"{moment.isoformat()} has a time zone; give local time without one")
        return (moment - dt.datetime.combine(self.start, dt.time())).total_seconds()

    def moment(self, seconds: float) -> dt.datetime:
        """Turn seconds into a local date and time, to the microsecond."""
        try:
            return dt.datetime.combine(self.start, dt.time()) + dt.timedelta(seconds=seconds)
        except (OverflowError, ValueError) as error:
            raise CalendarError(f"{seconds} seconds after {self.start} is not a date") from error

    def date(self, seconds: float) -> dt.date:
        """Give the date on which a moment lies; a midnight belongs to the date that it begins."""
        try:
            # Not by way of `moment`, which rounds: the last instant of a day would be tomorrow.
            return self.start + dt.timedelta(days=math.floor(seconds / DAY_S))
        except (OverflowError, ValueError) as error:
            raise CalendarError(f"{seconds} seconds after {self.start} is not a date") from error

    def dates(self) -> list[dt.date]:
        """List all dates, in order."""
        return [self.start + dt.timedelta(days=day) for day in range(self.days)]


def _check_dates(name: str, dates: Iterable[dt.date]) -> None:
    for date in dates:
        # A datetime passes for a date, but equals none, so it would be left out without a word.
        if isinstance(date, dt.datetime) or not isinstance(date, dt.date):
            raise CalendarError(f"{name} needs dates such as 2026-02-28, given {date!r}")


_HOLIDAY, _WEEKEND, _WORKING = -1, 0, 1


def working_days(
    horizon: Horizon,
    *,
    open_dates: Collection[dt.date] = (),
    closed_dates: Collection[dt.date] = (),
    known_years: Collection[int] = (),
) -> BoolArray:
    """Say for each date of the horizon whether it is a working day in China.

    The days are those that the government announced, weekends that are worked in exchange for a holiday included, from
    the library chinesecalendar. It knows the years from 2004 to the last one announced.

    Parameters
    ----------
    horizon
        The dates to look at.
    open_dates
        Dates on which offices work, whatever the weekday and the announcement. Those outside the horizon do nothing.
    closed_dates
        Dates on which they do not, likewise. A date in both is an error.
    known_years
        Years for which `open_dates` and `closed_dates` hold *all* make-up days and holidays; on every other date such a
        year follows the weekday. The library is then not asked, even if it knows the year, so that a newer library
        does not change what an old scenario says.

    Returns
    -------
    BoolArray
        Shape (horizon.days,).

    Raises
    ------
    CalendarError
        For a date that is neither known to the library, nor listed, nor in one of `known_years`; for a date that is
        both open and closed; for a year in `known_years` that the library knows and of which no date is listed,
        because all its holidays would be lost in silence.
    """
    return np.asarray(np.array(_kinds(horizon, open_dates, closed_dates, known_years)) == _WORKING)


def free_saturdays(
    horizon: Horizon,
    *,
    open_dates: Collection[dt.date] = (),
    closed_dates: Collection[dt.date] = (),
    known_years: Collection[int] = (),
) -> BoolArray:
    """Say for each date of the horizon whether it is a Saturday that is neither a working day nor part of a holiday.

    These are the days of Saturday service: on a make-up Saturday an office keeps its ordinary hours, and on the
    Saturday inside a Spring Festival it is closed. Parameters, shape and errors are those of `working_days`.
    """
    saturday = np.array([date.weekday() == 5 for date in horizon.dates()])
    return np.asarray(saturday & (np.array(_kinds(horizon, open_dates, closed_dates, known_years)) == _WEEKEND))


def check_days(
    horizon: Horizon,
    *,
    open_dates: Collection[dt.date] = (),
    closed_dates: Collection[dt.date] = (),
    known_years: Collection[int] = (),
) -> None:
    """See that `working_days` can be told: the same parameters, and its errors."""
    _kinds(horizon, open_dates, closed_dates, known_years)


def _kinds(
    horizon: Horizon, open_dates: Collection[dt.date], closed_dates: Collection[dt.date], known_years: Collection[int]
) -> list[int]:
    listed = _listed(open_dates, closed_dates)
    announced, announced_years = _announced()
    _check_known_years(known_years, announced_years, listed)
    dates = horizon.dates()
    unknown = [d for d in dates if d not in listed and d.year not in announced_years and d.year not in known_years]
    if unknown:
        raise CalendarError(_not_known(unknown, announced_years))
    of_library = {year: announced for year in announced_years if year not in known_years}
    return [listed.get(date, of_library.get(date.year, {}).get(date, _of_weekday(date))) for date in dates]


def _of_weekday(date: dt.date) -> int:
    return _WORKING if date.weekday() < 5 else _WEEKEND


def _listed(open_dates: Collection[dt.date], closed_dates: Collection[dt.date]) -> dict[dt.date, int]:
    """Give the kind of each date that the scenario lists."""
    _check_dates("open_dates", open_dates)
    _check_dates("closed_dates", closed_dates)
    both = sorted(set(open_dates) & set(closed_dates))
    if both:
        raise CalendarError(f"{_enumerated(both)}: both in open_dates and in closed_dates; leave it in one of them")
    return dict.fromkeys(open_dates, _WORKING) | dict.fromkeys(closed_dates, _HOLIDAY)


@cache
def _announced() -> tuple[dict[dt.date, int], range]:
    """Give the kind of each date that is not as its weekday says, and the years for which this is known."""
    # Its tables, not its `is_workday`: that one searches them for the known years at each call.
    from chinese_calendar import holidays, workdays

    kinds = dict.fromkeys(holidays, _HOLIDAY) | dict.fromkeys(workdays, _WORKING)
    return kinds, range(min(holidays).year, max(holidays).year + 1)


def _check_known_years(known_years: Collection[int], announced_years: range, listed: Collection[dt.date]) -> None:
    listed_years = {date.year for date in listed}
    for year in sorted(known_years):
        if year in announced_years and year not in listed_years:
            raise CalendarError(
                f"known_years names {year}, but no date of {year} is in open_dates or closed_dates, so that its "
                f"holidays would be lost; take {year} out of known_years: the days announced for it are known"
            )


def _not_known(unknown: Sequence[dt.date], announced: range) -> str:
    years = ", ".join(str(year) for year in sorted({date.year for date in unknown}))
    return (
        f"it is not known on which days offices work in {years}: {_enumerated(unknown)}; "
        f"list working days and holidays of {years} under [calendar] "
        f"(make-up days as open_dates, holidays as closed_dates, and {years} in known_years), "
        f"or keep the horizon between {announced[0]}-01-01 and {announced[-1]}-12-31"
    )


def _enumerated(dates: Sequence[dt.date]) -> str:
    """Name the first three dates and count the rest."""
    names = ", ".join(date.isoformat() for date in dates[:3])
    return names if len(dates) <= 3 else f"{names} and {len(dates) - 3} more dates to {dates[-1].isoformat()}"


_HOURS = re.compile(r"\s*(\d{1,2}):([0-5]\d)\s*-\s*(\d{1,2}):([0-5]\d)\s*", re.ASCII)
_HOURS_ALLOWED = 'allowed: "HH:MM-HH:MM" within one day, such as "08:30-12:00" or "00:00-24:00"'


def parse_hours(texts: Sequence[str]) -> Hours:
    """Read the opening hours of one day, `["08:30-12:00", "14:00-17:30"]`, in any order; an empty list is a closed day.

    A text of another form, hours that end before they start or after 24:00, and hours that overlap are a
    CalendarError. Hours that touch are allowed.
    """
    hours = sorted((_parse_interval(text), text) for text in ([texts] if isinstance(texts, str) else texts))
    for (earlier, earlier_text), (later, later_text) in pairwise(hours):
        if later[0] < earlier[1]:
            raise CalendarError(f"opening hours {earlier_text!r} and {later_text!r} overlap")
    return tuple(interval for interval, _ in hours)


def _parse_interval(text: str) -> Interval:
    match = _HOURS.fullmatch(text)
    if match is None:
        raise CalendarError(f"{text!r} are not opening hours; {_HOURS_ALLOWED}")
    hour, minute, end_hour, end_minute = (int(part) for part in match.groups())
    start, end = hour * 3600.0 + minute * 60.0, end_hour * 3600.0 + end_minute * 60.0
    if end > DAY_S:
        raise CalendarError(f"opening hours {text!r} end after 24:00; {_HOURS_ALLOWED}")
    if end <= start:
        raise CalendarError(f"opening hours {text!r} do not end after they start; {_HOURS_ALLOWED}")
    return start, end


def daily(hours: Hours, days: Iterable[int]) -> list[Interval]:
    """Give the intervals of the same hours on several days (numbers of days since the start of the horizon).

    So nightly maintenance is `calendar.without(daily(parse_hours(["02:00-05:00"]), range(days)))`. Hours that are not
    inside one day are a CalendarError.
    """
    for start, end in hours:
        if not 0 <= start < end <= DAY_S:
            raise CalendarError(f"hours must satisfy 0 <= start < end <= 86400 s, given {start} to {end}")
    return [(day * DAY_S + start, day * DAY_S + end) for day in days for start, end in hours]


def _joined(intervals: Iterable[Interval]) -> list[Interval]:
    """Sort intervals, and join those that overlap or touch."""
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if not start < end:
            raise CalendarError(f"an interval must end after it starts, given {start} to {end}")
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _check_intervals(opens: FloatArray, closes: FloatArray, days: int) -> None:
    if days < 1:
        raise CalendarError(f"a calendar needs at least one day, given days = {days}")
    if opens.ndim != 1 or opens.shape != closes.shape:
        raise CalendarError(f"a calendar needs one close for each open, given {opens.shape} and {closes.shape}")
    edges = np.column_stack([opens, closes]).ravel()
    inside = (edges >= 0) & (edges <= days * DAY_S)
    if not inside.all():
        raise CalendarError(f"opening times must lie between 0 and {days * DAY_S:g} s, given {edges[~inside][0]}")
    wrong = np.flatnonzero(np.diff(edges) <= 0)
    if len(wrong):
        earlier, later = edges[wrong[0]], edges[wrong[0] + 1]
        raise CalendarError(f"opens and closes must rise strictly in turn, given {later} after {earlier}")


def _open_time(opens: FloatArray, closes: FloatArray, days: int) -> OpenTime:
    sums = [0.0, *np.cumsum(closes - opens).tolist()]
    times = OpenTime(opens.tolist(), closes.tolist(), sums[:-1], sums[1:], (), (), ())
    intervals = Span(0, len(opens), 0, days, 0, 0)
    at_midnight = [opening.open_s_by(times, intervals, day * DAY_S) for day in range(days + 1)]
    worked = np.diff(at_midnight) > 0
    return times._replace(
        at_midnight=at_midnight,
        days_before=[0, *np.cumsum(worked).tolist()],
        open_days=np.flatnonzero(worked).tolist(),
    )


@dataclass(frozen=True, eq=False, slots=True)
class Calendar:
    """The open intervals of one place over a horizon: from `opens[i]` until just before `closes[i]`.

    Outside the horizon it is closed. The methods for one moment take about a microsecond, because engines call them at
    each event.

    Parameters
    ----------
    opens, closes
        Seconds since the first midnight, shape (m,); `opens[0] < closes[0] < opens[1] < ...`, inside the horizon, so
        intervals that touch must be joined first, as `from_intervals` does. Both are copied.
    days
        How many days the horizon has.

    Anything else is a CalendarError.
    """

    opens: FloatArray
    closes: FloatArray
    days: int
    open_time: OpenTime = field(init=False, repr=False)
    span: Span = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check what was given, keep copies of it and sum up the open time."""
        opens, closes = np.array(self.opens, dtype=np.float64), np.array(self.closes, dtype=np.float64)
        _check_intervals(opens, closes, self.days)
        opens.setflags(write=False)
        closes.setflags(write=False)
        open_time = _open_time(opens, closes, self.days)
        span = Span(0, len(opens), 0, self.days, 0, len(open_time.open_days))
        for name, value in {"opens": opens, "closes": closes, "open_time": open_time, "span": span}.items():
            object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple[type[Calendar], tuple[FloatArray, FloatArray, int]]:
        """Pickle by way of the constructor, because an array comes out of a pickle writeable."""
        return Calendar, (self.opens, self.closes, self.days)

    @classmethod
    def always(cls, days: int) -> Calendar:
        """Make the calendar of a place that never closes."""
        return cls(np.zeros(1), np.array([days * DAY_S]), days)

    @classmethod
    def from_intervals(cls, intervals: Iterable[Interval], days: int) -> Calendar:
        """Make a calendar from open intervals in any order; those that overlap or touch become one."""
        edges = np.array(_joined(intervals), dtype=np.float64).reshape(-1, 2)
        return cls(edges[:, 0], edges[:, 1], days)

    @classmethod
    def build(
        cls,
        horizon: Horizon,
        service: Iterable[tuple[BoolArray, Hours]],
        exceptions: Mapping[dt.date, Hours] | None = None,
    ) -> Calendar:
        """Make a calendar from the hours of kinds of days and of single dates.

        Parameters
        ----------
        horizon
            The dates that it covers.
        service
            Pairs of days, a bool array of shape (horizon.days,), and the hours on them. Where two pairs speak of the
            same day, the later one holds. A day of which none speaks is closed. For an office with Saturday service:
            `[(working_days(horizon), hours), (free_saturdays(horizon), saturday_hours)]`.
        exceptions
            Hours of single dates, which hold in any case; `()` closes a date. Dates outside the horizon do nothing.
        """
        hours_of: dict[int, Hours] = {}
        for days, hours in service:
            if len(days) != horizon.days:
                raise CalendarError(f"the horizon has {horizon.days} days, given whether {len(days)} days are open")
            hours_of.update(dict.fromkeys(np.flatnonzero(days).tolist(), hours))
        for date, hours in (exceptions or {}).items():
            if horizon.start <= date <= horizon.end:
                hours_of[(date - horizon.start).days] = hours
        return cls.from_intervals((i for day, hours in hours_of.items() for i in daily(hours, [day])), horizon.days)

    def without(self, intervals: Iterable[Interval]) -> Calendar:
        """Close it during some intervals, in any order, such as nightly maintenance or closed payment days."""
        end_s = self.days * DAY_S
        cuts = [(max(start, 0.0), min(end, end_s)) for start, end in _joined(intervals) if start < end_s and end > 0]
        uncut = Calendar.from_intervals(cuts, self.days).to_schedule(inside=0.0, outside=1.0)
        left = combine(self.to_schedule(), uncut, np.multiply)
        is_open = left.values > 0
        return Calendar(left.times[is_open], np.append(left.times[1:], end_s)[is_open], self.days)

    def to_schedule(self, inside: float = 1.0, outside: float = 0.0) -> Schedule:
        """Give the schedule with one value while it is open and another while it is closed."""
        times = np.column_stack([self.opens, self.closes]).ravel()
        values = np.tile([inside, outside], len(self.opens))
        if not len(times) or times[0] > 0:
            times, values = np.append(0.0, times), np.append(outside, values)
        return Schedule(times, values)

    @property
    def open_days(self) -> IntArray:
        """The days with any open time, as numbers of days since the start of the horizon, shape (number of them,)."""
        return np.array(self.open_time.open_days, dtype=np.int64)

    def is_open(self, t: float) -> bool:
        """Say whether it is open at a moment: from an opening until just before the closing."""
        return opening.is_open(self.open_time, self.span, t)

    def next_open(self, t: float) -> float:
        """Give `t` itself when it is open, else the next opening; inf when none is left."""
        opens, closes = self.open_time.opens, self.open_time.closes
        place = bisect_right(closes, t)  # the first interval that is not over
        return max(t, opens[place]) if place < len(opens) else math.inf

    def next_close(self, t: float) -> float:
        """Give the closing of the interval that is open, else that of the next one; inf when none is left."""
        closes = self.open_time.closes
        place = bisect_right(closes, t)
        return closes[place] if place < len(closes) else math.inf

    def open_s(self, start: float, end: float) -> float:
        """Give the open seconds between two moments; a CalendarError unless `start <= end`."""
        if not start <= end:
            raise CalendarError(f"open time needs start <= end, given start = {start}, end = {end}")
        before, after = (opening.open_s_by(self.open_time, self.span, t) for t in (start, end))
        return after - before

    def add_open_s(self, t: float, seconds: float) -> float:
        """Give the first moment from `t` on by which `seconds` of open time have passed; inf if they never do.

        So nothing to add gives `t`, open or not, and work that ends exactly at a closing ends there and not at the next
        opening. To add a and then b is to add a + b. Less than 0 seconds is a CalendarError.
        """
        if not seconds >= 0:
            raise CalendarError(f"open time to add must be >= 0 s, given {seconds}")
        return opening.add_open_s(self.open_time, self.span, t, seconds)

    @overload
    def day_number(self, t: float) -> int: ...
    @overload
    def day_number(self, t: FloatArray) -> IntArray: ...
    def day_number(self, t: float | FloatArray) -> int | IntArray:
        """Give the number of open days up to and with the date of `t`, less one; so the first open day is 0.

        The difference of two is the count of working days between them, without the day of the first, as the law counts
        (Civil Code art. 201): from Friday or from Sunday to Monday is 1. Takes a moment or an array of moments. Beyond
        the horizon no day is open; a NaN is a CalendarError.
        """
        if isinstance(t, np.ndarray):
            return self._day_number_of_each(t)
        return self.open_time.days_before[min(self._day(t), self.days - 1) + 1] - 1

    def _day_number_of_each(self, moments: FloatArray) -> IntArray:
        if np.isnan(moments).any():
            raise CalendarError(f"{np.isnan(moments).sum()} of {moments.size} moments are NaN and have no day")
        day = np.clip(moments, -1.0, self.days * DAY_S - 1.0) // DAY_S
        return np.array(self.open_time.days_before, dtype=np.int64)[day.astype(np.int64) + 1] - 1

    def day_clock(self, t: float) -> float:
        """Read the working-day clock: open days before the date of `t`, plus the share of that day's open time gone.

        It never falls, has no jumps, and stands still while the place is closed.
        """
        _need_moment(t)
        whole, share = opening.working_day_clock(self.open_time, self.span, t)
        return whole + share

    def add_days(self, t: float, n: float) -> float:
        """Give a moment at which the working-day clock has moved by `n` since `t`; inf if it never does.

        For whole `n` that is the same share of the n-th next open day: the same time of day where hours are equal, and
        the opening for a moment before the opening. A moment after closing or on a closed day counts as the end of
        the last open day, so one day after a Sunday is the end of Monday's hours. A fraction of a day is that
        share of open time, and work that ends exactly at a day's closing ends there and not at the next opening.

        It never falls when `t` or `n` rises; nothing to add gives `t`; less than 0 is a CalendarError.
        """
        if not n >= 0:
            raise CalendarError(f"days to add must be >= 0, given {n}")
        if 0 < n <= self.days:
            _need_moment(t)
        return opening.add_days(self.open_time, self.span, t, n)

    def moment_in(self, day_after: int, t: float, fraction: float) -> float:
        """Give the moment at which a share of a day's open time has passed; inf if no such day is left.

        It is for families that come back another day, at some time of the day.

        Parameters
        ----------
        day_after
            With 0: `t` itself if it is open; else, if it opens again on the date of `t`, a moment in what is left of
            that day; else as with 1. With k >= 1: a moment on the k-th open day after the date of `t`.
        t
            The moment from which to look.
        fraction
            The share, from 0 (the opening) to 1 (the last closing). Below 1 it is open at the moment given: a share
            that ends at the lunch break means the opening after it.

        Raises
        ------
        CalendarError
            For `day_after` below 0, or a fraction outside [0, 1].
        """
        if day_after < 0 or not 0 <= fraction <= 1:
            raise CalendarError(f"needs day_after >= 0 and 0 <= fraction <= 1, given {day_after} and {fraction}")
        _need_moment(t)
        return opening.moment_in(self.open_time, self.span, day_after, t, fraction)

    def _day(self, t: float) -> int:
        """Give the day of a moment: -1 before the horizon, `days` after it."""
        _need_moment(t)
        return opening.day_of(self.span, t)


def _need_moment(t: float) -> None:
    if math.isnan(t):
        raise CalendarError("NaN is not a moment and has no day")
