"""What the charts share: a frame with the days of the horizon, their axis, closed days and the deadline."""

from __future__ import annotations

import datetime as dt
import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any
from unicodedata import east_asian_width

from canbao.languages import Language
from canbao.report.charts.chart import Key
from canbao.report.charts.plot import USUAL, Axis, Box, Line, Mark, Plot, Space, Text, Tick
from canbao.report.words import date_of, short_day, short_month

__all__ = [
    "EDGES",
    "TEXT_PX",
    "Frame",
    "amounts",
    "bands",
    "bars_by_day",
    "dates",
    "deadline_keys",
    "deadline_marks",
    "frame_of",
    "hours_axis",
    "levels_by_day",
    "nice_step",
    "numbers_axis",
    "percents_axis",
    "plot",
    "rounded_up",
    "row_bar",
    "rows_axis",
    "shortened",
    "stretches",
]

TEXT_PX = 11
"""The size of every text in a drawing."""

EDGES = (-math.inf, math.inf)
"""From one edge of a plot to the other."""


@dataclass(frozen=True)
class Frame:
    """What holds for all charts of one drawing: the days of the horizon, how wide a chart is, and its language."""

    start: dt.date
    count: int
    closed: tuple[bool, ...]
    """Whether each day is no working day."""
    deadline: int | None
    """Index of the deadline's day; None if there is none inside the horizon."""
    width: int
    """Width of a chart in pixels, labels included."""
    language: Language

    @property
    def narrow(self) -> bool:
        """Whether the chart is for the screen of a telephone."""
        return self.width < 500

    @property
    def tells(self) -> bool:
        """Whether marks say what they show when a pointer rests on them; telephones have none."""
        return not self.narrow

    def date(self, index: int) -> dt.date:
        """Give the date of a day."""
        return self.start + dt.timedelta(days=index)


def frame_of(summary: Mapping[str, Any], width: int, language: Language) -> Frame:
    """Make the frame of a summary's charts."""
    start, count = date_of(summary["horizon"]["start"]), int(summary["horizon"]["days"])
    calendar = summary.get("calendar") or {}
    working = list(calendar.get("working") or [1] * count)
    deadline = (date_of(calendar["deadline"]) - start).days if calendar.get("deadline") else -1
    closed = tuple(not day for day in working)
    return Frame(start, count, closed, deadline if 0 <= deadline < count else None, width, language)


def stretches(values: Iterable[Any]) -> list[tuple[int, int, Any]]:
    """Give the runs of equal values: first index, index after the last, value."""
    found, first = [], 0
    for value, run in groupby(values):
        after = first + sum(1 for _ in run)
        found.append((first, after, value))
        first = after
    return found


def plot(  # noqa: PLR0913, PLR0917 - the parts of one drawing
    frame: Frame, height: int, x: Axis, y: Axis, marks: Iterable[Mark], space: Space = USUAL
) -> Plot:
    """Give a plot that fills the width but for the room at its left for labels.

    The room is fixed, so that the plots of all charts with dates stand exactly below each other.
    """
    return Plot(frame.width - space.left - space.right, height, x, y, tuple(marks), space)


# ---------------------------------------------------------------------------------------------------------------------
# Axes
# ---------------------------------------------------------------------------------------------------------------------


def dates(frame: Frame) -> Axis:
    """Give the axis of a chart by date, which counts days: 0 is the first midnight, 0.5 the first noon."""
    return Axis(0, frame.count, tuple(_dates(frame)))


