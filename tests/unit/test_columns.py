"""Columns of words: each stored once, referred to by number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.columns import Coded, numbers_of
from canbao.errors import NetworkError

KINDS = ("newborn", "pre-school", "pupil")


@given(st.lists(st.sampled_from(KINDS), max_size=20), st.data())
def test_a_column_gives_back_the_words_that_went_in(words: list[str], data: st.DataObject) -> None:
    """Words, choice of rows and questions after words agree with the plain list."""
    column = Coded(np.array([KINDS.index(word) for word in words], dtype=np.int8), KINDS)
    rows = data.draw(st.lists(st.sampled_from(range(len(words))), max_size=5)) if words else []
    assert column.words() == words
    assert len(column) == len(words)
    assert column.take(np.array(rows, dtype=np.int64)).words() == [words[row] for row in rows]
    assert column.has("pupil", "newborn").tolist() == [word in ("pupil", "newborn") for word in words]
    assert not column.has().any()


@pytest.mark.parametrize("codes", [[0, 3], [-1, 0]])
def test_codes_without_a_label_are_refused(codes: list[int]) -> None:
    """A code points at one of the labels."""
    with pytest.raises(NetworkError, match=f"{min(codes)} to {max(codes)}, but there are 3 labels"):
        Coded(np.array(codes), KINDS)


def test_a_label_stands_once() -> None:
    """Two labels of one word would make families of one word differ."""
    with pytest.raises(NetworkError, match="'a' stands twice"):
        Coded(np.array([0, 2]), ("a", "b", "a"))


def test_a_word_that_is_no_label_is_an_error() -> None:
    """A misspelt word does not pass for one that nobody has."""
    with pytest.raises(NetworkError, match="'pupils' is not one of the labels newborn, pre-school, pupil"):
        Coded(np.array([0]), KINDS).has("pupils")


def test_numbers_are_codes_or_the_column_itself() -> None:
    """What stands behind a column of words are its codes."""
    plain = np.array([1.5, 2.5])
    assert numbers_of(plain) is plain
    assert numbers_of(Coded(np.array([2, 0]), KINDS)).tolist() == [2, 0]
