"""Intervals cover the truth as often as they say, with and without control variates."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from canbao.verification.estimates import Estimate, difference, intercept, mean_of, together


def test_an_interval_of_means_is_students() -> None:
    """Against scipy's."""
    values = np.random.default_rng(1).normal(3.0, 2.0, 12)
    low, high = stats.t.interval(0.999, 11, loc=values.mean(), scale=stats.sem(values))
    estimate = mean_of(values)
    assert estimate.mean - estimate.half_width(0.999) == pytest.approx(low)
    assert estimate.mean + estimate.half_width(0.999) == pytest.approx(high)


def test_without_controls_the_intercept_is_the_mean() -> None:
    """The same interval, degrees of freedom included."""
    values = np.random.default_rng(2).normal(size=9)
    assert intercept(values, np.empty((9, 0))).half_width(0.95) == pytest.approx(mean_of(values).half_width(0.95))


def test_runs_with_nothing_to_measure_are_left_out() -> None:
    """A nan is no number."""
    values = np.array([1.0, np.nan, 2.0, 4.0])
    assert intercept(values, np.empty((4, 0))).mean == pytest.approx(7 / 3)


def test_a_control_takes_away_what_it_explains_and_may_be_said_twice() -> None:
    """Noise of 0.1 is left of noise of 3, though the control and a copy of it are given."""
    rng = np.random.default_rng(3)
    control = rng.normal(size=400)
    values = 5.0 + 3.0 * control + rng.normal(0.0, 0.1, 400)
    estimate = intercept(values, np.column_stack([control, control]))
    assert estimate.half_width(0.95) == pytest.approx(1.966 * 0.1 / 20, rel=0.15)
    assert estimate.half_width(0.95) < mean_of(values).half_width(0.95) / 20
    assert abs(estimate.mean - 5.0) < 0.02


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_intervals_cover_the_truth_as_often_as_they_say(level: float) -> None:
    """Of 4,000 estimates from pairs and from other runs, whose spread is another, to four standard deviations."""
    rng, covered, tries = np.random.default_rng(4), 0, 4000
    for _ in range(tries):
        one, peer = rng.normal(0.0, 1.0, (2, 8))
        controls = rng.normal(size=(40, 1))
        alone = 2.0 + controls[:, 0] + rng.exponential(1.0, 40) - 1.0
        # The engine's expectation is the peer's plus that of the pairs' difference, 0.
        estimate = together(difference(one + 0.5, peer + 0.5), intercept(alone, controls))
        covered += abs(estimate.mean - 2.0) <= estimate.half_width(level)
    assert abs(covered / tries - level) < 4 * np.sqrt(level * (1 - level) / tries) + 0.01


def test_pairs_that_agree_to_rounding_add_no_doubt() -> None:
    """And pairs that part make the interval wide."""
    peer = np.array([1.0, 2.0, 3.0])
    assert difference(peer * (1 + 1e-13), peer) == Estimate(0.0, 0.0, 2)
    assert difference(peer + np.array([0.5, -0.5, 0.1]), peer).half_width(0.95) > 0.5
    exact = together(difference(peer, peer), mean_of(np.array([5.0, 5.0])))
    assert (exact.mean, exact.half_width(0.999)) == (5.0, 0.0)
