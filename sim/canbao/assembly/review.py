"""The review as a piece of the network: its desks, its journey and its calendars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from canbao.calendar import Calendar
from canbao.columns import Coded, Column
from canbao.district import CORRECT, RESUBMIT, RESULT, District, failed
from canbao.network import Check, Delay, End, Journey, Mark, Return, Station, Step, Visit
from canbao.scenario.quantities import Span
from canbao.scenario.review import Review

__all__ = ["INTAKE", "REVIEW", "ReviewPart", "build_review", "span_delay"]

REVIEW = RESUBMIT.partition("/")[0]
"""The journey of the review, and the group of its stations."""
INTAKE = f"{REVIEW}.intake"
"""Where each round of review begins: an application enters it when it is handed in, and again after each correction."""


@dataclass(frozen=True)
class ReviewPart:
    """The review's piece of the network."""

    stations: Sequence[Station]
    journey: Journey
    calendars: dict[str, Calendar]
    columns: dict[str, Column]


def build_review(review: Review, district: District) -> ReviewPart:
    """Give the review's stations, journey and calendars."""
    openings = {name: stage.opening(district) for name, stage in review.stages().items()}
    discipline: Literal["priority", "fifo"] = "priority" if review.newborn_first else "fifo"
    stations = [Station(INTAKE, servers=math.inf, group=REVIEW)] + [
        Station(f"review.{name}", servers=opening.servers, discipline=discipline, group=REVIEW)
        for name, opening in openings.items()
    ]
    calendars = {f"review.{name}": opening.calendar for name, opening in openings.items()}
    kind = district.columns.get("kind")
    columns: dict[str, Column] = {}
    if review.newborn_first and isinstance(kind, Coded) and "newborn" in kind.labels:
        columns["_review_priority"] = (~kind.has("newborn")).astype(np.float64)
    priority: str | float = "_review_priority" if columns else 0.0
    return ReviewPart(stations, Journey(REVIEW, _steps(review, priority), channel=False), calendars, columns)


def _steps(review: Review, priority: str | float) -> list[Step]:
    first = "review.first"
    return [
        Visit(INTAKE, service=0.0, name="resubmitted", calls=("submit",)),
        Check(1 - review.duplicate, name="duplicate", failed="known already"),
        Check(review.precheck, name="precheck", passed="first", failed="acceptance"),
        Visit("review.acceptance", review.acceptance.service.build(), name="acceptance", priority=priority),
        _gate(review, "complete", review.incomplete, failure="incomplete", onward="first"),
        Visit(first, review.first.service.build(), name="first", priority=priority),
        _gate(review, "matches", review.mismatch, failure="mismatch", onward="second"),
        Visit("review.second", review.second.service.build(), name="second", priority=priority),
        _gate(review, "approved", review.refused, failure="returned", onward="issued"),
        Mark("reviewed", name="issued"),
        span_delay(review.credential, first, "credential"),
        Return(RESULT, name="result"),
        failed("incomplete papers", label="incomplete", then="returned"),
        failed("data mismatch", label="mismatch", then="returned"),
        Mark("reviewed", name="returned"),
        span_delay(review.notice, first, "notice"),
        Check(1 - review.drop_out, name="corrects", passed="back", failed="withdrawn"),
        Return(CORRECT, name="back"),
        End("withdrawn", name="withdrawn"),
        Mark("reviewed", name="rejected"),
        End("rejected"),
        failed("duplicate", label="known already"),
        Mark("reviewed", name="duplicate found"),
        End("already enrolled"),
    ]


def _gate(review: Review, name: str, fails: float, *, failure: str, onward: str) -> Check:
    """Return an application with all its faults at once, or let it pass; too many corrections are a rejection."""
    return Check(1 - fails, name=name, passed=onward, failed=failure, limit=review.corrections, exceeded="rejected")


def span_delay(span: Span, calendar: str, name: str = "", then: str | None = None) -> Delay:
    """Give the delay of a span: clock time, open time or working days of a calendar."""
    units: dict[str, Literal["time", "open time", "working days"]] = {
        "s": "time",
        "working s": "open time",
        "working days": "working days",
    }
    return Delay(
        span.amount, name=name, unit=units[span.unit], calendar=calendar if span.unit != "s" else "", then=then
    )
