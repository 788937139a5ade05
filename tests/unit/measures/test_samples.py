"""What is said of a sample."""

from __future__ import annotations

import math
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.columns import Coded
from canbao.measures.samples import by_group, describe, share

numbers = st.floats(-1e6, 1e6)


def _quantile(ordered: list[float], level: float) -> float:
    """Interpolate between order statistics: Hyndman and Fan 1996, type 7."""
    place = level * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


@given(st.lists(numbers, min_size=1, max_size=50))
def test_a_sample_is_described_by_its_order_statistics(values: list[float]) -> None:
    """Count, mean, quantiles and maximum agree with those worked out by hand."""
    said = describe(np.array(values))
    ordered = sorted(values)
    assert said["count"] == len(values)
    assert said["max"] == ordered[-1]
    assert said["mean"] == pytest.approx(fmean(values), abs=1e-6)
    for name, level in (("median", 0.5), ("p90", 0.9), ("p95", 0.95)):
        assert said[name] == pytest.approx(_quantile(ordered, level), abs=1e-6)


@given(st.lists(numbers, min_size=1, max_size=50))
def test_quantiles_are_those_of_numpy_to_the_last_bit(values: list[float]) -> None:
    """Sorting once for all of them changes nothing."""
    said = describe(np.array(values))
    wanted = np.quantile(values, [0.5, 0.9, 0.95]).tolist()
    assert [said[name] for name in ("median", "p90", "p95")] == wanted


def test_an_empty_sample_has_a_count_and_nothing_else() -> None:
    """There is no mean of nothing, and no nan that would spoil JSON."""
    assert describe(np.empty(0)) == {"count": 0, "mean": None, "median": None, "p90": None, "p95": None, "max": None}


GROUP = Coded(np.array([0, 1, 0, 2, 1]), ("a", "b", "c", "d"))
VALUES = np.array([1.0, 2.0, 3.0, math.nan, 6.0])


def test_groups_are_described_by_themselves_and_those_without_values_are_left_out() -> None:
    """Nan is no value: group c has none, and d has no row."""
    said = by_group(VALUES, GROUP)
    assert list(said) == ["a", "b"]
    assert said["a"] == describe(np.array([1.0, 3.0]))
    assert said["b"]["mean"] == 4.0


def test_the_share_of_nothing_is_none() -> None:
    """No division by zero; 0 of something is 0."""
    assert share(0, 0) is None
    assert share(0, 4) == 0.0
    assert share(3, 4) == 0.75
