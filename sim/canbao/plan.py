"""The plan: a network made concrete for one seed. Labels have become numbers, arrivals have become times.

An engine needs a plan and nothing else. Steps refer to stations, calendars and other steps by index; everything random
is a `Draw`, a pure function of the plan's luck that every engine asks in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from canbao.arrays import FloatArray, IntArray
from canbao.calendar import Calendar
from canbao.columns import Column
from canbao.disciplines import Discipline, QueueKey
from canbao.distributions import Distribution
from canbao.errors import NetworkError
from canbao.luck import Luck
from canbao.network import ChoiceRule

__all__ = [
    "AppointmentStep",
    "AwaitStep",
    "BatchPlan",
    "BeforeStep",
    "BookPlan",
    "Change",
    "CheckStep",
    "ChooseStep",
    "CustomStep",
    "DelayStep",
    "Draw",
    "EndStep",
    "GatherStep",
    "GoStep",
    "MarkStep",
    "MarkedStep",
    "OptionPlan",
    "Plan",
    "PlanStep",
    "ReturnStep",
    "StationPlan",
    "VisitStep",
]


@dataclass(frozen=True, eq=False)
class Draw:
    """A quantity of each family at each attempt: `value`, or a column, or a sample, or a sample times a column.

    Parameters
    ----------
    purpose
        What the luck is for: the key of the stream.
    value
        The number, where it is one for all.
    column
        A number for each family, shape (families,).
    by
        The name of that column.
    distribution
        What the sample is drawn from.
    signed
        Whether negative numbers make sense (priorities, deadlines); durations and probabilities are >= 0.
    """

    purpose: str
    value: float = math.nan
    column: FloatArray | None = None
    by: str = ""
    distribution: Distribution | None = None
    signed: bool = False

    @property
    def constant(self) -> bool:
        """Whether every family has the same value at every attempt."""
        return self.column is None and self.distribution is None

    def values(self, luck: Luck, count: int, *, first: int = 0, attempt: int = 0) -> FloatArray:
        """Give the values of families `first` to `first + count - 1` at one attempt, shape (count,).

        Family i's value is the same, to the last bit, however the families are cut into calls.
        """
        column = None if self.column is None else self.column[first : first + count]
        if self.distribution is None:
            return self._checked(np.full(count, self.value) if column is None else column)
        uniforms = luck.uniforms(self.purpose, count, first=first, attempt=attempt)
        sample = np.asarray(self.distribution.ppf(uniforms), dtype=np.float64)
        return self._checked(sample if column is None else sample * column)

    def _checked(self, values: FloatArray) -> FloatArray:
        wrong = np.isnan(values) if self.signed else ~(values >= 0)
        if wrong.any():
            given = self.distribution or "its column"
            raise NetworkError(f"{self.purpose}: {given} gave {values[wrong][0]}, but it must be a number >= 0")
        return values


class Change(NamedTuple):
    """From `time` on, `servers` are on duty and the doors are open or not."""

    time: float
    servers: float
    open: bool


@dataclass(frozen=True)
class StationPlan:
    """A station in numbers; `changes` begin at time 0 and rise."""

    name: str
    group: str
    changes: tuple[Change, ...]
    closing: Literal["serve", "send home", "keep"]
    discipline: Discipline | QueueKey
    room: float
    blocks: bool
    mean_service: float
    order: Draw


@dataclass(frozen=True)
class BatchPlan:
    """A batch in numbers."""

    name: str
    group: str
    size: float
    releases: tuple[float, ...]
    max_wait: float


@dataclass(frozen=True)
class BookPlan:
    """An appointment book in numbers."""

    name: str
    times: tuple[float, ...]
    places: tuple[int, ...]


@dataclass(frozen=True, eq=False, slots=True)
class VisitStep:
    """Be at a station; `exits` are the steps behind each ending, in the order of `trace.ENDINGS` without the last.

    No engine looks at `calls`: a load test asks a deployment for them.
    """

    index: int
    station: int
    service: Draw
    patience: Draw
    baulk_at: Draw
    priority: Draw
    exits: tuple[int, int, int, int, int, int]
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class DelayStep:
    """Let time pass."""

    index: int
    duration: Draw
    unit: Literal["time", "open time", "working days"]
    calendar: int
    trip: bool
    effort: bool
    then: int


@dataclass(frozen=True, eq=False, slots=True)
class AwaitStep:
    """Wait for opening hours."""

    index: int
    calendar: int
    at: Draw
    day: int
    then: int


@dataclass(frozen=True, eq=False, slots=True)
class CheckStep:
    """Pass if the uniform `luck` is below the probability; `exceeded` at the failure after `limit` failures."""

    index: int
    probability: Draw
    luck: Draw
    passed: int
    failed: int
    limit: float
    exceeded: int
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class BeforeStep:
    """Go on until the deadline, the deadline included."""

    index: int
    deadline: Draw
    then: int
    late: int


class OptionPlan(NamedTuple):
    """One way of a ChooseStep; `station` is -1 where none is looked at, `journey` is the one it leads to."""

    to: int
    weight: Draw
    station: int
    travel: Draw
    journey: int


@dataclass(frozen=True, eq=False, slots=True)
class ChooseStep:
    """Take one of some ways."""

    index: int
    options: tuple[OptionPlan, ...]
    rule: Literal["weight", "shortest", "fastest"] | ChoiceRule
    others: bool
    luck: Draw
    published_s: float


@dataclass(frozen=True, eq=False, slots=True)
class GatherStep:
    """Wait at a batch."""

    index: int
    batch: int
    then: int


@dataclass(frozen=True, eq=False, slots=True)
class AppointmentStep:
    """Wait for an appointment."""

    index: int
    book: int
    lead: Draw
    then: int
    none_left: int


@dataclass(frozen=True, eq=False, slots=True)
class MarkStep:
    """Write this moment into the trace, or take it back; `mark` is an index into `Plan.marks`."""

    index: int
    mark: int
    first: bool
    clear: bool
    then: int
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class MarkedStep:
    """Go by whether an event is marked."""

    index: int
    mark: int
    yes: int
    no: int


@dataclass(frozen=True, eq=False, slots=True)
class GoStep:
    """Go on elsewhere."""

    index: int
    then: int


@dataclass(frozen=True, eq=False, slots=True)
class ReturnStep:
    """Go to the entry of the last channel: `entries[journey]` is a step."""

    index: int
    entries: Mapping[int, int]


@dataclass(frozen=True, eq=False, slots=True)
class EndStep:
    """Leave with an outcome, an index into `Plan.outcomes`."""

    index: int
    outcome: int


@dataclass(frozen=True, eq=False, slots=True)
class CustomStep:
    """Somebody's own SimPy process; `exits` maps the labels that it may return, None included, to steps."""

    index: int
    process: Callable[..., Any]
    exits: Mapping[str | None, int]


