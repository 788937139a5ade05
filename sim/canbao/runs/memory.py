"""Whether a run fits into memory; if not, it is refused before it starts, with what can be done."""

from __future__ import annotations

import math
from collections.abc import Iterator

from canbao.engines.choosing import Chosen, choose_engine
from canbao.engines.memory import Need, available, check_memory, need_of_families, need_of_run
from canbao.errors import UnsupportedError
from canbao.plan import Plan
from canbao.scenario.scenario import ScenarioFile

__all__ = ["check_families", "check_run"]

_SPARE = 0.9
"""The share of what is available that a suggested scale is to fill."""


def check_families(file: ScenarioFile, families: int) -> None:
    """Raise a TooLargeError if not even the plan of so many families fits."""
    need, there = need_of_families(families), available()
    check_memory(need, list(_scale(file, need, there)), there)


def check_run(file: ScenarioFile, plan: Plan, chosen: Chosen, *, tables: bool = True) -> None:
    """Raise a TooLargeError if the run of a plan does not fit."""
    need, there = need_of_run(plan, [engine.name for engine in chosen.engines], tables=tables), available()
    remedies = [*_scale(file, need, there), *_engine(plan, chosen, need)]
    check_memory(need, [*remedies, *_counting(plan, chosen, need)] if tables else remedies, there)


def _counting(plan: Plan, chosen: Chosen, need: Need) -> Iterator[str]:
    """Suggest to keep no tables, where that helps."""
    if chosen.name == "compiled":
        less = need_of_run(plan, ["compiled"], tables=False)
        yield f"or take --tables none, which needs {less.total / need.total:.0%} of that"


def _scale(file: ScenarioFile, need: Need, there: int | None) -> Iterator[str]:
    """Suggest a scale that fits, to two digits."""
    scale = getattr(file.scenario.population, "scale", None)
    if scale and there is not None and there > 0:
        fits = scale * _SPARE * there / need.total
        digit = 10.0 ** (math.floor(math.log10(fits)) - 1)
        yield f"take fewer families with --set population.scale={math.floor(fits / digit) * digit:.2g}"


def _engine(plan: Plan, chosen: Chosen, need: Need) -> Iterator[str]:
    """Suggest the compiled engine alone, where that helps."""
    if chosen.name == "compiled":
        return
    try:
        choose_engine("compiled", plan)
    except UnsupportedError:
        return
    less = need_of_run(plan, ["compiled"])
    if less.total < need.total:
        yield f"or take --engine compiled, which needs {less.total / need.total:.0%} of that"
