"""The whole search: from theory's start to a plan that is proved to hold, and from which nothing can be taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from canbao.experiments.staffing.climbing import climb
from canbao.experiments.staffing.levers import Levels, Lever, moved, starting_levels
from canbao.experiments.staffing.proving import Neighbour, Proof, Wanted, neighbours, prove
from canbao.experiments.staffing.searching import Search, Step, Told
from canbao.experiments.staffing.trials import Ask, Screen, Trials
from canbao.experiments.staffing.trimming import exchange, trim

__all__ = ["Found", "find_least"]

_ROUGH, _SCREEN = 8, 20
"""Seasons by which the search compares plans: at first, and when it is near."""
_LEARNED = 40
"""Seasons at most that a failed proof adds to them."""
_ATTEMPTS = 6


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Parameters
    ----------
    levels
        The plan; all that may be put in where not even that holds.
    proof
        What fresh seasons said of it; None where nothing holds.
    neighbours
        The same plan with one server less, at each lever that can spare one.
    attempts
        How many plans were put to the proof.
    search
        All that was tried.
    """

    levels: Levels
    proof: Proof | None
    neighbours: tuple[Neighbour, ...]
    attempts: int
    search: Search

    @property
    def holds(self) -> bool:
        """Whether it is proved that the plan holds."""
        return self.proof is not None and self.proof.verdict == "holds"


def _ignore(_: Step) -> None:
    """Tell nobody."""


def find_least(
    levers: Sequence[Lever], ask: Ask, wanted: Wanted | None = None, *, seed: int = 0, told: Told = _ignore
) -> Found:
    """Find the least that holds every promise with a probability, and prove that it does.

    The search goes up from where the levers start until a plan seems to hold in 8 seasons, then takes servers away and
    exchanges them as long as it goes on holding, in 20 seasons when it is near. Then the plan meets fresh seasons, as
    many as it takes to be sure (`evidence.verdict`). If it fails there, the search goes on with these seasons too. If
    it holds, each plan with one server less meets the same fresh seasons; one that turns out to hold takes its place
    and is proved in turn. The j-th proof may err with a chance of (1 - confidence) / (j (j + 1)), which add up to that
    of all of them together.

    That nothing cheaper holds anywhere is not promised. What is proved is that the plan holds, and that no single
    server of it can go; with one lever that is the exact least.

    Parameters
    ----------
    levers
        What may change.
    ask
        Tries plans with seeds. Season r uses the same seed in every plan.
    wanted
        How sure the plan must be.
    seed
        The first seed; the search uses the next 20, proofs use those behind them.
    told
        Is told each step.
    """
    wanted = wanted or Wanted()
    trials = Trials(ask)
    search = Search(levers, trials, Screen(trials, list(range(seed, seed + _ROUGH)), wanted.aim), told)
    search.note("start", starting_levels(levers))
    held = _climbed(search)
    if held is None:
        most = tuple(lever.most for lever in levers)
        search.note("most", most)
        return Found(most, None, (), 0, search)
    near = trim(search, held)
    search.screen.seeds += range(seed + _ROUGH, seed + _SCREEN)
    settled = _settled(search, near)
    return _proved(search, near if settled is None else exchange(search, settled), wanted, seed + _SCREEN)


def _settled(search: Search, levels: Levels) -> Levels | None:
    """Climb where more seasons say that it is needed, then trim with care; None where nothing holds."""
    higher = climb(search, levels)
    return None if higher is None else trim(search, higher, careful=True)


def _climbed(search: Search) -> Levels | None:
    """Climb from the start, unless a few seasons with all that may be put in say that this would be in vain."""
    most = tuple(lever.most for lever in search.levers)
    if not search.trials.tried(most, search.screen.hardest).held:
        return None
    return climb(search, starting_levels(search.levers))


def _proved(search: Search, levels: Levels, wanted: Wanted, first: int) -> Found:
    """Prove the plan, or find another one that can be proved."""
    best: Found | None = None
    for attempt in range(1, _ATTEMPTS + 1):
        seeds = range(first + (attempt - 1) * wanted.seasons, first + attempt * wanted.seasons)
        proof = prove(search.trials, levels, seeds, wanted, wanted.confidence_of(attempt))
        search.note("proof", levels)
        if proof.verdict == "holds":
            around = neighbours(search, levels, seeds, wanted)
            best = Found(levels, proof, tuple(around), attempt, search)
        else:
            search.screen.learn(levels, proof.seeds[:_LEARNED])
        following = _following(search, levels, best)
        if following is None or attempt == _ATTEMPTS:
            return best or Found(levels, proof, (), attempt, search)
        levels = following
    raise AssertionError("the last attempt returns")


def _following(search: Search, levels: Levels, best: Found | None) -> Levels | None:
    """Give the next plan to prove: a neighbour of the best one that seems to hold too, else one with more servers."""
    if best is not None:
        can = [moved(best.levels, (each.lever, -1)) for each in best.neighbours if each.verdict == "holds"]
        left = [plan for plan in can if plan not in search.screen.failed]
        return min(left, key=search.cost, default=None)
    return _settled(search, levels)
