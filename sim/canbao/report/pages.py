"""What every page has: its template, the charts drawn for it, and how cells are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from canbao.languages import Language
from canbao.report.charts import NARROW, WIDE
from canbao.report.charts.chart import Cell, Chart

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["Drawing", "Section", "sections", "template"]


@cache
def template(name: str) -> Template:
    """Give a template of this package; what it makes is the same for the same arguments."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("canbao.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cell": _cell, "kept": _kept}
    return environment.get_template(name)


def _kept(text: str) -> str:
    """Keep a per cent sign on the line of its number."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def _cell(value: Cell) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return f"{value:,}"


@dataclass(frozen=True)
class Drawing:
    """A chart drawn in two widths."""

    id: str
    chart: Chart
    wide: Any
    narrow: Any


@dataclass(frozen=True)
class Section:
    """One part of a page."""

    id: str
    title: str
    drawings: Sequence[Drawing]


def sections(charts: Callable[[int], Iterable[Chart]], topics: Mapping[str, str], language: Language) -> list[Section]:
    """Draw charts and put them under their topics; a topic without charts is left out.

    Parameters
    ----------
    charts
        Gives the charts for a width in pixels.
    topics
        The titles of topics, in reading order.
    language
        The reader's.
    """
    drawings = [_drawing(index, *pair) for index, pair in enumerate(zip(charts(WIDE), charts(NARROW), strict=True))]
    found = [
        Section(topic, language.say(title), [drawing for drawing in drawings if drawing.chart.topic == topic])
        for topic, title in topics.items()
    ]
    return [section for section in found if section.drawings]


def _drawing(index: int, wide: Chart, narrow: Chart) -> Drawing:
    from markupsafe import Markup

    from canbao.report.drawing import draw

    # `draw` escapes every text.
    return Drawing(
        id=f"chart-{index + 1}",
        chart=wide,
        wide=Markup(draw(wide.plot, wide.title)),
        narrow=Markup(draw(narrow.plot, narrow.title)),
    )
