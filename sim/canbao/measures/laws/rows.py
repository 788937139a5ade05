"""Laws of families and of single visits, wherever they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from canbao.arrays import BoolArray, FloatArray
from canbao.measures.groups import run_begins, word_is
from canbao.measures.laws.law import Law
from canbao.measures.records import rows_of
from canbao.measures.visits import AWAY, Visits
from canbao.plan import Plan
from canbao.trace import INSIDE, Trace

__all__ = ["conservation", "in_two_places", "miscounted", "out_of_order"]


def conservation(trace: Trace, plan: Plan) -> Law:
    """Check that whoever was to arrive is there once, and has left the network or is inside."""
    table: Any = trace.families
    came = np.flatnonzero(plan.arrival < plan.until)
    name, inside = "arrived = finished + gone + still inside", table["outcome"].has(INSIDE)
    arrival, finished = np.asarray(table["arrival"]), np.asarray(table["finished"])
    if not np.array_equal(np.asarray(table["family"]), came) or not np.array_equal(arrival, plan.arrival[came]):
        return Law(name, False, f"{len(came):,} families were to arrive, not those {len(arrival):,} of the trace")
    # A comparison with nan is False.
    lost = (inside != np.isnan(finished)) | (finished < arrival) | (finished >= trace.until)
    still_there = np.isin(came, np.asarray(trace.visits["family"])[np.isnan(np.asarray(trace.visits["leave"]))])
    wrong = np.flatnonzero(lost | (still_there & ~inside))
    if len(wrong):
        return Law(name, False, f"family {came[wrong[0]]} has an outcome but no end, or an end but no outcome")
    return Law(name, True, f"{len(came):,} = {int((~inside).sum()):,} left + {int(inside.sum()):,} inside")


def _of_rows(name: str, trace: Trace, wrong: BoolArray) -> Law:
    if not wrong.any():
        return Law(name, True, f"{len(wrong):,} visits")
    row = int(np.flatnonzero(wrong)[0])
    family, enter = (np.asarray(trace.visits[column])[row] for column in ("family", "enter"))
    return Law(name, False, f"family {family}, entered at {enter}, row {row} of visits")


def _times(trace: Trace) -> list[FloatArray]:
    return [np.asarray(trace.visits[name]) for name in ("enter", "start", "leave")]


def out_of_order(trace: Trace) -> Law:
    """Check that moments are enter <= start <= leave < until, and those of how the visit ended."""
    (enter, start, leave), end = _times(trace), trace.until
    words: Any = trace.visits["ended"]
    began, ended = ~np.isnan(start), ~np.isnan(leave)
    wrong = ~(enter < end) | (start < enter) | (leave < enter) | (leave < start) | (leave >= end)
    wrong |= ended == word_is(words, INSIDE)
    wrong |= ~began & word_is(words, "served")
    wrong |= began & ~word_is(words, "served", INSIDE)
    wrong |= (leave != enter) & word_is(words, *AWAY)
    return _of_rows("enter, start and leave are in order", trace, wrong)


def in_two_places(trace: Trace) -> Law:
    """Check that no visit begins before the one before it is over, before the family came or ends after it left."""
    family, (enter, _, leave) = np.asarray(trace.visits["family"]), _times(trace)
    wrong = np.zeros(len(family), dtype=np.bool_)
    wrong[1:] = (family[1:] == family[:-1]) & ~(enter[1:] >= leave[:-1])
    wrong[1:] |= family[1:] < family[:-1]
    known = np.asarray(trace.families["family"])
    if len(known):
        row = rows_of(trace, family)
        arrival, finished = (np.asarray(trace.families[name])[row] for name in ("arrival", "finished"))
        wrong |= (known[row] != family) | (enter < arrival) | (leave > finished)
    return _of_rows("a family is at one place at a time", trace, wrong)


def miscounted(trace: Trace, visits: Visits) -> Law:
    """Check that visits are numbered 0, 1, 2 and so on, for each family and step."""
    new = np.ones(len(visits.row), dtype=np.bool_)
    new[1:] = (visits.family[1:] != visits.family[:-1]) | (visits.step[1:] != visits.step[:-1])
    wrong = np.zeros(len(new), dtype=np.bool_)
    wrong[visits.row[visits.attempt != np.arange(len(new)) - run_begins(new)]] = True
    return _of_rows("attempts count up", trace, wrong)
