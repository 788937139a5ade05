"""What the kernel writes down, kept until the end, and the trace that it becomes."""

from __future__ import annotations

from typing import Any

import numpy as np

from canbao.arrays import FloatArray
from canbao.engines.memory import visits_a_family
from canbao.engines.tracing import Fates, Visits, make_trace
from canbao.kernel.handle import handle
from canbao.kernel.loop import THINGS
from canbao.kernel.sorting import FateSorting, VisitSorting, sort_fates, sort_visits
from canbao.kernel.state import LEFT, ROW, World, records
from canbao.plan import Plan
from canbao.trace import Trace

__all__ = ["Collected", "fates_of"]

_OF_VISITS = (np.int64, np.int64, np.int32, np.float64, np.float64, np.float64, np.int8)
_SPARE = 2 * THINGS
"""Room that the kernel wants to see even behind the last family."""
_OF_FATES = (np.int64, np.int16, np.int16, np.int64, np.float64, np.int16, np.float64)


def fates_of(plan: Plan, left: Any, marks: FloatArray) -> Fates:
    """Give the fates of all families that came, of which each has left: records LEFT, and their marks."""
    came = plan.arrival < plan.until
    count = int(came.sum())
    columns: Any = [np.empty(count, dtype=kind) for kind in _OF_FATES]
    fates = Fates._make([*columns, np.empty((len(plan.marks), count))])
    sort_fates(handle(FateSorting(left, marks, np.cumsum(came) - 1, np.empty(count, dtype=np.int64), *fates)))
    return fates


class Collected:
    """All visits and the fates of all families of one run.

    The kernel writes into one long array each, a stretch at a time. What of it is not written to costs no memory.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        families = int((plan.arrival < plan.until).sum())
        self._rows = records(families * visits_a_family(plan), ROW, zero=False)
        self._left = records(families + _SPARE, LEFT, zero=False)
        self._marks = np.empty((families + _SPARE, len(plan.marks)))
        self._written = self._gone = 0

    def take(self, world: World, room: int) -> dict[str, Any]:
        """Keep what the kernel has written down since the last time; give it where to write `room` more visits."""
        run = world.run[0]
        self._written += int(run.rows)
        self._gone += int(run.left)
        if len(self._rows) < self._written + room:
            longer = records(2 * self._written + room, ROW, zero=False)
            longer[: self._written] = self._rows[: self._written]
            self._rows = longer
        return {
            "rows": self._rows[self._written : self._written + room],
            "left": self._left[self._gone :],
            "left_marks": self._marks[self._gone :],
        }

    def trace(self, stations: Any) -> Trace:
        """Give the tables."""
        fates = fates_of(self.plan, self._left[: self._gone], self._marks[: self._gone])
        return make_trace(self.plan, fates, self._visits(), stations)

    def _visits(self) -> Visits:
        """Put visits in the order of families; the kernel wrote those of one family in their order."""
        rows = self._rows[: self._written]
        following = np.zeros(self.plan.families + 1, dtype=np.int64)
        columns: Any = (np.empty(len(rows), dtype=kind) for kind in _OF_VISITS)
        visits = Visits(*columns)
        sort_visits(handle(VisitSorting(rows, following, np.empty(len(rows), dtype=np.int64), *visits)))
        return visits
