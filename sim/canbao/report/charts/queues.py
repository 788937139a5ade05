"""Queues by hour and day, and how much of the staff is used, week by week."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canbao.report.charts.axes import (
    Days,
    bands,
    classes,
    dates,
    deadline_layers,
    hours_axis,
    layer,
    rows_axis,
    spec,
    stretches,
)
from canbao.report.charts.chart import Cell, Chart, Key, Table
from canbao.report.charts.stations import StationHours
from canbao.report.palette import WAITING, WORKING
from canbao.report.words import clock, day, moment, number, percent

__all__ = ["queue_by_hour", "utilisation_by_week", "waiting_classes"]

_NOBODY = 0.05
"""A mean number below this is shown as nobody."""


def waiting_classes(most: float) -> list[float]:
    """Give the lower ends of at most five classes of queues up to `most`: somebody, then steps of 1, 2, 5, 10, 20..."""
    series = [step * 10.0**power for power in range(10) for step in (1, 2, 5)]
    return [_NOBODY, *[value for value in series if value < most][-4:]]


@dataclass(frozen=True)
class _View:
    """The hours of the day that a heat map shows, and its classes."""

    first: int
    after: int
    bounds: Sequence[float]
    """Lower ends of the classes above nobody."""
    keys: Sequence[Key]
    """One for each class, nobody first."""


def _view(station: StationHours) -> _View:
    staffed = {hour % 24 for hour, staff in enumerate(station.staff) if staff > 0}
    bounds = waiting_classes(max(station.waiting, default=0.0))
    names = ["nobody", *(_span(low, high) for low, high in zip(bounds, [*bounds[1:], None], strict=True))]
    keys = [Key(name, WAITING[level]) for level, name in enumerate(names)]
    return _View(min(staffed, default=0), max(staffed, default=23) + 1, bounds, keys)


def _span(low: float, high: float | None) -> str:
    if high is None:
        return "more" if low == _NOBODY else f"{number(low)} and more"
    return f"under {number(high)}" if low == _NOBODY else f"{number(low)} to {number(high)}"


def queue_by_hour(station: StationHours, days: Days) -> Chart:
    """Show how many wait at a station, by hour and day."""
    view = _view(station)
    return Chart(
        name=f"queue-{station.name}",
        topic="queues",
        title=f"{station.name}: at most {number(station.longest_queue)} waiting, on {moment(station.longest_queue_at)}",
        caption=(
            f"How many wait, on average over each hour, from {clock(view.first)} to {clock(view.after)}. "
            "A grey column is a day on which nobody is on duty."
        ),
        spec=_heat_map(station, days, view),
        table=_table(station, days, view),
        keys=(*view.keys, Key("nobody on duty", "closed")),
    )


def _heat_map(station: StationHours, days: Days, view: _View) -> dict[str, Any]:
    closed = [not any(station.staff[24 * i : 24 * i + 24]) for i in range(days.count)]
    cells = [cell for i, shut in enumerate(closed) if not shut for cell in _column(station, days, i, view)]
    y = {"field": "low", **hours_axis(view.first, view.after, 6 if view.after - view.first > 14 else 3)}
    y["scale"] = {**y["scale"], "reverse": True}
    encoding = {
        "x": dates(days),
        "x2": {"field": "to"},
        "y": y,
        "y2": {"field": "high"},
        "color": classes(view.keys),
    }
    height = max(120, 14 * (view.after - view.first))
    return spec(days, height, [bands(days, closed), layer("rect", encoding, cells), *deadline_layers(days)])


def _column(station: StationHours, days: Days, index: int, view: _View) -> Iterator[dict[str, Any]]:
    """Join the hours of a day that are of one class: most of a season's hours need no mark of their own."""
    hours = station.waiting[24 * index + view.first : 24 * index + view.after]
    # Cells overlap the next day a little: neighbours that only touch are drawn with a pale seam.
    place = {"from": days.ms(index), "to": days.ms(min(index + 1.15, days.count))}
    for first, after, level in stretches(sum(value >= bound for bound in view.bounds) for value in hours):
        low, high = view.first + first, view.first + after
        most = number(round(max(hours[first:after]), 1))
        said = f"{day(days.date(index))}, {clock(low)} to {clock(high)}: at most {most} waiting"
        yield {**place, "low": low, "high": high, "level": view.keys[level].label, "said": said}


def _table(station: StationHours, days: Days, view: _View) -> Table:
    rows: list[list[Cell]] = []
    for index in range(days.count):
        hours = station.waiting[24 * index + view.first : 24 * index + view.after]
        rows.append([str(days.date(index)), *(round(value, 1) for value in hours)])
    return Table.of(["date", *(clock(hour) for hour in range(view.first, view.after))], rows)


# ---------------------------------------------------------------------------------------------------------------------
# Utilisation
# ---------------------------------------------------------------------------------------------------------------------

_BOUNDS = (0.5, 0.7, 0.85, 0.95)
_LEVELS = ("idle", "under 50 %", "50 to 70 %", "70 to 85 %", "85 to 95 %", "95 % and more")


def utilisation_by_week(stations: Sequence[StationHours], days: Days) -> Chart:
    """Show which share of the staffed hours is used at each station, week by week."""
    weeks = _weeks(days)
    shares = {station.name: [_used(station, first, after) for first, after in weeks] for station in stations}
    top = max(stations, key=lambda station: station.utilisation)
    keys = tuple(Key(label, WORKING[level]) for level, label in enumerate(_LEVELS))
    return Chart(
        name="utilisation",
        topic="load",
        title=f"{top.name} is used most: {percent(top.utilisation)} of its staffed hours",
        caption=(
            "Hours that servers work, divided by the hours that they are on duty, week by week from Monday. It passes "
            "100 %, where those who are inside at closing time are still served. Blank: nobody is on duty."
        ),
        spec=_strips(days, weeks, shares, keys),
        table=Table.of(
            ("week from", *shares),
            [
                (str(days.date(first)), *(_rounded(values[number]) for values in shares.values()))
                for number, (first, _) in enumerate(weeks)
            ],
        ),
        keys=keys,
    )


def _weeks(days: Days) -> list[tuple[int, int]]:
    starts = [0, *(index for index in range(1, days.count) if days.date(index).weekday() == 0)]
    return list(zip(starts, [*starts[1:], days.count], strict=True))


def _used(station: StationHours, first: int, after: int) -> float | None:
    hours = slice(24 * first, 24 * after)
    staffed = sum(station.staff[hours])
    return sum(station.busy[hours]) / staffed if staffed else None


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _strips(
    days: Days, weeks: Sequence[tuple[int, int]], shares: Mapping[str, Sequence[float | None]], keys: Sequence[Key]
) -> dict[str, Any]:
    left = 100 if days.narrow else 150
    values = [
        {
            "row": name,
            "from": days.ms(first),
            "to": days.ms(after),
            "level": _level(share),
            "said": f"{name}, week from {day(days.date(first))}: {percent(share)}",
        }
        for name, row in shares.items()
        for (first, after), share in zip(weeks, row, strict=True)
        if share is not None
    ]
    encoding = {"x": dates(days), "x2": {"field": "to"}, "y": rows_axis(list(shares), left), "color": classes(keys)}
    return spec(days, 26 * len(shares), [layer("rect", encoding, values), *deadline_layers(days)], {"left": left})


def _level(share: float) -> str:
    return _LEVELS[(share > 0) + sum(share >= bound for bound in _BOUNDS)]
