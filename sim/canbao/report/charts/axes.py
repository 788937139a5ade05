"""What the charts share: a frame with the days of the horizon, their axis, closed days and the deadline."""

from __future__ import annotations

import datetime as dt
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any
from unicodedata import east_asian_width

from canbao.languages import Language
from canbao.report.charts.chart import Key
from canbao.report.palette import COLOURS
from canbao.report.words import date_of, short_day, short_month

__all__ = [
    "DAY_MS",
    "TEXT_PX",
    "Frame",
    "Layer",
    "amounts",
    "bands",
    "bars_by_day",
    "classes",
    "colour",
    "dates",
    "deadline_keys",
    "deadline_layers",
    "frame_of",
    "hours_axis",
    "labelled",
    "layer",
    "levels_by_day",
    "rows_axis",
    "shortened",
    "spec",
    "stretches",
]

DAY_MS = 86_400_000
"""Milliseconds of a day: Vega counts moments so."""

Layer = dict[str, Any]
"""One layer of a Vega-Lite specification."""

_EPOCH = dt.date(1970, 1, 1)


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

    def ms(self, index: float) -> int:
        """Give the milliseconds since 1970 of a day's first midnight; halves are noons."""
        return int(((self.start - _EPOCH).days + index) * DAY_MS)

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
    frame: Frame, height: int, layers: Sequence[Layer], space: Mapping[str, int] | None = None, **more: Any
) -> dict[str, Any]:
    """Give the specification of a chart whose plot fills the width but for the room at its left for labels.

    The room is fixed, so that the plots of all charts with dates stand exactly below each other.
    """
    space = {"left": 48, "right": 14, "top": 24, "bottom": 36, **(space or {})}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "usermeta": {"space": space},
        "width": frame.width - space["left"] - space["right"],
        "height": height,
        "layer": list(layers),
        "config": _CONFIG,
        **more,
    }


TEXT_PX = 11
"""The size of every text in a drawing."""

_CONFIG: Mapping[str, Any] = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "aria": False,
        "labelColor": colour("muted"),
        "labelFontSize": TEXT_PX,
        "titleColor": colour("muted"),
        "titleFontSize": TEXT_PX,
        "titleFontWeight": "normal",
        "gridColor": colour("grid"),
        "domainColor": colour("muted"),
        "tickColor": colour("muted"),
        "tickSize": 4,
        # Vega measures a text each time that it looks for its limits or its neighbours, and that takes most of a
        # drawing's time. For the same reason no place here depends on how large a text is: each stands on its baseline.
        "labelLimit": 0,
        "titleLimit": 0,
        "labelOverlap": False,
        "labelBaseline": "alphabetic",
        "labelLineHeight": 13,
        "titleBaseline": "alphabetic",
    },
    "axisX": {"labelPadding": 11, "titleY": 32},
    "axisY": {"domain": False, "ticks": False, "labelPadding": 6, "labelOffset": 3.5},
    "legend": {"orient": "bottom", "title": None},
    "text": {"fontSize": TEXT_PX, "color": colour("ink"), "baseline": "alphabetic"},
}


def dates(frame: Frame) -> dict[str, Any]:
    """Give the x channel of a chart by date; the field is `from`, in milliseconds, to `to`."""
    ticks = _ticks(frame)
    axis = {
        "values": list(ticks),
        "labelExpr": labelled(ticks, "time(datum.value)"),
        "grid": False,
        "labelFlush": False,
        "title": None,
    }
    domain = {"type": "utc", "domain": [frame.ms(0), frame.ms(frame.count)], "nice": False}
    return {"field": "from", "type": "temporal", "scale": domain, "axis": axis}


