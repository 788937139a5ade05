"""Intervals for shares, and for the chance that a promise is held.

A share of families is one number a replication, and its interval is over replications. To pool the families of all
replications would pretend that families who stood in one queue are independent, and give intervals that are far too
narrow. What happens once a replication, such as an objective that is held or missed, is a count of trials.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from canbao.arrays import FloatArray, np
from canbao.errors import InputError
from canbao.statistics.intervals import checked_level, t_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["ShareInterval", "chance_interval", "least_chance", "share_interval"]


@dataclass(frozen=True)
class ShareInterval:
    """A share, and the interval around it, which never leaves 0 to 1."""

    share: float
    low: float
    high: float
    level: float
    n: int
    """How many replications have a value."""

    def covers(self, value: float) -> bool:
        """Tell whether a value lies in the interval, ends included."""
        return self.low <= value <= self.high


def share_interval(shares: ArrayLike, level: float = 0.95) -> ShareInterval:
    """Give the interval of an expected share of families, from the share in each replication.

    Student's t over replications, cut off at 0 and 1.

    Parameters
    ----------
    shares
        One share for each replication, shape (replications,), between 0 and 1; nan where there is nothing to measure.
    level
        How often such an interval covers the truth.
    """
    known = _known_shares(shares)
    found = t_interval(known, level)
    return ShareInterval(found.mean, max(0.0, found.low), min(1.0, found.high), level, found.n)


def _known_shares(shares: ArrayLike) -> FloatArray:
    given = np.asarray(shares, dtype=np.float64)
    known = given[~np.isnan(given)]
    wrong = known[(known < 0) | (known > 1)]
    if len(wrong):
        raise InputError(f"a share must lie between 0 and 1, given {float(wrong[0])!r}")
    return known


def chance_interval(held: int, n: int, level: float = 0.95) -> ShareInterval:
    """Give the interval of a chance from `held` of `n` independent replications, such as that an objective is held.

    Exact; Clopper and Pearson (1934), Biometrika 26, 404-413. It covers the truth at least as often as it says.
    """
    _check_trials(held, n)
    tail = (1.0 - checked_level(level)) / 2.0
    share = held / n if n else math.nan
    return ShareInterval(share, _lower(held, n, tail), 1.0 - _lower(n - held, n, tail), level, n)


def least_chance(held: int, n: int, level: float = 0.95) -> float:
    """Give what the chance is at least, with probability `level`: the one-sided bound of Clopper and Pearson.

    20 of 20 replications that hold an objective say that it is held with a chance of 0.86 or more, and not with 1.
    """
    _check_trials(held, n)
    return _lower(held, n, 1.0 - checked_level(level))


def _check_trials(held: int, n: int) -> None:
    if not 0 <= held <= n:
        raise InputError(f"a chance needs 0 <= held <= n, given {held} of {n}")


def _lower(held: int, n: int, tail: float) -> float:
    from scipy.special import betaincinv

    return float(betaincinv(held, n - held + 1, tail)) if held else 0.0
