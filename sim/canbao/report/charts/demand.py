"""What came against what could be served: by day over the season, and by hour on a station's busiest day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canbao.report.charts.axes import (
    Days,
    amounts,
    bands,
    bars_by_day,
    colour,
    deadline_layers,
    hours_axis,
    layer,
    levels_by_day,
    spec,
)
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.charts.stations import StationHours, busiest_day, daily
from canbao.report.words import clock, day, duration, things

__all__ = ["arrivals_by_day", "arrivals_by_hour"]


def arrivals_by_day(station: StationHours, days: Days) -> Chart:
    """Show what came to a station each day, and what its staff could serve."""
    came, able = daily(station.arrivals, days.count), _able(station, days)
    closed = [not staff for staff in daily(station.staff, days.count)]
    noun = things(station.group)
    return Chart(
        name=f"arrivals-{station.name}",
        topic="load",
        title=f"{station.name}: {_over(came, able, closed, noun)}",
        caption=_caption(station, noun),
        spec=_by_day(station, days, came, able, closed),
        table=Table.of(
            ("date", f"{noun} that came", f"{noun} that could be served", "hours of staff"),
            [
                (str(days.date(i)), int(came[i]), None if able is None else round(able[i]), round(hours, 1))
                for i, hours in enumerate(daily(station.staff, days.count))
            ],
        ),
        keys=(_came(noun), *((_ABLE,) if able else ()), _SHUT, *((_DEADLINE,) if days.deadline is not None else ())),
    )


_ABLE = Key("could be served", "ink", "line")
_SHUT = Key("nobody on duty", "closed")
_DEADLINE = Key("end of the deadline's day", "alert", "dash")


def _came(noun: str) -> Key:
    return Key(f"{noun} that came", "data")


def _able(station: StationHours, days: Days) -> list[float] | None:
    if station.service_h is None:
        return None
    return [hours / station.service_h for hours in daily(station.staff, days.count)]


def _over(came: Sequence[float], able: Sequence[float] | None, closed: Sequence[bool], noun: str) -> str:
    if able is None:
        return f"what came each day; no service began, so what could be served is not known ({noun})"
    open_days = [i for i, shut in enumerate(closed) if not shut]
    over = sum(came[i] > able[i] for i in open_days)
    if not over:
        return "on no open day did more come than could be served"
    return f"on {over} of {len(open_days)} open days more {noun} came than could be served"


def _caption(station: StationHours, noun: str) -> str:
    if station.service_h is None:
        return f"Bars: {noun} that came on each day."
    each = duration(3600.0 * station.service_h)
    return (
        f"Bars: {noun} that came on each day. Line: what those on duty could serve that day, "
        f"their hours on duty divided by the mean service time of this run, {each}."
    )


def _by_day(
    station: StationHours, days: Days, came: Sequence[float], able: Sequence[float] | None, closed: Sequence[bool]
) -> dict[str, Any]:
    noun = things(station.group)

    def said(index: int) -> str:
        could = "" if able is None else f", {able[index]:,.0f} could be served"
        return f"{day(days.date(index))}: {came[index]:,.0f} {noun} came{could}"

    layers = [bands(days, closed), bars_by_day(days, f"{noun} a day", came, said)]
    if able is not None:
        levels = [None if shut else round(value, 1) for value, shut in zip(able, closed, strict=True)]
        layers.append(levels_by_day(days, levels))
    return spec(days, 170, [*layers, *deadline_layers(days)])


def arrivals_by_hour(station: StationHours, days: Days) -> Chart:
    """Show what came to a station in each hour of its busiest day, what could be served, and who waited."""
    index = busiest_day(station, days.count)
    hours = range(24 * index, min(24 * index + 24, len(station.arrivals)))
    rows = [_hour(station, hour) for hour in hours]
    shown = [row for row in rows if row["came"] or row["able"] or row["waiting"] >= 1]
    first, after = (shown[0]["hour"], shown[-1]["hour"] + 1) if shown else (0, 24)
    noun = things(station.group)
    return Chart(
        name=f"busiest-day-{station.name}",
        topic="load",
        title=f"{station.name}, hour by hour on its busiest day, {day(days.date(index))}",
        caption=f"Bars: {noun} that came in each hour. Lines: what those on duty in that hour could serve.",
        spec=_by_hour(days, [row for row in rows if first <= row["hour"] < after], noun),
        table=Table.of(
            ("hour", f"{noun} that came", "could be served", "waiting on average", "on duty on average"),
            [(clock(row["hour"]), row["came"], row["able"], row["waiting"], row["staff"]) for row in rows],
        ),
        keys=(_came(noun), Key("could be served in that hour", "ink", "line")),
    )


def _hour(station: StationHours, hour: int) -> dict[str, Any]:
    able = station.capacity(slice(hour, hour + 1))
    return {
        "hour": hour % 24,
        "came": int(station.arrivals[hour]),
        "able": None if able is None else round(able, 1),
        "waiting": station.waiting[hour],
        "staff": station.staff[hour],
    }


def _by_hour(days: Days, rows: Sequence[Mapping[str, Any]], noun: str) -> dict[str, Any]:
    first, after = (rows[0]["hour"], rows[-1]["hour"] + 1) if rows else (0, 24)
    x = {
        "x": {"field": "from", **hours_axis(first, after, 1 + (after - first) // (6 if days.narrow else 14))},
        "x2": {"field": "to"},
    }
    bars = {**x, "y": amounts(f"{noun} an hour"), "y2": {"datum": 0}}
    lines = {**x, "y": {"field": "value", "type": "quantitative"}}
    able = [_span(row, "able", "") for row in rows if row["able"]]
    came = [_span(row, "came", f"{row['came']:,} {noun} came") for row in rows]
    return spec(
        days,
        150,
        [
            layer("rect", bars, came, color=colour("data")),
            layer("rule", lines, able, color=colour("ink"), strokeWidth=2, aria=False),
        ],
    )


def _span(row: Mapping[str, Any], key: str, said: str) -> dict[str, Any]:
    hour = row["hour"]
    said = f"{clock(hour)} to {clock(hour + 1)}: {said}"
    return {"from": hour + 0.06, "to": hour + 0.94, "value": row[key], "said": said}
