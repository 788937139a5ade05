"""Peers: the same families served by recursion instead of by events.

A peer takes many plans at once and walks through their customers in step: some ten million customers a second, where an
event engine serves some ten thousand. It knows no clock, no event and no queue, only who comes next, so that it and an
engine have next to nothing in common but the answer. Arrays have shape (plans, customers); a plan with fewer customers
than others is filled up with customers who come at infinity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from canbao.arrays import BoolArray, FloatArray
from canbao.plan import Draw, GatherStep, Plan, VisitStep
from canbao.verification.stays import FAMILIES, Stays, StaysByName

_STRIP = 256
"""How many customers are taken at once, turned so that those who are served at the same step lie side by side."""

__all__ = [
    "Peer",
    "arrivals_peer",
    "blocked_peer",
    "fifo_peer",
    "fifo_queue",
    "gathering_peer",
    "infinite_peer",
    "priority_peer",
    "priority_queue",
]

Peer = Callable[[Sequence[Plan]], list[StaysByName]]
"""Gives for each plan the stays that an engine should give, those after the end of the horizon included."""


# --- first come, first served -----------------------------------------------------------------------------------------


def fifo_queue(
    arrival: FloatArray,
    service: FloatArray,
    *,
    servers: int,
    patience: FloatArray | None = None,
    room: float = math.inf,
) -> tuple[FloatArray, FloatArray]:
    """Serve customers first come, first served; Kiefer and Wolfowitz (1955), Trans. Amer. Math. Soc. 78.

    Parameters
    ----------
    arrival, service
        Rising arrival times and service times, shape (plans, customers).
    patience
        How long each waits at most; all for ever without it.
    room
        How many may be inside; who finds it full is lost. Not together with patience.

    Returns
    -------
    start, leave
        When each service begins, nan if never, and when each customer leaves.
    """
    plans, customers = arrival.shape
    free = np.zeros((servers, plans))
    inside = free if room == servers else np.zeros((int(room), plans)) if room < math.inf else None
    start, leave = np.empty_like(arrival), np.empty_like(arrival)
    for first in range(0, customers, _STRIP):
        strip = (slice(None), slice(first, first + _STRIP))
        limits = None if patience is None else arrival[strip] + patience[strip]
        begun, gone = _serve(_turned(arrival[strip]), _turned(service[strip]), limits, free, inside)
        start[strip], leave[strip] = begun.T, gone.T
    return start, leave


def _turned(rows: FloatArray) -> FloatArray:
    return np.ascontiguousarray(rows.T)


def _serve(
    arrival: FloatArray, service: FloatArray, limits: FloatArray | None, free: FloatArray, inside: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Serve some customers, one a row: `free` is when each server is free, `inside` when each place is, both sorted."""
    start, leave = np.empty_like(arrival), np.empty_like(arrival)
    until = arrival if limits is None else _turned(limits)
    for now, needed, begun, gone, limit in zip(arrival, service, start, leave, until, strict=True):
        np.maximum(now, free[0], out=begun)
        np.add(begun, needed, out=gone)
        lost = None
        if limits is not None or inside is not None:
            lost = begun > limit if inside is None else inside[0] > now
            np.copyto(gone, limit, where=lost)
            np.copyto(begun, math.nan, where=lost)
        if inside is not None and inside is not free:
            _replace_least(inside, gone, lost)
        _replace_least(free, gone, lost)
    return start, leave


def _replace_least(pool: FloatArray, values: FloatArray, kept: BoolArray | None) -> None:
    """Put values in the place of the first row, the least, unless it is kept, and sort the rows again."""
    last = values.copy() if kept is None else np.where(kept, pool[0], values)
    for row in range(1, len(pool)):
        np.minimum(pool[row], last, out=pool[row - 1])
        np.maximum(pool[row], last, out=last)
    pool[-1] = last


def fifo_peer(plans: Sequence[Plan]) -> list[StaysByName]:
    """Serve one visit after the other, as plans say; stations in a row need one server, so that nobody overtakes."""
    now, found = _table([plan.arrival for plan in plans], math.inf), {}
    for step in _visits(plans[0]):
        station = plans[0].stations[step.station]
        patience = None if _constant(step.patience) == math.inf else _drawn(plans, step.index, "patience")
        service, servers = _drawn(plans, step.index, "service"), int(station.changes[0].servers)
        start, leave = fifo_queue(now, service, servers=servers, patience=patience, room=station.room)
        found[plans[0].step_names[step.index]] = (now, start, leave)
        now = leave
    stays, names = _stays(plans, found), list(found)
    return [
        here | {FAMILIES: Stays(here[names[0]].enter, here[names[0]].enter, here[names[-1]].leave)} for here in stays
    ]


# --- by priority ------------------------------------------------------------------------------------------------------


