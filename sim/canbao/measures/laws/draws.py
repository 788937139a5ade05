"""What luck says, of any visits at once."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from canbao.arrays import FloatArray
from canbao.luck import Luck
from canbao.measures.visits import Visits
from canbao.plan import Draw, Plan, VisitStep

__all__ = ["drawn", "endless"]


def drawn(visits: Visits, plan: Plan, draw_of: Callable[[VisitStep], Draw]) -> FloatArray:
    """Give what each visit drew at its step, shape (visits,)."""
    values = np.full(len(visits.row), math.nan)
    for code, run in visits.runs():
        step = plan.steps[code]
        assert isinstance(step, VisitStep)
        values[run] = _drawn(visits.take(run), draw_of(step), plan.luck)
    return values


def endless(visits: Visits, plan: Plan, draw_of: Callable[[VisitStep], Draw]) -> bool:
    """Tell whether what is drawn is no limit to any of these visits."""
    draws = [draw_of(step) for code, _ in visits.runs() if isinstance(step := plan.steps[code], VisitStep)]
    return all(draw.constant and draw.value == math.inf for draw in draws)


def _drawn(visits: Visits, draw: Draw, luck: Luck) -> FloatArray | float:
    if draw.constant:
        return draw.value
    sample: FloatArray | float = 1.0
    if draw.distribution is not None:
        sample = draw.distribution.ppf(luck.uniforms_of(draw.purpose, visits.family, visits.attempt))
    # A family that is not in the plan breaks another law, and must not stop this one.
    return sample if draw.column is None else sample * draw.column.take(visits.family, mode="clip")
