"""The words of a network: stations, journeys, arrivals. A researcher starts here; no insurance is involved.

A journey is a small flow chart of steps. A step names where to go on by a *label*: `"pay"` is the step
of that name in the same journey, `"review/first"` a step of another journey, `"review"` that journey's
first step. An exit that is not given goes to the next step, or ends the journey with the word for it.

A *quantity* is a number, the name of a column (one number for each family), a distribution, or a
distribution times a column (`Scaled`). Durations are in the network's unit of time; scenarios use seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from canbao.arrivals import ArrivalProcess
from canbao.calendar import Calendar
from canbao.columns import Column
from canbao.disciplines import Discipline, QueueKey
from canbao.distributions import Distribution
from canbao.schedule import Schedule

__all__ = [
    "Appointment",
    "AppointmentBook",
    "Await",
    "Batch",
    "Before",
    "Check",
    "Choose",
    "Custom",
    "Delay",
    "End",
    "Gather",
    "Go",
    "Journey",
    "Mark",
    "Marked",
    "Network",
    "Option",
    "Quantity",
    "QueueKey",
    "Return",
    "Scaled",
    "Station",
    "Step",
    "Stream",
    "Visit",
]


@dataclass(frozen=True)
class Scaled:
    """A distribution whose sample is multiplied by a column, such as the number of children."""

    distribution: Distribution
    by: str


Quantity = float | str | Distribution | Scaled


@dataclass(frozen=True)
class Station:
    """A place with servers and a queue.

    Parameters
    ----------
    name
        Its name; a dot groups stations for the eye (`hall.east`).
    servers
        How many serve, a number (`math.inf` for no limit) or a Schedule. A server whose shift ends finishes
        the family in hand.
    doors
        Schedule of 1 (open) and 0 (closed), or None for a place that anybody may enter at any time, such as
        a pile of applications.
    closing
        What becomes of those who wait when the doors close: `"serve"` (the servers of that moment stay until
        all who are inside are served), `"send home"`, or `"keep"` (they wait inside until somebody serves).
    discipline
        Whom a free server takes: `"fifo"`, `"lifo"`, `"priority"` (the smallest `Visit.priority`, then FIFO),
        `"shortest"` (the shortest service) or `"random"`; or a function of (priority, service) that gives a number:
        the smallest goes first, then FIFO. Only engines that run Python can use a function.
    room
        How many may be inside, being served included; `math.inf` for no limit.
    when_full
        `"lose"` turns the next one away (exit `full`); `"block"` lets it wait at the door, and keeps the server
        that it comes from occupied until there is room (blocking after service).
    group
        What it belongs to in reports, such as a channel or `review`.
    """

    name: str
    servers: float | Schedule = 1
    doors: Schedule | None = None
    closing: Literal["serve", "send home", "keep"] = "serve"
    discipline: Discipline | QueueKey = "fifo"
    room: float = math.inf
    when_full: Literal["lose", "block"] = "lose"
    group: str = ""


@dataclass(frozen=True)
class Batch:
    """A place where families or papers gather and go on together.

    It leaves when `size` have gathered, at each of the times `releases`, and `max_wait` after the first came;
    what is not given does not happen.
    """

    name: str
    size: int | None = None
    releases: Sequence[float] = ()
    max_wait: float = math.inf
    group: str = ""


@dataclass(frozen=True)
class AppointmentBook:
    """Appointments: at each of the rising `times` there are `places`, one number for all or one for each."""

    name: str
    times: Sequence[float]
    places: int | Sequence[int] = 1


@dataclass(frozen=True)
class Visit:
    """Stand in the queue of a station and be served there.

    `patience` is how long the family waits before it leaves (exit `abandoned`); `baulk_at` is the number of waiting
    families at which it does not join (exit `baulked`); `full` and `closed` are the exits at a full room and at
    closed doors or when sent home. `luck` names the luck of the service: two visits of one name share it, so that a
    family that is slow at one window is slow at every window. `calls` names what the family asks a deployment for
    here, in order; only a load test heeds it.
    """

    station: str
    service: Quantity
    name: str = ""
    patience: Quantity = math.inf
    baulk_at: Quantity = math.inf
    priority: Quantity = 0
    served: str | None = None
    abandoned: str | None = None
    baulked: str | None = None
    full: str | None = None
    closed: str | None = None
    luck: str = ""
    calls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delay:
    """Let time pass: clock time, or the open time or open days of a calendar.

    `unit` is `"time"` for the clock, `"open time"` for the open hours of `calendar` and `"working days"` for its open
    days. With `effort`, the family spends the time on it, as on a page of a form; with `trip`, it is a way that the
    family travels, which counts as a trip and as effort.
    """

    duration: Quantity
    name: str = ""
    unit: Literal["time", "open time", "working days"] = "time"
    calendar: str = ""
    trip: bool = False
    effort: bool = False
    then: str | None = None


@dataclass(frozen=True)
class Await:
    """Wait until a calendar is open.

    With `day=0` a family that finds it open goes on at once; else it comes at the share `at` of the open time that is
    left of the next day that has some. With `day=k` it comes back on the k-th open day after today.
    """

    calendar: str
    at: Quantity = 0.0
    day: int = 0
    name: str = ""
    then: str | None = None


@dataclass(frozen=True)
class Check:
    """Pass with a probability, or fail; after `limit` failures the exit is `exceeded`.

    In a load test a deployment decides that is asked for `calls`, in place of the probability.
    """

    probability: Quantity
    name: str = ""
    passed: str | None = None
    failed: str | None = None
    limit: int | None = None
    exceeded: str | None = None
    luck: str = ""
    calls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Before:
    """Go on if it is not later than a deadline (one moment, or a column of them), else to `late`."""

    deadline: Quantity
    name: str = ""
    then: str | None = None
    late: str | None = None


@dataclass(frozen=True)
class Option:
    """One way of a Choose: a label, its weight, the station whose queue is looked at, what it costs to get there."""

    to: str
    weight: Quantity = 1.0
    station: str = ""
    travel: Quantity = 0.0


ChoiceRule = Callable[[Sequence["Option"], Mapping[str, Any]], int]


@dataclass(frozen=True)
class Choose:
    """Take one of some ways.

    `rule` is `"weight"` (by luck, in proportion to the weights), `"shortest"` (fewest inside for each server on duty)
    or `"fastest"` (least travel and expected wait); ties go to the least travel, then to the first. With `published_s`
    the state of the queues is not that of the moment but the last one published, once every so many seconds from time
    0: as it was just before, without anything that happens at that very moment. With `others`, the channel in which
    the family now is is left out, unless no other has any weight. A function takes the options and the state of the
    stations, by name a mapping with `waiting`, `busy` and `servers`, and gives an index; only engines that run Python
    can use it.
    """

    options: Sequence[Option]
    rule: Literal["weight", "shortest", "fastest"] | ChoiceRule = "weight"
    others: bool = False
    name: str = ""
    luck: str = ""
    published_s: float = 0.0


@dataclass(frozen=True)
class Gather:
    """Wait at a Batch until it leaves."""

    batch: str
    name: str = ""
    then: str | None = None


@dataclass(frozen=True)
class Appointment:
    """Book the first free appointment at least `lead` from now, and wait for it; `none_left` if there is none.

    For no-shows put a Check behind it: the place stays taken.
    """

    book: str
    lead: Quantity = 0.0
    name: str = ""
    then: str | None = None
    none_left: str | None = None


@dataclass(frozen=True)
class Mark:
    """Write this moment into the trace: each event is a column of its table of families, nan where it never happened.

    The last time counts, or the first with `first`. With `clear` the event is taken back, so that the column says nan.
    In a load test it happens when a deployment has done what `calls` asks it for.
    """

    event: str
    name: str = ""
    then: str | None = None
    first: bool = False
    clear: bool = False
    calls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Marked:
    """Go one way if an event is marked, the other way if it is not or was taken back."""

    event: str
    name: str = ""
    yes: str | None = None
    no: str | None = None


@dataclass(frozen=True)
class Go:
    """Go on elsewhere."""

    to: str
    name: str = ""


@dataclass(frozen=True)
class Return:
    """Go back to the channel that the family used last, to its step `entry`; every channel must have one."""

    entry: str = ""
    name: str = ""


@dataclass(frozen=True)
class End:
    """Leave the network with an outcome."""

    outcome: str
    name: str = ""


@dataclass(frozen=True)
class Custom:
    """A SimPy process of one's own: a generator function of (env, family) that returns a label or None.

    None leads to the next step. Only the SimPy engine runs it. `exits` lists the labels that it may return.
    """

    process: Callable[[Any, int], Generator[Any, Any, str | None]]
    exits: Sequence[str] = ()
    name: str = ""


Step = (
    Visit | Delay | Await | Check | Before | Choose | Gather | Appointment | Mark | Marked | Go | Return | End | Custom
)


@dataclass(frozen=True)
class Journey:
    """Steps through a network, in order unless they say otherwise.

    With `channel` (the default) a family that enters it has changed to this channel; a part that channels share, such
    as the review, is none.
    """

    name: str
    steps: Sequence[Step]
    channel: bool = True


@dataclass(frozen=True)
class Stream:
    """Families that arrive: where they start, when they come, and what is known of each.

    A column of `columns` is an array with one value for each arrival, or a distribution to draw it from.
    Columns whose name begins with an underscore stay out of the trace.
    """

    journey: str
    arrivals: ArrivalProcess
    name: str = "arrivals"
    columns: Mapping[str, Column | Distribution] = field(default_factory=dict)


@dataclass(frozen=True)
class Network:
    """Everything that an engine needs to know, in words."""

    stations: Sequence[Station] = ()
    journeys: Sequence[Journey] = ()
    streams: Sequence[Stream] = ()
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    batches: Sequence[Batch] = ()
    books: Sequence[AppointmentBook] = ()
