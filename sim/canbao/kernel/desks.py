"""Stations: who waits, who is served, how many serve. `canbao.engines.stations` says the same in words of Python."""

from __future__ import annotations

import math
from typing import Any

from canbao.kernel.compiling import compiled, inlined
from canbao.kernel.drawing import amount
from canbao.kernel.timeline import AT_ONCE, DEPARTURE, PATIENCE, SCHEDULE, STAMP, push

__all__ = [
    "ABANDONED",
    "BAULKED",
    "CLOSED",
    "FIFO",
    "FULL",
    "INSIDE",
    "KEEP",
    "LIFO",
    "NOBODY",
    "PRIORITY",
    "RANDOM",
    "SEND_HOME",
    "SENT_HOME",
    "SERVE",
    "SERVED",
    "SHORTEST",
    "account",
    "change",
    "come",
    "enter",
    "finish_change",
    "give_up",
    "record",
    "release",
    "renew_boards",
    "serve_or_admit",
]

SERVED, ABANDONED, BAULKED, FULL, CLOSED, SENT_HOME, INSIDE = range(7)
"""How a visit ended, in the order of `canbao.trace.ENDINGS`."""

SERVE, SEND_HOME, KEEP = range(3)
FIFO, LIFO, PRIORITY, SHORTEST, RANDOM = range(5)

NOBODY = -1


# --- what is written down ---------------------------------------------------------------------------------------------


@compiled
def record(w: Any, number: int, leave: float, ended: int) -> None:
    """Write down a visit that is over, or still going on at the end (`leave` is nan)."""
    run, ticket = w.run[0], w.tickets[number]
    row = w.rows[run.rows]
    run.rows += 1
    row.family = ticket.family
    row.enter = ticket.enter
    row.start = ticket.start
    row.leave = leave
    row.step = ticket.step
    row.attempt = ticket.attempt
    row.slot = number >> 1
    row.ended = ended


@compiled
def account(desk: Any, now: float) -> None:
    """Add up server time until now, before the number of servers or of those at work changes."""
    passed = now - desk.since
    if passed:
        desk.busy_s += desk.busy * passed
        # A server whose shift is over is on duty until the family in hand is served.
        desk.staffed_s += (desk.duty if desk.duty > desk.busy else desk.busy) * passed
        desk.since = now


