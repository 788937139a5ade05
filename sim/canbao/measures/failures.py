"""Failures by name: how often each happened, to whom, and what it cost in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from canbao.arrays import BoolArray
from canbao.columns import Coded
from canbao.district import FAILURE, FAILURES
from canbao.measures.records import rows_of, times_until_next, visits_at
from canbao.measures.samples import describe, share
from canbao.trace import Trace

__all__ = ["failures"]


def failures(trace: Trace, groups: Mapping[str, Coded]) -> dict[str, Any]:
    """Give for each failure that a journey of the scenario can meet how often it did, and the time it cost.

    The time is that until the family's next visit, be it at the same place or in another channel; who never came again
    has none.

    Parameters
    ----------
    trace
        What happened.
    groups
        The words by which families are told apart, one for each family.
    """
    station: Any = trace.visits["station"]
    names = [name for name in FAILURES if f"{FAILURE}.{name}" in station.labels]
    delay = times_until_next(trace, station) if names else np.empty(0)
    found = {}
    for name in names:
        mine = visits_at(trace, f"{FAILURE}.{name}")
        struck = np.bincount(rows_of(trace, np.asarray(trace.visits["family"])[mine]), minlength=_families(trace)) > 0
        found[name] = {
            "times": int(mine.sum()),
            "families": int(struck.sum()),
            "share": share(int(struck.sum()), len(struck)),
            "delay_s": describe(delay[mine & ~np.isnan(delay)]),
            "by": {group: _shares(column, struck) for group, column in groups.items()},
        }
    return found


def _families(trace: Trace) -> int:
    return len(trace.families["family"])


def _shares(column: Coded, struck: BoolArray) -> dict[str, float | None]:
    """Give the share of each group's families that met it."""
    total = np.bincount(column.codes, minlength=len(column.labels))
    met = np.bincount(column.codes[struck], minlength=len(column.labels))
    return {label: share(int(met[code]), int(total[code])) for code, label in enumerate(column.labels) if total[code]}
