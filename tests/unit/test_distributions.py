"""Distributions against scipy.stats, as inverses that keep the order of luck."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from canbao import At, Journey, Network, Scaled, Station, Stream, Visit, simulate
from canbao.arrays import FloatArray
from canbao.distributions import (
    Constant,
    Distribution,
    Empirical,
    Erlang,
    Exponential,
    Gamma,
    Histogram,
    Lognormal,
    Triangular,
    Uniform,
    Weibull,
)
from canbao.errors import NetworkError
from canbao.luck import Luck
from canbao.planning import make_plan

LEAST, MOST = 2.0**-53, 1 - 2.0**-53  # what luck can give at the extremes
GRID = np.concatenate([[LEAST, 1e-12, 1e-6], np.linspace(0.001, 0.999, 999), [1 - 1e-6, 1 - 1e-12, MOST]])


def _scipy_lognormal(mean: float, cv: float) -> Any:
    sigma = math.sqrt(math.log1p(cv**2))
    return stats.lognorm(s=sigma, scale=mean * math.exp(-(sigma**2) / 2))


# Each pair: ours, and the same distribution of scipy in scipy's own parameters.
PAIRS: dict[str, tuple[Any, Any]] = {
    "exponential": (Exponential(3.0), stats.expon(scale=3.0)),
    "lognormal": (Lognormal(480.0, 0.6), _scipy_lognormal(480.0, 0.6)),
    "lognormal, very long tail": (Lognormal(2.0, 5.0), _scipy_lognormal(2.0, 5.0)),
    "uniform": (Uniform(-2.0, 3.0), stats.uniform(loc=-2.0, scale=5.0)),
    "triangular": (Triangular(16.0, 22.0, 28.0), stats.triang(c=0.5, loc=16.0, scale=12.0)),
    "triangular, mode at the low end": (Triangular(1.0, 1.0, 3.0), stats.triang(c=0.0, loc=1.0, scale=2.0)),
    "triangular, mode at the high end": (Triangular(1.0, 3.0, 3.0), stats.triang(c=1.0, loc=1.0, scale=2.0)),
    "gamma": (Gamma(5.0, 2.5), stats.gamma(a=2.5, scale=2.0)),
    "gamma of a small shape": (Gamma(5.0, 0.2), stats.gamma(a=0.2, scale=25.0)),
    "erlang": (Erlang(6.0, 3), stats.erlang(a=3, scale=2.0)),
    "weibull": (Weibull(2400.0, 2.0), stats.weibull_min(c=2.0, scale=2400.0)),
    "weibull of a small shape": (Weibull(10.0, 0.5), stats.weibull_min(c=0.5, scale=10.0)),
    "histogram": (
        Histogram((0.0, 1.0, 3.0, 10.0), (2.0, 0.0, 6.0)),
        stats.rv_histogram((np.array([2.0, 0.0, 6.0]), np.array([0.0, 1.0, 3.0, 10.0])), density=False),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_quantiles_are_those_of_scipy(name: str) -> None:
    """From the smallest to the largest number that luck gives, the inverse agrees with scipy's."""
    ours, theirs = PAIRS[name]
    # Near 1 scipy's triangle and histogram lose digits to the difference of numbers near 1, so an absolute part too.
    np.testing.assert_allclose(ours.ppf(GRID), theirs.ppf(GRID), rtol=2e-9, atol=1e-7)


@pytest.mark.parametrize("name", PAIRS)
def test_mean_is_that_of_scipy(name: str) -> None:
    """The stated mean is the distribution's."""
    ours, theirs = PAIRS[name]
    assert ours.mean == pytest.approx(theirs.mean(), rel=1e-9)


@pytest.mark.parametrize("name", PAIRS)
def test_samples_follow_the_distribution(name: str) -> None:
    """What comes out of luck has the distribution that it should have."""
    ours, theirs = PAIRS[name]
    assert stats.kstest(ours.ppf(Luck(12).uniforms(name, 20_000)), theirs.cdf).pvalue > 1e-4


positive = st.floats(1e-3, 1e3)
ANY: st.SearchStrategy[Distribution] = st.one_of(
    st.builds(Constant, st.floats(-10, 10)),
    st.builds(Exponential, positive),
    st.builds(Lognormal, positive, st.floats(0.01, 10)),
    st.builds(lambda low, width: Uniform(low, low + width), st.floats(-10, 10), st.floats(0, 10)),
    st.builds(
        lambda low, rise, fall: Triangular(low, low + rise, low + rise + fall),
        st.floats(-10, 10),
        st.floats(0.01, 10),
        st.floats(0.01, 10),
    ),
    st.builds(Gamma, positive, st.floats(0.1, 50)),
    st.builds(Weibull, positive, st.floats(0.2, 10)),
    st.builds(
        lambda pairs: Empirical(*map(tuple, zip(*sorted(pairs), strict=True))),
        st.lists(st.tuples(st.floats(-9, 9), st.floats(0.1, 9)), min_size=1, max_size=6),
    ),
    st.builds(
        lambda edges, data: Histogram(tuple(sorted(edges)), tuple(data[: len(edges) - 1])),
        st.sets(st.integers(-9, 9), min_size=2, max_size=8),
        st.lists(st.sampled_from([0.0, 1.0, 2.5]), min_size=8, max_size=8).map(lambda weights: [1.0, *weights]),
    ),
)


