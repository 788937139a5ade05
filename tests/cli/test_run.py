"""`canbao run`: answer, exit codes, what is stored, what goes wrong."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from click.testing import Result
from rich.console import Console

from canbao.cli import output
from canbao.engines import ENGINES
from canbao.engines.compiled_engine import CompiledEngine
from canbao.languages import language_named

Invoke = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[str]"]
TABLES = ("families.parquet", "visits.parquet", "stations.parquet")

HELD: dict[str, Any] = {"easy": {"kind": "deadline", "at_least": 0.0}}
MISSED: dict[str, Any] = {
    "easy": {"kind": "deadline", "at_least": 0.0},
    "hard": {"kind": "wait", "title": "Nobody waits", "channel": "office", "share": 1.0, "at_most": "0 s"},
}
NOTHING: dict[str, Any] = {"hard": {"kind": "newborn", "at_least": 1.0}}


def _left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# --- the answer -------------------------------------------------------------------------------------------------------


def test_the_answer_is_printed_and_the_report_comes_last(canbao: Invoke, scenario: Path, tmp_path: Path) -> None:
    """A run prints the answer in sentences, and on the last line the path of a report that is there."""
    result = canbao("run", scenario, "--out", tmp_path / "out")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("A small district · ")
    assert "The season holds" in lines[1]
    assert any("deadline" in line and "held" in line for line in lines)
    assert any(line.startswith("Most waiting is at ") for line in lines)
    word, _, path = lines[-1].partition(": ")
    assert word == "Report"
    assert Path(path).is_file()
    assert Path(path).parents[2] == tmp_path / "out"


def test_an_answer_into_a_file_has_no_colours_and_no_breaks(canbao: Invoke, scenario: Path, tmp_path: Path) -> None:
    """Where stdout is no terminal there is no escape code, and each sentence stays on its line."""
    deep = tmp_path / ("a" * 120) / ("b" * 120)
    result = canbao("run", scenario, "--out", deep)
    assert "\x1b" not in result.output
    assert f"Report: {deep}" in result.stdout


@pytest.mark.parametrize(("objectives", "code"), [(HELD, 0), (MISSED, 3), (NOTHING, 0), ({}, 0)])
def test_the_exit_code_tells_a_missed_objective(
    canbao: Invoke, text_of: Callable[..., str], tmp_path: Path, objectives: dict[str, Any], code: int
) -> None:
    """Exit code 3 says that an objective was missed; one that could not be judged was not missed."""
    population = {"kind": "city", "residents": 300, "births_per_thousand": 0.0}
    (tmp_path / "a.toml").write_text(text_of(objectives=objectives, population=population))
    result = canbao("run", tmp_path / "a.toml", "--out", tmp_path)
    assert result.exit_code == code, result.output
    assert ("Nobody waits" in result.stdout) == (code == 3)


def test_json_is_all_that_goes_to_stdout(
    canbao: Invoke, scenario: Path, tmp_path: Path, answer_of: Callable[[Result], Any]
) -> None:
    """`--json` prints one JSON document with answer, objectives and paths, and nothing else."""
    result = canbao("run", scenario, "--seed", 5, "--json", "--out", tmp_path)
    said = answer_of(result)
    assert said["seed"] == 5
    assert said["held"] is True
    assert [objective["name"] for objective in said["objectives"]] == ["deadline"]
    assert said["answer"]["headline"]
    assert Path(said["report"]).is_file()
    summary = json.loads((Path(said["folder"]) / "summary.json").read_text())
    assert summary["objectives"] == said["objectives"]
    assert result.stderr == ""


def test_quiet_prints_the_path_alone(canbao: Invoke, scenario: Path, tmp_path: Path) -> None:
    """`--quiet` prints the path of the report and nothing else."""
    result = canbao("run", scenario, "--quiet", "--out", tmp_path)
    assert Path(result.output.removesuffix("\n")).name == "report.html"


def test_set_changes_the_scenario(
    canbao: Invoke, scenario: Path, tmp_path: Path, answer_of: Callable[[Result], Any]
) -> None:
    """`--set` can be given several times, changes the run, and stands in the manifest."""
    some = answer_of(canbao("run", scenario, "--json", "--out", tmp_path))
    arguments = ("--set", "population.scale=2", "--set", "title=Twice")
    more = answer_of(canbao("run", scenario, *arguments, "--json", "--out", tmp_path))
    assert more["manifest"]["overrides"] == ["population.scale=2", "title=Twice"]
    assert more["answer"]["title"] == "Twice"
    rows = [said["manifest"]["tables"]["families"]["rows"] for said in (some, more)]
    assert rows[1] == pytest.approx(2 * rows[0], rel=0.1)


def test_the_report_is_rendered_by_the_plugin_that_comes_with_canbao(scenario: Path, tmp_path: Path) -> None:
    """`python -m canbao run` from a folder of its own stores a whole run with a real report under results/."""
    done = subprocess.run(
        [sys.executable, "-m", "canbao", "run", str(scenario), "--quiet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    path = tmp_path / done.stdout.strip()
    assert path.is_relative_to(tmp_path / "results" / "village")
    assert "A small district" in path.read_text(encoding="utf-8")
    assert "<html" in path.read_text(encoding="utf-8")


# --- the same again ---------------------------------------------------------------------------------------------------


def test_another_process_and_folder_give_the_same_bytes(
    canbao: Invoke, start: Start, scenario: Path, tmp_path: Path
) -> None:
    """The same scenario and seed give the same Parquet files in another process and folder, with another hash seed."""
    here = canbao("run", scenario, "-q", "--seed", 3, "--out", tmp_path / "here").stdout.strip()
    (tmp_path / "there").mkdir()
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "TZ": "America/New_York", "LC_ALL": "C"}
    process = start("run", f"../{scenario.name}", "-q", "--seed", 3, cwd=tmp_path / "there", env=environment)
    there, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    for name in TABLES:
        one = Path(here).with_name(name).read_bytes()
        assert one == (tmp_path / "there" / there.strip()).with_name(name).read_bytes()


def test_the_stored_scenario_runs_to_the_same_bytes(canbao: Invoke, scenario: Path, tmp_path: Path) -> None:
    """A stored scenario.toml gives the tables of the run it was stored with, `--set` and `--seed` included."""
    changes = ("--seed", 8, "--set", "channels.portal.slots=1", "--set", "population.scale=1.5")
    one = Path(canbao("run", scenario, "-q", *changes, "--out", tmp_path / "one").stdout.strip())
    stored = one.with_name("scenario.toml")
    other = Path(canbao("run", stored, "-q", "--out", tmp_path / "two").stdout.strip())
    for name in TABLES:
        assert one.with_name(name).read_bytes() == other.with_name(name).read_bytes()
    assert stored.read_text().partition("\n")[2] == other.with_name("scenario.toml").read_text().partition("\n")[2]


def test_the_command_of_the_manifest_repeats_the_run(canbao: Invoke, scenario: Path, tmp_path: Path) -> None:
    """The words of the manifest's command, given to canbao again, run to the same tables."""
    import shlex

    changes = ("--seed", 8, "--set", "question=Does it hold, and why?")
    one = Path(canbao("run", scenario, "-q", *changes, "--out", tmp_path / "one").stdout.strip())
    words = shlex.split(json.loads(one.with_name("manifest.json").read_text())["command"])
    assert words[0] == "canbao"
    other = Path(canbao(*words[1:], "-q", "--out", tmp_path / "two").stdout.strip())
    assert one.with_name(TABLES[1]).read_bytes() == other.with_name(TABLES[1]).read_bytes()


