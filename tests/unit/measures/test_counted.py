"""The summary of a run whose visits were counted: it says what all visits say, but for what is listed here."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.arrays import FloatArray
from canbao.assembly import scenario_plan
from canbao.assembly.review import INTAKE, REVIEW
from canbao.calendar import Calendar
from canbao.columns import Coded
from canbao.counters import Counters, Review
from canbao.engines.compiled_engine import CompiledEngine
from canbao.errors import EngineError
from canbao.kernel.counting import BINS, bin_edge, wait_bin
from canbao.measures.counted import summarise_counted, watch_of
from canbao.measures.doubts import NOT_KEPT
from canbao.measures.records import papers_only
from canbao.measures.reviews import review_rounds
from canbao.measures.samples import describe
from canbao.measures.summary import summarise
from canbao.plan import Plan
from canbao.plugins import load_plugins
from canbao.report import render
from canbao.scenario.scenario import ScenarioFile, load_scenario
from canbao.testing import small_scenario

Path_ = tuple[str, ...]
Summary = Mapping[str, Any]

SCENARIOS = Path(__file__).parents[3] / "scenarios"

# A hall too small for its families, and a portal that turns many away.
BUSY: dict[str, Any] = {
    "population": {"residents": 3000, "births_per_thousand": 60.0},
    "choice": {"online_share": 0.3},
    "channels": {
        "office": {
            "kind": "office",
            "service": {"kind": "lognormal", "mean": "25 min", "cv": 0.6},
            "sites": {"east": {"staff": 2}, "west": {"staff": 2, "catchment": 2.0}},
        },
        "portal": {"kind": "portal", "slots": 4, "backlog": 20},
    },
    "objectives": {
        "deadline": {"kind": "deadline", "at_least": 0.5},
        "wait": {"kind": "wait", "channel": "office", "at_most": "30 min"},
        "lost": {"kind": "abandonment", "channel": "office", "at_most": 0.05},
        "review": {"kind": "review", "within": 3, "at_least": 0.9, "channels": ["portal"]},
    },
}

MISSING = {
    "failures.*.delay_s.*",
    "abandonment.families.*",
    "review.families.*",
    "trust.laws.a family is at one place at a time.*",
    "trust.laws.a room never holds more than it can.*",
    "trust.laws.a server serves one family at a time, in its hours.*",
    "trust.laws.attempts count up.*",
    "trust.laws.enter, start and leave are in order.*",
    "trust.laws.nobody is let in at closed doors, nobody is sent home at open ones.*",
    "trust.laws.nobody waits while a server is free.*",
    "trust.laws.services and patience last as long as luck says.*",
    "trust.laws.staffed time is that of the schedule, and never less than busy time.*",
    "trust.laws.who is served next is as the discipline says.*",
    "trust.laws.who turns round has a reason, who joins has none.*",
}
"""All that nobody can tell without visits; a star stands for whatever comes there."""


def _scenario(name: str) -> ScenarioFile:
    if name in ("small", "busy"):
        return small_scenario(BUSY if name == "busy" else None)
    return load_scenario(SCENARIOS / f"{name}.toml", load_plugins(), ["population.scale=0.02"])


CASES = [("small", 1), ("small", 2), ("busy", 1), ("busy", 7), ("city-season", 1), ("city-season", 3)]
CASES += [("portal-outage", 1), ("portal-outage", 5)]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}, seed {case[1]}")
def both(request: pytest.FixtureRequest) -> tuple[Summary, Summary]:
    """Give the summary of one run from all its visits, and that from counters."""
    name, seed = request.param
    file = _scenario(name)
    plan, engine = scenario_plan(file, seed), CompiledEngine()
    counted = engine.count(plan, watch_of(file, plan))
    return summarise(file, plan, engine.run(plan)), summarise_counted(file, plan, counted)


def _leaves(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Give all that is no table in a summary, with where it stands; laws by their names, rows of numbers as one."""
    if path == ("trust", "laws"):
        value = {law["name"]: law for law in value}
    if isinstance(value, list) and not (value and all(isinstance(one, int | float) for one in value)):
        value = {str(number): one for number, one in enumerate(value)}
    if not isinstance(value, Mapping):
        yield path, value
        return
    for name, one in value.items():
        yield from _leaves(one, (*path, name))


