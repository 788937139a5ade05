"""`canbao run`: answer, exit codes, what is stored, what goes wrong."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import Result

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
        (["SCENARIO", "--engine", "warp"], "there is no engine 'warp'; there are: simpy"),
        (["SCENARIO", "--seed", "-1"], "--seed"),
        (["SCENARIO", "--seed", "one"], "--seed"),
    ],
)
def test_wrong_usage_is_exit_code_2(canbao: Invoke, scenario: Path, arguments: list[str], said: str) -> None:
    """Whatever the user wrote wrong is exit code 2 with a message on stderr that names it."""
    result = canbao("run", *[scenario if word == "SCENARIO" else word for word in arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_full_disk_is_exit_code_1_and_one_line(
    canbao: Invoke, scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full, one line says so, how much is needed and what to do; nothing is left."""
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.suffix == ".parquet":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    result = canbao("run", scenario, "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("Error: no space for the run in ")
    assert "it needs" in result.stderr
    assert not (tmp_path / "out").exists()


def _may_write(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_file_that_the_system_refuses_to_write_leaves_nothing(start: Start, scenario: Path, tmp_path: Path) -> None:
    """A real limit of the system, met in the middle of a table, is one clear line, and nothing of the run is left."""
    process = start("run", scenario, "--out", tmp_path / "out", preexec_fn=_may_write(8_000))
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


@pytest.mark.parametrize(
    ("number", "code", "ticks"),
    [*((signal.SIGINT, 130, ticks) for ticks in (1, 2, 5, 40, 103, 104, 106)), (signal.SIGTERM, 143, 40)],
)
def test_an_interrupted_process_leaves_nothing(
    start: Start, scenario: Path, tmp_path: Path, number: int, code: int, ticks: int
) -> None:
    """Ctrl-C, or an order to end, ends a run at any moment with the right exit code, and nothing of it is left."""
    process = start("run", scenario, "--set", "population.scale=10", "--out", tmp_path / "out", before=TELL)
    assert process.stdout is not None
    for _ in range(ticks):
        process.stdout.readline()
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    assert ("interrupted" in errors) == (number == signal.SIGINT)
    assert _left(tmp_path) == [scenario.name]
