"""From words to numbers: a Network and a seed become a Plan."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from canbao import network as words
from canbao import plan as numbers
from canbao.columns import Column, numbers_of
from canbao.distributions import Uniform
from canbao.errors import NetworkError
from canbao.luck import FloatArray, Luck
from canbao.plan import Change, Draw, Plan, PlanStep
from canbao.schedule import Schedule

__all__ = ["make_plan"]


def make_plan(network: words.Network, *, until: float, seed: int) -> Plan:
    """Make a network concrete.

    Parameters
    ----------
    network
        Stations, journeys and streams.
    until
        The end of the horizon, in the network's unit of time.
    seed
        All luck follows from it.

    Raises
    ------
    NetworkError
        With all that does not fit together: names that lead nowhere, two of one name, columns of the wrong length.
    """
    if not 0 < until < math.inf:
        raise NetworkError(f"the horizon must end at a finite time > 0, given until={until}")
    luck = Luck(seed)
    arrival, starts, columns = _families(network.streams, luck, until)
    scope = _Scope.of(network, columns)
    steps = tuple(_resolve(step, place, scope) for place, step in enumerate(scope.steps))
    first_step = np.concatenate(
        [np.full(count, scope.target(journey, "a stream")) for journey, count in starts]
        or [np.empty(0, dtype=np.int64)]
    )
    names = [journey.name for journey in network.journeys]
    stations = tuple(_station(station, scope, steps) for station in network.stations)
    batches = tuple(
        numbers.BatchPlan(b.name, b.group, b.size or math.inf, tuple(sorted(map(float, b.releases))), b.max_wait)
        for b in network.batches
    )
    books = tuple(_book(book) for book in network.books)
    scope.raise_faults()
    return Plan(
        luck=luck,
        until=float(until),
        arrival=arrival,
        first_step=first_step.astype(np.int64),
        columns=columns,
        stations=stations,
        batches=batches,
        books=books,
        calendars=tuple(network.calendars.values()),
        steps=steps,
        step_names=tuple(scope.names),
        journey_of=tuple(scope.journey_of),
        journeys=tuple(names),
        channels=tuple(journey.channel for journey in network.journeys),
        outcomes=tuple(scope.outcomes),
    )


# --- families ---------------------------------------------------------------------------------------------------------


def _families(
    streams: Sequence[words.Stream], luck: Luck, until: float
) -> tuple[FloatArray, list[tuple[str, int]], dict[str, Column]]:
    """Give arrival times, (journey, count) for each stream, and the columns, families numbered stream by stream."""
    times = [np.asarray(s.arrivals.times(luck, f"{s.name}:arrival", until), dtype=np.float64) for s in streams]
    starts = [(stream.journey, len(t)) for stream, t in zip(streams, times, strict=True)]
    arrival = np.concatenate(times or [np.empty(0)])
    known = {name: None for stream in streams for name in stream.columns}
    columns: dict[str, Column] = {}
    for name in known:
        lacking = [stream.name for stream in streams if name not in stream.columns]
        if lacking:
            raise NetworkError(
                f"column {name!r} is missing from stream {lacking[0]!r}; every stream needs the same columns"
            )
        columns[name] = _column(name, streams, [count for _, count in starts], luck)
    return arrival, starts, columns


def _column(name: str, streams: Sequence[words.Stream], counts: Sequence[int], luck: Luck) -> Column:
    parts: list[Column] = []
    for stream, count in zip(streams, counts, strict=True):
        given = stream.columns[name]
        if hasattr(given, "ppf"):
            given = np.asarray(given.ppf(luck.uniforms(f"{stream.name}:{name}", count)))
        if len(given) != count:
            raise NetworkError(
                f"column {name!r} of stream {stream.name!r} has {len(given)} values for {count} families"
            )
        parts.append(given)
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([numbers_of(part) for part in parts])


# --- names ------------------------------------------------------------------------------------------------------------


@dataclass
class _Scope:
    """What a name may mean, and the faults met so far."""

    steps: list[words.Step]
    names: list[str]
    journey_of: list[int]
    labels: dict[str, int]
    journeys: dict[str, int]
    channels: list[str]
    stations: dict[str, int]
    batches: dict[str, int]
    books: dict[str, int]
    calendars: dict[str, int]
    columns: Mapping[str, Column]
    outcomes: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, network: words.Network, columns: Mapping[str, Column]) -> _Scope:
        scope = cls(
            steps=[],
            names=[],
            journey_of=[],
            labels={},
            journeys=_numbered("journey", (j.name for j in network.journeys)),
            channels=[j.name for j in network.journeys if j.channel],
            stations=_numbered("station", (s.name for s in (*network.stations, *network.batches))),
            batches=_numbered("batch", (b.name for b in network.batches)),
            books=_numbered("appointment book", (b.name for b in network.books)),
            calendars=_numbered("calendar", network.calendars),
            columns=columns,
        )
        for journey in network.journeys:
            scope._add(journey)
        scope._end_implied_exits()
        return scope

    def _add(self, journey: words.Journey) -> None:
        if not journey.steps:
            raise NetworkError(f"journey {journey.name!r} has no steps")
        self.labels[journey.name] = len(self.steps)
        last = journey.steps[-1]
        closed = isinstance(last, words.End | words.Go | words.Return | words.Choose)
        for number, step in enumerate((*journey.steps, *(() if closed else (words.End("done"),)))):
            label = f"{journey.name}/{step.name or getattr(step, 'station', '') or number}"
            if label in self.labels and not step.name:
                label = f"{label}#{number}"
            if label in self.labels:
                raise NetworkError(f"journey {journey.name!r} has two steps named {step.name!r}; give one another name")
            self.labels[label] = len(self.steps)
            self.names.append(label)
            self.journey_of.append(self.journeys[journey.name])
            self.steps.append(step)

    def _end_implied_exits(self) -> None:
        """Add the ends that exits lead to where nothing else is said."""
        implied = {"abandoned", "baulked", "full", "closed", "failed", "exceeded", "late", "none left"}
        for outcome in sorted(implied):
            self.labels[f"\0{outcome}"] = len(self.steps)
            self.names.append(outcome)
            self.journey_of.append(-1)
            self.steps.append(words.End(outcome))

    def target(self, label: str, asker: str, journey: str = "") -> int:
        """Give the step that a label means, in the asker's own journey first."""
        for name in (f"{journey}/{label}", label):
            if name in self.labels:
                return self.labels[name]
        self.unknown("step or journey", label, self.labels, asker)
        return 0

    def look_up(self, kind: str, name: str, asker: str, table: Mapping[str, int]) -> int:
        if name not in table:
            self.unknown(kind, name, table, asker)
        return table.get(name, 0)

    def unknown(self, kind: str, name: str, known: Iterable[str], asker: str) -> None:
        names = [n for n in known if not n.startswith("\0")]
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(names) or 'none'}"
        self.faults.append(f"{asker}: no {kind} is named {name!r}{hint}")

    def outcome(self, name: str) -> int:
        return self.outcomes.setdefault(name, len(self.outcomes))

    def raise_faults(self) -> None:
        if self.faults:
            raise NetworkError(
                "the network does not fit together:\n" + "\n".join(f"  {fault}" for fault in self.faults)
            )


