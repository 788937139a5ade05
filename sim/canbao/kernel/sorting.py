"""Visits in the order of families: counted, then each put in its place."""

from __future__ import annotations

from typing import Any

from canbao.kernel.compiling import entry

__all__ = ["count_visits", "sort_visits"]


@entry
def count_visits(rows: Any, counts: Any) -> None:
    """Add the visits of each family to `counts`, one place behind its own."""
    for i in range(len(rows)):
        counts[rows[i].family + 1] += 1


@entry
def sort_visits(rows: Any, following: Any, visits: Any) -> None:
    """Put each visit at its family's next place in the columns of `visits`; `following` says where that is."""
    for i in range(len(rows)):
        row = rows[i]
        place = following[row.family]
        following[row.family] = place + 1
        visits.family[place] = row.family
        visits.attempt[place] = row.attempt
        visits.step[place] = row.step
        visits.enter[place] = row.enter
        visits.start[place] = row.start
        visits.leave[place] = row.leave
        visits.ended[place] = row.ended
