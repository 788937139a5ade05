"""The hotline: agents who answer families, relieve them of their question or send them on; nobody hands in there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

import canbao
from canbao.district import ELSEWHERE, GIVE_UP, District, Part
from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE
from canbao.scenario.quantities import Count, PositiveCount, Share
from canbao.scenario.staffing import Staffed
from canbao_plugins.referral import ADVISED, way_to

__all__ = ["Hotline"]


class Hotline(Staffed):
    """A hotline: who is relieved knows what it needs and finishes elsewhere."""

    online: ClassVar[bool] = False
    hands_in: ClassVar[bool] = False
    advises: ClassVar[bool] = True

    kind: Literal["hotline"]
    talk: RandomDuration = Field(
        default_factory=lambda: lognormal(240.0, 0.8), description="Time of one call.", json_schema_extra=ESTIMATE
    )
    lines: PositiveCount | None = Field(
        None, description="Callers that can be connected, talking included; one more hears it is busy. None: no limit."
    )
    patience: RandomDuration = Field(
        default_factory=lambda: lognormal(400.0, 1.0),
        description="How long a caller waits before it hangs up; 400 s in the mean in call centres.",
        json_schema_extra={"grade": "D"},
    )
    baulk_at: PositiveCount | None = Field(
        None,
        description="Number of waiting callers for each agent at which a caller hangs up at once; never if not given.",
    )
    call_again: Share = Field(
        0.6,
        description="Share of those not answered that calls again; the others go to another channel at once.",
        json_schema_extra=ESTIMATE,
    )
    call_again_after: RandomDuration = Field(
        default_factory=lambda: lognormal(1_800.0, 1.0), description="Time until it does.", json_schema_extra=ESTIMATE
    )
    calls: Count = Field(
        5, description="How often a family is not answered before it gives up for now.", json_schema_extra=ESTIMATE
    )
    relieved: Share = Field(
        0.7,
        description="Share of calls that answer the question: the family then knows which papers it needs and how to "
        "log in.",
        json_schema_extra=ESTIMATE,
    )
    relieved_goes_to: str | None = Field(
        None, description="Channel in which a relieved family finishes, such as the portal; by preference if not given."
    )
    sends_on_to: str | None = Field(
        None, description="Channel to which all other callers are sent; by their preference if not given."
    )

    def build(self, name: str, district: District) -> Part:
        """Give the agents and the way through a call."""
        opening = self.opening(district)
        agents = canbao.Station(
            name, servers=opening.servers, doors=opening.doors, closing="serve", room=self.lines or math.inf
        )
        return Part([agents], list(self._call(name, district)), queue=name, calendars={name: opening.calendar})

    def _call(self, name: str, district: District) -> Iterator[canbao.Step]:
        """Call in opening hours, wait, talk, and go on to where one can enrol."""
        # Spread over the day: whoever finds the line closed does not call in its first second.
        yield canbao.Await(name, at=canbao.Uniform(0.0, 1.0), name="opening hours")
        yield canbao.Visit(
            name,
            self.talk.build(),
            name="call",
            patience=self.patience.build(),
            baulk_at=math.inf if self.baulk_at is None else self.baulk_at * max(1, self.staff),
            served="answer",
            abandoned="not answered",
            baulked="not answered",
            full="not answered",
            closed="opening hours",
        )
        # Counted first, so that two hotlines without a free line cannot send a family to and fro for ever.
        yield canbao.Check(0.0, name="not answered", failed="persists", limit=self.calls, exceeded=GIVE_UP)
        yield canbao.Check(self.call_again, name="persists", passed="later", failed=ELSEWHERE)
        yield canbao.Delay(self.call_again_after.build(), name="later", then="opening hours")
        yield canbao.Check(self.relieved, name="answer", passed="relieved", failed="sent on")
        yield canbao.Mark(ADVISED, name="relieved", first=True)
        yield canbao.Go(self._way(self.relieved_goes_to, name, "relieved_goes_to", district))
        yield canbao.Go(self._way(self.sends_on_to, name, "sends_on_to", district), name="sent on")

    def _way(self, channel: str | None, name: str, key: str, district: District) -> str:
        return way_to(channel, district, key=f"channels.{name}.{key}", otherwise=ELSEWHERE)
