"""Laws on small random networks with everything in them, at whole times that collide."""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import canbao
from canbao.engines import engine_named
from canbao.errors import EngineError
from canbao.measures.laws import check_laws
from canbao.network import Step
from canbao.plan import Plan
from canbao.planning import make_plan
from canbao.trace import Trace, same_tables

HOUR = 3600.0
DAYS = 3
UNTIL = DAYS * 24 * HOUR

EVERY_4_HOURS = canbao.Renewal(canbao.Constant(4 * HOUR))

# Hypothesis looks into each new strategy before it draws from it, and that takes longer than to draw. So strategies are
# made once, and those with arguments once for each argument.


@lru_cache(maxsize=None, typed=True)  # 1 and 1.0 are two values
def among(*values: Any) -> st.SearchStrategy[Any]:
    """One of these values."""
    return st.sampled_from(values)


hours = st.integers(0, DAYS * 24 - 1).map(lambda hour: hour * HOUR)
few_hours = st.integers(0, 12).map(lambda hour: hour * HOUR)
some_hours = st.lists(hours, max_size=3)


@cache
def schedules(values: st.SearchStrategy[float]) -> st.SearchStrategy[canbao.Schedule]:
    """Schedules that change at whole hours."""

    def build(times: list[float], held: list[float]) -> canbao.Schedule:
        moments = sorted({0.0, *times})
        return canbao.Schedule(moments, (held * len(moments))[: len(moments)])

    return st.builds(build, st.lists(hours, max_size=6), st.lists(values, min_size=1, max_size=5))


CLOSINGS = st.sets(st.integers(1, 60), min_size=1, max_size=3)
LENGTHS = st.lists(st.integers(1, 8), min_size=3, max_size=3)


@st.composite
def some_doors(draw: st.DrawFn) -> canbao.Schedule:
    """Doors that are open at first, and later now and then."""
    closings = sorted(draw(CLOSINGS))
    lengths = draw(LENGTHS)
    times, held = [0.0], [1.0]
    for closing, length in zip(closings, lengths, strict=False):
        if closing * HOUR > times[-1]:
            times += [closing * HOUR, (closing + length) * HOUR]
            held += [0.0, 1.0]
    return canbao.Schedule(times, held)


doors = some_doors()
doors_or_none = st.one_of(st.none(), st.none(), doors)
servers = st.one_of(
    st.integers(1, 2),
    st.integers(1, 2),
    st.just(math.inf),
    schedules(st.integers(0, 3).map(float)),
    schedules(st.integers(1, 2).map(float)),
)


@cache
def durations(longest: int = 12) -> st.SearchStrategy[Any]:
    """Quantities of time: numbers, distributions over whole hours and over all times, columns."""
    whole = st.integers(0, longest).map(lambda hour: hour * HOUR)
    return st.one_of(
        whole,
        whole,
        st.lists(whole, min_size=2, max_size=3).map(lambda v: canbao.Empirical(tuple(v), (1.0,) * len(v))),
        among(canbao.Exponential(2 * HOUR), canbao.Lognormal(HOUR, 0.8), canbao.Weibull(HOUR, 0.7)),
        among(canbao.Triangular(0.0, HOUR, 4 * HOUR), canbao.Histogram((0.0, HOUR, 3 * HOUR), (1.0, 2.0))),
        st.just(canbao.Gamma(HOUR, 2.0)),
        st.just("column_h"),
        st.just(canbao.Scaled(canbao.Uniform(0.0, HOUR), by="children")),
    )


def _urgent_and_short(priority: float, service: float) -> float:
    return priority + service / HOUR


DISCIPLINES = ("fifo", "lifo", "priority", "shortest", "random")


def _first_way(ways: Sequence[Any], state: Any) -> int:
    return len(state) % len(ways)


@cache
@st.composite
def stations(draw: st.DrawFn, number: int, python: bool) -> canbao.Station:
    """One station with any servers, doors, discipline and room."""
    return canbao.Station(
        f"s{number}",
        servers=draw(servers),
        doors=draw(doors_or_none),
        closing=draw(among("serve", "send home", "keep")),
        discipline=draw(among(*DISCIPLINES, _urgent_and_short) if python else among(*DISCIPLINES)),
        room=draw(among(math.inf, 1, 2, 4)),
        when_full=draw(among("lose", "block")),
    )


