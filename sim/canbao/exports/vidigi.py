"""The event log in the form of vidigi, which animates queues (https://github.com/hsma-tools/vidigi).

A visit to a station with servers is up to three events: it waits, a server serves it, it leaves. A visit to a place
without servers that can be counted, or with a service that takes no time, is one event. Visits without any length are
left out: no picture could show them. Between two visits a family is `BETWEEN`, at home or on its way.

Each server has a number, so that it is drawn at one place: see `canbao.exports.servers`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from canbao.arrays import AnyArray, BoolArray, FloatArray
from canbao.columns import Coded
from canbao.exports.servers import server_numbers
from canbao.exports.spelling import looked_up
from canbao.trace import Trace

__all__ = ["ARRIVES", "BETWEEN", "DEPARTS", "HEADER", "INSIDE", "SERVED", "WAITS", "AnimationLog"]

HEADER = ("entity_id", "pathway", "event_type", "event", "time", "resource_id", "run_number")
"""The columns: whole numbers, words, and minutes since the first midnight of the horizon."""

ARRIVES, DEPARTS, BETWEEN = "arrival", "depart", "between visits"
WAITS, SERVED, LEAVES, INSIDE = "{}: waiting", "{}: in service", "{}: left", "{}: inside"
"""Events at a station; `INSIDE` at a place without servers."""

_END, _ARRIVAL, _AWAY, _QUEUE, _SERVICE, _DEPART = range(6)
"""Kinds of events, in the order in which they happen at the same moment."""
_TYPES = ("resource_use_end", "arrival_departure", "queue", "queue", "resource_use", "arrival_departure")

_MINUTE_S = 60.0
_AT_ONCE = 100_000
"""Rows that are text at the same time."""


@dataclass(frozen=True, eq=False)
class _Visits:
    """Visits that last: arrays, one value a visit, by family and in time."""

    family: AnyArray
    """The row in the table of families."""
    station: AnyArray
    enter: FloatArray
    start: FloatArray
    leave: FloatArray

    def take(self, index: AnyArray) -> _Visits:
        return _Visits(*(column[index] for column in vars(self).values()))


@dataclass(frozen=True, eq=False)
class _Rows:
    """Events: arrays, one value an event."""

    family: AnyArray
    kind: AnyArray
    station: AnyArray
    """Its code, -1 for none."""
    time: FloatArray
    server: AnyArray
    """Its number, 0 for none."""


@dataclass(frozen=True, eq=False)
class AnimationLog:
    """An event log for vidigi.

    Parameters
    ----------
    trace
        What happened. Visits stand by family and in time; families in the order of their numbers.
    run_number
        Tells runs apart that somebody puts into one table, such as the seed.
    """

    trace: Trace
    run_number: int = 1

    def __len__(self) -> int:
        return len(self._rows.time)

    def lines(self) -> Iterator[list[tuple[Any, ...]]]:
        """Give the rows under the `HEADER`, by time, some at once."""
        families, all_rows = np.asarray(self.trace.families["family"]), self._rows
        pathway: Any = self.trace.families["first_channel"]
        types, pathways, events = looked_up(_TYPES), looked_up(pathway.labels), self._events
        for first in range(0, len(self), _AT_ONCE):
            rows = _Rows(*(column[first : first + _AT_ONCE] for column in vars(all_rows).values()))
            columns = (
                families[rows.family].tolist(),
                pathways[pathway.codes[rows.family]].tolist(),
                types[rows.kind].tolist(),
                events[rows.kind, rows.station].tolist(),
                np.round(rows.time / _MINUTE_S, 4).tolist(),
                [number or "" for number in rows.server.tolist()],
                [self.run_number] * len(rows.time),
            )
            yield list(zip(*columns, strict=True))

    @cached_property
    def places(self) -> dict[str, int | None]:
        """The places where somebody stays for a while, with the servers that are drawn there.

        They stand in the order of the table of stations. A station has as many servers as were ever at work at the
        same time; None stands for a place whose servers cannot be counted.
        """
        most = np.zeros(len(self._station.labels) + 1, dtype=np.int64)  # one more for -1, no station
        np.maximum.at(most, self._rows.station, self._rows.server)
        names: Any = self.trace.stations["station"]
        there = {self._station.labels[code] for code in np.unique(self._visits.station).tolist()}
        counts = [count if limited else None for count, limited in zip(most.tolist(), self._limited, strict=False)]
        drawn = dict(zip(self._station.labels, counts, strict=True))
        return {name: drawn[name] for name in dict.fromkeys((*names.words(), *drawn)) if name in there}

    # --- what the rows are made of ---

    @property
    def _station(self) -> Coded:
        station = self.trace.visits["station"]
        assert isinstance(station, Coded)
        return station

    @cached_property
    def _limited(self) -> BoolArray:
        """Whether each station, by its code, has servers that can be counted."""
        names: Any = self.trace.stations["station"]
        staffed = np.asarray(self.trace.stations["staffed_s"], dtype=np.float64)
        known = dict(zip(names.words(), (np.isfinite(staffed) & (staffed > 0)).tolist(), strict=True))
        return np.array([known.get(name, False) for name in self._station.labels], dtype=np.bool_)

    @cached_property
    def _events(self) -> AnyArray:
        """The name of an event by its kind and station."""
        forms = (LEAVES, ARRIVES, BETWEEN, WAITS, SERVED, DEPARTS)
        table = np.empty((len(forms), len(self._limited) + 1), dtype=object)  # one more for -1, no station
        for kind, form in enumerate(forms):
            table[kind] = [form.format(name) for name in (*self._station.labels, "")]
        for code in np.flatnonzero(~self._limited).tolist():
            table[_QUEUE, code] = INSIDE.format(self._station.labels[code])
        return table

    @cached_property
    def _visits(self) -> _Visits:
        table = self.trace.visits
        owner = np.searchsorted(np.asarray(self.trace.families["family"]), np.asarray(table["family"]))
        enter, start, leave = (np.asarray(table[name], dtype=np.float64) for name in ("enter", "start", "leave"))
        visits = _Visits(owner, self._station.codes.astype(np.int64), enter, start, leave)
        return visits.take(np.flatnonzero(np.isnan(leave) | (leave > enter)))

    @cached_property
    def _rows(self) -> _Rows:
        visits = self._visits
        takes_time = ~np.isnan(visits.start) & (np.isnan(visits.leave) | (visits.leave > visits.start))
        served = visits.take(np.flatnonzero(takes_time & self._limited[visits.station]))
        number = server_numbers(served.station, served.start, served.leave)
        over = ~np.isnan(served.leave)
        parts = [
            _rows(_QUEUE, visits.family, visits.enter, visits.station),
            _rows(_SERVICE, served.family, served.start, served.station, number),
            _rows(_END, served.family[over], served.leave[over], served.station[over], number[over]),
            *self._coming_and_going(),
        ]
        columns = [np.concatenate(column) for column in zip(*(vars(part).values() for part in parts), strict=True)]
        found = _Rows(*columns)
        order = np.lexsort((found.kind, found.time))
        return _Rows(*(column[order] for column in columns))

    def _coming_and_going(self) -> Iterator[_Rows]:
        """Give arrivals, departures, and the time between visits."""
        visits = self._visits
        arrival, finished = (np.asarray(self.trace.families[name], np.float64) for name in ("arrival", "finished"))
        everybody, left = np.arange(len(arrival)), np.flatnonzero(~np.isnan(finished))
        yield _rows(_ARRIVAL, everybody, arrival)
        yield _rows(_DEPART, left, finished[left])
        # A family is free when it comes and after each visit, until the next visit or the end.
        first, after = (np.searchsorted(visits.family, everybody, side) for side in ("left", "right"))
        who = np.insert(visits.family, first, everybody)
        free, until = np.insert(visits.leave, first, arrival), np.insert(visits.enter, after, finished)
        away = ~np.isnan(free) & ~(until <= free)  # nan: it is free to the end of the horizon
        yield _rows(_AWAY, who[away], free[away])


def _rows(
    kind: int, family: AnyArray, time: FloatArray, station: AnyArray | None = None, server: AnyArray | None = None
) -> _Rows:
    count = len(family)
    where = np.full(count, -1) if station is None else station
    return _Rows(family, np.full(count, kind), where, time, np.zeros(count, np.int64) if server is None else server)
