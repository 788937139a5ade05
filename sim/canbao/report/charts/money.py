"""What it costs: staff and slots by channel, and families' time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from canbao.report.charts.axes import Frame
from canbao.report.charts.bars import Bar, told_bars
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.terms import place
from canbao.report.words import percent, yuan

__all__ = ["money_charts"]


def money_charts(summary: Mapping[str, Any], frame: Frame) -> Iterator[Chart]:
    """Show what staff, slots and families' time cost; none if nothing did."""
    costs = (summary.get("money") or {}).get("costs")
    if costs and costs["total_yuan"]:
        yield _costs(costs, frame)


def _costs(costs: Mapping[str, Any], frame: Frame) -> Chart:
    language, say = frame.language, frame.language.say
    staff = sorted(costs["staff"].items(), key=lambda item: -float(item[1]["yuan"]))
    time = sum(one["yuan"] for one in costs["families"].values())
    rows = [(place(name, language), float(one["yuan"])) for name, one in staff]
    rows.append((say("families' time"), float(time)))
    total = costs["total_yuan"]
    bars = [Bar(name, spent, _text(spent, total, frame)) for name, spent in rows]
    return Chart(
        name="costs",
        topic="money",
        title=_title(costs, frame),
        caption=say(
            "What staff on duty and request slots of each channel, of formalities and of the review cost, busy or not, "
            "and what families' hours are worth."
        ),
        plot=told_bars(bars, frame),
        table=Table.of(
            ("", say("yuan"), say("share")), [(name, round(spent), round(spent / total, 4)) for name, spent in rows]
        ),
        keys=(Key(say("yuan"), "data"),),
    )


def _title(costs: Mapping[str, Any], frame: Frame) -> str:
    language, each = frame.language, costs["yuan_per_enrolment"]
    if each is None:
        return language.say(
            "Staff and families' time cost {total}; nobody is enrolled", total=yuan(costs["total_yuan"], language)
        )
    return language.say("An enrolment costs {each} of staff and families' time", each=yuan(each, language, whole=False))


def _text(spent: float, total: float, frame: Frame) -> str:
    language = frame.language
    return language.say("{number} ({share})", number=yuan(spent, language), share=percent(spent / total, language))