def _fits(pattern: str, path: Path_) -> bool:
    parts = pattern.split(".")
    return all(part in ("*", one) for part, one in zip(parts, path, strict=False)) and len(path) >= len(parts)


def test_all_that_is_missing_is_written_here(both: tuple[Summary, Summary]) -> None:
    """Whatever all visits give is there, but for the list, and each entry of the list is missing."""
    full, counted = (dict(_leaves(summary)) for summary in both)
    missing = [path for path, value in full.items() if counted.get(path) is None and value is not None]
    assert [path for path in missing if not any(_fits(pattern, path) for pattern in MISSING)] == []
    assert {pattern for pattern in MISSING if not any(_fits(pattern, path) for path in missing)} == set()


def test_nothing_is_there_that_all_visits_do_not_give(both: tuple[Summary, Summary]) -> None:
    """Only the word that there are no tables, the empty places of what is missing, and one warning."""
    full, counted = (dict(_leaves(summary)) for summary in both)
    more = {path for path in counted.keys() - full.keys() if not any(_fits(pattern, path) for pattern in MISSING)}
    warnings = len(both[0]["trust"]["warnings"])
    assert more == {("tables",), ("trust", "warnings", str(warnings))}
    assert both[1]["tables"] == "none"
    assert both[1]["trust"]["warnings"] == [*both[0]["trust"]["warnings"], NOT_KEPT]


def test_tables_of_a_summary_have_the_same_order(both: tuple[Summary, Summary]) -> None:
    """Channels, stations and kinds stand as they do in the other summary."""
    for part in ("families", "failures", "equity", "hours", "money"):
        assert list(both[1][part]) == list(both[0][part])
    for part in ("channels", "stations"):
        assert list(both[1]["waits"][part]) == list(both[0]["waits"][part])
        assert list(both[1]["abandonment"][part]) == list(both[0]["abandonment"][part])
    assert list(both[1]["review"]["channels"]) == list(both[0]["review"]["channels"])


def test_both_summaries_say_the_same(both: tuple[Summary, Summary]) -> None:
    """Counts and words are equal, sums but for rounding, quantiles of waits to within 1/64 or a second."""
    full, counted = (dict(_leaves(summary)) for summary in both)
    shared = [path for path in full if path in counted and not any(_fits(pattern, path) for pattern in MISSING)]
    assert len(shared) > 0.75 * len(full)
    differ = [(path, full[path], counted[path]) for path in shared if not _same(path, both[0], full, counted)]
    assert differ == []


