"""Applications: handed in, decided, issued, over real time and by working day. Load tests and predictions alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from canbao.arrays import AnyArray, BoolArray, FloatArray, IntArray
from canbao.assembly.review import INTAKE, REVIEW
from canbao.calendar import Calendar
from canbao.columns import Coded
from canbao.measures.records import rows_of
from canbao.measures.reviews import review_rounds
from canbao.measures.samples import describe
from canbao.scenario.scenario import ScenarioFile
from canbao.trace import Trace
from canbao_loadtests.load.measures.period import Period

__all__ = ["VERDICTS", "Decisions", "applications", "decisions"]

VERDICTS = ("in review", "issued", "returned", "rejected")
"""What became of a round of review."""

_IN_REVIEW, _ISSUED, _RETURNED, _REJECTED = range(len(VERDICTS))
_REJECTIONS = ("rejected", "already enrolled")
_DAY_S = 86_400.0


@dataclass(frozen=True, eq=False)
class Decisions:
    """Rounds of review; arrays of shape (rounds,).

    Parameters
    ----------
    family
        Whose application.
    round
        How often it had been handed in before.
    submitted, decided
        Moments of the scenario; nan while it is in review.
    verdict
        An index into `VERDICTS`.
    """

    family: IntArray
    round: IntArray
    submitted: FloatArray
    decided: FloatArray
    verdict: IntArray

    def of(self, verdict: int) -> FloatArray:
        """Give the moments of one verdict."""
        return np.asarray(self.decided[self.verdict == verdict], dtype=np.float64)


def decisions(trace: Trace, office_days: Calendar, stands: Mapping[int, str] | None = None) -> Decisions:
    """Find what became of each round of review.

    A round that another one of the family follows was returned; the last one went as the family did. Where the family
    is inside still, a load test knows how the application stands; a simulation is taken to have issued it.

    Parameters
    ----------
    trace
        What happened.
    office_days
        The days on which the review works.
    stands
        Where the application of each family stands, where that is known.
    """
    rounds = review_rounds(trace, REVIEW, INTAKE, office_days)
    order = np.lexsort((rounds.submitted, rounds.family))
    family, submitted, decided = rounds.family[order], rounds.submitted[order], rounds.decided[order]
    verdict = np.where(np.isnan(decided), _IN_REVIEW, _ISSUED)
    outcome: Any = trace.families["outcome"]
    how = outcome.take(rows_of(trace, family))
    first = np.append(True, family[1:] != family[:-1])[: len(family)]
    last = np.append(family[1:] != family[:-1], True)[: len(family)]
    over = ~np.isnan(decided)
    verdict[over & (_is(how, *_REJECTIONS) | _stood(family, stands, "rejected")) & last] = _REJECTED
    verdict[over & (_is(how, "withdrawn") | _stood(family, stands, "returned", "withdrawn")) & last] = _RETURNED
    verdict[over & ~last] = _RETURNED
    begins = np.flatnonzero(first)
    number = np.arange(len(family)) - np.repeat(begins, np.diff(np.append(begins, len(family))))
    return Decisions(family, number, submitted, decided, verdict)


def applications(
    file: ScenarioFile, trace: Trace, period: Period, stands: Mapping[int, str] | None = None
) -> dict[str, Any]:
    """Count applications: in all, by bin of real time, and by date."""
    starts = np.flatnonzero(file.working) * _DAY_S
    office_days = Calendar.from_intervals([(t, t + _DAY_S) for t in starts.tolist()], file.horizon.days)
    found = decisions(trace, office_days, stands)
    days = _by_day(file, period, found)
    return {
        "submitted": int((found.round == 0).sum()),
        "corrected": int((found.round > 0).sum()),
        "decided": int((found.verdict != _IN_REVIEW).sum()),
        **{VERDICTS[verdict].replace(" ", "_"): int((found.verdict == verdict).sum()) for verdict in range(4)},
        "longest_backlog": _longest_backlog(found),
        "a_working_day": _a_working_day(days),
        "bins": {"width_s": period.bin_s, **_series(period.moments(), found)},
        "days": days,
    }


def _is(column: Coded, *labels: str) -> BoolArray:
    known = [column.labels.index(label) for label in labels if label in column.labels]
    return np.asarray(np.isin(column.codes, known), dtype=np.bool_)


def _stood(family: IntArray, stands: Mapping[int, str] | None, *words: str) -> BoolArray:
    stand = [(stands or {}).get(number) in words for number in family.tolist()]
    return np.array(stand, dtype=np.bool_)


def _series(edges: FloatArray, found: Decisions) -> dict[str, list[int]]:
    """Count in bins: submissions and verdicts in each, the backlog at the end of each."""

    def counted(moments: AnyArray) -> IntArray:
        # What is just at the end belongs to the last bin.
        return np.histogram(moments[~np.isnan(moments)], edges)[0].astype(np.int64)

    handed_in, decided = counted(found.submitted), counted(found.decided)
    before = int((found.submitted < edges[0]).sum() - (found.decided < edges[0]).sum())
    return {
        "handed_in": handed_in.tolist(),
        "decided": decided.tolist(),
        "issued": counted(found.of(_ISSUED)).tolist(),
        "returned": counted(found.of(_RETURNED)).tolist(),
        "rejected": counted(found.of(_REJECTED)).tolist(),
        "backlog": (before + np.cumsum(handed_in - decided)).tolist(),
    }


def _longest_backlog(found: Decisions) -> int:
    """Give how many were in review at most at any moment."""
    came, went = found.submitted, found.decided[~np.isnan(found.decided)]
    moments = np.concatenate([went, came])
    steps = np.concatenate([np.full(len(went), -1), np.full(len(came), 1)])
    # Who goes makes room for who comes at the same moment.
    order = np.lexsort((steps, moments))
    return int(np.cumsum(steps[order]).max(initial=0))


def _by_day(file: ScenarioFile, period: Period, found: Decisions) -> list[dict[str, Any]]:
    days = period.days()
    edges = np.array([*days, days.stop], dtype=np.float64) * _DAY_S
    series = _series(edges, found)
    return [
        {
            "date": str(file.horizon.date(day * _DAY_S)),
            "working": bool(file.working[day]) if day < len(file.working) else False,
            "whole": period.is_whole(day),
            "ends_s": ((day + 1) * _DAY_S - period.start_s) / period.clock.speed,
            **{name: values[number] for name, values in series.items()},
        }
        for number, day in enumerate(days)
    ]


def _a_working_day(days: list[dict[str, Any]]) -> dict[str, Any]:
    """Describe what the review decided on working days that were observed as a whole and had something to decide."""
    worked = [day["decided"] for day in days if day["working"] and day["whole"] and (day["decided"] or day["backlog"])]
    return describe(np.array(worked, dtype=np.float64))
