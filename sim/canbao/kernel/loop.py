"""The main loop: what happens next, one small thing at a time.

Between any two of these the kernel can return to Python, because all that it knows is in the arrays: when a buffer is
full, when more families have to come, when values have to be drawn that only Python can draw, or to let somebody press
Ctrl-C. `Status` is what it says then.
"""

from __future__ import annotations

import math
from typing import Any

from canbao.kernel.compiling import compiled, entry, inlined
from canbao.kernel.desks import (
    ABANDONED,
    INSIDE,
    account,
    change,
    enter,
    finish_change,
    give_up,
    plan_change,
    record,
    release,
    serve_or_admit,
)
from canbao.kernel.drawing import missing
from canbao.kernel.state import World
from canbao.kernel.timeline import (
    ARRIVAL,
    DEPARTURE,
    PATIENCE,
    SCHEDULE,
    STAMP,
    STAMP_BITS,
    come_nearer,
    fetch_columns,
    push,
    take_first,
)
from canbao.kernel.walking import AGAIN, FULL_COUNTER, leave_network, release_batch, take_step

__all__ = [
    "CIRCLE",
    "DONE",
    "FAULT",
    "FLUSH",
    "GROW",
    "MORE",
    "NEED",
    "PAUSED",
    "THINGS",
    "WIDEN",
    "advance",
    "begin",
    "close",
    "plan_release",
]

DONE, PAUSED, FLUSH, GROW, MORE, NEED, WIDEN, FAULT = range(8)
"""Why the kernel returns: the horizon has ended; it is Python's turn; rows have to be taken; arrays are too small;
families have to be given; values have to be drawn; counters are too narrow; something is wrong."""

CIRCLE = 3
"""The fault of a family that goes round in a circle in which no time passes."""

_MANY = 10_000
"""A family that goes back so often in no time at all goes round in a circle that never ends."""

THINGS = 16
"""So many things happen before the kernel looks again whether its buffers have room."""

_ROOM = 4 * THINGS
"""They do not write more rows or events than this, but for those who leave a batch together."""


@entry(World)
def begin(w: Any) -> None:
    """Plan the first change of every station."""
    for station in range(len(w.stations)):
        plan_change(w, station)


@entry(World, int, float)
def plan_release(w: Any, batch: int, time: float) -> None:
    """Let a batch go at a time, whoever is there."""
    push(w, time, SCHEDULE + len(w.stations) + batch, batch)


@entry(World, result=int)
def advance(w: Any) -> int:
    """Go on until something has to be done in Python; say what.

    What is to be done first comes first: somebody enters a station, stations take those who wait, the family that walks
    goes on, a station finishes its change; then the next event happens. They stand in the order in which one leads to
    the other, so that an ordinary event is done in one round.
    """
    run = w.run[0]
    things = 0
    while True:
        if not things:
            lack = _lack(w, run)
            if lack:
                return lack
            things = THINGS
        things -= 1
        if run.entering < 0 and not run.frames:
            if run.walker < 0:
                if run.closing >= 0:
                    finish_change(w)
                else:
                    status = _next_event(w, run)
                    if status >= 0:
                        return status
            if run.walker >= 0:
                status = _walk(w, run)
                if status:
                    return status
        if run.entering >= 0:
            _let_in(w, run)
        while run.frames and run.entering < 0 and things:
            serve_or_admit(w)
            things -= 1


@compiled
def _lack(w: Any, run: Any) -> int:
    """Tell whether a buffer has no room for what may happen next."""
    room = _ROOM + run.members
    if run.rows + room > len(w.rows) or run.left + THINGS > len(w.left):
        return FLUSH
    if run.near + run.far + room > len(w.distant) or run.frames + _ROOM > len(w.frames):
        return GROW
    return 0


@inlined
def _let_in(w: Any, run: Any) -> None:
    number = run.entering
    run.entering = -1
    enter(w, number)
    held = w.slots[number >> 1].held
    if held >= 0:
        release(w, held)


@inlined
def _walk(w: Any, run: Any) -> int:
    """Let the family that walks do its steps until time passes or something else has to be done first."""
    number = run.walker
    slot = w.slots[number]
    place, back = slot.place, True
    while True:
        if back:
            _count_return(run, slot, number)
            if run.fault:
                return _fault(run)
        step = w.steps[place]
        if step.tables and missing(w, step, number):
            return NEED
        if step.channel >= 0:
            _enter_channel(slot, step.channel)
        to = take_step(w, number, place)
        if to < 0:
            if to != AGAIN:
                run.walker = -1
            return 0
        back = to <= place
        slot.place = to
        place = slot.place  # as narrow as it was: every step would be compiled once more for a wider number


