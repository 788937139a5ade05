"""Two variants on the same seeds: the difference, how sure it is, and what the shared luck was worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from canbao.arrays import FloatArray, np
from canbao.errors import InputError
from canbao.statistics.intervals import Interval, checked_level, t_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Paired", "against_base", "compare_paired", "holm"]

_ROUNDING = 1e-12
"""Differences below this share of the numbers themselves are rounding, and count as none."""


@dataclass(frozen=True)
class Paired:
    """How much more the other variant has than the base, seed by seed."""

    difference: Interval
    """Of other - base, over seeds."""
    p_value: float
    """How often luck alone would show a difference as large, if there were none; two-sided; nan for fewer than two."""
    variance_ratio: float
    """Variance of the difference with independent seeds over that with the same seeds.

    As many times more replications would be needed without common random numbers. inf where all differences are the
    same, nan where neither variant varies."""
    n: int
    """How many seeds have a value of both."""


def compare_paired(base: ArrayLike, other: ArrayLike, level: float = 0.95, *, family: int = 1) -> Paired:
    """Compare two variants that were run on the same seeds, by the paired t test.

    Law, Simulation Modeling and Analysis (2015), 10.2.1 (the paired-t interval) and 11.2 (common random numbers).

    Parameters
    ----------
    base, other
        One value for each seed, shape (seeds,) both, in the order of the same seeds. A seed that lacks either is left
        out.
    level
        Of the interval of the difference.
    family
        How many comparisons are read together. With more than one each interval is at 1 - (1 - level) / family, so
        that all of them cover the truth at once with probability `level` (Bonferroni; needs no independence).

    Raises
    ------
    InputError
        When the two are not of one length.
    """
    first, second = np.asarray(base, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if first.shape != second.shape:
        raise InputError(
            f"a paired comparison needs one value of each variant for each seed, given {first.shape} and {second.shape}"
        )
    known = ~(np.isnan(first) | np.isnan(second))
    apart = _differences(first[known], second[known])
    difference = t_interval(apart, 1.0 - (1.0 - checked_level(level)) / family)
    shown = Interval(difference.mean, difference.half_width, difference.level, difference.n, int((~known).sum()))
    ratio = _variance_ratio(first[known], second[known], apart)
    return Paired(shown, _p_value(apart), ratio, len(apart))


def _differences(base: FloatArray, other: FloatArray) -> FloatArray:
    apart = other - base
    small = np.abs(apart) <= _ROUNDING * np.maximum(np.abs(base), np.abs(other))
    return np.where(small, 0.0, apart)


def _variance(values: FloatArray) -> float:
    """Give the variance; 0 where all are the same, whatever rounding makes of it."""
    return 0.0 if values.min() == values.max() else float(values.var(ddof=1))


def _variance_ratio(base: FloatArray, other: FloatArray, apart: FloatArray) -> float:
    if len(apart) < 2:
        return math.nan
    independent, paired = _variance(base) + _variance(other), _variance(apart)
    if paired == 0:
        return math.inf if independent > 0 else math.nan
    return independent / paired


def _p_value(apart: FloatArray) -> float:
    from scipy.special import stdtr

    n = len(apart)
    if n < 2:
        return math.nan
    mean, variance = float(apart.mean()), _variance(apart)
    if variance == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2.0 * stdtr(n - 1, -abs(mean) / math.sqrt(variance / n)))


def against_base(base: ArrayLike, others: Sequence[ArrayLike], level: float = 0.95) -> tuple[Paired, ...]:
    """Compare every other variant with the base; all the intervals hold together with probability `level`.

    Law (2015), 10.3.1, comparisons with a standard: Bonferroni over the paired intervals, which share the base's runs.
    `holm` of the p-values is the matching test; it is the sharper of the two, so that now and then it tells two
    variants apart whose interval still touches 0.

    Parameters
    ----------
    base
        One value for each seed, shape (seeds,).
    others
        The same for each other variant, on the same seeds.
    level
        Of all intervals together.
    """
    return tuple(compare_paired(base, other, level, family=len(others)) for other in others)


def holm(p_values: ArrayLike) -> FloatArray:
    """Adjust p-values that are read together, so that a false finding among all of them is as rare as for one alone.

    Holm (1979), Scandinavian Journal of Statistics 6, 65-70. Times the number of those not yet rejected, from the
    smallest on, never falling and never above 1; it needs no independence.

    Parameters
    ----------
    p_values
        Shape (tests,). A nan is no test: it stays nan and is not counted.
    """
    given = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(given.shape, np.nan)
    tests = np.flatnonzero(~np.isnan(given))
    order = tests[np.argsort(given[tests], kind="stable")]
    left = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(given[order] * left), 1.0)
    return adjusted
