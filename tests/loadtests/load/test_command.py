"""`canbao load`: what it refuses before anything is sent, and how."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from tests.loadtests.load.conftest import ONLINE, job

from canbao.cli import program
from canbao.errors import ScenarioError, StorageError
from canbao.runs import run_scenario
from canbao.scenario.scenario import ScenarioFile
from canbao.testing import small_scenario
from canbao_loadtests.job import Job, read_job
from canbao_loadtests.load.command import exit_code
from canbao_loadtests.load.ordering import reference_target


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Give what calls `canbao load` in this process, in a folder of its own."""
    monkeypatch.setenv("CANBAO_NO_PLUGINS", "1")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> Result:
        return CliRunner().invoke(program, ["load", *words], standalone_mode=False)

    return call


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name a scenario, such as scenarios/deadline-rush.toml, or a run with --resume"),
        (["village.toml", "--rate", "3", "--duration", "1 min"], "--duration and --rate exclude each other"),
        (["--resume", "x", "--families", "3"], "leave out families"),
        (["--resume", "x", "--set", "seed=3"], "leave out --set"),
        (["village.toml", "--duration", "5"], "--duration '5' has no unit"),
        (["village.toml", "--duration", "0 s"], "--duration must be longer than 0"),
        (["village.toml", "--target", "nowhere"], "there is no such folder and no plugin's target"),
        (["village.toml", "--host", "127.0.0.1:80"], "is no URL; write it as http://127.0.0.1:8000"),
        (["village.toml", "--host", "http://192.0.2.1"], "--allow-host 192.0.2.1 --max-rate 10"),
        (["village.toml", "--host", "http://192.0.2.1", "--allow-host", "192.0.2.1"], "but without a limit"),
        (["village.toml", "--host", "http://192.0.2.1", "--allow-host", "http://x"], "is no host name"),
        (["village.toml", "--set", "load.channels=['office']"], "which is not online"),
        (["village.toml", "--set", "load.when_full='wait'"], '"queue" or "drop"'),
        (["village.toml", "--set", "load.start=2024-01-01"], "outside the horizon"),
    ],
)
def test_what_does_not_fit_is_told_with_a_remedy(load: Any, scenario: Path, words: list[str], said: str) -> None:
    """Nothing is sent and nothing stored, and the exit code says that the call was wrong."""
    done = load(*words)
    assert done.return_value == 2 or done.exit_code == 2
    assert said in done.output, done.output
    assert not list(scenario.parent.glob("results/*/*"))


def test_only_a_load_test_can_be_resumed(load: Any, file: ScenarioFile, tmp_path: Path) -> None:
    """Other folders, and simulations, are told what they are."""
    from canbao.plugins import load_plugins

    assert "is not the folder of a load test" in load("--resume", str(tmp_path)).output
    run = run_scenario(file, load_plugins(), out=tmp_path / "simulated")
    assert "is a simulation, which cannot be resumed" in load("--resume", str(run.folder)).output


def test_the_reference_target_is_found_from_everywhere() -> None:
    """The documents of the reference service come with canbao."""
    assert (reference_target() / "openapi.json").exists()


@pytest.mark.parametrize(
    ("stopped", "valid", "held", "code"),
    [
        (None, True, [True, None], 0),
        (None, True, [True, False], 3),
        (None, False, [False], 4),
        ("error budget", False, [True], 4),
        ("interrupted", True, [False], 130),
        ("terminated", False, [True], 130),
        ("finished", True, [], 0),
    ],
)
def test_the_exit_code_says_how_it_ended(stopped: str | None, valid: bool, held: list[bool | None], code: int) -> None:
    """An interrupt first, then a run that says nothing, then a missed objective."""
    summary = {
        "objectives": [{"held": one} for one in held],
        "load": {"validity": {"valid": valid, "stopped": stopped}},
    }
    assert exit_code(summary) == code


@given(
    st.builds(
        job,
        folder=st.text(),
        host=st.text(),
        origin=st.one_of(st.none(), st.floats(0, 2e9)),
        channels=st.lists(st.text()).map(tuple),
        allow_hosts=st.lists(st.text()).map(tuple),
        resume=st.booleans(),
        until_s=st.floats(0, 1e9),
    )
)
def test_a_job_survives_its_file(given_job: Job) -> None:
    """What is written is read again, whatever the texts hold."""
    assert Job.from_json(given_job.to_json()) == given_job


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"folder": 1, "unknown": 2}', "null"])
def test_a_damaged_job_is_told(tmp_path: Path, text: str) -> None:
    """The message names the file and what to do."""
    path = tmp_path / "job.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StorageError, match=r"job\.json is damaged.*begin the load test anew"):
        read_job(path)
    with pytest.raises(StorageError, match="cannot be read"):
        read_job(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("load_table", "said"),
    [
        ({"channels": ["portel"]}, "did you mean 'portal'?"),
        ({"duration": "0 s"}, "is zero"),
        ({"limit": 0}, "too small"),
        ({"error_budget": 1.5}, "is not between 0 and 1"),
        ({"paper_kb": 100_000.0}, "too large"),
        ({"paper_kb": 0.5}, "too small"),
    ],
)
def test_faults_of_the_load_table_are_those_of_a_scenario(load_table: dict[str, Any], said: str) -> None:
    """They are found when the scenario is read, with key and remedy."""
    with pytest.raises(ScenarioError) as caught:
        small_scenario({**ONLINE, "load": load_table})
    assert said in str(caught.value)
    assert "load." in str(caught.value)


def test_a_simulation_does_not_look_at_the_load_table(file: ScenarioFile, tmp_path: Path) -> None:
    """Two scenarios that differ in it alone have the same summary."""
    from canbao.plugins import load_plugins

    other = small_scenario({**ONLINE, "load": {"families": 3, "duration": "1 s"}})
    summaries = [run_scenario(one, load_plugins(), out=tmp_path, engine="simpy").summary for one in (file, other)]
    assert json.dumps(summaries[0]) == json.dumps(summaries[1])
