"""What the kernel writes down, kept until the end, and the trace that it becomes."""

from __future__ import annotations

from typing import Any

import numpy as np

from canbao.arrays import AnyArray
from canbao.engines.tracing import Fates, Visits, make_trace
from canbao.kernel.sorting import count_visits, sort_visits
from canbao.kernel.state import LEFT, ROW, World, records
from canbao.plan import Plan
from canbao.trace import Trace

__all__ = ["Collected", "fates_of"]

_KINDS = (np.int64, np.int64, np.int32, np.float64, np.float64, np.float64, np.int8)


def fates_of(left: Any, marks: AnyArray, order: AnyArray) -> Fates:
    """Give the fates of families that have left, records LEFT, in an order."""
    columns: Any = {name: left[name][order] for name in Fates._fields[:-1]}
    return Fates(**columns, marks=marks[order])


class Collected:
    """All visits and the fates of all families of one run."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._rows: list[Any] = [records(0, ROW)]
        self._left: list[Any] = [records(0, LEFT)]
        self._marks: list[AnyArray] = [np.empty((0, len(plan.marks)))]

    def take(self, world: World) -> None:
        """Take what the kernel has written down since the last time."""
        run = world.run[0]
        self._rows.append(world.rows[: run.rows].copy())
        self._left.append(world.left[: run.left].copy())
        self._marks.append(world.left_marks[: run.left].copy())

    def trace(self, stations: Any) -> Trace:
        """Give the tables."""
        left = np.concatenate(self._left)
        fates = fates_of(left, np.concatenate(self._marks), np.argsort(left["family"]))
        return make_trace(self.plan, fates, self._visits(), stations)

    def _visits(self) -> Visits:
        """Put visits in the order of families; the kernel wrote those of one family in their order."""
        following = np.zeros(self.plan.families + 1, dtype=np.int64)
        for rows in self._rows:
            count_visits(rows, following)
        np.cumsum(following, out=following)
        columns: Any = (np.empty(int(following[-1]), dtype=kind) for kind in _KINDS)
        visits = Visits(*columns)
        for rows in self._rows:
            sort_visits(rows, following, visits)
        return visits