def _numbered(kind: str, names: Iterable[str]) -> dict[str, int]:
    table: dict[str, int] = {}
    for name in names:
        if name in table:
            raise NetworkError(f"two {kind}s are named {name!r}")
        table[name] = len(table)
    return table


# --- steps ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Here:
    """The step that is being resolved, and what its names mean."""

    place: int
    scope: _Scope

    @property
    def name(self) -> str:
        return self.scope.names[self.place]

    def to(self, label: str | None, otherwise: str = "") -> int:
        """Give the step of an exit; without a label the next step, or the end of that outcome."""
        if label is None and not otherwise:
            return self.place + 1
        journey = self.name.split("/")[0]
        return self.scope.target(label if label is not None else f"\0{otherwise}", self.name, journey)

    def draw(self, quantity: words.Quantity, purpose: str, *, signed: bool = False) -> Draw:
        """Give the quantity as a draw whose luck is named after this step."""
        draw = Draw(f"{self.name}:{purpose}", signed=signed)
        if isinstance(quantity, str):
            return replace(draw, column=self._column(quantity))
        if isinstance(quantity, words.Scaled):
            return replace(draw, distribution=quantity.distribution, column=self._column(quantity.by))
        if hasattr(quantity, "ppf"):
            return replace(draw, distribution=quantity)
        value = float(quantity)
        if math.isnan(value) or (value < 0 and not signed):
            self.scope.faults.append(f"{self.name}: {purpose} must be a number >= 0, given {value}")
        return replace(draw, value=value)

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

    def calendar(self, name: str) -> int:
        return self.scope.look_up("calendar", name, self.name, self.scope.calendars)


def _resolve(step: words.Step, place: int, scope: _Scope) -> PlanStep:
    here = _Here(place, scope)
    return _RESOLVERS[type(step)](step, here)


def _visit(step: words.Visit, here: _Here) -> PlanStep:
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
    )


def _delay(step: words.Delay, here: _Here) -> PlanStep:
    if step.unit != "time" and not step.calendar:
        here.scope.faults.append(f"{here.name}: a delay in {step.unit} needs a calendar")
    calendar = here.calendar(step.calendar) if step.calendar else -1
    duration = here.draw(step.duration, "duration")
    return numbers.DelayStep(
        here.place, duration, step.unit, calendar, step.trip, step.effort or step.trip, here.to(step.then)
    )


def _await(step: words.Await, here: _Here) -> PlanStep:
    return numbers.AwaitStep(
        here.place, here.calendar(step.calendar), here.draw(step.at, "time of day"), step.day, here.to(step.then)
    )


def _check(step: words.Check, here: _Here) -> PlanStep:
    return numbers.CheckStep(
        index=here.place,
        probability=here.draw(step.probability, "probability"),
        luck=here.uniform(step.luck),
        passed=here.to(step.passed),
        failed=here.to(step.failed, "failed"),
        limit=math.inf if step.limit is None else step.limit,
        exceeded=here.to(step.exceeded, "exceeded"),
    )


