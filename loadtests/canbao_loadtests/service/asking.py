"""From an HTTP request to a checked `Call`: who asks, for what, with which body."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from canbao_loadtests.service.models import MOST, Desk, PaperKind
from canbao_loadtests.service.operations import Call, Operation, State
from canbao_loadtests.service.passwords import Owner

__all__ = ["PARAMETERS", "RequestError", "checked_call"]

PARAMETERS: Mapping[str, type[int] | type[StrEnum]] = {"application": int, "desk": Desk, "paper": PaperKind}
"""What stands in paths, by name."""

_LONGEST_KEY = 255
_NOBODY = Owner(0, "family")


class RequestError(Exception):
    """A request that does not fit, with its status, and where and what, but never with what was sent."""

    def __init__(self, status: int, code: str, detail: str, faults: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.faults = status, code, detail, faults or []


async def checked_call(operation: Operation, state: State, request: Request) -> Call:
    """Check a request, the cheap things first; a RequestError tells what is wrong."""
    owner = _owner(operation, state, request)
    path = {name: _parameter(name, text) for name, text in request.path_params.items()}
    key = _key(request) if operation.idempotent else ""
    if operation.body is None:
        return Call(state, owner, path, key=key)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if isinstance(operation.body, tuple):
        _need_type(content_type, operation.body)
        content = await _content(request, state.limits.paper_bytes)
        if not content:
            raise RequestError(422, "no content", "the body is empty")
        return Call(state, owner, path, content, content_type, key)
    _need_type(content_type, ("application/json",))
    content = await _content(request, state.limits.body_bytes)
    return Call(state, owner, path, _model(operation.body, content), content_type, key)


def _owner(operation: Operation, state: State, request: Request) -> Owner:
    if operation.side == "everybody":
        return _NOBODY
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    owner = state.tokens.owner(token.strip(), state.time()) if scheme.lower() == "bearer" else None
    if owner is None:
        raise RequestError(
            401, "not logged in", "needs a token that has not expired, as `Authorization: Bearer …`; log in"
        )
    if owner.side != operation.side:
        raise RequestError(403, "another side", f"this is for a {operation.side}'s account")
    return owner


def _parameter(name: str, text: str) -> int | StrEnum:
    kind = PARAMETERS[name]
    try:
        value = kind(text)
    except ValueError:
        value = 0
    if not value or (isinstance(value, int) and not (text.isascii() and text.isdigit() and value <= MOST)):
        raise RequestError(404, f"no such {name}", f"there is no {name} of this name")
    return value


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "").strip()
    if not (0 < len(key) <= _LONGEST_KEY and key.isascii() and key.isprintable()):
        detail = (
            f"needs a header Idempotency-Key of 1 to {_LONGEST_KEY} printable characters, another one for each deed"
        )
        raise RequestError(400, "no key", detail)
    return key


def _need_type(content_type: str, allowed: tuple[str, ...]) -> None:
    if content_type not in allowed:
        raise RequestError(415, "wrong content type", f"needs Content-Type {' or '.join(allowed)}")


async def _content(request: Request, most: int) -> bytes:
    """Read the body, but no more of it than is allowed, whatever its header says."""
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise RequestError(413, "too large", f"the body may have at most {most} bytes")
            chunks.append(chunk)
    except ClientDisconnect:
        raise RequestError(400, "broken off", "the connection ended before the body did") from None
    return b"".join(chunks)


def _model(model: type[BaseModel], content: bytes) -> Any:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        # Neither the input nor its context goes out: it may hold an identifier.
        found = error.errors(include_url=False, include_input=False, include_context=False)
        if found[0]["type"] == "json_invalid":
            raise RequestError(400, "no JSON", "the body is not JSON") from None
        faults = [{"where": ".".join(map(str, fault["loc"])), "problem": fault["msg"]} for fault in found]
        raise RequestError(422, "does not fit", "the body does not fit; `faults` says where", faults) from None
