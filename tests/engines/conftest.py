"""Tools for tests of engines: run a network, and read its visits as plain tuples."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import canbao
from canbao.trace import Trace

Visit = tuple[int, str, float, float | None, float | None, str]
"""Family, station, enter, start, leave, how it ended; None for what did not happen."""
VisitsOf = Callable[[Trace], list[Visit]]
Office = Callable[..., Trace]


@pytest.fixture
def visits_of() -> VisitsOf:
    """Give a function that lists the visits of a trace."""

    def moment(value: float) -> float | None:
        return None if math.isnan(value) else float(value)

    def visits(trace: Trace) -> list[Visit]:
        table: Any = trace.visits
        rows = zip(
            table["family"],
            table["station"].words(),
            table["enter"],
            table["start"],
            table["leave"],
            table["ended"].words(),
            strict=True,
        )
        return [(int(f), s, float(e), moment(b), moment(g), w) for f, s, e, b, g, w in rows]

    return visits


@pytest.fixture(params=["simpy", "compiled"])
def office(request: pytest.FixtureRequest) -> Office:
    """Give a function that runs one station, `desk`, with families at given times, on either engine."""

    def run(
        arrivals: Sequence[float], service: Any, *, until: float = 1000.0, visit: Any = None, **station: Any
    ) -> Trace:
        step = canbao.Visit("desk", service=service, **(visit or {}))
        network = canbao.Network(
            stations=[canbao.Station("desk", **station)],
            journeys=[canbao.Journey("office", [step])],
            streams=[canbao.Stream("office", canbao.At(arrivals), columns={})],
        )
        return canbao.simulate(network, until=until, engine=request.param)

    return run
