"""`canbao compare` with a load test: the prediction beside the measurement, and when the two have nothing to say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from canbao.cli import program
from canbao.experiments.predicting import Held, hold, prediction_of
from canbao.plugins import Plugins
from canbao.runs import read_run


def compare(*arguments: object) -> Result:
    """Call the command in this process."""
    return CliRunner().invoke(program, ["compare", *map(str, arguments), "--lang", "en"])


@pytest.fixture(scope="module")
def plain(pretend: Callable[..., Any], truth: tuple[str, ...], town: Path) -> Any:
    """Give a load test of another deployment, of whose assumptions nobody asked yet."""
    return pretend(town, truth, duration_s=1_000.0)


@pytest.fixture(scope="module")
def held(plain: Any, plugins: Plugins) -> Held:
    """Give the prediction held against this load test."""
    return hold(read_run(plain.folder / "prediction"), read_run(plain.folder), plugins)


def test_a_load_test_alone_is_held_against_its_own_prediction(plain: Any, held: Held) -> None:
    """One folder is enough; naming the prediction as well, in whatever order, says the same."""
    said = compare(plain.folder, "--json")
    assert said.exit_code == 0, said.output
    answer = json.loads(said.stdout)["answer"]
    assert (answer["kind"], answer["comparable"], answer["blocks"]) == ("prediction", True, 20)
    assert answer == json.loads(json.dumps(held.as_data()))
    two = plain.folder / "prediction", plain.folder
    for folders in (two, two[::-1], two[1:]):
        assert tuple(run.folder for run in prediction_of(folders)) == two


def test_what_differs_by_more_than_chance_is_off(held: Held) -> None:
    """Times at the portal are off, in the right direction, and their intervals leave out 0."""
    row = held.of("stays.stations.portal.mean")
    assert row.verdict == "off"
    assert row.difference.mean == pytest.approx(row.measured.mean - row.predicted)
    assert row.difference.low > 0
    assert held.assumptions is None


def test_equal_runs_differ_in_nothing(plain: Any, plugins: Plugins, tmp_path: Path) -> None:
    """A prediction held against itself, stored as a load test, is the same in every measure."""
    folder = tmp_path / "same"
    shutil.copytree(plain.folder / "prediction", folder)
    shutil.copytree(plain.folder / "prediction", folder / "prediction")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**manifest, "engine": "load"}), encoding="utf-8")
    held = hold(read_run(folder / "prediction"), read_run(folder), plugins)
    assert {row.verdict for row in held.rows} == {"same"}


def test_a_report_is_written_beside_it(plain: Any) -> None:
    """The page has the headline, the table and the method; its path is printed."""
    said = compare(plain.folder)
    assert said.stdout.strip().endswith(f"Report: {plain.folder / 'compared.html'}")
    assert "says which assumption is off" in said.stdout
    page = (plain.folder / "compared.html").read_text(encoding="utf-8")
    assert "Prediction and measurement" in page
    assert "jackknife" in page
    assert compare(plain.folder, "--quiet").stdout.strip() == str(plain.folder / "compared.html")


def test_chosen_measures_are_shown_alone(plain: Any) -> None:
    """A slip in a name is told with the nearest ones."""
    said = json.loads(compare(plain.folder, "--measure", "review.within.1", "--json").stdout)
    assert [row["measure"] for row in said["answer"]["measures"]] == ["review.within.1"]
    slip = CliRunner().invoke(program, ["compare", str(plain.folder), "--measure", "review.working_days.maen"])
    assert slip.exit_code == 2
    assert "review.working_days.mean" in slip.stderr


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        (("--seed", "2"), {"seed", "families"}),
        (("--set", "review.first.staff=4"), {"scenario", "families"}),
        ((), {"families"}),
    ],
)
def test_a_simulation_of_something_else_is_refused_with_reasons(
    plain: Any, town: Path, tmp_path: Path, changes: tuple[str, ...], what: set[str]
) -> None:
    """A whole season, another seed or scenario: numbers stand there, no verdict, and each reason."""
    ran = CliRunner().invoke(program, ["run", str(town), *changes, "--out", str(tmp_path), "-q"])
    season = Path(ran.stdout.strip()).parent
    said = compare(season, plain.folder, "--json")
    assert said.exit_code == 0, said.output
    answer = json.loads(said.stdout)["answer"]
    assert not answer["comparable"]
    assert {one["what"] for one in answer["obstacles"]} == what | {"end", "clock"}
    assert {row["verdict"] for row in answer["measures"]} <= {"unknown"}
    text = compare(season, plain.folder).stdout
    assert text.startswith("These two runs cannot be held against each other")
    assert "other families came" in text


def test_a_generator_that_fell_behind_says_nothing(plain: Any, tmp_path: Path, plugins: Plugins) -> None:
    """An invalid load test is held against nothing."""
    folder = tmp_path / "invalid"
    shutil.copytree(plain.folder, folder)
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    summary["load"]["validity"] = {"valid": False, "reasons": [{"kind": "late", "p99_s": 1.0, "budget_s": 0.05}]}
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    held = hold(read_run(folder / "prediction"), read_run(folder), plugins)
    assert [(one.what, one.measured) for one in held.obstacles] == [("generator", "late")]


def test_a_load_test_that_ended_early_needs_a_prediction_of_its_own(
    plain: Any, tmp_path: Path, plugins: Plugins
) -> None:
    """Its prediction goes on after it; only what was simulated again for its very end can be held against it."""
    folder = tmp_path / "early"
    shutil.copytree(plain.folder, folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    early = {**manifest, "until_s": manifest["until_s"] - 40_000.0}
    (folder / "manifest.json").write_text(json.dumps(early), encoding="utf-8")
    runs = read_run(folder / "prediction"), read_run(folder)
    assert [one.what for one in hold(*runs, plugins).obstacles] == ["end"]
    drawn = {"families.enrolled": [100.0 + number for number in range(20)]}
    kept = {"assumptions": [], "chance": drawn}
    (folder / "calibration.json").write_text(json.dumps(kept), encoding="utf-8")
    held = hold(*runs, plugins, measures=["families.enrolled"])
    assert not held.obstacles
    assert held.of("families.enrolled").predicted == 109.5


def test_a_load_test_without_a_prediction_asks_for_one(plain: Any, tmp_path: Path) -> None:
    """Whoever threw the prediction away is told what to name."""
    folder = tmp_path / "alone"
    shutil.copytree(plain.folder, folder)
    shutil.rmtree(folder / "prediction")
    said = compare(folder)
    assert said.exit_code != 0
    assert "keeps no prediction" in said.output


def test_two_load_tests_are_compared_like_any_runs(plain: Any, other_truth: Any) -> None:
    """Neither predicts the other; so they stand side by side, without intervals."""
    said = compare(plain.folder, other_truth.folder, "--measure", "families.enrolled", "--json")
    assert said.exit_code in (0, 2), said.output


def test_base_makes_no_sense(plain: Any) -> None:
    """There is one thing that the load test is held against."""
    assert compare(plain.folder, "--base", "x").exit_code == 2
