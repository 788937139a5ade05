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

SERVED, ABANDONED, BAULKED, FULL, CLOSED, SENT_HOME, _INSIDE = range(len(ENDINGS))


class Ticket(Event):
    """One stay of one family at one station, and the event that it is over; the event's value says how it ended."""

    __slots__ = ("attempt", "desk", "enter", "family", "holding", "patience", "service", "start", "step", "waits")

    def __init__(  # noqa: PLR0913, PLR0917 - it is made once for each visit, and keywords cost a tenth more
        self,
        desk: Desk,
        family: int,
        step: int,
        attempt: int,
        service: float,
        patience: float,
        holding: Ticket | None,
    ) -> None:
        super().__init__(desk.timeline)
        self.desk = desk
        self.family = family
        self.step = step
        self.attempt = attempt
        self.service = service
        self.patience = patience
        self.holding = holding
        """The ticket whose server the family still occupies until it is let in here."""
        self.enter = self.start = math.nan
        self.waits = False


class Board:
    """What a station publishes: its state just before each multiple of an interval.

    It is renewed when it is looked at or when the state is about to change, which comes to the same and needs no event.
    """

    def __init__(self, interval_s: float, desk: Desk) -> None:
        self.interval_s = interval_s
        self.desk = desk
        self.issue = 0
        self.inside, self.servers = desk.inside, desk.servers

    def renew(self) -> None:
        """Show the present state if a publication was due since the last change."""
        issue = int(self.desk.timeline.now // self.interval_s)
        if issue > self.issue:
            self.issue = issue
            self.inside, self.servers = self.desk.inside, self.desk.servers


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
        """The key of a ticket in the queue, from its priority; the smallest goes first, then who came first."""
        self.queue: list[tuple[float, int, Ticket]] = []
        self.outside: deque[tuple[Ticket, float]] = deque()
        """Those who wait at the door of a full room, with their priorities."""
        self.present: dict[Ticket, None] = {}
        self.waiting = self.inside = self.busy = self.starts = self.queued = 0
        self.open, self.servers = plan.changes[0].open, plan.changes[0].servers
        self.duty = self.servers
        """How many may serve: the servers of the schedule, or those who stay after closing while anybody waits."""
        self.staying = 0.0
        """The servers of the moment of closing, who stay while anybody waits."""
        self.busy_s = self.staffed_s = self.since = 0.0
        self.boards: list[Board] = []
        self._plan_change(1)

    # --- what can be seen from outside ---

    def publish(self, interval_s: float) -> None:
        """Keep a board that shows the state once in so many seconds."""
        if all(board.interval_s != interval_s for board in self.boards):
            self.boards.append(Board(interval_s, self))

    def seen(self, published_s: float) -> tuple[int, float]:
        """Give how many are inside and how many serve: now, or as the board of this interval shows it."""
        if not published_s:
            return self.inside, self.servers
        board = next(board for board in self.boards if board.interval_s == published_s)
        board.renew()
        return board.inside, board.servers

    def _renew_boards(self) -> None:
        """Publish what is due, before the number of those inside or of servers changes."""
        for board in self.boards:
            board.renew()

    # --- families come ---

    def come(self, ticket: Ticket, priority: float, baulk_at: float) -> int | None:
        """Let a family in, or let it wait at the door of a full room; or turn it away: CLOSED, FULL or BAULKED."""
        ticket.enter = self.timeline.now
        has_room = self.inside < self.plan.room or self._makes_room(ticket)
        if not self.open:
            return self._turn_away(ticket, CLOSED)
        if not has_room and not self.plan.blocks:
            return self._turn_away(ticket, FULL)
        # Whoever is served at once does not meet a queue.
        if self.waiting >= baulk_at and (self.waiting or self.busy >= self.duty):
            return self._turn_away(ticket, BAULKED)
        if has_room and (not self.outside or self._makes_room(ticket)):
            self._admit(ticket, priority)
        else:
            self.outside.append((ticket, priority))
        return None

    def _turn_away(self, ticket: Ticket, ended: int) -> int:
        """Let a family go that is not let in; it does not keep the server that it comes from."""
        self._let_go(ticket)
        self.recorder.visit(ticket, ticket.enter, ended)
        return ended

    def _let_go(self, ticket: Ticket) -> None:
        """Free the server that the family comes from."""
        held, ticket.holding = ticket.holding, None
        if held is not None:
            held.desk.release(held)

    def _makes_room(self, ticket: Ticket) -> bool:
        """Tell whether the family comes from this very station: it does not stand in its own way."""
        held = ticket.holding
        return held is not None and held.desk is self and self.inside <= self.plan.room

    def _admit(self, ticket: Ticket, priority: float) -> None:
        ticket.enter = self.timeline.now
        if self.boards:
            self._renew_boards()
        self.inside += 1
        self.present[ticket] = None
        if self.busy < self.duty and not self.waiting:
            self._account()
            self._start(ticket)
        else:
            self._wait(ticket, priority)
        if ticket.holding is not None:
            self._let_go(ticket)

    def _wait(self, ticket: Ticket, priority: float) -> None:
        ticket.waits = True
        self.waiting += 1
        self.queued += 1
        heappush(self.queue, (self.order(self, ticket, priority), self.queued, ticket))
        if ticket.patience < math.inf:
            tired = Event(self.timeline)
            tired.callbacks = [lambda _: self._give_up(ticket, ABANDONED)]
            self.timeline.fire(tired, ticket.enter + ticket.patience, PATIENCE, ticket.family)

    # --- families are served ---

    def _start(self, ticket: Ticket) -> None:
        """Begin a service; the books are up to date."""
        now = ticket.start = self.timeline.now
        self.busy += 1
        self.starts += 1
        self.timeline.fire(ticket, now + ticket.service, DEPARTURE, ticket.family, SERVED)

    def _start_next(self) -> None:
        while self.waiting and self.busy < self.duty:
            ticket = heappop(self.queue)[2]
            if ticket.waits:
                self._stop_waiting(ticket)
                self._start(ticket)

    def _stop_waiting(self, ticket: Ticket) -> None:
        ticket.waits = False
        self.waiting -= 1
        if not self.waiting and self.duty != self.servers:
            # Those who stayed after closing go when nobody waits any more, each with the family in hand.
            self.duty = self.servers

    def release(self, ticket: Ticket) -> None:
        """Let a family that was served go, and its server take the next one."""
        self._account()
        self.busy -= 1
        self._leave(ticket, SERVED)

    def _give_up(self, ticket: Ticket, ended: int) -> None:
        """Let a family go that still waits; whoever is being served by now stays."""
        if ticket.waits:
            self._account()
            self._stop_waiting(ticket)
            self._leave(ticket, ended)
            self.timeline.fire(ticket, self.timeline.now, AT_ONCE, ticket.family, ended)

    def _leave(self, ticket: Ticket, ended: int) -> None:
        if self.boards:
            self._renew_boards()
        self.inside -= 1
        del self.present[ticket]
        self.recorder.visit(ticket, self.timeline.now, ended)
        while self.outside and (self.inside < self.plan.room or self._makes_room(self.outside[0][0])):
            self._admit(*self.outside.popleft())
        if self.waiting:
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
        if self.boards:
            self._renew_boards()
        change, before, was_open = self.plan.changes[number], self.duty, self.open
        self.servers, self.open = change.servers, change.open
        if self.open:
            self.staying = 0.0
        elif was_open and self.plan.closing == "serve":
            self.staying = before
        if was_open and not self.open:
            self._close()
        self.duty = max(self.servers, self.staying) if self.waiting else self.servers
        self._start_next()
        self._plan_change(number + 1)

    def _close(self) -> None:
        """Shut the doors: turn away those at the door, and send home those inside whom nobody is to serve."""
        # Whoever is turned away frees a server elsewhere, and that may free one here: nobody is let in any more.
        outside, self.outside = self.outside, deque()
        for ticket, _ in outside:
            ticket.enter = self.timeline.now
            self.timeline.fire(ticket, ticket.enter, AT_ONCE, ticket.family, self._turn_away(ticket, CLOSED))
        nobody_stays = self.plan.closing == "serve" and not max(self.servers, self.staying)
        if self.plan.closing == "send home" or nobody_stays:
            for ticket in [ticket for ticket in self.present if ticket.waits]:
                self._give_up(ticket, SENT_HOME)

    def _account(self) -> None:
        """Add up server time until now, before the number of servers or of those at work changes."""
        now = self.timeline.now
        passed = now - self.since
        if passed:
            self.busy_s += self.busy * passed
            # A server whose shift is over is on duty until the family in hand is served.
            self.staffed_s += (self.duty if self.duty > self.busy else self.busy) * passed
            self.since = now

    def finish(self) -> None:
        """Close the books at the end of the horizon, and record who is still inside."""
        self._account()
        for ticket in self.present:
            self.recorder.visit(ticket, math.nan, _INSIDE)