@compiled
def renew_boards(w: Any, desk: Any) -> None:
    """Publish what is due, before the number of those inside or of servers changes."""
    for number in range(desk.board, desk.last_board):
        board = w.boards[number]
        issue = int(w.run[0].now // board.interval_s)
        if issue > board.issue:
            board.issue = issue
            board.inside = desk.inside
            board.servers = desk.servers


# --- families come ----------------------------------------------------------------------------------------------------


@compiled
def come(w: Any, number: int) -> int:
    """Let a ticket in, or let it wait at the door; or turn it away and say how its visit ended."""
    ticket = w.tickets[number]
    desk = w.stations[ticket.station]
    has_room = desk.inside < desk.room or _makes_room(w, desk, number)
    if not desk.open:
        return CLOSED
    if not has_room and not desk.blocks:
        return FULL
    # Whoever is served at once does not meet a queue.
    if (desk.waiting or desk.busy >= desk.duty) and desk.waiting >= _drawn(w, number, 2):
        return BAULKED
    if has_room and (desk.door < 0 or _makes_room(w, desk, number)):
        w.run[0].entering = number
    else:
        _stand_outside(w, desk, number)
    return INSIDE


@compiled
def _makes_room(w: Any, desk: Any, number: int) -> bool:
    """Tell whether the family comes from this very station: it does not stand in its own way."""
    held = w.slots[number >> 1].held
    return held >= 0 and w.tickets[held].station == w.tickets[number].station and desk.inside <= desk.room


@compiled
def _stand_outside(w: Any, desk: Any, number: int) -> None:
    w.tickets[number].after = NOBODY
    if desk.door < 0:
        desk.door = number
    else:
        w.tickets[desk.door_tail].after = number
    desk.door_tail = number


@inlined
def enter(w: Any, number: int) -> None:
    """Let a ticket in: it is served at once, or waits."""
    ticket, now = w.tickets[number], w.run[0].now
    desk = w.stations[ticket.station]
    ticket.enter = now
    if desk.board < desk.last_board:
        renew_boards(w, desk)
    desk.inside += 1
    ticket.present = 1
    if desk.busy < desk.duty and not desk.waiting:
        account(desk, now)
        _start(w, desk, number)
    else:
        _wait(w, desk, number)


@compiled
def _wait(w: Any, desk: Any, number: int) -> None:
    ticket = w.tickets[number]
    ticket.waits = 1
    desk.waiting += 1
    desk.queued += 1
    _stand_in_lane(w, desk, number)
    if desk.heap >= 0:
        _rise(w, desk.heap, desk.waiting - 1, _key(w, desk, number), desk.queued, number)
    patience = _drawn(w, number, 1)
    if patience < math.inf:
        push(w, ticket.enter + patience, PATIENCE + ticket.family, int(ticket.stamp) * STAMP + number)


@compiled
def _stand_in_lane(w: Any, desk: Any, number: int) -> None:
    """Stand behind those of the same priority, where a station has lanes for them; else behind all who wait."""
    ticket = w.tickets[number]
    ticket.place = desk.lane
    last = desk.last_lane - 1
    if last > desk.lane:
        priority = _drawn(w, number, 3)
        while ticket.place < last and w.lanes[ticket.place].priority != priority:
            ticket.place += 1
    lane = w.lanes[ticket.place]
    ticket.after = NOBODY
    ticket.before = lane.tail
    if lane.tail < 0:
        lane.head = number
    else:
        w.tickets[lane.tail].after = number
    lane.tail = number


@compiled
def _drawn(w: Any, number: int, which: int) -> float:
    """Give one of the draws of a visit; luck is the same whenever one asks, so that nobody asks without need."""
    ticket = w.tickets[number]
    return amount(w, w.steps[ticket.step].draws[which], number >> 1, ticket.attempt)


# --- whom a server takes ----------------------------------------------------------------------------------------------


@compiled
def _key(w: Any, desk: Any, number: int) -> float:
    """Give the key by which a queue is sorted; equal keys stand in the order in which they came."""
    ticket = w.tickets[number]
    if desk.discipline == PRIORITY:
        return _drawn(w, number, 3)
    if desk.discipline == SHORTEST:
        return ticket.service
    return amount(w, desk.order, number >> 1, ticket.attempt)


@compiled
def _goes_first(one: Any, key: float, came: int) -> bool:
    """Tell whether what stands in a heap comes before something with a key that came as number so and so."""
    return one.key < key or (one.key == key and one.came < came)


@compiled
def _rise(w: Any, heap: int, place: int, key: float, came: int, number: int) -> None:  # noqa: PLR0913, PLR0917
    """Put a ticket where it belongs between `place` and the top of a heap."""
    while place > 0:
        parent = (place - 1) >> 1
        above = w.queues[heap, parent]
        if _goes_first(above, key, came):
            break
        _put(w, heap, place, above.key, above.came, above.number)
        place = parent
    _put(w, heap, place, key, came, number)


@compiled
def _put(w: Any, heap: int, place: int, key: float, came: int, number: int) -> None:  # noqa: PLR0913, PLR0917
    here = w.queues[heap, place]
    here.key, here.came, here.number = key, came, number
    w.tickets[number].place = place


@compiled
def _leave_heap(w: Any, heap: int, size: int, place: int) -> None:
    """Take the ticket at `place` out of a heap of `size`: the last one takes its place, and sinks or rises."""
    last = w.queues[heap, size - 1]
    key, came, number = last.key, last.came, last.number
    if place == size - 1:
        return
    child = 2 * place + 1
    while child < size - 1:
        below = w.queues[heap, child]
        if child + 1 < size - 1 and _goes_first(w.queues[heap, child + 1], below.key, below.came):
            child += 1
            below = w.queues[heap, child]
        if not _goes_first(below, key, came):
            break
        _put(w, heap, place, below.key, below.came, below.number)
        place, child = child, 2 * child + 1
    _rise(w, heap, place, key, came, number)


@compiled
def _next(w: Any, desk: Any) -> int:
    if desk.heap >= 0:
        return int(w.queues[desk.heap, 0].number)
    if desk.discipline == LIFO:
        return int(w.lanes[desk.lane].tail)
    return _foremost(w, desk)


@compiled
def _foremost(w: Any, desk: Any) -> int:
    """Give the head of the first lane in which somebody waits."""
    lane = desk.lane
    while w.lanes[lane].head < 0:
        lane += 1
    return int(w.lanes[lane].head)


@compiled
def _stop_waiting(w: Any, desk: Any, number: int) -> None:
    ticket = w.tickets[number]
    ticket.waits = 0
    lane = w.lanes[ticket.place if desk.heap < 0 else desk.lane]
    if desk.heap >= 0:
        _leave_heap(w, desk.heap, desk.waiting, ticket.place)
    if ticket.before < 0:
        lane.head = ticket.after
    else:
        w.tickets[ticket.before].after = ticket.after
    if ticket.after < 0:
        lane.tail = ticket.before
    else:
        w.tickets[ticket.after].before = ticket.before
    desk.waiting -= 1
    if not desk.waiting and desk.duty != desk.servers:
        # Those who stayed after closing go when nobody waits any more, each with the family in hand.
        desk.duty = desk.servers


# --- families are served and leave ------------------------------------------------------------------------------------


@compiled
def _start(w: Any, desk: Any, number: int) -> None:
    """Begin a service; the books are up to date."""
    ticket, now = w.tickets[number], w.run[0].now
    ticket.start = now
    desk.busy += 1
    desk.starts += 1
    push(w, now + ticket.service, DEPARTURE + ticket.family, number >> 1)


@inlined
def serve_or_admit(w: Any) -> None:
    """Do the next thing at the station on top of the stack: let somebody in, serve somebody, or be done with it."""
    run = w.run[0]
    top = w.frames[run.frames - 1]
    desk = w.stations[top if top >= 0 else -1 - top]
    first = desk.door
    # At a station that shuts nobody is let in any more.
    if top >= 0 and first >= 0 and desk.open and (desk.inside < desk.room or _makes_room(w, desk, first)):
        desk.door = w.tickets[first].after
        run.entering = first
        return
    if not (desk.waiting and desk.busy < desk.duty):
        run.frames -= 1
        return
    if top >= 0:  # from here on it only serves
        w.frames[run.frames - 1] = -1 - top
    number = _next(w, desk)
    _stop_waiting(w, desk, number)
    _start(w, desk, number)


@compiled
def release(w: Any, number: int) -> None:
    """Let a family that was served go from where it is, and its server take the next one."""
    desk = w.stations[w.tickets[number].station]
    account(desk, w.run[0].now)
    desk.busy -= 1
    w.slots[number >> 1].held = NOBODY
    _leave(w, desk, number, SERVED)


@compiled
def give_up(w: Any, number: int, ended: int) -> None:
    """Let a family go that still waits."""
    run, ticket, slot = w.run[0], w.tickets[number], w.slots[number >> 1]
    desk = w.stations[ticket.station]
    account(desk, run.now)
    _stop_waiting(w, desk, number)
    _leave(w, desk, number, ended)
    slot.place = w.steps[ticket.step].exits[ended]
    push(w, run.now, AT_ONCE + slot.family, number >> 1)


@compiled
def _leave(w: Any, desk: Any, number: int, ended: int) -> None:
    run, ticket = w.run[0], w.tickets[number]
    if desk.board < desk.last_board:
        renew_boards(w, desk)
    desk.inside -= 1
    ticket.present = 0
    record(w, number, run.now, ended)
    if desk.door >= 0 or desk.waiting:
        w.frames[run.frames] = ticket.station
        run.frames += 1


# --- the day goes by --------------------------------------------------------------------------------------------------


@compiled
def change(w: Any, station: int) -> None:
    """Begin a change of staff or doors; the kernel finishes it step by step."""
    run, desk = w.run[0], w.stations[station]
    account(desk, run.now)
    if desk.board < desk.last_board:
        renew_boards(w, desk)
    new, was_open = w.changes[desk.change], desk.open
    desk.servers = new.servers
    desk.open = new.open
    if desk.open:
        desk.staying = 0.0
    elif was_open and desk.closing == SERVE:
        desk.staying = desk.duty
    desk.shutting = was_open and not desk.open
    run.closing = station


@compiled
def finish_change(w: Any) -> None:
    """Do the next thing at the station that changes: turn somebody away, send somebody home, or be done with it."""
    run = w.run[0]
    station = run.closing
    desk = w.stations[station]
    if desk.shutting and desk.door >= 0:
        _turn_away_from_door(w, desk)
    elif desk.shutting and desk.waiting and _sends_home(desk):
        give_up(w, _foremost(w, desk), SENT_HOME)
    else:
        run.closing = NOBODY
        desk.shutting = 0
        desk.duty = max(desk.servers, desk.staying) if desk.waiting else desk.servers
        w.frames[run.frames] = -1 - station
        run.frames += 1
        plan_change(w, station)


@compiled
def plan_change(w: Any, station: int) -> None:
    """Let the next change of staff or doors happen at its time."""
    desk = w.stations[station]
    desk.change += 1
    if desk.change < desk.last_change:
        push(w, w.changes[desk.change].time, SCHEDULE + station, station)


@compiled
def _sends_home(desk: Any) -> bool:
    nobody_stays = desk.closing == SERVE and max(desk.servers, desk.staying) == 0
    return desk.closing == SEND_HOME or nobody_stays


@compiled
def _turn_away_from_door(w: Any, desk: Any) -> None:
    run, number = w.run[0], desk.door
    ticket, slot = w.tickets[number], w.slots[number >> 1]
    desk.door = ticket.after
    ticket.enter = run.now
    if slot.held >= 0:
        release(w, slot.held)
    record(w, number, run.now, CLOSED)
    slot.place = w.steps[ticket.step].exits[CLOSED]
    push(w, run.now, AT_ONCE + slot.family, number >> 1)
