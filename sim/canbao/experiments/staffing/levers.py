"""What may change in a plan, what must hold, and what a season says of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from canbao.arrays import FloatArray, np
from canbao.errors import InputError

__all__ = ["Levels", "Lever", "Look", "Promise", "cost_yuan", "moved", "starting_levels"]

Levels = tuple[int, ...]
"""How many serve at each lever, in the order of the levers."""


@dataclass(frozen=True)
class Lever:
    """One number of servers that a plan may change.

    Parameters
    ----------
    name
        What it is called, the same in answers and in tables.
    least, most
        The smallest and largest number that is looked at.
    start
        Where the search begins; theory says it.
    yuan
        What one server more costs over the whole horizon.
    group
        Levers of one group are compared by how much is waited at them; hours of people and of papers are not the same.
    """

    name: str
    least: int
    most: int
    start: int
    yuan: float = 1.0
    group: str = ""

    def __post_init__(self) -> None:
        """See that the numbers are in order."""
        if not 0 <= self.least <= self.start <= self.most:
            raise InputError(
                f"lever {self.name!r} needs 0 <= least <= start <= most, given {self.least}, {self.start}, {self.most}"
            )
        if not (math.isfinite(self.yuan) and self.yuan > 0):
            raise InputError(f"a server more at lever {self.name!r} must cost more than 0 yuan, given {self.yuan}")


@dataclass(frozen=True)
class Promise:
    """A measure with a limit that must hold; give `at_least` or `at_most`."""

    measure: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        """See that there is one limit."""
        if (self.at_least is None) == (self.at_most is None):
            raise InputError(f"a promise of {self.measure!r} needs either at_least or at_most")

    def slack(self, value: float) -> float:
        """Give by how much the limit is kept, below 0 where it is missed; inf where there is nothing to judge.

        It is in parts of the limit where that is an upper one, so that seconds and shares can stand side by side.
        """
        if math.isnan(value):
            return math.inf
        if self.at_least is not None:
            return value - self.at_least
        assert self.at_most is not None
        return (self.at_most - value) / (self.at_most or 1.0)


@dataclass(frozen=True, eq=False)
class Look:
    """What one season said of a plan."""

    slack: FloatArray
    """By how much each promise is kept, shape (promises,)."""
    waiting: FloatArray
    """Hours of waiting at each lever, shape (levers,): where the bottleneck is; zeros where nobody knows."""

    @property
    def holds(self) -> bool:
        """Whether every promise is kept."""
        return bool(np.all(self.slack >= 0))


def cost_yuan(levers: Sequence[Lever], levels: Levels) -> float:
    """Give what a plan costs."""
    return math.fsum(lever.yuan * level for lever, level in zip(levers, levels, strict=True))


def starting_levels(levers: Sequence[Lever]) -> Levels:
    """Give where the search begins."""
    return tuple(lever.start for lever in levers)


def moved(levels: Levels, *moves: tuple[int, int]) -> Levels:
    """Give the levels with some of them changed by so many: `moved(levels, (3, -1))`."""
    changed = list(levels)
    for lever, by in moves:
        changed[lever] += by
    return tuple(changed)
