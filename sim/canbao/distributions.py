"""Distributions, each given by its inverse: a uniform number goes in, a sample comes out.

Inversion keeps common random numbers intact: a family that is slow at one window (a high uniform) is
slow under every staffing and, where only a mean changes, by the same rank. Anything with `ppf` and
`mean` will do, a frozen distribution of scipy.stats for one. Those that have a `form` are drawn inside
the compiled engine, by the functions of `canbao.kernel.inverses`, which their `ppf` calls as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from canbao.arrays import FloatArray, np
from canbao.errors import NetworkError
from canbao.kernel import forms
from canbao.kernel.forms import Form

__all__ = [
    "Constant",
    "Distribution",
    "Empirical",
    "Erlang",
    "Exponential",
    "Gamma",
    "Histogram",
    "Lognormal",
    "Triangular",
    "Uniform",
    "Weibull",
    "formed",
]


class Distribution(Protocol):
    """What a distribution can do."""

    def ppf(self, u: FloatArray, /) -> FloatArray:
        """Give the quantiles at `u`, an array of numbers in (0, 1), in an array of its shape."""
        ...


class _Formed:
    """A distribution that the kernel knows."""

    __slots__ = ()

    def form(self) -> Form:
        """Give the distribution in numbers."""
        raise NotImplementedError  # each distribution below says its own

    def ppf(self, u: FloatArray) -> FloatArray:
        """Give the quantiles at `u`, an array of numbers in (0, 1), in an array of its shape."""
        from canbao.kernel.inverses import quantiles

        return quantiles(self.form(), u)


def _need(fits: bool, distribution: object, what: str) -> None:
    if not fits:
        raise NetworkError(f"{distribution}: {what}")


@dataclass(frozen=True)
class Constant(_Formed):
    """Always the same value."""

    value: float

    def __post_init__(self) -> None:
        _need(not math.isnan(self.value), self, "value must be a number")

    @property
    def mean(self) -> float:
        """The value itself."""
        return self.value

    def form(self) -> Form:
        """Give the distribution in numbers."""
        return Form(forms.CONSTANT, self.value)


@dataclass(frozen=True)
class Exponential(_Formed):
    """Memoryless, by its mean."""

    mean: float

    def __post_init__(self) -> None:
        _need(0 < self.mean < math.inf, self, "mean must be > 0")

    def form(self) -> Form:
        """Give the distribution in numbers."""
        return Form(forms.EXPONENTIAL, self.mean)


@dataclass(frozen=True)
class Lognormal(_Formed):
    """Lognormal, by its mean and its coefficient of variation (standard deviation / mean)."""

    mean: float
    cv: float

    def __post_init__(self) -> None:
        _need(0 < self.mean < math.inf and 0 < self.cv < math.inf, self, "mean and cv must be > 0")

    @classmethod
    def from_median(cls, median: float, sigma: float) -> Lognormal:
        """Make one from its median and the standard deviation of its logarithm."""
        return cls(mean=median * math.exp(sigma * sigma / 2), cv=math.sqrt(math.expm1(sigma * sigma)))

    def form(self) -> Form:
        """Give the distribution in numbers: mean and standard deviation of the logarithm."""
        variance = math.log1p(self.cv * self.cv)
        return Form(forms.LOGNORMAL, math.log(self.mean) - variance / 2, math.sqrt(variance))


@dataclass(frozen=True)
class Uniform(_Formed):
    """Every value between `low` and `high` alike."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _need(-math.inf < self.low <= self.high < math.inf, self, "low must be <= high")

    @property
    def mean(self) -> float:
        """The middle."""
        return (self.low + self.high) / 2

    def form(self) -> Form:
        """Give the distribution in numbers."""
        return Form(forms.UNIFORM, self.low, self.high)


