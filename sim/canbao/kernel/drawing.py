"""Luck and draws inside the kernel: the same numbers as `canbao.luck.Luck` and `canbao.plan.Draw.values` give."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from canbao.kernel.compiling import compiled, inlined
from canbao.kernel.inverses import sample

__all__ = ["BAD_DRAW", "BLOCK", "COLUMN", "TABLE", "VALUE", "amount", "chance", "missing", "uniform"]

VALUE, COLUMN, TABLE = -1, -2, -3
"""Forms of draws that need no luck, or whose values are drawn outside."""

BLOCK = 1024
"""How many families' values are drawn together outside the kernel."""

BAD_DRAW = 1
"""The fault of a draw that gave a number below 0, or none."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_ATTEMPT = np.uint64(0xD1342543DE82EF95)
_27, _30, _31, _12 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(12)
_TO_UNIT = 2.0**-52


@compiled
def _mix(z: Any) -> Any:
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return z ^ (z >> _31)


@compiled
def uniform(key: Any, family: int, attempt: int) -> float:
    """Give the uniform of one family at one attempt, by the key of the first attempt."""
    if attempt:
        key = _mix(key + np.uint64(attempt) * _ATTEMPT)
    bits = _mix(key + (np.uint64(family) + np.uint64(1)) * _GOLDEN)
    return (float(bits >> _12) + 0.5) * _TO_UNIT


@compiled
def amount(w: Any, number: int, slot: int, attempt: int) -> float:
    """Give the value of a draw for the family of a slot."""
    draw = w.draws[number]
    return draw.a if draw.form == VALUE else _drawn(w, number, slot, attempt)


@compiled
def chance(w: Any, number: int, slot: int, attempt: int) -> float:
    """Give the value of a draw that is the luck of a decision."""
    draw = w.draws[number]
    return uniform(draw.key, w.slots[slot].family, attempt) if draw.luck else amount(w, number, slot, attempt)


@inlined
def _drawn(w: Any, number: int, slot: int, attempt: int) -> float:
    draw, family = w.draws[number], w.slots[slot].family
    if draw.form == TABLE:
        value = w.values[w.table_at[draw.table, attempt, family // BLOCK] + family % BLOCK]
    elif draw.form == COLUMN:
        value = w.columns[family, draw.column]
    else:
        value = sample(draw, w.points, w.shares, uniform(draw.key, family, attempt))
        if draw.column >= 0:
            value *= w.columns[family, draw.column]
    if not value >= 0 and (math.isnan(value) or not draw.signed):
        _blame(w.run[0], number, value)
    return value


@compiled
def _blame(run: Any, number: int, value: float) -> None:
    """Say which draw was the first to give a bad number."""
    if run.fault != BAD_DRAW:
        run.fault, run.fault_at, run.fault_value = BAD_DRAW, number, value


@compiled
def missing(w: Any, step: Any, slot: int) -> bool:
    """Tell whether a step needs values that have not been drawn outside yet, and note which."""
    run, attempt = w.run[0], w.counts[slot, step.counter]
    block = w.slots[slot].family // BLOCK
    for number in range(step.table, step.table + step.tables):
        table = w.tables[number]
        if attempt >= w.table_at.shape[1] or w.table_at[table, attempt, block] < 0:
            run.fault_at, run.fault_attempt, run.fault_family = table, attempt, block
            return True
    return False
