"""Intervals by Student's t: a textbook's example, scipy as an oracle, and what is said where there is little to say."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from canbao.errors import InputError
from canbao.statistics import t_interval

numbers = st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), min_size=2, max_size=30)


def test_it_reproduces_laws_example() -> None:
    """Law, Simulation Modeling and Analysis, 4.5: ten observations, a 90 % interval of 1.34 ± 0.24."""
    found = t_interval([1.20, 1.50, 1.68, 1.89, 0.95, 1.49, 1.58, 1.55, 0.50, 1.09], level=0.9)
    assert (round(found.mean, 2), round(found.half_width, 2), found.n) == (1.34, 0.24, 10)


@given(numbers, st.floats(0.5, 0.999))
def test_it_is_scipys_interval(values: list[float], level: float) -> None:
    """For any numbers and level; where all are the same, the width is 0 and not rounding."""
    found = t_interval(values, level)
    if len(set(values)) == 1:
        assert (found.mean, found.half_width) == (values[0], 0.0)
        return
    low, high = stats.t.interval(level, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    assert found.low == pytest.approx(low, rel=1e-9, abs=1e-6)
    assert found.high == pytest.approx(high, rel=1e-9, abs=1e-6)


def test_a_replication_with_nothing_to_measure_is_left_out_and_counted() -> None:
    """The interval is that of the others."""
    found, known = t_interval([1.0, math.nan, 2.0, 4.0]), t_interval([1.0, 2.0, 4.0])
    assert (found.mean, found.half_width, found.n, found.missing) == (known.mean, known.half_width, 3, 1)


@pytest.mark.parametrize("values", [[], [math.nan], [3.0], [3.0, math.nan], [math.inf, 1.0]])
def test_too_little_is_said_to_be_known_without_limit(values: list[float]) -> None:
    """Fewer than two finite values have an interval without an end, which JSON can hold."""
    found = t_interval(values)
    assert found.half_width == math.inf
    assert json.loads(json.dumps(found.as_data(), allow_nan=False))["half_width"] is None


def test_data_are_what_an_answer_holds() -> None:
    """The four numbers by name."""
    assert t_interval([1.0, 3.0]).as_data() == {
        "mean": 2.0,
        "half_width": pytest.approx(12.706, abs=1e-3),
        "level": 0.95,
        "n": 2,
    }


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, math.nan])
def test_a_level_that_is_none_is_refused(level: float) -> None:
    """95 is not 0.95."""
    with pytest.raises(InputError, match=r"between 0 and 1, given .*0\.95 is usual"):
        t_interval([1.0, 2.0], level)


def test_the_relative_half_width_of_nothing_is_nothing() -> None:
    """A measure that is 0 in every replication is known exactly; one around 0 is not known relatively."""
    assert t_interval([0.0, 0.0, 0.0]).relative == 0.0
    assert t_interval([1.0, -1.0]).relative == math.inf
    assert t_interval([-2.0, -2.2]).relative == pytest.approx(1.2706 / 2.1, rel=1e-4)
