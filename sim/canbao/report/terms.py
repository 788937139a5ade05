"""Words and sentences of a summary: written in English by measures and plugins, said in the reader's language.

Whatever is not here is a user's or a plugin's, and is said as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from canbao.district import FAILURES
from canbao.languages import Language
from canbao.report.words import MONTHS
from canbao.trace import ENDINGS

__all__ = [
    "FORMS",
    "TERMS",
    "column",
    "engine_reason",
    "is_review",
    "kind",
    "law_detail",
    "objective_title",
    "outcome",
    "place",
    "term",
    "things",
    "warning",
]

TERMS: Mapping[str, tuple[str, ...]] = {
    "outcome": (
        "enrolled",
        "still inside",
        "gave up",
        "left silently",
        "too late",
        "withdrawn",
        "rejected",
        "already enrolled",
        "not paid",
        "went elsewhere",
        "dropped",
    ),
    "end of a visit": ENDINGS,
    "column": ("all", "channel", "first channel", "station", "kind", "category", "residence", "register", "skill"),
    "kind": ("newborn", "pre-school", "pupil"),
    "category": (
        "ordinary",
        "low income",
        "extremely poor",
        "severely disabled",
        "orphan",
        "out of poverty",
        "monitored",
    ),
    "residence": ("urban", "rural"),
    "register": ("local", "elsewhere"),
    "skill": ("low", "middle", "high"),
    "group": ("review",),
    "failure": FAILURES,
    "law": (
        "arrived = finished + gone + still inside",
        "enter, start and leave are in order",
        "a family is at one place at a time",
        "attempts count up",
        "Little's law, L = λW",
        "servers and visits tell the same utilisation",
        "staffed time is that of the schedule, and never less than busy time",
        "a room never holds more than it can",
        "nobody is let in at closed doors, nobody is sent home at open ones",
        "who turns round has a reason, who joins has none",
        "a server serves one family at a time, in its hours",
        "nobody waits while a server is free",
        "who is served next is as the discipline says",
        "services and patience last as long as luck says",
        "each application handed in is reviewed, and decided or in process",
        "each fee is for a child insured or in process, or was refunded",
        "each application handed in is accounted for",
    ),
    "month": MONTHS,
    "short month": tuple(month[:3] for month in MONTHS),
    "stage": ("plan", "compile", "simulate", "load", "measure", "store", "report"),
    "unit": ("ms", "s", "min", "h", "day", "days"),
}
"""Words by their context in the catalogues."""

FORMS: Mapping[str, tuple[str, ...]] = {
    "law detail": (
        "{came} = {left} left + {inside} inside",
        "{stations} stations, {visits} visits",
        "{visits} visits",
        "{families} families, {rounds} rounds of review",
        "{paid} paid = {insured} insured + {process} in process + {back} back",
        "{submitted} handed in = {issued} issued + {rejected} rejected + {waiting} in review + {returned} returned + "
        "{lost} withdrawn",
    ),
    "warning": (
        "none of {families} families comes between the start and the end of the horizon",
        "{inside} of {families} families are still inside at the end of the horizon; they count as not finished, "
        "never as finished in time",
        "{open} applications are still in review at the end of the horizon; a later end of the horizon would show "
        "how long they take",
        "population.scale is {scale}: the number of families is not the stated one, the staff is",
        "visits were counted and not kept: waits are known to within 1/64 or a second, "
        "and laws that need single visits were not checked",
    ),
    "engine reason": (
        "step {step} is a SimPy process of its own ({function})",
        "step {step} chooses by a function of its own ({function})",
        "station {station} has a queue discipline that is a function ({function})",
        "the compiled engine cannot be imported ({error})",
    ),
}
"""Sentences with their places for values, by their context in the catalogues."""


def term(context: str, word: str, language: Language) -> str:
    """Say a word of a summary."""
    return language.say_as(context, word)


def column(name: str, language: Language) -> str:
    """Say by what families are told apart: `first_channel` is `first channel`."""
    return language.say_as("column", name.replace("_", " "))


def kind(column_name: str, label: str, language: Language) -> str:
    """Name a kind of family: `kind: newborn`."""
    return language.say(
        "{column}: {label}", column=column(column_name, language), label=term(column_name, label, language)
    )


def place(group: str, language: Language) -> str:
    """Name what stations belong to: a channel or formality as the user did, but for the review."""
    return term("group", group, language)


def outcome(name: str, language: Language) -> str:
    """Say how a family ended."""
    return term("outcome", "still inside" if name == "inside" else name, language)


def law_detail(text: str, language: Language) -> str:
    """Say what a law looked at; where it breaks, what is said is for programmers, in English."""
    return language.read("law detail", text, FORMS["law detail"])


def warning(text: str, language: Language) -> str:
    """Say a warning."""
    return language.read("warning", text, FORMS["warning"])


def engine_reason(text: str, language: Language) -> str:
    """Say why the compiled engine could not run a plan."""
    return language.read("engine reason", text, FORMS["engine reason"])


def objective_title(objective: Mapping[str, Any], language: Language) -> str:
    """Name an objective as its scenario does; the catalogues know those of the scenarios that come with canbao."""
    return term("scenario", objective.get("title") or objective["name"], language)


def is_review(group: str) -> bool:
    """Tell whether a station of this group belongs to the review."""
    from canbao.assembly.review import REVIEW

    return group == REVIEW


def things(group: str, language: Language) -> str:
    """Say what comes to a station of this group: applications to the review, visits to all others."""
    return language.say("applications") if is_review(group) else language.say("visits")
