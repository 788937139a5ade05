"""Estimates: means over runs and their intervals, by Student's t, with and without control variates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from canbao.arrays import FloatArray

__all__ = ["Estimate", "difference", "intercept", "mean_of", "together"]


@dataclass(frozen=True)
class Estimate:
    """A mean, with its variance and the degrees of freedom with which that is known."""

    mean: float
    variance: float
    freedom: float

    def half_width(self, level: float) -> float:
        """Give half the width of the interval that covers the truth with probability `level`."""
        from scipy.special import stdtrit

        if self.variance == 0:
            return 0.0
        return float(stdtrit(self.freedom, (1.0 + level) / 2.0)) * math.sqrt(self.variance)


def mean_of(values: FloatArray) -> Estimate:
    """Estimate an expectation from independent values, shape (runs,), two or more."""
    runs = len(values)
    return Estimate(float(values.mean()), float(values.var(ddof=1)) / runs, runs - 1)


def difference(one: FloatArray, other: FloatArray) -> Estimate:
    """Estimate the expectation of a difference from pairs; what is left of rounding counts as nothing."""
    scale = float(np.abs(one).max(initial=0.0))
    apart = np.where(np.abs(one - other) <= 1e-9 * scale, 0.0, one - other)
    return mean_of(apart)


def intercept(values: FloatArray, controls: FloatArray) -> Estimate:
    """Estimate an expectation with the help of control variates, whose own expectation is known to be 0.

    The intercept of the regression of the values on the controls; Lavenberg and Welch (1981), Management Science 27.

    Parameters
    ----------
    values
        Shape (runs,); runs in which there was nothing to measure have a nan and are left out.
    controls
        Shape (runs, controls); some may say the same, or there may be none.
    """
    known = ~np.isnan(values)
    values, controls, runs = values[known], controls[known], int(known.sum())
    design = np.column_stack([np.ones(runs), controls])
    inverse = np.linalg.pinv(design.T @ design, hermitian=True)
    weights = inverse @ (design.T @ values)
    left, freedom = values - design @ weights, runs - int(np.linalg.matrix_rank(design))
    return Estimate(float(weights[0]), float(left @ left) / freedom * float(inverse[0, 0]), freedom)


def together(one: Estimate, other: Estimate) -> Estimate:
    """Add two independent estimates; degrees of freedom by Welch (1947), Biometrika 34."""
    variance = one.variance + other.variance
    if variance == 0:
        return Estimate(one.mean + other.mean, 0.0, one.freedom + other.freedom)
    shares = one.variance**2 / one.freedom + other.variance**2 / other.freedom
    return Estimate(one.mean + other.mean, variance, variance**2 / shares)