def _stroll(env: Any, family: int) -> Generator[Any, Any, str | None]:
    yield env.timeout(HOUR * (family % 3))
    return None


KINDS = (
    *["visit"] * 12,
    *["check"] * 5,
    *("delay", "delay", "await", "before", "choose", "choose", "gather", "book", "mark", "marked"),
)
PATIENCE = st.one_of(st.just(math.inf), st.just(math.inf), durations())
PRIORITIES = among(0, 1, "children", canbao.Empirical((-1.0, 0.0, 2.0), (1.0, 1.0, 1.0)))
EVENTS = among("submitted", "reviewed", "paid")
DEADLINES = st.one_of(hours, st.just("column_h"))


@cache
def ways_to(onwards: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    """One way out or more of them."""
    return st.lists(among(*onwards), min_size=1, max_size=3)


@cache
@st.composite
def steps(  # noqa: PLR0911 - one for each kind of step
    draw: st.DrawFn, names: tuple[str, ...], onwards: tuple[str, ...], back: str, python: bool
) -> Step:
    """One step; it leads on, to one of `onwards`, or, twice at most, to `back`."""
    exits = among(*[None] * 2 * len(onwards), *onwards)
    kind = draw(among(*KINDS, "custom") if python else among(*KINDS))
    if kind == "visit":
        return canbao.Visit(
            draw(among(*names)),
            service=draw(durations()),
            patience=draw(PATIENCE),
            baulk_at=draw(among(math.inf, math.inf, math.inf, 0, 1, 3)),
            priority=draw(PRIORITIES),
            served=draw(exits),
            abandoned=draw(exits),
            baulked=draw(exits),
            full=draw(exits),
            closed=draw(exits),
        )
    if kind == "delay":
        unit = draw(among("time", "open time", "working days"))
        amount = draw(among(0, 1, 0.5, 2)) if unit == "working days" else draw(durations())
        return canbao.Delay(amount, unit=unit, calendar="week", trip=draw(st.booleans()), then=draw(exits))
    if kind == "await":
        at = draw(among(0.0, 0.5, 1.0, canbao.Uniform(0.0, 1.0)))
        return canbao.Await("week", at=at, day=draw(st.integers(0, 2)), then=draw(exits))
    if kind == "check":
        return canbao.Check(draw(among(0.0, 0.3, 0.8)), failed=back, limit=draw(st.integers(1, 2)))
    if kind == "before":
        return canbao.Before(draw(DEADLINES), late=draw(exits))
    if kind == "choose":
        options = [
            canbao.Option(to, station=draw(among(*names)), travel=draw(durations(2))) for to in draw(ways_to(onwards))
        ]
        rules = ("weight", "shortest", "fastest")
        rule = draw(among(*rules, _first_way) if python else among(*rules))
        published = draw(among(0.0, 0.0, HOUR, 1.5 * HOUR))
        return canbao.Choose(options, rule=rule, others=draw(st.booleans()), published_s=published)
    if kind == "gather":
        return canbao.Gather("list", then=draw(exits))
    if kind == "book":
        return canbao.Appointment("diary", lead=draw(few_hours), none_left=draw(exits))
    if kind == "mark":
        return canbao.Mark(draw(EVENTS), first=draw(st.booleans()), clear=draw(among(False, False, True)))
    if kind == "marked":
        return canbao.Marked(draw(EVENTS), yes=draw(exits), no=draw(exits))
    return canbao.Custom(_stroll)


@cache
@st.composite
def journeys(draw: st.DrawFn, number: int, names: tuple[str, ...], python: bool) -> canbao.Journey:
    """One journey; it leads on within itself, to later journeys or out, so that nobody walks in a circle for ever."""
    count = draw(st.integers(3, 6))
    built: list[canbao.Step] = []
    for place in range(count):
        later = [f"p{n}" for n in range(place + 1, count)] + ["out"] + [f"j{n}" for n in range(number + 1, 3)]
        back = f"p{draw(st.integers(0, max(place - 1, 0)))}"
        built.append(replace(draw(steps(names, tuple(later), back, python)), name=f"p{place}"))
    return canbao.Journey(f"j{number}", [*built, canbao.End("out", name="out")], channel=draw(st.booleans()))


TOGETHER = st.lists(st.one_of(few_hours, few_hours, hours), min_size=8, max_size=20).map(canbao.At)
APART = st.lists(st.floats(0, UNTIL), max_size=20).map(canbao.At)
ARRIVALS = st.one_of(TOGETHER, TOGETHER, APART, st.just(EVERY_4_HOURS))


@cache
@st.composite
def streams(draw: st.DrawFn, number: int) -> canbao.Stream:
    """Let some families come, at whole hours or at any time."""
    columns = {
        "children": canbao.Empirical((1.0, 2.0, 3.0), (1.0, 1.0, 1.0)),
        "column_h": canbao.Empirical((0.0, HOUR, 5 * HOUR), (1.0, 1.0, 1.0)),
    }
    return canbao.Stream(f"j{draw(st.integers(0, 2))}", draw(ARRIVALS), name=f"stream {number}", columns=columns)


OPENINGS = st.lists(st.integers(0, DAYS * 12 - 2), min_size=1, max_size=4, unique=True)
MEETINGS = st.lists(hours, max_size=4)


@st.composite
def networks(draw: st.DrawFn, python: bool = True) -> canbao.Network:
    """Draw a network of up to two stations, three journeys and two streams; `python` allows functions as parts."""
    placed = [draw(stations(number, python)) for number in range(draw(st.integers(1, 2)))]
    names = tuple(station.name for station in placed)
    opening = draw(OPENINGS)
    week = canbao.Calendar.from_intervals([(2 * h * HOUR, (2 * h + 1) * HOUR) for h in opening], DAYS)
    batch = canbao.Batch(
        "list",
        size=draw(among(None, 1, 2, 3)),
        releases=draw(some_hours),
        max_wait=draw(among(math.inf, 0.0, 5 * HOUR)),
    )
    times = sorted(draw(MEETINGS))
    return canbao.Network(
        stations=placed,
        journeys=[draw(journeys(number, names, python)) for number in range(3)],
        streams=[draw(streams(number)) for number in range(draw(st.integers(1, 2)))],
        calendars={"week": week},
        batches=[batch],
        books=[canbao.AppointmentBook("diary", times, places=draw(st.integers(1, 2)))],
    )


STAFF = st.one_of(st.integers(1, 2), schedules(st.integers(0, 2).map(float)))
SERVICES = st.one_of(
    st.integers(0, 4).map(lambda hour: hour * HOUR),
    st.just(canbao.Empirical((HOUR, 3 * HOUR, 7 * HOUR), (1.0, 1.0, 1.0))),
)
AT_ONCE = st.lists(st.integers(0, 10).map(lambda hour: hour * HOUR), min_size=8, max_size=25)
DOORS_OR_NONE = st.one_of(st.none(), doors)


@st.composite
def rows(draw: st.DrawFn) -> canbao.Network:
    """Draw stations in a row with small rooms that block, which close while families are everywhere, and rework."""
    count = draw(st.integers(2, 3))
    placed = [
        canbao.Station(
            f"s{n}",
            servers=draw(STAFF),
            doors=draw(DOORS_OR_NONE),
            closing=draw(among("serve", "send home", "send home", "keep")),
            discipline=draw(among("fifo", "lifo", "priority")),
            room=draw(among(1, 2, 3)) if n else math.inf,
            when_full="block",
        )
        for n in range(count)
    ]
    way: list[canbao.Step] = [
        canbao.Visit(
            f"s{n}",
            service=draw(SERVICES),
            patience=draw(among(math.inf, math.inf, 4 * HOUR)),
            priority="rank",
            name=f"v{n}",
        )
        for n in range(count)
    ]
    back = canbao.Check(draw(among(0.5, 0.9)), failed=f"v{draw(st.integers(0, count - 1))}", limit=2)
    columns = {"rank": canbao.Empirical((0.0, 1.0), (1.0, 1.0))}
    return canbao.Network(
        stations=placed,
        journeys=[canbao.Journey("row", [*way, back])],
        streams=[canbao.Stream("row", canbao.At(draw(AT_ONCE)), columns=columns)],
    )


def run(network: canbao.Network, seed: int) -> tuple[Plan, Trace]:
    """Run a network once."""
    plan = make_plan(network, until=UNTIL, seed=seed)
    return plan, engine_named("simpy").run(plan)


@settings(max_examples=300)
@given(networks(), st.integers(0, 5))
def test_all_laws_hold_on_every_network(network: canbao.Network, seed: int) -> None:
    """Whatever a network is made of, no run of it breaks a law, and every family is somewhere."""
    _check_all_laws(*run(network, seed))


def _check_all_laws(plan: Plan, trace: Trace) -> None:
    assert [law for law in check_laws(trace, plan) if not law.holds] == []
    finished = int((~np.isnan(np.asarray(trace.families["finished"]))).sum())
    inside = trace.families["outcome"].words().count("inside")  # type: ignore[union-attr]
    assert finished + inside == int((plan.arrival < UNTIL).sum())


@settings(max_examples=1400)
@given(networks(python=False), st.integers(0, 5))
def test_both_engines_give_the_same_trace(network: canbao.Network, seed: int) -> None:
    """Whatever a network is made of, the two engines agree to the last bit, at ties too."""
    _check_equal(make_plan(network, until=UNTIL, seed=seed))


@settings(max_examples=800)
@given(rows(), st.integers(0, 5))
def test_engines_agree_and_laws_hold_where_stations_block_one_another(network: canbao.Network, seed: int) -> None:
    """The engines agree, and no law is broken, where everybody stands in everybody's way and doors shut in between."""
    plan = make_plan(network, until=UNTIL, seed=seed)
    _check_all_laws(plan, _check_equal(plan))


@settings(max_examples=100)
@given(networks(), st.integers(0, 5))
def test_the_compiled_engine_runs_a_network_or_says_which_part_it_cannot(network: canbao.Network, seed: int) -> None:
    """A function of somebody's own is named; without one there is nothing that it cannot run."""
    plan, compiled = make_plan(network, until=UNTIL, seed=seed), engine_named("compiled")
    own = {_stroll: "SimPy process", _first_way: "chooses by a function", _urgent_and_short: "queue discipline"}
    used = {getattr(step, "process", None) or getattr(step, "rule", None) for step in plan.steps}
    used |= {station.discipline for station in plan.stations}
    reason = compiled.supports(plan)
    assert bool(reason) == bool(used & set(own))
    if reason:
        with pytest.raises(EngineError, match=re.escape(reason)):
            compiled.run(plan)
    else:
        _check_equal(plan)


def _check_equal(plan: Plan) -> Trace:
    one, other = engine_named("simpy").run(plan), engine_named("compiled").run(plan)
    for name in ("families", "visits", "stations"):
        assert same_tables(getattr(one, name), getattr(other, name)) == ""
    return one


@settings(max_examples=100)
@given(networks(), st.integers(0, 5))
def test_the_same_seed_gives_the_same_trace(network: canbao.Network, seed: int) -> None:
    """Twice the same network and seed, twice the same tables, bit for bit."""
    _, one = run(network, seed)
    _, again = run(network, seed)
    for name in ("families", "visits", "stations"):
        assert same_tables(getattr(one, name), getattr(again, name)) == ""


@settings(max_examples=100)
@given(networks(), st.integers(0, 5))
def test_one_more_server_leaves_everybodys_luck_as_it_was(network: canbao.Network, seed: int) -> None:
    """Where no way out is blocked, a visit that is served in both runs takes as long in both."""
    stations = [replace(station, when_full="lose") for station in network.stations]
    more = [replace(station, servers=_one_more(station.servers)) for station in stations]
    took = []
    for servers in (stations, more):
        _, trace = run(replace(network, stations=servers), seed)
        visits: Any = trace.visits
        keys = zip(visits["family"], visits["step"].words(), visits["attempt"], strict=True)
        took.append(dict(zip(keys, zip(visits["start"], visits["leave"], strict=True), strict=True)))
    for key in took[0].keys() & took[1].keys():
        (start, leave), (other_start, other_leave) = took[0][key], took[1][key]
        if not any(map(math.isnan, (start, leave, other_start, other_leave))):
            assert math.isclose(leave - start, other_leave - other_start, abs_tol=1e-6)


def _one_more(given: float | canbao.Schedule) -> float | canbao.Schedule:
    return canbao.Schedule(given.times, given.values + 1) if isinstance(given, canbao.Schedule) else given + 1
