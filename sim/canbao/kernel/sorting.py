"""What was written down in the order of time, in the order of families.

First it is found out which record stands where, then the columns are filled from the first place to the last. To put
each record at its place at once would touch memory all over in every column; so it is read all over, once a record.
"""

from __future__ import annotations

from typing import Any

from canbao.kernel.compiling import entry

__all__ = ["count_visits", "gather_fates", "gather_visits", "order_fates", "order_visits"]


@entry
def count_visits(rows: Any, counts: Any) -> None:
    """Add the visits of each family to `counts`, one place behind its own."""
    for i in range(len(rows)):
        counts[rows[i].family + 1] += 1


@entry
def order_visits(rows: Any, following: Any, order: Any) -> None:
    """Write into `order` which row stands at each place; `following` says where the next visit of a family stands."""
    for i in range(len(rows)):
        family = rows[i].family
        place = following[family]
        following[family] = place + 1
        order[place] = i


@entry
def gather_visits(rows: Any, order: Any, visits: Any) -> None:
    """Fill the columns of `visits` with the rows in their order."""
    # Taken out of the tuple once: inside the loop each column would be counted as used, and as not used any more.
    family, attempt, step, enter, start, leave, ended = visits
    for place in range(len(order)):
        row = rows[order[place]]
        family[place] = row.family
        attempt[place] = row.attempt
        step[place] = row.step
        enter[place] = row.enter
        start[place] = row.start
        leave[place] = row.leave
        ended[place] = row.ended


@entry
def order_fates(left: Any, place_of: Any, order: Any) -> None:
    """Write into `order` which record stands at each place; `place_of` says where each family stands."""
    for i in range(len(left)):
        order[place_of[left[i].family]] = i


@entry
def gather_fates(left: Any, marks: Any, order: Any, fates: Any) -> None:
    """Fill the columns of `fates` with the records of families that have left, and their marks, in their order."""
    family, first_channel, last_channel, trips, effort_s, outcome, finished, moments = fates
    for place in range(len(order)):
        row = left[order[place]]
        family[place] = row.family
        first_channel[place] = row.first_channel
        last_channel[place] = row.last_channel
        trips[place] = row.trips
        effort_s[place] = row.effort_s
        outcome[place] = row.outcome
        finished[place] = row.finished
        for mark in range(marks.shape[1]):
            moments[mark, place] = marks[order[place], mark]
