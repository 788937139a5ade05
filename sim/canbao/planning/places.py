"""Places: stations, batches and appointment books in numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, get_args

import numpy as np

from canbao import network as words
from canbao import plan as numbers
from canbao.disciplines import Discipline
from canbao.distributions import Uniform
from canbao.plan import Change, Draw, PlanStep
from canbao.planning.names import Scope
from canbao.schedule import Schedule

__all__ = ["plan_batch", "plan_book", "plan_station", "visits_by_station"]


def _changes(station: words.Station, scope: Scope) -> tuple[Change, ...]:
    if isinstance(station.servers, float | int) and station.servers >= 0 and station.doors is None:
        return (Change(0.0, float(station.servers), True),)  # as below, at a hundredth of the time
    servers = station.servers if isinstance(station.servers, Schedule) else Schedule.constant(station.servers)
    doors = station.doors if station.doors is not None else Schedule.constant(1.0)
    fewest = servers.values.min()
    scope.need(fewest >= 0, f"station {station.name!r}: the number of servers must be >= 0", fewest)
    moments = np.union1d(servers.times, doors.times)
    is_open = doors.at(moments) > 0
    return tuple(map(Change, moments.tolist(), servers.at(moments).tolist(), is_open.tolist()))


def visits_by_station(steps: Iterable[PlanStep]) -> dict[int, list[numbers.VisitStep]]:
    """Give the steps that visit each station, by its number."""
    found: dict[int, list[numbers.VisitStep]] = {}
    for step in steps:
        if isinstance(step, numbers.VisitStep):
            found.setdefault(step.station, []).append(step)
    return found


def plan_station(station: words.Station, scope: Scope, visits: Sequence[numbers.VisitStep]) -> numbers.StationPlan:
    """Give a station in numbers; its mean service is that of the steps that visit it."""
    name = f"station {station.name!r}"
    scope.need(station.room >= 1, f"{name}: room must be >= 1", station.room)
    if not callable(station.discipline):
        scope.one_of(get_args(Discipline), station.discipline, f"{name}: discipline")
    scope.one_of(("serve", "send home", "keep"), station.closing, f"{name}: closing")
    scope.one_of(("lose", "block"), station.when_full, f"{name}: when_full")
    return numbers.StationPlan(
        name=station.name,
        group=station.group,
        changes=_changes(station, scope),
        closing=station.closing,
        discipline=station.discipline,
        room=station.room,
        blocks=station.when_full == "block",
        mean_service=float(np.mean([_mean(visit.service) for visit in visits])) if visits else 0.0,
        order=Draw(f"{station.name}:order", distribution=Uniform(0.0, 1.0)),
    )


def _mean(draw: Draw) -> float:
    """Give a draw's mean, as `fastest` needs it to turn a queue into a wait."""
    scale = 1.0 if draw.column is None or not len(draw.column) else float(draw.column.mean())
    if draw.distribution is None:
        return draw.value if draw.column is None else scale
    mean = getattr(draw.distribution, "mean", None)
    value = mean() if callable(mean) else mean
    # The mean of a distribution that does not know it: the midpoint rule over its quantiles.
    middle = (np.arange(1000) + 0.5) / 1000
    return scale * float(np.mean(draw.distribution.ppf(middle)) if value is None else value)


def plan_batch(batch: words.Batch, scope: Scope) -> numbers.BatchPlan:
    """Give a batch in numbers."""
    name, releases = f"batch {batch.name!r}", tuple(sorted(map(float, batch.releases)))
    scope.need(batch.size is None or batch.size >= 1, f"{name}: size must be >= 1", batch.size)
    scope.need(batch.max_wait >= 0, f"{name}: max_wait must be >= 0", batch.max_wait)
    scope.need(all(time >= 0 for time in releases), f"{name}: releases must be times >= 0", batch.releases)
    return numbers.BatchPlan(batch.name, batch.group, batch.size or math.inf, releases, batch.max_wait)


def plan_book(book: words.AppointmentBook, scope: Scope) -> numbers.BookPlan:
    """Give an appointment book in numbers."""
    times = tuple(map(float, book.times))
    given: Any = book.places
    places = tuple(map(int, [given] * len(times) if np.ndim(given) == 0 else given))
    name = f"appointment book {book.name!r}"
    scope.need(all(a <= b for a, b in pairwise(times)), f"{name}: times must rise", book.times)
    scope.need(len(places) == len(times), f"{name}: it needs places for each of {len(times)} times", len(places))
    scope.need(all(number >= 0 for number in places), f"{name}: places must be >= 0", book.places)
    return numbers.BookPlan(book.name, times, places)
