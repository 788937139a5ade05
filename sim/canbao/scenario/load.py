"""The load test: which part of the scenario a deployment is to meet, how fast, and what a run must not do."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from canbao.calendar import Horizon
from canbao.scenario.models import Settings
from canbao.scenario.quantities import (
    Amount,
    Duration,
    MisfitError,
    PositiveAmount,
    PositiveCount,
    PositiveDuration,
    Share,
)

__all__ = ["Load"]

# A union of its own order: a date-time is a date to Python, and must stay what it is.
_Moment = Annotated[dt.datetime | dt.date, Field(union_mode="left_to_right")]


class Load(Settings):
    """What `canbao load` sends to a deployment; a simulation does not look at it."""

    start: _Moment | None = Field(
        None, description="When the period begins; two days before the busiest day of the online channels if not given."
    )
    end: _Moment | None = Field(
        None, description="Its last date, or the moment at which it ends; the busiest day if not given."
    )
    duration: PositiveDuration = Field(600.0, description="Real time that the period takes.")
    drain: Duration = Field(300.0, description="Real time after it in which decisions are waited for.")
    channels: list[str] = Field([], description="Channels whose families come; all online ones if not given.")
    families: PositiveCount | None = Field(
        None, description="How many of the period's families come, drawn by chance; all of them if not given."
    )
    limit: PositiveCount = Field(1_000, description="How many families may be in a session at once.")
    when_full: Literal["queue", "drop"] = Field(
        "queue", description="What becomes of one more: it waits, which counts, or it is dropped, which counts too."
    )
    timeout: PositiveDuration = Field(30.0, description="Real time after which a request has failed.")
    poll: PositiveDuration = Field(10.0, description="Real time between two looks at an application in review.")
    max_rate: Amount = Field(0.0, description="Requests a real second that are never exceeded; 0 for no such limit.")
    dispatch_budget: PositiveDuration = Field(
        0.05,
        description="The generator's own delay, 99th percentile, over which a run says nothing about the deployment.",
    )
    error_budget: Share = Field(0.5, description="Share of failed requests over which the test stops; 1 never does.")
    paper_kb: PositiveAmount = Field(
        200.0, description="Size of the picture of a paper, in kilobytes.", ge=1, le=10_000
    )
    reviewers: Literal["deployment", "people"] = Field(
        "deployment", description="Who reviews: the deployment by itself, or people over HTTP, whom the test plays."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for key, moment in (("start", self.start), ("end", self.end)):
            if isinstance(moment, dt.datetime) and moment.tzinfo is not None:
                raise MisfitError("has a time zone", allowed="local time, as 2025-12-31T10:00:00", below=(key,))
        if self.start is not None and self.end is not None and not _first(self.start) < _last(self.end):
            raise MisfitError("is not after the start", allowed="a moment after start", below=("end",))
        return self

    def start_s(self, horizon: Horizon) -> float | None:
        """Give the moment at which the period begins, in seconds since the first midnight; None if none is named."""
        return None if self.start is None else horizon.seconds(_first(self.start))

    def end_s(self, horizon: Horizon) -> float | None:
        """Give the moment at which it ends, a last date included; None if none is named."""
        return None if self.end is None else horizon.seconds(_last(self.end))


def _first(moment: dt.date) -> dt.datetime:
    return moment if isinstance(moment, dt.datetime) else dt.datetime.combine(moment, dt.time())


def _last(moment: dt.date) -> dt.datetime:
    return moment if isinstance(moment, dt.datetime) else _first(moment) + dt.timedelta(days=1)
