"""Horizontal bars with what they say behind them: for a few quantities that have no common scale worth an axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from canbao.report.charts.axes import Frame, plot, row_bar, rows_axis
from canbao.report.charts.plot import Axis, Box, Mark, Plot, Space, Text

__all__ = ["LEFT", "Bar", "left_room", "told_bars"]

LEFT = 190
"""Room for the names of rows in pixels, but for a telephone."""


@dataclass(frozen=True)
class Bar:
    """One row: its name, how long the bar is, and what stands behind it."""

    name: str
    value: float
    text: str


def left_room(frame: Frame) -> int:
    """Give the room for the names of rows in pixels."""
    return 142 if frame.narrow else LEFT


def told_bars(bars: Sequence[Bar], frame: Frame) -> Plot:
    """Give a plot with a bar in each row and no axis for their lengths, because the numbers stand there."""
    # Room at the right for the longest label, seven pixels a letter.
    left, longest = left_room(frame), 7 * max(len(bar.text) for bar in bars)
    width = frame.width - left - 14
    end = max(1e-12, *(bar.value for bar in bars)) * width / max(width - longest, 40)
    marks: list[Mark] = [Box((0, bar.value), row_bar(row), "data") for row, bar in enumerate(bars)]
    marks += [Text(bar.value, row + 0.4, bar.text, right=5, down=4) for row, bar in enumerate(bars)]
    y = rows_axis([bar.name for bar in bars], left)
    return plot(frame, 24 * len(bars), Axis(0, end), y, marks, Space(left, top=8, bottom=8))