@compiled
def _fault(run: Any) -> int:
    """Tell what is wrong, or that a counter is full, which Python can help."""
    if run.fault != FULL_COUNTER:
        return FAULT
    run.fault = 0
    return WIDEN


@compiled
def _enter_channel(slot: Any, channel: int) -> None:
    slot.channel = channel
    if slot.first_channel < 0:
        slot.first_channel = channel


@compiled
def _count_return(run: Any, slot: Any, number: int) -> None:
    """See now and then that time passes, where the family sets off and where it goes back: every circle does so."""
    slot.steps += 1
    if slot.steps == _MANY:
        slot.steps = 0
        if slot.moment == run.now:
            run.fault, run.fault_at = CIRCLE, number
        slot.moment = run.now


@inlined
def _next_event(w: Any, run: Any) -> int:
    """Let the next event happen; -1 if it did, else what has to be done first."""
    if run.fault:
        return _fault(run)
    arrives = run.coming < run.expected
    if not arrives and run.more:
        return MORE
    if run.budget <= 0:
        return PAUSED
    time = w.coming[run.coming].time if arrives else math.inf
    if not run.front:
        if not run.near:
            come_nearer(w, int(time * run.per_s) if arrives else run.buckets)
        if run.near:
            take_first(w)
    if run.front and _comes_before(w, run, time, arrives):
        run.front = 0
        run.now = run.front_time
        _happen(w, run, run.front_order, run.front_what)
    elif not arrives:
        return DONE
    elif run.free_slot == len(w.slots):
        return GROW
    else:
        _arrive(w, run)
    run.budget -= 1
    run.events += 1
    return -1


@compiled
def _comes_before(w: Any, run: Any, time: float, arrives: bool) -> bool:
    """Tell whether the event at the front is earlier than the next family that comes from outside."""
    if run.front_time != time or not arrives:
        return run.front_time < time
    return run.front_order < ARRIVAL + w.coming[run.coming].family


@inlined
def _happen(w: Any, run: Any, order: int, what: int) -> None:
    """Let an event happen."""
    if order < SCHEDULE:
        run.walker = what
        if order >= DEPARTURE:
            slot = w.slots[what]
            slot.held = slot.ticket
            slot.place = w.steps[w.tickets[slot.ticket].step].exits[0]
    elif order >= ARRIVAL:
        run.walker = what
    elif order >= PATIENCE:
        number = what & (STAMP - 1)
        if w.tickets[number].waits and w.tickets[number].stamp == what >> STAMP_BITS:
            give_up(w, number, ABANDONED)
    else:
        _by_schedule(w, order - SCHEDULE, what)


@compiled
def _by_schedule(w: Any, number: int, what: int) -> None:
    """Change a station, or release a batch: whoever is there, or one round only."""
    if number < len(w.stations):
        change(w, number)
    else:
        batch, wanted = what & (STAMP - 1), what >> STAMP_BITS
        if wanted in (0, w.batches[batch].rounds):
            release_batch(w, batch)


@inlined
def _arrive(w: Any, run: Any) -> None:
    """Let the next family come from outside."""
    who = w.coming[run.coming]
    number = run.free_slot
    slot = w.slots[number]
    run.free_slot = number + 1 + slot.next
    run.now = who.time
    slot.family = who.family
    slot.arrival = who.time
    slot.place = who.step
    slot.channel = slot.first_channel = slot.held = slot.ticket = slot.next = -1
    slot.trips = slot.steps = 0
    slot.effort_s = 0.0
    slot.moment = -1.0
    slot.inside = 1
    for counter in range(w.counts.shape[1]):
        w.counts[number, counter] = 0
    for mark in range(w.marks.shape[1]):
        w.marks[number, mark] = math.nan
    run.coming += 1
    if run.coming < run.expected:
        fetch_columns(w, w.coming[run.coming].family)
    run.inside += 1
    run.walker = number


@entry(World, int, result=int)
def close(w: Any, slot: int) -> int:
    """Close the books at the end of the horizon, from a slot on; give the slot at which a buffer was full."""
    run = w.run[0]
    for station in range(len(w.stations)):
        account(w.stations[station], run.until)
    while run.inside:
        if run.rows + 2 > len(w.rows) or run.left == len(w.left):
            return slot
        if w.slots[slot].inside:
            _write_inside(w, slot)
        slot += 1
    return len(w.slots)


@compiled
def _write_inside(w: Any, slot: int) -> None:
    for number in (2 * slot, 2 * slot + 1):
        if w.tickets[number].present:
            record(w, number, math.nan, INSIDE)
            w.tickets[number].present = 0
    leave_network(w, slot, math.nan, -1)
