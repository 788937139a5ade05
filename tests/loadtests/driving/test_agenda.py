"""The agenda: what is due when."""

from __future__ import annotations

import time
from collections.abc import Iterator

import gevent
import pytest
from gevent.event import Event

from canbao_loadtests.driving.agenda import Agenda, steady_time
from canbao_loadtests.driving.alarm import Alarm


@pytest.fixture
def agenda() -> Iterator[Agenda]:
    """Give one that is ended after the test."""
    found = Agenda(steady_time())
    yield found
    found.stop(0.0)


def test_work_begins_when_it_is_due_and_in_that_order(agenda: Agenda) -> None:
    """Nothing begins before its time, whatever the order in which it was put down."""
    begun: list[tuple[float, float]] = []
    start = agenda.time()
    dues = [start + offset for offset in (0.03, 0.01, 0.02, 0.0, 0.02)]
    all_done = Event()

    def work(due: float) -> None:
        begun.append((due, agenda.time()))
        if len(begun) == len(dues):
            all_done.set()

    for due in dues:
        agenda.at(due, lambda due=due: work(due))
    agenda.start()
    assert all_done.wait(10)
    assert [due for due, _ in begun] == sorted(dues)
    assert all(now >= due for due, now in begun)


def test_what_is_earlier_than_all_others_is_not_overslept(agenda: Agenda) -> None:
    """The dispatcher sleeps until the next entry, and wakes when an earlier one comes."""
    done = Event()
    agenda.at(agenda.time() + 3600, lambda: None)
    agenda.start()
    gevent.sleep(0)  # it sleeps now
    agenda.at(agenda.time() + 0.001, done.set)
    assert done.wait(10)
    assert len(agenda) == 1


def test_work_that_waits_does_not_hold_up_other_work(agenda: Agenda) -> None:
    """Each has a greenlet of its own."""
    gate, through = Event(), Event()
    agenda.at(0.0, gate.wait)
    agenda.at(0.0, through.set)
    agenda.start()
    assert through.wait(10)
    assert agenda.running == 1
    gate.set()


def test_how_late_work_began_is_told(agenda: Agenda) -> None:
    """Work that holds the loop makes what is due meanwhile late, by as much."""
    told: list[float] = []
    agenda.late = lambda due, delay: told.append(delay)
    done = Event()
    now = agenda.time()
    agenda.at(now, lambda: time.sleep(0.1))
    agenda.at(now + 0.02, done.set)
    agenda.start()
    assert done.wait(10)
    assert told[1] >= 0.07


def test_what_is_put_down_for_the_past_is_not_late_by_that(agenda: Agenda) -> None:
    """Late is only who begins later than was possible."""
    told: list[float] = []
    agenda.late = lambda due, delay: told.append(delay)
    done = Event()
    agenda.at(agenda.time() - 1000.0, done.set)
    agenda.start()
    assert done.wait(10)
    assert 0.0 <= told[0] < 100.0


def test_after_a_halt_nothing_begins(agenda: Agenda) -> None:
    """What is at work goes on, what is due stays."""
    begun: list[int] = []
    gate, finished = Event(), Event()

    def long() -> None:
        gate.wait()
        finished.set()

    agenda.at(0.0, long)
    agenda.start()
    gevent.sleep(0)
    agenda.at(agenda.time(), lambda: begun.append(1))
    agenda.halt()
    gate.set()
    assert agenda.stop(10.0) == 0
    assert finished.is_set()
    assert not begun


def test_what_does_not_finish_in_time_is_ended_and_counted(agenda: Agenda) -> None:
    """`stop` waits for so long and no longer."""
    never, cleaned = Event(), Event()

    def long() -> None:
        try:
            never.wait()
        finally:
            cleaned.set()

    for _ in range(3):
        agenda.run(long)
    gevent.sleep(0)
    assert agenda.stop(0.01) == 3
    assert cleaned.is_set()
    assert agenda.running == 0


def test_an_exception_of_work_is_kept_and_ends_nothing_else(agenda: Agenda) -> None:
    """The agenda counts what was raised and goes on."""
    done = Event()

    def wrong() -> None:
        raise ValueError("no such thing")

    agenda.at(0.0, wrong)
    agenda.at(0.0, wrong, waits=False)
    agenda.at(0.0, done.set)
    agenda.start()
    assert done.wait(10)
    assert agenda.failures == {"ValueError: no such thing": 2}
    assert isinstance(agenda.failure, ValueError)


@pytest.mark.parametrize("precise", [True, False])
def test_an_alarm_rings_once_and_not_before_its_time(precise: bool) -> None:
    """It can be set anew, sooner or later; what it was set to before is forgotten."""
    rung: list[float] = []
    heard = Event()
    clock = steady_time()

    def ring() -> None:
        rung.append(clock())
        heard.set()

    alarm = Alarm(ring, precise=precise)
    alarm.set(3600.0)
    time.sleep(0.05)  # the loop's own idea of the time is old now
    before = clock()
    alarm.set(0.02)
    assert heard.wait(10)
    assert rung[0] >= before + 0.019
    heard.clear()
    alarm.set(0.01)
    alarm.set(3600.0)
    alarm.set(0.0)
    assert heard.wait(10)
    alarm.close()
    assert len(rung) == 2


def test_a_steady_clock_shows_the_time_of_day() -> None:
    """It agrees with time.time() and never goes back."""
    clock = steady_time()
    times = [clock() for _ in range(100)]
    assert times == sorted(times)
    assert abs(times[-1] - time.time()) < 1.0
