"""Closed formulas of queueing theory, each with its source, to hold engines against.

Rates are families a unit of time; times are in that unit. Nothing here simulates, and nothing here knows an engine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from canbao.arrays import FloatArray
from canbao.errors import InputError

__all__ = [
    "SteadyState",
    "birth_death",
    "blocked_tandem_throughput",
    "erlang_a",
    "erlang_b",
    "erlang_b_servers",
    "erlang_c",
    "finite_source",
    "gathering_wait",
    "infinite_servers",
    "mm1_time_tail",
    "mmc",
    "mmc_at_least",
    "mmc_wait_within",
    "mmck",
    "pollaczek_khinchine",
    "priority_waits",
    "shortest_first_waits",
    "visits_until_passed",
]

_NEGLIGIBLE = 1e-18
"""States less likely than this are left out of a sum without an end."""


@dataclass(frozen=True)
class SteadyState:
    """What a waiting line is like in the long run."""

    p_wait: float
    """The share of those who come that find no free server (they wait, give up or are lost)."""
    p_lost: float
    """The share that is never served: given up or turned away."""
    wait: float
    """Mean wait of all who are let in, those who give up included."""
    queue: float
    """Mean number waiting."""
    number: float
    """Mean number inside."""
    occupancy: float
    """Mean share of the servers that is busy."""


def _need(fits: bool, what: str) -> None:
    if not fits:
        raise InputError(what)


def birth_death(births: Sequence[float], deaths: Sequence[float]) -> FloatArray:
    """Give the long-run probabilities of a birth-and-death process, shape (len(births) + 1,).

    `births[n]` leads from n to n + 1, `deaths[n]` back. Balance across each cut: Kleinrock, Queueing Systems I, 3.1.
    """
    log_ratios = np.log(np.asarray(births, dtype=np.float64)) - np.log(np.asarray(deaths, dtype=np.float64))
    logs = np.concatenate([[0.0], np.cumsum(log_ratios)])
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


# --- Erlang's three formulas ------------------------------------------------------------------------------------------


def erlang_b(servers: int, load: float) -> float:
    """Give the share lost in M/G/c/c with offered load `load`; recursion of Jagerman (1974), Bell Syst. Tech. J. 53."""
    _need(servers >= 0 and load > 0, f"Erlang B needs servers >= 0 and load > 0, given {servers} and {load}")
    inverse = 1.0
    for n in range(1, servers + 1):
        inverse = 1.0 + inverse * n / load
    return 1.0 / inverse


def erlang_b_servers(load: float, most_lost: float) -> int:
    """Give the smallest number of servers that loses no more than a share `most_lost`."""
    _need(0 < most_lost <= 1, f"a share must lie in (0, 1], given {most_lost}")
    servers = 0
    while erlang_b(servers, load) > most_lost:
        servers += 1
    return servers


def erlang_c(servers: int, load: float) -> float:
    """Give the share that waits in M/M/c with offered load `load` < servers; Erlang (1917), from Erlang B."""
    _need(0 < load < servers, f"Erlang C needs 0 < load < servers, given {load} and {servers}")
    lost = erlang_b(servers, load)
    return servers * lost / (servers - load * (1.0 - lost))


def mmc(arrival_rate: float, mean_service: float, servers: int) -> SteadyState:
    """Give the steady state of M/M/c; Gross and Harris, Fundamentals of Queueing Theory, 2.3."""
    load = arrival_rate * mean_service
    p_wait = erlang_c(servers, load)
    wait = p_wait * mean_service / (servers - load)
    queue = arrival_rate * wait
    return SteadyState(p_wait, 0.0, wait, queue, queue + load, load / servers)


def mmc_wait_within(limit: float, arrival_rate: float, mean_service: float, servers: int) -> float:
    """Give the share that waits no longer than `limit` in M/M/c, first come, first served; Gross and Harris, 2.3."""
    load = arrival_rate * mean_service
    return 1.0 - erlang_c(servers, load) * math.exp(-(servers - load) * limit / mean_service)


def mmc_at_least(number: int, arrival_rate: float, mean_service: float, servers: int) -> float:
    """Give the share of time with at least `number` inside M/M/c; balance across each cut."""
    load = arrival_rate * mean_service
    if number >= servers:
        return erlang_c(servers, load) * (load / servers) ** (number - servers)
    empty = _mmc_empty(load, servers)
    return 1.0 - empty * math.fsum(load**n / math.factorial(n) for n in range(number))


def _mmc_empty(load: float, servers: int) -> float:
    below = math.fsum(load**n / math.factorial(n) for n in range(servers))
    return 1.0 / (below + load**servers / math.factorial(servers) / (1.0 - load / servers))


def mm1_time_tail(limit: float, arrival_rate: float, mean_service: float) -> float:
    """Give the share whose time in M/M/1, FIFO, is longer than `limit`: exp(-(µ - λ) t); Kleinrock I, 5.7."""
    return math.exp(-(1.0 / mean_service - arrival_rate) * limit)


def mmck(arrival_rate: float, mean_service: float, servers: int, room: int) -> SteadyState:
    """Give the steady state of M/M/c with room for `room` inside, service included; Gross and Harris, 2.5."""
    deaths = [min(n, servers) / mean_service for n in range(1, room + 1)]
    state = birth_death([arrival_rate] * room, deaths)
    p_lost, let_in = float(state[room]), arrival_rate * (1.0 - float(state[room]))
    queue, number = _queue_and_number(state, servers)
    p_wait = float(state[servers:].sum())
    return SteadyState(p_wait, p_lost, queue / let_in, queue, number, (number - queue) / servers)


def erlang_a(arrival_rate: float, mean_service: float, servers: int, mean_patience: float) -> SteadyState:
    """Give the steady state of M/M/c+M, exponential patience.

    Palm (1957), Tele; Garnett, Mandelbaum and Reiman (2002), Manufacturing and Service Operations Management 4.
    """
    deaths: list[float] = []
    probability = most = 1.0
    while probability > most * _NEGLIGIBLE or len(deaths) <= servers:
        n = len(deaths) + 1
        deaths.append(min(n, servers) / mean_service + max(n - servers, 0) / mean_patience)
        probability *= arrival_rate / deaths[-1]
        most = max(most, probability)
    state = birth_death([arrival_rate] * len(deaths), deaths)
    queue, number = _queue_and_number(state, servers)
    p_lost = queue / mean_patience / arrival_rate
    return SteadyState(
        float(state[servers:].sum()), p_lost, queue / arrival_rate, queue, number, (number - queue) / servers
    )


def _queue_and_number(state: FloatArray, servers: int) -> tuple[float, float]:
    inside = np.arange(len(state))
    return float(np.maximum(inside - servers, 0) @ state), float(inside @ state)


# --- one server, any service ------------------------------------------------------------------------------------------


def pollaczek_khinchine(arrival_rate: float, mean_service: float, cv: float) -> float:
    """Give the mean wait in M/G/1 for a service of coefficient of variation `cv`; Pollaczek (1930), Khinchine (1932).

    It is the same for every order of service that does not look at service times: FIFO, LIFO, random.
    """
    load = arrival_rate * mean_service
    _need(load < 1, f"the load must be below 1, given {load}")
    return load * mean_service * (1.0 + cv * cv) / (2.0 * (1.0 - load))


def priority_waits(
    arrival_rates: Sequence[float], mean_services: Sequence[float], second_moments: Sequence[float]
) -> tuple[float, ...]:
    """Give the mean wait of each class in M/G/1 with priorities, the first class first, no interruption.

    Cobham (1954), Operations Research 2. `second_moments` are the means of the squared services.
    """
    load = math.fsum(rate * mean for rate, mean in zip(arrival_rates, mean_services, strict=True))
    _need(load < 1, f"the load must be below 1, given {load}")
    left = math.fsum(rate * square for rate, square in zip(arrival_rates, second_moments, strict=True)) / 2.0
    above, waits = 0.0, []
    for rate, mean in zip(arrival_rates, mean_services, strict=True):
        below = above + rate * mean
        waits.append(left / ((1.0 - above) * (1.0 - below)))
        above = below
    return tuple(waits)


def shortest_first_waits(arrival_rate: float, services: Sequence[float], weights: Sequence[float]) -> tuple[float, ...]:
    """Give the mean wait for each of the rising service times in M/G/1, shortest service first.

    Phipps (1956), Operations Research 4: the priority queue whose classes are the service times. `weights` add up to 1.
    """
    return priority_waits([arrival_rate * w for w in weights], services, [s * s for s in services])


# --- several stations, closed networks, batches -----------------------------------------------------------------------


def blocked_tandem_throughput(first_rate: float, second_rate: float) -> float:
    """Give the throughput of two stations in a row with no room between and a queue that never empties.

    Both servers start together, and go on when both are ready: 1 / E max(S1, S2); Hunt (1956), Operations Research 4.
    """
    return 1.0 / (1.0 / first_rate + 1.0 / second_rate - 1.0 / (first_rate + second_rate))


def finite_source(customers: int, mean_away: float, mean_service: float, servers: int) -> SteadyState:
    """Give the steady state of M/M/c//N, machines and repairmen; Kleinrock I, 3.8. Waits are per visit."""
    births = [(customers - n) / mean_away for n in range(customers)]
    deaths = [min(n, servers) / mean_service for n in range(1, customers + 1)]
    state = birth_death(births, deaths)
    queue, number = _queue_and_number(state, servers)
    rate = (customers - number) / mean_away
    found = np.append(np.asarray(births) * state[:-1], 0.0) / rate
    return SteadyState(float(found[servers:].sum()), 0.0, queue / rate, queue, number, (number - queue) / servers)


