"""Open arrivals with a limit."""

from __future__ import annotations

from typing import Literal

import gevent
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from canbao_loadtests.driving.agenda import Agenda, steady_time
from canbao_loadtests.driving.arrivals import Arrivals, Over
from canbao_loadtests.driving.recorder import HOW, Journeys
from canbao_loadtests.driving.schedule import Schedule


class Load:
    """Arrivals that are all due at once or in turn, and journeys that end when they are told to."""

    def __init__(self, moments: list[float], limit: int, when_full: Literal["queue", "drop"] = "queue") -> None:
        self.agenda = Agenda(steady_time())
        schedule = Schedule(np.arange(len(moments)), np.array(moments))
        self.journeys = Journeys(schedule, self.agenda.time() + schedule.moments)
        self.inside: dict[int, Over] = {}
        self.begun: list[int] = []
        self.turned_away: list[int] = []
        self.most = 0
        self.arrivals = Arrivals(
            self.agenda, self.journeys, self.begin, limit, when_full, turn_away=self.turned_away.append
        )
        self.arrivals.start()
        self.agenda.start()

    def begin(self, family: int, over: Over) -> None:
        self.begun.append(family)
        self.inside[family] = over
        self.most = max(self.most, len(self.inside))

    def until(self, arrived: int) -> None:
        """Wait until so many have come and all that can has begun."""
        while self.arrivals.arrived < arrived or self.agenda.running:
            gevent.sleep(0.001)

    def end(self, family: int) -> None:
        self.inside.pop(family)()


def how(load: Load) -> list[str]:
    """Say what became of each journey."""
    return [HOW[code] for code in load.journeys.how]


@given(st.integers(1, 12), st.integers(1, 5), st.randoms())
def test_no_more_than_the_limit_are_under_way_and_all_get_their_turn(families: int, limit: int, luck: object) -> None:
    """In whatever order journeys end, who waited longest is next, and nobody is forgotten."""
    load = Load([0.0] * families, limit)
    load.until(families)
    while load.inside:
        load.end(luck.choice(sorted(load.inside)))
        load.until(families)
    assert load.begun == list(range(families))
    assert load.most == min(limit, families)
    assert load.arrivals.over
    assert how(load) == ["finished"] * families
    load.agenda.stop(0.0)


def test_to_wait_for_a_place_counts_in_the_response_time() -> None:
    """The three times are apart: intended before started before finished."""
    load = Load([0.0, 0.0], 1)
    load.until(2)
    gevent.sleep(0.02)
    load.end(0)
    load.until(2)
    load.end(1)
    waited = load.journeys.started[1] - load.journeys.intended[1]
    assert waited >= 0.02
    assert load.journeys.finished[1] >= load.journeys.started[1] >= load.journeys.finished[0]
    load.agenda.stop(0.0)


def test_to_wait_for_a_place_is_no_delay_of_the_generator() -> None:
    """Each arrival is told once, by how late the generator got to it; who waits for a place is not told again."""
    told: list[float] = []
    load = Load([0.0, 0.0, 0.0], 1)
    load.arrivals.late = lambda due, delay: told.append(delay)
    load.until(3)
    gevent.sleep(0.05)
    for family in range(3):
        load.end(family)
        load.until(3)
    assert len(told) == 3
    assert load.journeys.started[2] - load.journeys.intended[2] >= min(told) + 0.04
    load.agenda.stop(0.0)


def test_who_finds_no_place_can_be_dropped_and_is_counted() -> None:
    """With `drop` nobody waits, and whoever is dropped is told of."""
    load = Load([0.0, 0.0, 0.0], 2, "drop")
    load.until(3)
    assert how(load) == ["cut", "cut", "dropped"]
    assert load.turned_away == [2]
    assert load.arrivals.dropped == 1
    load.end(0)
    load.end(1)
    assert load.arrivals.over
    assert load.begun == [0, 1]
    load.agenda.stop(0.0)


def test_who_was_under_way_is_cut_and_who_had_not_come_is_not_injected() -> None:
    """After a stop every journey of the schedule has one of five words."""
    load = Load([0.0, 0.0, 0.0, 3600.0], 2)
    load.until(3)
    load.agenda.halt()
    load.end(0)  # it came to its end while the load was stopping
    load.agenda.stop(0.0)
    assert how(load) == ["finished", "cut", "not injected", "not injected"]
    assert load.begun == [0, 1]


def test_a_journey_that_raises_has_failed_and_gives_its_place_back() -> None:
    """A fault in one journey holds up nobody."""
    load = Load([0.0, 0.0], 1)
    right = load.begin
    load.arrivals.begin = lambda family, over: right(family, over) if family else 1 / 0
    load.until(2)
    assert how(load) == ["failed", "cut"]
    assert load.begun == [1]
    load.agenda.stop(0.0)
