"""`canbao target check`: documents, coverage, and one family's way through a deployment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.loadtests.conftest import told_by
from tests.loadtests.targets.conftest import Bench

from canbao_loadtests.flow import FLOW
from canbao_loadtests.targets.command import command

REFERENCE = Path(__file__).parents[3] / "loadtests" / "targets" / "reference"


def check(*arguments: str | Path) -> Result:
    """Call `canbao target check`."""
    return CliRunner().invoke(command, ["check", *map(str, arguments)])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the reference service with its own clerks, at 200 working days a second."""
    data = tmp_path_factory.mktemp("checked")
    options = ["--port", "0", "--data", str(data), "--password-cost", "1", "--working-day", "0.2 s"]
    command_line = [sys.executable, "-m", "canbao", "serve", "--json", *options]
    with subprocess.Popen(command_line, stdout=subprocess.PIPE, text=True, env={**os.environ}) as service:
        yield told_by(service)["url"]
        service.send_signal(signal.SIGINT)
        service.wait()


def test_without_a_host_the_documents_alone_are_checked() -> None:
    """Coverage is shown, and it is said that nothing was sent."""
    result = check(REFERENCE)
    assert result.exit_code == 0, result.output
    assert all(name in result.output for name in FLOW)
    assert "no faults" in result.output
    assert "The documents alone were checked" in result.output


def test_machines_get_json() -> None:
    """With --json there is nothing but JSON: steps, operations, faults."""
    told = json.loads(check(REFERENCE, "--json").output)
    assert [row["step"] for row in told["steps"]] == list(FLOW)
    assert all(row["covered"] for row in told["steps"])
    assert (told["target"], told["faults"], told["walk"]) == ("reference", [], None)


def test_faults_and_missing_steps_are_told(bench: Bench) -> None:
    """A required step that is missing is shown as such, its fault is told, and the exit code is 2."""
    folder = bench.write()
    path = folder / "flow.arazzo.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"workflowId": "submit"', '"workflowId": "handing"'))
    result = check(folder)
    assert result.exit_code == 2
    assert any(line.split()[:3] == ["submit", "family", "MISSING"] for line in result.output.splitlines())
    assert "there is no workflow 'submit'" in result.output
    told = json.loads(check(folder, "--json").output)
    assert [(fault["key"], fault["line"] is not None) for fault in told["faults"]] == [("workflows", True)]


def test_one_family_is_walked_through(url: str) -> None:
    """Every request and answer is there, up to the card, with numbers, passwords and tokens masked."""
    result = check(REFERENCE, "--host", url, "--json", "--wait", "8")
    told = json.loads(result.output)
    steps = [taken["step"] for taken in told["walk"]]
    assert steps[:3] == ["register", "log_in", "enrol"]
    assert steps.count("upload_paper") == 4
    assert {"pay", "submit", "progress", "credential", "order_card", "collect_card", "settle"} <= set(steps)
    assert result.exit_code == 0, [(taken["step"], taken["reason"]) for taken in told["walk"]]
    register = told["walk"][0]["requests"][0]
    sent = json.loads(register["body"])
    assert sent["password"] == "***"
    assert "*" in sent["telephone"]
    everything = json.dumps(told)
    assert "Bearer 1" not in everything
    assert "999999" not in everything


def test_a_walk_can_end_early_and_is_shown_to_people(url: str) -> None:
    """--step ends the walk there; lines show what was sent and what came back."""
    result = check(REFERENCE, "--host", url, "--step", "enrol")
    assert result.exit_code == 0, result.output
    assert "register: done" in result.output
    assert "    > POST /applications\n" in result.output
    assert "    > Authorization: ***\n" in result.output
    assert "    = application: " in result.output
    assert "upload_paper: " not in result.output


def test_what_fails_is_told(url: str, bench: Bench) -> None:
    """A step that fails ends the walk with its answer, and the exit code is 1."""
    result = check(bench.write(), "--host", url)
    assert result.exit_code == 1
    assert "enrol: failed (status 404)" in result.output
    assert "not done: enrol" in result.output
    assert "submit" not in result.output.partition("enrol: failed")[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--host", "http://192.0.2.1"), "is not this machine"),
        (("--host", "nonsense"), "nonsense"),
        (("--host", "http://127.0.0.1:1", "--step", "settle"), "the target has no such step"),
    ],
)
def test_what_may_not_be_walked_is_refused(bench: Bench, arguments: tuple[str, ...], said: str) -> None:
    """Other machines, what is no address, and steps that the target lacks are refused before anything is sent."""
    result = check(bench.write(), *arguments)
    assert isinstance(result.exception, Exception)
    assert said in str(result.exception)


def test_nobody_there_is_told(bench: Bench) -> None:
    """A deployment that does not answer is a failed step."""
    result = check(bench.write(), "--host", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "enrol: failed (refused)" in result.output
