"""The report of a comparison: differences with their intervals, what the same luck was worth, who gains and loses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from canbao.experiments.verdicts import comparison_verdicts, notices_said
from canbao.languages import noted
from canbao.report.answer import Figure
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.experiments.findings import Findings, Kind
from canbao.report.experiments.forest import Row, forest
from canbao.report.experiments.groups import group_charts, group_sentences
from canbao.report.experiments.luck import luck_charts
from canbao.report.experiments.sheet import Sheet, look_of
from canbao.report.experiments.study import Study
from canbao.report.experiments.units import sharing_an_axis
from canbao.report.experiments.values import NONE, amount, change, ends, p_value, scale_of
from canbao.report.tables import Listing
from canbao.report.words import joined, number, threshold

__all__ = ["COMPARISON", "verdict_said"]

_Row = Mapping[str, Any]

_TOLD = 4
"""How many measures a sentence names."""


def _findings(study: Study) -> Findings:
    say, answer, language = study.language.say, study.answer, study.language
    verdicts = comparison_verdicts(answer, language)
    return Findings(
        kind=say("Comparison"),
        question=say("What changes against {base}, with the same families and the same luck?", base=answer["base"]),
        headline=_headline(study),
        held=None,
        sentences=[*_changes(study), *group_sentences(study), *verdicts[len(answer["others"]) :], *_absent(study)],
        doubts=notices_said(answer, language),
        figures=list(_figures(study)),
        listings=[_listing(variant, study) for variant in answer["others"]],
        method=_method(study),
    )


def _rows(study: Study, variant: str) -> list[_Row]:
    return [row for row in study.answer["measures"] if row["variant"] == variant]


def _headline(study: Study) -> str:
    answer, language = study.answer, study.language
    if any(row["verdict"] == "unknown" for row in answer["measures"]):
        return comparison_verdicts(answer, language)[0]
    said = [_against(variant, study) for variant in answer["others"]]
    if len(said) == 1:
        (variant,) = answer["others"]
        return language.say("{variant} against {base}: {said}.", variant=variant, base=answer["base"], said=said[0])
    each = [f"{variant} {text}" for variant, text in zip(answer["others"], said, strict=True)]
    return language.say(
        "Against {base}: {said}.", base=answer["base"], said=language.say_as("between clauses", "; ").join(each)
    )


def _against(variant: str, study: Study) -> str:
    rows, say = _rows(study, variant), study.language.say
    found = [row["verdict"] for row in rows]
    parts = [
        (("better",), say("better in {n}", n=found.count("better"))),
        (("worse",), say("worse in {n}", n=found.count("worse"))),
        (("more", "less"), say("different in {n}", n=found.count("more") + found.count("less"))),
    ]
    clear = [text for verdicts, text in parts if any(verdict in verdicts for verdict in found)]
    if not clear:
        return say("luck may explain every difference")
    return say("{clear} of {all} measures", clear=joined(clear, study.language), all=len(rows))


_SENTENCES = {
    ("better",): noted("{variant} is better in {found}."),
    ("worse",): noted("{variant} is worse in {found}."),
    ("more", "less"): noted("{variant} differs in {found}."),
    ("same",): noted("{variant} is the same on every seed in {found}."),
}


def _changes(study: Study) -> Iterator[str]:
    """Tell for each variant what is better, worse, different and the same."""
    for variant in study.answer["others"]:
        for verdicts, text in _SENTENCES.items():
            rows = [row for row in _rows(study, variant) if row["verdict"] in verdicts]
            if rows:
                yield study.language.say(text, variant=variant, found=_named(rows, study))


def _named(rows: Sequence[_Row], study: Study) -> str:
    """Name measures, the first ones with their changes."""
    say = study.language.say
    said = [
        say("“{measure}” ({change})", measure=study.name(row["measure"]), change=_moved(row, study))
        if row["verdict"] != "same"
        else say("“{measure}”", measure=study.name(row["measure"]))
        for row in rows[:_TOLD]
    ]
    if len(rows) > _TOLD:
        said.append(say("{n} more", n=len(rows) - _TOLD))
    return joined(said, study.language)


def _moved(row: _Row, study: Study) -> str:
    return change(row["difference"], row["unit"], study.language)


def _clarity(row: _Row) -> float:
    mean, half_width = row["difference"]["mean"], row["difference"]["half_width"]
    return abs(mean) / half_width if half_width else math.inf if mean else 0.0


def _absent(study: Study) -> Iterator[str]:
    for measure, names in study.answer["absent"].items():
        text = noted("“{measure}” is not in {names}.")
        yield study.language.say(text, measure=study.name(measure), names=", ".join(names))


def _figures(study: Study) -> Iterator[Figure]:
    say, answer = study.language.say, study.answer
    yield Figure(number(len(answer["seeds"])), say("seeds, the same on both sides"))
    yield Figure(number(len({row["measure"] for row in answer["measures"]})), say("measures compared"))
    ratios = [row["variance_ratio"] for row in answer["measures"] if row["variance_ratio"] is not None]
    if ratios:
        yield Figure(f"× {median(ratios):.3g}", say("worth of the same luck in replications, median of the measures"))


def _method(study: Study) -> list[str]:
    say, level = study.language.say, threshold(study.answer["level"], study.language)
    return [
        say(
            "The same seed brings the same families with the same luck, so differences are taken seed by seed; the "
            "interval is Student's t over the differences (Law, Simulation Modeling and Analysis, 2015, 10.2.1 and "
            "11.2). With several variants the intervals of a measure hold together with {level} (Bonferroni).",
            level=level,
        ),
        say(
            "p says how often luck alone would show a difference as large. It is adjusted for all measures at once "
            "(Holm, Scandinavian Journal of Statistics 6, 1979), so that the risk of a single false finding among all "
            "of them is below 1 − {level}.",
            level=level,
        ),
        say(
            "The variance ratio says what the same luck was worth: with other luck on each side it would take so many "
            "times as many replications for an interval as narrow. Below 1, the same luck did harm."
        ),
    ]


_WORDS = {
    "better": noted("better"),
    "worse": noted("worse"),
    "more": noted("more"),
    "less": noted("less"),
    "unclear": noted("not told apart"),
    "same": noted("the same"),
}


def verdict_said(verdict: str, study: Study) -> str:
    """Say a verdict on a difference in a word."""
    return study.language.say(_WORDS[verdict]) if verdict in _WORDS else NONE


def _table(rows: Sequence[_Row], study: Study, *, variant: bool) -> Table:
    say, language = study.language.say, study.language
    header = (
        say("measure"),
        *([say("variant")] if variant else []),
        say("base"),
        say("variant") if not variant else say("its value"),
        say("difference"),
        say("p (Holm)"),
        say("variance ratio"),
        say("verdict"),
    )
    body = [
        (
            study.name(row["measure"]),
            *([row["variant"]] if variant else []),
            amount(row["base"]["mean"], row["unit"], language),
            amount(row["other"]["mean"], row["unit"], language),
            change(row["difference"], row["unit"], language),
            p_value(row["p_adjusted"]),
            "–" if row["variance_ratio"] is None else f"{row['variance_ratio']:.3g}",
            verdict_said(row["verdict"], study),
        )
        for row in rows
    ]
    return Table.of(header, body)


def _listing(variant: str, study: Study) -> Listing:
    say = study.language.say
    return Listing(
        say("{variant} against {base}", variant=variant, base=study.answer["base"]),
        _table(_rows(study, variant), study, variant=False),
        say("Means over seeds; differences with half the width of their intervals."),
    )


# --- charts -----------------------------------------------------------------------------------------------------------


def _charts(study: Study, sheet: Sheet) -> Iterator[Chart]:
    known = [row for row in study.answer["measures"] if row["difference"]["mean"] is not None]
    # Where nothing differs there is nothing to see.
    charts = (each for each in sharing_an_axis(known, _size) if any(row["verdict"] != "same" for row in each[1]))
    for number_, (unit, rows) in enumerate(charts, start=1):
        yield _differences(f"differences-{number_}", unit, rows, study, sheet)
    yield from luck_charts(study, sheet)
    yield from group_charts(study, sheet)


def _size(row: _Row) -> float:
    return float(row["difference"]["mean"] or row["difference"]["half_width"] or 0.0)


def _differences(name: str, unit: str, rows: Sequence[_Row], study: Study, sheet: Sheet) -> Chart:
    say, several = study.language.say, len(study.answer["others"]) > 1
    scale = scale_of(unit, [row["difference"]["mean"] for row in rows], study.language, difference=True)
    # The variants of one measure stand below each other.
    order = list(dict.fromkeys(row["measure"] for row in rows))
    rows = sorted(rows, key=lambda row: order.index(row["measure"]))
    drawn = [
        Row(
            _row_name(row, study, several=several),
            *ends(row["difference"], scale),
            look=look_of(row["verdict"]),
            said=change(row["difference"], unit, study.language),
        )
        for row in rows
    ]
    return Chart(
        name=name,
        topic="differences",
        title=_title(rows, study),
        caption=say(
            "Right of the line: more than {base}; left of it: less. Bars are the intervals of the differences. Rings: "
            "with all measures looked at together (Holm), luck may explain it.",
            base=study.answer["base"],
        ),
        plot=forest(drawn, sheet, scale.titled(say("difference"), study.language), zero=True),
        table=_table(rows, study, variant=several),
        keys=tuple(_keys(rows, study)),
    )


def _row_name(row: _Row, study: Study, *, several: bool) -> str:
    name = study.name(row["measure"])
    return f"{row['variant']}: {name}" if several else name


def _title(rows: Sequence[_Row], study: Study) -> str:
    clear = [row for row in rows if row["verdict"] in ("better", "worse", "more", "less")]
    if not clear:
        return study.language.say("Nothing here that luck could not explain")
    row = max(clear, key=_clarity)
    return study.language.say(
        "{measure}: {change} for {variant}",
        measure=study.name(row["measure"]),
        change=change(row["difference"], row["unit"], study.language),
        variant=row["variant"],
    )


def _keys(rows: Sequence[_Row], study: Study) -> Iterator[Key]:
    known = ("better", "worse", "more", "less")
    for verdict in known:
        if any(row["verdict"] == verdict for row in rows):
            look = look_of(verdict)
            yield Key(verdict_said(verdict, study), look.colour, look.shape)
    if any(row["verdict"] not in known for row in rows):
        look = look_of("unclear")
        yield Key(study.language.say("luck may explain it"), look.colour, look.shape)


COMPARISON = Kind(_findings, _charts)
