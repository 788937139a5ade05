"""The enrolment network on every simulator that is here: families a second, and how many times faster each is.

    python tests/bench/bench_enrolment.py [--families 200000] [--rounds 5] [--only simpy,compiled,c] [--against simpy]

All simulate the same families with the same samples. Each is checked against the SimPy engine's visits before it is
timed, and one that fails is not timed. Those that say `drawing` draw their samples within the time; the others find
them ready. Nobody's compilation is timed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence

from contenders import NAMES, AbsentError, Case, Contender, kinds
from enrolment import enrolment
from timing import ratio, rounds, stay_on_one_core


def ready(names: Sequence[str], case: Case) -> Iterator[tuple[str, Contender]]:
    """Get contenders ready and check them; say what became of each."""
    found, absent = kinds(names)
    print(f"enrolment network, {case.plan.families:,} families, {len(case.reference):,} visits", flush=True)
    for name, kind in found.items():
        try:
            one = kind(case)
        except (AbsentError, ImportError) as reason:
            absent[name] = str(reason)
            continue
        fault = one.fault(case.reference)
        print(f"  {name:<16} {f'WRONG, not timed: {fault}' if fault else one.checked}", flush=True)
        if not fault:
            yield name, one
    for name, why in absent.items():
        print(f"  {name:<16} absent: {why}", flush=True)


def table(contenders: dict[str, Contender], taken: dict[str, list[float]], families: int, against: str) -> None:
    """Print a line for each contender, the fastest last."""
    print(f"  {'':<46} {'families':>12}   {'times':>8}")
    print(f"  {'':<46} {'a second':>12}   {against:>8}")
    for name in sorted(taken, key=lambda name: -statistics.median(taken[name])):
        one = contenders[name]
        speed = families / statistics.median(taken[name])
        times = f"{ratio(taken[against], taken[name]):8.2f}" if against in taken else "       -"
        title = f"{one.title}{', drawing' if one.draws else ''}"
        print(f"  {title:<46} {speed:>12,.0f}   {times}")


def main() -> int:
    """Check, time and print; 1 if somebody was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0] if __doc__ else None)
    parser.add_argument("--families", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(NAMES), help="names with commas between them")
    parser.add_argument("--against", default="simpy", help="whose speed is 1")
    given = parser.parse_args()
    names = given.only.split(",")
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        parser.error(f"no contender is called {unknown[0]!r}; there are {', '.join(NAMES)}")
    stay_on_one_core()
    case = Case(enrolment(given.families))
    contenders = dict(ready(names, case))
    taken = rounds({name: one.run for name, one in contenders.items()}, given.rounds)
    print(f"median of {given.rounds} rounds, processor time on one core")
    table(contenders, taken, case.plan.families, given.against)
    return 0


if __name__ == "__main__":
    sys.exit(main())
