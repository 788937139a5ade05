"""Make a plan: families and their columns, and everything else by its name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from canbao import network as words
from canbao.arrays import FloatArray
from canbao.columns import Coded, Column, numbers_of
from canbao.errors import NetworkError
from canbao.luck import Luck
from canbao.plan import Plan
from canbao.planning.names import Scope, numbered
from canbao.planning.places import plan_batch, plan_book, plan_station, visits_by_station
from canbao.planning.steps import resolve
from canbao.trace import FAMILY_COLUMNS

__all__ = ["make_plan"]


def make_plan(network: words.Network, *, until: float, seed: int) -> Plan:
    """Make a network concrete.

    Parameters
    ----------
    network
        Stations, journeys and streams.
    until
        The end of the horizon, in the network's unit of time.
    seed
        All luck follows from it.

    Raises
    ------
    NetworkError
        With all that does not fit together: names that lead nowhere, two of one name, columns of the wrong length.
    """
    if not 0 < until < math.inf:
        raise NetworkError(f"the horizon must end at a finite time > 0, given until={until}")
    luck = Luck(seed)
    faults: list[str] = []
    arrival, counts, columns = _families(network.streams, luck, until, faults)
    scope = Scope.of(network, columns, faults)
    steps = tuple(resolve(step, place, scope) for place, step in enumerate(scope.steps))
    first_step = np.concatenate(
        [
            np.full(count, scope.target(stream.journey, f"stream {stream.name!r}"))
            for stream, count in zip(network.streams, counts, strict=True)
        ]
        or [np.empty(0, dtype=np.int64)]
    )
    names = [journey.name for journey in network.journeys]
    visits = visits_by_station(steps)
    stations = tuple(
        plan_station(station, scope, visits.get(scope.stations[station.name], ())) for station in network.stations
    )
    batches = tuple(plan_batch(batch, scope) for batch in network.batches)
    books = tuple(plan_book(book, scope) for book in network.books)
    scope.raise_faults()
    return Plan(
        luck=luck,
        until=float(until),
        arrival=arrival,
        first_step=first_step.astype(np.int64),
        columns=columns,
        stations=stations,
        batches=batches,
        books=books,
        calendars=tuple(network.calendars.values()),
        steps=steps,
        step_names=tuple(scope.names),
        journey_of=tuple(scope.journey_of),
        journeys=tuple(names),
        channels=tuple(journey.channel for journey in network.journeys),
        outcomes=tuple(scope.outcomes),
        marks=tuple(scope.marks),
    )


def _families(
    streams: Sequence[words.Stream], luck: Luck, until: float, faults: list[str]
) -> tuple[FloatArray, list[int], dict[str, Column]]:
    """Give arrival times, the count of each stream, and the columns, families numbered stream by stream."""
    # Luck goes by names: two streams of one name would come at the very same moments.
    numbered("stream", (stream.name for stream in streams), faults)
    times = [np.asarray(s.arrivals.times(luck, f"{s.name}:arrival", until), dtype=np.float64) for s in streams]
    counts = [len(t) for t in times]
    known = {name: None for stream in streams for name in stream.columns}
    columns = {name: _column(name, streams, counts, luck, faults) for name in known}
    return np.concatenate(times or [np.empty(0)]), counts, columns


def _column(name: str, streams: Sequence[words.Stream], counts: Sequence[int], luck: Luck, faults: list[str]) -> Column:
    """Give one column of all streams; zeros where it cannot be made, behind a fault that says why."""
    if name in FAMILY_COLUMNS:
        faults.append(f"no column can be named {name!r}: the trace has one of that name; give it another")
    parts: list[Column] = []
    for stream, count in zip(streams, counts, strict=True):
        given: Any = stream.columns.get(name)
        if given is None:
            faults.append(
                f"column {name!r} is missing from stream {stream.name!r}; every stream needs the same columns"
            )
            given = np.zeros(count)
        elif hasattr(given, "ppf"):
            given = given.ppf(luck.uniforms(f"{stream.name}:{name}", count))
        if len(given) != count:
            faults.append(f"column {name!r} of stream {stream.name!r} has {len(given)} values for {count} families")
            given = np.zeros(count)
        parts.append(given if isinstance(given, Coded) else np.asarray(given))
    if len({isinstance(part, Coded) for part in parts}) > 1:
        faults.append(f"column {name!r} holds words in one stream and numbers in another")
    return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: Sequence[Column]) -> Column:
    """Put the parts of a column one behind the other; words keep their meaning, whatever their numbers were."""
    labels = tuple(dict.fromkeys(label for part in parts if isinstance(part, Coded) for label in part.labels))
    if not all(isinstance(part, Coded) for part in parts):
        return np.concatenate([numbers_of(part) for part in parts])
    codes = [
        np.array([labels.index(label) for label in part.labels], dtype=np.int64)[part.codes]
        for part in parts
        if isinstance(part, Coded)
    ]
    return Coded(np.concatenate(codes), labels)
