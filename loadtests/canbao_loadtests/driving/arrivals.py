"""Open arrivals: each family begins its journey when the schedule says so, however busy the deployment is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, Protocol, TypeAlias

from canbao_loadtests.driving.agenda import Agenda
from canbao_loadtests.driving.recorder import Journeys

__all__ = ["Arrivals", "Begin", "Over"]


class Over(Protocol):
    """What is called when a journey is over."""

    def __call__(self, *, failed: bool = False) -> None:
        """Say that it is over, and whether it failed."""
        ...


Begin: TypeAlias = Callable[[int, Over], object]


@dataclass(eq=False)
class Arrivals:
    """Begins the journeys of a schedule at their times.

    Parameters
    ----------
    agenda
        What is due when.
    journeys
        The schedule, and where the three times of each journey go.
    begin
        Takes a family through its journey, and calls what it is given besides when that is over, once:
        `over()` or `over(failed=True)`. It may come back before that.
    limit
        The most journeys that may be under way at once.
    when_full
        Whether a family that comes then waits for its turn, which counts in its response time, or is dropped.
    late
        Is told of each arrival when it was due and how many seconds later the generator got to it. To wait for a place
        is no fault of the generator's and does not count.
    turn_away
        Is told who is dropped.
    """

    agenda: Agenda
    journeys: Journeys
    begin: Begin
    limit: int = 1_000
    when_full: Literal["queue", "drop"] = "queue"
    late: Callable[[float, float], object] = lambda due, delay: None
    turn_away: Callable[[int], object] = lambda family: None
    under_way: int = 0
    arrived: int = 0
    finished: int = 0
    dropped: int = 0
    _queue: deque[int] = field(default_factory=deque)

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._queue)

    @property
    def over(self) -> bool:
        """Whether all have come and gone."""
        return self.arrived == len(self.journeys.schedule) and not self.under_way and not self._queue

    def start(self) -> None:
        """Put the first arrival on the agenda; each calls the next."""
        if self.arrived < len(self.journeys.schedule):
            self.agenda.at(float(self.journeys.intended[self.arrived]), self._arrive, waits=False)

    def _arrive(self) -> None:
        """Let in who has come."""
        number = self.arrived
        self.arrived += 1
        self.start()
        if self.under_way < self.limit:
            self._let_in(number, self._begin_on_time)
            return
        due = float(self.journeys.intended[number])
        self.late(due, self.agenda.time() - due)
        if self.when_full == "drop":
            self.dropped += 1
            self.journeys.drop(number)
            self.turn_away(int(self.journeys.schedule.families[number]))
        else:
            self._queue.append(number)

    def _let_in(self, number: int, begin: Callable[[int], None]) -> None:
        self.under_way += 1
        self.agenda.run(lambda: begin(number))

    def _begin_on_time(self, number: int) -> None:
        due = float(self.journeys.intended[number])
        self.late(due, self.agenda.time() - due)
        self._begin(number)

    def _begin(self, number: int) -> None:
        self.journeys.start(number, self.agenda.time())
        over = partial(self._over, number)
        try:
            self.begin(int(self.journeys.schedule.families[number]), over)
        except Exception:
            over(failed=True)
            raise  # the agenda counts it

    def _over(self, number: int, *, failed: bool = False) -> None:
        """Take note that a journey is over, and let in who has waited longest."""
        self.journeys.finish(number, self.agenda.time(), failed=failed)
        self.under_way -= 1
        self.finished += 1
        if self._queue and not self.agenda.stopped:
            self._let_in(self._queue.popleft(), self._begin)
