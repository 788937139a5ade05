"""The desks of the review as a scenario has them: who is on duty when, how long an application takes, what is found."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from canbao.distributions import Distribution
from canbao.district import District
from canbao.luck import Luck
from canbao.scenario.scenario import ScenarioFile
from canbao.schedule import Schedule

__all__ = ["ReviewDesk", "review_desks"]

_FAULTS = {"acceptance": "incomplete papers", "first": "data mismatch", "second": "refused"}


@dataclass(frozen=True)
class ReviewDesk:
    """A desk.

    Parameters
    ----------
    name
        `acceptance`, `first` or `second`; those of the second review are other people than those of the first.
    on_duty
        How many reviewers are there, by moments of the scenario.
    service
        How long one application takes one of them, in seconds of the scenario.
    fault, share
        What they find, and in which share of applications.
    """

    name: str
    on_duty: Schedule
    service: Distribution
    fault: str
    share: float

    def staff(self, since: float) -> int:
        """Count those who are on duty at some time from a moment on."""
        later = self.on_duty.values[self.on_duty.times >= since]
        return int(max(self.on_duty.at(since), later.max(initial=0.0)))

    def duty(self, who: int, moment: float) -> float:
        """Give the next moment at which a reviewer is on duty, from 0 on numbered; inf if there is none any more."""
        if self.on_duty.at(moment) > who:
            return moment
        first = bisect_right(self.on_duty.times, moment)
        later = np.flatnonzero(self.on_duty.values[first:] > who)
        return float(self.on_duty.times[first + later[0]]) if len(later) else math.inf

    def takes_s(self, luck: Luck, who: int, turn: int) -> float:
        """Draw how long the n-th application of a reviewer takes him."""
        return float(self.service.ppf(np.array([luck.uniform(f"load: review {self.name} time", who, turn)]))[0])

    def finds_fault(self, luck: Luck, who: int, turn: int) -> bool:
        """Draw whether the n-th application of a reviewer has to be returned."""
        return luck.uniform(f"load: review {self.name} fault", who, turn) < self.share


def review_desks(file: ScenarioFile) -> tuple[ReviewDesk, ...]:
    """Give the desks of a scenario, in the order in which an application meets them.

    What a machine decides is none of theirs: the automatic check of `precheck`, and `duplicate`.
    """
    review, scenario = file.scenario.review, file.scenario
    # Hours and staff need the dates of a district, and nothing of its families.
    district = District(file.horizon, file.working, file.saturdays, 0, {}, {}, scenario.policy, Luck(scenario.seed))
    shares = {"acceptance": review.incomplete, "first": review.mismatch, "second": review.refused}
    return tuple(
        ReviewDesk(name, stage.opening(district).servers, stage.service.build(), _FAULTS[name], shares[name])
        for name, stage in review.stages().items()
    )