def _same(path: Path_, summary: Summary, full: Mapping[Path_, Any], counted: Mapping[Path_, Any]) -> bool:
    one, other = full[path], counted[path]
    if path[-1] == "longest_queue_at":
        # A queue may be as long in several hours, at night for instance; rounding picks one among them.
        hours = summary["hours"][full[*path[:2], "name"]]["waiting"]
        return bool(abs(hours[_hour(summary, one)] - hours[_hour(summary, other)]) < 1e-9)
    if path[0] == "hours" and path[2] in ("waiting", "busy"):  # both rounded to 0.01
        return len(one) == len(other) and bool(np.allclose(one, other, rtol=0.0, atol=0.011))
    if not isinstance(one, float) and not isinstance(other, float):
        return bool(one == other and type(one) is type(other))
    if _is_quantile(path, summary):
        return bool(abs(one - other) <= one / 64 + 1)
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def _hour(summary: Summary, moment: str) -> int:
    since = dt.datetime.fromisoformat(moment) - dt.datetime.fromisoformat(summary["horizon"]["start"])
    return int(since.total_seconds() // 3600)


def _is_quantile(path: Path_, summary: Summary) -> bool:
    if path[0] == "objectives":
        return path[2] == "value" and summary["objectives"][int(path[1])]["kind"] == "wait"
    return path[0] == "waits" and path[1] != "families" and path[-1] in ("median", "p90", "p95")


def test_the_laws_that_can_be_checked_hold(both: tuple[Summary, Summary]) -> None:
    """Five laws need no single visit."""
    laws = both[1]["trust"]["laws"]
    assert len(laws) == 5
    assert [law for law in laws if not law["holds"]] == []


def test_a_summary_of_counters_is_plain_data(both: tuple[Summary, Summary]) -> None:
    """What JSON gives back is what went in."""
    assert json.loads(json.dumps(both[1], allow_nan=False)) == both[1]


# ---------------------------------------------------------------------------------------------------------------------
# What is watched
# ---------------------------------------------------------------------------------------------------------------------


def test_places_are_watched_for_what_they_are() -> None:
    """Papers wait where the trace's measures say so; failures, fees and the intake are counted family by family."""
    file = _scenario("portal-outage")
    plan = scenario_plan(file)
    trace, watch = CompiledEngine().run(plan), watch_of(file, plan)
    station = trace.visits["station"]
    assert isinstance(station, Coded)
    visited = set(station.words())
    assert set(station.take(papers_only(trace, REVIEW)).words()) == watch.papers & visited
    assert set(watch.records) == {name for name in plan.places if name.startswith(("failure.", "fee."))} | {INTAKE}
    assert watch.intake in watch.review <= watch.papers


@pytest.mark.parametrize("longer_s", [0.0, 43_200.0, 5 * 86_400.0])
def test_rounds_are_numbered_by_the_working_days_of_the_calendar(longer_s: float) -> None:
    """Rounds counted and rounds found among visits are the same, also where a run goes on beyond the last date."""
    file = small_scenario()
    plan = scenario_plan(file)
    plan = replace(plan, until=plan.until + longer_s)
    engine, watch = CompiledEngine(), watch_of(file, plan)
    starts = np.flatnonzero(file.working) * 86_400.0
    office_days = Calendar.from_intervals([(start, start + 86_400.0) for start in starts.tolist()], file.horizon.days)
    rounds = review_rounds(engine.run(plan), REVIEW, INTAKE, office_days)
    review = engine.count(plan, watch).counters.review
    expected = np.zeros_like(review.rounds)
    days = np.where(np.isnan(rounds.working_days), -1, rounds.working_days).astype(np.int64)
    np.add.at(expected, (rounds.channel.codes, rounds.observed.astype(np.int64), days), 1)
    assert rounds.channel.labels == review.channels
    assert len(rounds.family) > 100
    assert np.array_equal(review.rounds, expected)


def test_a_summary_needs_the_fates_of_families() -> None:
    """Where families were counted only, it says so."""
    file = small_scenario()
    plan = scenario_plan(file)
    counted = CompiledEngine().count(plan, watch_of(file, plan), families=False)
    with pytest.raises(EngineError, match="families were counted only"):
        summarise_counted(file, plan, counted)


def test_a_run_to_which_nobody_comes_has_a_summary() -> None:
    """Everything is there, and there is nothing in it."""
    file = small_scenario()
    plan: Plan = scenario_plan(file)
    plan = replace(plan, arrival=np.full(plan.families, np.nan))
    engine = CompiledEngine()
    counted = summarise_counted(file, plan, engine.count(plan, watch_of(file, plan)))
    full = summarise(file, plan, engine.run(plan))
    assert counted["families"] == full["families"]
    assert counted["bottleneck"] is None
    assert counted["waits"]["stations"] == full["waits"]["stations"] == {}
    assert counted["review"] | {"families": {}} == full["review"] | {"families": {}}


def test_a_report_can_be_made_of_counters() -> None:
    """The page has all its parts, and says that visits were not kept."""
    file = small_scenario()
    plan, engine = scenario_plan(file), CompiledEngine()
    counted = summarise_counted(file, plan, engine.count(plan, watch_of(file, plan)))
    full = summarise(file, plan, engine.run(plan))
    page, other = (render(summary, {}) for summary in (counted, full))
    assert re.findall("<h[23][^>]*>", page) == re.findall("<h[23][^>]*>", other)
    assert NOT_KEPT in page
    assert NOT_KEPT not in other


# ---------------------------------------------------------------------------------------------------------------------
# Bins
# ---------------------------------------------------------------------------------------------------------------------

SECONDS = st.one_of(
    st.just(0.0),
    st.floats(0.0, 2.0),
    st.floats(0.0, 1e7),
    st.integers(0, 1 << 24).map(float),
    st.integers(0, 24).map(lambda power: math.nextafter(2.0**power, 0.0)),
)
SHARES = st.sampled_from([0.0, 0.05, 0.25, 0.5, 0.9, 0.95, 1.0])


def _counters(*samples: list[float]) -> Counters:
    """Count waits at some places, called 0, 1 and so on."""
    places = tuple(str(number) for number in range(len(samples)))
    waits = np.zeros((len(samples), BINS), dtype=np.int64)
    for place, sample in enumerate(samples):
        np.add.at(waits[place], [wait_bin(wait) for wait in sample], 1)
    nothing: Any = np.zeros((len(samples), 1))
    return Counters(
        places=places,
        came=nothing,
        endings=nothing,
        waits=waits,
        edges=np.array([bin_edge(number) for number in range(BINS + 1)]),
        wait_s=np.array([sum(sample) for sample in samples]),
        longest_s=np.array([max(sample, default=0.0) for sample in samples]),
        waiting_s=nothing,
        busy_s=nothing,
        review=Review((), nothing, nothing, nothing),
    )


@given(SECONDS)
def test_each_wait_lies_in_its_bin(wait: float) -> None:
    """Its lower edge belongs to a bin, its upper edge to the next."""
    number = wait_bin(wait)
    assert bin_edge(number) <= wait < bin_edge(number + 1)


@given(st.integers(1, BINS - 1))
def test_a_bin_is_no_wider_than_a_64th_of_what_lies_in_it(number: int) -> None:
    """So whatever in it is said of a wait in it is right to within 1/64."""
    low, high = bin_edge(number), bin_edge(number + 1)
    assert low < high
    assert high - low <= low / 64
    assert wait_bin(low) == number


@given(st.lists(SECONDS, min_size=1, max_size=40), st.lists(SECONDS, max_size=10))
def test_counters_describe_waits_as_samples_are_described(here: list[float], there: list[float]) -> None:
    """Count, mean and longest are exact, quantiles right to within 1/64 or a second, of several places together too."""
    told, sample = _counters(here, there).describe_waits("0", "1"), np.array(here + there)
    expected = describe(sample)
    assert list(told) == list(expected)
    assert told["count"] == expected["count"]
    assert told["max"] == expected["max"]
    assert told["mean"] == pytest.approx(expected["mean"], rel=1e-12)
    for name in ("median", "p90", "p95"):
        assert abs(told[name] - _number(expected[name])) <= _number(expected[name]) / 64 + 1


def _number(value: float | None) -> float:
    assert value is not None
    return value


@given(st.lists(SECONDS, min_size=1, max_size=40), SHARES)
def test_the_wait_that_a_share_did_not_exceed_is_an_order_statistic(sample: list[float], share: float) -> None:
    """It lies in the bin of that wait, or is 0 for a wait under a second."""
    values: FloatArray = np.array(sample)
    expected = float(np.quantile(values, share, method="inverted_cdf"))
    found = _number(_counters(sample).wait_within(share, "0"))
    assert wait_bin(found) == wait_bin(expected)
    assert found <= values.max()


def test_nobody_who_waited_has_no_wait() -> None:
    """An empty sample is described as everywhere, and has no quantiles."""
    assert _counters([]).describe_waits("0") == describe(np.empty(0))
    assert _counters([]).describe_waits() == describe(np.empty(0))
    assert _counters([]).wait_within(0.9, "0") is None
