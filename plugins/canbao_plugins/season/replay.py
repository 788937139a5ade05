"""Arrivals replayed from a file."""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator

from canbao.arrays import FloatArray, np
from canbao.columns import Coded
from canbao.district import Channel, District
from canbao.scenario.models import Settings
from canbao.scenario.quantities import MisfitError

__all__ = ["Replay"]


class Replay(Settings):
    """Arrivals as they stand in a CSV file: one row for each family, its time in a column `arrival`."""

    kind: Literal["replay"]
    file: str = Field(
        description="The CSV file, relative to the scenario file.",
        json_schema_extra={"format": "file-path"},  # so that a run keeps a copy of it
    )
    column: str = Field(
        "arrival", description="The column with dates and times such as 2025-12-31 09:15:00, at which families set out."
    )

    _moments: list[dt.datetime] = PrivateAttr(default_factory=list)

    @field_validator("file")
    @classmethod
    def _resolved(cls, file: str, info: ValidationInfo) -> str:
        context = info.context or {}
        folder = context.get("folders", {}).get(file, context.get("folder", "."))
        if not _is_file(path := Path(folder) / file):
            raise MisfitError(
                f"names a file that is not there: {path}", allowed="a CSV file, relative to the scenario file"
            )
        return str(path)

    def model_post_init(self, context: Any, /) -> None:
        """Read the file, so that its faults are told with those of the scenario."""
        self._moments.extend(_read_moments(Path(self.file), self.column))

    def families(self, expected: int) -> int:
        """Count the rows."""
        return len(self._moments)

    def arrivals(self, district: District, preferred: Coded, channels: Mapping[str, Channel]) -> FloatArray:
        """Give the times of the rows, nan for those outside the horizon."""
        times = np.array([district.horizon.seconds(moment) for moment in self._moments])
        return np.where((times >= 0) & (times < district.horizon.end_s), times, math.nan)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _read_moments(path: Path, column: str) -> list[dt.datetime]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            moments = list(_moments(csv.DictReader(lines), path.name, column))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MisfitError(
            f"names a file that cannot be read as CSV in UTF-8: {path.name}: {error}", below=("file",)
        ) from error
    if not moments:
        raise MisfitError(f"names a file without rows: {path.name}", below=("file",))
    return moments


def _moments(rows: csv.DictReader[str], file: str, column: str) -> Iterator[dt.datetime]:
    if column not in (rows.fieldnames or []):
        given = ", ".join(rows.fieldnames or []) or "none"
        raise MisfitError(f"names a file without a column {column!r}; {file} has: {given}", below=("file",))
    for row in rows:
        text = row[column] or ""
        try:
            moment = dt.datetime.fromisoformat(text.strip())
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is not None:
            raise MisfitError(
                f"{file} line {rows.line_num}: {column} is {text!r}",
                allowed="a local date and time such as 2025-12-31 09:15:00 in every row",
                below=("file",),
            )
        yield moment
