"""Documents: YAML and JSON files as plain data, with the line of every key for whoever finds a fault.

YAML is read as JSON writes it (the JSON schema of YAML 1.2, which OpenAPI and Arazzo ask for): `on`, `2025-12-31` and
`0800` stay text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from canbao.errors import Fault, TargetError
from canbao.scenario.faults import KeyPath, dotted, inline, nearest, opening_problem
from canbao.scenario.source import Place, Source

__all__ = ["MISSING", "Document", "Faults", "follow", "pointer_path", "read_document"]

MOST_BYTES = 20_000_000
"""How large a document may be; the largest public OpenAPI documents have about 12 MB."""

_MOST_NODES = 2_000_000
_DEEPEST = 200


@dataclass(frozen=True)
class Document:
    """A document and where it came from."""

    path: Path
    data: dict[str, Any]
    text: str = field(repr=False)

    @cached_property
    def lines(self) -> Mapping[KeyPath, int]:
        """The line of every key and element, from 1; found when somebody asks."""
        try:
            root = yaml.compose(self.text, Loader=_LOADER)
        except yaml.YAMLError:  # JSON that is no YAML, such as with tabs
            return {}
        return dict(_lines(root, ())) if root is not None else {}

    def line(self, path: KeyPath) -> int | None:
        """Give the line of a key, or of what is written around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def fault(self, path: KeyPath, problem: str, given: Any = None, allowed: str = "", hint: str = "") -> Fault:
        """Make a fault of a key of this document."""
        shown = "" if given is None else inline(given)
        return Fault(str(self.path), self.line(path), dotted(path), problem, shown, allowed, hint)

    def source(self) -> Source:
        """Give the document as what the faults of pydantic are said about."""
        places = {path: Place(str(self.path), line, "") for path, line in self.lines.items()}
        return Source(self.data, {(): Place(str(self.path), None, ""), **places}, self.path.stem, (str(self.path),))


class Faults:
    """Faults as they are found, so that all of them can be said at once."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Note a fault, once."""
        if fault not in self.found:
            self.found.append(fault)

    def unknown(self, document: Document, path: KeyPath, what: str, given: str, known: Mapping[str, Any]) -> None:
        """Note a name that leads nowhere, with what there is and the nearest of it."""
        near = nearest(given, known)
        hint = f"did you mean {near!r}?" if near else ""
        allowed = ", ".join(list(known)[:20]) or "none"
        self.add(document.fault(path, f"there is no {what} of this name", given, allowed, hint))

    def raise_if_any(self) -> None:
        """Raise TargetError with all that was found."""
        if self.found:
            raise TargetError(self.found)


class _Missing:
    """Stands for a value that is not there, as None is a value."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


def pointer_path(pointer: str) -> tuple[str, ...]:
    """Take a JSON Pointer apart (RFC 6901); ValueError if it is none."""
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise ValueError("a JSON Pointer begins with /")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def follow(data: Any, path: tuple[str, ...]) -> Any:
    """Give what stands at a path of keys and indices, or MISSING."""
    for part in path:
        if isinstance(data, dict):
            data = data.get(part, MISSING)
        elif isinstance(data, list) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        else:
            return MISSING
    return data


# ---------------------------------------------------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------------------------------------------------

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where it is there: an OpenAPI document of 90 kB takes 0.03 s instead of 0.4 s."""


def read_document(path: Path) -> Document:
    """Read a YAML or JSON document.

    Raises
    ------
    TargetError
        If it cannot be read, is neither YAML nor JSON, has a key twice, or is no object.
    """
    text = _read(path)
    data = _from_json(path, text) if path.suffix == ".json" else _from_yaml(path, text)
    if not isinstance(data, dict):
        raise TargetError([Fault(str(path), 1, "", "the document is no object", inline(data), "keys with values")])
    return Document(path, data, text)


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
        if len(content) > MOST_BYTES:
            raise ValueError(f"it is larger than {MOST_BYTES // 1_000_000} MB")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TargetError([Fault(str(path), line, "", "the file is not UTF-8")]) from error
    except (OSError, ValueError) as error:
        raise TargetError([Fault(str(path), None, "", opening_problem(error))]) from error


def _from_json(path: Path, text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_no_twins)
    except json.JSONDecodeError as error:
        raise TargetError([Fault(str(path), error.lineno, "", f"not JSON: {error.msg}")]) from error
    except (ValueError, RecursionError) as error:
        raise TargetError([Fault(str(path), None, "", f"not JSON: {error}")]) from error


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twin!r} stands twice in an object")
    return data


def _from_yaml(path: Path, text: str) -> Any:
    try:
        node = yaml.compose(text, Loader=_LOADER)
        return None if node is None else _Builder(str(path)).value(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise TargetError([Fault(str(path), line, "", f"not YAML: {error.problem or error.context}")]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise TargetError([Fault(str(path), None, "", f"not YAML: {error}")]) from error


_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_WORDS |= {word.capitalize(): value for word, value in _WORDS.items() if word.isalpha()}


class _Builder:
    """Makes values of YAML nodes; what an alias names is made once."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._made: dict[int, Any] = {}
        self._sizes: dict[int, int] = {}
        self._open: list[int] = []

    def value(self, node: yaml.Node) -> Any:
        if id(node) in self._made:
            return self._made[id(node)]
        if id(node) in self._open or len(self._open) > _DEEPEST:
            raise self._error(node, "it holds itself, or is nested too deeply")
        self._open.append(id(node))
        made = self._made[id(node)] = self._make(node)
        self._open.pop()
        self._sizes[id(node)] = size = 1 + sum(self._sizes[id(child)] for child in _children(node))
        if size > _MOST_NODES:
            raise self._error(node, "with its aliases written out it is too large")
        return made

    def _make(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return node.value if node.style else _scalar(node.value)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child) for child in node.value]
        data: dict[str, Any] = {}
        for key_node, child in node.value:
            key = self._key(key_node)
            if key in data:
                raise self._error(key_node, "the key stands twice", key)
            data[key] = self.value(child)
        return data

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(node, "a key must be a text")
        return str(node.value)

    def _error(self, node: yaml.Node, problem: str, key: str = "") -> TargetError:
        return TargetError([Fault(self._file, node.start_mark.line + 1, key, problem)])


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for _, child in node.value]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    number = _NUMBER.fullmatch(text)
    if number is None:
        return text
    return float(text) if number[2] or number[3] else int(text)


def _lines(node: yaml.Node, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
    """Walk over a tree of nodes; one that aliases blow up is left off where it gets too large."""
    waiting = [(path, node, node)]
    for _ in range(_MOST_NODES):
        if not waiting:
            return
        path, at, node = waiting.pop()
        yield path, at.start_mark.line + 1
        if len(path) > _DEEPEST:
            continue
        if isinstance(node, yaml.MappingNode):
            waiting += [((*path, str(key.value)), key, child) for key, child in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [((*path, index), child, child) for index, child in enumerate(node.value)]
