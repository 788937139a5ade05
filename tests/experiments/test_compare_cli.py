"""`canbao compare`, as somebody types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from canbao.cli import program
from canbao.plugins import load_plugins
from canbao.runs import run_scenario
from canbao.scenario.scenario import load_scenario
from canbao.scenario.source import to_toml
from canbao.testing import SMALL

Invoke = Callable[..., Result]

ONE_PROCESS = ("--executor", "serial")


@pytest.fixture
def canbao(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Invoke:
    """Give a function that calls canbao in this process and in a folder of its own."""
    monkeypatch.setenv("CANBAO_NO_PLUGINS", "1")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.chdir(tmp_path)
    # The report has tests of its own.
    monkeypatch.setattr("canbao.report.experiments.write_experiment_report", lambda *_: None)

    def invoke(*arguments: object) -> Result:
        result = CliRunner().invoke(program, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result

    return invoke


@pytest.fixture
def village(tmp_path: Path) -> Path:
    """Give a scenario of some hundred families, with an objective."""
    path = tmp_path / "village.toml"
    objectives = {"deadline": {"kind": "deadline", "at_least": 0.98}}
    small = {**SMALL, "population": {"kind": "city", "residents": 300}, "objectives": objectives}
    path.write_text(to_toml(small), encoding="utf-8")
    return path


@pytest.fixture
def offline(village: Path) -> Path:
    """Give a variant of it in which nobody goes online."""
    path = village.with_name("offline.toml")
    path.write_text(
        'extends = "village.toml"\ntitle = "Offline"\n[choice]\nkind = "preference"\nonline_share = 0.0\n',
        encoding="utf-8",
    )
    return path


def answer(result: Result) -> Any:
    """Read what was printed as JSON."""
    return json.loads(result.stdout)


def test_two_scenarios_are_compared(canbao: Invoke, village: Path, offline: Path) -> None:
    """The verdict, the differences and who loses are printed; the experiment has all of it, and its variants."""
    result = canbao("compare", village, offline, "--replications", "3", *ONE_PROCESS)
    assert result.exit_code == 0, result.output
    assert "offline against village" in result.stdout
    assert "spent.hours.all.mean" in result.stdout
    assert "residence: rural" in result.stdout
    kept, report = result.stdout.strip().splitlines()[-2:]
    folder = Path(kept.removeprefix("Experiment: "))
    assert report == f"Report: {folder / 'report.html'}"
    stored = json.loads((folder / "experiment.json").read_text())
    assert (stored["kind"], stored["answer"]["kind"], stored["finished"]) == ("compare", "against base", True)
    assert sorted(path.name for path in (folder / "variants").iterdir()) == ["offline", "village"]
    assert len(list((folder / "replications").iterdir())) == 6


def test_one_change_makes_a_variant(canbao: Invoke, village: Path) -> None:
    """`--change` compares a scenario with itself but for one key; `--set` changes both sides; JSON tells all."""
    result = canbao(
        "compare", village, "--change", "review.first.staff=3", "--set", "population.scale=0.5", "--replications", "2",
        "--measure", "deadline", "--json", *ONE_PROCESS,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    found = answer(result)
    assert found["answer"]["base"] == "village"
    assert found["answer"]["others"] == ["review.first.staff=3"]
    assert [row["measure"] for row in found["answer"]["measures"]] == ["objectives.deadline"]
    changed = (Path(found["folder"]) / "variants" / "review.first.staff=3" / "scenario.toml").read_text()
    assert "staff = 3" in changed
    assert "scale = 0.5" in changed


def test_the_best_is_selected(canbao: Invoke, village: Path) -> None:
    """`--best` names the best with its promise, and says how many replications each variant took."""
    result = canbao(
        "compare", village, "--change", "costs.staff_hour_yuan=600.0", "--best", "--measure",
        "money.costs.total_yuan", "--indifference", "1000", *ONE_PROCESS,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("village is best in money.costs.total_yuan after 20 replications")
    assert "costs.staff_hour_yuan=600.0" in result.stdout


def test_files_of_one_name_are_told_apart(canbao: Invoke, village: Path, tmp_path: Path) -> None:
    """Two files of one name are named with their folders; the base is chosen by its name."""
    for name in ("north", "south"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "plan.toml").write_text(village.read_text(), encoding="utf-8")
    result = canbao(
        "compare", "north/plan.toml", "south/plan.toml", "--base", "south plan", "--replications", "2", "--json",
        *ONE_PROCESS,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    found = answer(result)["answer"]
    assert (found["base"], found["others"]) == ("south plan", ["north plan"])
    assert {row["verdict"] for row in found["measures"]} == {"same"}


def test_more_replications_go_on_where_it_was(canbao: Invoke, village: Path, offline: Path) -> None:
    """`--resume` with more replications keeps those that are there; with another seed it is another question."""
    first = answer(canbao("compare", village, offline, "--replications", "2", "--json", *ONE_PROCESS))
    kept = {path: path.stat().st_mtime_ns for path in Path(first["folder"], "replications").iterdir()}
    again = canbao(
        "compare", village, offline, "--replications", "3", "--resume", first["folder"], "--json", *ONE_PROCESS
    )
    assert again.exit_code == 0, again.output
    assert answer(again)["answer"]["seeds"] == [1, 2, 3]
    now = {path: path.stat().st_mtime_ns for path in Path(first["folder"], "replications").iterdir()}
    assert kept.items() <= now.items()
    assert len(now) == 6
    other = canbao("compare", village, offline, "--seed", "9", "--resume", first["folder"], *ONE_PROCESS)
    assert other.exit_code == 1
    assert "first_seed was 1 there and is 9 now" in other.stderr


def test_stored_runs_are_compared_as_they_are(
    canbao: Invoke, village: Path, offline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two folders of runs give differences and no interval, and that is said; nothing new is stored."""
    monkeypatch.setattr("canbao.report.render", lambda *_: "")  # the report takes seconds, and nobody reads it
    plugins = load_plugins()
    folders = [
        run_scenario(load_scenario(path, plugins), plugins, seed=seed, out=tmp_path / "runs").folder
        for path, seed in ((village, 1), (offline, 2))
    ]
    result = canbao("compare", *folders)
    assert result.exit_code == 0, result.output
    assert "One replication each: differences stand here without intervals" in result.stdout
    assert "other families came" in result.stdout
    assert "±" not in result.stdout
    assert not (tmp_path / "results").exists()
    assert answer(canbao("compare", *folders, "--json"))["answer"]["notices"][:2] == ["one replication", "other seeds"]


