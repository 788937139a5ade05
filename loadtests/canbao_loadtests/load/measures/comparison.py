"""Whether the prediction held: what the simulation said of a load test, beside what was measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["beside", "compared"]

_NEAR = 0.1
"""A prediction holds if it is within a tenth of what was measured, or within what chance explains."""
_CHANCE = 3.0
"""Standard deviations of a count: the number of independent events has a variance of its mean at most (Poisson)."""

_COUNTS = ("submitted", "decided", "issued", "rejected", "in_review", "longest_backlog")


def beside(predicted: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a report draws of a prediction, out of its summary."""
    return {"applications": predicted["load"]["applications"], "families": predicted["families"]}


def compared(measured: Mapping[str, Any], predicted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Hold the main measures of two summaries against each other.

    Returns
    -------
    One entry a measure: its name, both numbers, and whether the prediction held; None where one of them is not known.
    """
    mine, theirs = (summary["load"]["applications"] for summary in (measured, predicted))
    rows = [_count(name, mine[name], theirs[name]) for name in _COUNTS]
    rows.append(_mean("a_working_day", mine["a_working_day"], theirs["a_working_day"], _of_counts))
    days, foreseen = (summary["review"]["working_days"] for summary in (measured, predicted))
    return [*rows, _mean("working_days", days, foreseen, _of_days)]


def _count(name: str, measured: int, predicted: int) -> dict[str, Any]:
    allowed = max(_NEAR * predicted, _CHANCE * math.sqrt(max(predicted, measured, 1)))
    return {
        "measure": name,
        "measured": measured,
        "predicted": predicted,
        "held": abs(measured - predicted) <= allowed,
    }


def _of_counts(mean: float, number: int) -> float:
    """Give the variance of a mean of counts."""
    return mean / number


def _of_days(mean: float, number: int) -> float:
    """Give the variance of a mean of days, each with the same chance to be the last (geometric)."""
    return mean * (1.0 + mean) / number


def _mean(
    name: str, measured: Mapping[str, Any], predicted: Mapping[str, Any], variance: Callable[[float, int], float]
) -> dict[str, Any]:
    mine, theirs, held = measured["mean"], predicted["mean"], None
    if mine is not None and theirs is not None:
        spread = math.sqrt(variance(max(mine, theirs), min(measured["count"], predicted["count"])))
        held = abs(mine - theirs) <= max(_NEAR * theirs, _CHANCE * spread)
    return {"measure": name, "measured": mine, "predicted": theirs, "held": held}
