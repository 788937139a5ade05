"""The summary of a load test: that of a simulation, and a part `load` with what only a load test measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from canbao.measures.summary import summarise
from canbao.plan import Plan
from canbao.scenario.scenario import ScenarioFile
from canbao.trace import Trace
from canbao_loadtests.driving.parts import Parts
from canbao_loadtests.job import Job
from canbao_loadtests.load.measures import traffic
from canbao_loadtests.load.measures.applications import applications
from canbao_loadtests.load.measures.comparison import beside, compared
from canbao_loadtests.load.measures.period import Period
from canbao_loadtests.load.measures.validity import broke_first, validity

__all__ = ["Measured", "summarise_load", "summarise_prediction", "watched"]


@dataclass(frozen=True, eq=False)
class Measured:
    """What happened in a load test.

    Parameters
    ----------
    trace
        What the families did.
    parts
        What the processes recorded.
    ledger
        Where each application stands, in counts that add up.
    stands
        Where the application of each family stands.
    scheduled
        How many families were to come.
    """

    trace: Trace
    parts: Parts
    ledger: Mapping[str, Any]
    stands: Mapping[int, str]
    scheduled: int

    @property
    def waiting(self) -> int:
        """How many applications are in review still."""
        return sum(stand == "in review" for stand in self.stands.values())


def watched(file: ScenarioFile, until_s: float) -> ScenarioFile:
    """Give the scenario with a horizon that ends on the date until which somebody looked."""
    end = min(file.horizon.date(max(until_s - 1.0, 0.0)), file.horizon.end)
    horizon = file.scenario.horizon.model_copy(update={"end": end})
    return ScenarioFile(file.scenario.model_copy(update={"horizon": horizon}), file.source)


def summarise_load(
    file: ScenarioFile, plan: Plan, job: Job, measured: Measured, predicted: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Give the whole summary of a load test, ready for JSON.

    Parameters
    ----------
    file, plan, job
        What was carried out.
    measured
        What happened.
    predicted
        The summary of the prediction, if there is one.
    """
    trace, parts = measured.trace, measured.parts
    file, period = watched(file, trace.until), Period.of(job, trace.until)
    summary = summarise(file, replace(plan, until=trace.until), trace, laws=False)
    summary |= _unseen(summary)
    summary["trust"] |= {"laws": [_accounted(measured.ledger)]}
    arrivals, errors = traffic.arrivals(parts, period, measured.scheduled), traffic.errors(parts)
    over_time = traffic.over_time(parts, period)
    counted = applications(file, trace, period, measured.stands)
    summary["load"] = {
        "period": _period(file, job, period),
        "target": job.target,
        "validity": validity(job, arrivals, parts.ends),
        "arrivals": arrivals,
        "applications": counted,
        "ledger": dict(measured.ledger),
        "journeys": traffic.journeys(parts, trace),
        "requests": traffic.requests(parts),
        "operations": traffic.operations(parts),
        "errors": errors,
        "over_time": over_time,
        "broke_first": broke_first(over_time, counted, errors),
    }
    summary["review"]["flow"]["throughput_a_working_day"] = counted["a_working_day"]
    if predicted is not None:
        summary["load"] |= {"prediction": beside(predicted), "comparison": compared(summary, predicted)}
    return summary


def _accounted(ledger: Mapping[str, Any]) -> dict[str, Any]:
    """Give the law that a load test obeys: what was handed in is all accounted for.

    Those of a simulation need what is behind a deployment's doors.
    """
    lost, names = sum(ledger["lost"].values()), ("issued", "rejected", "in_review", "returned")
    where = " + ".join(f"{ledger[name]} {name.replace('_', ' ')}" for name in names)
    detail = f"{ledger['submitted']} handed in = {where} + {lost} withdrawn"
    return {"name": "each application handed in is accounted for", "holds": ledger["balanced"], "detail": detail}


def _unseen(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Give what of a summary a load test cannot know: what is behind a deployment's doors, and what it costs."""
    money = {**summary["money"], "costs": None}
    waits: dict[str, Any] = {name: {} for name in summary["waits"]}
    return {"stations": [], "hours": {}, "bottleneck": None, "waits": waits, "money": money}


def summarise_prediction(file: ScenarioFile, plan: Plan, job: Job, trace: Trace) -> dict[str, Any]:
    """Give the summary of the prediction of a load test; of what only a load test measures it has the applications."""
    file, period = watched(file, trace.until), Period.of(job, trace.until)
    summary = summarise(file, plan, trace, laws=False)
    counted = applications(file, trace, period)
    summary["load"] = {"period": _period(file, job, period), "applications": counted}
    summary["review"]["flow"]["throughput_a_working_day"] = counted["a_working_day"]
    return summary


def _period(file: ScenarioFile, job: Job, period: Period) -> dict[str, Any]:
    moments = {"start": job.start_s, "end": job.end_s, "until": period.until_s}
    return {
        **{name: f"{file.horizon.moment(moment):%Y-%m-%dT%H:%M:%S}" for name, moment in moments.items()},
        "duration_s": job.duration_s,
        "observed_s": period.real_s,
        "speed": job.speed,
        "channels": list(job.channels),
    }
