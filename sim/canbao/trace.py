"""The trace: what happened, as tables. Simulations and load tests record the same ones.

`families` has one row for each family that arrived:

======================  =======  ==========================================================
family                  int64    the family's index in the population
arrival                 float64  when it came, seconds since the first midnight of the horizon
first_channel           words    the first channel that it used
last_channel            words    the last channel that it used
trips                   int64    how many ways it travelled
effort_s                float64  time on the way and in front of pages, as far as it is no visit
outcome                 words    how it ended, or `inside` at the end of the horizon
submitted               float64  when its application was first handed in, nan if never
reviewed                float64  when the review decided last, nan if never
finished                float64  when it left, nan if still inside
======================  =======  ==========================================================

and behind these a column (float64) for each other event that a journey marks, nan where it never happened or was taken
back, then whatever else the population knows of each family (kind, category, residence, ...).

`visits` has one row for each stay at a station, by family and within a family in time:

=========  =======  ==============================================================================
family     int64    the family's index in the population
attempt    int64    how often it had done this step before
station    words    where
step       words    the step of its journey, `office/window`
enter      float64  when it joined the queue
start      float64  when its service began, nan if never
leave      float64  when it left, nan if still there at the end of the horizon
ended      words    `served`, `abandoned`, `baulked`, `full`, `closed`, `sent home` or `inside`
=========  =======  ==============================================================================

`stations` has one row for each station, from the server process itself, not from visits:

=========  =======  ==============================================================================
station    words    its name
group      words    what it belongs to
busy_s     float64  server time in which somebody was served or blocked
staffed_s  float64  server time on duty; a server who finishes after the shift counts until then
starts     int64    services begun
=========  =======  ==============================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from canbao.columns import Coded, Column, numbers_of

if TYPE_CHECKING:
    import pyarrow

__all__ = ["ENDINGS", "FAMILY_COLUMNS", "INSIDE", "MARKS", "Table", "Trace", "arrow_table", "same_tables"]

Table = Mapping[str, Column]

ENDINGS = ("served", "abandoned", "baulked", "full", "closed", "sent home", "inside")
"""How a visit can end; the codes of the column `ended`."""

FAMILY_COLUMNS = (
    "family",
    "arrival",
    "first_channel",
    "last_channel",
    "trips",
    "effort_s",
    "outcome",
    "submitted",
    "reviewed",
    "finished",
)
"""The columns that every table of families has; what the population knows must have other names."""

MARKS = ("submitted", "reviewed")
"""The events of every network; others are marked where a journey says so."""

INSIDE = "inside"
"""The outcome of a family that has not left at the end of the horizon."""


@dataclass(frozen=True, eq=False)
class Trace:
    """What happened in one run: three tables, each a mapping from column name to one value a row."""

    until: float
    """The end of the horizon."""
    families: Table
    visits: Table
    stations: Table

    def frame(self, table: Literal["families", "visits", "stations"]) -> pyarrow.Table:
        """Give a table as a pyarrow Table, which pandas (`.to_pandas()`) and polars (`polars.from_arrow`) take over."""
        return arrow_table(getattr(self, table))


def arrow_table(table: Table) -> pyarrow.Table:
    """Turn a table into Arrow; words become dictionary columns, and nothing is missing in any column."""
    import pyarrow as pa

    arrays = [_arrow_array(column) for column in table.values()]
    fields = [pa.field(name, array.type, nullable=False) for name, array in zip(table, arrays, strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _arrow_array(column: Column) -> pyarrow.Array:
    """Give a column as it lies in memory: `pyarrow.array` would import pandas, wherever that is installed, in 0.3 s."""
    import pyarrow as pa

    if isinstance(column, Coded):
        return pa.DictionaryArray.from_arrays(_arrow_array(column.codes.astype(np.int32)), _arrow_words(column.labels))
    kind = pa.from_numpy_dtype(column.dtype)
    bits = np.packbits(column, bitorder="little") if column.dtype == np.bool_ else np.ascontiguousarray(column)
    return pa.Array.from_buffers(kind, len(column), [None, pa.py_buffer(bits)])


def _arrow_words(labels: tuple[str, ...]) -> pyarrow.Array:
    import pyarrow as pa

    words = [label.encode() for label in labels]
    ends = np.cumsum([0, *map(len, words)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(words), pa.py_buffer(ends), pa.py_buffer(b"".join(words)))


def same_tables(one: Table, other: Table) -> str:
    """Compare two tables bit for bit; give the first difference in words, or an empty string."""
    if list(one) != list(other):
        return f"columns {list(one)} and {list(other)}"
    for name in one:
        words, others = _labels(one[name]), _labels(other[name])
        if words != others:
            return f"column {name}, labels: {words} and {others}"
        a, b = numbers_of(one[name]), numbers_of(other[name])
        if len(a) != len(b):
            return f"{len(a)} and {len(b)} rows"
        both_nan = np.isnan(a) & np.isnan(b) if a.dtype.kind == b.dtype.kind == "f" else False
        differs = np.flatnonzero(~((a == b) | both_nan))
        if len(differs):
            row = int(differs[0])
            return f"column {name}, row {row}: {a[row]!r} and {b[row]!r}"
    return ""


def _labels(column: Column) -> tuple[str, ...] | None:
    return column.labels if isinstance(column, Coded) else None
