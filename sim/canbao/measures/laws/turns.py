"""Who is served next."""

from __future__ import annotations

import numpy as np

from canbao.arrays import BoolArray, FloatArray, IntArray
from canbao.measures.groups import run_begins
from canbao.measures.laws.draws import drawn
from canbao.measures.laws.places import Place
from canbao.plan import Plan

__all__ = ["discipline"]


_FEW = 8
"""So many classes are looked at one by one."""


def discipline(here: Place, plan: Plan) -> str:
    """Check that nobody is served while somebody waits who goes first: of a smaller key, or an equal one and before."""
    if not len(here.waits):
        return ""
    keys = _keys(here, plan)
    classes = np.unique(keys)
    wrong = _by_class(here, keys, classes) if len(classes) <= _FEW else _by_rank(here, np.searchsorted(classes, keys))
    if not len(wrong):
        return ""
    first = wrong[np.argmin(here.visits.row[wrong])]
    return f"family {here.visits.family[first]} was served at {here.visits.start[first]}, before its turn"


def _by_class(here: Place, keys: FloatArray, classes: FloatArray) -> IntArray:
    """Find those who were served while somebody waited with a smaller key, or an equal one and entered before."""
    found = [np.empty(0, dtype=np.int64)]
    for key in classes:
        mine = np.flatnonzero(keys == key)
        found += [_overtook(here, mine), _preceded(here, here.waits[keys[here.waits] < key], mine)]
    return np.concatenate(found)


def _overtook(here: Place, mine: IntArray) -> IntArray:
    """Find those who were served while another waited who had entered before."""
    enter, ready = here.visits.enter[mine], here.waited_until[mine]
    waits = ready > enter
    # Nobody overtakes before the first has to wait, or when the last has waited.
    mine = mine[(ready > enter[waits].min(initial=np.inf)) & (enter < ready[waits].max(initial=-np.inf))]
    mine = mine[np.argsort(here.visits.enter[mine])]
    enter, ready = here.visits.enter[mine], here.waited_until[mine]
    latest = np.maximum.accumulate(np.where(ready > enter, ready, -np.inf))
    # Of those who entered at one moment, none is before the other.
    before = np.append(-np.inf, latest)[run_begins(np.diff(enter, prepend=-np.inf) != 0)]
    passed = mine[before > ready]
    return passed[here.served[passed]]


def _preceded(here: Place, first: IntArray, second: IntArray) -> IntArray:
    """Find those of `second` who were served while any of `first`, who all wait, waited."""
    second = second[here.served[second]]
    second = second[np.argsort(here.visits.start[second])]
    moments = here.visits.start[second]
    came = np.searchsorted(np.sort(here.visits.enter[first]), moments)
    return second[came > np.searchsorted(np.sort(here.waited_until[first]), moments, side="right")]


def _by_rank(here: Place, rank: IntArray) -> IntArray:
    """Find the same as `_by_class`, where there are many classes, numbered from 0."""
    # From here on moments are whole numbers too, so that (class, moment) can be one number.
    times = np.concatenate([here.visits.enter, here.waited_until])
    enter, ready = np.split(np.unique(times, return_inverse=True)[1].astype(np.int64) + 1, 2)
    waits = here.waits
    among = np.searchsorted(np.sort(enter[waits]), ready) > np.searchsorted(np.sort(ready[waits]), ready, side="right")
    served = np.flatnonzero(here.served & among)
    passed = _passed_over(rank, enter, ready, waits, served, enter)
    for bit in range(int(rank.max(initial=0)).bit_length()):
        # Two different keys differ at one highest bit: who has a 0 there goes before those who have a 1.
        second = (rank >> bit) & 1 == 1
        passed |= _passed_over(rank >> (bit + 1), enter, ready, waits[~second[waits]], served[second[served]], ready)
    return np.flatnonzero(passed)


def _passed_over(  # noqa: PLR0913, PLR0917 - columns of one table
    block: IntArray, enter: IntArray, ready: IntArray, first: IntArray, second: IntArray, since: IntArray
) -> BoolArray:
    """Tell who of `second` was served while one of `first` waited, of its block and entered before its `since`."""
    base, passed = len(block) * 2 + 2, np.zeros(len(block), dtype=np.bool_)
    first = first[np.argsort(block[first] * base + enter[first])]
    second = second[np.argsort(block[second] * base + since[second])]
    latest = np.append(-1, np.maximum.accumulate(block[first] * base + ready[first]))
    place = np.searchsorted(block[first] * base + enter[first], block[second] * base + since[second])
    passed[second] = latest[place] > block[second] * base + ready[second]
    return passed


def _keys(here: Place, plan: Plan) -> FloatArray:
    """Give the number by which each visit stands in the queue; the smallest goes first."""
    queue, visits = here.plan.discipline, here.visits
    if callable(queue):
        numbers = (drawn(visits, plan, draw).tolist() for draw in (lambda s: s.priority, lambda s: s.service))
        return np.fromiter(map(queue, *numbers), dtype=np.float64, count=len(visits.row))
    if queue == "fifo":
        return np.zeros(len(visits.row))
    if queue == "lifo":
        return -visits.enter
    if queue == "random":
        return drawn(visits, plan, lambda _: here.plan.order)
    return drawn(visits, plan, lambda s: s.priority if queue == "priority" else s.service)
