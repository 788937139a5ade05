"""The report of a staffing plan: the rota, what it costs, what cheaper and dearer staffings would give, the proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canbao.experiments.staffing.sentences import (
    KINDS,
    VERDICTS,
    cost_sentence,
    neighbour_sentence,
    plan_verdict,
)
from canbao.report.answer import Figure
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.experiments.findings import Findings, Judged, Kind, Rota
from canbao.report.experiments.forest import Row, forest
from canbao.report.experiments.rotas import rota_chart
from canbao.report.experiments.sheet import CHANGES, UNCLEAR, Look, Sheet
from canbao.report.experiments.study import Study
from canbao.report.experiments.tradeoffs import servers_said, tradeoff_charts
from canbao.report.experiments.values import amount, interval
from canbao.report.tables import Listing
from canbao.report.terms import term
from canbao.report.words import date_of, day, number, short_day, threshold, yuan

__all__ = ["PLAN"]

_Place = Mapping[str, Any]


def _findings(study: Study) -> Findings:
    say, answer, language = study.language.say, study.answer, study.language
    possible = answer["possible"]
    return Findings(
        kind=say("Staffing plan"),
        question=say(
            "What is the least staffing that holds every objective in {share} of the seasons?",
            share=threshold(answer["probability"], language),
        ),
        headline=_headline(study),
        held=answer["holds"],
        judged_title=say("Objectives, under the plan"),
        judged=list(_judged(study)) if possible else (),
        sentences=[
            plan_verdict(answer, language),
            *([cost_sentence(answer, language), neighbour_sentence(answer, language)] if possible else []),
        ],
        figures=list(_figures(study)),
        rotas=[Rota(table) for table in _rotas(answer["rota"], study)] if possible else (),
        rota_note=_rota_note(study) if possible else "",
        listings=[_levers(study), _curve(study)],
        method=_method(study),
    )


def _headline(study: Study) -> str:
    say, answer = study.language.say, study.answer
    cost, now = answer["cost"]["yuan"], answer["cost"]["now_yuan"]
    if not answer["possible"]:
        return say("No staffing that is allowed holds every objective.")
    said = {"yuan": yuan(cost, study.language), "change": yuan(abs(cost - now), study.language)}
    if not answer["holds"]:
        return say("No staffing was proved to hold; the best that was found costs {yuan}.", yuan=said["yuan"])
    if cost < now:
        return say("The least staffing that was found to hold costs {yuan}, {change} less than now.", **said)
    return say("The least staffing that was found to hold costs {yuan}, {change} more than now.", **said)


def _judged(study: Study) -> Iterator[Judged]:
    """Tell of each objective what the plan gave on average."""
    say, answer = study.language.say, study.answer
    plan = next(point for point in answer["curve"] if not point["servers"])
    for objective in answer["objectives"]:
        found = plan["objectives"][objective["name"]]
        wanted = objective["wanted"]
        higher = "at_least" in wanted
        limit = wanted["at_least"] if higher else wanted["at_most"]
        mean = found["mean"]
        held = None if mean is None else bool(mean >= limit if higher else mean <= limit)
        unit, language = objective["unit"], study.language
        said = threshold(limit, language) if unit == "share" else amount(limit, unit, language)
        values = {"found": interval(found, unit, language), "n": plan["n"], "limit": said}
        yield Judged(
            held,
            say("held") if held else say("missed"),
            term("scenario", objective["title"], language),
            say("{found} on average over {n} seasons; wanted: at least {limit}.", **values)
            if higher
            else say("{found} on average over {n} seasons; wanted: at most {limit}.", **values),
        )


def _figures(study: Study) -> Iterator[Figure]:
    say, answer = study.language.say, study.answer
    if answer["possible"]:
        yield Figure(yuan(answer["cost"]["yuan"], study.language), say("cost of the plan"))
        yield Figure(yuan(answer["cost"]["now_yuan"], study.language), say("cost of the staff as it is"))
    if answer["proof"]:
        share = say("{held} of {n}", held=answer["proof"]["held"], n=answer["proof"]["n"])
        yield Figure(share, say("fresh seasons in which every objective held"))
    yield Figure(number(answer["replications"]), say("seasons simulated"))


def _method(study: Study) -> list[str]:
    say, answer = study.language.say, study.answer
    said = [
        say(
            "Queueing theory says where the search begins; all staffings then meet the same seasons. What is proved, "
            "is proved on fresh seasons that the search has not seen."
        ),
        say("The bars of the trade-off are the exact intervals of a chance (Clopper and Pearson 1934)."),
    ]
    proof = answer["proof"]
    if proof:
        said.append(say("Method of the proof: {method}.", method=proof["method"]))
    return said


# --- rota and tables --------------------------------------------------------------------------------------------------


def _rotas(places: Sequence[_Place], study: Study) -> Iterator[Table]:
    """Give the rota, in one table for all places with the same hours."""
    tables: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    unique = len({place["name"] for place in places}) == len(places)
    for place in places:
        hours = tuple(block["hours"] for block in max(place["periods"], key=lambda each: len(each["blocks"]))["blocks"])
        tables.setdefault(hours, []).extend(_duties(place, place["name" if unique else "place"], hours, study))
    for hours, rows in tables.items():
        heads = (study.language.say(each) if each == "all hours" else each.replace("-", "–") for each in hours)
        yield Table.of((study.language.say("place"), study.language.say("dates"), *heads), rows)


def _rota_note(study: Study) -> str:
    periods = [period for place in study.answer["rota"] for period in place["periods"]]
    first, last = min(each["start"] for each in periods), max(each["end"] for each in periods)
    return study.language.say(
        "Numbers are servers at work in those hours. The season runs from {first} to {last}.",
        first=day(first, study.language),
        last=day(last, study.language),
    )


def _duties(place: _Place, called: str, hours: Sequence[str], study: Study) -> Iterator[tuple[str, ...]]:
    for number_, period in enumerate(place["periods"]):
        counts = {block["hours"]: str(block["count"]) for block in period["blocks"]}
        name = f"{called} ({study.language.say(KINDS[place['kind']])})"
        yield (name if not number_ else "", _dates(period, study), *(counts.get(each, "–") for each in hours))


def _dates(period: Mapping[str, str], study: Study) -> str:
    start, end = (short_day(date_of(period[key]), study.language) for key in ("start", "end"))
    return start if start == end else f"{start} – {end}"


def _levers(study: Study) -> Listing:
    say, language = study.language.say, study.language
    header = (
        say("place, dates and hours"),
        say("kind"),
        say("servers"),
        say("by theory"),
        say("load"),
        say("cost of one"),
    )
    rows = [
        (
            lever["name"],
            say(KINDS[lever["kind"]]),
            lever["count"],
            lever["theory"],
            f"{lever['load']:.2f}",
            yuan(lever["yuan_each"], language),
        )
        for lever in study.answer["levers"]
    ]
    note = say("Load is how many servers would be busy all the time with what comes, if nobody waited (erlangs).")
    return Listing(say("Every place and time"), Table.of(header, rows), note, folded=True)


def _curve(study: Study) -> Listing:
    say, language, answer = study.language.say, study.language, study.answer
    names = [term("scenario", each["title"], language) for each in answer["objectives"]]
    points = [(servers_said(point["servers"], study), point) for point in answer["curve"]]
    points.append((say("as it is"), answer["as_it_is"]))
    rows = [
        (
            name,
            yuan(point["yuan"], language),
            say("{held} of {n}", held=point["held"], n=point["n"]),
            *(interval(point["objectives"][each["name"]], each["unit"], language) for each in answer["objectives"]),
        )
        for name, point in points
    ]
    header = (say("servers"), say("cost"), say("held"), *names)
    return Listing(say("Cheaper and dearer plans"), Table.of(header, rows), say("All met the same fresh seasons."))


# --- charts -----------------------------------------------------------------------------------------------------------


def _charts(study: Study, sheet: Sheet) -> Iterator[Chart]:
    if not study.answer["possible"]:
        return
    yield rota_chart(study, sheet)
    yield from tradeoff_charts(study, sheet)
    if study.answer["neighbours"]:
        yield _neighbours(study, sheet)


def _neighbours(study: Study, sheet: Sheet) -> Chart:
    say, answer, names = study.language.say, study.answer, _short_names(study)
    drawn = [
        Row(
            names[each["lever"]],
            100 * each["held"] / each["n"] if each["n"] else None,
            0.0,
            100 * each["at_most"],
            _verdict_look(each["verdict"]),
            say(VERDICTS[each["verdict"]]),
            limit=100 * answer["probability"],
        )
        for each in answer["neighbours"]
    ]
    axis = say("seasons in which every objective holds (%)")
    return Chart(
        name="one-less",
        topic="neighbours",
        title=neighbour_sentence(answer, study.language).rstrip(".。"),
        caption=say(
            "Each row takes one server away. The dot is the share of fresh seasons that held, the bar ends at what "
            "that share may be at most; where it ends left of the mark, the plan is proved to need that server."
        ),
        plot=forest(drawn, sheet, axis, zero=True, within=(0.0, 100.0)),
        table=_less_table(study),
        keys=(
            *(
                Key(say(VERDICTS[each]), _verdict_look(each).colour, _verdict_look(each).shape)
                for each in _seen(answer)
            ),
            Key(say("what is wanted"), "alert", "line"),
        ),
    )


def _short_names(study: Study) -> dict[str, str]:
    """Name places and times so that they fit beside a chart: `hall, 8 Dec – 28 Dec, 8:30–12:00`."""
    said = {}
    for lever in study.answer["levers"]:
        start, end = (short_day(date_of(lever[key]), study.language) for key in ("start", "end"))
        parts = [lever["place"].rsplit(".", 1)[-1], start if start == end else f"{start} – {end}"]
        parts += ["–".join(map(_clock, lever["hours"]))] if lever["hours"] else []
        said[lever["name"]] = ", ".join(parts)
    return said


def _clock(hours: float) -> str:
    return f"{int(hours)}:{round(hours % 1 * 60):02d}"


def _seen(answer: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(each["verdict"] for each in answer["neighbours"]))


def _verdict_look(verdict: str) -> Look:
    return {"does not hold": Look("ink", "diamond"), "holds": CHANGES["better"]}.get(verdict, UNCLEAR)


def _less_table(study: Study) -> Table:
    say, language = study.language.say, study.language
    header = (say("one server less at"), say("saves"), say("held"), say("holds at most"), say("verdict"))
    rows = [
        (
            each["lever"],
            yuan(each["saves_yuan"], language),
            say("{held} of {n}", held=each["held"], n=each["n"]),
            f"{100 * each['at_most']:.1f} %",
            say(VERDICTS[each["verdict"]]),
        )
        for each in study.answer["neighbours"]
    ]
    return Table.of(header, rows)


PLAN = Kind(_findings, _charts)
