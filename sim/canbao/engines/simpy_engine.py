"""The SimPy engine: the specification of what a plan means.

Every family is a SimPy process that walks through the steps of its journey. A step that takes time is a generator,
which yields an event; a step that decides is a function, which gives the next step. It is written to be read; the
places where it is less than plain say what was measured.
"""

from __future__ import annotations

import gc
import math
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
from simpy import Event

from canbao import plan as p
from canbao.engines import Progress
from canbao.engines.batches import Gathering
from canbao.engines.recorder import Recorder
from canbao.engines.stations import SERVED, Desk, Ticket
from canbao.engines.timeline import ARRIVAL, Timeline
from canbao.errors import EngineError
from canbao.network import Option
from canbao.plan import Draw, Plan
from canbao.trace import Trace

__all__ = ["SimpyEngine"]

_MANY = 10_000
"""A family that does so many steps in no time at all goes round in a circle that never ends."""

_OUT = -1
"""Where a family is that has left the network."""

_BLOCK = 256
"""Families whose later attempts are drawn together; one at a time, a retry cost more than its visit."""

_SLICES = 100
"""How often progress is told."""

Walk = Generator[Event, Any, int]


class SimpyEngine:
    """Runs any plan, custom processes included."""

    name = "simpy"

    def supports(self, plan: Plan) -> str:
        """Give an empty string: there is no plan that it cannot run."""
        return ""

    def ready(self) -> bool:
        """Give True: it can always start at once."""
        return True

    def prepare(self) -> None:
        """Do nothing."""

    def run(self, plan: Plan, progress: Progress | None = None) -> Trace:
        """Run the plan to its horizon and give the trace.

        Raises
        ------
        EngineError
            When a family goes round in a circle in which no time passes.
        """
        world = _World(plan)
        world.start()
        with _rare_collection():
            for share in np.linspace(0.0, 1.0, _SLICES + 1)[1:]:
                world.timeline.run(until=float(plan.until * share))
                if progress is not None:
                    progress(float(share))
        return world.finish()


