"""OpenAPI 3.0 and 3.1 documents: the operations that workflows name, and how their parameters are written.

Only what a request needs is looked at here; `canbao target check` holds the whole document against the schema of the
OpenAPI Initiative.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from canbao.errors import TargetError
from canbao.scenario.faults import KeyPath
from canbao_loadtests.targets.documents import MISSING, Document, Faults, follow, pointer_path, read_document

__all__ = ["METHODS", "Operation", "OperationParameter", "Operations", "read_operations"]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

_PLACES = ("path", "query", "header", "cookie")
_STYLES = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}
_KNOWN_STYLES = {
    "path": ("simple",),
    "header": ("simple",),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "cookie": ("form",),
}
_MOST_REFERENCES = 20


@dataclass(frozen=True)
class OperationParameter:
    """A parameter of an operation: where it stands and how it is written."""

    name: str
    where: str
    required: bool = False
    style: str = "form"
    explode: bool = True
    json: bool = False
    """Whether it is written as JSON."""


@dataclass(frozen=True)
class Operation:
    """An operation: what to send, and where."""

    name: str
    """Its id, or method and path where it has none."""
    method: str
    """In capitals."""
    path: str
    """With its parameters as `{application}`."""
    base: str
    """What stands before the path: that of the server's URL, or all of the URL where it is another host."""
    parameters: Mapping[tuple[str, str], OperationParameter]
    """By place and name."""
    content_types: tuple[str, ...] = ()
    """What its body may be, in the document's order."""
    body_required: bool = False
    place: KeyPath = ()
    """Where it stands in its document."""


@dataclass(frozen=True)
class Operations:
    """The operations of a document, by their ids and by their places."""

    document: Document
    by_id: Mapping[str, Operation]
    by_place: Mapping[KeyPath, Operation]
    origin: str
    """Scheme and host of its first server; empty where it names none."""


def read_operations(document: Document, faults: Faults, first_origin: str | None = None) -> Operations:
    """Read the operations of an OpenAPI document.

    Parameters
    ----------
    document
        The document.
    faults
        Where it is noted what does not fit.
    first_origin
        Scheme and host of the target's first document: what has another one is sent there.
    """
    reader = _Reader(document, faults, first_origin)
    version = document.data.get("openapi")
    if not (isinstance(version, str) and re.match(r"3\.[01](\.|$)", version)):
        faults.add(document.fault(("openapi",), "is no version that is understood", version, "3.0.x or 3.1.x"))
    by_place = {operation.place: operation for operation in reader.operations()}
    return Operations(document, reader.by_id, by_place, reader.origin)


