"""A district: what a part of a scenario may know of its surroundings when it builds its piece of the network.

Plugins work with these few things: a `District` comes in, a `Part` goes out, and three labels connect them:

- `HAND_IN`: where a journey goes when the application is handed in for the first time,
- `RESUBMIT`: where it goes when a corrected application is handed in again,
- `GIVE_UP`: where it goes when the family gives up here, to try again another day or elsewhere.

A channel's journey begins at its first step; after a rejection the family comes back to its step `CORRECT`.
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
    from canbao.network import AppointmentBook, Batch, Station, Step

__all__ = [
    "CORRECT",
    "GIVE_UP",
    "HAND_IN",
    "RESUBMIT",
    "Channel",
    "Choice",
    "Demand",
    "District",
    "Part",
    "Policy",
    "Population",
]

HAND_IN = "review"
RESUBMIT = "review/resubmitted"
GIVE_UP = "again"
CORRECT = "correct"


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
    """

    horizon: Horizon
    working: BoolArray
    saturdays: BoolArray
    families: int
    columns: Mapping[str, Column]
    typical: Mapping[str, Column]
    policy: Policy
    luck: Luck

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
    """What a channel adds to the network.

    Parameters
    ----------
    steps
        Its journey, named after the channel. A step named `CORRECT` is where a family comes back after a rejection;
        without one it waits a working day and begins again.
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
    """A way to enrol. May also have `online` (False) and `open_days(district)` (the working days)."""

    def build(self, name: str, district: District, /) -> Part:
        """Give stations and steps of the channel of this name."""
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
    """The rules of a region."""

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
