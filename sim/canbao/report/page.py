"""The report as one HTML file that opens offline, on paper and on any screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from canbao.languages import ENGLISH, Language, noted
from canbao.report.answer import answer
from canbao.report.charts import charts
from canbao.report.pages import sections, template
from canbao.report.palette import css
from canbao.report.tables import listings
from canbao.report.trust import made, trust
from canbao.report.words import legible

__all__ = ["TOPICS", "render", "warm_up"]

TOPICS = {
    "test": noted("The load test"),
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

_TEMPLATE = "report.html.j2"


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
    page = template(_TEMPLATE).render(
        language=language,
        say=language.say,
        say_as=language.say_as,
        answer=answer(summary, language),
        sections=sections(lambda width: charts(summary, width, language), TOPICS, language),
        listings=listings(summary, language),
        trust=trust(summary, language),
        made=made(summary, manifest, language),
        colours=css(),
    )
    return legible(page)


def warm_up() -> None:
    """Do what every process has to do once before it can render, for the time when it has nothing better to do."""
    template(_TEMPLATE)
