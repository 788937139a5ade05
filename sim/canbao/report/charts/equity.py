"""Kinds of families compared: who goes online, and whom enrolling costs most time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from canbao.languages import Language
from canbao.measures.equity import FEW
from canbao.report.charts.axes import Frame
from canbao.report.charts.bars import Bar, told_bars
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.terms import column, kind, term
from canbao.report.words import percent

__all__ = ["equity_charts", "widest_gap"]

_Summary = Mapping[str, Any]
_Write = Callable[[float, Language], str]


def equity_charts(summary: _Summary, frame: Frame) -> Iterator[Chart]:
    """Show how kinds of families fare; kinds of few families are left out, because chance tells them apart."""
    say = frame.language.say
    online, hours = _rows(summary, "online_share"), _rows(summary, "hours")
    if online:
        yield _compared(
            "online",
            _title(summary, "online_share", percent, frame) or say("Who goes online first"),
            say("Share of each kind of family that goes to an online channel first."),
            say("goes online first"),
            [(names, value, percent(value, frame.language)) for names, value in online],
            frame,
        )
    if hours:
        yield _compared(
            "hours",
            _title(summary, "hours", _hours, frame) or say("What enrolling takes"),
            say("Mean hours that a family of each kind spends at stations, on the way and in front of pages."),
            say("hours, mean"),
            [(names, value, _hours(value, frame.language)) for names, value in hours],
            frame,
        )


def widest_gap(summary: _Summary, what: str) -> tuple[str, str, str, float, float] | None:
    """Find the widest gap of an outcome between two kinds of family.

    Returns
    -------
    tuple
        By what they are told apart, the kind with the lowest mean and that with the highest, and the two means; None
        if there is no gap.
    """
    found = [
        (name, one["gaps"][what], one["means"])
        for name, one in (summary.get("equity") or {}).items()
        if one["gaps"].get(what)
    ]
    if not found:
        return None
    name, gap, means = max(found, key=lambda item: float(item[1]["gap"]))
    low, high = gap["lowest"], gap["highest"]
    return (name, low, high, float(means[low][what]), float(means[high][what])) if gap["gap"] > 0 else None


def _rows(summary: _Summary, what: str) -> list[tuple[tuple[str, str], float]]:
    return [
        ((name, label), float(means[what]))
        for name, one in (summary.get("equity") or {}).items()
        for label, means in one["means"].items()
        if one["families"][label] >= FEW and means.get(what) is not None
    ]


def _compared(  # noqa: PLR0913, PLR0917 - the parts of one chart
    name: str,
    title: str,
    caption: str,
    unit: str,
    rows: list[tuple[tuple[str, str], float, str]],
    frame: Frame,
) -> Chart:
    named = [(kind(by, label, frame.language), value, text) for (by, label), value, text in rows]
    return Chart(
        name=f"equity-{name}",
        topic="equity",
        title=title,
        caption=caption,
        plot=told_bars([Bar(*row) for row in named], frame),
        table=Table.of((frame.language.say("families"), unit), [(row, round(value, 4)) for row, value, _ in named]),
        keys=(Key(unit, "data"),),
    )


def _title(summary: _Summary, what: str, write: _Write, frame: Frame) -> str | None:
    gap = widest_gap(summary, what)
    if gap is None:
        return None
    language, (by, low, high, least, most) = frame.language, gap
    told = {
        "column": column(by, language),
        "lowest": term(by, low, language),
        "highest": term(by, high, language),
        "least": write(least, language),
        "most": write(most, language),
    }
    if what == "hours":
        return language.say("Hours differ most by {column}: {least} for {lowest}, {most} for {highest}", **told)
    return language.say("Going online differs most by {column}: {least} of {lowest}, {most} of {highest}", **told)


def _hours(value: float, language: Language) -> str:
    return language.say("{number} h", number=f"{value:.2f}")
