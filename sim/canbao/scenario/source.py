"""A scenario file as it was written: plain data, and for every key the file, line and comment it came from.

The sections of a scenario mean nothing here. What this module promises to those who do know them: `Source.data`
holds only tables, lists, text without NUL, booleans, dates, times, finite floats and 64-bit integers, nested at
most `MAX_DEPTH` deep, so that it can always be printed, compared and written back.

tomllib gives values without positions, so `canbao.scenario.scanner` walks the same text once more and notes where each
key stands. It runs first, because it also refuses nesting on which tomllib would recurse too deep or need quadratic
time.
"""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from canbao.errors import Fault, ScenarioError
from canbao.scenario.faults import MANY_DIGITS, SHOWN, KeyPath, dotted, inline, nearest, opening_problem, syntax_fault
from canbao.scenario.scanner import MAX_DEPTH, LostError, Scanner, TooDeepError, scan

__all__ = ["MAX_BYTES", "MAX_CHAIN", "MAX_DEPTH", "Place", "Source", "grade", "locate", "read_scenario", "to_toml"]

MAX_BYTES = 4 * 1024 * 1024
"""How large a file may be; it also bounds the time that reading can take."""
MAX_CHAIN = 8
"""How many files may extend one another, the first one included."""

_SET = "--set"
_SET_EXAMPLE = "for example --set population.scale=0.1"
_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Place:
    """Where a key was written."""

    file: str
    """The file as the user named it, or `--set`."""
    line: int | None
    """Line of the key, from 1; None for a whole file and for the command line."""
    comment: str
    """The comment at the end of the line on which the value ends, without its `#`; empty if there is none."""


