"""The least staffing of a season whose load changes over time."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canbao.assembly import scenario_plan
from canbao.errors import InputError
from canbao.experiments import ScenarioModel, open_experiment
from canbao.experiments.executors import make_executor
from canbao.experiments.staffing import Order, StaffingPlan, Wanted, first_variant, plan_staffing
from canbao.experiments.staffing.answer import answer_of
from canbao.experiments.staffing.cells import hours_in
from canbao.experiments.staffing.levers import Levels, moved
from canbao.experiments.staffing.pilot import cost_of_stations, look_around
from canbao.experiments.staffing.places import Duty, Stretch, chosen_places, places_of, staffed_as
from canbao.experiments.staffing.rota import plan_scenario, write_plan
from canbao.plugins import load_plugins
from canbao.scenario.scenario import ScenarioFile, load_scenario
from canbao.scenario.source import to_toml
from canbao.testing import SMALL

FRESH = range(5_000, 5_015)
"""Seasons that no search and no proof has seen."""

RUSH: dict[str, Any] = {
    **SMALL,
    "horizon": {"start": dt.date(2025, 12, 15), "end": dt.date(2026, 1, 9)},
    "population": {"kind": "city", "residents": 2_000},
    "policy": {"kind": "collection", "start": dt.date(2025, 12, 15), "deadline": dt.date(2025, 12, 31)},
    "review": {name: {"staff": 4} for name in ("acceptance", "first", "second")},
    "objectives": {
        "hall-wait": {"kind": "wait", "channel": "office", "share": 0.9, "at_most": "20 min"},
        "review": {"kind": "review", "within": 4, "at_least": 0.8},
    },
}
"""Some 700 families in two weeks, six and ten times as many a day before the deadline as in the quiet middle."""


def saved(folder: Path, data: dict[str, Any]) -> ScenarioFile:
    """Write a scenario and read it."""
    path = folder / "rush.toml"
    path.write_text(to_toml(data), encoding="utf-8")
    return load_scenario(path, load_plugins())


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[StaffingPlan, Any]:
    """Give the plan for the windows of the rush, and how seasons of it are tried."""
    folder = tmp_path_factory.mktemp("rush")
    model = ScenarioModel.of(saved(folder, RUSH))
    order = Order(levers=("windows",), periods=2, wanted=Wanted(0.8, 0.95, 60), seed=1, curve=4)
    experiment = open_experiment(folder, "rush", "plan", [first_variant(model)], make_executor("serial"))
    with experiment:
        return plan_staffing(model, experiment.replicate, order), (folder, experiment.folder)


def held(plan: StaffingPlan, levels: Levels) -> float:
    """Give the share of fresh seasons in which a plan holds."""
    return plan.found.search.trials.tried(levels, FRESH).share


def test_the_plan_holds_in_fresh_seasons_and_one_server_less_does_not(planned: tuple[StaffingPlan, Any]) -> None:
    """Tried with seeds that nobody has seen, the plan keeps its promise, and plans with one window less break it."""
    plan, _ = planned
    assert plan.found.holds
    assert held(plan, plan.found.levels) >= 0.8
    can = [number for number, lever in enumerate(plan.setting.levers) if plan.found.levels[number] > lever.least]
    assert can
    assert [each.lever for each in plan.found.neighbours] == can
    for number in can:
        assert held(plan, moved(plan.found.levels, (number, -1))) < 0.8


def test_the_plan_follows_the_load(planned: tuple[StaffingPlan, Any]) -> None:
    """More windows are open in the rush than before it."""
    plan, _ = planned
    by_start: dict[int, int] = {}
    for cell, level in zip(plan.setting.cells, plan.found.levels, strict=True):
        by_start[cell.first_day] = max(level, by_start.get(cell.first_day, 0))
    quiet, rush = (by_start[day] for day in sorted(by_start)[:2])
    assert rush > quiet


def test_the_file_of_a_plan_is_the_plan(planned: tuple[StaffingPlan, Any]) -> None:
    """The scenario that is written gives, season by season, what the search saw, and costs what the plan says."""
    plan, (folder, _) = planned
    text = plan_scenario(plan.setting.file, plan.duties, extends="rush.toml", title="Plan", question="Does it hold?")
    write_plan(folder / "plan.toml", text)
    written = load_scenario(folder / "plan.toml", load_plugins())
    (look,) = plan.found.search.trials.look(plan.found.levels, [FRESH.start])
    measures = ScenarioModel.of(written).replicate(FRESH.start)
    assert [promise.slack(measures[promise.measure]) for promise in plan.setting.promises] == look.slack.tolist()
    cost = cost_of_stations(written, scenario_plan(written, 1))
    assert cost == pytest.approx(answer_of(plan)["cost"]["yuan"], rel=1e-9)


def test_the_answer_has_all_that_a_report_needs(planned: tuple[StaffingPlan, Any]) -> None:
    """Proof, rota, trade-off and steps stand in the answer; the curve runs from cheap to dear and holds the plan."""
    answer = answer_of(planned[0])
    assert answer["holds"]
    assert answer["proof"]["at_least"] >= 0.8
    costs = [point["yuan"] for point in answer["curve"]]
    assert costs == sorted(costs)
    assert answer["cost"]["yuan"] in costs
    assert answer["steps"][0]["stage"] == "start"
    (hall,) = answer["rota"]
    hours = [block["hours"] for period in hall["periods"] for block in period["blocks"]]
    assert set(hours) == {"08:30-12:00", "14:00-17:30"}
    for point in answer["curve"]:
        assert set(point["objectives"]) == {"hall-wait", "review"}
        assert point["objectives"]["review"]["n"] == point["n"]


def test_a_search_that_is_asked_again_takes_everything_from_its_folder(planned: tuple[StaffingPlan, Any]) -> None:
    """Resumed, a search comes to the same plan without simulating a season."""
    plan, (folder, kept) = planned
    model = ScenarioModel.of(load_scenario(folder / "rush.toml", load_plugins()))

    class Idle:
        workers = 1

        def run(self, tasks: Any) -> Any:
            raise AssertionError(f"{len(list(tasks))} seasons are simulated again")

        def close(self) -> None:
            pass

    with open_experiment(folder, "rush", "plan", [first_variant(model)], Idle(), resume=kept) as experiment:
        again = plan_staffing(model, experiment.replicate, plan.order)
    assert again.found.levels == plan.found.levels
    assert answer_of(again) == answer_of(plan)


def test_a_place_is_told_by_its_path_its_kind_or_a_pattern(tmp_path: Path) -> None:
    """What may change is named by kind, path or pattern, and a wrong name is told with the places that there are."""
    places = places_of(saved(tmp_path, RUSH).scenario)
    desks = ["review.acceptance", "review.first", "review.second"]
    assert [place.name for place in places] == ["channels.office.sites.hall", "channels.portal", *desks]
    assert [place.name for place in chosen_places(places, ["review"])] == desks
    assert [place.name for place in chosen_places(places, ["slots"])] == ["channels.portal"]
    assert [place.name for place in chosen_places(places, ["channels.office.*"])] == ["channels.office.sites.hall"]
    with pytest.raises(InputError, match=r"did you mean 'review\.first'"):
        chosen_places(places, ["review.frist"])


def test_a_duty_is_what_the_engine_sees(tmp_path: Path) -> None:
    """Stretches of dates and hours become the servers of the station at those times, and at no others."""
    file = saved(tmp_path, RUSH)
    hall = places_of(file.scenario)[0]
    day = dt.date(2025, 12, 30)
    duty = Duty(2, (Stretch(5, day, day, (50_400.0, 63_000.0)),))
    stations = {each.name: each for each in scenario_plan(staffed_as(file, {hall: duty}), 1).stations}
    at = {change.time: change.servers for change in stations["office.hall"].changes}
    start = 15 * 86_400.0
    assert (at[start + 30_600.0], at[start + 50_400.0]) == (2.0, 5.0)
    assert set(at.values()) == {0.0, 2.0, 5.0}


def test_hours_of_all_cells_are_the_opening_hours(tmp_path: Path) -> None:
    """Morning and afternoon of a place together are all its hours."""
    file = saved(tmp_path, RUSH)
    (site,) = look_around(file, places_of(file.scenario)[:1], [1], "auto")
    days = site.offered.days - 1
    parts = [hours_in(site, 0, days, hours) for hours in ((0.0, 46_800.0), (46_800.0, 86_400.0))]
    assert sum(parts) == pytest.approx(float(np.sum(site.offered.open_hours)))
    assert sum(parts) == 7.0 * int(file.working.sum())
