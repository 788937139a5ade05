r"""The story of one family: what a trace knows of it, to be read by people.

>>> from canbao.engines.stories import story, told
>>> print("\n".join(told(story(trace, family=7))))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

from canbao.columns import Coded, Column
from canbao.trace import FAMILY_COLUMNS, MARKS, Table, Trace

__all__ = ["Moment", "Story", "beside", "plainly", "story", "told"]

Moment = Callable[[float], str]
"""Says a time in words: the date and the clock, or whatever the unit of a network is."""

_VISIT_MOMENTS = ("enter", "start", "leave")
_NEVER = "-"


@dataclass(frozen=True)
class Story:
    """What happened to one family."""

    family: int
    row: Mapping[str, Any]
    """Its row of `families`, a Python value or word by column; empty if the trace does not know it."""
    visits: Sequence[Mapping[str, Any]]
    """Its rows of `visits`, in their order."""
    moments: frozenset[str]
    """The columns, of both tables, that hold moments."""


def plainly(time: float) -> str:
    """Say a time as the number that it is."""
    return f"{time:.6f}".rstrip("0").rstrip(".")


def story(trace: Trace, family: int, marks: Sequence[str] = MARKS) -> Story:
    """Gather what a trace knows of a family.

    Parameters
    ----------
    trace
        Of a simulation or a load test.
    family
        The family's index in the population.
    marks
        The columns of `families` that hold the moments of events.
    """
    rows, visits = _rows_of(trace.families, family), _rows_of(trace.visits, family)
    moments = frozenset(("arrival", *marks, "finished", *_VISIT_MOMENTS))
    return Story(family, rows[0] if rows else {}, visits, moments)


def _rows_of(table: Table, family: int) -> list[dict[str, Any]]:
    rows = np.flatnonzero(np.asarray(table["family"]) == family)
    columns = {name: _values(column, rows) for name, column in table.items() if name != "family"}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _values(column: Column, rows: Any) -> list[Any]:
    found: list[Any] = column.take(rows).words() if isinstance(column, Coded) else column[rows].tolist()
    return found


def told(one: Story, moment: Moment = plainly) -> list[str]:
    """Tell a story in lines: the family's row, a line a column, then its visits, a line each."""
    row = [[name, _said(name, value, one, moment)] for name, value in one.row.items()]
    return [f"family {one.family}", *_aligned(row), "visits", *_aligned(_visit_lines(one, moment))]


def _said(name: str, value: Any, one: Story, moment: Moment) -> str:
    if not isinstance(value, float):
        return str(value)
    if np.isnan(value):
        return _NEVER
    return moment(value) if name in one.moments else plainly(value)


def _visit_lines(one: Story, moment: Moment) -> list[list[str]]:
    lines = [[_said(name, value, one, moment) for name, value in visit.items()] for visit in one.visits]
    return [list(one.visits[0]), *lines] if lines else [["none"]]


def beside(stories: Mapping[str, Story], moment: Moment = plainly) -> list[str]:
    """Tell two stories of one family so that they can be compared: rows side by side, visits one below the other.

    Lines that differ begin with `>`. A number that differs is given to the last digit, too. Of the family's row there
    is what happened to it, and whatever else differs.

    Parameters
    ----------
    stories
        Two stories by whose they are.
    moment
        Says a time in words.
    """
    one, other = stories.values()
    lines = _marked([[" ", "", *stories], *_row_lines(one, other, moment)])
    for name, (mine, theirs) in zip(stories, ((one, other), (other, one)), strict=True):
        lines += [f"visits, {name}:", *_marked(_compared_visits(mine, theirs, moment))]
    return lines


def _row_lines(one: Story, other: Story, moment: Moment) -> list[list[str]]:
    names = [name for name in {**one.row, **other.row} if _tells(name, one) or not _same(one.row, other.row, name)]
    return [_row_line(name, one, other, moment) for name in names]


def _tells(name: str, one: Story) -> bool:
    """Tell whether a column says what happened to a family, and not what the population knows of it."""
    return name in FAMILY_COLUMNS or name in one.moments


def _same(one: Mapping[str, Any], other: Mapping[str, Any], name: str) -> bool:
    return repr(one.get(name)) == repr(other.get(name))


def _row_line(name: str, one: Story, other: Story, moment: Moment) -> list[str]:
    apart = not _same(one.row, other.row, name)
    told = [_exactly(name, each.row.get(name), each, moment, apart) for each in (one, other)]
    return [">" if apart else " ", name, *told]


def _exactly(name: str, value: Any, one: Story, moment: Moment, exact: bool) -> str:
    if value is None:
        return _NEVER
    said = _said(name, value, one, moment)
    return f"{said} ({value!r})" if exact and isinstance(value, float) and said not in (_NEVER, repr(value)) else said


def _compared_visits(mine: Story, theirs: Story, moment: Moment) -> list[list[str]]:
    if not mine.visits:
        return [[" ", "none"]]
    names = list(mine.visits[0])
    lines = [[" ", *names]]
    for number, visit in enumerate(mine.visits):
        other = theirs.visits[number] if number < len(theirs.visits) else None
        apart = [] if other is None else [name for name in names if not _same(visit, other, name)]
        cells = [_exactly(name, visit[name], mine, moment, name in apart) for name in names]
        lines.append([">" if apart or other is None else " ", *cells])
    return lines


def _marked(lines: Sequence[Sequence[str]]) -> list[str]:
    """Put the mark of each line before its aligned cells."""
    cells = _aligned([line[1:] for line in lines])
    return [f"{line[0]}{text}" for line, text in zip(lines, cells, strict=True)]


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, cells)) for cells in zip_longest(*lines, fillvalue="")]
    return ["  " + "  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
