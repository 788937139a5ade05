"""A district: what a part of a scenario may know of its surroundings when it builds its piece of the network.

Plugins work with these few things: a `District` comes in, a `Part` goes out, and labels connect them. A journey goes to

- `HAND_IN` when the application is handed in for the first time,
- `RESUBMIT` when a corrected application is handed in again,
- `APPROVED` when a family has learnt in the channel that its application was approved,
- `GIVE_UP` when the family gives up here, to try again another day or elsewhere, or never,
- `ELSEWHERE` when it takes another channel at once.

A channel's journey begins at its first step. The family comes back to its step `CORRECT` when its application is
returned, and to its step `RESULT` when it is approved; a channel without that step has nothing to do then.

    channel ──HAND_IN──► before review ──► review ──► RESULT of the channel ──APPROVED──► after review ──► enrolled
       ▲                                     │                                                               │
       └──────────────CORRECT────────────────┘                                             afterwards ◄──────┘

What stands before, after and behind the review are formalities: to pay, to get the card, to settle the first bill.

What happens but takes no time is a visit of no length, so that the trace tells it: failures by their names (`failed`),
fees paid and refunded (`pay_fee`, `return_fee`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from canbao.arrays import BoolArray, FloatArray, np
from canbao.calendar import Calendar, Horizon
from canbao.columns import Coded, Column
from canbao.luck import Luck

if TYPE_CHECKING:
    from canbao.network import AppointmentBook, Batch, Mark, Station, Step, Visit

__all__ = [
    "APPROVED",
    "CORRECT",
    "ELSEWHERE",
    "FAILURE",
    "FAILURES",
    "FEE",
    "GIVE_UP",
    "HAND_IN",
    "NOTICE",
    "PAID",
    "PAPERS",
    "REFUNDED",
    "RESUBMIT",
    "RESULT",
    "Channel",
    "Choice",
    "Demand",
    "District",
    "Formality",
    "Part",
    "Policy",
    "Population",
    "failed",
    "pay_fee",
    "return_fee",
]

HAND_IN = "application"
RESUBMIT = "review/resubmitted"
APPROVED = "approved"
GIVE_UP = "again"
ELSEWHERE = "again/elsewhere"
CORRECT = "correct"
RESULT = "result"

FAILURE = "failure"
"""The group of the stations that record failures; each is called `failure.<name>`."""
FAILURES = (
    "incomplete papers",
    "data mismatch",
    "not registered yet",
    "registration not visible",
    "duplicate",
    "payment locked",
    "debit failed",
    "card held",
    "wrong channel",
    "maintenance",
    "closed payment day",
    "portal full",
)
"""What goes wrong, by name."""

PAPERS = "/papers"
"""The group of places where papers of a channel lie and its families do not wait is `<channel>/papers`.

So they are no hours of a family; who works there is staff of the channel.
"""

FEE = "fee"
"""The group of the stations that record payments and refunds."""
NOTICE = "notice"
"""The group of the stations that record what families are told, `notice.<channel>.<way>`: visits of no length, too."""

PAID, REFUNDED = "paid", "refunded"
"""Events: the fee was paid (and not returned), it was returned last."""


def failed(name: str, *, label: str = "", then: str | None = None) -> Visit:
    """Record a failure of one of `FAILURES` and go on."""
    import canbao

    if name not in FAILURES:
        raise ValueError(f"no failure is named {name!r}; there are: {', '.join(FAILURES)}")
    return canbao.Visit(f"{FAILURE}.{name}", 0.0, name=label, served=then)


def pay_fee(*, label: str = "", then: str | None = None) -> tuple[Visit, Mark]:
    """Pay the family's fee: the ledger has an entry, and the event `paid` stands until it is returned."""
    import canbao

    return canbao.Visit(f"{FEE}.{PAID}", 0.0, name=label), canbao.Mark(PAID, then=then)


def return_fee(*, label: str = "", then: str | None = None) -> tuple[Visit, Mark, Mark]:
    """Give the fee back: the ledger has an entry, and the event `paid` is taken back."""
    import canbao

    paid_back = canbao.Mark(PAID, clear=True)
    return canbao.Visit(f"{FEE}.{REFUNDED}", 0.0, name=label), paid_back, canbao.Mark(REFUNDED, then=then)


