"""Inverses of distribution functions: a uniform number goes in, a sample comes out.

`Form` holds a distribution in numbers. Both engines draw with these very functions, because two libraries of
mathematics do not agree on the last bit of a logarithm.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from canbao.arrays import FloatArray
from canbao.kernel import forms
from canbao.kernel.compiling import compiled, entry, inlined
from canbao.kernel.forms import Form
from canbao.kernel.handle import LAYOUTS, handle

__all__ = ["fill_quantiles", "inverse", "normal", "quantiles", "sample"]

_CONSTANT, _UNIFORM, _EXPONENTIAL, _LOGNORMAL = forms.CONSTANT, forms.UNIFORM, forms.EXPONENTIAL, forms.LOGNORMAL
_TRIANGULAR, _WEIBULL, _EMPIRICAL = forms.TRIANGULAR, forms.WEIBULL, forms.EMPIRICAL


def quantiles(form: Form, u: FloatArray) -> FloatArray:
    """Give the quantiles of a form at `u`, numbers in (0, 1), in an array of its shape."""
    flat = np.ascontiguousarray(u, dtype=np.float64).ravel()
    points, shares = (np.array(numbers, dtype=np.float64) for numbers in (form.points, form.shares))
    asked = _Asked(points, shares, flat, np.empty_like(flat))
    fill_quantiles(handle(asked), form.kind, float(form.a), float(form.b), float(form.c))
    return asked.out.reshape(np.shape(u))


class _Asked(NamedTuple):
    """Which quantiles of a form are asked for."""

    points: Any
    shares: Any
    u: Any
    out: Any


LAYOUTS[_Asked] = dict.fromkeys(_Asked._fields, (np.dtype(np.float64), 1))


@entry(_Asked, int, float, float, float)
def fill_quantiles(asked: Any, kind: int, a: float, b: float, c: float) -> None:
    """Write the quantiles of a form at `u` into `out`."""
    for i in range(len(asked.u)):
        asked.out[i] = inverse(kind, a, b, c, asked.points, asked.shares, 0, len(asked.shares), asked.u[i])


@inlined
def inverse(  # noqa: PLR0911, PLR0913, PLR0917 - one for each kind
    kind: int, a: float, b: float, c: float, points: Any, shares: Any, first: int, last: int, u: float
) -> float:
    """Give the quantile at `u`; `points` and `shares` hold many forms, this one from `first` to `last`."""
    if kind == _LOGNORMAL:  # a: mean of the logarithm, b: its standard deviation
        return math.exp(a + b * normal(u))
    if kind == _UNIFORM:  # a: low, b: high
        return a + (b - a) * u
    if kind == _EXPONENTIAL:  # a: mean
        return -a * math.log1p(-u)
    if kind == _TRIANGULAR:  # a: low, b: mode, c: high
        return _triangular(a, b, c, u)
    if kind == _WEIBULL:  # a: scale, b: 1 / shape
        return a * math.pow(-math.log1p(-u), b)
    if kind == _EMPIRICAL:  # points: values, shares: cumulated
        return points[min(_above(shares, first, last, u), last - 1)]
    if kind == _CONSTANT:
        return a
    # A histogram; points: lower edges, shares: cumulated below them. The last edge stands behind.
    place = min(_above(shares, first, last, u) - 1, last - 2)
    share = (u - shares[place]) / (shares[place + 1] - shares[place])
    return points[place] + share * (points[place + 1] - points[place])


@compiled
def _triangular(low: float, mode: float, high: float, u: float) -> float:
    width, rise, fall = high - low, mode - low, high - mode
    if u < rise / width:
        return low + math.sqrt(u * width * rise)
    return high - math.sqrt((1 - u) * width * fall)


@compiled
def _above(shares: Any, low: int, high: int, u: float) -> int:
    """Give the first place whose share is above `u`."""
    while low < high:
        middle = (low + high) >> 1
        if u < shares[middle]:
            high = middle
        else:
            low = middle + 1
    return low


@inlined
def normal(u: float) -> float:
    """Give the quantile of the standard normal distribution, to about 1 part in 10^16.

    Algorithm AS 241, PPND16 (Wichura (1988), Applied Statistics 37).
    """
    q = u - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        r2 = r * r
        r4 = r2 * r2
        # Terms in pairs (Estrin's scheme): a processor sums them side by side, in less time than one by one (Horner's).
        above = 3.387132872796366608 + 133.14166789178437745 * r
        above += (1971.5909503065514427 + 13731.693765509461125 * r) * r2
        high = 45921.953931549871457 + 67265.770927008700853 * r
        above += (high + (33430.575583588128105 + 2509.0809287301226727 * r) * r2) * r4
        below = 1.0 + 42.313330701600911252 * r
        below += (687.1870074920579083 + 5394.1960214247511077 * r) * r2
        high = 21213.794301586595867 + 39307.89580009271061 * r
        below += (high + (28729.085735721942674 + 5226.495278852854561 * r) * r2) * r4
        return q * above / below
    r = math.sqrt(-math.log(u if q < 0 else 1.0 - u))
    far = _tail(r - 1.6) if r <= 5.0 else _far_tail(r - 5.0)
    return -far if q < 0 else far


@compiled
def _tail(r: float) -> float:
    above = 7.7454501427834140764e-4 * r + 0.0227238449892691845833
    above = above * r + 0.24178072517745061177
    above = above * r + 1.27045825245236838258
    above = above * r + 3.64784832476320460504
    above = above * r + 5.7694972214606914055
    above = above * r + 4.6303378461565452959
    above = above * r + 1.42343711074968357734
    below = 1.05075007164441684324e-9 * r + 5.475938084995344946e-4
    below = below * r + 0.0151986665636164571966
    below = below * r + 0.14810397642748007459
    below = below * r + 0.68976733498510000455
    below = below * r + 1.6763848301838038494
    below = below * r + 2.05319162663775882187
    return above / (below * r + 1.0)


@compiled
def _far_tail(r: float) -> float:
    above = 2.01033439929228813265e-7 * r + 2.71155556874348757815e-5
    above = above * r + 0.0012426609473880784386
    above = above * r + 0.026532189526576123093
    above = above * r + 0.29656057182850489123
    above = above * r + 1.7848265399172913358
    above = above * r + 5.4637849111641143699
    above = above * r + 6.6579046435011037772
    below = 2.04426310338993978564e-15 * r + 1.4215117583164458887e-7
    below = below * r + 1.8463183175100546818e-5
    below = below * r + 7.868691311456132591e-4
    below = below * r + 0.0148753612908506148525
    below = below * r + 0.13692988092273580531
    below = below * r + 0.59983220655588793769
    return above / (below * r + 1.0)


@inlined
def sample(draw: Any, points: Any, shares: Any, u: float) -> float:
    """Give the quantile at `u` of a draw's form."""
    return inverse(draw.form, draw.a, draw.b, draw.c, points, shares, draw.first, draw.last, u)
