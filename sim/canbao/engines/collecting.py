"""What the kernel writes down, kept until the end, and the trace that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from canbao.arrays import AnyArray
from canbao.engines.tracing import Fates, Visits, make_trace
from canbao.kernel.sorting import count_visits, sort_fates, sort_visits
from canbao.kernel.state import LEFT, ROW, World, records
from canbao.plan import Plan
from canbao.trace import Trace

__all__ = ["Collected", "fates_of"]

_OF_VISITS = (np.int64, np.int64, np.int32, np.float64, np.float64, np.float64, np.int8)
_OF_FATES = (np.int64, np.int16, np.int16, np.int64, np.float64, np.int16, np.float64)


def fates_of(plan: Plan, left: Sequence[Any], marks: Sequence[AnyArray]) -> Fates:
    """Give the fates of all families that came, of which each has left, in parts: records LEFT, and their marks."""
    came = plan.arrival < plan.until
    place_of = np.cumsum(came) - 1
    count = int(came.sum())
    columns: Any = [np.empty(count, dtype=kind) for kind in _OF_FATES]
    fates = Fates._make([*columns, np.empty((len(plan.marks), count))])
    for part, marked in zip(left, marks, strict=True):
        sort_fates(part, marked, place_of, fates)
    return fates


class Collected:
    """All visits and the fates of all families of one run."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._rows: list[Any] = []
        self._left: list[Any] = []
        self._marks: list[AnyArray] = []

    def take(self, world: World) -> dict[str, Any]:
        """Keep what the kernel has written down since the last time, and give what it can write into from now on.

        To copy it instead took a quarter of the kernel's time.
        """
        run = world.run[0]
        self._rows.append(world.rows[: run.rows])
        self._left.append(world.left[: run.left])
        self._marks.append(world.left_marks[: run.left])
        return {
            "rows": records(len(world.rows), ROW, zero=False),
            "left": records(len(world.left), LEFT, zero=False),
            "left_marks": np.empty_like(world.left_marks),
        }

    def trace(self, stations: Any) -> Trace:
        """Give the tables."""
        return make_trace(self.plan, fates_of(self.plan, self._left, self._marks), self._visits(), stations)

    def _visits(self) -> Visits:
        """Put visits in the order of families; the kernel wrote those of one family in their order."""
        following = np.zeros(self.plan.families + 1, dtype=np.int64)
        for rows in self._rows:
            count_visits(rows, following)
        np.cumsum(following, out=following)
        columns: Any = (np.empty(int(following[-1]), dtype=kind) for kind in _OF_VISITS)
        visits = Visits(*columns)
        for rows in self._rows:
            sort_visits(rows, following, visits)
        return visits
