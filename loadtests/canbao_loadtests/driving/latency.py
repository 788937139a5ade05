"""Percentiles of times, from HDR histograms that are built when the load is over.

An HDR histogram keeps three digits of every time, from a microsecond to days, in some thousand counters. To record a
value in one costs more than a microsecond, so nobody does it while the load runs: times that fall into one counter are
counted in arrays first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from canbao.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    from hdrh.histogram import HdrHistogram

__all__ = ["histogram", "percentile_s", "percentiles_s"]

_DIGITS = 3
_HIGHEST_US = 100 * 86_400 * 1_000_000
_EXACT_BITS = 11
"""Numbers of so many bits have a counter each: 2,048 is the first power of two above 2 * 10^digits."""


def histogram(seconds: FloatArray) -> HdrHistogram:
    """Build the histogram of times, in microseconds; times under zero count as zero.

    It is the one that `record_value` would make of them one by one.
    """
    from hdrh.histogram import HdrHistogram

    made = HdrHistogram(1, _HIGHEST_US, _DIGITS)
    values, counts = np.unique(_lowest_equal(seconds), return_counts=True)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        made.record_value(value, count)
    return made


def _lowest_equal(seconds: FloatArray) -> IntArray:
    """Give the lowest number of microseconds that shares a counter with each time."""
    whole = np.clip(np.rint(np.asarray(seconds) * 1e6), 0, _HIGHEST_US).astype(np.int64)
    _, bits = np.frexp(whole)
    shift = np.maximum(bits - _EXACT_BITS, 0).astype(np.int64)
    lowest: IntArray = whole >> shift << shift
    return lowest


def _highest_equal(value: int) -> int:
    """Give the highest number of microseconds that shares a counter with the lowest."""
    return value | ((1 << max(value.bit_length() - _EXACT_BITS, 0)) - 1)


def percentiles_s(seconds: FloatArray, shares: Sequence[float]) -> list[float]:
    """Give percentiles in seconds, to three digits.

    Parameters
    ----------
    seconds
        Times; those that are nan are left out, of which the caller has to give account.
    shares
        As 50, 99 or 99.9.

    Returns
    -------
    For each share the smallest time that so many do not exceed; nan where there is no time at all.
    """
    known = np.asarray(seconds)[np.isfinite(seconds)]
    if not known.size:
        return [float("nan")] * len(shares)
    values, counts = np.unique(_lowest_equal(known), return_counts=True)
    # hdrhistogram takes the nearest rank, which for few values can be one too low.
    ranks = np.maximum(np.ceil(np.asarray(shares) * known.size / 100.0 - 1e-9), 1)
    return [_highest_equal(int(value)) / 1e6 for value in values[np.searchsorted(np.cumsum(counts), ranks)]]


def percentile_s(seconds: FloatArray, share: float) -> float:
    """Give one percentile in seconds, to three digits."""
    return percentiles_s(seconds, [share])[0]
