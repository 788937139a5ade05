"""The answer of a run in plain sentences; the terminal and the report say the same words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from canbao.languages import ENGLISH, Language
from canbao.report.loads.sentences import doubt as load_doubt
from canbao.report.sentences import SENTENCES
from canbao.report.terms import term
from canbao.report.verdicts import Verdict, headline, verdict
from canbao.report.words import day, number, percent

__all__ = ["Answer", "Figure", "Verdict", "answer"]


@dataclass(frozen=True)
class Figure:
    """One number that stands out, with what it counts."""

    value: str
    label: str


@dataclass(frozen=True)
class Answer:
    """What a run says, in sentences that end with a full stop."""

    title: str
    question: str
    period: str
    held: bool | None
    """Whether every objective held; None if there is none, or none could be judged."""
    headline: str
    doubt: str | None
    """Why the run must not be relied on, if a law was broken or a load test was not the one that was meant."""
    objectives: tuple[Verdict, ...]
    sentences: Mapping[str, str]
    """What happened, by part (`canbao.report.sentences`), in reading order; parts with nothing to say are left out."""
    trust: str
    figures: tuple[Figure, ...]


def answer(summary: Mapping[str, Any], language: Language = ENGLISH) -> Answer:
    """Say what a summary holds; every figure in a sentence is a figure of the summary."""
    objectives = tuple(verdict(objective, summary, language) for objective in summary.get("objectives") or ())
    judged = [one.held for one in objectives if one.held is not None]
    scenario = summary.get("scenario") or {}
    said = {part: say(summary, language) for part, say in SENTENCES.items()}
    return Answer(
        title=term("scenario", scenario.get("title") or scenario.get("name") or "", language) or language.say("A run"),
        question=term("scenario", scenario.get("question") or "", language),
        period=_period(summary, language),
        held=all(judged) if judged else None,
        headline=headline(objectives, language),
        doubt=_doubt(summary, language),
        objectives=objectives,
        sentences={part: sentence for part, sentence in said.items() if sentence},
        trust=_trust(summary, language),
        figures=tuple(_figures(summary, language)),
    )


def _period(summary: Mapping[str, Any], language: Language) -> str:
    horizon = summary["horizon"]
    return language.plural(
        "{start} to {end}, {n} day",
        "{start} to {end}, {n} days",
        horizon["days"],
        start=day(horizon["start"], language),
        end=day(horizon["end"], language),
    )


def _doubt(summary: Mapping[str, Any], language: Language) -> str | None:
    laws = (summary.get("trust") or {}).get("laws") or []
    broken = sum(not law["holds"] for law in laws)
    if not broken:
        return load_doubt(summary, language)
    return language.plural(
        "Do not rely on this run: {n} of {laws} laws that hold on every run is broken.",
        "Do not rely on this run: {n} of {laws} laws that hold on every run are broken.",
        broken,
        laws=len(laws),
    )


def _trust(summary: Mapping[str, Any], language: Language) -> str:
    trust = summary.get("trust") or {}
    laws, runs = trust.get("laws") or [], trust.get("replications") or 1
    held = sum(bool(law["holds"]) for law in laws)
    checked = language.say("{held} of {laws} laws hold", held=held, laws=len(laws))
    alone = language.say("one run with one seed, so no interval")
    return language.say(
        "{laws}; {luck}; {inputs}.",
        laws=checked if laws else language.say("No law was checked"),
        luck=alone if runs == 1 else language.say("{number} replications", number=number(runs)),
        inputs=language.plural(
            "{n} input is an estimate", "{n} inputs are estimates", len(trust.get("estimates") or ())
        ),
    )


def _figures(summary: Mapping[str, Any], language: Language) -> Iterator[Figure]:
    families, say = summary.get("families") or {}, language.say
    if families.get("arrived"):
        enrolled = percent(families["enrolled"] / families["arrived"], language)
        yield Figure(number(families["arrived"]), say("families came"))
        yield Figure(enrolled, say("of them are enrolled"))
        yield Figure(number(families["inside"]), say("are still inside at the end"))
    if summary.get("deadline"):
        yield Figure(number(summary["deadline"]["missed"]), say("missed the deadline"))
    cleared = ((summary.get("load") or {}).get("applications") or {}).get("a_working_day") or {}
    if cleared.get("count"):
        yield Figure(number(cleared["mean"]), say("applications a working day were decided"))
    backlog = ((summary.get("review") or {}).get("flow") or {}).get("backlog")
    if backlog:
        yield Figure(number(max(backlog)), say("applications in review on the fullest day"))
