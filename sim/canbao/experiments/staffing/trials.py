"""Seasons that were tried, and whether a plan holds in enough of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from canbao.arrays import FloatArray, np
from canbao.experiments.staffing.levers import Levels, Look

__all__ = ["ABREAST", "Ask", "Screen", "Trials", "Tried", "mean_slack"]

ABREAST = 4
"""Seasons that are asked for at a time. It is fixed, so that a search takes the same way on any number of cores."""

Ask = Callable[[Sequence[Levels], Sequence[int]], Sequence[Sequence[Look]]]
"""Tries each of some plans with each of some seeds; the same call gives the same answer."""


@dataclass(frozen=True)
class Tried:
    """How often a plan held."""

    held: int
    n: int

    @property
    def missed(self) -> int:
        """How often it did not."""
        return self.n - self.held

    @property
    def share(self) -> float:
        """The share in which it held."""
        return self.held / self.n


@dataclass
class Trials:
    """Tries plans, and remembers what came of it."""

    ask: Ask
    known: dict[tuple[Levels, int], Look] = field(default_factory=dict)

    def look(self, levels: Levels, seeds: Sequence[int]) -> list[Look]:
        """Give what each seed says of a plan."""
        return self.look_at([levels], seeds)[0]

    def look_at(self, plans: Sequence[Levels], seeds: Sequence[int]) -> list[list[Look]]:
        """Give what each seed says of each plan; those that lack the same seeds are tried side by side."""
        lacking: dict[tuple[int, ...], list[Levels]] = {}
        for levels in dict.fromkeys(plans):
            unknown = tuple(seed for seed in seeds if (levels, seed) not in self.known)
            lacking.setdefault(unknown, []).append(levels)
        for unknown, side_by_side in lacking.items():
            if unknown:
                self._try(side_by_side, unknown)
        return [[self.known[levels, seed] for seed in seeds] for levels in plans]

    def _try(self, plans: Sequence[Levels], seeds: Sequence[int]) -> None:
        for levels, looks in zip(plans, self.ask(plans, seeds), strict=True):
            self.known.update({(levels, seed): look for seed, look in zip(seeds, looks, strict=True)})

    def tried(self, levels: Levels, seeds: Sequence[int]) -> Tried:
        """Tell how often a plan held."""
        return Tried(sum(look.holds for look in self.look(levels, seeds)), len(seeds))


def mean_slack(looks: Sequence[Look]) -> FloatArray:
    """Give the mean slack of each promise, shape (promises,); inf where some season had nothing to judge."""
    return np.asarray(np.mean([look.slack for look in looks], axis=0))


@dataclass
class Screen:
    """Decides by a fixed set of seasons whether a plan seems to hold.

    A plan seems to hold if it misses in no more than a share 1 - `aim` of the seasons. The hardest of them are tried
    first, so that a plan that does not hold costs few; the order changes nothing about what is decided. A plan that has
    no more servers anywhere than one that failed a proof does not seem to hold, whatever these seasons say.
    """

    trials: Trials
    seeds: list[int]
    aim: float
    failed: list[Levels] = field(default_factory=list)

    @property
    def allowed(self) -> int:
        """How many seasons may miss."""
        return int((1.0 - self.aim) * len(self.seeds) + 1e-9)

    def learn(self, levels: Levels, seeds: Sequence[int]) -> None:
        """Take in the seasons of a proof in which a plan failed."""
        self.failed.append(levels)
        self.seeds += [seed for seed in seeds if seed not in self.seeds]

    @property
    def hardest(self) -> list[int]:
        """The few seasons by which plans are compared."""
        return self.seeds[:ABREAST]

    def seems_to_hold(self, levels: Levels) -> bool:
        """Tell whether a plan misses in few enough of the seasons."""
        if any(all(map(int.__le__, levels, failed)) for failed in self.failed):
            return False
        missed = 0
        for first in range(0, len(self.seeds), ABREAST):
            batch = self.seeds[first : first + ABREAST]
            missed += self.trials.tried(levels, batch).missed
            if missed > self.allowed:
                return False
        return True

    def put_hardest_first(self, levels: Levels) -> None:
        """Order the seasons by how little slack a plan has in them, as far as they were tried."""
        self.seeds.sort(key=lambda seed: self._least_slack(levels, seed))

    def _least_slack(self, levels: Levels, seed: int) -> tuple[float, int]:
        look = self.trials.known.get((levels, seed))
        return (np.inf if look is None or not len(look.slack) else float(look.slack.min())), seed
