"""How visits ended, and the share lost because patience or room ran out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from canbao.arrays import AnyArray, IntArray
from canbao.columns import Coded
from canbao.measures.records import RECORDS, rows_of
from canbao.measures.samples import share
from canbao.trace import Trace

__all__ = ["abandonment"]

_LOST = ("abandoned", "baulked", "full")


def abandonment(trace: Trace, visit_group: Coded, kinds: Mapping[str, Coded]) -> dict[str, Any]:
    """Count how visits ended, by place and kind of family; records are left out of the places.

    Parameters
    ----------
    trace
        What happened.
    visit_group
        The channel or review to which each visit's station belongs.
    kinds
        The words by which families are told apart, one for each family.
    """
    station, ended = trace.visits["station"], trace.visits["ended"]
    assert isinstance(station, Coded)
    assert isinstance(ended, Coded)
    by_family = _counts(rows_of(trace, trace.visits["family"]), len(trace.families["family"]), ended)
    of_families = np.ascontiguousarray(by_family.T)
    return {
        "channels": _told(visit_group.labels, _counts(visit_group.codes, len(visit_group.labels), ended), ended),
        "stations": _told(station.labels, _counts(station.codes, len(station.labels), ended), ended),
        "families": {name: _told(column.labels, _sums(of_families, column), ended) for name, column in kinds.items()},
    }


def _counts(codes: AnyArray, groups: int, ended: Coded) -> IntArray:
    """Count the visits of each group by how they ended, shape (groups, endings)."""
    endings = len(ended.labels)
    return np.bincount(codes.astype(np.int64) * endings + ended.codes, minlength=groups * endings).reshape(-1, endings)


def _sums(counts: IntArray, column: Coded) -> IntArray:
    """Add up counts of shape (endings, families) by the families' words, shape (words, endings)."""
    groups = column.groups
    sums = np.zeros((len(column.labels), len(counts)), dtype=np.int64)
    for ending, of_families in enumerate(counts):
        sums[groups.present, ending] = np.add.reduceat(of_families[groups.order], groups.bounds[groups.present])
    return sums


def _told(labels: tuple[str, ...], counts: IntArray, ended: Coded) -> dict[str, Any]:
    lost = [ended.labels.index(word) for word in _LOST]
    return {
        name: {
            "endings": dict(zip(ended.labels, of_group.tolist(), strict=True)),
            "lost_share": share(int(of_group[lost].sum()), int(of_group.sum())),
        }
        for name, of_group in zip(labels, counts, strict=True)
        if of_group.any() and name.partition(".")[0] not in RECORDS
    }
