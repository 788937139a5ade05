"""Dates, working days and opening hours, against counts on a grid of single minutes."""

from __future__ import annotations

import datetime as dt
import math
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from canbao.arrays import BoolArray, IntArray
from canbao.calendar import (
    WHOLE_DAY,
    Calendar,
    Horizon,
    Interval,
    daily,
    free_saturdays,
    parse_hours,
    working_days,
)
from canbao.errors import CalendarError

DAY = 86400
CELL = 7200
MINUTE = 60
OFFICE = parse_hours(["08:30-12:00", "14:00-17:30"])

# The announcement for 2026 (State Council, General Office, 2025-11-04), written down a second time as an oracle.
CLOSED_2026 = [
    dt.date(2026, month, day)
    for month, days in {
        1: range(1, 4),
        2: range(15, 24),
        4: range(4, 7),
        5: range(1, 6),
        6: range(19, 22),
        9: range(25, 28),
        10: range(1, 8),
    }.items()
    for day in days
]
MAKE_UP_2026 = [dt.date(2026, month, day) for month, day in [(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)]]


def year(number: int) -> Horizon:
    """Give the horizon of a whole year."""
    return Horizon(dt.date(number, 1, 1), dt.date(number, 12, 31))


# ---- horizon


@given(st.dates(dt.date(2000, 1, 1), dt.date(2030, 1, 1)), st.integers(0, 800))
def test_horizon_lists_all_its_dates(start: dt.date, more: int) -> None:
    """Both ends count, and the end in seconds is the midnight after the last date."""
    horizon = Horizon(start, start + dt.timedelta(days=more))
    dates = horizon.dates()
    assert len(dates) == horizon.days == more + 1
    assert [dates[0], dates[-1]] == [horizon.start, horizon.end]
    assert horizon.end_s == horizon.seconds(horizon.end + dt.timedelta(days=1))


@given(st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2040, 1, 1)))
def test_seconds_and_moments_are_inverse(moment: dt.datetime) -> None:
    """A date and time survives the way into seconds and back, inside the horizon and outside."""
    horizon = year(2026)
    assert abs(horizon.moment(horizon.seconds(moment)) - moment) <= dt.timedelta(microseconds=1)
    assert horizon.date(horizon.seconds(moment.date())) == moment.date()


def test_last_instant_of_a_day_belongs_to_that_day() -> None:
    """The date does not round up, however close midnight is."""
    horizon = year(2026)
    assert horizon.date(math.nextafter(DAY, 0)) == dt.date(2026, 1, 1)
    assert horizon.date(DAY) == dt.date(2026, 1, 2)
    assert horizon.date(-1e-9) == dt.date(2025, 12, 31)


def test_horizon_that_ends_before_it_starts_is_refused() -> None:
    """Both dates are shown."""
    with pytest.raises(CalendarError, match="ends on 2026-01-01, before it starts on 2026-01-02"):
        Horizon(dt.date(2026, 1, 2), dt.date(2026, 1, 1))


def test_horizon_takes_dates_and_local_times_only() -> None:
    """A time of day as a bound, or a time zone in a moment, is refused instead of guessed at."""
    with pytest.raises(CalendarError, match="needs dates"):
        Horizon(dt.datetime(2026, 1, 1, 8), dt.date(2026, 1, 2))
    with pytest.raises(CalendarError, match=r"2026-01-01T08:00:00\+00:00 has a time zone"):
        year(2026).seconds(dt.datetime(2026, 1, 1, 8, tzinfo=dt.UTC))


@pytest.mark.parametrize("seconds", [math.inf, -math.inf, math.nan, 1e300])
def test_seconds_that_are_no_date_are_refused(seconds: float) -> None:
    """What never happens has no date."""
    horizon = year(2026)
    for ask in (horizon.moment, horizon.date):
        with pytest.raises(CalendarError, match="is not a date"):
            ask(seconds)


# ---- working days


@pytest.mark.parametrize(("number", "count"), [(2024, 251), (2025, 248), (2026, 248)])
def test_number_of_working_days_a_year(number: int, count: int) -> None:
    """The published counts, make-up days included."""
    assert working_days(year(number)).sum() == count


def test_working_days_of_2026_are_those_announced() -> None:
    """Weekdays without the holidays announced, with the weekends worked in exchange; 2026-02-28 among them."""
    dates = year(2026).dates()
    expected = [(d.weekday() < 5 and d not in CLOSED_2026) or d in MAKE_UP_2026 for d in dates]
    assert working_days(year(2026)).tolist() == expected
    assert expected[dates.index(dt.date(2026, 2, 28))]