@given(ANY, st.lists(st.floats(LEAST, MOST), min_size=2, max_size=30))
def test_more_luck_never_gives_less(distribution: Distribution, luck: list[float]) -> None:
    """A larger uniform gives no smaller sample, so that who is slow stays slow when a mean changes."""
    samples = distribution.ppf(np.sort(np.array(luck)))
    assert samples.dtype == np.float64
    assert samples.shape == (len(luck),)
    assert np.all(np.isfinite(samples))
    assert np.all(np.diff(samples) >= -1e-12 * np.abs(samples[1:]))


@given(ANY, st.integers(0, 10_000), st.integers(1, 40))
def test_a_sample_does_not_depend_on_its_neighbours(distribution: Distribution, seed: int, count: int) -> None:
    """Cut into blocks, the samples are the same to the last bit."""
    luck = Luck(seed).uniforms("x", count)
    whole = distribution.ppf(luck)
    assert [float(distribution.ppf(luck[i : i + 1])[0]) for i in range(count)] == whole.tolist()


def test_a_constant_is_the_same_for_all() -> None:
    """Luck plays no part, whatever the shape of the array."""
    assert Constant(4.5).ppf(np.array([[0.1, 0.9]])).tolist() == [[4.5, 4.5]]
    assert Constant(4.5).mean == 4.5
    assert Constant(math.inf).ppf(np.array([0.5])).tolist() == [math.inf]


def test_median_and_sigma_give_the_lognormal_that_has_them() -> None:
    """A lognormal from its median: half are below it, and its logarithm has that standard deviation."""
    made = Lognormal.from_median(2400.0, 0.5)
    quantiles = np.log(made.ppf(np.array([0.5, stats.norm.cdf(1.0)])))
    assert quantiles[0] == pytest.approx(math.log(2400.0))
    assert quantiles[1] - quantiles[0] == pytest.approx(0.5)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8).filter(any))
def test_values_come_by_their_weights(weights: list[int]) -> None:
    """Of luck spread evenly, each value takes exactly its share, and a value of weight 0 none."""
    total = sum(weights)
    each = 10
    even = (np.arange(total * each) + 0.5) / (total * each)
    values = tuple(float(number) for number in range(len(weights)))
    drawn = Empirical(values, tuple(map(float, weights))).ppf(even)
    assert np.bincount(drawn.astype(int), minlength=len(weights)).tolist() == [each * weight for weight in weights]
    assert Empirical(values, tuple(map(float, weights))).mean == pytest.approx(np.dot(values, weights) / total)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8).filter(any))
def test_bins_come_by_their_weights_and_are_even_inside(weights: list[int]) -> None:
    """Of luck spread evenly, each bin takes its share; inside a bin samples lie at even steps."""
    total, each = sum(weights), 10
    even = (np.arange(total * each) + 0.5) / (total * each)
    edges = tuple(float(number) ** 2 for number in range(len(weights) + 1))
    drawn = Histogram(edges, tuple(map(float, weights))).ppf(even)
    assert np.histogram(drawn, edges)[0].tolist() == [each * weight for weight in weights]
    for low, high, weight in zip(edges, edges[1:], weights, strict=False):
        inside = drawn[(drawn >= low) & (drawn < high)]
        if weight:
            np.testing.assert_allclose(np.diff(inside), (high - low) / (each * weight), rtol=1e-6)


@pytest.mark.parametrize("extreme", [LEAST, MOST])
def test_no_luck_leads_into_an_impossible_bin_or_value(extreme: float) -> None:
    """Weights of 0 at both ends are never met, even at the extremes of luck."""
    u = np.array([extreme])
    assert 1.0 <= Histogram((0.0, 1.0, 2.0, 3.0), (0.0, 1.0, 0.0)).ppf(u)[0] <= 2.0
    assert Empirical((0.0, 1.0, 2.0), (0.0, 1.0, 0.0)).ppf(u)[0] == 1.0


