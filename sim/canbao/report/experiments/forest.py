"""Intervals in rows, one below the other: what is known of each, and how well."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from canbao.report.charts.axes import EDGES, shortened
from canbao.report.charts.plot import Axis, Box, Dot, Line, Mark, Plot, Space, Text, Tick
from canbao.report.experiments.sheet import LOOKS, Look, Sheet, text_px, value_axis

__all__ = ["Row", "forest"]

_MOST_LEFT = 300
_WIDE_ROW, _NARROW_ROW = 26, 42
_END = 0.16
"""Half the height of the ends of an interval, in rows."""


@dataclass(frozen=True)
class Row:
    """One row: an estimate with its interval, in the unit of the axis."""

    name: str
    middle: float | None
    low: float | None = None
    high: float | None = None
    look: Look = LOOKS[0]
    said: str = ""
    dots: tuple[float, ...] = ()
    """What single replications gave."""
    limit: float | None = None
    """A threshold, drawn as a line across the row."""


def forest(  # noqa: PLR0913 - the parts of one drawing
    rows: Sequence[Row],
    sheet: Sheet,
    title: str,
    *,
    zero: bool = False,
    zone: tuple[float, float] | None = None,
    within: tuple[float, float] = (-math.inf, math.inf),
) -> Plot:
    """Give a plot of intervals in rows.

    Parameters
    ----------
    rows
        From the top.
    sheet
        How wide it is.
    title
        Of the x axis, with its unit.
    zero
        Whether zero is shown, as a line: for differences.
    zone
        A stretch of the axis that is shaded.
    within
        What the axis does not leave.
    """
    shown = [value for row in rows for value in (row.middle, row.low, row.high, row.limit, *row.dots)]
    x = value_axis([*shown, *(zone or ())], title, 5 if sheet.narrow else 8, zero=zero, within=within)
    left = 10 if sheet.narrow else _left(rows)
    space = Space(left, 16, 8, 40)
    marks: list[Mark] = [] if zone is None else [Box(zone, EDGES, "closed")]
    marks += _zero_line(len(rows), sheet) if zero else []
    marks += [mark for number, row in enumerate(rows) for mark in _marks(number, row, sheet)]
    height = (_NARROW_ROW if sheet.narrow else _WIDE_ROW) * len(rows)
    return Plot(sheet.width - left - 16, height, x, _rows(rows, sheet, left), tuple(marks), space)


def _zero_line(rows: int, sheet: Sheet) -> list[Mark]:
    """Draw a line at zero; where names stand inside the plot it leaves room for them."""
    if not sheet.narrow:
        return [Line(((0.0, EDGES[0]), (0.0, EDGES[1])), "ink", 1.5)]
    return [Line(((0.0, row + 0.44), (0.0, row + 1.0)), "ink", 1.5) for row in range(rows)]


def _left(rows: Sequence[Row]) -> int:
    """Give the room for the names, which stand to the left."""
    return min(_MOST_LEFT, max(110, 20 + math.ceil(max(text_px(row.name) for row in rows))))


def _rows(rows: Sequence[Row], sheet: Sheet, left: int) -> Axis:
    """Give the axis of the rows; where it is narrow, names stand inside the plot, over their intervals."""
    if sheet.narrow:
        return Axis(len(rows), 0)
    ticks = (Tick(number + 0.5, (shortened(row.name, left - 8),)) for number, row in enumerate(rows))
    return Axis(len(rows), 0, tuple(ticks))


def _marks(number: int, row: Row, sheet: Sheet) -> Iterator[Mark]:
    at = number + (0.68 if sheet.narrow else 0.5)
    if sheet.narrow:
        yield Text(-math.inf, number + 0.36, shortened(row.name, sheet.width - 30), down=0)
    if row.limit is not None:
        yield Line(((row.limit, at - (0.2 if sheet.narrow else 0.36)), (row.limit, at + 0.3)), "alert", 2)
    yield from (Dot(value, at, "soft", 2) for value in row.dots)
    if row.low is not None and row.high is not None:
        ends = (Line(((end, at - _END), (end, at + _END)), row.look.colour, 2) for end in (row.low, row.high))
        yield from (Line(((row.low, at), (row.high, at)), row.look.colour, 2), *ends)
    if row.middle is not None:
        yield Dot(row.middle, at, row.look.colour, 4.5, row.look.shape, "" if sheet.narrow else row.said)
