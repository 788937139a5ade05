"""A load test says at its end which assumption is off, as far as there is time, and never fails for it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from canbao.cli import program
from canbao.experiments.predicting import hold
from canbao.languages import ENGLISH, language_named
from canbao.plugins import Plugins
from canbao.report.loads.assumptions import fit_said
from canbao.runs import read_run
from canbao.runs.run import SCENARIO
from canbao.scenario.scenario import load_scenario
from canbao_loadtests.calibrating.at_once import effort_for, fit_at_once
from canbao_loadtests.calibrating.calibration import Calibration, Effort, calibrate, calibrate_evidence
from canbao_loadtests.calibrating.evidence import steps_of
from canbao_loadtests.load.folder import LoadFolder
from canbao_loadtests.load.telling import Telling

NO_SIMULATION = {"review": 1, "check": 1, "moves": 1, "chance": 1}


def folder_of(calibration: Calibration, path: Path) -> LoadFolder:
    """Give a copy of a load test as `canbao load` has it at its end."""
    evidence = calibration.evidence
    shutil.copytree(evidence.run.folder, path)
    (path / "calibration.json").unlink(missing_ok=True)
    return LoadFolder(path, evidence.run.manifest, evidence.file, evidence.job)


@pytest.fixture(scope="module")
def fitted(
    calibration: Calibration, plugins: Plugins, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Mapping[str, Any]]:
    """Give the folder of a load test at whose end the assumptions were looked at, and what was found."""
    load = folder_of(calibration, tmp_path_factory.mktemp("fitted") / "load")
    return load.path, fit_at_once(load, calibration.evidence.plan, calibration.evidence.trace, Telling(plugins))


def test_without_time_for_simulations_the_portal_is_fitted_all_the_same(
    calibration: Calibration, plugins: Plugins
) -> None:
    """Slots, request time and shares need none; the review is open for want of time, and what was left out is told."""
    found = calibrate_evidence(calibration.evidence, plugins, effort=Effort(in_all=0.0))
    assert found.simulations == 0
    assert dict.fromkeys(found.left_out, 1) == NO_SIMULATION
    whole = {one.what: replace(one, moves=()) for one in calibration.assumptions}
    mine = {one.what: one for one in found.assumptions}
    assert mine.pop("review time").why == "no time"
    assert mine == {what: one for what, one in whole.items() if what != "review time"}


def test_the_time_it_may_take_grows_with_the_load_test() -> None:
    """Ten minutes may be followed by thirty seconds of it, ten seconds by a few."""
    assert effort_for(600.0) == Effort(in_all=30.0, chance=30.0)
    assert effort_for(10.0).in_all < 5.0


def test_what_is_found_is_kept_where_compare_looks(fitted: tuple[Path, Mapping[str, Any]]) -> None:
    """The summary's part and the file have the same assumptions, and `canbao compare` shows them at once."""
    load, fit = fitted
    kept = json.loads((load / "calibration.json").read_text(encoding="utf-8"))
    assert kept["assumptions"] == json.loads(json.dumps(fit["assumptions"]))
    said = CliRunner().invoke(program, ["compare", str(load), "--lang", "en"])
    assert said.exit_code == 0, said.output
    assert "Off: request time at portal; slots of portal" in said.stdout
    assert "canbao calibrate" not in said.stdout


def test_a_fit_that_fails_is_one_line_and_no_error(calibration: Calibration, plugins: Plugins, tmp_path: Path) -> None:
    """What was measured stands, the reason is in the report and on the screen, and nothing stale is left."""
    load = folder_of(calibration, tmp_path / "load")
    (load.path / "schedule.parquet").write_bytes(b"")
    (load.path / "calibration.json").write_text("{}", encoding="utf-8")
    fit = fit_at_once(load, calibration.evidence.plan, calibration.evidence.trace, Telling(plugins))
    assert fit["assumptions"] is None
    assert not (load.path / "calibration.json").exists()
    summary = json.loads((load.path / "summary.json").read_text(encoding="utf-8"))
    summary["load"]["fit"] = fit
    (load.path / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    said = CliRunner().invoke(program, ["compare", str(load.path), "--lang", "en"])
    assert said.exit_code == 0, said.output
    lines = [line for line in said.stdout.splitlines() if line.startswith("Which assumption is off cannot be told: ")]
    assert len(lines) == 1
    assert fit_said(fit, ENGLISH).startswith(lines[0][:40])


def test_the_sentence_has_what_was_stated_and_what_was_measured(calibration: Calibration) -> None:
    """Each assumption that is off stands there with both numbers and the interval, in both languages."""
    fit = {"assumptions": [one.as_data() for one in calibration.assumptions], "problem": "", "left_out": []}
    said = fit_said(fit, ENGLISH)
    assert said.startswith("Not as the scenario says: request time at portal: stated 0.8 s, measured 0.")
    assert "slots of portal: stated 8, measured " in said
    assert said.endswith("1 could not be identified.")
    assert fit_said(fit, language_named("zh")) != said


def test_too_few_families_are_told_in_one_line(pretend: Callable[..., Any], town: Path, plugins: Plugins) -> None:
    """Where nobody was there to learn from, there is a reason instead of a verdict."""
    made = pretend(town, (), duration_s=1_200.0)
    evidence = calibrate(made.folder, plugins, effort=Effort(in_all=0.0)).evidence
    nobody = replace(evidence, asked=evidence.asked.where(evidence.asked.enter < 0.0))
    fewer = replace(nobody, rounds=evidence.rounds.where(evidence.rounds.submitted < 0.0))
    found = calibrate_evidence(fewer, plugins, effort=Effort(in_all=0.0))
    fit = {"assumptions": [one.as_data() for one in found.assumptions], "problem": "", "left_out": []}
    said = fit_said(fit, ENGLISH)
    assert said.startswith("Which assumption is off cannot be told: too few visits")
    assert "\n" not in said


@pytest.mark.parametrize(("slots", "verdict"), [(3, "within chance"), (5, "off")])
def test_a_simulation_of_another_scenario_is_judged_by_what_it_states(
    fitted: tuple[Path, Mapping[str, Any]], plugins: Plugins, tmp_path: Path, slots: int, verdict: str
) -> None:
    """`canbao compare SIMULATION LOAD_TEST` holds the simulation's own slots against the measured ones."""
    load, _ = fitted
    other = tmp_path / "other"
    shutil.copytree(load / "prediction", other)
    text = (other / SCENARIO).read_text(encoding="utf-8")
    (other / SCENARIO).write_text(text.replace("slots = 8", f"slots = {slots}"), encoding="utf-8")
    assert load_scenario(other / SCENARIO, plugins).scenario.channels["portal"].slots == slots
    held = hold(read_run(other), read_run(load), plugins)
    found = {one["what"]: one for one in held.assumptions or ()}
    assert (found["slots"]["stated"], found["slots"]["verdict"]) == (slots, verdict)
    assert found["request time"]["stated"] == pytest.approx(0.8)


def test_the_manifest_names_the_steps_of_a_target(calibration: Calibration) -> None:
    """A target that a plugin brings has no folder in the run; its steps are in the manifest."""
    run = calibration.evidence.run
    named = replace(run, manifest={**run.manifest, "load": {"steps": ["enrol", "submit"]}})
    assert steps_of(named) == {"enrol", "submit"}
