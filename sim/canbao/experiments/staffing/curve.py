"""The trade-off: what cheaper and dearer plans around the best one would give for their cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from canbao.experiments.staffing.levers import Levels, moved
from canbao.experiments.staffing.searching import Search, by_waiting
from canbao.experiments.staffing.trials import ABREAST, mean_slack
from canbao.experiments.staffing.trimming import worth

__all__ = ["CurvePoint", "curve_plans"]


@dataclass(frozen=True)
class CurvePoint:
    """A plan on the curve."""

    levels: Levels
    servers: int
    """How many servers more than the plan, below 0 for fewer, counted over all levers."""


def curve_plans(search: Search, levels: Levels, seeds: Sequence[int]) -> list[CurvePoint]:
    """Give plans from much cheaper to dearer, the plan itself among them.

    Going down, those servers go first that save most for the slack that they use, one from each lever and then one from
    each again; going up, those come first where most is waited for the money. Three are picked on each side: one server
    away from the plan, a twentieth and a tenth of all its servers, or two and four where that is more.

    Parameters
    ----------
    search
        What was tried so far.
    levels
        The plan.
    seeds
        The seasons by which servers are put in order.
    """
    down = _path(search, levels, _least_missed(search, levels, seeds), -1)
    up = _path(search, levels, _most_waited(search, levels, seeds), 1)
    steps = sorted({1, max(2, sum(levels) // 20), max(4, sum(levels) // 10)})
    fewer = [CurvePoint(down[step - 1], -step) for step in steps if step <= len(down)]
    more = [CurvePoint(up[step - 1], step) for step in steps if step <= len(up)]
    return [*reversed(fewer), CurvePoint(levels, 0), *more]


def _path(search: Search, levels: Levels, order: Sequence[int], by: int) -> list[Levels]:
    """Give the plans on the way when levers change by one each, in an order, and once more."""
    found = []
    for number in [*order, *order]:
        lever = search.levers[number]
        if lever.least <= levels[number] + by <= lever.most:
            levels = moved(levels, (number, by))
            found.append(levels)
    return found


def _least_missed(search: Search, levels: Levels, seeds: Sequence[int]) -> list[int]:
    can = [number for number, lever in enumerate(search.levers) if levels[number] > lever.least]
    plans = [levels, *(moved(levels, (number, -1)) for number in can)]
    here, *fewer = (mean_slack(looks) for looks in search.trials.look_at(plans, seeds[:ABREAST]))
    values = {number: worth(here, slack, search.levers[number].yuan) for number, slack in zip(can, fewer, strict=True)}
    return sorted(can, key=lambda number: -values[number])


def _most_waited(search: Search, levels: Levels, seeds: Sequence[int]) -> list[int]:
    looks = search.trials.look(levels, seeds[:ABREAST])
    can = [number for number, lever in enumerate(search.levers) if levels[number] < lever.most]
    return by_waiting(search.levers, can, looks)
