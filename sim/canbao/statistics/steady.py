"""Steady state of a series that goes on without end: warm-up, moving averages, batch means.

None of this is for a season, which begins empty and ends at a deadline: there the beginning is part of the question.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from canbao.arrays import FloatArray, np
from canbao.errors import InputError
from canbao.statistics.intervals import Interval, t_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["BatchMeans", "Truncation", "batch_means", "lag_one", "mser5", "welch"]

_BATCH = 5
_LEFT_AT_THE_END = 5
"""The last few batches are no candidates: so few numbers can be equal by chance."""


@dataclass(frozen=True)
class Truncation:
    """Where the warm-up ends."""

    observations: int
    """How many observations to leave out at the beginning: a multiple of 5."""
    long_enough: bool
    """False where that is more than half of the series: the run is too short, or there is no steady state."""
    statistic: FloatArray
    """The rule's statistic for leaving out 0, 1, 2 ... batches of 5, shape (candidates,); the smallest decides."""


def mser5(values: ArrayLike) -> Truncation:
    """Give the warm-up of a series by MSER-5: the one whose removal makes the mean best known.

    White (1997), An effective truncation heuristic for bias reduction in simulation output, Simulation 69, 323-334, and
    White, Cobb and Spratt (2000), A comparison of five steady-state truncation heuristics for simulation, Proceedings
    of the Winter Simulation Conference, for means of 5: of the means Z(1) ... Z(n), leave out the d first that
    minimise Σ (Z(j) - mean)² / (n - d)² over j > d. A minimum in the last half means that the series is too short. The
    last 5 batches are no candidates (Hoad, Robinson and Davies 2010, Automating warm-up length estimation, Journal of
    the Operational Research Society 61, 1389-1403).

    Parameters
    ----------
    values
        Observations in the order of time, shape (n,); or their means over replications, which show the warm-up better.
        What is left behind the last whole five is not looked at.
    """
    series = _finite(values).ravel()
    n = len(series) // _BATCH
    if n <= _LEFT_AT_THE_END:
        least = (_LEFT_AT_THE_END + 1) * _BATCH
        raise InputError(f"MSER-5 needs at least {least} observations, given {len(series)}; run longer")
    means = series[: n * _BATCH].reshape(n, _BATCH).mean(axis=1)
    statistic = _marginal_errors(means)[: n - _LEFT_AT_THE_END]
    batches = int(np.argmin(statistic))
    return Truncation(batches * _BATCH, batches <= n / 2, statistic)


def _marginal_errors(means: FloatArray) -> FloatArray:
    """Give Σ (Z(j) - mean)² / (n - d)² over j > d for every d, from sums taken from the end."""
    apart = (means - means.mean())[::-1]
    left = np.arange(1, len(means) + 1)
    squares = np.cumsum(apart * apart) - np.cumsum(apart) ** 2 / left
    return np.asarray((np.maximum(squares, 0.0) / left**2)[::-1])


def _finite(values: ArrayLike) -> FloatArray:
    series = np.asarray(values, dtype=np.float64)
    wrong = series[~np.isfinite(series)]
    if len(wrong):
        raise InputError(f"a series must hold finite numbers, given {float(wrong[0])}; cut it where it ends")
    return series


def welch(values_by_replication: ArrayLike, window: int) -> FloatArray:
    """Give the moving average that Welch's plot shows; where it becomes flat the warm-up ends.

    Welch (1983), The statistical analysis of simulation results, in Lavenberg (ed.), Computer Performance Modeling
    Handbook; Law (2015), 9.5.1. Means over replications, then over 2 window + 1 observations around each; near the
    beginning over as many as there are on its left.

    Parameters
    ----------
    values_by_replication
        Observations in the order of time, shape (replications, m); five replications or more show something.
    window
        Half the width of the moving average, 0 <= window <= m // 4; widen it until the line is smooth.

    Returns
    -------
    FloatArray
        Shape (m - window,).
    """
    given = np.atleast_2d(np.asarray(values_by_replication, dtype=np.float64))
    m = given.shape[1]
    if not 0 <= window <= m // 4:
        raise InputError(f"a window for {m} observations must lie between 0 and {m // 4}, given {window}")
    sums = np.concatenate([[0.0], np.cumsum(given.mean(axis=0))])
    place = np.arange(m - window)
    reach = np.minimum(place, window)
    return np.asarray((sums[place + reach + 1] - sums[place - reach]) / (2 * reach + 1))


@dataclass(frozen=True)
class BatchMeans:
    """The mean of one long series, with an interval from the means of its batches."""

    interval: Interval
    size: int
    """Observations in a batch."""
    means: FloatArray
    """Mean of each batch, shape (batches,)."""
    lag_one: float
    """Correlation of neighbouring batches; well above 0 the batches are too short and the interval too narrow."""
    independent: bool
    """Whether the batches pass von Neumann's test at 10 %: nothing speaks against them as independent."""


def batch_means(values: ArrayLike, batches: int = 20, level: float = 0.95) -> BatchMeans:
    """Give the mean of a long series without its warm-up, and its interval by batch means.

    Schmeiser (1982), Batch size effects in the analysis of simulation output, Operations Research 30, 556-568: 10 to 30
    batches are enough. Law (2015), 9.5.3.

    Parameters
    ----------
    values
        Observations in the order of time, the warm-up removed, shape (n,); or those of some runs, shape (runs, n), each
        of which is cut by itself. What does not fill the batches is left out at the beginning, where something of the
        warm-up may be.
    batches
        How many in all, 2 or more, the same number for each run.
    level
        Of the interval.
    """
    rows = np.atleast_2d(_finite(values))
    each = batches // len(rows)
    if batches < 2 or not 1 <= each <= rows.shape[1]:
        raise InputError(
            f"{len(rows)} series of {rows.shape[1]} observations cannot make {batches} batches; "
            "at least 2, at least one for each series, at most one for each observation"
        )
    size = rows.shape[1] // each
    means = rows[:, rows.shape[1] - size * each :].reshape(len(rows) * each, size).mean(axis=1)
    return BatchMeans(t_interval(means, level), size, means, lag_one(means), _passes_von_neumann(means))


def lag_one(values: FloatArray) -> float:
    """Give the correlation of each value with the next one; 0 where all are the same."""
    apart = values - values.mean()
    square = float(apart @ apart)
    return float(apart[1:] @ apart[:-1]) / square if square > 0 else 0.0


def _passes_von_neumann(means: FloatArray) -> bool:
    """Test for a positive correlation at 10 %, one-sided, by the ratio of von Neumann (1941).

    Fishman (1978), Grouping observations in digital simulation, Management Science 24, 510-521.

    With n independent normal values, 1 - Σ (difference)² / (2 Σ (deviation)²) has mean 0 and variance
    (n - 2) / (n² - 1), and is nearly normal.
    """
    n = len(means)
    square = float(((means - means.mean()) ** 2).sum())
    if n < 3 or square == 0:
        return True
    statistic = 1.0 - float((np.diff(means) ** 2).sum()) / (2.0 * square)
    return statistic / math.sqrt((n - 2) / (n * n - 1)) <= 1.2816
