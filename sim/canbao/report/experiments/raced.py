"""The report of a selection: which variant is best, with which promise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from canbao.experiments.verdicts import best_verdict
from canbao.report.answer import Figure
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.experiments.findings import Findings, Kind
from canbao.report.experiments.forest import Row, forest
from canbao.report.experiments.sheet import CHANGES, UNCLEAR, Look, Sheet
from canbao.report.experiments.study import Study
from canbao.report.experiments.values import NONE, amount, change, ends, interval, scale_of, spread
from canbao.report.words import number, threshold

__all__ = ["SELECTION"]

_Row = Mapping[str, Any]


def _findings(study: Study) -> Findings:
    say, answer = study.language.say, study.answer
    named = {**answer, "measure": f"“{study.name(answer['measure'])}”"}
    zone = spread(answer["indifference"], answer["unit"], study.language)
    return Findings(
        kind=say("Selection of the best"),
        question=say(
            "Which of {n} variants is best in “{measure}”?",
            n=len(answer["candidates"]),
            measure=study.name(answer["measure"]),
        ),
        headline=best_verdict(named, study.language),
        held=True if answer["guaranteed"] else None,
        sentences=[_candidate(row, study) for row in answer["candidates"]],
        figures=[
            Figure(number(answer["replications"]), say("replications in all")),
            Figure(zone, say("indifference zone: smaller differences are not worth knowing")),
            Figure(threshold(answer["level"], study.language), say("probability of a correct selection")),
        ],
        method=[
            say(
                "Kim and Nelson's fully sequential procedure (ACM Transactions on Modeling and Computer Simulation 11, "
                "2001): all variants meet the same seeds; a variant is dropped as soon as it is behind by more than "
                "luck explains. If the best is ahead of all others by {zone} or more, it is selected with "
                "a probability of {level} or more; otherwise one that is at most {zone} behind it.",
                zone=zone,
                level=threshold(answer["level"], study.language),
            ),
            say("The means rest on numbers of replications that luck had a part in: read them as a description."),
        ],
    )


def _candidate(row: _Row, study: Study) -> str:
    found = interval(row["mean"], study.answer["unit"], study.language)
    return study.language.say(
        "{variant}: {found} after {n} replications.", variant=row["variant"], found=found, n=row["replications"]
    )


def _charts(study: Study, sheet: Sheet) -> Iterator[Chart]:
    say, answer, unit = study.language.say, study.answer, study.answer["unit"]
    rows = [row for row in answer["candidates"] if row["mean"]["mean"] is not None]
    behind = [row for row in rows if row["variant"] != answer["best"]]
    scale = scale_of(unit, [row["behind"]["mean"] for row in behind], study.language, difference=True)
    measure = study.name(answer["measure"])
    drawn = [
        Row(row["variant"], *ends(row["behind"], scale), look=_look(row, study), said=_behind(row, study))
        for row in behind
    ]
    yield Chart(
        name="behind",
        topic="candidates",
        title=say("How far the others are behind {best}", best=answer["best"]),
        caption=say("Right of the line: worse. The shaded stretch is the indifference zone."),
        plot=forest(
            drawn,
            sheet,
            scale.titled(measure, study.language),
            zero=True,
            zone=(0.0, answer["indifference"] * scale.factor),
        ),
        table=_table(study),
        keys=(Key(say("indifference zone"), "closed"),),
    )
    yield _means(rows, study, sheet)


def _means(rows: list[_Row], study: Study, sheet: Sheet) -> Chart:
    say, unit = study.language.say, study.answer["unit"]
    scale = scale_of(unit, [row["mean"]["mean"] for row in rows], study.language)
    drawn = [
        Row(row["variant"], *ends(row["mean"], scale), look=_look(row, study),
            dots=tuple(v * scale.factor for v in study.values(row["variant"], study.answer["measure"]).values()))
        for row in rows
    ]  # fmt: skip
    return Chart(
        name="means",
        topic="candidates",
        title=say("{best} leads", best=study.answer["best"]),
        caption=say("Each pale dot is one replication, the bar is the interval of the mean."),
        plot=forest(
            drawn, sheet, scale.titled(study.name(study.answer["measure"]), study.language), within=scale.within
        ),
        table=_table(study),
        keys=(Key(say("the best"), "good", "dot"), Key(say("the others"), "muted", "ring")),
    )


def _look(row: _Row, study: Study) -> Look:
    return CHANGES["better"] if row["variant"] == study.answer["best"] else UNCLEAR


def _behind(row: _Row, study: Study) -> str:
    return (
        NONE if row["variant"] == study.answer["best"] else change(row["behind"], study.answer["unit"], study.language)
    )


def _table(study: Study) -> Table:
    say = study.language.say
    header = (say("variant"), say("mean"), say("behind the best"), say("replications"), say("in the race to the end"))
    body = [
        (
            row["variant"],
            amount(row["mean"]["mean"], study.answer["unit"], study.language),
            _behind(row, study),
            row["replications"],
            say("yes") if row["kept"] else say("no"),
        )
        for row in study.answer["candidates"]
    ]
    return Table.of(header, body)


SELECTION = Kind(_findings, _charts)
