"""Whole load tests against the reference service, which they start by themselves."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from tests.loadtests.load.conftest import ONLINE

from canbao.columns import Coded, numbers_of
from canbao.runs import read_run
from canbao.scenario.source import to_toml
from canbao.testing import SMALL
from canbao_loadtests.clock import LoadClock
from canbao_loadtests.driving.parts import read_parts
from canbao_loadtests.driving.schedule import SCHEDULE, Schedule
from canbao_loadtests.job import JOB, read_job

PATIENCE_S = 120.0
ROUNDED_S = 1e-3
FEW = ("--families", "40", "--set", "load.start=2025-12-15", "--set", "load.end=2025-12-19")
# How late the generator is on a machine that is busy with other tests says nothing here.
QUICK = (
    *("--set", 'load.poll="0.3 s"', "--set", 'load.dispatch_budget="20 s"'),
    *("--set", "load.paper_kb=1", "--set", 'load.drain="4 s"'),
)


@dataclass(frozen=True)
class Done:
    """A call of `canbao load` that is over."""

    code: int
    said: str
    errors: str

    @property
    def data(self) -> Any:
        """What it said as JSON."""
        return json.loads(self.said)


def command(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start `canbao load` in a folder with a scenario in it."""
    scenario = folder / "village.toml"
    if not scenario.exists():
        scenario.write_text(to_toml({**SMALL, **ONLINE}), encoding="utf-8")
    environment = {**os.environ, "CANBAO_NO_PLUGINS": "1", "LC_ALL": "C.UTF-8"}
    return subprocess.Popen(
        [sys.executable, "-m", "canbao", "load", *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def over(process: subprocess.Popen[str]) -> Done:
    """Wait for a call."""
    said, errors = process.communicate(timeout=PATIENCE_S)
    return Done(process.returncode, said, errors)


def until(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds, and give what it says."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def run_folder(folder: Path) -> Path:
    """Give the folder of the only run."""
    (run,) = (folder / "results" / "village").iterdir()
    return run


def in_database(run: Path) -> Counter[str]:
    """Count the applications of the service by where they stand."""
    with sqlite3.connect(run / "service" / "service.sqlite") as database:
        return Counter(dict(database.execute("SELECT status, count(*) FROM applications GROUP BY status").fetchall()))


def assert_decided(ledger: Any, there: Counter[str]) -> None:
    """See that decisions agree; the service may have decided some more after the last look at them."""
    unseen = there["approved"] - ledger["issued"] + there["rejected"] - ledger["rejected"]
    assert ledger["issued"] <= there["approved"]
    assert ledger["rejected"] <= there["rejected"]
    assert unseen <= ledger["in_review"]


def load_process(parent: int) -> psutil.Process | None:
    """Give the load process of a call."""
    children = psutil.Process(parent).children()
    return next((child for child in children if "canbao_loadtests.driving" in child.cmdline()), None)


def begun(folder: Path) -> Path | None:
    """Give the folder of the only run once applications of it are journalled."""
    found = list(folder.glob(f"results/village/*/{JOB}"))
    if not found or read_job(found[0]).origin is None:
        return None
    journal = found[0].with_name("journal.jsonl")
    return found[0].parent if journal.exists() and journal.stat().st_size > 8_000 else None


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """Give the folder of a load test of forty families, and what it said."""
    folder = tmp_path_factory.mktemp("load")
    done = over(command(folder, "village.toml", *FEW, *QUICK, "--duration", "4 s", "--json"))
    return run_folder(folder), done


def test_a_load_test_needs_no_preparation(finished: tuple[Path, Done]) -> None:
    """Without a target and a host it ends with a verdict, and the exit code says that all held."""
    _, done = finished
    assert done.code == 0, done.errors
    assert done.data["valid"] is True
    assert done.data["held"] is True
    assert done.data["load"]["arrivals"]["started"] == 40
    assert done.errors == ""


def test_its_folder_is_that_of_a_run(finished: tuple[Path, Done]) -> None:
    """Manifest, tables and report are as a simulation's, and nothing of it is unfinished."""
    run, _ = finished
    stored = read_run(run)
    assert stored.manifest["engine"] == "load"
    families = stored.trace.families
    assert sorted(numbers_of(families["family"]).tolist()) == sorted(Schedule.load(run / SCHEDULE).families.tolist())
    assert "The load test" in stored.report.read_text(encoding="utf-8")
    assert (run / "target" / "openapi.json").exists()


def test_it_says_which_assumption_is_off(finished: tuple[Path, Done]) -> None:
    """What was fitted is in the answer, in the summary and in the folder; the manifest has the steps of the target."""
    run, done = finished
    fit, kept = done.data["load"]["fit"], json.loads((run / "calibration.json").read_text(encoding="utf-8"))
    assert fit["problem"] == ""
    assert [one["what"] for one in fit["assumptions"]] == [one["what"] for one in kept["assumptions"]]
    assert done.data["answer"]["sentences"]["assumed"]
    assert {"register", "enrol", "submit", "progress"} <= set(read_run(run).manifest["load"]["steps"])


def test_every_application_is_accounted_for(finished: tuple[Path, Done]) -> None:
    """What the ledger says is what the service's database holds, and what the trace tells."""
    run, done = finished
    ledger, there = done.data["load"]["ledger"], in_database(run)
    assert ledger["balanced"]
    assert there["approved"] > 20
    assert_decided(ledger, there)
    assert ledger["submitted"] == sum(there.values()) - there["draft"]
    counted = done.data["load"]["applications"]
    assert counted["submitted"] == ledger["submitted"]
    assert counted["issued"] == ledger["issued"]
    assert done.data["answer"]["doubt"] is None


def test_the_prediction_is_a_run_of_its_own(finished: tuple[Path, Done]) -> None:
    """It has the same families at the same moments, and lies beside the measurement in the summary."""
    run, done = finished
    predicted, measured = read_run(run / "prediction"), read_run(run)
    pairs = [
        dict(zip(numbers_of(one.trace.families["family"]).tolist(), numbers_of(one.trace.families[name]), strict=True))
        for one, name in ((predicted, "arrival"), (measured, "arrival"))
    ]
    assert pairs[0].keys() == pairs[1].keys()
    assert predicted.manifest["prediction_of"] == run.name
    rows = {row["measure"]: row for row in done.data["load"]["comparison"]}
    assert rows["submitted"]["held"], rows
    assert read_run(run.parent).folder == run  # the newest run is the load test, not the run inside it


def test_families_do_what_they_do_in_the_prediction(finished: tuple[Path, Done]) -> None:
    """Who never hands in, and why, is a matter of luck that both have in common: they agree family by family."""
    run, _ = finished
    fates = []
    for folder in (run / "prediction", run):
        families = read_run(folder).trace.families
        outcome = families["outcome"]
        assert isinstance(outcome, Coded)
        words = dict(zip(numbers_of(families["family"]).tolist(), outcome.words(), strict=True))
        fates.append(
            {family: word for family, word in words.items() if word in ("left silently", "gave up", "too late")}
        )
    assert fates[0] == fates[1]


def test_no_secret_and_no_identifier_is_written_down(finished: tuple[Path, Done]) -> None:
    """Neither manifest nor report nor logs hold a citizen number of a family, invented as they are."""
    run, _ = finished
    with sqlite3.connect(run / "service" / "service.sqlite") as database:
        numbers = [number for (number,) in database.execute("SELECT number FROM applications")]
    texts = [path.read_text(encoding="utf-8") for path in (run / "manifest.json", run / "report.html", run / JOB)]
    texts += [path.read_text(encoding="utf-8") for path in (run / "logs").iterdir()]
    assert len(numbers) > 20
    assert not [number for number in numbers for text in texts if number in text]


def test_ctrl_c_writes_the_report(tmp_path: Path) -> None:
    """The load stops, what had happened is stored and told, and the exit code says that it was interrupted."""
    process = command(tmp_path, "village.toml", *FEW, *QUICK, "--duration", "20 s", "--json")
    run = until(lambda: begun(tmp_path))
    process.send_signal(signal.SIGINT)
    done = over(process)
    assert done.code == 130, done.errors
    stored = read_run(run)
    assert stored.summary["load"]["validity"]["stopped"] == "interrupted"
    assert 0 < stored.summary["load"]["arrivals"]["started"] < 40
    assert stored.summary["load"]["ledger"]["balanced"]
    assert stored.report.exists()


@pytest.mark.parametrize("killed", ["the load process", "its parent"])
def test_it_goes_on_after_a_process_was_killed(tmp_path: Path, killed: str) -> None:
    """Killed in the middle, it can be gone on with, and each application is accounted for exactly once."""
    process = command(tmp_path, "village.toml", *FEW, *QUICK, "--duration", "5 s", "--json")
    run = until(lambda: begun(tmp_path))
    child = load_process(process.pid)
    assert child is not None
    victim = child if killed == "the load process" else psutil.Process(process.pid)
    victim.kill()
    first = over(process)
    if killed == "the load process":
        assert first.code == 1
        assert "--resume" in first.errors
    told = over(command(tmp_path, "--resume", str(run), "--json"))
    assert told.code in (0, 4), told.errors  # arrivals that nobody sent make the run another one
    ledger, there = told.data["load"]["ledger"], in_database(run)
    assert ledger["balanced"]
    assert ledger["submitted"] + ledger["unanswered"] == sum(there.values()) - there["draft"]
    assert_decided(ledger, there)
    arrivals = told.data["load"]["arrivals"]
    assert arrivals["intended"] == 40
    assert arrivals["started"] + arrivals["not_injected"] + arrivals["unrecorded"] == 40
    if killed == "the load process":  # it had no time to say anything: what it had written down is what is known
        assert arrivals["missing_s"] == 1.0
        assert "of its requests up to 1 s may be missing" in told.data["answer"]["sentences"]["load"]


def test_the_clock_of_the_service_is_that_of_the_load_test(finished: tuple[Path, Done]) -> None:
    """What was handed in is in the service's database at a moment between the request for it and the answer.

    The trace has the moment just before the request. In order of time each of them lies between the same two of the
    others, whoever handed in which, because that holds of each application.
    """
    run, _ = finished
    job = read_job(run / JOB)
    clock = LoadClock(job.origin, job.start_s, job.speed)
    visits, requests = read_run(run).trace.visits, read_parts(run).requests
    handed_in = requests["operation"].has("submit") & (requests["status"] < 300)
    began, ended = (np.sort(requests[name][handed_in]) for name in ("began", "ended"))
    told = np.sort(clock.real(visits["enter"][visits["station"].has("review.intake")]))
    with sqlite3.connect(run / "service" / "service.sqlite") as database:
        kept = clock.real(np.array(database.execute("SELECT at FROM submissions ORDER BY at").fetchall())[:, 0])
    assert len(told) == len(began) == len(kept) > 20
    assert (told <= began + ROUNDED_S).all()
    assert (began <= kept + ROUNDED_S).all()
    assert (kept <= ended + ROUNDED_S).all()
    assert np.median(began - told) < 1.0
