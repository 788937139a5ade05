"""Laws that hold on every run of every network; a run that breaks one is a fault of the program, not an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canbao.luck import FloatArray
from canbao.plan import Draw, Plan, StationPlan, VisitStep
from canbao.trace import INSIDE, Trace

__all__ = ["Law", "check_laws"]

BoolArray = NDArray[np.bool_]

_CLOSE = 1e-9
"""Sums of a million stays, added up in two orders, agree to this share."""


@dataclass(frozen=True)
class Law:
    """A law, whether it holds, and what was looked at or where it first breaks."""

    name: str
    holds: bool
    detail: str


@dataclass(frozen=True)
class _Stays:
    """The visits to one station that were let in; times of shape (visits,)."""

    place: StationPlan
    index: int
    family: NDArray[np.int64]
    step: NDArray[np.int64]
    attempt: NDArray[np.int64]
    enter: FloatArray
    start: FloatArray
    leave: FloatArray
    """When it left, or the end of the horizon."""
    waits_still: BoolArray
    served: BoolArray


def check_laws(trace: Trace, plan: Plan) -> tuple[Law, ...]:
    """Check all laws.

    Parameters
    ----------
    trace
        What happened.
    plan
        What the engine was given: arrivals, hours, staff, disciplines.
    """
    stays = [_stays(trace, plan, index) for index in range(len(plan.stations))]
    return (
        _families_are_conserved(trace, plan),
        _times_are_in_order(trace),
        _one_place_at_a_time(trace),
        _attempts_count_up(trace),
        _for_each("Little's law, L = λW", stays, lambda stay: _little(stay, trace.until)),
        _for_each("server process and visits agree", stays, lambda stay: _servers_agree(stay, trace)),
        _for_each("busy time is at most staffed time", stays, lambda stay: _busy_is_staffed(stay, trace)),
        _for_each("nobody enters at closed doors", stays, _doors),
        _for_each("a server serves one family at a time, in working hours", stays, _one_at_a_time),
        _for_each("first come, first served within a class", stays, lambda stay: _fifo(stay, plan)),
    )


def _for_each(name: str, stays: list[_Stays], fault: Callable[[_Stays], str]) -> Law:
    """Check a law at each station; `fault` gives what is wrong there, or an empty string."""
    for stay in stays:
        wrong = fault(stay)
        if wrong:
            return Law(name, False, f"{stay.place.name}: {wrong}")
    visits = sum(len(stay.enter) for stay in stays)
    return Law(name, True, f"{len(stays)} stations, {visits:,} visits")


def _stays(trace: Trace, plan: Plan, index: int) -> _Stays:
    visits: Any = trace.visits
    ended = visits["ended"]
    mine = (visits["station"].codes == index) & ~ended.has("closed", "full", "baulked")
    enter, start, leave = (np.asarray(visits[name])[mine] for name in ("enter", "start", "leave"))
    return _Stays(
        place=plan.stations[index],
        index=index,
        family=np.asarray(visits["family"])[mine],
        step=np.asarray(visits["step"].codes)[mine].astype(np.int64),
        attempt=np.asarray(visits["attempt"])[mine],
        enter=enter,
        start=start,
        leave=np.where(np.isnan(leave), trace.until, leave),
        waits_still=np.isnan(start) & np.isnan(leave),
        served=~np.isnan(start),
    )


# --- families ---------------------------------------------------------------------------------------------------------


def _families_are_conserved(trace: Trace, plan: Plan) -> Law:
    """Check that every family that was to arrive is there once, and has finished or is inside."""
    name = "arrived = finished + inside"
    families: Any = trace.families
    came = np.flatnonzero(plan.arrival < plan.until)
    inside, unfinished = families["outcome"].has(INSIDE), np.isnan(np.asarray(families["finished"]))
    if not np.array_equal(np.asarray(families["family"]), came):
        return Law(name, False, f"{len(came)} families were to arrive, the trace has {len(families['family'])}")
    if not np.array_equal(inside, unfinished):
        family = int(came[np.flatnonzero(inside != unfinished)[0]])
        return Law(name, False, f"family {family} has an outcome but no end, or an end but no outcome")
    finished = int((~inside).sum())
    return Law(name, True, f"{len(came):,} = {finished:,} + {int(inside.sum()):,}")


def _times_are_in_order(trace: Trace) -> Law:
    """Check that a visit is entered, then begun, then left."""
    enter, start, leave = (np.asarray(trace.visits[name]) for name in ("enter", "start", "leave"))
    # A comparison with nan is False, so that what has not happened breaks nothing.
    wrong = np.flatnonzero((start < enter) | (leave < start) | (leave < enter) | np.isnan(enter))
    return _law_of_rows("enter, start and leave are in order", trace, wrong)


def _one_place_at_a_time(trace: Trace) -> Law:
    """Check that a family leaves one station before it enters the next."""
    family, enter, leave = (np.asarray(trace.visits[name]) for name in ("family", "enter", "leave"))
    same = family[1:] == family[:-1]
    wrong = np.flatnonzero(same & ~(enter[1:] >= leave[:-1])) + 1
    return _law_of_rows("a family is at one place at a time", trace, wrong)


def _attempts_count_up(trace: Trace) -> Law:
    """Check that a family's visits by one step are numbered 0, 1, 2 and so on."""
    family, attempt = np.asarray(trace.visits["family"]), np.asarray(trace.visits["attempt"])
    step: Any = trace.visits["step"]
    order = np.lexsort((attempt, step.codes, family))
    new = np.append(True, (np.diff(family[order]) != 0) | (np.diff(step.codes[order]) != 0))[: len(order)]
    begins = np.flatnonzero(new)
    expected = np.arange(len(order)) - np.repeat(begins, np.diff(np.append(begins, len(order))))
    return _law_of_rows("attempts count up", trace, order[attempt[order] != expected])


