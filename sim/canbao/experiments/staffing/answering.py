"""An experiment that asks for a plan: search, answer, and the scenario file that the plan becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canbao.errors import EngineError
from canbao.experiments.experiment import Experiment
from canbao.experiments.models import ScenarioModel
from canbao.experiments.staffing.answer import answer_of
from canbao.experiments.staffing.planning import StaffingPlan, plan_staffing
from canbao.experiments.staffing.rota import plan_scenario, relative_to, write_plan
from canbao.experiments.staffing.searching import Told
from canbao.experiments.staffing.setting import Order
from canbao.experiments.variants import Variant
from canbao.languages import Language
from canbao.plugins import Plugins
from canbao.scenario.scenario import ScenarioFile, load_scenario

__all__ = ["PLAN", "Asked", "answered"]

PLAN = "plan"
"""The name of the variant, and of the file, that the plan becomes."""


@dataclass(frozen=True)
class Asked:
    """A scenario and what is asked of it.

    Parameters
    ----------
    file, model
        The scenario, as it was read and as a model.
    overrides
        The `path=value` texts that it was read with.
    order
        What is asked for.
    write
        Where the plan's scenario goes; into the experiment's folder if not given.
    """

    file: ScenarioFile
    model: ScenarioModel
    overrides: Sequence[str]
    order: Order
    write: Path | None = None


def answered(experiment: Experiment, asked: Asked, plugins: Plugins, language: Language, told: Told) -> dict[str, Any]:
    """Search for a plan, write it as a scenario, and conclude the experiment with the answer.

    The scenario that was written is read again and tried with one season of the proof; it must give what the plan gave.

    Raises
    ------
    EngineError
        When it does not, or when a replication fails.
    StorageError
        When a file cannot be written.
    """
    plan = plan_staffing(asked.model, experiment.replicate, asked.order, told)
    answer = answer_of(plan)
    if plan.found.holds:
        path = asked.write or experiment.folder / f"{PLAN}.toml"
        _write(plan, asked, path, language)
        _check(experiment, plan, load_scenario(path, plugins), asked.model)
        answer["scenario"] = path.as_posix() if asked.write else path.name
    experiment.conclude(answer)
    return answer


def _write(plan: StaffingPlan, asked: Asked, path: Path, language: Language) -> None:
    scenario = asked.file.scenario
    share = f"{100 * asked.order.wanted.probability:g} %"
    title = language.say("{title}: the least staffing that holds", title=scenario.title)
    question = language.say("Does this staffing hold every objective in {share} of the seasons?", share=share)
    extends = relative_to(asked.file.source.files[0], path.parent)
    text = plan_scenario(
        asked.file, plan.duties, extends=extends, title=title[:200], question=question, overrides=asked.overrides
    )
    write_plan(path, text)


def _check(experiment: Experiment, plan: StaffingPlan, file: ScenarioFile, model: ScenarioModel) -> None:
    """See that the file says what was tried."""
    assert plan.found.proof is not None
    seed = plan.found.proof.seeds.start
    written = Variant(PLAN, ScenarioModel.of(file, engine=model.engine, plugins_dir=model.plugins_dir))
    results = experiment.replicate([written], [seed])
    for failure in results.failures:
        raise EngineError(f"the plan that was written fails: {failure}")
    looks = plan.found.search.trials.look(plan.found.levels, [seed])
    for promise, tried in zip(plan.setting.promises, looks[0].slack.tolist(), strict=True):
        wrote = promise.slack(float(results.values(PLAN, promise.measure)[0]))
        if wrote != tried:
            raise EngineError(
                f"the plan that was written keeps {promise.measure} by {wrote} with seed {seed}, where the search saw "
                f"{tried}; that is an error in canbao, or in a plugin whose staff is not what its settings say"
            )
