"""Visits counted as they are written down: waits, queues hour by hour, rounds of the review. None of them is kept.

Waits go into a histogram whose bins are `1 / SHARES` of a power of two wide: `wait_bin` is made of the leading bits of
the number, so that any quantile is known to within 1 / 64 of itself.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from canbao.kernel.compiling import entry, inlined
from canbao.kernel.desks import BAULKED, CLOSED, FULL
from canbao.kernel.opening import DAY_S

__all__ = ["BINS", "HOUR_S", "SHARES", "Counts", "Keep", "bin_edge", "count_rows", "wait_bin"]

HOUR_S = 3600.0

SHARES = 64
"""Bins in which each power of two is cut."""
_OCTAVES = 32
"""Powers of two, from a second to more than a century."""
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


@entry
def count_rows(  # noqa: PLR0913, PLR0917 - the rows, what is counted, and what comes out for each family
    rows: Any, first: int, count: int, left: Any, done: int, leaving: int, until: float, c: Counts, k: Keep, out: Any
) -> tuple[int, int]:
    """Count rows from `first` on and families that have left from `done` on; give where it stopped for want of room.

    `out` takes, for each family that has left: seconds waited, seconds stayed, and visits to watched places.
    """
    # Arrays are taken out of the tuples once: inside the loop each would be counted as used, and as not used any more.
    came, endings, waits, wait_s, longest_s = c.came, c.endings, c.waits, c.wait_s, c.longest_s
    waiting_s, waiting_through, busy_s, busy_through = c.waiting_s, c.waiting_through, c.busy_s, c.busy_through
    rounds, handed_in, decided = c.rounds, c.handed_in, c.decided
    place_of, own, watched, begins, day_number, waited_by, stayed_by, met, begun, let_go, number, past = k
    for i in range(first, count + 1):
        while done < leaving and left[done].rows <= i:
            _end_round(left[done].slot, until, decided, day_number, begun, let_go, number, past)
            _give_out(left[done], rounds, number, past, waited_by, stayed_by, met, out, done)
            done += 1
        if i == count:
            break
        row = rows[i]
        slot = row.slot
        if number[slot] + 2 > past.shape[1]:
            return i, done
        place = place_of[row.step]
        came[place, int(row.enter / HOUR_S)] += 1
        endings[place, row.ended] += 1
        gone = until if math.isnan(row.leave) else row.leave
        waited = 0.0
        if row.ended not in (CLOSED, FULL, BAULKED):
            over = gone if math.isnan(row.start) else row.start
            waited = over - row.enter
            _count_wait(waits, wait_s, longest_s, place, waited)
            _cover(waiting_s, waiting_through, place, row.enter, over)
            if not math.isnan(row.start):
                _cover(busy_s, busy_through, place, row.start, gone)
        if own[place]:
            waited_by[slot] += waited
            stayed_by[slot] += gone - row.enter
        if watched[place] >= 0:
            met[slot, watched[place]] += 1
        if begins[place]:
            begin = begins[place] == 1
            _count_review(row, until, begin, handed_in, decided, day_number, begun, let_go, number, past)
    return count, done


@inlined
def _count_wait(waits: Any, wait_s: Any, longest_s: Any, place: int, wait: float) -> None:
    waits[place, wait_bin(wait)] += 1
    wait_s[place] += wait
    longest_s[place] = max(longest_s[place], wait)


@entry
def wait_bin(wait: float) -> int:
    """Give the bin of a wait in seconds."""
    if wait < 1.0:
        return 0
    share, power = math.frexp(wait)  # share from 1/2 to 1
    return min(1 + (power - 1) * SHARES + int((2.0 * share - 1.0) * SHARES), BINS - 1)


@entry
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
def _count_review(  # noqa: PLR0913, PLR0917 - see `count_rows`
    row: Any,
    until: float,
    begins: bool,
    handed_in: Any,
    decided: Any,
    day_number: Any,
    begun: Any,
    let_go: Any,
    number: Any,
    past: Any,
) -> None:
    slot = row.slot
    if begins:
        _end_round(slot, until, decided, day_number, begun, let_go, number, past)
        begun[slot] = row.enter
        let_go[slot] = -math.inf
        handed_in[int(row.enter / DAY_S)] += 1
    let_go[slot] = max(let_go[slot], math.inf if math.isnan(row.leave) else row.leave)


@inlined
def _end_round(  # noqa: PLR0913, PLR0917 - see `count_rows`
    slot: int, until: float, decided: Any, day_number: Any, begun: Any, let_go: Any, number: Any, past: Any
) -> None:
    """Put the present round of a family to those that are over."""
    if math.isnan(begun[slot]):
        return
    first = day_number[int(begun[slot] / DAY_S) + 1]
    days = -1
    if let_go[slot] < math.inf:
        date = int(let_go[slot] / DAY_S)
        days = day_number[min(date, len(day_number) - 2) + 1] - first
        decided[min(date, len(decided) - 1)] += 1
    past[slot, number[slot], 0] = day_number[int((until - 1.0) / DAY_S) + 1] - first
    past[slot, number[slot], 1] = days
    number[slot] += 1
    begun[slot] = math.nan


@inlined
def _give_out(  # noqa: PLR0913, PLR0917 - see `count_rows`
    family: Any, rounds: Any, number: Any, past: Any, waited_s: Any, stayed_s: Any, met: Any, out: Any, place: int
) -> None:
    """Give out what was kept of a family that has left, and make its slot ready for the next one."""
    slot = family.slot
    for i in range(number[slot]):
        watched, days = past[slot, i, 0], past[slot, i, 1]
        rounds[family.last_channel, watched, days] += 1  # -1, no channel or not decided, is the last place
    out[place, 0] = waited_s[slot]
    out[place, 1] = stayed_s[slot]
    for column in range(met.shape[1]):
        out[place, 2 + column] = met[slot, column]
        met[slot, column] = 0
    waited_s[slot] = stayed_s[slot] = 0.0
    number[slot] = 0
