"""The charts of a report and the tables of a run as CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count
from typing import IO, Any

from canbao.languages import Language, noted
from canbao.report.charts.chart import Chart
from canbao.trace import Table, arrow_table

__all__ = ["INDEX", "chart_files", "header_of", "index_of", "write_rows", "write_table"]

INDEX = "index.csv"
"""The file that says what the files of charts hold."""

_UNITS = (
    ("utilisation", noted("share of staffed hours")),
    ("queue-", noted("waiting on average")),
    ("review-promise", noted("share decided")),
    ("outcomes", noted("families")),
)
"""What the numbers are in charts whose columns are named by what they are about: by the beginning of the name."""

_AWKWARD = re.compile(r"[^\w.-]+")


def chart_files(charts: Sequence[Chart]) -> dict[str, Chart]:
    """Name a file for each chart; whatever makes trouble in the name of a file becomes a hyphen."""
    found: dict[str, Chart] = {}
    taken = {INDEX}
    for chart in charts:
        stem = _AWKWARD.sub("-", chart.name).strip(".-") or "chart"
        names = chain([f"{stem}.csv"], (f"{stem}-{number}.csv" for number in count(2)))
        name = next(name for name in names if name.casefold() not in taken)  # some disks know no capitals
        taken.add(name.casefold())
        found[name] = chart
    return found


def index_of(files: dict[str, Chart]) -> Iterator[tuple[str, ...]]:
    """Give the rows of the index: each file, with the part of the report, the title and the caption of its chart."""
    yield ("file", "topic", "title", "caption")
    for name, chart in files.items():
        yield (name, chart.topic, chart.title, chart.caption)


def header_of(chart: Chart, language: Language) -> list[str]:
    """Give the header of a chart's table, with units where the words alone would not tell them."""
    first, *others = chart.table.header
    unit = next((unit for name, unit in _UNITS if chart.name.startswith(name)), "")
    said = f" ({language.say(unit)})" if unit else ""
    return [first or language.say("name"), *(f"{word}{said}" for word in others)]


def write_rows(file: IO[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows; None becomes an empty cell."""
    csv.writer(file, lineterminator="\n").writerows(rows)


def write_table(file: IO[bytes], table: Table) -> None:
    """Write a table of a trace; what did not happen (nan) becomes an empty cell."""
    import pyarrow as pa
    import pyarrow.csv

    columns = arrow_table(table)
    plain = {name: _plain(columns.column(name)) for name in columns.column_names}
    pyarrow.csv.write_csv(pa.table(plain), file, pyarrow.csv.WriteOptions(quoting_style="needed"))


def _plain(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        return column.cast(pa.string())
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), None, column)
    return column
