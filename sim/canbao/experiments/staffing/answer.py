"""A plan as plain data: what the command prints, what `experiment.json` keeps, what a report draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from canbao.arrays import np
from canbao.experiments.results import Results
from canbao.experiments.staffing.curve import CurvePoint
from canbao.experiments.staffing.evidence import at_least
from canbao.experiments.staffing.levers import Levels, Promise
from canbao.experiments.staffing.planning import AS_IT_IS, StaffingPlan
from canbao.experiments.staffing.proving import Neighbour, Proof
from canbao.experiments.staffing.rota import rota
from canbao.experiments.staffing.setting import Setting
from canbao.experiments.staffing.trials import Tried
from canbao.scenario.objectives import WaitObjective
from canbao.statistics import chance_interval, t_interval

__all__ = ["answer_of"]

_FAMILIES_YUAN = "money.costs.total_yuan"


def answer_of(plan: StaffingPlan) -> dict[str, Any]:
    """Give the answer: plain JSON; a number that is an estimate stands with its interval."""
    setting, found, order = plan.setting, plan.found, plan.order
    return {
        "holds": found.holds,
        "possible": found.proof is not None,
        "probability": order.wanted.probability,
        "confidence": order.wanted.confidence,
        "seasons": order.wanted.seasons,
        "seed": order.seed,
        "objectives": [_objective(setting, name) for name in setting.objectives],
        "cost": {
            "yuan": _yuan(plan, found.levels),
            "now_yuan": setting.now_yuan,
            "fixed_yuan": setting.fixed_yuan,
        },
        "proof": None if found.proof is None else {**_proof(found.proof), "attempts": found.attempts},
        "levers": [_lever(plan, number) for number in range(len(setting.levers))],
        "neighbours": [_neighbour(setting, neighbour) for neighbour in found.neighbours],
        "rota": rota(setting.file, setting.cells, found.levels),
        "as_it_is": _point(plan, AS_IT_IS, setting.now_yuan),
        "curve": [_curve_point(plan, point) for point in plan.curve],
        "steps": [
            {"stage": step.stage, "yuan": step.yuan + setting.fixed_yuan, "levels": list(step.levels)}
            for step in found.search.steps
        ],
        "replications": plan.replications,
    }


def _yuan(plan: StaffingPlan, levels: Levels) -> float:
    return plan.setting.fixed_yuan + plan.found.search.cost(levels)


def _objective(setting: Setting, name: str) -> dict[str, Any]:
    objective = setting.file.scenario.objectives[name]
    return {
        "name": name,
        "title": objective.title or name,
        "kind": objective.kind,
        "wanted": objective.model_dump(exclude={"title", "kind"}),
        "unit": "s" if isinstance(objective, WaitObjective) else "share",
    }


def _proof(proof: Proof) -> dict[str, Any]:
    return {
        "verdict": proof.verdict,
        "held": proof.tried.held,
        "n": proof.tried.n,
        "at_least": proof.at_least,
        "confidence": proof.confidence,
        "first_seed": proof.seeds.start,
        "method": "sequential likelihood ratio, mixed over probabilities (Wald 1947; Ville 1939; Robbins 1970)",
    }


def _lever(plan: StaffingPlan, number: int) -> dict[str, Any]:
    setting = plan.setting
    lever, cell, dates = setting.levers[number], setting.cells[number], setting.file.horizon.dates()
    return {
        "name": lever.name,
        "place": cell.place.name,
        "kind": cell.place.kind,
        "start": str(dates[cell.first_day]),
        "end": str(dates[cell.last_day]),
        "hours": None if cell.hours is None else [cell.hours[0] / 3600.0, cell.hours[1] / 3600.0],
        "open_hours": cell.open_hours,
        "yuan_each": lever.yuan,
        "least": lever.least,
        "most": lever.most,
        "load": setting.loads[number],
        "theory": lever.start,
        "count": plan.found.levels[number],
    }


def _neighbour(setting: Setting, neighbour: Neighbour) -> dict[str, Any]:
    return {
        "lever": setting.levers[neighbour.lever].name,
        "saves_yuan": setting.levers[neighbour.lever].yuan,
        "held": neighbour.tried.held,
        "n": neighbour.tried.n,
        "at_most": neighbour.at_most,
        "verdict": neighbour.verdict,
    }


# --- the trade-off ----------------------------------------------------------------------------------------------------


def _curve_point(plan: StaffingPlan, point: CurvePoint) -> dict[str, Any]:
    name = plan.names[point.levels]
    return {
        "variant": name,
        "servers": point.servers,
        "levels": list(point.levels),
        **_point(plan, name, _yuan(plan, point.levels)),
    }


def _point(plan: StaffingPlan, name: str, yuan: float) -> dict[str, Any]:
    """Describe a plan: what it costs, in how many seasons it held, and what it gave for each objective."""
    setting, results = plan.setting, plan.results
    tried = _tried(results, name, setting.promises)
    chance = chance_interval(tried.held, tried.n, plan.order.wanted.confidence)
    return {
        "yuan": yuan,
        "with_families_yuan": _interval(results, name, _FAMILIES_YUAN, plan),
        "held": tried.held,
        "n": tried.n,
        "share": {"share": chance.share, "low": chance.low, "high": chance.high, "level": chance.level},
        "at_least": at_least(tried.held, tried.n, plan.order.wanted.confidence),
        "objectives": {
            objective: _interval(results, name, promise.measure, plan)
            for objective, promise in zip(setting.objectives, setting.promises, strict=True)
        },
    }


def _tried(results: Results, name: str, promises: Sequence[Promise]) -> Tried:
    kept = [
        [promise.slack(value) >= 0 for value in results.values(name, promise.measure).tolist()] for promise in promises
    ]
    return Tried(int(np.all(kept, axis=0).sum()), len(results.seeds))


def _interval(results: Results, name: str, measure: str, plan: StaffingPlan) -> dict[str, Any]:
    return t_interval(results.values(name, measure), plan.order.wanted.confidence).as_data()
