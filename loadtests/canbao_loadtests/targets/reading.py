"""The documents of a target's folder, read and checked one by one: Arazzo, and the OpenAPI documents that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from canbao.errors import Fault, TargetError
from canbao.scenario.faults import KeyPath
from canbao.scenario.quantities import MisfitError
from canbao_loadtests.targets.arazzo import Arazzo, read_arazzo
from canbao_loadtests.targets.documents import Document, Faults, follow, read_document
from canbao_loadtests.targets.openapi import Operations, read_operations

__all__ = ["Sheet", "Spot", "read_sheets"]


@dataclass(frozen=True)
class Sheet:
    """An Arazzo document, and what its source descriptions lead to."""

    document: Document
    model: Arazzo
    operations: Mapping[str, Operations]
    """By the name of the source description."""
    sheets: Mapping[str, Path]
    """Other Arazzo documents, by the same."""


@dataclass(frozen=True)
class Spot:
    """A place in an Arazzo document, to note what is wrong there."""

    sheet: Sheet
    faults: Faults
    path: KeyPath = ()

    def at(self, *keys: str | int) -> Spot:
        """Give the place some keys further down."""
        return Spot(self.sheet, self.faults, (*self.path, *keys))

    @contextmanager
    def told(self) -> Iterator[None]:
        """Note what does not fit, and go on behind the block."""
        try:
            yield
        except MisfitError as error:
            path = (*self.path, *error.below)
            given = follow(self.sheet.document.data, tuple(map(str, path)))
            shown = given if isinstance(given, str | int | float) else None
            self.faults.add(self.sheet.document.fault(path, str(error), shown, error.allowed, error.hint))

    def unknown(self, what: str, given: str, known: Mapping[str, object]) -> None:
        """Note a name that leads nowhere."""
        self.faults.unknown(self.sheet.document, self.path, what, given, known)

    def add(self, problem: str, given: object = None, allowed: str = "", hint: str = "") -> None:
        """Note a fault."""
        self.faults.add(self.sheet.document.fault(self.path, problem, given, allowed, hint))


_PATTERNS = ("*.arazzo.yaml", "*.arazzo.yml", "*.arazzo.json", "arazzo.yaml", "arazzo.yml", "arazzo.json")


def read_sheets(folder: Path, faults: Faults) -> list[Sheet]:
    """Read all Arazzo documents of a folder, and the documents that they name.

    Raises
    ------
    TargetError
        If there is no such folder or no Arazzo document in it. What is wrong inside documents is noted in `faults`.
    """
    if not folder.is_dir():
        raise TargetError([Fault(str(folder), None, "", "there is no such folder")])
    paths = sorted({path for pattern in _PATTERNS for path in folder.glob(pattern)})
    if not paths:
        hint = "put one there, or name a plugin's target in target.toml"
        raise TargetError(
            [Fault(str(folder), None, "", "there is no Arazzo document", allowed="*.arazzo.yaml", hint=hint)]
        )
    return _Folder(faults).read(paths)


class _Folder:
    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._operations: dict[Path, Operations] = {}

    def read(self, paths: list[Path]) -> list[Sheet]:
        sheets: dict[Path, Sheet] = {}
        waiting = list(paths)
        while waiting:
            path = waiting.pop(0)
            if path.resolve() in sheets:
                continue
            sheet = self._sheet(path)
            if sheet is not None:
                sheets[path.resolve()] = sheet
                waiting += sheet.sheets.values()
        return list(sheets.values())

    def _sheet(self, path: Path) -> Sheet | None:
        try:
            document = read_document(path)
            model = read_arazzo(document)
        except TargetError as error:
            self._faults.found += error.faults
            return None
        sheet = Sheet(document, model, {}, {})
        return Sheet(document, model, *self._sources(Spot(sheet, self._faults)))

    def _sources(self, spot: Spot) -> tuple[dict[str, Operations], dict[str, Path]]:
        operations: dict[str, Operations] = {}
        sheets: dict[str, Path] = {}
        for index, source in enumerate(spot.sheet.model.source_descriptions):
            here = spot.at("sourceDescriptions", index)
            if source.name in operations or source.name in sheets:
                here.at("name").add("two source descriptions have this name", source.name)
            path = _local(spot.sheet.document.path.parent, source.url)
            if path is None or not path.is_file():
                here.at("url").add("there is no such file in the target's folder", source.url, hint="put a copy there")
            elif source.type == "arazzo":
                sheets[source.name] = path
            else:
                found = self._operations_of(path)
                if found is not None:
                    operations[source.name] = found
        return operations, sheets

    def _operations_of(self, path: Path) -> Operations | None:
        if path not in self._operations:
            first = next(iter(self._operations.values()), None)
            try:
                document = read_document(path)
            except TargetError as error:
                self._faults.found += [fault for fault in error.faults if fault not in self._faults.found]
                return None
            self._operations[path] = read_operations(document, self._faults, first.origin if first else None)
        return self._operations[path]


def _local(folder: Path, url: str) -> Path | None:
    """Find the file of a URL: nothing is fetched, so a URL of elsewhere means a copy of the same name."""
    parts = urlsplit(url)
    name = unquote(parts.path)
    path = folder / Path(name).name if parts.netloc else folder / name
    return path if path.resolve().is_relative_to(folder.resolve()) else None
