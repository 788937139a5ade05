"""A load test from scenario to report: folder, prediction, load, measures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from canbao.assembly import scenario_plan
from canbao.errors import PluginError
from canbao.plan import Plan
from canbao.plugins import Plugins
from canbao.runs.manifest import Order, first_manifest
from canbao.runs.run import SUMMARY, Run
from canbao.runs.running import tell_plugins
from canbao.runs.storing import pack_tables, store_results, store_scenario
from canbao.runs.tables import TABLES
from canbao.scenario.scenario import ScenarioFile
from canbao_loadtests.driving.schedule import SCHEDULE, Schedule
from canbao_loadtests.job import Job
from canbao_loadtests.load.carrying import carry_out
from canbao_loadtests.load.choosing import Chosen, choose
from canbao_loadtests.load.folder import (
    ENGINE,
    PREDICTION,
    TARGET,
    LoadFolder,
    kept_or_removed,
    new_load_folder,
    open_load_folder,
    save_job,
)
from canbao_loadtests.load.measured import read_measured
from canbao_loadtests.load.measures.summarising import summarise_load
from canbao_loadtests.load.ordering import LoadOrder, job_of
from canbao_loadtests.load.predicting import predict
from canbao_loadtests.load.telling import Telling

__all__ = ["resume_load", "run_load"]


def run_load(file: ScenarioFile, order: LoadOrder, telling: Telling) -> Run:
    """Carry a load test out and store it; the folder is there from the start.

    Parameters
    ----------
    file
        The scenario.
    order
        What was asked for besides.
    telling
        The plugins that it was read with, and who is told how far it is.

    Raises
    ------
    InputError
        When something that the user wrote does not fit; nothing is sent, and nothing stored.
    LoadError
        When a process of the load test fails; what it had begun can be resumed.
    StorageError
        When something cannot be stored.
    """
    plugins = telling.plugins
    with telling.stages.stage("plan"):
        target = _target(order, plugins)
        plan = scenario_plan(file, order.seed)
        chosen = choose(file, plan, order.wishes)
    base = _manifest(file, plugins, order)
    job = job_of(file, Path(), order, chosen, target)  # before anything is stored
    path = new_load_folder(order.out / file.name, base["run"])
    with kept_or_removed(path):
        job = replace(job, folder=str(path.resolve()))
        manifest = {**base, "run": path.name, "load": _load_entry(job, order, chosen, target)}
        load = LoadFolder(path, manifest, file, job)
        tell_plugins(plugins, "run_started", load.run)
        store_scenario(load.whole, file, load.run)
        _store_target(order, path / TARGET)
        Schedule(chosen.families, chosen.moments).save(path / SCHEDULE)
        save_job(path, job)
        predicted = predict(load, plan, chosen, target.steps, telling) if order.predicts else None
    return _go(load, plan, predicted, telling)


def resume_load(path: Path, telling: Telling) -> Run:
    """Go on with a load test: with arrivals that are still ahead, and with the applications that wait.

    Its clock went on meanwhile. Decisions are waited for as long again as the first time.

    Raises
    ------
    StorageError
        When it is not the folder of a load test.
    LoadError
        When a process of the load test fails.
    """
    load = open_load_folder(path, telling.plugins)
    with telling.stages.stage("plan"):
        plan = scenario_plan(load.file, load.job.seed)
    job = replace(load.job, folder=str(path.resolve()), resume=load.job.origin is not None)
    return _go(replace(load, job=job), plan, _predicted(path), telling)


def _go(load: LoadFolder, plan: Plan, predicted: Mapping[str, Any] | None, telling: Telling) -> Run:
    """Send the load, and store what came of it."""
    embedded = bool(load.manifest["load"]["embedded"])
    with telling.stages.stage("load"):
        end_s = load.file.horizon.end_s
        job, _ = carry_out(load.path, load.job, embedded=embedded, hear=telling.second, horizon_s=end_s)
    run, failures = _finished(replace(load, job=job), plan, predicted, telling)
    tell_plugins(telling.plugins, "run_finished", run)
    if failures:
        said = "; ".join(map(str, failures))
        raise PluginError(f"{said}; the run itself is stored in {run.folder}") from failures[0]
    return run


def _finished(
    load: LoadFolder, plan: Plan, predicted: Mapping[str, Any] | None, telling: Telling
) -> tuple[Run, list[PluginError]]:
    with telling.stages.stage("measure"):
        measured = read_measured(load.path, plan, load.job)
        summary = summarise_load(load.file, plan, load.job, measured, predicted)
        scenario = load.file.scenario
        summary["scenario"] = {
            "name": load.manifest["scenario"],
            "title": scenario.title,
            "question": scenario.question,
        }
    if telling.fit is not None and predicted is not None and summary["load"]["validity"]["valid"]:
        with telling.stages.stage("fit"):
            summary["load"]["fit"] = telling.fit(load, plan, measured.trace, telling)
    entry = {**load.manifest["load"], "host": load.job.host, "waiting": measured.waiting}
    manifest = {**load.manifest, "until_s": measured.trace.until, "unfinished": False, "load": entry}
    run = Run(load.path, manifest, summary)
    tables = pack_tables({name: getattr(measured.trace, name) for name in TABLES})
    return store_results(load.whole, run, tables, telling.report, telling.stages)


# --- what is stored before the load starts ----------------------------------------------------------------------------


def _manifest(file: ScenarioFile, plugins: Plugins, order: LoadOrder) -> dict[str, Any]:
    known = first_manifest(file, plugins, Order(order.seed, ENGINE, order.overrides, order.created))
    return {**known, "command": " ".join(order.words) or known["command"], "unfinished": True}


def _load_entry(job: Job, order: LoadOrder, chosen: Chosen, target: Any) -> dict[str, Any]:
    """Give what the manifest says of the load: nothing secret is among it."""
    return {
        "target": job.target,
        "steps": sorted(target.steps),
        "host": job.host,
        "embedded": order.embedded,
        "families": len(chosen.families),
        "schedule_sha256": Schedule(chosen.families, chosen.moments).digest,
        "start_s": job.start_s,
        "end_s": job.end_s,
        "until_s": job.until_s,
        "speed": job.speed,
        "duration_s": job.duration_s,
        "channels": list(job.channels),
        "limit": job.limit,
        "when_full": job.when_full,
        "timeout_s": job.timeout_s,
        "poll_s": job.poll_s,
        "max_rate": job.max_rate,
        "dispatch_budget_s": job.dispatch_budget_s,
        "error_budget": job.error_budget,
        "paper_bytes": job.paper_bytes,
        "reviewers": job.reviewers,
        "workers": order.workers,
    }


def _target(order: LoadOrder, plugins: Plugins) -> Any:
    from canbao_loadtests.targets import find_target

    return find_target(order.documents, plugins)


def _store_target(order: LoadOrder, path: Path) -> None:
    source = Path(order.documents)
    if source.is_dir():
        shutil.copytree(source, path)


# --- going on ---------------------------------------------------------------------------------------------------------


def _predicted(path: Path) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = json.loads((path / PREDICTION / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found
