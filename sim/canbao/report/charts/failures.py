"""What goes wrong: which failures families meet, and how many of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from canbao.report.charts.axes import Frame
from canbao.report.charts.bars import Bar, told_bars
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.terms import term
from canbao.report.words import number, percent

__all__ = ["failure_charts"]


def failure_charts(summary: Mapping[str, Any], frame: Frame) -> Iterator[Chart]:
    """Show the failures that happened; none if none did."""
    found = {name: one for name, one in (summary.get("failures") or {}).items() if one["times"]}
    if found:
        yield _failures(dict(sorted(found.items(), key=lambda item: -item[1]["families"])), frame)


def _failures(found: Mapping[str, Mapping[str, Any]], frame: Frame) -> Chart:
    language, say = frame.language, frame.language.say
    names = {name: term("failure", name, language) for name in found}
    bars = [Bar(names[name], one["families"], _text(one, frame)) for name, one in found.items()]
    worst = next(iter(found))
    return Chart(
        name="failures",
        topic="failures",
        title=say(
            "The most frequent failure: {failure}, of {share} of the families",
            failure=names[worst],
            share=percent(found[worst]["share"] or 0.0, language),
        ),
        caption=say("Families that met each failure at least once, and their share of all families that came."),
        plot=told_bars(bars, frame),
        table=Table.of(
            (say("failure"), say("times"), say("families"), say("share of families")),
            [
                (names[name], one["times"], one["families"], round(one["share"] or 0.0, 4))
                for name, one in found.items()
            ],
        ),
        keys=(Key(say("families that met it"), "data"),),
    )


def _text(one: Mapping[str, Any], frame: Frame) -> str:
    share = percent(one["share"] or 0.0, frame.language)
    return frame.language.say("{number} ({share})", number=number(one["families"]), share=share)
