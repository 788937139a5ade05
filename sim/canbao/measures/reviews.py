"""The review, round by round: an application is handed in, passes the desks, and comes out decided or returned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from canbao.arrays import AnyArray, BoolArray, FloatArray, IntArray
from canbao.calendar import Calendar
from canbao.columns import Coded
from canbao.measures.samples import describe, share
from canbao.trace import Trace

__all__ = ["Rounds", "review_flow", "review_rounds", "review_times"]


@dataclass(frozen=True, eq=False)
class Rounds:
    """Rounds of review, in no particular order; arrays of shape (rounds,)."""

    family: IntArray
    submitted: FloatArray
    """When it was handed in, or handed in again."""
    decided: FloatArray
    """When the last desk of the round let go of it; nan if it is still in review at the end of the horizon."""
    working_days: FloatArray
    """Working days from the day of submission, which does not count, to the day of decision; nan if not decided."""
    observed: FloatArray
    """Working days from the day of submission to the end of the horizon: as long as the round could be watched."""
    channel: Coded
    """The last channel of the family."""

    def share_within(self, promise: float, chosen: BoolArray | None = None) -> float | None:
        """Give the share of rounds decided within some working days.

        Only rounds that could be watched for so long count, decided or not: to count the quick ones among the last
        applications and leave out the slow ones would flatter the review.
        """
        watched = self.observed >= promise
        if chosen is not None:
            watched &= chosen
        return share(int((self.working_days[watched] <= promise).sum()), int(watched.sum()))


def review_rounds(trace: Trace, group: str, intake: str, office_days: Calendar) -> Rounds:
    """Find the rounds.

    Parameters
    ----------
    trace
        Its visits to the stations of `group` make up the rounds.
    group
        The group of the review's stations.
    intake
        The station at which each round begins.
    office_days
        The working days by which the promise counts (Civil Code of China, art. 201: the first day does not count).
    """
    station, in_group = _coded(trace.visits["station"]), _stations_of(trace, group)
    mine = np.isin(station.codes, in_group)
    begins = (station.codes == station.labels.index(intake))[mine]
    # Visits stand by family and in time, so that each intake opens the round of the visits behind it.
    number = np.cumsum(begins) - 1
    enter, leave = (np.asarray(trace.visits[name])[mine] for name in ("enter", "leave"))
    submitted = enter[begins]
    decided = np.full(len(submitted), -np.inf)
    np.maximum.at(decided, number, np.where(np.isnan(leave), np.inf, leave))
    open_still = np.isinf(decided)
    decided[open_still] = np.nan
    family = np.asarray(trace.visits["family"])[mine][begins]
    working_days = np.full(len(submitted), np.nan)
    working_days[~open_still] = office_days.day_number(decided[~open_still]) - office_days.day_number(
        submitted[~open_still]
    )
    observed = (office_days.day_number(np.array([trace.until - 1.0])) - office_days.day_number(submitted)).astype(
        np.float64
    )
    row = np.searchsorted(np.asarray(trace.families["family"]), family)
    return Rounds(family, submitted, decided, working_days, observed, _coded(trace.families["last_channel"]).take(row))


def review_times(rounds: Rounds, longest: int, chosen: BoolArray | None = None) -> dict[str, Any]:
    """Describe working days in review, and the share inside each promise from 1 to `longest` working days."""
    days = rounds.working_days if chosen is None else rounds.working_days[chosen]
    decided = days[~np.isnan(days)]
    return {
        "rounds": len(days),
        "open": len(days) - len(decided),
        "working_days": describe(decided),
        "distribution": np.bincount(decided.astype(np.int64), minlength=1).tolist(),
        "within": {str(promise): rounds.share_within(promise, chosen) for promise in range(1, longest + 1)},
    }


def review_flow(rounds: Rounds, horizon_days: int, office_days: Calendar) -> dict[str, Any]:
    """Give, for each date, rounds handed in, decided and open at its end; and the throughput of a working day."""
    edges = np.arange(horizon_days + 1) * 86_400.0
    handed_in = np.histogram(rounds.submitted, edges)[0]
    decided = np.histogram(rounds.decided[~np.isnan(rounds.decided)], edges)[0]
    working = np.zeros(horizon_days, dtype=bool)
    working[office_days.open_days] = True
    return {
        "handed_in": handed_in.tolist(),
        "decided": decided.tolist(),
        "backlog": np.cumsum(handed_in - decided).tolist(),
        "throughput_a_working_day": describe(decided[working].astype(np.float64)),
    }


def _coded(column: Any) -> Coded:
    assert isinstance(column, Coded)
    return column


def _stations_of(trace: Trace, group: str) -> AnyArray:
    groups = _coded(trace.stations["group"])
    return np.flatnonzero(groups.has(group)) if group in groups.labels else np.empty(0, dtype=np.int64)
