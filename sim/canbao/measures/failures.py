"""Failures by name: how often each happened, to whom, and what it cost in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from canbao.arrays import IntArray
from canbao.columns import Coded
from canbao.district import FAILURE, FAILURES
from canbao.measures.groups import word_is
from canbao.measures.records import RECORDS, rows_of, times_until_next, visits_at
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
    records = [label for label in station.labels if label.partition(".")[0] in RECORDS]
    totals = {name: np.bincount(column.codes, minlength=len(column.labels)) for name, column in groups.items()}
    others, found = np.flatnonzero(~word_is(station, *records)), {}
    for name in names:
        mine = np.flatnonzero(visits_at(trace, f"{FAILURE}.{name}"))
        struck = np.bincount(rows_of(trace, np.asarray(trace.visits["family"])[mine]), minlength=_families(trace)) > 0
        found[name] = {
            "times": len(mine),
            "families": int(struck.sum()),
            "share": share(int(struck.sum()), len(struck)),
            "delay_s": describe(times_until_next(trace, mine, others)),
            "by": {group: _shares(column, totals[group], np.flatnonzero(struck)) for group, column in groups.items()},
        }
    return found


def _families(trace: Trace) -> int:
    return len(trace.families["family"])


def _shares(column: Coded, total: IntArray, struck: IntArray) -> dict[str, float | None]:
    """Give the share of each group's families that met it, by the rows of those."""
    met = np.bincount(column.codes[struck], minlength=len(column.labels))
    return {label: share(int(met[code]), int(total[code])) for code, label in enumerate(column.labels) if total[code]}
