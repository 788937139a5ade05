"""One scenario replicated: as often as was said, or until every measure is precise enough."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from canbao.errors import EngineError, InputError
from canbao.experiments.comparing import chosen_measures
from canbao.experiments.experiment import Experiment
from canbao.experiments.meaning import Meaning, meaning_of, objective_meanings
from canbao.experiments.measured import objective_names
from canbao.experiments.results import Results
from canbao.experiments.variants import Variant
from canbao.scenario.objectives import Objective
from canbao.statistics.intervals import Interval, t_interval
from canbao.statistics.precision import Decision, Hoad, enough

__all__ = ["Precise", "Replicated", "Row", "replicate", "replicate_until"]

_GUESS = 0.8
"""The share of the replications that a guess foresees which are carried out before the next look."""


@dataclass(frozen=True)
class Row:
    """One measure over all replications."""

    measure: str
    meaning: Meaning
    interval: Interval
    held: int | None = None
    """In how many replications it held, for an objective; `judged` says of how many."""
    judged: int | None = None
    objective: Mapping[str, Any] | None = None
    """What was wanted, for an objective: name, title, kind, threshold."""

    def as_data(self) -> dict[str, Any]:
        """Give it as JSON."""
        held = {} if self.held is None else {"held": {"times": self.held, "of": self.judged}}
        wanted = {} if self.objective is None else {"objective": dict(self.objective)}
        meaning = {"unit": self.meaning.unit, "better": self.meaning.better}
        return {"measure": self.measure, **meaning, "interval": self.interval.as_data(), **held, **wanted}


@dataclass(frozen=True)
class Precise:
    """How precise a measure has become."""

    measure: str
    decision: Decision

    def as_data(self) -> dict[str, Any]:
        """Give it as JSON."""
        decision = self.decision
        return {
            "measure": self.measure,
            "reached": decision.reached,
            "replications": decision.replications,
            "half_width": decision.half_width,
            "precision": decision.precision,
        }


@dataclass(frozen=True)
class Replicated:
    """What replications of one variant tell."""

    variant: str
    seeds: tuple[int, ...]
    level: float
    rows: tuple[Row, ...]
    results: Results
    rule: Hoad | None = None
    precise: tuple[Precise, ...] = ()

    @property
    def held(self) -> bool | None:
        """Whether every objective held in every replication; None where there was none to judge."""
        judged = [row for row in self.rows if row.judged]
        return all(row.held == row.judged for row in judged) if judged else None

    def as_data(self) -> dict[str, Any]:
        """Give it as JSON: the answer of the experiment."""
        rule = self.rule
        return {
            "variant": self.variant,
            "first_seed": self.seeds[0],
            "replications": len(self.seeds),
            "level": self.level,
            "held": self.held,
            "measures": [row.as_data() for row in self.rows],
            "precision": rule
            and {
                "asked": rule.precision,
                "budget": rule.budget,
                "reached": all(each.decision.reached for each in self.precise),
                "measures": [each.as_data() for each in self.precise],
            },
        }


def replicate(  # noqa: PLR0913 - each of these is a choice of the user's
    experiment: Experiment,
    variant: Variant,
    replications: int,
    *,
    first_seed: int = 1,
    measures: Sequence[str] = (),
    level: float = 0.95,
    objectives: Mapping[str, Objective] | None = None,
) -> Replicated:
    """Replicate a variant a number of times.

    Parameters
    ----------
    experiment
        Where replications are kept.
    variant
        What is replicated.
    replications
        How often; seeds are `first_seed`, `first_seed + 1`, ...
    measures
        What is told; the objectives and the usual measures if none is named.
    level
        Of the intervals, which are Student's t over the replications.
    objectives
        `scenario.objectives`, which say what values of objectives mean.

    Raises
    ------
    InputError
        When there are no replications, no such measure, or nothing to measure.
    EngineError
        When every replication failed.
    """
    if replications < 1:
        raise InputError(f"there must be 1 replication or more, given {replications}")
    results = _replicated(experiment, variant, first_seed, replications)
    rows = _rows(results, variant.name, measures, level, objectives)
    return Replicated(variant.name, results.seeds, level, rows, results)


def replicate_until(  # noqa: PLR0913 - each of these is a choice of the user's
    experiment: Experiment,
    variant: Variant,
    rule: Hoad,
    *,
    first_seed: int = 1,
    measures: Sequence[str] = (),
    objectives: Mapping[str, Objective] | None = None,
) -> Replicated:
    """Replicate a variant until each measure is precise enough, by Hoad, Robinson and Davies (2010).

    Which replications are carried out depends on what they give and on nothing else, such as the number of workers. It
    may be a few more than the rule asks for; they are kept, and have no part in the answer.

    Parameters
    ----------
    experiment, variant, first_seed, objectives
        As for `replicate`.
    rule
        Precision, level, first look, look-ahead and budget.
    measures
        What has to be precise, and is told; the objectives if none is named, and the usual measures where there are
        no objectives.

    Raises
    ------
    InputError
        When there is no such measure, or nothing to measure.
    """
    wanted = rule.initial
    while True:
        results = _replicated(experiment, variant, first_seed, wanted)
        chosen = _to_be_precise(results, measures)
        precise = [Precise(name, enough(results.values(variant.name, name), rule)) for name in chosen]
        needed = max(_next_look(results.values(variant.name, each.measure), each, rule) for each in precise)
        if needed <= wanted:
            break
        wanted = needed
    used = max(_used(each.decision, rule) for each in precise)
    results = _replicated(experiment, variant, first_seed, used)
    rows = _rows(results, variant.name, measures, rule.level, objectives)
    return Replicated(variant.name, results.seeds, rule.level, rows, results, rule, tuple(precise))


def _replicated(experiment: Experiment, variant: Variant, first_seed: int, count: int) -> Results:
    results = experiment.replicate([variant], range(first_seed, first_seed + count))
    if not results.found:
        raise EngineError(f"every replication failed; the first one: {results.failures[0]}")
    return results


def _used(decision: Decision, rule: Hoad) -> int:
    """Give how many replications the answer rests on: those asked for, and those that confirmed them."""
    if not decision.reached:
        return rule.budget
    return min(decision.replications + rule.ahead(decision.replications), rule.budget)


def _next_look(values: np.ndarray, precise: Precise, rule: Hoad) -> int:
    """Give how many replications to have before the next look.

    While the precision is not reached, `enough` asks for one more at a time. But the next one that reaches it has to be
    confirmed by more; and the half-width shrinks with the root of their number, so that one can guess how many it
    takes. That keeps many workers busy.
    """
    decision, n = precise.decision, len(values)
    if decision.reached or n >= rule.budget:
        return n
    soonest = decision.needed
    limit = max(rule.precision * abs(float(np.nanmean(values))), rule.absolute) if np.isfinite(values).any() else 0.0
    if decision.half_width > limit:
        guess = n * (decision.half_width / limit) ** 2 if limit > 0 else math.inf
        # No more than twice as many: a guess from three replications may be far off.
        soonest = max(soonest, n + 1 + rule.ahead(n + 1), int(_GUESS * min(guess, 2 * n)))
    return min(soonest, rule.budget)


def _to_be_precise(results: Results, measures: Sequence[str]) -> tuple[str, ...]:
    objectives = [f"objectives.{name}" for name in objective_names(results.measures)]
    return chosen_measures(results, measures or objectives)


def _rows(
    results: Results, variant: str, measures: Sequence[str], level: float, objectives: Mapping[str, Objective] | None
) -> tuple[Row, ...]:
    """Give the objectives, always, and the chosen measures."""
    promised = [f"objectives.{name}" for name in objective_names(results.measures)]
    names = dict.fromkeys([*promised, *chosen_measures(results, measures)])
    meanings = objective_meanings(objectives or {})
    rows = (Row(name, meaning_of(name, meanings), t_interval(results.values(variant, name), level)) for name in names)
    return tuple(_judged(row, results, variant, objectives or {}) for row in rows)


def _judged(row: Row, results: Results, variant: str, objectives: Mapping[str, Objective]) -> Row:
    """Say of an objective how often it held; of another measure nothing."""
    if f"{row.measure}.held" not in results.measures:
        return row
    held = results.values(variant, f"{row.measure}.held")
    name = row.measure.removeprefix("objectives.")
    found = objectives.get(name)
    wanted: dict[str, Any] = {"name": name, "title": (found and found.title) or name}
    if found:
        wanted |= {"kind": found.kind, "wanted": found.model_dump(exclude={"title", "kind"})}
    return replace(row, held=int(np.nansum(held)), judged=int(np.isfinite(held).sum()), objective=wanted)
