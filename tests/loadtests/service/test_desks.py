"""The desks, without clock, database or network: they work as the simulator's do, however seldom somebody looks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import canbao
from canbao.arrivals import At
from canbao_loadtests.service.desks import Desks, Task
from canbao_loadtests.service.models import Desk

DAY_S = 86_400.0
SERVICES = {"acceptance": 300.0, "first": 420.0, "second": 200.0}


def fixed(rules: Any, **changes: Any) -> Any:
    """Give the rules with services that always take the same."""
    stages = {
        name: stage.model_copy(update={"service": Fixed(SERVICES[name])})
        for name, stage in rules.review.stages().items()
    }
    return replace(rules, review=rules.review.model_copy(update={**stages, **changes}))


class Fixed:
    """Settings of a service that always takes the same."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def build(self) -> Any:
        return canbao.Constant(self.seconds)


def handed_in(desks: Desks, moments: Any) -> None:
    """Put applications at the first desk."""
    for number, moment in enumerate(moments):
        desks.add(Desk.ACCEPTANCE, Task(1, float(moment), number, 1))


def test_they_decide_at_the_moments_at_which_the_simulator_does(rules: Any) -> None:
    """Three desks in a row with their hours and staff: start and end of all visits agree with the simulation."""
    rules = fixed(rules)
    moments = np.sort(np.random.default_rng(3).uniform(0.0, 5 * DAY_S, 600))
    desks = Desks(rules, 0.0)
    handed_in(desks, moments)
    done = desks.advance(rules.horizon.end_s)
    assert len(done) == 3 * len(moments)
    stations = [canbao.Station(desk, servers=rules.openings[desk].servers) for desk in Desk]
    steps = [canbao.Visit(desk, service=canbao.Constant(SERVICES[desk])) for desk in Desk]
    network = canbao.Network(stations, [canbao.Journey("review", steps)], [canbao.Stream("review", At(moments))])
    visits = canbao.simulate(network, until=rules.horizon.end_s, seed=1, engine="simpy").visits
    labels = np.array(visits["station"].labels)[visits["station"].codes]
    simulated = sorted(zip(visits["family"], labels, visits["start"], visits["leave"], strict=True))
    ours = sorted((each.task.application, each.desk.value, each.started, each.decided) for each in done)
    assert [row[:2] for row in ours] == [(int(row[0]), str(row[1])) for row in simulated]
    np.testing.assert_allclose([row[2:] for row in ours], [row[2:] for row in simulated], rtol=0, atol=1e-6)


@settings(max_examples=25)
@given(looks=st.lists(st.floats(0.0, 10 * DAY_S), max_size=30).map(sorted))
def test_it_makes_no_difference_when_somebody_looks(rules: Any, looks: list[float]) -> None:
    """What is decided when depends on the applications alone: one look at the end gives the same as many before."""
    moments = np.linspace(0.0, 3 * DAY_S, 40)
    once, often = Desks(rules, 0.0), Desks(rules, 0.0)
    for desks in (once, often):
        handed_in(desks, moments)
    seen = [done for look in [*looks, rules.horizon.end_s] for done in often.advance(look)]
    assert seen == once.advance(rules.horizon.end_s)


@pytest.mark.parametrize("clerks", [1, 3])
def test_a_desk_gets_through_clerks_times_speed(rules: Any, clerks: int) -> None:
    """With work enough, a month's decisions are clerks x open time / mean service, within 5 %."""
    opening = rules.openings[Desk.FIRST]
    staffed = replace(opening, servers=canbao.Schedule(opening.servers.times, np.sign(opening.servers.values) * clerks))
    desks = Desks(replace(rules, openings={**rules.openings, Desk.FIRST: staffed}), 0.0)
    for number in range(10_000):
        desks.add(Desk.FIRST, Task(1, 0.0, number, 1))
    done = [each for each in desks.advance(30 * DAY_S) if each.desk == Desk.FIRST]
    open_s = opening.calendar.open_s(0.0, 30 * DAY_S)
    assert len(done) == pytest.approx(clerks * open_s / rules.review.first.service.mean, rel=0.05)


def test_newborns_go_first_and_nobody_is_forgotten(rules: Any) -> None:
    """Of those who wait at one moment the smaller priority is taken first; in the end all are decided once."""
    desks = Desks(fixed(rules), 0.0)
    for number in range(50):
        desks.add(Desk.ACCEPTANCE, Task(number % 2, 0.0, number, 1))
    accepted = [done for done in desks.advance(20 * DAY_S) if done.desk == Desk.ACCEPTANCE]
    assert [done.task.priority for done in accepted] == [0] * 25 + [1] * 25
    assert sorted(done.task.application for done in accepted) == list(range(50))


def test_what_is_heard_of_late_begins_now(rules: Any) -> None:
    """An application that comes with a moment long past changes nothing of what was told already."""
    desks = Desks(fixed(rules), 0.0)
    noon = 11 * 3600.0
    handed_in(desks, [9 * 3600.0])
    desks.advance(noon)
    desks.add(Desk.ACCEPTANCE, Task(1, 9 * 3600.0, 99, 1))
    (late,) = [done for done in desks.advance(DAY_S) if done.desk == Desk.ACCEPTANCE]
    assert late.started >= 9 * 3600.0 + sum(SERVICES.values())


@pytest.mark.parametrize(
    ("share", "desk", "fault"),
    [
        ("incomplete", "acceptance", "incomplete papers"),
        ("mismatch", "first", "data mismatch"),
        ("refused", "second", "refused"),
    ],
)
def test_clerks_find_what_the_scenario_says(rules: Any, share: str, desk: str, fault: str) -> None:
    """At a share of 1 each desk returns everything, with its reasons; at 0 nothing; at a third a third."""
    for chance in (0.0, 1 / 3, 1.0):
        desks = Desks(fixed(rules, **{share: chance}), 0.0)
        for number in range(300):
            desks.add(Desk(desk), Task(1, 0.0, number, 1))
        rulings = [done.ruling for done in desks.advance(60 * DAY_S) if done.desk == desk]
        returned = [ruling for ruling in rulings if ruling.verdict == "return"]
        assert len(returned) == pytest.approx(300 * chance, abs=25 if 0 < chance < 1 else 0)
        assert {reason["fault"] for ruling in returned for reason in ruling.reasons} <= {fault}
        assert all(ruling.reasons for ruling in returned)
