"""What is said of a sample: mean, quantiles, and the same by group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from canbao.arrays import AnyArray, FloatArray
from canbao.columns import Coded

__all__ = ["by_group", "describe", "known_of", "share"]


def describe(values: FloatArray) -> dict[str, float | int | None]:
    """Give count, mean, median, p90, p95 and maximum; None for what an empty sample does not have.

    Quantiles are interpolated between order statistics (Hyndman and Fan 1996, type 7, numpy's default).
    """
    if not len(values):
        return {"count": 0, "mean": None, "median": None, "p90": None, "p95": None, "max": None}
    ordered = np.sort(values)
    return {
        "count": len(values),
        "mean": float(values.mean()),
        "median": _quantile(ordered, 0.5),
        "p90": _quantile(ordered, 0.9),
        "p95": _quantile(ordered, 0.95),
        "max": float(ordered[-1]),
    }


def _quantile(ordered: FloatArray, level: float) -> float:
    """Interpolate as numpy does, to the last bit: from the nearer of two neighbours."""
    below, share = divmod((len(ordered) - 1) * level, 1.0)
    low, high = (float(value) for value in ordered[int(below) :][:2].take([0, 1], mode="clip"))
    return low + (high - low) * share if share < 0.5 else high - (high - low) * (1.0 - share)


def by_group(values: AnyArray, group: Coded) -> dict[str, Mapping[str, Any]]:
    """Describe the values of each group that has any; `values` and `group` have one element a row."""
    parts = {name: known_of(part) for name, part in group.groups.split(values).items()}
    return {name: describe(part) for name, part in parts.items() if len(part)}


def known_of(values: FloatArray) -> FloatArray:
    """Leave out what is nan."""
    unknown = np.isnan(values)
    return values[~unknown] if unknown.any() else values


def share(part: float, whole: float) -> float | None:
    """Give part / whole, or None of nothing."""
    return float(part) / float(whole) if whole else None
