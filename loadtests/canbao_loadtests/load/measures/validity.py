"""Whether a load test says anything about the deployment, and what gave way first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canbao_loadtests.job import Job

__all__ = ["broke_first", "validity"]

_LOST = 0.01
"""The share of families that may be missing before the load was another one than was meant."""
_FAILING = 0.05
"""The share of failed requests in a bin from which on a deployment counts as failing."""
_SLOW_S = 3.0
"""Pages take too long when 1 of 20 takes longer: by then half of mobile visits are given up (Google 2016)."""
_FEWEST = 20
"""Of fewer requests in a bin nobody can tell a share."""


def validity(job: Job, arrivals: Mapping[str, Any], ends: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Say whether the load was what it was meant to be, and if not, each reason with its figures.

    Parameters
    ----------
    job
        The budgets.
    arrivals
        As `traffic.arrivals` gives them.
    ends
        How each process ended.
    """
    ends = list({end.get("part"): end for end in ends}.values())  # how one ended that was gone on with is no matter
    stopped = [str(end.get("reason", "")) for end in ends]
    reasons = list(_reasons(job, arrivals, ends))
    unusual = [reason for reason in stopped if reason != "finished"]
    return {"valid": not reasons, "reasons": reasons, "stopped": unusual[0] if unusual else None}


def _reasons(job: Job, arrivals: Mapping[str, Any], ends: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    late = arrivals["dispatch"]["p99_s"]
    if late is not None and late > job.dispatch_budget_s:
        yield {"kind": "late", "p99_s": late, "budget_s": job.dispatch_budget_s}
    spent = [end for end in ends if end.get("reason") == "error budget"]
    if spent:
        yield {"kind": "errors", "budget": job.error_budget}
    interrupted = any(end.get("reason") in ("interrupted", "terminated") for end in ends)
    early = spent or interrupted or any(end.get("reason") == "worker lost" for end in ends)
    lost = arrivals["dropped"] + (0 if early else arrivals["not_injected"])
    if lost > _LOST * arrivals["intended"]:
        yield {"kind": "lost", "families": lost, "of": arrivals["intended"]}
    if not arrivals["started"]:
        yield {"kind": "nobody"}
    broken = [end for end in ends if end.get("reason") in ("error", "worker lost")]
    if broken:
        yield {"kind": "broken", "said": str(broken[0].get("said", ""))}


def broke_first(
    over_time: Mapping[str, Any], applications: Mapping[str, Any], errors: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """Name what gave way first: requests that fail, pages that take too long, or a review that falls behind.

    The review falls behind on the first working day at the end of which more is in review than it can decide in a day.
    None where nothing of it happened. `at_s` is in real seconds from the start of the load.
    """
    found = [*_failing(over_time, errors), *_slow(over_time), *_behind(applications)]
    return min(found, key=lambda one: float(one["at_s"]), default=None)


def _failing(over_time: Mapping[str, Any], errors: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    width = over_time["width_s"]
    for number, (count, failed) in enumerate(zip(over_time["requests"], over_time["failed"], strict=True)):
        if count >= _FEWEST and failed >= _FAILING * count:
            worst = next((error for error in errors if error["failed"]), {"operation": "", "kind": ""})
            where = {"operation": worst["operation"], "error": worst["kind"]}
            yield {"kind": "failing", "at_s": number * width, "share": failed / count, **where}
            return


def _slow(over_time: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    width = over_time["width_s"]
    for number, (count, late) in enumerate(zip(over_time["requests"], over_time["p95_s"], strict=True)):
        if count >= _FEWEST and late is not None and late > _SLOW_S:
            yield {"kind": "slow", "at_s": number * width, "p95_s": late}
            return


def _behind(applications: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    most = max((day["decided"] for day in applications["days"]), default=0)
    for day in applications["days"]:
        if day["working"] and day["backlog"] > max(most, _FEWEST):
            yield {"kind": "behind", "at_s": day["ends_s"], "date": day["date"], "backlog": day["backlog"]}
            return
