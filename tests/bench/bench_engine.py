"""The SimPy engine against a plain SimPy model of the same enrolment network, on the same families with the same luck.

One window with patience, one review with rework, one card desk, arrivals that change over the day. The plain model is
what somebody who knows SimPy writes first: a process a family, `Resource`, `request() | timeout(patience)`. Before
anything is timed, its visits must equal those of the engine. Both write down every visit.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

import numpy as np
import simpy

import canbao
from canbao.engines import engine_named
from canbao.plan import Plan, VisitStep
from canbao.planning import make_plan
from canbao.trace import Trace

FAMILIES = 50_000
ROUNDS = 5
DAY_S = 86_400.0


def enrolment(families: int) -> Plan:
    """Make the plan: about `families` families, at two rates in turn."""
    slow, fast = 1 / 360, 1 / 150
    days = int(families / ((slow + fast) / 2 * DAY_S)) + 1
    times = np.arange(2 * days) * DAY_S / 2
    rate = canbao.Schedule(times, np.where(np.arange(2 * days) % 2, fast, slow))
    steps: list[canbao.Step] = [
        canbao.Visit("window", canbao.Lognormal(120.0, 0.6), patience=canbao.Lognormal(2400.0, 0.5)),
        canbao.Visit("review", canbao.Lognormal(100.0, 0.6)),
        canbao.Check(0.85, failed="review", limit=3),
        canbao.Visit("card", canbao.Lognormal(90.0, 0.6)),
    ]
    network = canbao.Network(
        stations=[canbao.Station(name) for name in ("window", "review", "card")],
        journeys=[canbao.Journey("office", steps)],
        streams=[canbao.Stream("office", canbao.Poisson(rate))],
    )
    return make_plan(network, until=days * DAY_S, seed=1)


class Luck(NamedTuple):
    """The draws of the plan, as a plain model would hold them: by family, and by attempt where there are several."""

    arrival: list[float]
    window: list[float]
    patience: list[float]
    review: list[list[float]]
    passes: list[list[bool]]
    card: list[float]


def drawn(plan: Plan) -> Luck:
    """Draw everything beforehand, four attempts at the review."""
    visits = [step for step in plan.steps if isinstance(step, VisitStep)]
    check: Any = plan.steps[2]

    def attempts(draw: Any) -> list[list[float]]:
        all_of_them = [draw.values(plan.luck, plan.families, attempt=attempt) for attempt in range(4)]
        return np.stack(all_of_them, axis=1).tolist()  # type: ignore[no-any-return]

    def first(draw: Any) -> list[float]:
        return draw.values(plan.luck, plan.families).tolist()  # type: ignore[no-any-return]

    window, review, card = visits
    passes = [[u < 0.85 for u in row] for row in attempts(check.luck)]
    return Luck(
        plan.arrival.tolist(),
        first(window.service),
        first(window.patience),
        attempts(review.service),
        passes,
        first(card.service),
    )


Visit = tuple[int, str, float, float | None, float]


def plain(luck: Luck, until: float) -> list[Visit]:
    """Run the plain model; give (family, station, enter, start, leave) for each visit that is over."""
    env = simpy.Environment()
    window, review, card = (simpy.Resource(env, 1) for _ in range(3))
    visits: list[Visit] = []

    def family(i: int) -> Generator[Any, Any, None]:
        enter = env.now
        with window.request() as request:
            got = yield request | env.timeout(luck.patience[i])
            if request not in got:
                visits.append((i, "window", enter, None, env.now))
                return
            start = env.now
            yield env.timeout(luck.window[i])
            visits.append((i, "window", enter, start, env.now))
        for attempt in range(4):
            enter = env.now
            with review.request() as request:
                yield request
                start = env.now
                yield env.timeout(luck.review[i][attempt])
                visits.append((i, "review", enter, start, env.now))
            if luck.passes[i][attempt]:
                break
        else:
            return
        enter = env.now
        with card.request() as request:
            yield request
            start = env.now
            yield env.timeout(luck.card[i])
            visits.append((i, "card", enter, start, env.now))

    def arrivals() -> Generator[Any, Any, None]:
        for i, time_s in enumerate(luck.arrival):
            yield env.timeout(time_s - env.now)
            env.process(family(i))

    env.process(arrivals())
    env.run(until)
    return visits


def check_equal(trace: Trace, visits: list[Visit]) -> None:
    """Stop if the two models do not agree: same visits, and times to a millisecond (`now + delay` rounds otherwise)."""
    table = trace.visits
    station: Any = table["station"]
    over = ~np.isnan(np.asarray(table["leave"]))
    ours = list(zip(np.asarray(table["family"])[over].tolist(), station.take(over).words(), strict=True))
    theirs = sorted(visits, key=lambda visit: visit[0])
    assert ours == [(family, name) for family, name, *_ in theirs], "the plain model made other visits"
    for column, place in (("enter", 2), ("start", 3), ("leave", 4)):
        other = np.array([visit[place] for visit in theirs], dtype=np.float64)
        assert np.allclose(np.asarray(table[column])[over], other, rtol=0, atol=1e-3, equal_nan=True), column


def seconds(work: Callable[[], object]) -> float:
    """Time one call in processor time, which a busy machine disturbs least."""
    gc.collect()
    begin = time.process_time()
    work()
    return time.process_time() - begin


def rows() -> Iterator[str]:
    """Check, then time both in turn, and give the lines of the answer."""
    plan = enrolment(FAMILIES)
    luck, engine = drawn(plan), engine_named("simpy")
    trace = engine.run(plan)
    check_equal(trace, plain(luck, plan.until))
    yield f"enrolment network, {plan.families:,} families, {len(trace.visits['family']):,} visits: the two models agree"
    pairs = [(seconds(lambda: engine.run(plan)), seconds(lambda: plain(luck, plan.until))) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    yield f"  canbao, SimPy engine  {plan.families / ours:>10,.0f} families a second (drawing included)"
    yield f"  plain SimPy model     {plan.families / theirs:>10,.0f} families a second (without drawing)"
    yield f"  ratio                 {ratio:>10.2f} (median of {ROUNDS} pairs; 1 or more: no slower than plain SimPy)"


def main() -> None:
    """Print the answer."""
    for row in rows():
        print(row, flush=True)


if __name__ == "__main__":
    main()
