"""Objectives: promises with a threshold, which a run holds or misses."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from canbao.scenario.models import Settings
from canbao.scenario.quantities import Duration, PositiveCount, Share

__all__ = [
    "AbandonmentObjective",
    "DeadlineObjective",
    "NewbornObjective",
    "Objective",
    "ReviewObjective",
    "WaitObjective",
]


class ReviewObjective(Settings):
    """A share of applications is decided within some working days; the day of submission does not count."""

    kind: Literal["review"]
    title: str = Field("", description="What the report calls it.")
    within: PositiveCount = Field(description="Working days.")
    at_least: Share = Field(description="Share of applications decided within them.")
    channels: list[str] = Field([], description="Applications that came through these channels; all if not given.")


class DeadlineObjective(Settings):
    """A share of the families hands in before the collection period ends."""

    kind: Literal["deadline"]
    title: str = Field("", description="What the report calls it.")
    at_least: Share = Field(description="Share of families with a deadline that meet it.")


class WaitObjective(Settings):
    """A share of families waits no longer than this at the stations of a channel."""

    kind: Literal["wait"]
    title: str = Field("", description="What the report calls it.")
    channel: str = Field(description="The channel whose queues are looked at.")
    share: Share = Field(0.9, description="Share of visits, served or not.")
    at_most: Duration = Field(description="Longest wait of that share.")


class AbandonmentObjective(Settings):
    """At most a share of the visits to a channel's stations ends without service."""

    kind: Literal["abandonment"]
    title: str = Field("", description="What the report calls it.")
    channel: str = Field(description="The channel that is looked at.")
    at_most: Share = Field(description="Share of visits that end because patience or room ran out.")


class NewbornObjective(Settings):
    """A share of newborns is enrolled in time to be insured from birth."""

    kind: Literal["newborn"]
    title: str = Field("", description="What the report calls it.")
    at_least: Share = Field(description="Share of newborns' families that came.")


Objective = Annotated[
    ReviewObjective | DeadlineObjective | WaitObjective | AbandonmentObjective | NewbornObjective,
    Field(discriminator="kind"),
]
