"""How an experiment scales: replications of a city's season on one core and on two, in one run.

    python tests/bench/bench_experiments.py [--replications 100] [--portions 5] [--scale 1.0]

Both take the same seeds, in turn and portion by portion, so that a slow minute of the machine is everybody's. The time
is that on the clock, from the call to the last replication in the folder; the start of the workers is in it, compiling
is not.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from canbao.experiments import Experiment, ScenarioModel, Variant, open_experiment
from canbao.experiments.executors.local import LocalExecutor, cores
from canbao.plugins import load_plugins
from canbao.runs.tables import checksum, table_bytes
from canbao.scenario.scenario import load_scenario

ROOT = Path(__file__).parents[2]
AIM = 1.8
"""How much faster two cores are to be than one."""


def seconds(experiments: Mapping[int, Experiment], variant: Variant, portions: list[range]) -> dict[int, float]:
    """Carry out all portions with each number of workers in turn; give the seconds by number of workers."""
    taken = dict.fromkeys(experiments, 0.0)
    for portion in portions:
        for workers, experiment in experiments.items():
            began = time.perf_counter()
            results = experiment.replicate([variant], portion)
            taken[workers] += time.perf_counter() - began
            if results.failures:
                raise SystemExit(str(results.failures[0]))
    return taken


def processor_seconds() -> float:
    """Give the time that child processes took of the processors, as far as they have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    """Measure and print; 1 if two cores are not fast enough, or give other numbers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--replications", type=int, default=100)
    parser.add_argument("--portions", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0)
    given = parser.parse_args()
    if cores() < 2:
        raise SystemExit("there is one core only: nothing to measure")
    overrides = [f"population.scale={given.scale}"] if given.scale != 1.0 else []
    file = load_scenario(ROOT / "scenarios" / "city-season.toml", load_plugins(), overrides)
    model = ScenarioModel.of(file, overrides)
    variant = Variant(file.name, model)
    model.prepare()
    ends = [round(given.replications * share / given.portions) for share in range(given.portions + 1)]
    portions = [range(1 + start, 1 + end) for start, end in pairwise(ends)]
    with tempfile.TemporaryDirectory() as folder:
        one, two = (open_experiment(folder, str(n), "bench", [variant], LocalExecutor(n)) for n in (1, 2))
        with two:
            with one:
                taken = seconds({1: one, 2: two}, variant, portions)
            used = {1: processor_seconds()}  # of processes that have ended
            tables = [each.replicate([variant], range(1, given.replications + 1)).table() for each in (one, two)]
        used[2] = processor_seconds() - used[1]
    ratio = taken[1] / taken[2]
    same = checksum(table_bytes(tables[0])) == checksum(table_bytes(tables[1]))
    print(f"{given.replications} replications of {file.name}, {model.families:,} families each")
    print("workers  seconds  a replication  processor seconds a replication")
    for workers, total in taken.items():
        each, busy = total / given.replications, used[workers] / given.replications
        print(f"{workers:7}  {total:7.1f}  {each:13.2f}  {busy:31.2f}")
    print(f"two over one: {ratio:.2f} (to be: {AIM:.2f} or more); results: {'the same bytes' if same else 'DIFFERENT'}")
    return 0 if same and ratio >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
