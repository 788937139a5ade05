"""What the charts share: the days of the horizon, their axis, closed days and the deadline."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from canbao.report.charts.chart import Key
from canbao.report.palette import COLOURS
from canbao.report.words import date_of, short_day

__all__ = [
    "DAY_MS",
    "Days",
    "Layer",
    "amounts",
    "bands",
    "bars_by_day",
    "classes",
    "colour",
    "dates",
    "days_of",
    "deadline_layers",
    "hours_axis",
    "layer",
    "levels_by_day",
    "rows_axis",
    "spec",
    "stretches",
]

DAY_MS = 86_400_000
"""Milliseconds of a day: Vega counts moments so."""

Layer = dict[str, Any]
"""One layer of a Vega-Lite specification."""

_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True)
class Days:
    """The days of a horizon, and how wide a chart of them is."""

    start: dt.date
    count: int
    closed: tuple[bool, ...]
    """Whether each day is no working day."""
    deadline: int | None
    """Index of the deadline's day; None if there is none inside the horizon."""
    width: int
    """Width of a chart in pixels, labels included."""

    @property
    def narrow(self) -> bool:
        """Whether the chart is for the screen of a telephone."""
        return self.width < 500

    def ms(self, index: float) -> int:
        """Give the milliseconds since 1970 of a day's first midnight; halves are noons."""
        return int(((self.start - _EPOCH).days + index) * DAY_MS)

    def date(self, index: int) -> dt.date:
        """Give the date of a day."""
        return self.start + dt.timedelta(days=index)


def days_of(summary: Mapping[str, Any], width: int) -> Days:
    """Read the days of a summary."""
    start, count = date_of(summary["horizon"]["start"]), int(summary["horizon"]["days"])
    calendar = summary.get("calendar") or {}
    working = list(calendar.get("working") or [1] * count)
    deadline = (date_of(calendar["deadline"]) - start).days if calendar.get("deadline") else -1
    return Days(start, count, tuple(not day for day in working), deadline if 0 <= deadline < count else None, width)


def colour(name: str) -> str:
    """Give a colour as drawings hold it."""
    return COLOURS[name][0]


def stretches(values: Iterable[Any]) -> list[tuple[int, int, Any]]:
    """Give the runs of equal values: first index, index after the last, value."""
    found, first = [], 0
    for value, run in groupby(values):
        after = first + sum(1 for _ in run)
        found.append((first, after, value))
        first = after
    return found


def spec(
    days: Days, height: int, layers: Sequence[Layer], space: Mapping[str, int] | None = None, **more: Any
) -> dict[str, Any]:
    """Give the specification of a chart whose plot fills the width but for the room at its left for labels.

    The room is fixed, so that the plots of all charts with dates stand exactly below each other.
    """
    space = {"left": 48, "right": 14, "top": 24, "bottom": 36, **(space or {})}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "usermeta": {"space": space},
        "width": days.width - space["left"] - space["right"],
        "height": height,
        "layer": list(layers),
        "config": _CONFIG,
        **more,
    }


_CONFIG: Mapping[str, Any] = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "aria": False,
        "labelColor": colour("muted"),
        "labelFontSize": 11,
        "titleColor": colour("muted"),
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "gridColor": colour("grid"),
        "domainColor": colour("muted"),
        "tickColor": colour("muted"),
        "tickSize": 4,
        # Vega measures a text each time that it looks for its limits or its neighbours, and that takes most of a
        # drawing's time: with the limit of Vega's own, a drawing with twenty labels takes 60 ms, without one 30 ms.
        "labelLimit": 0,
        "titleLimit": 0,
        "labelOverlap": False,
    },
    "axisY": {"domain": False, "ticks": False, "labelPadding": 6},
    "legend": {"orient": "bottom", "title": None},
    "text": {"fontSize": 11, "color": colour("ink")},
}


def dates(days: Days) -> dict[str, Any]:
    """Give the x channel of a chart by date; the field is `from`, in milliseconds, to `to`."""
    ticks, label = _ticks(days)
    axis = {"values": ticks, "labelExpr": label, "grid": False, "labelFlush": False, "title": None}
    domain = {"type": "utc", "domain": [days.ms(0), days.ms(days.count)], "nice": False}
    return {"field": "from", "type": "temporal", "scale": domain, "axis": axis}


def _ticks(days: Days) -> tuple[list[int], str]:
    if days.count > 62:
        firsts = [index for index in range(days.count) if days.date(index).day == 1]
        step = 1 + len(firsts) // (7 if days.narrow else 16)
        ticks = [days.ms(index) for index in firsts[::step]]
        month, year = "utcFormat(datum.value, '%b')", "utcFormat(datum.value, '%Y')"
        return ticks, f"time(datum.value) == {ticks[0]} || utcmonth(datum.value) == 0 ? [{month}, {year}] : {month}"
    step = 1 + days.count // (5 if days.narrow else 12)
    return [days.ms(index) for index in range(0, days.count, step)], "utcFormat(datum.value, '%-d %b')"


