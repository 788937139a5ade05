"""Region files: where the built-in ones are, how a file is read, and what evidence stands behind each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from canbao.errors import ScenarioError
from canbao.scenario.faults import KeyPath, dotted, faults_of
from canbao.scenario.source import Source, grade, read_scenario
from canbao_plugins.policies.rules import Rules

__all__ = ["REGIONS", "Evidence", "evidence_of", "read_region"]

_FOLDER = Path(__file__).parent / "regions"

REGIONS: Mapping[str, str] = {path.stem: str(path) for path in sorted(_FOLDER.glob("*.toml"))}
"""The files of the built-in regions by name."""


@dataclass(frozen=True)
class Evidence:
    """One value of a region, and what stands behind it."""

    key: str
    """The dotted key, `fees.low_income`."""
    value: Any
    grade: str
    """The letter of its grade, empty where the file gives none."""
    source: str
    """What the comment behind the value says, without the letter."""
    region: str
    """The region file that says it, without its ending: another than one's own where a value is taken over."""
    line: int | None
    """The line in that file."""


def read_region(path: str) -> Source:
    """Read a region file with what it extends, and check it; a built-in one is read once.

    Raises
    ------
    ScenarioError
        With all faults of the file.
    """
    return _read_built_in(path) if path in REGIONS.values() else _read(path)


@lru_cache
def _read_built_in(path: str) -> Source:
    return _read(path)


def _read(path: str) -> Source:
    source = read_scenario(path, named=REGIONS)
    try:
        Rules.model_validate(source.data)
    except ValidationError as error:
        raise ScenarioError(faults_of(error, source, Rules)) from None
    return source


def evidence_of(source: Source, besides: Mapping[str, Any]) -> Iterator[Evidence]:
    """Give the evidence of each value of a region file, but not of those that stand in `besides`, table by table."""
    for path, value in _values(source.data):
        if not _holds(besides, path):
            place = source.place(path)
            letter = grade(place.comment)
            said = place.comment[2:].strip() if letter else place.comment
            yield Evidence(dotted(path), value, letter, said, Path(place.file).stem, place.line)


def _values(table: Mapping[str, Any], above: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _values(value, (*above, key))
        else:
            yield (*above, key), value


def _holds(table: Any, path: KeyPath) -> bool:
    for key in path:
        if not isinstance(table, Mapping) or key not in table:
            return False
        table = table[key]
    return True
