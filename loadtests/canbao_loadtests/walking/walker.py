"""The walker: a third interpreter of plans, beside the two engines, in real time and with a deployment.

`canbao_loadtests.walking.turns` says what each step means. Here families come, pause, go on and leave: whoever waits
longer than a moment is an entry on the agenda, and no greenlet.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from functools import partial

from canbao.errors import EngineError
from canbao.trace import ENDINGS
from canbao_loadtests.flow import Status
from canbao_loadtests.walking.book import Book, WalkPart
from canbao_loadtests.walking.calling import Caller, Result
from canbao_loadtests.walking.drawing import Drawn
from canbao_loadtests.walking.journal import Remembered
from canbao_loadtests.walking.places import Member, Places
from canbao_loadtests.walking.reviewing import Reviews
from canbao_loadtests.walking.route import Route
from canbao_loadtests.walking.surroundings import Surroundings
from canbao_loadtests.walking.turns import Turns
from canbao_loadtests.walking.walk import Application, Visit, Waits, Walk

__all__ = ["Walker"]

_SERVED = ENDINGS.index("served")
_STANDS: Mapping[Status, Application] = {"approved": "issued", "returned": "returned", "rejected": "rejected"}
_BLINK_S = 0.001
"""Pauses up to this, in real seconds, are not slept: the loop's clock has no finer steps, and they cost as much."""
_MANY = 10_000
"""A family that does so many steps without a pause goes round in a circle."""


