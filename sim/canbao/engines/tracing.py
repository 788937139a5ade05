"""The trace of a run, from what an engine has written down, in an order that does not depend on the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from canbao.arrays import AnyArray, FloatArray, IntArray
from canbao.columns import Coded, Column, numbers_of
from canbao.plan import GatherStep, Plan, VisitStep
from canbao.trace import ENDINGS, INSIDE, MARKS, Table, Trace

__all__ = ["NOWHERE", "Fates", "Tally", "Visits", "make_families", "make_stations", "make_trace", "places_of"]

NOWHERE = "none"
"""The word for no channel."""


class Fates(NamedTuple):
    """What became of the families that came, by rising number; -1 stands for no channel and no outcome."""

    family: IntArray
    first_channel: AnyArray
    last_channel: AnyArray
    trips: IntArray
    effort_s: FloatArray
    outcome: AnyArray
    finished: FloatArray
    marks: FloatArray
    """When each event of `Plan.marks` was marked, shape (marks, families)."""


class Visits(NamedTuple):
    """All visits, by family and within a family in time."""

    family: IntArray
    attempt: IntArray
    step: NDArray[np.int32]
    enter: FloatArray
    start: FloatArray
    leave: FloatArray
    ended: NDArray[np.int8]


class Tally(Protocol):
    """What a station knows of its servers at the end."""

    busy_s: float
    staffed_s: float
    starts: int


def make_trace(plan: Plan, fates: Fates, visits: Visits, tallies: Sequence[Tally]) -> Trace:
    """Give the tables."""
    return Trace(plan.until, make_families(plan, fates), _visits(plan, visits), make_stations(plan, tallies))


def make_families(plan: Plan, fates: Fates) -> Table:
    """Give the table of families."""
    came, channels = fates.family, (*plan.journeys, NOWHERE)
    table: dict[str, Column] = {
        "family": came,
        "arrival": plan.arrival[came],
        "first_channel": _coded(fates.first_channel, channels),
        "last_channel": _coded(fates.last_channel, channels),
        "trips": fates.trips,
        "effort_s": fates.effort_s,
        "outcome": _coded(fates.outcome, (*plan.outcomes, INSIDE)),
    }
    moments = dict(zip(plan.marks, fates.marks, strict=True))
    table |= {name: moments.pop(name) for name in MARKS}
    table["finished"] = fates.finished
    table |= moments
    for name, column in plan.columns.items():
        if not name.startswith("_"):
            table[name] = column.take(came) if isinstance(column, Coded) else numbers_of(column)[came]
    return table


def _coded(numbers: AnyArray, labels: tuple[str, ...]) -> Column:
    """Turn codes into words; -1 is the last word."""
    return Coded(np.where(numbers < 0, len(labels) - 1, numbers).astype(np.int16), labels)


def _visits(plan: Plan, visits: Visits) -> Table:
    return {
        "family": visits.family,
        "attempt": visits.attempt,
        "station": Coded(places_of(plan)[visits.step], plan.places),
        "step": Coded(visits.step, plan.step_names),
        "enter": visits.enter,
        "start": visits.start,
        "leave": visits.leave,
        "ended": Coded(visits.ended, ENDINGS),
    }


def make_stations(plan: Plan, tallies: Sequence[Tally]) -> Table:
    """Give the table of stations."""
    groups = tuple(dict.fromkeys(station.group for station in plan.stations))
    return {
        "station": Coded(np.arange(len(plan.stations)), tuple(station.name for station in plan.stations)),
        "group": Coded(np.array([groups.index(station.group) for station in plan.stations], dtype=np.int64), groups),
        "busy_s": np.array([tally.busy_s for tally in tallies], dtype=np.float64),
        "staffed_s": np.array([tally.staffed_s for tally in tallies], dtype=np.float64),
        "starts": np.array([tally.starts for tally in tallies], dtype=np.int64),
    }


def places_of(plan: Plan) -> NDArray[np.int16]:
    """Give the place of each step: a step visits one station or one batch, or none (-1)."""
    places = np.full(len(plan.steps), -1, dtype=np.int16)
    for index, step in enumerate(plan.steps):
        if isinstance(step, VisitStep):
            places[index] = step.station
        elif isinstance(step, GatherStep):
            places[index] = len(plan.stations) + step.batch
    return places
