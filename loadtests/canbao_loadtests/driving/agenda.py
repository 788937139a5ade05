"""The agenda of a load test: what is due when, and one greenlet that starts it then.

Thousands of families who wait for a day to pass are entries here and no greenlets. The dispatcher sleeps until the next
entry is due and starts it in a greenlet of its own; how late that was is recorded, since a load generator that falls
behind measures itself.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import gevent
from gevent.event import Event
from gevent.hub import get_hub

from canbao_loadtests.driving.alarm import Alarm

__all__ = ["Agenda", "Work", "steady_time"]

Work: TypeAlias = Callable[[], object]

_Entry: TypeAlias = tuple[float, int, float, Work, bool]
"""When it is due, its number, when it could start at the earliest, the work, whether the dispatcher does it itself."""

_AT_ONCE = 64
"""So many entries are started before those already started get their turn."""


def steady_time() -> Callable[[], float]:
    """Give a clock that shows seconds since 1970 and is not set back or forth while the load test runs."""
    steady = time.monotonic
    offset = time.time() - steady()
    return lambda: steady() + offset


@dataclass(eq=False)
class Agenda:
    """What is due when.

    Parameters
    ----------
    time
        The clock: seconds since 1970.
    late
        Is told of each entry when it was due and how many seconds later its work began.
    """

    time: Callable[[], float] = time.time
    late: Callable[[float, float], object] = lambda due, delay: None
    failures: Counter[str] = field(default_factory=Counter)
    """Exceptions that work has raised, by what they said."""
    failure: BaseException | None = None
    """The first of them."""
    stopped: bool = False
    _entries: list[_Entry] = field(default_factory=list)
    _serial: itertools.count[int] = field(default_factory=itertools.count)
    _running: set[gevent.Greenlet[..., None]] = field(default_factory=set)
    _wake: Event = field(default_factory=Event)
    _dispatcher: gevent.Greenlet[[], None] | None = None

    def __len__(self) -> int:
        """How many entries are not yet due."""
        return len(self._entries)

    @property
    def running(self) -> int:
        """How many greenlets are at work."""
        return len(self._running)

    def at(self, due: float, work: Work, *, waits: bool = True) -> None:
        """Have work done at a time.

        Parameters
        ----------
        due
            The real time, in seconds since 1970; at once if it has passed.
        work
            What is done; its answer is not looked at.
        waits
            Whether it may wait for something, and so needs a greenlet. What does not is done by the dispatcher.
        """
        entry = (due, next(self._serial), max(due, self.time()), work, waits)
        heapq.heappush(self._entries, entry)
        if self._entries[0] is entry:
            self._wake.set()

    def run(self, work: Work) -> None:
        """Have work done now, in a greenlet of its own."""
        self._running.add(gevent.spawn(self._work, work))

    def start(self) -> None:
        """Begin; what is already due starts at once."""
        self._dispatcher = gevent.spawn(self._dispatch)

    def halt(self) -> None:
        """Start nothing more; what is at work goes on."""
        self.stopped = True
        self._wake.set()

    def stop(self, drain_s: float) -> int:
        """Start nothing more, and wait for what is at work.

        Parameters
        ----------
        drain_s
            Seconds after which what is still at work is ended.

        Returns
        -------
        How many were ended.
        """
        self.halt()
        me = gevent.getcurrent()
        others = [greenlet for greenlet in self._running if greenlet is not me]
        get_hub().loop.update_now()
        gevent.joinall(others, timeout=drain_s)
        left = [greenlet for greenlet in others if not greenlet.dead]
        gevent.killall(left, timeout=1.0)
        self._running.difference_update(others)
        return len(left)

    def end(self) -> None:
        """End what is at work, now."""
        gevent.killall(list(self._running), block=False)

    def _dispatch(self) -> None:
        alarm, started = Alarm(self._wake.set), 0
        while not self.stopped:
            wait = self._entries[0][0] - self.time() if self._entries else math.inf
            if wait > 0.0:
                self._sleep(alarm, wait)
                started = 0
                continue
            self._start(heapq.heappop(self._entries))
            started += 1
            if started % _AT_ONCE == 0:
                gevent.sleep(0)
        alarm.close()

    def _sleep(self, alarm: Alarm, seconds: float) -> None:
        """Sleep until the alarm rings or something earlier comes; to wake too early does no harm."""
        self._wake.clear()
        if seconds < math.inf:
            alarm.set(seconds)
        self._wake.wait()

    def _start(self, entry: _Entry) -> None:
        due, _, earliest, work, waits = entry
        if waits:
            self._running.add(gevent.spawn(self._on_time, due, earliest, work))
        else:
            self._work(work)

    def _on_time(self, due: float, earliest: float, work: Work) -> None:
        self.late(due, self.time() - earliest)
        self._work(work)

    def _work(self, work: Work) -> None:
        try:
            work()
        except Exception as error:
            self.failures[f"{type(error).__name__}: {error}"] += 1
            self.failure = self.failure or error
        finally:
            self._running.discard(gevent.getcurrent())
