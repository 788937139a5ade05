"""What a target is to the rest of the load side."""

from __future__ import annotations

from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from canbao_loadtests.http.messages import Browser

__all__ = ["Answer", "Outcome", "Session", "Target"]

Outcome: TypeAlias = Literal["done", "declined", "not ready", "logged out", "failed"]
"""How a step ended.

`declined`: the deployment understood and said no, as to a debit. `not ready`: try again later (425, 429, 503 and
409 with Retry-After). `logged out`: the session has expired (401, or what the target says). `failed`: everything else.
"""


class Answer(NamedTuple):
    """What became of a step."""

    outcome: Outcome
    outputs: Mapping[str, Any] = MappingProxyType({})
    reason: str = ""
    """Of what is not done, for people and for counting: `status 500`, `timeout`, `no output status`."""
    retry_after_s: float | None = None
    """Real seconds, where the deployment said so."""


class Session(Protocol):
    """One family, or one reviewer, at a target. Whatever it must remember between steps is in `memory`."""

    memory: dict[str, Any]
    """Outputs of earlier steps and cookies; JSON, so that it can be kept and another session can go on with it."""

    def call(self, step: str, inputs: Mapping[str, Any]) -> Answer:
        """Take a step of the flow: one request or several. It raises nothing that a deployment can cause."""
        ...


class Target(Protocol):
    """An implementation of the flow."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    @property
    def steps(self) -> Set[str]:
        """The steps of the flow that it covers."""
        ...

    @property
    def papers(self) -> Mapping[str, str]:
        """The deployment's word for each paper that families upload, and the picture of it that canbao draws."""
        ...

    def session(self, browser: Browser, memory: Mapping[str, Any]) -> Session:
        """Begin, or go on with, a session."""
        ...
