"""The events to come, in the order of `canbao.engines.timeline`: by time, then rank, then number.

The horizon is cut into buckets of time. What happens in a later bucket lies there unsorted; what happens in the
present one stands in a binary heap. So a delay of a week costs no more when a million others wait for theirs.
"""

from __future__ import annotations

from typing import Any

from canbao.kernel.compiling import compiled
from canbao.kernel.handle import fetch
from canbao.kernel.state import LINE

__all__ = [
    "ARRIVAL",
    "AT_ONCE",
    "DEPARTURE",
    "PATIENCE",
    "SCHEDULE",
    "STAMP",
    "STAMP_BITS",
    "come_nearer",
    "fetch_columns",
    "push",
    "take_first",
]

_RANK = 1 << 48
AT_ONCE, DEPARTURE, SCHEDULE, PATIENCE, ARRIVAL = (rank * _RANK for rank in range(5))

STAMP_BITS = 31
STAMP = 1 << STAMP_BITS
"""What an event is about: `stamp * STAMP + index`."""


@compiled
def push(w: Any, time: float, order: int, what: int) -> None:
    """Let something happen at a time; what would happen after the horizon is forgotten."""
    run = w.run[0]
    if time >= run.until:
        return
    bucket = int(time * run.per_s)
    if bucket > run.bucket:
        _put_away(w, bucket, time, order, what)
    else:
        _insert(w, time, order, what)


@compiled
def _put_away(w: Any, bucket: int, time: float, order: int, what: int) -> None:
    run = w.run[0]
    place = run.free_far
    event = w.distant[place]
    run.free_far = place + 1 + event.next
    run.far += 1
    event.time = time
    event.order = order
    event.what = what
    event.next = w.heads[bucket]
    w.heads[bucket] = place


@compiled
def _insert(w: Any, time: float, order: int, what: int) -> None:
    """Put an event into the heap, or before it where it is the very next one, as a service without length is."""
    run = w.run[0]
    if run.front:
        if run.front_time < time or (run.front_time == time and run.front_order < order):
            _into_heap(w, time, order, what)
            return
        _into_heap(w, run.front_time, run.front_order, run.front_what)
    elif run.near and (w.times[0] < time or (w.times[0] == time and w.orders[0] < order)):
        _into_heap(w, time, order, what)
        return
    run.front, run.front_time, run.front_order, run.front_what = 1, time, order, what


@compiled
def _into_heap(w: Any, time: float, order: int, what: int) -> None:
    run = w.run[0]
    last = run.near
    run.near = last + 1
    _rise(w.times, w.orders, w.what, last, time, order, what)


@compiled
def take_first(w: Any) -> None:
    """Take the first event out and put it to the front."""
    run = w.run[0]
    if not run.front:
        run.front, run.front_time, run.front_order, run.front_what = 1, w.times[0], w.orders[0], w.what[0]
        _pop(w)
        if run.near:
            _fetch(w, w.orders[0], w.what[0])


@compiled
def _fetch(w: Any, order: int, what: int) -> None:
    """Have all that is known of the family of an event brought near, while the event before it happens."""
    if order < SCHEDULE or order >= ARRIVAL:
        fetch(w.slots, what)
        fetch(w.tickets, 2 * what)
        fetch(w.tickets, 2 * what + 1)
        for number in range(0, w.counts.shape[1], LINE // w.counts.itemsize):
            fetch(w.counts, (what, number))
        fetch_columns(w, order & (_RANK - 1))
    elif order >= PATIENCE:
        fetch(w.tickets, what & (STAMP - 1))


@compiled
def fetch_columns(w: Any, family: int) -> None:
    """Have what draws need to know of a family brought near."""
    for number in range(0, w.columns.shape[1], LINE // w.columns.itemsize):
        fetch(w.columns, (family, number))


@compiled
def _rise(  # noqa: PLR0913, PLR0917 - three arrays and an event
    times: Any, orders: Any, whats: Any, place: int, time: float, order: int, what: int
) -> None:
    """Put an event where it belongs between `place` and the top."""
    while place > 0:
        parent = (place - 1) >> 1
        above = times[parent]
        if above < time or (above == time and orders[parent] < order):
            break
        times[place] = above
        orders[place] = orders[parent]
        whats[place] = whats[parent]
        place = parent
    times[place] = time
    orders[place] = order
    whats[place] = what


@compiled
def _pop(w: Any) -> None:
    """Take the first event out of the heap: the smaller child moves up all the way, then the last event rises."""
    run = w.run[0]
    times, orders, whats = w.times, w.orders, w.what
    last = run.near - 1
    run.near = last
    place, child = 0, 1
    while child < last:
        if child + 1 < last:
            one, other = times[child], times[child + 1]
            # Without a branch: which child is smaller cannot be foreseen.
            child += int((other < one) | ((other == one) & (orders[child + 1] < orders[child])))
        times[place] = times[child]
        orders[place] = orders[child]
        whats[place] = whats[child]
        place, child = child, 2 * child + 1
    _rise(times, orders, whats, place, times[last], orders[last], whats[last])


@compiled
def come_nearer(w: Any, limit: int) -> None:
    """Go on to the next bucket with an event, as far as bucket `limit`, and sort what lies there."""
    run = w.run[0]
    while not run.near and not run.front and run.bucket < limit:
        run.bucket += 1
        place = w.heads[run.bucket]
        w.heads[run.bucket] = -1
        while place >= 0:
            event = w.distant[place]
            _insert(w, event.time, event.order, event.what)
            after = event.next
            event.next = run.free_far - place - 1
            run.free_far = place
            run.far -= 1
            place = after
