"""Runs: what is stored, that it is whole or not there, and that it can be read and repeated."""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import json
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import numpy as np
import pyarrow.parquet as pq
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from canbao.assembly import scenario_plan
from canbao.engines import ENGINES, engine_named
from canbao.engines.compiled_engine import CompiledEngine
from canbao.errors import EngineError, InputError, PluginError, StorageError, UnsupportedError
from canbao.plan import Plan
from canbao.plugins import Plugins, hookimpl, load_plugins
from canbao.runs import Run, read_run, render_again, run_scenario
from canbao.runs.running import STAGES
from canbao.scenario.resolved import resolved_text
from canbao.scenario.scenario import ScenarioFile, load_scenario
from canbao.scenario.source import read_scenario
from canbao.testing import small_scenario
from canbao.testing.district import registered_also
from canbao.trace import Trace, same_tables

TABLES = ("families", "visits", "stations")
NOW = dt.datetime(2026, 11, 21, 21, 48, 0)


def _write(summary: dict[str, Any], folder: Path) -> Path:
    path = folder / "report.html"
    path.write_text(str(summary["seed"]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Everything that comes with canbao, with a quick reporter in the place of the report."""
    loaded = load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})
    quick = replace(loaded, tables={**loaded.tables, "reporters": {}})
    return registered_also(quick, "reporters", "html", _write)


@pytest.fixture(scope="module")
def file(plugins: Plugins) -> ScenarioFile:
    """Give a small scenario."""
    return small_scenario({"population": {"residents": 300}}, plugins)


@pytest.fixture(scope="module")
def stored(file: ScenarioFile, plugins: Plugins, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Give a run of it, to be looked at only."""
    return run_scenario(file, plugins, out=tmp_path_factory.mktemp("stored"), now=NOW)


@pytest.fixture
def copy(stored: Run, tmp_path: Path) -> Path:
    """Give a copy of the stored run that a test may spoil."""
    return Path(shutil.copytree(stored.folder, tmp_path / "small" / stored.folder.name))


def _left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# --- what is stored ---------------------------------------------------------------------------------------------------


def test_a_run_folder_holds_every_file(stored: Run) -> None:
    """A run folder holds the manifest, the scenario, the tables, the summary and the report, and nothing else."""
    tables = [f"{name}.parquet" for name in TABLES]
    assert _left(stored.folder) == sorted(["manifest.json", "scenario.toml", "summary.json", "report.html", *tables])


def test_a_run_is_named_by_its_time_and_seed(stored: Run) -> None:
    """The folder of a run is out/<scenario>/<time>-seed<seed>."""
    assert stored.folder.name == "20261121-214800-seed1"
    assert stored.folder.parent.name == "small"


def test_runs_of_one_second_get_names_of_their_own(file: ScenarioFile, plugins: Plugins, tmp_path: Path) -> None:
    """Two runs of one scenario, seed and second are stored side by side."""
    names = [run_scenario(file, plugins, out=tmp_path, now=NOW).folder.name for _ in range(3)]
    assert names == ["20261121-214800-seed1", "20261121-214800-seed1-2", "20261121-214800-seed1-3"]
    assert json.loads((tmp_path / "small" / names[1] / "manifest.json").read_text())["run"] == names[1]


def test_the_manifest_says_how_to_repeat_the_run(plugins: Plugins, tmp_path: Path) -> None:
    """The manifest names seed, engine, versions, plugins, overrides and the command that repeats them."""
    path = tmp_path / "a b.toml"
    path.write_text(resolved_text(small_scenario({"population": {"residents": 60}}, plugins).source))
    overrides = ("population.scale=0.5",)
    run = run_scenario(load_scenario(path, plugins, overrides), plugins, seed=9, out=tmp_path, overrides=overrides)
    manifest = run.manifest
    assert manifest["command"] == f"canbao run '{path}' --seed 9 --set population.scale=0.5"
    assert (manifest["seed"], manifest["overrides"]) == (9, ["population.scale=0.5"])
    assert {"python", "canbao", "numba", "numpy", "simpy", "pyarrow"} <= set(manifest["versions"])
    assert {"name": "office", "origin": plugins.origins["office"]} in manifest["plugins"]
    assert set(manifest["seconds"]) - {"compile"} == {"plan", "simulate", "measure", "store", "report"}


def test_the_manifest_knows_rows_and_checksums(stored: Run) -> None:
    """The manifest's checksums are those of the files, and its rows those of the tables."""
    for name in TABLES:
        entry = stored.manifest["tables"][name]
        content = (stored.folder / f"{name}.parquet").read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["rows"] == pq.read_table(stored.folder / f"{name}.parquet").num_rows


def test_tables_hold_no_metadata_but_their_format(stored: Run) -> None:
    """No time, path or name of a library besides Parquet's own is in a table's metadata."""
    for name in TABLES:
        metadata = pq.read_schema(stored.folder / f"{name}.parquet").metadata
        assert metadata == {b"canbao.format": b"1"}


def test_a_stored_trace_is_the_trace(stored: Run, file: ScenarioFile) -> None:
    """What is read back equals what the engine gave, bit for bit, words included."""
    trace = engine_named("simpy").run(scenario_plan(file))
    back = read_run(stored.folder).trace
    assert back.until == trace.until
    for name in TABLES:
        one, other = getattr(trace, name), getattr(back, name)
        assert same_tables(one, other) == ""
        words = [key for key, column in one.items() if hasattr(column, "labels")]
        assert {key: one[key].labels for key in words} == {key: other[key].labels for key in words}


def test_a_stored_run_is_read_as_it_was_given(stored: Run) -> None:
    """Manifest and summary are the same when they are read back."""
    back = read_run(stored.folder)
    assert back.manifest == stored.manifest
    assert back.summary == json.loads(json.dumps(stored.summary))


# --- the stored scenario ----------------------------------------------------------------------------------------------


def test_the_stored_scenario_gives_the_same_tables(file: ScenarioFile, plugins: Plugins, tmp_path: Path) -> None:
    """A stored scenario runs again to the same bytes, with the seed that was given on the command line."""
    run = run_scenario(file, plugins, seed=77, out=tmp_path / "one")
    again = run_scenario(load_scenario(run.folder / "scenario.toml", plugins), plugins, out=tmp_path / "two")
    assert again.manifest["seed"] == 77
    for name in TABLES:
        assert again.manifest["tables"][name]["sha256"] == run.manifest["tables"][name]["sha256"]


def test_a_replayed_file_is_kept_with_the_run(plugins: Plugins, tmp_path: Path) -> None:
    """The CSV of arrivals is copied into the run, so that the stored scenario runs after the original is gone."""
    rows = [f"2025-12-{day:02d} 09:{minute:02d}:00" for day in range(1, 11) for minute in (0, 10, 20)]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "arrivals.csv").write_text("arrival\n" + "\n".join(rows) + "\n")
    source = small_scenario({}, plugins).source
    text = resolved_text(replace(source, data={**source.data, "demand": {"kind": "replay", "file": "arrivals.csv"}}))
    (tmp_path / "in" / "replayed.toml").write_text(text)
    run = run_scenario(load_scenario(tmp_path / "in" / "replayed.toml", plugins), plugins, out=tmp_path / "out")
    shutil.rmtree(tmp_path / "in")
    moved = Path(shutil.move(run.folder, tmp_path / "moved"))
    again = run_scenario(load_scenario(moved / "scenario.toml", plugins), plugins, out=tmp_path / "again")
    assert run.manifest["tables"]["families"]["rows"] == len(rows)
    assert again.manifest["tables"] == run.manifest["tables"]


def test_the_stored_scenario_keeps_grades_of_evidence(plugins: Plugins, tmp_path: Path) -> None:
    """Comments that grade a number are still there in the stored scenario, so that it lists the same estimates."""
    text = resolved_text(small_scenario({}, plugins).source)
    text = text.replace("residents = 900", "residents = 900 # D: by arithmetic")
    (tmp_path / "graded.toml").write_text(text.replace("slots = 4", "slots = 4 # E: a guess"))
    file = load_scenario(tmp_path / "graded.toml", plugins)
    run = run_scenario(file, plugins, out=tmp_path)
    again = load_scenario(run.folder / "scenario.toml", plugins)
    assert again.grades() == file.grades() == {"population.residents": "D", "channels.portal.slots": "E"}
    assert again.estimates() == file.estimates()


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
_SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    _TEXT,
    st.dates(),
    st.times().map(lambda time: time.replace(fold=0)),
    st.datetimes(),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(_TEXT.filter(lambda key: key != "extends"), _VALUES, max_size=4))
