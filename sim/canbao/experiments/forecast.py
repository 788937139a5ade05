"""A prediction and a measurement in sentences, from the plain data of an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canbao.languages import Language, noted

__all__ = [
    "ASSUMPTIONS",
    "VERDICTS",
    "WHY",
    "assumption_name",
    "assumptions_verdict",
    "forecast_verdict",
    "is_off",
    "nothing_said",
    "nothing_told",
    "obstacles_said",
]

VERDICTS = {
    "off": noted("off"),
    "within chance": noted("within chance"),
    "same": noted("the same"),
    "unknown": noted("no interval"),
    "not identified": noted("not identified"),
}
"""What is said of a measure, and of an assumption."""

ASSUMPTIONS = {
    "arrivals": noted("arrivals"),
    "request time": noted("request time at {where}"),
    "slots": noted("slots of {where}"),
    "backlog": noted("places to wait at {where}"),
    "payment": noted("share of debits that fail"),
    "review time": noted("time at the desks of the review, most of all {where}"),
    "duplicate": noted("share enrolled already"),
    "incomplete": noted("share returned for missing papers"),
    "mismatch": noted("share returned because data do not match"),
    "refused": noted("share returned by the second review"),
}
"""What assumptions are called."""

WHY = {
    "": "",
    "few visits": noted("too few visits"),
    "never quiet": noted("never quiet: also measure at a lower rate"),
    "never full": noted("never full: also measure at a higher rate"),
    "never refused": noted("nobody was turned away"),
    "few applications": noted("too few decisions"),
    "few debits": noted("too few debits"),
    "nothing waited": noted("hardly anything waited for clerks"),
    "no reasons": noted("the deployment gives no reasons"),
    "no time": noted("not looked at for want of time"),
    "shared": noted("shared with other channels"),
}
"""Why an assumption is not identified, or only to one side."""

_OBSTACLES = {
    "scenario": noted("the scenarios differ: {predicted} in the simulation, {measured} in the load test"),
    "seed": noted("the seeds differ: {predicted} in the simulation, {measured} in the load test"),
    "families": noted("other families came: {predicted} in the simulation, {measured} in the load test"),
    "end": noted("the simulation ends after {predicted}, the load test after {measured}"),
    "clock": noted("the load test compressed time ({measured}), the simulation did not ({predicted})"),
    "generator": noted("the load test is invalid ({measured})"),
}


def is_off(row: Mapping[str, Any]) -> bool:
    """Tell whether a measure, or an assumption, is off."""
    return bool(row["verdict"] == "off")


def obstacles_said(answer: Mapping[str, Any], language: Language) -> list[str]:
    """Say why the two runs cannot be held against each other; nothing if they can."""
    if answer["comparable"]:
        return []
    reasons = [
        language.say(_OBSTACLES[one["what"]], predicted=one["predicted"], measured=one["measured"])
        for one in answer["obstacles"]
    ]
    first = language.say("These two runs cannot be held against each other, so no difference is called off:")
    return [first, *(f"– {reason}" for reason in reasons)]


def forecast_verdict(answer: Mapping[str, Any], language: Language) -> str:
    """Say in how many measures the prediction held."""
    rows: Sequence[Mapping[str, Any]] = answer["measures"]
    judged = [row for row in rows if row["verdict"] != "unknown"]
    if not judged:
        return language.say("Nobody can say whether the prediction held: there are no intervals.")
    off = sum(is_off(row) for row in judged)
    if not off:
        return language.plural(
            "The prediction held in {n} measure: its difference is within chance.",
            "The prediction held in all {n} measures: their differences are within chance.",
            len(judged),
        )
    return language.plural(
        "The prediction is off in {n} of {all} measures.",
        "The prediction is off in {n} of {all} measures.",
        off,
        all=len(judged),
    )


def assumptions_verdict(assumptions: Sequence[Mapping[str, Any]], language: Language) -> str:
    """Say which assumptions are off, or why nobody can tell."""
    if nothing_told(assumptions):
        return nothing_said([language.say(WHY[why]) for why in _reasons(assumptions)], language)
    off = [assumption_name(one, language) for one in assumptions if is_off(one)]
    unknown = sum(one["verdict"] == "not identified" for one in assumptions)
    said = [language.say("No assumption that could be checked is off.")]
    if off:
        said = [language.say("Off: {names}.", names=language.say_as("between clauses", "; ").join(off))]
    if unknown:
        said.append(language.plural("{n} could not be identified.", "{n} could not be identified.", unknown))
    return " ".join(said)


def nothing_told(assumptions: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether so little happened that a load test says nothing of its deployment."""
    return all(
        one["verdict"] == ("within chance" if one["what"] == "arrivals" else "not identified") for one in assumptions
    )


def _reasons(assumptions: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(one["why"] for one in assumptions if one["why"]))


def nothing_said(reasons: Sequence[str], language: Language) -> str:
    """Say in one line why nobody can tell which assumption is off."""
    joined = language.say_as("between clauses", "; ").join(reasons)
    return language.say("Which assumption is off cannot be told: {reasons}.", reasons=joined)


def assumption_name(one: Mapping[str, Any], language: Language) -> str:
    """Say what an assumption is about."""
    return language.say(ASSUMPTIONS[one["what"]], where=one["where"])
