"""Deadlines: after some seconds a greenlet gets an error, wherever it waits; one timer of the loop for all of them.

A request has two, its own and that of the family's patience, and hardly any is ever reached. A `gevent.Timeout` makes
a timer of the loop each time, for 7 µs of a core. To set one of these and to clear it takes 1: those that are open are
a set, and looked through when the timer rings.
"""

from __future__ import annotations

from math import inf
from time import monotonic
from typing import Any

import greenlet
from gevent.hub import get_hub

__all__ = ["Deadline", "Deadlines"]


class Deadline:
    """One of them, until it is reached or cleared; as a context it is cleared at its end."""

    __slots__ = ("_open", "due", "error", "kind", "waiting")

    def __init__(self, among: set[Deadline], due: float, kind: type[BaseException]) -> None:
        self._open, self.due, self.kind = among, due, kind
        self.waiting = greenlet.getcurrent()
        self.error: BaseException | None = None
        """What was raised when it was reached."""

    def clear(self) -> None:
        """Let it never be reached; more often than once does no harm."""
        self._open.discard(self)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *raised: object) -> None:
        self._open.discard(self)


class Deadlines:
    """All deadlines of the greenlets of one loop."""

    def __init__(self) -> None:
        self._open: set[Deadline] = set()
        self._timer: Any = None
        self._rings_at = inf

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def set(self, seconds: float, kind: type[BaseException]) -> Deadline:
        """Have an error of a kind raised in this greenlet after some real seconds."""
        due = monotonic() + seconds
        deadline = Deadline(self._open, due, kind)
        self._open.add(deadline)
        if due < self._rings_at:
            self._arm(due)
        return deadline

    def _arm(self, due: float) -> None:
        loop = get_hub().loop
        if self._timer is not None:
            self._timer.close()
        self._rings_at = due
        loop.update_now()  # the time that the loop keeps is old after work that held it
        self._timer = loop.timer(max(due - monotonic(), 0.0))
        self._timer.start(self._ring)

    def _ring(self) -> None:
        """Reach what is due; to ring early, or for one that was cleared meanwhile, does no harm."""
        self._rings_at, now = inf, monotonic()
        for deadline in sorted((one for one in self._open if one.due <= now), key=lambda one: one.due):
            if deadline in self._open:  # else the one before has cleared it
                self._open.discard(deadline)
                deadline.error = deadline.kind()
                deadline.waiting.throw(deadline.error)
        first = min((one.due for one in self._open), default=inf)
        if first < self._rings_at:
            self._arm(first)
