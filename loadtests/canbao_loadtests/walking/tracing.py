"""The trace of a load test: the tables of a simulation's, from the books of all its processes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from canbao.arrays import FloatArray
from canbao.engines.tracing import Fates, Visits, make_trace, places_of
from canbao.plan import Plan, StationPlan
from canbao.trace import ENDINGS, Trace
from canbao_loadtests.walking.book import WalkPart
from canbao_loadtests.walking.route import EXTRA_OUTCOMES

__all__ = ["trace_of"]

_INSIDE = ENDINGS.index("inside")


@dataclass
class _Tally:
    busy_s: float
    staffed_s: float
    starts: int


def trace_of(plan: Plan, parts: Sequence[WalkPart], until: float | None = None) -> Trace:
    """Put the books of all processes together.

    Families stand in the order of their numbers, and a family's visits in time, as in a simulation's trace. A visit at
    a station of the deployment begins at its moment of the scenario and lasts real seconds. Server time is what visits
    took, and what the plan has on duty.

    Parameters
    ----------
    plan
        What was walked.
    parts
        The books; each family is in one.
    until
        The moment at which the load test ended; the end of the plan's horizon if that is earlier, or none is given.
    """
    end = plan.until if until is None else min(until, plan.until)
    visits = _visits(parts, end)
    whole = replace(plan, until=end, outcomes=(*plan.outcomes, *EXTRA_OUTCOMES))
    return make_trace(whole, _fates(plan, parts, end), visits, _tallies(plan, visits, end))


def _fates(plan: Plan, parts: Sequence[WalkPart], end: float) -> Fates:
    family = np.concatenate([np.empty(0, dtype=np.int64), *(part.family for part in parts)])
    order = np.argsort(family, kind="stable")
    numbers = np.concatenate([np.empty((0, 5), dtype=np.int64), *(part.numbers for part in parts)])[order]
    times = np.concatenate([np.empty((0, 2)), *(part.times for part in parts)])[order]
    marks = np.concatenate([np.empty((0, len(plan.marks))), *(_marks(part, len(plan.marks)) for part in parts)])[order]
    first, last, trips, outcome, _ = numbers.T
    return Fates(
        family=family[order],
        first_channel=first.astype(np.int16),
        last_channel=last.astype(np.int16),
        trips=trips.copy(),
        effort_s=times[:, 0].copy(),
        outcome=outcome.astype(np.int16),
        finished=times[:, 1].copy(),
        marks=np.ascontiguousarray(marks.T),
    )


def _marks(part: WalkPart, count: int) -> FloatArray:
    """Give the marks of a part; one that was made of the journal of a process that died may know fewer."""
    known = np.full((len(part.family), count), math.nan)
    known[:, : part.marks.shape[1]] = part.marks
    return known


def _visits(parts: Sequence[WalkPart], end: float) -> Visits:
    visits = np.concatenate([np.empty((0, 4), dtype=np.int64), *(part.visits for part in parts)])
    stays = np.concatenate([np.empty((0, 3)), *(part.stays for part in parts)])
    # Each family's visits were written down in their order.
    order = np.argsort(visits[:, 0], kind="stable")
    family, attempt, step, ended = visits[order].T
    enter, start, leave = stays[order].T
    over = leave >= end  # it was clear when it began how long it would last
    return Visits(
        family=family.copy(),
        attempt=attempt.copy(),
        step=step.astype(np.int32),
        enter=enter.copy(),
        start=start.copy(),
        leave=np.where(over, math.nan, leave),
        ended=np.where(over, _INSIDE, ended).astype(np.int8),
    )


def _tallies(plan: Plan, visits: Visits, end: float) -> list[_Tally]:
    """Give server time and services of each station."""
    count, station = len(plan.stations), places_of(plan)[visits.step].astype(np.int64)
    begun = ~np.isnan(visits.start) & (station < count)
    until = np.where(np.isnan(visits.leave), end, visits.leave)
    busy = np.bincount(station[begun], (until - visits.start)[begun], count)
    starts = np.bincount(station[begun], minlength=count)
    staffed = [_staffed_s(one, end) for one in plan.stations]
    return [_Tally(float(b), s, int(n)) for b, s, n in zip(busy, staffed, starts, strict=True)]


def _staffed_s(station: StationPlan, end: float) -> float:
    """Give the server time on duty until the end."""
    times = np.array([change.time for change in station.changes] + [end])
    servers: FloatArray = np.array([change.servers for change in station.changes])
    lengths = np.clip(np.diff(np.minimum(times, end)), 0.0, None)
    worked = lengths > 0
    return float((servers[worked] * lengths[worked]).sum())
