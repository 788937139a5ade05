"""The back office: its desks, its hours, who goes first, and how its spans of time are counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canbao.assembly import scenario_plan
from canbao.assembly.formalities import ENROLLED
from canbao.assembly.review import INTAKE, REVIEW, build_review, span_delay
from canbao.calendar import Calendar
from canbao.columns import Coded, Column
from canbao.district import District
from canbao.engines.compiled_engine import CompiledEngine
from canbao.network import Delay
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.quantities import Span, parse_span
from canbao.scenario.review import Review
from canbao.testing import small_district, small_scenario
from canbao.trace import Trace

DAY_S = 86_400.0
DESKS = {"acceptance": {"staff": 1}, "first": {"staff": 2}, "second": {"staff": 3}}
SMOOTH = {
    **dict.fromkeys(("wanders_off", "new_accounts", "locked_out", "incomplete"), 0.0),
    "notices": {"SMS": 1.0},
    "credential": False,
}
# Families of newborns and others, all handing in within an hour on a Monday.
RUSH: dict[str, Any] = {
    "population": {"births_per_thousand": 300.0},
    "channels": {"portal": {"kind": "portal", "slots": 50, **SMOOTH}},
}


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins()


@pytest.fixture(scope="module")
def district(plugins: Plugins) -> District:
    """Give the small district."""
    return small_district(plugins=plugins)


def _review(**settings: Any) -> Review:
    return Review.model_validate({**DESKS, **settings}, context={"distributions": {}})


def _rush(
    folder: Path, plugins: Plugins, review: Mapping[str, Any], at: str = "2025-12-08 09:00:00", **more: Any
) -> Trace:
    path = folder / "arrivals.csv"
    start = dt.datetime.fromisoformat(at)
    path.write_text("arrival\n" + "".join(f"{start + dt.timedelta(seconds=9 * i)}\n" for i in range(400)))
    changes = {**RUSH, "demand": {"kind": "replay", "file": str(path)}, "review": review, **more}
    return CompiledEngine().run(scenario_plan(small_scenario(changes, plugins)))


def _at(trace: Trace, station: str) -> dict[str, Any]:
    """Give the visits of one station, and whether each is a newborn's."""
    stations: Any = trace.visits["station"]
    mine = stations.has(station)
    kind: Any = trace.families["kind"]
    family = np.asarray(trace.visits["family"])[mine]
    row = np.searchsorted(np.asarray(trace.families["family"]), family)
    moments = {name: np.asarray(trace.visits[name])[mine] for name in ("enter", "start", "leave")}
    return {**moments, "newborn": kind.has("newborn")[row]}


def test_the_desks_stand_behind_the_intake_in_their_order(district: District) -> None:
    """All belong to the group of the review; each has its own calendar, staff and no doors: applications pile up."""
    part = build_review(_review(), district)
    assert [station.name for station in part.stations] == [INTAKE, "review.acceptance", "review.first", "review.second"]
    assert {station.group for station in part.stations} == {REVIEW}
    assert [station.doors for station in part.stations] == [None] * 4
    assert set(part.calendars) == {"review.acceptance", "review.first", "review.second"}
    assert [getattr(station.servers, "maximum", np.inf) for station in part.stations] == [np.inf, 1, 2, 3]
    assert part.journey.channel is False


