"""Equity: the same measures for each kind of family, and the widest gap between two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from canbao.arrays import BoolArray, FloatArray
from canbao.columns import Coded
from canbao.measures.samples import known_of
from canbao.trace import Trace

__all__ = ["FEW", "Outcomes", "equity", "outcomes_of"]

FEW = 30
"""A group with fewer families is told, but no gap is built on it."""


@dataclass(frozen=True)
class Outcomes:
    """What is compared, one value for each family and nan for those to whom it does not apply."""

    values: Mapping[str, FloatArray]


def outcomes_of(trace: Trace, insured: BoolArray, online: Sequence[str], hours: FloatArray) -> Outcomes:
    """Give what is compared between families.

    Parameters
    ----------
    trace
        What happened.
    insured
        Whose children are insured, shape (families,).
    online
        The names of the channels that need no way.
    hours
        The hours that each family spent, shape (families,).
    """
    first: Any = trace.families["first_channel"]
    known = [name for name in online if name in first.labels]
    goes_online = first.has(*known) if known else np.zeros(len(first), dtype=np.bool_)
    submitted, arrival = np.asarray(trace.families["submitted"]), np.asarray(trace.families["arrival"])
    values = {
        "enrolled_share": insured.astype(np.float64),
        "online_share": goes_online.astype(np.float64),
        "hours": hours,
        "trips": np.asarray(trace.families["trips"], dtype=np.float64),
        "days_to_hand_in": (submitted - arrival) / 86_400.0,
    }
    deadline = trace.families.get("deadline_s")
    if deadline is not None and not isinstance(deadline, Coded):
        late = ~(submitted <= np.asarray(deadline))
        applies = np.isfinite(deadline) & (np.asarray(deadline) < trace.until)
        values["missed_deadline_share"] = np.where(applies, late.astype(np.float64), np.nan)
    return Outcomes(values)


def equity(outcomes: Outcomes, groups: Mapping[str, Coded]) -> dict[str, Any]:
    """Give the mean of each outcome by group, and the widest gap between two groups of at least 30 families.

    Parameters
    ----------
    outcomes
        What is compared.
    groups
        The words by which families are told apart, one for each family.
    """
    return {name: _compared(outcomes, column) for name, column in groups.items()}


def _compared(outcomes: Outcomes, column: Coded) -> dict[str, Any]:
    groups = column.groups
    parts = {what: groups.split(values) for what, values in outcomes.values.items()}
    families = {column.labels[code]: int(groups.counts[code]) for code in groups.present}
    means = {label: {what: _mean(part[label]) for what, part in parts.items()} for label in families}
    large = [label for label, count in families.items() if count >= FEW]
    return {
        "families": families,
        "means": means,
        "gaps": {what: _gap(what, means, large) for what in outcomes.values},
    }


def _mean(values: FloatArray) -> float | None:
    known = known_of(values)
    return float(known.mean()) if len(known) else None


def _gap(what: str, means: Mapping[str, Mapping[str, float | None]], labels: list[str]) -> dict[str, Any] | None:
    known = {label: mean for label in labels if (mean := means[label][what]) is not None}
    if len(known) < 2:
        return None
    low, high = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    return {"lowest": low, "highest": high, "gap": known[high] - known[low]}
