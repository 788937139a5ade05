"""Charts as SVG files that a paper can take: one file a figure, in millimetres, with text as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from canbao.report.charts import Chart
from canbao.report.charts.axes import TEXT_PX
from canbao.report.charts.chart import Key
from canbao.report.drawing import elements, sign
from canbao.report.experiments.sheet import text_px
from canbao.report.palette import COLOURS
from canbao.report.words import legible
from canbao.runs.folders import storing

__all__ = ["MM", "figure_svg", "width_px", "write_figures"]

MM = 174.0
"""The usual width of a figure over two columns, in millimetres."""

_PX_PER_MM = 96 / 25.4
_FONTS = "Helvetica, Arial, 'Liberation Sans', 'Noto Sans', 'Noto Sans SC', sans-serif"
_LINE, _EDGE = 18, 6


def width_px(mm: float) -> int:
    """Give the width of a drawing in pixels, of which 96 make an inch."""
    return round(mm * _PX_PER_MM)


def figure_svg(chart: Chart, *, titled: bool = False) -> str:
    """Draw a chart as an SVG file of its own.

    Letters are text in 11 px, which is 8.25 pt on paper; colours are those of light screens and differ in lightness or
    shape, so that grey paper tells them apart.

    Parameters
    ----------
    chart
        Drawn for the width that the file gets.
    titled
        Whether its title stands over it; a paper has captions for that.
    """
    width, plot_height = chart.plot.size
    head = _title(chart.title, width) if titled else []
    keys = _rows_of_keys(chart.keys, width)
    top = _LINE * len(head) + (4 if head else 0)
    height = top + plot_height + _LINE * len(keys) + (_EDGE if keys else 0)
    texts = [
        f'<text x="8" y="{_LINE * (n + 1) - 4}" font-weight="bold" fill="{_ink()}">{escape(line, quote=False)}</text>'
        for n, line in enumerate(head)
    ]
    signs = [_keys(row, top + plot_height + _LINE * n + 8) for n, row in enumerate(keys)]
    mm = (side / _PX_PER_MM for side in (width, height))
    size = " ".join(f'{name}="{side:.2f}mm"' for name, side in zip(("width", "height"), mm, strict=True))
    return legible(
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {height}" role="img" '
        f'font-family="{_FONTS}" font-size="{TEXT_PX}">\n<title>{escape(chart.title, quote=False)}</title>\n'
        f"<desc>{escape(chart.caption, quote=False)}</desc>\n"
        f'<path d="M0,0h{width}v{height}h-{width}Z" fill="{COLOURS["paper"][0]}"/>\n'
        f'{"".join(texts)}{elements(chart.plot, top)}<g fill="none">{"".join(signs)}</g>\n</svg>\n'
    )


def _ink() -> str:
    return COLOURS["ink"][0]


def _title(text: str, width: int) -> list[str]:
    """Break a title into lines; at spaces, or between Chinese signs."""
    words = text.split(" ") if " " in text else list(text)
    gap, lines = " " if " " in text else "", [""]
    for word in words:
        longer = f"{lines[-1]}{gap}{word}" if lines[-1] else word
        if lines[-1] and text_px(longer) * 1.1 > width - 16:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _rows_of_keys(keys: Iterable[Key], width: int) -> list[list[tuple[int, Key]]]:
    """Put the entries of a key into rows, each with its place from the left."""
    rows: list[list[tuple[int, Key]]] = []
    right = width
    for key in keys:
        room = 40 + round(text_px(key.label))
        if right + room > width:
            rows.append([])
            right = 16
        rows[-1].append((right, key))
        right += room
    return rows


def _keys(row: Sequence[tuple[int, Key]], y: int) -> str:
    return "".join(
        f'{sign(x, y - 4, key.colour, key.shape)}<text x="{x + 13}" y="{y}" fill="{_ink()}">'
        f"{escape(key.label, quote=False)}</text>"
        for x, key in row
    )


def write_figures(charts: Sequence[Chart], folder: str | Path, *, titled: bool = False) -> list[Path]:
    """Write each chart as `NAME.svg`, and the numbers behind it as `NAME.csv` beside it.

    Raises
    ------
    StorageError
        When they cannot be written.
    """
    place, written = Path(folder), []
    with storing(place):
        place.mkdir(parents=True, exist_ok=True)
        for chart in charts:
            path = place / f"{_file_name(chart.name)}.svg"
            path.write_text(figure_svg(chart, titled=titled), encoding="utf-8")
            path.with_suffix(".csv").write_text(_csv(chart), encoding="utf-8")
            written.append(path)
    return written


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)


def _csv(chart: Chart) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(chart.table.header)
    writer.writerows(chart.table.rows)
    return text.getvalue()
