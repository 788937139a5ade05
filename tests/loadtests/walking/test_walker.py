"""The third interpreter of plans: whatever does not ask a deployment means what the engines say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import canbao
from canbao.calendar import Calendar
from canbao.engines.simpy_engine import SimpyEngine
from canbao.errors import EngineError, UnsupportedError
from canbao.plan import Plan
from canbao.planning import make_plan
from canbao.trace import Trace, same_tables
from canbao_loadtests.flow import FLOW
from canbao_loadtests.targets.target import Answer
from canbao_loadtests.walking.drawing import Drawn, draw_of
from canbao_loadtests.walking.route import make_route
from canbao_loadtests.walking.tracing import trace_of


def _everything() -> Plan:
    """Give a plan with every kind of step, at stations where nobody queues."""
    hours = Calendar.from_intervals([(d * 86_400 + 30_000, d * 86_400 + 60_000) for d in range(9)], 10)
    way = canbao.Journey(
        "way",
        [
            canbao.Choose([canbao.Option("walks", 2.0), canbao.Option("way/rides", "weight")], name="how"),
            canbao.Delay(canbao.Exponential(900), name="walks", trip=True, then="arrives"),
            canbao.Delay(600, name="rides", effort=True),
            canbao.Await("hours", at=canbao.Uniform(0, 0.5), name="arrives"),
            canbao.Mark("came", first=True),
            canbao.Visit("door", canbao.Lognormal(300, 0.5), name="desk", closed="arrives"),
            canbao.Check(0.6, name="passes", failed="again", limit=2, exceeded="other/there"),
            canbao.Marked("came", name="came?", yes="books", no="again"),
            canbao.Delay(canbao.Exponential(20_000), name="again", unit="open time", calendar="hours", then="arrives"),
            canbao.Appointment("book", lead=canbao.Exponential(3_600), name="books", none_left="other/there"),
            canbao.Gather("bus", name="bus"),
            canbao.Mark("came", clear=True),
            canbao.Delay(canbao.Uniform(0.2, 2.0), unit="working days", calendar="hours"),
            canbao.Before(500_000, name="in time", late="late"),
            canbao.Go("again/entry", name="goes"),
            canbao.End("too late", name="late"),
        ],
    )
    other = canbao.Journey("other", [canbao.Delay(60, name="there"), canbao.Return("in time")], channel=False)
    again = canbao.Journey("again", [canbao.Await("hours", day=1, name="entry"), canbao.End("done")], channel=False)
    columns = {"weight": canbao.Uniform(0, 4)}
    network = canbao.Network(
        stations=[canbao.Station("door", servers=math.inf, doors=hours.to_schedule(), closing="keep")],
        journeys=[way, other, again],
        streams=[canbao.Stream("way", canbao.Poisson(200 / 400_000), columns=columns)],
        calendars={"hours": hours},
        batches=[canbao.Batch("bus", size=7, releases=(400_000.0, 700_000.0), max_wait=50_000.0)],
        books=[canbao.AppointmentBook("book", [100_000.0 + 1_000 * n for n in range(300)], 1)],
    )
    return make_plan(network, until=10 * 86_400.0, seed=3)


def _walked(worlds: Any, plan: Plan, speed: float = 1.0, channels: tuple[str, ...] = ("way",)) -> Trace:
    world_of, time_of, target_of, deeds_of, _ = worlds
    time = time_of()
    world = world_of(plan, time, target_of(deeds_of(time).answer), channels, speed)
    walker = world.walker()
    world.arrive(walker)
    time.run()
    return trace_of(plan, [walker.finish()])


@pytest.mark.parametrize("speed", [1.0, 64.0])
def test_every_kind_of_step_means_what_the_specification_says(worlds: Any, speed: float) -> None:
    """Two hundred families through every kind of step: visits, marks, trips and outcomes are those of SimPy."""
    plan = _everything()
    simulated = SimpyEngine().run(plan)
    walked = _walked(worlds, plan, speed)
    assert len(walked.visits["family"]) > 300
    outcomes = replace(walked, families={**walked.families, "outcome": simulated.families["outcome"]})
    assert same_tables(outcomes.families, simulated.families) == ""
    assert same_tables(walked.visits, simulated.visits) == ""
    words = [trace.families["outcome"].words() for trace in (walked, simulated)]  # type: ignore[union-attr]
    assert words[0] == words[1]
    assert len(Counter(words[0])) >= 3


def test_some_families_walk_as_they_do_among_all(worlds: Any, world: Any) -> None:
    """The luck of a family does not depend on who else comes, at any attempt."""
    luck = world.plan.luck
    step = next(step for step in world.plan.steps if getattr(step, "patience", None) and step.patience.distribution)
    some = np.array([3, 700, 12, 64, 65, 900])
    drawn = Drawn(luck, some, [step.patience])
    for attempt in (0, 1, 5):
        whole = step.patience.values(luck, world.plan.families, attempt=attempt)
        assert draw_of(step.patience, luck, some, attempt).tolist() == whole[some].tolist()
        assert [drawn.value(step.patience, int(family), attempt) for family in some] == whole[some].tolist()


def test_a_visit_to_the_deployment_begins_in_the_scenario_and_lasts_real_seconds(world: Any) -> None:
    """At 600 times the speed a page of 2 s is a visit of 2 s; the next step begins 1,200 s of the scenario later."""
    world.speed = 600.0

    def answer(walk: Any, call: str, inputs: Any) -> Answer:
        if call in ("register", "log_in"):
            world.time.now += 2.0
        return Answer("done", {"status": "in review"})

    world.target.answer = answer
    columns = world.plan.columns
    new = np.asarray(columns["_prefers portal"]).astype(bool) & ~np.asarray(columns["_portal account"]).astype(bool)
    (family,) = np.flatnonzero(new & np.asarray(columns["_portal finishes"]).astype(bool))[:1].tolist()
    walker = world.walker([family])
    world.time.now = float(world.plan.arrival[family]) / 600.0
    walker.go_on(walker.begin(family))
    world.time.run(world.time.now + 5.0)
    visits = trace_of(world.plan, [walker.finish()]).visits
    enter, leave = np.asarray(visits["enter"]), np.asarray(visits["leave"])
    assert enter[0] == pytest.approx(world.plan.arrival[family])
    assert leave[0] - enter[0] == pytest.approx(2.0)
    thinks = next(step for step in world.plan.steps if world.plan.step_names[step.index] == "portal/register: thinking")
    drawn = thinks.duration.values(world.plan.luck, family + 1)[family]
    assert enter[1] == pytest.approx(enter[0] + 2.0 * 600.0 + drawn)


def test_who_goes_to_a_channel_that_is_not_walked_has_left(world: Any) -> None:
    """Families go elsewhere at once or later, each told to the driver once; none is inside or lost."""
    over: Counter[int] = Counter()
    world.around["session_over"] = lambda walk: over.update([walk.family])
    came = np.flatnonzero(world.plan.arrival < world.plan.until)
    walker = world.walker(came)
    world.arrive(walker, came)
    world.time.run()
    trace = trace_of(world.plan, [walker.finish()])
    left = np.array(trace.families["outcome"].words()) == "went elsewhere"
    last = np.array(trace.families["last_channel"].words())
    assert left.any()
    assert set(last[left]) <= {"office", "hotline"}
    assert not set(last[~left]) & {"office", "hotline"}
    assert set(over) == set(came.tolist())
    assert set(over.values()) == {1}


def test_whoever_is_turned_away_is_counted(world: Any) -> None:
    """A family that finds no place in the load test has its row, with an outcome of its own."""
    walker = world.walker([5, 6])
    walker.turn_away(5)
    part = walker.finish()
    assert trace_of(world.plan, [part]).families["outcome"].words() == ["dropped"]
    assert part.family.tolist() == [5]


def _calls(env: Any, family: int) -> Generator[Any, Any, str | None]:
    yield env.timeout(1.0)
    return None


def test_a_custom_step_is_refused_by_its_name(worlds: Any) -> None:
    """A process of SimPy has no meaning here; that is said before anything begins."""
    way = canbao.Journey("way", [canbao.Custom(_calls, name="call")])
    network = canbao.Network(journeys=[way], streams=[canbao.Stream("way", canbao.At([1.0]))])
    plan = make_plan(network, until=10.0, seed=1)
    with pytest.raises(UnsupportedError, match="'way/call' is a SimPy process"):
        make_route(plan, set(FLOW), ["way"], [0])
    assert make_route(plan, set(FLOW), [], [0]).draws == ()


def test_a_target_without_the_review_is_refused(world: Any) -> None:
    """A plan that hands in needs a target that takes applications and says how they stand."""
    with pytest.raises(UnsupportedError, match="needs a target that knows progress"):
        make_route(world.plan, set(FLOW) - {"progress"}, ["portal"], world.plan.first_step.tolist())


def test_a_plan_that_hands_in_needs_steps_behind_the_review(worlds: Any) -> None:
    """A network of one's own that hands in must say how families go on."""
    way = canbao.Journey("way", [canbao.Visit("desk", 1.0, calls=("submit",))])
    network = canbao.Network([canbao.Station("desk")], [way], [canbao.Stream("way", canbao.At([1.0]))])
    with pytest.raises(UnsupportedError, match="there are no steps review/issued"):
        make_route(make_plan(network, until=10.0, seed=1), set(FLOW), ["way"], [0])


def test_what_a_target_does_not_cover_is_left_to_luck(world: Any) -> None:
    """A target without payment: debits fail as the plan draws it, and nothing is asked."""
    world.target.steps = world.target.steps - {"choose_payment", "pay"}
    route = make_route(world.plan, world.target.steps, world.channels, world.plan.first_step.tolist())
    assert not any({"pay", "choose_payment"} & set(calls) for calls in route.calls)
    assert any("submit" in calls for calls in route.calls)
    came = np.flatnonzero(world.plan.arrival < world.plan.until)[:300]
    walker = world.walker(came)
    world.arrive(walker, came)
    world.time.run()
    part = walker.finish()
    assert not any(key.startswith("pay") for key in part.calls)
    assert (part.applications == "issued").any()


def test_a_circle_without_time_is_an_error(worlds: Any) -> None:
    """A family that would go round for ever is told of by its step, as in the engines."""
    way = canbao.Journey("way", [canbao.Go("there", name="here"), canbao.Go("here", name="there")])
    network = canbao.Network(journeys=[way], streams=[canbao.Stream("way", canbao.At([1.0]))])
    with pytest.raises(EngineError, match="family 0 goes round in a circle"):
        _walked(worlds, make_plan(network, until=10.0, seed=1))
