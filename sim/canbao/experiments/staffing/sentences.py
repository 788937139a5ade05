"""A plan in sentences, from the plain data of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from canbao.languages import Language, noted

__all__ = ["KINDS", "STAGES", "VERDICTS", "cost_sentence", "neighbour_sentence", "plan_verdict"]

KINDS = {"windows": noted("windows"), "reviewers": noted("reviewers"), "slots": noted("slots")}
"""What serves at a place."""

STAGES = {
    "start": noted("what theory asks for"),
    "most": noted("as much as may be put in"),
    "more": noted("more servers"),
    "fewer": noted("fewer servers"),
    "exchange": noted("cheaper servers for dearer ones"),
    "proof": noted("proof on fresh seasons"),
    "neighbour": noted("one server less"),
}
"""The stages of a search."""

VERDICTS = {
    "holds": noted("holds"),
    "does not hold": noted("does not hold"),
    "undecided": noted("undecided"),
}


def plan_verdict(answer: Mapping[str, Any], language: Language) -> str:
    """Say whether there is a plan that holds, and how sure that is."""
    proof = answer["proof"]
    if proof is None:
        text = noted("No staffing holds: even with as much as may be put in, objectives are missed: {missed}.")
        return language.say(text, missed="; ".join(_missed(answer)))
    values = {
        "held": proof["held"],
        "n": proof["n"],
        "wanted": _percent(answer["probability"]),
        "least": _percent(proof["at_least"]),
        "confidence": _percent(answer["confidence"]),
    }
    if not answer["holds"]:
        text = noted(
            "Not proved: the best staffing that was found held every objective in {held} of {n} fresh seasons, which "
            "is not enough to be {confidence} sure of {wanted}."
        )
        return language.say(text, **values)
    text = noted(
        "This staffing holds every objective in {wanted} of all seasons or more: it did in {held} of {n} fresh ones, "
        "which makes one {confidence} sure of {least} at least."
    )
    return language.say(text, **values)


def _missed(answer: Mapping[str, Any]) -> list[str]:
    """Name the objectives that are missed on average with all that may be put in."""
    values = answer["curve"][-1]["objectives"]
    return [each["title"] for each in answer["objectives"] if _misses(each["wanted"], values[each["name"]]["mean"])]


def _misses(wanted: Mapping[str, Any], value: float | None) -> bool:
    if value is None:
        return False
    return bool(value < wanted["at_least"] if "at_least" in wanted else value > wanted["at_most"])


def cost_sentence(answer: Mapping[str, Any], language: Language) -> str:
    """Say what the plan costs, and what the scenario's own staff costs and holds."""
    now = answer["as_it_is"]
    text = noted("It costs {yuan}; the staff as it is costs {now} and holds in {held} of {n} seasons.")
    return language.say(
        text,
        yuan=_yuan(answer["cost"]["yuan"], language),
        now=_yuan(now["yuan"], language),
        held=now["held"],
        n=now["n"],
    )


def neighbour_sentence(answer: Mapping[str, Any], language: Language) -> str:
    """Say whether one server less anywhere would hold."""
    verdicts = [each["verdict"] for each in answer["neighbours"]]
    if not verdicts:
        return language.say("Nowhere is more than one server, so none can go.")
    if all(verdict == "does not hold" for verdict in verdicts):
        text = noted(
            "With one server less at any of the {count} places and times that have more than one, it does not hold."
        )
        return language.say(text, count=len(verdicts))
    text = noted(
        "With one server less it does not hold at {count} of {all} places and times that have more than one; of the "
        "others so many seasons cannot tell, and more --seasons would."
    )
    return language.say(text, count=verdicts.count("does not hold"), all=len(verdicts))


def _percent(share: float) -> str:
    # Down, so that a bound is never said to be more than it is.
    return f"{int(share * 1000 + 1e-9) / 10:g} %"


def _yuan(amount: float, language: Language) -> str:
    return language.say("{amount} yuan", amount=f"{amount:,.0f}")
