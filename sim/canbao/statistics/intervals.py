"""Intervals for an expectation, by Student's t over replication means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from canbao.arrays import FloatArray, np
from canbao.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Interval", "checked_level", "t_interval", "t_quantile"]


@dataclass(frozen=True)
class Interval:
    """A mean over replications, and how far the truth may be from it."""

    mean: float
    """Mean over the replications that have a value; nan where none has one."""
    half_width: float
    """Half the width of the interval; inf where fewer than two replications have a value."""
    level: float
    """How often intervals made in this way cover the truth: 0.95 for 19 of 20 experiments."""
    n: int
    """How many replications have a value."""
    missing: int = 0
    """How many replications have none: nothing to measure, or failed."""

    @property
    def low(self) -> float:
        """The lower end."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """The upper end."""
        return self.mean + self.half_width

    @property
    def relative(self) -> float:
        """The half-width as a share of the mean; 0 where both are 0, inf where only the mean is 0."""
        if self.half_width == 0:
            return 0.0
        return self.half_width / abs(self.mean) if self.mean else math.inf

    def covers(self, value: float) -> bool:
        """Tell whether a value lies in the interval, ends included."""
        return self.low <= value <= self.high

    def as_data(self) -> dict[str, float | int | None]:
        """Give `{mean, half_width, level, n}` for JSON, which knows no nan and no inf: None stands for both."""
        numbers = {"mean": self.mean, "half_width": self.half_width, "level": self.level}
        return {**{name: each if math.isfinite(each) else None for name, each in numbers.items()}, "n": self.n}


def checked_level(level: float) -> float:
    """Give a level back if it is one: an InputError unless 0 < level < 1."""
    if not 0 < level < 1:
        raise InputError(f"a level must lie between 0 and 1, given {level!r}; 0.95 is usual")
    return level


def t_quantile(freedom: float, level: float) -> float:
    """Give the t with which `mean ± t × standard error` covers the truth with probability `level`."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1.0 + level) / 2.0))


def t_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Give the interval of an expectation by Student's t: mean ± t(n - 1) s / √n.

    Law, Simulation Modeling and Analysis (2015), equation 4.12. It is exact for normal values, and close for means over
    many families, which are nearly normal.

    Parameters
    ----------
    values
        One value for each replication, shape (replications,), from different seeds. A nan is a replication that has
        nothing to measure: it is left out and counted in `missing`.
    level
        How often such an interval covers the truth, between 0 and 1.
    """
    given = np.asarray(values, dtype=np.float64)
    known = given[~np.isnan(given)]
    mean, half_width = _mean_and_half_width(known, checked_level(level))
    return Interval(mean, half_width, level, len(known), len(given) - len(known))


def _mean_and_half_width(known: FloatArray, level: float) -> tuple[float, float]:
    n = len(known)
    if n == 0:
        return math.nan, math.inf
    if known.min() == known.max():  # what rounding would leave of a variance is no doubt
        return float(known[0]), math.inf if n == 1 or not math.isfinite(known[0]) else 0.0
    if not np.isfinite(known).all():
        return float(known.mean()), math.inf
    return float(known.mean()), t_quantile(n - 1, level) * float(known.std(ddof=1)) / math.sqrt(n)
