"""How many replications are enough: the algorithm of Hoad, Robinson and Davies.

Hoad, Robinson and Davies (2010), Automated selection of the number of replications for a discrete-event simulation,
Journal of the Operational Research Society 61, 1632-1644. Replications are added one at a time until the half-width of
the interval, as a share of the mean, is small enough and stays so for some more replications, since a first time may be
luck.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from canbao.arrays import FloatArray, np
from canbao.errors import InputError
from canbao.statistics.intervals import checked_level

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Decision", "Hoad", "enough"]


@dataclass(frozen=True)
class Hoad:
    """When to stop.

    The defaults are the paper's: 3 replications before the first look, 5 of look-ahead, 95 % intervals.
    """

    initial: int = 3
    """Replications before the first look."""
    look_ahead: int = 5
    """Replications for which the half-width has to stay small; beyond 100 replications as many in a hundred."""
    precision: float = 0.05
    """The largest half-width, as a share of the mean."""
    level: float = 0.95
    """Of the interval."""
    budget: int = 1000
    """Never run more replications than this, look-ahead included."""
    absolute: float = 0.0
    """A half-width up to this is small enough too, in the measure's own unit, for means near 0 (not in the paper)."""

    def __post_init__(self) -> None:
        checked_level(self.level)
        if self.initial < 2 or self.look_ahead < 0:
            raise InputError(
                f"a rule for precision needs initial >= 2 and look_ahead >= 0, "
                f"given {self.initial} and {self.look_ahead}; 3 and 5 are usual"
            )
        if self.budget < self.initial:
            raise InputError(
                f"a budget of {self.budget} replications is less than the first {self.initial}; allow more"
            )
        if not (self.precision > 0 or self.absolute > 0):
            raise InputError(f"a precision must be above 0, given {self.precision!r}; 0.05 for 5 % of the mean")

    def ahead(self, replications: int) -> int:
        """Give how many replications have to confirm: look_ahead up to 100, then as many in a hundred, rounded down."""
        return self.look_ahead * max(replications, 100) // 100


@dataclass(frozen=True)
class Decision:
    """What the rule says of the replications so far."""

    replications: int
    """The number asked for, if `reached`: the smallest that is precise and stays so; else those looked at."""
    half_width: float
    """Half-width of the interval over the first `replications`, in the measure's unit; inf where it has none."""
    reached: bool
    """Whether the precision is reached and confirmed."""
    precision: float
    """That half-width as a share of the mean."""
    needed: int
    """Have so many replications before asking again; no more than there are, where it is reached or the budget spent.

    Nothing can be decided before. Whoever has idle processors may run more: the decision will be the same."""


def enough(values: ArrayLike, rule: Hoad) -> Decision:
    """Tell whether replications are enough, or how many to have before asking again.

    The answer for the first n of more values is that for n values, so it does not matter in which portions they
    are run.

    Parameters
    ----------
    values
        One value for each replication in the order of seeds, shape (replications,); a nan is a replication that has
        nothing to measure, which counts as run. Beyond the budget they are not looked at.
    rule
        Precision, level, first look, look-ahead and budget.
    """
    looked = np.asarray(values, dtype=np.float64)[: rule.budget]
    half_widths, means = _running(looked, rule.level)
    small = half_widths <= np.maximum(rule.precision * np.abs(means), rule.absolute)
    n, since = len(looked), _precise_since(small, rule)
    found = since is not None and n - since >= rule.ahead(since)
    told = since if found and since is not None else n
    needed = n if found else _next_look(n, since, rule)
    half_width = float(half_widths[told - 1]) if told else math.inf
    return Decision(told, half_width, found, _share(half_width, float(means[told - 1]) if told else math.nan), needed)


def _precise_since(small: np.ndarray, rule: Hoad) -> int | None:
    """Give the first number of replications that is confirmed, or from which on all so far are precise."""
    since: int | None = None
    for n in range(rule.initial, len(small) + 1):
        if not small[n - 1]:
            since = None
        elif since is None:
            since = n
        if since is not None and n - since >= rule.ahead(since):
            return since
    return since


def _next_look(n: int, since: int | None, rule: Hoad) -> int:
    wanted = n + 1 if since is None else since + rule.ahead(since)
    return max(n, min(max(wanted, rule.initial), rule.budget))


def _share(half_width: float, mean: float) -> float:
    if half_width == 0:
        return 0.0
    return half_width / abs(mean) if mean else math.inf


def _running(values: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Give half-width and mean over the first 1, 2, ... n values; without two values inf and nan."""
    from scipy.special import stdtrit

    known = ~np.isnan(values)
    count = np.cumsum(known)
    start = values[known][0] if known.any() else 0.0
    apart = np.where(known, values - start, 0.0)  # from one of them, so that equal values give exactly 0
    sums, squares = np.cumsum(apart), np.cumsum(apart * apart)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.maximum(squares - sums * sums / count, 0.0) / (count - 1)
        means = np.where(count > 0, start + sums / count, np.nan)
        half_widths = stdtrit(count - 1, (1.0 + level) / 2.0) * np.sqrt(variance / count)
    return np.where(count > 1, half_widths, np.inf), means
