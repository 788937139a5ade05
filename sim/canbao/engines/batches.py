"""Batches on the SimPy engine: families gather and go on together."""

from __future__ import annotations

import math

from simpy import Event

from canbao.engines.recorder import Recorder
from canbao.engines.timeline import AT_ONCE, SCHEDULE, Timeline
from canbao.plan import BatchPlan
from canbao.trace import ENDINGS

__all__ = ["Gathering"]

_SERVED = ENDINGS.index("served")


class _Member:
    """One family that waits for the others."""

    __slots__ = ("attempt", "done", "enter", "family", "start", "step")

    def __init__(self, gathering: Gathering, family: int, step: int, attempt: int) -> None:
        self.family = family
        self.step = step
        self.attempt = attempt
        self.enter = gathering.timeline.now
        self.start = math.nan
        self.done = Event(gathering.timeline)


class Gathering:
    """A batch at work."""

    def __init__(self, plan: BatchPlan, index: int, timeline: Timeline, recorder: Recorder) -> None:
        self.plan = plan
        self.index = index
        self.timeline = timeline
        self.recorder = recorder
        self.members: list[_Member] = []
        self.round = 0
        for time in plan.releases:
            self._plan_release(time, None)

    def join(self, family: int, step: int, attempt: int) -> Event:
        """Let a family wait here; give the event that happens when the batch goes on."""
        member = _Member(self, family, step, attempt)
        self.members.append(member)
        if len(self.members) >= self.plan.size:
            self._release()
        elif len(self.members) == 1 and self.plan.max_wait < math.inf:
            self._plan_release(member.enter + self.plan.max_wait, self.round)
        return member.done

    def _plan_release(self, time: float, number: int | None) -> None:
        """Release at `time` whoever is there, or only the round of this number."""
        release = Event(self.timeline)
        release.callbacks = [lambda _: self._release() if number in (None, self.round) else None]
        self.timeline.fire(release, time, SCHEDULE, self.index)

    def _release(self) -> None:
        self.round += 1
        members, self.members = self.members, []
        for member in members:
            member.start = self.timeline.now
            self.recorder.visit(member, member.start, _SERVED)
            self.timeline.fire(member.done, member.start, AT_ONCE, member.family)

    def finish(self) -> None:
        """Record who is still waiting at the end of the horizon."""
        for member in self.members:
            self.recorder.visit(member, math.nan, len(ENDINGS) - 1)
