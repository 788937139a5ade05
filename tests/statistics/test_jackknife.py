"""Intervals from one run, by leaving out blocks; and whether a number is one more drawing of some others."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.arrays import FloatArray
from canbao.errors import InputError
from canbao.statistics.drawings import beyond, chance_of
from canbao.statistics.jackknife import blocks_in_time, jackknife, two_sided

Statistic = Callable[[FloatArray], float]


def left_out(values: FloatArray, blocks: int) -> list[float]:
    """Give the mean of values without each of some blocks."""
    parts = np.array_split(values, blocks)
    return [float(np.concatenate(parts[:j] + parts[j + 1 :]).mean()) for j in range(blocks)]


def coverage(statistic: Statistic, truth: float, draw: Callable[[np.random.Generator], FloatArray]) -> float:
    """Give how often the interval of a statistic covers the truth."""
    rng, hits, tries = np.random.default_rng(4), 0, 400
    for _ in range(tries):
        values = draw(rng)
        parts = np.array_split(values, 20)
        without = [statistic(np.concatenate(parts[:j] + parts[j + 1 :])) for j in range(20)]
        hits += jackknife(statistic(values), without).covers(truth)
    return hits / tries


@pytest.mark.parametrize(
    ("statistic", "truth"),
    [
        (np.mean, 1.0),
        (lambda x: np.quantile(x, 0.9), math.log(10.0)),
        (lambda x: float((x > 1.0).mean()), math.exp(-1)),
    ],
)
def test_intervals_cover_the_truth_as_often_as_they_say(statistic: Statistic, truth: float) -> None:
    """For means, shares and quantiles of independent values, 95 of 100 intervals hold the truth."""
    found = coverage(statistic, truth, lambda rng: rng.exponential(1.0, 1_000))
    assert 0.90 <= found <= 0.98


def test_a_drift_is_no_chance() -> None:
    """A number that rises over the season has an interval as narrow as one that does not."""
    rng = np.random.default_rng(2)
    level = rng.normal(0.0, 1.0, 2_000)
    rising = level + np.linspace(-0.5, 0.5, 2_000)
    plain, drifting = (jackknife(x.mean(), left_out(x, 20)).half_width for x in (level, rising))
    assert drifting == pytest.approx(plain, rel=0.35)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(1, 30))
def test_blocks_are_neighbours_in_time_and_equally_large(moments: list[float], blocks: int) -> None:
    """Who comes earlier is in no later block, and blocks differ by one family at most."""
    found = blocks_in_time(np.array(moments), blocks)
    in_time = found[np.argsort(np.array(moments), kind="stable")]
    assert (np.diff(in_time) >= 0).all()
    sizes = np.bincount(found)[np.unique(found)]
    assert sizes.max() - sizes.min() <= 1
    assert len(sizes) == min(blocks, len(moments))


def test_what_cannot_be_said_is_infinitely_wide() -> None:
    """Too few blocks, or a number that is missing, give no interval and no p."""
    assert math.isinf(jackknife(1.0, [1.0, 2.0]).half_width)
    assert math.isinf(jackknife(math.nan, [1.0] * 5).half_width)
    assert math.isnan(two_sided(jackknife(1.0, [1.0, math.nan, 2.0])))
    assert two_sided(jackknife(0.0, [0.0] * 5)) == 1.0
    with pytest.raises(InputError):
        two_sided(jackknife(1.0, [1.0, 2.0]))


@pytest.mark.parametrize("n", [3, 20])
def test_a_further_drawing_is_within_chance_as_often_as_stated(n: int) -> None:
    """P is uniform for a number that is drawn like the others: below 5 % in 1 of 20 cases."""
    rng = np.random.default_rng(n)
    found = [beyond(rng.normal(3.0, 2.0), rng.normal(3.0, 2.0, n)) for _ in range(2_000)]
    low = np.mean([chance_of(each, n - 1) < 0.05 for each in found])
    assert 0.035 <= low <= 0.065
    assert np.mean([each.covers(0.0) for each in found]) == pytest.approx(1.0 - low)


def test_drawings_that_are_all_the_same_leave_room_for_one_more() -> None:
    """A count could have been another: with a least spread of 1, five more are off, and one more is not."""
    same = np.full(20, 7.0)
    assert chance_of(beyond(8.0, same, least=1.0), 19) > 0.3
    assert chance_of(beyond(12.0, same, least=1.0), 19) < 0.001
    assert math.isnan(chance_of(beyond(8.0, same), 19))
    with pytest.raises(InputError):
        beyond(1.0, np.array([2.0]))
