"""Choices: by weight, by the shortest queue, by the least expected time."""

from __future__ import annotations

import math
from typing import Any

from canbao.kernel.compiling import compiled
from canbao.kernel.desks import renew_boards
from canbao.kernel.drawing import amount, chance

__all__ = ["FASTEST", "SHORTEST_QUEUE", "WEIGHT", "choose"]

WEIGHT, SHORTEST_QUEUE, FASTEST = range(3)

_ALL = -2
"""Stands for the channel that is left out where none is; -1 is what lies in no channel."""


@compiled
def choose(w: Any, slot: int, place: int, attempt: int) -> int:
    """Give the step to which a family goes."""
    step = w.steps[place]
    own = _own(w, slot, place) if step.flag else _ALL
    if step.other != WEIGHT:
        return _cheapest(w, slot, place, attempt, own)
    to = _by_weight(w, slot, place, attempt, own)
    # No other channel is for it: it stays with its own.
    return to if to >= 0 else _by_weight(w, slot, place, attempt, _ALL)


@compiled
def _own(w: Any, slot: int, place: int) -> int:
    """Give the channel that is left out: the family's own, unless no other is among the options."""
    channel = w.slots[slot].channel
    for number in range(w.steps[place].first, w.steps[place].last):
        if w.options[number].journey != channel:
            return channel
    return _ALL


@compiled
def _left_out(w: Any, number: int, own: int) -> bool:
    return w.options[number].journey == own


@compiled
def _by_weight(w: Any, slot: int, place: int, attempt: int, own: int) -> int:
    """Choose by luck in proportion to the weights; -1 if some option was left out and no other has any weight."""
    step = w.steps[place]
    total = 0.0
    everybody = True
    for number in range(step.first, step.last):
        if _left_out(w, number, own):
            everybody = False
        else:
            total += amount(w, w.options[number].weight, slot, attempt)
    if not total and not everybody:
        return -1
    mark = chance(w, step.draws[0], slot, attempt) * total
    reached, to = 0.0, -1
    for number in range(step.first, step.last):
        if not _left_out(w, number, own):
            reached += amount(w, w.options[number].weight, slot, attempt)
            to = w.options[number].to
            if mark < reached:
                return to
    return to


@compiled
def _cheapest(w: Any, slot: int, place: int, attempt: int, own: int) -> int:
    """Choose the option that costs least; ties go to the least travel, then to the first."""
    step = w.steps[place]
    best, best_travel, to = math.inf, math.inf, -1
    for number in range(step.first, step.last):
        if _left_out(w, number, own):
            continue
        option = w.options[number]
        travel = amount(w, option.travel, slot, attempt)
        cost = _queue_cost(w, option, place)
        if step.other == FASTEST:
            cost += travel
        if to < 0 or cost < best or (cost == best and travel < best_travel):
            best, best_travel, to = cost, travel, option.to
    return to


@compiled
def _queue_cost(w: Any, option: Any, place: int) -> float:
    """Give what a queue costs: families inside for each server, or the expected wait; inf where nobody serves."""
    if option.station < 0:
        return 0.0
    step, desk = w.steps[place], w.stations[option.station]
    inside, servers = desk.inside, desk.servers
    if step.number:
        renew_boards(w, desk)
        for number in range(desk.board, desk.last_board):
            if w.boards[number].interval_s == step.number:
                inside, servers = w.boards[number].inside, w.boards[number].servers
    if not servers:
        return math.inf
    if step.other == SHORTEST_QUEUE:
        return inside / servers
    return max(0.0, inside + 1 - servers) * desk.mean_service / servers
