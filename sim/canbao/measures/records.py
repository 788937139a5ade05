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
    """Give the row in the table of families of each of some families."""
    return np.searchsorted(np.asarray(trace.families["family"]), np.asarray(family))


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
    return column.has(station) if station in column.labels else np.zeros(len(column), dtype=np.bool_)


def times_until_next(trace: Trace, station: Coded) -> FloatArray:
    """Give the time from each visit to the same family's next visit that is no record, nan if there is none.

    Parameters
    ----------
    station
        The station of each visit.
    """
    family, enter = np.asarray(trace.visits["family"]), np.asarray(trace.visits["enter"])
    is_record = np.array([name.partition(".")[0] in RECORDS for name in station.labels] or [False])[station.codes]
    place = np.arange(len(family))
    # The first place at or behind each that is no record: the running minimum from the end.
    following = np.minimum.accumulate(np.where(is_record, len(family), place)[::-1])[::-1]
    after = np.append(following[1:], len(family))[: len(family)]
    known = after < len(family)
    known[known] = family[after[known]] == family[known]
    wait = np.full(len(family), np.nan)
    wait[known] = enter[after[known]] - enter[known]
    return wait