NAN, INF = math.nan, math.inf
REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "constant nan": (lambda: Constant(NAN), "Constant(value=nan): value must be a number"),
    "exponential 0": (lambda: Exponential(0.0), "Exponential(mean=0.0): mean must be > 0"),
    "exponential negative": (lambda: Exponential(-3.0), "Exponential(mean=-3.0)"),
    "exponential nan": (lambda: Exponential(NAN), "Exponential(mean=nan)"),
    "exponential infinite": (lambda: Exponential(INF), "Exponential(mean=inf)"),
    "lognormal mean": (lambda: Lognormal(0.0, 1.0), "Lognormal(mean=0.0, cv=1.0): mean and cv must be > 0"),
    "lognormal cv": (lambda: Lognormal(1.0, -0.5), "cv=-0.5"),
    "lognormal nan": (lambda: Lognormal(1.0, NAN), "cv=nan"),
    "uniform order": (lambda: Uniform(3.0, 2.0), "Uniform(low=3.0, high=2.0): low must be <= high"),
    "uniform infinite": (lambda: Uniform(0.0, INF), "high=inf"),
    "uniform nan": (lambda: Uniform(NAN, 1.0), "low=nan"),
    "triangular order": (
        lambda: Triangular(0.0, 5.0, 4.0),
        "Triangular(low=0.0, mode=5.0, high=4.0): needs low <= mode",
    ),
    "triangular point": (lambda: Triangular(1.0, 1.0, 1.0), "low < high"),
    "triangular infinite": (lambda: Triangular(0.0, 1.0, INF), "high=inf"),
    "triangular nan": (lambda: Triangular(0.0, NAN, 1.0), "mode=nan"),
    "gamma shape": (lambda: Gamma(1.0, 0.0), "Gamma(mean=1.0, shape=0.0): mean and shape must be > 0"),
    "gamma mean": (lambda: Gamma(-1.0, 2.0), "mean=-1.0"),
    "erlang phases": (lambda: Erlang(1.0, 0), "shape=0"),
    "weibull scale": (lambda: Weibull(0.0, 1.0), "Weibull(scale=0.0, shape=1.0): scale and shape must be > 0"),
    "weibull shape": (lambda: Weibull(1.0, INF), "shape=inf"),
    "empirical lengths": (lambda: Empirical((1.0, 2.0), (1.0,)), "needs as many weights as values"),
    "empirical none": (lambda: Empirical((), ()), "weights must be >= 0 and not all 0"),
    "empirical all 0": (lambda: Empirical((1.0,), (0.0,)), "weights=(0.0,)): weights must be >= 0 and not all 0"),
    "empirical negative": (lambda: Empirical((1.0, 2.0), (2.0, -1.0)), "weights=(2.0, -1.0)"),
    "empirical nan weight": (lambda: Empirical((1.0, 2.0), (2.0, NAN)), "weights must be >= 0"),
    "empirical nan value": (lambda: Empirical((1.0, NAN), (2.0, 1.0)), "values must be numbers"),
    "histogram lengths": (lambda: Histogram((0.0, 1.0), (1.0, 1.0)), "needs one edge more than weights"),
    "histogram edges": (
        lambda: Histogram((0.0, 1.0, 1.0), (1.0, 1.0)),
        "edges=(0.0, 1.0, 1.0), weights=(1.0, 1.0)): edges",
    ),
    "histogram infinite": (lambda: Histogram((0.0, INF), (1.0,)), "edges must be finite"),
    "histogram nan": (lambda: Histogram((0.0, NAN), (1.0,)), "edges must be finite"),
    "histogram all 0": (lambda: Histogram((0.0, 1.0), (0.0,)), "not all 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_parameters_that_make_no_sense_are_refused_with_their_values(name: str) -> None:
    """The message shows the distribution as it was written, and what it must be."""
    make, said = REFUSED[name]
    with pytest.raises(NetworkError) as refused:
        make()
    assert said in str(refused.value)


def test_a_frozen_distribution_of_scipy_works_as_one() -> None:
    """Anything with `ppf` will do: services drawn from scipy.stats are its quantiles at each family's luck."""
    frozen: Any = stats.gamma(a=2.0, scale=3.0)
    network = Network(
        stations=[Station("desk", servers=math.inf)],
        journeys=[Journey("office", [Visit("desk", frozen, luck="desk"), Visit("desk", Scaled(frozen, "children"))])],
        streams=[Stream("office", At([0.0, 1.0, 2.0]), columns={"children": np.array([1.0, 2.0, 3.0])})],
    )
    visits = simulate(network, until=1e6, seed=3).visits
    stays = (np.asarray(visits["leave"]) - np.asarray(visits["start"])).reshape(3, 2)
    luck = Luck(3)
    np.testing.assert_allclose(stays[:, 0], frozen.ppf(luck.uniforms("desk", 3)), rtol=1e-9)
    second = frozen.ppf(luck.uniforms("office/desk#1:service", 3)) * np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(stays[:, 1], second, rtol=1e-9)
    # Its mean is a method; the mean number of children is 2.
    assert make_plan(network, until=10.0, seed=3).stations[0].mean_service == pytest.approx((6.0 + 12.0) / 2)


class _NoMean:
    """A distribution of somebody who gave it no mean."""

    def ppf(self, u: FloatArray) -> FloatArray:
        return np.asarray(8.0 * u**3)


def test_a_distribution_without_a_mean_is_given_one_from_its_quantiles() -> None:
    """The choice of the fastest queue needs a mean service; 8u³ has the mean 2."""
    network = Network(
        stations=[Station("desk")],
        journeys=[Journey("office", [Visit("desk", _NoMean())])],
        streams=[Stream("office", At([0.0]))],
    )
    assert make_plan(network, until=10.0, seed=1).stations[0].mean_service == pytest.approx(2.0, rel=1e-5)
