"""The two engines give the same trace: on every scenario, without a compiler, and where buffers and counters grow."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import canbao
from canbao.assembly import scenario_plan
from canbao.engines import compiled_engine, engine_named, tables
from canbao.errors import EngineError, NetworkError
from canbao.plan import Plan
from canbao.planning import make_plan
from canbao.plugins import load_plugins
from canbao.scenario.scenario import load_scenario
from canbao.trace import same_tables

SCENARIOS = Path(__file__).parents[2] / "scenarios"
HOUR = 3600.0


def check_equal(plan: Plan) -> Any:
    """Run a plan on both engines, compare the traces and give one of them."""
    one, other = engine_named("simpy").run(plan), engine_named("compiled").run(plan)
    for name in ("families", "visits", "stations"):
        assert same_tables(getattr(one, name), getattr(other, name)) == ""
    return other


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", sorted(path.stem for path in SCENARIOS.glob("*.toml")))
def test_every_scenario_gives_the_same_trace_on_both_engines(name: str, seed: int) -> None:
    """All that the built-in plugins use runs on the compiled engine, and gives the same visits to the last bit."""
    file = load_scenario(SCENARIOS / f"{name}.toml", load_plugins(), ("population.scale=0.02",))
    plan = scenario_plan(file, seed)
    assert engine_named("compiled").supports(plan) == ""
    assert len(check_equal(plan).visits["family"]) > plan.families


WITHOUT_COMPILER = """
import canbao
from canbao.engines import engine_named
from canbao.kernel.handle import JIT
from canbao.planning import make_plan
from canbao.trace import same_tables

assert not JIT
HOUR = 3600.0
steps = [
    canbao.Choose([canbao.Option("desk", station="a"), canbao.Option("desk", station="b")], rule="shortest"),
    canbao.Visit("a", canbao.Lognormal(HOUR, 0.8), name="desk", patience=canbao.Exponential(2 * HOUR), priority="rank"),
    canbao.Delay(1, unit="working days", calendar="week"),
    canbao.Visit("b", canbao.Weibull(HOUR, 0.7), name="review", full="out"),
    canbao.Check(0.6, failed="review", limit=2),
    canbao.Gather("list"),
    canbao.End("out", name="out"),
]
week = canbao.Calendar.from_intervals([(8 * HOUR, 12 * HOUR), (32 * HOUR, 40 * HOUR)], 3)
doors = canbao.Schedule([0.0, 10 * HOUR, 30 * HOUR], [1.0, 0.0, 1.0])
network = canbao.Network(
    stations=[
        canbao.Station("a", servers=2, discipline="priority", doors=doors, closing="send home"),
        canbao.Station("b", servers=1, room=3, when_full="block"),
    ],
    journeys=[canbao.Journey("office", steps)],
    streams=[canbao.Stream("office", canbao.Poisson(4 / HOUR), columns={"rank": canbao.Uniform(0.0, 3.0)})],
    calendars={"week": week},
    batches=[canbao.Batch("list", size=3, max_wait=5 * HOUR)],
)
for seed in range(5):
    plan = make_plan(network, until=60 * HOUR, seed=seed)
    one, other = engine_named("simpy").run(plan), engine_named("compiled").run(plan)
    for name in ("families", "visits", "stations"):
        assert same_tables(getattr(one, name), getattr(other, name)) == "", name
    assert len(other.visits["family"]) > plan.families
print("equal")
"""


def test_the_kernel_is_plain_python_too() -> None:
    """Without a compiler the same functions run as they are, and the traces are equal again."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-W", "error", "-c", WITHOUT_COMPILER]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("equal\n", "", 0)


def closed(families: int, until: float) -> Plan:
    """Make a plan in which some families go round for ever between two stations."""
    steps = [
        canbao.Visit("one", canbao.Exponential(1.0), name="first"),
        canbao.Visit("other", canbao.Exponential(1.0)),
        canbao.Go("first"),
    ]
    network = canbao.Network(
        stations=[canbao.Station("one"), canbao.Station("other")],
        journeys=[canbao.Journey("circle", steps)],
        streams=[canbao.Stream("circle", canbao.At(np.zeros(families)))],
    )
    return make_plan(network, until=until, seed=0)