class _Reader:
    def __init__(self, document: Document, faults: Faults, first_origin: str | None) -> None:
        self._document, self._faults = document, faults
        self._others: dict[Path, Document] = {}
        self.by_id: dict[str, Operation] = {}
        self.origin = _origin(_server(document.data))
        self._first = self.origin if first_origin is None else first_origin

    def operations(self) -> Iterator[Operation]:
        paths = document = self._document.data.get("paths", {})
        if not isinstance(document, dict):
            self._faults.add(self._document.fault(("paths",), "is no object", paths))
            return
        for path, item in paths.items():
            if not path.startswith("x-"):
                yield from self._of_path(path, item)

    def _of_path(self, path: str, given: Any) -> Iterator[Operation]:
        item, home = self._resolved(given, ("paths", path), self._document)
        if not isinstance(item, dict) or not path.startswith("/"):
            self._faults.add(
                self._document.fault(("paths", path), "is no path", None, "a key such as /applications: {...}")
            )
            return
        for method in METHODS:
            found = item.get(method)
            if isinstance(found, dict):
                yield self._operation(path, method, item, found, home)

    def _operation(self, path: str, method: str, item: Any, found: dict[str, Any], home: Document) -> Operation:
        place = ("paths", path, method)
        parameters = {}
        for at, one in [(("paths", path), item), (place, found)]:
            for index, given in enumerate(_list(one.get("parameters"))):
                parameter = self._parameter(given, (*at, "parameters", index), home)
                if parameter is not None:
                    parameters[parameter.where, parameter.name] = parameter
        body, _ = self._resolved(found.get("requestBody", {}), (*place, "requestBody"), home)
        identifier = found.get("operationId")
        if identifier is not None and not isinstance(identifier, str):
            self._faults.add(self._document.fault((*place, "operationId"), "is no text", identifier))
            identifier = None
        operation = Operation(
            name=identifier or f"{method.upper()} {path}",
            method=method.upper(),
            path=path,
            base=self._base(found, item),
            parameters=parameters,
            content_types=tuple(_table(_table(body).get("content"))),
            body_required=_table(body).get("required") is True,
            place=place,
        )
        self._note(operation, identifier)
        return operation

    def _note(self, operation: Operation, given: str | None) -> None:
        key = (*operation.place, "operationId")
        if given is not None and given in self.by_id:
            self._faults.add(self._document.fault(key, "two operations have this id", given, "an id of its own"))
        if given is not None:
            self.by_id[given] = operation
        for name in re.findall(r"\{([^{}]*)\}", operation.path):
            if ("path", name) not in operation.parameters:
                self._faults.add(
                    self._document.fault(operation.place, f"the parameter {name!r} of the path is not described")
                )

    def _parameter(self, given: Any, path: KeyPath, home: Document) -> OperationParameter | None:
        found, _ = self._resolved(given, path, home)
        where, name = (found.get("in"), found.get("name")) if isinstance(found, dict) else (None, None)
        if where not in _PLACES or not isinstance(name, str):
            self._faults.add(self._document.fault(path, "is no parameter", None, f"name, and in: {', '.join(_PLACES)}"))
            return None
        style = found.get("style", _STYLES[where])
        if style not in _KNOWN_STYLES[where]:
            self._faults.add(
                self._document.fault(path, "this style is not known", style, ", ".join(_KNOWN_STYLES[where]))
            )
        explode = found.get("explode", style == "form")
        return OperationParameter(
            name, where, found.get("required") is True, style, explode is True, "content" in found
        )

    def _base(self, operation: dict[str, Any], item: dict[str, Any]) -> str:
        server = _server(operation) or _server(item) or _server(self._document.data)
        origin, path = _origin(server), urlsplit(server).path.rstrip("/")
        return f"{origin}{path}" if origin and origin != self._first else path

    def _resolved(self, given: Any, path: KeyPath, home: Document) -> tuple[Any, Document]:
        """Follow `$ref`, also into other files of the folder."""
        for _ in range(_MOST_REFERENCES):
            if not (isinstance(given, dict) and isinstance(given.get("$ref"), str)):
                return given, home
            file, _, pointer = given["$ref"].partition("#")
            home = self._other(file, path, home) if file else home
            try:
                given, reference = follow(home.data, pointer_path(unquote(pointer))), given["$ref"]
            except ValueError:
                given, reference = MISSING, given["$ref"]
            if given is MISSING:
                self._faults.add(self._document.fault((*path, "$ref"), "leads nowhere", reference))
                return {}, home
        self._faults.add(self._document.fault((*path, "$ref"), "leads round in a circle"))
        return {}, home

    def _other(self, file: str, path: KeyPath, home: Document) -> Document:
        at = (home.path.parent / unquote(file)).resolve()
        if at not in self._others:
            empty = Document(at, {}, "")
            try:
                inside = at.is_relative_to(self._document.path.parent.resolve())
                self._others[at] = read_document(at) if inside else empty
            except TargetError as error:
                self._faults.add(
                    self._document.fault((*path, "$ref"), f"cannot be read: {error.faults[0].problem}", file)
                )
                self._others[at] = empty
        return self._others[at]


def _server(data: Mapping[str, Any]) -> str:
    """Give the URL of the first server, with the defaults of its variables."""
    servers = data.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else {}
    if not isinstance(first, dict) or not isinstance(first.get("url"), str):
        return ""
    url: str = first["url"]
    for name, variable in _table(first.get("variables")).items():
        url = url.replace(f"{{{name}}}", str(_table(variable).get("default", "")))
    return url


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _table(value: Any) -> Mapping[str, Any]:
    """Give an object, or an empty one where there is something else."""
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