def test_another_seed_gives_other_tables(canbao: Invoke, scenario: Path, tmp_path: Path) -> None:
    """Luck follows from the seed: two seeds have different visits."""
    paths = [Path(canbao("run", scenario, "-q", "--seed", seed, "--out", tmp_path).stdout.strip()) for seed in (1, 2)]
    one, other = (path.with_name(TABLES[1]).read_bytes() for path in paths)
    assert one != other


# --- engines ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "ran", "said"),
    [
        ([], "compiled", "compiled"),
        (["--engine", "simpy"], "simpy", "SimPy"),
        (["--engine", "compiled"], "compiled", "compiled"),
        (["--engine", "both"], "both", "SimPy and compiled, with equal traces, bit for bit"),
    ],
)
def test_the_answer_says_which_engine_ran(
    canbao: Invoke,
    scenario: Path,
    tmp_path: Path,
    answer_of: Callable[[Result], Any],
    arguments: list[str],
    ran: str,
    said: str,
) -> None:
    """One line before the report; for machines what was asked, what ran and why, and whether two were equal."""
    result = canbao("run", scenario, *arguments, "--out", tmp_path)
    assert result.stdout.splitlines()[-2] == f"Engine: {said}"
    told = answer_of(canbao("run", scenario, *arguments, "--json", "--out", tmp_path))
    assert (told["engine"], told["engine_asked"], told["engine_reason"]) == (ran, (arguments or ["", "auto"])[1], "")
    assert told.get("engines_equal") is (True if ran == "both" else None)
    assert told["engine"] == told["manifest"]["engine"]


