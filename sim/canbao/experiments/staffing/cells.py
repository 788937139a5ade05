"""The cells of a rota: a place, some dates, some hours of the day. Each holds one number, which a search may change."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canbao.arrays import FloatArray, np
from canbao.calendar import Horizon, Hours, Interval
from canbao.experiments.staffing.levers import Levels
from canbao.experiments.staffing.periods import cut_days
from canbao.experiments.staffing.pilot import Site
from canbao.experiments.staffing.places import Duty, Place, Stretch, settings_at
from canbao.scenario.scenario import ScenarioFile

__all__ = ["Cell", "cells_of", "clock", "day_blocks", "duties", "hours_in"]

_DAY_S = 86_400.0
_HOUR_S = 3600.0


@dataclass(frozen=True)
class Cell:
    """One number of a rota."""

    place: Place
    stations: tuple[str, ...]
    first_day: int
    last_day: int
    """Days of the horizon, from 0, both included."""
    hours: Interval | None
    """Hours of the day, in seconds since midnight; None for all of them."""
    open_hours: float
    """For how many hours it is open in all."""

    def covers(self, count: int) -> FloatArray:
        """Tell which of the first hours of the horizon belong to it, shape (count,), 1 or 0."""
        middle = np.arange(count) * _HOUR_S + _HOUR_S / 2
        day, second = np.divmod(middle, _DAY_S)
        start, end = self.hours or (0.0, _DAY_S)
        # An hour that is half inside belongs to the block in which most of it lies.
        inside = (day >= self.first_day) & (day <= self.last_day) & (second >= start) & (second < end)
        return inside.astype(np.float64)


def day_blocks(hours: Sequence[Hours], longest_h: float | None) -> list[Interval]:
    """Cut the opening hours of a day into blocks in which the number of servers stays the same.

    Parameters
    ----------
    hours
        The hours of working days first, then those of other days.
    longest_h
        The longest block, in hours; morning and afternoon stay whole if not given.
    """
    usual = next((each for each in hours if each), ((0.0, _DAY_S),))
    step = _DAY_S if longest_h is None else longest_h * _HOUR_S
    starts = [at for start, end in usual for at in np.arange(start, end - 1.0, step).tolist()]
    edges = [0.0, *starts[1:], _DAY_S]
    pieces = [interval for each in hours for interval in each]
    found = []
    for low, high in itertools.pairwise(edges):
        inside = [(max(start, low), min(end, high)) for start, end in pieces if start < high and end > low]
        if inside:
            found.append((min(start for start, _ in inside), max(end for _, end in inside)))
    return found


def cells_of(
    file: ScenarioFile, site: Site, needed: Sequence[float], *, periods: int, longest_h: float | None
) -> list[Cell]:
    """Cut what a place is open into cells: periods of dates, and for people who wait, blocks of the day.

    Parameters
    ----------
    file
        The scenario.
    site
        The place.
    needed
        The servers that each day needs.
    periods
        Into how many periods at most.
    longest_h
        The longest block of a day, in hours.
    """
    if site.place.kind == "slots":  # a portal says one number for all times
        return [_cell(site, 0, site.offered.days - 1, None)]
    cut = cut_days(needed, site.offered.hours_by_day.tolist(), periods)
    blocks = _blocks(settings_at(file.scenario, site.place.path), site, longest_h)
    cells = [_cell(site, first, last, hours) for first, last in cut for hours in blocks]
    return [cell for cell in cells if cell.open_hours > 0]


def _blocks(settings: Any, site: Site, longest_h: float | None) -> list[Interval | None]:
    if site.place.kind == "reviewers":  # papers do not mind at which hour of the day they are read
        return [None]
    found = day_blocks([settings.hours, settings.saturday_hours, settings.sunday_hours], longest_h)
    return [None] if len(found) == 1 else [*found]


def _cell(site: Site, first: int, last: int, hours: Interval | None) -> Cell:
    return Cell(site.place, site.stations, first, last, hours, hours_in(site, first, last, hours))


def hours_in(site: Site, first_day: int, last_day: int, hours: Interval | None) -> float:
    """Give for how many hours a place is open on some days, at some hours of the day."""
    end_s = site.offered.days * _DAY_S
    ends = [time for time, _ in site.changes[1:]] + [end_s]
    low, high = hours or (0.0, _DAY_S)
    total = 0.0
    for (start, serves), end in zip(site.changes, ends, strict=True):
        if serves:
            for day in range(max(first_day, int(start // _DAY_S)), min(last_day, int((end - 1e-6) // _DAY_S)) + 1):
                total += max(0.0, min(end, day * _DAY_S + high) - max(start, day * _DAY_S + low))
    return total / _HOUR_S


def duties(cells: Sequence[Cell], levels: Levels, horizon: Horizon) -> dict[Place, Duty]:
    """Give what each place has to be told for these numbers.

    The number that a place has for most hours is its own, and dates and hours with another one are stretches.
    """
    by_place: dict[Place, list[tuple[Cell, int]]] = {}
    for cell, level in zip(cells, levels, strict=True):
        by_place.setdefault(cell.place, []).append((cell, level))
    return {place: _duty(mine, horizon) for place, mine in by_place.items()}


def _duty(mine: Sequence[tuple[Cell, int]], horizon: Horizon) -> Duty:
    hours: dict[int, float] = {}
    for cell, level in mine:
        hours[level] = hours.get(level, 0.0) + cell.open_hours
    usual = max(hours, key=lambda level: (hours[level], level))
    pieces = [piece for days in _by_days(mine).values() for piece in _pieces(days)]
    dates = horizon.dates()
    return Duty(
        usual,
        tuple(
            Stretch(level, dates[first], dates[last], block)
            for first, last, block, level in _joined(pieces)
            if level != usual
        ),
    )


_Piece = tuple[int, int, Interval | None, int]
"""First and last day, hours, number."""


def _by_days(mine: Sequence[tuple[Cell, int]]) -> Mapping[tuple[int, int], list[tuple[Cell, int]]]:
    found: dict[tuple[int, int], list[tuple[Cell, int]]] = {}
    for cell, level in mine:
        found.setdefault((cell.first_day, cell.last_day), []).append((cell, level))
    return found


def _pieces(days: Sequence[tuple[Cell, int]]) -> Iterator[_Piece]:
    """Say a period's numbers: one for all hours where they are the same."""
    first, last = days[0][0].first_day, days[0][0].last_day
    if len({level for _, level in days}) == 1:
        yield first, last, None, days[0][1]
        return
    for cell, level in days:
        yield first, last, cell.hours, level


def _joined(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Join periods that follow one another with the same number."""
    found: list[_Piece] = []
    for first, last, block, level in pieces:
        before = found[-1] if found else None
        if before and before[2:] == (block, level) and before[1] + 1 == first:
            found[-1] = (before[0], last, block, level)
        else:
            found.append((first, last, block, level))
    return found


def clock(second: float) -> str:
    """Write a time of the day: `08:30`."""
    minutes = round(second / 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
