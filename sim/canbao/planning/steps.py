"""Steps: from the words of a journey to numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, SupportsFloat

import numpy as np

from canbao import network as words
from canbao import plan as numbers
from canbao.arrays import FloatArray
from canbao.columns import numbers_of
from canbao.distributions import Uniform
from canbao.plan import Draw, PlanStep
from canbao.planning.names import Scope

__all__ = ["resolve"]


@dataclass(frozen=True)
class Here:
    """The step that is being resolved, and what its names mean."""

    place: int
    scope: Scope

    @property
    def name(self) -> str:
        return self.scope.names[self.place]

    def to(self, label: str | None, otherwise: str = "") -> int:
        """Give the step of an exit; without a label the next step, or the end of that outcome."""
        if label is None and not otherwise:
            return self.place + 1
        journey = self.name.partition("/")[0]
        return self.scope.target(label if label is not None else f"\0{otherwise}", self.name, journey)

    def draw(self, quantity: words.Quantity, purpose: str, *, signed: bool = False) -> Draw:
        """Give the quantity as a draw whose luck is named after this step."""
        luck = f"{self.name}:{purpose}"
        if isinstance(quantity, str):
            return Draw(luck, column=self._column(quantity), by=quantity, signed=signed)
        if isinstance(quantity, words.Scaled):
            column = self._column(quantity.by)
            return Draw(luck, column=column, by=quantity.by, distribution=quantity.distribution, signed=signed)
        if hasattr(quantity, "ppf"):
            return Draw(luck, distribution=quantity, signed=signed)
        # Most quantities are plain numbers, and to look into a protocol takes longer than all the rest here.
        if not isinstance(quantity, float | int) and not isinstance(quantity, SupportsFloat):
            self.need(False, f"{purpose} must be a number, a column or a distribution", quantity)
            return Draw(luck, signed=signed)
        value = float(quantity)
        self.need(not math.isnan(value) and (value >= 0 or signed), f"{purpose} must be a number >= 0", value)
        return Draw(luck, value, signed=signed)

    def share(self, quantity: words.Quantity, purpose: str) -> Draw:
        """Give a quantity that must not be above 1, either."""
        draw = self.draw(quantity, purpose)
        self.need(not draw.value > 1, f"{purpose} must be a number from 0 to 1", draw.value)
        return draw

    def need(self, fits: bool, what: str, given: object) -> None:
        self.scope.need(fits, f"{self.name}: {what}", given)

    def one_of(self, allowed: Sequence[object], given: object, what: str) -> None:
        self.scope.one_of(allowed, given, f"{self.name}: {what}")

    def shared(self, draw: Draw, luck: str) -> Draw:
        """Name the luck of a draw as the step asks for."""
        return replace(draw, purpose=luck) if luck else draw

    def uniform(self, luck: str) -> Draw:
        return self.shared(Draw(f"{self.name}:luck", distribution=Uniform(0.0, 1.0)), luck)

    def _column(self, name: str) -> FloatArray:
        if name not in self.scope.columns:
            self.scope.unknown("column", name, self.scope.columns, self.name)
            return np.zeros(0)
        return np.asarray(numbers_of(self.scope.columns[name]), dtype=np.float64)

    def mark(self, event: str) -> int:
        return self.scope.mark(event, self.name)

    def calendar(self, name: str) -> int:
        return self.scope.look_up("calendar", name, self.name, self.scope.calendars)


def resolve(step: words.Step, place: int, scope: Scope) -> PlanStep:
    """Give a step in numbers; what its names mean is said by the scope."""
    resolved: PlanStep = _RESOLVERS[type(step)](step, Here(place, scope))
    return resolved


def _visit(step: words.Visit, here: Here) -> PlanStep:
    return numbers.VisitStep(
        index=here.place,
        station=here.scope.look_up("station", step.station, here.name, here.scope.stations),
        service=here.shared(here.draw(step.service, "service"), step.luck),
        patience=here.draw(step.patience, "patience"),
        baulk_at=here.draw(step.baulk_at, "baulk at"),
        priority=here.draw(step.priority, "priority", signed=True),
        exits=(
            here.to(step.served),
            here.to(step.abandoned, "abandoned"),
            here.to(step.baulked, "baulked"),
            here.to(step.full, "full"),
            closed := here.to(step.closed, "closed"),
            closed,
        ),
        calls=tuple(step.calls),
    )


def _delay(step: words.Delay, here: Here) -> PlanStep:
    here.one_of(("time", "open time", "working days"), step.unit, "the unit of a delay")
    if step.unit in ("open time", "working days") and not step.calendar:
        here.scope.faults.append(f"{here.name}: a delay in {step.unit} needs a calendar")
    calendar = here.calendar(step.calendar) if step.calendar else -1
    duration = here.draw(step.duration, "duration")
    return numbers.DelayStep(
        here.place, duration, step.unit, calendar, step.trip, step.effort or step.trip, here.to(step.then)
    )


def _await(step: words.Await, here: Here) -> PlanStep:
    here.need(step.day >= 0, "day must be >= 0", step.day)
    return numbers.AwaitStep(
        here.place, here.calendar(step.calendar), here.share(step.at, "time of day"), step.day, here.to(step.then)
    )


def _check(step: words.Check, here: Here) -> PlanStep:
    here.need(step.limit is None or step.limit >= 0, "limit must be >= 0", step.limit)
    return numbers.CheckStep(
        index=here.place,
        probability=here.share(step.probability, "probability"),
        luck=here.uniform(step.luck),
        passed=here.to(step.passed),
        failed=here.to(step.failed, "failed"),
        limit=math.inf if step.limit is None else step.limit,
        exceeded=here.to(step.exceeded, "exceeded"),
        calls=tuple(step.calls),
    )


def _before(step: words.Before, here: Here) -> PlanStep:
    deadline = here.draw(step.deadline, "deadline", signed=True)
    return numbers.BeforeStep(here.place, deadline, here.to(step.then), here.to(step.late, "late"))


def _choose(step: words.Choose, here: Here) -> PlanStep:
    if not step.options:
        here.scope.faults.append(f"{here.name}: a choice needs at least one option")
    if not callable(step.rule):
        here.one_of(("weight", "shortest", "fastest"), step.rule, "the rule of a choice")
    here.need(0 <= step.published_s < math.inf, "published_s must be a number >= 0", step.published_s)
    return numbers.ChooseStep(
        index=here.place,
        options=tuple(_option(option, here) for option in step.options),
        rule=step.rule,
        others=step.others,
        luck=here.uniform(step.luck),
        published_s=step.published_s,
    )


def _option(option: words.Option, here: Here) -> numbers.OptionPlan:
    to = here.to(option.to)
    look = here.scope.look_up("station", option.station, here.name, here.scope.stations) if option.station else -1
    weight = here.draw(option.weight, f"weight of {option.to}")
    travel = here.draw(option.travel, f"travel to {option.to}")
    return numbers.OptionPlan(to, weight, look, travel, here.scope.journey_of[to])


def _gather(step: words.Gather, here: Here) -> PlanStep:
    return numbers.GatherStep(
        here.place, here.scope.look_up("batch", step.batch, here.name, here.scope.batches), here.to(step.then)
    )


def _appointment(step: words.Appointment, here: Here) -> PlanStep:
    book = here.scope.look_up("appointment book", step.book, here.name, here.scope.books)
    lead = here.draw(step.lead, "lead")
    return numbers.AppointmentStep(here.place, book, lead, here.to(step.then), here.to(step.none_left, "none left"))


def _mark(step: words.Mark, here: Here) -> PlanStep:
    mark = here.mark(step.event)
    return numbers.MarkStep(here.place, mark, step.first, step.clear, here.to(step.then), tuple(step.calls))


def _marked(step: words.Marked, here: Here) -> PlanStep:
    return numbers.MarkedStep(here.place, here.mark(step.event), here.to(step.yes), here.to(step.no))


def _return(step: words.Return, here: Here) -> PlanStep:
    scope = here.scope
    labels = {name: f"{name}/{step.entry}" if step.entry else name for name in scope.channels}
    return numbers.ReturnStep(
        here.place, {scope.journeys[name]: scope.target(label, here.name) for name, label in labels.items()}
    )


def _end(step: words.End, here: Here) -> PlanStep:
    return numbers.EndStep(here.place, here.scope.outcome(step.outcome))


def _custom(step: words.Custom, here: Here) -> PlanStep:
    exits: dict[str | None, int] = {label: here.to(label) for label in step.exits}
    return numbers.CustomStep(here.place, step.process, {None: here.to(None), **exits})


def _go(step: words.Go, here: Here) -> PlanStep:
    return numbers.GoStep(here.place, here.to(step.to))


_RESOLVERS: dict[type, Any] = {
    words.Visit: _visit,
    words.Delay: _delay,
    words.Await: _await,
    words.Check: _check,
    words.Before: _before,
    words.Choose: _choose,
    words.Gather: _gather,
    words.Appointment: _appointment,
    words.Mark: _mark,
    words.Marked: _marked,
    words.Return: _return,
    words.End: _end,
    words.Custom: _custom,
    words.Go: _go,
}
