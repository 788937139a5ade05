"""Hours and staff of a place over real dates, against a look at every minute."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from canbao.calendar import Horizon, free_saturdays, working_days
from canbao.district import District
from canbao.luck import Luck
from canbao.scenario.staffing import Opening, Shift, Staffed

DAY_S = 86_400.0
AROUND_NATIONAL_DAY = (dt.date(2025, 9, 26), dt.date(2025, 10, 12))  # Friday to Sunday, with both make-up days


def _district(start: dt.date, end: dt.date) -> District:
    """Give a district that knows its dates and nothing else."""
    horizon = Horizon(start, end)
    nobody = cast(Any, None)
    return District(horizon, working_days(horizon), free_saturdays(horizon), 0, {}, {}, nobody, Luck(1))


NATIONAL_DAY = _district(*AROUND_NATIONAL_DAY)


def _place(**settings_: Any) -> Staffed:
    return Staffed.model_validate({"staff": 3, **settings_})


def _open_dates(place: Staffed, district: District) -> list[str]:
    """Name the dates on which a place opens."""
    days = place.open_days(district)
    return [f"{date:%m-%d}" for date, opens in zip(district.horizon.dates(), days, strict=True) if opens]


def _staff_at(opening: Opening, district: District, moment: str) -> float:
    return opening.servers.at(district.horizon.seconds(dt.datetime.fromisoformat(moment)))


def test_a_place_opens_on_working_days_make_up_sunday_and_saturday_included() -> None:
    """28 September 2025 is a Sunday and 11 October a Saturday; both are worked for the National Day holidays."""
    assert _open_dates(_place(), NATIONAL_DAY) == ["09-26", "09-28", "09-29", "09-30", "10-09", "10-10", "10-11"]


def test_the_deadline_saturday_of_february_2026_is_open() -> None:
    """2026-02-28 is a Saturday on which offices keep their ordinary hours, Saturday service or not."""
    district = _district(dt.date(2026, 2, 27), dt.date(2026, 3, 1))
    for place in (_place(), _place(saturday_hours=["09:00-10:00"])):
        opening = place.opening(district)
        assert _open_dates(place, district) == ["02-27", "02-28"]
        assert _staff_at(opening, district, "2026-02-28 11:59:59") == 3
        assert _staff_at(opening, district, "2026-02-28 12:00:00") == 0
        assert _staff_at(opening, district, "2026-02-28 17:29:59") == 3


def test_saturday_hours_hold_on_plain_saturdays_only() -> None:
    """Neither the make-up Saturday nor the Saturday inside the holiday has Saturday service."""
    place = _place(saturday_hours=["09:00-12:00"])
    opening = place.opening(NATIONAL_DAY)
    assert "09-27" in _open_dates(place, NATIONAL_DAY)
    assert "10-04" not in _open_dates(place, NATIONAL_DAY)
    assert _staff_at(opening, NATIONAL_DAY, "2025-09-27 08:45") == 0
    assert _staff_at(opening, NATIONAL_DAY, "2025-09-27 11:00") == 3
    assert _staff_at(opening, NATIONAL_DAY, "2025-10-11 16:00") == 3


def test_sunday_hours_hold_on_all_other_days_off() -> None:
    """Sundays and holidays share their hours, a Saturday inside a holiday too; a plain Saturday has its own."""
    place = _place(sunday_hours=["10:00-11:00"])
    closed = {date.strftime("%m-%d") for date in NATIONAL_DAY.horizon.dates()} - set(_open_dates(place, NATIONAL_DAY))
    assert closed == {"09-27"}
    assert _staff_at(place.opening(NATIONAL_DAY), NATIONAL_DAY, "2025-10-04 10:30") == 3


def test_of_shifts_that_overlap_the_last_one_holds() -> None:
    """By date and by hour: base, then the first shift over it, then the second over both."""
    shifts = [
        {"staff": 10, "start": dt.date(2025, 9, 29), "end": dt.date(2025, 9, 30)},
        {"staff": 5, "hours": ["09:00-10:00"], "start": dt.date(2025, 9, 30)},
    ]
    opening = _place(shifts=shifts).opening(NATIONAL_DAY)
    said = {
        "2025-09-28 09:30": 3,
        "2025-09-29 09:30": 10,
        "2025-09-30 08:59": 10,
        "2025-09-30 09:00": 5,
        "2025-09-30 10:00": 10,
        "2025-10-09 09:30": 5,
        "2025-10-09 10:00": 3,
        "2025-09-30 12:30": 0,
    }
    assert {moment: _staff_at(opening, NATIONAL_DAY, moment) for moment in said} == said


def test_a_shift_may_open_a_closed_day() -> None:
    """With `opens` the place keeps its ordinary hours on these dates; without, a shift opens nothing."""
    day = {"staff": 2, "start": dt.date(2025, 10, 1), "end": dt.date(2025, 10, 1)}
    assert "10-01" not in _open_dates(_place(shifts=[day]), NATIONAL_DAY)
    place = _place(shifts=[{**day, "opens": True}])
    assert [date for date in _open_dates(place, NATIONAL_DAY) if date.startswith("10-0")] == ["10-01", "10-09"]
    assert _staff_at(place.opening(NATIONAL_DAY), NATIONAL_DAY, "2025-10-01 09:00") == 2


def test_no_staff_leaves_the_doors_open() -> None:
    """A place without staff lets people in, and nobody serves them."""
    opening = _place(staff=0).opening(NATIONAL_DAY)
    nine = NATIONAL_DAY.horizon.seconds(dt.datetime(2025, 9, 26, 9))
    assert opening.servers.maximum == 0
    assert opening.doors.at(nine) == 1
    assert opening.calendar.is_open(nine)


def test_a_place_that_never_closes_has_one_number_of_staff() -> None:
    """Hours from midnight to midnight on every day of the week leave no seam at midnight."""
    whole = ["00:00-24:00"]
    opening = _place(hours=whole, saturday_hours=whole, sunday_hours=whole).opening(NATIONAL_DAY)
    assert opening.doors.changes()[0] == (0.0, 1.0)
    assert opening.servers.changes() == [(0.0, 3.0), (NATIONAL_DAY.horizon.end_s, 0.0)]


# --- every minute ---

quarters = st.integers(0, 96)


@st.composite
def hours_of_day(draw: st.DrawFn) -> list[str]:
    """Draw up to three stretches of a day, which may touch, as a scenario writes them."""
    edges = sorted(draw(st.sets(quarters, max_size=6)))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    if len(edges) > 2 and draw(st.booleans()):
        pairs = [(edges[0], edges[1]), (edges[1], edges[2])]  # two that touch
    return [f"{a // 4:02d}:{a % 4 * 15:02d}-{b // 4:02d}:{b % 4 * 15:02d}" for a, b in pairs]


dates = st.dates(*AROUND_NATIONAL_DAY)


@st.composite
def shifts(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a shift with any of its keys left out."""
    found: dict[str, Any] = {"staff": draw(st.integers(0, 9)), "opens": draw(st.booleans())}
    first, last = sorted([draw(dates), draw(dates)])
    if draw(st.booleans()):
        found["start"] = first
    if draw(st.booleans()):
        found["end"] = last
    if draw(st.booleans()):
        found["hours"] = draw(hours_of_day())
    return found