def _dates(frame: Frame) -> Iterator[Tick]:
    """Mark months, or days where there are few."""
    if frame.count <= 62:
        for index in range(0, frame.count, 1 + frame.count // (5 if frame.narrow else 12)):
            yield Tick(index, (short_day(frame.date(index), frame.language),))
        return
    firsts = [index for index in range(frame.count) if frame.date(index).day == 1]
    for index in firsts[:: 1 + len(firsts) // (7 if frame.narrow else 16)]:
        yield Tick(index, _month(frame.date(index), frame.language, with_year=index == firsts[0]))


def _month(date: dt.date, language: Language, *, with_year: bool) -> tuple[str, ...]:
    month = short_month(date, language)
    return (month, language.say_as("year", "{year}", year=date.year)) if with_year or date.month == 1 else (month,)


def hours_axis(first: int, after: int, step: int) -> Axis:
    """Give the axis of hours of the day."""
    ticks = (Tick(hour, (f"{hour}:00",)) for hour in range(-(-first // step) * step, after + 1, step))
    return Axis(first, after, tuple(ticks), flush=True)


def amounts(title: str, most: float) -> Axis:
    """Give the y axis of whole numbers from zero to at least `most`; its title stands over it, where it reads level."""
    high = rounded_up(most)
    step = max(1.0, nice_step(high, 4))
    return Axis(0, high, _ticks(high, step, lambda value: f"{value:,.0f}"), title, grid=True)


def numbers_axis(title: str, high: float, ticks: int) -> Axis:
    """Give the x axis of numbers from zero to `high`, with about so many ticks."""
    return Axis(
        0, high, _ticks(high, nice_step(high, ticks), lambda value: f"{value:,.6g}"), title, grid=True, flush=True
    )


def percents_axis(title: str, high: float, ticks: int) -> Axis:
    """Give an axis of shares from zero to `high`, with about so many ticks."""
    said = _ticks(high, nice_step(high, ticks), lambda value: f"{100 * value:.3g}%")
    return Axis(0, high, said, title, grid=True, flush=True)


def _ticks(high: float, step: float, write: Callable[[float], str]) -> tuple[Tick, ...]:
    return tuple(Tick(n * step, (write(n * step),)) for n in range(int(high / step * (1 + 1e-12)) + 1))


_STEPS = ((1, math.sqrt(2)), (2, math.sqrt(10)), (5, math.sqrt(50)), (10, math.inf))
"""Factors of a power of ten, and where each ends."""


def nice_step(high: float, count: int) -> float:
    """Give the step of 1, 2, 5, 10, 20 and so on that divides 0 to `high` into about `count` parts.

    By the nearest on a scale of logarithms, as d3 does (Bostock, d3-array, `ticks`).
    """
    rough = high / count
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(factor for factor, limit in _STEPS if rough / power < limit)


def rounded_up(most: float) -> float:
    """Give the end of an axis from zero that holds `most`: the next of about ten steps; 1 if there is nothing."""
    high = most if most > 0 else 1.0
    for _ in range(10):
        step = nice_step(high, 10)
        if (higher := math.ceil(high / step * (1 - 1e-12)) * step) == high:
            break
        high = higher
    return high


def rows_axis(labels: Sequence[str], left: int) -> Axis:
    """Give the y axis of a chart with one row for each label, in their order; row i is at i + 0.4 (see `row_bar`)."""
    ticks = (Tick(row + 0.4, (shortened(label, left - 8),)) for row, label in enumerate(labels))
    return Axis(len(labels), -0.2, tuple(ticks))


def row_bar(row: int) -> tuple[float, float]:
    """Give from where to where a bar reaches in a row."""
    return (row, row + 0.8)


def shortened(text: str, room: int) -> str:
    """Cut a label so that it fits into some pixels; Chinese signs are as wide as they are high, others half of that."""
    widths = list(accumulate(TEXT_PX if east_asian_width(sign) in "WF" else 0.5 * TEXT_PX for sign in text))
    if not widths or widths[-1] <= room:
        return text
    return text[: bisect_right(widths, room - TEXT_PX)] + "…"


# ---------------------------------------------------------------------------------------------------------------------
# Marks by date
# ---------------------------------------------------------------------------------------------------------------------


def bands(closed: Sequence[bool]) -> list[Mark]:
    """Shade closed days."""
    return [Box((first, after), EDGES, "closed") for first, after, shut in stretches(closed) if shut]


def bars_by_day(frame: Frame, counts: Sequence[float], said: Callable[[int], str]) -> list[Mark]:
    """Give a bar for each day that has a count; `said` tells what the bar of a day says."""
    # A gap between days where there is room for one.
    share = 1.0 if frame.narrow else 0.8
    return [
        Box((i, i + share), (0, count), "data", said(i) if frame.tells else "")
        for i, count in enumerate(counts)
        if count
    ]


def levels_by_day(levels: Sequence[float | None]) -> list[Mark]:
    """Give a line at the level of each day; none on days without one."""
    return [
        Line(((first, level), (after, level)), "ink", 2)
        for first, after, level in stretches(levels)
        if level is not None
    ]


def deadline_marks(frame: Frame) -> list[Mark]:
    """Mark the end of the deadline's day, if there is a deadline."""
    if frame.deadline is None:
        return []
    end, (bottom, top) = frame.deadline + 1, EDGES
    label = frame.language.say("deadline {day}", day=short_day(frame.date(frame.deadline), frame.language))
    return [
        Line(((end, bottom), (end, top)), "alert", dashed=True),
        Text(end, top, label, "alert", "end" if end > frame.count / 2 else "start", down=-5),
    ]


def deadline_keys(frame: Frame) -> Iterator[Key]:
    """Give the key of the deadline's mark; none if there is no deadline."""
    if frame.deadline is not None:
        yield Key(frame.language.say("end of the deadline's day"), "alert", "dash")
