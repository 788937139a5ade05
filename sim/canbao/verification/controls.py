"""Control variates: numbers of a plan's luck alone whose expectation is known, each as a share of that expectation.

Where luck sent more families than expected, or slower ones, every queue is longer. What a run measures is corrected by
what its luck is known to have been (Lavenberg and Welch (1981), Management Science 27). No engine and no peer has a
part in them. `verify` holds each against its expectation too, so that luck which is not as it should be does not pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from canbao.arrays import FloatArray
from canbao.arrivals import Poisson
from canbao.distributions import Constant
from canbao.network import Network
from canbao.plan import Draw, Plan, VisitStep
from canbao.schedule import Schedule
from canbao.theory import pollaczek_khinchine
from canbao.verification.stays import Stays, Window, share_at_least

__all__ = ["Controls", "bracket", "inputs", "one_line"]

Controls = Callable[[Plan, Window], dict[str, float]]
"""Gives some numbers of a plan, by name; each has the expectation 1."""


def inputs(network: Network) -> Controls:
    """Look at how many come in the window with each stream of Poisson arrivals, and at how long their services are."""
    streams = [(s.journey, _rate(s.arrivals)) for s in network.streams if isinstance(s.arrivals, Poisson)]

    def look(plan: Plan, window: Window) -> dict[str, float]:
        inside = (plan.arrival >= window[0]) & (plan.arrival < window[1])
        journey_of, found = np.asarray(plan.journey_of), {}
        for journey, rate in streams:
            number, expected = plan.journeys.index(journey), rate.integral(*window)
            here = inside & (journey_of[plan.first_step] == number)
            found[f"{journey}: families"] = here.sum() / expected
            # A sum over as many as come, of what is 0 on average for each: its expectation is 0 (Wald).
            for step in plan.steps:
                if isinstance(step, VisitStep) and journey_of[step.index] == number and _varies(step.service):
                    found[f"{plan.step_names[step.index]}: service"] = 1.0 + _longer(plan, step, here) / expected
        return found

    return look


def _rate(arrivals: Poisson) -> Schedule:
    return arrivals.rate if isinstance(arrivals.rate, Schedule) else Schedule.constant(arrivals.rate)


def _varies(draw: Draw) -> bool:
    return draw.distribution is not None and not isinstance(draw.distribution, Constant)


def _longer(plan: Plan, step: VisitStep, here: FloatArray) -> float:
    """Give by how many mean services the services of some families are longer than on average."""
    mean = step.service.distribution.mean  # type: ignore[union-attr]
    return float((step.service.values(plan.luck, plan.families)[here] / mean - 1.0).sum())


def bracket(rate: float, mean: float, servers: int) -> Controls:
    """Look at the same families at two simpler stations, for one with some servers and exponential services.

    One has a single server, as fast as all together (left out where it could not keep up): its mean wait is that of
    Pollaczek and Khinchine. The other has endless servers: how many are inside is Poisson (Erlang (1917)).
    """
    load = rate * mean
    tails = {number: _poisson_tail(number, load) for number in (servers, servers + 2, servers + 4)}
    tails = {number: tail for number, tail in tails.items() if 0.001 < tail < 0.999}

    def look(plan: Plan, window: Window) -> dict[str, float]:
        step = next(step for step in plan.steps if isinstance(step, VisitStep))
        arrival, service = plan.arrival, step.service.values(plan.luck, plan.families)
        stays = {"": Stays(arrival, arrival, arrival + service)}
        found = {
            f"P(N >= {number}) of endless servers": share_at_least("", number)(stays, window) / tail
            for number, tail in tails.items()
        }
        if load < servers:
            wait = pollaczek_khinchine(rate, mean / servers, 1.0)
            found["wait for one fast server"] = _fast_wait(arrival, service / servers, window) / wait
        return found

    return look


def _poisson_tail(number: int, mean: float) -> float:
    return 1.0 - math.exp(-mean) * math.fsum(mean**n / math.factorial(n) for n in range(number))


def one_line(classes: Sequence[tuple[float, float, float]]) -> Controls:
    """Look at the mean wait if all classes stood in one line at one server, first come, first served.

    Each class is a rate, the mean of its service and of its square; the wait is Pollaczek and Khinchine's.
    """
    rate = math.fsum(one for one, _, _ in classes)
    mean = math.fsum(one * mean for one, mean, _ in classes) / rate
    square = math.fsum(one * square for one, _, square in classes) / rate
    wait = pollaczek_khinchine(rate, mean, math.sqrt(square / mean**2 - 1.0))

    def look(plan: Plan, window: Window) -> dict[str, float]:
        service = np.zeros(plan.families)
        for step in plan.steps:
            if isinstance(step, VisitStep):
                here = plan.first_step == step.index
                service[here] = step.service.values(plan.luck, plan.families)[here]
        order = np.argsort(plan.arrival)
        return {"wait in one line": _fast_wait(plan.arrival[order], service[order], window) / wait}

    return look


def _fast_wait(arrival: FloatArray, service: FloatArray, window: Window) -> float:
    """Give the mean wait for one server: how far the work that came is ahead of the clock; Lindley (1952)."""
    behind = arrival - (np.cumsum(service) - service)
    waits = np.maximum.accumulate(behind) - behind
    return float(waits[(arrival >= window[0]) & (arrival < window[1])].mean())