def _before(step: words.Before, here: _Here) -> PlanStep:
    deadline = here.draw(step.deadline, "deadline", signed=True)
    return numbers.BeforeStep(here.place, deadline, here.to(step.then), here.to(step.late, "late"))


def _choose(step: words.Choose, here: _Here) -> PlanStep:
    if not step.options:
        here.scope.faults.append(f"{here.name}: a choice needs at least one option")
    return numbers.ChooseStep(
        index=here.place,
        options=tuple(_option(option, here) for option in step.options),
        rule=step.rule,
        others=step.others,
        luck=here.uniform(step.luck),
    )


def _option(option: words.Option, here: _Here) -> numbers.OptionPlan:
    to = here.to(option.to)
    look = here.scope.look_up("station", option.station, here.name, here.scope.stations) if option.station else -1
    weight = here.draw(option.weight, f"weight of {option.to}")
    travel = here.draw(option.travel, f"travel to {option.to}")
    return numbers.OptionPlan(to, weight, look, travel, here.scope.journey_of[to])


def _gather(step: words.Gather, here: _Here) -> PlanStep:
    return numbers.GatherStep(
        here.place, here.scope.look_up("batch", step.batch, here.name, here.scope.batches), here.to(step.then)
    )


def _appointment(step: words.Appointment, here: _Here) -> PlanStep:
    book = here.scope.look_up("appointment book", step.book, here.name, here.scope.books)
    lead = here.draw(step.lead, "lead")
    return numbers.AppointmentStep(here.place, book, lead, here.to(step.then), here.to(step.none_left, "none left"))


def _mark(step: words.Mark, here: _Here) -> PlanStep:
    return numbers.MarkStep(here.place, step.event, here.to(step.then))


def _return(step: words.Return, here: _Here) -> PlanStep:
    scope = here.scope
    labels = {name: f"{name}/{step.entry}" if step.entry else name for name in scope.channels}
    return numbers.ReturnStep(
        here.place, {scope.journeys[name]: scope.target(label, here.name) for name, label in labels.items()}
    )


def _end(step: words.End, here: _Here) -> PlanStep:
    return numbers.EndStep(here.place, here.scope.outcome(step.outcome))


def _custom(step: words.Custom, here: _Here) -> PlanStep:
    exits: dict[str | None, int] = {label: here.to(label) for label in step.exits}
    return numbers.CustomStep(here.place, step.process, {None: here.to(None), **exits})


def _go(step: words.Go, here: _Here) -> PlanStep:
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
    words.Return: _return,
    words.End: _end,
    words.Custom: _custom,
    words.Go: _go,
}


# --- places -----------------------------------------------------------------------------------------------------------


def _changes(station: words.Station) -> tuple[Change, ...]:
    servers = station.servers if isinstance(station.servers, Schedule) else Schedule.constant(station.servers)
    doors = station.doors if station.doors is not None else Schedule.constant(1.0)
    if not bool(np.all(servers.values >= 0)):
        raise NetworkError(
            f"station {station.name!r}: the number of servers must be >= 0, given {servers.values.min()}"
        )
    moments = np.union1d(servers.times, doors.times)
    values = zip(moments, servers.at(moments), doors.at(moments), strict=True)
    return tuple(Change(float(t), float(s), bool(d > 0)) for t, s, d in values)


def _station(station: words.Station, scope: _Scope, steps: Sequence[PlanStep]) -> numbers.StationPlan:
    if not station.room >= 1:
        scope.faults.append(f"station {station.name!r}: room must be >= 1, given {station.room}")
    index = scope.stations[station.name]
    visits = [s for s in steps if isinstance(s, numbers.VisitStep) and s.station == index]
    return numbers.StationPlan(
        name=station.name,
        group=station.group,
        changes=_changes(station),
        closing=station.closing,
        discipline=station.discipline,
        room=station.room,
        blocks=station.when_full == "block",
        mean_service=float(np.mean([_mean(visit.service) for visit in visits])) if visits else 0.0,
        order=Draw(f"{station.name}:order", distribution=Uniform(0.0, 1.0)),
    )


def _mean(draw: Draw) -> float:
    """Give a draw's mean, as `fastest` needs it to turn a queue into a wait."""
    scale = 1.0 if draw.column is None or not len(draw.column) else float(draw.column.mean())
    if draw.distribution is None:
        return draw.value if draw.column is None else scale
    mean = getattr(draw.distribution, "mean", None)
    value = mean() if callable(mean) else mean
    # The mean of a distribution that does not know it: the midpoint rule over its quantiles.
    middle = (np.arange(1000) + 0.5) / 1000
    return scale * float(np.mean(draw.distribution.ppf(middle)) if value is None else value)


def _book(book: words.AppointmentBook) -> numbers.BookPlan:
    times = tuple(map(float, book.times))
    places = (book.places,) * len(times) if isinstance(book.places, int) else tuple(book.places)
    if list(times) != sorted(times) or len(places) != len(times):
        raise NetworkError(f"appointment book {book.name!r}: times must rise, and there must be places for each")
    return numbers.BookPlan(book.name, times, places)
