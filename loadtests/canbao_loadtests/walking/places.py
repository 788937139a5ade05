"""Places that families share and that are no stations: batches that go on together, and books of appointments."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from canbao.plan import Plan
from canbao_loadtests.walking.walk import Walk

__all__ = ["Member", "Places"]


class Member(NamedTuple):
    """One family that waits in a batch."""

    walk: Walk
    step: int
    entered: float
    then: int


class Places:
    """The batches and books of one process; those of other processes are apart.

    Parameters
    ----------
    plan
        What they are like.
    at
        Has something done at a moment of the scenario, if that is before the end.
    release
        Lets a family of a batch go on, at a moment.
    """

    def __init__(
        self, plan: Plan, at: Callable[[float, Callable[[], object]], None], release: Callable[[Member, float], None]
    ) -> None:
        self._plan, self._at, self._let_go = plan, at, release
        self._members: list[list[Member]] = [[] for _ in plan.batches]
        self._round = [0 for _ in plan.batches]
        self._left = [list(book.places) for book in plan.books]

    def start(self, moment: float) -> None:
        """Plan the releases that are still to come."""
        for number, batch in enumerate(self._plan.batches):
            for time in batch.releases:
                if time >= moment:
                    self._at(time, partial(self._release, number, time))

    def join(self, number: int, member: Member) -> None:
        """Let a family wait in a batch."""
        batch, members = self._plan.batches[number], self._members[number]
        members.append(member)
        if len(members) >= batch.size:
            self._release(number, member.entered)
        elif len(members) == 1 and batch.max_wait < math.inf:
            due, this = member.entered + batch.max_wait, self._round[number]
            self._at(due, lambda: self._release(number, due) if this == self._round[number] else None)

    def _release(self, number: int, moment: float) -> None:
        self._round[number] += 1
        members, self._members[number] = self._members[number], []
        for member in members:
            self._let_go(member, moment)

    def book(self, number: int, earliest: float) -> float | None:
        """Take the first free place of a book from a moment on; None if there is none."""
        times, left = self._plan.books[number].times, self._left[number]
        for place in range(bisect_left(times, earliest), len(times)):
            if left[place]:
                left[place] -= 1
                return times[place]
        return None
