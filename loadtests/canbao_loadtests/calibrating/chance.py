"""How much of a difference chance explains: the prediction, simulated again with other luck of the deployment.

Families keep their luck, since those of the load test have it too. What the deployment does by itself, how long a
request takes it and what the review decides, gets other luck each time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

import numpy as np

from canbao.arrays import FloatArray
from canbao.assembly.review import REVIEW
from canbao.experiments.predicting import value_of
from canbao.plan import CheckStep, Draw, Plan, PlanStep, VisitStep

__all__ = ["chances", "with_other_luck"]

_LEAST = 8
"""Simulations below which nothing can be said of chance."""


def with_other_luck(plan: Plan, stations: Collection[int], number: int) -> Plan:
    """Give a plan in which the deployment and its review have other luck, and the families their own.

    Parameters
    ----------
    plan
        Of the prediction.
    stations
        Those of the deployment.
    number
        Another luck for each; 0 is the plan's own.
    """
    if not number:
        return plan
    review = plan.journeys.index(REVIEW) if REVIEW in plan.journeys else -1
    steps = (_step(step, plan.journey_of[i] == review, stations, number) for i, step in enumerate(plan.steps))
    return replace(plan, steps=tuple(steps))


def _step(step: PlanStep, reviewed: bool, stations: Collection[int], number: int) -> PlanStep:
    if isinstance(step, VisitStep) and (reviewed or step.station in stations):
        return replace(step, service=_draw(step.service, number))
    if isinstance(step, CheckStep) and (reviewed or step.calls):
        return replace(step, luck=_draw(step.luck, number))
    return step


def _draw(draw: Draw, number: int) -> Draw:
    return replace(draw, purpose=f"{draw.purpose} deployment {number}")


def chances(
    measure: Callable[[int], Mapping[str, float]], simulations: int, seconds: float, clock: Callable[[], float]
) -> dict[str, FloatArray]:
    """Give every measure of the prediction with several lucks, by name; nothing if there was no time for enough of it.

    Parameters
    ----------
    measure
        Gives all measures with the luck of a number, from 1.
    simulations
        How many.
    seconds
        No other simulation begins after so long.
    clock
        Tells seconds.
    """
    began, found = clock(), list[Mapping[str, float]]()
    for number in range(1, simulations + 1):
        if clock() - began > seconds:
            break
        found.append(measure(number))
    if len(found) < min(_LEAST, simulations):
        return {}
    names = dict.fromkeys(name for each in found for name in each)
    return {name: np.array([value_of(each, name) for each in found]) for name in names}
