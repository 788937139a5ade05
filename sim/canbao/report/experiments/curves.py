"""Lines through estimates with their intervals: how something answers to a number, or to an order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from canbao.report.charts.axes import EDGES
from canbao.report.charts.plot import Axis, Dot, Line, Mark, Plot, Space, Text, Tick
from canbao.report.experiments.sheet import LOOKS, Look, Sheet, spread_apart, text_px, value_axis

__all__ = ["Place", "Series", "curves", "named_axis"]

_HEIGHT = 240
_END_PX = 4


@dataclass(frozen=True)
class Place:
    """A point of a line: an estimate with its interval, in the units of the axes."""

    x: float
    middle: float
    low: float | None = None
    high: float | None = None
    said: str = ""
    label: str = ""


@dataclass(frozen=True)
class Series:
    """Points that belong together."""

    name: str
    places: tuple[Place, ...]
    look: Look = LOOKS[0]
    joined: bool = True
    """Whether a line goes through the points."""
    radius: float = 4.0


def named_axis(names: Sequence[str], title: str) -> Axis:
    """Give an x axis of names; name i is at i."""
    return Axis(-0.5, len(names) - 0.5, tuple(Tick(at, (name,)) for at, name in enumerate(names)), title)


def curves(  # noqa: PLR0913 - the parts of one drawing
    series: Sequence[Series],
    sheet: Sheet,
    x: Axis,
    title: str,
    *,
    limit: float | None = None,
    shown: Sequence[float] = (),
    named: bool = False,
    within: tuple[float, float] = (-math.inf, math.inf),
) -> Plot:
    """Give a plot of lines.

    Parameters
    ----------
    series
        The lines; later ones lie above earlier ones.
    sheet
        How wide it is.
    x
        The x axis.
    title
        Of the y axis, with its unit.
    limit
        A threshold, drawn across the plot.
    shown
        What the y axis holds in any case.
    named
        Whether the name of each line stands at its right end.
    within
        What the y axis does not leave.
    """
    places = [place for each in series for place in each.places]
    ends = [value for place in places for value in (place.middle, place.low, place.high)]
    y = value_axis([*ends, limit, *shown], title, 5, within=within)
    if any(place.label for place in places):  # room for what stands over the highest dot
        y = replace(y, high=y.high + 0.1 * (y.high - y.low))
    named = named and not sheet.narrow and len(series) > 1
    right = 24 + round(max(text_px(each.name) for each in series)) if named else 20
    left = 14 + max(34, *(round(text_px(tick.label[0])) for tick in y.ticks))
    width = sheet.width - left - right
    marks: list[Mark] = []
    if limit is not None:
        marks += [Line(((EDGES[0], limit), (EDGES[1], limit)), "alert", 1.5, dashed=True)]
    # Intervals below lines, lines below dots.
    marks += [mark for each in series for place in each.places for mark in _interval(place, each, x, width)]
    marks += [_line(each) for each in series if each.joined and len(each.places) > 1]
    marks += [_dot(place, each, sheet) for each in series for place in each.places]
    marks += _labels(series, x, y, width)
    if named:
        marks += _names(series, y)
    return Plot(width, _HEIGHT, x, y, tuple(marks), Space(left, right, 26, 40))


def _line(series: Series) -> Line:
    return Line(tuple((place.x, place.middle) for place in series.places), series.look.colour, 1.8)


def _interval(place: Place, series: Series, x: Axis, width: int) -> Iterator[Line]:
    if place.low is None or place.high is None or place.low == place.high:
        return
    reach = _END_PX * (x.high - x.low) / width
    yield Line(((place.x, place.low), (place.x, place.high)), series.look.colour, 1.2)
    for end in (place.low, place.high):
        yield Line(((place.x - reach, end), (place.x + reach, end)), series.look.colour, 1.2)


def _dot(place: Place, series: Series, sheet: Sheet) -> Dot:
    said = "" if sheet.narrow else place.said
    return Dot(place.x, place.middle, series.look.colour, series.radius, series.look.shape, said)


def _labels(series: Sequence[Series], x: Axis, y: Axis, width: int) -> Iterator[Text]:
    """Write over dots what they are; those of later series first, and none over another."""
    taken: list[tuple[float, float, float]] = []
    for place in (place for each in reversed(series) for place in each.places if place.label):
        across = (place.x - x.low) / (x.high - x.low) * width
        up = (place.middle - y.low) / (y.high - y.low) * _HEIGHT
        half = text_px(place.label) / 2
        if all(abs(across - left) > half + room + 4 or abs(up - high) > 14 for left, high, room in taken):
            taken.append((across, up, half))
            yield _label(place, y)


def _label(place: Place, y: Axis) -> Text:
    """Write over a dot, or beside it where its interval stands above it."""
    high = place.middle if place.high is None else place.high
    if (high - place.middle) / (y.high - y.low) * _HEIGHT > 8:
        return Text(place.x, place.middle, place.label, "ink", right=8, down=-4)
    return Text(place.x, place.middle, place.label, "ink", "middle", down=-9)


def _names(series: Sequence[Series], y: Axis) -> list[Mark]:
    """Write names at the right ends of lines, apart from each other."""
    last = [each.places[-1] for each in series]
    apart = spread_apart([place.middle for place in last], 13 * (y.high - y.low) / _HEIGHT)
    return [
        Text(place.x, at, each.name, each.look.colour, right=10, down=4)
        for each, place, at in zip(series, last, apart, strict=True)
    ]