def amounts(title: str, field: str = "value", *, whole: bool = True, **scale: Any) -> dict[str, Any]:
    """Give the y channel of numbers from zero; its title stands over the axis, where it reads level."""
    axis = {
        "title": title,
        "titleAngle": 0,
        "titleAlign": "left",
        "titleAnchor": "start",
        "titleX": -42,
        "titleY": -10,
        "titleBaseline": "bottom",
        "tickCount": 4,
        "format": ",d" if whole else ",",
        **({"tickMinStep": 1} if whole else {}),
    }
    return {"field": field, "type": "quantitative", "scale": {"zero": True, **scale}, "axis": axis}


def rows_axis(labels: Sequence[str], left: int) -> dict[str, Any]:
    """Give the y channel of a chart with one row for each label, in their order; the field is `row`."""
    axis = {"title": None, "labelExpr": f"truncate(datum.label, {left // 6})", "grid": False}
    scale = {"domain": list(labels), "padding": 0.2}
    return {"field": "row", "type": "nominal", "scale": scale, "sort": None, "axis": axis}


def hours_axis(first: int, after: int, step: int) -> dict[str, Any]:
    """Give the axis and scale of hours of the day, for either channel."""
    ticks = list(range(-(-first // step) * step, after + 1, step))
    return {
        "type": "quantitative",
        "scale": {"domain": [first, after], "nice": False, "zero": False},
        "axis": {"values": ticks, "labelExpr": "datum.value + ':00'", "grid": False, "title": None},
    }


def layer(
    mark: str, encoding: Mapping[str, Any], values: Sequence[Mapping[str, Any]] | None = None, **look: Any
) -> Layer:
    """Give one layer; the field `said` of its data, where it has one, is what a mark says."""
    says = {"description": {"field": "said"}} if look.get("aria", True) else {}
    data = {} if values is None else {"data": {"values": list(values)}}
    return {**data, "mark": {"type": mark, **look}, "encoding": {**encoding, **says}}


def classes(keys: Sequence[Key]) -> dict[str, Any]:
    """Give the colour channel of the field `level`, which holds labels of the key."""
    scale = {"domain": [key.label for key in keys], "range": [colour(key.colour) for key in keys]}
    return {"field": "level", "type": "nominal", "scale": scale}


def bands(days: Days, closed: Sequence[bool]) -> Layer:
    """Give the layer that shades closed days."""
    values = [{"from": days.ms(first), "to": days.ms(after)} for first, after, shut in stretches(closed) if shut]
    return layer("rect", {"x": dates(days), "x2": {"field": "to"}}, values, color=colour("closed"), aria=False)


def bars_by_day(days: Days, title: str, counts: Sequence[float], said: Callable[[int], str]) -> Layer:
    """Give the layer with a bar for each day that has a count; `said` tells what the bar of a day says."""
    # A gap between days where there is room for one.
    share = 1.0 if days.narrow else 0.8
    values = [
        {"from": days.ms(i), "to": days.ms(i + share), "value": count, "said": said(i)}
        for i, count in enumerate(counts)
        if count
    ]
    encoding = {"x": dates(days), "x2": {"field": "to"}, "y": amounts(title), "y2": {"datum": 0}}
    return layer("rect", encoding, values, color=colour("data"))


def levels_by_day(days: Days, levels: Sequence[float | None]) -> Layer:
    """Give the layer with a line at the level of each day; none on days without one."""
    values = [
        {"from": days.ms(first), "to": days.ms(after), "value": level}
        for first, after, level in stretches(levels)
        if level is not None
    ]
    encoding = {"x": dates(days), "x2": {"field": "to"}, "y": {"field": "value", "type": "quantitative"}}
    return layer("rule", encoding, values, color=colour("ink"), strokeWidth=2, aria=False)


def deadline_layers(days: Days) -> list[Layer]:
    """Give the layers that mark the end of the deadline's day; none if there is no deadline."""
    if days.deadline is None:
        return []
    end = days.deadline + 1
    values = [{"from": days.ms(end), "label": f"deadline {short_day(days.date(days.deadline))}"}]
    x = {"x": dates(days)}
    place = {"align": "right" if end > days.count / 2 else "left", "baseline": "bottom", "y": -3}
    return [
        layer("rule", x, values, color=colour("alert"), strokeDash=[4, 3], aria=False),
        layer("text", {**x, "text": {"field": "label"}}, values, color=colour("alert"), aria=False, **place),
    ]
