"""From a plan that holds to one from which nothing can be taken.

Marginal allocation, backwards: Fox (1966), Discrete optimization via marginal analysis, Management Science 13, 210-216,
takes the step with the best ratio first, and is exact where promises add up over the levers and each server more helps
less than the one before. Ratios are looked at again only when a lever's turn comes: Minoux (1978), Accelerated greedy
algorithms for maximizing submodular set functions. More servers never do harm in a queue, so a lever that can give
nothing keeps it for good while others give.
"""

from __future__ import annotations

from canbao.arrays import FloatArray, np
from canbao.experiments.staffing.levers import Levels, moved
from canbao.experiments.staffing.searching import Search, by_waiting
from canbao.experiments.staffing.trials import mean_slack

__all__ = ["exchange", "trim", "worth"]

_LEAST_USE = 1e-6
"""A server whose going uses no slack at all still uses this share, so that the dearest goes first."""
_PARTNERS = 3
_WORTH = 0.005
"""An exchange must save this share of the cost: to look for smaller ones takes longer than all the rest."""
_PASSES = 3


def worth(before: FloatArray, after: FloatArray, yuan: float) -> float:
    """Give what is saved for each part of the slack that is used up by it.

    Parameters
    ----------
    before, after
        The mean slack of each promise, shape (promises,).
    yuan
        What is saved.
    """
    known = np.isfinite(before) & np.isfinite(after)
    used = np.maximum(before[known] - after[known], 0.0) / np.maximum(before[known], 1e-3)
    return yuan / (float(used.sum()) + _LEAST_USE)


def trim(search: Search, levels: Levels, *, careful: bool = False) -> Levels:
    """Take servers away, those first that save most for the slack they use, until none can go.

    The steps are half of what a lever has at first, or one server if `careful`, and get smaller when one is too large;
    a lever from which not even one server can go is left alone.
    """
    search.screen.put_hardest_first(levels)
    halves = [max(1, (level - lever.least + 1) // 2) for lever, level in zip(search.levers, levels, strict=True)]
    steps = [1] * len(halves) if careful else halves
    value = _values(search, levels)
    free = {number for number, lever in enumerate(search.levers) if levels[number] > lever.least}
    while free:
        lever = max(sorted(free), key=lambda number: value[number])
        step = min(steps[lever], levels[lever] - search.levers[lever].least)
        fewer = moved(levels, (lever, -step))
        if search.screen.seems_to_hold(fewer):
            value[lever] = _value(search, levels, fewer)
            levels = fewer
            search.note("fewer", levels)
            search.screen.put_hardest_first(levels)
        elif step > 1:
            steps[lever] = step // 2
        else:
            free.discard(lever)
        if levels[lever] == search.levers[lever].least:
            free.discard(lever)
    return levels


def _values(search: Search, levels: Levels) -> list[float]:
    """Give what each lever's last server is worth, in the hardest seasons; 0 for those that are at their least."""
    can = [number for number, lever in enumerate(search.levers) if levels[number] > lever.least]
    plans = [levels, *(moved(levels, (number, -1)) for number in can)]
    here, *fewer = (mean_slack(looks) for looks in search.trials.look_at(plans, search.screen.hardest))
    found = [0.0] * len(search.levers)
    for number, slack in zip(can, fewer, strict=True):
        found[number] = worth(here, slack, search.levers[number].yuan)
    return found


def _value(search: Search, levels: Levels, fewer: Levels) -> float:
    here, there = (mean_slack(looks) for looks in search.trials.look_at([levels, fewer], search.screen.hardest))
    return worth(here, there, search.cost(levels) - search.cost(fewer))


def exchange(search: Search, levels: Levels) -> Levels:
    """Put a cheaper server in one place for a dearer one in another, wherever that holds; then trim again.

    Partners are the levers at which most is waited for their cost once the dear server is gone. It stops when no
    exchange is left that holds and is worth it, or after three passes.
    """
    for _ in range(_PASSES):
        found = _cheaper(search, levels)
        if found is None:
            break
        search.note("exchange", found)
        levels = trim(search, found, careful=True)
    return levels


def _cheaper(search: Search, levels: Levels) -> Levels | None:
    dear = [number for number, lever in enumerate(search.levers) if levels[number] > lever.least]
    for number in sorted(dear, key=lambda number: -search.levers[number].yuan):
        gone = moved(levels, (number, -1))
        for partner in _partners(search, gone, number):
            plan = moved(gone, (partner, 1))
            if search.screen.seems_to_hold(plan):
                return plan
    return None


def _partners(search: Search, levels: Levels, dear: int) -> list[int]:
    limit = search.levers[dear].yuan - _WORTH * search.cost(levels)
    can = [
        number
        for number, lever in enumerate(search.levers)
        if lever.yuan <= limit and levels[number] < lever.most and number != dear
    ]
    if not can:
        return []
    return by_waiting(search.levers, can, search.trials.look(levels, search.screen.hardest))[:_PARTNERS]