def _law_of_rows(name: str, trace: Trace, wrong: NDArray[Any]) -> Law:
    if not len(wrong):
        return Law(name, True, f"{len(trace.visits['family']):,} visits")
    row = int(wrong[0])
    station: Any = trace.visits["station"]
    family = int(np.asarray(trace.visits["family"])[row])
    return Law(name, False, f"family {family} at {station.labels[station.codes[row]]}, row {row} of visits")


# --- stations ---------------------------------------------------------------------------------------------------------


def _little(stay: _Stays, until: float) -> str:
    """Check that the integral of the number inside equals the sum of the times spent inside."""
    moments = np.concatenate([stay.enter, stay.leave])
    change = np.repeat([1.0, -1.0], len(stay.enter))
    order = np.argsort(moments, kind="stable")
    number = np.cumsum(change[order])
    area = float((number * np.diff(np.append(moments[order], until))).sum())
    total = float((stay.leave - stay.enter).sum())
    return "" if _alike(area, total) else f"the number inside adds up to {area}, the stays to {total}"


def _alike(one: float, other: float) -> bool:
    return abs(one - other) <= _CLOSE * max(abs(one), abs(other), 1.0)


def _of_station(trace: Trace, name: str, index: int) -> float:
    return float(np.asarray(trace.stations[name])[index])


def _servers_agree(stay: _Stays, trace: Trace) -> str:
    from_visits = float((stay.leave - stay.start)[stay.served].sum())
    busy, starts = (_of_station(trace, name, stay.index) for name in ("busy_s", "starts"))
    if starts != stay.served.sum():
        return f"the servers began {starts:.0f} services, visits say {int(stay.served.sum())}"
    return "" if _alike(busy, from_visits) else f"the servers were busy for {busy}, visits say {from_visits}"


def _busy_is_staffed(stay: _Stays, trace: Trace) -> str:
    busy, staffed = (_of_station(trace, name, stay.index) for name in ("busy_s", "staffed_s"))
    return "" if busy <= staffed * (1 + _CLOSE) + _CLOSE else f"busy for {busy}, staffed for {staffed}"


