"""Steady state of a series: kim-convergence as an oracle for MSER-5, definitions, and what a test of batches finds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.arrays import FloatArray
from canbao.errors import InputError
from canbao.statistics import batch_means, mser5, t_interval, welch
from canbao.statistics.steady import lag_one


def autoregressive(seed: int, n: int, correlation: float, start: float) -> FloatArray:
    """Give a series of mean 0 and variance 1 that begins at `start` and forgets it."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, math.sqrt(1 - correlation**2), n)
    values, value = np.empty(n), start
    for place in range(n):
        value = correlation * value + noise[place]
        values[place] = value
    return values


def by_definition(values: FloatArray) -> int:
    """Give the warm-up by MSER-5 in as many words as White, Cobb and Spratt (2000)."""
    means = [float(np.mean(values[i : i + 5])) for i in range(0, len(values) // 5 * 5, 5)]
    n = len(means)
    best = min(range(n - 5), key=lambda d: sum((z - np.mean(means[d:])) ** 2 for z in means[d:]) / (n - d) ** 2)
    return 5 * best


@pytest.mark.parametrize("correlation", [0.0, 0.7, 0.95])
@pytest.mark.parametrize("start", [0.0, 5.0, -20.0])
def test_mser5_cuts_where_kim_convergence_cuts(correlation: float, start: float) -> None:
    """Ten series each, and whether it is enough."""
    from kim_convergence import mser_m

    for seed in range(10):
        values = autoregressive(seed, 1000 + seed, correlation, start)
        found = mser5(values)
        assert (found.long_enough, found.observations) == mser_m(values, batch_size=5, ignore_end=5)


@given(st.integers(0, 10_000), st.integers(30, 120))
def test_mser5_is_its_definition(seed: int, n: int) -> None:
    """For any length, what is left behind the last five aside."""
    values = autoregressive(seed, n, 0.5, 4.0)
    assert mser5(values).observations == by_definition(values)


def test_mser5_finds_a_warm_up_that_is_there() -> None:
    """A slope of 100 down to noise is left out, and little more; a series without one loses little."""
    noise = np.random.default_rng(1).normal(0, 1, 1000)
    slope = np.concatenate([np.linspace(50, 0, 100), np.zeros(900)])
    assert 90 <= mser5(noise + slope).observations <= 150
    assert mser5(noise).observations <= 100


@pytest.mark.parametrize("values", [np.arange(1000.0), np.arange(1000.0) ** 2, np.repeat([0.0, 1.0], [900, 100])])
def test_a_minimum_in_the_last_half_means_too_short(values: FloatArray) -> None:
    """A series that grows to the end, or changes near it, has no steady state to see."""
    assert not mser5(values).long_enough


@pytest.mark.parametrize("values", [np.ones(29), [], [*range(40), math.nan]])
def test_a_series_that_says_too_little_is_refused(values: FloatArray) -> None:
    """With what to do."""
    with pytest.raises(InputError, match=r"run longer|cut it"):
        mser5(values)


def test_mser5_of_a_constant_leaves_nothing_out() -> None:
    """All candidates are equal; the first is the least."""
    assert mser5(np.full(100, 3.0)).observations == 0


@given(st.integers(1, 4), st.integers(4, 40), st.integers(0, 10))
def test_welchs_average_is_its_definition(replications: int, m: int, window: int) -> None:
    """Law (2015), 9.5.1: over 2 w + 1 observations, near the beginning over 2 i - 1 (i from 1)."""
    window = min(window, m // 4)
    values = np.random.default_rng(m).normal(size=(replications, m))
    mean = values.mean(axis=0)
    expected = [
        mean[i - window : i + window + 1].mean() if i >= window else mean[: 2 * i + 1].mean() for i in range(m - window)
    ]
    assert welch(values, window) == pytest.approx(expected)


def test_welchs_window_has_limits() -> None:
    """A quarter of the series at most."""
    assert welch(np.arange(8.0), 0).tolist() == list(range(8))
    with pytest.raises(InputError, match="between 0 and 2"):
        welch(np.arange(8.0), 3)


def test_batch_means_are_means_of_batches() -> None:
    """What does not fill them is left out at the beginning; runs are cut each by itself."""
    found = batch_means([99.0, 1, 2, 3, 4, 5, 6], batches=3)
    assert (found.size, found.means.tolist()) == (2, [1.5, 3.5, 5.5])
    assert found.interval == t_interval([1.5, 3.5, 5.5])
    two = batch_means([[9.0, 1, 3, 5, 7], [9.0, 2, 4, 6, 8]], batches=4)
    assert two.means.tolist() == [2.0, 6.0, 3.0, 7.0]
    for batches in (1, 8):
        with pytest.raises(InputError, match="cannot make"):
            batch_means([1.0] * 7, batches)
    with pytest.raises(InputError, match="at least one for each series"):
        batch_means(np.ones((5, 100)), 3)


def test_batch_means_cover_the_mean_of_a_correlated_series() -> None:
    """Of 500 series of 4,000 with correlation 0.8, 95 % to three deviations; single observations would cover half."""
    tries, covered, naive = 500, 0, 0
    for seed in range(tries):
        values = autoregressive(seed, 4000, 0.8, 0.0)
        covered += batch_means(values).interval.covers(0.0)
        naive += t_interval(values).covers(0.0)
    assert abs(covered / tries - 0.95) < 3 * math.sqrt(0.95 * 0.05 / tries)
    assert naive / tries < 0.6


def test_von_neumanns_test_finds_batches_that_are_too_short() -> None:
    """One in ten independent series is suspected wrongly; of short batches of a slow series nearly all are found."""
    rng, tries = np.random.default_rng(3), 1000
    suspected = sum(not batch_means(rng.normal(size=400)).independent for _ in range(tries))
    assert abs(suspected / tries - 0.1) < 3 * math.sqrt(0.09 / tries) + 0.01
    found = [batch_means(autoregressive(seed, 400, 0.98, 0.0), batches=20) for seed in range(50)]
    assert sum(not each.independent for each in found) >= 45
    assert all(each.lag_one == pytest.approx(lag_one(each.means)) for each in found)


def test_a_series_that_never_varies_has_no_correlation() -> None:
    """And no doubt."""
    found = batch_means(np.full(100, 2.0))
    assert (found.interval.half_width, found.lag_one, found.independent) == (0.0, 0.0, True)
