"""`canbao report`, `canbao plugins`, `canbao verify`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

Invoke = Callable[..., Result]
AnswerOf = Callable[[Result], Any]


@pytest.fixture
def run(canbao: Invoke, scenario: Path, tmp_path: Path) -> Path:
    """Give the folder of a stored run."""
    return Path(canbao("run", scenario, "-q", "--out", tmp_path / "out").stdout.strip()).parent


def test_a_stored_run_is_rendered_again(canbao: Invoke, run: Path) -> None:
    """`canbao report` writes the report anew from what is stored and prints its path."""
    before = (run / "report.html").read_text()
    (run / "report.html").unlink()
    result = canbao("report", run)
    assert (result.exit_code, result.stdout) == (0, f"{run / 'report.html'}\n")
    assert (run / "report.html").read_text() == before


def test_a_folder_of_runs_stands_for_the_newest(canbao: Invoke, run: Path, answer_of: AnswerOf) -> None:
    """The folder of a scenario, and that of all scenarios, stand for the newest run in it."""
    for folder in (run.parent, run.parent.parent):
        assert answer_of(canbao("report", folder, "--json")) == {"folder": str(run), "report": str(run / "report.html")}


@pytest.mark.parametrize("name", ["", "nowhere", "out", "out/village"])
def test_a_folder_that_is_no_run_is_told(canbao: Invoke, tmp_path: Path, name: str) -> None:
    """A folder without a run is exit code 1 and one line with an example."""
    (tmp_path / "out" / "village").mkdir(parents=True)
    result = canbao("report", tmp_path / name)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "results/city-season/" in result.stderr


def test_a_damaged_run_is_told(canbao: Invoke, run: Path) -> None:
    """A run with a damaged file is exit code 1 and one line that names the file."""
    (run / "summary.json").write_text("{")
    result = canbao("report", run)
    assert result.exit_code == 1
    assert "summary.json is damaged" in result.stderr
    assert result.stderr.count("\n") == 1


def test_plugins_are_listed_with_what_they_register(canbao: Invoke, answer_of: AnswerOf) -> None:
    """The list names each plugin, where it comes from and what it registers; for machines the same."""
    result = canbao("plugins")
    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert lines["plugin"].split() == ["plugin", "from", "registers"]
    assert "canbao 0.1.0" in lines["office"]
    assert "channels: office" in lines["office"]
    assert "choices: preference, queues" in lines["choice"]
    said = {entry["name"]: entry for entry in answer_of(canbao("plugins", "--json"))}
    assert set(said) == set(lines) - {"plugin"}
    assert said["report"]["registers"] == [{"kind": "reporters", "name": "html"}]


def test_verify_prints_what_is_known_and_what_came_out(canbao: Invoke) -> None:
    """A case is printed with its known values, means, intervals and verdicts; all of D/D/1 holds."""
    result = canbao("verify", "--case", "D/D/1", "--jobs", "1")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["case", "quantity", "known", "mean", "interval", "verdict"]
    assert lines[1].split()[0] == "D/D/1"
    assert any(
        "mean time in system" in line and "exact 0.75" in line and line.strip().endswith("holds") for line in lines
    )
    assert lines[-1] == "Engine simpy, seed 0: 1 of 1 cases hold."


def test_verify_fails_when_a_case_does(canbao: Invoke, monkeypatch: pytest.MonkeyPatch, answer_of: AnswerOf) -> None:
    """An engine that serves twice as long is found out: exit code 1, and the case is named."""
    from canbao.engines.simpy_engine import SimpyEngine

    run = SimpyEngine.run

    def slow(engine: SimpyEngine, plan: Any, progress: Any = None) -> Any:
        from dataclasses import replace

        trace = run(engine, plan, progress)
        enter, leave = (np.asarray(trace.visits[name]) for name in ("enter", "leave"))
        return replace(trace, visits={**trace.visits, "leave": enter + 2 * (leave - enter)})

    monkeypatch.setattr(SimpyEngine, "run", slow)
    result = canbao("verify", "--case", "D/D/1", "--jobs", "1")
    assert result.exit_code == 1
    assert "DOES NOT HOLD" in result.stdout
    assert result.stdout.splitlines()[-1] == "Engine simpy, seed 0: 0 of 1 cases hold, but not D/D/1."
    assert answer_of(canbao("verify", "--case", "D/D/1", "--jobs", "1", "--json"))["holds"] is False


@pytest.mark.parametrize("arguments", [["--case", "nothing"], ["--engine", "warp"], ["--jobs", "0"], ["--seed", "x"]])
def test_verify_refuses_what_is_not_there(canbao: Invoke, arguments: list[str]) -> None:
    """A case or an engine that does not exist, and numbers that make no sense, are wrong usage."""
    assert canbao("verify", *arguments).exit_code == 2