def _ticks(frame: Frame) -> dict[int, str | list[str]]:
    """Give the moments that are marked, and the label of each: months, or days where there are few."""
    if frame.count <= 62:
        step = 1 + frame.count // (5 if frame.narrow else 12)
        return {frame.ms(i): short_day(frame.date(i), frame.language) for i in range(0, frame.count, step)}
    firsts = [index for index in range(frame.count) if frame.date(index).day == 1]
    shown = firsts[:: 1 + len(firsts) // (7 if frame.narrow else 16)]
    return {frame.ms(i): _month(frame.date(i), frame.language, with_year=i == shown[0]) for i in shown}


def _month(date: dt.date, language: Language, *, with_year: bool) -> str | list[str]:
    month = short_month(date, language)
    return [month, language.say_as("year", "{year}", year=date.year)] if with_year or date.month == 1 else month


def labelled(labels: Mapping[Any, str | list[str]], key: str) -> str:
    """Write the expression by which an axis finds the label of a mark: by `key`, another expression."""
    # What stands in a label is text of JSON, in which nothing can end the text and become part of the expression.
    return f"{json.dumps(labels)}[{key}]"


def amounts(title: str, field: str = "value", *, whole: bool = True, **scale: Any) -> dict[str, Any]:
    """Give the y channel of numbers from zero; its title stands over the axis, where it reads level."""
    axis = {
        "title": title,
        "titleAngle": 0,
        "titleAlign": "left",
        "titleAnchor": "start",
        "titleX": -42,
        "titleY": -12,
        "tickCount": 4,
        "format": ",d" if whole else ",",
        **({"tickMinStep": 1} if whole else {}),
    }
    return {"field": field, "type": "quantitative", "scale": {"zero": True, **scale}, "axis": axis}


def rows_axis(labels: Sequence[str], left: int) -> dict[str, Any]:
    """Give the y channel of a chart with one row for each label, in their order; the field is `row`."""
    short = labelled({label: shortened(label, left - 8) for label in labels}, "datum.label")
    axis = {"title": None, "labelExpr": short, "grid": False}
    scale = {"domain": list(labels), "padding": 0.2}
    return {"field": "row", "type": "nominal", "scale": scale, "sort": None, "axis": axis}


def shortened(text: str, room: int) -> str:
    """Cut a label so that it fits into some pixels; Chinese signs are as wide as they are high, others half of that."""
    widths = list(accumulate(TEXT_PX if east_asian_width(sign) in "WF" else 0.5 * TEXT_PX for sign in text))
    if not widths or widths[-1] <= room:
        return text
    return text[: bisect_right(widths, room - TEXT_PX)] + "…"


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


def bands(frame: Frame, closed: Sequence[bool]) -> Layer:
    """Give the layer that shades closed days."""
    values = [{"from": frame.ms(first), "to": frame.ms(after)} for first, after, shut in stretches(closed) if shut]
    return layer("rect", {"x": dates(frame), "x2": {"field": "to"}}, values, color=colour("closed"), aria=False)


def bars_by_day(frame: Frame, title: str, counts: Sequence[float], said: Callable[[int], str]) -> Layer:
    """Give the layer with a bar for each day that has a count; `said` tells what the bar of a day says."""
    # A gap between days where there is room for one.
    share = 1.0 if frame.narrow else 0.8
    values = [
        {"from": frame.ms(i), "to": frame.ms(i + share), "value": count, "said": said(i)}
        for i, count in enumerate(counts)
        if count
    ]
    encoding = {"x": dates(frame), "x2": {"field": "to"}, "y": amounts(title), "y2": {"datum": 0}}
    return layer("rect", encoding, values, color=colour("data"))


def levels_by_day(frame: Frame, levels: Sequence[float | None]) -> Layer:
    """Give the layer with a line at the level of each day; none on days without one."""
    values = [
        {"from": frame.ms(first), "to": frame.ms(after), "value": level}
        for first, after, level in stretches(levels)
        if level is not None
    ]
    encoding = {"x": dates(frame), "x2": {"field": "to"}, "y": {"field": "value", "type": "quantitative"}}
    return layer("rule", encoding, values, color=colour("ink"), strokeWidth=2, aria=False)


def deadline_layers(frame: Frame) -> list[Layer]:
    """Give the layers that mark the end of the deadline's day; none if there is no deadline."""
    if frame.deadline is None:
        return []
    end = frame.deadline + 1
    values = [{"from": frame.ms(end), "label": _deadline(frame, frame.deadline)}]
    x = {"x": dates(frame)}
    place = {"align": "right" if end > frame.count / 2 else "left", "y": -5}
    return [
        layer("rule", x, values, color=colour("alert"), strokeDash=[4, 3], aria=False),
        layer("text", {**x, "text": {"field": "label"}}, values, color=colour("alert"), aria=False, **place),
    ]


def _deadline(frame: Frame, index: int) -> str:
    return frame.language.say("deadline {day}", day=short_day(frame.date(index), frame.language))


def deadline_keys(frame: Frame) -> Iterator[Key]:
    """Give the key of the deadline's mark; none if there is no deadline."""
    if frame.deadline is not None:
        yield Key(frame.language.say("end of the deadline's day"), "alert", "dash")
