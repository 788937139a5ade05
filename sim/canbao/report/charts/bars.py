"""Horizontal bars with what they say behind them: for a few quantities that have no common scale worth an axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from canbao.report.charts.axes import Frame, colour, layer, rows_axis, spec

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


def told_bars(bars: Sequence[Bar], frame: Frame) -> dict[str, Any]:
    """Give the specification of a chart with a bar in each row and no axis, because the numbers stand there."""
    values = [{"row": bar.name, "value": bar.value, "text": bar.text} for bar in bars]
    # Room at the right for the longest label, six pixels a letter.
    left, longest = left_room(frame), 7 * max(len(bar.text) for bar in bars)
    plot = frame.width - left - 14
    domain = [0, max(1e-12, *(bar.value for bar in bars)) * plot / max(plot - longest, 40)]
    encoding = {
        "x": {"field": "value", "type": "quantitative", "axis": None, "scale": {"domain": domain, "nice": False}},
        "y": rows_axis([bar.name for bar in bars], left),
    }
    layers = [
        layer("bar", encoding, values, color=colour("data"), aria=False),
        layer("text", {**encoding, "text": {"field": "text"}}, values, align="left", dx=5, dy=4, aria=False),
    ]
    return spec(frame, 24 * len(bars), layers, {"left": left, "top": 8, "bottom": 8})
