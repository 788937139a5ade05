"""Forms: distributions as numbers, for a kernel that knows no objects."""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "CONSTANT",
    "EMPIRICAL",
    "EXPONENTIAL",
    "HISTOGRAM",
    "LOGNORMAL",
    "TRIANGULAR",
    "UNIFORM",
    "WEIBULL",
    "Form",
]

CONSTANT, UNIFORM, EXPONENTIAL, LOGNORMAL, TRIANGULAR, WEIBULL, EMPIRICAL, HISTOGRAM = range(8)


class Form(NamedTuple):
    """A distribution in numbers; `canbao.kernel.inverses` says what each number means."""

    kind: int
    a: float = 0.0
    b: float = 0.0
    c: float = 0.0
    points: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
