"""Operations: how a handler says what it takes and gives, so that the service and its document cannot differ.

A handler is a function of a `Call` that gives an `Answer`. `@operation` says the rest: method, path, who may call it,
the body, the answers. `app` makes routes of it, `openapi` the document.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel
from pydantic_core import to_json

from canbao_loadtests.service.clock import Clock
from canbao_loadtests.service.enrolment import Step
from canbao_loadtests.service.passwords import Owner, Tokens
from canbao_loadtests.service.rules import Rules
from canbao_loadtests.service.storage import Row, Storage
from canbao_loadtests.service.storage.papers import PaperFolder

__all__ = ["Answer", "Call", "Handler", "Limits", "Operation", "Side", "State", "operation", "operations_in"]

_T = TypeVar("_T")

Side: TypeAlias = Literal["everybody", "family", "reviewer"]


@dataclass(frozen=True)
class Limits:
    """What the service puts up with, and what logging in costs."""

    body_bytes: int = 16_384
    paper_bytes: int = 2_000_000
    password_cost: int = 14
    token_s: float = 8 * 3600.0
    take_s: float = 600.0
    """Real seconds for which a reviewer may keep an application."""


@dataclass(frozen=True)
class State:
    """What handlers work with."""

    storage: Storage
    papers: PaperFolder
    rules: Rules
    clock: Clock
    tokens: Tokens
    limits: Limits
    reviewer_code: str | None
    """What reviewers must know to open an account; None keeps them out."""
    time: Callable[[], float]
    """Real time, in seconds since 1970."""
    handed_in: Callable[[Row], None] = lambda _: None
    """Who wants to hear of an application that was handed in."""

    def now(self) -> float:
        """Give the moment of the scenario."""
        return self.clock.moment(self.time())


@dataclass(frozen=True)
class Call:
    """One request, checked: who asks, for what, with which body."""

    state: State
    owner: Owner
    """Who asks; account 0 where everybody may."""
    path: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    """The body as its model; the bytes of a paper."""
    content_type: str = ""
    key: str = ""
    """The Idempotency-Key."""

    async def read(self, work: Callable[[Step], Awaitable[_T]]) -> _T:
        """Take a step that changes nothing."""
        now = self.state.now()
        return await self.state.storage.read(lambda tx: work(Step(tx, self.state.rules, now, self.owner.account)))

    async def write(self, work: Callable[[Step], Awaitable[_T]]) -> _T:
        """Take a step; when this returns, what it changed is on disk."""
        now = self.state.now()
        return await self.state.storage.write(lambda tx: work(Step(tx, self.state.rules, now, self.owner.account)))

    @property
    def application(self) -> int:
        """The application that the path names."""
        return int(self.path["application"])


@dataclass(frozen=True)
class Answer:
    """What goes back: data for JSON, or bytes with their own content type."""

    status: int
    body: Any = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """Give the bytes to be sent."""
        if self.body is None or isinstance(self.body, bytes):
            return self.body or b""
        return self.body.encode() if isinstance(self.body, str) else to_json(self.body)


Handler: TypeAlias = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True)
class Operation:
    """An operation of the document: a handler, and all that is said about it."""

    handler: Handler
    method: str
    path: str
    """With parameters as `{application}`."""
    side: Side
    answers: Mapping[int, type[BaseModel] | str | None]
    """By status: the model of the body, the content type of another body, or None for no body."""
    body: type[BaseModel] | tuple[str, ...] | None = None
    """The model of the body, or the content types of a body of bytes."""
    idempotent: bool = False
    """Whether it needs an Idempotency-Key."""

    @property
    def name(self) -> str:
        """The operation's name: that of its handler."""
        return getattr(self.handler, "__name__", "")

    @property
    def summary(self) -> str:
        """What it does, in a sentence: the first line of its handler's docstring."""
        return (self.handler.__doc__ or "").strip().splitlines()[0].rstrip(".")

    @property
    def description(self) -> str:
        """What else is to be said of it."""
        return "\n".join(line.strip() for line in (self.handler.__doc__ or "").strip().splitlines()[1:]).strip()


def operation(  # noqa: PLR0913 - all that is to be said
    method: str,
    path: str,
    side: Side,
    answers: Mapping[int, type[BaseModel] | str | None],
    body: type[BaseModel] | tuple[str, ...] | None = None,
    *,
    idempotent: bool = False,
) -> Callable[[Handler], Operation]:
    """Make an operation of a handler."""
    return lambda handler: Operation(handler, method, path, side, answers, body, idempotent)


def operations_in(names: Mapping[str, Any]) -> tuple[Operation, ...]:
    """Give the operations of a module, in the order in which they stand there."""
    return tuple(thing for thing in names.values() if isinstance(thing, Operation))
