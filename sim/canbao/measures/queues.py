"""Queues and servers over time, from visits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from canbao.arrays import FloatArray, IntArray
from canbao.measures.groups import code_is, word_is
from canbao.measures.visits import AWAY
from canbao.plan import Plan, StationPlan
from canbao.trace import Trace

__all__ = ["HOUR_S", "Occupancy", "hour_edges", "mean_number", "occupancies", "over_at", "staff_over_time", "waits"]

HOUR_S = 3600.0


def hour_edges(until: float) -> FloatArray:
    """Give the edges of the hours of a horizon, shape (hours + 1,); the last hour may be cut short."""
    return np.append(np.arange(0.0, until, HOUR_S), until)


def mean_number(starts: FloatArray, ends: FloatArray, edges: FloatArray) -> FloatArray:
    """Give the mean number of stays that go on in each bin, shape (bins,).

    It is the integral of their number divided by the bin's width.
    The integral up to t is Σ (t − start) over the stays begun by t, less Σ (t − end) over those that ended.
    """
    return np.diff(_integral(np.sort(starts), edges) - _integral(np.sort(ends), edges)) / np.diff(edges)


def _integral(ordered: FloatArray, edges: FloatArray) -> FloatArray:
    # What has not happened, nan, stands last and is behind every edge.
    count = np.searchsorted(ordered, edges, side="left")
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    return np.asarray(count * edges - sums[count])


def waits(trace: Trace) -> FloatArray:
    """Give how long each visit waited: until its service began, or until it left without; nan if it was not let in.

    A visit that still waits at the end of the horizon has waited until then.
    """
    enter, start, leave = (np.asarray(trace.visits[name]) for name in ("enter", "start", "leave"))
    ended: Any = trace.visits["ended"]
    return np.where(word_is(ended, *AWAY), np.nan, over_at(start, leave, trace.until) - enter)


def over_at(start: FloatArray, leave: FloatArray, until: float) -> FloatArray:
    """Give when the wait of each visit was over, or else the end of the horizon."""
    return np.where(np.isnan(start), np.where(np.isnan(leave), until, leave), start)


@dataclass(frozen=True)
class Occupancy:
    """One station hour by hour; arrays of shape (hours,)."""

    name: str
    group: str
    arrivals: IntArray
    """Families that came, whether they were let in or not."""
    waiting: FloatArray
    """Mean number of those who wait."""
    busy: FloatArray
    """Mean number of servers at work."""
    staff: FloatArray
    """Mean number of servers on duty by the schedule."""
    wait_hours: FloatArray
    """Hours of waiting while the station was staffed."""


def occupancies(trace: Trace, plan: Plan) -> list[Occupancy]:
    """Give each station's hours."""
    station: Any = trace.visits["station"]
    return [_occupancy(trace, place, station.groups.rows(index)) for index, place in enumerate(plan.stations)]


def _occupancy(trace: Trace, place: StationPlan, rows: IntArray) -> Occupancy:
    edges = hour_edges(trace.until)
    staff = staff_over_time(place, edges)
    came, start, leave = (np.asarray(trace.visits[name])[rows] for name in ("enter", "start", "leave"))
    ended: Any = trace.visits["ended"]
    let_in = ~code_is(ended.codes[rows], ended.labels, *AWAY)
    enter = came
    if not let_in.all():
        enter, start, leave = (times[let_in] for times in (came, start, leave))
    wait = over_at(start, leave, trace.until) - enter
    waiting = mean_number(enter, enter + wait, edges) if wait.any() else np.zeros(len(edges) - 1)
    served = ~np.isnan(start)
    return Occupancy(
        name=place.name,
        group=place.group,
        arrivals=np.diff(np.searchsorted(np.sort(came), edges)),
        waiting=np.maximum(waiting, 0.0),
        busy=mean_number(start[served], leave[served], edges),
        staff=staff,
        wait_hours=np.where(staff > 0, waiting, 0.0) * np.diff(edges) / HOUR_S,
    )


def staff_over_time(place: StationPlan, edges: FloatArray) -> FloatArray:
    """Give the mean number of servers on duty in each bin, shape (bins,); inf where there is no limit."""
    times = np.array([change.time for change in place.changes])
    servers = np.array([change.servers for change in place.changes])
    if np.isinf(servers).any():
        return np.full(len(edges) - 1, np.inf)
    reached = np.concatenate([[0.0], np.cumsum(np.diff(times) * servers[:-1])])
    number = np.searchsorted(times, edges, side="right") - 1
    return np.asarray(np.diff(reached[number] + (edges - times[number]) * servers[number]) / np.diff(edges))
