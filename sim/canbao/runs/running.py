"""From a scenario to a stored run: plan, engine, measures, tables, reporters."""

from __future__ import annotations

import datetime as dt
import inspect
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canbao.assembly import count_families, scenario_plan
from canbao.calendar import Horizon
from canbao.engines.choosing import AUTO, Chosen, check_choice, choose_engine, counting_engine
from canbao.engines.stories import plainly
from canbao.errors import CalendarError, CanbaoError, PluginError, StorageError
from canbao.languages import ENGLISH, Language
from canbao.measures.counted import summarise_counted, watch_of
from canbao.measures.summary import summarise
from canbao.plan import Plan
from canbao.plugins import Plugins
from canbao.runs.folders import NewFolder, is_full, new_folder, storing, write
from canbao.runs.manifest import Order, first_manifest, with_engine, with_tables
from canbao.runs.memory import check_families, check_run
from canbao.runs.run import MANIFEST, SCENARIO, SUMMARY, Run, read_run
from canbao.runs.tables import TABLES, checksum, table_bytes
from canbao.scenario.resolved import input_files, resolved_text, with_value
from canbao.scenario.scenario import ScenarioFile
from canbao.trace import Table, Trace

if TYPE_CHECKING:
    from canbao.engines.counting import Counted  # which imports the compiler

__all__ = ["STAGES", "Watch", "render_again", "run_scenario"]

Watch = Callable[[str, float], None]
"""Is told the stage and which share of it is done, from 0 to 1."""

STAGES = ("plan", "compile", "simulate", "measure", "store", "report")
"""The stages of a run, in their order; `compile` is there only where an engine is not compiled yet."""

_INPUTS = "inputs"


@dataclass
class _Clock:
    """How long each stage took."""

    watch: Watch
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        self.watch(name, 0.0)
        yield
        self.watch(name, 1.0)
        self.seconds[name] = time.perf_counter() - began


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
    clock = _Clock(progress or (lambda stage, share: None))
    with new_folder(Path(out) / file.name, manifest["run"]) as folder:
        run = Run(folder.final, {**manifest, "run": folder.final.name}, {})
        _tell(plugins, "run_started", run)
        _store_scenario(folder, file, run)
        plan, ran, happened = _simulated(file, order, clock)
        run = replace(run, manifest=with_engine(run.manifest, ran))
        with clock.stage("measure"):
            summary = _summarised(file, plan, happened)
        kept = {name: getattr(happened, name) for name in TABLES} if isinstance(happened, Trace) else {}
        report = partial(_report, plugins=plugins, language=language)
        run, failures = _store(folder, replace(run, summary=summary), kept, report, clock)
    try:
        _tell(plugins, "run_finished", run)
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
        failures = _report(run.summary, run.folder, plugins, language)
    if failures:
        raise PluginError("; ".join(map(str, failures))) from failures[0]
    return run


# --- the stages -------------------------------------------------------------------------------------------------------


def _simulated(file: ScenarioFile, order: Order, clock: _Clock) -> tuple[Plan, Chosen, Trace | Counted]:
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


def _store_scenario(folder: NewFolder, file: ScenarioFile, run: Run) -> None:
    """Store the scenario with its seed and with the files that it reads, so that it runs again wherever it is.

    This comes before anything that takes time, so that a missing permission is told at once.
    """
    source = with_value(file.source, ("seed",), run.manifest["seed"])
    for number, (path, original) in enumerate(input_files(file.scenario)):
        content = _input(original)
        kept = f"{_INPUTS}/{original.name}" if not number else f"{_INPUTS}/{number}-{original.name}"
        source = with_value(source, path, kept)
        with storing(folder.final, len(content)):
            (folder.path / _INPUTS).mkdir(exist_ok=True)
            write(folder.path / kept, content)
    head = f"# The scenario of run {run.manifest['run']} with everything that it extends; it runs as it is.\n\n"
    with storing(folder.final):
        write(folder.path / SCENARIO, head + resolved_text(source))
        write(folder.path / MANIFEST, _json(run.manifest))


def _input(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StorageError(
            f"{path}, which the scenario reads, cannot be kept with the run: {error.strerror}"
        ) from error


_Report = Callable[[Mapping[str, Any], Path], list[PluginError]]


def _store(
    folder: NewFolder, run: Run, kept: Mapping[str, Table], report: _Report, clock: _Clock
) -> tuple[Run, list[PluginError]]:
    """Store tables, summary and reports; give the finished run, and the reporters that failed."""
    with clock.stage("store"):
        contents = {name: table_bytes(table) for name, table in kept.items()}
        # On one line: with indents the summary of a city's season is three times as long, and takes four times as long.
        summary = _json(run.summary, indent=None)
        with storing(folder.final, sum(map(len, contents.values())) + len(summary)):
            for name, content in contents.items():
                write(folder.path / f"{name}.parquet", content)
            write(folder.path / SUMMARY, summary)
    tables = {
        name: {
            "rows": len(kept[name]["station" if name == "stations" else "family"]),
            "sha256": checksum(content),
        }
        for name, content in contents.items()
    }
    run = replace(run, manifest=with_tables(run.manifest, tables, clock.seconds))
    with clock.stage("report"), storing(folder.final):
        write(folder.path / MANIFEST, _json(run.manifest))
        failures = report(run.summary, folder.path)
    run = replace(run, manifest=with_tables(run.manifest, tables, clock.seconds))
    with storing(folder.final):
        write(folder.path / MANIFEST, _json(run.manifest))
    return run, failures


def _json(data: Mapping[str, Any], indent: int | None = 1) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent) + "\n"


# --- plugins ----------------------------------------------------------------------------------------------------------


def _report(summary: Mapping[str, Any], folder: Path, plugins: Plugins, language: Language) -> list[PluginError]:
    """Let every reporter write; what one of them breaks is no reason to lose the others' work."""
    failures = []
    for entry in plugins.tables["reporters"].values():
        try:
            # A reporter that has an argument for the language is told it.
            told = {"language": language} if "language" in inspect.signature(entry.thing).parameters else {}
            entry.thing(summary, folder, **told)
        except Exception as error:
            if is_full(error) or isinstance(error, CanbaoError):  # not the plugin's fault
                raise
            who = f"reporter {entry.name!r} of plugin {entry.plugin!r} ({entry.origin})"
            failure = PluginError(f"{who} failed: {type(error).__name__}: {error}")
            failure.__cause__ = error
            failures.append(failure)
    return failures


def _tell(plugins: Plugins, hook: str, run: Run) -> None:
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
