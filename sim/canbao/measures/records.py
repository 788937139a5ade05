"""Records: visits of no length that tell what happened where nothing queues: failures, fees and notices."""

from __future__ import annotations

from typing import Any

import numpy as np

from canbao.arrays import BoolArray, FloatArray, IntArray
from canbao.columns import Coded
from canbao.district import FAILURE, FEE, NOTICE, PAPERS
from canbao.trace import Trace

__all__ = ["RECORDS", "papers_only", "rows_of", "times_until_next", "visits_at"]

RECORDS = (FAILURE, FEE, NOTICE)
"""The groups of the stations that only record."""


def rows_of(trace: Trace, family: Any) -> IntArray:
    """Give the row in the table of families of each of some families; 0 of one that is not there."""
    known = np.asarray(trace.families["family"])
    row = np.zeros(int(known.max(initial=-1)) + 1, dtype=np.int64)
    row[known] = np.arange(len(known))
    return row.take(family, mode="clip") if len(row) else np.zeros(len(family), dtype=np.int64)


def papers_only(trace: Trace, review: str) -> BoolArray:
    """Tell of which visits the papers wait and the family does not, shape (visits,): in the review, or in a batch.

    Parameters
    ----------
    review
        The group of the review's stations.
    """
    station: Any = trace.visits["station"]
    names, groups = trace.stations["station"], trace.stations["group"]
    assert isinstance(names, Coded)
    assert isinstance(groups, Coded)
    own = {
        name
        for name, group in zip(names.words(), groups.words(), strict=True)
        if group != review and not group.endswith(PAPERS)
    }
    # A batch, which has no servers, is no row of the table of stations.
    of_papers = np.array([name not in own for name in station.labels] or [False])
    return np.asarray(of_papers[station.codes], dtype=np.bool_)


def visits_at(trace: Trace, station: str) -> BoolArray:
    """Tell which visits are at a station, shape (visits,); none if there is no station of that name."""
    column: Any = trace.visits["station"]
    code = column.labels.index(station) if station in column.labels else -1
    return np.asarray(column.codes == code, dtype=np.bool_)


def times_until_next(trace: Trace, row: IntArray, following: IntArray) -> FloatArray:
    """Give the time from some visits to the same family's next one among others, for those that have one.

    Parameters
    ----------
    row
        The visits, by their rows in the table.
    following
        The rows, in their order, of the visits that count as the next.
    """
    family, enter = np.asarray(trace.visits["family"]), np.asarray(trace.visits["enter"])
    place = np.searchsorted(following, row, side="right")
    row, after = row[place < len(following)], following[place[place < len(following)]]
    same = family[after] == family[row]
    return np.asarray(enter[after[same]] - enter[row[same]], dtype=np.float64)
