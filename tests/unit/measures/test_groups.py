"""Rows sorted by a word, and visits sorted by place and step: nothing is lost, and each lies where it belongs."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from canbao.columns import Coded, small_codes
from canbao.measures.groups import code_is, run_begins, word_is
from canbao.measures.visits import sorted_visits
from canbao.trace import ENDINGS, Trace

LABELS = ("a", "b", "c", "d")
codes = st.lists(st.integers(0, 3), max_size=30).map(lambda found: np.array(found, dtype=np.int64))


@given(codes)
def test_each_group_has_its_rows_in_their_order(codes: Any) -> None:
    """The same rows that a look at every one of them finds."""
    groups = Coded(codes, LABELS).groups
    for code, label in enumerate(LABELS):
        mine = np.flatnonzero(codes == code)
        assert groups.rows(code).tolist() == mine.tolist()
        assert (code in groups.present) == bool(len(mine))
        if len(mine):
            assert groups.split(np.arange(len(codes)) * 10)[label].tolist() == (mine * 10).tolist()
    assert groups.counts.sum() == len(codes)


@given(codes, st.sets(st.sampled_from(["a", "c", "nowhere"])))
def test_a_word_that_is_no_label_is_nobodys(codes: Any, words: set[str]) -> None:
    """To ask for a word that a column does not know is no error here: nobody has it."""
    column = Coded(codes, LABELS)
    wanted = [word in words for word in column.words()]
    assert word_is(column, *words).tolist() == wanted
    assert code_is(codes, LABELS, *words).tolist() == wanted


def test_codes_are_small_where_they_can_be() -> None:
    """More labels than sixteen bits can tell apart stay as they are."""
    many = tuple(map(str, range(40_000)))
    assert small_codes(Coded(np.arange(4), LABELS)).dtype == np.int16
    assert small_codes(Coded(np.arange(40_000), many)).tolist() == list(range(40_000))


@given(codes)
def test_a_run_begins_where_another_number_stood_before(codes: Any) -> None:
    """Each row knows the first row of the run of equal numbers that it is in."""
    new = np.append(True, codes[1:] != codes[:-1])[: len(codes)]
    begins = run_begins(new)
    for row, first in enumerate(begins.tolist()):
        assert set(codes[first : row + 1].tolist()) == {codes[row]}
        assert first == 0 or codes[first - 1] != codes[row]


places = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 6)), max_size=30)


@given(places)
def test_sorted_visits_are_the_visits_by_place_and_step(rows: list[tuple[int, int, int]]) -> None:
    """Every visit is there once, with all that is known of it, at its place, and its step's run."""
    count = len(rows)
    place, step, ended = (np.array([row[i] for row in rows], dtype=np.int64) for i in range(3))
    table = {
        "family": np.arange(count) + 100,
        "attempt": np.arange(count) % 2,
        "station": Coded(place, ("x", "y", "z")),
        "step": Coded(step, LABELS),
        "enter": np.arange(count) * 1.0,
        "start": np.arange(count) * 2.0,
        "leave": np.arange(count) * 3.0,
        "ended": Coded(ended, ENDINGS),
    }
    found = sorted_visits(Trace(1e9, {}, table, {}))
    assert sorted(found.visits.row.tolist()) == list(range(count))
    for index in range(3):
        here = found.at(index)
        assert here.row.tolist() == sorted(np.flatnonzero(place == index).tolist(), key=lambda row: (step[row], row))
        assert here.family.tolist() == (here.row + 100).tolist()
        assert here.leave.tolist() == (here.row * 3.0).tolist()
        assert here.ended_as("served", "full").tolist() == [
            ENDINGS[code] in ("served", "full") for code in ended[here.row]
        ]
        for code, run in here.runs():
            assert set(here.step[run].tolist()) == {code}
        assert sum(run.stop - run.start for _, run in here.runs()) == len(here.row)
