"""Who gains and who loses by a change: kinds of families."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canbao.languages import noted
from canbao.measures.equity import FEW
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.experiments.forest import Row, forest
from canbao.report.experiments.names import GROUP_MEASURES
from canbao.report.experiments.sheet import Sheet, look_of
from canbao.report.experiments.study import Study
from canbao.report.experiments.values import amount, change, ends, p_value, scale_of, spread
from canbao.report.terms import kind

__all__ = ["group_charts", "group_sentences"]

_Row = Mapping[str, Any]

_KEYS = {"gains": noted("gain"), "loses": noted("lose"), "more": noted("more"), "less": noted("less")}


def _groups(study: Study, variant: str, what: str) -> list[_Row]:
    """Give the groups of which enough families came: others differ by chance."""
    return [
        row
        for row in study.answer["groups"]
        if (row["variant"], row["what"]) == (variant, what)
        and (row["families"] or 0) >= FEW
        and row["difference"]["mean"] is not None
    ]


def _name(row: _Row, study: Study) -> str:
    return kind(row["kind"], row["label"], study.language)


def group_sentences(study: Study) -> Iterator[str]:
    """Say for hours and enrolment how many groups gain or lose, and which most."""
    for variant in study.answer["others"]:
        for what in ("hours", "enrolled_share"):
            rows = _groups(study, variant, what)
            if any(row["change"] in ("gains", "loses") for row in rows):
                yield _sentence(variant, what, rows, study)


def _sentence(variant: str, what: str, rows: Sequence[_Row], study: Study) -> str:
    say = study.language.say
    parts = []
    for verdict, text in (
        ("gains", noted("{n} of {all} kinds of families gain, most of all {name} ({change})")),
        ("loses", noted("{n} of {all} kinds of families lose, most of all {name} ({change})")),
    ):
        found = [row for row in rows if row["change"] == verdict]
        if found:
            most = max(found, key=lambda row: abs(row["difference"]["mean"]))
            said = change(most["difference"], most["unit"], study.language)
            parts.append(say(text, n=len(found), all=len(rows), name=_name(most, study), change=said))
    told = study.language.say_as("between clauses", "; ").join(parts)
    return say("{what}, {variant}: {parts}.", what=say(GROUP_MEASURES[what]), variant=variant, parts=told)


def group_charts(study: Study, sheet: Sheet) -> Iterator[Chart]:
    """Give one chart for each variant and what is compared, where any kind of family is told apart."""
    for number, variant in enumerate(study.answer["others"], start=1):
        for what in GROUP_MEASURES:
            rows = _groups(study, variant, what)
            if any(row["change"] != "same" for row in rows):
                yield _chart(f"groups-{what.replace('_', '-')}-{number}", variant, what, rows, study, sheet)


def _chart(  # noqa: PLR0913, PLR0917 - the parts of one chart
    name: str, variant: str, what: str, rows: Sequence[_Row], study: Study, sheet: Sheet
) -> Chart:
    say, unit = study.language.say, rows[0]["unit"]
    scale = scale_of(unit, [row["difference"]["mean"] for row in rows], study.language, difference=True)
    drawn = [
        Row(
            _name(row, study),
            *ends(row["difference"], scale),
            look=look_of(row["change"]),
            said=change(row["difference"], unit, study.language),
        )
        for row in rows
    ]
    values = {"what": say(GROUP_MEASURES[what]), "variant": variant, "base": study.answer["base"]}
    axis = scale.titled(say("{what}: {variant} less {base}", **values), study.language)
    return Chart(
        name=name,
        topic="groups",
        title=_title(variant, what, rows, study),
        caption=say(
            "Each row is a kind of family with {few} families or more. Rings: luck may explain the difference, with "
            "all kinds looked at together (Holm).",
            few=FEW,
        ),
        plot=forest(drawn, sheet, axis, zero=True),
        table=_table(rows, study),
        keys=tuple(_keys(rows, study)),
    )


def _title(variant: str, what: str, rows: Sequence[_Row], study: Study) -> str:
    gain, lose = (sum(row["change"] == verdict for row in rows) for verdict in ("gains", "loses"))
    values = {"what": study.language.say(GROUP_MEASURES[what]), "variant": variant}
    if gain or lose:
        text = noted("{what}, {variant}: {gain} kinds of families gain, {lose} lose")
        return study.language.say(text, **values, gain=gain, lose=lose)
    return study.language.say("{what}, {variant}", **values)


def _table(rows: Sequence[_Row], study: Study) -> Table:
    say, language = study.language.say, study.language
    header = (
        say("families"),
        say("number"),
        say("base"),
        say("variant"),
        say("difference"),
        say("p (Holm)"),
        say("part of the whole difference"),
        "",
    )
    body = [
        (
            _name(row, study),
            f"{row['families']:,.0f}",
            amount(row["base"]["mean"], row["unit"], language),
            amount(row["other"]["mean"], row["unit"], language),
            change(row["difference"], row["unit"], language),
            p_value(row["p_adjusted"]),
            _part(row, study),
            say(_KEYS[row["change"]]) if row["change"] in _KEYS else "",
        )
        for row in rows
    ]
    return Table.of(header, body)


def _part(row: _Row, study: Study) -> str:
    value = row["contribution"]
    if value is None:
        return "–"
    mark = "+" if value > 0 else "−" if value < 0 else ""
    return mark + spread(abs(value), row["unit"], study.language)


def _keys(rows: Sequence[_Row], study: Study) -> Iterator[Key]:
    for verdict, text in _KEYS.items():
        if any(row["change"] == verdict for row in rows):
            look = look_of(verdict)
            yield Key(study.language.say(text), look.colour, look.shape)
    if any(row["change"] not in _KEYS for row in rows):
        look = look_of("unclear")
        yield Key(study.language.say("luck may explain it"), look.colour, look.shape)
