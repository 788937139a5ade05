"""What was written down in the order of time, in the order of families: each thing put in its place."""

from __future__ import annotations

from typing import Any

from canbao.kernel.compiling import entry

__all__ = ["count_visits", "sort_fates", "sort_visits"]


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


@entry
def sort_fates(left: Any, marks: Any, place_of: Any, fates: Any) -> None:
    """Put the fate of each family that has left in its place in the columns of `fates`."""
    for i in range(len(left)):
        row = left[i]
        place = place_of[row.family]
        fates.family[place] = row.family
        fates.first_channel[place] = row.first_channel
        fates.last_channel[place] = row.last_channel
        fates.trips[place] = row.trips
        fates.effort_s[place] = row.effort_s
        fates.outcome[place] = row.outcome
        fates.finished[place] = row.finished
        for mark in range(marks.shape[1]):
            fates.marks[mark, place] = marks[i, mark]
