"""Comparisons on the same seeds: a textbook's example, scipy as an oracle, and what many comparisons cost."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from canbao.errors import InputError
from canbao.statistics import against_base, compare_paired, holm, t_interval

# Law, Simulation Modeling and Analysis, 10.2.1: cost a month of two inventory policies in five replications.
FIRST = [126.97, 124.31, 126.68, 122.66, 127.23]
SECOND = [118.21, 120.22, 122.45, 122.68, 119.40]


def test_it_reproduces_laws_example() -> None:
    """Law, 10.2.1: the 90 % interval of the difference of the two policies is [1.65, 8.31]."""
    found = compare_paired(SECOND, FIRST, level=0.9).difference
    assert (round(found.mean, 2), round(found.low, 2), round(found.high, 2)) == (4.98, 1.65, 8.31)


@given(st.integers(2, 30), st.integers(0, 10_000))
def test_the_p_value_is_scipys(n: int, seed: int) -> None:
    """That of its paired t test; and it is below 5 % exactly where the 95 % interval leaves 0 out."""
    rng = np.random.default_rng(seed)
    base = rng.normal(10, 2, n)
    other = base * 0.8 + rng.normal(2.5, 1, n)
    found = compare_paired(base, other)
    assert found.p_value == pytest.approx(stats.ttest_rel(other, base).pvalue, rel=1e-9)
    assert (found.p_value < 0.05) == (not found.difference.covers(0.0))


def test_the_variance_ratio_is_one_without_and_large_with_common_luck() -> None:
    """Var(X) + Var(Y) over Var(Y - X): 1 for independent values, 2 / (1 - correlation) / 2 for alike ones."""
    rng = np.random.default_rng(1)
    luck, own, other = rng.normal(size=(3, 20_000))
    assert compare_paired(own, other).variance_ratio == pytest.approx(1.0, abs=0.05)
    shared = compare_paired(3 * luck + own, 3 * luck + other)  # correlation 0.9
    assert shared.variance_ratio == pytest.approx(10.0, rel=0.05)
    assert compare_paired(luck, -luck).variance_ratio == pytest.approx(0.5)


def test_pairs_that_differ_by_a_constant_or_not_at_all_need_no_luck() -> None:
    """What rounding leaves is no difference."""
    base = np.array([0.1, 0.2, 0.3])
    same = compare_paired(base, base * (1 + 1e-15))
    assert (same.difference.mean, same.difference.half_width, same.p_value) == (0.0, 0.0, 1.0)
    assert same.variance_ratio == math.inf
    moved = compare_paired([1.0, 2.0], [2.0, 3.0])
    assert (moved.difference.mean, moved.difference.half_width, moved.p_value) == (1.0, 0.0, 0.0)
    assert math.isnan(compare_paired([1.0, 1.0], [2.0, 2.0]).variance_ratio)


def test_a_seed_that_lacks_either_is_left_out() -> None:
    """And counted."""
    found = compare_paired([1.0, math.nan, 3.0, 5.0], [2.0, 3.0, 3.0, math.nan])
    assert (found.n, found.difference.missing, found.difference.mean) == (2, 2, 0.5)
    lone = compare_paired([1.0], [2.0])
    assert lone.difference.half_width == math.inf
    assert math.isnan(lone.p_value)
    assert math.isnan(lone.variance_ratio)


def test_variants_of_other_lengths_are_no_pairs() -> None:
    """The message says what was given."""
    with pytest.raises(InputError, match=r"\(3,\) and \(2,\)"):
        compare_paired([1, 2, 3], [1, 2])


def test_holm_reproduces_the_usual_example() -> None:
    """Four tests with 0.01, 0.04, 0.03 and 0.005: at 5 % the first and the last are rejected."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_the_closed_test_of_bonferroni(p_values: list[float]) -> None:
    """A hypothesis is as doubtful as the most doubtful set of hypotheses with it (Marcus, Peritz, Gabriel 1976)."""
    tests = range(len(p_values))
    sets = [s for size in range(1, len(p_values) + 1) for s in itertools.combinations(tests, size)]
    for test, adjusted in enumerate(holm(p_values)):
        worst = max(min(1.0, len(s) * min(p_values[i] for i in s)) for s in sets if test in s)
        assert adjusted == pytest.approx(worst)


def test_holm_does_not_count_what_was_not_tested() -> None:
    """A nan stays one."""
    assert holm([math.nan, 0.02, 0.5]).tolist() == pytest.approx([math.nan, 0.04, 0.5], nan_ok=True)
    assert len(holm([])) == 0


def test_all_intervals_against_a_base_hold_together() -> None:
    """Of 2,000 studies of four variants that share a base, 95 % have all four intervals right, to 3 deviations."""
    rng, right, tries = np.random.default_rng(2), 0, 2000
    truths = np.array([0.0, 0.5, -1.0, 2.0])
    for _ in range(tries):
        base = rng.normal(0, 2, 10)
        others = truths[:, None] + 0.5 * base + rng.normal(0, 1, (4, 10))
        found = against_base(base, list(others), level=0.95)
        right += all(each.difference.covers(truth) for each, truth in zip(found, truths, strict=True))
    assert right / tries > 0.95 - 3 * math.sqrt(0.95 * 0.05 / tries)
    assert found[0].difference.level == pytest.approx(1 - 0.05 / 4)


def test_one_variant_against_a_base_is_a_pair() -> None:
    """Bonferroni over one comparison changes nothing."""
    assert against_base(FIRST, [SECOND]) == (compare_paired(FIRST, SECOND),)
    assert compare_paired(FIRST, SECOND).difference.half_width == pytest.approx(
        t_interval(np.subtract(SECOND, FIRST)).half_width
    )
