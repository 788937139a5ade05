"""Hours and staff of a place: how a scenario says when how many windows are open."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from canbao.arrays import BoolArray, np
from canbao.calendar import Calendar, Hours, Interval, parse_hours
from canbao.district import District
from canbao.errors import CalendarError
from canbao.scenario.models import Settings
from canbao.scenario.quantities import Count, MisfitError
from canbao.schedule import Schedule

__all__ = ["HoursText", "Opening", "Shift", "Staffed", "office_hours"]

_DAY_S = 86_400.0
_MORNING_AND_AFTERNOON = parse_hours(["08:30-12:00", "14:00-17:30"])


def _read_hours(value: object) -> Hours:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise MisfitError("are not hours", allowed='a list of hours such as ["08:30-12:00", "14:00-17:30"]')
    try:
        return parse_hours(value)
    except CalendarError as error:
        raise MisfitError(str(error)) from error


_HOURS_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {"type": "string", "pattern": r"^\d{1,2}:\d{2}\s*-\s*\d{1,2}:\d{2}$"},
    "examples": [["08:30-12:00", "14:00-17:30"]],
}

HoursText = Annotated[Hours, PlainValidator(_read_hours), WithJsonSchema(_HOURS_SCHEMA)]


def office_hours() -> Hours:
    """Give the usual hours of a hall: 08:30-12:00 and 14:00-17:30."""
    return _MORNING_AND_AFTERNOON


class Shift(Settings):
    """Another number of staff on some dates or at some hours; where several shifts overlap, the last one holds."""

    staff: Count = Field(description="How many serve then.")
    start: dt.date | None = Field(None, description="First date; the start of the horizon if not given.")
    end: dt.date | None = Field(None, description="Last date; the end of the horizon if not given.")
    hours: HoursText | None = Field(None, description="Hours of the day; all opening hours if not given.")
    opens: bool = Field(False, description="Open on these dates even where the place would be closed all day.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start is not None and self.end is not None and self.end < self.start:
            raise MisfitError("is before the start", allowed="a date at or after start", below=("end",))
        return self

    def covers(self, date: dt.date) -> bool:
        """Tell whether the shift applies on a date."""
        return (self.start is None or self.start <= date) and (self.end is None or date <= self.end)


@dataclass(frozen=True)
class Opening:
    """When a place is open and how many serve."""

    servers: Schedule
    doors: Schedule
    calendar: Calendar


class Staffed(Settings):
    """A place with hours and staff."""

    staff: Count = Field(description="How many serve at a time.")
    hours: HoursText = Field(
        default_factory=office_hours, description="Hours on working days.", json_schema_extra={"grade": "C"}
    )
    saturday_hours: HoursText = Field((), description="Hours on Saturdays that are no working days; none if not given.")
    sunday_hours: HoursText = Field((), description="Hours on all other days off; none if not given.")
    shifts: list[Shift] = Field([], description="Dates and hours with another number of staff.")

    def open_days(self, district: District) -> BoolArray:
        """Tell for each date whether the place opens at all, shape (days,)."""
        return np.array([bool(hours) for hours in self._hours(district)])

    def opening(self, district: District) -> Opening:
        """Work out hours and staff over the horizon."""
        intervals: list[Interval] = []
        staff: list[tuple[float, float]] = [(0.0, 0.0)]
        for day, (date, hours) in enumerate(zip(district.horizon.dates(), self._hours(district), strict=True)):
            shifts = [shift for shift in self.shifts if shift.covers(date)]
            for start, end in hours:
                intervals.append((day * _DAY_S + start, day * _DAY_S + end))
                staff.extend((day * _DAY_S + time, count) for time, count in self._staff(start, end, shifts))
                staff.append((day * _DAY_S + end, 0.0))
        calendar = Calendar.from_intervals(intervals, district.horizon.days)
        return Opening(_schedule(staff), calendar.to_schedule(), calendar)

    def _hours(self, district: District) -> list[Hours]:
        """Give the hours of each date."""
        plain = zip(district.horizon.dates(), district.working, district.saturdays, strict=True)
        return [self._hours_on(date, bool(works), bool(saturday)) for date, works, saturday in plain]

    def _hours_on(self, date: dt.date, works: bool, saturday: bool) -> Hours:
        if works or any(shift.opens and shift.covers(date) for shift in self.shifts):
            return self.hours
        return self.saturday_hours if saturday else self.sunday_hours

    def _staff(self, start: float, end: float, shifts: list[Shift]) -> list[tuple[float, float]]:
        """Give the moments of one interval at which the number of staff changes."""
        if not shifts:
            return [(start, float(self.staff))]
        edges = {start} | {
            edge for shift in shifts for hours in shift.hours or () for edge in hours if start < edge < end
        }
        return [(edge, float(self._staff_at(edge, shifts))) for edge in sorted(edges)]

    def _staff_at(self, second: float, shifts: list[Shift]) -> int:
        count = self.staff
        for shift in shifts:
            if shift.hours is None or any(start <= second < end for start, end in shift.hours):
                count = shift.staff
        return count


def _schedule(staff: list[tuple[float, float]]) -> Schedule:
    """Give the schedule of (time, count) in order; the last word at one time holds, and repeats are left out."""
    at = dict(staff)
    times, values = np.array(list(at)), np.array(list(at.values()))
    keep = np.append(True, np.diff(values) != 0)
    return Schedule(times[keep], values[keep])
