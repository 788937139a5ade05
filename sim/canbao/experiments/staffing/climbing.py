"""From where theory says to a plan that holds: more servers at the bottleneck, until no promise is missed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from canbao.arrays import np
from canbao.experiments.staffing.levers import Levels, Look, moved
from canbao.experiments.staffing.searching import Search, by_waiting
from canbao.experiments.staffing.trials import mean_slack

__all__ = ["climb"]

_SUSPECTS = 6
"""Levers that are tried at a time: those where most is waited for the money."""
_LEAST_SLACK = 1e-3


def climb(search: Search, levels: Levels) -> Levels | None:
    """Add servers until the plan seems to hold; None where it does not with all that may be put in.

    At each step those levers are suspects at which most is waited for what a server costs, in the hardest seasons. The
    one that takes away most of what is missing, for its cost, gets servers: one first, and twice as many whenever it is
    chosen again. Where none of them helps alone, all of them get some, since a queue may hide the one behind it.
    """
    steps = [1] * len(search.levers)
    while not search.screen.seems_to_hold(levels):
        search.screen.put_hardest_first(levels)
        raised = _raised(search, levels, steps)
        if raised is None:
            return None
        for lever, (before, after) in enumerate(zip(levels, raised, strict=True)):
            steps[lever] = 2 * (after - before) if after > before else 1
        levels = raised
        search.note("more", levels)
    return levels


def _raised(search: Search, levels: Levels, steps: Sequence[int]) -> Levels | None:
    """Give the plan with servers added where they help most for their cost; None if nothing can be added."""
    before = search.trials.look(levels, search.screen.hardest)
    suspects = _suspects(search, levels, before)
    if not suspects:
        return None
    if not _missing(before):  # it holds there, by a hair: a proof or other seasons said no
        plans = [moved(levels, (lever, 1)) for lever in suspects]
        return _best(search, levels, plans, lambda looks: _eased(before, looks))[0]
    plans = [moved(levels, (lever, min(steps[lever], _room(search, levels, lever)))) for lever in suspects]
    plan, gain = _best(search, levels, plans, lambda looks: _missing(before) - _missing(looks))
    if gain > 0:
        return plan
    return moved(levels, *((lever, min(steps[lever], _room(search, levels, lever))) for lever in suspects))


def _room(search: Search, levels: Levels, lever: int) -> int:
    return search.levers[lever].most - levels[lever]


def _best(
    search: Search, levels: Levels, plans: Sequence[Levels], gain: Callable[[Sequence[Look]], float]
) -> tuple[Levels, float]:
    """Give the plan that gains most for what it costs more, and what it gains for a yuan."""
    found = search.trials.look_at(plans, search.screen.hardest)
    gains = [gain(looks) / (search.cost(plan) - search.cost(levels)) for plan, looks in zip(plans, found, strict=True)]
    best = int(np.argmax(gains))
    return plans[best], gains[best]


def _suspects(search: Search, levels: Levels, looks: Sequence[Look]) -> list[int]:
    can = [number for number, lever in enumerate(search.levers) if levels[number] < lever.most]
    # Where nobody knows where the bottleneck is, all are.
    known = any(look.waiting.any() for look in looks)
    return by_waiting(search.levers, can, looks)[:_SUSPECTS] if known else can


def _missing(looks: Sequence[Look]) -> float:
    """Give how much is missing of all promises together, on average over seasons."""
    return float(np.mean([np.maximum(-look.slack, 0.0).sum() for look in looks]))


def _eased(before: Sequence[Look], after: Sequence[Look]) -> float:
    """Give by which part the slack of all promises grows together."""
    less, more = mean_slack(before), mean_slack(after)
    known = np.isfinite(less) & np.isfinite(more)
    return float(((more[known] - less[known]) / np.maximum(less[known], _LEAST_SLACK)).sum())
