"""What the processes of a load test left behind, read and put together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from canbao.assembly.review import INTAKE
from canbao.columns import Coded, numbers_of
from canbao.plan import Plan
from canbao.trace import Trace
from canbao_loadtests.clock import LoadClock
from canbao_loadtests.driving.parts import Parts, read_parts
from canbao_loadtests.driving.schedule import SCHEDULE, Schedule
from canbao_loadtests.job import Job
from canbao_loadtests.load.measures.summarising import Measured
from canbao_loadtests.walking.book import WalkPart
from canbao_loadtests.walking.ledger import ledger_of
from canbao_loadtests.walking.tracing import trace_of

__all__ = ["read_measured"]


def read_measured(path: Path, plan: Plan, job: Job) -> Measured:
    """Read what happened in a load test.

    Parameters
    ----------
    path
        The folder of the run.
    plan, job
        What was carried out.

    Raises
    ------
    StorageError
        When a part is missing or damaged.
    """
    parts = read_parts(path)
    walked = [WalkPart.load(kept) for kept in parts.walks]
    stands = {
        family: stand
        for part in walked
        for family, stand in zip(part.family.tolist(), part.applications.tolist(), strict=True)
    }
    trace = _confirmed(trace_of(plan, walked, _until(parts, job)))
    scheduled = len(Schedule.load(path / SCHEDULE))
    return Measured(trace, parts, ledger_of(walked).to_json(), stands, scheduled)


def _confirmed(trace: Trace) -> Trace:
    """Leave out what was handed in and not confirmed: the deployment would not take it, or nobody knows."""
    station, ended, family = (trace.visits[name] for name in ("station", "ended", "family"))
    assert isinstance(station, Coded)
    assert isinstance(ended, Coded)
    handed_in = station.has(INTAKE) if INTAKE in station.labels else np.zeros(len(station), dtype=np.bool_)
    kept = ~handed_in | ended.has("served", "inside")
    confirmed = np.isin(numbers_of(trace.families["family"]), numbers_of(family)[handed_in & kept])
    submitted = np.where(confirmed, numbers_of(trace.families["submitted"]), np.nan)
    visits = {
        name: column.take(kept) if isinstance(column, Coded) else column[kept] for name, column in trace.visits.items()
    }
    return replace(trace, families={**trace.families, "submitted": submitted}, visits=visits)


def _until(parts: Parts, job: Job) -> float:
    """Give the moment of the scenario until which somebody looked."""
    assert job.origin is not None
    clock = LoadClock(job.origin, job.start_s, job.speed)
    stopped = max((float(end["stopped_at"]) for end in parts.ends), default=job.origin)
    return min(max(clock.moment(stopped), job.start_s), job.until_s)
