"""What surrounds families that walk: time, the agenda, the journal, and whom they ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import gevent

from canbao.calendar import Horizon
from canbao_loadtests.clock import LoadClock
from canbao_loadtests.http.deadlines import Deadlines
from canbao_loadtests.http.messages import Browser
from canbao_loadtests.targets.target import Target
from canbao_loadtests.walking.pace import Pace, patience
from canbao_loadtests.walking.walk import Walk

__all__ = ["Agenda", "Deployment", "Families", "Surroundings"]


class Agenda(Protocol):
    """What is due when; `canbao_loadtests.driving.agenda.Agenda` is one."""

    def at(self, due: float, work: Callable[[], object], /) -> None:
        """Have work done at a real time, in a greenlet of its own."""
        ...


class Families(Protocol):
    """What canbao supplies for each family; `canbao_loadtests.applicants.Applicants` is one."""

    def of(self, family: int, /) -> Mapping[str, Any]:
        """Give what a family tells a deployment, by name."""
        ...

    def paper(self, name: str, /) -> tuple[bytes, str, str]:
        """Give a picture of a paper, its content type, and a name for its file."""
        ...


@dataclass(frozen=True)
class Deployment:
    """Who is asked, and how.

    Parameters
    ----------
    target
        The deployment.
    families
        What canbao supplies.
    open_browser
        Gives a family its browser: `walk.cookies` are the cookies to begin with, `walk.doing` is the call that is under
        way, and where `walk.waits` is `review` it only asks how the application stands.
    run
        Makes idempotency keys different from those of other runs.
    """

    target: Target
    families: Families
    open_browser: Callable[[Walk], Browser]
    run: str = "load"


def _forget(walk: Walk) -> None:
    """Keep no journal."""
    walk.visits.clear()
    walk.counted.clear()


@dataclass(frozen=True)
class Surroundings:
    """Time, and where things are put.

    Parameters
    ----------
    clock
        Real time and the scenario's.
    agenda
        Does things at real times.
    now, sleep
        The real time in seconds since 1970, and how to wait.
    until
        The moment of the scenario at which nothing more begins.
    pace
        Waits and limits, in real seconds.
    limit
        Ends a wait after some real seconds with an OutOfPatienceError.
    keep
        Writes a walk into the journal.
    horizon
        The dates of the scenario, to read those that a deployment tells.
    session_over
        Is told once of each family that its first session is over: it has handed in, has left, or waits for longer
        than a family looks at a page.
    """

    clock: LoadClock
    agenda: Agenda
    now: Callable[[], float]
    until: float
    sleep: Callable[[float], object] = gevent.sleep
    pace: Pace = field(default_factory=Pace)
    limit: Callable[[float], AbstractContextManager[None]] = field(default_factory=lambda: patience(Deadlines()))
    keep: Callable[[Walk], object] = _forget
    horizon: Horizon | None = None
    session_over: Callable[[Walk], object] = lambda walk: None

    def moment(self) -> float:
        """Give the present moment of the scenario."""
        return self.clock.moment(self.now())

    def at(self, moment: float, work: Callable[[], object]) -> None:
        """Have something done at a moment of the scenario, if that is before the end."""
        if moment < self.until:
            self.agenda.at(self.clock.real(moment), work)

    def later(self, seconds: float, work: Callable[[], object]) -> None:
        """Have something done so many real seconds from now, if that is before the end."""
        self.at(self.clock.moment(self.now() + seconds), work)
