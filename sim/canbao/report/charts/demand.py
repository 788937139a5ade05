"""What came against what could be served: by day over the season, and by hour on a station's busiest day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canbao.languages import Language
from canbao.report.charts.axes import (
    Frame,
    amounts,
    bands,
    bars_by_day,
    dates,
    deadline_keys,
    deadline_marks,
    hours_axis,
    levels_by_day,
    plot,
)
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.charts.plot import Box, Line, Plot
from canbao.report.charts.stations import StationHours, busiest_day, daily
from canbao.report.terms import things
from canbao.report.words import clock, day, duration

__all__ = ["arrivals_by_day", "arrivals_by_hour"]


def arrivals_by_day(station: StationHours, frame: Frame) -> Chart:
    """Show what came to a station each day, and what its staff could serve."""
    say, came, able = frame.language.say, daily(station.arrivals, frame.count), _able(station, frame)
    closed = [not staff for staff in daily(station.staff, frame.count)]
    noun = things(station.group, frame.language)
    return Chart(
        name=f"arrivals-{station.name}",
        topic="load",
        title=_over(station, came, able, closed, frame.language),
        caption=_caption(station, frame.language),
        plot=_by_day(station, frame, came, able, closed),
        table=Table.of(
            (
                say("date"),
                say("{things} that came", things=noun),
                say("{things} that could be served", things=noun),
                say("hours of staff"),
            ),
            [
                (str(frame.date(i)), int(came[i]), None if able is None else round(able[i]), round(hours, 1))
                for i, hours in enumerate(daily(station.staff, frame.count))
            ],
        ),
        keys=tuple(_keys(noun, frame, able=able is not None)),
    )


def _keys(noun: str, frame: Frame, *, able: bool) -> Iterator[Key]:
    say = frame.language.say
    yield Key(say("{things} that came", things=noun), "data")
    if able:
        yield Key(say("could be served"), "ink", "line")
    yield Key(say("nobody on duty"), "closed")
    yield from deadline_keys(frame)


def _able(station: StationHours, frame: Frame) -> list[float] | None:
    if station.service_h is None:
        return None
    return [hours / station.service_h for hours in daily(station.staff, frame.count)]


def _over(
    station: StationHours,
    came: Sequence[float],
    able: Sequence[float] | None,
    closed: Sequence[bool],
    language: Language,
) -> str:
    names = {"station": station.name, "things": things(station.group, language)}
    if able is None:
        return language.say(
            "{station}: what came each day; no service began, so what could be served is not known ({things})", **names
        )
    open_days = [i for i, shut in enumerate(closed) if not shut]
    over = sum(came[i] > able[i] for i in open_days)
    if not over:
        return language.say("{station}: on no open day did more {things} come than could be served", **names)
    return language.say(
        "{station}: on {over} of {days} open days more {things} came than could be served",
        over=over,
        days=len(open_days),
        **names,
    )


def _caption(station: StationHours, language: Language) -> str:
    noun = things(station.group, language)
    if station.service_h is None:
        return language.say("Bars: {things} that came on each day.", things=noun)
    return language.say(
        "Bars: {things} that came on each day. Line: what those on duty could serve that day, their hours on duty "
        "divided by the mean service time of this run, {duration}.",
        things=noun,
        duration=duration(3600.0 * station.service_h, language),
    )


def _by_day(
    station: StationHours, frame: Frame, came: Sequence[float], able: Sequence[float] | None, closed: Sequence[bool]
) -> Plot:
    language, noun = frame.language, things(station.group, frame.language)

    def said(index: int) -> str:
        told = {"day": day(frame.date(index), language), "came": f"{came[index]:,.0f}", "things": noun}
        if able is None:
            return language.say("{day}: {came} {things} came", **told)
        return language.say("{day}: {came} {things} came, {able} could be served", able=f"{able[index]:,.0f}", **told)

    levels = [None if shut else round(value, 1) for value, shut in zip(able or (), closed, strict=False)]
    y = amounts(language.say("{things} a day", things=noun), max([*came, *(level or 0.0 for level in levels)]))
    marks = [*bands(closed), *bars_by_day(frame, came, said), *levels_by_day(levels), *deadline_marks(frame)]
    return plot(frame, 170, dates(frame), y, marks)


def arrivals_by_hour(station: StationHours, frame: Frame) -> Chart:
    """Show what came to a station in each hour of its busiest day, what could be served, and who waited."""
    say, noun = frame.language.say, things(station.group, frame.language)
    index = busiest_day(station, frame.count)
    hours = range(24 * index, min(24 * index + 24, len(station.arrivals)))
    rows = [_hour(station, hour) for hour in hours]
    shown = [row for row in rows if row["came"] or row["able"] or row["waiting"] >= 1]
    first, after = (shown[0]["hour"], shown[-1]["hour"] + 1) if shown else (0, 24)
    busiest = day(frame.date(index), frame.language)
    return Chart(
        name=f"busiest-day-{station.name}",
        topic="load",
        title=say("{station}, hour by hour on its busiest day, {day}", station=station.name, day=busiest),
        caption=say(
            "Bars: {things} that came in each hour. Lines: what those on duty in that hour could serve.", things=noun
        ),
        plot=_by_hour(frame, [row for row in rows if first <= row["hour"] < after], noun),
        table=Table.of(
            (
                say("hour"),
                say("{things} that came", things=noun),
                say("could be served"),
                say("waiting on average"),
                say("on duty on average"),
            ),
            [(clock(row["hour"]), row["came"], row["able"], row["waiting"], row["staff"]) for row in rows],
        ),
        keys=(
            Key(say("{things} that came", things=noun), "data"),
            Key(say("could be served in that hour"), "ink", "line"),
        ),
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


def _by_hour(frame: Frame, rows: Sequence[Mapping[str, Any]], noun: str) -> Plot:
    first, after = (rows[0]["hour"], rows[-1]["hour"] + 1) if rows else (0, 24)
    x = hours_axis(first, after, 1 + (after - first) // (6 if frame.narrow else 14))
    most = max((row[key] or 0 for row in rows for key in ("came", "able")), default=0)
    y = amounts(frame.language.say("{things} an hour", things=noun), most)
    came = [Box(_span(row), (0, row["came"]), "data", _came(row, noun, frame.language)) for row in rows]
    able = [Line(tuple((hour, row["able"]) for hour in _span(row)), "ink", 2) for row in rows if row["able"]]
    return plot(frame, 150, x, y, [*came, *able])


def _span(row: Mapping[str, Any]) -> tuple[float, float]:
    return (row["hour"] + 0.06, row["hour"] + 0.94)


def _came(row: Mapping[str, Any], noun: str, language: Language) -> str:
    return language.say(
        "{start} to {end}: {came} {things} came",
        start=clock(row["hour"]),
        end=clock(row["hour"] + 1),
        came=f"{row['came']:,}",
        things=noun,
    )
