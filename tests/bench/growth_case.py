"""One measurement of growth, in a process of its own, so that its peak of memory is its own.

    python tests/bench/growth_case.py horizon|staff|fifo|priority FAMILIES full|summary|idle|backlog

The queues run in full mode too, and somebody waits there or nobody.
Prints one line of JSON: families, visits, seconds of processor time for the plan and for the run after a small one to
warm up, and the peak of memory in MB, before the plan is made and at the end.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Literal

import numpy as np

import canbao
from canbao.counters import Watch
from canbao.engines.compiled_engine import CompiledEngine
from canbao.plan import Plan
from canbao.planning import make_plan
from enrolment import enrolment
from timing import stay_on_one_core

PER_SERVER = 10_000
"""Families for each server of a station, in the network whose staff grows with the families."""

BACKLOG = 100_000

_WARM_UP = 1_000


def horizon(families: int, mode: str) -> Plan:
    """Make the plan of a season that lasts longer, the more families there are."""
    return enrolment(families)


def staff(families: int, mode: str) -> Plan:
    """Make the plan of a season that always lasts as long, with more staff, the more families there are."""
    return enrolment(families, servers=max(1, families // PER_SERVER))


def desk(families: int, mode: str, discipline: Literal["fifo", "priority"]) -> Plan:
    """Make the plan of one desk with services of 1 s: nobody waits, or 100,000 wait and one comes as one is served."""
    rng = np.random.default_rng(0)
    coming = np.arange(families, dtype=np.float64)
    arrival = np.maximum(coming - BACKLOG, 0.0) if mode == "backlog" else coming * 2.0
    columns = {"rank": rng.integers(0, 5, families).astype(np.float64)}
    network = canbao.Network(
        stations=[canbao.Station("desk", discipline=discipline)],
        journeys=[canbao.Journey("office", [canbao.Visit("desk", service=1.0, priority="rank")])],
        streams=[canbao.Stream("office", canbao.At(arrival), columns=columns)],
    )
    return make_plan(network, until=2.0 * families, seed=0)


CASES: dict[str, Callable[[int, str], Plan]] = {
    "horizon": horizon,
    "staff": staff,
    "fifo": lambda families, mode: desk(families, mode, "fifo"),
    "priority": lambda families, mode: desk(families, mode, "priority"),
}


def peak_mb() -> float:
    """Give the most memory that this process ever had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def run(plan: Plan, mode: str) -> int:
    """Run a plan, keeping no visits in `summary` mode, and give how many there were."""
    engine = CompiledEngine()
    if mode == "summary":
        return int(engine.count(plan, Watch(), families=False).counters.came.sum())
    return len(engine.run(plan).visits["family"])


def main() -> None:
    """Measure and print."""
    case, families, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    stay_on_one_core()
    run(CASES[case](_WARM_UP, mode), mode)  # imports, and loads what was compiled
    before, began = peak_mb(), time.process_time()
    plan = CASES[case](families, mode)
    planned = time.process_time()
    visits = run(plan, mode)
    ended = time.process_time()
    answer = {
        "families": plan.families,
        "visits": visits,
        "plan_s": planned - began,
        "run_s": ended - planned,
        "before_mb": before,
        "peak_mb": peak_mb(),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
