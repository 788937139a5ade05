"""How sure a number of one run is, by leaving out one block of its families after another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from canbao.arrays import FloatArray, IntArray, np
from canbao.errors import InputError
from canbao.statistics.drawings import chance_of
from canbao.statistics.intervals import Interval, checked_level, t_quantile

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["FEWEST_BLOCKS", "blocks_in_time", "jackknife", "two_sided"]


FEWEST_BLOCKS = 3
"""Of fewer blocks an interval says nothing."""


def blocks_in_time(moments: FloatArray, blocks: int) -> IntArray:
    """Give the block of each of some moments: neighbours in time share one, and all are as large, but for one.

    Families that come at the same time meet the same queues, so that they are no independent observations; blocks that
    are long against a queue's memory nearly are (Künsch 1989, Annals of Statistics 17, 1217-1241).

    Parameters
    ----------
    moments
        Shape (n,).
    blocks
        How many.
    """
    rank = np.empty(len(moments), dtype=np.int64)
    rank[np.argsort(moments, kind="stable")] = np.arange(len(moments))
    return rank * blocks // max(len(moments), 1)


def jackknife(whole: float, without: ArrayLike, level: float = 0.95) -> Interval:
    """Give the interval of a number by the jackknife over blocks that follow each other in time.

    With g blocks, the pseudo-values g × whole − (g − 1) × without_j are taken for independent observations of it
    (Tukey 1958). It holds for means, shares and sums, and for quantiles because whole blocks are left out, many more
    than √n observations (Shao and Wu 1989, Annals of Statistics 17, 1176-1197). Over a season numbers drift, which is
    no chance; so the variance is half the mean square of the differences between neighbours, from which a drift falls
    out (von Neumann 1941, Annals of Mathematical Statistics 12, 367-395, whose variance of it gives the degrees of
    freedom of Student's t, 2 (g − 1)² / (3 g − 4)).

    Parameters
    ----------
    whole
        The number, of all blocks.
    without
        The same without each of the blocks, in their order, shape (blocks,).
    level
        How often such an interval covers the truth.

    Returns
    -------
    Interval
        Around `whole`; infinitely wide where a number is missing or there are fewer than three blocks.
    """
    left = np.asarray(without, dtype=np.float64)
    blocks = len(left)
    checked_level(level)
    if blocks < FEWEST_BLOCKS or not math.isfinite(whole) or not np.isfinite(left).all():
        return Interval(whole, math.inf, level, blocks)
    pseudo = blocks * whole - (blocks - 1) * left
    variance = float(np.square(np.diff(pseudo)).mean()) / 2.0 if left.min() != left.max() else 0.0
    return Interval(whole, t_quantile(_freedom(blocks), level) * math.sqrt(variance / blocks), level, blocks)


def _freedom(blocks: int) -> float:
    """Give the degrees of freedom of a variance from differences between neighbours."""
    return 2.0 * (blocks - 1) ** 2 / (3.0 * blocks - 4.0)


def two_sided(found: Interval) -> float:
    """Give how often chance alone would show a number as far from 0 as an interval's; nan where nobody can say.

    Raises
    ------
    InputError
        When the interval rests on too few blocks.
    """
    if found.n < FEWEST_BLOCKS:
        raise InputError(f"an interval of {found.n} blocks says nothing of chance")
    return chance_of(found, _freedom(found.n))