@pytest.mark.parametrize("priorities", [1, 3, 16, 17, 200])
def test_few_priorities_have_lanes_and_many_a_heap(priorities: int) -> None:
    """However many priorities there are, families are served, lose patience and are sent home alike on both engines."""
    count, luck = 600, np.random.default_rng(priorities)
    ranks = luck.integers(0, priorities, count) - priorities / 2
    network = canbao.Network(
        stations=[
            canbao.Station("desk", discipline="priority", doors=canbao.Schedule([0, 900], [1, 0]), closing="send home")
        ],
        journeys=[
            canbao.Journey("office", [canbao.Visit("desk", 3.0, patience=canbao.Exponential(300.0), priority="rank")])
        ],
        streams=[canbao.Stream("office", canbao.At(np.sort(luck.integers(0, 880, count))), columns={"rank": ranks})],
    )
    plan = make_plan(network, until=2_000.0, seed=0)
    one, other = engine_named("simpy").run(plan), engine_named("compiled").run(plan)
    assert same_tables(one.visits, other.visits) == ""
    assert set(one.visits["ended"].words()) == {"served", "abandoned", "sent home"}


def test_a_family_may_do_a_step_more_often_than_a_short_counter_can_tell() -> None:
    """With 34,000 visits of one family the attempts are still those of the SimPy engine."""
    trace = check_equal(closed(1, 68_000.0))
    assert int(np.asarray(trace.visits["attempt"]).max()) > np.iinfo(np.int16).max


def test_arrays_grow_with_the_families_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for two families, four rows and few events at first, the trace is the same."""
    monkeypatch.setattr(tables, "_SLOTS", 2)
    monkeypatch.setattr(compiled_engine, "_ROWS", 80)
    monkeypatch.setattr(tables, "_BUCKETS", (4, 4))
    monkeypatch.setattr(compiled_engine, "_CHUNK", 3)
    network = canbao.Network(
        stations=[canbao.Station("desk", discipline="random", servers=2), canbao.Station("room", room=5)],
        journeys=[
            canbao.Journey(
                "office",
                [
                    canbao.Visit("desk", canbao.Gamma(HOUR, 2.0), patience=canbao.Exponential(40 * HOUR)),
                    canbao.Gather("list"),
                    canbao.Visit("room", 0.0, full="office"),
                ],
            )
        ],
        streams=[canbao.Stream("office", canbao.Poisson(3 / HOUR))],
        batches=[canbao.Batch("list", size=150)],
    )
    trace = check_equal(make_plan(network, until=300 * HOUR, seed=0))
    assert len(trace.families["family"]) > 800


@pytest.mark.parametrize("engine", ["simpy", "compiled"])
def test_a_wrong_quantity_is_named(engine: str) -> None:
    """A service below 0 is an error that names the step, whichever engine meets it."""
    steps = [canbao.Visit("desk", canbao.Empirical((-1.0,), (1.0,)))]
    network = canbao.Network(
        stations=[canbao.Station("desk")],
        journeys=[canbao.Journey("office", steps)],
        streams=[canbao.Stream("office", canbao.At([0.0]))],
    )
    with pytest.raises(NetworkError, match=r"office/desk:service: .* gave -1.0, but it must be a number >= 0"):
        canbao.simulate(network, until=10.0, engine=engine)


@pytest.mark.parametrize(
    "step",
    [
        canbao.Check(0.0, failed="again", name="again"),
        canbao.Visit("desk", 0.0, served="again", name="again"),
        canbao.Visit("empty", 1.0, baulk_at=0, baulked="again", name="again"),
        canbao.Visit("shut", 1.0, closed="again", name="again"),
    ],
    ids=["check", "served at once", "baulks", "turned away"],
)
def test_a_circle_without_time_is_an_error_on_the_compiled_engine(step: canbao.Step) -> None:
    """A family that goes round while no time passes is named, with its step and the remedy."""
    shut = canbao.Station("shut", doors=canbao.Schedule([0.0], [0.0]))
    network = canbao.Network(
        stations=[canbao.Station("desk"), canbao.Station("empty", 0), shut],
        journeys=[canbao.Journey("office", [step])],
        streams=[canbao.Stream("office", canbao.At([5.0]))],
    )
    with pytest.raises(EngineError, match=r"family 0 goes round .* 'office/again'; put a Delay into it"):
        canbao.simulate(network, until=10.0, engine="compiled")


def test_nobody_comes() -> None:
    """A plan without families gives empty tables, on both engines."""
    network = canbao.Network(
        stations=[canbao.Station("desk")],
        journeys=[canbao.Journey("office", [canbao.Visit("desk", 1.0)])],
        streams=[canbao.Stream("office", canbao.At([math.inf, 20.0]))],
    )
    assert not len(check_equal(make_plan(network, until=10.0, seed=0)).visits["family"])
