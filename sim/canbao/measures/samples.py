"""What is said of a sample: mean, quantiles, and the same by group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from canbao.arrays import AnyArray, BoolArray, FloatArray
from canbao.columns import Coded

__all__ = ["by_group", "describe", "share"]


def describe(values: FloatArray) -> dict[str, float | int | None]:
    """Give count, mean, median, p90, p95 and maximum; None for what an empty sample does not have.

    Quantiles are interpolated between order statistics (Hyndman and Fan 1996, type 7, numpy's default).
    """
    if not len(values):
        return {"count": 0, "mean": None, "median": None, "p90": None, "p95": None, "max": None}
    median, p90, p95 = np.quantile(values, [0.5, 0.9, 0.95]).tolist()
    return {
        "count": len(values),
        "mean": float(values.mean()),
        "median": median,
        "p90": p90,
        "p95": p95,
        "max": float(values.max()),
    }


def by_group(values: AnyArray, group: Coded, chosen: BoolArray | None = None) -> dict[str, Mapping[str, Any]]:
    """Describe the values of each group that has any; `values` and `group` have one element a row."""
    keep = ~np.isnan(values) if chosen is None else chosen & ~np.isnan(values)
    kept, codes = values[keep], group.codes[keep]
    present = np.unique(codes)
    return {group.labels[int(code)]: describe(kept[codes == code]) for code in present}


def share(part: float, whole: float) -> float | None:
    """Give part / whole, or None of nothing."""
    return float(part) / float(whole) if whole else None
