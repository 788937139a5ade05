"""Where two traces part, and the stories of families."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canbao import Coded, Empirical, Exponential, Journey, Mark, Network, Poisson, Station, Stream, Visit, simulate
from canbao.engines.comparing import Difference, check_equal, first_difference
from canbao.engines.stories import beside, plainly, story, told
from canbao.errors import EngineError
from canbao.trace import Table, Trace

NETWORK = Network(
    stations=[Station("windows", servers=2), Station("desk")],
    journeys=[
        Journey(
            "office",
            [
                Visit("windows", Exponential(4.0)),
                Mark("paid"),
                Visit("desk", Exponential(2.0), patience=Exponential(9.0)),
            ],
        )
    ],
    streams=[Stream("office", Poisson(0.4), columns={"size": Empirical((1, 2), (1, 1))})],
)
TRACE = simulate(NETWORK, until=150.0, seed=7, engine="simpy")
OUTCOME: Any = TRACE.families["outcome"]
MARKS = ("submitted", "reviewed", "paid")


def _with(table: str, **columns: Any) -> Trace:
    """Give the trace with other columns in a table."""
    return replace(TRACE, **{table: {**getattr(TRACE, table), **columns}})


def _changed(table: str, column: str, row: int, change: Any) -> Trace:
    """Give the trace with one value changed."""
    old = getattr(TRACE, table)[column]
    numbers = np.array(old.codes if isinstance(old, Coded) else old)
    numbers[row] = change(numbers[row])
    return _with(table, **{column: Coded(numbers, old.labels) if isinstance(old, Coded) else numbers})


def _rows(table: Table, rows: Any) -> dict[str, Any]:
    return {name: column.take(rows) if isinstance(column, Coded) else column[rows] for name, column in table.items()}


def _difference(other: Trace) -> Difference:
    found = first_difference(TRACE, other, MARKS)
    assert found is not None
    return found


def _visit(row: int) -> tuple[int, int]:
    """Give the family of a visit, and which of its visits it is, from 1."""
    families = TRACE.visits["family"]
    return int(families[row]), int(np.sum(families[: row + 1] == families[row]))


# --- the first difference ---------------------------------------------------------------------------------------------


def test_equal_traces_have_none() -> None:
    """A trace equals itself and one that was made anew, nan included."""
    assert first_difference(TRACE, TRACE) is None
    again = simulate(NETWORK, until=150.0, seed=7, engine="simpy")
    assert np.isnan(np.asarray(again.visits["leave"])).any()
    assert first_difference(TRACE, again) is None
    check_equal({"one": TRACE, "other": again, "third": TRACE})


@given(st.data())
@settings(max_examples=60)
def test_any_changed_bit_of_a_moment_is_found_with_its_place(data: st.DataObject) -> None:
    """The next number above, in any column of moments: it is found, with family, visit, column and both values."""
    column = data.draw(st.sampled_from(["enter", "start", "leave"]))
    row = data.draw(st.sampled_from(np.flatnonzero(~np.isnan(TRACE.visits[column])).tolist()))
    other = _changed("visits", column, row, lambda value: np.nextafter(value, math.inf))
    family, number = _visit(row)
    before, after = (float(trace.visits[column][row]) for trace in (TRACE, other))
    assert _difference(other) == Difference(family, before, f"visit {number}, {column}: {before!r} and {after!r}", 1)


@given(st.lists(st.integers(0, len(TRACE.visits["family"]) - 1), min_size=1, max_size=8, unique=True))
@settings(max_examples=60)
def test_the_first_in_time_is_told_whatever_the_number_of_the_family(rows: list[int]) -> None:
    """Among some services that begin later, it is the one whose earlier beginning comes first; all are counted."""
    start = np.array(TRACE.visits["start"])
    start[rows] = np.where(np.isnan(start[rows]), 0.001, start[rows] + 0.5)
    found = _difference(_with("visits", start=start))
    moments = [0.001 if math.isnan(old) else float(old) for old in TRACE.visits["start"][rows]]
    assert found.moment == min(moments)
    first = min(zip(moments, (_visit(row)[0] for row in rows), strict=True))
    assert found.family == first[1]
    assert found.families == len({_visit(row)[0] for row in rows})


def test_a_visit_that_one_engine_does_not_have_is_told_when_it_begins() -> None:
    """A visit that is missing is the first difference of its family, although all visits behind it shift."""
    family = int(TRACE.visits["family"][np.argmax(TRACE.visits["enter"] > 50.0)])
    row = int(np.flatnonzero(TRACE.visits["family"] == family)[0])
    kept = np.arange(len(TRACE.visits["family"])) != row
    other = replace(TRACE, visits=_rows(TRACE.visits, kept))
    found = _difference(other)
    assert (found.family, found.families) == (family, 1)
    assert found.moment == TRACE.visits["enter"][row]
    last = replace(TRACE, visits=_rows(TRACE.visits, np.arange(len(kept)) != row + 1))
    assert first_difference(TRACE, last, MARKS, ("a", "b")).said == "only a has visit 2"
    assert first_difference(last, TRACE, MARKS, ("a", "b")).said == "only b has visit 2"


@pytest.mark.parametrize("table", ["families", "visits"])
def test_an_engine_that_gives_nothing_differs_on_the_first_family(table: str) -> None:
    """An empty table is a difference at the moment at which the first row of the other begins."""
    none = np.zeros(len(getattr(TRACE, table)["family"]), dtype=bool)
    found = _difference(replace(TRACE, **{table: _rows(getattr(TRACE, table), none)}))
    assert (found.family, found.moment) == (0, TRACE.families["arrival"][0])


def test_an_event_that_is_marked_late_is_told_by_its_name() -> None:
    """The columns of events in `families` are moments like those of visits."""
    when = float(TRACE.families["paid"][3])
    found = _difference(_changed("families", "paid", 3, lambda value: value + 1.0))
    assert found == Difference(3, when, f"its row, paid: {when!r} and {when + 1.0!r}", 1)


def test_words_are_told_as_words() -> None:
    """Another outcome has no moment of its own; another ending of a visit has that at which the visit began."""
    found = _difference(_changed("families", "outcome", 5, lambda code: 1 - code))
    words = TRACE.families["outcome"]
    assert (found.family, found.moment) == (5, math.inf)
    assert f"its row, outcome: {words.labels[words.codes[5]]!r} and " in found.said
    ended = _difference(_changed("visits", "ended", 8, lambda code: code + 1))
    assert ended.family == TRACE.visits["family"][8]
    assert ended.moment == TRACE.visits["enter"][8]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (_changed("stations", "busy_s", 1, lambda value: 2.5), r"stations, busy_s, 'desk': .* and 2.5"),
        (_with("visits", attempt=TRACE.visits["attempt"].astype(np.int32)), "visits, attempt, types: int64 and int32"),
        (
            _with("families", outcome=Coded(OUTCOME.codes, (*OUTCOME.labels, "lost"))),
            "families, outcome, words: .*'lost'",
        ),
        (
            _with("families", effort_s=-np.asarray(TRACE.families["effort_s"])),
            "61 families; the first is family 0: its row, effort_s: 0.0 and -0.0",
        ),
        (replace(TRACE, stations={}), "stations, columns: station, group, busy_s, staffed_s, starts and $"),
        (replace(TRACE, stations=_rows(TRACE.stations, [0])), "stations, station: 2 and 1 rows"),
    ],
)
def test_what_no_moment_belongs_to_is_told_too(other: Trace, said: str) -> None:
    """Servers, types, words, the sign of 0, columns and the number of rows: each differs in the bytes of a file."""
    with pytest.raises(EngineError, match=said):
        check_equal({"a": TRACE, "b": other})


def test_the_same_rows_in_another_order_differ() -> None:
    """The order of rows is part of a trace, and belongs to no family."""
    backwards = np.arange(len(TRACE.families["family"]))[::-1]
    found = _difference(replace(TRACE, families=_rows(TRACE.families, backwards)))
    assert (found.family, found.families) == (None, 0)
    assert found.said.startswith("families, family, row 0: 0 and ")


# --- stories ----------------------------------------------------------------------------------------------------------


def test_a_story_is_what_the_tables_say_of_a_family() -> None:
    """Its row and its visits, with words as words and numbers as Python's."""
    one = story(TRACE, 12, MARKS)
    frames: Mapping[str, Any] = {name: TRACE.frame(name).to_pylist() for name in ("families", "visits")}
    for told_of, name in ((one.visits, "visits"), ([one.row], "families")):
        rows = [row for row in frames[name] if row["family"] == 12]
        assert repr([{"family": 12, **each} for each in told_of]) == repr(rows)  # nan equals nan
    assert one.moments >= {"arrival", "paid", "enter", "start", "leave", "finished"}


