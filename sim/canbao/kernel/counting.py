"""Visits counted as they are written down: waits, queues hour by hour, rounds of the review. None of them is kept.

Waits go into a histogram whose bins are `1 / SHARES` of a power of two wide: `wait_bin` is made of the leading bits of
the number, so that any quantile is known to within 1 / 64 of itself.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from canbao.kernel.compiling import entry, inlined
from canbao.kernel.desks import BAULKED, CLOSED, FULL
from canbao.kernel.handle import LAYOUTS
from canbao.kernel.opening import DAY_S
from canbao.kernel.state import LEFT, ROW

__all__ = ["BINS", "HOUR_S", "SHARES", "Counts", "Keep", "Written", "bin_edge", "count_rows", "wait_bin"]

_LONG, _FLOAT = np.dtype(np.int64), np.dtype(np.float64)

HOUR_S = 3600.0

SHARES = 64
"""Bins in which each power of two is cut."""
_OCTAVES = 32
"""Powers of two, from a second to more than a century."""
_BITS_BELOW = 52 - 6
_BITS_OF_ONE = 1023 * SHARES
"""A float64 has 52 bits behind its power, of which six say the share; the power of 1 is written as 1023."""
BINS = 1 + _OCTAVES * SHARES
"""The first bin is that of waits under a second."""


class Counts(NamedTuple):
    """What is counted; places are stations, then batches."""

    came: Any
    """Visits by the hour in which they began, int64 (places, hours)."""
    endings: Any
    """Visits by how they ended, int64 (places, endings)."""
    waits: Any
    """Waits by length, int64 (places, BINS)."""
    wait_s: Any
    """All waits added up, float64 (places,)."""
    longest_s: Any
    """float64 (places,)."""
    waiting_s: Any
    """Seconds waited in each hour, float64 (places, hours)."""
    waiting_through: Any
    """Waits that go on through an hour, from its first one on more, int64 (places, hours + 1)."""
    busy_s: Any
    """Seconds of service in each hour, and services that go on through hours, likewise."""
    busy_through: Any
    rounds: Any
    """Rounds of the review by channel, days watched and working days, int64 (channels + 1, days + 2, days + 2)."""
    handed_in: Any
    """Rounds by the date on which they began, int64 (days,)."""
    decided: Any


class Keep(NamedTuple):
    """What counting needs to know of each family that is inside, and of places."""

    place_of: Any
    """The place of each step, int64 (steps,)."""
    own: Any
    """Whether the family itself is at a place, and not its papers alone, bool (places,)."""
    watched: Any
    """The column of `met` for each place, -1 for none, int64 (places,)."""
    begins: Any
    """1 where a round of the review begins, 2 where it goes on, 0 elsewhere, int8 (places,)."""
    day_number: Any
    """The number of the working day of each date, with the one before the horizon first, int64 (days + 1,)."""
    waited_s: Any
    """By slot: what the family has waited, float64 (slots,)."""
    stayed_s: Any
    met: Any
    """By slot: visits to watched places, int64 (slots, watched)."""
    begun: Any
    """By slot: when the present round began, nan for none, float64 (slots,)."""
    let_go: Any
    """By slot: when the present round last left a place, inf if it is there, float64 (slots,)."""
    number: Any
    """By slot: how many rounds are over, int64 (slots,)."""
    past: Any
    """By slot: days watched and working days of each round that is over, int32 (slots, most, 2)."""


class Written(NamedTuple):
    """What the kernel has written down, and what comes out for each family that has left."""

    rows: Any
    """Records ROW."""
    left: Any
    """Records LEFT."""
    out: Any
    """Seconds waited, seconds stayed, and visits to watched places, float64 (families, 2 + watched)."""
    done: Any
    """How many rows and how many families have been counted, int64 (2,)."""


_DAYS, _SLOTS, _HOURS = (_LONG, 1), (_FLOAT, 1), (_FLOAT, 2)
LAYOUTS[Counts] = {
    **dict.fromkeys(("came", "endings", "waits"), (_LONG, 2)),
    **dict.fromkeys(("wait_s", "longest_s"), (_FLOAT, 1)),
    "waiting_s": _HOURS,
    "waiting_through": (_LONG, 2),
    "busy_s": _HOURS,
    "busy_through": (_LONG, 2),
    "rounds": (_LONG, 3),
    **dict.fromkeys(("handed_in", "decided"), _DAYS),
}
LAYOUTS[Keep] = {
    "place_of": (_LONG, 1),
    "own": (np.dtype(np.bool_), 1),
    "watched": (_LONG, 1),
    "begins": (np.dtype(np.int8), 1),
    "day_number": _DAYS,
    **dict.fromkeys(("waited_s", "stayed_s"), _SLOTS),
    "met": (_LONG, 2),
    **dict.fromkeys(("begun", "let_go"), _SLOTS),
    "number": (_LONG, 1),
    "past": (np.dtype(np.int32), 3),
}
LAYOUTS[Written] = {"rows": (ROW, 1), "left": (LEFT, 1), "out": (_FLOAT, 2), "done": (_LONG, 1)}


@entry(Written, Counts, Keep, float)
def count_rows(written: Any, c: Any, k: Any, until: float) -> None:
    """Count rows and families that have left, from where it stopped the last time; stop for want of room in `past`."""
    row, family = written.done[0], written.done[1]
    rows, families = len(written.rows), len(written.left)
    while True:
        while family < families and written.left[family].rows <= row:
            _end_round(c, k, written.left[family].slot, until)
            _give_out(c, k, written, family)
            family += 1
        if row == rows or not _count_row(c, k, written.rows[row], until):
            break
        row += 1
    written.done[0], written.done[1] = row, family


@inlined
def _count_row(c: Any, k: Any, row: Any, until: float) -> bool:
    """Count a visit, unless there is no room for another round of its family."""
    slot = row.slot
    if k.number[slot] + 2 > k.past.shape[1]:
        return False
    place = k.place_of[row.step]
    c.came[place, int(row.enter / HOUR_S)] += 1
    c.endings[place, row.ended] += 1
    gone = until if math.isnan(row.leave) else row.leave
    waited = 0.0
    if row.ended not in (CLOSED, FULL, BAULKED):
        over = gone if math.isnan(row.start) else row.start
        waited = over - row.enter
        _count_wait(c, place, waited)
        _cover(c.waiting_s, c.waiting_through, place, row.enter, over)
        if not math.isnan(row.start):
            _cover(c.busy_s, c.busy_through, place, row.start, gone)
    if k.own[place]:
        k.waited_s[slot] += waited
        k.stayed_s[slot] += gone - row.enter
    if k.watched[place] >= 0:
        k.met[slot, k.watched[place]] += 1
    if k.begins[place]:
        _count_review(c, k, row, until)
    return True


@inlined
def _count_wait(c: Any, place: int, wait: float) -> None:
    c.waits[place, wait_bin(wait)] += 1
    c.wait_s[place] += wait
    c.longest_s[place] = max(c.longest_s[place], wait)


@inlined
def wait_bin(wait: float) -> int:
    """Give the bin of a wait in seconds: the leading bits of the number, which are its power and its share of it."""
    if wait < 1.0:
        return 0
    bits = int(np.float64(wait).view(np.int64))
    return min(1 + (bits >> _BITS_BELOW) - _BITS_OF_ONE, BINS - 1)


def bin_edge(number: int) -> float:
    """Give the lower edge of a bin, in seconds."""
    if number == 0:
        return 0.0
    power, share = divmod(number - 1, SHARES)
    return math.ldexp(1.0 + share / SHARES, power)


@inlined
def _cover(parts: Any, through: Any, place: int, start: float, end: float) -> None:
    """Add a stay to the hours that it covers: the first and the last in part, those between them as a whole."""
    one, other = int(start / HOUR_S), int(end / HOUR_S)
    last = parts.shape[1] - 1
    if one >= other:
        parts[place, min(one, last)] += end - start
        return
    parts[place, one] += (one + 1) * HOUR_S - start
    through[place, one + 1] += 1
    through[place, other] -= 1
    if other <= last:
        parts[place, other] += end - other * HOUR_S


# --- rounds of the review ---------------------------------------------------------------------------------------------


@inlined
def _count_review(c: Any, k: Any, row: Any, until: float) -> None:
    slot = row.slot
    if k.begins[k.place_of[row.step]] == 1:
        _end_round(c, k, slot, until)
        k.begun[slot] = row.enter
        k.let_go[slot] = -math.inf
        c.handed_in[int(row.enter / DAY_S)] += 1
    k.let_go[slot] = max(k.let_go[slot], math.inf if math.isnan(row.leave) else row.leave)


@inlined
def _end_round(c: Any, k: Any, slot: int, until: float) -> None:
    """Put the present round of a family to those that are over."""
    if math.isnan(k.begun[slot]):
        return
    first = k.day_number[int(k.begun[slot] / DAY_S) + 1]
    days = -1
    if k.let_go[slot] < math.inf:
        date = int(k.let_go[slot] / DAY_S)
        days = k.day_number[min(date, len(k.day_number) - 2) + 1] - first
        c.decided[min(date, len(c.decided) - 1)] += 1
    number = k.number[slot]
    k.past[slot, number, 0] = k.day_number[int((until - 1.0) / DAY_S) + 1] - first
    k.past[slot, number, 1] = days
    k.number[slot] = number + 1
    k.begun[slot] = math.nan


@inlined
def _give_out(c: Any, k: Any, written: Any, family: int) -> None:
    """Give out what was kept of a family that has left, and make its slot ready for the next one."""
    slot = written.left[family].slot
    channels, most_watched, most_days = c.rounds.shape
    channel = written.left[family].last_channel % channels  # -1, no channel or not decided, is the last place
    for i in range(k.number[slot]):
        watched, days = k.past[slot, i, 0] % most_watched, k.past[slot, i, 1] % most_days
        c.rounds[channel, watched, days] += 1
    written.out[family, 0] = k.waited_s[slot]
    written.out[family, 1] = k.stayed_s[slot]
    for column in range(k.met.shape[1]):
        written.out[family, 2 + column] = k.met[slot, column]
        k.met[slot, column] = 0
    k.waited_s[slot] = k.stayed_s[slot] = 0.0
    k.number[slot] = 0
