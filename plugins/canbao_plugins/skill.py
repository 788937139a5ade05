"""Shares that depend on digital skill: who goes online, whom a notice of an app reaches."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from canbao.arrays import FloatArray, np
from canbao.columns import Column

__all__ = ["logistic", "skill_of", "with_mean"]


def with_mean(share: float, typical: FloatArray, odds: FloatArray) -> FloatArray:
    """Give probabilities whose log odds are `odds`, all shifted alike, so that their mean over typical families is met.

    Parameters
    ----------
    share
        The mean.
    typical
        The log odds of typical families, which do not depend on how many there are; shape (some,).
    odds
        Those of the families in question; shape (families,), as the result.
    """
    if share in (0.0, 1.0):
        return np.full(len(odds), share)
    return logistic(_shift(share, typical.astype(np.float64).tobytes()) + odds)


@lru_cache(maxsize=256)
def _shift(share: float, typical: bytes) -> float:
    """Search for the shift; every replication of a scenario asks for the same ones."""
    some = np.frombuffer(typical)
    low, high = -60.0 - float(np.max(some)), 60.0 - float(np.min(some))
    for _ in range(60):  # bisection: the mean rises with the shift
        shift = (low + high) / 2
        mean = float(np.mean(logistic(shift + some)))
        low, high = (shift, high) if mean < share else (low, shift)
    return shift


def skill_of(columns: Mapping[str, Column]) -> FloatArray:
    """Give the digital skill, the same for all where the population does not know it."""
    if "digital_skill" in columns:
        return np.asarray(columns["digital_skill"], dtype=np.float64)
    return np.full(len(next(iter(columns.values()))), 0.5)


def logistic(odds: FloatArray) -> FloatArray:
    """Turn log odds into probabilities, without an overflow however large they are."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -700.0, 700.0))))