class Walker:
    """Walks families through a plan.

    Parameters
    ----------
    route
        The plan, as a load test walks it.
    drawn
        The luck of the families that come.
    caller
        Asks the deployment.
    around
        Time, the agenda and the journal.
    book
        Where visits and fates are written down.
    """

    def __init__(self, route: Route, drawn: Drawn, caller: Caller, around: Surroundings, book: Book) -> None:
        self.route, self._caller, self._around, self._book = route, caller, around, book
        self.walks: dict[int, Walk] = {}
        """Who is inside."""
        self.stands: Counter[str] = Counter()
        """How many applications stand where."""
        self.stopped = False
        self.moment = around.moment
        """Gives the present moment of the scenario."""
        self._places = Places(route.plan, around.at, self._released)
        self._turns = Turns(route, drawn, caller, self._places, self)
        self._reviews = Reviews(caller, around, self._spread, self._decided)
        self._places.start(self.moment())

    # --- the course of a load test ---

    def begin(self, family: int) -> Walk:
        """Let a family arrive now; it sets out with `go_on`.

        The journal hears of it when it first pauses or does something: until then it has left no trace anywhere.
        """
        walk = Walk(family, int(self.route.plan.first_step[family]), self.moment())
        self.walks[family] = walk
        self.stands[walk.stands] += 1
        return walk

    def turn_away(self, family: int) -> None:
        """Note that a family came and found no place in the load test."""
        self.leave(self.begin(family), self.route.outcomes.index("dropped"))

    def go_on(self, walk: Walk) -> None:
        """Walk on, until the family pauses or leaves.

        Raises
        ------
        EngineError
            When it goes round in a circle in which no time passes.
        StorageError
            When the journal cannot be written; nothing is asked of the deployment that is not in it.
        """
        if self.stopped or walk.waits == "over":
            return
        self._go_from(walk, max(walk.until, self.moment()) if walk.waits else self.moment())

    def resume(self, kept: Mapping[int, Remembered]) -> None:
        """Take over the families of an earlier process: each goes on where it was."""
        for walk, visits in kept.values():
            for visit in visits:
                self._book.visit(walk, visit)
            self.stands[walk.stands] += 1
            if walk.waits == "over":
                self._book.fate(walk)
                continue
            self.walks[walk.family] = walk
            if walk.waits == "review":
                self._reviews.go_on(walk)
            else:
                self._around.at(walk.until if walk.waits else walk.moment, partial(self.go_on, walk))

    def stop(self) -> None:
        """Ask the deployment for nothing more; who is inside stays where it is."""
        self.stopped = self._reviews.stopped = True

    def finish(self) -> WalkPart:
        """Close the book: who is inside is written down as such; to be called once."""
        for walk in self.walks.values():
            self._book.open_review(walk)
            self._book.fate(walk)
        return self._book.part()

    # --- on the way ---

    def _go_from(self, walk: Walk, moment: float) -> None:
        """Walk on from a moment."""
        walk.moment, walk.waits = moment, ""
        try:
            while self._goes_on(walk):
                if walk.moment == moment:
                    name = self.route.plan.step_names[walk.step]
                    raise EngineError(
                        f"family {walk.family} goes round in a circle in which no time passes, at step {name!r}; "
                        "put a Delay into it, or a limit on a Check"
                    )
                moment = walk.moment
        finally:
            self._caller.let_go(walk)

    def _goes_on(self, walk: Walk) -> bool:
        """Take many steps; tell whether there are more to be taken at once."""
        for _ in range(_MANY):
            if self.stopped:
                self._around.keep(walk)
                return False
            channel = self.route.channel_of[walk.step]
            if channel >= 0 and channel != walk.channel and not self._enters(walk, channel):
                self.leave(walk, self.route.outcomes.index("went elsewhere"))
                return False
            onward = self._turns.take(walk)
            if onward is None:
                return False
            walk.step = onward
        return True

    def _enters(self, walk: Walk, channel: int) -> bool:
        """Enter a channel; tell whether it is one that is walked."""
        walk.channel = channel
        if walk.first_channel < 0:
            walk.first_channel = channel
        return self.route.walked[channel]

    # --- what a step may ask for ---

    def visit(self, walk: Walk, visit: Visit) -> None:
        """Write a visit down."""
        self._book.visit(walk, visit)
        walk.visits.append(visit)

    def wait(self, walk: Walk, until: float, then: int, waits: Waits) -> int | None:
        """Let a family wait; give the step at which it goes on if that is at once, else None."""
        pause = self._around.clock.real(until) - self._around.now() if until < self._around.until else math.inf
        if pause <= self._around.pace.short_s:
            if pause > _BLINK_S:
                self._around.sleep(pause)
            walk.moment = max(until, self.moment())
            return then
        walk.step, walk.until, walk.waits = then, until, waits
        self._around.keep(walk)
        self._around.at(until, partial(self.go_on, walk))
        if waits != "page":
            self._end_session(walk)
        return None

    def after(self, moment: float, seconds: float) -> float:
        """Give the moment that is so many real seconds after another one."""
        return self._around.clock.moment(self._around.clock.real(moment) + seconds)

    def stay(self, walk: Walk, waits: Waits) -> None:
        """Let a family wait for others."""
        walk.until, walk.waits = walk.moment, waits
        self._around.keep(walk)
        self._end_session(walk)

    def put_off(self, walk: Walk, result: Result) -> bool:
        """Let a family try the same step again, twice as late each time; False if it has done so often enough."""
        pace = self._around.pace
        if walk.tries >= pace.tries:
            return False
        pause = max(min(pace.retry_s * 2.0**walk.tries, pace.longest_s), result.retry_after_s or 0.0)
        walk.tries += 1
        pause *= 1.0 + 0.25 * self._spread(walk.family, walk.tries)
        walk.until, walk.waits = self._around.clock.moment(self._around.now() + pause), "retry"
        self._around.keep(walk)
        self._around.at(walk.until, partial(self.go_on, walk))
        return True

    def keep(self, walk: Walk) -> None:
        """Write down where a family is."""
        self._around.keep(walk)

    def stand(self, walk: Walk, stands: Application, reason: str = "") -> None:
        """Say where an application stands."""
        self.stands[walk.stands] -= 1
        walk.application, walk.reason = stands, reason
        self.stands[walk.stands] += 1

    def review(self, walk: Walk) -> None:
        """Let a family that has handed in wait for the review."""
        self.stand(walk, "in review")
        walk.waits, walk.tries = "review", 0
        self._around.keep(walk)
        self._reviews.wait(walk)
        self._end_session(walk)

    def leave(self, walk: Walk, outcome: int) -> None:
        """Let a family go for good."""
        if walk.application == "returned":
            self.stand(walk, "withdrawn", self.route.outcomes[outcome])
        walk.outcome, walk.finished, walk.waits = outcome, walk.moment, "over"
        self._around.keep(walk)
        self._book.fate(walk)
        self.walks.pop(walk.family, None)
        self._end_session(walk)

    # --- what comes from elsewhere ---

    def _decided(self, walk: Walk, status: Status, moment: float, reason: str) -> None:
        """Go on with a family whose review is over."""
        if walk.intake is not None:
            attempt, step, entered = walk.intake
            self.visit(walk, (attempt, step, entered, entered, moment, _SERVED))
        walk.intake, walk.step = None, self.route.decisions.step_of(status, reason)
        walk.moment, walk.waits = moment, ""
        self.stand(walk, _STANDS[status], reason)
        self._go_from(walk, moment)

    def _released(self, member: Member, moment: float) -> None:
        """Go on with a family whose batch is complete."""
        walk = member.walk
        self.visit(walk, (walk.attempt(member.step), member.step, member.entered, moment, moment, _SERVED))
        walk.step, walk.until, walk.waits = member.then, moment, "time"
        self._around.keep(walk)
        self._around.at(moment, partial(self.go_on, walk))

    def _end_session(self, walk: Walk) -> None:
        if not walk.told:
            walk.told = True
            self._around.session_over(walk)

    def _spread(self, family: int, number: int) -> float:
        return self.route.plan.luck.uniform("load: spread", family, number)