PlanStep = (
    VisitStep
    | DelayStep
    | AwaitStep
    | CheckStep
    | BeforeStep
    | ChooseStep
    | GatherStep
    | AppointmentStep
    | MarkStep
    | MarkedStep
    | GoStep
    | ReturnStep
    | EndStep
    | CustomStep
)


@dataclass(frozen=True, eq=False)
class Plan:
    """A network for one seed.

    Parameters
    ----------
    luck
        All the luck of the seed.
    until
        The end of the horizon; what happens at `until` or later is not simulated.
    arrival
        When each family arrives, shape (families,); nan for one that does not come.
    first_step
        The step at which each family starts, shape (families,).
    columns
        What is known of each family.
    journey_of
        The journey of each step, an index into `journeys`, shape (steps,).
    channels
        Whether each journey is a channel.
    marks
        The events that steps mark; each is a column of the trace's table of families.
    """

    luck: Luck
    until: float
    arrival: FloatArray
    first_step: IntArray
    columns: Mapping[str, Column]
    stations: tuple[StationPlan, ...]
    batches: tuple[BatchPlan, ...]
    books: tuple[BookPlan, ...]
    calendars: tuple[Calendar, ...]
    steps: tuple[PlanStep, ...]
    step_names: tuple[str, ...]
    journey_of: tuple[int, ...]
    journeys: tuple[str, ...]
    channels: tuple[bool, ...]
    outcomes: tuple[str, ...]
    marks: tuple[str, ...]

    @property
    def families(self) -> int:
        """How many families there are, those that do not come included."""
        return len(self.arrival)

    @property
    def places(self) -> tuple[str, ...]:
        """The names of all places where a visit can be: stations, then batches."""
        names: Sequence[StationPlan | BatchPlan] = (*self.stations, *self.batches)
        return tuple(place.name for place in names)
