"""What the same luck on both sides of a comparison was worth: seed by seed, and as variance ratios."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canbao.report.charts.axes import EDGES, shortened
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.charts.plot import Axis, Dot, Line, Mark, Plot, Space, Text, Tick
from canbao.report.experiments.curves import Place, Series, curves
from canbao.report.experiments.sheet import LOOKS, Sheet, text_px
from canbao.report.experiments.study import Study
from canbao.report.experiments.values import Scale, amount, scale_of

__all__ = ["luck_charts"]

_Row = Mapping[str, Any]

_CLEAR = ("better", "worse", "more", "less")


def luck_charts(study: Study, sheet: Sheet) -> Iterator[Chart]:
    """Give one measure seed by seed, and the variance ratios of all."""
    rows = study.answer["measures"]
    ratios = [row for row in rows if row["variance_ratio"]]
    if ratios:
        # Clear differences first, and among them the one that shows best what the same luck does.
        yield from _seeds(max(ratios, key=lambda row: (row["verdict"] in _CLEAR, row["variance_ratio"])), study, sheet)
        yield _ratios(ratios, study, sheet)


# --- seed by seed -----------------------------------------------------------------------------------------------------


def _seeds(row: _Row, study: Study, sheet: Sheet) -> Iterator[Chart]:
    variants = [study.answer["base"], *study.answer["others"]]
    found = {name: study.values(name, row["measure"]) for name in variants}
    shared = sorted(set.intersection(*(set(values) for values in found.values())))
    if len(shared) < 2:
        return
    say, measure = study.language.say, study.name(row["measure"])
    scale = scale_of(row["unit"], [value for values in found.values() for value in values.values()], study.language)
    series = [
        Series(name, tuple(_place(seed, found[name][seed], row["unit"], scale, study) for seed in shared), LOOKS[n % 4])
        for n, name in enumerate(variants)
    ]
    yield Chart(
        name="seeds",
        topic="luck",
        title=say("{measure}, seed by seed", measure=measure),
        caption=say(
            "Each seed is one season: the same families with the same luck in all variants. Where lines rise and fall "
            "together, the difference between them is known better than either."
        ),
        plot=curves(series, sheet, _seed_axis(shared, study, sheet), scale.titled(measure, study.language)),
        table=Table.of(
            (say("seed"), *variants),
            [(seed, *(amount(found[name][seed], row["unit"], study.language) for name in variants)) for seed in shared],
        ),
        keys=tuple(Key(each.name, each.look.colour, each.look.shape) for each in series),
    )


def _place(seed: int, value: float, unit: str, scale: Scale, study: Study) -> Place:
    return Place(seed, value * scale.factor, said=amount(value, unit, study.language))


def _seed_axis(seeds: Sequence[int], study: Study, sheet: Sheet) -> Axis:
    step = 1 + (seeds[-1] - seeds[0]) // (6 if sheet.narrow else 20)
    ticks = tuple(Tick(seed, (str(seed),)) for seed in range(seeds[0], seeds[-1] + 1, step))
    return Axis(seeds[0] - 0.5, seeds[-1] + 0.5, ticks, study.language.say("seed"))


# --- variance ratios --------------------------------------------------------------------------------------------------


def _ratios(rows: Sequence[_Row], study: Study, sheet: Sheet) -> Chart:
    say = study.language.say
    ordered = sorted(rows, key=lambda row: -row["variance_ratio"])
    several = len(study.answer["others"]) > 1
    names = [f"{row['variant']}: " * several + study.name(row["measure"]) for row in ordered]
    values = [float(row["variance_ratio"]) for row in ordered]
    saved = sum(value > 1 for value in values)
    return Chart(
        name="variance-ratios",
        topic="luck",
        title=say("The same luck helped in {n} of {all} measures", n=saved, all=len(values)),
        caption=say(
            "Right of 1: as many times more replications would be needed with other luck on each side. The axis is "
            "logarithmic."
        ),
        plot=_ratio_plot(names, values, sheet, say("variance ratio")),
        table=Table.of(
            (say("measure"), say("variance ratio")),
            [(name, f"{value:.3g}") for name, value in zip(names, values, strict=True)],
        ),
    )


def _ratio_plot(names: Sequence[str], values: Sequence[float], sheet: Sheet, title: str) -> Plot:
    left = 130 if sheet.narrow else min(300, 20 + math.ceil(max(map(text_px, names))))
    ticks = tuple(Tick(number + 0.5, (shortened(name, left - 8),)) for number, name in enumerate(names))
    marks: list[Mark] = [Line(((0, EDGES[0]), (0, EDGES[1])), "ink", 1.5)]
    for number, value in enumerate(values):
        at, place = number + 0.5, math.log10(value)
        marks += [Line(((0, at), (place, at)), "data", 2), Dot(place, at, "data", 4)]
        text = Text(place, at, f"{value:.3g}", right=8, down=4)
        marks += [text if value >= 1 else text._replace(align="end", right=-8)]
    x = _log_axis(values, title, 4 if sheet.narrow else 10)
    return Plot(sheet.width - left - 34, 22 * len(values), x, Axis(len(values), 0, ticks), tuple(marks),
                Space(left, 34, 8, 40))  # fmt: skip


def _log_axis(values: Sequence[float], title: str, most: int) -> Axis:
    """Give an axis of logarithms with ticks at 1, 2, 5, 10 and so on, or at powers of ten where those are too many."""
    low, high = math.log10(min([*values, 0.8])) - 0.25, math.log10(max([*values, 1.25])) + 0.1
    powers = range(math.floor(low), math.ceil(high) + 1)
    for factors in ((1, 2, 5), (1,)):
        found = [factor * 10.0**power for power in powers for factor in factors]
        shown = [value for value in found if low <= math.log10(value) <= high]
        if len(shown) <= most:
            break
    ticks = tuple(Tick(math.log10(value), (f"{value:g}",)) for value in shown)
    return Axis(low, high, ticks, title, grid=True)
