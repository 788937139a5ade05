"""Some families that would come by one channel, and the dates on which that channel can be used."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from canbao.arrays import BoolArray, FloatArray, IntArray, np
from canbao.columns import Coded
from canbao.district import Channel, District

__all__ = ["DAY_S", "Dates", "Draws", "Group", "open_days"]

DAY_S = 86_400.0
"""Seconds of a day."""


@dataclass(frozen=True, eq=False)
class Draws:
    """The luck of a district, each purpose drawn once, however many channels ask for it."""

    district: District
    drawn: dict[str, FloatArray] = field(default_factory=dict)

    def of(self, purpose: str) -> FloatArray:
        """Give the uniforms of all families for a purpose, shape (families,)."""
        if purpose not in self.drawn:
            self.drawn[purpose] = self.district.luck.uniforms(purpose, self.district.families)
        return self.drawn[purpose]


@dataclass(frozen=True, eq=False)
class Group:
    """The families that would come by one channel; arrays below have one value for each of them.

    Parameters
    ----------
    members
        The numbers of these families, rising.
    hour
        The hour of the day at which each comes, from 0 to 24, whatever the date.
    """

    draws: Draws
    channel: Channel
    members: IntArray
    hour: FloatArray

    @property
    def district(self) -> District:
        """The district that they live in."""
        return self.draws.district

    def some(self, chosen: IntArray) -> Group:
        """Give some of these families, by their places among them."""
        return replace(self, members=self.members[chosen], hour=self.hour[chosen])

    def luck(self, purpose: str) -> FloatArray:
        """Give each family's uniform for a purpose."""
        return np.asarray(self.draws.of(purpose)[self.members])

    def of_kind(self, *kinds: str) -> BoolArray:
        """Tell of each family whether it is of one of these kinds; where a population knows no such word, none is."""
        kind = self.district.columns.get("kind")
        known = [word for word in kinds if word in kind.labels] if isinstance(kind, Coded) else []
        if not isinstance(kind, Coded) or not known:
            return np.zeros(len(self.members), dtype=bool)
        return kind.take(self.members).has(*known)

    def numbers(self, name: str) -> FloatArray | None:
        """Give a column of numbers; None if the population has none of this name."""
        column = self.district.columns.get(name)
        if column is None or isinstance(column, Coded):
            return None
        return np.asarray(column, dtype=np.float64)[self.members]

    def times(self, day: FloatArray) -> FloatArray:
        """Give the moment at which each comes on its day."""
        return np.asarray((day + self.hour / 24.0) * DAY_S)


@dataclass(frozen=True, eq=False)
class Dates:
    """The dates on which families can come by a channel.

    Parameters
    ----------
    first
        The first date, in days since the first midnight of the horizon; negative before it.
    factor
        How readily they come on each date, 0 where they cannot; shape (dates,).
    """

    first: int
    factor: FloatArray

    @cached_property
    def open(self) -> IntArray:
        """The dates on which they can come, rising."""
        return np.asarray(self.first + np.flatnonzero(self.factor > 0.0))

    def from_on(self, day: FloatArray) -> FloatArray:
        """Give the first open date at or after each day, inf where there is none."""
        return np.append(self.open.astype(np.float64), np.inf)[np.searchsorted(self.open, day)]

    def up_to(self, day: FloatArray) -> FloatArray:
        """Give the last open date at or before each day, -inf where there is none."""
        return np.append(-np.inf, self.open.astype(np.float64))[np.searchsorted(self.open, day, side="right")]


def open_days(channel: Channel, district: District) -> BoolArray:
    """Tell for each date of the horizon whether a channel is open: as it says, on working days if it says nothing."""
    days = getattr(channel, "open_days", None)
    return district.working if days is None else np.asarray(days(district), dtype=bool)