@contextmanager
def _rare_collection() -> Iterator[None]:
    """Let Python look for garbage a hundred times less often.

    It looks through everybody who waits each time: with 30,000 waiting that took as long as the simulation itself.
    """
    before = gc.get_threshold()
    gc.set_threshold(100 * before[0], *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Family:
    """A family on its way."""

    __slots__ = ("attempts", "channel", "failures", "index", "ticket")

    def __init__(self, index: int) -> None:
        self.index = index
        self.ticket: Ticket | None = None
        """The visit whose server it still occupies, until it has moved on."""
        self.channel = -1
        self.attempts: dict[int, int] = {}
        self.failures: dict[int, int] = {}

    def attempt(self, step: int) -> int:
        """Count how often the family did this step before now."""
        count = self.attempts.get(step, 0)
        self.attempts[step] = count + 1
        return count

    def let_go(self) -> None:
        """Free the server that it still occupies."""
        if self.ticket is not None:
            ticket, self.ticket = self.ticket, None
            ticket.desk.release(ticket)


class _World:
    """Everything that goes on in one run."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.timeline = Timeline()
        self.recorder = Recorder(plan)
        self.values: dict[Draw | float, list[float]] = {}
        self.later: dict[tuple[Draw, int, int], list[float]] = {}
        self.visits: dict[int, tuple[list[float], ...]] = {}
        self.desks = [
            Desk(station, i, self.timeline, self.recorder, self._order(station))
            for i, station in enumerate(plan.stations)
        ]
        for step in plan.steps:
            if isinstance(step, p.ChooseStep) and step.published_s:
                for station in {option.station for option in step.options if option.station >= 0}:
                    self.desks[station].publish(step.published_s)
        self.gatherings = [
            Gathering(batch, len(self.desks) + i, self.timeline, self.recorder) for i, batch in enumerate(plan.batches)
        ]
        self.places_left = [list(book.places) for book in plan.books]
        self.first_free = [0 for _ in plan.books]
        timed: dict[type, Callable[[_Family, Any], Walk]] = {
            p.DelayStep: self._delay,
            p.AwaitStep: self._await,
            p.GatherStep: self._gather,
            p.AppointmentStep: self._appointment,
            p.CustomStep: self._custom,
        }
        decided: dict[type, Callable[[_Family, Any], int]] = {
            p.CheckStep: self._check,
            p.BeforeStep: self._before,
            p.ChooseStep: self._choose,
            p.MarkStep: self._mark,
            p.MarkedStep: self._marked,
            p.GoStep: self._go,
            p.ReturnStep: self._return,
            p.EndStep: self._end,
        }
        self.timed = [timed.get(type(step)) for step in plan.steps]
        self.decided = [decided.get(type(step)) for step in plan.steps]
        journeys = plan.journey_of
        self.channel_of = [journey if journey >= 0 and plan.channels[journey] else -1 for journey in journeys]

    # --- the course of a run ---

    def start(self) -> None:
        """Let the first family arrive in its time; each arrival calls for the next."""
        arrival = self.plan.arrival
        came = np.flatnonzero(arrival < self.plan.until)
        order = came[np.argsort(arrival[came], kind="stable")]
        self._arrivals = zip(arrival[order].tolist(), order.tolist(), strict=True)
        self._call_next()

    def _call_next(self) -> None:
        time, family = next(self._arrivals, (math.inf, -1))
        if family >= 0:
            coming = self.timeline.timer(time, ARRIVAL, family)
            coming.callbacks = [lambda _: self._arrive(family)]

    def _arrive(self, family: int) -> None:
        self._call_next()
        self.timeline.process(self._live(_Family(family)))

    def finish(self) -> Trace:
        """Close the books."""
        for desk in self.desks:
            desk.finish()
        for gathering in self.gatherings:
            gathering.finish()
        return self.recorder.trace(self.desks)

    def value(self, draw: Draw, family: int, attempt: int) -> float:
        """Give a draw: first attempts are drawn for everybody at once, later ones for some neighbours at a time."""
        if attempt == 0 or draw.constant:
            return self.firsts(draw)[family]
        block, place = divmod(family, _BLOCK)
        values = self.later.get((draw, attempt, block))
        if values is None:
            count = min(_BLOCK, self.plan.families - block * _BLOCK)
            drawn = draw.values(self.plan.luck, count, first=block * _BLOCK, attempt=attempt)
            values = self.later[draw, attempt, block] = drawn.tolist()
        return values[place]

    def firsts(self, draw: Draw) -> list[float]:
        """Give everybody's first attempt; one list serves all draws of the same constant."""
        key: Draw | float = draw.value if draw.constant else draw
        values = self.values.get(key)
        if values is None:
            values = self.values[key] = draw.values(self.plan.luck, self.plan.families).tolist()
        return values

    # --- a family's life ---

    def _live(self, family: _Family) -> Generator[Event, Any, None]:
        """Walk from step to step until one gives _OUT."""
        steps, timed, channel_of = self.plan.steps, self.timed, self.channel_of
        place, count, moment = int(self.plan.first_step[family.index]), 0, -1.0
        while place != _OUT:
            channel = channel_of[place]
            if channel != family.channel and channel >= 0:
                self._enter_channel(family, channel)
            step = steps[place]
            if type(step) is p.VisitStep:
                # Most steps are visits. Written as a generator of its own, like other steps that take time, a visit
                # made the whole run a tenth slower.
                ticket, ended = self._come(family, step)
                if ended is None:
                    ended = yield ticket
                family.ticket = ticket if ended == SERVED else ticket.holding
                place = step.exits[ended]
            elif (walk := timed[place]) is not None:
                place = yield from walk(family, step)
            else:
                place = self._decide(family, place)
            count += 1
            if count == _MANY:
                count, moment = 0, self._later(family, place, moment)

    def _later(self, family: _Family, place: int, moment: float) -> float:
        """Give the present; it is an error if no time has passed since `moment`, many steps ago.

        Any step may take no time at all: a visit to closed doors, a service or a delay of length 0.
        """
        if self.timeline.now == moment:
            raise EngineError(
                f"family {family.index} goes round in a circle in which no time passes, "
                f"at step {self.plan.step_names[place]!r}; put a Delay into it, or a limit on a Check"
            )
        return self.timeline.now

    def _decide(self, family: _Family, place: int) -> int:
        """Take a step that takes no time."""
        turn = self.decided[place]
        assert turn is not None  # every step is of one sort or the other
        return turn(family, self.plan.steps[place])

    def _enter_channel(self, family: _Family, channel: int) -> None:
        family.channel = channel
        self.recorder.last_channel[family.index] = channel
        if self.recorder.first_channel[family.index] < 0:
            self.recorder.first_channel[family.index] = channel

    # --- steps that take time ---

    def _come(self, family: _Family, step: p.VisitStep) -> tuple[Ticket, int | None]:
        """Come to a station; give the ticket, and how the visit ended if the family was turned away."""
        index, place, desk = family.index, step.index, self.desks[step.station]
        attempt = family.attempt(place)
        service, patience, baulk_at, priority = self._visit_values(step, index, attempt)
        ticket = Ticket(desk, index, place, attempt, service, patience, family.ticket)
        return ticket, desk.come(ticket, priority, baulk_at)

    def _visit_values(self, step: p.VisitStep, family: int, attempt: int) -> tuple[float, float, float, float]:
        draws = (step.service, step.patience, step.baulk_at, step.priority)
        if attempt:
            later = [self.value(draw, family, attempt) for draw in draws]
            return later[0], later[1], later[2], later[3]
        # Four look-ups for each visit: kept together, they cost a third of asking `value` four times.
        drawn = self.visits.get(step.index)
        if drawn is None:
            drawn = self.visits[step.index] = tuple(map(self.firsts, draws))
        service, patience, baulk_at, priority = drawn
        return service[family], patience[family], baulk_at[family], priority[family]

    def _delay(self, family: _Family, step: p.DelayStep) -> Walk:
        family.let_go()
        index, now = family.index, self.timeline.now
        amount = self.value(step.duration, index, family.attempt(step.index))
        self.recorder.trips[index] += step.trip
        if step.unit == "time":
            end = now + amount
        elif step.unit == "open time":
            end = self.plan.calendars[step.calendar].add_open_s(now, amount)
        else:
            end = self.plan.calendars[step.calendar].add_days(now, amount)
        if step.effort:
            self.recorder.effort_s[index] += min(end, self.plan.until) - now
        yield self.timeline.timer(end, ARRIVAL, index)
        return step.then

    def _await(self, family: _Family, step: p.AwaitStep) -> Walk:
        index, now, calendar = family.index, self.timeline.now, self.plan.calendars[step.calendar]
        attempt = family.attempt(step.index)
        if step.day == 0 and calendar.is_open(now):
            return step.then
        family.let_go()
        end = calendar.moment_in(step.day, now, self.value(step.at, index, attempt))
        yield self.timeline.timer(end, ARRIVAL, index)
        return step.then

    def _gather(self, family: _Family, step: p.GatherStep) -> Walk:
        family.let_go()
        gathering = self.gatherings[step.batch]
        yield gathering.join(family.index, step.index, family.attempt(step.index))
        return step.then

    def _appointment(self, family: _Family, step: p.AppointmentStep) -> Walk:
        lead = self.value(step.lead, family.index, family.attempt(step.index))
        time = self._book(step.book, self.timeline.now + lead)
        if time is None:
            return step.none_left
        family.let_go()
        yield self.timeline.timer(time, ARRIVAL, family.index)
        return step.then

    def _book(self, book: int, earliest: float) -> float | None:
        """Take the first free place from `earliest` on."""
        times, left = self.plan.books[book].times, self.places_left[book]
        while self.first_free[book] < len(left) and not left[self.first_free[book]]:
            self.first_free[book] += 1
        for number in range(max(self.first_free[book], bisect_left(times, earliest)), len(times)):
            if left[number]:
                left[number] -= 1
                return times[number]
        return None

    def _custom(self, family: _Family, step: p.CustomStep) -> Walk:
        family.let_go()
        label = yield from step.process(self.timeline, family.index)
        if label not in step.exits:
            raise EngineError(
                f"step {self.plan.step_names[step.index]!r} went to {label!r}, "
                f"which is none of its exits {sorted(map(str, step.exits))}"
            )
        return step.exits[label]

    # --- steps that decide ---

    def _end(self, family: _Family, step: p.EndStep) -> int:
        family.let_go()
        self.recorder.outcome[family.index] = step.outcome
        self.recorder.finished[family.index] = self.timeline.now
        return _OUT

    def _go(self, family: _Family, step: p.GoStep) -> int:
        return step.then

    def _check(self, family: _Family, step: p.CheckStep) -> int:
        index, attempt = family.index, family.attempt(step.index)
        if self.value(step.luck, index, attempt) < self.value(step.probability, index, attempt):
            return step.passed
        failures = family.failures[step.index] = family.failures.get(step.index, 0) + 1
        return step.failed if failures <= step.limit else step.exceeded

    def _before(self, family: _Family, step: p.BeforeStep) -> int:
        in_time = self.timeline.now <= self.value(step.deadline, family.index, 0)
        return step.then if in_time else step.late

    def _mark(self, family: _Family, step: p.MarkStep) -> int:
        moments, index = self.recorder.marks[step.mark], family.index
        if step.clear:
            moments[index] = math.nan
        elif not step.first or math.isnan(moments[index]):
            moments[index] = self.timeline.now
        return step.then

    def _marked(self, family: _Family, step: p.MarkedStep) -> int:
        return step.no if math.isnan(self.recorder.marks[step.mark][family.index]) else step.yes

    def _return(self, family: _Family, step: p.ReturnStep) -> int:
        if family.channel < 0:
            raise EngineError(
                f"step {self.plan.step_names[step.index]!r} returns to a channel, but the family has used none"
            )
        return step.entries[family.channel]

    def _choose(self, family: _Family, step: p.ChooseStep) -> int:
        attempt = family.attempt(step.index)
        options = [o for o in step.options if not step.others or o.journey != family.channel] or list(step.options)
        if callable(step.rule):
            return options[step.rule([self._words(option) for option in options], self._state())].to
        if step.rule == "weight":
            return self._by_weight(step, options, family.index, attempt)
        cost = partial(self._cost, step=step, family=family.index, attempt=attempt)
        return min(options, key=cost).to

    def _by_weight(self, step: p.ChooseStep, options: Sequence[p.OptionPlan], family: int, attempt: int) -> int:
        weights = [self.value(option.weight, family, attempt) for option in options]
        reached = list(accumulate(weights))
        if not reached[-1] and len(options) < len(step.options):  # no other channel is for it: it stays with its own
            return self._by_weight(step, step.options, family, attempt)
        mark = self.value(step.luck, family, attempt) * reached[-1]
        passing = (option.to for option, passed in zip(options, reached, strict=True) if mark < passed)
        return next(passing, options[-1].to)

    def _cost(self, option: p.OptionPlan, step: p.ChooseStep, family: int, attempt: int) -> tuple[float, float]:
        """Give what an option costs by the rule, and the travel, which decides between equals."""
        travel = self.value(option.travel, family, attempt)
        return self._queue_cost(option, step) + (travel if step.rule == "fastest" else 0.0), travel

    def _queue_cost(self, option: p.OptionPlan, step: p.ChooseStep) -> float:
        """Give what a queue costs: for `shortest` families inside for each server, for `fastest` the expected wait.

        Where nobody serves at the moment it is inf.
        """
        if option.station < 0:
            return 0.0
        desk = self.desks[option.station]
        inside, servers = desk.seen(step.published_s)
        if not servers:
            return math.inf
        if step.rule == "shortest":
            return inside / servers
        ahead = max(0.0, inside + 1 - servers)
        return ahead * desk.plan.mean_service / servers

    def _words(self, option: p.OptionPlan) -> Option:
        station = self.plan.stations[option.station].name if option.station >= 0 else ""
        return Option(self.plan.step_names[option.to], station=station)

    def _state(self) -> dict[str, dict[str, float]]:
        """Give what a choice rule of one's own may look at, by station."""
        return {d.plan.name: {"waiting": d.waiting, "busy": d.busy, "servers": d.servers} for d in self.desks}

    # --- queue disciplines ---

    def _order(self, station: p.StationPlan) -> Callable[[Desk, Ticket, float], float]:
        """Give the key by which a station's queue is sorted; equal keys stand in the order in which they came."""
        rules: dict[str, Callable[[Desk, Ticket, float], float]] = {
            "fifo": lambda desk, ticket, priority: 0.0,
            "lifo": lambda desk, ticket, priority: -desk.queued,
            "priority": lambda desk, ticket, priority: priority,
            "shortest": lambda desk, ticket, priority: ticket.service,
            "random": lambda desk, ticket, priority: self.value(station.order, ticket.family, ticket.attempt),
        }
        key = station.discipline
        if callable(key):
            return lambda desk, ticket, priority: key(priority, ticket.service)
        return rules[key]
