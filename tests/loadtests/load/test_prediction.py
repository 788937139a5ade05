"""What the simulation says of a load test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.loadtests.load.conftest import DAY_S

from canbao.columns import Coded, numbers_of
from canbao.engines.comparing import check_equal
from canbao.engines.compiled_engine import CompiledEngine
from canbao.engines.simpy_engine import SimpyEngine
from canbao.engines.stories import plainly
from canbao.plan import Plan, VisitStep
from canbao.scenario.scenario import ScenarioFile
from canbao.trace import Trace
from canbao_loadtests.flow import FLOW
from canbao_loadtests.load.choosing import Chosen, choose
from canbao_loadtests.load.prediction import in_real_seconds, predicted_plan, target_stations

KNOWN = frozenset(FLOW)


@pytest.fixture(scope="module")
def chosen(file: ScenarioFile, plan: Plan) -> Chosen:
    """Give the families of the busiest three days."""
    return choose(file, plan)


@pytest.fixture(scope="module")
def predicted(plan: Plan, chosen: Chosen) -> tuple[Plan, Trace]:
    """Give the plan of a prediction and what happens in it."""
    theirs = predicted_plan(plan, chosen, KNOWN, chosen.end_s + 4 * DAY_S)
    return theirs, SimpyEngine().run(theirs)


def test_only_the_families_of_the_load_test_come(predicted: tuple[Plan, Trace], chosen: Chosen) -> None:
    """They come at their moments, and nobody else does."""
    families = predicted[1].families
    assert sorted(numbers_of(families["family"]).tolist()) == sorted(chosen.families.tolist())
    assert sorted(numbers_of(families["arrival"]).tolist()) == chosen.moments.tolist()


def test_both_engines_agree_on_it(predicted: tuple[Plan, Trace], plan: Plan) -> None:
    """A prediction is a plan like any other: two engines give the same trace, bit for bit."""
    theirs, trace = predicted
    check_equal({"simpy": trace, "compiled": CompiledEngine().run(theirs)}, plainly, plan.marks)


def test_requests_and_patience_are_as_many_times_longer_as_the_clock_is_faster(
    predicted: tuple[Plan, Trace], plan: Plan, chosen: Chosen
) -> None:
    """Each family's draws at the portal are its own draws times the speed, at the first attempt and at later ones."""
    mine = target_stations(plan, KNOWN)
    pairs = [
        (before, after)
        for before, after in zip(plan.steps, predicted[0].steps, strict=True)
        if isinstance(before, VisitStep) and before.station in mine
    ]
    assert pairs
    for before, after in pairs:
        assert isinstance(after, VisitStep)
        for name in ("service", "patience"):
            for attempt in (0, 3):
                wanted, given = (
                    getattr(step, name).values(plan.luck, plan.families, attempt=attempt) for step in (before, after)
                )
                np.testing.assert_allclose(given, wanted * chosen.speed, rtol=1e-12)


def test_the_review_works_as_in_the_scenario(predicted: tuple[Plan, Trace], plan: Plan) -> None:
    """Its stations have the same clerks in the same hours, and its steps the same draws."""
    for before, after in zip(plan.stations, predicted[0].stations, strict=True):
        if before.group == "review":
            assert after == before
    for before_step, after_step in zip(plan.steps, predicted[0].steps, strict=True):
        if plan.journeys[plan.journey_of[before_step.index]] == "review":
            assert after_step is before_step


def test_nobody_queues_where_there_is_no_deployment(predicted: tuple[Plan, Trace], plan: Plan) -> None:
    """At stations that no step of the flow maps to, every service begins at once."""
    trace = predicted[1]
    station, enter, start = (trace.visits[name] for name in ("station", "enter", "start"))
    assert isinstance(station, Coded)
    others = ["portal", *(one.name for one in plan.stations if one.group == "review")]
    elsewhere = ~station.has(*(set(others) & set(station.labels)))
    served = elsewhere & ~np.isnan(numbers_of(start))
    assert served.any()
    assert np.array_equal(numbers_of(start)[served], numbers_of(enter)[served])


def test_whoever_goes_to_a_hall_has_left(plan: Plan, chosen: Chosen) -> None:
    """No visit is at a station of a channel that is not tested, and those families went elsewhere."""
    # Pages so slow that many give up and try the hall.
    slow = replace(chosen, speed=chosen.speed * 10_000)
    trace = SimpyEngine().run(predicted_plan(plan, slow, KNOWN, chosen.end_s + 20 * DAY_S))
    outcome, station = trace.families["outcome"], trace.visits["station"]
    assert isinstance(outcome, Coded)
    assert isinstance(station, Coded)
    assert outcome.has("went elsewhere").any()
    assert not any(word.startswith("office") for word in set(station.words()))


def test_nothing_happens_after_the_end_of_the_load_test(predicted: tuple[Plan, Trace], chosen: Chosen) -> None:
    """Its horizon is the moment until which the load test looks."""
    theirs, trace = predicted
    assert theirs.until == trace.until == chosen.end_s + 4 * DAY_S
    assert np.nanmax(numbers_of(trace.visits["leave"])) < trace.until


@given(st.floats(1.0, 10_000.0))
def test_visits_to_the_deployment_are_written_down_in_real_seconds(predicted: tuple[Plan, Trace], speed: float) -> None:
    """They begin when they do and are `speed` times shorter; all others stay as they are."""
    trace = predicted[1]
    real = in_real_seconds(trace, ["portal", "no such station"], speed)
    station, enter = trace.visits["station"], numbers_of(trace.visits["enter"])
    assert isinstance(station, Coded)
    mine = station.has("portal")
    assert np.array_equal(numbers_of(real.visits["enter"]), enter)
    for name in ("start", "leave"):
        before, after = numbers_of(trace.visits[name]), numbers_of(real.visits[name])
        assert np.array_equal(after[~mine], before[~mine], equal_nan=True)
        # Seconds since the first midnight carry 1e-10 s; their differences no less.
        np.testing.assert_allclose((after - enter)[mine] * speed, (before - enter)[mine], atol=1e-8 * speed)


def test_a_station_that_the_target_does_not_cover_is_none_of_the_deployment(plan: Plan) -> None:
    """Which stations belong to it depends on the steps that the target knows."""
    names = {plan.stations[index].name for index in target_stations(plan, KNOWN)}
    assert names == {"portal"}
    assert not target_stations(plan, {"submit"})
