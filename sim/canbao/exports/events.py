"""The event log of a run, as process mining wants it: what happened to whom, when and where, one case a family.

A visit is one event, at the last moment that is known of it, so that the events that follow each other in a case are
the journey that was run. `lifecycle` says which moment it is, in the words of XES:

==========  ==================================================================================
schedule    it joined the queue and still stands there at the end of the horizon
start       its service began and is not over at the end of the horizon
complete    it was served and left
withdraw    it left without service: abandoned, baulked, full, closed or sent home
==========  ==================================================================================

With `every_moment`, a visit is as many events as moments are known of it: schedule, start, and complete or withdraw.
The visit's number in the table of visits (`instance`) holds them together.

A case begins with the event `arrival` and ends with its outcome, `enrolled` or another; a family that is still inside
at the end of the horizon has no such end.

The activity is the step of the journey. Stations that only record what happened, without any length, are activities
by their own names, whatever step led there: failures, fees, notices, and the intake of the review.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from canbao.arrays import AnyArray, BoolArray, FloatArray
from canbao.assembly.review import INTAKE
from canbao.columns import Coded, Column
from canbao.measures.records import RECORDS
from canbao.trace import FAMILY_COLUMNS, Trace

__all__ = ["ARRIVAL", "LIFECYCLE", "MOMENTS", "EventLog", "Events"]

ARRIVAL = "arrival"
"""The first activity of every case."""

LIFECYCLE = ("schedule", "start", "complete", "withdraw")
"""The transitions of the standard lifecycle model of XES that occur."""
_COMPLETE, _WITHDRAW = LIFECYCLE.index("complete"), LIFECYCLE.index("withdraw")

MOMENTS = ("enter", "start", "leave")
"""The moments of a visit: it joins the queue, its service begins, it leaves."""

_AT_ONCE = 5_000
"""Families whose events are in memory at the same time."""

_YUAN = "_yuan"


@dataclass(frozen=True, eq=False)
class Events:
    """Some events, by case and within a case in time: arrays, one value an event.

    Codes are indices into the labels of the `EventLog`, -1 for none; times are seconds, nan for none.
    """

    case: AnyArray
    """The row of the family in the table of families."""
    activity: AnyArray
    lifecycle: AnyArray
    time: FloatArray
    station: AnyArray
    attempt: AnyArray
    ended: AnyArray
    visit: AnyArray
    """The row of the visit in the table of visits."""
    moments: FloatArray
    """The `MOMENTS` of the visit, shape (events, 3)."""

    def __len__(self) -> int:
        return len(self.case)

    def take(self, order: AnyArray) -> Events:
        """Give the events in another order."""
        return Events(**{name: column[order] for name, column in vars(self).items()})


@dataclass(frozen=True, eq=False)
class EventLog:
    """An event log that is made piece by piece.

    Parameters
    ----------
    trace
        What happened. Visits stand by family and in time; families in the order of their numbers.
    start
        The first date of the horizon.
    every_moment
        Whether each known moment of a visit is an event, and not only the last.
    """

    trace: Trace
    start: dt.date
    every_moment: bool = False

    @cached_property
    def activities(self) -> tuple[str, ...]:
        """The labels of activities: steps, stations, outcomes, and the arrival; a word may stand there twice."""
        return (*self._words("step").labels, *self.stations, *self._outcome.labels, ARRIVAL)

    @cached_property
    def stations(self) -> tuple[str, ...]:
        """The labels of stations."""
        return self._words("station").labels

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """What each station belongs to; empty for a place without servers, where families or papers gather."""
        names: Any = self.trace.stations["station"]
        groups: Any = self.trace.stations["group"]
        known = dict(zip(names.words(), groups.words(), strict=True))
        return tuple(known.get(name, "") for name in self.stations)

    @cached_property
    def endings(self) -> tuple[str, ...]:
        """The labels of how visits end."""
        return self._words("ended").labels

    @cached_property
    def attributes(self) -> dict[str, Column]:
        """What is told of each case: every column of families that holds words, whole numbers, yes or no, or yuan."""
        columns = {name: column for name, column in self.trace.families.items() if name != "family"}
        return {name: column for name, column in columns.items() if _is_told(name, column)}

    @cached_property
    def rows(self) -> int:
        """How many events there are."""
        finished = int((~self._inside).sum())
        return len(self._inside) + finished + (int(self._known.sum()) if self.every_moment else len(self._known))

    def pieces(self, families: int = _AT_ONCE) -> Iterator[Events]:
        """Give the events of some families after the other, so many at once."""
        count = len(self._inside)
        edges = [*range(0, count, families), count]
        rows = np.searchsorted(self._owner, edges).tolist()
        for (first, after), (visit, last) in zip(pairwise(edges), pairwise(rows), strict=True):
            events = [self._arrivals(first, after), self._visits(visit, last), self._outcomes(first, after)]
            joined = Events(**{name: np.concatenate([getattr(e, name) for e in events]) for name in vars(events[0])})
            # Visits are in their order already, arrivals stand before and outcomes behind them.
            yield joined.take(np.argsort(joined.case, kind="stable"))

    # --- what the pieces are made of ---

    @cached_property
    def _owner(self) -> AnyArray:
        """The row of each visit's family."""
        return np.searchsorted(np.asarray(self.trace.families["family"]), np.asarray(self.trace.visits["family"]))

    @cached_property
    def _moments(self) -> FloatArray:
        return np.column_stack([np.asarray(self.trace.visits[name]) for name in MOMENTS])

    @cached_property
    def _known(self) -> BoolArray:
        """Which moments of each visit are known."""
        return ~np.isnan(self._moments)

    @cached_property
    def _outcome(self) -> Coded:
        outcome = self.trace.families["outcome"]
        assert isinstance(outcome, Coded)
        return outcome

    @cached_property
    def _inside(self) -> BoolArray:
        """Whether each family is still inside at the end of the horizon."""
        return np.isnan(np.asarray(self.trace.families["finished"], dtype=np.float64))

    @cached_property
    def _activity(self) -> AnyArray:
        """The code of each visit's activity."""
        steps, stations = self._words("step"), self._words("station")
        record = [group in RECORDS or name == INTAKE for name, group in zip(self.stations, self.groups, strict=True)]
        place = stations.codes.astype(np.int64)
        return np.where(np.asarray(record or [False])[place], len(steps.labels) + place, steps.codes)

    def _words(self, name: str) -> Coded:
        column = self.trace.visits[name]
        assert isinstance(column, Coded)
        return column

    def _arrivals(self, first: int, after: int) -> Events:
        time = np.asarray(self.trace.families["arrival"])[first:after]
        return _of_cases(np.arange(first, after), np.full(after - first, len(self.activities) - 1), time)

    def _outcomes(self, first: int, after: int) -> Events:
        case = np.arange(first, after)[~self._inside[first:after]]
        steps = len(self.activities) - 1 - len(self._outcome.labels)
        return _of_cases(case, steps + self._outcome.codes[case], np.asarray(self.trace.families["finished"])[case])

    def _visits(self, first: int, after: int) -> Events:
        moments, known = self._moments[first:after], self._known[first:after]
        if self.every_moment:
            row, moment = np.nonzero(known)  # row by row, so that they stay in time
        else:
            row, moment = np.arange(after - first), 2 - np.argmax(known[:, ::-1], axis=1)
        visit = first + row
        ended = self._words("ended").codes[visit].astype(np.int64)
        served = ended == self.endings.index("served")
        return Events(
            case=self._owner[visit],
            activity=self._activity[visit],
            lifecycle=np.where(moment < _COMPLETE, moment, np.where(served, _COMPLETE, _WITHDRAW)),
            time=moments[row, moment],
            station=self._words("station").codes[visit].astype(np.int64),
            attempt=np.asarray(self.trace.visits["attempt"])[visit],
            ended=ended,
            visit=visit,
            moments=moments[row],
        )


def _of_cases(case: AnyArray, activity: AnyArray, time: FloatArray) -> Events:
    """Give events that are no visits."""
    none = np.full(len(case), -1)
    nothing = np.full((len(case), 3), np.nan)
    return Events(case, activity, np.full(len(case), _COMPLETE), time, none, none, none, none, nothing)


def _is_told(name: str, column: Column) -> bool:
    if isinstance(column, Coded) or name.endswith(_YUAN):
        return True
    return column.dtype.kind in "iub" and (name not in FAMILY_COLUMNS or name == "trips")