def test_year_that_is_listed_in_full_needs_no_library() -> None:
    """The announcement, given as a scenario would list it, makes the same year."""
    listed = working_days(year(2026), open_dates=MAKE_UP_2026, closed_dates=CLOSED_2026, known_years={2026})
    assert listed.tolist() == working_days(year(2026)).tolist()


def test_year_beyond_the_announcements_follows_the_weekday_apart_from_listed_dates() -> None:
    """A declared year is closed on weekends and listed holidays, and open on listed make-up days."""
    days = working_days(
        year(2099), open_dates=[dt.date(2099, 1, 4)], closed_dates=[dt.date(2099, 1, 1)], known_years=[2099]
    )
    dates = year(2099).dates()
    differing = [d for d, works in zip(dates, days, strict=True) if works != (d.weekday() < 5)]
    assert differing == [dt.date(2099, 1, 1), dt.date(2099, 1, 4)]


def test_declared_year_is_taken_from_the_list_alone() -> None:
    """Announced holidays do not mix with those that the scenario lists, so that a newer library changes nothing."""
    new_year = dt.date(2026, 1, 1)
    days = working_days(year(2026), closed_dates=[new_year], known_years=[2026])
    assert days.tolist() == [date.weekday() < 5 and date != new_year for date in year(2026).dates()]


def test_unknown_dates_are_refused_with_a_remedy() -> None:
    """The error names the first unknown date and says both ways out."""
    last = _last_known_year()
    horizon = Horizon(dt.date(last, 12, 30), dt.date(last + 1, 1, 5))
    message = (
        f"in {last + 1}: {last + 1}-01-01, {last + 1}-01-02, {last + 1}-01-03 and 2 more dates to {last + 1}-01-05; "
        f"list working days and holidays of {last + 1} under .calendar. .*{last + 1} in known_years.*"
        f"or keep the horizon between 2004-01-01 and {last}-12-31"
    )
    with pytest.raises(CalendarError, match=message):
        working_days(horizon)
    with pytest.raises(CalendarError, match=message):
        free_saturdays(horizon)


def test_dates_before_the_announcements_are_refused() -> None:
    """No guess is made for the past either."""
    with pytest.raises(CalendarError, match="2003-12-31; list"):
        working_days(Horizon(dt.date(2003, 12, 31), dt.date(2004, 1, 5)))


def test_unknown_dates_that_are_all_listed_are_known() -> None:
    """A few days past the announcements need no declaration when each of them is listed."""
    last = _last_known_year()
    horizon = Horizon(dt.date(last + 1, 1, 1), dt.date(last + 1, 1, 2))
    days = working_days(horizon, closed_dates=[horizon.start], open_dates=[horizon.end])
    assert days.tolist() == [False, True]


def test_listed_dates_overrule_the_announcement() -> None:
    """A city can open on a holiday and close on a working day; other days stay as announced."""
    opened, closed = dt.date(2026, 2, 20), dt.date(2026, 3, 2)
    plain = working_days(year(2026))
    changed = working_days(year(2026), open_dates=[opened], closed_dates=[closed])
    differing = [d for d, a, b in zip(year(2026).dates(), plain, changed, strict=True) if a != b]
    assert differing == [opened, closed]


def test_date_both_open_and_closed_is_refused() -> None:
    """The date in conflict is named."""
    date = dt.date(2026, 3, 2)
    with pytest.raises(CalendarError, match="2026-03-02: both in open_dates and in closed_dates"):
        working_days(year(2026), open_dates=[date], closed_dates=[date, dt.date(2026, 3, 3)])


def test_declaring_a_known_year_without_its_holidays_is_refused() -> None:
    """Holidays that are known are not lost by a declaration alone."""
    with pytest.raises(CalendarError, match="known_years names 2026, but no date of 2026"):
        working_days(year(2026), known_years=[2026])


def test_listed_times_of_day_are_refused() -> None:
    """A datetime equals no date, so it would be overlooked."""
    with pytest.raises(CalendarError, match="closed_dates needs dates"):
        working_days(year(2026), closed_dates=[dt.datetime(2026, 3, 2, 8)])


def test_free_saturdays_are_neither_worked_nor_in_a_holiday() -> None:
    """In February 2026 Saturday the 7th is free; the 14th and 28th are worked, the 21st is in the Spring Festival."""
    horizon = Horizon(dt.date(2026, 2, 1), dt.date(2026, 2, 28))
    assert np.flatnonzero(free_saturdays(horizon)).tolist() == [6]
    assert not free_saturdays(horizon, closed_dates=[dt.date(2026, 2, 7)]).any()


