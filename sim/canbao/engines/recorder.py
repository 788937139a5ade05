"""What the SimPy engine writes down while it runs, in compact arrays."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from canbao.arrays import AnyArray
from canbao.engines.tracing import Fates, Tally, Visits, make_trace
from canbao.plan import Plan
from canbao.trace import Trace

__all__ = ["Recorder", "Stay"]

_PAGE = 512
"""Visits that are kept as rows before they become columns."""

_KINDS: tuple[type[np.generic], ...] = (np.int64, np.int64, np.int32, np.float64, np.float64, np.float64, np.int8)


class Stay(Protocol):
    """What is known of a visit when it ends."""

    family: int
    attempt: int
    step: int
    enter: float
    start: float


class Recorder:
    """Collects visits and the fate of each family."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        count = plan.families
        self.first_channel = array("h", [-1]) * count
        self.last_channel = array("h", [-1]) * count
        self.trips = array("q", [0]) * count
        self.effort_s = array("d", [0.0]) * count
        self.outcome = array("h", [-1]) * count
        self.marks = [array("d", [math.nan]) * count for _ in plan.marks]
        self.finished = array("d", [math.nan]) * count
        self._rows: list[tuple[int, int, int, float, float, float, int]] = []
        self._columns = tuple(array(kind) for kind in "qqidddb")
        """Family, attempt, step, enter, start, leave, ended."""

    def visit(self, stay: Stay, leave: float, ended: int) -> None:
        """Write down a visit that is over, or still going on at the end (`leave` is nan)."""
        # One list first, columns later: to append to seven arrays took seven times as long.
        self._rows.append((stay.family, stay.attempt, stay.step, stay.enter, stay.start, leave, ended))
        if len(self._rows) == _PAGE:
            self._turn_page()

    def _turn_page(self) -> None:
        """Move the rows into columns, which take a fifth of the memory."""
        for column, values in zip(self._columns, zip(*self._rows, strict=True), strict=False):
            column.extend(values)
        self._rows.clear()

    def trace(self, tallies: Sequence[Tally]) -> Trace:
        """Give the tables."""
        return make_trace(self.plan, self._fates(), self._visits(), tallies)

    def _fates(self) -> Fates:
        came = np.flatnonzero(~np.isnan(self.plan.arrival) & (self.plan.arrival < self.plan.until))
        marks = [np.frombuffer(mark)[came] for mark in self.marks]
        return Fates(
            came,
            np.frombuffer(self.first_channel, dtype=np.int16)[came],
            np.frombuffer(self.last_channel, dtype=np.int16)[came],
            np.frombuffer(self.trips, dtype=np.int64)[came],
            np.frombuffer(self.effort_s, dtype=np.float64)[came],
            np.frombuffer(self.outcome, dtype=np.int16)[came],
            np.frombuffer(self.finished)[came],
            np.stack(marks),
        )

    def _visits(self) -> Visits:
        self._turn_page()
        columns = [_numbers(column, kind) for column, kind in zip(self._columns, _KINDS, strict=True)]
        # A family is at one place at a time, so that its visits were written down in their order.
        order = np.argsort(columns[0], kind="stable")
        return Visits(*(column[order] for column in columns))


def _numbers(values: array[Any], kind: type[np.generic]) -> AnyArray:
    return np.frombuffer(values, dtype=kind) if len(values) else np.empty(0, dtype=kind)