def visits_until_passed(probability: float, limit: float = math.inf) -> float:
    """Give the mean number of tries at a check that is passed with `probability`, tried again `limit` times at most."""
    return (1.0 - math.pow(1.0 - probability, limit + 1)) / probability


def gathering_wait(arrival_rate: float, size: int) -> float:
    """Give the mean wait of Poisson arrivals until `size` of them have gathered: (size - 1) / (2 λ)."""
    return (size - 1) / (2.0 * arrival_rate)


def infinite_servers(
    rate: Callable[[FloatArray], FloatArray],
    survival: Callable[[FloatArray], FloatArray],
    time: float,
    *,
    since: float = 0.0,
    pieces: int = 4000,
) -> float:
    """Give the mean number inside M(t)/G/∞ at `time`, empty at `since`: ∫ λ(t - u) P(S > u) du.

    Eick, Massey and Whitt (1993), Operations Research 41. `rate` and `survival` take arrays. The integral is taken by
    Gauss and Legendre's rule with five points on each of `pieces` pieces.
    """
    nodes, weights = np.polynomial.legendre.leggauss(5)
    width = (time - since) / pieces
    ages = ((np.arange(pieces)[:, None] + (nodes + 1.0) / 2.0) * width).ravel()
    return float(np.tile(weights, pieces) @ (rate(time - ages) * survival(ages)) * width / 2.0)
