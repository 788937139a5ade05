"""What tests of load tests share: a small scenario as a plan, and what processes might have recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canbao.assembly import scenario_plan
from canbao.columns import Coded
from canbao.plan import Plan
from canbao.scenario.scenario import ScenarioFile
from canbao.scenario.source import to_toml
from canbao.testing import SMALL, small_scenario
from canbao_loadtests.driving.parts import Parts
from canbao_loadtests.driving.recorder import HOW
from canbao_loadtests.job import Job

DAY_S = 86_400.0

# One page is 5 ms, so that the portal of the scenario is about as fast as the reference service.
ONLINE: Mapping[str, Any] = {
    "choice": {"kind": "preference", "online_share": 0.9},
    "channels": {
        "office": {"kind": "office", "sites": {"hall": {"staff": 2}}},
        "portal": {
            "kind": "portal",
            "slots": 4,
            "backlog": 20,
            "request": {"kind": "lognormal", "mean": "5 ms", "cv": 0.5},
        },
    },
}


@pytest.fixture(scope="session")
def file() -> ScenarioFile:
    """Give a small scenario."""
    return small_scenario(ONLINE)


@pytest.fixture(scope="session")
def plan(file: ScenarioFile) -> Plan:
    """Give its plan."""
    return scenario_plan(file)


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """Give its file."""
    path = tmp_path / "village.toml"
    path.write_text(to_toml({**SMALL, **ONLINE}), encoding="utf-8")
    return path


def coded(words: Sequence[str], *more: str) -> Coded:
    """Give words as a column, and labels that no row needs have."""
    labels = tuple(dict.fromkeys((*words, *more)))
    return Coded(np.array([labels.index(word) for word in words], dtype=np.int32), labels)


def parts_of(
    requests: Sequence[tuple[str, float, float, int, str]] = (),
    journeys: Sequence[tuple[int, float, float, float]] = (),
    delays: Sequence[float] = (),
    ends: Sequence[Mapping[str, Any]] = ({"reason": "finished"},),
) -> Parts:
    """Make what the processes of a load test recorded.

    Parameters
    ----------
    requests
        Operation, began, ended, status, trouble of each; an operation that begins with `?` is a look.
    journeys
        Family, intended, started, finished of each; nan where it never was.
    delays
        Seconds by which the generator was late.
    ends
        How each process ended.
    """
    operation, began, ended, status, trouble = zip(*requests, strict=True) if requests else ((), (), (), (), ())
    family, *times = zip(*journeys, strict=True) if journeys else ((), (), (), ())
    intended, started, finished = (np.array(values, dtype=np.float64) for values in times)
    how = [
        HOW[4] if np.isnan(start) else HOW[2] if np.isnan(end) else HOW[0]
        for start, end in zip(started, finished, strict=True)
    ]
    return Parts(
        requests={
            "operation": coded([name.removeprefix("?") for name in operation]),
            "began": np.array(began, dtype=np.float64),
            "ended": np.array(ended, dtype=np.float64),
            "status": np.array(status, dtype=np.int16),
            "sent": np.full(len(operation), 100, dtype=np.int64),
            "received": np.full(len(operation), 200, dtype=np.int64),
            "trouble": coded(trouble),
            "polling": np.array([name.startswith("?") for name in operation], dtype=np.bool_),
        },
        journeys={
            "family": np.array(family, dtype=np.int64),
            "moment": intended,
            "intended": intended,
            "started": started,
            "finished": finished,
            "how": coded(how),
        },
        delays={"due": np.zeros(len(delays)), "delay": np.array(delays, dtype=np.float64)},
        ends=tuple(ends),
        walks=(),
    )


def job(**changes: Any) -> Job:
    """Give a job: a day in 100 seconds, which began at 1,000 seconds."""
    usual: dict[str, Any] = {
        "folder": "nowhere",
        "seed": 1,
        "start_s": 0.0,
        "end_s": DAY_S,
        "until_s": 2 * DAY_S,
        "speed": DAY_S / 100.0,
        "target": "a target",
        "origin": 1_000.0,
    }
    return Job(**{**usual, **changes})