@dataclass(frozen=True)
class Triangular(_Formed):
    """Between `low` and `high`, most often near `mode`."""

    low: float
    mode: float
    high: float

    def __post_init__(self) -> None:
        fits = -math.inf < self.low <= self.mode <= self.high < math.inf and self.low < self.high
        _need(fits, self, "needs low <= mode <= high, low < high, all finite")

    @property
    def mean(self) -> float:
        """The mean of the three corners."""
        return (self.low + self.mode + self.high) / 3

    def form(self) -> Form:
        """Give the distribution in numbers."""
        return Form(forms.TRIANGULAR, self.low, self.mode, self.high)


@dataclass(frozen=True)
class Gamma:
    """Gamma, by its mean and its shape (1 is exponential; a whole number is an Erlang)."""

    mean: float
    shape: float

    def __post_init__(self) -> None:
        _need(0 < self.mean < math.inf and 0 < self.shape < math.inf, self, "mean and shape must be > 0")

    def ppf(self, u: FloatArray) -> FloatArray:
        """Give the quantiles at `u`."""
        from scipy.special import gammaincinv

        return np.asarray(self.mean / self.shape * gammaincinv(self.shape, u))


def Erlang(mean: float, phases: int) -> Gamma:  # noqa: N802 - it reads as the distribution that it makes
    """Make an Erlang distribution: the sum of `phases` exponential ones, with this mean in all."""
    return Gamma(mean, phases)


@dataclass(frozen=True)
class Weibull(_Formed):
    """Weibull, by its scale and its shape."""

    scale: float
    shape: float

    def __post_init__(self) -> None:
        _need(0 < self.scale < math.inf and 0 < self.shape < math.inf, self, "scale and shape must be > 0")

    @property
    def mean(self) -> float:
        """Scale times Γ(1 + 1/shape)."""
        return self.scale * math.gamma(1 + 1 / self.shape)

    def form(self) -> Form:
        """Give the distribution in numbers."""
        return Form(forms.WEIBULL, self.scale, 1 / self.shape)


def _need_weights(weights: Sequence[float], distribution: object) -> None:
    fits = all(weight >= 0 for weight in weights) and 0 < sum(weights) < math.inf
    _need(fits, distribution, "weights must be >= 0 and not all 0")


def _cumulated(weights: Sequence[float]) -> FloatArray:
    total = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.asarray(total / total[-1])


@dataclass(frozen=True)
class Empirical(_Formed):
    """One of some values, each with its weight."""

    values: tuple[float, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        _need(len(self.values) == len(self.weights), self, "needs as many weights as values")
        _need(not any(map(math.isnan, self.values)), self, "values must be numbers")
        _need_weights(self.weights, self)

    @property
    def mean(self) -> float:
        """The weighted mean of the values."""
        return float(np.average(self.values, weights=self.weights))

    def form(self) -> Form:
        """Give the distribution in numbers."""
        return Form(forms.EMPIRICAL, points=self.values, shares=tuple(_cumulated(self.weights).tolist()))


@dataclass(frozen=True)
class Histogram(_Formed):
    """Even inside each bin, the bins by weight: `edges` has one number more than `weights`."""

    edges: tuple[float, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        _need(len(self.edges) == len(self.weights) + 1, self, "needs one edge more than weights")
        _need(all(map(math.isfinite, self.edges)), self, "edges must be finite numbers")
        _need(all(a < b for a, b in pairwise(self.edges)), self, "edges must rise")
        _need_weights(self.weights, self)

    @property
    def mean(self) -> float:
        """The weighted mean of the bins' middles."""
        edges = np.asarray(self.edges)
        return float(np.average((edges[1:] + edges[:-1]) / 2, weights=self.weights))

    def form(self) -> Form:
        """Give the distribution in numbers; bins of weight 0 are never met."""
        shares = (0.0, *_cumulated(self.weights).tolist())
        return Form(forms.HISTOGRAM, points=self.edges, shares=shares)


def formed(distribution: object) -> Form | None:
    """Give the numbers of a distribution that the kernel knows, None for any other.

    A class derived from one of ours that has a `ppf` of its own is any other.
    """
    if isinstance(distribution, _Formed) and type(distribution).ppf is _Formed.ppf:
        return distribution.form()
    return None
