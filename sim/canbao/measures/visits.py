"""The visits of a trace, sorted once by place and step, so that each place's lie together in memory."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from canbao.arrays import AnyArray, BoolArray, FloatArray, IntArray
from canbao.columns import small_codes
from canbao.measures.groups import code_is
from canbao.trace import Trace

__all__ = ["AWAY", "SortedVisits", "Visits", "sorted_visits"]

AWAY = ("closed", "full", "baulked")
"""How visits end that were not let in."""


@dataclass(frozen=True, eq=False)
class Visits:
    """Some visits, by step and then as they stand in the table; arrays of shape (visits,), nan where nothing was."""

    row: IntArray
    """Where each stands in the table of the trace."""
    family: IntArray
    attempt: IntArray
    step: AnyArray
    """Codes of steps."""
    enter: FloatArray
    start: FloatArray
    leave: FloatArray
    ended: AnyArray
    """Codes of `endings`."""
    endings: tuple[str, ...]

    def take(self, chosen: Any) -> Visits:
        """Give some of them, by a slice, a mask or their places."""
        return Visits(
            row=self.row[chosen],
            family=self.family[chosen],
            attempt=self.attempt[chosen],
            step=self.step[chosen],
            enter=self.enter[chosen],
            start=self.start[chosen],
            leave=self.leave[chosen],
            ended=self.ended[chosen],
            endings=self.endings,
        )

    def ended_as(self, *words: str) -> BoolArray:
        """Tell of each whether it ended so; a word that is no label is nobody's."""
        return code_is(self.ended, self.endings, *words)

    def runs(self) -> list[tuple[int, slice]]:
        """Give the steps in their order, and which visits are to each."""
        changes = np.flatnonzero(self.step[1:] != self.step[:-1]) + 1
        bounds = [0, *changes.tolist(), len(self.step)] if len(self.step) else []
        return [(int(self.step[first]), slice(first, after)) for first, after in pairwise(bounds)]


@dataclass(frozen=True, eq=False)
class SortedVisits:
    """All visits, by place and step.

    Parameters
    ----------
    visits
        The visits.
    bounds
        Where those to each place begin, and where the last end, shape (places + 1,).
    """

    visits: Visits
    bounds: IntArray

    def at(self, place: int) -> Visits:
        """Give the visits to one place."""
        return self.visits.take(slice(self.bounds[place], self.bounds[place + 1]))


def sorted_visits(trace: Trace) -> SortedVisits:
    """Sort the visits of a trace."""
    table: Any = trace.visits
    place, step = small_codes(table["station"]), small_codes(table["step"])
    order = np.lexsort((step, place))
    bounds = np.cumsum(np.bincount(place, minlength=len(table["station"].labels)))
    columns = {name: table[name][order] for name in ("family", "attempt", "enter", "start", "leave")}
    ended = table["ended"]
    visits = Visits(row=order, step=step[order], ended=ended.codes[order], endings=ended.labels, **columns)
    return SortedVisits(visits, np.concatenate([[0], bounds]))
