"""What was written down in the order of time, in the order of families.

First it is found out which record stands where, then the columns are filled from the first place to the last. To put
each record at its place at once would touch memory all over in every column; so it is read all over, once a record.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from canbao.kernel.compiling import entry
from canbao.kernel.handle import LAYOUTS
from canbao.kernel.state import LEFT, ROW

__all__ = ["FateSorting", "VisitSorting", "sort_fates", "sort_visits"]

_FLOAT, _LONG, _INT, _SHORT, _BYTE = (np.dtype(kind) for kind in ("f8", "i8", "i4", "i2", "i1"))


class VisitSorting(NamedTuple):
    """Visits, and the columns that they become."""

    rows: Any
    """Records ROW; those of one family in their order."""
    following: Any
    """By family, and one more: where its next visit stands; all 0 at first, (families + 1,)."""
    order: Any
    """Which row stands at each place, (visits,)."""
    family: Any
    """This and the rest: columns, (visits,)."""
    attempt: Any
    step: Any
    enter: Any
    start: Any
    leave: Any
    ended: Any


LAYOUTS[VisitSorting] = {
    "rows": (ROW, 1),
    **dict.fromkeys(("following", "order", "family", "attempt"), (_LONG, 1)),
    "step": (_INT, 1),
    **dict.fromkeys(("enter", "start", "leave"), (_FLOAT, 1)),
    "ended": (_BYTE, 1),
}


class FateSorting(NamedTuple):
    """The fates of families that have left, and the columns that they become."""

    left: Any
    """Records LEFT."""
    left_marks: Any
    """Their marks, (families, marks)."""
    place_of: Any
    """Where each family stands, by its number."""
    order: Any
    """Which record stands at each place, (families,)."""
    family: Any
    """This and the next six: columns, (families,)."""
    first_channel: Any
    last_channel: Any
    trips: Any
    effort_s: Any
    outcome: Any
    finished: Any
    marks: Any
    """(marks, families)."""


LAYOUTS[FateSorting] = {
    "left": (LEFT, 1),
    "left_marks": (_FLOAT, 2),
    **dict.fromkeys(("place_of", "order", "family"), (_LONG, 1)),
    **dict.fromkeys(("first_channel", "last_channel"), (_SHORT, 1)),
    "trips": (_LONG, 1),
    "effort_s": (_FLOAT, 1),
    "outcome": (_SHORT, 1),
    "finished": (_FLOAT, 1),
    "marks": (_FLOAT, 2),
}


@entry(VisitSorting)
def sort_visits(s: Any) -> None:
    """Fill the columns with the visits of the first family, then those of the second, and so on."""
    for i in range(len(s.rows)):
        s.following[s.rows[i].family + 1] += 1
    for family in range(1, len(s.following)):
        s.following[family] += s.following[family - 1]
    for i in range(len(s.rows)):
        family = s.rows[i].family
        place = s.following[family]
        s.following[family] = place + 1
        s.order[place] = i
    for place in range(len(s.order)):
        row = s.rows[s.order[place]]
        s.family[place] = row.family
        s.attempt[place] = row.attempt
        s.step[place] = row.step
        s.enter[place] = row.enter
        s.start[place] = row.start
        s.leave[place] = row.leave
        s.ended[place] = row.ended


@entry(FateSorting)
def sort_fates(s: Any) -> None:
    """Fill the columns with the fates of families, each at its place."""
    for i in range(len(s.left)):
        s.order[s.place_of[s.left[i].family]] = i
    for place in range(len(s.order)):
        row = s.left[s.order[place]]
        s.family[place] = row.family
        s.first_channel[place] = row.first_channel
        s.last_channel[place] = row.last_channel
        s.trips[place] = row.trips
        s.effort_s[place] = row.effort_s
        s.outcome[place] = row.outcome
        s.finished[place] = row.finished
        for mark in range(s.left_marks.shape[1]):
            s.marks[mark, place] = s.left_marks[s.order[place], mark]
