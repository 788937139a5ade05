"""Fresh seasons that the search has not seen: whether a plan holds, and whether one server less does too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from canbao.errors import InputError
from canbao.experiments.staffing.evidence import Verdict, at_least, at_most, verdict
from canbao.experiments.staffing.levers import Levels, moved
from canbao.experiments.staffing.searching import Search
from canbao.experiments.staffing.trials import ABREAST, Trials, Tried

__all__ = ["Neighbour", "Proof", "Wanted", "neighbours", "prove"]


@dataclass(frozen=True)
class Wanted:
    """How sure a plan must be.

    Parameters
    ----------
    probability
        That a season holds every promise.
    confidence
        That the plan does so with this probability.
    seasons
        Fresh seasons that are tried at most before a plan or a neighbour is left undecided.
    """

    probability: float = 0.9
    confidence: float = 0.95
    seasons: int = 200

    def __post_init__(self) -> None:
        """See that it can be proved at all."""
        verdict(0, 0, self.probability, self.confidence)
        if verdict(self.seasons, self.seasons, self.probability, self.confidence_of(1)) != "holds":
            raise InputError(
                f"{self.seasons} seasons cannot prove a probability of {self.probability:g} with a confidence of "
                f"{self.confidence:g}, even if all of them hold; take more seasons, or ask for less"
            )

    def confidence_of(self, attempt: int) -> float:
        """Give the confidence of the j-th proof; errors of (1 - confidence) / (j (j + 1)) add up to the whole."""
        return 1 - (1 - self.confidence) / (attempt * (attempt + 1))

    @property
    def aim(self) -> float:
        """What a search aims at: a share that is likely to be a proof.

        It is the smallest share that proves it when all seasons are tried, and a standard error more.
        """
        low, high = 0, self.seasons
        while low < high:
            middle = (low + high) // 2
            enough = verdict(middle, self.seasons, self.probability, self.confidence_of(1)) == "holds"
            low, high = (low, middle) if enough else (middle + 1, high)
        share = low / self.seasons
        return share + math.sqrt(share * (1 - share) / self.seasons)


@dataclass(frozen=True)
class Proof:
    """What fresh seasons said of a plan."""

    tried: Tried
    verdict: Verdict
    confidence: float
    """Of this verdict: stricter at each attempt, so that all of them together keep what was wanted."""
    seeds: range

    @property
    def at_least(self) -> float:
        """The probability with which the plan holds, at least, with this confidence."""
        return at_least(self.tried.held, self.tried.n, self.confidence)


@dataclass(frozen=True)
class Neighbour:
    """The plan with one server less at one lever, and what fresh seasons said of it."""

    lever: int
    tried: Tried
    verdict: Verdict
    at_most: float
    """The probability with which it holds, at most."""


def prove(trials: Trials, levels: Levels, seeds: range, wanted: Wanted, confidence: float) -> Proof:
    """Try a plan with fresh seeds until it is clear whether it holds, or the seeds are used up."""
    tried: dict[Levels, Tried] = {levels: Tried(0, 0)}
    _decide(trials, tried, seeds, wanted.probability, confidence)
    found = tried[levels]
    decided = verdict(found.held, found.n, wanted.probability, confidence)
    return Proof(found, decided, confidence, seeds[: found.n])


def neighbours(search: Search, levels: Levels, seeds: range, wanted: Wanted) -> list[Neighbour]:
    """Try the plan with one server less at each lever that can spare one, side by side and each until it is clear."""
    plans = {
        moved(levels, (number, -1)): number
        for number, lever in enumerate(search.levers)
        if levels[number] > lever.least
    }
    tried = dict.fromkeys(plans, Tried(0, 0))
    _decide(search.trials, tried, seeds, wanted.probability, wanted.confidence)
    return [_neighbour(lever, tried[plan], wanted) for plan, lever in plans.items()]


def _neighbour(lever: int, found: Tried, wanted: Wanted) -> Neighbour:
    decided = verdict(found.held, found.n, wanted.probability, wanted.confidence)
    return Neighbour(lever, found, decided, at_most(found.held, found.n, wanted.confidence))


def _decide(
    trials: Trials, tried: dict[Levels, Tried], seeds: Sequence[int], probability: float, confidence: float
) -> None:
    """Try plans side by side, a few seeds at a time; each drops out when its verdict is clear."""
    for first in range(0, len(seeds), ABREAST):
        open_still = [plan for plan, found in tried.items() if _is_open(found, probability, confidence)]
        if not open_still:
            return
        batch = seeds[first : first + ABREAST]
        for plan, looks in zip(open_still, trials.look_at(open_still, batch), strict=True):
            held = sum(look.holds for look in looks)
            tried[plan] = Tried(tried[plan].held + held, tried[plan].n + len(batch))


def _is_open(found: Tried, probability: float, confidence: float) -> bool:
    return verdict(found.held, found.n, probability, confidence) == "undecided"
