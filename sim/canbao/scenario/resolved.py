"""The resolved scenario as text: everything that it extends and every override put together, in one TOML file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from canbao.scenario.faults import KeyPath
from canbao.scenario.source import Place, Source

__all__ = ["FILE_PATH", "input_files", "resolved_text", "with_value"]

FILE_PATH = "file-path"
"""A field with this `format` in its JSON Schema names a file, which is kept with the run."""

_WIDTH = 100


def resolved_text(source: Source, *, places: bool = False) -> str:
    """Write a scenario as one TOML file; reading it gives the same data, comments with grades of evidence included.

    Parameters
    ----------
    source
        The scenario.
    places
        Whether a comment behind each value says from which file and line it comes.
    """
    return "\n".join(_Writer(source, places).table(source.data, ())).strip() + "\n"


class _Writer:
    """Writes one scenario."""

    def __init__(self, source: Source, places: bool) -> None:
        self.source = source
        self.places = places

    def table(self, data: Mapping[str, Any], path: KeyPath) -> Iterator[str]:
        """Give the lines of a table: first its values, then the tables below it."""
        below = {key: value for key, value in data.items() if self._needs_header(value, (*path, key))}
        for key, value in data.items():
            if key not in below:
                yield self._commented(f"{_key(key)} = {_value(value)}", (*path, key))
        for key, value in below.items():
            yield from self._below(value, (*path, key))

    def _below(self, value: Any, path: KeyPath) -> Iterator[str]:
        # In the file an element of a list of tables is `[[name]]`, without its number.
        name = ".".join(_key(part) for part in path if isinstance(part, str))
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from ("", self._commented(f"[[{name}]]", (*path, index)))
                yield from self.table(item, (*path, index))
            return
        header = self._commented(f"[{name}]", path)
        # A header that holds nothing but headers need not be there.
        if not value or not all(self._needs_header(item, (*path, key)) for key, item in value.items()):
            yield from ("", header)
        yield from self.table(value, path)

    def _needs_header(self, value: Any, path: KeyPath) -> bool:
        if isinstance(value, list):
            return bool(value) and all(isinstance(item, dict) for item in value) and not self._on_one_line(value, path)
        return isinstance(value, dict) and not (value and self._on_one_line(value, path))

    def _on_one_line(self, value: Any, path: KeyPath) -> bool:
        """Tell whether a table was written on one line, so that one comment speaks for all of it."""
        # Headers cannot stand inside a list that is not one of tables, so what is in there stays on its line.
        own = self.source.places.get(path)
        inner = [self.source.places.get((*path, *below)) for below in _paths(value)]
        return all(place == own for place in inner) and len(_value(value)) <= _WIDTH

    def _commented(self, text: str, path: KeyPath) -> str:
        place = self.source.places.get(path)
        comment = " ".join(filter(None, self._comment(place))) if place else ""
        return f"{text}  # {comment}" if comment else text

    def _comment(self, place: Place) -> Iterator[str]:
        yield place.comment
        if self.places:
            file = "".join(sign if sign.isprintable() else "?" for sign in place.file)
            where = file if place.line is None else f"{file}:{place.line}"
            yield f"({where})" if place.comment else where


def _paths(value: Any) -> Iterator[KeyPath]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (key,)
        yield from ((key, *below) for below in _paths(item))


def _value(value: Any) -> str:
    """Write a value on one line."""
    import tomli_w

    if isinstance(value, dict):
        pairs = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return tomli_w.dumps({"v": value}).removeprefix("v = ").rstrip("\n")


def _key(name: str) -> str:
    """Write a key, in quotes where TOML asks for them."""
    import tomli_w

    return tomli_w.dumps({name: 0}).removesuffix(" = 0\n")


# --- files that a scenario reads ------------------------------------------------------------------------------------


def input_files(settings: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Path]]:
    """Find the fields that name files: their paths in the scenario, and the files."""
    if isinstance(settings, Mapping):
        for key, value in settings.items():
            yield from input_files(value, (*path, key))
    elif isinstance(settings, list | tuple):
        for index, value in enumerate(settings):
            yield from input_files(value, (*path, index))
    elif isinstance(settings, BaseModel):
        for name, info in type(settings).model_fields.items():
            value, extra = getattr(settings, name), info.json_schema_extra
            is_name = isinstance(extra, Mapping) and extra.get("format") == FILE_PATH
            if is_name and value:  # an empty name is no file
                yield (*path, name), Path(value)
            elif not is_name:
                yield from input_files(value, (*path, name))


def with_value(source: Source, path: KeyPath, value: Any) -> Source:
    """Give the scenario with another value at a path; tables on the way are copied, not changed."""
    return replace(source, data=_put(source.data, path, value))


def _put(data: Any, path: KeyPath, value: Any) -> Any:
    if not path:
        return value
    copy = list(data) if isinstance(data, list) else dict(data)
    inner = copy[path[0]] if isinstance(copy, list) else copy.get(path[0], {})  # type: ignore[index]
    copy[path[0]] = _put(inner, path[1:], value)  # type: ignore[index]
    return copy
