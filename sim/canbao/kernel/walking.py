"""Steps: what a family does at each, and where it goes on. `canbao.engines.simpy_engine` says the same in Python.

Every step gives the step behind it, or `STAYS` where time passes first, or `AGAIN` where others have to do something
before the family goes on from its place: it has let go of a server that they wait for, or was turned away.
"""

from __future__ import annotations

import math
from typing import Any

from canbao.kernel.choosing import choose
from canbao.kernel.compiling import compiled, inlined
from canbao.kernel.desks import INSIDE, NOBODY, SERVED, come, record, release
from canbao.kernel.drawing import amount, chance
from canbao.kernel.opening import add_days, add_open_s, is_open, moment_in
from canbao.kernel.timeline import ARRIVAL, AT_ONCE, SCHEDULE, STAMP, push

__all__ = [
    "AGAIN",
    "APPOINTMENT",
    "AWAIT",
    "BEFORE",
    "CHECK",
    "CHOOSE",
    "DELAY",
    "END",
    "FULL_COUNTER",
    "GATHER",
    "GO",
    "MARK",
    "MARKED",
    "NO_CHANNEL",
    "OPEN_TIME",
    "RETURN",
    "STAYS",
    "TIME",
    "VISIT",
    "WORKING_DAYS",
    "leave_network",
    "release_batch",
    "take_step",
]

(VISIT, DELAY, AWAIT, CHECK, BEFORE, CHOOSE, GATHER, APPOINTMENT, MARK, MARKED, GO, RETURN, END) = range(13)
TIME, OPEN_TIME, WORKING_DAYS = range(3)

STAYS, AGAIN = -1, -2

NO_CHANNEL = 2
"""The fault of a return by a family that has used no channel."""

FULL_COUNTER = 4
"""Says that a counter holds the greatest number that it can hold, so that all have to be made wider."""

_FULL = 255


@inlined
def take_step(w: Any, number: int, place: int) -> int:  # noqa: PLR0911 - one for each kind of step
    """Let the family of a slot do a step."""
    kind = w.steps[place].kind
    if kind == VISIT:
        return _visit(w, number, place)
    if kind == CHECK:
        return _check(w, number, place)
    if kind == DELAY:
        return _delay(w, number, place)
    if kind == AWAIT:
        return _await(w, number, place)
    if kind == GO:
        return w.steps[place].exits[0]
    if kind == MARK:
        return _mark(w, number, place)
    if kind == MARKED:
        return _marked(w, number, place)
    if kind == CHOOSE:
        return choose(w, number, place, _attempt(w, number, place))
    if kind == BEFORE:
        return _before(w, number, place)
    if kind == RETURN:
        return _return(w, number, place)
    if kind == GATHER:
        return _gather(w, number, place)
    if kind == APPOINTMENT:
        return _appointment(w, number, place)
    return _end(w, number, place)


@compiled
def _attempt(w: Any, number: int, place: int) -> int:
    """Count how often the family did this step before now; 0 where nothing depends on it."""
    counter = w.steps[place].counter
    if counter < 0:
        return 0
    count = int(w.counts[number, counter])
    w.counts[number, counter] = count + 1
    if w.counts.itemsize == 1 and count + 1 == _FULL and not w.run[0].fault:
        w.run[0].fault = FULL_COUNTER
    return count


@compiled
def _let_go(w: Any, number: int) -> bool:
    """Free the server that the family still occupies; tell whether somebody waits for it."""
    held = w.slots[number].held
    if held >= 0:
        release(w, held)
    return w.run[0].frames > 0


# --- steps that take time ---------------------------------------------------------------------------------------------


@inlined
def _visit(w: Any, slot: int, place: int) -> int:
    step, family = w.steps[place], w.slots[slot]
    attempt = _attempt(w, slot, place)
    number = 2 * slot + (1 if family.held == 2 * slot else 0)
    ticket = w.tickets[number]
    ticket.family, ticket.station, ticket.step, ticket.attempt = family.family, step.at, place, attempt
    ticket.service = amount(w, step.draws[0], slot, attempt)
    ticket.enter, ticket.start = w.run[0].now, math.nan
    ticket.stamp += 1
    family.ticket = number
    ended = come(w, number)
    if ended == INSIDE:
        return STAYS
    if family.held >= 0:  # whoever is turned away does not keep the server that it comes from
        release(w, family.held)
    record(w, number, ticket.enter, ended)
    family.place = step.exits[ended]
    return AGAIN


@compiled
def _delay(w: Any, slot: int, place: int) -> int:
    if _let_go(w, slot):
        return AGAIN
    run, step, family = w.run[0], w.steps[place], w.slots[slot]
    now = run.now
    length = amount(w, step.draws[0], slot, _attempt(w, slot, place))
    family.trips += step.flag
    if step.unit == TIME:
        end = now + length
    elif step.unit == OPEN_TIME:
        end = add_open_s(w, w.calendars[step.at], now, length)
    else:
        end = add_days(w, w.calendars[step.at], now, length)
    if step.other:
        family.effort_s += min(end, run.until) - now
    return _sleep(w, slot, place, end)


@compiled
def _sleep(w: Any, slot: int, place: int, end: float) -> int:
    """Let a family go on behind this step at a time."""
    family = w.slots[slot]
    family.place = w.steps[place].exits[0]
    push(w, end, ARRIVAL + family.family, slot)
    return STAYS


