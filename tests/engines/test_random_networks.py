"""Laws on small random networks with everything in them, at whole times that collide."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import canbao
from canbao.columns import numbers_of
from canbao.engines import engine_named
from canbao.measures.laws import check_laws
from canbao.plan import Plan
from canbao.planning import make_plan
from canbao.trace import Trace, same_tables

HOUR = 3600.0
DAYS = 3
UNTIL = DAYS * 24 * HOUR

hours = st.integers(0, DAYS * 24 - 1).map(lambda hour: hour * HOUR)
few_hours = st.integers(0, 12).map(lambda hour: hour * HOUR)


def schedules(values: st.SearchStrategy[float]) -> st.SearchStrategy[canbao.Schedule]:
    """Schedules that change at whole hours."""

    def build(times: list[float], held: list[float]) -> canbao.Schedule:
        moments = sorted({0.0, *times})
        return canbao.Schedule(moments, (held * len(moments))[: len(moments)])

    return st.builds(build, st.lists(hours, max_size=6), st.lists(values, min_size=1, max_size=5))


doors = st.lists(st.sampled_from([1.0, 0.0]), min_size=2, max_size=2).flatmap(
    lambda held: schedules(st.sampled_from(held))
)
servers = st.one_of(
    st.integers(1, 3), st.just(math.inf), schedules(st.integers(0, 3).map(float)), schedules(st.integers(1, 2).map(float))
)


def durations(longest: int = 12) -> st.SearchStrategy[Any]:
    """Quantities of time: numbers, distributions over whole hours and over all times, columns."""
    whole = st.integers(0, longest).map(lambda hour: hour * HOUR)
    return st.one_of(
        whole,
        st.lists(whole, min_size=2, max_size=3).map(lambda v: canbao.Empirical(tuple(v), (1.0,) * len(v))),
        st.just(canbao.Exponential(2 * HOUR)),
        st.just("column_h"),
        st.just(canbao.Scaled(canbao.Uniform(0.0, HOUR), by="children")),
    )


@st.composite
def stations(draw: st.DrawFn, number: int) -> canbao.Station:
    """One station with any servers, doors, discipline and room."""
    return canbao.Station(
        f"s{number}",
        servers=draw(servers),
        doors=draw(st.one_of(st.none(), doors)),
        closing=draw(st.sampled_from(["serve", "send home", "keep"])),
        discipline=draw(st.sampled_from(["fifo", "lifo", "priority", "shortest", "random"])),
        room=draw(st.sampled_from([math.inf, math.inf, 1, 2, 3])),
        when_full=draw(st.sampled_from(["lose", "block"])),
    )


def _stroll(env: Any, family: int) -> Generator[Any, Any, str | None]:
    yield env.timeout(HOUR * (family % 3))
    return None


@st.composite
def steps(draw: st.DrawFn, names: Sequence[str], onwards: Sequence[str], back: str) -> canbao.Step:
    """One step; it leads on, to one of `onwards`, or, twice at most, to `back`."""
    exits = st.sampled_from([None, *onwards])
    kind = draw(
        st.sampled_from(["visit"] * 6 + ["delay", "await", "check", "before", "choose", "gather", "book", "mark", "custom"])
    )
    if kind == "visit":
        return canbao.Visit(
            draw(st.sampled_from(names)),
            service=draw(durations()),
            patience=draw(st.one_of(st.just(math.inf), durations())),
            baulk_at=draw(st.sampled_from([math.inf, math.inf, 0, 1, 3])),
            priority=draw(st.sampled_from([0, 1, "children", canbao.Empirical((-1.0, 0.0, 2.0), (1.0, 1.0, 1.0))])),
            served=draw(exits),
            abandoned=draw(exits),
            baulked=draw(exits),
            full=draw(exits),
            closed=draw(exits),
        )
    if kind == "delay":
        unit = draw(st.sampled_from(["time", "open time", "working days"]))
        amount = draw(st.sampled_from([0, 1, 0.5, 2])) if unit == "working days" else draw(durations())
        return canbao.Delay(amount, unit=unit, calendar="week", trip=draw(st.booleans()), then=draw(exits))
    if kind == "await":
        at = draw(st.sampled_from([0.0, 0.5, 1.0, canbao.Uniform(0.0, 1.0)]))
        return canbao.Await("week", at=at, day=draw(st.integers(0, 2)), then=draw(exits))
    if kind == "check":
        return canbao.Check(draw(st.sampled_from([0.0, 0.3, 0.8, 1.0])), failed=back, limit=draw(st.integers(0, 2)))
    if kind == "before":
        return canbao.Before(draw(st.one_of(hours, st.just("column_h"))), late=draw(exits))
    if kind == "choose":
        options = [
            canbao.Option(to, station=draw(st.sampled_from(names)), travel=draw(durations(2)))
            for to in draw(st.lists(st.sampled_from(onwards), min_size=1, max_size=3))
        ]
        rule = draw(st.sampled_from(["weight", "shortest", "fastest", lambda ways, state: len(state) % len(ways)]))
        return canbao.Choose(options, rule=rule, others=draw(st.booleans()))
    if kind == "gather":
        return canbao.Gather("list", then=draw(exits))
    if kind == "book":
        return canbao.Appointment("diary", lead=draw(few_hours), none_left=draw(exits))
    if kind == "mark":
        return canbao.Mark(draw(st.sampled_from(["submitted", "reviewed"])))
    return canbao.Custom(_stroll)


@st.composite
def journeys(draw: st.DrawFn, number: int, names: Sequence[str]) -> canbao.Journey:
    """One journey; it leads on within itself, to later journeys or out, so that nobody walks in a circle for ever."""
    count = draw(st.integers(1, 5))
    built: list[canbao.Step] = []
    for place in range(count):
        later = [f"p{n}" for n in range(place + 1, count)] + ["out"] + [f"j{n}" for n in range(number + 1, 3)]
        back = f"p{draw(st.integers(0, place))}"
        built.append(replace(draw(steps(names, later, back)), name=f"p{place}"))
    return canbao.Journey(f"j{number}", [*built, canbao.End("out", name="out")], channel=draw(st.booleans()))


@st.composite
def streams(draw: st.DrawFn, number: int) -> canbao.Stream:
    """Some families, at whole hours, at any time, or not at all."""
    at = draw(st.lists(st.one_of(hours, hours, st.floats(0, UNTIL)), max_size=14))
    arrivals = draw(st.sampled_from([canbao.At(at), canbao.At(at), canbao.Renewal(canbao.Constant(4 * HOUR))]))
    columns = {
        "children": canbao.Empirical((1.0, 2.0, 3.0), (1.0, 1.0, 1.0)),
        "column_h": canbao.Empirical((0.0, HOUR, 5 * HOUR), (1.0, 1.0, 1.0)),
    }
    return canbao.Stream(f"j{draw(st.integers(0, 2))}", arrivals, name=f"stream {number}", columns=columns)


@st.composite
def networks(draw: st.DrawFn) -> canbao.Network:
    """A network of up to three stations, three journeys and two streams."""
    placed = [draw(stations(number)) for number in range(draw(st.integers(1, 3)))]
    names = [station.name for station in placed]
    opening = draw(st.lists(st.integers(0, DAYS * 12 - 2), min_size=1, max_size=4, unique=True))
    week = canbao.Calendar.from_intervals([(2 * h * HOUR, (2 * h + 1) * HOUR) for h in opening], DAYS)
    batch = canbao.Batch(
        "list",
        size=draw(st.sampled_from([None, 1, 2, 3])),
        releases=draw(st.lists(hours, max_size=3)),
        max_wait=draw(st.sampled_from([math.inf, 0.0, 5 * HOUR])),
    )
    times = sorted(draw(st.lists(hours, max_size=4)))
    return canbao.Network(
        stations=placed,
        journeys=[draw(journeys(number, names)) for number in range(3)],
        streams=[draw(streams(number)) for number in range(draw(st.integers(1, 2)))],
        calendars={"week": week},
        batches=[batch],
        books=[canbao.AppointmentBook("diary", times, places=draw(st.integers(1, 2)))],
    )


def run(network: canbao.Network, seed: int) -> tuple[Plan, Trace]:
    """Run a network once."""
    plan = make_plan(network, until=UNTIL, seed=seed)
    return plan, engine_named("simpy").run(plan)


@settings(max_examples=400, phases=[Phase.generate])
@given(networks(), st.integers(0, 5))
def test_all_laws_hold_on_every_network(network: canbao.Network, seed: int) -> None:
    """Whatever a network is made of, no run of it breaks a law."""
    plan, trace = run(network, seed)
    broken = [law for law in check_laws(trace, plan) if not law.holds]
    assert not broken