def _minutes(hours: list[str]) -> set[int]:
    """Give the minutes of a day that hours cover, read anew from the text."""
    covered: set[int] = set()
    for text in hours:
        start, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in text.split("-"))
        covered.update(range(start, end))
    return covered


def _counts_by_minute(place: dict[str, Any]) -> list[int | None]:
    """Give the staff at each minute of the horizon, None while closed, straight from the words of the settings."""
    counts: list[int | None] = []
    district = NATIONAL_DAY
    for date, works, saturday in zip(district.horizon.dates(), district.working, district.saturdays, strict=True):
        mine = [
            shift
            for shift in place["shifts"]
            if shift.get("start", dt.date.min) <= date <= shift.get("end", dt.date.max)
        ]
        kind = "hours" if works or any(s["opens"] for s in mine) else "saturday_hours" if saturday else "sunday_hours"
        day: list[int | None] = [None] * 1440
        for minute in _minutes(place[kind]):
            day[minute] = place["staff"]
            for shift in mine:
                if "hours" not in shift or minute in _minutes(shift["hours"]):
                    day[minute] = shift["staff"]
        counts.extend(day)
    return counts


@settings(max_examples=40)
@given(
    st.fixed_dictionaries(
        {
            "staff": st.integers(0, 9),
            "hours": hours_of_day(),
            "saturday_hours": hours_of_day(),
            "sunday_hours": hours_of_day(),
            "shifts": st.lists(shifts(), max_size=3),
        }
    )
)
def test_staff_and_doors_are_right_at_every_minute(place: dict[str, Any]) -> None:
    """Servers, doors, calendar and open days say what the words say, minute for minute."""
    counts = _counts_by_minute(place)
    staffed = Staffed.model_validate(place)
    opening = staffed.opening(NATIONAL_DAY)
    moments = np.arange(len(counts), dtype=np.float64) * 60.0 + 59.0
    assert opening.servers.at(moments).tolist() == [count or 0 for count in counts]
    assert opening.doors.at(moments).tolist() == [float(count is not None) for count in counts]
    assert opening.servers.at(moments - 59.0).tolist() == opening.servers.at(moments).tolist()
    assert [opening.calendar.is_open(t) for t in moments[::15]] == [count is not None for count in counts[::15]]
    by_day = np.array([count is not None for count in counts]).reshape(-1, 1440).any(axis=1)
    assert staffed.open_days(NATIONAL_DAY).tolist() == by_day.tolist()
    assert opening.servers.at(NATIONAL_DAY.horizon.end_s) == opening.doors.at(NATIONAL_DAY.horizon.end_s) == 0


