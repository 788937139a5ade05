"""A chart as plain data: what is drawn and the table behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from canbao.report.charts.plot import Plot

__all__ = ["Cell", "Chart", "Key", "Table"]

Cell = str | float | int | None


@dataclass(frozen=True)
class Table:
    """Rows of plain values under a header; what a CSV file of it would hold."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @classmethod
    def of(cls, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Table:
        """Make one of any sequences."""
        return cls(tuple(header), tuple(tuple(row) for row in rows))


@dataclass(frozen=True)
class Key:
    """One entry of a chart's key."""

    label: str
    colour: str
    """A name in `palette.COLOURS`."""
    shape: str = "area"
    """How it looks: `area`, `line`, `dot` or `dash`."""


@dataclass(frozen=True)
class Chart:
    """One chart."""

    name: str
    """Unique in a report; it may hold the name of a station as the user wrote it."""
    topic: str
    """The part of the report that it belongs to, a key of `TOPICS` in `canbao.report.page`."""
    title: str
    """What is seen."""
    caption: str
    """How to read it."""
    plot: Plot
    table: Table
    keys: tuple[Key, ...] = ()
