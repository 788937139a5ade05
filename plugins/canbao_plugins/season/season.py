"""A season with its rushes, newborns all year round, the school start.

The number of families is given by the population. Given that number, the arrivals of a Poisson process whose rate
changes are independent draws from the rate divided by its integral (Lewis and Shedler 1979), so each family's arrival
comes from inverting the cumulated rate at its own luck: exact, and the same whatever the number of families.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

import canbao
from canbao.arrays import BoolArray, FloatArray, IntArray, np
from canbao.columns import Coded
from canbao.district import Channel, District
from canbao.errors import InputError
from canbao.scenario.durations import Lognormal, RandomDuration
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Amount, Count, MisfitError, PositiveCount, Share
from canbao_plugins.season.group import DAY_S, Dates, Draws, Group, open_days
from canbao_plugins.season.procrastination import Procrastination
from canbao_plugins.season.reminders import Reminder, earliest

__all__ = ["SchoolStart", "Season"]

_YEAR_DAYS = 366

_Weights = Annotated[list[Amount], Field(min_length=24, max_length=24)]
_Week = Annotated[list[Amount], Field(min_length=7, max_length=7)]

# Two humps in a hall's day, 9-11 and 14-16 o'clock; online a broad day with an evening hump.
_OFFLINE_HOURS = [0, 0, 0, 0, 0, 0, 0, 1, 6, 10, 10, 5, 1, 2, 9, 9, 5, 1, 0, 0, 0, 0, 0, 0]
_ONLINE_HOURS = [1, 0.5, 0.2, 0.1, 0.1, 0.2, 0.6, 2, 4, 6, 7, 6, 5, 4, 4.5, 5, 5, 4, 4, 6, 8, 7, 4, 2]


class SchoolStart(Settings):
    """Families of pupils and kindergarten children who come around the start of school."""

    date: dt.date = Field(description="First day of school.")
    days: PositiveCount = Field(14, description="How many days they come.", json_schema_extra=ESTIMATE, le=366)
    share: Share = Field(0.1, description="Share of these families that come then.", json_schema_extra=ESTIMATE)


class Season(Settings):
    """An opening rush, a quiet middle, a deadline rush; newborns all year round."""

    kind: Literal["season"]
    opening_days: Count = Field(7, description="Days of the opening rush.", json_schema_extra=ESTIMATE)
    opening: Amount = Field(
        2.0, description="Rate in it, as a multiple of the quiet middle.", json_schema_extra=ESTIMATE
    )
    rush_days: Count = Field(
        3, description="Days of the deadline rush, the last day included.", json_schema_extra=ESTIMATE
    )
    rush: Amount = Field(6.0, description="Rate in it, as a multiple of the quiet middle.", json_schema_extra=ESTIMATE)
    last_day: Amount = Field(10.0, description="Rate on the last day, as a multiple.", json_schema_extra=ESTIMATE)
    week: _Week = Field(
        [1.15, 1.05, 1.0, 1.0, 1.0, 0.8, 0.8],
        description="Rates from Monday to Sunday, as multiples; a make-up day counts as the Monday to Friday mean.",
        json_schema_extra=ESTIMATE,
    )
    offline_hours: _Weights = Field(
        [float(weight) for weight in _OFFLINE_HOURS],
        description="Weight of each hour of the day for those who go somewhere.",
        json_schema_extra=ESTIMATE,
    )
    online_hours: _Weights = Field(
        list(_ONLINE_HOURS), description="Weight of each hour of the day for those online.", json_schema_extra=ESTIMATE
    )
    school_start: SchoolStart | None = Field(
        None, description="The rush around the start of school; none if not given."
    )
    newborn_delay: RandomDuration = Field(
        default_factory=lambda: Lognormal.model_construct(kind="lognormal", mean=None, median=30 * DAY_S, cv=0.8),
        description="Time from a birth until its family comes.",
        json_schema_extra=ESTIMATE,
    )

    procrastination: Procrastination | None = Field(
        None, description="Families that put it off towards the deadline; nobody does if not given."
    )
    reminders: list[Reminder] = Field([], description="Messages that make families come earlier.", max_length=50)

    @field_validator("week", "offline_hours", "online_hours")
    @classmethod
    def _not_all_zero(cls, weights: list[float]) -> list[float]:
        if not sum(weights):
            raise MisfitError("are all 0", allowed="at least one weight above 0")
        return weights

    @model_validator(mode="after")
    def _one_reminder_a_day(self) -> Self:
        seen: set[tuple[dt.date, str]] = set()
        for number, reminder in enumerate(self.reminders):
            if (reminder.date, reminder.by) in seen:
                raise MisfitError(
                    f"is a second reminder by {reminder.by} of {reminder.date}",
                    allowed="one reminder of a sort on each date",
                    below=("reminders", number, "date"),
                )
            seen.add((reminder.date, reminder.by))
        return self

    def families(self, expected: int) -> int:
        """Say that all come."""
        return expected

    def arrivals(self, district: District, preferred: Coded, channels: Mapping[str, Channel]) -> FloatArray:
        """Give each family's arrival: newborns by their birth, all others by the season of their preferred channel."""
        draws, times = Draws(district), np.empty(district.families)
        for name, channel in channels.items():
            members = np.flatnonzero(preferred.has(name))
            if len(members):
                times[members] = self._times(Group(draws, channel, members, self._hours(channel, draws, members)))
        return np.where((times >= 0) & (times < district.horizon.end_s), times, math.nan)

    def _times(self, group: Group) -> FloatArray:
        """Give the arrivals of the families of one channel, also those outside the horizon."""
        opens = open_days(group.channel, group.district)
        dates = self._dates(group.district, opens)
        rates = dates.factor * self._multiples(len(dates.factor))
        if not rates.any():
            raise InputError(
                "no family can come: in the collection period there is no day on which its channel is open and the "
                "rate of arrivals is above 0"
            )
        edges = np.arange(dates.first, dates.first + len(rates) + 1, dtype=np.float64)
        day = np.floor(canbao.Histogram(tuple(edges), tuple(rates)).ppf(group.luck("arrival day")))
        if self.procrastination is not None:
            day = self.procrastination.put_off(day, group, dates)
        if self.school_start is not None:
            early = self._school_days(group, self.school_start, opens)
            day = np.where(np.isnan(early), day, early)
        birth = self._after_birth(group)
        times = np.where(np.isnan(birth), group.times(day), birth)
        return earliest(times, self.reminders, group, dates, _all_year(opens)) if self.reminders else times

    def _dates(self, district: District, opens: BoolArray) -> Dates:
        """Give the dates of the collection period with the rates of their weekdays, 0 where the channel is closed.

        Nobody knows outside the horizon which days are open; there, each date counts with the mean of those inside.
        """
        start, end = (round(edge / DAY_S) for edge in district.policy.period_s(district.horizon))
        day, inside = np.arange(start, end), self._week_rates(district) * opens
        known = (day >= 0) & (day < district.horizon.days)
        factor = np.full(len(day), inside.mean())
        factor[known] = inside[day[known]]
        return Dates(start, factor)

    def _multiples(self, days: int) -> FloatArray:
        """Give the rates of the dates of a collection period, as multiples of the quiet middle."""
        day, multiples = np.arange(days), np.ones(days)
        multiples[day < self.opening_days] = self.opening
        multiples[day >= days - self.rush_days] = self.rush
        multiples[-1:] = self.last_day
        return multiples

    def _week_rates(self, district: District) -> FloatArray:
        """Give the rate of each date of the horizon by its weekday; a make-up day is like a mean working day."""
        weekday = np.array([date.weekday() for date in district.horizon.dates()])
        rates = np.asarray(self.week)[weekday]
        return np.where(district.working & (weekday >= 5), np.mean(self.week[:5]), rates)

    def _school_days(self, group: Group, start: SchoolStart, opens: BoolArray) -> FloatArray:
        """Give the day of each family that comes around the start of school, nan for all others."""
        first = round(group.district.horizon.seconds(start.date) / DAY_S)
        day = np.arange(group.district.horizon.days)
        window = ((day >= first) & (day < first + start.days) & opens).astype(np.float64)
        if not window.any():
            return np.full(len(group.members), math.nan)
        chosen = group.luck("school start") < start.share
        if isinstance(group.district.columns.get("kind"), Coded):
            chosen &= group.of_kind("pre-school", "pupil")
        days = canbao.Histogram(tuple(map(float, range(len(window) + 1))), tuple(window))
        return np.where(chosen, np.floor(days.ppf(group.luck("school day"))), math.nan)

    def _hours(self, channel: Channel, draws: Draws, members: IntArray) -> FloatArray:
        """Give the hours of the day at which families come by a channel, from 0 to 24."""
        weights = self.online_hours if getattr(channel, "online", False) else self.offline_hours
        hours = canbao.Histogram(tuple(map(float, range(25))), tuple(weights))
        return hours.ppf(draws.of("arrival hour")[members])

    def _after_birth(self, group: Group) -> FloatArray:
        """Give the arrivals of newborns' families, nan for all others."""
        birth = group.numbers("birth_s")
        if birth is None:
            return np.full(len(group.members), math.nan)
        delay = self.newborn_delay.build().ppf(group.luck("newborn delay"))
        moment = np.floor((birth + delay) / DAY_S) * DAY_S + group.hour * 3600.0
        # Nobody comes before the birth, though the hour of that day may be earlier.
        return np.where(group.of_kind("newborn"), np.maximum(moment, birth), math.nan)


def _all_year(opens: BoolArray) -> Dates:
    """Give the open dates of the horizon, and those of the year before it, of which nobody knows which are open."""
    before = np.full(_YEAR_DAYS, opens.mean())
    return Dates(-_YEAR_DAYS, np.concatenate([before, opens]))