# --- what is refused ---


@pytest.mark.parametrize(
    ("settings_", "said"),
    [
        ({"hours": "08:30-12:00"}, "are not hours"),
        ({"hours": [830]}, "are not hours"),
        ({"hours": ["08:30-"]}, "'08:30-' are not opening hours"),
        ({"hours": ["12:00-08:30"]}, "do not end after they start"),
        ({"hours": ["08:00-12:00", "11:00-13:00"]}, "overlap"),
        ({"hours": ["08:00-25:00"]}, "end after 24:00"),
        ({"staff": -1}, "greater than or equal to 0"),
        ({"staff": 2.5}, "valid integer"),
        ({"staff": 1, "window": 2}, "not permitted"),
    ],
)
def test_hours_and_staff_that_make_no_sense_are_refused(settings_: dict[str, Any], said: str) -> None:
    """What is wrong is said in words."""
    with pytest.raises(ValidationError, match=said):
        _place(**settings_)


def test_a_shift_that_ends_before_it_starts_is_refused() -> None:
    """The fault is laid at its end."""
    with pytest.raises(ValidationError, match="is before the start"):
        Shift.model_validate({"staff": 1, "start": dt.date(2025, 10, 2), "end": dt.date(2025, 10, 1)})


def test_the_days_of_a_shift_include_both_its_ends() -> None:
    """From the first to the last date; without them, always."""
    shift = Shift(staff=1, start=dt.date(2025, 10, 1), end=dt.date(2025, 10, 2))
    days = [dt.date(2025, 9, 30) + dt.timedelta(days=day) for day in range(4)]
    assert [shift.covers(date) for date in days] == [False, True, True, False]
    assert Shift(staff=1).covers(dt.date.min)
    assert Shift(staff=1).covers(dt.date.max)
