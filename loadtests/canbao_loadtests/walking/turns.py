"""Turns: what each step of a plan means in a load test.

A step means what `canbao.engines.simpy_engine` says, with the same luck, but for three things. A step that calls asks
the deployment, which decides how it ends. At stations that are no part of the deployment nobody queues. And a choice by
the length of queues sees none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from canbao import plan as p
from canbao.errors import EngineError
from canbao.plan import Draw
from canbao.trace import ENDINGS
from canbao_loadtests.walking.calling import Caller, Result, still_to_do
from canbao_loadtests.walking.choosing import chosen
from canbao_loadtests.walking.drawing import Drawn
from canbao_loadtests.walking.places import Member, Places
from canbao_loadtests.walking.route import Route
from canbao_loadtests.walking.walk import Application, Visit, Waits, Walk

__all__ = ["Course", "Turns"]

_SERVED, _ABANDONED, _BAULKED, _FULL, _CLOSED, _SENT_HOME, _INSIDE = range(len(ENDINGS))
_ENDED = {"done": _SERVED, "not ready": _FULL}
"""How a visit ends by how its calls did; all else is a page that the family leaves."""


class Course(Protocol):
    """The course of a load test, as steps see it; `canbao_loadtests.walking.walker.Walker` is it."""

    def moment(self) -> float:
        """Give the present moment."""
        ...

    def visit(self, walk: Walk, visit: Visit, /) -> None:
        """Write a visit down."""
        ...

    def wait(self, walk: Walk, until: float, then: int, waits: Waits, /) -> int | None:
        """Let a family wait; give the step at which it goes on if that is at once, else None."""
        ...

    def after(self, moment: float, seconds: float, /) -> float:
        """Give the moment that is so many real seconds after another one."""
        ...

    def stay(self, walk: Walk, waits: Waits, /) -> None:
        """Let a family wait for others."""
        ...

    def put_off(self, walk: Walk, result: Result, /) -> bool:
        """Let a family try the same step again later; False if it has done so often enough."""
        ...

    def keep(self, walk: Walk, /) -> None:
        """Write down where a family is."""
        ...

    def stand(self, walk: Walk, stands: Application, reason: str, /) -> None:
        """Say where an application stands."""
        ...

    def review(self, walk: Walk, /) -> None:
        """Let a family wait for the review."""
        ...

    def leave(self, walk: Walk, outcome: int, /) -> None:
        """Let a family go for good."""
        ...


class Turns:
    """Takes steps.

    Parameters
    ----------
    route
        The plan, as a load test walks it.
    drawn
        The luck of the families that come.
    caller
        Asks the deployment.
    places
        Batches and books of appointments.
    course
        What a step may ask for.
    """

    def __init__(self, route: Route, drawn: Drawn, caller: Caller, places: Places, course: Course) -> None:
        self._route, self._plan, self._value, self._places = route, route.plan, drawn.value, places
        self._caller, self._course = caller, course
        turns: dict[type, Callable[[Walk, Any], int | None]] = {
            p.VisitStep: self._visit,
            p.DelayStep: self._delay,
            p.AwaitStep: self._await,
            p.GatherStep: self._gather,
            p.AppointmentStep: self._appointment,
            p.CheckStep: self._check,
            p.BeforeStep: self._before,
            p.ChooseStep: self._choose,
            p.MarkStep: self._mark,
            p.MarkedStep: lambda walk, step: step.yes if step.mark in walk.marks else step.no,
            p.GoStep: lambda walk, step: step.then,
            p.ReturnStep: self._return,
            p.EndStep: lambda walk, step: course.leave(walk, step.outcome),
        }
        self._turns = [(turns[type(step)], step) for step in route.plan.steps]

    def take(self, walk: Walk) -> int | None:
        """Take the step at which a family is; give the next one, or None if it waits or has left."""
        turn, step = self._turns[walk.step]
        return turn(walk, step)

    # --- visits ---

    def _visit(self, walk: Walk, step: p.VisitStep) -> int | None:
        calls = self._route.calls[step.index]
        if not calls:
            return self._pass_by(walk, step)
        calls = still_to_do(walk, calls)
        if "submit" in calls:
            return self._hand_in(walk, step)
        return self._page(walk, step, calls) if calls else self._pass_by(walk, step)

    def _page(self, walk: Walk, step: p.VisitStep, calls: tuple[str, ...]) -> int:
        """Ask the deployment for a page, for as long as the family has patience.

        The visit begins at its moment of the scenario and lasts as long as it really took. What it took beyond the
        time of the request in the plan is its wait: how long the deployment worked on it cannot be seen from outside.
        """
        attempt = walk.attempt(step.index)
        patience_s = self._value(step.patience, walk.family, attempt)
        walk.moment = self._course.moment()
        result, took_s = self._caller.prepare(walk, calls, patience_s)
        if result.how == "done":
            if took_s:
                walk.moment = self._course.moment()  # what the plan takes for granted is no part of the visit
            result, took_s = self._caller.page(walk, calls, patience_s)
        ended, enter = _ENDED.get(result.how, _ABANDONED), walk.moment
        start = enter + max(0.0, took_s - self._value(step.service, walk.family, attempt))
        self._course.visit(
            walk, (attempt, step.index, enter, start if ended == _SERVED else math.nan, enter + took_s, ended)
        )
        walk.moment = self._course.moment()
        return step.exits[ended]

    def _pass_by(self, walk: Walk, step: p.VisitStep) -> int | None:
        """Be somewhere where the deployment is asked for nothing: without a queue, but not behind closed doors."""
        attempt, enter = walk.attempt(step.index), walk.moment
        deployed = self._route.deployed[step.station]
        if not deployed and not self._route.is_open(step.station, enter):
            self._course.visit(walk, (attempt, step.index, enter, math.nan, enter, _CLOSED))
            return step.exits[_CLOSED]
        service = self._value(step.service, walk.family, attempt)
        self._course.visit(walk, (attempt, step.index, enter, enter, enter + service, _SERVED))
        if not service:
            return step.exits[_SERVED]
        # Requests at the deployment's stations are told in real seconds.
        until = self._course.after(enter, service) if deployed else enter + service
        return self._course.wait(walk, until, step.exits[_SERVED], "page")

    def _hand_in(self, walk: Walk, step: p.VisitStep) -> int | None:
        """Hand the application in; from then on the deployment has it."""
        enter = self._course.moment()
        result = self._deed(walk, ("submit",))
        if result is None:
            return None
        attempt = walk.attempt(step.index)
        if result.how == "done":
            walk.rounds += 1
            walk.done.discard("submit")
            walk.intake = (attempt, step.index, enter)
            self._course.review(walk)
            return None
        if not walk.rounds:
            self._course.stand(walk, "refused" if result.refused else "unanswered", result.reason or result.how)
        self._course.visit(walk, (attempt, step.index, enter, math.nan, walk.moment, _ABANDONED))
        return self._onward(walk, step.exits[_ABANDONED])

    def _deed(self, walk: Walk, calls: tuple[str, ...]) -> Result | None:
        """Do what must not be done twice; None if it got no answer and is put off."""
        calls = still_to_do(walk, calls)
        result, _ = self._caller.prepare(walk, calls, math.inf)
        if result.how == "done":
            result, _ = self._caller.page(walk, calls, math.inf)
        walk.moment = self._course.moment()
        if result.how != "done" and not result.refused and self._course.put_off(walk, result):
            return None
        walk.tries = 0
        return result

    def _onward(self, walk: Walk, step: int) -> int:
        """Go on behind a deed: only with its next step is it written down as done, else it would be done again."""
        walk.step = step
        self._course.keep(walk)
        return step

    # --- other steps that take time ---

    def _delay(self, walk: Walk, step: p.DelayStep) -> int | None:
        amount = self._value(step.duration, walk.family, walk.attempt(step.index))
        walk.trips += step.trip
        if step.unit == "time":
            end = walk.moment + amount
        elif step.unit == "open time":
            end = self._plan.calendars[step.calendar].add_open_s(walk.moment, amount)
        else:
            end = self._plan.calendars[step.calendar].add_days(walk.moment, amount)
        if step.effort:
            walk.effort_s += min(end, self._plan.until) - walk.moment
        return self._course.wait(walk, end, step.then, "page" if step.effort and not step.trip else "time")

    def _await(self, walk: Walk, step: p.AwaitStep) -> int | None:
        calendar, attempt = self._plan.calendars[step.calendar], walk.attempt(step.index)
        if step.day == 0 and calendar.is_open(walk.moment):
            return step.then
        end = calendar.moment_in(step.day, walk.moment, self._value(step.at, walk.family, attempt))
        return self._course.wait(walk, end, step.then, "time")

    def _gather(self, walk: Walk, step: p.GatherStep) -> None:
        self._course.stay(walk, "batch")
        self._places.join(step.batch, Member(walk, step.index, walk.moment, step.then))

    def _appointment(self, walk: Walk, step: p.AppointmentStep) -> int | None:
        lead = self._value(step.lead, walk.family, walk.attempt(step.index))
        time = self._places.book(step.book, walk.moment + lead)
        return step.none_left if time is None else self._course.wait(walk, time, step.then, "time")

    # --- steps that decide ---

    def _check(self, walk: Walk, step: p.CheckStep) -> int | None:
        if calls := self._route.calls[step.index]:
            result = self._deed(walk, calls)
            if result is None:
                return None
            walk.attempt(step.index)
            return self._onward(walk, self._checked(walk, step, result.how == "done"))
        attempt = walk.attempt(step.index)
        luck = self._value(step.luck, walk.family, attempt)
        return self._checked(walk, step, luck < self._value(step.probability, walk.family, attempt))

    def _checked(self, walk: Walk, step: p.CheckStep, passes: bool) -> int:
        if passes:
            return step.passed
        failures = walk.failures[step.index] = walk.failures.get(step.index, 0) + 1
        return step.failed if failures <= step.limit else step.exceeded

    def _before(self, walk: Walk, step: p.BeforeStep) -> int:
        return step.then if walk.moment <= self._value(step.deadline, walk.family, 0) else step.late

    def _choose(self, walk: Walk, step: p.ChooseStep) -> int:
        attempt = walk.attempt(step.index)

        def value(draw: Draw) -> float:
            return self._value(draw, walk.family, attempt)

        return chosen(step, walk.channel, value, self._plan)

    def _mark(self, walk: Walk, step: p.MarkStep) -> int | None:
        """Mark an event, if the deployment has done what it takes."""
        calls = self._route.calls[step.index]
        if calls and not (step.first and step.mark in walk.marks):
            result = self._deed(walk, calls)
            if result is None:
                return None
            if result.how == "done":
                walk.marks[step.mark] = walk.moment
            return self._onward(walk, step.then)
        if step.clear:
            walk.marks.pop(step.mark, None)
        elif not step.first or step.mark not in walk.marks:
            walk.marks[step.mark] = walk.moment
        return step.then

    def _return(self, walk: Walk, step: p.ReturnStep) -> int:
        if walk.channel < 0:
            name = self._plan.step_names[step.index]
            raise EngineError(f"step {name!r} returns to a channel, but the family has used none")
        return step.entries[walk.channel]
