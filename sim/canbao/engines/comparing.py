"""Where two traces part: the first difference in time, and the whole story of that family in both.

Traces are compared bit for bit: values, words, types, and the order of rows. Only nan equals every other nan.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from canbao.arrays import AnyArray, BoolArray, FloatArray, IntArray
from canbao.columns import Coded, Column, numbers_of
from canbao.engines.stories import Moment, beside, plainly, story
from canbao.errors import EngineError
from canbao.trace import MARKS, Table, Trace

__all__ = ["Difference", "check_equal", "first_difference"]

_TABLES = ("families", "visits", "stations")

_VISITS = 1 << 24
"""More visits than a family can have: one number is then the key of a family and its n-th visit."""

_ABSENT = -1


@dataclass(frozen=True)
class Difference:
    """The first difference between two traces."""

    family: int | None
    """Whom it befell; None where no family's rows differ, but servers, words, types or the order of rows."""
    moment: float
    """When; inf where no moment belongs to it."""
    said: str
    """What differs, `visit 2, start: 263551.25 and 263551.5`."""
    families: int
    """How many families differ."""


def check_equal(traces: Mapping[str, Trace], moment: Moment = plainly, marks: Sequence[str] = MARKS) -> None:
    """Raise an EngineError if traces of one plan differ; the message tells the first difference and both stories.

    Parameters
    ----------
    traces
        Each trace by the name of its engine.
    moment
        Says a time in words.
    marks
        The columns of `families` that hold the moments of events.
    """
    for (one, trace), (other, second) in pairwise(traces.items()):
        found = first_difference(trace, second, marks, (one, other))
        if found is None:
            continue
        lines = [f"engines {one} and {other} {_headline(found, moment)}"]
        if found.family is not None:
            stories = {name: story(traces[name], found.family, marks) for name in (one, other)}
            lines += beside(stories, moment)
        raise EngineError("\n".join(lines))


def _headline(found: Difference, moment: Moment) -> str:
    if found.family is None:
        return f"give different traces: {found.said}"
    many = "one family" if found.families == 1 else f"{found.families:,} families"
    when = f" at {moment(found.moment)}" if math.isfinite(found.moment) else ""
    return f"differ on {many}; the first is family {found.family}{when}: {found.said}"


def first_difference(
    one: Trace, other: Trace, marks: Sequence[str] = MARKS, names: tuple[str, str] = ("the first", "the second")
) -> Difference | None:
    """Give the first difference between two traces of one plan, or None if they are equal.

    First is what comes first in time; at one moment visits come before the rows of families, then the smaller family.

    Parameters
    ----------
    one, other
        What two engines gave.
    marks
        The columns of `families` that hold the moments of events.
    names
        What the two are called.
    """
    tables = ((name, _unlike(getattr(one, name), getattr(other, name))) for name in _TABLES)
    unlike = next((f"{name}, {said}" for name, said in tables if said), "")
    if not unlike:
        return None
    visits = _parted(one.visits, other.visits, ("enter", "start", "leave"), since="enter")
    families = _parted(one.families, other.families, ("arrival", *marks, "finished"))
    found = [each for each in (visits, families) if len(each.family)]
    if not found:
        return Difference(None, math.inf, unlike, 0)
    first = min(found, key=lambda each: each.moment.min())
    row = int(np.lexsort((first.family, first.moment))[0])
    count = len(np.unique(np.concatenate([each.family for each in found])))
    said = first.said(row, "visit" if first is visits else "row", names)
    return Difference(int(first.family[row]), float(first.moment[row]), said, count)


# --- tables as they stand ---------------------------------------------------------------------------------------------


def _unlike(one: Table, other: Table) -> str:
    """Give the first difference between two tables in words, or an empty string."""
    if list(one) != list(other):
        return f"columns: {', '.join(one)} and {', '.join(other)}"
    found = (f"{name}{said}" for name in one if (said := _unlike_columns(one[name], other[name], one)))
    return next(found, "")


def _unlike_columns(one: Column, other: Column, table: Table) -> str:
    """Say how two columns differ; `table` is that of the first, whose words name the row."""
    words, others = (each.labels if isinstance(each, Coded) else None for each in (one, other))
    a, b = numbers_of(one), numbers_of(other)
    if words != others:
        return f", words: {words} and {others}"
    if a.dtype != b.dtype:
        return f", types: {a.dtype} and {b.dtype}"
    if len(a) != len(b):
        return f": {len(a):,} and {len(b):,} rows"
    rows = np.flatnonzero(_differ(a, b))
    if not len(rows):
        return ""
    named = table.get("station") if "busy_s" in table else None
    where = f"row {rows[0]}" if named is None else _words(named, int(rows[0]))
    return f", {where}: {_words(one, int(rows[0]))} and {_words(other, int(rows[0]))}"