def _last_known_year() -> int:
    """Find the last year that the library knows, so that a newer library breaks no test."""
    for number in range(2026, 2100):
        try:
            working_days(year(number + 1))
        except CalendarError:
            return number
    raise AssertionError("the library knows all years")


# ---- opening hours


@given(st.lists(st.integers(0, 1440), min_size=2, max_size=8, unique=True).map(sorted), st.data())
def test_hours_are_read_as_written(minutes: list[int], data: st.DataObject) -> None:
    """Any hours that do not overlap are read back, in order, however they are ordered in the file."""
    pairs = list(zip(minutes[::2], minutes[1::2], strict=False))
    texts = [f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in pairs]
    assert parse_hours(data.draw(st.permutations(texts))) == tuple((a * 60.0, b * 60.0) for a, b in pairs)


def test_hours_of_special_days() -> None:
    """No hours are a closed day; 24:00 is the end of a day; hours that touch are fine; spaces do not matter."""
    assert parse_hours([]) == ()
    assert parse_hours(["00:00-24:00"]) == parse_hours("00:00-24:00") == WHOLE_DAY
    assert parse_hours(["12:00 - 13:00", "8:00-12:00"]) == ((28800.0, 43200.0), (43200.0, 46800.0))


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        (["8-12"], "'8-12' are not opening hours; allowed: \"HH:MM-HH:MM\""),
        ([""], "'' are not opening hours"),
        (["08:30"], "'08:30' are not opening hours"),
        (["08:60-12:00"], "'08:60-12:00' are not opening hours"),
        (["08:30-12:00-14:00"], "are not opening hours"),
        (["-8:30-12:00"], "are not opening hours"),
        (["08:30-24:01"], "'08:30-24:01' end after 24:00"),
        (["12:00-08:30"], "'12:00-08:30' do not end after they start; allowed"),
        (["08:30-08:30"], "do not end after they start"),
        (["14:00-17:30", "08:30-14:01"], "'08:30-14:01' and '14:00-17:30' overlap"),
        (["08:30-12:00", "08:30-12:00"], "overlap"),
    ],
)
def test_texts_that_are_no_hours_are_refused(texts: list[str], shown: str) -> None:
    """The error shows the text and the form that is allowed."""
    with pytest.raises(CalendarError, match=shown):
        parse_hours(texts)


def test_hours_outside_a_day_are_refused() -> None:
    """Hours given as numbers are checked too."""
    with pytest.raises(CalendarError, match="given 79200"):
        daily(((79200.0, 93600.0),), [0])


# ---- calendars on a grid


