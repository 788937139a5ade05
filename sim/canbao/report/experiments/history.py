"""How precise an estimate became, replication by replication."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.charts.plot import Band, Line, Mark, Plot, Space
from canbao.report.experiments.sheet import Sheet, text_px, value_axis
from canbao.report.experiments.study import Study
from canbao.report.experiments.values import Scale, interval, scale_of
from canbao.statistics import Interval, t_interval

__all__ = ["histories"]

_MOST = 4
"""How many measures are drawn: those whose intervals are widest beside their means."""

_FIRST = 3
"""From how many replications on; the intervals of two are too wide to be drawn with others."""


def histories(rows: Sequence[Mapping[str, Any]], study: Study, sheet: Sheet) -> Iterator[Chart]:
    """Give a chart of the mean and its interval after each replication, for measures that vary."""
    found = [(row, list(study.values(study.answer["variant"], row["measure"]).values())) for row in rows]
    varying = [(row, values) for row, values in found if len(values) > _FIRST and len(set(values)) > 1]
    widest = sorted(varying, key=lambda each: -_relative(each[0]["interval"]))[:_MOST]
    for number, (row, values) in enumerate(widest, start=1):
        yield _history(f"precision-{number}", row, values, study, sheet)


def _relative(found: Mapping[str, Any]) -> float:
    return float(abs((found["half_width"] or 0.0) / found["mean"])) if found["mean"] else 0.0


def _history(name: str, row: Mapping[str, Any], values: Sequence[float], study: Study, sheet: Sheet) -> Chart:
    say, level = study.language.say, study.answer["level"]
    steps = {n: t_interval(values[:n], level) for n in range(_FIRST, len(values) + 1)}
    scale = scale_of(row["unit"], [each.mean for each in steps.values()], study.language)
    asked = (study.answer["precision"] or {}).get("asked")
    caption = say("The mean of the replications so far, and its interval.")
    if asked:
        caption += " " + say("Dashed: within {share} of the last mean.", share=f"{100 * asked:g} %")
    measure, last = study.name(row["measure"]), interval(row["interval"], row["unit"], study.language)
    keys = [Key(say("mean so far"), "ink", "line"), Key(say("its interval"), "soft")]
    return Chart(
        name=name,
        topic="precision",
        title=say("{measure}: {found} after {n} replications", measure=measure, found=last, n=len(values)),
        caption=caption,
        plot=_plot(steps, scale, asked, measure, study, sheet),
        table=_table(steps, row["unit"], study),
        keys=(*keys, *([Key(say("precision that was asked for"), "alert", "dash")] if asked else [])),
    )


def _plot(  # noqa: PLR0913, PLR0917 - the parts of one drawing
    steps: Mapping[int, Interval], scale: Scale, asked: float | None, measure: str, study: Study, sheet: Sheet
) -> Plot:
    n = list(steps)
    means = [scale.factor * each.mean for each in steps.values()]
    lows = [scale.factor * each.low for each in steps.values()]
    highs = [scale.factor * each.high for each in steps.values()]
    aims = [means[-1] * (1 + way * asked) for way in (-1, 1)] if asked else []
    x = value_axis([*n], study.language.say("replications"), 5 if sheet.narrow else 10)
    y = value_axis([*lows, *highs, *aims], scale.titled(measure, study.language), 5, within=scale.within)
    marks: list[Mark] = [Band(tuple(zip(n, lows, strict=True)), tuple(zip(n, highs, strict=True)), "soft")]
    marks += [Line(((n[0], aim), (n[-1], aim)), "alert", 1.5, dashed=True) for aim in aims]
    marks += [Line(tuple(zip(n, means, strict=True)), "ink", 2)]
    left = 14 + max(34, *(round(text_px(tick.label[0])) for tick in y.ticks))
    return Plot(sheet.width - left - 20, 180, x, y, tuple(marks), Space(left, 20, 26, 40))


def _table(steps: Mapping[int, Interval], unit: str, study: Study) -> Table:
    say = study.language.say
    rows = [(n, interval(each.as_data(), unit, study.language)) for n, each in steps.items()]
    return Table.of((say("replications"), say("mean and half-width")), rows)