def priority_queue(arrivals: Sequence[FloatArray], services: Sequence[FloatArray]) -> list[FloatArray]:
    """Serve classes of customers at one server, the first class first, within a class first come, first served.

    Parameters
    ----------
    arrivals, services
        For each class, shape (plans, customers of the class).

    Returns
    -------
    list
        When each service begins, for each class, in the shape of its arrivals.
    """
    plans = np.arange(len(arrivals[0]))
    ends = [np.column_stack([rows, np.full(len(plans), math.inf)]) for rows in arrivals]
    starts = [np.full_like(rows, math.inf) for rows in ends]
    needed = [np.column_stack([rows, np.zeros(len(plans))]) for rows in services]
    place = np.zeros((len(arrivals), len(plans)), dtype=np.int64)
    free = np.zeros(len(plans))
    for _ in range(sum(rows.shape[1] for rows in arrivals)):
        nexts = [rows[plans, at] for rows, at in zip(ends, place, strict=True)]
        now = np.maximum(free, np.minimum.reduce(nexts))
        taken = now == math.inf
        for begun, service, at, came in zip(starts, needed, place, nexts, strict=True):
            mine = np.flatnonzero((came <= now) & ~taken)
            taken[mine] = True
            begun[mine, at[mine]] = now[mine]
            free[mine] = now[mine] + service[mine, at[mine]]
            at[mine] += 1
    return [rows[:, :-1] for rows in starts]


def priority_peer(plans: Sequence[Plan]) -> list[StaysByName]:
    """Serve the visits of several journeys at one server; each is a class, by its priority or by its service."""
    steps = _visits(plans[0])
    shortest = plans[0].stations[0].discipline == "shortest"
    steps.sort(key=lambda step: _constant(step.service if shortest else step.priority))
    arrivals = [_table([_arrivals_at(plan, step.index) for plan in plans], math.inf) for step in steps]
    services = [_drawn(plans, step.index, "service") for step in steps]
    starts = priority_queue(arrivals, services)
    found = {
        plans[0].step_names[step.index]: (arrival, start, start + service)
        for step, arrival, service, start in zip(steps, arrivals, services, starts, strict=True)
    }
    return [*_stays(plans, found)]


# --- stations in a row, no room between them --------------------------------------------------------------------------


def blocked_peer(plans: Sequence[Plan]) -> list[StaysByName]:
    """Serve families who are all there at time 0; who is done at the first station stays until the second is free."""
    first, second = (_drawn(plans, step.index, "service").T for step in _visits(plans[0]))
    moved, left = np.zeros_like(first), np.zeros_like(second)
    for i in range(len(first)):
        moved[i] = np.maximum(moved[i - 1] + first[i], left[i - 1])
        left[i] = moved[i] + second[i]
    name = plans[0].step_names[_visits(plans[0])[1].index]
    return [{name: Stays(enter, enter, leave)} for enter, leave in zip(moved.T, left.T, strict=True)]


# --- nobody waits -----------------------------------------------------------------------------------------------------


def infinite_peer(plans: Sequence[Plan]) -> list[StaysByName]:
    """Serve everybody at once."""
    step = _visits(plans[0])[0]
    stays: list[StaysByName] = []
    for plan in plans:
        leave = plan.arrival + plan.steps[step.index].service.values(plan.luck, plan.families)  # type: ignore[union-attr]
        stays.append({plan.step_names[step.index]: Stays(plan.arrival, plan.arrival, leave)})
    return stays


def arrivals_peer(plans: Sequence[Plan]) -> list[StaysByName]:
    """Let everybody come and go."""
    return [{FAMILIES: Stays(plan.arrival, plan.arrival, plan.arrival)} for plan in plans]


def gathering_peer(plans: Sequence[Plan]) -> list[StaysByName]:
    """Let families gather at a batch, until there are enough of them or until one of its times."""
    step = next(step for step in plans[0].steps if isinstance(step, GatherStep))
    batch = plans[0].batches[step.batch]
    moments = np.append(batch.releases, math.inf)
    stays: list[StaysByName] = []
    for plan in plans:
        arrival = plan.arrival
        if batch.size < math.inf:
            moments = np.append(arrival[int(batch.size) - 1 :: int(batch.size)], math.inf)
        leave = moments[np.searchsorted(moments, arrival)]
        stays.append({plan.step_names[step.index]: Stays(arrival, leave, leave)})
    return stays


# --- from plans to arrays and back ------------------------------------------------------------------------------------


def _visits(plan: Plan) -> list[VisitStep]:
    return [step for step in plan.steps if isinstance(step, VisitStep)]


def _constant(draw: Draw) -> float:
    return draw.value if draw.constant else float(getattr(draw.distribution, "value", math.nan))


def _arrivals_at(plan: Plan, step: int) -> FloatArray:
    return np.asarray(plan.arrival[plan.first_step == step])


def _drawn(plans: Sequence[Plan], step: int, what: str) -> FloatArray:
    """Give what each family draws at a step that it comes to first, or that all families come to."""
    drawn = []
    for plan in plans:
        values = getattr(plan.steps[step], what).values(plan.luck, plan.families)
        here = plan.first_step == step
        drawn.append(values[here] if here.any() else values)
    return _table(drawn, 0.0)


def _table(rows: Sequence[FloatArray], filling: float) -> FloatArray:
    """Put arrays of unequal length one below the other."""
    table = np.full((len(rows), max(len(row) for row in rows)), filling)
    for place, row in zip(table, rows, strict=True):
        place[: len(row)] = row
    return table


def _stays(
    plans: Sequence[Plan], found: dict[str, tuple[FloatArray, FloatArray, FloatArray]]
) -> list[dict[str, Stays]]:
    stays: list[dict[str, Stays]] = [{} for _ in plans]
    for name, tables in found.items():
        counts = (tables[0] < math.inf).sum(axis=1)
        for here, count, *rows in zip(stays, counts, *tables, strict=True):
            here[name] = Stays(*(row[:count] for row in rows))
    return stays
