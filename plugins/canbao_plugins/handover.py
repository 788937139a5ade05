"""Handing over in batches: what gathers at a place goes on together, on some working days or when it is enough."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

import canbao
from canbao.district import ELSEWHERE, GIVE_UP, District
from canbao.scenario.models import Settings
from canbao.scenario.quantities import MisfitError, PositiveCount, PositiveDuration, Span, WorkingSpan

__all__ = ["HandOver", "Hour", "Weekday", "by_the_deadline", "check_hour", "go_elsewhere", "moments_on"]

_DAY_S = 86_400.0
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
Hour = str
"""The hour and minute of a day, such as "16:00"."""


def check_hour(text: str) -> str:
    """See that a text is an hour of the day; the validator of fields of the type `Hour`."""
    hours, sign, minutes = text.partition(":")
    digits = sign and len(minutes) == 2 and len(hours) in (1, 2) and f"{hours}{minutes}".isdecimal()
    if not (digits and text.isascii() and int(hours) < 24 and int(minutes) < 60):
        raise MisfitError("is not an hour of the day", allowed='hours and minutes such as "16:00"')
    return text


def _seconds(hour: Hour) -> float:
    hours, _, minutes = hour.partition(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0


class HandOver(Settings):
    """When what has gathered is handed over; each key adds occasions.

    All dates are working days: where one falls on a day off, the next working day takes its place.
    """

    every: WorkingSpan | None = Field(None, description='Once in so many working days, such as "5 working days".')
    weekdays: list[Weekday] = Field([], description="On these days of each week.", max_length=7)
    dates: list[dt.date] = Field([], description="On these dates, such as two a year.", max_length=1000)
    at: Hour = Field("16:00", description="At this hour.")
    size: PositiveCount | None = Field(None, description="As soon as so many have gathered.")
    longest: PositiveDuration | None = Field(None, description="So long after the first came, however few they are.")

    _at = field_validator("at")(check_hour)

    @field_validator("every")
    @classmethod
    def _whole_days(cls, every: Span | None) -> Span | None:
        if every is not None and (every.unit != "working days" or every.amount < 1 or every.amount % 1):
            raise MisfitError("is no number of working days", allowed='whole working days such as "5 working days"')
        return every

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if not (self.every or self.weekdays or self.dates or self.size or self.longest):
            raise MisfitError(
                "says nowhere when it happens", allowed="at least one of every, weekdays, dates, size, longest"
            )
        return self

    def moments(self, district: District) -> list[float]:
        """Give the moments of the horizon that are known beforehand, in order."""
        days = {*self._every(district), *self._weekly(district), *_working(self.dates, district)}
        return sorted(day * _DAY_S + _seconds(self.at) for day in days)

    def last(self, moments: Iterable[float], district: District) -> float:
        """Give the last of some moments if nothing is handed over after it, inf if it always will be."""
        beyond = any(date > district.horizon.end for date in self.dates)
        goes_on = self.every or self.weekdays or self.size or self.longest or beyond
        return math.inf if goes_on else max(moments, default=-math.inf)

    def batch(self, name: str, releases: Sequence[float], *, group: str) -> canbao.Batch:
        """Give the batch that goes on at these moments, and whenever it is large or old enough."""
        longest = math.inf if self.longest is None else self.longest
        return canbao.Batch(name, size=self.size, releases=releases, max_wait=longest, group=group)

    def _every(self, district: District) -> list[int]:
        if self.every is None:
            return []
        worked = [day for day, works in enumerate(district.working) if works]
        step = int(self.every.amount)
        return worked[step - 1 :: step]

    def _weekly(self, district: District) -> Iterator[int]:
        wanted = {_WEEKDAYS.index(weekday) for weekday in self.weekdays}
        return _working((date for date in district.horizon.dates() if date.weekday() in wanted), district)


def moments_on(dates: Iterable[dt.date], hour: Hour, district: District) -> list[float]:
    """Give an hour of each date, or of the next working day after it; those outside the horizon are left out."""
    return [day * _DAY_S + _seconds(hour) for day in _working(dates, district)]


def by_the_deadline(hour: Hour, district: District) -> list[float]:
    """Give the last two moments of the collection period: an hour of its last working day, and its very end.

    So nobody who came in time is late because a batch has not left.
    """
    end_s = district.policy.period_s(district.horizon)[1]
    if not 0.0 < end_s < district.horizon.end_s:
        return []
    worked = [day for day in range(int(end_s // _DAY_S)) if district.working[day]]
    return [day * _DAY_S + _seconds(hour) for day in worked[-1:]] + [end_s]


def go_elsewhere(label: str) -> canbao.Check:
    """Send a family to another channel at once, the second time by way of giving up.

    So nobody is sent round for ever where no channel takes a family any more.
    """
    return canbao.Check(0.0, name=label, failed=ELSEWHERE, limit=1, exceeded=GIVE_UP)


def _working(dates: Iterable[dt.date], district: District) -> Iterator[int]:
    """Give the number of each date of the horizon, or of the first working day after it."""
    for date in dates:
        day = (date - district.horizon.start).days
        while 0 <= day < district.horizon.days and not district.working[day]:
            day += 1
        if 0 <= day < district.horizon.days:
            yield day
