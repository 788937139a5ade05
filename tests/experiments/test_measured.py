"""Measures have names: the dotted paths of a summary."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canbao.errors import InputError
from canbao.experiments.measured import find_measure, measures_of, objective_names, where_absent

_NAMES = st.text("abc_ ", min_size=1, max_size=4)
_LEAVES = st.none() | st.integers(-1000, 1000) | st.floats(allow_nan=False) | st.text(max_size=3)
_TABLES = st.recursive(_LEAVES, lambda inner: st.dictionaries(_NAMES, inner, max_size=4), max_leaves=12)


def _leaves(table: Any) -> Iterator[Any]:
    for value in table.values() if isinstance(table, dict) else ():
        if isinstance(value, dict):
            yield from _leaves(value)
        else:
            yield value


@settings(max_examples=50)
@given(st.dictionaries(_NAMES, _TABLES.filter(lambda value: isinstance(value, dict)), max_size=4))
def test_every_number_of_a_summary_is_a_measure(summary: dict[str, Any]) -> None:
    """All numbers of nested tables come out, each under the path that leads to it, and no words."""
    found = measures_of(summary)
    wanted = [leaf for leaf in _leaves(summary) if leaf is None or isinstance(leaf, int | float)]
    assert len(found) <= len(wanted)  # a key with a dot in it may meet another path
    for path, number in found.items():
        value: Any = summary
        for key in path.split("."):
            value = value[key]
        assert (math.isnan(number) and value is None) or number == float(value)


def test_an_objective_has_a_value_and_whether_it_held() -> None:
    """An objective gives two measures, and nan where there was nothing to judge."""
    objectives = [
        {"name": "fast", "value": 0.9, "held": True},
        {"name": "slow", "value": 0.1, "held": False},
        {"name": "none", "value": None, "held": None},
    ]
    found = measures_of({"objectives": objectives})
    assert found["objectives.fast"] == 0.9
    assert found["objectives.fast.held"] == 1.0
    assert found["objectives.slow.held"] == 0.0
    assert math.isnan(found["objectives.none"])
    assert math.isnan(found["objectives.none.held"])
    assert objective_names(found) == ["fast", "slow", "none"]


def test_stations_are_told_by_name() -> None:
    """A station's numbers stand under its name, its words nowhere."""
    summary = {"stations": [{"name": "hall.east", "group": "hall", "utilisation": 0.5}]}
    assert measures_of(summary) == {"stations.hall.east.utilisation": 0.5}


def test_what_is_told_hour_by_hour_is_no_measure() -> None:
    """Neither hours nor what a summary says of itself comes out."""
    summary = {
        "format": 1,
        "seed": 7,
        "hours": {"hall": {"staff": 3}},
        "trust": {"replications": 1},
        "review": {"n": 2},
    }
    assert measures_of(summary) == {"review.n": 2.0}


def test_an_outcome_that_nobody_had_is_none_at_all() -> None:
    """A summary leaves out outcomes that did not happen: their count is 0, where other gaps are unknown."""
    assert where_absent("families.outcomes.withdrawn") == 0.0
    assert where_absent("families.outcomes_by.kind.newborn.gave up") == 0.0
    assert math.isnan(where_absent("waits.channels.office.p90"))


KNOWN = ("objectives.portal-review", "objectives.portal-review.held", "waits.channels.office.p90", "review.rounds")


@pytest.mark.parametrize("text", ["portal-review", "objectives.portal-review"])
def test_an_objective_is_found_by_its_name_alone(text: str) -> None:
    """The name of an objective stands for its value."""
    assert find_measure(text, KNOWN) == "objectives.portal-review"


@pytest.mark.parametrize(
    ("text", "near"),
    [("portal-revew", "portal-review"), ("waits.channels.ofice.p90", "waits.channels.office.p90")],
)
def test_a_misspelt_measure_names_the_nearest(text: str, near: str) -> None:
    """An unknown name is an error that names the nearest ones."""
    with pytest.raises(InputError, match=rf"no measure '{text}'.*{near}"):
        find_measure(text, KNOWN)


def test_part_of_a_path_names_what_is_below() -> None:
    """A table's name is no measure; the error names measures in it."""
    with pytest.raises(InputError, match=r"waits\.channels\.office\.p90"):
        find_measure("waits.channels.office", KNOWN)
