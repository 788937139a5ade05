"""From a scenario to a stored run: plan, engine, measures, tables, reporters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canbao.assembly import count_families, scenario_plan
from canbao.calendar import Horizon
from canbao.engines.choosing import AUTO, Chosen, check_choice, choose_engine, counting_engine
from canbao.engines.stories import plainly
from canbao.errors import CalendarError, CanbaoError, PluginError
from canbao.languages import ENGLISH, Language
from canbao.measures.counted import summarise_counted, watch_of
from canbao.measures.summary import summarise
from canbao.plan import Plan
from canbao.plugins import Plugins
from canbao.runs.folders import new_folder, storing
from canbao.runs.manifest import Order, first_manifest, with_engine
from canbao.runs.memory import check_families, check_run
from canbao.runs.run import Run, read_run
from canbao.runs.storing import Stages, Watch, pack_tables, report_run, store_results, store_scenario
from canbao.runs.tables import TABLES
from canbao.scenario.scenario import ScenarioFile
from canbao.trace import Trace

if TYPE_CHECKING:
    from canbao.engines.counting import Counted  # which imports the compiler

__all__ = ["STAGES", "Watch", "render_again", "run_scenario"]

STAGES = ("plan", "compile", "simulate", "measure", "store", "report")
"""The stages of a run, in their order; `compile` is there only where an engine is not compiled yet."""


def run_scenario(  # noqa: PLR0913 - each of these is a choice of the user's
    file: ScenarioFile,
    plugins: Plugins,
    *,
    seed: int | None = None,
    engine: str = AUTO,
    tables: bool = True,
    out: str | Path = "results",
    overrides: Sequence[str] = (),
    progress: Watch | None = None,
    now: dt.datetime | None = None,
    language: Language = ENGLISH,
) -> Run:
    """Run a scenario and store the run.

    Parameters
    ----------
    file
        The scenario, as `canbao.scenario.scenario.load_scenario` gives it.
    plugins
        What the scenario was read with; they hear of the run, and their reporters write into its folder.
    seed
        All luck follows from it; the scenario's own if none is given.
    engine
        `auto` (the compiled engine wherever it can, SimPy elsewhere), `simpy`, `compiled`, or `both` to compare them.
        The manifest says which one ran and why; nothing else of the run depends on it.
    tables
        Whether the tables of the trace are kept. Without, the compiled engine counts visits as they happen: memory and
        disk do not grow with them, and the summary lacks what only single visits can tell.
    out
        The run goes to `out/<scenario>/<run>/`.
    overrides
        The `path=value` texts that the scenario was read with, for the manifest.
    progress
        Is told how far the run is.
    now
        The time that names the run; the clock's if none is given.
    language
        The language of what reporters write for people; nothing else of the run depends on it.

    Raises
    ------
    InputError
        When the scenario cannot be made concrete, or a plugin raises; a run whose reporter or listener raises at
        the end is stored all the same, and the message says where.
    EngineError
        When the engine cannot run the plan, or two engines differ.
    TooLargeError
        When there is not enough memory; this is told before anything is simulated.
    StorageError
        When the run cannot be stored; nothing of it is left then.
    """
    check_choice(engine)
    chosen = file.scenario.seed if seed is None else seed
    order = Order(chosen, engine, tuple(overrides), (now or dt.datetime.now()).astimezone(), tables)
    manifest = first_manifest(file, plugins, order)
    clock = Stages(progress or (lambda stage, share: None))
    with new_folder(Path(out) / file.name, manifest["run"]) as folder:
        run = Run(folder.final, {**manifest, "run": folder.final.name}, {})
        tell_plugins(plugins, "run_started", run)
        store_scenario(folder, file, run)
        plan, ran, happened = _simulated(file, order, clock)
        run = replace(run, manifest=with_engine(run.manifest, ran))
        kept = {name: getattr(happened, name) for name in TABLES} if isinstance(happened, Trace) else {}
        # Tables are packed while measures are taken: Arrow and numpy let each other work.
        with ThreadPoolExecutor(1) as beside, clock.stage("measure"):
            packed = beside.submit(pack_tables, kept)
            summary = _summarised(file, plan, happened)
        report = partial(report_run, plugins=plugins, language=language)
        run, failures = store_results(folder, replace(run, summary=summary), packed.result(), report, clock)
    try:
        tell_plugins(plugins, "run_finished", run)
    except PluginError as error:
        failures.append(error)
    if failures:
        said = "; ".join(map(str, failures))
        raise PluginError(f"{said}; the run itself is stored in {run.folder}") from failures[0]
    return run


def render_again(folder: str | Path, plugins: Plugins, language: Language = ENGLISH) -> Run:
    """Let all reporters write anew into the folder of a stored run, or of the newest run below a folder.

    Raises
    ------
    StorageError
        When it is not the folder of a run, or cannot be written.
    PluginError
        When a reporter raises.
    """
    run = read_run(folder)
    with storing(run.folder):
        failures = report_run(run.summary, run.folder, plugins, language)
    if failures:
        raise PluginError("; ".join(map(str, failures))) from failures[0]
    return run


# --- the stages -------------------------------------------------------------------------------------------------------


def _simulated(file: ScenarioFile, order: Order, clock: Stages) -> tuple[Plan, Chosen, Trace | Counted]:
    with clock.stage("plan"):
        check_families(file, count_families(file))
        plan = scenario_plan(file, order.seed)
        chosen = choose_engine(order.engine, plan)
        counts = None if order.tables else counting_engine(chosen)
        check_run(file, plan, chosen, tables=order.tables)
    if not chosen.ready():
        with clock.stage("compile"):
            chosen.prepare()
    with clock.stage("simulate"):
        watch = partial(clock.watch, "simulate")
        if counts:
            return plan, chosen, counts.count(plan, watch_of(file, plan), watch)
        return plan, chosen, chosen.run(plan, watch, partial(_moment, file.horizon))


def _summarised(file: ScenarioFile, plan: Plan, happened: Trace | Counted) -> dict[str, Any]:
    if isinstance(happened, Trace):
        return summarise(file, plan, happened)
    return summarise_counted(file, plan, happened)


def _moment(horizon: Horizon, time: float) -> str:
    """Say a time as a date and the clock."""
    try:
        return f"{horizon.moment(time):%Y-%m-%d %H:%M:%S.%f}"
    except CalendarError:  # no engine should give such a time; it is looked at because one did
        return plainly(time)


# --- plugins ----------------------------------------------------------------------------------------------------------


def tell_plugins(plugins: Plugins, hook: str, run: Run) -> None:
    """Call a hook of each plugin by itself, so that an error can name the plugin."""
    for implementation in getattr(plugins.manager.hook, hook).get_hookimpls():
        try:
            implementation.function(*[run][: len(implementation.argnames)])
        except CanbaoError:
            raise
        except Exception as error:
            name = implementation.plugin_name
            raise PluginError(
                f"plugin {name!r} ({plugins.origins[name]}) failed in {hook}: {type(error).__name__}: {error}"
            ) from error
