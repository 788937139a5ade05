"""The review: what happens to an application in the back office, from acceptance to the electronic credential."""

from __future__ import annotations

from pydantic import Field

from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Count, Share, Span, WorkingSpan
from canbao.scenario.staffing import Staffed

__all__ = ["Review", "Stage"]


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
