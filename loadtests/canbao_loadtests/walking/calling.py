"""Calling: what a family asks a deployment for, with all that goes wrong between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

from canbao_loadtests.http.messages import Browser
from canbao_loadtests.targets.target import Answer, Session
from canbao_loadtests.walking.book import Book
from canbao_loadtests.walking.pace import OutOfPatienceError
from canbao_loadtests.walking.surroundings import Deployment, Surroundings
from canbao_loadtests.walking.walk import Walk

__all__ = ["DONE", "KEYED", "ONCE", "PREPARED_BY", "Caller", "Result", "still_to_do"]

PREPARED_BY: Mapping[str, tuple[str, ...]] = {
    "log_in": ("register",),
    "enrol": ("register", "log_in"),
    "upload_paper": ("register", "log_in", "enrol"),
    "choose_payment": ("register", "log_in", "enrol"),
    "pay": ("register", "log_in", "enrol", "choose_payment"),
    "submit": ("register", "log_in", "enrol", "upload_paper"),
    "correct": ("register", "log_in", "enrol"),
    "collect_card": ("order_card",),
    "activate_card": ("order_card", "collect_card"),
    "settle": ("order_card", "collect_card", "activate_card"),
}
"""What must have been done before a call: a family that has an account by the plan, say, opens it first."""

ONCE = frozenset({"register", "enrol", "order_card", "collect_card", "activate_card", "settle"})
"""Calls that are made until they are done, and then no more, however often a family comes by."""

KEYED = frozenset({"pay", "submit", "settle"})
"""Deeds with an idempotency key, which stays the same until the deployment has said yes or no."""

_PASSING = ("401", "403", "404", "408", "421", "425", "429")
"""Answers that another try may change: nobody logged in, a deployment that is just starting, one that is busy."""

How: TypeAlias = Literal["done", "declined", "not ready", "failed", "out of patience"]


class Result(NamedTuple):
    """How a call, or a page of several, ended; a tuple, as there is one for each request."""

    how: How
    reason: str = ""
    outputs: Mapping[str, Any] = MappingProxyType({})
    retry_after_s: float | None = None

    @property
    def refused(self) -> bool:
        """Whether the deployment understood, and asking again would not help."""
        definite = self.reason.startswith("status 4") and self.reason[7:10] not in _PASSING
        return self.how == "declined" or (self.how == "failed" and definite)


DONE = Result("done")


def still_to_do(walk: Walk, calls: Iterable[str]) -> tuple[str, ...]:
    """Leave out what is done once and for all."""
    return tuple([call for call in calls if call not in ONCE or call not in walk.done])


class Caller:
    """Makes families' calls.

    Parameters
    ----------
    deployment
        Who is asked.
    around
        Time, patience and the journal.
    book
        Where calls are counted.
    given
        Gives what a call needs beside what every call gets.
    """

    def __init__(
        self,
        deployment: Deployment,
        around: Surroundings,
        book: Book,
        given: Callable[[Walk, str], Mapping[str, Any]] = lambda walk, call: {},
    ) -> None:
        self._target, self._families, self._open_browser = (
            deployment.target,
            deployment.families,
            deployment.open_browser,
        )
        self._run, self._around, self._book, self._given = deployment.run, around, book, given
        self._open: dict[int, tuple[Browser, Session]] = {}
        self._needed: dict[tuple[str, ...], tuple[str, ...]] = {}

    # --- sessions ---

    def _session(self, walk: Walk) -> Session:
        there = self._open.get(walk.family)
        if there is None:
            browser = self._open_browser(walk)
            there = self._open[walk.family] = browser, self._target.session(browser, walk.memory)
        return there[1]

    def let_go(self, walk: Walk) -> None:
        """Close the family's browser; what it must remember is in the walk."""
        there = self._open.pop(walk.family, None)
        if there is not None:
            there[0].close()

    def _remember(self, walk: Walk) -> None:
        browser, session = self._open[walk.family]
        walk.memory, walk.cookies = session.memory, browser.cookies()

    # --- calls ---

    def prepare(self, walk: Walk, calls: tuple[str, ...], patience_s: float) -> tuple[Result, float]:
        """Make the calls without which others make no sense, as far as they were not made before."""
        needed = self._needed.get(calls)
        if needed is None:
            needed = self._needed[calls] = self._needed_by(calls)
        missing = [call for call in needed if call not in walk.done]
        return self.page(walk, missing, patience_s) if missing else (DONE, 0.0)

    def _needed_by(self, calls: tuple[str, ...]) -> tuple[str, ...]:
        before = dict.fromkeys(one for call in calls for one in PREPARED_BY.get(call, ()))
        return tuple(call for call in before if call in self._target.steps and call not in calls)

    def page(self, walk: Walk, calls: Iterable[str], patience_s: float) -> tuple[Result, float]:
        """Make the calls of a page, for as long as the family has patience; give how that ended, and the seconds."""
        began = now = self._around.now()
        end = began + min(patience_s, self._around.pace.call_s)
        result = DONE
        for call in calls:
            result, now = self._limited(walk, call, now, end, waits=patience_s < math.inf)
            if result.how != "done":
                break
        return result, now - began

    def look(self, walk: Walk) -> Result:
        """Ask how an application stands."""
        now = self._around.now()
        return self._limited(walk, "progress", now, now + self._around.pace.call_s, waits=False)[0]

    def _limited(self, walk: Walk, call: str, now: float, end: float, *, waits: bool) -> tuple[Result, float]:
        """Make a call that has to end by a time; give how it ended, and when."""
        try:
            with self._around.limit(end - now):
                result = self._called(walk, call, end if waits else -math.inf)
        except OutOfPatienceError:
            result = Result("out of patience")
            self._book.calls[call, result.how, ""] += 1
        finally:
            walk.doing = ""
        self._settle(walk, call, result)
        return result, self._around.now()

    def _called(self, walk: Walk, call: str, end: float) -> Result:
        if call != "upload_paper":
            return self._made(walk, call, self._given(walk, call), end)
        for word, picture in self._target.papers.items():
            image, kind, file = self._families.paper(picture)
            given = {"paper": word, "paper_image": image, "paper_type": kind, "paper_name": file}
            result = self._made(walk, "upload_paper", given, end)
            if result.how != "done":
                return result
        return DONE

    def _made(self, walk: Walk, call: str, given: Mapping[str, Any], end: float) -> Result:
        """Make one call: wait where the deployment is not ready, log in again where the session has expired."""
        before = call in walk.tried
        inputs = self._families.of(walk.family)
        if given:
            inputs = {**inputs, **given}
        if call in KEYED:
            inputs = {**inputs, "idempotency_key": self._key(walk, call)}
        if (call in ONCE or call in KEYED) and not before:
            walk.tried.add(call)
            self._around.keep(walk)  # what is about to be done is written down first
        result = _result(self._answered(walk, call, inputs, end))
        if call == "register" and before and result.refused and self._logs_in(walk):
            return DONE  # the account was opened the last time, and the answer got lost
        return result

    def _answered(self, walk: Walk, call: str, inputs: Mapping[str, Any], end: float) -> Answer:
        """Ask until there is an answer: again where the deployment is not ready, if that is before the end."""
        waits, again = 0, False
        while True:
            answer = self._asked(walk, call, inputs)
            if answer.outcome == "not ready" and waits < self._around.pace.not_ready:
                pause = self._around.pace.not_ready_s if answer.retry_after_s is None else answer.retry_after_s
                if self._around.now() + pause >= end:
                    return answer
                waits += 1
                self._around.sleep(pause)
            elif answer.outcome == "logged out" and not again and call != "log_in" and self._logs_in(walk):
                again = True
            else:
                return answer

    def _asked(self, walk: Walk, call: str, inputs: Mapping[str, Any]) -> Answer:
        walk.doing = call
        answer = self._session(walk).call(call, inputs)
        self._book.calls[call, answer.outcome, answer.reason] += 1
        self._remember(walk)
        return answer

    def _logs_in(self, walk: Walk) -> bool:
        walk.done.discard("log_in")
        if "log_in" not in self._target.steps:
            return False
        if self._asked(walk, "log_in", self._families.of(walk.family)).outcome != "done":
            return False
        walk.done.add("log_in")
        return True

    # --- deeds ---

    def _key(self, walk: Walk, call: str) -> str:
        if call not in walk.keys:
            walk.deeds += 1
            walk.keys[call] = f"{self._run}-{walk.family}-{call}-{walk.deeds}"
        return walk.keys[call]

    def _settle(self, walk: Walk, call: str, result: Result) -> None:
        """Note whether a call is done, and whether it is known to be."""
        if result.how == "done":
            walk.done.add(call)
        if result.how == "done" or result.refused:
            walk.keys.pop(call, None)
            walk.tried.discard(call)


def _result(answer: Answer) -> Result:
    if answer.outcome == "done" and not answer.outputs:
        return DONE
    if answer.outcome == "logged out":
        return Result("failed", "logged out")
    return Result(answer.outcome, answer.reason, answer.outputs, answer.retry_after_s)