@settings(max_examples=150)
def test_resolved_text_holds_the_same_data(data: dict[str, Any]) -> None:
    """Whatever a file holds, its resolved text holds the same, and resolving that changes nothing more."""
    with _toml_file(tomli_w.dumps(data)) as path:
        source = read_scenario(path)
    with _toml_file(resolved_text(source)) as path:
        again = read_scenario(path)
    assert repr(again.data) == repr(_sorted_like(again.data, source.data))
    with _toml_file(resolved_text(source, places=True)) as path:
        assert read_scenario(path).data == source.data
    assert tomllib.loads(resolved_text(again)) == source.data


def _sorted_like(new: Any, old: Any) -> Any:
    """Put tables into the order of `new`: TOML has values before tables, so that only the order may differ."""
    if isinstance(new, dict):
        assert set(new) == set(old)
        return {key: _sorted_like(new[key], old[key]) for key in new}
    if isinstance(new, list):
        assert len(new) == len(old)
        return [_sorted_like(*pair) for pair in zip(new, old, strict=True)]
    return old


class _toml_file:  # noqa: N801 - reads as a function
    def __init__(self, text: str) -> None:
        self.text = text

    def __enter__(self) -> Path:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "a.toml"
        path.write_text(self.text, encoding="utf-8", newline="\n")
        return path

    def __exit__(self, *_: object) -> None:
        self.folder.cleanup()


