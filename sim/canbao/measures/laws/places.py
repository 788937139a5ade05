"""One station: the visits that were let in there, and what goes on between any two moments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canbao.arrays import AnyArray, BoolArray, FloatArray, IntArray
from canbao.measures.queues import over_at
from canbao.measures.visits import AWAY, Visits
from canbao.plan import Plan, StationPlan

__all__ = ["Course", "Place", "around", "place_of"]


@dataclass(frozen=True, eq=False)
class Place:
    """A station and its visits; arrays of shape (visits,), those that were let in."""

    index: int
    plan: StationPlan
    until: float
    visits: Visits
    away: Visits
    """Those that were not let in."""

    @cached_property
    def served(self) -> BoolArray:
        """Whether each began to be served."""
        return ~np.isnan(self.visits.start)

    @cached_property
    def left(self) -> FloatArray:
        """When each left, or else the end of the horizon."""
        return np.where(np.isnan(self.visits.leave), self.until, self.visits.leave)

    @cached_property
    def waited_until(self) -> FloatArray:
        """When each began to be served, or else left."""
        return over_at(self.visits.start, self.visits.leave, self.until)

    @cached_property
    def waits(self) -> IntArray:
        """Which of them wait, by their places in these arrays."""
        return np.flatnonzero(self.waited_until > self.visits.enter)

    @cached_property
    def course(self) -> Course:
        """What goes on between any two moments."""
        return _course(self)


def place_of(visits: Visits, plan: Plan, index: int, until: float) -> Place:
    """Take the visits to one station."""
    turned = visits.ended_as(*AWAY)
    here = visits.take(~turned) if turned.any() else visits
    return Place(index, plan.stations[index], until, here, visits.take(turned))


@dataclass(frozen=True, eq=False)
class Course:
    """What goes on at a station between two moments at which anything changes; arrays of shape (moments,)."""

    moments: FloatArray
    """When something changes; each stretch begins at one."""
    lengths: FloatArray
    """How long until the next moment, or the end of the horizon."""
    waiting: NDArray[np.int32]
    """How many wait in each stretch."""
    serving: NDArray[np.int32]
    """How many are served in each stretch."""
    begins: IntArray
    """The places of the moments at which a service begins."""
    servers: FloatArray
    """How many are on duty by the schedule in each stretch."""


def _course(here: Place) -> Course:
    enter, start, left = here.visits.enter, here.visits.start, here.left
    if all(math.isinf(change.servers) for change in here.plan.changes):
        # Who is served at once, and in no time, is nowhere between two moments; nor is there a limit to break.
        stays = left > enter
        enter, start, left = enter[stays], start[stays], left[stays]
    served, later = ~np.isnan(start), start > enter
    at_once = served & ~later
    parts = (enter[at_once], enter[~at_once], start[later], left[~served], left[served], times_of(here.plan))
    runs = [np.sort(part) for part in parts]
    times, sizes = np.concatenate(runs), [*map(len, runs)]
    order = np.argsort(times, kind="stable")  # runs that are sorted are merged
    times = times[order]
    # Of all that happens at one moment, only the last counts.
    last = np.flatnonzero((times < here.until) & np.append(times[1:] != times[:-1], True))

    def number(*more: int) -> NDArray[np.int32]:
        """Add up how many more there are with each element of a run."""
        return np.cumsum(np.repeat(np.array(more, dtype=np.int8), sizes)[order], dtype=np.int32)[last]

    moments, begun = times[last], number(1, 0, 1, 0, 0, 0)
    return Course(
        moments=moments,
        lengths=np.diff(moments, append=here.until),
        waiting=number(0, 1, -1, -1, 0, 0),
        serving=number(1, 0, 1, 0, -1, 0),
        begins=np.flatnonzero(np.diff(begun, prepend=0)),
        servers=around(here.plan, moments, [change.servers for change in here.plan.changes])[1],
    )


def times_of(plan: StationPlan) -> FloatArray:
    """Give the moments at which a station's hours or staff change."""
    return np.array([change.time for change in plan.changes])


def around(plan: StationPlan, moments: FloatArray, values: Sequence[Any]) -> tuple[AnyArray, AnyArray]:
    """Give what holds just before and just after each moment: at a change, either may have held.

    Parameters
    ----------
    plan
        The station; its changes begin at time 0.
    moments
        Moments from 0 on, in their order.
    values
        What holds from each change on.
    """
    # What holds from the first change on has held before it.
    held = np.array([values[0], *values])
    bounds = (np.searchsorted(moments, times_of(plan), side=side) for side in ("right", "left"))
    before, after = (np.repeat(held, np.diff(place, prepend=0, append=len(moments))) for place in bounds)
    return before, after
