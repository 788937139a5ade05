"""The trace: tables that other libraries take over, and comparison bit for bit."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pandas
import polars
import pytest

from canbao.arrivals import At
from canbao.columns import Coded
from canbao.distributions import Exponential
from canbao.network import Check, Journey, Network, Station, Stream, Visit
from canbao.simulation import simulate
from canbao.trace import ENDINGS, FAMILY_COLUMNS, Table, Trace, arrow_table, same_tables

WORDS = ("newborn", "pupil")


def _trace(seed: int = 1) -> Trace:
    """Give the trace of thirty families at a busy desk, some of whom give up and some of whom are inside at the end."""
    network = Network(
        stations=[Station("desk", group="office")],
        journeys=[Journey("office", [Visit("desk", Exponential(3.0), patience=9.0), Check(0.8, failed="office")])],
        streams=[
            Stream(
                "office",
                At(np.arange(30.0)),
                columns={
                    "kind": Coded(np.arange(30) % 2, WORDS),
                    "children": np.ones(30, dtype=np.int8),
                    "complete": np.arange(30) % 3 == 0,
                    "_secret": np.zeros(30),
                },
            )
        ],
    )
    return simulate(network, until=28.5, seed=seed)


TRACE = _trace()
TABLES = ("families", "visits", "stations")


def _plain(column: Any) -> list[Any]:
    """Give a column as words or numbers; nan as None, so that it can be compared."""
    values = column.words() if isinstance(column, Coded) else np.asarray(column).tolist()
    return [None if isinstance(value, float) and math.isnan(value) else value for value in values]


@pytest.mark.parametrize("name", TABLES)
def test_pandas_takes_over_every_table(name: Any) -> None:
    """Rows, names and values arrive as they are; words as categories."""
    frame = TRACE.frame(name).to_pandas()
    table: Table = getattr(TRACE, name)
    assert list(frame.columns) == list(table)
    for column, values in table.items():
        assert isinstance(frame[column].dtype, pandas.CategoricalDtype) == isinstance(values, Coded)
        arrived = [None if pandas.isna(value) else value for value in frame[column].tolist()]
        assert arrived == _plain(values)


@pytest.mark.parametrize("name", TABLES)
def test_polars_takes_over_every_table(name: Any) -> None:
    """The same through polars."""
    frame = polars.from_arrow(TRACE.frame(name))
    assert isinstance(frame, polars.DataFrame)
    for column, values in getattr(TRACE, name).items():
        arrived = frame[column].to_list()
        assert [None if isinstance(v, float) and math.isnan(v) else v for v in arrived] == _plain(values)


def test_an_empty_table_is_a_frame_of_no_rows() -> None:
    """A run to which nobody came still has its tables, with all their columns."""
    network = Network(stations=[Station("desk")], journeys=[Journey("office", [Visit("desk", 1.0)])])
    trace = simulate(network, until=5.0)
    assert trace.frame("families").num_rows == trace.frame("visits").num_rows == 0
    assert trace.frame("families").column_names == list(FAMILY_COLUMNS)
    assert trace.frame("stations").to_pydict()["starts"] == [0]


def test_columns_that_begin_with_an_underscore_stay_out() -> None:
    """What only the engine needs is no part of the answer; all the rest stands behind the fixed columns."""
    assert tuple(TRACE.families) == (*FAMILY_COLUMNS, "kind", "children", "complete")


def test_families_inside_at_the_end_are_in_the_table() -> None:
    """Whoever came before the end is counted: out of thirty the last one came too late, and some had not left."""
    outcome: Any = TRACE.families["outcome"]
    inside = outcome.has("inside")
    finished = np.asarray(TRACE.families["finished"])
    assert len(outcome) == 29
    assert inside.any()
    assert np.isnan(finished[inside]).all()
    assert (finished[~inside] < 28.5).all()


def test_visits_that_go_on_at_the_end_are_in_the_table() -> None:
    """Each family that is inside has one visit without an end: being served, or waiting."""
    ended: Any = TRACE.visits["ended"]
    inside = ended.has("inside")
    outcome: Any = TRACE.families["outcome"]
    assert np.isnan(np.asarray(TRACE.visits["leave"])[inside]).all()
    assert inside.sum() == outcome.has("inside").sum()
    assert np.isnan(np.asarray(TRACE.visits["start"])[inside]).sum() == inside.sum() - 1
    assert ended.labels == ENDINGS


def test_visits_stand_by_family_and_in_time() -> None:
    """Rows are in the order of the families, and within one in the order in which they happened."""
    family, enter = np.asarray(TRACE.visits["family"]), np.asarray(TRACE.visits["enter"])
    assert (np.diff(family) >= 0).all()
    assert (np.diff(enter)[np.diff(family) == 0] >= 0).all()
    attempt = np.asarray(TRACE.visits["attempt"])
    assert (attempt[1:][np.diff(family) == 0] == attempt[:-1][np.diff(family) == 0] + 1).all()
    assert attempt.max() > 0


# --- comparison ---


def test_a_table_is_the_same_as_its_copy() -> None:
    """Nan equals nan here, as both say that nothing happened."""
    again = _trace()
    for name in TABLES:
        assert same_tables(getattr(TRACE, name), getattr(again, name)) == ""


def test_another_seed_makes_another_table() -> None:
    """The comparison says where the first difference is."""
    said = same_tables(TRACE.visits, _trace(seed=2).visits)
    assert said.startswith(("column ", f"{len(np.asarray(TRACE.visits['family']))} and "))


def _with(name: str, column: Any) -> Table:
    return {**TRACE.families, name: column}


def _changed(name: str, row: int, value: float) -> Table:
    column = np.asarray(TRACE.families[name]).copy()
    column[row] = value
    return _with(name, column)


KIND: Any = TRACE.families["kind"]
DIFFERENCES: dict[str, tuple[Table, str]] = {
    "the last bit": (_changed("arrival", 7, math.nextafter(7.0, 8.0)), "column arrival, row 7: np.float64(7.0) and"),
    "a number for nan": (_changed("submitted", 3, 1.0), "column submitted, row 3: np.float64(nan) and np.float64(1.0)"),
    "nan for a number": (_changed("arrival", 3, math.nan), "column arrival, row 3"),
    "a word": (
        _with("kind", replace(KIND, codes=np.where(np.arange(29) == 5, 0, KIND.codes))),
        "column kind, row 5: np.int64(1) and np.int64(0)",
    ),
    "what words mean": (
        _with("kind", replace(KIND, labels=WORDS[::-1])),
        "column kind, labels: ('newborn', 'pupil') and",
    ),
    "numbers for words": (_with("kind", KIND.codes), "column kind, labels: ('newborn', 'pupil') and None"),
    "a column more": (_with("more", np.zeros(29)), "columns ["),
    "no columns": ({}, "columns ["),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_any_difference_is_found(name: str) -> None:
    """One bit, one word, the meaning of a word, one column: each is told with its place."""
    other, said = DIFFERENCES[name]
    assert same_tables(TRACE.families, other).startswith(said)
    assert same_tables(other, TRACE.families) != ""


def test_a_missing_row_is_found() -> None:
    """Tables of different lengths differ, however far they agree."""
    shorter = {name: c.take(np.arange(28)) if isinstance(c, Coded) else c[:28] for name, c in TRACE.families.items()}
    assert same_tables(TRACE.families, shorter) == "29 and 28 rows"


def test_words_become_dictionary_columns() -> None:
    """Arrow keeps each word once, and numbers as they are."""
    table = arrow_table({"kind": Coded(np.array([1, 0, 1], dtype=np.int8), WORDS), "x": np.array([1.5, 2.0, math.nan])})
    assert str(table.schema.field("kind").type).startswith("dictionary<values=string, indices=int32")
    assert table.column("kind").to_pylist() == ["pupil", "newborn", "pupil"]
    assert str(table.schema.field("x").type) == "double"


def test_words_of_any_script_arrive_as_they_are() -> None:
    """Signs take several bytes, a word may be empty, and a column may have no words at all."""
    column = Coded(np.array([2, 0, 1, 0]), ("学生儿童", "", "naïve"))
    assert arrow_table({"kind": column}).column("kind").to_pylist() == ["naïve", "学生儿童", "", "学生儿童"]
    nobody = Coded(np.empty(0, dtype=np.int8), ())
    assert arrow_table({"kind": nobody}).column("kind").to_pylist() == []


def test_a_frame_does_not_wait_for_pandas() -> None:
    """Who has pandas installed does not wait for it when a run is stored."""
    script = (
        "import sys, numpy as np\n"
        "from canbao.columns import Coded\n"
        "from canbao.runs.tables import table_bytes\n"
        "table_bytes({'family': np.arange(3), 'kind': Coded(np.zeros(3, dtype=int), ('pupil',))})\n"
        "assert 'pandas' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
