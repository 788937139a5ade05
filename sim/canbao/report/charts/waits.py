"""How long visits waited, by channel and station and by kind of family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canbao.languages import Language
from canbao.report.charts.axes import Frame, numbers_axis, plot, row_bar, rows_axis
from canbao.report.charts.bars import left_room
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.charts.plot import Box, Dot, Line, Mark, Plot, Space
from canbao.report.terms import is_review, kind
from canbao.report.words import duration, number, rough

__all__ = ["waits_charts"]

_Row = tuple[str, Mapping[str, Any]]


def waits_charts(summary: Mapping[str, Any], frame: Frame) -> Iterator[Chart]:
    """Show the waits at the stations of channels; the review is left out, because it counts in working days."""
    waits = summary.get("waits") or {}
    channels = {name: one for name, one in (waits.get("channels") or {}).items() if not is_review(name)}
    came = {name: one for name, one in channels.items() if _can_wait(summary, "group", name, one)}
    kinds = [
        (kind(column, name, frame.language), one)
        for column, labels in (waits.get("families") or {}).items()
        for name, one in labels.items()
        if column != "first_channel" and one["count"]
    ]
    if came:
        rows = [(frame.language.say("all of {channel}", channel=name), one) for name, one in came.items()]
        yield _by_channel(came, [*rows, *_stations_of(summary, came)], frame)
    if kinds:
        yield _by_kind(kinds, frame)


def _can_wait(summary: Mapping[str, Any], what: str, name: str, one: Mapping[str, Any]) -> bool:
    """Tell whether anybody came, and somebody waited or staff was limited: to be served at once is no news."""
    limited = {station[what] for station in summary.get("stations") or () if station["staffed_hours"] is not None}
    return bool(one["count"]) and (name in limited or one["max"] > 0)


def _stations_of(summary: Mapping[str, Any], channels: Mapping[str, Any]) -> list[_Row]:
    groups = {station["name"]: station["group"] for station in summary.get("stations") or ()}
    waits = summary["waits"].get("stations") or {}
    return [
        (name, one)
        for name, one in waits.items()
        # A channel with one station of its name has one row.
        if _can_wait(summary, "name", name, one) and groups.get(name) in channels and name not in channels
    ]


def _table(rows: Sequence[_Row], language: Language) -> Table:
    say = language.say
    header = (
        "",
        say("visits"),
        say("mean (min)"),
        say("median (min)"),
        say("p90 (min)"),
        say("p95 (min)"),
        say("longest (min)"),
    )
    keys = ("mean", "median", "p90", "p95", "max")
    return Table.of(header, [(name, one["count"], *(round(one[key] / 60.0, 2) for key in keys)) for name, one in rows])


def _by_channel(channels: Mapping[str, Mapping[str, Any]], rows: Sequence[_Row], frame: Frame) -> Chart:
    say = frame.language.say
    return Chart(
        name="waits-channels",
        topic="waits",
        title=_worst_channel(channels, frame.language),
        caption=say(
            "Waits of visits to the stations of channels, until service began or the family left. "
            "Bar: nine visits in ten waited no longer. Dot: the mean. Thin line: up to the longest wait."
        ),
        plot=_ranges(rows, frame, bar="p90", dot="mean", line="max"),
        table=_table(rows, frame.language),
        keys=(
            Key(say("nine in ten"), "soft"),
            Key(say("mean"), "ink", "dot"),
            Key(say("up to the longest"), "muted", "line"),
        ),
    )


def _worst_channel(channels: Mapping[str, Mapping[str, Any]], language: Language) -> str:
    name, one = max(channels.items(), key=lambda item: float(item[1]["p90"]))
    if not one["p90"]:
        return language.say("At every channel, nine visits in ten did not wait at all")
    wait = rough(one["p90"], language)
    return language.say("Nine in ten visits to the {channel} waited {duration} or less", channel=name, duration=wait)


def _by_kind(rows: Sequence[_Row], frame: Frame) -> Chart:
    say = frame.language.say
    return Chart(
        name="waits-families",
        topic="waits",
        title=_spread([float(one["mean"]) for _, one in rows], frame.language),
        caption=say(
            "All the waits of a family at stations of channels together; families that did not wait count too. "
            "Bar: the mean. Dot: nineteen families in twenty waited no longer."
        ),
        plot=_ranges(rows, frame, bar="mean", dot="p95"),
        table=_table(rows, frame.language),
        keys=(Key(say("mean"), "soft"), Key(say("nineteen in twenty"), "ink", "dot")),
    )


def _spread(means: Sequence[float], language: Language) -> str:
    if not max(means):
        return language.say("By kind of family, the mean wait is nothing")
    least, most = rough(min(means), language), rough(max(means), language)
    return language.say("By kind of family, the mean wait is between {least} and {most}", least=least, most=most)


def _ranges(rows: Sequence[_Row], frame: Frame, *, bar: str, dot: str, line: str | None = None) -> Plot:
    left, shown = left_room(frame), [field for field in (bar, dot, line) if field]
    # A minute at least: waits of a fraction of a second must not look like waits.
    most = 1.01 * max([1.0, *(one[field] / 60.0 for _, one in rows for field in shown)])
    x = numbers_axis(frame.language.say("minutes of waiting"), most, 4 if frame.narrow else 8)
    bars, dots, lines = list[Mark](), list[Mark](), list[Mark]()
    for row, (name, one) in enumerate(rows):
        bars.append(Box((0, one[bar] / 60.0), row_bar(row), "soft", _said(name, one, frame.language)))
        dots.append(Dot(one[dot] / 60.0, row + 0.4, "ink", 3.4))
        if line:
            lines.append(Line(((0, row + 0.4), (one[line] / 60.0, row + 0.4)), "muted", 1.5))
    y = rows_axis([name for name, _ in rows], left)
    return plot(frame, 20 * len(rows) + 6, x, y, [*lines, *bars, *dots], Space(left, top=8))


def _said(name: str, one: Mapping[str, Any], language: Language) -> str:
    return language.say(
        "{name}: mean {mean}, nine in ten at most {p90}, longest {longest}, {visits} visits",
        name=name,
        mean=duration(one["mean"], language),
        p90=duration(one["p90"], language),
        longest=duration(one["max"], language),
        visits=number(one["count"]),
    )
