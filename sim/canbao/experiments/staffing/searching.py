"""What the stages of a search share: levers, seasons, and the steps that were taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from canbao.arrays import FloatArray, np
from canbao.experiments.staffing.levers import Levels, Lever, Look, cost_yuan
from canbao.experiments.staffing.trials import Screen, Trials

__all__ = ["Search", "Step", "Told", "by_waiting"]

Told = Callable[["Step"], None]
"""Is told each step of a search as it is taken."""


@dataclass(frozen=True)
class Step:
    """One step of a search: the plan that it came to."""

    stage: str
    """`start`, `most`, `more` (servers added), `fewer`, `exchange`, `proof` or `neighbour`."""
    levels: Levels
    yuan: float


@dataclass
class Search:
    """A search for the least that holds."""

    levers: Sequence[Lever]
    trials: Trials
    screen: Screen
    told: Told = lambda step: None
    steps: list[Step] = field(default_factory=list)

    def cost(self, levels: Levels) -> float:
        """Give what a plan costs, in yuan."""
        return cost_yuan(self.levers, levels)

    def note(self, stage: str, levels: Levels) -> None:
        """Keep a step and tell it."""
        step = Step(stage, levels, self.cost(levels))
        self.steps.append(step)
        self.told(step)


def by_waiting(levers: Sequence[Lever], numbers: Iterable[int], looks: Sequence[Look]) -> list[int]:
    """Order levers by how much is waited there for what a server costs, the bottlenecks first, each group in its turn.

    Parameters
    ----------
    levers
        All levers.
    numbers
        Those that are put in order.
    looks
        The seasons over which waiting is averaged.
    """
    waiting: FloatArray = np.mean([look.waiting for look in looks], axis=0)
    groups: dict[str, list[int]] = {}
    for number in sorted(numbers, key=lambda number: -waiting[number] / levers[number].yuan):
        groups.setdefault(levers[number].group, []).append(number)
    turns = [(turn, number) for mine in groups.values() for turn, number in enumerate(mine)]
    return [number for _, number in sorted(turns, key=lambda pair: pair[0])]
