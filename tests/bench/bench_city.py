"""A season of a city in full, every family of the shipped scenario: the SimPy engine against the compiled one.

    python tests/bench/bench_city.py [--rounds 5] [--scenario scenarios/city-season.toml] [--scale 1.0]

The plan is made before; the luck is drawn within the time that is taken. Both traces must be equal, bit for bit, and
summary mode, which keeps no visits, must find the same fate of every family.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

from canbao.assembly import scenario_plan
from canbao.counters import Watch
from canbao.engines import engine_named
from canbao.engines.compiled_engine import CompiledEngine
from canbao.measures.counted import watch_of
from canbao.plan import Plan
from canbao.plugins import load_plugins
from canbao.scenario.scenario import load_scenario
from canbao.trace import Trace, same_tables
from timing import ratio, rounds, stay_on_one_core

SCENARIO = Path(__file__).parents[2] / "scenarios" / "city-season.toml"


def season(path: Path, scale: float) -> tuple[Plan, Watch]:
    """Make the plan of a scenario, with a share of its population, and say what a summary of it has to watch."""
    file = load_scenario(path, load_plugins(environment={}), [f"population.scale={scale}"])
    plan = scenario_plan(file)
    return plan, watch_of(file, plan)


def difference(one: Trace, other: Trace) -> str:
    """Say where two traces differ, or give an empty string."""
    for name in ("families", "visits", "stations"):
        found = same_tables(getattr(one, name), getattr(other, name))
        if found:
            return f"{name}: {found}"
    return ""


def main() -> int:
    """Check, time and print; 1 if the traces differ."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scenario", type=Path, default=SCENARIO)
    parser.add_argument("--scale", type=float, default=1.0)
    given = parser.parse_args()
    stay_on_one_core()
    plan, watch = season(given.scenario, given.scale)
    simpy, compiled = engine_named("simpy"), CompiledEngine()
    trace = simpy.run(plan)
    families, visits = len(trace.families["family"]), len(trace.visits["family"])
    counted = compiled.count(plan, watch)
    assert counted.families is not None
    fault = difference(compiled.run(plan), trace) or same_tables(counted.families, trace.families)
    print(f"{given.scenario.stem}, {families:,} families, {visits:,} visits: {fault or 'traces equal, bit for bit'}")
    works = {
        "SimPy engine": lambda: simpy.run(plan),
        "compiled engine": lambda: compiled.run(plan),
        "compiled engine, summary mode": lambda: compiled.count(plan, watch),
    }
    taken = rounds(works, given.rounds)
    for name, seconds in taken.items():
        speed = families / statistics.median(seconds)
        times = ratio(taken["SimPy engine"], seconds)
        print(f"  {name:<32} {speed:>12,.0f} families a second   {times:8.2f} times")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
