"""The prediction of a load test, made again with other values of its scenario."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from canbao.assembly import scenario_plan
from canbao.engines.choosing import AUTO, choose_engine
from canbao.experiments.predicting import all_measures
from canbao.plan import Plan
from canbao.plugins import Plugins
from canbao.runs.run import SCENARIO
from canbao.scenario.scenario import ScenarioFile, load_scenario
from canbao.trace import Trace
from canbao_loadtests.calibrating.chance import with_other_luck
from canbao_loadtests.calibrating.evidence import Evidence
from canbao_loadtests.load.choosing import Chosen
from canbao_loadtests.load.measures.summarising import summarise_prediction
from canbao_loadtests.load.prediction import in_real_seconds, predicted_plan, target_stations, with_slower_desks

__all__ = ["Predicted", "Repeater"]


@dataclass(frozen=True)
class Predicted:
    """What a simulation says of the load test."""

    trace: Trace
    measure: Callable[[Trace], dict[str, float]] = field(repr=False)

    @cached_property
    def measures(self) -> dict[str, float]:
        """Every measure, by name; they take longer than the simulation, so that only who asks for them pays."""
        return self.measure(self.trace)


@dataclass
class Repeater:
    """Simulates a load test again, its very families at their very moments, and keeps what it found.

    Parameters
    ----------
    evidence
        The load test.
    plugins
        What its scenario is read with.
    """

    evidence: Evidence
    plugins: Plugins
    simulations: int = 0
    """How many there were."""
    took_s: float = 0.0
    """How long the latest took, without its plan."""
    _found: dict[tuple[tuple[str, ...], float], Predicted] = field(default_factory=dict)
    _files: dict[tuple[str, ...], tuple[ScenarioFile, Plan]] = field(default_factory=dict)

    def predict(self, overrides: Sequence[str] = (), desks: float = 1.0) -> Predicted:
        """Simulate with other values, `path=value` texts as `--set` takes them, and desks that take so much longer."""
        key = tuple(overrides), desks
        if key not in self._found:
            self._found[key] = self.with_luck(0, *key)
        return self._found[key]

    def with_luck(self, number: int, overrides: Sequence[str] = (), desks: float = 1.0) -> Predicted:
        """Simulate with other luck of the deployment; 0 is the plan's own. Nothing of it is kept."""
        run, job, known = self.evidence.run, self.evidence.job, self.evidence.known
        file, plan = self._plan(tuple(overrides))
        began = time.perf_counter()
        mine = target_stations(plan, known)
        names = {plan.stations[index].name for index in mine}
        asked = predicted_plan(plan, self._chosen(), known, float(run.manifest["until_s"]))
        asked = with_other_luck(asked, mine, number)
        if desks != 1.0:  # a plan of its own for each factor would take longer than the simulation
            asked = with_slower_desks(asked, desks)
        self.simulations += 1
        trace = in_real_seconds(choose_engine(AUTO, asked).run(asked), names, job.speed)
        self.took_s = time.perf_counter() - began
        return Predicted(trace, lambda found: all_measures(summarise_prediction(file, asked, job, found), found))

    def _plan(self, overrides: tuple[str, ...]) -> tuple[ScenarioFile, Plan]:
        """Read the scenario and make its plan; the last one is kept."""
        run = self.evidence.run
        if not overrides:
            return self.evidence.file, self.evidence.plan
        if overrides not in self._files:
            file = load_scenario(run.folder / SCENARIO, self.plugins, overrides)
            self._files = {overrides: (file, scenario_plan(file, int(run.manifest["seed"])))}
        return self._files[overrides]

    def _chosen(self) -> Chosen:
        """Give who came: those whom the load test has, at the moments that the plan has for them."""
        job, plan = self.evidence.job, self.evidence.plan
        families = np.sort(np.asarray(self.evidence.trace.families["family"]))
        families = families[np.argsort(plan.arrival[families], kind="stable")]
        return Chosen(families, plan.arrival[families], job.start_s, job.end_s, job.speed, channels=tuple(job.channels))
