"""What a load test saw: visits to the deployment in real seconds, and rounds of review in the scenario's time."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from canbao.arrays import BoolArray, FloatArray, IntArray
from canbao.assembly import scenario_plan
from canbao.assembly.review import INTAKE, REVIEW
from canbao.calendar import Calendar
from canbao.columns import Coded
from canbao.errors import InputError
from canbao.experiments.comparability import LOAD, is_load
from canbao.measures.reviews import Rounds, review_rounds
from canbao.plan import Plan
from canbao.plugins import Plugins
from canbao.runs.run import SCENARIO, Run, read_run
from canbao.scenario.scenario import ScenarioFile, load_scenario
from canbao.trace import Trace
from canbao_loadtests.flow import FLOW
from canbao_loadtests.job import JOB, Job, read_job
from canbao_loadtests.load.folder import TARGET
from canbao_loadtests.load.prediction import target_stations

__all__ = ["Asked", "Evidence", "asked_of", "evidence_of", "read_evidence", "rounds_of", "steps_of"]


@dataclass(frozen=True, eq=False)
class Asked:
    """Visits to the stations of a deployment, by their beginning; arrays of shape (visits,).

    Parameters
    ----------
    station
        The station of each, an index into `names`.
    names
        The stations.
    kind
        The step of each, an index into `kinds`: one page asks a deployment for more than another.
    kinds
        The steps.
    enter
        When it began, in real seconds since the period began.
    stay
        How long it lasted, in real seconds; visits that had not ended are left out.
    served
        Whether it got an answer, be it a refusal of what the family wanted.
    abandoned
        Whether the family lost its patience.
    family
        Whose visit it was.
    refused
        When others were turned away because the deployment was full, in the same seconds.
    """

    station: IntArray
    names: tuple[str, ...]
    kind: IntArray
    kinds: tuple[str, ...]
    enter: FloatArray
    stay: FloatArray
    served: BoolArray
    abandoned: BoolArray
    family: IntArray
    refused: FloatArray

    def __len__(self) -> int:
        return len(self.enter)

    def where(self, chosen: BoolArray) -> Asked:
        """Give some of the visits."""
        rows = ("station", "kind", "enter", "stay", "served", "abandoned", "family")
        return replace(self, **{name: getattr(self, name)[chosen] for name in rows})

    def inside(self) -> IntArray:
        """Give how many other visits were under way when each began, shape (visits,)."""
        gone = np.searchsorted(np.sort(self.enter + self.stay), self.enter, side="right")
        return np.arange(len(self)) - gone

    def inside_when_refused(self) -> IntArray:
        """Give how many visits were under way when each other was turned away, rising."""
        came = np.searchsorted(self.enter, self.refused, side="right")
        gone = np.searchsorted(np.sort(self.enter + self.stay), self.refused, side="right")
        return np.sort(came - gone)


@dataclass(frozen=True, eq=False)
class Evidence:
    """A load test and its scenario.

    Parameters
    ----------
    run
        The load test.
    trace
        What happened in it.
    file
        Its scenario.
    plan
        The plan of the scenario, all families of it.
    job
        Period, speed and channels.
    known
        The steps of the flow that the target covers.
    asked
        Visits to the deployment.
    rounds
        Rounds of review.
    plan_s
        How many seconds the plan took to make; one with other values takes as long.
    """

    run: Run
    trace: Trace
    file: ScenarioFile
    plan: Plan
    job: Job
    known: frozenset[str]
    asked: Asked
    rounds: Rounds
    plan_s: float = 0.0


def read_evidence(folder: str | Path, plugins: Plugins) -> Evidence:
    """Read what a load test saw.

    Raises
    ------
    StorageError
        When it is not the folder of a run, or a file of it is missing or damaged.
    InputError
        When the run is no load test.
    """
    run = read_run(folder)
    if not is_load(run):
        raise InputError(
            f"{run.folder} is a simulation; only a load test says something of a deployment: canbao load makes one"
        )
    job = read_job(run.folder / JOB)
    file = load_scenario(run.folder / SCENARIO, plugins)
    began = time.perf_counter()
    plan = scenario_plan(file, int(run.manifest["seed"]))
    return evidence_of(run, run.trace, file, plan, job, time.perf_counter() - began)


def evidence_of(  # noqa: PLR0913, PLR0917 - what a load test is
    run: Run, trace: Trace, file: ScenarioFile, plan: Plan, job: Job, plan_s: float = 0.0
) -> Evidence:
    """Give what a load test saw, from what is known of it already; of the run folder and manifest are enough."""
    known = steps_of(run)
    names = [plan.stations[index].name for index in sorted(target_stations(plan, known))]
    asked, rounds = asked_of(trace, names, job), rounds_of(trace, file)
    return Evidence(run, trace, file, plan, job, known, asked, rounds, plan_s)


def steps_of(run: Run) -> frozenset[str]:
    """Give the steps of the flow that the target of a load test covers; all of them where nobody knows."""
    said = (run.manifest.get(LOAD) or {}).get("steps")
    if said is None and (run.folder / TARGET).is_dir():
        from canbao_loadtests.targets import load_target

        return frozenset(load_target(run.folder / TARGET).steps)
    return frozenset(said or FLOW)


def asked_of(trace: Trace, names: list[str], job: Job) -> Asked:
    """Give the visits to some stations; those that were turned away at once are left out, since they took no slot."""
    visits = trace.visits
    station, ended = _coded(visits["station"]), _coded(visits["ended"])
    enter, leave = (np.asarray(visits[name]) for name in ("enter", "leave"))
    known = [name for name in names if name in station.labels]
    words = {word: ended.has(word) if word in ended.labels else np.zeros(len(ended), bool) for word in _ENDED}
    here = station.has(*known) & ~np.isnan(leave)
    mine = np.flatnonzero(here & (words["served"] | words["abandoned"]))
    # A page whose answer is an error is left as well, but nobody loses patience so soon.
    answered = words["served"] | (leave - enter < _PATIENT_S)
    mine = mine[np.argsort(enter[mine], kind="stable")]
    step = _coded(visits["step"])
    used = np.unique(step.codes[mine])
    place = np.array([known.index(label) if label in known else -1 for label in station.labels])
    return Asked(
        station=place[station.codes[mine]],
        names=tuple(known),
        kind=np.searchsorted(used, step.codes[mine]),
        kinds=tuple(step.labels[code] for code in used),
        enter=(enter[mine] - job.start_s) / job.speed,
        stay=leave[mine] - enter[mine],
        served=answered[mine],
        abandoned=~answered[mine],
        family=np.asarray(visits["family"])[mine],
        refused=np.sort((enter[here & words["full"]] - job.start_s) / job.speed),
    )


_PATIENT_S = 1.0
"""Real seconds for which everybody puts up with a page."""
_ENDED = ("served", "abandoned", "full")


def rounds_of(trace: Trace, file: ScenarioFile) -> Rounds:
    """Give the rounds of review of a trace."""
    starts = np.flatnonzero(file.working) * 86_400.0
    days = Calendar.from_intervals([(start, start + 86_400.0) for start in starts.tolist()], file.horizon.days)
    return review_rounds(trace, REVIEW, INTAKE, days)


def _coded(column: Any) -> Coded:
    assert isinstance(column, Coded)
    return column
