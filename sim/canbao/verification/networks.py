"""Cases with several stations: stations in a row, blocking, loops, and a clinic with everything at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from canbao import theory
from canbao.arrivals import At, Poisson
from canbao.columns import Coded
from canbao.distributions import Distribution, Exponential, Lognormal, Triangular, Uniform
from canbao.network import Check, Choose, Delay, End, Go, Journey, Network, Option, Station, Step, Stream, Visit
from canbao.trace import Trace
from canbao.verification import stays
from canbao.verification.controls import inputs
from canbao.verification.peers import blocked_peer, fifo_peer
from canbao.verification.stays import FAMILIES, Measure, Stays, StaysByName, Window
from canbao.verification.trials import Case, Quantity

__all__ = ["CASES"]

_KSL = "Rossetti, Simulation Modeling using the Kotlin Simulation Library"


def _tandem() -> Case:
    name, rate, means, customers = "M/M/1 → M/M/1", 0.5, (0.7, 0.9), 10_000
    first, second = (theory.mmc(rate, mean, 1).wait for mean in means)
    measures = (stays.mean_wait("line/first"), stays.mean_wait("line/second"), stays.mean_time(FAMILIES))
    names = ("mean wait, first", "mean wait, second", "mean time in both")
    exact = (first, second, first + second + sum(means))
    published = ((0.379, 0.008), (0.741, 0.014), (2.723, 0.020))
    steps = [
        Visit(station, service=Exponential(mean), luck=f"{name}: {station}")
        for station, mean in zip(("first", "second"), means, strict=True)
    ]
    network = Network(
        stations=[Station("first"), Station("second")],
        journeys=[Journey("line", steps)],
        streams=[Stream("line", Poisson(rate), name=name)],
    )
    return Case(
        name=name,
        source=f"Burke (1956), Operations Research 4; {_KSL}",
        network=network,
        until=customers / rate,
        window=(300 / rate, (customers - 300) / rate),
        quantities=(
            *(Quantity(*row) for row in zip(names, exact, measures, strict=True)),
            *(
                Quantity(what, value, measure, "published", half_width)
                for what, (value, half_width), measure in zip(names, published, measures, strict=True)
            ),
        ),
        runs=2,
        peer=fifo_peer,
        controls=(inputs(network),),
    )


def _blocked() -> Case:
    """Let a queue that never empties stand before two stations without room between them."""
    name, customers = "two stations without room between them", 10_000
    rates = {"first": 1.0, "second": 1.0}
    throughput = theory.blocked_tandem_throughput(*rates.values())
    visits = [Visit(key, service=Exponential(1.0 / rate), luck=f"{name}: {key}") for key, rate in rates.items()]
    until = 0.95 * customers / throughput
    return Case(
        name=name,
        source="Hunt (1956), Operations Research 4",
        network=Network(
            stations=[Station("first"), Station("second", room=1, when_full="block")],
            journeys=[Journey("line", visits)],
            streams=[Stream("line", At(np.zeros(customers)), name=name)],
        ),
        until=until,
        window=(100.0, until),
        quantities=(Quantity("throughput", throughput, stays.leaving_rate("line/second")),),
        runs=2,
        peer=blocked_peer,
    )


def _finite_source() -> Case:
    name, machines, mean_up, mean_repair, repairers = "machines and repairers, G/M/2//8", 8, 10.0, 3.0, 2
    state = theory.finite_source(machines, mean_up, mean_repair, repairers)
    failures = (machines - state.number) / mean_up
    luck = f"{name}: "
    steps: list[Step] = [
        Delay(Uniform(0.5 * mean_up, 1.5 * mean_up), name=f"{luck}up"),
        Visit("repair", service=Exponential(mean_repair), luck=f"{luck}repair"),
        Go(f"{luck}up"),
    ]
    return Case(
        name=name,
        source="Kleinrock, Queueing Systems I, 3.8; for any time up: Baskett, Chandy, Muntz and Palacios (1975)",
        network=Network(
            stations=[Station("repair", servers=repairers)],
            journeys=[Journey("machine", steps)],
            streams=[Stream("machine", At(np.zeros(machines)), name=name)],
        ),
        until=5000.0,
        window=(100.0, 5000.0),
        quantities=(
            Quantity("failures", failures, stays.leaving_rate("machine/repair")),
            Quantity("occupancy", state.occupancy, stays.occupancy("machine/repair", repairers)),
        ),
        runs=10,
    )


def _rework() -> Case:
    """Send three in ten back from the second station to the first."""
    name, rate, passed, means = "two stations and rework", 0.3, 0.7, (1.4, 1.05)
    tries = theory.visits_until_passed(passed)
    loads = [rate * tries * mean for mean in means]
    somebody = 1.0 - math.prod(1.0 - load for load in loads)
    steps: list[Step] = [
        Visit("entry", service=Exponential(means[0]), luck=f"{name}: entry"),
        Visit("review", service=Exponential(means[1]), luck=f"{name}: review"),
        Check(passed, failed="entry", luck=f"{name}: check"),
    ]
    network = Network(
        stations=[Station("entry"), Station("review")],
        journeys=[Journey("paper", steps)],
        streams=[Stream("paper", Poisson(rate), name=name)],
    )
    return Case(
        name=name,
        source="Jackson (1957), Operations Research 5",
        network=network,
        until=5_000.0,
        window=(200.0, 4_900.0),
        quantities=(
            Quantity("reviews for each paper", tries, stays.visits_for_each("paper/review")),
            Quantity("P(somebody inside)", somebody, stays.share_at_least(FAMILIES, 1)),
        ),
        runs=20,
        controls=(inputs(network),),
    )


# --- the clinic -------------------------------------------------------------------------------------------------------

_DAY_MIN = 600.0
_BAULK_AT = 10


def _clinic() -> Case:
    """Make one day at a walk-in clinic, in minutes: triage by a nurse, then a doctor, by urgency.

    Who is of low urgency turns round at the door when ten or more wait for a doctor, and gives up after 10 to 20
    minutes of waiting for one.
    """
    name = "a walk-in clinic"
    kinds: dict[str, tuple[float, Distribution]] = {
        "high": (0.25, Lognormal(38.0, 8.0 / 38.0)),
        "medium": (0.60, Triangular(16.0, 22.0, 28.0)),
        "low": (0.15, Lognormal(12.0, 2.0 / 12.0)),
    }
    return Case(
        name=name,
        source=f"{_KSL}, chapter 7",
        network=Network(
            stations=[Station("triage"), Station("doctors", servers=5, discipline="priority")],
            journeys=[_patient(kind, place, service) for place, (kind, (_, service)) in enumerate(kinds.items())],
            streams=[Stream(kind, Poisson(share / 6.0), name=f"{name}: {kind}") for kind, (share, _) in kinds.items()],
        ),
        until=_DAY_MIN,
        window=(0.0, _DAY_MIN),
        quantities=(
            Quantity("time in system, high", 43.77, _mean_time_of_served("high"), "published", 0.85),
            Quantity("time in system, medium", 31.47, _mean_time_of_served("medium"), "published", 1.63),
            Quantity("time in system, low", 17.19, _mean_time_of_served("low"), "published", 0.65),
            Quantity("P(low gives up)", 0.293, _share_given_up("low"), "published", 0.075),
        ),
        runs=150,
        watch=_patients,
    )


def _patient(kind: str, place: int, service: Distribution) -> Journey:
    low = kind == "low"
    door = Choose([Option("triage"), Option("turned round")], rule=_crowded, name="door")
    return Journey(
        kind,
        [
            *([door] if low else []),
            Visit("triage", service=Uniform(2.0, 3.0), name="triage"),
            Visit("doctors", service=service, priority=place, patience=Uniform(10.0, 20.0) if low else math.inf),
            End("served"),
            End("baulked", name="turned round"),
        ],
    )


def _crowded(options: Sequence[Any], state: Mapping[str, Any]) -> int:
    """Take the second way when many wait for a doctor."""
    return int(state["doctors"]["waiting"] >= _BAULK_AT)


def _patients(trace: Trace) -> StaysByName:
    """Give the time of each kind of patient in the clinic, and apart those who gave up."""
    families = trace.families
    kind, outcome, arrival = families["first_channel"], families["outcome"], np.asarray(families["arrival"])
    assert isinstance(kind, Coded)
    assert isinstance(outcome, Coded)
    served, found = outcome.has("served"), {}
    for name in ("high", "medium", "low"):
        here = kind.has(name) & (served | outcome.has("abandoned"))
        start = np.where(served, arrival, math.nan)[here]
        found[name] = Stays(arrival[here], start, np.asarray(families["finished"])[here])
    return found


def _mean_time_of_served(name: str) -> Measure:
    def measure(found: StaysByName, _: Window) -> float:
        here, served = found[name], ~np.isnan(found[name].start)
        return float((here.leave - here.enter)[served].mean()) if served.any() else math.nan

    return measure


def _share_given_up(name: str) -> Measure:
    return lambda found, _: float(np.isnan(found[name].start).mean()) if len(found[name].start) else math.nan


CASES: tuple[Case, ...] = (_tandem(), _blocked(), _finite_source(), _rework(), _clinic())
