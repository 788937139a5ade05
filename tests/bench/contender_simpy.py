"""The contender that somebody who knows SimPy writes first: a process a family, `Resource`, `request | timeout`."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

import simpy

from contenders import Case
from enrolment import ATTEMPTS, Samples, Visits, difference, finished, of_rows

Row = tuple[int, int, float, float, float, bool]
"""Family, station, enter, start, leave, served."""

NEVER = float("nan")


class Luck(NamedTuple):
    """The samples as a plain model would hold them: lists, which Python reads faster than arrays."""

    arrival: list[float]
    window: list[float]
    patience: list[float]
    review: list[list[float]]
    passes: list[list[bool]]
    card: list[float]

    @classmethod
    def of(cls, samples: Samples) -> Luck:
        """Take the samples over; those of several attempts family by family."""
        return cls(
            samples.arrival.tolist(),
            samples.window.tolist(),
            samples.patience.tolist(),
            samples.review.T.tolist(),
            samples.passes.T.tolist(),
            samples.card.tolist(),
        )


def plain(luck: Luck, until: float) -> list[Row]:
    """Run the plain model; give each visit that is over."""
    env = simpy.Environment()
    window, review, card = (simpy.Resource(env, 1) for _ in range(3))
    visits: list[Row] = []

    def family(i: int) -> Generator[Any, Any, None]:
        enter = env.now
        with window.request() as request:
            got = yield request | env.timeout(luck.patience[i])
            if request not in got:
                visits.append((i, 0, enter, NEVER, env.now, False))
                return
            start = env.now
            yield env.timeout(luck.window[i])
            visits.append((i, 0, enter, start, env.now, True))
        for attempt in range(ATTEMPTS):
            enter = env.now
            with review.request() as request:
                yield request
                start = env.now
                yield env.timeout(luck.review[i][attempt])
                visits.append((i, 1, enter, start, env.now, True))
            if luck.passes[i][attempt]:
                break
        else:
            return
        enter = env.now
        with card.request() as request:
            yield request
            start = env.now
            yield env.timeout(luck.card[i])
            visits.append((i, 2, enter, start, env.now, True))

    def arrivals() -> Generator[Any, Any, None]:
        for i, time_s in enumerate(luck.arrival):
            yield env.timeout(time_s - env.now)
            env.process(family(i))

    env.process(arrivals())
    env.run(until)
    return visits


class IdiomaticSimpy:
    """Plain SimPy."""

    title = "SimPy, idiomatic"
    draws = False
    checked = "visits equal to 1 ms"  # SimPy adds delays to now, which rounds otherwise than times that were meant

    def __init__(self, case: Case) -> None:
        self.luck, self.until = Luck.of(case.samples), case.samples.until

    def run(self) -> list[Row]:
        """Simulate all families."""
        return plain(self.luck, self.until)

    def fault(self, reference: Visits) -> str:
        """Compare the visits that are over."""
        return difference(of_rows(self.run()), finished(reference), 1e-3)
