"""`canbao plan`: from a scenario to a rota and a scenario that runs."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from canbao.cli import program
from canbao.experiments import staffing
from canbao.scenario.source import to_toml
from canbao.testing import SMALL

HALL: dict[str, Any] = {
    **SMALL,
    "title": "A hall",
    "horizon": {"start": dt.date(2025, 12, 15), "end": dt.date(2025, 12, 31)},
    "population": {"kind": "city", "residents": 900},
    "policy": {"kind": "collection", "start": dt.date(2025, 12, 15), "deadline": dt.date(2025, 12, 24)},
    "objectives": {"hall-wait": {"kind": "wait", "channel": "office", "share": 0.9, "at_most": "15 min"}},
}
QUICK = ("--levers", "windows", "--periods", "1", "--probability", "0.5", "--seasons", "30")
QUICK += ("--executor", "serial", "--set", "demand.opening_days=2")


@pytest.fixture(autouse=True, scope="module")
def short_curve() -> Iterator[None]:
    """Draw the curve of each plan from 4 seasons, where a user's has 20: how plans are searched knows nothing of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staffing, "Order", partial(staffing.Order, curve=4))
        yield


class Folder:
    """A folder with a scenario, in which canbao is called."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.save(HALL)

    def save(self, data: dict[str, Any]) -> None:
        """Write the scenario."""
        (self.path / "hall.toml").write_text(to_toml(data), encoding="utf-8")

    def canbao(self, *arguments: object) -> Result:
        """Call canbao here."""
        environment = {"CANBAO_NO_PLUGINS": "1", "LC_ALL": "C.UTF-8"}
        with contextlib.chdir(self.path):
            return CliRunner().invoke(program, [str(argument) for argument in arguments], env=environment)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Give a folder with a scenario."""
    return Folder(tmp_path)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Folder, dict[str, Any]]:
    """Give a folder in which a plan was made, and what was printed as JSON."""
    folder = Folder(tmp_path_factory.mktemp("hall"))
    done = folder.canbao("plan", "hall.toml", *QUICK, "--json", "--write", "plans/plan.toml")
    assert done.exit_code == 0, done.output
    return folder, json.loads(done.stdout)


def test_a_plan_is_written_and_runs(planned: tuple[Folder, dict[str, Any]]) -> None:
    """The scenario extends the first one and keeps what `--set` said; it runs and judges the objectives."""
    folder, _ = planned
    text = (folder.path / "plans/plan.toml").read_text(encoding="utf-8")
    assert 'extends = "../hall.toml"' in text
    assert "opening_days = 2" in text
    ran = folder.canbao("run", "plans/plan.toml", "--json", "--seed", "7")
    assert json.loads(ran.stdout)["held"] is not None


def test_a_plan_as_json_is_what_the_folder_keeps(planned: tuple[Folder, dict[str, Any]]) -> None:
    """The JSON is the answer that the experiment keeps."""
    folder, said = planned
    kept = json.loads((folder.path / said["folder"] / "experiment.json").read_text(encoding="utf-8"))
    assert (kept["kind"], kept["finished"], kept["answer"]) == ("plan", True, said["answer"])


def test_a_resumed_plan_says_the_same_for_people(planned: tuple[Folder, dict[str, Any]]) -> None:
    """Resumed, it prints verdict, rota and trade-off from what the folder has."""
    folder, said = planned
    done = folder.canbao("plan", "hall.toml", *QUICK, "--resume", said["folder"], "--write", "plans/plan.toml")
    assert done.exit_code == 0, done.output
    for words in ("This staffing holds", "50 %", "08:30-12:00", "channels.office.sites.hall", "the plan", "as it is"):
        assert words in done.stdout
    assert f"{said['answer']['cost']['yuan']:,.0f} yuan" in done.stdout


def test_another_question_cannot_be_resumed(planned: tuple[Folder, dict[str, Any]]) -> None:
    """A folder that answers another question is refused, and the difference is named."""
    folder, said = planned
    done = folder.canbao("plan", "hall.toml", *QUICK, "--seed", "9", "--resume", said["folder"])
    assert done.exit_code == 1
    assert "seed" in done.stderr


def test_what_no_staffing_holds_is_said(folder: Folder) -> None:
    """Where even the most that may be put in misses, the answer names the objective, and the exit code is 3."""
    impossible = {"deadline": {"kind": "deadline", "title": "All in time", "at_least": 1.0}}
    folder.save({**HALL, "objectives": impossible})
    done = folder.canbao("plan", "hall.toml", *QUICK)
    assert done.exit_code == 3, done.output
    assert "No staffing holds" in done.stdout
    assert "All in time" in done.stdout


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--levers", "windws"), "did you mean 'windows'?"),
        (("--objective", "hall-wai"), "did you mean 'hall-wait'?"),
        (("--max", "windows=many"), "is not a number from 1"),
        (("--seasons", "3"), "3 seasons cannot prove"),
    ],
)
def test_a_wrong_word_is_told_with_what_is_allowed(folder: Folder, wrong: tuple[str, ...], said: str) -> None:
    """A misspelt place or objective, and an order that cannot be met, are refused with the way out."""
    done = folder.canbao("plan", "hall.toml", "--executor", "serial", *wrong)
    assert done.exit_code == 2
    assert said in done.stderr
