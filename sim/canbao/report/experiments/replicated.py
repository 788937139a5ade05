"""The report of replications: what is known of each measure, and how its precision grew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canbao.languages import noted
from canbao.report.answer import Figure
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.experiments.findings import Findings, Judged, Kind
from canbao.report.experiments.forest import Row, forest
from canbao.report.experiments.history import histories
from canbao.report.experiments.sheet import Sheet
from canbao.report.experiments.study import Study
from canbao.report.experiments.units import sharing_an_axis
from canbao.report.experiments.values import amount, ends, interval, scale_of
from canbao.report.tables import Listing
from canbao.report.words import joined, number, percent, threshold

__all__ = ["REPLICATIONS", "interval_table"]

_Row = Mapping[str, Any]


def _findings(study: Study) -> Findings:
    say, answer = study.language.say, study.answer
    return Findings(
        kind=say("Replications"),
        question=say("What comes out when the season is run again and again with other luck?"),
        headline=_headline(study),
        held=answer["held"],
        judged_title=say("Objectives"),
        judged=[_judged(row, study) for row in _promised(answer)],
        sentences=list(_sentences(study)),
        figures=[
            Figure(number(answer["replications"]), say("replications, each with a seed of its own")),
            Figure(threshold(answer["level"], study.language), say("level of the intervals")),
        ],
        listings=[_listing(study)],
        method=[
            say(
                "Each replication is a season with other families and other luck. An interval is Student's t over the "
                "means of replications (Law, Simulation Modeling and Analysis, 2015, equation 4.12): made in this way, "
                "{level} of all intervals cover the true mean.",
                level=threshold(answer["level"], study.language),
            ),
            *([_rule(study)] if answer["precision"] else []),
        ],
    )


def _promised(answer: Mapping[str, Any]) -> list[_Row]:
    return [row for row in answer["measures"] if row.get("held")]


def _headline(study: Study) -> str:
    judged = [row["held"] for row in _promised(study.answer) if row["held"]["of"]]
    if not judged:
        return study.language.say("No objective was judged: there is nothing to hold or to miss.")
    always = sum(held["times"] == held["of"] for held in judged)
    text = noted("{held} of {all} objectives held in every replication.")
    return study.language.say(text, held=always, all=len(judged))


def _judged(row: _Row, study: Study) -> Judged:
    say, held = study.language.say, row["held"]
    found = {"found": interval(row["interval"], row["unit"], study.language), "wanted": _wanted(row, study)}
    if not held["of"]:
        return Judged(None, say("not judged"), study.name(row["measure"]), say("There was nothing to measure."))
    always = held["times"] == held["of"]
    sentence = say(
        "{found}; wanted: {wanted}. Held in {held} of {all} replications.",
        **found,
        held=held["times"],
        all=held["of"],
    )
    return Judged(always, say("held") if always else say("missed"), study.name(row["measure"]), sentence)


def _limit(row: _Row) -> float | None:
    wanted = (row.get("objective") or {}).get("wanted") or {}
    return wanted.get("at_least", wanted.get("at_most"))


def _wanted(row: _Row, study: Study) -> str:
    limit, language = _limit(row), study.language
    if limit is None:
        return "–"
    said = threshold(limit, language) if row["unit"] == "share" else amount(limit, row["unit"], language)
    text = noted("at least {limit}") if row["better"] == "higher" else noted("at most {limit}")
    return language.say(text, limit=said)


def _sentences(study: Study) -> Iterator[str]:
    say, rule = study.language.say, study.answer["precision"]
    rows = [row for row in study.answer["measures"] if not row.get("held")]
    for row in rows[:4]:
        found = interval(row["interval"], row["unit"], study.language)
        yield say("{measure}: {found}.", measure=study.name(row["measure"]), found=found)
    if rule and rule["reached"]:
        asked = threshold(rule["asked"], study.language)
        yield say("Every half-width is within {asked} of its mean.", asked=asked)
    elif rule:
        for each in rule["measures"]:
            if not each["reached"]:
                yield _short(each, study)


def _short(each: Mapping[str, Any], study: Study) -> str:
    rule, reached = study.answer["precision"], each["precision"]
    return study.language.say(
        "{measure} is known within {reached} only, not {asked}: the budget of {budget} replications is spent.",
        measure=study.name(each["measure"]),
        reached="–" if reached is None or reached > 10 else percent(reached, study.language),
        asked=threshold(rule["asked"], study.language),
        budget=rule["budget"],
    )


def _rule(study: Study) -> str:
    rule = study.answer["precision"]
    return study.language.say(
        "How many replications it takes was found by the rule of Hoad, Robinson and Davies (Journal of the Operational "
        "Research Society, 2010): until each half-width is within {asked} of its mean and stays there while the "
        "rule looks ahead; {budget} replications at most.",
        asked=threshold(rule["asked"], study.language),
        budget=rule["budget"],
    )


def interval_table(rows: Sequence[_Row], study: Study) -> Table:
    """Give the rows of an answer as a table: measure, mean, interval and how many replications it rests on."""
    say = study.language.say
    header = (say("measure"), say("mean and half-width"), say("replications"), say("its name in files"))
    body = [
        (
            study.name(row["measure"]),
            interval(row["interval"], row["unit"], study.language),
            row["interval"]["n"],
            row["measure"],
        )
        for row in rows
    ]
    return Table.of(header, body)


def _listing(study: Study) -> Listing:
    say = study.language.say
    return Listing(
        say("All measures"), interval_table(study.answer["measures"], study), say("Means over replications.")
    )


# --- charts -----------------------------------------------------------------------------------------------------------


def _charts(study: Study, sheet: Sheet) -> Iterator[Chart]:
    promised, answer = _promised(study.answer), study.answer
    yield from _forests("promises", promised, study, sheet)
    # What is the same in every replication needs no drawing.
    others = [row for row in answer["measures"] if not row.get("held") and row["interval"]["half_width"]]
    yield from _forests("measures", others, study, sheet)
    wanted = [each["measure"] for each in (answer["precision"] or {}).get("measures", ())]
    chosen = [row for row in answer["measures"] if not wanted or row["measure"] in wanted]
    yield from histories(chosen, study, sheet)


def _forests(topic: str, rows: Sequence[_Row], study: Study, sheet: Sheet) -> Iterator[Chart]:
    """Give the charts of some measures."""
    charts = sharing_an_axis(rows, lambda row: row["interval"]["mean"])
    for number_, (unit, shared) in enumerate(charts, start=1):
        yield _forest(f"{topic}-{number_}", topic, unit, shared, study, sheet)


def _forest(  # noqa: PLR0913, PLR0917 - the parts of one chart
    name: str, topic: str, unit: str, rows: Sequence[_Row], study: Study, sheet: Sheet
) -> Chart:
    say = study.language.say
    dots = {row["measure"]: study.values(study.answer["variant"], row["measure"]) for row in rows}
    values = [value for found in dots.values() for value in found.values()]
    scale = scale_of(unit, [*values, *(row["interval"]["mean"] for row in rows)], study.language)
    drawn = [
        Row(
            study.name(row["measure"]),
            *ends(row["interval"], scale),
            said=interval(row["interval"], unit, study.language),
            dots=tuple(value * scale.factor for value in dots[row["measure"]].values()),
            limit=scale.of(_limit(row)),
        )
        for row in rows
    ]
    promised = topic == "promises"
    seeds = Key(say("one replication"), "soft", "dot")
    keys = [Key(say("mean with its interval"), "ink", "dot"), *([seeds] if any(dots.values()) else [])]
    return Chart(
        name=name,
        topic=topic,
        title=_forest_title(rows, study, promised=promised),
        caption=say("Each pale dot is one replication, the bar is the interval of the mean."),
        plot=forest(drawn, sheet, scale.titled(_named(rows, study), study.language), within=scale.within),
        table=interval_table(rows, study),
        keys=(*keys, *([Key(say("what was promised"), "alert", "line")] if promised else [])),
    )


def _named(rows: Sequence[_Row], study: Study) -> str:
    """Name what an axis measures: the measure, where there is but one."""
    return study.name(rows[0]["measure"]) if len(rows) == 1 else ""


def _forest_title(rows: Sequence[_Row], study: Study, *, promised: bool) -> str:
    if not promised:
        found = interval(rows[0]["interval"], rows[0]["unit"], study.language)
        if len(rows) == 1:
            return study.language.say("{measure}: {found}", measure=study.name(rows[0]["measure"]), found=found)
        return joined([study.name(row["measure"]) for row in rows], study.language)
    always = sum(row["held"]["times"] == row["held"]["of"] for row in rows)
    text = noted("Promises: {held} of {all} were held in every replication")
    return study.language.say(text, held=always, all=len(rows))


REPLICATIONS = Kind(_findings, _charts)
