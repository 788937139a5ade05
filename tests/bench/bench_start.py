"""How long a planner waits: `canbao run` of the season of a city as a whole process, report included.

    python tests/bench/bench_start.py [--rounds 5] [SCENARIO]

The cold start is the first one on a machine: nothing is compiled to machine code yet. It runs in a copy of the sources,
so that the machine code of this checkout stays where it is. A warm start finds what the cold one has kept.
"""

from __future__ import annotations

import argparse
import compileall
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("sim", "plugins")
FINE = (0, 3)
"""Exit codes of a run that went well; 3 says that an objective was missed."""


def copy_sources(folder: Path) -> dict[str, str]:
    """Copy the sources, with Python's bytecode as after an installation; give the environment that finds the copy."""
    for name in SOURCES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(folder / name, quiet=2)
    path = os.pathsep.join(str(folder / name) for name in SOURCES)
    keep = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**keep, "PYTHONPATH": path, "XDG_CACHE_HOME": str(folder / "cache")}


def start(environment: dict[str, str], scenario: Path, out: Path) -> tuple[float, float]:
    """Run once; give the seconds on the clock and the seconds of processor time."""
    command = [sys.executable, "-m", "canbao", "run", str(scenario), "--out", str(out), "--quiet"]
    used, began = _used(), time.perf_counter()
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    waited = time.perf_counter() - began
    if done.returncode not in FINE:
        raise SystemExit(f"canbao run failed:\n{done.stderr}")
    return waited, _used() - used


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Start cold once and warm some times, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario", type=Path, nargs="?", default=ROOT / "scenarios" / "city-season.toml")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = copy_sources(folder)
        cold = start(environment, given.scenario, folder / "results")
        warm = [start(environment, given.scenario, folder / "results") for _ in range(given.rounds)]
    clock, processor = (statistics.median(column) for column in zip(*warm, strict=True))
    print(f"canbao run {given.scenario.name}, whole process, report included")
    print(f"  cold, compiling      {cold[0]:6.2f} s   processor {cold[1]:6.2f} s")
    print(f"  warm                 {clock:6.2f} s   processor {processor:6.2f} s   (median of {given.rounds})")


if __name__ == "__main__":
    main()
