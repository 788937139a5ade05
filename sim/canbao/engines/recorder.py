"""What an engine writes down while it runs, in compact arrays, and the trace that they become."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from canbao.arrays import AnyArray
from canbao.columns import Coded, Column, numbers_of
from canbao.plan import GatherStep, Plan, VisitStep
from canbao.trace import ENDINGS, INSIDE, MARKS, Table, Trace

__all__ = ["Recorder", "Stay", "Tally"]

_NOWHERE = "none"

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


class Tally(Protocol):
    """What a station knows of its servers at the end."""

    busy_s: float
    staffed_s: float
    starts: int


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
        """Give the tables, in an order that does not depend on the engine."""
        return Trace(self.plan.until, self._families(), self._visits(), self._stations(tallies))

    def _families(self) -> Table:
        plan = self.plan
        came = np.flatnonzero(~np.isnan(plan.arrival) & (plan.arrival < plan.until))
        channels, outcomes = (*plan.journeys, _NOWHERE), (*plan.outcomes, INSIDE)

        def coded(codes: array[int], labels: tuple[str, ...]) -> Column:
            numbers = np.frombuffer(codes, dtype=np.int16)[came]
            return Coded(np.where(numbers < 0, len(labels) - 1, numbers).astype(np.int16), labels)

        table: dict[str, Column] = {
            "family": came,
            "arrival": plan.arrival[came],
            "first_channel": coded(self.first_channel, channels),
            "last_channel": coded(self.last_channel, channels),
            "trips": np.frombuffer(self.trips, dtype=np.int64)[came],
            "effort_s": np.frombuffer(self.effort_s, dtype=np.float64)[came],
            "outcome": coded(self.outcome, outcomes),
        }
        moments = {name: np.frombuffer(mark)[came] for name, mark in zip(plan.marks, self.marks, strict=True)}
        table |= {name: moments.pop(name) for name in MARKS}
        table["finished"] = np.frombuffer(self.finished)[came]
        table |= moments
        for name, column in plan.columns.items():
            if not name.startswith("_"):
                table[name] = column.take(came) if isinstance(column, Coded) else numbers_of(column)[came]
        return table

    def _visits(self) -> Table:
        self._turn_page()
        columns = (_numbers(column, kind) for column, kind in zip(self._columns, _KINDS, strict=True))
        family, attempt, step, enter, start, leave, ended = columns
        # A family is at one place at a time, so that its visits were written down in their order.
        order = np.argsort(family, kind="stable")
        step = step[order]
        return {
            "family": family[order],
            "attempt": attempt[order],
            "station": Coded(_places(self.plan)[step], self.plan.places),
            "step": Coded(step, self.plan.step_names),
            "enter": enter[order],
            "start": start[order],
            "leave": leave[order],
            "ended": Coded(ended[order], ENDINGS),
        }

    def _stations(self, tallies: Sequence[Tally]) -> Table:
        plan = self.plan
        groups = tuple(dict.fromkeys(station.group for station in plan.stations))
        return {
            "station": Coded(np.arange(len(plan.stations)), tuple(station.name for station in plan.stations)),
            "group": Coded(
                np.array([groups.index(station.group) for station in plan.stations], dtype=np.int64), groups
            ),
            "busy_s": np.array([tally.busy_s for tally in tallies], dtype=np.float64),
            "staffed_s": np.array([tally.staffed_s for tally in tallies], dtype=np.float64),
            "starts": np.array([tally.starts for tally in tallies], dtype=np.int64),
        }


def _places(plan: Plan) -> NDArray[np.int16]:
    """Give the place of each step: a step visits one station or one batch, or none (-1)."""
    places = np.full(len(plan.steps), -1, dtype=np.int16)
    for index, step in enumerate(plan.steps):
        if isinstance(step, VisitStep):
            places[index] = step.station
        elif isinstance(step, GatherStep):
            places[index] = len(plan.stations) + step.batch
    return places


def _numbers(values: array[Any], kind: type[np.generic]) -> AnyArray:
    return np.frombuffer(values, dtype=kind) if len(values) else np.empty(0, dtype=kind)
