"""Requests: an operation with the parameters and the body of a step, compiled to a function of the scope."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import quote

from canbao_loadtests.http.messages import Request
from canbao_loadtests.targets.bodies import Body
from canbao_loadtests.targets.expressions import Getter, as_text
from canbao_loadtests.targets.openapi import Operation, OperationParameter
from canbao_loadtests.targets.scope import Scope

__all__ = ["Build", "Given", "request_of"]

Build: TypeAlias = Callable[[Scope], Request]

Sent: TypeAlias = dict[tuple[str, str], Any]
"""The parameters of a request by place and name."""

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
    headers = [_header(one) for one in given if one.parameter.where == "header"]
    cookies = [one for one in given if one.parameter.where == "cookie"]

    def build(scope: Scope) -> Request:
        sent: Sent = {}
        whole = path(scope, sent)
        if queries:
            whole += ("&" if "?" in whole else "?") + "&".join(_query(queries, scope, sent))
        lines = [header(scope, sent) for header in headers]
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


def _path(operation: Operation, given: Mapping[str, Given]) -> Callable[[Scope, Sent], str]:
    pieces = re.split(r"\{([^{}]*)\}", operation.base + operation.path)
    if len(pieces) == 1:
        return lambda scope, sent: pieces[0]
    frame = "%s".join(piece.replace("%", "%%") for piece in _known(pieces, given))
    unknown = [given[piece] for piece in pieces[1::2] if piece in given]

    def path(scope: Scope, sent: Sent) -> str:
        texts = []
        for one in unknown:
            value = sent["path", one.parameter.name] = one.value(scope)
            texts.append(_simple(value, one.parameter, _in_path))
        return frame % tuple(texts)

    return path


def _known(pieces: Sequence[str], given: Mapping[str, Given]) -> list[str]:
    """Give the texts between the parameters of a path; the name of one that is not given is a text."""
    known = [pieces[0]]
    for name, text in zip(pieces[1::2], pieces[2::2], strict=True):
        if name in given:
            known.append(text)
        else:
            known[-1] += name + text
    return known


@lru_cache(maxsize=4096)  # a family's application is in most of its paths
def _in_path(text: str) -> str:
    return quote(text, safe="")


def _simple(value: Any, parameter: OperationParameter, write: Callable[[str], str]) -> str:
    """Write a value in the style `simple`: with commas."""
    if isinstance(value, str):
        return write(value)
    if parameter.json or not isinstance(value, dict | list):
        return write(as_text(value))
    if isinstance(value, list):
        return ",".join([write(as_text(item)) for item in value])
    sign = "=" if parameter.explode else ","
    return ",".join([f"{write(key)}{sign}{write(as_text(item))}" for key, item in value.items()])


def _query(given: Sequence[Given], scope: Scope, sent: Sent) -> list[str]:
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


def _header(given: Given) -> Callable[[Scope, Sent], tuple[str, str]]:
    name, key = given.parameter.name, ("header", given.parameter.name.lower())

    def header(scope: Scope, sent: Sent) -> tuple[str, str]:
        value = sent[key] = given.value(scope)
        return name, _in_header(_simple(value, given.parameter, str))

    return header


_BREAKS = re.compile(r"[\r\n\0]+")


def _in_header(text: str) -> str:
    """Write a text into a header: on one line, what is not ASCII as its UTF-8 bytes."""
    if text.isascii() and text.isprintable():
        return text
    text = _BREAKS.sub(" ", text)
    return text if text.isascii() else text.encode().decode("latin-1")


def _cookies(given: Sequence[Given], scope: Scope, sent: Sent) -> list[str]:
    texts = []
    for one in given:
        value = sent["cookie", one.parameter.name] = one.value(scope)
        texts.append(f"{one.parameter.name}={_in_header(as_text(value)).replace(';', '%3B')}")
    return texts
