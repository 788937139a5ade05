"""Doubts: what makes the answer of a run uncertain, in sentences."""

from __future__ import annotations

from typing import Any

import numpy as np

from canbao.arrays import FloatArray
from canbao.plan import Plan
from canbao.scenario.scenario import ScenarioFile
from canbao.trace import INSIDE, Table

__all__ = ["NOT_KEPT", "doubts"]

NOT_KEPT = (
    "visits were counted and not kept: waits are known to within 1/64 or a second, "
    "and laws that need single visits were not checked"
)
"""What is said of a run without a table of visits."""


def doubts(file: ScenarioFile, plan: Plan, families: Table, working_days: FloatArray) -> list[str]:
    """Say what makes the answer doubtful.

    Parameters
    ----------
    file
        The scenario.
    plan
        What was run.
    families
        The table of families of its trace.
    working_days
        The working days that each round of review took, nan for one still open, shape (rounds,).
    """
    said = []
    outcome: Any = families["outcome"]
    if not len(outcome):
        said.append(f"none of {plan.families} families comes between the start and the end of the horizon")
    inside = int(outcome.has(INSIDE).sum())
    if inside:
        said.append(
            f"{inside} of {len(outcome)} families are still inside at the end of the horizon; "
            "they count as not finished, never as finished in time"
        )
    open_rounds = int(np.isnan(working_days).sum())
    if open_rounds > 0.01 * max(1, len(working_days)):
        said.append(
            f"{open_rounds} applications are still in review at the end of the horizon; "
            "a later end of the horizon would show how long they take"
        )
    scale = getattr(file.scenario.population, "scale", 1.0)
    if scale != 1.0:
        said.append(f"population.scale is {scale:g}: the number of families is not the stated one, the staff is")
    return said
