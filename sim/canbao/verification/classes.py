"""Cases with one server and several classes of customers: the formulas of Cobham and of Phipps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from canbao import theory
from canbao.arrivals import Poisson
from canbao.disciplines import Discipline
from canbao.distributions import Constant, Distribution, Exponential, Uniform
from canbao.network import Journey, Network, Station, Stream, Visit
from canbao.verification import stays
from canbao.verification.controls import inputs, one_line
from canbao.verification.peers import priority_peer
from canbao.verification.trials import Case, Quantity

__all__ = ["CASES"]

_CUSTOMERS = 4_000
"""How many come in a run, on average."""


@dataclass(frozen=True)
class _Class:
    """Customers of one kind; `mean` and `square` are the means of their service and of its square."""

    name: str
    rate: float
    service: Distribution
    mean: float
    square: float


def _case(  # noqa: PLR0913 - two kinds of cases in one
    name: str,
    source: str,
    discipline: Discipline,
    classes: Sequence[_Class],
    waits: Sequence[float],
    *,
    times: bool = False,
) -> Case:
    """Make a case from its classes, the first class first; with `times` the service counts too."""
    measure = stays.mean_time if times else stays.mean_wait
    what = "mean time in system" if times else "mean wait"
    rate = sum(one.rate for one in classes)
    network = Network(
        stations=[Station("desk", discipline=discipline)],
        journeys=[
            Journey(one.name, [Visit("desk", service=one.service, priority=place, luck=f"{name}: {one.name}")])
            for place, one in enumerate(classes)
        ],
        streams=[Stream(one.name, Poisson(one.rate), name=f"{name}: {one.name}") for one in classes],
    )
    return Case(
        name=name,
        source=source,
        network=network,
        until=_CUSTOMERS / rate,
        window=(400 / rate, (_CUSTOMERS - 400) / rate),
        quantities=tuple(
            Quantity(f"{what}, {one.name}", wait + times * one.mean, measure(f"{one.name}/desk"))
            for one, wait in zip(classes, waits, strict=True)
        ),
        runs=4,
        peer=priority_peer,
        controls=(inputs(network), one_line([(one.rate, one.mean, one.square) for one in classes])),
    )


def _by_priority(name: str, source: str, classes: Sequence[_Class], *, times: bool = False) -> Case:
    waits = theory.priority_waits(
        [one.rate for one in classes], [one.mean for one in classes], [one.square for one in classes]
    )
    return _case(name, source, "priority", classes, waits, times=times)


def _shortest_first(rate: float, services: Sequence[float], weights: Sequence[float]) -> Case:
    waits = theory.shortest_first_waits(rate, services, weights)
    classes = [
        _Class(name, rate * weight, Constant(service), service, service**2)
        for name, service, weight in zip(("short", "medium", "long"), services, weights, strict=True)
    ]
    return _case("M/G/1, shortest service first", "Phipps (1956), Operations Research 4", "shortest", classes, waits)


_COBHAM = "Cobham (1954), Operations Research 2"

CASES: tuple[Case, ...] = (
    _by_priority(
        "M/M/1, two priorities",
        f"{_COBHAM}; Ciw, tests",
        [_Class("first", 0.2, Exponential(1.0), 1.0, 2.0), _Class("second", 0.6, Exponential(1.0), 1.0, 2.0)],
        times=True,
    ),
    _by_priority(
        "M/G/1, three priorities",
        _COBHAM,
        [
            _Class("high", 0.2, Constant(0.5), 0.5, 0.25),
            _Class("middle", 0.25, Exponential(1.0), 1.0, 2.0),
            _Class("low", 0.3, Uniform(0.4, 1.2), 0.8, 0.8**2 + 0.8**2 / 12),
        ],
    ),
    _shortest_first(0.6, [0.5, 1.0, 3.0], [0.5, 0.3, 0.2]),
)
