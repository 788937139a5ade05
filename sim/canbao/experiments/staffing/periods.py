"""Stretches of dates on which a place keeps one number of servers: few enough for a rota, cheap enough to be worth it.

Cutting a row of days so that the sum over the pieces is least is done exactly by dynamic programming: Fisher (1958), On
grouping for maximum homogeneity, Journal of the American Statistical Association 53, 789-798; Bellman (1961).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["cut_days"]

_WORTH = 0.05
"""A further piece must save this share of what one number for all days costs."""


def cut_days(needed: Sequence[float], hours: Sequence[float], most: int) -> list[tuple[int, int]]:
    """Cut days into at most `most` pieces such that the highest need of each piece, for all its hours, costs least.

    Parameters
    ----------
    needed
        Servers that each day needs; rounded up for a piece as a whole, to one at least.
    hours
        Hours on which the place is open, for each day; a day without any begins no piece.
    most
        The largest number of pieces.

    Returns
    -------
    list of (first, last)
        Pieces in order, days counted from 0, both included; together they are all days.
    """
    starts = [day for day, length in enumerate(hours) if length > 0] or [0]
    edges = [0, *starts[1:], len(needed)]
    costs = _piece_costs(edges, needed, hours)
    fine = _WORTH * costs[0][-1]
    best: list[tuple[float, list[int]]] = [(costs[0][end], [0]) for end in range(len(edges))]
    for _ in range(most - 1):
        best = [_better(best, costs, end, fine) for end in range(len(edges))]
    begins = [edges[at] for at in best[-1][1]]
    return [(begin, end - 1) for begin, end in zip(begins, [*begins[1:], len(needed)], strict=True)]


def _piece_costs(edges: Sequence[int], needed: Sequence[float], hours: Sequence[float]) -> list[list[float]]:
    """Give what each piece costs in server hours, by the numbers of its two edges."""
    costs = [[0.0] * len(edges) for _ in edges]
    for begin in range(len(edges) - 1):
        most = length = 0.0
        for end in range(begin + 1, len(edges)):
            days = range(edges[end - 1], edges[end])
            most = max(most, *(needed[day] for day in days))
            length += math.fsum(hours[day] for day in days)
            costs[begin][end] = max(1, math.ceil(most - 1e-9)) * length
    return costs


def _better(
    best: Sequence[tuple[float, list[int]]], costs: Sequence[Sequence[float]], end: int, fine: float
) -> tuple[float, list[int]]:
    """Give the cheapest way to cut the days up to an edge with one piece more, or as it was where that saves little."""
    found = best[end]
    for last in range(1, end):
        cost = best[last][0] + costs[last][end] + fine
        if cost < found[0] - 1e-9:
            found = (cost, [*best[last][1], last])
    return found
