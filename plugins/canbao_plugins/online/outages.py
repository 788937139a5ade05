"""Outages: hours in which nothing works, and what families do meanwhile."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

from pydantic import Field, field_validator

from canbao.calendar import Horizon, Interval
from canbao.scenario.models import Settings
from canbao.scenario.quantities import Duration, MisfitError, PositiveDuration
from canbao.schedule import Schedule

__all__ = ["Outage", "check_order", "down_s", "slots_over_time"]

_STEPS = 4
"""In how many steps the slots come back."""


class Outage(Settings):
    """Hours in which every request fails."""

    start: dt.datetime = Field(description="When it begins, local time.")
    lasts: PositiveDuration = Field(description="Time in which every request fails.")
    recovery: Duration = Field(
        0.0, description="Time after that in which the slots come back, a quarter at once, then quarter by quarter."
    )

    @field_validator("start")
    @classmethod
    def _local(cls, start: dt.datetime) -> dt.datetime:
        if start.tzinfo is not None:
            raise MisfitError("has a time zone", allowed="local time without one, such as 2025-12-31T10:00:00")
        return start

    @property
    def over(self) -> dt.datetime:
        """The moment at which all slots are back."""
        return self.start + dt.timedelta(seconds=self.lasts + self.recovery)


def check_order(outages: Sequence[Outage]) -> None:
    """See that each outage is over before the next one in the file begins.

    Raises
    ------
    MisfitError
        Naming the outage that begins too early.
    """
    for number in range(1, len(outages)):
        before = outages[number - 1]
        if outages[number].start < before.over:
            raise MisfitError(
                "begins before the one above it is over",
                allowed=f"outages in order; the one before is over at {before.over}",
                below=(number, "start"),
            )


def down_s(outages: Sequence[Outage], horizon: Horizon) -> list[Interval]:
    """Give from when to when every request fails, in seconds."""
    starts = [(horizon.seconds(outage.start), outage.lasts) for outage in outages]
    return [(start, start + lasts) for start, lasts in starts]


def slots_over_time(slots: int, outages: Sequence[Outage], horizon: Horizon) -> Schedule:
    """Give the number of slots: none in an outage, then step by step all of them."""
    changes = {0.0: float(slots)}
    for outage, (start, end) in zip(outages, down_s(outages, horizon), strict=True):
        # Without a recovery all steps fall on one moment, and the last word holds.
        back = {
            end + outage.recovery * step / (_STEPS - 1): float(math.ceil(slots * (step + 1) / _STEPS))
            for step in range(_STEPS)
        }
        for moment, count in ({start: 0.0} | back).items():
            # What happened before the horizon counts by how it left things.
            changes[max(moment, 0.0)] = count
    return Schedule(list(changes), list(changes.values()))
