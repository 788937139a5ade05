"""`--find-capacity`: load tests at one rate after the other, each judged, until the knee is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from canbao.errors import InputError
from canbao.runs.folders import storing, write
from canbao.runs.manifest import run_name
from canbao.runs.run import Run
from canbao.runs.storing import as_json
from canbao.scenario.scenario import ScenarioFile
from canbao_loadtests.load.capacity import Capacity, Rules, Trial, find_capacity
from canbao_loadtests.load.choosing import Wishes, choose
from canbao_loadtests.load.folder import new_load_folder
from canbao_loadtests.load.measures.traffic import IN_TIME_S
from canbao_loadtests.load.ordering import LoadOrder
from canbao_loadtests.load.running import run_load
from canbao_loadtests.load.telling import Telling

__all__ = ["BOUNDS", "BY_HAND", "CAPACITY", "Search", "judged", "search_capacity"]

CAPACITY = "capacity.json"
"""The file of what was found, in the folder of a search."""

BOUNDS = {"failed_share": 0.01, "p95_s": IN_TIME_S}
"""A rate does not hold if more of the requests fail, or if 1 of 20 takes longer."""
BY_HAND = ("interrupted", "terminated")
"""What a load test that was stopped by hand says of its end."""
_TRIAL_S = 30.0
_START = 4.0


@dataclass(frozen=True)
class Search:
    """What a search found, and where it is."""

    folder: Path
    capacity: Capacity
    answer: Mapping[str, Any]
    """What its file holds."""

    @property
    def path(self) -> Path:
        """The file of it."""
        return self.folder / CAPACITY


def search_capacity(
    file: ScenarioFile, order: LoadOrder, telling: Telling, watch: Callable[[Trial, int], None] | None = None
) -> Search:
    """Search the highest rate of arrivals at which all holds, and store what was found.

    Every trial is a load test of its own, with other luck, on a deployment as it is then; the reference service begins
    anew each time. Families are drawn from the scenario's period, which takes as long in each trial.

    Parameters
    ----------
    file, order
        The scenario and what was asked for; its rate is where the search begins, its duration that of a trial.
    telling
        Who is told how far a trial is.
    watch
        Is told each trial.
    """
    seconds = order.wishes.duration_s or _TRIAL_S
    most = _available(file, order) / seconds
    start = min(order.wishes.rate or _START, most)
    folder = new_load_folder(order.out / file.name, f"{run_name(order.created, order.seed)}-capacity")
    seeds = iter(range(order.seed, order.seed + 10_000))

    def run_at(rate: float) -> Trial:
        wishes = Wishes(families=max(round(rate * seconds), 1), duration_s=seconds)
        mine = replace(order, seed=next(seeds), wishes=wishes, out=folder, predicts=False)
        try:
            return judged(rate, run_load(file, mine, telling))
        except KeyboardInterrupt:  # before anything was sent; a load test under way stops by itself
            return Trial(rate, held=False, valid=False, stopped=True)

    found = find_capacity(run_at, Rules(start=start, most=most), watch)
    answer = {**found.as_data(), "bounds": BOUNDS, "trial_s": seconds}
    with storing(folder):
        write(folder / CAPACITY, as_json(answer))
    return Search(folder, found, answer)


def _available(file: ScenarioFile, order: LoadOrder) -> int:
    """Give how many families the period has."""
    from canbao.assembly import scenario_plan

    count = len(choose(file, scenario_plan(file, order.seed), Wishes()).families)
    if count < 2:
        raise InputError(f"a search needs more than {count} families in the period; name a longer one with load.start")
    return count


def judged(rate: float, run: Run) -> Trial:
    """Judge a load test: whether requests were answered, in time, and the review kept what it promises."""
    load = run.summary["load"]
    asked = load["requests"]["all"]
    why = [*_requests(asked), *_promises(run.summary)]
    figures = {
        "p95_s": asked["p95_s"],
        "in_time_share": asked["in_time_share"],
        "response_p95_s": load["journeys"]["response"]["p95_s"],
        "failed_share": asked["failed_share"],
        "review_working_days": run.summary["review"]["working_days"]["mean"],
        "decided_a_working_day": load["applications"]["a_working_day"]["mean"],
    }
    stopped = load["validity"]["stopped"] in BY_HAND
    return Trial(
        rate=rate,
        held=not why,
        valid=bool(load["validity"]["valid"]) and not stopped,
        figures={name: float(value) for name, value in figures.items() if value is not None},
        why=tuple(why),
        missed=tuple(_missed(run.summary)),
        run=str(run.folder),
        stopped=stopped,
    )


def _requests(asked: Mapping[str, Any]) -> list[str]:
    why = []
    if (asked["failed_share"] or 0.0) > BOUNDS["failed_share"]:
        why.append(f"{asked['failed_share']:.1%} of the requests failed")
    if (asked["p95_s"] or 0.0) > IN_TIME_S:
        why.append(f"1 of 20 requests took longer than {asked['p95_s']:.1f} s")
    return why


def _promises(summary: Mapping[str, Any]) -> list[str]:
    return [f"the review missed {name}" for name in _missed(summary)]


def _missed(summary: Mapping[str, Any]) -> list[str]:
    return [one["name"] for one in summary["objectives"] if one["kind"] == "review" and one["held"] is False]
