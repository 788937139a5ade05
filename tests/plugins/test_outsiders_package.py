"""An outsider's distribution, installed from its own pyproject: everything that it registers is there and works."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from canbao.scenario.source import to_toml
from canbao.testing import SMALL

PACKAGE = Path(__file__).parent / "outsider"
ROOT = Path(__file__).parents[2]

Canbao = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def canbao(tmp_path_factory: pytest.TempPathFactory) -> Canbao:
    """Install the package into a folder of its own, and give the command line with that folder on the path."""
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(site), str(PACKAGE)], check=True)

    def run(*arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": path, **more}
        command = [sys.executable, "-m", "canbao", *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def mall(tmp_path: Path) -> Path:
    """Give a scenario that uses the channel, the policy and the demand."""
    changes = {
        "policy": {"kind": "one day", "date": dt.date(2025, 12, 2), "fee": 120.0},
        "demand": {"kind": "at noon"},
        "channels": {"mall": {"kind": "kiosk", "machines": 40}},
        "formalities": {"payment": {"kind": "payment"}},
    }
    path = tmp_path / "mall.toml"
    path.write_text(to_toml({**SMALL, **changes}))
    return path


def test_everything_that_it_registers_is_listed_with_where_it_comes_from(canbao: Canbao) -> None:
    """One line for the plugin: a channel, a policy, a demand, a reporter, a command, and its distribution."""
    (mine,) = [one for one in json.loads(canbao("plugins", "--json").stdout) if one["name"] == "kiosk"]
    assert mine["origin"] == "kiosk-for-canbao 1.2"
    registered = {one["kind"]: [one["name"]] for one in mine["registers"]}
    assert registered == {
        "channels": ["kiosk"],
        "policies": ["one day"],
        "demands": ["at noon"],
        "reporters": ["count"],
        "commands": ["kiosks"],
    }


def test_a_scenario_of_its_own_runs_and_its_reporter_writes(canbao: Canbao, mall: Path, tmp_path: Path) -> None:
    """Families come at noon, use the kiosks, pay its fee, and are counted by its reporter."""
    done = canbao("run", mall, "--out", tmp_path / "runs", "--json")
    assert done.returncode in (0, 3), done.stderr
    (folder,) = (path for path in (tmp_path / "runs" / "mall").iterdir() if path.is_dir())
    summary = json.loads((folder / "summary.json").read_text())
    assert int((folder / "count.txt").read_text()) == summary["families"]["arrived"] > 100
    assert list(summary["families"]["outcomes_by"]["channel"]) == ["mall"]
    assert summary["money"]["fees"]["paid_yuan"] % 120.0 == 0 < summary["money"]["fees"]["paid_yuan"]
    assert all(law["holds"] for law in summary["trust"]["laws"])


def test_its_command_is_a_command(canbao: Canbao) -> None:
    """It stands in the help and runs."""
    assert "kiosks" in canbao("--help").stdout
    assert canbao("kiosks").stdout == "Two for each entrance.\n"


def test_it_can_be_left_out(canbao: Canbao, mall: Path) -> None:
    """Without outsiders' plugins its kinds are unknown, and the fault says which are known."""
    done = canbao("scenario", "check", mall, CANBAO_NO_PLUGINS="1")
    assert done.returncode == 2
    assert "kiosk" in done.stderr
    assert '"office"' in done.stderr


def test_nothing_in_canbao_names_it() -> None:
    """No module of the core or of the built-in plugins knows that it exists."""
    sources = [path for root in ("sim", "plugins") for path in (ROOT / root).rglob("*.py")]
    assert len(sources) > 100
    assert [path for path in sources if "kiosk_for_canbao" in path.read_text(encoding="utf-8")] == []
