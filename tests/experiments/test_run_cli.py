"""`canbao run` with many replications: what it prints, keeps and gives back."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner, Result

from canbao.cli import program
from canbao.experiments.folder import read_experiment
from canbao.experiments.models import ScenarioModel

Invoke = Callable[..., Result]
Files = Callable[[Path], dict[str, bytes]]

_PATIENCE_S = 120.0
_AS_MANY = ("--executor", "serial", "--engine", "simpy")
_SHORT = ("--engine", "simpy", "--set", "population.residents=60")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, village: Path, tmp_path: Path) -> Invoke:
    """Give a function that calls `canbao run` for the village, in this process."""
    monkeypatch.setenv("CANBAO_NO_PLUGINS", "1")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def invoke(*arguments: object) -> Result:
        words = ["run", village, "--out", tmp_path / "out", *arguments]
        result = CliRunner().invoke(program, [str(word) for word in words])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return invoke


def _folder(tmp_path: Path) -> Path:
    (folder,) = (tmp_path / "out" / "experiments" / "village").iterdir()
    return folder


def test_it_prints_means_with_intervals(run: Invoke, tmp_path: Path) -> None:
    """Three replications give a table of objectives and measures, and a folder that holds all of them."""
    result = run("--replications", 3, "--seed", 4, "--measure", "review.working_days.mean", *_AS_MANY)
    assert result.exit_code == 0, result.output
    assert "A small district · 3 replications · seeds 4 to 6" in result.stdout
    assert "1 of 1 objectives held in every replication." in result.stdout
    assert re.search(r"deadline +3 of 3 +\d+\.?\d* % +\d+\.?\d* % to \d+\.?\d* % +3", result.stdout)
    days = r"[\d.]+ working days"
    assert re.search(rf"review\.working_days\.mean +{days} +{days} to {days} +3", result.stdout)
    folder = _folder(tmp_path)
    assert f"Report: {folder / 'report.html'}" in result.stdout
    assert "3 replications" in (folder / "report.html").read_text()
    assert len(list((folder / "replications").iterdir())) == 3
    answer = read_experiment(folder)["answer"]
    assert (answer["first_seed"], answer["replications"], answer["held"]) == (4, 3, True)


def test_it_prints_json_and_nothing_else(run: Invoke, tmp_path: Path) -> None:
    """For machines there is the answer with every interval, and where everything is."""
    result = run("--replications", 2, "--json", *_AS_MANY)
    said = json.loads(result.stdout)
    assert said["held"] is True
    assert said["folder"] == str(_folder(tmp_path))
    assert Path(said["results"]).is_file()
    first = said["answer"]["measures"][0]
    assert first["measure"] == "objectives.deadline"
    assert first["held"] == {"times": 2, "of": 2}
    assert set(first["interval"]) == {"mean", "half_width", "level", "n"}
    assert said == json.loads(json.dumps(said, allow_nan=False))


def test_a_missed_objective_is_exit_code_3(run: Invoke) -> None:
    """An objective that was missed in any replication is told by the exit code."""
    result = run("--replications", 2, "--set", "objectives.deadline.at_least=0.9999", *_AS_MANY)
    assert result.exit_code == 3
    assert "0 of 1 objectives held in every replication." in result.stdout


def test_it_runs_until_it_is_precise(run: Invoke) -> None:
    """A precision takes as many replications as the rule asks for, or as the budget allows, and says which."""
    enough = run("--precision", "20%", "--json", *_AS_MANY)
    said = json.loads(enough.stdout)["answer"]
    assert said["precision"]["reached"] is True
    assert said["replications"] == 8  # three, and five that confirm them
    spent = run("--precision", "0.0001", "--budget", 4, *_AS_MANY)
    assert "the budget of 4 replications is spent" in spent.stdout
    assert "objectives.deadline is known within" in spent.stdout


def test_a_failed_replication_is_told_and_can_be_repeated(
    run: Invoke, monkeypatch: pytest.MonkeyPatch, village: Path
) -> None:
    """The others go on; the exit code is 1, with the seed, the problem and a command that repeats it alone."""
    replicate = ScenarioModel.replicate

    def sometimes(self: ScenarioModel, seed: int) -> Any:
        if seed == 2:
            raise RuntimeError("a plugin that has a bad day")
        return replicate(self, seed)

    monkeypatch.setattr(ScenarioModel, "replicate", sometimes)
    result = run("--replications", 3, "--set", "channels.portal.slots=3", *_AS_MANY)
    assert result.exit_code == 1
    assert "village, seed 2, failed: RuntimeError: a plugin that has a bad day" in result.stderr
    command = re.search(r"to repeat it alone: (.+)", result.stderr)
    assert command is not None
    words = shlex.split(command[1])
    assert words[:3] == ["canbao", "run", str(village)]
    assert words[-2:] == ["--seed", "2"]
    assert "channels.portal.slots=3" in words
    monkeypatch.undo()
    again = CliRunner().invoke(program, [*words[1:], "--out", str(village.parent / "alone"), "--quiet"])
    assert again.exit_code == 0, again.output
    assert " 2\n" in result.stdout  # two replications are behind each mean


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workers", "2"], "--workers is for many replications; add --replications 20 or --precision 5%"),
        (["--measure", "x"], "--measure is for many replications"),
        (["--replications", "2", "--precision", "5%"], "give one of them"),
        (["--replications", "2", "--budget", "5"], "--budget bounds --precision"),
        (["--replications", "0"], "0 is not in the range"),
        (["--precision", "5"], "no share between 0 and 1; write for example 5% or 0.05"),
        (["--precision", "much"], "no share between 0 and 1"),
        (["--replications", "2", "--executor", "ray"], "no executor 'ray'; there are: serial, local, dask"),
        (["--replications", "2", "--executor", "local", "--scheduler", "tcp://a:1"], "has no scheduler"),
        (["--replications", "2", "--tables", "none"], "--tables"),
    ],
)
def test_options_that_do_not_fit_are_wrong_usage(run: Invoke, tmp_path: Path, arguments: list[str], said: str) -> None:
    """What does not go together is exit code 2 with what to do, and leaves nothing behind."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_misspelt_measure_is_wrong_usage(run: Invoke) -> None:
    """An unknown measure names the nearest ones; what was replicated is kept."""
    result = run("--replications", 2, "--measure", "deadlin", *_AS_MANY)
    assert result.exit_code == 2
    assert "no measure 'deadlin'; the nearest names are: deadline" in result.stderr
    assert "2 replications are kept in" in result.stderr