# --- whole or not there -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["simpy", "compiled", "both"])
@pytest.mark.parametrize(
    ("stage", "share"),
    [("plan", 0.0), ("simulate", 0.0), ("simulate", 0.5), ("measure", 0.0), ("store", 1.0), ("report", 1.0)],
)
@pytest.mark.parametrize("problem", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_an_interrupted_run_leaves_nothing(
    file: ScenarioFile,
    plugins: Plugins,
    tmp_path: Path,
    stage: str,
    share: float,
    problem: type[BaseException],
    engine: str,
) -> None:
    """Whatever ends a run on its way, at whatever stage, on whatever engine, no file and no folder of it is left."""

    def interrupt(at: str, done: float) -> None:
        if at == stage and done >= share:
            raise problem

    with pytest.raises(problem):
        run_scenario(file, plugins, engine=engine, out=tmp_path / "a" / "b", progress=interrupt)
    assert _left(tmp_path) == []


@pytest.mark.parametrize("problem", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_a_run_that_is_interrupted_while_it_compiles_leaves_nothing(
    file: ScenarioFile,
    plugins: Plugins,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    problem: type[BaseException],
) -> None:
    """What ends the compiler ends the run, and no file and no folder of it is left."""

    def interrupted(_: CompiledEngine) -> NoReturn:
        raise problem

    monkeypatch.setattr(CompiledEngine, "ready", lambda *_: False)
    monkeypatch.setattr(CompiledEngine, "prepare", interrupted)
    with pytest.raises(problem):
        run_scenario(file, plugins, out=tmp_path / "a" / "b")
    assert _left(tmp_path) == []


def test_an_interrupted_run_leaves_others_alone(stored: Run, file: ScenarioFile, plugins: Plugins) -> None:
    """A run that is interrupted does not touch the runs beside it."""
    before = _left(stored.folder.parent)
    with pytest.raises(KeyboardInterrupt):
        run_scenario(file, plugins, out=stored.folder.parent.parent, progress=_interrupted)
    assert _left(stored.folder.parent) == before


def _interrupted(stage: str, _: float) -> None:
    if stage == "store":
        raise KeyboardInterrupt


def test_an_unfinished_run_is_hidden_and_not_read(file: ScenarioFile, plugins: Plugins, tmp_path: Path) -> None:
    """While a run goes on, nothing under its own name is there, and reading the newest run does not find it."""
    seen: list[list[str]] = []

    def look(stage: str, _: float) -> None:
        if stage == "report":
            seen.append([name for name in _left(tmp_path / "small") if "/" not in name])
            with pytest.raises(StorageError):
                read_run(tmp_path)

    run_scenario(file, plugins, out=tmp_path, progress=look, now=NOW)
    assert seen[0] == [".20261121-214800-seed1.part"]
    assert _left(tmp_path / "small")[0] == "20261121-214800-seed1"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_one_clear_line(
    file: ScenarioFile,
    plugins: Plugins,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    code: int,
    engine: str,
) -> None:
    """Whichever file does not fit, the message is one line with the folder and a remedy, and nothing is left."""
    monkeypatch.setattr(Path, "write_bytes", _failing(Path.write_bytes, number, code))
    with pytest.raises(StorageError, match=r"no space for the run in .*small.*--out; nothing was stored$") as caught:
        run_scenario(file, plugins, engine=engine, out=tmp_path)
    assert "\n" not in str(caught.value)
    tables = range(2, 6)
    assert ("it needs" in str(caught.value)) == (number in tables)
    assert _left(tmp_path) == []


def _failing(write: Callable[[Path, bytes], int], number: int, code: int) -> Callable[[Path, bytes], int]:
    calls = iter(range(100))

    def failing(path: Path, content: bytes) -> int:
        if next(calls) == number:
            write(path, content[: len(content) // 2])
            raise OSError(code, "it does not fit", str(path))
        return write(path, content)

    return failing


def test_a_disk_that_is_full_for_a_reporter_leaves_nothing(
    file: ScenarioFile, plugins: Plugins, tmp_path: Path
) -> None:
    """A disk that has no space for a report is a full disk, not a bad plugin."""

    def full(summary: dict[str, Any], folder: Path) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match="no space"):
        run_scenario(file, registered_also(plugins, "reporters", "full", full), out=tmp_path)
    assert _left(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_simulated(
    file: ScenarioFile, plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing permission is one line that names the folder and a remedy, and no time is lost on a simulation."""

    def forbidden(path: Path, *_: Any, **__: Any) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", forbidden)
    stages: list[str] = []
    with pytest.raises(StorageError, match=r"no permission to write to .*small; .*--out$"):
        run_scenario(file, plugins, out=tmp_path, progress=lambda stage, _: stages.append(stage))
    assert stages == []


def test_a_file_in_the_way_is_named(file: ScenarioFile, plugins: Plugins, tmp_path: Path) -> None:
    """Where a file stands in the place of a folder, the message names the file."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match=r"because .*taken is a file; .*--out"):
        run_scenario(file, plugins, out=tmp_path / "taken" / "deeper")
    assert _left(tmp_path) == ["taken"]


def test_a_second_interrupt_does_not_stop_the_clearing_up(
    file: ScenarioFile, plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while an interrupted run is being removed changes nothing: all of it goes."""
    import os
    import signal

    remove = shutil.rmtree

    def impatient(*args: Any, **kwargs: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        remove(*args, **kwargs)

    monkeypatch.setattr(shutil, "rmtree", impatient)
    with pytest.raises(KeyboardInterrupt):
        run_scenario(file, plugins, out=tmp_path, progress=_interrupted)
    assert _left(tmp_path) == []


# --- engines and plugins ----------------------------------------------------------------------------------------------


def test_an_unknown_engine_is_told_at_once(file: ScenarioFile, plugins: Plugins, tmp_path: Path) -> None:
    """A misspelt engine is an error that lists the engines, before a folder is made."""
    with pytest.raises(InputError, match="no engine 'warp'; there are: auto, simpy, compiled, both"):
        run_scenario(file, plugins, engine="warp", out=tmp_path)
    assert _left(tmp_path) == []


@pytest.mark.parametrize(
    ("asked", "ran"), [("auto", "compiled"), ("simpy", "simpy"), ("compiled", "compiled"), ("both", "both")]
)
def test_a_run_does_not_depend_on_its_engine(
    stored: Run, file: ScenarioFile, plugins: Plugins, tmp_path: Path, asked: str, ran: str
) -> None:
    """Whatever engine is asked for, tables are the same bytes and the summary is the same; the manifest says which."""
    run = run_scenario(file, plugins, engine=asked, out=tmp_path, now=NOW)
    assert run.manifest["tables"] == stored.manifest["tables"]
    assert run.summary == stored.summary
    assert (run.folder / "scenario.toml").read_bytes() == (stored.folder / "scenario.toml").read_bytes()
    said = {key: value for key, value in run.manifest.items() if key.startswith("engine")}
    equal = {"engines_equal": True} if asked == "both" else {}
    assert said == {"engine": ran, "engine_asked": asked, "engine_reason": "", **equal}
    assert ("--engine" in run.manifest["command"]) == (asked != "auto")
    assert run.manifest["command"].endswith("" if asked == "auto" else f" --engine {asked}")


@pytest.mark.parametrize("asked", ["compiled", "both"])
def test_an_engine_that_cannot_run_the_plan_says_why(
    file: ScenarioFile, plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    """Where an engine that was asked for does not support a plan, its reason is told and nothing falls back."""
    monkeypatch.setattr(CompiledEngine, "supports", lambda *_: "it has too many corners")
    with pytest.raises(UnsupportedError, match="'compiled' cannot run this: it has too many corners"):
        run_scenario(file, plugins, engine=asked, out=tmp_path)
    assert _left(tmp_path) == []


def test_a_run_says_why_it_was_not_compiled(
    stored: Run, file: ScenarioFile, plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody asked for an engine and the compiled one cannot, SimPy runs, and the manifest has the reason."""
    monkeypatch.setattr(CompiledEngine, "supports", lambda *_: "it has too many corners")
    run = run_scenario(file, plugins, out=tmp_path)
    assert read_run(run.folder).manifest["engine"] == "simpy"
    assert read_run(run.folder).manifest["engine_reason"] == "it has too many corners"
    assert run.manifest["tables"] == stored.manifest["tables"]


def test_two_engines_that_differ_store_nothing(
    file: ScenarioFile, plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `both`, the first difference is told with dates, and a run that cannot be trusted is not kept."""
    run = CompiledEngine.run

    def late(engine: CompiledEngine, plan: Plan, progress: Any = None) -> Trace:
        trace = run(engine, plan, progress)
        reviewed = np.array(trace.families["reviewed"])
        reviewed[3] = plan.until - 1.5
        return replace(trace, families={**trace.families, "reviewed": reviewed})

    monkeypatch.setattr(CompiledEngine, "run", late)
    with pytest.raises(EngineError) as caught:
        run_scenario(file, plugins, engine="both", out=tmp_path)
    head, *story = str(caught.value).splitlines()
    assert head.startswith("engines simpy and compiled differ on one family; the first is family 3 at 20")
    [marked] = [line for line in story if line.startswith(">")]
    last_day = file.horizon.end
    assert marked.split()[1] == "reviewed"
    assert f"{last_day} 23:59:58.500000" in marked
    assert _left(tmp_path) == []


def test_what_is_not_compiled_yet_is_compiled_in_a_stage_of_its_own(
    stored: Run, file: ScenarioFile, plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`compile` comes between plan and simulation, once, and only where an engine is not ready."""
    compiled: list[str] = []
    monkeypatch.setattr(CompiledEngine, "ready", lambda *_: bool(compiled))
    monkeypatch.setattr(CompiledEngine, "prepare", lambda engine: compiled.append(engine.name))
    for expected in (STAGES, tuple(stage for stage in STAGES if stage != "compile")):
        stages: list[str] = []
        run = run_scenario(file, plugins, out=tmp_path, progress=lambda stage, _, seen=stages: seen.append(stage))
        assert tuple(dict.fromkeys(stages)) == tuple(run.manifest["seconds"]) == expected
        assert run.manifest["tables"] == stored.manifest["tables"]
    assert compiled == ["compiled"]


def _listener(**hooks: Callable[[Run], None]) -> ModuleType:
    module = ModuleType("listener")
    for name, hook in hooks.items():
        setattr(module, name, hookimpl(hook, specname=name))
    return module


@pytest.fixture
def listening(plugins: Plugins) -> Iterator[Callable[[ModuleType], Plugins]]:
    """Let a plugin listen for one test."""
    names: list[str] = []

    def listen(module: ModuleType) -> Plugins:
        plugins.manager.register(module, name="listener")
        names.append("listener")
        return replace(plugins, origins={**plugins.origins, "listener": "a test"})

    yield listen
    for name in names:
        plugins.manager.unregister(name=name)


def test_plugins_hear_of_the_begin_and_the_end(
    file: ScenarioFile, listening: Callable[[ModuleType], Plugins], tmp_path: Path
) -> None:
    """run_started comes before anything is simulated, run_finished when everything is stored."""
    heard: list[tuple[str, bool, bool]] = []
    module = _listener(
        run_started=lambda run: heard.append(("started", run.folder.exists(), bool(run.summary))),
        run_finished=lambda run: heard.append(("finished", run.report.exists(), bool(run.summary))),
    )
    run_scenario(file, listening(module), out=tmp_path)
    assert heard == [("started", False, False), ("finished", True, True)]


def _broken(run: Run) -> NoReturn:
    raise KeyError("nothing")


def test_a_plugin_that_raises_at_the_start_is_named(
    file: ScenarioFile, listening: Callable[[ModuleType], Plugins], tmp_path: Path
) -> None:
    """A plugin that raises when a run starts is named with where it comes from, and the run does not begin."""
    with pytest.raises(PluginError, match=r"'listener' \(a test\) failed in run_started: KeyError: 'nothing'"):
        run_scenario(file, listening(_listener(run_started=_broken)), out=tmp_path)
    assert _left(tmp_path) == []


def test_a_plugin_that_raises_at_the_end_loses_no_run(
    file: ScenarioFile, listening: Callable[[ModuleType], Plugins], tmp_path: Path
) -> None:
    """When a plugin raises after a run, it is named and the message says where the run is stored, whole."""
    with pytest.raises(PluginError, match=r"failed in run_finished: .*stored in (.*)$") as caught:
        run_scenario(file, listening(_listener(run_finished=_broken)), out=tmp_path)
    folder = str(caught.value).rpartition("stored in ")[2]
    assert read_run(folder).trace.families


def test_a_reporter_that_raises_loses_no_run(file: ScenarioFile, plugins: Plugins, tmp_path: Path) -> None:
    """A reporter that raises is named; tables and the other reports are stored all the same."""

    def broken(summary: dict[str, Any], folder: Path) -> NoReturn:
        raise FileNotFoundError(errno.ENOENT, "No such file", "template.html")

    with pytest.raises(
        PluginError, match=r"reporter 'bad' of plugin 'under test' .* failed: FileNotFoundError: .*stored in"
    ):
        run_scenario(file, registered_also(plugins, "reporters", "bad", broken), out=tmp_path)
    assert read_run(tmp_path).report.read_text() == "1"


def test_reporters_of_plugins_write_into_the_folder(file: ScenarioFile, plugins: Plugins, tmp_path: Path) -> None:
    """Each reporter is called with the summary and the folder, and what it writes is there at the end."""

    def csv(summary: dict[str, Any], folder: Path) -> Path:
        path = folder / "families.csv"
        path.write_text(f"arrived\n{summary['families']['arrived']}\n")
        assert json.loads((folder / "manifest.json").read_text())["scenario"] == "small"
        return path

    run = run_scenario(file, registered_also(plugins, "reporters", "csv", csv), out=tmp_path)
    assert (run.folder / "families.csv").read_text() == f"arrived\n{run.manifest['tables']['families']['rows']}\n"


# --- reading ----------------------------------------------------------------------------------------------------------


def test_the_newest_run_of_a_scenario_is_found(file: ScenarioFile, plugins: Plugins, tmp_path: Path) -> None:
    """The folder of a scenario, or of all of them, stands for its newest run."""
    runs = [run_scenario(file, plugins, out=tmp_path, now=NOW + dt.timedelta(minutes=n)) for n in (1, 2, 0)]
    assert read_run(tmp_path / "small").folder == read_run(tmp_path).folder == runs[1].folder


def test_rendering_again_changes_only_reports(copy: Path, plugins: Plugins) -> None:
    """A stored run is rendered again from what is stored; no other file changes."""
    (copy / "report.html").write_text("old")
    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    assert render_again(copy, plugins).report.read_text() == "1"
    after = {path.name: path.read_bytes() for path in copy.iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {"report.html"}


@pytest.mark.parametrize("name", ["summary.json", "scenario.toml", "visits.parquet"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    """A run folder without one of its files is refused, and the message names the file."""
    (copy / name).unlink()
    with pytest.raises(StorageError, match=f"not whole: {name} is missing"):
        read_run(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, '{"format": 1}', '{"format": 2}', "\0"])
def test_a_damaged_manifest_is_told(copy: Path, text: str) -> None:
    """Whatever stands in a manifest that is not one, the message names the file and says what to do."""
    (copy / "manifest.json").write_text(text)
    with pytest.raises(StorageError, match=r"manifest\.json .*run the scenario again"):
        read_run(copy)


def test_a_manifest_that_is_not_text_is_told(copy: Path) -> None:
    """Bytes that are no UTF-8 are told as damage."""
    (copy / "manifest.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StorageError, match=r"manifest\.json is damaged"):
        read_run(copy)


def test_a_table_with_one_changed_byte_is_told(copy: Path) -> None:
    """A table that is not the one that was stored is refused by its checksum."""
    content = bytearray((copy / "visits.parquet").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "visits.parquet").write_bytes(content)
    with pytest.raises(StorageError, match=r"visits\.parquet is damaged"):
        _ = read_run(copy).trace


def test_a_folder_without_runs_is_told(tmp_path: Path) -> None:
    """A folder that holds no run and one that is not there are told apart, with an example of the right thing."""
    with pytest.raises(StorageError, match=r"has no manifest\.json, so it is not the folder of a run; name a folder"):
        read_run(tmp_path)
    with pytest.raises(StorageError, match=r"nowhere does not exist; name a folder such as results/"):
        read_run(tmp_path / "nowhere")


def test_a_trace_is_read_once(stored: Run) -> None:
    """The trace of a run is the same object whenever it is asked for."""
    run = read_run(stored.folder)
    assert run.trace is run.trace
