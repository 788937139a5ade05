"""Rows of a table told apart: by a word, and by where a run of them begins."""

from __future__ import annotations

import numpy as np

from canbao.arrays import AnyArray, BoolArray, IntArray
from canbao.columns import Coded

__all__ = ["code_is", "run_begins", "word_is"]


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
