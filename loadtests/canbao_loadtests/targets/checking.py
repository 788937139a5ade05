"""Checking a target: one invented family is walked through it, and every request and answer is kept to be looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from canbao.errors import Fault
from canbao_loadtests.flow import FLOW
from canbao_loadtests.http.messages import Browser, Request, Response, TransportError
from canbao_loadtests.targets.arazzo_target import ArazzoTarget
from canbao_loadtests.targets.documents import Document
from canbao_loadtests.targets.target import Answer, Session

__all__ = ["Asked", "Taken", "Walk", "openapi_faults"]

_BEFORE = ("register", "log_in", "enrol", "upload_paper", "choose_payment", "pay", "submit", "progress")
_APPROVED = ("choose_payment", "pay", "credential", "order_card", "collect_card", "activate_card", "settle")
_RETURNED = ("correct", "upload_paper", "submit", "progress")
_MAY_FAIL = ("choose_payment", "pay")
"""Where the fee is paid after the review, these are refused before it."""

_MAY_TAKE_LONG = ("credential", "collect_card")
"""What is not ready here is no fault: a card is being made, say."""

_TRIES = 3
_POLL_S = 0.5


@dataclass(frozen=True)
class Asked:
    """One request and what came back, with nothing masked yet."""

    request: Request
    response: Response | None
    trouble: str
    seconds: float


@dataclass(frozen=True)
class Taken:
    """A step that was taken."""

    step: str
    answer: Answer
    asked: tuple[Asked, ...]


@dataclass
class _Witness:
    """A browser that keeps what goes through it."""

    browser: Browser
    asked: list[Asked] = field(default_factory=list)

    def send(self, request: Request) -> Response:
        """Send a request."""
        began = time.perf_counter()
        try:
            response = self.browser.send(request)
        except TransportError as error:
            self.asked.append(Asked(request, None, str(error), time.perf_counter() - began))
            raise
        self.asked.append(Asked(request, response, "", time.perf_counter() - began))
        return response

    def cookies(self) -> dict[str, str]:
        """Give the cookies."""
        return self.browser.cookies()

    def close(self) -> None:
        """Close the browser."""
        self.browser.close()


@dataclass
class Walk:
    """The way of one family through a target.

    Parameters
    ----------
    target
        The target.
    browser
        Sends the requests.
    family
        What canbao supplies.
    paper
        Gives a picture, its content type and a file name.
    run
        Makes idempotency keys that no other call has.
    wait_s
        Real seconds for which a decision is waited for.
    sleep
        Waits.
    """

    target: ArazzoTarget
    browser: Browser
    family: Mapping[str, Any]
    paper: Callable[[str], tuple[bytes, str, str]]
    run: str
    wait_s: float = 10.0
    sleep: Callable[[float], None] = time.sleep
    done: set[str] = field(default_factory=set)
    session: Session = field(init=False)
    waits_for: str = ""
    """What the walk ended with, where it ended because something takes its time."""
    _keys: int = 0

    def __post_init__(self) -> None:
        """Begin the session."""
        self._witness = _Witness(self.browser)
        self.session = self.target.session(self._witness, {})

    def steps(self, last: str | None = None) -> Iterator[Taken]:
        """Take the steps one after the other, up to `last` if it is given; the first that fails ends the walk."""
        left = [step for step in _BEFORE if step in self.target.steps]
        while left:
            step = left.pop(0)
            status = ""
            for taken in self._step(step):
                status = str(taken.answer.outputs.get("status", "")) if taken.answer.outcome == "done" else ""
                yield taken
                if taken.answer.outcome != "done" and step not in _MAY_FAIL:
                    is_long = taken.answer.outcome == "not ready" and step in _MAY_TAKE_LONG
                    self.waits_for = step if is_long else ""
                    return
            if step == last:
                return
            if step == "progress":
                self.waits_for = "a decision" if status == "in review" else ""
                left = [step for step in self._next(status) if step in self.target.steps]

    def _next(self, status: str) -> list[str]:
        if status == "approved":
            return [step for step in _APPROVED if step not in self.done]
        return list(_RETURNED) if status == "returned" and "correct" not in self.done else []

    def _step(self, step: str) -> Iterator[Taken]:
        if step != "upload_paper":
            yield self._until_ready(step)
            return
        for word, picture in self.target.papers.items():
            image, kind, name = self.paper(picture)
            yield self._take(step, {"paper": word, "paper_image": image, "paper_type": kind, "paper_name": name})

    def _until_ready(self, step: str) -> Taken:
        """Take a step; again while it is not ready or not decided, and where a debit fails."""
        end, tries = time.monotonic() + self.wait_s, 1
        while True:
            taken = self._take(step, self._given(step))
            pending = taken.answer.outcome == "not ready" or taken.answer.outputs.get("status") == "in review"
            again = taken.answer.outcome == "declined" and tries < _TRIES
            if not again and not (pending and time.monotonic() < end):
                return taken
            tries += 1
            if pending:
                self.sleep(min(taken.answer.retry_after_s or _POLL_S, max(end - time.monotonic(), 0.0)))

    def _take(self, step: str, given: Mapping[str, Any]) -> Taken:
        before = len(self._witness.asked)
        answer = self.session.call(step, {**self.family, **given})
        if answer.outcome == "done":
            self.done.add(step)
        return Taken(step, answer, tuple(self._witness.asked[before:]))

    def _given(self, step: str) -> Mapping[str, Any]:
        self._keys += 1
        values = {
            "payment_way": "alipay",
            "idempotency_key": f"{self.run}-{step}-{self._keys}",
            "card_password": "314159",
            "bill_yuan": 1_000,
        }
        return {name: values[name] for name in FLOW[step].given}


# ---------------------------------------------------------------------------------------------------------------------
# The whole OpenAPI document
# ---------------------------------------------------------------------------------------------------------------------


def openapi_faults(document: Document) -> list[Fault] | None:
    """Hold an OpenAPI document against the schema of the OpenAPI Initiative; None where the checker is not there."""
    try:
        from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
    except ImportError:
        return None
    is_30 = str(document.data.get("openapi", "")).startswith("3.0")
    validator = (OpenAPIV30SpecValidator if is_30 else OpenAPIV31SpecValidator)(document.data)
    return [
        document.fault(tuple(error.absolute_path), str(error.message).splitlines()[0][:200])
        for error in validator.iter_errors()
    ]
