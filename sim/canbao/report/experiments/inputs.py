"""The inputs of a sweep: their levels, and the axes they make."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canbao.report.charts.axes import shortened
from canbao.report.charts.plot import Axis
from canbao.report.experiments.curves import named_axis
from canbao.report.experiments.sheet import Sheet, value_axis

__all__ = ["Varied", "varied"]

_Point = Mapping[str, Any]


@dataclass(frozen=True)
class Varied:
    """One input and where its points stand on an axis."""

    path: str
    title: str
    """The key, with its unit."""
    labels: tuple[str, ...]
    """Of its levels, in the order of the points; of an input that is drawn from a range, of every point."""
    numbers: tuple[float, ...] | None
    """The levels as numbers; None for words."""
    level: Mapping[str, int]
    """The level of each point, by the point's name."""

    def at(self, point: _Point) -> float:
        """Say where a point stands on the axis."""
        level = self.level[point["name"]]
        return float(level) if self.numbers is None else self.numbers[level]

    def label(self, point: _Point) -> str:
        """Say which level a point has."""
        return self.labels[self.level[point["name"]]]

    def axis(self, sheet: Sheet) -> Axis:
        """Give the x axis."""
        if self.numbers is None:
            room = max(30, sheet.width // (len(self.labels) + 1))
            return named_axis([shortened(label, room) for label in self.labels], self.title)
        return _padded(value_axis(self.numbers, self.title, 5 if sheet.narrow else 10))


def _padded(axis: Axis) -> Axis:
    """Give an axis with some room at its ends, so that no dot stands on an edge."""
    room = 0.03 * (axis.high - axis.low)
    return Axis(axis.low - room, axis.high + room, axis.ticks, axis.title)


def varied(inputs: Sequence[Mapping[str, Any]], points: Sequence[_Point]) -> list[Varied]:
    """Give the inputs of an answer with the levels of its points."""
    return [_varied(one, points) for one in inputs]


def _varied(one: Mapping[str, Any], points: Sequence[_Point]) -> Varied:
    path, unit = one["path"], one["unit"]
    keys = [json.dumps(point["settings"][path], sort_keys=True) for point in points]
    levels = list(dict.fromkeys(keys))
    first = [points[keys.index(key)] for key in levels]
    numbers = [point["numbers"][path] for point in first]
    return Varied(
        path=path,
        title=f"{path} ({unit})" if unit else path,
        labels=tuple(_label(point["settings"][path]) for point in first),
        numbers=None if None in numbers else tuple(map(float, numbers)),
        level={point["name"]: levels.index(key) for point, key in zip(points, keys, strict=True)},
    )


def _label(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
