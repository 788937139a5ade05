"""Demand: a season with its rushes, newborns all year round, the school start; or arrivals replayed from a file.

The number of families is given by the population. Given that number, the arrivals of a Poisson process whose rate
changes are independent draws from the rate divided by its integral (Lewis and Shedler 1979), so each family's arrival
comes from inverting the cumulated rate at its own luck: exact, and the same whatever the number of families.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator

from canbao.arrays import BoolArray, FloatArray, np
from canbao.columns import Coded
from canbao.distributions import Histogram
from canbao.district import Channel, District
from canbao.errors import InputError
from canbao.plugins import hookimpl
from canbao.scenario.durations import Lognormal, RandomDuration
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Amount, Count, MisfitError, PositiveCount, Share

__all__ = ["Replay", "SchoolStart", "Season"]

_DAY_S = 86_400.0

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
        default_factory=lambda: Lognormal.model_construct(kind="lognormal", mean=None, median=30 * _DAY_S, cv=0.8),
        description="Time from a birth until its family comes.",
        json_schema_extra=ESTIMATE,
    )

    @field_validator("week", "offline_hours", "online_hours")
    @classmethod
    def _not_all_zero(cls, weights: list[float]) -> list[float]:
        if not sum(weights):
            raise MisfitError("are all 0", allowed="at least one weight above 0")
        return weights

    def families(self, expected: int) -> int:
        """Say that all come."""
        return expected

    def arrivals(self, district: District, preferred: Coded, channels: Mapping[str, Channel]) -> FloatArray:
        """Give each family's arrival: newborns by their birth, all others by the season of their preferred channel."""
        season = np.empty(district.families)
        for name, channel in channels.items():
            mine = preferred.has(name)
            if mine.any():
                season[mine] = self._season(district, channel, mine)
        birth = self._after_birth(district, preferred, channels)
        times = np.where(np.isnan(birth), season, birth)
        return np.where((times >= 0) & (times < district.horizon.end_s), times, math.nan)

    def _season(self, district: District, channel: Channel, mine: BoolArray) -> FloatArray:
        """Give the arrivals of those who prefer a channel, shape (their number,); nan for those outside the horizon."""
        open_days = _open_days(channel, district)
        dates, rates = self._rates(district, open_days)
        if not rates.any():
            raise InputError(
                "no family can come: in the collection period there is no day on which its channel is open and the "
                "rate of arrivals is above 0"
            )
        season = Histogram((*dates, dates[-1] + 1.0), tuple(rates))
        day = np.floor(season.ppf(district.luck.uniforms("arrival day", district.families)[mine]))
        if self.school_start is not None:
            early = self._school_day(district, self.school_start, open_days)[mine]
            day = np.where(np.isnan(early), day, early)
        inside = (day >= 0) & (day < district.horizon.days)
        return np.where(inside, (day + self._hour(district, channel)[mine] / 24.0) * _DAY_S, math.nan)

    def _rates(self, district: District, open_days: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Give days and their rates, from the begin of the collection period or of the horizon to the end of both.

        Nobody knows outside the horizon which days are open; there, each date counts with the mean of those inside.
        """
        start, end = (round(edge / _DAY_S) for edge in district.policy.period_s(district.horizon))
        day = np.arange(min(start, 0), max(end, district.horizon.days))
        rates = np.where((day >= start) & (day < end), 1.0, 0.0)
        rates[(day >= start) & (day < min(start + self.opening_days, end))] = self.opening
        rates[(day >= max(start, end - self.rush_days)) & (day < end)] = self.rush
        rates[day == end - 1] = self.last_day
        factors = self._week_rates(district) * open_days
        inside = (day >= 0) & (day < district.horizon.days)
        rates[inside] *= factors
        rates[~inside] *= factors.mean()
        return day.astype(np.float64), rates

    def _week_rates(self, district: District) -> FloatArray:
        """Give the rate of each date of the horizon by its weekday; a make-up day is like a mean working day."""
        weekday = np.array([date.weekday() for date in district.horizon.dates()])
        rates = np.asarray(self.week)[weekday]
        return np.where(district.working & (weekday >= 5), np.mean(self.week[:5]), rates)

    def _school_day(self, district: District, start: SchoolStart, open_days: BoolArray) -> FloatArray:
        """Give the day of each family that comes around the start of school, nan for all others."""
        first = round(district.horizon.seconds(start.date) / _DAY_S)
        day = np.arange(district.horizon.days)
        window = ((day >= first) & (day < first + start.days) & open_days).astype(np.float64)
        kind = district.columns.get("kind")
        chosen = district.share(start.share, "school start")
        if isinstance(kind, Coded):
            chosen &= kind.has(*(label for label in ("pre-school", "pupil") if label in kind.labels))
        if not window.any():
            return np.full(district.families, math.nan)
        days = Histogram(tuple(map(float, range(len(window) + 1))), tuple(window))
        return np.where(chosen, np.floor(days.ppf(district.luck.uniforms("school day", district.families))), math.nan)

    def _hour(self, district: District, channel: Channel) -> FloatArray:
        """Give each family's hour of the day on a channel, from 0 to 24."""
        weights = self.online_hours if getattr(channel, "online", False) else self.offline_hours
        hours = Histogram(tuple(map(float, range(25))), tuple(weights))
        return hours.ppf(district.luck.uniforms("arrival hour", district.families))

    def _after_birth(self, district: District, preferred: Coded, channels: Mapping[str, Channel]) -> FloatArray:
        """Give the arrivals of newborns' families, nan for all others."""
        kind, birth = district.columns.get("kind"), district.columns.get("birth_s")
        if not isinstance(kind, Coded) or "newborn" not in kind.labels or birth is None or isinstance(birth, Coded):
            return np.full(district.families, math.nan)
        delay = self.newborn_delay.build().ppf(district.luck.uniforms("newborn delay", district.families))
        hour = np.empty(district.families)
        for name, channel in channels.items():
            mine = preferred.has(name)
            hour[mine] = self._hour(district, channel)[mine]
        moment = np.floor((birth + delay) / _DAY_S) * _DAY_S + hour * 3600.0
        # Nobody comes before the birth, though the hour of that day may be earlier.
        return np.where(kind.has("newborn"), np.maximum(moment, birth), math.nan)


def _open_days(channel: Channel, district: District) -> BoolArray:
    days = getattr(channel, "open_days", None)
    return district.working if days is None else np.asarray(days(district), dtype=bool)


class Replay(Settings):
    """Arrivals as they stand in a CSV file: one row for each family, its time in a column `arrival`."""

    kind: Literal["replay"]
    file: str = Field(
        description="The CSV file, relative to the scenario file.",
        json_schema_extra={"format": "file-path"},  # so that a run keeps a copy of it
    )
    column: str = Field(
        "arrival", description="The column with dates and times such as 2025-12-31 09:15:00, at which families set out."
    )

    _moments: list[dt.datetime] = PrivateAttr(default_factory=list)

    @field_validator("file")
    @classmethod
    def _resolved(cls, file: str, info: ValidationInfo) -> str:
        context = info.context or {}
        folder = context.get("folders", {}).get(file, context.get("folder", "."))
        if not _is_file(path := Path(folder) / file):
            raise MisfitError(
                f"names a file that is not there: {path}", allowed="a CSV file, relative to the scenario file"
            )
        return str(path)

    def model_post_init(self, context: Any, /) -> None:
        """Read the file, so that its faults are told with those of the scenario."""
        self._moments.extend(_read_moments(Path(self.file), self.column))

    def families(self, expected: int) -> int:
        """Count the rows."""
        return len(self._moments)

    def arrivals(self, district: District, preferred: Coded, channels: Mapping[str, Channel]) -> FloatArray:
        """Give the times of the rows, nan for those outside the horizon."""
        times = np.array([district.horizon.seconds(moment) for moment in self._moments])
        return np.where((times >= 0) & (times < district.horizon.end_s), times, math.nan)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _read_moments(path: Path, column: str) -> list[dt.datetime]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            moments = list(_moments(csv.DictReader(lines), path.name, column))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MisfitError(
            f"names a file that cannot be read as CSV in UTF-8: {path.name}: {error}", below=("file",)
        ) from error
    if not moments:
        raise MisfitError(f"names a file without rows: {path.name}", below=("file",))
    return moments


def _moments(rows: csv.DictReader[str], file: str, column: str) -> Iterator[dt.datetime]:
    if column not in (rows.fieldnames or []):
        given = ", ".join(rows.fieldnames or []) or "none"
        raise MisfitError(f"names a file without a column {column!r}; {file} has: {given}", below=("file",))
    for row in rows:
        text = row[column] or ""
        try:
            moment = dt.datetime.fromisoformat(text.strip())
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is not None:
            raise MisfitError(
                f"{file} line {rows.line_num}: {column} is {text!r}",
                allowed="a local date and time such as 2025-12-31 09:15:00 in every row",
                below=("file",),
            )
        yield moment


@hookimpl
def register_demands(register: Any) -> None:
    """Register the demands."""
    register("season", Season)
    register("replay", Replay)
