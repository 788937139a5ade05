"""How long visits waited, by channel and station and by kind of family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canbao.report.charts.axes import Days, colour, layer, rows_axis, spec
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.words import duration, number, rough, things

__all__ = ["waits_charts"]

_Row = tuple[str, Mapping[str, Any]]


def waits_charts(summary: Mapping[str, Any], days: Days) -> list[Chart]:
    """Show the waits at the stations of channels; the review is left out, because it counts in working days."""
    waits = summary.get("waits") or {}
    channels = {name: one for name, one in (waits.get("channels") or {}).items() if things(name) == "visits"}
    came = {name: one for name, one in channels.items() if one["count"]}
    kinds = [
        (f"{_plain(column)}: {name}", one)
        for column, labels in (waits.get("families") or {}).items()
        for name, one in labels.items()
        if column != "first_channel" and one["count"]
    ]
    found = []
    if came:
        rows = [(f"all of {name}", one) for name, one in came.items()]
        found.append(_by_channel(came, [*rows, *_stations_of(summary, came)], days))
    if kinds:
        found.append(_by_kind(kinds, days))
    return found


def _stations_of(summary: Mapping[str, Any], channels: Mapping[str, Any]) -> list[_Row]:
    groups = {station["name"]: station["group"] for station in summary.get("stations") or ()}
    waits = summary["waits"].get("stations") or {}
    return [
        (name, one)
        for name, one in waits.items()
        # A channel with one station of its name has one row.
        if one["count"] and groups.get(name) in channels and name not in channels
    ]


def _plain(column: str) -> str:
    return column.replace("_", " ")


def _table(rows: Sequence[_Row]) -> Table:
    header = ("", "visits", "mean (min)", "median (min)", "p90 (min)", "p95 (min)", "longest (min)")
    keys = ("mean", "median", "p90", "p95", "max")
    return Table.of(header, [(name, one["count"], *(round(one[key] / 60.0, 2) for key in keys)) for name, one in rows])


def _by_channel(channels: Mapping[str, Mapping[str, Any]], rows: Sequence[_Row], days: Days) -> Chart:
    name, one = max(channels.items(), key=lambda item: float(item[1]["p90"]))
    title = f"Nine in ten visits to the {name} waited {rough(one['p90'])} or less"
    return Chart(
        name="waits-channels",
        topic="waits",
        title=title if one["p90"] else "At every channel, nine visits in ten did not wait at all",
        caption=(
            "Waits of visits to the stations of channels, until service began or the family left. "
            "Bar: nine visits in ten waited no longer. Dot: the mean. Thin line: up to the longest wait."
        ),
        spec=_ranges(rows, days, bar="p90", dot="mean", line="max"),
        table=_table(rows),
        keys=(Key("nine in ten", "soft"), Key("mean", "ink", "dot"), Key("up to the longest", "muted", "line")),
    )


def _by_kind(rows: Sequence[_Row], days: Days) -> Chart:
    means = sorted(float(one["mean"]) for _, one in rows)
    spread = f"is between {rough(means[0])} and {rough(means[-1])}" if means and means[-1] else "is nothing"
    return Chart(
        name="waits-families",
        topic="waits",
        title=f"By kind of family, the mean wait {spread}",
        caption=(
            "All the waits of a family at stations of channels together; families that did not wait count too. "
            "Bar: the mean. Dot: nineteen families in twenty waited no longer."
        ),
        spec=_ranges(rows, days, bar="mean", dot="p95"),
        table=_table(rows),
        keys=(Key("mean", "soft"), Key("nineteen in twenty", "ink", "dot")),
    )


def _ranges(rows: Sequence[_Row], days: Days, *, bar: str, dot: str, line: str | None = None) -> dict[str, Any]:
    left = 130 if days.narrow else 190
    axis = {"title": "minutes of waiting", "format": ",~f", "tickCount": 4 if days.narrow else 8, "orient": "bottom"}
    # A minute at least: waits of a fraction of a second must not look like waits.
    most = 1.01 * max([1.0, *(one[field] / 60.0 for _, one in rows for field in (bar, dot, line) if field)])
    y = rows_axis([name for name, _ in rows], left)

    def at(field: str) -> dict[str, Any]:
        return {"field": field, "type": "quantitative", "axis": axis, "scale": {"domain": [0, most]}}

    def from_zero(field: str) -> dict[str, Any]:
        return {"x": at(field), "x2": {"datum": 0}, "y": y}

    point: dict[str, Any] = {"filled": True, "size": 45, "color": colour("ink"), "opacity": 1, "aria": False}
    layers = [
        layer("bar", from_zero(bar), color=colour("soft")),
        layer("point", {"x": at(dot), "y": y}, **point),
    ]
    if line:
        layers.insert(0, layer("rule", from_zero(line), color=colour("muted"), strokeWidth=1.5, aria=False))
    values = [_datum(name, one) for name, one in rows]
    return spec(days, 20 * len(rows) + 6, layers, {"left": left, "top": 8}, data={"values": values})


def _datum(name: str, one: Mapping[str, Any]) -> dict[str, Any]:
    said = (
        f"{name}: mean {duration(one['mean'])}, nine in ten at most {duration(one['p90'])}, "
        f"longest {duration(one['max'])}, {number(one['count'])} visits"
    )
    return {"row": name, **{key: one[key] / 60.0 for key in ("mean", "p90", "p95", "max")}, "said": said}
