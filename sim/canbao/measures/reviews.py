"""The review, round by round: an application is handed in, passes the desks, and comes out decided or returned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from canbao.arrays import BoolArray, FloatArray, IntArray
from canbao.calendar import Calendar
from canbao.columns import Coded
from canbao.measures.groups import word_is
from canbao.measures.records import rows_of
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

    def where(self, chosen: BoolArray) -> Rounds:
        """Give some of the rounds."""
        return Rounds(
            family=self.family[chosen],
            submitted=self.submitted[chosen],
            decided=self.decided[chosen],
            working_days=self.working_days[chosen],
            observed=self.observed[chosen],
            channel=self.channel.take(chosen),
        )

    def share_within(self, promise: float, chosen: BoolArray | None = None) -> float | None:
        """Give the share of rounds decided within some working days.

        Only rounds that could be watched for so long count, decided or not: to count the quick ones among the last
        applications and leave out the slow ones would flatter the review.
        """
        watched = self.observed >= promise
        if chosen is not None:
            watched &= chosen
        return share(int((self.working_days[watched] <= promise).sum()), int(watched.sum()))

    def shares_within(self, longest: int) -> dict[str, float | None]:
        """Give the same for each promise from 1 to `longest` whole working days."""
        # How many rounds took so many days, by how long they were watched.
        watched = np.clip(self.observed, 0, longest).astype(np.int64)
        took = np.where(self.working_days <= longest, self.working_days, longest + 1).astype(np.int64)
        table = np.bincount(watched * (longest + 2) + took, minlength=(longest + 1) * (longest + 2))
        table = table.reshape(longest + 1, longest + 2)
        promises = range(1, longest + 1)
        return {str(days): share(int(table[days:, : days + 1].sum()), int(table[days:].sum())) for days in promises}


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
    station = _coded(trace.visits["station"])
    mine = np.flatnonzero(word_is(station, *_stations_of(trace, group)))
    begins = station.codes[mine] == station.labels.index(intake)
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
    channel = _coded(trace.families["last_channel"]).take(rows_of(trace, family))
    return Rounds(family, submitted, decided, working_days, observed, channel)


def review_times(rounds: Rounds, longest: int, chosen: BoolArray | None = None) -> dict[str, Any]:
    """Describe working days in review, and the share inside each promise from 1 to `longest` working days."""
    if chosen is not None:
        rounds = rounds.where(chosen)
    days = rounds.working_days
    decided = days[~np.isnan(days)]
    return {
        "rounds": len(days),
        "open": len(days) - len(decided),
        "working_days": describe(decided),
        "distribution": np.bincount(decided.astype(np.int64), minlength=1).tolist(),
        "within": rounds.shares_within(longest),
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


def _stations_of(trace: Trace, group: str) -> list[str]:
    names, groups = (_coded(trace.stations[name]).words() for name in ("station", "group"))
    return [name for name, its in zip(names, groups, strict=True) if its == group]
