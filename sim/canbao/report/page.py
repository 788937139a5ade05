"""The report as one HTML file that opens offline, on paper and on any screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from canbao.languages import ENGLISH, Language, noted
from canbao.report.answer import answer
from canbao.report.charts import NARROW, WIDE, charts
from canbao.report.charts.chart import Cell, Chart
from canbao.report.palette import css
from canbao.report.tables import listings
from canbao.report.trust import made, trust
from canbao.report.words import legible

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["TOPICS", "render", "warm_up"]

TOPICS = {
    "load": noted("Where it gets tight"),
    "queues": noted("When queues build up"),
    "waits": noted("How long people wait"),
    "review": noted("How the review keeps its promise"),
    "families": noted("What became of the families"),
    "failures": noted("What goes wrong"),
    "equity": noted("Who has it easier"),
    "money": noted("What it costs"),
}
"""The parts of the page that hold charts, by the topic of the charts, in reading order."""


def render(summary: Mapping[str, Any], manifest: Mapping[str, Any], language: Language = ENGLISH) -> str:
    """Write the report of a run.

    Parameters
    ----------
    summary
        The summary of a run, as `canbao.measures.summary.summarise` gives it.
    manifest
        How the run was made; every key may be missing.
    language
        The reader's.

    Returns
    -------
    str
        One HTML file without scripts, that fetches nothing; the same for the same arguments.
    """
    page = _template().render(
        language=language,
        say=language.say,
        say_as=language.say_as,
        answer=answer(summary, language),
        sections=_sections(summary, language),
        listings=listings(summary, language),
        trust=trust(summary, language),
        made=made(summary, manifest, language),
        colours=css(),
    )
    return legible(page)


def warm_up() -> None:
    """Do what every process has to do once before it can render, for the time when it has nothing better to do."""
    _template()


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("canbao.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cell": _cell, "kept": _kept}
    return environment.get_template("report.html.j2")


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
class _Drawing:
    """A chart drawn in two widths."""

    id: str
    chart: Chart
    wide: Any
    narrow: Any


@dataclass(frozen=True)
class _Section:
    """One part of the page."""

    id: str
    title: str
    drawings: Sequence[_Drawing]


def _sections(summary: Mapping[str, Any], language: Language) -> list[_Section]:
    pairs = list(zip(*(charts(summary, width, language) for width in (WIDE, NARROW)), strict=True))
    drawings = [_drawing(index, wide, narrow) for index, (wide, narrow) in enumerate(pairs)]
    found = [
        _Section(topic, language.say(title), [drawing for drawing in drawings if drawing.chart.topic == topic])
        for topic, title in TOPICS.items()
    ]
    return [section for section in found if section.drawings]


def _drawing(index: int, wide: Chart, narrow: Chart) -> _Drawing:
    from markupsafe import Markup

    from canbao.report.drawing import draw

    # `draw` escapes every text.
    return _Drawing(
        id=f"chart-{index + 1}",
        chart=wide,
        wide=Markup(draw(wide.plot, wide.title)),
        narrow=Markup(draw(narrow.plot, narrow.title)),
    )
