"""`canbao sweep`, as somebody types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from canbao.cli import program
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
    objectives = {"deadline": {"kind": "deadline", "at_least": 0.98}}
    village = {**SMALL, "population": {"kind": "city", "residents": 200}, "objectives": objectives}
    (tmp_path / "village.toml").write_text(to_toml(village), encoding="utf-8")

    def invoke(*arguments: object) -> Result:
        result = CliRunner().invoke(program, ["sweep", "village.toml", *(str(argument) for argument in arguments)])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result

    return invoke


def folder_of(result: Result) -> Path:
    """Give the folder that was printed before the report."""
    kept, report = result.stdout.strip().splitlines()[-2:]
    folder = Path(kept.removeprefix("Experiment: "))
    assert report == f"Report: {folder / 'report.html'}"
    return folder


def test_a_grid_is_swept(canbao: Invoke) -> None:
    """How many replications there are is said first; table, Parquet and answer have every point."""
    result = canbao(
        "--vary", "review.first.staff=1..2", "--vary", "choice.online_share=0.2:0.8:2", "--replications", "2",
        "--measure", "deadline", *ONE_PROCESS,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("4 points × 2 seeds = 8 replications, 1 at a time\nThis takes about ")
    assert "review.first.staff  choice.online_share  objectives.deadline" in result.stdout
    folder = folder_of(result)
    frame = pq.read_table(folder / "sweep.parquet").to_pandas()
    assert frame.groupby(["review.first.staff", "choice.online_share"]).size().tolist() == [2] * 4
    answer = json.loads((folder / "experiment.json").read_text())["answer"]
    assert (answer["kind"], answer["design"], len(answer["points"])) == ("sweep", "grid", 4)
    assert len(answer["responses"]) == 2
    assert len(list((folder / "variants").iterdir())) == 4
    kept = pq.read_table(folder / "results.parquet")
    assert set(kept.column("seed").to_pylist()) == {1, 2}


def test_a_latin_hypercube_is_swept(canbao: Invoke) -> None:
    """`--lhs` draws points from ranges and lists; --json prints the answer and nothing else on stdout."""
    result = canbao(
        "--vary", "choice.online_share=0.2:0.8", "--vary", "review.first.staff=1..3", "--lhs", "3",
        "--replications", "1", "--json", *ONE_PROCESS,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)["answer"]
    assert answer["design"] == "latin hypercube"
    assert sorted(point["numbers"]["review.first.staff"] for point in answer["points"]) == [1.0, 2.0, 3.0]
    assert all(0.2 <= point["numbers"]["choice.online_share"] <= 0.8 for point in answer["points"])


def test_inputs_are_ranked(canbao: Invoke) -> None:
    """`--sensitivity` without `--vary` ranks the estimates, says so, and writes the ranking."""
    result = canbao(
        "--sensitivity", "morris", "--samples", "2", "--among", "review.incomplete", "--among", "channels.*.travel",
        "--replications", "1", "--measure", "spent.hours.all.mean", *ONE_PROCESS,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "spent.hours.all.mean hangs most on " in result.stdout
    folder = folder_of(result)
    frame = pq.read_table(folder / "ranking.parquet").to_pandas()
    assert frame["input"][0].endswith(".travel")
    assert "review.incomplete" in set(frame["input"])
    assert set(frame["grade"]) == {"E"}
    answer = json.loads((folder / "experiment.json").read_text())["answer"]
    described = {one["path"]: (one["low"], one["high"]) for one in answer["inputs"]}
    assert described["review.incomplete"] == pytest.approx((0.015, 0.025))


def test_sobol_ranks_what_is_named(canbao: Invoke) -> None:
    """`--vary` names the inputs of a Sobol analysis; indices are printed with their intervals."""
    result = canbao(
        "--sensitivity", "sobol", "--samples", "2", "--vary", "choice.online_share=0.2:0.8", "--replications", "1",
        "--measure", "spent.hours.all.mean", *ONE_PROCESS,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "share of the variance, in all" in result.stdout
    assert "choice.online_share" in result.stdout


def test_a_dry_run_says_how_long_it_takes(canbao: Invoke) -> None:
    """`--dry-run` checks all values and gives number and time of the replications; nothing is stored."""
    result = canbao("--vary", "review.first.staff=1..20", "--replications", "50", "--dry-run", *ONE_PROCESS)
    assert result.exit_code == 0, result.output
    assert "20 points × 50 seeds = 1,000 replications" in result.stderr
    assert "This takes about" in result.stderr
    assert not Path("results").exists()


def test_a_sweep_goes_on_where_it_was(canbao: Invoke) -> None:
    """`--resume` with more replications keeps those that are there; other values are another question."""
    first = canbao("--vary", "review.first.staff=1..2", "--replications", "1", "--quiet", *ONE_PROCESS)
    folder = Path(first.stdout.strip())
    kept = {path: path.stat().st_mtime_ns for path in (folder / "replications").iterdir()}
    again = canbao(
        "--vary", "review.first.staff=1..2", "--replications", "2", "--resume", folder, "--quiet", *ONE_PROCESS
    )
    assert again.exit_code == 0, again.output
    now = {path: path.stat().st_mtime_ns for path in (folder / "replications").iterdir()}
    assert kept.items() <= now.items()
    assert len(now) == 4
    other = canbao("--vary", "review.first.staff=1..3", "--resume", folder, *ONE_PROCESS)
    assert other.exit_code == 1
    assert "answers another question" in other.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing is varied"),
        (["--vary", "review.first.staff=0.5:3:4"], "--vary: review.first.staff"),
        (["--vary", "review.clerks=1..2"], "review.clerks"),
        (["--vary", "choice.online_share=0.2:0.8"], "a grid needs to know at how many values"),
        (["--vary", "choice.online_share=0.2-0.8"], "choice.online_share"),
        (["--vary", "a=1..2", "--samples", "4"], "belong to --sensitivity"),
        (["--vary", "a=1..2", "--sensitivity", "morris", "--lhs", "4"], "leave out --lhs"),
        (["--vary", "a=1..2", "--sensitivity", "morris", "--among", "a"], "leave it out"),
        (["--sensitivity", "morris", "--among", "nothing.*"], "no estimate"),
        (["--sensitivity", "sobol", "--samples", "3", "--vary", "choice.online_share=0.2:0.8"], "power of two"),
        (["--vary", "review.first.staff=1..2", "--vary", "review.first.staff=3..4"], "varied twice"),
    ],
)
def test_wrong_usage_is_told_before_anything_runs(canbao: Invoke, arguments: list[str], said: str) -> None:
    """A value that the scenario does not take, or options that do not go together: exit code 2, nothing stored."""
    result = canbao(*arguments)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert not Path("results").exists()


@pytest.mark.parametrize(("slip", "meant"), [("deadlin", "deadline"), ("spent.hours.all.maen", "spent.hours.all.mean")])
def test_an_unknown_measure_is_told_early(canbao: Invoke, slip: str, meant: str) -> None:
    """A slip in a measure is told before the first replication where it can be known, and else right after it."""
    result = canbao("--vary", "review.first.staff=1..9", "--replications", "5", "--measure", slip, *ONE_PROCESS)
    assert result.exit_code == 2
    assert meant in result.stderr
    kept = list(Path().glob("results/**/replications/*.json"))
    assert len(kept) == (0 if slip == "deadlin" else 1)