def test_it_goes_on_where_it_stopped(run: Invoke, tmp_path: Path, files_of: Files) -> None:
    """A resumed experiment repeats nothing, may go further, and needs not be told how far it was to go."""
    run("--replications", 2, *_AS_MANY)
    folder = _folder(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (folder / "replications").iterdir()}
    more = run("--replications", 3, "--resume", folder, *_AS_MANY)
    assert more.exit_code == 0, more.output
    after = {path: path.stat().st_mtime_ns for path in (folder / "replications").iterdir()}
    assert before.items() < after.items()
    assert len(after) == 3
    same = files_of(folder)
    again = run("--resume", folder, *_AS_MANY)
    assert again.exit_code == 0, again.output
    assert "3 replications" in again.stdout
    assert files_of(folder) == same


def test_another_scenario_is_not_resumed(run: Invoke, tmp_path: Path) -> None:
    """With another value or seed it is another question, which the message tells."""
    run("--replications", 1, *_AS_MANY)
    for other, said in (("channels.portal.slots=9", "variants was"), ("seed=5", "settings.first_seed was 1 there")):
        result = run("--replications", 1, "--resume", _folder(tmp_path), "--set", other, *_AS_MANY)
        assert result.exit_code == 1
        assert said in result.stderr


def test_ctrl_c_keeps_what_is_finished(run: Invoke, tmp_path: Path, village: Path, files_of: Files) -> None:
    """After Ctrl-C no worker runs on, finished replications are kept, and the rest follows with --resume."""
    command = [sys.executable, "-m", "canbao", "run", village, *_SHORT]
    command += ["--replications", 200, "--workers", 2, "--out", tmp_path / "out"]
    pipe = subprocess.PIPE
    interrupted = subprocess.Popen([str(word) for word in command], stdout=pipe, stderr=pipe, text=True)

    def kept() -> list[Path]:
        return list((tmp_path / "out").glob("experiments/village/*/replications/[!.]*.json"))

    end = time.monotonic() + _PATIENCE_S
    while len(kept()) < 2:
        assert time.monotonic() < end
        assert interrupted.poll() is None
        time.sleep(0.01)
    workers = psutil.Process(interrupted.pid).children(recursive=True)
    interrupted.send_signal(signal.SIGINT)
    _, said = interrupted.communicate(timeout=_PATIENCE_S)
    assert interrupted.returncode == 130
    assert "Traceback" not in said
    count, folder = len(kept()), _folder(tmp_path)
    assert f"{count} replications are kept in {folder}; to go on, call the same with --resume {folder}" in said
    assert len(workers) == 2
    assert not any(worker.is_running() for worker in workers)
    for more in (("--resume", folder), ("--out", tmp_path / "whole")):
        followed = run(*_SHORT, "--replications", count + 2, "--executor", "serial", *more)
        assert (followed.exit_code, followed.stderr) == (0, "")
    assert files_of(folder) == files_of(next((tmp_path / "whole" / "experiments" / "village").iterdir()))
