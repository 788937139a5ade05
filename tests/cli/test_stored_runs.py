"""`canbao report`, `canbao plugins`, `canbao verify`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from canbao.engines import ENGINES
from canbao.engines.compiled_engine import CompiledEngine
from canbao.engines.simpy_engine import SimpyEngine

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


D_D_1 = ("verify", "--case", "D/D/1", "--jobs", "1")


def test_verify_prints_what_is_known_and_what_came_out_on_both_engines(canbao: Invoke) -> None:
    """A case is printed with its known values, each engine's means, intervals and verdicts; all of D/D/1 holds."""
    result = canbao(*D_D_1)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["case", "quantity", "known", "simpy", "compiled", "interval", "verdict"]
    assert " ".join(lines[2].split()) == "mean time in system exact 0.75 0.75 0.75 0.75 to 0.75 holds"
    assert [line.split()[0] for line in lines[1:3]] == ["D/D/1", "mean"]
    said = "Engines simpy and compiled, seed 0: 1 of 1 cases hold; the engines agree to the last bit."
    assert lines[-1] == said


@pytest.mark.parametrize("engine", ENGINES)
def test_verify_can_check_one_engine(canbao: Invoke, answer_of: AnswerOf, engine: str) -> None:
    """With `--engine` there is one column, and one engine in what is printed for machines."""
    lines = canbao(*D_D_1, "--engine", engine).stdout.splitlines()
    assert lines[0].split() == ["case", "quantity", "known", engine, "interval", "verdict"]
    assert lines[-1] == f"Engine {engine}, seed 0: 1 of 1 cases hold."
    said = answer_of(canbao(*D_D_1, "--engine", engine, "--json"))
    assert (said["engines"], [case["engine"] for case in said["cases"]]) == ([engine], [engine])


def _slow(monkeypatch: pytest.MonkeyPatch, engine: type[Any], by: float) -> None:
    """Let services on an engine take longer."""
    run = engine.run

    def slow(self: Any, plan: Any, progress: Any = None) -> Any:
        trace = run(self, plan, progress)
        enter, leave = (np.asarray(trace.visits[name]) for name in ("enter", "leave"))
        return replace(trace, visits={**trace.visits, "leave": enter + by * (leave - enter)})

    monkeypatch.setattr(engine, "run", slow)


def test_verify_fails_when_a_case_does(canbao: Invoke, monkeypatch: pytest.MonkeyPatch, answer_of: AnswerOf) -> None:
    """Engines that serve twice as long are found out, though they agree: exit code 1, and the case is named."""
    _slow(monkeypatch, SimpyEngine, 2.0)
    _slow(monkeypatch, CompiledEngine, 2.0)
    result = canbao(*D_D_1)
    assert result.exit_code == 1
    assert "DOES NOT HOLD" in result.stdout
    said = "Engines simpy and compiled, seed 0: 0 of 1 cases hold, but not D/D/1; the engines agree to the last bit."
    assert result.stdout.splitlines()[-1] == said
    assert answer_of(canbao(*D_D_1, "--json"))["holds"] is False


@pytest.mark.parametrize("by", [2.0, 1 + 1e-12])
def test_verify_fails_when_engines_differ(
    canbao: Invoke, monkeypatch: pytest.MonkeyPatch, answer_of: AnswerOf, by: float
) -> None:
    """One engine that is wrong is named with the first family on which it is, even where every quantity holds."""
    _slow(monkeypatch, CompiledEngine, by)
    result = canbao(*D_D_1)
    assert result.exit_code == 1
    *lines, differs, last = result.stdout.splitlines()
    assert differs.startswith("D/D/1: engine compiled differs from simpy: family ")
    assert last.endswith("0 of 1 cases hold, but not D/D/1; the engines differ.")
    # What differs has a line for each engine.
    of_times = [line for line in lines if "mean time in system" in line]
    again = lines[lines.index(of_times[0]) + 1].split()
    assert of_times[0].split()[6:8] == ["0.75", "-"]
    assert again[0] == "-"
    assert again[-1] == ("HOLD" if by == 2.0 else "holds")
    said = answer_of(canbao(*D_D_1, "--json"))
    assert said["holds"] is False
    assert [bool(case["differs"]) for case in said["cases"]] == [False, True]


def test_verify_says_which_case_an_engine_cannot_run(canbao: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case that only SimPy can run holds by SimPy alone; the other column is empty, and the reason is told."""
    monkeypatch.setattr(CompiledEngine, "supports", lambda *_: "it is odd")
    result = canbao(*D_D_1)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[2].split()[6:8] == ["0.75", "-"]
    assert "D/D/1: not on engine compiled, because it is odd" in lines
    assert "1 of 1 cases hold" in lines[-1]
    alone = canbao(*D_D_1, "--engine", "compiled").stdout.splitlines()
    assert alone[-1] == "Engine compiled, seed 0: 0 of 0 cases hold."


def test_verify_compiles_before_it_begins(canbao: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that is not ready is prepared once, not by each process that runs cases."""
    told: list[str] = []
    monkeypatch.setattr(CompiledEngine, "ready", lambda *_: bool(told))
    monkeypatch.setattr(CompiledEngine, "prepare", lambda engine: told.append(engine.name))
    assert canbao(*D_D_1).exit_code == 0
    assert told == ["compiled"]


@pytest.mark.parametrize(
    "arguments", [["--case", "nothing"], ["--engine", "warp"], ["--engine", "auto"], ["--jobs", "0"], ["--seed", "x"]]
)
def test_verify_refuses_what_is_not_there(canbao: Invoke, arguments: list[str]) -> None:
    """A case or an engine that does not exist, and numbers that make no sense, are wrong usage."""
    assert canbao("verify", *arguments).exit_code == 2
