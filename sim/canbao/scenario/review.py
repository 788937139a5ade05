"""The review: what happens to an application in the back office, from acceptance to the electronic credential."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from canbao.calendar import Calendar
from canbao.columns import Coded, Column
from canbao.district import CORRECT, District
from canbao.network import Before, Check, Delay, End, Journey, Mark, Return, Station, Step, Visit
from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Count, Share, Span, WorkingSpan
from canbao.scenario.staffing import Staffed

__all__ = ["ENROLLED", "INTAKE", "REVIEW", "Review", "ReviewPart", "Stage", "span_delay"]

REVIEW = "review"
"""The journey of the review, and the group of its stations."""
INTAKE = "review.intake"
"""Where each round of review begins: an application enters it when it is handed in, and again after each correction."""
ENROLLED = "enrolled"
"""The outcome that everybody hopes for."""


class Stage(Staffed):
    """One desk of the review."""

    service: RandomDuration = Field(
        default_factory=lambda: lognormal(240.0, 0.6),
        description="Time for one application, by one clerk.",
        json_schema_extra=ESTIMATE,
    )


class Review(Settings):
    """The back office: acceptance, first review with entry, second review by another person."""

    acceptance: Stage = Field(description="Formal check: complete, legible, the right place.")
    first: Stage = Field(description="First review and entry of the data.")
    second: Stage = Field(description="Second review, by another person.")
    precheck: Share = Field(
        0.3,
        description="Share of applications that an automatic check accepts, so that no clerk does.",
        json_schema_extra=ESTIMATE,
    )
    incomplete: Share = Field(
        0.02,
        description="Share that acceptance returns because papers are missing or illegible.",
        json_schema_extra=ESTIMATE,
    )
    mismatch: Share = Field(
        0.03, description="Share that does not match police or insurance records.", json_schema_extra=ESTIMATE
    )
    refused: Share = Field(0.005, description="Share that the second review returns.", json_schema_extra=ESTIMATE)
    duplicate: Share = Field(
        0.01,
        description="Share that turns out to be enrolled already; the application ends.",
        json_schema_extra=ESTIMATE,
    )
    corrections: Count = Field(
        3, description="How often an application may be corrected at each desk.", json_schema_extra=ESTIMATE
    )
    drop_out: Share = Field(
        0.03, description="Share of families that do not correct a returned application.", json_schema_extra=ESTIMATE
    )
    newborn_first: bool = Field(True, description="Whether newborns' applications are taken first.")
    notice: WorkingSpan = Field(
        Span(600.0, "s"), description="Time until the family learns the result.", json_schema_extra=ESTIMATE
    )
    credential: WorkingSpan = Field(
        Span(600.0, "s"), description="Time from approval to the electronic credential.", json_schema_extra=ESTIMATE
    )

    def stages(self) -> dict[str, Stage]:
        """Give the desks by name, in their order."""
        return {"acceptance": self.acceptance, "first": self.first, "second": self.second}

    def build(self, district: District) -> ReviewPart:
        """Give the review's stations, journey and calendars."""
        openings = {name: stage.opening(district) for name, stage in self.stages().items()}
        discipline: Literal["priority", "fifo"] = "priority" if self.newborn_first else "fifo"
        stations = [Station(INTAKE, servers=math.inf, group=REVIEW)] + [
            Station(f"review.{name}", servers=opening.servers, discipline=discipline, group=REVIEW)
            for name, opening in openings.items()
        ]
        calendars = {f"review.{name}": opening.calendar for name, opening in openings.items()}
        kind = district.columns.get("kind")
        columns: dict[str, Column] = {}
        if self.newborn_first and isinstance(kind, Coded) and "newborn" in kind.labels:
            columns["_review_priority"] = (~kind.has("newborn")).astype(np.float64)
        priority: str | float = "_review_priority" if columns else 0.0
        return ReviewPart(stations, Journey(REVIEW, self._steps(priority), channel=False), calendars, columns)

    def _steps(self, priority: str | float) -> list[Step]:
        first = "review.first"
        return [
            # Only who hands in for the first time must be in time; a channel without a way to correct begins anew.
            Check(0.0, name="handed in", failed="deadline", limit=1, exceeded="resubmitted"),
            Before("deadline_s", name="deadline", late="late"),
            Mark("submitted"),
            Visit(INTAKE, service=0.0, name="resubmitted"),
            Check(1 - self.duplicate, name="duplicate", failed="duplicate found"),
            Check(self.precheck, name="precheck", passed="first", failed="acceptance"),
            Visit("review.acceptance", self.acceptance.service.build(), name="acceptance", priority=priority),
            self._gate("complete", self.incomplete, "first"),
            Visit(first, self.first.service.build(), name="first", priority=priority),
            self._gate("matches", self.mismatch, "second"),
            Visit("review.second", self.second.service.build(), name="second", priority=priority),
            self._gate("approved", self.refused, "issued"),
            Mark("reviewed", name="issued"),
            span_delay(self.credential, first, "credential"),
            End(ENROLLED),
            Mark("reviewed", name="returned"),
            span_delay(self.notice, first, "notice"),
            Check(1 - self.drop_out, name="corrects", passed="back", failed="withdrawn"),
            Return(CORRECT, name="back"),
            End("withdrawn", name="withdrawn"),
            Mark("reviewed", name="rejected"),
            End("rejected"),
            Mark("reviewed", name="duplicate found"),
            End("already enrolled"),
            End("too late", name="late"),
        ]

    def _gate(self, name: str, fails: float, onward: str) -> Check:
        """Return an application with all its faults at once, or let it pass; too many corrections are a rejection."""
        return Check(
            1 - fails, name=name, passed=onward, failed="returned", limit=self.corrections, exceeded="rejected"
        )


@dataclass(frozen=True)
class ReviewPart:
    """The review's piece of the network."""

    stations: Sequence[Station]
    journey: Journey
    calendars: dict[str, Calendar]
    columns: dict[str, Column]


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
