"""Requests: an operation with the parameters and the body of a step, compiled to a function of the scope."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

from canbao_loadtests.http.messages import Request
from canbao_loadtests.targets.bodies import Body
from canbao_loadtests.targets.expressions import Getter, as_text
from canbao_loadtests.targets.openapi import Operation, OperationParameter
from canbao_loadtests.targets.scope import Scope

__all__ = ["Build", "Given", "request_of"]

Build: TypeAlias = Callable[[Scope], Request]

_SEPARATORS = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "|"}


@dataclass(frozen=True)
class Given:
    """A parameter with the value that it gets."""

    parameter: OperationParameter
    value: Getter


def request_of(operation: Operation, given: Sequence[Given], body: Body | None, follow: bool) -> Build:
    """Compile a request; the function raises NoValueError where a value is missing."""
    path = _path(operation, {one.parameter.name: one for one in given if one.parameter.where == "path"})
    queries = [one for one in given if one.parameter.where == "query"]
    headers = [one for one in given if one.parameter.where == "header"]
    cookies = [one for one in given if one.parameter.where == "cookie"]

    def build(scope: Scope) -> Request:
        sent: dict[tuple[str, str], Any] = {}
        whole = path(scope, sent)
        if queries:
            whole += ("&" if "?" in whole else "?") + "&".join(_query(queries, scope, sent))
        lines = _headers(headers, scope, sent)
        if cookies:
            lines.append(("Cookie", "; ".join(_cookies(cookies, scope, sent))))
        content = b""
        if body is not None:
            kind, content = body(scope)
            lines.append(("Content-Type", kind))
        request = Request(operation.method, whole, lines, content, follow, operation.name)
        scope.sending(request, sent)
        return request

    return build


def _path(operation: Operation, given: Mapping[str, Given]) -> Callable[[Scope, dict[tuple[str, str], Any]], str]:
    pieces = re.split(r"\{([^{}]*)\}", operation.base + operation.path)
    if len(pieces) == 1:
        return lambda scope, sent: pieces[0]
    parts = [given.get(piece, piece) if index % 2 else piece for index, piece in enumerate(pieces)]

    def path(scope: Scope, sent: dict[tuple[str, str], Any]) -> str:
        done = []
        for part in parts:
            if isinstance(part, Given):
                value = sent["path", part.parameter.name] = part.value(scope)
                done.append(_simple(value, part.parameter, lambda text: quote(text, safe="")))
            else:
                done.append(part)
        return "".join(done)

    return path


def _simple(value: Any, parameter: OperationParameter, write: Callable[[str], str]) -> str:
    """Write a value in the style `simple`: with commas."""
    if parameter.json or not isinstance(value, dict | list):
        return write(as_text(value))
    if isinstance(value, list):
        return ",".join([write(as_text(item)) for item in value])
    sign = "=" if parameter.explode else ","
    return ",".join([f"{write(key)}{sign}{write(as_text(item))}" for key, item in value.items()])


def _query(given: Sequence[Given], scope: Scope, sent: dict[tuple[str, str], Any]) -> list[str]:
    pairs: list[str] = []
    for one in given:
        value = sent["query", one.parameter.name] = one.value(scope)
        pairs += _pairs(one.parameter, value)
    return pairs


def _pairs(parameter: OperationParameter, value: Any) -> list[str]:
    """Write a parameter of the query, as OpenAPI says for its style."""
    name = quote(parameter.name, safe="[]")
    if parameter.json or not isinstance(value, dict | list):
        return [f"{name}={_in_query(value)}"]
    if isinstance(value, list):
        items = [_in_query(item) for item in value]
        if parameter.explode:
            return [f"{name}={item}" for item in items]
        return [f"{name}={_SEPARATORS.get(parameter.style, ',').join(items)}"]
    if parameter.style == "deepObject":
        return [f"{name}[{quote(key, safe='')}]={_in_query(item)}" for key, item in value.items()]
    if parameter.explode:
        return [f"{quote(key, safe='')}={_in_query(item)}" for key, item in value.items()]
    return [f"{name}={','.join(f'{quote(key)},{_in_query(item)}' for key, item in value.items())}"]


def _in_query(value: Any) -> str:
    return quote(as_text(value), safe="")


def _headers(given: Sequence[Given], scope: Scope, sent: dict[tuple[str, str], Any]) -> list[tuple[str, str]]:
    lines = []
    for one in given:
        value = sent["header", one.parameter.name.lower()] = one.value(scope)
        lines.append((one.parameter.name, _in_header(_simple(value, one.parameter, str))))
    return lines


_BREAKS = re.compile(r"[\r\n\0]+")


def _in_header(text: str) -> str:
    """Write a text into a header: on one line, what is not ASCII as its UTF-8 bytes."""
    if text.isascii() and text.isprintable():
        return text
    text = _BREAKS.sub(" ", text)
    return text if text.isascii() else text.encode().decode("latin-1")


def _cookies(given: Sequence[Given], scope: Scope, sent: dict[tuple[str, str], Any]) -> list[str]:
    texts = []
    for one in given:
        value = sent["cookie", one.parameter.name] = one.value(scope)
        texts.append(f"{one.parameter.name}={_in_header(as_text(value)).replace(';', '%3B')}")
    return texts
