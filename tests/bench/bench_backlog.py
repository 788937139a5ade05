"""What a long queue costs: 30,000 waiting with priorities, against the same families without a backlog.

    python tests/bench/bench_backlog.py [FAMILIES]

Prints the time per family of a station with priorities and a backlog, of one that is first come, first served with
the same backlog, and of one where nobody waits, and the ratios. `simpy.PriorityResource` sorts its queue at every
request, so that there the first of them grows with the backlog.
"""

from __future__ import annotations

import sys
import time
from typing import Literal

import numpy as np

import canbao
from canbao.engines import engine_named
from canbao.planning import make_plan

BACKLOG = 30_000
REPEATS = 3


def time_per_family_us(families: int, gap_s: float, discipline: Literal["fifo", "priority"]) -> float:
    """Give the best of some runs, in microseconds for each family; a service takes 1 s."""
    rng = np.random.default_rng(0)
    network = canbao.Network(
        stations=[canbao.Station("desk", discipline=discipline)],
        journeys=[canbao.Journey("office", [canbao.Visit("desk", service=1.0, priority="rank")])],
        streams=[
            canbao.Stream(
                "office",
                canbao.At(np.arange(families) * gap_s),
                columns={"rank": rng.integers(0, 5, families).astype(np.float64)},
            )
        ],
    )
    plan = make_plan(network, until=2.0 * families, seed=0)
    engine, best = engine_named("simpy"), float("inf")
    for _ in range(REPEATS):
        began = time.perf_counter()
        engine.run(plan)
        best = min(best, time.perf_counter() - began)
    return best / families * 1e6


def main() -> None:
    """Measure and print."""
    families = int(sys.argv[1]) if len(sys.argv) > 1 else BACKLOG
    priority = time_per_family_us(families, 0.0, "priority")
    fifo = time_per_family_us(families, 0.0, "fifo")
    idle = time_per_family_us(families, 2.0, "fifo")
    print(f"priorities, backlog of {families:,}: {priority:6.1f} µs a family")
    print(f"first come, first served, backlog: {fifo:6.1f} µs a family   ratio {priority / fifo:.2f}")
    print(f"nobody waits:                      {idle:6.1f} µs a family   ratio {priority / idle:.2f}")


if __name__ == "__main__":
    main()