@dataclass(frozen=True)
class Source:
    """A scenario with everything it extends and every override put together, and where each part came from."""

    data: dict[str, Any]
    """The merged tables; `extends` is resolved and gone."""
    places: Mapping[KeyPath, Place]
    """A place for the document `()`, every table, key and element of an array."""
    name: str
    """The file's name without folder and suffix."""
    files: tuple[str, ...]
    """The file, the one that it extends, and so on."""

    def place(self, path: KeyPath) -> Place:
        """Give the place of a key, or of the nearest table around it that is written somewhere."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places[path]


def grade(comment: str) -> str:
    """Give the grade of evidence with which a comment begins, `B` of `B: Guangyuan 2023`; empty without one."""
    return comment[0] if comment[1:2] == ":" and comment[0] in "ABCDEV" else ""


# ---------------------------------------------------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layer:
    """One file, or several already merged."""

    data: dict[str, Any]
    places: dict[KeyPath, Place]


def read_scenario(
    path: str | os.PathLike[str], overrides: Sequence[str] = (), *, named: Mapping[str, str] | None = None
) -> Source:
    """Read a scenario file, what it extends, and overrides such as `population.scale=0.1`.

    Tables are merged key by key, the file over the one that it extends; everything else is replaced. A table that
    states another `kind` than the inherited one replaces it whole, because the keys of one kind do not fit another.

    Parameters
    ----------
    path
        A TOML file.
    overrides
        `path=value` texts, as `--set` takes them.
    named
        The files that can be extended, by the name that `extends` gives then; without it `extends` gives the path of a
        file.

    Raises
    ------
    ScenarioError
        If a file cannot be read or is not TOML, if the files extend one another in a circle, if a value is one that
        no scenario can use, or if an override is malformed. Every fault names a file.
    """
    files, layer = _read_chain(os.fspath(path), named=named)
    layer = _override(layer, overrides)
    faults = [fault for key, value in _walk(layer.data) if (fault := _unusable(key, value, layer.places))]
    if faults:
        raise ScenarioError(faults)
    return Source(layer.data, MappingProxyType(layer.places), PurePath(files[0]).stem, files)


@dataclass(frozen=True)
class _Link:
    """The words `extends = "..."` and where they stand."""

    place: Place
    text: str

    def error(self, problem: str, hint: str = "") -> ScenarioError:
        fault = Fault(self.place.file, self.place.line, "extends", problem, inline(self.text), hint=hint)
        return ScenarioError([fault])


def _read_chain(
    path: str,
    above: tuple[str, ...] = (),
    link: _Link | None = None,
    named: Mapping[str, str] | None = None,
) -> tuple[tuple[str, ...], _Layer]:
    """Read a file and what it extends; `above` are the files that led here, the last one by `link`."""
    layer = _parse(_read_bytes(path, link), _shown(path))
    files = (*above, path)
    base = layer.data.pop("extends", None)
    if base is None:
        return tuple(_shown(file) for file in files), layer
    link = _link(base, layer.places.pop(("extends",), layer.places[()]), named)
    path = os.path.join(os.path.dirname(path), link.text) if named is None else named[link.text]
    _check_chain(path, files, link)
    shown, below = _read_chain(path, files, link, named)
    return shown, _merge_layers(below, layer)


def _link(base: object, place: Place, named: Mapping[str, str] | None) -> _Link:
    if isinstance(base, str) and base and "\0" not in base and (named is None or base in named):
        return _Link(place, base)
    if named is None:
        problem, allowed = "does not name a file", "the path of one TOML file, relative to this one"
        hint = 'for example extends = "city-season.toml"'
    else:
        problem, allowed = "is none of the names that can stand here", ", ".join(map(inline, named))
        close = nearest(str(base), named)
        hint = f"did you mean {inline(close)}?" if close else ""
    raise ScenarioError([Fault(place.file, place.line, "extends", problem, inline(base), allowed, hint)])


def _check_chain(path: str, files: tuple[str, ...], link: _Link) -> None:
    if os.path.realpath(path) in [os.path.realpath(file) for file in files]:
        chain = " → ".join(_shown(file) for file in (*files, path))
        raise link.error(f"the files extend one another in a circle: {chain}")
    if len(files) == MAX_CHAIN:
        raise link.error(f"more than {MAX_CHAIN} files extend one another")


def _shown(path: str) -> str:
    # A file name need not be text; a message must be.
    return path.encode("utf-8", "replace").decode()


def _read_bytes(path: str, link: _Link | None) -> bytes:
    try:
        with open(path, "rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        problem, hint = opening_problem(error), _similar_file(path)
        if link:
            raise link.error(f"the file cannot be read: {problem}", hint) from error
        raise ScenarioError([Fault(_shown(path), None, "", problem, hint=hint)]) from error
    if len(content) > MAX_BYTES:
        raise ScenarioError([Fault(_shown(path), None, "", "is larger than 4 MiB, too large for a scenario")])
    return content


def _similar_file(path: str) -> str:
    folder, name = os.path.split(path)
    try:
        known = [file for file in os.listdir(folder or ".") if file.endswith(".toml")]
    except (OSError, ValueError):
        return f"there is no folder {inline(folder)}" if folder else ""
    close = nearest(name, known)
    return f"did you mean {_shown(os.path.join(folder, close))}?" if close else ""


def _parse(content: bytes, file: str) -> _Layer:
    text = _decode(content, file)
    places = locate(text, file)
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise ScenarioError([_too_deep(file, None)]) from None
    except ValueError as error:
        raise ScenarioError([syntax_fault(text, file, error)]) from None
    return _Layer(data, places)


def _too_deep(file: str, line: int | None) -> Fault:
    return Fault(file, line, "", "tables and lists are nested too deep", allowed=f"at most {MAX_DEPTH} levels")


def _decode(content: bytes, file: str) -> str:
    allowed = "text in UTF-8 without a byte order mark"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ScenarioError([Fault(file, 1, "", "is UTF-16", allowed=allowed, hint="save it as UTF-8")])
    if content.startswith(b"\xef\xbb\xbf"):
        hint = "save it as UTF-8 without one"
        raise ScenarioError([Fault(file, 1, "", "begins with a byte order mark", allowed=allowed, hint=hint)])
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        given = " ".join(f"{byte:02x}" for byte in content[error.start : error.end])
        hint = "perhaps it was saved in GBK; save it as UTF-8"
        raise ScenarioError([Fault(file, line, "", "is not UTF-8", f"byte {given}", allowed, hint)]) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ScenarioError([Fault(file, line, "", "holds a NUL byte", allowed=allowed, hint="is it a text file?")])
    return text


def _unusable(path: KeyPath, value: object, places: Mapping[KeyPath, Place]) -> Fault | None:
    problem = _problem(path[-1], value)
    if problem is None:
        return None
    place = places.get(path) or places[()]
    return Fault(place.file, place.line, dotted(path), problem[0], inline(value), problem[1])


def _problem(key: str | int, value: object) -> tuple[str, str] | None:
    """Say what no scenario can use, and what it can."""
    if (isinstance(value, str) and "\0" in value) or (isinstance(key, str) and "\0" in key):
        return "holds a NUL character", "text without it"
    if isinstance(value, int) and not -_LARGEST - 1 <= value <= _LARGEST:
        return "is too large a number", "whole numbers of up to 64 bits"
    if isinstance(value, float) and not math.isfinite(value):
        return "is not a finite number", "finite numbers; leave the key out where there is no limit"
    return None


def _walk(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """Give every key and element below a value, parents first."""
    items: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield (*path, key), item
        yield from _walk(item, (*path, key))


def _merge_layers(base: _Layer, over: _Layer) -> _Layer:
    data = _merge(base.data, over.data)
    # What stands in both was said last by the upper one; a replaced list leaves no places behind, as it is not walked.
    paths: Iterable[KeyPath] = ((), *(path for path, _ in _walk(data)))
    return _Layer(data, {path: over.places.get(path) or base.places.get(path, base.places[()]) for path in paths})


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    if "kind" in base and "kind" in over and base["kind"] != over["kind"]:
        return over
    merged = dict(base)
    for key, value in over.items():
        inherited = base.get(key)
        if isinstance(inherited, dict) and isinstance(value, dict):
            merged[key] = _merge(inherited, value)
        else:
            merged[key] = value
    return merged


# ---------------------------------------------------------------------------------------------------------------------
# Overrides
# ---------------------------------------------------------------------------------------------------------------------


def _override(layer: _Layer, overrides: Sequence[str]) -> _Layer:
    faults: list[Fault] = []
    for text in overrides:
        try:
            layer = _override_one(layer, text)
        except ScenarioError as error:
            faults.extend(error.faults)
    if faults:
        raise ScenarioError(faults)
    return layer


def _override_one(layer: _Layer, text: str) -> _Layer:
    names, value = _split_override(text)
    path = _put(layer.data, names, value)
    here = Place(_SET, None, "")
    parents = {path[:size]: here for size in range(1, len(path))}
    kept = {key: place for key, place in layer.places.items() if key[: len(path)] != path}
    below = {(*path, *key): here for key, _ in _walk(value)}
    return _Layer(layer.data, {**parents, **kept, path: here, **below})


def _split_override(text: str) -> tuple[tuple[str, ...], object]:
    scanner = Scanner(text)
    try:
        text.encode()
        names = scanner.key()
        scanner.expect("=")
    except (LostError, UnicodeEncodeError):
        raise _set_error("", "is not path=value", inline(text.encode("utf-8", "replace").decode())) from None
    except TooDeepError:
        raise ScenarioError([_too_deep(_SET, None)]) from None
    if names[0] == "extends":
        raise _set_error("extends", "cannot be set on the command line", text, "name the other file instead")
    value = _override_value(dotted(names), text[scanner.pos :].strip())
    if len(names) + max((len(path) for path, _ in _walk(value)), default=0) > MAX_DEPTH:
        raise ScenarioError([_too_deep(_SET, None)])
    return names, value


def _set_error(key: str, problem: str, given: str, hint: str = _SET_EXAMPLE) -> ScenarioError:
    shown = given[:SHOWN] if given.isprintable() else inline(given)
    return ScenarioError([Fault(_SET, None, key, problem, shown, hint=hint)])


def _override_value(key: str, text: str) -> object:
    if not text:
        raise _set_error(key, "has no value", f"{key}=")
    try:
        scan(f"value = {text}")
        data = tomllib.loads(f"value = {text}")
        if set(data) == {"value"}:
            return data["value"]
    except (TooDeepError, RecursionError):
        raise ScenarioError([_too_deep(_SET, None)]) from None
    except ValueError:
        pass
    # Bare words are text, so that a shell needs no second pair of quotes; an unfinished list is a slip.
    if text[0] in "[{\"'" or MANY_DIGITS.search(text):
        raise _set_error(key, "has a value that is not TOML", text)
    return text


def _put(data: dict[str, Any], names: tuple[str, ...], value: object) -> KeyPath:
    """Put a value into the tables, make tables that are not there, and give its path, with indices as numbers."""
    here: Any = data
    path: list[str | int] = []
    for last, name in enumerate(names, start=1 - len(names)):
        key = _child(here, name, path)
        path.append(key)
        if last == 0:
            here[key] = value
        else:
            here = here.setdefault(key, {}) if isinstance(here, dict) else here[key]
    return tuple(path)


def _child(here: object, name: str, path: Sequence[str | int]) -> str | int:
    if isinstance(here, dict):
        return name
    if not isinstance(here, list):
        raise _set_error(dotted([*path, name]), f"{dotted(path)} is not a table", inline(here))
    if name.isascii() and name.isdigit() and len(name) < len(str(_LARGEST)) and int(name) < len(here):
        return int(name)
    problem = f"{dotted(path)} is a list of {len(here)}"
    raise _set_error(dotted([*path, name]), problem, name, "count its elements from 0")


# ---------------------------------------------------------------------------------------------------------------------
# Places
# ---------------------------------------------------------------------------------------------------------------------


def locate(text: str, file: str) -> dict[KeyPath, Place]:
    """Find the place of every table, key and array element in TOML text.

    Text that is not TOML is walked as far as it makes sense. The document itself has the path `()` and no line.

    Raises
    ------
    ScenarioError
        If tables and lists are nested more than `MAX_DEPTH` deep.
    """
    try:
        scanner = scan(text)
    except TooDeepError as error:
        raise ScenarioError([_too_deep(file, error.line)]) from None
    places = {
        path: Place(file, line, scanner.comments.get(end, "") if end else "")
        for path, (line, end) in scanner.found.items()
    }
    return {(): Place(file, None, ""), **places}


def to_toml(data: Mapping[str, Any]) -> str:
    """Write data as TOML, keys in the order in which they were read; `tomllib.loads` gives the same data back."""
    import tomli_w

    return tomli_w.dumps(data)