def test_an_engine_that_was_not_asked_for_is_told_with_its_reason(
    canbao: Invoke, scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where `auto` takes SimPy, the line says which part of the scenario the compiled engine cannot run, and why."""
    reason = "step 'office/own' is a SimPy process of its own (my_plugin.counter)"
    monkeypatch.setattr(CompiledEngine, "supports", lambda *_: reason)
    arguments = ("run", scenario, "--out", tmp_path)
    assert canbao(*arguments).stdout.splitlines()[-2] == f"Engine: SimPy, because {reason}"
    chinese = canbao(*arguments, "--lang", "zh").stdout.splitlines()[-2]
    assert "SimPy" in chinese
    assert "'office/own'" in chinese
    assert "because" not in chinese
    assert "is a" not in chinese


@pytest.mark.parametrize("engine", ["compiled", "both"])
def test_an_engine_that_is_insisted_on_and_cannot_is_wrong_usage(
    canbao: Invoke, scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """Exit code 2, one line with the reason, and nothing is stored."""
    monkeypatch.setattr(CompiledEngine, "supports", lambda *_: "step 'office/own' is odd")
    result = canbao("run", scenario, "--engine", engine, "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Error: engine 'compiled' cannot run this: step 'office/own' is odd\n"
    assert not (tmp_path / "out").exists()


def test_two_engines_that_differ_are_exit_code_1_with_both_stories(
    canbao: Invoke, scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first line says on whom and when; below it are both stories, and nothing is stored."""
    run = CompiledEngine.run

    def early(engine: CompiledEngine, plan: Any, progress: Any = None) -> Any:
        trace = run(engine, plan, progress)
        start = np.array(trace.visits["start"])
        start[20] -= 60.0
        return replace(trace, visits={**trace.visits, "start": start})

    monkeypatch.setattr(CompiledEngine, "run", early)
    result = canbao("run", scenario, "--engine", "both", "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (1, "")
    head, *story = result.stderr.splitlines()
    assert re.match(r"Error: engines simpy and compiled differ on one family; the first is family \d+ at 20\d\d-", head)
    assert ", start: " in head
    assert sum(line.startswith(">") for line in story) == 2
    assert not (tmp_path / "out").exists()


def test_a_run_that_does_not_fit_into_memory_is_exit_code_1_and_one_line(
    canbao: Invoke, scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The estimate, what is available and what to do, before anything is simulated; nothing is stored."""
    monkeypatch.setattr("canbao.runs.memory.available", lambda: 100_000)
    result = canbao("run", scenario, "--engine", "simpy", "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("Error: this needs about ")
    assert "--set population.scale=" in result.stderr
    assert not (tmp_path / "out").exists()


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_bad_file_is_exit_code_2_with_all_faults(canbao: Invoke, scenario: Path, tmp_path: Path) -> None:
    """Faults of a scenario are listed on stderr with file, line and key; nothing is stored."""
    text = scenario.read_text().replace("residents = 300", "residents = -300").replace("slots = 4", 'slots = "4"')
    scenario.write_text(text)
    lines = {
        key: number for number, line in enumerate(text.splitlines(), 1) for key in ("residents", "slots") if key in line
    }
    result = canbao("run", scenario, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert f"{scenario}:{lines['residents']}: population.residents: " in result.stderr
    assert f"{scenario}:{lines['slots']}: channels.portal.slots: " in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.toml"], "nowhere.toml: there is no such file"),
        (["."], "this is a folder, not a file"),
        (["SCENARIO", "--set", "population.scale"], "is not path=value"),
        (["SCENARIO", "--set", "population.skale=1"], "population.skale"),
        (["SCENARIO", "--engine", "warp"], "there is no engine 'warp'; there are: auto, simpy, compiled, both"),
        (["SCENARIO", "--seed", "-1"], "--seed"),
        (["SCENARIO", "--seed", "one"], "--seed"),
    ],
)
def test_wrong_usage_is_exit_code_2(canbao: Invoke, scenario: Path, arguments: list[str], said: str) -> None:
    """Whatever the user wrote wrong is exit code 2 with a message on stderr that names it."""
    result = canbao("run", *[scenario if word == "SCENARIO" else word for word in arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.parametrize("engine", ENGINES)
def test_a_full_disk_is_exit_code_1_and_one_line(
    canbao: Invoke, scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """When the disk is full, one line says so, how much is needed and what to do; nothing is left."""
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.suffix == ".parquet":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    result = canbao("run", scenario, "--engine", engine, "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("Error: no space for the run in ")
    assert "it needs" in result.stderr
    assert not (tmp_path / "out").exists()


def _may_write(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_file_that_the_system_refuses_to_write_leaves_nothing(
    start: Start, scenario: Path, tmp_path: Path, engine: str
) -> None:
    """A real limit of the system, met in the middle of a table, is one clear line, and nothing of the run is left."""
    CompiledEngine().prepare()  # what is compiled is kept in files that the limit would meet first
    process = start("run", scenario, "--engine", engine, "--out", tmp_path / "out", preexec_fn=_may_write(8_000))
    _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.count("\n") == 1
    assert "no space for the run in " in errors
    assert not (tmp_path / "out").exists()


def test_an_unexpected_exception_is_one_line(
    canbao: Invoke, scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug is exit code 1 and one line that says how to see where it is; with CANBAO_DEBUG=1 it shows."""

    def broken(*_: Any) -> NoReturn:
        raise ZeroDivisionError("a bug\nin two lines")

    monkeypatch.setattr("canbao.runs.running.summarise", broken)
    result = canbao("run", scenario, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "ZeroDivisionError: a bug" in result.stderr
    assert "CANBAO_DEBUG=1" in result.stderr
    assert not (tmp_path / "out").exists()


DISGUISED = """
import signal, threading
import canbao.runs.running

def signalled(*_):
    try:
        signal.raise_signal(NUMBER)
    except BaseException as error:
        DISGUISE

canbao.runs.running.summarise = signalled
"""


@pytest.mark.parametrize("disguise", ["raise SystemError('exception set') from error", "threading.Lock().release()"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_behind_an_error_counts(
    start: Start, scenario: Path, tmp_path: Path, disguise: str, number: int, code: int
) -> None:
    """A compiled function tells of a signal with a SystemError, a thread about to start with an error of its lock."""
    before = DISGUISED.replace("NUMBER", str(int(number))).replace("DISGUISE", disguise)
    process = start("run", scenario, "--out", tmp_path / "out", before=before)
    _, errors = process.communicate()
    assert process.returncode == code, errors
    assert ("interrupted" in errors) == (number == signal.SIGINT)
    assert _left(tmp_path) == [scenario.name]


def test_debugging_shows_the_traceback(start: Start, tmp_path: Path) -> None:
    """With CANBAO_DEBUG=1 the traceback of an error is printed before its message, with the same exit code."""
    process = start("run", tmp_path / "nowhere.toml", env={**os.environ, "CANBAO_DEBUG": "1"})
    _, errors = process.communicate()
    assert process.returncode == 2
    assert errors.startswith("Traceback (most recent call last):")
    assert "there is no such file" in errors.splitlines()[-1]


# --- interrupted ------------------------------------------------------------------------------------------------------

TELL = """
from contextlib import contextmanager
import canbao.cli.run

@contextmanager
def telling(show, language):
    yield lambda stage, share: print(stage, share, flush=True)

canbao.cli.run.progress_bar = telling
"""


@pytest.mark.parametrize(("lang", "said"), [("en", "compiling the engine, once"), ("zh", "编译引擎")])
def test_a_terminal_is_told_that_the_engine_is_compiled(monkeypatch: pytest.MonkeyPatch, lang: str, said: str) -> None:
    """Whoever waits for the compiler reads what for, and that it is for once; then the simulation goes on as ever."""
    screen = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(output, "console", lambda **_: screen)
    with output.progress_bar(True, language_named(lang)) as watch:
        assert watch is not None
        watch("compile", 0.0)
        watch("compile", 1.0)
    assert said in screen.file.getvalue()


COLD = """
from pathlib import Path
import canbao.kernel.compiling
canbao.kernel.compiling.cache_folder = lambda: Path("FOLDER")
"""


MOMENTS = ("plan 0.0", "plan 1.0", "simulate 0.0", "simulate 0.", "measure 0.0", "report 0.0")


@pytest.mark.parametrize(
    ("engine", "moment", "number", "code"),
    [
        *((engine, moment, signal.SIGINT, 130) for engine in ENGINES for moment in MOMENTS),
        *((engine, "simulate 0.", signal.SIGTERM, 143) for engine in ENGINES),
    ],
)
def test_an_interrupted_process_leaves_nothing(
    start: Start, scenario: Path, tmp_path: Path, moment: str, engine: str, number: int, code: int
) -> None:
    """Ctrl-C, or an order to end, ends a run at any moment with the right exit code, and nothing of it is left."""
    options = ("--set", "population.scale=10", "--engine", engine, "--out", tmp_path / "out")
    process = start("run", scenario, *options, before=TELL)
    _interrupt(process, moment, number)
    _, errors = process.communicate()
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    assert ("interrupted" in errors) == (number == signal.SIGINT)
    assert _left(tmp_path) == [scenario.name]


def _interrupt(process: subprocess.Popen[str], moment: str, number: int) -> None:
    """Send a signal when the process says that it is at a moment; at the second such line, if there are more."""
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    at = next(line for line in lines if line.startswith(moment))
    if moment == "simulate 0.":
        process.stdout.readline()
    assert at
    process.send_signal(number)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_compiler_that_is_interrupted_leaves_nothing(
    start: Start, scenario: Path, tmp_path: Path, number: int, code: int
) -> None:
    """Ctrl-C while the engine is compiled ends the run at once; what is compiled by then may stay, and is whole."""
    cold = COLD.replace("FOLDER", str(tmp_path / "machine code"))
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "0"}
    process = start("run", scenario, "--out", tmp_path / "out", before=cold + TELL, env=environment)
    _interrupt(process, "compile 0.0", number)
    _, errors = process.communicate()
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    assert "Exception ignored" not in errors
    assert {path.name for path in tmp_path.iterdir()} <= {scenario.name, "machine code"}
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix not in (".toml", ".code")] == []


# --- without tables ---------------------------------------------------------------------------------------------------


def test_without_tables_there_is_an_answer_and_a_report(canbao: Invoke, scenario: Path, tmp_path: Path) -> None:
    """Visits are counted: no table is kept, and the families' part of the summary is that of a run with tables."""
    kept, counted = (
        json.loads(canbao("run", scenario, "--out", tmp_path / name, "--tables", name, "--json").stdout)
        for name in ("all", "none")
    )
    folder = Path(counted["folder"])
    assert not list(folder.glob("*.parquet"))
    assert (folder / "report.html").is_file()
    assert counted["manifest"]["tables"] == {}
    one, other = (json.loads((Path(run["folder"]) / "summary.json").read_text()) for run in (kept, counted))
    assert one["families"] == other["families"]
    assert canbao("report", folder).exit_code == 0
    assert counted["manifest"]["command"].endswith("--tables none")


def test_a_run_without_tables_says_so_when_they_are_wanted(canbao: Invoke, scenario: Path, tmp_path: Path) -> None:
    """An export of visits that were not kept is an error with the remedy."""
    assert canbao("run", scenario, "--out", tmp_path, "--tables", "none").exit_code == 0
    result = canbao("export", tmp_path, "--as", "csv")
    assert result.exit_code == 1
    assert "keeps no tables; run the scenario again without --tables none" in result.stderr


@pytest.mark.parametrize("engine", ["simpy", "both"])
def test_only_the_compiled_engine_counts(canbao: Invoke, scenario: Path, tmp_path: Path, engine: str) -> None:
    """Another engine is refused with the reason, and nothing is left behind."""
    result = canbao("run", scenario, "--out", tmp_path / "out", "--tables", "none", "--engine", engine)
    assert result.exit_code == 2
    assert "visits can be counted by the compiled engine only" in result.stderr
    assert not list((tmp_path / "out").rglob("*.json"))
