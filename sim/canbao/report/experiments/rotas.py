"""A rota drawn over the dates of a season."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from canbao.experiments.staffing.sentences import KINDS
from canbao.report.charts.axes import shortened
from canbao.report.charts.chart import Chart, Table
from canbao.report.charts.plot import Axis, Box, Mark, Plot, Space, Text, Tick
from canbao.report.experiments.sheet import Sheet, text_px
from canbao.report.experiments.study import Study
from canbao.report.palette import DEEP, WAITING
from canbao.report.words import date_of, day, short_day

__all__ = ["rota_chart"]

_ROW = 30


@dataclass(frozen=True)
class _Scale:
    """How a rota is drawn."""

    day_px: float
    """Width of a day in pixels."""
    gap: float
    """From the top of a row to its blocks, in rows."""


def _rows(study: Study) -> dict[tuple[str, str], list[tuple[dt.date, dt.date, int]]]:
    """Give first day, last day and number for each place and block of the day."""
    found: dict[tuple[str, str], list[tuple[dt.date, dt.date, int]]] = {}
    for place in study.answer["rota"]:
        name = f"{place['name']} ({study.language.say(KINDS[place['kind']])})"
        for period in place["periods"]:
            for block in period["blocks"]:
                span = (date_of(period["start"]), date_of(period["end"]), block["count"])
                found.setdefault((name, _hours(block["hours"], study)), []).append(span)
    return found


def _hours(text: str, study: Study) -> str:
    return study.language.say(text) if text == "all hours" else text.replace("-", "–")


def rota_chart(study: Study, sheet: Sheet) -> Chart:
    """Draw how many serve where, when and in which hours."""
    say, rows = study.language.say, _rows(study)
    spans = [(*span, key) for key, found in rows.items() for span in found]
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    return Chart(
        name="rota",
        topic="rota",
        title=say("How many serve, by place, hours and dates"),
        caption=say("One row for each place and block of the day; the numbers are servers, stronger colours are more."),
        plot=_plot(rows, first, last, study, sheet),
        table=Table.of(
            (say("place"), say("hours"), say("from"), say("to"), say("servers")),
            [
                (place, hours, day(start, study.language), day(end, study.language), count)
                for start, end, count, (place, hours) in spans
            ],
        ),
    )


def _plot(
    rows: Mapping[tuple[str, str], Sequence[tuple[dt.date, dt.date, int]]],
    first: dt.date,
    last: dt.date,
    study: Study,
    sheet: Sheet,
) -> Plot:
    names = [f"{place}, {hours}" for place, hours in rows]
    left = 10 if sheet.narrow else min(300, 20 + round(max(map(text_px, names))))
    width, days = sheet.width - left - 20, (last - first).days + 1
    most = max(count for found in rows.values() for *_, count in found)
    scale = _Scale(width / days, 0.42 if sheet.narrow else 0.08)
    step = 1 + days // (4 if sheet.narrow else 10)
    dates = range(0, days, step)
    x = Axis(0, days, tuple(Tick(n, (short_day(first + dt.timedelta(n), study.language),)) for n in dates))
    ticks = () if sheet.narrow else tuple(Tick(n + 0.5, (shortened(name, left - 8),)) for n, name in enumerate(names))
    marks: list[Mark] = []
    for number, (name, found) in enumerate(zip(names, rows.values(), strict=True)):
        if sheet.narrow:
            marks.append(Text(0, number + 0.32, shortened(name, sheet.width - 30)))
        for start, end, count in found:
            across = ((start - first).days, (end - first).days + 1)
            shade = WAITING[1 + round(4 * count / most)] if most else WAITING[0]
            marks += _block(across, number, count, shade, scale)
    height = (46 if sheet.narrow else _ROW) * len(names)
    return Plot(width, height, x, Axis(len(names), 0, ticks), tuple(marks), Space(left, 20, 8, 36))


def _block(across: tuple[int, int], number: int, count: int, shade: str, scale: _Scale) -> Iterator[Mark]:
    top, day_px = number + scale.gap, scale.day_px
    gap = 1.0 / day_px
    yield Box((across[0] + gap / 2, across[1] - gap / 2), (top, number + 0.94), shade)
    if (across[1] - across[0]) * day_px > text_px(str(count)) + 2:
        middle = (sum(across) / 2, (top + number + 0.94) / 2)
        yield Text(*middle, str(count), "paper" if shade in DEEP else "ink", "middle", down=4)
