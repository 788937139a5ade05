"""The review, round by round: an application is handed in, goes through the desks, and comes out decided or returned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canbao.calendar import Calendar
from canbao.columns import Coded
from canbao.luck import FloatArray
from canbao.measures.samples import describe, share
from canbao.trace import Trace

__all__ = ["Rounds", "review_flow", "review_rounds", "review_times"]


@dataclass(frozen=True, eq=False)
class Rounds:
    """Rounds of review, in no particular order; arrays of shape (rounds,)."""

    family: NDArray[np.int64]
    submitted: FloatArray
    """When it was handed in, or handed in again."""
    decided: FloatArray
    """When the last desk of the round let go of it; nan if it is still in review at the end of the horizon."""
    working_days: FloatArray
    """Working days from the day of submission, which does not count, to the day of decision; nan if not decided."""
    channel: Coded
    """The last channel of the family."""


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
    working_days[~open_still] = office_days.day_number(decided[~open_still]) - office_days.day_number(submitted[~open_still])
    row = np.searchsorted(np.asarray(trace.families["family"]), family)
    return Rounds(family, submitted, decided, working_days, _coded(trace.families["last_channel"]).take(row))


def review_times(rounds: Rounds, longest: int) -> dict[str, Any]:
    """Describe working days in review and the share inside each promise from 1 to `longest` working days.

    A round that is still open counts as late for every promise: it may be late already, and is not hidden in any case.
    """
    days = rounds.working_days
    within = {str(promise): share(int((days <= promise).sum()), len(days)) for promise in range(1, longest + 1)}
    counts = np.bincount(days[~np.isnan(days)].astype(np.int64), minlength=1)
    return {
        "rounds": len(days),
        "open": int(np.isnan(days).sum()),
        "working_days": describe(days[~np.isnan(days)]),
        "distribution": counts.tolist(),
        "within": within,
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


def _stations_of(trace: Trace, group: str) -> NDArray[Any]:
    groups = _coded(trace.stations["group"])
    return np.flatnonzero(groups.has(group)) if group in groups.labels else np.empty(0, dtype=np.int64)