def test_a_story_is_told_in_the_users_time() -> None:
    """Moments are said by the function that is given, other numbers as numbers, what never happened as a dash."""
    lines = told(story(TRACE, 12, MARKS), lambda time: f"day {time:.0f}")
    row = TRACE.families
    assert lines[0] == "family 12"
    assert f"  arrival        day {row['arrival'][12]:.0f}" in lines
    assert "  submitted      -" in lines
    assert f"  size           {row['size'][12]:.0f}" in lines
    heads = lines[lines.index("visits") + 1].split()
    assert heads == ["attempt", "station", "step", "enter", "start", "leave", "ended"]
    assert len(lines) - lines.index("visits") == 2 + int(np.sum(TRACE.visits["family"] == 12))


def test_a_family_that_nobody_knows_has_a_short_story() -> None:
    """A family without rows has none, and is told without an error."""
    assert told(story(TRACE, 10**6)) == ["family 1000000", "visits", "  none"]


def test_two_stories_show_only_what_happened_and_what_differs() -> None:
    """Side by side without the columns of the population, unless these differ; a difference is marked and exact."""
    row = int(np.flatnonzero(TRACE.visits["family"] == 12)[0])
    when = float(TRACE.visits["leave"][row])
    other = _changed("visits", "leave", row, lambda value: np.nextafter(value, math.inf))
    lines = beside({"a": story(TRACE, 12, MARKS), "b": story(other, 12, MARKS)})
    assert not any("size" in line for line in lines)
    marked = [line for line in lines if line.startswith(">")]
    assert len(marked) == 2
    assert f"{plainly(when)} ({when!r})" in marked[0]
    assert f"{plainly(when)} ({math.nextafter(when, math.inf)!r})" in marked[1]
    bigger = _changed("families", "size", 12, lambda value: value + 1)
    marked = [line for line in beside({"a": story(TRACE, 12), "b": story(bigger, 12)}) if line.startswith(">")]
    assert [line.split()[1] for line in marked] == ["size"]


def test_a_family_that_one_trace_does_not_know_is_told_beside_the_other() -> None:
    """All that one knows is marked, and the other's place is empty."""
    lines = beside({"a": story(TRACE, 12, MARKS), "b": story(TRACE, 10**6, MARKS)})
    at = lines.index("visits, a:")
    assert all(line.startswith(">") for line in lines[1:at])
    assert all(line.startswith(">") for line in lines[at + 2 : lines.index("visits, b:")])
    assert lines[-1].strip() == "none"


@pytest.mark.parametrize(("time", "said"), [(0.0, "0"), (12.5, "12.5"), (100.0, "100"), (1 / 3, "0.333333")])
def test_a_time_without_a_calendar_is_a_number(time: float, said: str) -> None:
    """To a millionth, without zeros at the end."""
    assert plainly(time) == said
