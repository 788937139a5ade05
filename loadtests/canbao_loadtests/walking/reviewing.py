"""Waiting for the review: each application is a record that is looked at now and again, until it is decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from canbao.calendar import Horizon
from canbao_loadtests.flow import STATUSES, Status
from canbao_loadtests.walking.calling import Caller, Result
from canbao_loadtests.walking.surroundings import Surroundings
from canbao_loadtests.walking.walk import Walk

__all__ = ["Decided", "Reviews", "moment_in"]

_NEAR_S = 5.0
"""Real seconds by which the clock of a deployment may differ from ours."""
_SHANGHAI = dt.timezone(dt.timedelta(hours=8))

Decided = Callable[[Walk, Status, float, str], None]
"""Is told of a walk what was decided, at which moment, and why."""


def moment_in(horizon: Horizon | None, said: Any) -> float | None:
    """Read a moment that a deployment tells: seconds since the first midnight, or a date and time; else None."""
    if isinstance(said, int | float) and not isinstance(said, bool):
        return float(said)
    if horizon is None or not isinstance(said, str):
        return None
    try:
        told = dt.datetime.fromisoformat(said)
    except ValueError:
        return None
    return horizon.seconds(told.astimezone(_SHANGHAI).replace(tzinfo=None) if told.tzinfo else told)


class Reviews:
    """The applications in review.

    Parameters
    ----------
    caller
        Asks how an application stands.
    around
        Time and dates.
    spread
        Gives a number from 0 to 1 for a family at its n-th look, so that not all look at once.
    decided
        Is told of decisions.
    """

    def __init__(
        self, caller: Caller, around: Surroundings, spread: Callable[[int, int], float], decided: Decided
    ) -> None:
        self._caller, self._around, self._spread, self._decided = caller, around, spread, decided
        self.stopped = False

    def wait(self, walk: Walk, factor: float = 1.0, least_s: float = 0.0) -> None:
        """Look at an application after some times `poll_s`, give or take a quarter, and not before `least_s`."""
        walk.looks += 1
        pause = self._around.pace.poll_s * factor * (0.75 + 0.5 * self._spread(walk.family, walk.looks))
        self._around.later(max(pause, least_s), lambda: self.look(walk))

    def go_on(self, walk: Walk) -> None:
        """Look at an application of an earlier process some time soon."""
        walk.looks += 1
        self._around.later(self._around.pace.poll_s * self._spread(walk.family, walk.looks), lambda: self.look(walk))

    def look(self, walk: Walk) -> None:
        """Ask how an application stands; go on with the family if it is decided, else look again later."""
        if self.stopped or walk.waits != "review":
            return
        try:
            result = self._caller.look(walk)
        finally:
            self._caller.let_go(walk)
        status = result.outputs.get("status") if result.how == "done" else None
        if status in STATUSES and status != "in review":
            walk.tries = 0
            self._decided(walk, status, self._when(walk, result), str(result.outputs.get("reason") or ""))
        else:
            self._again(walk, result)

    def _again(self, walk: Walk, result: Result) -> None:
        """Look again; more and more rarely while looks fail."""
        walk.tries = 0 if result.how == "done" else walk.tries + 1
        factor = min(2.0 ** min(walk.tries, 30), self._around.pace.slowest)
        self.wait(walk, factor, result.retry_after_s or 0.0)

    def _when(self, walk: Walk, result: Result) -> float:
        """Give the moment of a decision: as the deployment says, else now.

        A deployment whose clock is near ours may be some moments off. One that is further off has a calendar of its
        own, in which its word means nothing here.
        """
        now, near = self._around.moment(), _NEAR_S * self._around.clock.speed
        told = moment_in(self._around.horizon, result.outputs.get("decided_at"))
        assert walk.intake is not None  # it is in review
        entered = walk.intake[2]
        if told is None or not entered - near <= told <= now + near:
            return now
        return min(max(told, entered), now)
