"""The planner's question for a scenario: the least staffing that holds every objective."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from canbao.arrays import np
from canbao.errors import EngineError
from canbao.experiments.models import ScenarioModel
from canbao.experiments.results import Results
from canbao.experiments.staffing.cells import duties
from canbao.experiments.staffing.curve import CurvePoint, curve_plans
from canbao.experiments.staffing.finding import Found, find_least
from canbao.experiments.staffing.levers import Levels, Look
from canbao.experiments.staffing.model import WAITING, StaffedModel
from canbao.experiments.staffing.places import Duty, Place
from canbao.experiments.staffing.searching import Told
from canbao.experiments.staffing.setting import Order, Setting, set_out
from canbao.experiments.variants import Variant

__all__ = ["AS_IT_IS", "Replicate", "StaffingPlan", "first_variant", "plan_staffing"]

AS_IT_IS = "as it is"
"""The name of the variant with the scenario's own staff."""

Replicate = Callable[[Sequence[Variant], Sequence[int]], Results]
"""`Experiment.replicate`."""


@dataclass(frozen=True, eq=False)
class StaffingPlan:
    """What was found."""

    order: Order
    setting: Setting
    found: Found
    curve: tuple[CurvePoint, ...]
    results: Results
    """Of the plans on the curve and of the scenario as it is, over the seasons of the curve."""
    names: Mapping[Levels, str]
    """The variants of the plans that were tried."""
    replications: int

    @property
    def duties(self) -> dict[Place, Duty]:
        """What each place has to be told."""
        return duties(self.setting.cells, self.found.levels, self.setting.file.horizon)


def first_variant(model: ScenarioModel) -> Variant:
    """Give the variant with the scenario's own staff, from which a plan starts."""
    return Variant(AS_IT_IS, StaffedModel(model, ()))


def _ignore(_: object) -> None:
    """Tell nobody."""


def plan_staffing(model: ScenarioModel, replicate: Replicate, order: Order, told: Told = _ignore) -> StaffingPlan:
    """Find the least staffing of a scenario that holds its objectives.

    Parameters
    ----------
    model
        The scenario.
    replicate
        Carries out replications and remembers them: `Experiment.replicate`.
    order
        What is asked for.
    told
        Is told each step of the search.

    Raises
    ------
    InputError
        When the scenario has no objectives, or the order names what it does not have.
    EngineError
        When a replication fails; the message has the command that repeats it.
    """
    setting = set_out(model, order)
    asked = _Asked(model, replicate, setting)
    found = find_least(setting.levers, asked, order.wanted, seed=order.seed, told=told)
    seeds = _curve_seeds(found, order)
    points = tuple(curve_plans(found.search, found.levels, seeds)) if found.holds else (CurvePoint(found.levels, 0),)
    shown = [first_variant(model), *(asked.variant(levels) for levels in dict.fromkeys(p.levels for p in points))]
    results = _unfailing(replicate(shown, seeds))
    names = {levels: variant.name for levels, variant in asked.variants.items()}
    return StaffingPlan(order, setting, found, points, results, names, asked.replications)


def _curve_seeds(found: Found, order: Order) -> list[int]:
    """Give fresh seasons, those of the proof first, so that plans on the curve meet what the plan met."""
    first = found.proof.seeds.start if found.proof else order.seed
    return list(range(first, first + order.curve))


class _Asked:
    """Tries plans of a scenario by replicating them."""

    def __init__(self, model: ScenarioModel, replicate: Replicate, setting: Setting) -> None:
        self._model = model
        self._replicate = replicate
        self._setting = setting
        self.variants: dict[Levels, Variant] = {}
        self.replications = 0

    def __call__(self, plans: Sequence[Levels], seeds: Sequence[int]) -> list[list[Look]]:
        variants = [self.variant(levels) for levels in plans]
        results = _unfailing(self._replicate(variants, seeds))
        self.replications += len(variants) * len(seeds)
        return [self._looks(results, variant.name) for variant in variants]

    def variant(self, levels: Levels) -> Variant:
        """Give a plan as a variant; its name is the number of its first turn."""
        if levels not in self.variants:
            setting = self._setting
            told = duties(setting.cells, levels, setting.file.horizon)
            model = StaffedModel(self._model, tuple(told.items()), setting.cells)
            self.variants[levels] = Variant(f"plan {len(self.variants) + 1:03d}", model)
        return self.variants[levels]

    def _looks(self, results: Results, name: str) -> list[Look]:
        slack = np.array(
            [
                [promise.slack(value) for value in results.values(name, promise.measure).tolist()]
                for promise in self._setting.promises
            ]
        )
        waiting = np.array([results.values(name, f"{WAITING}{cell}") for cell in range(len(self._setting.cells))])
        return [Look(slack[:, number], waiting[:, number]) for number in range(len(results.seeds))]


def _unfailing(results: Results) -> Results:
    for failure in results.failures:
        raise EngineError(f"a replication failed: {failure}")
    return results
