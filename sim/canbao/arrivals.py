"""Arrivals: when families come, as arrays of times.

A rate that changes is honoured between arrivals too. To draw the next gap from the rate of this moment
alone, as is often done, jumps over changes and bends every peak; here the times come from inversion of
the cumulated rate (Çinlar 1975) or from thinning (Lewis and Shedler 1979), which are both exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from canbao.arrays import FloatArray, np
from canbao.distributions import Distribution
from canbao.errors import NetworkError
from canbao.luck import Luck
from canbao.schedule import Schedule

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["ArrivalProcess", "At", "Poisson", "Renewal", "Thinned", "invert"]

_MOST = 10**8
"""More arrivals than this would not fit into memory."""


class ArrivalProcess(Protocol):
    """What a stream of arrivals can do."""

    def times(self, luck: Luck, purpose: str, until: float, /) -> FloatArray:
        """Give the arrival times in [0, until), rising; equal luck and purpose give equal times."""
        ...


def invert(rate: Schedule, amounts: FloatArray) -> FloatArray:
    """Give the times at which the cumulated rate reaches `amounts` (rising or not); inf where it never does."""
    widths = np.diff(rate.times)
    reached = np.concatenate([[0.0], np.cumsum(widths * rate.values[:-1])])
    # The first piece whose end passes the amount; pieces of rate 0 pass nothing and are skipped.
    place = np.searchsorted(reached, amounts, side="right") - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        times = rate.times[place] + (amounts - reached[place]) / rate.values[place]
    return np.where(rate.values[place] > 0, times, math.inf)


def _running_sums(gap: Distribution, luck: Luck, purpose: str, past: float, expected: float) -> FloatArray:
    """Sum gaps in sequence, as a clock would, until the sum passes `past`."""
    count = int(expected + 6 * math.sqrt(expected + 1)) + 16
    while count <= _MOST:
        gaps = np.asarray(gap.ppf(luck.uniforms(purpose, count)), dtype=np.float64)
        wrong = gaps[~(gaps >= 0)]
        if len(wrong):
            raise NetworkError(f"{gap}: a gap between arrivals must be a number >= 0, but one is {wrong[0]}")
        sums = np.cumsum(gaps)
        if sums[-1] >= past:
            return np.asarray(sums[: np.searchsorted(sums, past, side="left")])
        if sums[-1] <= 0:
            raise NetworkError(f"{gap}: the gaps between arrivals are all 0, so that time never passes")
        count *= 2
    raise NetworkError(
        f"more than {_MOST:,} arrivals would come; is the rate or the gap in the network's unit of time?"
    )


class _UnitExponential:
    def ppf(self, u: FloatArray) -> FloatArray:
        return np.asarray(-np.log1p(-u))


@dataclass(frozen=True)
class Poisson:
    """Poisson arrivals by inversion: `rate` families a unit of time, a number or a Schedule of numbers."""

    rate: float | Schedule

    def times(self, luck: Luck, purpose: str, until: float) -> FloatArray:
        """Give the arrival times in [0, until)."""
        rate = self.rate if isinstance(self.rate, Schedule) else Schedule.constant(self.rate)
        if not (bool(np.all(rate.values >= 0)) and bool(np.all(np.isfinite(rate.values)))):
            raise NetworkError(f"a rate of arrivals must be >= 0 and finite, given {self.rate}")
        amount = rate.integral(0.0, until)
        sums = _running_sums(_UnitExponential(), luck, purpose, amount, amount) if amount > 0 else np.empty(0)
        times = invert(rate, sums)
        return times[times < until]


@dataclass(frozen=True)
class Thinned:
    """Poisson arrivals by thinning, for a rate that is any function of time and never above `bound`."""

    rate: Callable[[FloatArray], FloatArray]
    bound: float

    def times(self, luck: Luck, purpose: str, until: float) -> FloatArray:
        """Give the arrival times in [0, until); a rate above the bound is an error."""
        candidates = Poisson(self.bound).times(luck, purpose, until)
        rates = np.asarray(self.rate(candidates), dtype=np.float64)
        if len(rates) and not 0 <= float(rates.min()) <= float(rates.max()) <= self.bound:
            raise NetworkError(f"the rate runs from {rates.min()} to {rates.max()}, outside 0 to bound={self.bound}")
        return candidates[luck.uniforms(f"{purpose}:thinning", len(candidates)) * self.bound < rates]


@dataclass(frozen=True)
class Renewal:
    """Arrivals with independent gaps of one distribution; the first comes one gap after time 0."""

    gap: Distribution

    def times(self, luck: Luck, purpose: str, until: float) -> FloatArray:
        """Give the arrival times in [0, until)."""
        return _running_sums(self.gap, luck, purpose, until, 256)


@dataclass(frozen=True)
class At:
    """Arrivals at given times, in any order; those outside [0, until) do not come."""

    moments: ArrayLike

    def times(self, luck: Luck, purpose: str, until: float) -> FloatArray:
        """Give the times as they stand, nan for those who do not come; luck plays no part."""
        array = np.array(self.moments, dtype=np.float64)
        return np.where((array >= 0) & (array < until), array, math.nan)
