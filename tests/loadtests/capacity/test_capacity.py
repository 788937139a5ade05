"""The search for the knee, on deployments whose knee is known."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao_loadtests.load.capacity import Rules, Trial, find_capacity


def steep(knee: float, seen: list[float] | None = None) -> Callable[[float], Trial]:
    """Give a deployment that holds below its knee, always, and fails above."""

    def run_at(rate: float) -> Trial:
        if seen is not None:
            seen.append(rate)
        return Trial(rate, rate <= knee, figures={"p95_s": 1.0 / max(1e-3, 1.0 - rate / knee)})

    return run_at


def noisy(knee: float, width: float, rng: np.random.Generator) -> Callable[[float], Trial]:
    """Give one that holds with a logistic chance in the logarithm of the rate: half the time at its knee."""

    def run_at(rate: float) -> Trial:
        chance = 1.0 / (1.0 + (rate / knee) ** (1.0 / width))
        return Trial(rate, bool(rng.random() < chance))

    return run_at


@given(knee=st.floats(0.01, 1e4), start=st.floats(0.01, 1e4), tolerance=st.floats(0.02, 0.5))
def test_without_noise_the_knee_lies_between_the_ends(knee: float, start: float, tolerance: float) -> None:
    """Wherever the search begins, it ends with both ends decided, within its tolerance, around the knee."""
    found = find_capacity(steep(knee), Rules(start, tolerance=tolerance, trials=200))
    assert found.ended == "found"
    assert found.confirmed == (True, True)
    assert found.low <= knee < found.high <= found.low * (1.0 + tolerance) * (1 + 1e-12)


@pytest.mark.parametrize(("lead", "width"), [(1, 0.01), (2, 0.01), (2, 0.1), (3, 0.03)])
def test_with_noise_the_knee_is_missed_no_more_often_than_stated(lead: int, width: float) -> None:
    """The stretch that passes between 1 and 4 times of 5 meets the bracket but for the risk that the answer states."""
    rng = np.random.default_rng(lead)
    below, above = 4.0**-width, 4.0**width
    missed, stated, tries = 0, 0.0, 400
    for _ in range(tries):
        knee = 10.0 * 2.0 ** rng.uniform(-3, 3)
        found = find_capacity(noisy(knee, width, rng), Rules(10.0, lead=lead, trials=10_000))
        assert found.ended == "found"
        missed += found.low > knee * above or found.high < knee * below
        stated += found.risk / tries
    assert missed / tries <= stated + 2.0 * math.sqrt(stated * (1.0 - min(stated, 1.0)) / tries)


def test_one_lucky_trial_does_not_decide() -> None:
    """A pass above the knee, or a failure below it, is found out when it is repeated."""
    fluke = iter([False] + [True] * 7)  # at the start, where it holds in truth

    def run_at(rate: float) -> Trial:
        return Trial(rate, next(fluke, True) if rate == 8.0 else rate <= 20.0)

    found = find_capacity(run_at, Rules(8.0, trials=100))
    assert found.ended == "found"
    assert found.low <= 20.0 < found.high <= 1.1 * found.low


@given(limit=st.integers(1, 20))
def test_no_more_trials_than_allowed(limit: int) -> None:
    """When trials run out, the search ends with what it knows and says that it is not confirmed."""
    seen: list[float] = []
    found = find_capacity(steep(1000.0, seen), Rules(1.0, tolerance=0.001, trials=limit))
    assert len(seen) == len(found.trials) == limit
    assert found.ended == "not confirmed"


def test_no_trial_begins_that_would_end_too_late() -> None:
    """The longest trial so far says whether another one fits into the time."""
    now = [0.0]

    def run_at(rate: float) -> Trial:
        now[0] += 60.0
        return Trial(rate, rate < 5.0)

    found = find_capacity(run_at, Rules(1.0, seconds=250.0), clock=lambda: now[0])
    assert (found.ended, len(found.trials), now[0]) == ("not confirmed", 4, 240.0)


def test_a_generator_that_falls_behind_is_no_failure_of_the_deployment() -> None:
    """Where rates cannot be offered, the search ends near that rate, says why, and knows no upper end."""

    def run_at(rate: float) -> Trial:
        return Trial(rate, held=rate <= 50.0, valid=rate <= 50.0)

    found = find_capacity(run_at, Rules(3.0, trials=60))
    assert found.ended == "generator"
    assert math.isinf(found.high)
    assert found.confirmed == (True, False)
    assert 50.0 / 1.1 <= found.low <= 50.0
    below = find_capacity(run_at, Rules(400.0, trials=60))
    assert below.ended == "generator"
    assert 50.0 / 1.1 <= below.low <= 50.0


def test_a_generator_that_can_offer_nothing_ends_the_search() -> None:
    """Without one valid trial nothing is known, and nothing is claimed."""
    found = find_capacity(lambda rate: Trial(rate, held=True, valid=False), Rules(1.0, trials=20))
    assert (found.ended, found.low, found.high) == ("not confirmed", 0.0, math.inf)


def test_bounds_of_the_rate_are_kept() -> None:
    """The search tries no rate outside its bounds, and says where the knee must be then."""
    seen: list[float] = []
    found = find_capacity(steep(1e9, seen), Rules(1.0, most=13.0))
    assert (found.ended, found.low, max(seen)) == ("above", 13.0, 13.0)
    found = find_capacity(steep(0.01, seen := []), Rules(1.0, least=0.3))
    assert (found.ended, found.high, min(seen)) == ("below", 0.3, 0.3)


def test_the_curve_has_every_rate_once_and_the_answer_is_json() -> None:
    """Figures are medians over the trials of a rate; what is unknown is null."""
    found = find_capacity(steep(3.0), Rules(1.0))
    said = found.as_data()
    assert [point["rate"] for point in said["curve"]] == sorted({trial.rate for trial in found.trials})
    assert sum(point["trials"] for point in said["curve"]) == len(found.trials)
    assert all(point["held"] in (0, point["valid"]) for point in said["curve"])
    assert said["rules"]["start"] == 1.0
    assert "most" not in said["rules"]


def test_the_knee_of_a_queue_is_found() -> None:
    """M/M/4 with a bound on the mean response time: the knee is where Erlang's formula says, within noise."""
    rng, servers, bound = np.random.default_rng(5), 4, 2.0

    def run_at(rate: float) -> Trial:
        n = 4000
        arrivals, services = np.cumsum(rng.exponential(1.0 / rate, n)), rng.exponential(1.0, n)
        free, took = [0.0] * servers, np.empty(n)
        for k in range(n):
            began = max(float(arrivals[k]), heapq.heappop(free))
            heapq.heappush(free, began + float(services[k]))
            took[k] = began + services[k] - arrivals[k]
        return Trial(rate, bool(took.mean() <= bound))

    found = find_capacity(run_at, Rules(0.5, tolerance=0.05, trials=60))
    # W = 2 at c = 4, mu = 1: C(4, a) = 4 - a; solved by bisection of Erlang's C.
    low, high = 0.1, 3.999
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _mean_wait(middle, servers) < bound - 1.0 else (low, middle)
    assert found.low * 0.95 <= low <= found.high * 1.05


def _mean_wait(load: float, servers: int) -> float:
    """Give the mean wait of M/M/c at service rate 1, by Erlang's C."""
    terms = [load**k / math.factorial(k) for k in range(servers)]
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(terms) + last) / (servers - load)