def test_desks_work_in_their_own_hours_and_shifts(tmp_path: Path, plugins: Plugins, district: District) -> None:
    """Nobody reviews at night, at lunch or on closed days; a desk with Saturday hours does so on Saturdays."""
    desks = {
        "acceptance": {"staff": 1, "saturday_hours": ["09:00-12:00"]},
        "first": {"staff": 1, "hours": ["10:00-11:00"]},
        "second": {"staff": 1, "shifts": [{"staff": 0, "end": dt.date(2025, 12, 15)}]},
    }
    trace = _rush(tmp_path, plugins, {**desks, "precheck": 0.0})
    first = _at(trace, "review.first")["start"]
    first = first[~np.isnan(first)]
    assert len(first) > 50
    assert ((first % DAY_S >= 10 * 3600) & (first % DAY_S < 11 * 3600)).all()
    assert district.working[(first // DAY_S).astype(int)].all()
    second = _at(trace, "review.second")["start"]
    assert np.nanmin(second) >= 15 * DAY_S + 8.5 * 3600
    acceptance = _at(trace, "review.acceptance")["start"]
    saturday = acceptance[(acceptance // DAY_S) % 7 == 5]
    assert len(saturday) > 0
    assert ((saturday % DAY_S >= 9 * 3600) & (saturday % DAY_S < 12 * 3600)).all()


@pytest.mark.parametrize("first", [True, False])
def test_newborns_are_taken_first_where_the_scenario_says_so(first: bool, tmp_path: Path, plugins: Plugins) -> None:
    """With the rule, no other application is taken while a newborn's waits; without it, many are."""
    trace = _rush(tmp_path, plugins, {**DESKS, "newborn_first": first})
    overtaken = 0
    for station in ("review.acceptance", "review.first", "review.second"):
        visits = _at(trace, station)
        newborn = visits["newborn"]
        enter, start = visits["enter"][newborn], visits["start"][newborn]
        others = visits["start"][~newborn]
        assert len(enter) > 20
        overtaken += sum(int(((enter < moment) & (moment < start)).sum()) for moment in others[~np.isnan(others)])
    assert overtaken == 0 if first else overtaken > 100


@pytest.mark.parametrize("known", [True, False])
def test_without_newborns_nobody_goes_first(known: bool, district: District) -> None:
    """A population that knows no kinds, or no newborns, has one queue for all."""
    columns: dict[str, Column] = {"_number": np.arange(district.families)}
    if known:
        columns["kind"] = Coded(np.zeros(district.families, dtype=np.int8), ("pupil",))
    plain = District(
        district.horizon,
        district.working,
        district.saturdays,
        district.families,
        columns,
        columns,
        district.policy,
        district.luck,
    )
    part = build_review(_review(newborn_first=True), plain)
    assert part.columns == {}


def test_steps_return_what_the_gates_say(district: District) -> None:
    """Each gate fails with the share of the scenario, up to the same limit of corrections."""
    part = build_review(_review(incomplete=0.02, mismatch=0.03, refused=0.005, corrections=4), district)
    gates = {step.name: step for step in part.journey.steps}
    shares = {name: 1 - getattr(gates[name], "probability", 0.0) for name in ("complete", "matches", "approved")}
    assert shares == pytest.approx({"complete": 0.02, "matches": 0.03, "approved": 0.005})
    assert {getattr(gates[name], "limit", None) for name in shares} == {4}
    assert ENROLLED not in [getattr(step, "outcome", "") for step in part.journey.steps]  # that is said afterwards


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("10 min", Delay(600.0, name="n")),
        ("2 days", Delay(172_800.0, name="n")),
        ("4 working hours", Delay(14_400.0, name="n", unit="open time", calendar="c")),
        ("2 working days", Delay(2.0, name="n", unit="working days", calendar="c")),
    ],
)
def test_a_span_becomes_a_delay_of_its_kind(text: str, wanted: Delay) -> None:
    """Clock time needs no calendar; working time and working days go by one."""
    assert span_delay(parse_span(text), "c", name="n") == wanted


@pytest.mark.parametrize(
    ("notice", "days"), [("10 min", 0), ("1 working days", 1), ("3 working days", 3), ("3 days", 3)]
)
def test_a_family_hears_of_the_return_when_the_notice_says(
    notice: str, days: int, tmp_path: Path, plugins: Plugins
) -> None:
    """From Tuesday to Friday, working days are days; what is returned ends as withdrawn behind the notice."""
    review = {**DESKS, "duplicate": 0.0, "precheck": 1.0, "mismatch": 1.0, "drop_out": 1.0, "notice": notice}
    trace = _rush(tmp_path, plugins, {**review, "first": {"staff": 400}}, at="2025-12-09 09:00:00")
    reviewed, finished = (np.asarray(trace.families[name]) for name in ("reviewed", "finished"))
    assert (finished // DAY_S - reviewed // DAY_S == days).all()
    outcome: Any = trace.families["outcome"]
    assert outcome.has("withdrawn").all()


def test_working_days_of_the_credential_skip_the_weekend(tmp_path: Path, plugins: Plugins) -> None:
    """Approved on Friday, issued two working days later: on Tuesday."""
    review = {
        **dict.fromkeys(("duplicate", "incomplete", "mismatch", "refused"), 0.0),
        **{desk: {"staff": 400} for desk in DESKS},
        "credential": "2 working days",
    }
    trace = _rush(tmp_path, plugins, review, at="2025-12-12 09:00:00")
    finished = np.asarray(trace.families["finished"])
    assert set((finished // DAY_S).tolist()) == {15.0}
    assert (np.asarray(trace.families["reviewed"]) // DAY_S == 11).all()


CERTAIN = {"precheck": 0.0, "incomplete": 0.0, "mismatch": 0.0, "refused": 0.0, "duplicate": 0.0, "drop_out": 0.0}
PLENTY = {name: {"staff": 200} for name in DESKS}


CALM = {**RUSH["channels"]["portal"], "incomplete": 0.0, "locked_out": 0.0, "notices": {"SMS": 1.0}}


def _share(trace: Trace, failure: str) -> float:
    """Give the share of first rounds of review that met a failure."""
    stations: Any = trace.visits["station"]
    attempt = np.asarray(trace.visits["attempt"])
    return float(
        (stations.has(f"failure.{failure}") & (attempt == 0)).sum() / (stations.has(INTAKE) & (attempt == 0)).sum()
    )


def _within_4_sigma(share: float, stated: float, count: int = 400) -> bool:
    return bool(abs(share - stated) < 4 * (stated * (1 - stated) / count) ** 0.5)


def test_a_mismatch_is_as_frequent_as_stated_and_costs_the_notice_and_the_correction(
    tmp_path: Path, plugins: Plugins
) -> None:
    """As the only failure: its share is that of the scenario, and the family is back after notice and correction."""
    portal = {**CALM, "correct": {"kind": "fixed", "value": "1 day"}}
    review = {**PLENTY, **CERTAIN, "mismatch": 0.2, "notice": "1 h", "newborn_first": False}
    trace = _rush(tmp_path, plugins, review, channels={"portal": portal})
    assert _within_4_sigma(_share(trace, "data mismatch"), 0.2)
    stations: Any = trace.visits["station"]
    family, enter = np.asarray(trace.visits["family"]), np.asarray(trace.visits["enter"])
    steps: Any = trace.visits["step"]
    corrects = np.array(["correction" in step for step in steps.labels])[steps.codes]
    for row in np.flatnonzero(stations.has("failure.data mismatch"))[:40]:
        back = np.flatnonzero((family == family[row]) & (enter > enter[row]) & corrects)[0]
        assert enter[back] - enter[row] == pytest.approx(3600.0 + DAY_S)
    outcome: Any = trace.families["outcome"]
    assert set(outcome.words()) <= {"enrolled", "rejected", "inside", "left silently", "gave up"}


def test_incomplete_papers_found_by_acceptance_are_as_many_as_stated(tmp_path: Path, plugins: Plugins) -> None:
    """As the only failure; it is told as such, and the application comes back."""
    portal = CALM
    review = {**PLENTY, **CERTAIN, "incomplete": 0.15, "newborn_first": False}
    trace = _rush(tmp_path, plugins, review, channels={"portal": portal})
    assert _within_4_sigma(_share(trace, "incomplete papers"), 0.15)


def test_duplicates_are_as_many_as_stated_and_end_the_application(tmp_path: Path, plugins: Plugins) -> None:
    """As the only failure: it costs no time, because the family is enrolled already."""
    review = {**PLENTY, **CERTAIN, "duplicate": 0.1, "newborn_first": False}
    trace = _rush(tmp_path, plugins, review)
    assert _within_4_sigma(_share(trace, "duplicate"), 0.1)
    stations: Any = trace.visits["station"]
    struck = np.asarray(trace.visits["family"])[stations.has("failure.duplicate")]
    row = np.searchsorted(np.asarray(trace.families["family"]), struck)
    outcome: Any = trace.families["outcome"]
    assert set(outcome.take(row).words()) == {"already enrolled"}
    moment = np.asarray(trace.visits["enter"])[stations.has("failure.duplicate")]
    assert (np.asarray(trace.families["finished"])[row] == moment).all()


def test_the_defaults_of_spans_are_ten_minutes() -> None:
    """As the reference says."""
    review = _review()
    assert review.notice == review.credential == Span(600.0, "s")


def test_calendars_are_the_desks_hours(district: District) -> None:
    """A desk's calendar is open when it has staff on duty."""
    calendar = build_review(_review(first={"staff": 2, "hours": ["10:00-11:00"]}), district).calendars["review.first"]
    assert isinstance(calendar, Calendar)
    assert not calendar.is_open(9.99 * 3600)
    assert calendar.is_open(10 * 3600)
    assert not calendar.is_open(11 * 3600)
    assert not calendar.is_open(5 * DAY_S + 10.5 * 3600)
