"""From words to numbers: a Network and a seed become a Plan."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, SupportsFloat, get_args

import numpy as np

from canbao import network as words
from canbao import plan as numbers
from canbao.arrays import FloatArray
from canbao.columns import Coded, Column, numbers_of
from canbao.disciplines import Discipline
from canbao.distributions import Uniform
from canbao.errors import NetworkError
from canbao.luck import Luck
from canbao.plan import Change, Draw, Plan, PlanStep
from canbao.schedule import Schedule
from canbao.trace import FAMILY_COLUMNS, INSIDE, MARKS

__all__ = ["make_plan"]

_SHOWN = 20
"""How many names a message lists."""

_NOWHERE = "none"
"""What the trace calls the channel of a family that has used none."""


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
    faults: list[str] = []
    arrival, counts, columns = _families(network.streams, luck, until, faults)
    scope = _Scope.of(network, columns, faults)
    steps = tuple(_resolve(step, place, scope) for place, step in enumerate(scope.steps))
    first_step = np.concatenate(
        [
            np.full(count, scope.target(stream.journey, f"stream {stream.name!r}"))
            for stream, count in zip(network.streams, counts, strict=True)
        ]
        or [np.empty(0, dtype=np.int64)]
    )
    names = [journey.name for journey in network.journeys]
    stations = tuple(_station(station, scope, steps) for station in network.stations)
    batches = tuple(_batch(batch, scope) for batch in network.batches)
    books = tuple(_book(book, scope) for book in network.books)
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
        marks=tuple(scope.marks),
    )


# --- families ---------------------------------------------------------------------------------------------------------


def _families(
    streams: Sequence[words.Stream], luck: Luck, until: float, faults: list[str]
) -> tuple[FloatArray, list[int], dict[str, Column]]:
    """Give arrival times, the count of each stream, and the columns, families numbered stream by stream."""
    # Luck goes by names: two streams of one name would come at the very same moments.
    _numbered("stream", (stream.name for stream in streams), faults)
    times = [np.asarray(s.arrivals.times(luck, f"{s.name}:arrival", until), dtype=np.float64) for s in streams]
    counts = [len(t) for t in times]
    known = {name: None for stream in streams for name in stream.columns}
    columns = {name: _column(name, streams, counts, luck, faults) for name in known}
    return np.concatenate(times or [np.empty(0)]), counts, columns


def _column(name: str, streams: Sequence[words.Stream], counts: Sequence[int], luck: Luck, faults: list[str]) -> Column:
    """Give one column of all streams; zeros where it cannot be made, behind a fault that says why."""
    if name in FAMILY_COLUMNS:
        faults.append(f"no column can be named {name!r}: the trace has one of that name; give it another")
    parts: list[Column] = []
    for stream, count in zip(streams, counts, strict=True):
        given: Any = stream.columns.get(name)
        if given is None:
            faults.append(
                f"column {name!r} is missing from stream {stream.name!r}; every stream needs the same columns"
            )
            given = np.zeros(count)
        elif hasattr(given, "ppf"):
            given = given.ppf(luck.uniforms(f"{stream.name}:{name}", count))
        if len(given) != count:
            faults.append(f"column {name!r} of stream {stream.name!r} has {len(given)} values for {count} families")
            given = np.zeros(count)
        parts.append(given if isinstance(given, Coded) else np.asarray(given))
    if len({isinstance(part, Coded) for part in parts}) > 1:
        faults.append(f"column {name!r} holds words in one stream and numbers in another")
    return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: Sequence[Column]) -> Column:
    """Put the parts of a column one behind the other; words keep their meaning, whatever their numbers were."""
    labels = tuple(dict.fromkeys(label for part in parts if isinstance(part, Coded) for label in part.labels))
    if not all(isinstance(part, Coded) for part in parts):
        return np.concatenate([numbers_of(part) for part in parts])
    codes = [
        np.array([labels.index(label) for label in part.labels], dtype=np.int64)[part.codes]
        for part in parts
        if isinstance(part, Coded)
    ]
    return Coded(np.concatenate(codes), labels)


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
    faults: list[str]
    outcomes: dict[str, int] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=lambda: {name: number for number, name in enumerate(MARKS)})

    @classmethod
    def of(cls, network: words.Network, columns: Mapping[str, Column], faults: list[str]) -> _Scope:
        places: list[words.Station | words.Batch] = [*network.stations, *network.batches]
        scope = cls(
            steps=[],
            names=[],
            journey_of=[],
            labels={},
            journeys=_numbered("journey", (j.name for j in network.journeys), faults),
            channels=[j.name for j in network.journeys if j.channel],
            stations=_numbered("station or batch", (place.name for place in places), faults),
            batches={batch.name: number for number, batch in enumerate(network.batches)},
            books=_numbered("appointment book", (b.name for b in network.books), faults),
            calendars=_numbered("calendar", network.calendars, faults),
            columns=columns,
            faults=faults,
        )
        for journey in network.journeys:
            scope._add(journey)
        scope._end_implied_exits()
        return scope

    def _add(self, journey: words.Journey) -> None:
        if not journey.steps:
            self.faults.append(f"journey {journey.name!r} has no steps")
        if "/" in journey.name or journey.name == _NOWHERE:
            self.faults.append(f"a journey cannot be named {journey.name!r}; choose a name without '/'")
        self.labels[journey.name] = len(self.steps)
        last = journey.steps[-1] if journey.steps else None
        closed = isinstance(last, words.End | words.Go | words.Return | words.Choose)
        steps: list[words.Step] = [*journey.steps] if closed else [*journey.steps, words.End("done")]
        for number, step in enumerate(steps):
            label = f"{journey.name}/{step.name or getattr(step, 'station', '') or number}"
            if label in self.labels and not step.name:
                label = f"{label}#{number}"
            if label in self.labels:
                self.faults.append(f"journey {journey.name!r} has two steps named {step.name!r}; give one another name")
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
        here = [name.removeprefix(f"{journey}/") for name in self.labels if name.startswith(f"{journey}/")]
        self.unknown("step or journey", label, [*here, *self.journeys, *self.labels], asker)
        return 0

    def look_up(self, kind: str, name: str, asker: str, table: Mapping[str, int]) -> int:
        if name not in table:
            self.unknown(kind, name, table, asker)
        return table.get(name, 0)

    def unknown(self, kind: str, name: str, known: Iterable[str], asker: str) -> None:
        names = list(dict.fromkeys(n for n in known if not n.startswith("\0")))
        near = difflib.get_close_matches(name, names, n=1)
        some = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are: {some or 'none'}"
        self.faults.append(f"{asker}: no {kind} is named {name!r}{hint}")

    def one_of(self, allowed: Sequence[object], given: object, what: str) -> None:
        if given not in allowed:
            near = difflib.get_close_matches(str(given), map(str, allowed), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; allowed: {', '.join(map(str, allowed))}"
            self.faults.append(f"{what} cannot be {given!r}{hint}")

    def need(self, fits: bool, what: str, given: object) -> None:
        if not fits:
            self.faults.append(f"{what}, given {given}")

    def outcome(self, name: str) -> int:
        if name == INSIDE:
            self.faults.append(f"no outcome can be named {name!r}: so the trace calls families that have not left")
        return self.outcomes.setdefault(name, len(self.outcomes))

    def mark(self, event: str, asker: str) -> int:
        taken = event in FAMILY_COLUMNS and event not in MARKS
        if taken or event in self.columns or not event:
            self.faults.append(f"{asker}: no event can be named {event!r}: the trace has a column of that name")
        return self.marks.setdefault(event, len(self.marks))

    def raise_faults(self) -> None:
        if self.faults:
            raise NetworkError(
                "the network does not fit together:\n" + "\n".join(f"  {fault}" for fault in self.faults)
            )


def _numbered(kind: str, names: Iterable[str], faults: list[str]) -> dict[str, int]:
    table: dict[str, int] = {}
    for name in names:
        if name in table:
            faults.append(f"two of one name: {kind} {name!r}; give one of them another")
        table.setdefault(name, len(table))
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
        journey = self.name.partition("/")[0]
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
        if not isinstance(quantity, SupportsFloat):
            self.need(False, f"{purpose} must be a number, a column or a distribution", quantity)
            return draw
        value = float(quantity)
        self.need(not math.isnan(value) and (value >= 0 or signed), f"{purpose} must be a number >= 0", value)
        return replace(draw, value=value)

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


def _resolve(step: words.Step, place: int, scope: _Scope) -> PlanStep:
    resolved: PlanStep = _RESOLVERS[type(step)](step, _Here(place, scope))
    return resolved


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
    here.one_of(("time", "open time", "working days"), step.unit, "the unit of a delay")
    if step.unit in ("open time", "working days") and not step.calendar:
        here.scope.faults.append(f"{here.name}: a delay in {step.unit} needs a calendar")
    calendar = here.calendar(step.calendar) if step.calendar else -1
    duration = here.draw(step.duration, "duration")
    return numbers.DelayStep(
        here.place, duration, step.unit, calendar, step.trip, step.effort or step.trip, here.to(step.then)
    )


def _await(step: words.Await, here: _Here) -> PlanStep:
    here.need(step.day >= 0, "day must be >= 0", step.day)
    return numbers.AwaitStep(
        here.place, here.calendar(step.calendar), here.share(step.at, "time of day"), step.day, here.to(step.then)
    )


def _check(step: words.Check, here: _Here) -> PlanStep:
    here.need(step.limit is None or step.limit >= 0, "limit must be >= 0", step.limit)
    return numbers.CheckStep(
        index=here.place,
        probability=here.share(step.probability, "probability"),
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
    return numbers.MarkStep(here.place, here.mark(step.event), step.first, step.clear, here.to(step.then))


def _marked(step: words.Marked, here: _Here) -> PlanStep:
    return numbers.MarkedStep(here.place, here.mark(step.event), here.to(step.yes), here.to(step.no))


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
    words.Marked: _marked,
    words.Return: _return,
    words.End: _end,
    words.Custom: _custom,
    words.Go: _go,
}


# --- places -----------------------------------------------------------------------------------------------------------


def _changes(station: words.Station, scope: _Scope) -> tuple[Change, ...]:
    servers = station.servers if isinstance(station.servers, Schedule) else Schedule.constant(station.servers)
    doors = station.doors if station.doors is not None else Schedule.constant(1.0)
    fewest = servers.values.min()
    scope.need(fewest >= 0, f"station {station.name!r}: the number of servers must be >= 0", fewest)
    moments = np.union1d(servers.times, doors.times)
    values = zip(moments, servers.at(moments), doors.at(moments), strict=True)
    return tuple(Change(float(t), float(s), bool(d > 0)) for t, s, d in values)


def _station(station: words.Station, scope: _Scope, steps: Sequence[PlanStep]) -> numbers.StationPlan:
    name = f"station {station.name!r}"
    scope.need(station.room >= 1, f"{name}: room must be >= 1", station.room)
    if not callable(station.discipline):
        scope.one_of(get_args(Discipline), station.discipline, f"{name}: discipline")
    scope.one_of(("serve", "send home", "keep"), station.closing, f"{name}: closing")
    scope.one_of(("lose", "block"), station.when_full, f"{name}: when_full")
    index = scope.stations[station.name]
    visits = [s for s in steps if isinstance(s, numbers.VisitStep) and s.station == index]
    return numbers.StationPlan(
        name=station.name,
        group=station.group,
        changes=_changes(station, scope),
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


def _batch(batch: words.Batch, scope: _Scope) -> numbers.BatchPlan:
    name, releases = f"batch {batch.name!r}", tuple(sorted(map(float, batch.releases)))
    scope.need(batch.size is None or batch.size >= 1, f"{name}: size must be >= 1", batch.size)
    scope.need(batch.max_wait >= 0, f"{name}: max_wait must be >= 0", batch.max_wait)
    scope.need(all(time >= 0 for time in releases), f"{name}: releases must be times >= 0", batch.releases)
    return numbers.BatchPlan(batch.name, batch.group, batch.size or math.inf, releases, batch.max_wait)


def _book(book: words.AppointmentBook, scope: _Scope) -> numbers.BookPlan:
    times = tuple(map(float, book.times))
    given: Any = book.places
    places = tuple(map(int, [given] * len(times) if np.ndim(given) == 0 else given))
    name = f"appointment book {book.name!r}"
    scope.need(all(a <= b for a, b in pairwise(times)), f"{name}: times must rise", book.times)
    scope.need(len(places) == len(times), f"{name}: it needs places for each of {len(times)} times", len(places))
    scope.need(all(number >= 0 for number in places), f"{name}: places must be >= 0", book.places)
    return numbers.BookPlan(book.name, times, places)
