"""Laws that hold on every run of every network; a run that breaks one is a fault of the program, not an answer.

Each is checked for all visits at once, a million of them in a second or two. Simultaneous events are settled by the
engines' written order, which a trace does not show; so where several things happen at one moment, a law allows every
order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from canbao.arrays import AnyArray, BoolArray, FloatArray, IntArray
from canbao.plan import Draw, Plan, StationPlan, VisitStep
from canbao.trace import INSIDE, Trace

__all__ = ["Law", "check_laws"]


_CLOSE = 1e-9
"""Sums of a million stays, added up in two orders, agree to this share."""


@dataclass(frozen=True)
class Law:
    """A law, whether it holds, and what was looked at or where it first breaks."""

    name: str
    holds: bool
    detail: str


@dataclass(frozen=True)
class _Visits:
    """Some visits, as arrays of shape (visits,); what has not happened is nan."""

    family: IntArray
    attempt: IntArray
    station: IntArray
    step: IntArray
    enter: FloatArray
    start: FloatArray
    leave: FloatArray
    ended: AnyArray
    """Words."""

    @classmethod
    def of(cls, trace: Trace) -> _Visits:
        table: Any = trace.visits
        return cls(
            family=np.asarray(table["family"]),
            attempt=np.asarray(table["attempt"]),
            station=table["station"].codes.astype(np.int64),
            step=table["step"].codes.astype(np.int64),
            enter=np.asarray(table["enter"]),
            start=np.asarray(table["start"]),
            leave=np.asarray(table["leave"]),
            ended=np.asarray(table["ended"].labels)[table["ended"].codes],
        )

    def where(self, mask: BoolArray) -> _Visits:
        return _Visits(*(getattr(self, name)[mask] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class _Station:
    """A station and the visits that were let in, `left` being when each left or else the end of the horizon."""

    index: int
    plan: StationPlan
    visits: _Visits
    served: BoolArray
    left: FloatArray
    waited_until: FloatArray
    turned_away: _Visits
    until: float


def check_laws(trace: Trace, plan: Plan) -> tuple[Law, ...]:
    """Check all laws.

    Parameters
    ----------
    trace
        What happened.
    plan
        What the engine was given: arrivals, luck, hours, staff, disciplines.

    Returns
    -------
    tuple of Law
        Always the same laws in the same order.
    """
    visits = _Visits.of(trace)
    stations = [_station(visits, plan, index, trace.until) for index in range(len(plan.stations))]

    def everywhere(name: str, fault: Callable[[_Station], str]) -> Law:
        faults = (f"{here.plan.name}: {wrong}" for here in stations if (wrong := fault(here)))
        first = next(faults, "")
        return Law(name, not first, first or f"{len(stations)} stations, {len(visits.family):,} visits")

    return (
        _conservation(trace, plan, visits),
        _of_rows("enter, start and leave are in order", visits, _out_of_order(visits, trace.until)),
        _of_rows("a family is at one place at a time", visits, _in_two_places(visits, trace)),
        _of_rows("attempts count up", visits, _miscounted(visits)),
        everywhere("Little's law, L = λW", _little),
        everywhere("servers and visits tell the same utilisation", lambda here: _utilisation(here, trace)),
        everywhere(
            "staffed time is that of the schedule, and never less than busy time", lambda here: _staffed(here, trace)
        ),
        everywhere("a room never holds more than it can", _room),
        everywhere("nobody is let in at closed doors, nobody is sent home at open ones", _doors),
        everywhere("who turns round has a reason, who joins has none", lambda here: _reasons(here, plan)),
        everywhere("a server serves one family at a time, in its hours", _one_at_a_time),
        everywhere("nobody waits while a server is free", _no_idling),
        everywhere("who is served next is as the discipline says", lambda here: _discipline(here, plan)),
        everywhere("services and patience last as long as luck says", lambda here: _durations(here, plan)),
    )


def _station(visits: _Visits, plan: Plan, index: int, until: float) -> _Station:
    mine = visits.where(visits.station == index)
    away = np.isin(mine.ended, ("closed", "full", "baulked"))
    here = mine.where(~away)
    left = np.where(np.isnan(here.leave), until, here.leave)
    served = ~np.isnan(here.start)
    return _Station(
        index, plan.stations[index], here, served, left, np.where(served, here.start, left), mine.where(away), until
    )


# --- families and rows ------------------------------------------------------------------------------------------------


def _conservation(trace: Trace, plan: Plan, visits: _Visits) -> Law:
    """Check that whoever was to arrive is there once, and has left the network or is inside."""
    table: Any = trace.families
    came = np.flatnonzero(plan.arrival < plan.until)
    name, inside = "arrived = finished + gone + still inside", table["outcome"].has(INSIDE)
    arrival, finished = np.asarray(table["arrival"]), np.asarray(table["finished"])
    if not np.array_equal(np.asarray(table["family"]), came) or not np.array_equal(arrival, plan.arrival[came]):
        return Law(name, False, f"{len(came):,} families were to arrive, not those {len(arrival):,} of the trace")
    # A comparison with nan is False.
    lost = (inside != np.isnan(finished)) | (finished < arrival) | (finished >= trace.until)
    still_there = np.isin(came, visits.family[np.isnan(visits.leave)])
    wrong = np.flatnonzero(lost | (still_there & ~inside))
    if len(wrong):
        return Law(name, False, f"family {came[wrong[0]]} has an outcome but no end, or an end but no outcome")
    return Law(name, True, f"{len(came):,} = {int((~inside).sum()):,} left + {int(inside.sum()):,} inside")


def _of_rows(name: str, visits: _Visits, wrong: BoolArray) -> Law:
    if not wrong.any():
        return Law(name, True, f"{len(wrong):,} visits")
    row = int(np.flatnonzero(wrong)[0])
    return Law(name, False, f"family {visits.family[row]}, entered at {visits.enter[row]}, row {row} of visits")


def _out_of_order(visits: _Visits, until: float) -> BoolArray:
    """Find visits whose moments are not enter <= start <= leave < until, or are not those of how they ended."""
    enter, start, leave, ended = visits.enter, visits.start, visits.leave, visits.ended
    wrong = np.isnan(enter) | (start < enter) | (leave < enter) | (leave < start)
    wrong |= (enter >= until) | (leave >= until) | (np.isnan(leave) != (ended == "inside"))
    wrong |= (ended == "served") & np.isnan(start)
    wrong |= ~np.isin(ended, ("served", "inside")) & ~np.isnan(start)
    return np.asarray(wrong | (np.isin(ended, ("closed", "full", "baulked")) & (leave != enter)))


def _in_two_places(visits: _Visits, trace: Trace) -> BoolArray:
    """Find visits that begin before the one before them is over, before the family came or end after it left."""
    family = visits.family
    same = family[1:] == family[:-1]
    wrong = np.zeros(len(family), dtype=np.bool_)
    wrong[1:] = (family[1:] < family[:-1]) | (same & ~(visits.enter[1:] >= visits.leave[:-1]))
    known, rows = np.asarray(trace.families["family"]), np.zeros(len(family), dtype=np.int64)
    if len(known):
        rows = np.minimum(np.searchsorted(known, family), len(known) - 1)
        arrival, finished = (np.asarray(trace.families[name])[rows] for name in ("arrival", "finished"))
        wrong |= (known[rows] != family) | (visits.enter < arrival) | (visits.leave > finished)
    return wrong


def _miscounted(visits: _Visits) -> BoolArray:
    """Find visits that are not numbered 0, 1, 2 and so on, for each family and step."""
    order = np.lexsort((visits.step, visits.family))
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (np.diff(visits.family[order]) != 0) | (np.diff(visits.step[order]) != 0)
    begins = np.flatnonzero(new)
    wrong = np.zeros(len(order), dtype=np.bool_)
    wrong[order] = visits.attempt[order] != np.arange(len(order)) - begins[np.cumsum(new) - 1]
    return wrong


# --- sums -------------------------------------------------------------------------------------------------------------


def _alike(one: float, other: float) -> bool:
    return abs(one - other) <= _CLOSE * max(abs(one), abs(other), 1.0)


def _little(here: _Station) -> str:
    """Check that the integral of the number inside, from merged events, equals the sum of the stays."""
    moments = np.concatenate([here.visits.enter, here.visits.leave[~np.isnan(here.visits.leave)]])
    changes = np.where(np.arange(len(moments)) < len(here.visits.enter), 1, -1)
    order = np.lexsort((-changes, moments))
    number = np.cumsum(changes[order])
    area = float(number @ np.diff(np.append(moments[order], here.until)))
    inside = here.visits.ended == "inside"
    stays = float(np.where(inside, here.until - here.visits.enter, here.visits.leave - here.visits.enter).sum())
    if len(number) and number.min() < 0:
        return f"{number.min()} families inside"
    return "" if _alike(area, stays) else f"the number inside adds up to {area}, the stays to {stays}"


def _tally(here: _Station, trace: Trace, name: str) -> float:
    return float(np.asarray(trace.stations[name])[here.index])


def _utilisation(here: _Station, trace: Trace) -> str:
    served = float((here.left - here.visits.start)[here.served].sum())
    busy, starts = _tally(here, trace, "busy_s"), _tally(here, trace, "starts")
    if starts != here.served.sum():
        return f"the servers began {starts:.0f} services, visits say {here.served.sum()}"
    return "" if _alike(busy, served) else f"the servers were busy for {busy}, visits say {served}"


# --- rooms and doors --------------------------------------------------------------------------------------------------


def _inside_after(came: FloatArray, went: FloatArray, moments: FloatArray) -> IntArray:
    """Count who has come and not gone after all that happens at each moment; `came` and `went` are sorted."""
    return np.searchsorted(came, moments, side="right") - np.searchsorted(went, moments, side="right")


def _room(here: _Station) -> str:
    enter = np.sort(here.visits.enter)
    inside = _inside_after(enter, np.sort(here.left), enter)
    wrong = np.flatnonzero(inside > here.plan.room)
    return f"{inside[wrong[0]]} inside at {enter[wrong[0]]}, room for {here.plan.room:g}" if len(wrong) else ""


def _reasons(here: _Station, plan: Plan) -> str:
    """Check that whoever found the room full or the queue too long had reason to, and that who joined had none.

    At one moment families come and go; the reason may have been there at any instant of it.
    """
    away, enter = here.turned_away, np.sort(here.visits.enter)
    left, ready = np.sort(here.left), np.sort(here.waited_until)

    def most(gone: FloatArray, moments: FloatArray) -> IntArray:
        return np.searchsorted(enter, moments, side="right") - np.searchsorted(gone, moments, side="left")

    full = (away.ended == "full") & (most(left, away.enter) < here.plan.room)
    limit = _drawn(away, plan, lambda step: step.baulk_at)
    baulked = (away.ended == "baulked") & (most(ready, away.enter) < limit)
    wrong = np.flatnonzero(full | baulked)
    if len(wrong):
        return f"family {away.family[wrong[0]]} turned round at {away.enter[wrong[0]]}"
    moments = here.visits.enter
    fewest = np.searchsorted(enter, moments, side="left") - np.searchsorted(ready, moments, side="right")
    # Who waits at the door of a full room looks at the queue when it comes there, and enters later.
    joined = (here.waited_until > moments) & np.bool_(not here.plan.blocks)
    wrong = np.flatnonzero(joined & (fewest >= _drawn(here.visits, plan, lambda step: step.baulk_at)) & (fewest > 0))
    return f"family {here.visits.family[wrong[0]]} joined at {moments[wrong[0]]}" if len(wrong) else ""


def _around(plan: StationPlan, moments: FloatArray, values: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """Give what holds just before and just after each moment: at a change, either may have held."""
    times, array = np.array([change.time for change in plan.changes]), np.array(values, dtype=np.float64)
    after = np.searchsorted(times, moments, side="right") - 1
    before = np.maximum(np.searchsorted(times, moments, side="left") - 1, 0)
    return array[before], array[after]


def _doors(here: _Station) -> str:
    doors = [float(change.open) for change in here.plan.changes]
    closed = here.turned_away.ended == "closed"
    sent_home = here.visits.ended == "sent home"
    for moments, families, should_be_open, what in (
        (here.visits.enter, here.visits.family, True, "was let in"),
        (here.turned_away.enter[~closed], here.turned_away.family[~closed], True, "found it full"),
        (
            here.turned_away.enter[closed],
            here.turned_away.family[closed],
            False,
            "was turned away as from closed doors",
        ),
        (here.visits.leave[sent_home], here.visits.family[sent_home], False, "was sent home"),
    ):
        before, after = _around(here.plan, moments, doors)
        wrong = np.flatnonzero((before != should_be_open) & (after != should_be_open))
        if len(wrong):
            return f"family {families[wrong[0]]} {what} at {moments[wrong[0]]}"
    return ""


# --- servers ----------------------------------------------------------------------------------------------------------


def _staying(plan: StationPlan) -> list[float]:
    """Give for each change how many servers stay after hours while anybody waits: those of the last open moment."""
    staying, stay, was_open, servers = [], 0.0, plan.changes[0].open, plan.changes[0].servers
    for change in plan.changes:
        stay = 0.0 if change.open or plan.closing != "serve" else servers if was_open else stay
        staying.append(stay)
        was_open, servers = change.open, change.servers
    return staying


def _most_on_duty(plan: StationPlan) -> list[float]:
    """Give for each change how many may begin a service from then on; nobody does where all were sent home."""
    return [
        0.0 if plan.closing == "send home" and not change.open else max(change.servers, stay)
        for change, stay in zip(plan.changes, _staying(plan), strict=True)
    ]


def _one_at_a_time(here: _Station) -> str:
    """Check that whenever a service begins, no more go on than there are servers who may begin one.

    A server whose shift is over finishes the family in hand: more may go on than are on duty, but none begins.
    """
    start = np.sort(here.visits.start[here.served])
    serving = _inside_after(start, np.sort(here.left[here.served]), start)
    before, after = _around(here.plan, start, _most_on_duty(here.plan))
    # A service without length begins and ends at one moment, and is not among those that go on.
    wrong = np.flatnonzero((serving > np.maximum(before, after)) | (np.maximum(before, after) == 0))
    if not len(wrong):
        return ""
    return f"{serving[wrong[0]]} served at {start[wrong[0]]} by {max(before[wrong[0]], after[wrong[0]]):g} servers"


def _steps(here: _Station) -> tuple[FloatArray, FloatArray, IntArray, IntArray]:
    """Give the moments at which anything changes, the time to the next, and how many wait and are served until then."""
    changes = np.array([change.time for change in here.plan.changes])
    enter, ready = np.sort(here.visits.enter), np.sort(here.waited_until)
    start, end = np.sort(here.visits.start[here.served]), np.sort(here.left[here.served])
    moments = np.unique(np.concatenate([enter, ready, end, changes]))
    moments = moments[moments < here.until]
    lengths = np.diff(np.append(moments, here.until))
    return moments, lengths, _inside_after(enter, ready, moments), _inside_after(start, end, moments)


def _no_idling(here: _Station) -> str:
    """Check that between any two events all servers on duty are busy if anybody waits."""
    moments, _, waiting, serving = _steps(here)
    _, servers = _around(here.plan, moments, [change.servers for change in here.plan.changes])
    wrong = np.flatnonzero((waiting > 0) & (serving < servers))
    if not len(wrong):
        return ""
    at = wrong[0]
    return f"{waiting[at]} wait after {moments[at]}, while {serving[at]} of {servers[at]:g} servers are busy"


def _staffed(here: _Station, trace: Trace) -> str:
    """Check staffed time: servers of the schedule, or those who stay while anybody waits, or those not yet done."""
    moments, lengths, waiting, serving = _steps(here)
    _, servers = _around(here.plan, moments, [change.servers for change in here.plan.changes])
    _, staying = _around(here.plan, moments, _staying(here.plan))
    on_duty = np.maximum(np.maximum(servers, np.where(waiting > 0, staying, 0.0)), serving)
    expected, staffed, busy = float(on_duty @ lengths), _tally(here, trace, "staffed_s"), _tally(here, trace, "busy_s")
    if not (staffed == expected or _alike(staffed, expected)):
        return f"staffed for {staffed}, by the schedule and the families in hand for {expected}"
    return "" if busy <= staffed * (1 + _CLOSE) else f"busy for {busy}, staffed for {staffed}"


# --- who is next ------------------------------------------------------------------------------------------------------


def _discipline(here: _Station, plan: Plan) -> str:
    """Check that nobody is served while somebody waits who goes first: of a smaller key, or an equal one and before."""
    rank = np.unique(_keys(here, plan), return_inverse=True)[1].astype(np.int64)
    # From here on moments are whole numbers too, so that (class, moment) can be one number.
    times = np.concatenate([here.visits.enter, here.waited_until])
    enter, ready = np.split(np.unique(times, return_inverse=True)[1].astype(np.int64) + 1, 2)
    waited = ready > enter
    among = np.searchsorted(np.sort(enter[waited]), ready) > np.searchsorted(
        np.sort(ready[waited]), ready, side="right"
    )
    served = np.flatnonzero(here.served & among)
    passed = _passed_over(rank, enter, ready, np.flatnonzero(waited), served, enter)
    for bit in range(int(rank.max(initial=0)).bit_length()):
        # Two different keys differ at one highest bit: who has a 0 there goes before those who have a 1.
        second = (rank >> bit) & 1 == 1
        passed |= _passed_over(
            rank >> (bit + 1), enter, ready, np.flatnonzero(waited & ~second), served[second[served]], ready
        )
    wrong = np.flatnonzero(passed)
    if not len(wrong):
        return ""
    return f"family {here.visits.family[wrong[0]]} was served at {here.visits.start[wrong[0]]}, before its turn"


def _passed_over(  # noqa: PLR0913, PLR0917 - columns of one table
    block: IntArray, enter: IntArray, ready: IntArray, first: IntArray, second: IntArray, since: IntArray
) -> BoolArray:
    """Tell who of `second` was served while one of `first` waited, of its block and entered before its `since`."""
    base, passed = len(block) * 2 + 2, np.zeros(len(block), dtype=np.bool_)
    first = first[np.argsort(block[first] * base + enter[first])]
    second = second[np.argsort(block[second] * base + since[second])]
    latest = np.append(-1, np.maximum.accumulate(block[first] * base + ready[first]))
    place = np.searchsorted(block[first] * base + enter[first], block[second] * base + since[second])
    passed[second] = latest[place] > block[second] * base + ready[second]
    return passed


def _keys(here: _Station, plan: Plan) -> FloatArray:
    """Give the number by which each visit stands in the queue; the smallest goes first."""
    if callable(here.plan.discipline):
        drawn = (_drawn(here.visits, plan, draw_of) for draw_of in (lambda s: s.priority, lambda s: s.service))
        keys = map(here.plan.discipline, *(values.tolist() for values in drawn))
        return np.fromiter(keys, dtype=np.float64, count=len(here.visits.enter))
    if here.plan.discipline == "priority":
        return _drawn(here.visits, plan, lambda step: step.priority)
    if here.plan.discipline == "shortest":
        return _drawn(here.visits, plan, lambda step: step.service)
    if here.plan.discipline == "random":
        return _drawn(here.visits, plan, lambda _: here.plan.order)
    return -here.visits.enter if here.plan.discipline == "lifo" else np.zeros(len(here.visits.enter))


def _drawn(visits: _Visits, plan: Plan, draw_of: Callable[[VisitStep], Draw]) -> FloatArray:
    """Give what each visit drew."""
    values = np.full(len(visits.family), math.nan)
    for index in np.unique(visits.step):
        step = plan.steps[index]
        assert isinstance(step, VisitStep)
        draw = draw_of(step)
        rows = np.flatnonzero(visits.step == index)
        for attempt in np.unique(visits.attempt[rows]) if draw.distribution is not None else (0,):
            mine = rows[visits.attempt[rows] == attempt] if draw.distribution is not None else rows
            first = int(visits.family[mine].min())
            count = int(visits.family[mine].max()) - first + 1
            drawn = draw.values(plan.luck, count, first=first, attempt=int(attempt))
            values[mine] = drawn[visits.family[mine] - first]
    return values


def _durations(here: _Station, plan: Plan) -> str:
    """Check that services and patience last as drawn; a service may last longer where its way out was blocked."""
    visits = here.visits
    ready = visits.start + _drawn(visits, plan, lambda step: step.service)
    patience = visits.enter + _drawn(visits, plan, lambda step: step.patience)
    wrong = np.where(here.served, (visits.leave < ready) | (visits.start > patience), here.waited_until > patience)
    wrong |= (visits.ended == "abandoned") & (visits.leave != patience)
    blocking = any(station.blocks for station in plan.stations)
    wrong |= np.bool_(not blocking) & (visits.leave > ready)
    if not wrong.any():
        return ""
    row = int(np.flatnonzero(wrong)[0])
    return f"family {visits.family[row]}, entered at {visits.enter[row]}, was not as long there as was drawn"
