"""Requests and responses, and what can go wrong between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol, TypeAlias

__all__ = ["Browser", "Headers", "Request", "Response", "TransportError", "Trouble"]

Headers: TypeAlias = Sequence[tuple[str, str]]

Trouble: TypeAlias = Literal["timeout", "refused", "reset", "garbage", "tls", "forbidden host", "redirects", "stopped"]
"""Why there was no answer that could be understood."""


class TransportError(Exception):
    """A request that got no answer that could be understood."""

    def __init__(self, trouble: Trouble, said: str = "") -> None:
        super().__init__(f"{trouble}: {said}" if said else trouble)
        self.trouble = trouble


_NONE: Mapping[str, str] = MappingProxyType({})


class Request(NamedTuple):
    """One request; the browser adds host, cookies and length.

    It and its answer are tuples and no dataclasses, since they are made for each request of a load test: a frozen
    dataclass takes 1.5 µs for it, a tuple 0.3.

    Parameters
    ----------
    method
        In capitals.
    path
        With its query, encoded; or a whole URL.
    headers
        In their order; a cookie of one's own is added to those of the browser.
    body
        The bytes, made before.
    follow
        Whether redirects are followed.
    operation
        What reports call it: the operation's id.
    """

    method: str
    path: str
    headers: Headers = ()
    body: bytes = b""
    follow: bool = True
    operation: str = ""


class Response(NamedTuple):
    """What came back, the last of a chain of redirects."""

    status: int
    headers: Headers
    body: bytes
    url: str = ""
    """Where it came from, after redirects."""
    cookies: Mapping[str, str] = _NONE
    """All cookies of the browser by name, after this response."""

    def header(self, name: str) -> str | None:
        """Give the first header of a name, whatever the case of its letters; None if there is none."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


class Browser(Protocol):
    """What sends one family's requests: its cookies, on connections that may be shared."""

    def send(self, request: Request) -> Response:
        """Send a request and wait for the whole answer.

        Raises
        ------
        TransportError
            When no answer came that could be understood.
        """
        ...

    def cookies(self) -> dict[str, str]:
        """Give what has to be kept so that another browser can go on: cookies by name."""
        ...

    def close(self) -> None:
        """Give connections back or close them."""
        ...
