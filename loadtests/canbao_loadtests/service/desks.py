"""The desks of the review and their clerks, in moments of the scenario and with no clock, database or network about.

Events are worked off in the order of time up to a moment that is asked for. So it makes no difference how late a timer
rings: a clerk who was done at noon takes the next application at noon, and what he gets through in a day depends on his
hours and his speed alone, even if a day lasts a second.

A clerk finishes what is in hand when the desk closes, as in the simulation.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from canbao_loadtests.service.enrolment.review import Ruling
from canbao_loadtests.service.models import NEEDED, Desk
from canbao_loadtests.service.rules import Rules

__all__ = ["Desks", "Done", "Task"]

_FINISH, _STAFF, _ARRIVAL = range(3)
"""What happens at one moment, in this order, as in the simulator: who is done as the desk closes takes one more."""


class Task(NamedTuple):
    """An application at a desk; tasks are done in this order."""

    priority: int
    since: float
    application: int
    round: int


class Done(NamedTuple):
    """A task that was done."""

    desk: Desk
    task: Task
    started: float
    decided: float
    ruling: Ruling


class _Event(NamedTuple):
    """Something that happens; `order` keeps the order of what happens at one moment."""

    moment: float
    kind: int
    order: int
    desk: Desk
    task: Task | None
    extra: float
    """Of a finish, when the task was begun; of a change of staff, how many are on duty then."""


class _Counter:
    """One desk: who waits, how many clerks are at work, how many are on duty."""

    def __init__(self, desk: Desk, rules: Rules, start: float) -> None:
        servers = rules.openings[desk].servers
        self.service = rules.stage(desk).service.build()
        self.onward = {Desk.ACCEPTANCE: Desk.FIRST, Desk.FIRST: Desk.SECOND}.get(desk)
        self.on_duty = servers.at(start)
        self.changes = [change for change in servers.changes() if change[0] > start]
        self.waiting: list[Task] = []
        self.busy = 0


class Desks:
    """All desks.

    Parameters
    ----------
    rules
        Their hours, their clerks and what these find.
    start
        The moment at which they begin, in seconds of the scenario.
    """

    def __init__(self, rules: Rules, start: float) -> None:
        self._rules = rules
        self._moment = start
        self._counters = {desk: _Counter(desk, rules, start) for desk in Desk}
        self._count = 0
        self._events: list[_Event] = []
        for desk, counter in self._counters.items():
            for moment, on_duty in counter.changes:
                self._put(moment, _STAFF, desk, extra=on_duty)

    def add(self, desk: Desk, task: Task) -> None:
        """Put an application at a desk."""
        self._put(task.since, _ARRIVAL, desk, task)

    @property
    def next_event(self) -> float:
        """The moment at which something happens next; inf if nothing does."""
        return self._events[0].moment if self._events else math.inf

    def advance(self, moment: float) -> list[Done]:
        """Work on until a moment, and give what was done, in the order in which it was."""
        done: list[Done] = []
        while self._events and self._events[0].moment <= moment:
            event = heapq.heappop(self._events)
            # What is heard of too late begins now: what was told already stays as it was.
            self._moment = max(self._moment, event.moment)
            counter = self._counters[event.desk]
            if event.task is None:
                counter.on_duty = event.extra
            elif event.kind == _ARRIVAL:
                heapq.heappush(counter.waiting, event.task)
            else:
                counter.busy -= 1
                done.append(self._decide(event.desk, event.task, event.extra, event.moment))
            self._begin(event.desk, counter)
        return done

    def _put(self, moment: float, kind: int, desk: Desk, task: Task | None = None, extra: float = 0.0) -> None:
        self._count += 1
        heapq.heappush(self._events, _Event(moment, kind, self._count, desk, task, extra))

    def _begin(self, desk: Desk, counter: _Counter) -> None:
        """Let clerks who are free take what waits."""
        while counter.waiting and counter.busy < counter.on_duty:
            task = heapq.heappop(counter.waiting)
            counter.busy += 1
            luck = self._rules.luck.uniform(f"service.{desk}.time", task.application, task.round)
            takes = float(counter.service.ppf(np.array([luck]))[0])
            self._put(self._moment + takes, _FINISH, desk, task, self._moment)

    def _decide(self, desk: Desk, task: Task, started: float, decided: float) -> Done:
        ruling = _ruling(self._rules, desk, task)
        onward = self._counters[desk].onward
        if ruling.verdict == "pass" and onward is not None:
            # At once, as in the simulation: before anything else that happens at this moment.
            heapq.heappush(self._counters[onward].waiting, task._replace(since=decided))
            self._begin(onward, self._counters[onward])
        return Done(desk, task, started, decided, ruling)


def _ruling(rules: Rules, desk: Desk, task: Task) -> Ruling:
    """Say what a clerk finds: as often as the scenario says, by luck of the application and its round."""
    share, fault = {
        Desk.ACCEPTANCE: (rules.review.incomplete, "incomplete papers"),
        Desk.FIRST: (rules.review.mismatch, "data mismatch"),
        Desk.SECOND: (rules.review.refused, "refused"),
    }[desk]
    if not rules.happens(f"{desk}.fault", share, task.application, task.round):
        return Ruling("pass")
    return Ruling("return", [{"fault": fault, "about": about} for about in _about(rules, desk, task)])


def _about(rules: Rules, desk: Desk, task: Task) -> Sequence[str]:
    """Say what is wrong, all of it: one paper in three, and one at least, where papers are incomplete."""
    if desk != Desk.ACCEPTANCE:
        return ("child",)
    wrong = [kind for kind in NEEDED if rules.happens(f"paper.{kind}", 1 / 3, task.application, task.round)]
    return [f"{kind}: illegible" for kind in wrong or NEEDED[:1]]
