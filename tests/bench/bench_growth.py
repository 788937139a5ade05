"""How time and memory grow: from ten thousand families to ten million, and with a backlog of a hundred thousand.

    python tests/bench/bench_growth.py [--sizes 10000,100000] [--mode full] [--rounds 3] [--figure FILE.svg]

Each measurement is a process of its own. Two networks: in one the horizon grows with the number of families, in the
other the staff. `--figure` draws what was measured, and keeps the numbers beside the drawing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from growth_figure import draw

CASE = Path(__file__).with_name("growth_case.py")
BACKLOG_FAMILIES = 400_000


@dataclass(frozen=True)
class Point:
    """What a case took: medians over rounds, the largest of the memory peaks."""

    case: str
    mode: str
    families: int
    us_a_family: float
    """For the plan and the run, drawing included."""
    us_an_event: float
    """For the run: an arrival or the end of a visit."""
    peak_mb: float


def measure(orders: list[tuple[str, int, str]], rounds: int) -> list[Point]:
    """Run every case once in each round, so that a slow minute of the machine is everybody's."""
    taken: dict[tuple[str, int, str], list[dict[str, float]]] = {order: [] for order in orders}
    for mode in dict.fromkeys(mode for _, _, mode in orders):
        answer("horizon", 1, mode)  # compiles, if that is still to be done; it takes memory
    for _ in range(rounds):
        for order in orders:
            taken[order].append(answer(*order))
    return [point(order, answers) for order, answers in taken.items()]


def answer(*order: object) -> dict[str, float]:
    """Run one case in a process of its own."""
    command = [sys.executable, str(CASE), *map(str, order)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout))


def point(order: tuple[str, int, str], answers: list[dict[str, float]]) -> Point:
    """Sum up the rounds of a case."""
    case, _, mode = order
    families, visits = int(answers[0]["families"]), int(answers[0]["visits"])
    both = statistics.median(one["plan_s"] + one["run_s"] for one in answers) * 1e6
    run = statistics.median(one["run_s"] for one in answers) * 1e6
    peak = max(one["peak_mb"] for one in answers)
    return Point(case, mode, families, both / families, run / (families + visits), peak)


def growth(points: list[Point]) -> None:
    """Print how time and memory grow, against the smallest size of the same network."""
    first: dict[str, Point] = {}
    for p in points:
        ratio = p.us_a_family / first.setdefault(p.case, p).us_a_family
        print(
            f"  {p.case:<10} {p.families:>12,} families  {p.us_a_family:7.3f} µs a family, "
            f"ratio {ratio:5.2f}   peak {p.peak_mb:7,.0f} MB"
        )


def backlog(points: list[Point]) -> None:
    """Print what a backlog costs, against nobody waiting."""
    for idle, full in zip(points[::2], points[1::2], strict=True):
        print(
            f"  {idle.case:<10} nobody waits {idle.us_an_event:6.3f} µs an event, "
            f"100,000 wait {full.us_an_event:6.3f} µs, ratio {full.us_an_event / idle.us_an_event:5.2f}"
        )


def main() -> None:
    """Measure and print; draw if asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="10000,100000,1000000,10000000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mode", default="summary", choices=("full", "summary"))
    parser.add_argument("--figure", type=Path, default=None)
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    orders = [(case, size, given.mode) for case in ("horizon", "staff") for size in sizes]
    queues = [(case, BACKLOG_FAMILIES, mode) for case in ("fifo", "priority") for mode in ("idle", "backlog")]
    points = measure([*orders, *queues], given.rounds)
    print(f"plan and run, drawing included, {given.mode} mode; medians of {given.rounds}, processor time on one core")
    growth(points[: len(orders)])
    backlog(points[len(orders) :])
    if given.figure:
        numbers = given.figure.with_suffix(".json")
        numbers.write_text(json.dumps([asdict(p) for p in points], indent=1) + "\n", encoding="utf-8")
        given.figure.write_text(draw([asdict(p) for p in points]), encoding="utf-8")


if __name__ == "__main__":
    main()
