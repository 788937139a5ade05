"""Peers against recursions written out for one run, and control variates against their expectations."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canbao.planning import make_plan
from canbao.verification.estimates import mean_of
from canbao.verification.peers import fifo_queue, priority_queue
from canbao.verify import CASES, Case

seeds = st.integers(0, 10_000)


@settings(max_examples=60)
@given(seeds, st.integers(1, 4), st.booleans(), st.sampled_from([math.inf, 0, 2]))
def test_a_fifo_queue_is_kiefer_and_wolfowitzs_recursion(
    seed: int, servers: int, patient: bool, more_room: float
) -> None:
    """Some hundreds of customers in each of three runs, so that several strips are needed."""
    rng = np.random.default_rng(seed)
    arrival = np.cumsum(rng.integers(0, 3, (3, 300)), axis=1).astype(np.float64)
    service, patience = (rng.integers(0, 6, (3, 300)).astype(np.float64) for _ in range(2))
    room = math.inf if not patient else servers + more_room
    given_up = not patient and more_room < math.inf
    start, leave = fifo_queue(arrival, service, servers=servers, patience=patience if given_up else None, room=room)
    for run in range(3):
        free: list[float] = [0.0] * servers
        inside: list[float] = []
        for n, now in enumerate(arrival[run]):
            begin = max(now, free[0])
            inside = [gone for gone in inside if gone > now]
            if len(inside) >= room or (given_up and begin > now + patience[run, n]):
                left = now if len(inside) >= room else now + patience[run, n]
                assert (math.isnan(start[run, n]), leave[run, n]) == (True, left)
                continue
            heapq.heapreplace(free, begin + service[run, n])
            inside.append(begin + service[run, n])
            assert (start[run, n], leave[run, n]) == (begin, begin + service[run, n])


@settings(max_examples=60)
@given(seeds)
def test_a_priority_queue_serves_the_first_class_that_is_there(seed: int) -> None:
    """Two runs of three classes, of which one has fewer customers in one run."""
    rng = np.random.default_rng(seed)
    arrivals = [np.cumsum(rng.exponential(3.0, (2, 20)), axis=1) for _ in range(3)]
    arrivals[1][0, 15:] = math.inf
    services = [rng.exponential(0.8, (2, 20)) for _ in range(3)]
    starts = priority_queue(arrivals, services)
    for run in range(2):
        left = {(k, n) for k in range(3) for n in range(20) if arrivals[k][run, n] < math.inf}
        free = 0.0
        while left:
            now = max(free, min(arrivals[k][run, n] for k, n in left))
            k, n = min((k, n) for k, n in left if arrivals[k][run, n] <= now)
            assert starts[k][run, n] == now
            free = now + services[k][run, n]
            left.remove((k, n))


HELPED = [case for case in CASES if case.controls]


@pytest.mark.parametrize("case", HELPED[::4], ids=[case.name for case in HELPED[::4]])
def test_control_variates_have_the_expectation_that_they_are_said_to_have(case: Case) -> None:
    """Sixty plans of luck that `verify` does not use; the interval of 99.9 % covers 1."""
    found: dict[str, list[float]] = {}
    for seed in range(60):
        plan = make_plan(case.network, until=case.until, seed=-1 - seed)
        for look in case.controls:
            for name, share in look(plan, case.window).items():
                found.setdefault(name, []).append(share)
    for name, shares in found.items():
        estimate = mean_of(np.array(shares))
        assert abs(estimate.mean - 1.0) <= estimate.half_width(0.999), name