@dataclass(frozen=True, eq=False)
class District:
    """What is known before channels are built.

    Parameters
    ----------
    horizon
        The dates of the run.
    working
        Whether offices work, for each date, make-up days included; shape (days,).
    saturdays
        Whether each date is a Saturday that is neither a working day nor inside a holiday; shape (days,).
    families
        How many families there are.
    columns
        What is known of each.
    typical
        The same columns for the first 10,000 families of this seed, whatever the number of families: to calibrate on,
        so that a family's behaviour does not depend on how many others there are.
    policy
        The region's rules.
    luck
        The luck of this seed.
    channels, formalities
        The settings of all channels and formalities of the scenario, by name.
    """

    horizon: Horizon
    working: BoolArray
    saturdays: BoolArray
    families: int
    columns: Mapping[str, Column]
    typical: Mapping[str, Column]
    policy: Policy
    luck: Luck
    channels: Mapping[str, Channel] = field(default_factory=dict)
    formalities: Mapping[str, Formality] = field(default_factory=dict)

    @cached_property
    def dates(self) -> list[object]:
        """All dates of the horizon."""
        return list(self.horizon.dates())

    def number(self, name: str) -> FloatArray:
        """Give a column as numbers, shape (families,)."""
        column = self.columns[name]
        return np.asarray(column.codes if isinstance(column, Coded) else column, dtype=np.float64)

    def share(self, probability: float | FloatArray, purpose: str) -> BoolArray:
        """Draw yes or no for each family."""
        return np.asarray(self.luck.uniforms(purpose, self.families) < probability)


@dataclass(frozen=True)
class Part:
    """What a channel or a formality adds to the network.

    Parameters
    ----------
    steps
        Its journey, named after it. In a channel a step named `CORRECT` is where a family comes back after its
        application is returned; without one it waits a working day and begins again. A step named `RESULT` is where
        it comes when the application is approved.
    queue
        The station whose queue tells how full the channel is, for those who choose by it.
    """

    stations: Sequence[Station]
    steps: Sequence[Step]
    queue: str = ""
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    columns: Mapping[str, Column] = field(default_factory=dict)
    batches: Sequence[Batch] = ()
    books: Sequence[AppointmentBook] = ()


@runtime_checkable
class Channel(Protocol):
    """A way to enrol.

    May also have `online` (False), `open_days(district)` (the working days) and `serves(district)`: which families it
    is for at all, shape (families,); nobody else is sent to it. With `hands_in` False it only helps: families hand in
    elsewhere.
    """

    def build(self, name: str, district: District, /) -> Part:
        """Give stations and steps of the channel of this name."""
        ...


@runtime_checkable
class Formality(Protocol):
    """What a family has to do besides handing in.

    May also have `undo(name, district, onward)`: the steps that take it back when the application ends without an
    enrolment; each way through them leads to the label `onward`.
    """

    @property
    def place(self) -> Literal["before review", "after review", "afterwards"]:
        """When: before the review, between approval and enrolment, or when the child is insured already."""
        ...

    def build(self, name: str, district: District, onward: str, /) -> Part:
        """Give its stations and steps; each way leads to the label `onward`, to GIVE_UP, or to an End."""
        ...


@runtime_checkable
class Population(Protocol):
    """Where families come from."""

    def count(self, horizon: Horizon, /) -> int:
        """Say how many families there are."""
        ...

    def columns(self, luck: Luck, count: int, horizon: Horizon, /) -> dict[str, Column]:
        """Give what is known of each: a function of seed and index, whatever the count."""
        ...


@runtime_checkable
class Policy(Protocol):
    """The rules of a region.

    May also have `fee_yuan(columns, horizon)` and `subsidy_yuan(columns, horizon)`: what each family pays for all its
    children, and what the state adds, shape (families,); and `papers_complete(columns, horizon)`: whether each family
    holds the papers that are needed here, or None where that is not known.
    """

    def deadline_s(self, columns: Mapping[str, Column], horizon: Horizon, /) -> FloatArray:
        """Give the last moment at which each family may hand in, inf for none; shape (families,)."""
        ...

    def insured_from_birth_until_s(self, columns: Mapping[str, Column], horizon: Horizon, /) -> FloatArray:
        """Give the last moment at which each newborn is still insured from birth, nan for other families."""
        ...

    def period_s(self, horizon: Horizon, /) -> tuple[float, float]:
        """Give the begin and the end of the collection period."""
        ...


@runtime_checkable
class Demand(Protocol):
    """When families come."""

    def families(self, expected: int, /) -> int:
        """Say how many families come, given how many the population has; another number if arrivals are listed."""
        ...

    def arrivals(self, district: District, preferred: Coded, channels: Mapping[str, Channel], /) -> FloatArray:
        """Give each family's arrival, nan for one that does not come; `preferred` is the channel that it would use."""
        ...


@runtime_checkable
class Choice(Protocol):
    """How a family chooses its channel."""

    @property
    def rule(self) -> Literal["weight", "shortest", "fastest"]:
        """How it weighs the channels against each other when it starts."""
        ...

    def weights(self, channels: Mapping[str, Channel], district: District, /) -> dict[str, FloatArray]:
        """Give each channel's weight for each family, shape (families,) by channel."""
        ...