@compiled
def _await(w: Any, slot: int, place: int) -> int:
    run, step = w.run[0], w.steps[place]
    hours = w.calendars[step.at]
    if step.other == 0 and is_open(w, hours, run.now):
        _attempt(w, slot, place)
        return step.exits[0]
    if _let_go(w, slot):
        return AGAIN
    share = amount(w, step.draws[0], slot, _attempt(w, slot, place))
    return _sleep(w, slot, place, moment_in(w, hours, step.other, run.now, share))


@compiled
def _gather(w: Any, slot: int, place: int) -> int:
    if _let_go(w, slot):
        return AGAIN
    run, step = w.run[0], w.steps[place]
    batch, ticket = w.batches[step.at], w.tickets[2 * slot]
    ticket.family = w.slots[slot].family
    ticket.step, ticket.attempt, ticket.enter, ticket.start = place, _attempt(w, slot, place), run.now, math.nan
    ticket.present = 1
    w.slots[slot].ticket = 2 * slot
    w.slots[slot].next = NOBODY
    if batch.members:
        w.slots[batch.tail].next = slot
    else:
        batch.head = slot
    batch.tail = slot
    batch.members += 1
    run.members += 1
    if batch.members >= batch.full:
        release_batch(w, step.at)
    elif batch.members == 1 and batch.max_wait < math.inf:
        order = SCHEDULE + len(w.stations) + int(step.at)
        push(w, run.now + batch.max_wait, order, batch.rounds * STAMP + step.at)
    return STAYS


@compiled
def release_batch(w: Any, number: int) -> None:
    """Let all who have gathered go on."""
    run, batch = w.run[0], w.batches[number]
    batch.rounds += 1
    slot = batch.head if batch.members else NOBODY
    while slot >= 0:
        family = w.slots[slot]
        ticket = w.tickets[family.ticket]
        ticket.start = run.now
        ticket.present = 0
        record(w, family.ticket, run.now, SERVED)
        family.place = w.steps[ticket.step].exits[0]
        push(w, run.now, AT_ONCE + family.family, slot)
        slot = family.next
    run.members -= batch.members
    batch.members = 0


@compiled
def _appointment(w: Any, slot: int, place: int) -> int:
    run, step = w.run[0], w.steps[place]
    book = w.books[step.at]
    attempt = w.counts[slot, step.counter] if step.counter >= 0 else 0
    time = _free_place(w, book, run.now + amount(w, step.draws[0], slot, int(attempt)))
    if time >= 0 and _let_go(w, slot):
        return AGAIN
    _attempt(w, slot, place)
    if time < 0:
        return step.exits[1]
    w.places_left[time] -= 1
    return _sleep(w, slot, place, w.book_times[time])


@compiled
def _free_place(w: Any, book: Any, earliest: float) -> int:
    """Give the first place from `earliest` on that is free, -1 if there is none."""
    while book.free < book.last and not w.places_left[book.free]:
        book.free += 1
    low, high = book.first, book.last
    while low < high:
        middle = (low + high) >> 1
        if w.book_times[middle] < earliest:
            low = middle + 1
        else:
            high = middle
    for number in range(max(book.free, low), book.last):
        if w.places_left[number]:
            return number
    return -1


# --- steps that decide ------------------------------------------------------------------------------------------------


@compiled
def _check(w: Any, slot: int, place: int) -> int:
    step = w.steps[place]
    attempt = _attempt(w, slot, place)
    if chance(w, step.draws[1], slot, attempt) < amount(w, step.draws[0], slot, attempt):
        return step.exits[0]
    if step.fails < 0:
        return step.exits[1]
    w.counts[slot, step.fails] += 1
    return step.exits[1] if w.counts[slot, step.fails] <= step.number else step.exits[2]


@compiled
def _before(w: Any, slot: int, place: int) -> int:
    step = w.steps[place]
    return step.exits[0] if w.run[0].now <= amount(w, step.draws[0], slot, 0) else step.exits[1]


@compiled
def _mark(w: Any, slot: int, place: int) -> int:
    step = w.steps[place]
    if step.other:
        w.marks[slot, step.at] = math.nan
    elif not step.flag or math.isnan(w.marks[slot, step.at]):
        w.marks[slot, step.at] = w.run[0].now
    return step.exits[0]


@compiled
def _marked(w: Any, slot: int, place: int) -> int:
    step = w.steps[place]
    return step.exits[1] if math.isnan(w.marks[slot, step.at]) else step.exits[0]


@compiled
def _return(w: Any, slot: int, place: int) -> int:
    channel = w.slots[slot].channel
    if channel < 0:
        w.run[0].fault, w.run[0].fault_at = NO_CHANNEL, place
        return place
    return w.entries[w.steps[place].first + channel]


@compiled
def _end(w: Any, slot: int, place: int) -> int:
    if _let_go(w, slot):
        return AGAIN
    leave_network(w, slot, w.run[0].now, w.steps[place].at)
    return STAYS


@compiled
def leave_network(w: Any, slot: int, finished: float, outcome: int) -> None:
    """Write down the fate of a family, and free its slot."""
    run, family = w.run[0], w.slots[slot]
    row = w.left[run.left]
    row.family = family.family
    row.arrival = family.arrival
    row.effort_s = family.effort_s
    row.finished = finished
    row.trips = family.trips
    row.rows = run.rows
    row.slot = slot
    row.outcome = outcome
    row.first_channel = family.first_channel
    row.last_channel = family.channel
    for mark in range(w.marks.shape[1]):
        w.left_marks[run.left, mark] = w.marks[slot, mark]
    run.left += 1
    run.inside -= 1
    family.inside = 0
    family.next = run.free_slot - slot - 1
    run.free_slot = slot
