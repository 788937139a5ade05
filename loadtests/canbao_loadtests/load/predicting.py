"""The prediction of a load test as a run of its own: simulated, measured and stored before the load starts."""

from __future__ import annotations

from collections.abc import Set
from functools import partial
from typing import Any

from canbao.engines.choosing import AUTO, choose_engine
from canbao.engines.choosing import Chosen as ChosenEngine
from canbao.plan import Plan
from canbao.runs.folders import NewFolder
from canbao.runs.manifest import with_engine
from canbao.runs.run import Run
from canbao.runs.storing import Stages, pack_tables, store_results, store_scenario
from canbao.runs.tables import TABLES
from canbao.trace import Trace
from canbao_loadtests.load.choosing import Chosen
from canbao_loadtests.load.folder import PREDICTION, LoadFolder
from canbao_loadtests.load.measures.summarising import summarise_prediction
from canbao_loadtests.load.prediction import in_real_seconds, predicted_plan, target_stations
from canbao_loadtests.load.telling import Telling

__all__ = ["predict"]


def predict(load: LoadFolder, plan: Plan, chosen: Chosen, known: Set[str], telling: Telling) -> dict[str, Any]:
    """Simulate what a load test will meet, store it as a run in its folder, and give its summary.

    Parameters
    ----------
    load, plan, chosen
        The load test, the plan of its scenario, who comes.
    known
        The steps of the flow that the target covers.
    telling
        Who is told how far it is, and who writes.
    """
    stages = telling.apart()
    theirs = predicted_plan(plan, chosen, known, load.job.until_s)
    engine, trace = _simulated(theirs, stages)
    stations = [plan.stations[index].name for index in target_stations(plan, known)]
    trace = in_real_seconds(trace, stations, chosen.speed)
    with stages.stage("measure"):
        summary = summarise_prediction(load.file, theirs, load.job, trace)
    path = load.path / PREDICTION
    path.mkdir(exist_ok=True)
    folder = NewFolder(path, path)
    entry = {**load.manifest, "prediction_of": load.manifest["run"], "until_s": trace.until, "unfinished": False}
    manifest = with_engine(entry, engine)
    run = Run(path, manifest, {**summary, "scenario": _scenario(load)})
    store_scenario(folder, load.file, run)
    tables = pack_tables({name: getattr(trace, name) for name in TABLES})
    run, failures = store_results(folder, run, tables, telling.report, stages)
    if failures:
        raise failures[0]
    return dict(run.summary)


def _simulated(plan: Plan, stages: Stages) -> tuple[ChosenEngine, Trace]:
    engine = choose_engine(AUTO, plan)
    if not engine.ready():
        with stages.stage("compile"):
            engine.prepare()
    with stages.stage("simulate"):
        return engine, engine.run(plan, partial(stages.watch, "simulate"))


def _scenario(load: LoadFolder) -> dict[str, Any]:
    """Name the scenario as it is called, not as the copy in the folder is."""
    scenario = load.file.scenario
    return {"name": load.manifest["scenario"], "title": scenario.title, "question": scenario.question}
