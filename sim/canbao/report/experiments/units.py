"""Rows of an answer that can share an axis: of one unit, and not of sizes too far apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

__all__ = ["sharing_an_axis"]

_APART = 40.0
"""How many times larger than the smallest of a chart a value may be."""


def sharing_an_axis(
    rows: Sequence[Mapping[str, Any]], size: Callable[[Mapping[str, Any]], float | None]
) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Give a unit with its rows for each chart that they take; within it they keep their order.

    Parameters
    ----------
    rows
        With their `unit`.
    size
        How large a row is; those of shares share an axis in any case.
    """
    order = {id(row): place for place, row in enumerate(rows)}
    units = list(dict.fromkeys(str(row["unit"]) for row in rows))
    for unit in units:
        charts: list[list[Mapping[str, Any]]] = []
        smallest = 0.0
        for row in sorted((row for row in rows if row["unit"] == unit), key=lambda row: abs(size(row) or 0.0)):
            mine = abs(size(row) or 0.0)
            if not charts or (unit != "share" and smallest and mine > _APART * smallest):
                charts.append([])
                smallest = mine
            smallest = smallest or mine
            charts[-1].append(row)
        yield from ((unit, sorted(chart, key=lambda row: order[id(row)])) for chart in charts)
