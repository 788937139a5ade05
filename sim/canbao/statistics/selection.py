"""The best of k variants with a stated probability: the fully sequential procedure of Kim and Nelson.

Kim and Nelson (2001), A fully sequential procedure for indifference-zone selection in simulation, ACM Transactions on
Modeling and Computer Simulation 11, 251-273. Every variant gets n0 observations. Then each gets one more at a time, and
one that has fallen too far behind another is dropped. What counts is the variance of the difference of two variants, so
that common random numbers end it sooner.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from canbao.arrays import FloatArray, IntArray, np
from canbao.errors import InputError
from canbao.statistics.intervals import checked_level

__all__ = ["Sample", "Selection", "eta", "kim_nelson"]

Sample = Callable[[Sequence[int], range], FloatArray]
"""Gives observations of some variants: (variants, replications) -> shape (len(variants), len(replications)).

Replication r of every variant uses the same seed, for common random numbers; the same call gives the same numbers.
"""


@dataclass(frozen=True)
class Selection:
    """Which variant is best, and what it took to know."""

    best: int
    """Index of the variant that was selected."""
    stages: int
    """Replications that the longest-lived variant got; n0 if the first stage was enough."""
    survivors: tuple[int, ...]
    """Variants that were not dropped; more than one where the last were told apart by their means alone."""
    replications: tuple[int, ...]
    """How many observations of each variant were looked at."""
    means: tuple[float, ...]
    """Mean of those observations, for each variant."""
    guaranteed: bool
    """False where the budget ended the procedure: the best so far, without the promise."""


@dataclass(frozen=True)
class _Rules:
    """The rules of one selection: what is worth knowing, and how far a variant may fall behind."""

    delta: float
    h_squared: float
    variances: FloatArray
    """Sample variance of the difference of each two variants over the first stage, shape (k, k)."""

    @property
    def end(self) -> int:
        """The N of the paper: with more than so many replications the best mean is selected."""
        return math.floor(self.h_squared * float(self.variances.max()) / self.delta**2)

    def slack(self, variants: IntArray, replications: int) -> FloatArray:
        """Give W(r) for each two variants: max(0, δ / (2 r) (h² S² / δ² - r)), shape (m, m)."""
        square = self.variances[np.ix_(variants, variants)]
        spare = self.h_squared * square / self.delta**2 - replications
        return np.asarray(np.maximum(0.0, self.delta / (2.0 * replications) * spare))


def eta(k: int, n0: int, level: float) -> float:
    """Give the constant η of the procedure with c = 1: ½ ((2 α / (k - 1)) ** (-2 / (n0 - 1)) - 1).

    The version that holds for dependent variants too, as those with common random numbers are.
    """
    return 0.5 * (math.pow(2.0 * (1.0 - level) / (k - 1), -2.0 / (n0 - 1)) - 1.0)


def kim_nelson(  # noqa: PLR0913 - the numbers of the procedure, by name
    sample: Sample,
    k: int,
    *,
    delta: float,
    level: float = 0.95,
    n0: int = 10,
    maximize: bool = True,
    portion: int = 1,
    budget: int | None = None,
) -> Selection:
    """Select the variant with the best mean out of k.

    If the best is better than every other by `delta` or more, it is selected with probability `level` or more, for
    normal observations, whatever their variances and with common random numbers. If others are within `delta` of the
    best, one of those good ones is selected.

    Parameters
    ----------
    sample
        `sample(variants, replications)` gives an array (variants, replications); `replications` is a range of numbers
        from 0 on, and each is asked for once for each variant that is still in the race.
    k
        How many variants there are.
    delta
        The indifference zone: the smallest difference worth knowing, in the measure's unit.
    level
        The probability of the promise, above 1 / k.
    n0
        Replications of the first stage, 2 or more. 10 will do for means over many families; take 20 where a
        replication is a mean over few, whose skewness breaks the promise (82 of 100 instead of 90 in a test of ours).
    maximize
        Whether the largest mean is the best, or the smallest.
    portion
        How many replications are asked for at a time after the first stage, to keep several processors busy. They are
        looked at one by one, so the answer is the same for every portion.
    budget
        No variant gets more replications than this; None for no limit, which the procedure does not need to end.

    Raises
    ------
    InputError
        When the numbers above do not fit, or an observation is no finite number.
    """
    _check(k, delta, level, n0, budget)
    sign = 1.0 if maximize else -1.0
    first = sign * _asked(sample, range(k), range(n0))
    rules = _Rules(delta, 2.0 * eta(k, n0, level) * (n0 - 1) if k > 1 else 0.0, _variances(first))
    most = min(rules.end + 1, math.inf if budget is None else budget)
    race = _Race(rules, _Observations(sample, sign, portion, int(max(most, n0))), first.sum(axis=1), n0)
    return race.selected(sign, race.run())


def _check(k: int, delta: float, level: float, n0: int, budget: int | None) -> None:
    checked_level(level)
    if k < 1 or not 0 < delta < math.inf or n0 < 2:
        raise InputError(f"a selection needs k >= 1, delta > 0 and n0 >= 2, given k={k}, delta={delta}, n0={n0}")
    if level <= 1 / k < 1:
        raise InputError(f"a guess picks the best of {k} with probability {1 / k:g}; ask for more than {level!r}")
    if budget is not None and budget < n0:
        raise InputError(f"a budget of {budget} replications is less than the first stage, {n0}; allow more")


def _asked(sample: Sample, variants: Sequence[int], replications: range) -> FloatArray:
    given = np.asarray(sample(variants, replications), dtype=np.float64)
    if given.shape != (len(variants), len(replications)):
        raise InputError(f"{len(variants)} variants and {len(replications)} replications were asked, got {given.shape}")
    wrong = np.argwhere(~np.isfinite(given))
    if len(wrong):
        row, column = wrong[0]
        raise InputError(
            f"variant {variants[row]} has nothing to compare in replication {replications[column]}: "
            f"{given[row, column]}; choose a measure that every replication has"
        )
    return given


def _variances(first: FloatArray) -> FloatArray:
    """Give the sample variance of the difference of each two variants, shape (k, k)."""
    apart = first[:, None, :] - first[None, :, :]
    return np.asarray(apart.var(axis=2, ddof=1))


class _Observations:
    """Observations one replication at a time, asked for in portions."""

    def __init__(self, sample: Sample, sign: float, portion: int, most: int) -> None:
        self._sample, self._sign, self._portion, self.most = sample, sign, max(1, portion), most
        self._held: dict[int, FloatArray] = {}
        self._ahead = range(0)

    def at(self, replication: int, variants: IntArray) -> FloatArray:
        """Give one observation of each of these variants; those dropped since the portion was asked for are left."""
        if replication not in self._ahead:
            self._ahead = range(replication, min(replication + self._portion, self.most))
            names = variants.tolist()
            self._held = dict(zip(names, self._sign * _asked(self._sample, names, self._ahead), strict=True))
        place = self._ahead.index(replication)
        return np.array([self._held[each][place] for each in variants.tolist()])


class _Race:
    """A selection under way: sums of observations, and who is left."""

    def __init__(self, rules: _Rules, observations: _Observations, sums: FloatArray, n0: int) -> None:
        self._rules, self._observations = rules, observations
        self._sums, self._counts = sums, np.full(len(sums), n0)
        self._left, self._replications = np.arange(len(sums)), n0

    def run(self) -> bool:
        """Go on until somebody has won; False if the budget was spent before."""
        while self._replications <= self._rules.end:
            self._drop()
            if len(self._left) == 1:
                return True
            if self._replications == self._observations.most:
                return False
            self._sums[self._left] += self._observations.at(self._replications, self._left)
            self._replications += 1
            self._counts[self._left] = self._replications
        return True

    def _drop(self) -> None:
        means = self._sums[self._left] / self._replications
        slack = self._rules.slack(self._left, self._replications)
        behind = means[:, np.newaxis] + slack < means[np.newaxis, :]
        self._left = self._left[~behind.any(axis=1)]

    def selected(self, sign: float, guaranteed: bool) -> Selection:
        """Give the best of those who are left."""
        means = self._sums / self._counts
        best = int(self._left[np.argmax(means[self._left])])
        shown = tuple((sign * means).tolist())
        replications = tuple(self._counts.tolist())
        return Selection(best, self._replications, tuple(self._left.tolist()), replications, shown, guaranteed)
