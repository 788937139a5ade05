"""What became of the families: outcomes, deadlines, newborns, and what it cost them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from canbao.arrays import BoolArray, FloatArray
from canbao.assembly.formalities import INSURED
from canbao.columns import Coded
from canbao.measures.records import papers_only, rows_of
from canbao.measures.samples import by_group, describe, share
from canbao.trace import INSIDE, Trace

__all__ = ["deadlines", "fates", "hours_spent", "newborns", "spent"]

_OWN = ("first_channel", "last_channel", "outcome")


def _words(trace: Trace, name: str) -> Coded:
    column = trace.families[name]
    assert isinstance(column, Coded)
    return column


def _groups(trace: Trace) -> dict[str, Coded]:
    """Give the columns by which families are told apart: the first channel and whatever words the population has."""
    words = {name: column for name, column in trace.families.items() if isinstance(column, Coded)}
    return {"channel": words["first_channel"]} | {name: c for name, c in words.items() if name not in _OWN}


def _enrolled(trace: Trace, by: FloatArray | float = np.inf) -> BoolArray:
    """Tell whose children were insured by some moment, formalities that follow done or not."""
    if INSURED not in trace.families:
        return np.zeros(len(trace.families["family"]), dtype=bool)
    return np.asarray(np.asarray(trace.families[INSURED]) <= by)


def _counts(column: Coded, chosen: BoolArray) -> dict[str, int]:
    numbers = np.bincount(column.codes[chosen], minlength=len(column.labels))
    return {label: int(number) for label, number in zip(column.labels, numbers, strict=True) if number}


def fates(trace: Trace) -> dict[str, Any]:
    """Count families and how they ended; whoever is inside at the end of the horizon is counted as such."""
    outcome = _words(trace, "outcome")
    everyone = np.ones(len(outcome), dtype=bool)
    inside = outcome.has(INSIDE)
    finished, arrival = np.asarray(trace.families["finished"]), np.asarray(trace.families["arrival"])
    first, last = _words(trace, "first_channel"), _words(trace, "last_channel")
    enrolled = _enrolled(trace)
    in_system = finished - arrival
    return {
        "arrived": len(outcome),
        "finished": int((~inside).sum()),
        "inside": int(inside.sum()),
        "enrolled": int(enrolled.sum()),
        "outcomes": _counts(outcome, everyone),
        "outcomes_by": {name: _cross(column, outcome) for name, column in _groups(trace).items()},
        "changed_channel": int((first.codes != last.codes).sum()),
        "time_in_system_s": {"all": describe(in_system[~inside])}
        | {name: by_group(in_system, column) for name, column in _groups(trace).items()},
    }


def _cross(group: Coded, outcome: Coded) -> dict[str, dict[str, int]]:
    table = {label: _counts(outcome, group.codes == code) for code, label in enumerate(group.labels)}
    return {label: counts for label, counts in table.items() if counts}


def deadlines(trace: Trace) -> dict[str, Any] | None:
    """Tell who met the deadline, by handing in at the deadline at the latest.

    A family that is inside at the end of the horizon, and whose deadline is later still, has neither met nor missed it:
    it is undecided and counts nowhere else. None where nobody met or missed one.
    """
    if "deadline_s" not in trace.families:
        return None
    deadline, submitted = np.asarray(trace.families["deadline_s"]), np.asarray(trace.families["submitted"])
    outcome = _words(trace, "outcome")
    in_time = np.isfinite(deadline) & (submitted <= deadline)
    undecided = np.isfinite(deadline) & ~in_time & (deadline >= trace.until) & outcome.has(INSIDE)
    has_one = np.isfinite(deadline) & ~undecided
    if not has_one.any():
        return None
    missed = has_one & ~in_time
    return {
        "families": int(has_one.sum()),
        "in_time": int(in_time.sum()),
        "missed": int(missed.sum()),
        "undecided": int(undecided.sum()),
        "in_time_share": share(int(in_time.sum()), int(has_one.sum())),
        "enrolled_by_deadline": int((has_one & _enrolled(trace, by=deadline)).sum()),
        "missed_by_outcome": _counts(outcome, missed),
        "missed_by": {
            name: {
                label: {"missed": count, "of": int((has_one & (column.codes == column.labels.index(label))).sum())}
                for label, count in _counts(column, missed).items()
            }
            for name, column in _groups(trace).items()
        },
    }


def newborns(trace: Trace) -> dict[str, Any] | None:
    """Tell which newborns are insured from birth: handed in in time, and enrolled. None where there are none."""
    if "newborn_until_s" not in trace.families:
        return None
    until, submitted = np.asarray(trace.families["newborn_until_s"]), np.asarray(trace.families["submitted"])
    newborn = ~np.isnan(until)
    if not newborn.any():
        return None
    outcome = _words(trace, "outcome")
    enrolled = _enrolled(trace)
    fate = {
        "from_birth": newborn & enrolled & (submitted <= until),
        "later": newborn & enrolled & (submitted > until),
        "in_process": newborn & ~enrolled & outcome.has(INSIDE),
    }
    counts = Counter({name: int(mask.sum()) for name, mask in fate.items()})
    families = int(newborn.sum())
    decided = families - counts["in_process"]
    return {
        "families": families,
        **counts,
        "not_enrolled": families - counts.total(),
        "from_birth_share": share(counts["from_birth"], decided),
    }


def hours_spent(trace: Trace, review: str) -> FloatArray:
    """Give each family's hours: stays at channels' stations, ways, and time in front of pages; shape (families,).

    Where its papers wait, in the review, with a clerk or in a batch, a family spends no time.
    """
    back_office = papers_only(trace, review)
    enter, leave = np.asarray(trace.visits["enter"]), np.asarray(trace.visits["leave"])
    stay = np.where(back_office, 0.0, np.where(np.isnan(leave), trace.until, leave) - enter)
    row = rows_of(trace, trace.visits["family"])
    seconds = np.bincount(row, weights=stay, minlength=len(trace.families["family"])) + np.asarray(
        trace.families["effort_s"]
    )
    return np.asarray(seconds / 3600.0)


def spent(trace: Trace, hours: FloatArray) -> dict[str, Any]:
    """Describe families' trips and hours, all together and by kind of family.

    Parameters
    ----------
    trace
        What happened.
    hours
        The hours of each family, shape (families,).
    """
    trips = np.asarray(trace.families["trips"], dtype=np.float64)
    groups_of = _groups(trace)
    return {
        "hours": {"all": describe(hours), "total": float(hours.sum())}
        | {name: by_group(hours, column) for name, column in groups_of.items()},
        "trips": {"all": describe(trips)} | {name: by_group(trips, column) for name, column in groups_of.items()},
    }
