"""The report of a prediction held against a measurement: differences with their intervals, and assumptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from canbao import __version__
from canbao.experiments.forecast import (
    VERDICTS,
    WHY,
    assumption_name,
    assumptions_verdict,
    forecast_verdict,
    is_off,
    obstacles_said,
)
from canbao.languages import ENGLISH, Language, noted
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.experiments.findings import Findings, Judged, Kind
from canbao.report.experiments.forest import Row, forest
from canbao.report.experiments.sheet import LOOKS, UNCLEAR, Look, Sheet
from canbao.report.experiments.study import Study
from canbao.report.experiments.units import sharing_an_axis
from canbao.report.experiments.values import amount, change, ends, interval, p_value, scale_of
from canbao.report.loads.assumptions import measured_said, moves_said, stated_said
from canbao.report.loads.tables import table_of
from canbao.report.tables import Listing
from canbao.report.words import threshold

if TYPE_CHECKING:
    from canbao.runs import Run

__all__ = [
    "PREDICTION",
    "prediction_study",
]

_One = Mapping[str, Any]

_OFF = LOOKS[2]
_MOVES = 3


def prediction_study(measured: Run, answer: Mapping[str, Any], language: Language = ENGLISH) -> Study:
    """Give what a report reads: the answer, and the scenario of the load test."""
    objectives = {one["name"]: one for one in measured.summary.get("objectives", ())}
    scenario = {"title": measured.manifest.get("title") or measured.manifest["scenario"], "objectives": objectives}
    settings = {"load test": measured.manifest["run"], "seed": measured.manifest["seed"]}
    asked = {
        "kind": "prediction",
        "name": measured.manifest["scenario"],
        "canbao": (measured.manifest.get("versions") or {}).get("canbao", __version__),
        "settings": settings,
        "answer": answer,
    }
    return Study(asked, {}, scenario, language)


# --- what is said -----------------------------------------------------------------------------------------------------


def _findings(study: Study) -> Findings:
    say, answer, language = study.language.say, study.answer, study.language
    assumptions = answer["assumptions"] or ()
    return Findings(
        kind=say("Prediction and measurement"),
        question=say("Did the deployment do what the simulation said?"),
        headline=forecast_verdict(answer, language)
        if answer["comparable"]
        else say("The two runs cannot be held against each other."),
        held=_held(answer),
        judged_title=say("Assumptions"),
        judged=[_judged(one, language) for one in assumptions],
        sentences=[assumptions_verdict(assumptions, language)] if assumptions else [],
        doubts=obstacles_said(answer, language),
        listings=[_measures(study), *([_assumptions(assumptions, language)] if assumptions else [])],
        method=_method(study),
        beside=say("Beside this report, prediction/ holds the simulation, and calibration.json every assumption."),
    )


def _held(answer: Mapping[str, Any]) -> bool | None:
    judged = [row for row in answer["measures"] if row["verdict"] != "unknown"]
    return None if not answer["comparable"] or not judged else not any(map(is_off, judged))


def _judged(one: _One, language: Language) -> Judged:
    held = None if one["verdict"] == "not identified" else not is_off(one)
    stated, measured = stated_said(one, language), measured_said(one, language)
    said = language.say("Stated: {stated}; measured: {measured}.", stated=stated, measured=measured)
    moves = moves_said(one, language, _MOVES)
    if moves:
        text = language.say("Put right, it moves the prediction of {moves}.", moves="; ".join(moves))
        said = f"{said} {text}"
    if one["why"]:
        said = f"{said} {language.say(_NOTE, why=language.say(WHY[one['why']]))}"
    return Judged(held, language.say(_MARKS[one["verdict"]]), assumption_name(one, language), said)


_NOTE = noted("Note: {why}.")
_MARKS = {"off": noted("off"), "within chance": noted("fits"), "not identified": noted("open")}
"""Verdicts, short enough for a mark."""


def _method(study: Study) -> list[str]:
    say, answer = study.language.say, study.answer
    level = threshold(answer["level"], study.language)
    chance = say(
        "How much of a difference chance explains is found within the runs: one of {blocks} blocks of families, "
        "neighbours in time, after another is left out of both (jackknife; Künsch, Annals of Statistics 17, 1989).",
        blocks=answer["blocks"],
    )
    if answer["simulations"]:
        chance = say(
            "The prediction was made {n} times with other luck of the deployment; if the scenario is right, the "
            "measured value is one more drawing of the same (Hahn and Meeker, Statistical Intervals, 1991, 4.8).",
            n=answer["simulations"],
        )
    return [
        say("Simulation and load test have the same families with the same luck."),
        chance,
        say(
            "p is adjusted for all measures at once (Holm, Scandinavian Journal of Statistics 6, 1979). Below "
            "1 − {level} a measure is called off, if the difference is also more than 1 % of what was predicted.",
            level=level,
        ),
        say(
            "Slots follow from the utilisation law: the work done is the integral of the visits under way, counted up "
            "to the slots (Denning and Buzen, Computing Surveys 10, 1978); the time of a request is that of visits "
            "that found the deployment quiet. The speed of the review is the one with which the simulation keeps "
            "applications in review for as long as was measured."
        ),
    ]


# --- tables and charts ------------------------------------------------------------------------------------------------


def _measures(study: Study) -> Listing:
    say = study.language.say
    note = say("Measured less predicted, with half the width of the interval.")
    return Listing(say("Predicted and measured"), _table(study.answer["measures"], study), note)


def _table(rows: Sequence[_One], study: Study) -> Table:
    say, language = study.language.say, study.language
    header = (say("measure"), say("predicted"), say("measured"), say("difference"), say("p (Holm)"), say("verdict"))
    body = [
        (
            study.name(row["measure"]),
            amount(row["predicted"], row["unit"], language),
            interval(row["measured"], row["unit"], language),
            change(row["difference"], row["unit"], language),
            p_value(row["p_adjusted"]),
            say(VERDICTS[row["verdict"]]),
        )
        for row in rows
    ]
    return Table.of(header, body)


def _assumptions(assumptions: Sequence[_One], language: Language) -> Listing:
    say = language.say
    note = say("What the scenario states of the deployment, with the grade of its evidence, and what was measured.")
    return Listing(say("Assumptions"), table_of(assumptions, language), note)


def _charts(study: Study, sheet: Sheet) -> Iterator[Chart]:
    known = [row for row in study.answer["measures"] if row["difference"]["half_width"] is not None]
    drawn = [row for row in known if row["verdict"] != "same"]
    for number, (unit, rows) in enumerate(sharing_an_axis(drawn, _size), start=1):
        yield _differences(f"differences-{number}", unit, rows, study, sheet)


def _size(row: _One) -> float:
    return float(row["difference"]["mean"] or row["difference"]["half_width"] or 0.0)


def _differences(name: str, unit: str, rows: Sequence[_One], study: Study, sheet: Sheet) -> Chart:
    say, language = study.language.say, study.language
    scale = scale_of(unit, [row["difference"]["mean"] for row in rows], language, difference=True)
    drawn = [
        Row(
            study.name(row["measure"]),
            *ends(row["difference"], scale),
            look=_look(row),
            said=change(row["difference"], unit, language),
        )
        for row in rows
    ]
    off = [row for row in rows if is_off(row)]
    title = say("All of it within chance")
    if off:
        found = change(off[0]["difference"], unit, language)
        title = say("{measure}: {change} against the prediction", measure=study.name(off[0]["measure"]), change=found)
    return Chart(
        name=name,
        topic="differences",
        title=title,
        caption=say("Right of the line: more was measured than predicted; left of it: less. Bars are intervals."),
        plot=forest(drawn, sheet, scale.titled(say("difference"), language), zero=True),
        table=_table(rows, study),
        keys=tuple(_keys(rows, language)),
    )


def _look(row: _One) -> Look:
    return _OFF if is_off(row) else UNCLEAR


def _keys(rows: Sequence[_One], language: Language) -> Iterator[Key]:
    for look, off, said in ((_OFF, True, "off"), (UNCLEAR, False, "within chance")):
        if any(is_off(row) == off for row in rows):
            yield Key(language.say(VERDICTS[said]), look.colour, look.shape)


PREDICTION = Kind(_findings, _charts)
