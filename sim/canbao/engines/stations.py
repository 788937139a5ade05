"""Stations on the SimPy engine: queue, servers, doors.

`simpy.Resource` knows neither opening hours nor rooms, and `simpy.PriorityResource` sorts its whole queue at every
request; so a station is a class of ours, on SimPy's events, whose queue is a heap: O(log n) however long it is.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from simpy import Event

from canbao.engines.timeline import AT_ONCE, DEPARTURE, PATIENCE, SCHEDULE, Timeline
from canbao.plan import StationPlan
from canbao.trace import ENDINGS

if TYPE_CHECKING:
    from canbao.engines.recorder import Recorder

__all__ = ["ABANDONED", "BAULKED", "CLOSED", "FULL", "SENT_HOME", "SERVED", "Desk", "Ticket"]

SERVED, ABANDONED, BAULKED, FULL, CLOSED, SENT_HOME, _ = range(len(ENDINGS))


class Ticket:
    """One stay of one family at one station."""

    __slots__ = ("attempt", "desk", "done", "enter", "family", "holding", "patience", "service", "start", "step", "waits")

    def __init__(
        self, desk: Desk, family: int, step: int, attempt: int, service: float, patience: float, holding: Ticket | None
    ) -> None:
        self.desk = desk
        self.family = family
        self.step = step
        self.attempt = attempt
        self.service = service
        self.patience = patience
        self.holding = holding
        """The ticket whose server the family still occupies until it is let in here."""
        self.done = Event(desk.timeline)
        """Happens when the service is over or the family gives up; its value says which."""
        self.enter = self.start = math.nan
        self.waits = False


class Desk:
    """A station at work: who waits, who is served, how many serve."""

    def __init__(
        self,
        plan: StationPlan,
        index: int,
        timeline: Timeline,
        recorder: Recorder,
        order: Callable[[Desk, Ticket, float], float],
    ) -> None:
        self.plan = plan
        self.index = index
        self.timeline = timeline
        self.recorder = recorder
        self.order = order
        """The key of a ticket in the queue, from its priority; the smallest goes first, then the one that came first."""
        self.queue: list[tuple[float, int, Ticket]] = []
        self.outside: deque[tuple[Ticket, float]] = deque()
        """Those who wait at the door of a full room, with their priorities."""
        self.waiting = self.inside = self.busy = self.starts = 0
        self.servers, self.open = plan.changes[0].servers, plan.changes[0].open
        self.staying = 0.0
        """Servers who stay after closing until all who are inside are served."""
        self.busy_s = self.staffed_s = self.since = 0.0
        self.entered = 0
        self.present: dict[Ticket, None] = {}
        self._plan_change(1)

    # --- families come ---

    def turns_away(self, baulk_at: float, holding: Ticket | None) -> int | None:
        """Tell how a visit ends that cannot begin (CLOSED, FULL, BAULKED), or None if the family may come."""
        if not self.open:
            return CLOSED
        if not self.plan.blocks and not self._has_room(holding):
            return FULL
        # Whoever is served at once does not meet a queue.
        return BAULKED if self.waiting >= baulk_at and not self._idle() else None

    def arrive(self, ticket: Ticket, priority: float) -> None:
        """Let a family in, or let it wait at the door until there is room."""
        if self._has_room(ticket.holding) and not self.outside:
            self._admit(ticket, priority)
        else:
            self.outside.append((ticket, priority))

    def _has_room(self, holding: Ticket | None) -> bool:
        """A family that comes from this very station does not stand in its own way."""
        own = 1 if holding is not None and holding.desk is self else 0
        return self.inside - own < self.plan.room

    def _idle(self) -> bool:
        return self.busy < self._on_duty() and not self.waiting

    def _on_duty(self) -> float:
        return max(self.servers, self.staying) if self.waiting else self.servers

    def _admit(self, ticket: Ticket, priority: float) -> None:
        ticket.enter = self.timeline.now
        self.inside += 1
        self.present[ticket] = None
        if self._idle():
            self._start(ticket)
        else:
            self._wait(ticket, priority)
        if ticket.holding is not None:
            left, ticket.holding = ticket.holding, None
            left.desk.release(left)

    def _wait(self, ticket: Ticket, priority: float) -> None:
        self._account()
        ticket.waits = True
        self.waiting += 1
        self.entered += 1
        heappush(self.queue, (self.order(self, ticket, priority), self.entered, ticket))
        if ticket.patience < math.inf:
            tired = Event(self.timeline)
            tired.callbacks = [lambda _: self._give_up(ticket, ABANDONED)]
            self.timeline.fire(tired, ticket.enter + ticket.patience, PATIENCE, ticket.family)

    # --- families are served ---

    def _start(self, ticket: Ticket) -> None:
        self._account()
        ticket.start = self.timeline.now
        self.busy += 1
        self.starts += 1
        self.timeline.fire(ticket.done, ticket.start + ticket.service, DEPARTURE, ticket.family, SERVED)

    def _start_next(self) -> None:
        while self.waiting and self.busy < self._on_duty():
            ticket = heappop(self.queue)[2]
            if ticket.waits:
                self._account()
                ticket.waits = False
                self.waiting -= 1
                self._start(ticket)

    def release(self, ticket: Ticket) -> None:
        """Let a family that was served go, and its server take the next one."""
        self._account()
        self.busy -= 1
        self._leave(ticket, SERVED)

    def _give_up(self, ticket: Ticket, ended: int) -> None:
        """Let a family go that still waits; whoever is being served by now stays."""
        if not ticket.waits:
            return
        self._account()
        ticket.waits = False
        self.waiting -= 1
        self._leave(ticket, ended)
        self.timeline.fire(ticket.done, self.timeline.now, AT_ONCE, ticket.family, ended)

    def _leave(self, ticket: Ticket, ended: int) -> None:
        self.inside -= 1
        del self.present[ticket]
        self.recorder.visit(ticket, self.timeline.now, ended)
        while self.outside and self._has_room(self.outside[0][0].holding):
            self._admit(*self.outside.popleft())
        self._start_next()

    # --- the day goes by ---

    def _plan_change(self, number: int) -> None:
        """Let the next change of staff or doors happen at its time."""
        if number < len(self.plan.changes):
            change = Event(self.timeline)
            change.callbacks = [lambda _: self._change(number)]
            self.timeline.fire(change, self.plan.changes[number].time, SCHEDULE, self.index)

    def _change(self, number: int) -> None:
        self._account()
        change, before, was_open = self.plan.changes[number], self._on_duty(), self.open
        self.servers, self.open = change.servers, change.open
        if self.open:
            self.staying = 0.0
        elif was_open:
            self._close(before)
        self._start_next()
        self._plan_change(number + 1)

    def _close(self, before: float) -> None:
        """Shut the doors: those inside are served by the servers of this moment, sent home, or kept."""
        if self.plan.closing == "keep":
            return
        while self.outside:
            self._turn_away(self.outside.popleft()[0])
        if self.plan.closing == "serve" and before > 0:
            self.staying = before
        else:
            for ticket in [t for t in self.present if t.waits]:
                self._give_up(ticket, SENT_HOME)

    def _turn_away(self, ticket: Ticket) -> None:
        ticket.enter = self.timeline.now
        self.recorder.visit(ticket, ticket.enter, CLOSED)
        self.timeline.fire(ticket.done, ticket.enter, AT_ONCE, ticket.family, CLOSED)

    def _account(self) -> None:
        """Add up server time until now, before anything changes."""
        now = self.timeline.now
        if now > self.since:
            self.busy_s += self.busy * (now - self.since)
            self.staffed_s += max(self._on_duty(), self.busy) * (now - self.since)
            self.since = now

    def finish(self) -> None:
        """Close the books at the end of the horizon, and record who is still inside."""
        self._account()
        for ticket in self.present:
            self.recorder.visit(ticket, math.nan, len(ENDINGS) - 1)