def _differ(a: AnyArray, b: AnyArray) -> BoolArray:
    """Tell for each pair of numbers whether they differ in any bit, 0.0 from -0.0 too."""
    if not a.dtype == b.dtype == np.float64:
        return np.asarray(a != b)
    return np.asarray((a.view(np.int64) != b.view(np.int64)) & ~(np.isnan(a) & np.isnan(b)))


# --- rows of families and visits --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Parted:
    """The rows of two tables that differ, matched by family and number."""

    one: Table
    other: Table
    family: IntArray
    moment: FloatArray
    """When each of them parts, inf where no moment belongs to it."""
    mine: IntArray
    """The row in `one`, _ABSENT where it has none."""
    theirs: IntArray

    def said(self, n: int, word: str, names: tuple[str, str]) -> str:
        """Say what differs in the n-th of them; `word` is what a row is, `names` are those of the tables."""
        mine, theirs = int(self.mine[n]), int(self.theirs[n])
        table, row = (self.other, theirs) if mine == _ABSENT else (self.one, mine)
        before = int(np.sum(np.asarray(table["family"])[:row] == self.family[n]))
        which = f"{word} {before + 1}" if word == "visit" else f"its {word}"
        if _ABSENT in (mine, theirs):
            return f"only {names[mine == _ABSENT]} has {which}"
        for name in self.one:
            a, b = (_words(table[name], row) for table, row in ((self.one, mine), (self.other, theirs)))
            if a != b:
                return f"{which}, {name}: {a} and {b}"
        raise AssertionError  # it would not be among those that differ


def _parted(one: Table, other: Table, times: Sequence[str], since: str = "") -> _Parted:
    """Find the rows that differ.

    Parameters
    ----------
    one, other
        Two tables of families or of visits.
    times
        The columns that hold moments, the beginning first.
    since
        The column that says when a row parts of which only words differ.
    """
    keys = _keys(one), _keys(other)
    either = np.union1d(*keys)
    mine, theirs = (_rows_of(each, either) for each in keys)
    shared = np.flatnonzero((mine != _ABSENT) & (theirs != _ABSENT))
    differs, moment = np.ones(len(either), dtype=bool), _moments(one, other, times[0], mine, theirs)
    began = moment[shared]
    differs[shared], moment[shared] = False, math.inf
    for name in (name for name in one if name in other):
        a, b = _values(one[name], mine[shared]), _values(other[name], theirs[shared])
        apart = _differ(a, b)
        differs[shared[apart]] = True
        if name in times:
            moment[shared[apart]] = np.fmin(moment[shared[apart]], np.fmin(a[apart], b[apart]))
    if since:
        moment[shared] = np.where(np.isinf(moment[shared]), began, moment[shared])
    return _Parted(one, other, either[differs] // _VISITS, moment[differs], mine[differs], theirs[differs])


def _keys(table: Table) -> IntArray:
    """Give each row a number of its own: its family, and how many rows of this family stand before it."""
    family = np.asarray(table["family"], dtype=np.int64)
    order = np.argsort(family, kind="stable")
    grouped = family[order]
    keys = np.empty(len(family), dtype=np.int64)
    keys[order] = grouped * _VISITS + np.arange(len(family)) - np.searchsorted(grouped, grouped)
    return keys


def _rows_of(keys: IntArray, wanted: IntArray) -> IntArray:
    """Give the row of each wanted key, _ABSENT where there is none."""
    if not len(keys):
        return np.full(len(wanted), _ABSENT)
    order = np.argsort(keys)
    place = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
    return np.where(keys[order][place] == wanted, order[place], _ABSENT)


def _moments(one: Table, other: Table, name: str, mine: IntArray, theirs: IntArray) -> FloatArray:
    """Give a time of each row, from the table that has it."""
    moment = np.full(len(mine), math.inf)
    for table, rows in ((other, theirs), (one, mine)):
        there = rows != _ABSENT
        moment[there] = np.asarray(table[name])[rows[there]]
    return moment


def _values(column: Column, rows: IntArray) -> AnyArray:
    return np.array(column.take(rows).words(), dtype=object) if isinstance(column, Coded) else column[rows]


def _words(column: Column, row: int) -> str:
    """Say a value to its last digit."""
    value: Any = column.labels[column.codes[row]] if isinstance(column, Coded) else column[row].item()
    return repr(value)