def test_stored_experiments_are_compared_as_they_are(canbao: Invoke, village: Path, offline: Path) -> None:
    """Two experiments of one variant each are paired by their seeds, and the objectives keep their direction."""
    folders = [
        json.loads(canbao("run", path, "--replications", "3", "--json", *ONE_PROCESS).stdout)["folder"]
        for path in (village, offline)
    ]
    result = canbao("compare", *folders, "--measure", "deadline", "--measure", "spent.hours.all.mean", "--json")
    assert result.exit_code == 0, result.output
    found = answer(result)["answer"]
    assert (found["seeds"], found["kind"], found["others"]) == ([1, 2, 3], "stored", ["offline"])
    assert [row["better"] for row in found["measures"]] == ["higher", "lower"]
    direct = canbao(
        "compare", village, offline, "--replications", "3", "--measure", "spent.hours.all.mean", "--json", *ONE_PROCESS
    )
    assert answer(direct)["answer"]["measures"][0]["difference"] == found["measures"][1]["difference"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["village.toml"], "two scenarios"),
        (["village.toml", "."], "scenarios with scenarios"),
        ([".", ".", "--best"], "as it is"),
        (["village.toml", "--change", "seed=2", "--best"], "one --measure"),
        (["village.toml", "--change", "seed=2", "--indifference", "1"], "belong to --best"),
        (["village.toml", "--change", "review.clerks=2"], "review.clerks"),
        (["village.toml", "missing.toml"], "missing.toml"),
        (["village.toml", "--change", "seed=2", "--base", "city"], "no variant 'city'"),
    ],
)
def test_wrong_usage_is_told(canbao: Invoke, village: Path, arguments: list[str], said: str) -> None:
    """What does not go together, or is not there, is exit code 2 and nothing is stored."""
    result = canbao("compare", *arguments)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert not Path("results").exists()


def test_an_unknown_objective_is_told_before_anything_is_simulated(
    canbao: Invoke, village: Path, offline: Path
) -> None:
    """A slip in the name of an objective is exit code 2 and names what was meant; there is no folder yet."""
    result = canbao("compare", village, offline, "--replications", "2", "--measure", "deadlin", "--quiet", *ONE_PROCESS)
    assert result.exit_code == 2
    assert "deadline" in result.stderr
    assert not Path("results").exists()


def test_an_unknown_measure_is_told_after_the_first_replication(canbao: Invoke, village: Path, offline: Path) -> None:
    """A slip in another measure is told as soon as one replication of each variant shows what there is."""
    slip = ("--measure", "spent.hours.all.maen")
    result = canbao("compare", village, offline, "--replications", "5", *slip, "--quiet", *ONE_PROCESS)
    assert result.exit_code == 2
    assert "spent.hours.all.mean" in result.stderr
    assert "2 replications are kept" in result.stderr


def test_a_count_that_the_first_season_has_not_is_no_slip(canbao: Invoke, village: Path, offline: Path) -> None:
    """How many families end in a rare way is left out where nobody did, so its name is not refused early."""
    outcome = "families.outcomes.never heard of"
    result = canbao("compare", village, offline, "--replications", "2", "--measure", outcome, *ONE_PROCESS)
    assert result.exit_code == 2
    assert "4 replications are kept" in result.stderr


def test_chinese_is_spoken(canbao: Invoke, village: Path, offline: Path) -> None:
    """`--lang zh` is taken; numbers and marks are there in any language."""
    result = canbao("compare", village, offline, "--replications", "2", "--lang", "zh", *ONE_PROCESS)
    assert result.exit_code == 0, result.output
    assert "objectives.deadline" in result.stdout
