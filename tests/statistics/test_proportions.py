"""Shares and chances: scipy as an oracle, and how often the intervals are right."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from canbao.errors import InputError
from canbao.statistics import chance_interval, share_interval, t_interval
from canbao.statistics.proportions import least_chance


@pytest.mark.parametrize(("held", "n"), [(0, 20), (1, 20), (17, 20), (20, 20), (500, 1000)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_a_chance_has_the_exact_interval_of_scipy(held: int, n: int, level: float) -> None:
    """Two-sided, and from below."""
    oracle = stats.binomtest(held, n)
    known, found = oracle.proportion_ci(level, method="exact"), chance_interval(held, n, level)
    assert (found.low, found.high) == pytest.approx((known.low, known.high))
    below = stats.binomtest(held, n, alternative="greater").proportion_ci(level, method="exact")
    assert least_chance(held, n, level) == pytest.approx(below.low)


def test_twenty_of_twenty_is_not_certain() -> None:
    """0.86 or more, at 95 %: 0.05 to the power of one twentieth."""
    assert least_chance(20, 20) == pytest.approx(0.05 ** (1 / 20))


def test_a_chance_of_no_trials_is_anything() -> None:
    """And more held than tried is a mistake."""
    found = chance_interval(0, 0)
    assert (found.low, found.high) == (0.0, 1.0)
    assert math.isnan(found.share)
    with pytest.raises(InputError, match="21 of 20"):
        chance_interval(21, 20)


def test_a_share_is_a_mean_over_replications_that_stays_a_share() -> None:
    """Student's interval, cut off at 0 and 1; replications without a value are left out."""
    shares = [0.99, 0.97, math.nan, 1.0]
    found, plain = share_interval(shares), t_interval(shares)
    assert (found.share, found.low, found.n) == (plain.mean, plain.low, 3)
    assert plain.high > found.high == 1.0
    with pytest.raises(InputError, match=r"between 0 and 1, given 95\.0"):
        share_interval([0.9, 95.0])


def test_pooled_families_would_promise_too_much() -> None:
    """Families of one replication share its day: over replications 95 % are right, over pooled families far fewer."""
    rng, tries, right, pooled = np.random.default_rng(1), 1000, 0, 0
    for _ in range(tries):
        chances = rng.beta(18, 2, 10)  # each replication has a good or a bad day
        served = rng.binomial(500, chances)
        right += share_interval(served / 500).covers(0.9)
        pooled += chance_interval(int(served.sum()), 5000).covers(0.9)
    assert right / tries > 0.95 - 3 * math.sqrt(0.95 * 0.05 / tries) - 0.02
    assert pooled / tries < 0.5
