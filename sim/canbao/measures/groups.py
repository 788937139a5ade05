"""Rows of a table told apart by a word: sorted once, and then each group's rows lie together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from canbao.arrays import AnyArray, BoolArray, IntArray
from canbao.columns import Coded

__all__ = ["Groups", "code_is", "grouped", "run_begins", "small_codes", "word_is"]


@dataclass(frozen=True, eq=False)
class Groups:
    """The rows of each group.

    Parameters
    ----------
    labels
        The words of the groups.
    order
        The rows group by group, and inside a group as they stand, shape (rows,).
    bounds
        Where each group begins in `order`, and where the last one ends, shape (groups + 1,).
    """

    labels: tuple[str, ...]
    order: IntArray
    bounds: IntArray

    @cached_property
    def counts(self) -> IntArray:
        """How many rows each group has, shape (groups,)."""
        return np.diff(self.bounds)

    @cached_property
    def present(self) -> list[int]:
        """The codes of the groups that have any rows."""
        found: list[int] = np.flatnonzero(self.counts).tolist()
        return found

    def rows(self, code: int) -> IntArray:
        """Give the rows of one group, as they stand in the table."""
        return self.order[self.bounds[code] : self.bounds[code + 1]]

    def split(self, values: AnyArray) -> dict[str, AnyArray]:
        """Give the values of each group that has any rows; `values` has one element a row."""
        ordered = values[self.order]
        return {self.labels[code]: ordered[self.bounds[code] : self.bounds[code + 1]] for code in self.present}


def grouped(column: Coded) -> Groups:
    """Sort the rows of a table by their words."""
    codes = small_codes(column)
    counts = np.bincount(codes, minlength=len(column.labels))
    return Groups(column.labels, np.argsort(codes, kind="stable"), np.concatenate([[0], np.cumsum(counts)]))


def small_codes(column: Coded) -> AnyArray:
    """Give the codes of a column in as few bits as sort fast: numpy sorts numbers of 16 bits without comparing them."""
    return column.codes.astype(np.int16 if len(column.labels) <= np.iinfo(np.int16).max else np.int64, copy=False)


def word_is(column: Coded, *words: str) -> BoolArray:
    """Tell of each row whether its word is one of these; a word that is no label is nobody's."""
    return code_is(column.codes, column.labels, *words)


def code_is(codes: AnyArray, labels: tuple[str, ...], *words: str) -> BoolArray:
    """Tell the same of codes and their labels."""
    found = np.zeros(len(codes), dtype=np.bool_)
    for word in words:
        if word in labels:
            found |= codes == labels.index(word)
    return found


def run_begins(new: BoolArray) -> IntArray:
    """Give for each row the row at which its run begins; `new` tells where one does."""
    return np.maximum.accumulate(np.where(new, np.arange(len(new)), 0))
