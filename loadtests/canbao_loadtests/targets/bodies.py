"""Bodies of requests: JSON, forms, multipart with pictures, and raw bytes.

What depends on nothing is written once. A body that depends on a paper alone is written once for each picture, because
all families upload the same few.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, TypeAlias
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

from canbao.scenario.quantities import MisfitError
from canbao_loadtests.targets.arazzo import Replacement, RequestBody
from canbao_loadtests.targets.documents import MISSING, follow, pointer_path
from canbao_loadtests.targets.expressions import (
    Constant,
    Getter,
    Names,
    as_text,
    constant,
    filled,
    inside,
    is_expression,
    template,
    value_of,
)
from canbao_loadtests.targets.scope import Scope

__all__ = ["PAPER", "Body", "body_of"]

Body: TypeAlias = Callable[[Scope], tuple[str, bytes]]
"""Gives the content type and the bytes."""

PAPER = ("paper", "paper_image", "paper_type", "paper_name")
"""The inputs of a picture."""

_MOST_KEPT = 64


def body_of(given: RequestBody, content_types: Sequence[str], names: Names) -> Body:
    """Compile the body of a request.

    Parameters
    ----------
    given
        The body as the document has it.
    content_types
        What the operation takes; the first is sent where the document names none.
    names
        What expressions may name.

    Raises
    ------
    MisfitError
        If it cannot be written; `below` says which part of it.
    """
    kind = given.content_type or next(iter(content_types), "")
    if not kind:
        raise MisfitError("contentType is missing, and the operation names none", below=("contentType",))
    if not is_expression(kind) and "{$" not in kind:
        _take(kind, content_types)
    own = replace(names, used=set())
    content_type = value_of(kind, own)
    payload = _replaced(given)
    try:
        write = _written(kind, payload, given, own)
    except MisfitError as error:
        below = error.below if error.below[:1] == ("payload",) else ("payload", *error.below)
        raise MisfitError(str(error), allowed=error.allowed, hint=error.hint, below=below) from None
    names.used.update(own.used)
    if own.used <= set(PAPER):
        return _kept(content_type, write, own.used)
    return lambda scope: write(scope, as_text(content_type(scope)))


_Write: TypeAlias = Callable[[Scope, str], tuple[str, bytes]]


def _take(kind: str, content_types: Sequence[str]) -> None:
    def plain(name: str) -> str:
        return name.partition(";")[0].strip().lower()

    for taken in map(plain, content_types):
        if taken in ("*/*", plain(kind)) or (taken.endswith("/*") and plain(kind).startswith(taken[:-1])):
            return
    if content_types:
        allowed = ", ".join(content_types)
        raise MisfitError("the operation does not take this", allowed=allowed, below=("contentType",))


def _kept(content_type: Getter, write: _Write, used: set[str]) -> Body:
    """Write a body once for each picture."""
    inputs = tuple(used)
    bodies: dict[tuple[Any, ...], tuple[str, bytes]] = {}

    def kept(scope: Scope) -> tuple[str, bytes]:
        key = tuple([scope.inputs.get(name) for name in inputs])
        body = bodies.get(key)
        if body is None:
            if len(bodies) >= _MOST_KEPT:
                bodies.clear()
            body = bodies[key] = write(scope, as_text(content_type(scope)))
        return body

    return kept


def _replaced(given: RequestBody) -> Any:
    """Give the payload with its replacements, where both are written in the document."""
    payload = given.payload
    if isinstance(payload, str) and "json" in (given.content_type or "json") and not is_expression(payload):
        payload = _from_text(payload)
    if not given.replacements or is_expression(payload):
        return payload
    return _with(payload, given.replacements, [replacement.value for replacement in given.replacements])


def _from_text(payload: str) -> Any:
    """Read a payload that is JSON in a text, so that what is put into it is quoted as it should be."""
    try:
        return json.loads(payload)
    except ValueError:
        return payload


def _with(payload: Any, replacements: Sequence[Replacement], values: Sequence[Any]) -> Any:
    payload = deepcopy(payload)
    for index, (replacement, value) in enumerate(zip(replacements, values, strict=True)):
        try:
            *path, last = pointer_path(replacement.target)
        except ValueError:
            raise MisfitError("is no JSON Pointer", below=("replacements", index, "target")) from None
        holder = follow(payload, tuple(path))
        if isinstance(holder, dict):
            holder[last] = value
        elif isinstance(holder, list) and last.isdecimal() and int(last) < len(holder):
            holder[int(last)] = value
        else:
            raise MisfitError("leads nowhere in the payload", below=("replacements", index, "target"))
    return payload


def _written(kind: str, payload: Any, given: RequestBody, names: Names) -> _Write:
    plain = kind.partition(";")[0].strip().lower()
    if plain == "application/x-www-form-urlencoded":
        return _form(payload, names)
    if plain == "multipart/form-data":
        return _multipart(payload, names)
    if plain == "application/json" or plain.endswith("+json"):
        return _json(payload, given, names)
    return _raw(plain, payload, names)


# ---------------------------------------------------------------------------------------------------------------------
# One kind of body each
# ---------------------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain).encode


def _json(payload: Any, given: RequestBody, names: Names) -> _Write:
    if isinstance(payload, str) and not is_expression(payload):
        text = template(payload, names, _inside_json)
        return lambda scope, kind: (kind, text(scope).encode())
    if given.replacements and is_expression(payload):
        get = _replacing(value_of(payload, names), given.replacements, names)
        return lambda scope, kind: (kind, _to_json(get(scope)).encode())
    getters: list[Getter] = []
    frame = _json_frame(payload, names, getters)
    if not getters:
        body = (frame % ()).encode()
        return lambda _, kind: (kind, body)
    text = filled(frame, getters, _to_json)
    return lambda scope, kind: (kind, text(scope).encode())


def _json_frame(payload: Any, names: Names, getters: list[Getter]) -> str:
    """Write what is known of a payload as JSON, with a `%s` for each value that is not; what gives these is added."""
    if isinstance(payload, dict):
        items = [f"{_constant(key)}:{_json_frame_of(key, item, names, getters)}" for key, item in payload.items()]
        return "{" + ",".join(items) + "}"
    if isinstance(payload, list):
        items = [_json_frame_of(index, item, names, getters) for index, item in enumerate(payload)]
        return "[" + ",".join(items) + "]"
    get = value_of(payload, names)
    if isinstance(get, Constant):
        return _constant(get.value)
    getters.append(get)
    return "%s"


def _json_frame_of(key: str | int, item: Any, names: Names, getters: list[Getter]) -> str:
    with inside(key):
        return _json_frame(item, names, getters)


def _constant(value: Any) -> str:
    return _to_json(value).replace("%", "%%")


def _inside_json(value: Any) -> str:
    """Write a value into a text that is JSON only once it is filled in: a text without its quotes."""
    return _to_json(value)[1:-1] if isinstance(value, str) else _to_json(value)


def _replacing(get: Getter, replacements: Sequence[Replacement], names: Names) -> Getter:
    values = [value_of(replacement.value, names) for replacement in replacements]
    return lambda scope: _with(get(scope), replacements, [value(scope) for value in values])


def _form(payload: Any, names: Names) -> _Write:
    if isinstance(payload, str) and not is_expression(payload):
        text = template(payload, names, lambda value: quote_plus(as_text(value)))
        return lambda scope, kind: (kind, text(scope).encode())
    get = value_of(payload, names)
    _needs_object(payload)

    def write(scope: Scope, kind: str) -> tuple[str, bytes]:
        pairs = [(name, item) for name, value in get(scope).items() for item in _items(value)]
        text = "&".join([f"{quote_plus(name)}={quote_plus(as_text(item))}" for name, item in pairs])
        return kind, text.encode()

    return write


def _needs_object(payload: Any) -> None:
    if not isinstance(payload, dict):
        raise MisfitError("a form needs names and values", allowed="an object", below=("payload",))


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _multipart(payload: Any, names: Names) -> _Write:
    _needs_object(payload)
    parts = [(name, value_of(value, names)) for name, value in payload.items()]
    file = (_file_name(names), _file_type(names)) if "paper_image" in names.used else (constant("file"), constant(""))
    boundary = f"canbao-{secrets.token_hex(16)}"
    kind = f"multipart/form-data; boundary={boundary}"

    def write(scope: Scope, _: str) -> tuple[str, bytes]:
        pieces: list[bytes] = []
        for name, get in parts:
            for value in _items(get(scope)):
                pieces += [_part_head(boundary, name, value, file, scope), _part_body(value), b"\r\n"]
        return kind, b"".join([*pieces, f"--{boundary}--\r\n".encode()])

    return write


def _file_name(names: Names) -> Getter:
    names.used.add("paper_name")
    return lambda scope: scope.inputs.get("paper_name", "paper.png")


def _file_type(names: Names) -> Getter:
    names.used.add("paper_type")
    return lambda scope: scope.inputs.get("paper_type", "application/octet-stream")


def _part_head(boundary: str, name: str, value: Any, file: tuple[Getter, Getter], scope: Scope) -> bytes:
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"'
    if isinstance(value, bytes):
        kind = as_text(file[1](scope)) or "application/octet-stream"
        head += f'; filename="{_quoted(as_text(file[0](scope)))}"\r\nContent-Type: {kind}'
    elif isinstance(value, Mapping):
        head += "\r\nContent-Type: application/json"
    return f"{head}\r\n\r\n".encode()


def _quoted(name: str) -> str:
    """Write a name into a header, as browsers do (HTML Living Standard, multipart/form-data)."""
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _part_body(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return (_to_json(value) if isinstance(value, Mapping) else as_text(value)).encode()


def _raw(kind: str, payload: Any, names: Names) -> _Write:
    if payload is None:
        raise MisfitError("payload is missing", below=("payload",))
    if isinstance(payload, str) and not is_expression(payload):
        text = template(payload, names, (lambda value: escape(as_text(value))) if "xml" in kind else as_text)
        return lambda scope, kind: (kind, text(scope).encode())
    get = value_of(payload, names)
    return lambda scope, kind: (kind, _bytes(get(scope)))


def _bytes(value: Any) -> bytes:
    if value is MISSING:
        return b""
    return value if isinstance(value, bytes) else as_text(value).encode()
