"""Numbers in the cells of a grid, in stronger colours where they are higher."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from canbao.report.charts.chart import Key
from canbao.report.charts.plot import Axis, Box, Mark, Plot, Space, Text, Tick
from canbao.report.experiments.curves import named_axis
from canbao.report.experiments.sheet import Sheet, text_px
from canbao.report.palette import DEEP, WAITING

__all__ = ["grid", "grid_keys"]

_CELL = 30


def grid(  # noqa: PLR0913, PLR0917 - the parts of one drawing
    cells: Mapping[tuple[int, int], tuple[float, str]],
    columns: Sequence[str],
    rows: Sequence[str],
    sheet: Sheet,
    x_title: str,
    y_title: str,
    ends: tuple[float, float],
) -> Plot:
    """Give a plot of cells.

    Parameters
    ----------
    cells
        Value and text, by column and row from the bottom.
    columns, rows
        Their names.
    sheet
        How wide it is.
    x_title, y_title
        What columns and rows stand for, with units.
    ends
        The values of the palest and the strongest colour.
    """
    left = 16 + max(34, *(round(text_px(name)) for name in rows))
    width = sheet.width - left - 20
    ticks = tuple(Tick(at, (name,)) for at, name in enumerate(rows))
    y = Axis(-0.5, len(rows) - 0.5, ticks, y_title)
    # A telephone has no room for numbers in many columns; they stand in the table.
    written = width / len(columns) > max(text_px(text) for _, text in cells.values()) + 4
    marks = tuple(_marks(cells, ends, written))
    return Plot(width, _CELL * len(rows), named_axis(columns, x_title), y, marks, Space(left, 20, 26, 40))


def _marks(
    cells: Mapping[tuple[int, int], tuple[float, str]], ends: tuple[float, float], written: bool
) -> Iterator[Mark]:
    shades = {place: _shade(value, *ends) for place, (value, _) in cells.items()}
    for (column, row), (_, text) in cells.items():
        yield Box((column - 0.49, column + 0.49), (row - 0.47, row + 0.47), shades[column, row], text)
    if written:
        for (column, row), (_, text) in cells.items():
            colour = "paper" if shades[column, row] in DEEP else "ink"
            yield Text(column, row, text, colour, "middle", down=4)


def _shade(value: float, low: float, high: float) -> str:
    share = 0.0 if high <= low else (value - low) / (high - low)
    return WAITING[min(int(share * len(WAITING)), len(WAITING) - 1)]


def grid_keys(low: str, high: str) -> tuple[Key, ...]:
    """Give the key of a grid: what the palest and the strongest colour stand for."""
    return (Key(low, WAITING[0]), Key(high, WAITING[-1]))
