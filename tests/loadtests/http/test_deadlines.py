"""Deadlines: who waits longer than it may gets an error, and nobody else."""

from __future__ import annotations

import gevent
import pytest
from gevent.event import Event

from canbao_loadtests.http.deadlines import Deadlines


class LateError(Exception):
    """It took too long."""


class LaterError(Exception):
    """It took far too long."""


def test_who_waits_too_long_gets_the_error_and_nobody_else() -> None:
    """Of two hundred that wait side by side those are interrupted whose deadline comes first, as if alone."""
    deadlines, over = Deadlines(), Event()

    def wait(number: int) -> bool:
        try:
            with deadlines.set(0.02 + 0.0005 * (number * 37 % 200) if number % 2 else 60.0, LateError):
                over.wait()
        except LateError:
            return True
        return False

    waiting = [gevent.spawn(wait, number) for number in range(200)]
    gevent.joinall([one for number, one in enumerate(waiting) if number % 2], timeout=10)
    over.set()
    gevent.joinall(waiting, timeout=10)
    assert [one.value for one in waiting] == [bool(number % 2) for number in range(200)]
    assert len(deadlines) == 0


def test_the_nearer_of_two_comes_first_whichever_was_set_first() -> None:
    """A request's within a family's patience and the other way round."""
    deadlines = Deadlines()
    for outer, inner in ((0.01, 30.0), (30.0, 0.01)):
        nearer = LateError if outer < inner else LaterError
        with pytest.raises(nearer), deadlines.set(outer, LateError), deadlines.set(inner, LaterError):
            Event().wait(10)
    assert len(deadlines) == 0


def test_the_error_is_that_of_its_deadline() -> None:
    """Whoever catches an error can tell whether it was its own."""
    deadlines = Deadlines()
    deadline = deadlines.set(0.0, LateError)
    with pytest.raises(LateError) as raised:
        Event().wait(10)
    assert deadline.error is raised.value
    deadline.clear()


def test_one_that_clears_another_spares_it() -> None:
    """Two are due at the same time; who is interrupted first clears the other's."""
    deadlines, interrupted = Deadlines(), []
    mine = []

    def wait(name: str) -> None:
        mine.append(deadlines.set(0.01, LateError))
        try:
            Event().wait(0.1)
        except LateError:
            interrupted.append(name)
            for one in mine:
                one.clear()

    both = [gevent.spawn(wait, name) for name in "ab"]
    gevent.idle()
    mine[1].due = mine[0].due
    gevent.joinall(both, timeout=10)
    assert len(interrupted) == 1
    assert len(deadlines) == 0


def test_a_deadline_in_the_past_is_reached_at_the_next_wait() -> None:
    """Zero seconds, or fewer."""
    deadlines = Deadlines()
    for seconds in (0.0, -1.0):
        with pytest.raises(LateError), deadlines.set(seconds, LateError):
            Event().wait(10)
