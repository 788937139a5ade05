"""Queues by hour and day, and how much of the staff is used, week by week."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from canbao.languages import Language
from canbao.report.charts.axes import (
    Frame,
    bands,
    dates,
    deadline_marks,
    hours_axis,
    plot,
    row_bar,
    rows_axis,
    stretches,
)
from canbao.report.charts.chart import Cell, Chart, Key, Table
from canbao.report.charts.plot import Box, Plot, Space
from canbao.report.charts.stations import StationHours
from canbao.report.palette import WAITING, WORKING
from canbao.report.words import clock, day, moment, number, percent, threshold

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


def _view(station: StationHours, language: Language) -> _View:
    staffed = {hour % 24 for hour, staff in enumerate(station.staff) if staff > 0}
    bounds = waiting_classes(max(station.waiting, default=0.0))
    spans = (_span(low, high, language) for low, high in zip(bounds, [*bounds[1:], None], strict=True))
    names = [language.say("nobody"), *spans]
    keys = [Key(name, WAITING[level]) for level, name in enumerate(names)]
    return _View(min(staffed, default=0), max(staffed, default=23) + 1, bounds, keys)


def _span(low: float, high: float | None, language: Language) -> str:
    if high is None:
        return language.say("more") if low == _NOBODY else language.say("{number} and more", number=number(low))
    if low == _NOBODY:
        return language.say("under {number}", number=number(high))
    return language.say("{low} to {high}", low=number(low), high=number(high))


def queue_by_hour(station: StationHours, frame: Frame) -> Chart:
    """Show how many wait at a station, by hour and day."""
    say, view = frame.language.say, _view(station, frame.language)
    return Chart(
        name=f"queue-{station.name}",
        topic="queues",
        title=say(
            "{station}: at most {number} waiting, on {moment}",
            station=station.name,
            number=number(station.longest_queue),
            moment=moment(station.longest_queue_at, frame.language),
        ),
        caption=say(
            "How many wait, on average over each hour, from {start} to {end}. "
            "A grey column is a day on which nobody is on duty.",
            start=clock(view.first),
            end=clock(view.after),
        ),
        plot=_heat_map(station, frame, view),
        table=_table(station, frame, view),
        keys=(*view.keys, Key(say("nobody on duty"), "closed")),
    )


def _heat_map(station: StationHours, frame: Frame, view: _View) -> Plot:
    closed = [not any(station.staff[24 * i : 24 * i + 24]) for i in range(frame.count)]
    cells = [cell for i, shut in enumerate(closed) if not shut for cell in _column(station, frame, i, view)]
    hours = view.after - view.first
    down = hours_axis(view.first, view.after, 6 if hours > 14 else 3)
    y = replace(down, low=down.high, high=down.low, flush=False)
    return plot(frame, max(120, 14 * hours), dates(frame), y, [*bands(closed), *cells, *deadline_marks(frame)])


def _column(station: StationHours, frame: Frame, index: int, view: _View) -> Iterator[Box]:
    """Join the hours of a day that are of one class: most of a season's hours need no mark of their own."""
    hours = station.waiting[24 * index + view.first : 24 * index + view.after]
    # Cells overlap the next day a little: neighbours that only touch are drawn with a pale seam.
    x = (index, min(index + 1.15, frame.count))
    for first, after, level in stretches(sum(value >= bound for bound in view.bounds) for value in hours):
        span = (view.first + first, view.first + after)
        said = _cell(index, span, max(hours[first:after]), frame) if frame.tells else ""
        yield Box(x, span, view.keys[level].colour, said)


def _cell(index: int, span: tuple[int, int], most: float, frame: Frame) -> str:
    return frame.language.say(
        "{day}, {start} to {end}: at most {number} waiting",
        day=day(frame.date(index), frame.language),
        start=clock(span[0]),
        end=clock(span[1]),
        number=number(round(most, 1)),
    )


def _table(station: StationHours, frame: Frame, view: _View) -> Table:
    rows: list[list[Cell]] = []
    for index in range(frame.count):
        hours = station.waiting[24 * index + view.first : 24 * index + view.after]
        rows.append([str(frame.date(index)), *(round(value, 1) for value in hours)])
    return Table.of([frame.language.say("date"), *(clock(hour) for hour in range(view.first, view.after))], rows)


# ---------------------------------------------------------------------------------------------------------------------
# Utilisation
# ---------------------------------------------------------------------------------------------------------------------

_BOUNDS = (0.5, 0.7, 0.85, 0.95)
"""Where the classes of use above idle begin and end."""


def _levels(language: Language) -> list[str]:
    """Name the classes of use: idle, under the first bound, from bound to bound, above the last."""
    shares = [threshold(bound, language) for bound in _BOUNDS]
    spans = [
        language.say("{low} to {high}", low=f"{100 * low:g}", high=high)
        for low, high in zip(_BOUNDS, shares[1:], strict=False)
    ]
    under = language.say("under {number}", number=shares[0])
    return [language.say("idle"), under, *spans, language.say("{number} and more", number=shares[-1])]


def utilisation_by_week(stations: Sequence[StationHours], frame: Frame) -> Chart:
    """Show which share of the staffed hours is used at each station, week by week."""
    say, weeks = frame.language.say, _weeks(frame)
    shares = {station.name: [_used(station, first, after) for first, after in weeks] for station in stations}
    top = max(stations, key=lambda station: station.utilisation)
    keys = tuple(Key(label, WORKING[level]) for level, label in enumerate(_levels(frame.language)))
    return Chart(
        name="utilisation",
        topic="load",
        title=say(
            "{station} is used most: {share} of its staffed hours",
            station=top.name,
            share=percent(top.utilisation, frame.language),
        ),
        caption=say(
            "Hours that servers work, divided by the hours that they are on duty, week by week from Monday. It passes "
            "100 %, where those who are inside at closing time are still served. Blank: nobody is on duty."
        ),
        plot=_strips(frame, weeks, shares, keys),
        table=Table.of(
            (say("week from"), *shares),
            [
                (str(frame.date(first)), *(_rounded(values[number]) for values in shares.values()))
                for number, (first, _) in enumerate(weeks)
            ],
        ),
        keys=keys,
    )


def _weeks(frame: Frame) -> list[tuple[int, int]]:
    starts = [0, *(index for index in range(1, frame.count) if frame.date(index).weekday() == 0)]
    return list(zip(starts, [*starts[1:], frame.count], strict=True))


def _used(station: StationHours, first: int, after: int) -> float | None:
    hours = slice(24 * first, 24 * after)
    staffed = sum(station.staff[hours])
    return sum(station.busy[hours]) / staffed if staffed else None


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _strips(
    frame: Frame, weeks: Sequence[tuple[int, int]], shares: Mapping[str, Sequence[float | None]], keys: Sequence[Key]
) -> Plot:
    left = 116 if frame.narrow else 150
    cells = [
        Box(week, row_bar(row), keys[_level(share)].colour, _week(name, week[0], share, frame) if frame.tells else "")
        for row, (name, used) in enumerate(shares.items())
        for week, share in zip(weeks, used, strict=True)
        if share is not None
    ]
    marks = [*cells, *deadline_marks(frame)]
    return plot(frame, 26 * len(shares), dates(frame), rows_axis(list(shares), left), marks, Space(left))


def _week(station: str, first: int, share: float, frame: Frame) -> str:
    return frame.language.say(
        "{station}, week from {day}: {share}",
        station=station,
        day=day(frame.date(first), frame.language),
        share=percent(share, frame.language),
    )


def _level(share: float) -> int:
    return (share > 0) + sum(share >= bound for bound in _BOUNDS)
