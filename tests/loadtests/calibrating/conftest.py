"""A deployment whose truth is known: the simulation itself, with other values than the scenario states and other luck.

Its families do what those of a load test do; what they meet is stored as `canbao load` stores it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from canbao.assembly import scenario_plan
from canbao.engines.choosing import AUTO, choose_engine
from canbao.plugins import Plugins, load_plugins
from canbao.runs.run import MANIFEST, SCENARIO, SUMMARY
from canbao.runs.storing import pack_tables
from canbao.scenario.resolved import resolved_text
from canbao.scenario.scenario import load_scenario
from canbao.scenario.source import to_toml
from canbao.testing import SMALL
from canbao.trace import Trace
from canbao_loadtests.calibrating.calibration import Calibration, calibrate
from canbao_loadtests.calibrating.chance import with_other_luck
from canbao_loadtests.driving.schedule import SCHEDULE, Schedule
from canbao_loadtests.flow import FLOW
from canbao_loadtests.job import JOB, Job
from canbao_loadtests.load.choosing import Wishes, choose
from canbao_loadtests.load.measures.summarising import summarise_prediction
from canbao_loadtests.load.prediction import in_real_seconds, predicted_plan, target_stations

TRUTH = (
    "channels.portal.slots=3",
    'channels.portal.request={kind="lognormal",mean="0.5 s",cv=1.1}',
    *(f'review.{desk}.service={{kind="lognormal",mean="12 min",cv=0.6}}' for desk in ("acceptance", "first", "second")),
    "review.mismatch=0.12",
)
"""What the deployment is, where the scenario says 8 slots, 0.8 s, 4 min at a desk and 3 %."""

OTHER_LUCK = 99
"""What a deployment draws by itself is not what the plan of a scenario has."""


@dataclass(frozen=True)
class Pretended:
    """A load test that was made up, and what was stored of it."""

    folder: Path
    trace: Trace


Pretend = Callable[..., Pretended]


@pytest.fixture(scope="session")
def plugins() -> Plugins:
    """Give the plugins that come with canbao."""
    return load_plugins(None)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a scenario in which everybody goes to the portal."""
    request = {"kind": "lognormal", "mean": "0.8 s", "cv": 0.8}
    small = {
        **SMALL,
        "population": {"kind": "city", "residents": 9_000},
        "choice": {"kind": "preference", "online_share": 1.0},
        "channels": {"portal": {"kind": "portal", "slots": 8, "backlog": 500, "request": request}},
        "review": {name: {"staff": 3} for name in ("acceptance", "first", "second")},
    }
    path = tmp_path_factory.mktemp("town") / "town.toml"
    path.write_text(to_toml(small), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def pretend(plugins: Plugins, tmp_path_factory: pytest.TempPathFactory) -> Pretend:
    """Give a function that makes up a load test of a scenario against a deployment with other values."""

    def made(
        scenario: Path, truth: Sequence[str] = (), *, duration_s: float, drain_s: float = 60.0, luck: int = OTHER_LUCK
    ) -> Pretended:
        folder = tmp_path_factory.mktemp("load") / "20261122-110000-seed1"
        folder.mkdir()
        job, schedule, trace = simulated(scenario, truth, plugins, duration_s, drain_s, luck)
        store(folder, scenario, plugins, job, schedule, trace, "load")
        (folder / "prediction").mkdir()
        job, schedule, said = simulated(scenario, (), plugins, duration_s, drain_s, 0)
        store(folder / "prediction", scenario, plugins, job, schedule, said, "compiled")
        return Pretended(folder, trace)

    return made


def simulated(
    scenario: Path, overrides: Sequence[str], plugins: Plugins, duration_s: float, drain_s: float, luck: int
) -> tuple[Job, Schedule, Trace]:
    """Simulate a load test; with luck of its own, a deployment does not share the plan's."""
    file = load_scenario(scenario, plugins, overrides)
    plan = scenario_plan(file)
    chosen = choose(file, plan, Wishes(duration_s=duration_s))
    until = min(chosen.end_s + drain_s * chosen.speed, plan.until)
    known = frozenset(FLOW)
    names = {plan.stations[index].name for index in target_stations(plan, known)}
    asked = predicted_plan(plan, chosen, known, until)
    if luck:
        asked = with_other_luck(asked, target_stations(plan, known), luck)
    trace = in_real_seconds(choose_engine(AUTO, asked).run(asked), names, chosen.speed)
    job = Job("", plan.luck.seed, chosen.start_s, chosen.end_s, until, chosen.speed, "pretended", channels=("portal",))
    return job, Schedule(chosen.families, chosen.moments), trace


def store(
    folder: Path, scenario: Path, plugins: Plugins, job: Job, schedule: Schedule, trace: Trace, engine: str
) -> None:
    """Store a run as `canbao load` does."""
    file = load_scenario(scenario, plugins)
    packed = pack_tables({name: getattr(trace, name) for name in ("families", "visits", "stations")})
    for name, table in packed.items():
        (folder / f"{name}.parquet").write_bytes(table.content)
    tables = {name: {"rows": table.rows, "sha256": table.sha256} for name, table in packed.items()}
    manifest = {
        "format": 1, "run": folder.name, "scenario": file.name, "seed": job.seed, "until_s": trace.until,
        "engine": engine, "tables": tables, "created": str(dt.date(2026, 11, 22)),
    }  # fmt: skip
    summary = summarise_prediction(file, scenario_plan(file), job, trace)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    (folder / SUMMARY).write_text(json.dumps(summary, default=float), encoding="utf-8")
    (folder / SCENARIO).write_text(resolved_text(file.source), encoding="utf-8")
    (folder / JOB).write_text(job.to_json(), encoding="utf-8")
    schedule.save(folder / SCHEDULE)
    assert len(np.unique(schedule.families)) == len(schedule)


@pytest.fixture(scope="session")
def truth() -> tuple[str, ...]:
    """Give what the deployment is, where it is not what the scenario states."""
    return TRUTH


@pytest.fixture(scope="session")
def other_truth(pretend: Pretend, town: Path) -> Pretended:
    """Give a load test of such a deployment."""
    return pretend(town, TRUTH, duration_s=1_200.0)


@pytest.fixture(scope="session")
def calibration(other_truth: Pretended, plugins: Plugins) -> Calibration:
    """Give what this load test says of the scenario."""
    return calibrate(other_truth.folder, plugins)
