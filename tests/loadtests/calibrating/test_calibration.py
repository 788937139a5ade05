"""A load test puts the scenario right: with what it says, the simulation predicts another load level."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from canbao.cli import program
from canbao.experiments.predicting import hold
from canbao.plugins import Plugins
from canbao.runs import Run, read_run
from canbao.scenario.scenario import load_scenario
from canbao_loadtests.calibrating.calibration import Calibration, Effort, calibrate, keep
from canbao_loadtests.calibrating.command import command


def test_each_assumption_that_is_wrong_is_named_and_none_that_is_right(calibration: Calibration) -> None:
    """Slots, request time, review time and the share that does not match are off; their intervals hold the truth."""
    found = {one.what: one for one in calibration.assumptions}
    off = {what for what, one in found.items() if one.verdict == "off"}
    assert off == {"request time", "slots", "review time", "mismatch"}
    known = {"request time": 0.5, "slots": 3.0, "review time": 3.0, "mismatch": 0.12}
    for what, value in known.items():
        assert found[what].low <= value <= found[what].high, what
    assert found["review time"].grade == "E"
    assert found["arrivals"].verdict == "within chance"
    assert calibration.check.fits


def test_it_says_what_would_move_if_an_assumption_were_put_right(calibration: Calibration) -> None:
    """Fewer slots make stays at the portal longer; a stricter review returns more; what is right moves nothing."""
    moves = {one.what: {move.measure: move.by for move in one.moves} for one in calibration.assumptions}
    assert moves["slots"]["stays.stations.portal.mean"] > 0.5
    assert moves["request time"]["stays.stations.portal.mean"] < -0.1
    assert moves["review time"]["families.enrolled"] < 0
    assert not moves["duplicate"]
    assert not moves["arrivals"]


def test_what_cannot_be_known_is_said_with_the_reason(calibration: Calibration) -> None:
    """Nobody was turned away, so how many may wait is known to one side only, and stays as it was stated."""
    backlog = next(one for one in calibration.assumptions if one.what == "backlog")
    assert (backlog.verdict, backlog.why, backlog.overrides) == ("not identified", "never refused", ())
    assert "channels.portal.backlog: nobody was turned away" in calibration.fragment(Path("x.toml").absolute())


@pytest.mark.parametrize("duration_s", [900.0, 2_400.0])
def test_the_fragment_predicts_another_load_level(
    calibration: Calibration,
    pretend: Callable[..., Any],
    truth: tuple[str, ...],
    town: Path,
    tmp_path: Path,
    duration_s: float,
) -> None:
    """At a third more load, and at half of it, the calibrated simulation is nearer the truth than the stated one."""
    path = tmp_path / "calibrated.toml"
    path.write_text(calibration.fragment(path), encoding="utf-8")
    real = pretend(town, truth, duration_s=duration_s, luck=7)
    stated = read_run(real.folder / "prediction")
    fitted = pretend(path, (), duration_s=duration_s, luck=0)
    runs = [read_run(folder) for folder in (real.folder, stated.folder, fitted.folder)]
    stays = [hold_of(run) for run in runs]
    for name, near in (("stays.stations.portal.mean", 0.35), ("stays.stations.portal.p95", 0.35), ("enrolled", 0.2)):
        there, before, after = (each[name] for each in stays)
        assert after == pytest.approx(there, rel=near), name
        assert abs(after - there) < abs(before - there), name


def hold_of(run: Run) -> dict[str, float]:
    """Give what is looked at of a run."""
    from canbao.experiments.predicting import all_measures

    found = all_measures(run.summary, run.trace)
    return {**found, "enrolled": found["families.enrolled"]}


def test_the_fragment_is_a_scenario_with_grades(calibration: Calibration, tmp_path: Path, plugins: Plugins) -> None:
    """`canbao run` takes it, wherever it lies, and every fitted value has the grade V."""
    path = tmp_path / "below" / "measured.toml"
    path.parent.mkdir()
    path.write_text(calibration.fragment(path), encoding="utf-8")
    file = load_scenario(path, plugins)
    assert file.scenario.channels["portal"].slots == 3
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    fitted = [line for line in path.read_text(encoding="utf-8").splitlines() if " = " in line and "extends" not in line]
    assert fitted
    assert all("# V: load test 20261122-110000-seed1" in line for line in fitted)
    assert file.grades()["review.mismatch"] == "V"
    assert set(values["review"]) >= {"first", "mismatch"}
    few = ("--set", "population.residents=300", "--out", str(tmp_path), "-q")
    result = CliRunner().invoke(program, ["run", str(path), *few])
    assert result.exit_code in (0, 3), result.output


def test_a_scenario_that_is_right_is_let_be(pretend: Callable[..., Any], town: Path, plugins: Plugins) -> None:
    """Against a deployment that is what the scenario says, the prediction holds and no assumption is off."""
    made = pretend(town, (), duration_s=1_200.0, luck=5)
    found = calibrate(made.folder, plugins)
    keep(found)
    held = hold(read_run(made.folder / "prediction"), read_run(made.folder), plugins)
    assert held.simulations == 20
    assert [row.measure for row in held.rows if row.verdict == "off"] == []
    assert [one.what for one in found.assumptions if one.verdict == "off"] == []


def test_a_deployment_that_turns_away_is_fitted_too(pretend: Callable[..., Any], town: Path, plugins: Plugins) -> None:
    """Where nobody may wait, the slots are what is inside when one is turned away."""
    made = pretend(town, ("channels.portal.slots=2", "channels.portal.backlog=0"), duration_s=900.0)
    found = {one.what: one for one in calibrate(made.folder, plugins, effort=Effort(chance=0.0)).assumptions}
    assert (found["slots"].verdict, found["slots"].overrides) == ("off", ("channels.portal.slots=2",))
    assert (found["backlog"].verdict, found["backlog"].overrides) == ("off", ("channels.portal.backlog=0",))


def test_the_command_writes_and_prints(
    other_truth: Any, calibration: Calibration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It prints what is off, and writes the scenario and what `canbao compare` reads."""
    # What takes long was done before, and has tests of its own.
    monkeypatch.setattr("canbao_loadtests.calibrating.calibration.calibrate", lambda *_, **__: calibration)
    out = tmp_path / "measured.toml"
    result = CliRunner().invoke(command, [str(other_truth.folder), "--out", str(out), "--lang", "en"])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Off: request time at portal; slots of portal; ")
    assert f"Scenario: {out}" in result.stdout
    assert out.is_file()
    kept = json.loads((other_truth.folder / "calibration.json").read_text(encoding="utf-8"))
    assert {one["what"] for one in kept["assumptions"]} >= {"slots", "request time", "review time", "mismatch"}
    compared = CliRunner().invoke(program, ["compare", str(other_truth.folder), "--lang", "en"])
    assert compared.exit_code == 0, compared.output
    assert "slots of portal" in compared.stdout
    assert "put right, it moves the prediction of" in compared.stdout


def test_a_simulation_is_no_load_test(other_truth: Any) -> None:
    """Whoever names a simulation is told so."""
    result = CliRunner().invoke(command, [str(other_truth.folder / "prediction")])
    assert result.exit_code != 0
    assert "only a load test says something of a deployment" in str(result.exception)