@dataclass(frozen=True)
class Grid:
    """A calendar, and beside it, as the oracle, whether each single minute of its horizon is open."""

    calendar: Calendar
    minutes: BoolArray

    @property
    def end(self) -> int:
        return len(self.minutes) * MINUTE

    @property
    def open_before(self) -> IntArray:
        """Open seconds before each minute, the end of the horizon included."""
        return np.concatenate([[0], np.cumsum(self.minutes)]) * MINUTE

    @property
    def open_of_day(self) -> IntArray:
        """Open seconds of each day."""
        return np.asarray(self.minutes.reshape(-1, DAY // MINUTE).sum(axis=1)) * MINUTE


def from_cells(cells: list[bool]) -> Calendar:
    """Make a calendar of cells of two hours each, twelve a day."""
    intervals = [(place * CELL, (place + 1) * CELL) for place, is_open in enumerate(cells) if is_open]
    return Calendar.from_intervals(intervals, len(cells) // 12)


# Hypothesis looks into each new strategy before it draws from it; so those with arguments are made once for each.


@cache
def cells_of(days: int) -> st.SearchStrategy[list[bool]]:
    """Draw the cells of some days, closed days and days that are open through midnight among them."""
    day = st.one_of(st.just([False] * 12), st.just([True] * 12), st.lists(st.booleans(), min_size=12, max_size=12))
    return st.lists(day, min_size=days, max_size=days).map(lambda drawn: [cell for cells in drawn for cell in cells])


all_cells = st.integers(1, 5).flatmap(cells_of)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Draw a calendar of up to five days with its grid of minutes."""
    cells = draw(all_cells)
    return Grid(from_cells(cells), np.repeat(np.array(cells), CELL // MINUTE))


def whole_moments(grid: Grid) -> st.SearchStrategy[int]:
    """Draw a whole minute of a horizon, often one where something opens or closes."""
    return _whole_moments(grid.end)


@cache
def _whole_moments(end: int) -> st.SearchStrategy[int]:
    cells = st.integers(0, end // CELL).map(lambda place: place * CELL)
    return st.one_of(cells, st.integers(0, end // MINUTE).map(lambda place: place * MINUTE))


def any_moments(grid: Grid) -> st.SearchStrategy[float]:
    """Draw a moment inside the horizon or a little outside."""
    return _any_moments(grid.end)


@cache
def _any_moments(end: int) -> st.SearchStrategy[float]:
    return st.one_of(_whole_moments(end).map(float), st.floats(-DAY, end + DAY))


@given(grids(), st.data())
def test_open_or_not_at_a_moment_as_on_the_grid(grid: Grid, data: st.DataObject) -> None:
    """The opening is open, the closing is not, and the next of each is the next on the grid."""
    t = data.draw(whole_moments(grid))
    padded = np.append(grid.minutes, False)[t // MINUTE :]
    assert grid.calendar.is_open(t) == padded[0]
    opening = int(np.argmax(padded)) if padded.any() else None
    closing = opening + int(np.argmin(padded[opening:])) if opening is not None else None
    assert grid.calendar.next_open(t) == (math.inf if opening is None else t + opening * MINUTE)
    assert grid.calendar.next_close(t) == (math.inf if closing is None else t + closing * MINUTE)


@given(grids(), st.data())
def test_open_time_between_moments_as_counted(grid: Grid, data: st.DataObject) -> None:
    """Open seconds are those of the open minutes on the grid."""
    start, end = sorted(data.draw(st.tuples(whole_moments(grid), whole_moments(grid))))
    assert grid.calendar.open_s(start, end) == grid.minutes[start // MINUTE : end // MINUTE].sum() * MINUTE


units = st.sampled_from([CELL, MINUTE])


@given(grids(), st.data())
def test_open_time_added_ends_at_the_first_minute_by_which_it_has_passed(grid: Grid, data: st.DataObject) -> None:
    """A search on the grid finds the same moment: nothing to add is t itself, and a closing comes before an opening."""
    t = data.draw(whole_moments(grid))
    unit = data.draw(units)
    seconds = data.draw(st.integers(0, 20)) * unit
    open_before = grid.open_before[t // MINUTE :]
    found = t + int(np.searchsorted(open_before, open_before[0] + seconds)) * MINUTE
    assert grid.calendar.add_open_s(t, seconds) == (found if found <= grid.end else math.inf)


@given(grids(), st.data())
def test_open_time_added_in_two_parts_is_added_at_once(grid: Grid, data: st.DataObject) -> None:
    """First a and then b is a + b, exactly on whole seconds."""
    t, a, b = data.draw(st.tuples(whole_moments(grid), st.integers(0, DAY), st.integers(0, DAY)))
    calendar = grid.calendar
    assert calendar.add_open_s(calendar.add_open_s(t, a), b) == calendar.add_open_s(t, a + b)


@given(grids(), st.data())
def test_open_time_added_is_the_open_time_that_passes(grid: Grid, data: st.DataObject) -> None:
    """At any moments, fractions of seconds included, adding and measuring agree."""
    t, seconds = data.draw(st.tuples(any_moments(grid), st.floats(0, DAY)))
    later = grid.calendar.add_open_s(t, seconds)
    if later < math.inf:
        assert grid.calendar.open_s(t, later) == pytest.approx(seconds, abs=1e-6)
        assert later >= t
    else:
        assert grid.calendar.open_s(t, max(t, grid.end)) <= seconds + 1e-6


@given(grids(), st.data())
def test_open_time_added_never_falls(grid: Grid, data: st.DataObject) -> None:
    """To start later or to add more never ends earlier."""
    early, late = sorted(data.draw(st.tuples(any_moments(grid), any_moments(grid))))
    less, more = sorted(data.draw(st.tuples(st.floats(0, DAY), st.floats(0, DAY))))
    assert grid.calendar.add_open_s(early, less) <= grid.calendar.add_open_s(late, less)
    assert grid.calendar.add_open_s(early, less) <= grid.calendar.add_open_s(early, more)


@given(grids(), st.data())
def test_day_numbers_as_counted(grid: Grid, data: st.DataObject) -> None:
    """The number of a moment counts the open days up to its date, for one moment and for an array."""
    moments = data.draw(st.lists(any_moments(grid), min_size=1, max_size=6))
    dates = [-1 if t < 0 else math.floor(t / DAY) for t in moments]
    expected = [int((grid.open_of_day[: date + 1] > 0).sum()) - 1 for date in dates]
    assert [grid.calendar.day_number(t) for t in moments] == expected
    assert grid.calendar.day_number(np.array(moments)).tolist() == expected


@given(grids(), st.data())
def test_day_clock_as_counted(grid: Grid, data: st.DataObject) -> None:
    """The clock is the open days before today and the share of today's open seconds gone."""
    t = data.draw(whole_moments(grid).filter(lambda t: t < grid.end))
    today = t // DAY
    gone = grid.minutes[today * DAY // MINUTE : t // MINUTE].sum() * MINUTE
    share = gone / grid.open_of_day[today] if grid.open_of_day[today] else 0.0
    assert grid.calendar.day_clock(t) == (grid.open_of_day[:today] > 0).sum() + share


@given(grids(), st.data())
def test_day_clock_never_falls_and_never_jumps(grid: Grid, data: st.DataObject) -> None:
    """Between two moments it rises by no more than the open time between them allows."""
    early, late = sorted(data.draw(st.tuples(any_moments(grid), any_moments(grid))))
    rise = grid.calendar.day_clock(late) - grid.calendar.day_clock(early)
    assert 0 <= rise <= grid.calendar.open_s(early, late) / CELL + 1e-9


@given(grids(), st.data())
def test_days_added_move_the_clock_by_as_much(grid: Grid, data: st.DataObject) -> None:
    """The clock at the result has moved by n; where there is no result, less than n days are left."""
    t, n = data.draw(st.tuples(any_moments(grid), st.floats(0, 6)))
    later = grid.calendar.add_days(t, n)
    if later < math.inf:
        assert grid.calendar.day_clock(later) - grid.calendar.day_clock(t) == pytest.approx(n, abs=1e-9)
        assert later >= t
    else:
        assert len(grid.calendar.open_days) - grid.calendar.day_clock(t) <= n + 1e-9


@given(grids(), st.data())
def test_whole_days_added_move_the_day_number_by_as_many(grid: Grid, data: st.DataObject) -> None:
    """After n whole working days, n working days are counted, from whatever moment."""
    t, n = data.draw(st.tuples(any_moments(grid), st.integers(0, 5)))
    later = grid.calendar.add_days(t, n)
    # A day that is open until midnight ends at the first moment of the next date.
    assume(later < math.inf and later % DAY != 0)
    assert grid.calendar.day_number(later) - grid.calendar.day_number(t) == n


DAYS = st.one_of(st.floats(0, 6), st.integers(0, 24).map(lambda quarters: quarters / 4))
some_days = st.tuples(DAYS, DAYS)


@given(grids(), st.data())
def test_days_added_never_fall(grid: Grid, data: st.DataObject) -> None:
    """To start later or to add more days never ends earlier."""
    early, late = sorted(data.draw(st.tuples(any_moments(grid), any_moments(grid))))
    less, more = sorted(data.draw(some_days))
    assert grid.calendar.add_days(early, less) <= grid.calendar.add_days(late, less)
    assert grid.calendar.add_days(early, less) <= grid.calendar.add_days(early, more)


@given(grids(), st.data())
def test_coming_back_on_another_day_is_on_that_day_at_that_share_of_its_hours(grid: Grid, data: st.DataObject) -> None:
    """The k-th open day after today, when the share of its open time has gone, and it is open then."""
    t, k, fraction = data.draw(st.tuples(any_moments(grid), st.integers(1, 5), st.floats(0, 1)))
    calendar = grid.calendar
    moment = calendar.moment_in(k, t, fraction)
    later_days = calendar.open_days[calendar.open_days > math.floor(t / DAY)]
    if k > len(later_days):
        assert moment == math.inf
        return
    day = int(later_days[k - 1])
    assert day * DAY <= moment <= (day + 1) * DAY
    gone = calendar.open_s(day * DAY, moment)
    assert gone == pytest.approx(fraction * grid.open_of_day[day], abs=1e-6)
    assert calendar.is_open(moment) or gone == grid.open_of_day[day]


@given(grids(), st.data())
def test_coming_back_today_is_at_once_or_in_what_is_left_of_today(grid: Grid, data: st.DataObject) -> None:
    """Open: now. Closed with hours left today: a share of those. Else it is the next open day."""
    t, fraction = data.draw(st.tuples(any_moments(grid), st.floats(0, 1)))
    calendar = grid.calendar
    moment = calendar.moment_in(0, t, fraction)
    midnight = (math.floor(t / DAY) + 1) * DAY
    left = calendar.open_s(t, midnight)
    if calendar.is_open(t):
        assert moment == t
    elif left > 0:
        assert t < moment <= midnight
        assert calendar.open_s(t, moment) == pytest.approx(fraction * left, abs=1e-6)
    else:
        assert moment == calendar.moment_in(1, t, fraction)


@given(grids(), st.data())
def test_coming_back_never_falls_with_the_share(grid: Grid, data: st.DataObject) -> None:
    """A larger share of the day is never earlier."""
    t, k = data.draw(st.tuples(any_moments(grid), st.integers(0, 3)))
    less, more = sorted(data.draw(st.tuples(st.floats(0, 1), st.floats(0, 1))))
    assert grid.calendar.moment_in(k, t, less) <= grid.calendar.moment_in(k, t, more)


@given(grids(), st.data())
def test_schedule_of_a_calendar_says_when_it_is_open(grid: Grid, data: st.DataObject) -> None:
    """Inside at open moments, outside at the others, after the horizon too."""
    schedule = grid.calendar.to_schedule(inside=3.0, outside=1.0)
    t = data.draw(st.floats(0, grid.end + DAY))
    assert schedule.at(t) == (3.0 if grid.calendar.is_open(t) else 1.0)
    assert grid.calendar.to_schedule().integral(0, grid.end) == grid.minutes.sum() * MINUTE


@given(st.integers(1, 4).flatmap(lambda days: st.tuples(cells_of(days), cells_of(days))))
def test_closing_leaves_what_is_open_in_one_and_not_in_the_other(both: tuple[list[bool], list[bool]]) -> None:
    """To take intervals away from a calendar is set difference."""
    cells, cut = both
    intervals = [(place * CELL, (place + 1) * CELL) for place, closed in enumerate(cut) if closed]
    left = from_cells(cells).without(intervals)
    expected = from_cells([is_open and not closed for is_open, closed in zip(cells, cut, strict=True)])
    assert edges(left) == edges(expected)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=8))
def test_intervals_that_overlap_or_touch_become_one(drawn: list[tuple[int, int]]) -> None:
    """The calendar of any intervals is open where at least one of them is, with no seam inside."""
    intervals: list[Interval] = [(start, start + length) for start, length in drawn]
    calendar = Calendar.from_intervals(intervals, 1)
    assert [calendar.is_open(t) for t in range(60)] == [any(a <= t < b for a, b in intervals) for t in range(60)]
    assert (calendar.opens[1:] > calendar.closes[:-1]).all()


def edges(calendar: Calendar) -> list[Interval]:
    """List the open intervals of a calendar."""
    return list(zip(calendar.opens.tolist(), calendar.closes.tolist(), strict=True))


# ---- calendars by example


@pytest.fixture(scope="module")
def week() -> Calendar:
    """Give an office's calendar from Monday 2026-03-02 to Sunday 2026-03-15."""
    horizon = Horizon(dt.date(2026, 3, 2), dt.date(2026, 3, 15))
    return Calendar.build(horizon, [(working_days(horizon), OFFICE)])


def at(day: int, hour: float) -> float:
    """Give the moment at an hour of a day of the horizon."""
    return day * DAY + hour * 3600


@pytest.mark.parametrize(
    ("start", "n", "end"),
    [
        ((0, 10), 1, (1, 10)),  # Monday 10:00 to Tuesday 10:00
        ((4, 15.5), 2, (8, 15.5)),  # Friday over the weekend to Tuesday
        ((0, 8.5), 1, (1, 8.5)),  # an opening to the next opening
        ((0, 7), 1, (1, 8.5)),  # before the opening counts as the opening
        ((0, 19), 1, (1, 17.5)),  # after closing counts as the closing
        ((6, 11), 1, (7, 17.5)),  # Sunday counts Monday as day 1
        ((4, 17.5), 1, (7, 17.5)),  # a closing to the next closing
        ((0, 8.5), 0.5, (0, 12)),  # half a day of two equal halves
        ((0, 10.25), 0.75, (0, 17.5)),  # work done by closing is done that day
        ((0, 10.25), 1.25, (1, 12)),  # and so is work done by lunch
        ((6, 11), 0, (6, 11)),  # nothing to add
    ],
)
def test_working_days_later(week: Calendar, start: tuple[int, float], n: float, end: tuple[int, float]) -> None:
    """Working days later is where a clerk would say it is."""
    assert week.add_days(at(*start), n) == pytest.approx(at(*end), abs=1e-6)


@given(st.integers(0, 9), st.integers(0, 7 * 3600 - 1), st.integers(0, 9))
def test_whole_days_later_is_the_same_time_of_day(day: int, gone: int, n: int) -> None:
    """Where all open days have the same hours, whole days later is the same time on a later open day."""
    horizon = Horizon(dt.date(2026, 3, 2), dt.date(2026, 3, 22))
    calendar = Calendar.build(horizon, [(working_days(horizon), OFFICE)])
    time = gone + (8.5 if gone < 3.5 * 3600 else 10.5) * 3600
    assume(gone != 3.5 * 3600)  # the opening after lunch may as well be the closing before it
    open_days = calendar.open_days.tolist()
    later = calendar.add_days(open_days[day] * DAY + time, n)
    expected = open_days[day + n] * DAY + time if day + n < len(open_days) else math.inf
    assert later == pytest.approx(expected, abs=1e-6)


@given(st.lists(st.tuples(st.floats(0, 80000), st.floats(0.01, 6000)), min_size=2, max_size=8))
def test_whole_days_after_a_closing_end_exactly_at_a_closing(hours: list[tuple[float, float]]) -> None:
    """However odd and unequal the hours are, rounding does not carry the end of a day over the night."""
    intervals = [(day * DAY + start, day * DAY + start + length) for day, (start, length) in enumerate(hours)]
    calendar = Calendar.from_intervals(intervals, len(hours))
    closings = calendar.closes.tolist()
    assert [calendar.add_days(closings[0], n) for n in range(len(closings))] == closings


def test_next_to_nothing_added_does_not_go_back(week: Calendar) -> None:
    """An amount too small to change a sum gives the moment itself, not the closing before it."""
    sunday = at(6, 11)
    assert week.add_open_s(sunday, 1e-300) == sunday
    assert week.add_days(sunday, 1e-300) == sunday
    assert week.add_days(-5.0, 1e-300) == -5.0


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [((4, 10), (7, 9), 1), ((6, 10), (7, 9), 1), ((4, 10), (6, 23), 0), ((0, 9), (0, 17), 0), ((0, 9), (9, 9), 7)],
)
def test_working_days_between_do_not_count_the_first(
    week: Calendar, start: tuple[int, float], end: tuple[int, float], days: int
) -> None:
    """From Friday or Sunday to Monday is one working day; a weekend adds none."""
    assert week.day_number(at(*end)) - week.day_number(at(*start)) == days


def test_saturday_service_make_up_days_and_single_dates() -> None:
    """Each date of February 2026 has the hours of its kind, and listed dates have their own."""
    horizon = Horizon(dt.date(2026, 2, 1), dt.date(2026, 2, 28))
    morning = parse_hours(["09:00-12:00"])
    calendar = Calendar.build(
        horizon,
        [(working_days(horizon), OFFICE), (free_saturdays(horizon), morning)],
        {dt.date(2026, 2, 9): (), dt.date(2026, 2, 22): morning, dt.date(2027, 2, 1): OFFICE},
    )
    hours = {day: calendar.open_s((day - 1) * DAY, day * DAY) / 3600 for day in range(1, 29)}
    closed = {1, 8, 9, *range(15, 24)} - {22}
    assert hours == {day: 0 if day in closed else 3 if day in (7, 22) else 7 for day in range(1, 29)}


def test_nightly_maintenance_of_a_portal() -> None:
    """A portal that never closes, but for three hours a night, is open for the rest."""
    portal = Calendar.always(10).without(daily(parse_hours(["23:00-24:00", "00:00-02:00"]), range(10)))
    assert edges(portal) == [(at(day, 2), at(day, 23)) for day in range(10)]
    assert edges(Calendar.always(10).without([(-5.0, 99.0), (10 * DAY - 1.0, 1e9)])) == [(99.0, 10 * DAY - 1.0)]


def test_calendar_that_never_opens_or_never_closes() -> None:
    """The extremes answer too."""
    never, always = Calendar.from_intervals([], 2), Calendar.always(2)
    assert [never.next_open(0.0), never.next_close(0.0), never.add_open_s(0.0, 1.0)] == [math.inf] * 3
    assert [never.add_days(0.0, 1.0), never.moment_in(0, 0.0, 0.5)] == [math.inf] * 2
    assert never.open_s(0.0, 2.0 * DAY) == never.day_clock(1.0) == 0.0
    assert always.day_clock(1.5 * DAY) == 1.5
    assert always.add_days(100.0, 1.0) == DAY + 100.0
    assert always.moment_in(1, 100.0, 0.0) == DAY


def test_forever_is_beyond_every_horizon(week: Calendar) -> None:
    """What never happens stays at inf and counts all open days."""
    assert week.next_open(math.inf) == week.add_open_s(math.inf, 5.0) == week.add_days(math.inf, 5.0) == math.inf
    assert week.add_days(0.0, math.inf) == week.add_open_s(0.0, math.inf) == week.moment_in(1, math.inf, 0) == math.inf
    assert week.day_clock(math.inf) == 10.0
    assert week.day_number(math.inf) == week.day_number(np.array([math.inf]))[0] == 9


def test_arrays_are_copied_and_cannot_be_written() -> None:
    """Neither the caller's arrays nor the calendar's own can change it afterwards, not even after a pickle."""
    opens, closes = np.array([10.0]), np.array([20.0])
    calendar = Calendar(opens, closes, 1)
    opens[0] = 0.0
    for kept in (calendar, pickle.loads(pickle.dumps(calendar))):
        assert edges(kept) == [(10.0, 20.0)]
        assert kept.next_open(0.0) == 10.0
        for array in (kept.opens, kept.closes):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 7.0


@pytest.mark.parametrize(
    ("opens", "closes", "days", "shown"),
    [
        ([], [], 0, "days = 0"),
        ([0.0, 5.0], [1.0], 1, "one close for each open"),
        ([-1.0], [1.0], 1, "between 0 and 86400 s, given -1"),
        ([1.0], [86401.0], 1, "given 86401"),
        ([math.nan], [1.0], 1, "given nan"),
        ([2.0], [2.0], 1, "given 2.0 after 2.0"),
        ([1.0, 5.0], [5.0, 6.0], 1, "given 5.0 after 5.0"),
        ([5.0, 1.0], [6.0, 2.0], 1, "given 1.0 after 6.0"),
    ],
)
def test_intervals_that_are_no_calendar_are_refused(
    opens: list[float], closes: list[float], days: int, shown: str
) -> None:
    """The error shows the value that does not fit."""
    with pytest.raises(CalendarError, match=shown):
        Calendar(np.array(opens), np.array(closes), days)


def test_reversed_interval_is_refused() -> None:
    """An interval must end after it starts, also one to take away."""
    with pytest.raises(CalendarError, match=r"given 2\.0 to 1\.0"):
        Calendar.from_intervals([(2.0, 1.0)], 1)
    with pytest.raises(CalendarError, match=r"given 2\.0 to 1\.0"):
        Calendar.always(1).without([(2.0, 1.0)])


def test_service_of_another_horizon_is_refused() -> None:
    """The days of a service must be those of the horizon."""
    with pytest.raises(CalendarError, match="365 days, given whether 3"):
        Calendar.build(year(2026), [(np.array([True, False, True]), OFFICE)])


@pytest.mark.parametrize(
    ("ask", "shown"),
    [
        (lambda calendar: calendar.open_s(2.0, 1.0), "start = 2.0, end = 1.0"),
        (lambda calendar: calendar.add_open_s(0.0, -1.0), "given -1.0"),
        (lambda calendar: calendar.add_open_s(0.0, math.nan), "given nan"),
        (lambda calendar: calendar.add_days(0.0, -0.5), "given -0.5"),
        (lambda calendar: calendar.add_days(0.0, math.nan), "given nan"),
        (lambda calendar: calendar.add_days(math.nan, 1.0), "NaN is not a moment"),
        (lambda calendar: calendar.day_clock(math.nan), "NaN is not a moment"),
        (lambda calendar: calendar.day_number(math.nan), "NaN is not a moment"),
        (lambda calendar: calendar.day_number(np.array([1.0, math.nan])), "1 of 2 moments are NaN"),
        (lambda calendar: calendar.moment_in(-1, 0.0, 0.5), "given -1 and 0.5"),
        (lambda calendar: calendar.moment_in(0, 0.0, 1.5), "given 0 and 1.5"),
    ],
)
def test_questions_without_an_answer_are_refused(week: Calendar, ask: Callable[[Calendar], object], shown: str) -> None:
    """The error shows what was asked."""
    with pytest.raises(CalendarError, match=shown):
        ask(week)
