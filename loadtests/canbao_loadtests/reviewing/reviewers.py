"""Reviewers who take applications, work on them, and decide."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import gevent
from gevent.event import Event
from gevent.lock import Semaphore

from canbao.errors import InputError
from canbao.luck import Luck
from canbao_loadtests.clock import LoadClock
from canbao_loadtests.http.messages import Browser
from canbao_loadtests.reviewing.desks import ReviewDesk
from canbao_loadtests.targets.target import Answer, Session, Target

__all__ = ["Post", "Reviewers", "Tally"]

OpenBrowser: TypeAlias = Callable[[], Browser]

_ARRIVE_AT_ONCE = 4
"""So many open accounts at the same time: a deployment may well take 50 ms of a core for a password."""
_TRIES = 6
_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0


@dataclass(frozen=True)
class Post:
    """Where and when reviewers work.

    Parameters
    ----------
    clock
        Moments of the scenario in real time.
    luck
        Decides how long an application takes, and what is found.
    run
        Makes the names of reviewers different from those of other runs.
    now
        The real time, in seconds since 1970.
    poll_s
        Real seconds between two looks at an empty desk; one reviewer of a desk looks for all.
    part, parts
        Which reviewers are this process's: part, part + parts, part + 2 parts ... of each desk.
    """

    clock: LoadClock
    luck: Luck
    run: str = ""
    now: Callable[[], float] = time.time
    poll_s: float = 0.25
    part: int = 0
    parts: int = 1

    def moment(self) -> float:
        """Give the present moment of the scenario; before the period begins, its first moment."""
        return max(self.clock.moment(self.now()), self.clock.start_s)


@dataclass
class Tally:
    """What was done at a desk.

    Parameters
    ----------
    reviewers
        Who works there.
    passed, returned
        Decisions that the deployment confirmed.
    lost
        Applications that were worked on, and could not be decided.
    empty
        Looks at the desk when it was empty.
    busy_s
        Seconds of the scenario that the work took.
    late_s
        By how much the decisions came too late, in real seconds, in all: the fault of generator or deployment.
    """

    reviewers: int = 0
    passed: int = 0
    returned: int = 0
    lost: int = 0
    empty: int = 0
    busy_s: float = 0.0
    late_s: float = 0.0
    troubles: Counter[str] = field(default_factory=Counter)
    """Why steps failed, by reason."""


class Reviewers:
    """All reviewers of a load test, each a greenlet.

    Who is on duty takes the next application of the desk, works on it for as long as the scenario's luck says, decides,
    and takes the next. He finishes what is in hand when the desk closes. He lives in moments of the scenario: what he
    spends with requests is as many seconds there as it is real seconds, however fast the scenario goes by.

    Parameters
    ----------
    desks
        The desks (`review_desks`).
    target
        The deployment; it needs a reviewer's side.
    open_browser
        Opens a browser for one of them.
    post
        Where and when they work.

    Raises
    ------
    InputError
        When the target has no reviewer's side.
    """

    def __init__(self, desks: Sequence[ReviewDesk], target: Target, open_browser: OpenBrowser, post: Post) -> None:
        missing = sorted({"take", "decide"} - set(target.steps))
        if missing:
            raise InputError(
                f"target {target.name} has no reviewer's side: its document has no workflow "
                f"{' and none '.join(missing)}; add them, or let the deployment review by itself"
            )
        self.tallies = {desk.name: Tally() for desk in desks}
        """What was done, by desk."""
        self._stopping = Event()
        self._greenlets: list[gevent.Greenlet[..., Any]] = []
        self._room = _Room(target, post, self._stopping, Semaphore(_ARRIVE_AT_ONCE))
        self._staff = [
            _Reviewer(self._room, desk, line, who, self.tallies[desk.name], open_browser)
            for desk, line in [(desk, Semaphore(1)) for desk in desks]
            for who in range(post.part, desk.staff(post.moment()), post.parts)
        ]

    def start(self) -> None:
        """Let them come; they open accounts and log in before they are on duty."""
        self._greenlets = [gevent.spawn(reviewer.work) for reviewer in self._staff]

    def stop(self, timeout_s: float = 1.0) -> None:
        """Send them home; whoever is in the middle of a request may finish it within some seconds."""
        self._stopping.set()
        gevent.joinall(self._greenlets, timeout=timeout_s)
        gevent.killall(self._greenlets)

    def counts(self) -> dict[str, int]:
        """Count what was done at all desks: `passed`, `returned`, `lost`, and who works there: `reviewers`."""
        names = ("reviewers", "passed", "returned", "lost")
        return {name: sum(getattr(tally, name) for tally in self.tallies.values()) for name in names}


@dataclass(frozen=True, eq=False)
class _Room:
    """What all reviewers share."""

    target: Target
    post: Post
    stopping: Event
    door: Semaphore

    def sleep(self, real_s: float) -> bool:
        """Let real time pass; False if it is time to go home."""
        if real_s <= 0:
            return not self.stopping.is_set()
        return not self.stopping.wait(min(real_s, 1e6))

    def sleep_until(self, moment: float) -> bool:
        """Wait for a moment of the scenario; False if it is time to go home."""
        if moment == math.inf:
            return False
        return self.sleep(self.post.clock.real(moment) - self.post.now())


@dataclass(eq=False)
class _Reviewer:
    """One of them."""

    room: _Room
    desk: ReviewDesk
    line: Semaphore
    """Held by the one who looks at the empty desk for all."""
    who: int
    tally: Tally
    open_browser: OpenBrowser
    turns: int = 0
    spent_s: float = 0.0
    """Real seconds spent with requests since the last decision."""

    def work(self) -> None:
        """Work until sent home, or never on duty again."""
        session = self._arrived()
        if session is None:
            return
        self.tally.reviewers += 1
        free = self.room.post.moment()
        while self.room.sleep_until(free := self.desk.duty(self.who, free)):
            answer, began = self._take(session, free)
            if answer is None:
                free, self.spent_s = max(free, self.room.post.moment()), 0.0
                continue
            finish = began + self.desk.takes_s(self.room.post.luck, self.who, self.turns)
            if not self.room.sleep_until(finish):
                return
            self.tally.busy_s += finish - began
            self._decide(session, answer.outputs["application"], finish)
            free, self.spent_s = finish + self.spent_s, 0.0
            self.turns += 1

    # --- opening an account ---

    def _arrived(self) -> Session | None:
        """Open an account and log in; None if that cannot be done."""
        with self.room.door:
            session = self.room.target.session(self.open_browser(), {})
            for step in ("reviewer_register", "reviewer_log_in"):
                if step not in self.room.target.steps:
                    continue
                answer = self._call(session, step)
                # Who was here before has an account already; to log in says whether that is so.
                if answer.outcome != "done" and step == "reviewer_log_in":
                    return None
            return session

    # --- taking ---

    def _take(self, session: Session, free: float) -> tuple[Answer | None, float]:
        """Take the next application, in line if there is none, until off duty; and say when work on it begins."""
        answer = self._call(session, "take")
        if answer.outcome == "done":
            return answer, free
        with self.line:
            pause_s = self.room.post.poll_s
            while self._on_duty():
                answer = self._call(session, "take")
                if answer.outcome == "done":
                    self.spent_s = 0.0
                    return answer, max(free, self.room.post.moment())
                if answer.outcome == "not ready":
                    self.tally.empty += 1
                    pause_s = answer.retry_after_s or self.room.post.poll_s
                else:
                    pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                self.room.sleep(pause_s)
        return None, math.nan

    def _on_duty(self) -> bool:
        moment = self.room.post.moment()
        return not self.room.stopping.is_set() and self.desk.duty(self.who, moment) == moment

    # --- deciding ---

    def _decide(self, session: Session, application: Any, due: float) -> None:
        """Decide; whoever got no answer says the same again."""
        post = self.room.post
        self.tally.late_s += max(post.now() - post.clock.real(due), 0.0)
        fault = self.desk.finds_fault(post.luck, self.who, self.turns)
        given = {
            "application": application,
            "verdict": "return" if fault else "pass",
            "fault": self.desk.fault if fault else "",
        }
        for attempt in range(_TRIES):
            answer = self._call(session, "decide", given)
            if answer.outcome == "done":
                self.tally.returned += fault
                self.tally.passed += not fault
                return
            # Whoever is told that it is not his to decide has lost it; others may have it now.
            is_lost = answer.outcome == "declined" or answer.reason.startswith("status 4")
            if is_lost or not self.room.sleep(answer.retry_after_s or _PAUSE_S * 2**attempt):
                break
        self.tally.lost += 1

    def _call(self, session: Session, step: str, given: Mapping[str, Any] | None = None) -> Answer:
        post = self.room.post
        begun = post.now()
        answer = session.call(step, {**self._inputs(), **(given or {})})
        self.spent_s += post.now() - begun
        if answer.outcome not in ("done", "not ready"):
            self.tally.troubles[f"{step}: {answer.reason or answer.outcome}"] += 1
        return answer

    def _inputs(self) -> dict[str, Any]:
        luck, desk = self.room.post.luck, self.desk.name
        number = luck.bits(f"load: reviewer {self.room.post.run} {desk}", self.who)
        return {
            "user_name": f"reviewer-{desk}-{self.who}-{number & 0xFFFFFF:06x}",
            "password": f"{number >> 24:010x}-Aa1",
            "desk": desk,
        }