def _around(place: StationPlan, moments: FloatArray, values: list[float]) -> tuple[FloatArray, FloatArray]:
    """Give a schedule's value just before and just after each moment: at a change, either may have applied."""
    times = np.array([change.time for change in place.changes])
    after = np.searchsorted(times, moments, side="right") - 1
    before = np.maximum(np.searchsorted(times, moments, side="left") - 1, 0)
    array = np.array(values, dtype=np.float64)
    return array[before], array[after]


def _doors(stay: _Stays) -> str:
    before, after = _around(stay.place, stay.enter, [float(change.open) for change in stay.place.changes])
    wrong = np.flatnonzero(np.maximum(before, after) == 0)
    return f"family {stay.family[wrong[0]]} entered at {stay.enter[wrong[0]]}" if len(wrong) else ""


def _one_at_a_time(stay: _Stays) -> str:
    """Check that when a service begins no more are being served than servers are on duty.

    Servers whose shift is over finish the family in hand, so that more may be served than are on duty, but none begun.
    After closing, those of the last open moment may stay for the families inside.
    """
    start, leave = np.sort(stay.start[stay.served]), np.sort(stay.leave[stay.served])
    serving = np.arange(1, len(start) + 1) - np.searchsorted(leave, start, side="right")
    before, after = _around(stay.place, start, [change.servers for change in stay.place.changes])
    allowed = np.maximum(before, after)
    if stay.place.closing == "serve":
        allowed = np.maximum(allowed, _staying(stay.place, start))
    wrong = np.flatnonzero(serving > allowed)
    if not len(wrong):
        return ""
    return f"{serving[wrong[0]]} served at {start[wrong[0]]} by {allowed[wrong[0]]:g} on duty"


def _staying(place: StationPlan, moments: FloatArray) -> FloatArray:
    """Give how many servers may have stayed since the last closing of the doors; 0 while they are open."""
    staying, stayed, was = [], 0.0, place.changes[0]
    for change in place.changes:
        if was.open and not change.open:
            stayed = was.servers
        staying.append(0.0 if change.open else stayed)
        was = change
    before, after = _around(place, moments, staying)
    return np.maximum(before, after)


def _fifo(stay: _Stays, plan: Plan) -> str:
    """Check that of two families of one class that did not give up the first to come is the first to be served."""
    if stay.place.discipline not in ("fifo", "priority"):
        return ""
    stayed = stay.served | stay.waits_still
    classes = _classes(stay, plan)[stayed] if stay.place.discipline == "priority" else np.zeros(int(stayed.sum()))
    enter, start = stay.enter[stayed], np.where(stay.served, stay.start, np.inf)[stayed]
    # Those who enter at one moment may be served in any order among themselves: sorted by start, they break nothing.
    order = np.lexsort((start, enter, classes))
    same = np.diff(classes[order]) == 0
    earlier, later = start[order][:-1], start[order][1:]
    wrong = np.flatnonzero(same & (later < earlier))
    if not len(wrong):
        return ""
    family = stay.family[stayed][order][wrong[0] + 1]
    return f"family {family} was served at {later[wrong[0]]}, before one that had come earlier"


def _classes(stay: _Stays, plan: Plan) -> FloatArray:
    """Give the priority of each visit."""
    classes = np.zeros(len(stay.family))
    for index, step in enumerate(plan.steps):
        if isinstance(step, VisitStep) and step.station == stay.index:
            for attempt in np.unique(stay.attempt[stay.step == index]):
                mine = (stay.step == index) & (stay.attempt == attempt)
                classes[mine] = _values(step.priority, plan, int(attempt))[stay.family[mine]]
    return classes


def _values(draw: Draw, plan: Plan, attempt: int) -> FloatArray:
    return draw.values(plan.luck, plan.families, attempt=attempt)
