"""Showing what went over the wire while a target was checked, with numbers masked and secrets hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from canbao_loadtests.http.messages import Headers
from canbao_loadtests.targets.checking import Asked, Taken
from canbao_loadtests.targets.target import Session
from canbao_plugins.families.identities import mask

__all__ = ["Mask", "as_data", "as_lines"]

_SHOWN = 400
"""How much of a body is shown."""

_HIDDEN = ("authorization", "cookie", "set-cookie", "proxy-authorization")
_NUMBERS = ("child_number", "guardian_number", "telephone")


class Mask:
    """Hides identifiers and secrets in what is shown.

    Parameters
    ----------
    family
        What canbao supplied: numbers are masked, the password is hidden.
    secrets
        Values that are hidden.
    """

    def __init__(self, family: Mapping[str, Any], secrets: Mapping[str, Any]) -> None:
        hidden = [str(family.get("password", "")), *map(str, secrets.values())]
        self._table = {word: "***" for word in hidden if word}
        self._table |= {str(family[name]): mask(str(family[name])) for name in _NUMBERS if family.get(name)}

    def hide(self, session: Session) -> None:
        """Hide what a session has got since: tokens that are sent as such, and cookies."""
        values = [value for name in ("log_in", "reviewer_log_in") for value in _outputs(session, name)]
        values += session.memory.get("cookies", {}).values()
        self._table |= {str(value): "***" for value in values if len(str(value)) >= 8}

    def text(self, text: str) -> str:
        """Write a text with everything masked."""
        for word, instead in self._table.items():
            text = text.replace(word, instead)
        return text

    def headers(self, headers: Headers) -> list[tuple[str, str]]:
        """Write headers."""
        return [(name, "***" if name.lower() in _HIDDEN else self.text(value)) for name, value in headers]

    def body(self, body: bytes, headers: Headers) -> str:
        """Write a body: cut where it is long, a picture as its size."""
        if not body:
            return ""
        kind = next((value for name, value in headers if name.lower() == "content-type"), "")
        try:
            text = self.text(body.decode())
        except UnicodeDecodeError:
            return f"<{len(body):,} bytes of {kind.partition(';')[0] or 'no type'}>"
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… <{len(body):,} bytes>"


def _outputs(session: Session, name: str) -> list[Any]:
    return list(session.memory.get("outputs", {}).get(name, {}).values())


# ---------------------------------------------------------------------------------------------------------------------
# For machines and for people
# ---------------------------------------------------------------------------------------------------------------------


def as_data(taken: Taken, hide: Mask) -> dict[str, Any]:
    """Give a step that was taken as data."""
    answer = taken.answer
    return {
        "step": taken.step,
        "outcome": answer.outcome,
        "reason": hide.text(answer.reason),
        "outputs": {name: hide.text(str(value)) for name, value in answer.outputs.items()},
        "requests": [_asked_as_data(asked, hide) for asked in taken.asked],
    }


def _asked_as_data(asked: Asked, hide: Mask) -> dict[str, Any]:
    request, response = asked.request, asked.response
    data: dict[str, Any] = {
        "operation": request.operation,
        "method": request.method,
        "path": hide.text(request.path),
        "headers": hide.headers(request.headers),
        "body": hide.body(request.body, request.headers),
        "seconds": round(asked.seconds, 4),
    }
    if response is None:
        return {**data, "trouble": hide.text(asked.trouble)}
    answer = {"status": response.status, "url": hide.text(response.url), "headers": hide.headers(response.headers)}
    return {**data, "answer": {**answer, "body": hide.body(response.body, response.headers)}}


def as_lines(taken: Taken, hide: Mask) -> Iterator[str]:
    """Give a step that was taken as lines of text."""
    answer = taken.answer
    yield f"{taken.step}: {answer.outcome}" + (f" ({hide.text(answer.reason)})" if answer.reason else "")
    for asked in taken.asked:
        request, response = asked.request, asked.response
        yield from _message(">", f"{request.method} {hide.text(request.path)}", request.headers, request.body, hide)
        if response is None:
            yield f"    < {hide.text(asked.trouble)}"
        else:
            first = f"{response.status}{_where(asked, hide)}, {asked.seconds * 1e3:.0f} ms"
            yield from _message("<", first, response.headers, response.body, hide)
    for name, value in answer.outputs.items():
        yield f"    = {name}: {hide.text(str(value))}"


def _where(asked: Asked, hide: Mask) -> str:
    """Say where an answer came from, if redirects led elsewhere."""
    url = asked.response.url if asked.response else ""
    return "" if not url or url.endswith(asked.request.path) else f" from {hide.text(url)}"


def _message(sign: str, first: str, headers: Headers, body: bytes, hide: Mask) -> Iterator[str]:
    yield f"    {sign} {first}"
    for name, value in hide.headers(headers):
        yield f"    {sign} {name}: {value}"
    if body:
        yield f"    {sign} {hide.body(body, headers)}"
