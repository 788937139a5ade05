"""Objectives, judged in sentences: what was found, what was wanted, and by how much."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from canbao.languages import Language, noted
from canbao.report.terms import objective_title
from canbao.report.words import day, duration, joined, percent, points, threshold, working_days

__all__ = ["MARKS", "Verdict", "headline", "verdict"]

_Objective = Mapping[str, Any]


MARKS: Mapping[bool | None, str] = {True: noted("held"), False: noted("missed"), None: noted("not judged")}
"""How an objective ended, in a word or two."""


@dataclass(frozen=True)
class Verdict:
    """One objective, judged."""

    name: str
    title: str
    held: bool | None
    """None where nothing was there to judge."""
    mark: str
    """`held`, `missed` or `not judged`, in the reader's language."""
    sentence: str
    """What was found, what was wanted, and by how much."""


def verdict(objective: _Objective, summary: Mapping[str, Any], language: Language) -> Verdict:
    """Judge an objective of a summary."""
    held = objective["held"]
    said = _judged if objective["value"] is not None else _unjudged
    sentence = said(objective, summary, language)
    title = objective_title(objective, language)
    return Verdict(objective["name"], title, held, language.say(MARKS[held]), sentence[:1].upper() + sentence[1:])


def headline(verdicts: tuple[Verdict, ...], language: Language) -> str:
    """Say whether the season holds, and by how many objectives."""
    count, held = len(verdicts), [one.held for one in verdicts if one.held is not None]
    if not verdicts:
        return language.say("The scenario states no objective: there is nothing to hold or to miss.")
    if not held:
        return language.plural(
            "No answer: the one objective was not one that could be judged.",
            "No answer: none of the {n} objectives could be judged.",
            count,
        )
    said = _missed(held.count(False), count, language) if not all(held) else _held(len(held), count, language)
    if len(held) == count:
        return said
    rest = language.say("{number} found nothing to judge.", number=count - len(held))
    return language.say("{sentence} {next}", sentence=said, next=rest)


def _missed(missed: int, count: int, language: Language) -> str:
    if count == 1:
        return language.say("The season does not hold: its one objective is missed.")
    return language.plural(
        "The season does not hold: {n} of {count} objectives is missed.",
        "The season does not hold: {n} of {count} objectives are missed.",
        missed,
        count=count,
    )


def _held(held: int, count: int, language: Language) -> str:
    if held < count:
        return language.plural(
            "The season holds as far as it can be judged: {n} of {count} objectives is held.",
            "The season holds as far as it can be judged: {n} of {count} objectives are held.",
            held,
            count=count,
        )
    if count == 1:
        return language.say("The season holds: its one objective is held.")
    return language.say("The season holds: all {count} objectives are held.", count=count)


def _judged(objective: _Objective, summary: Mapping[str, Any], language: Language) -> str:
    told = {
        "found": _SAID.get(objective["kind"], _any_kind)(objective, summary, language),
        "limit": _limit_said(objective, language),
        "ending": _ending(objective, language),
    }
    if "at_least" in objective["wanted"]:
        return language.say("{found}; {limit} wanted: {ending}.", **told)
    return language.say("{found}; at most {limit} wanted: {ending}.", **told)


def _unjudged(objective: _Objective, summary: Mapping[str, Any], language: Language) -> str:
    want = _SAID.get(objective["kind"], _any_kind)(objective, summary, language)
    return language.say("{want} wanted: there was nothing to judge.", want=want)


def _ending(objective: _Objective, language: Language) -> str:
    difference = objective["value"] - _limit(objective)
    if not difference:
        return language.say("held") if objective["held"] else language.say("missed")
    timed = objective["unit"] == "s"
    size = duration(abs(difference), language) if timed else points(difference, language)
    if objective["held"]:
        return language.say("held, with {margin} to spare", margin=size)
    return language.say("missed, by {margin}", margin=size)


def _limit(objective: _Objective) -> float:
    wanted = objective["wanted"]
    return float(wanted["at_least"] if "at_least" in wanted else wanted["at_most"])


def _limit_said(objective: _Objective, language: Language) -> str:
    say = duration if objective["unit"] == "s" else threshold
    return say(_limit(objective), language)


def _found(objective: _Objective, language: Language) -> str:
    return percent(objective["value"], language, _limit(objective))


# ---------------------------------------------------------------------------------------------------------------------
# Each kind of objective: what was found, or what was wanted where nothing was
# ---------------------------------------------------------------------------------------------------------------------


def _review(objective: _Objective, _: Mapping[str, Any], language: Language) -> str:
    wanted, judged = objective["wanted"], objective["value"] is not None
    share = _found(objective, language) if judged else _limit_said(objective, language)
    told = {"share": share, "days": working_days(wanted["within"], language)}
    if not wanted.get("channels"):
        if judged:
            return language.say("{share} of applications were decided within {days}", **told)
        return language.say("{share} of applications within {days}", **told)
    told["channels"] = joined([language.say("the {channel}", channel=name) for name in wanted["channels"]], language)
    if judged:
        return language.say("{share} of applications through {channels} were decided within {days}", **told)
    return language.say("{share} of applications through {channels} within {days}", **told)


def _deadline(objective: _Objective, summary: Mapping[str, Any], language: Language) -> str:
    date = (summary.get("calendar") or {}).get("deadline")
    deadline = language.say("the deadline, {day}", day=day(date, language)) if date else language.say("the deadline")
    if objective["value"] is None:
        share = _limit_said(objective, language)
        return language.say("{share} of families by {deadline}", share=share, deadline=deadline)
    share = _found(objective, language)
    return language.say("{share} of families handed in by {deadline}", share=share, deadline=deadline)


def _wait(objective: _Objective, _: Mapping[str, Any], language: Language) -> str:
    wanted, value = objective["wanted"], objective["value"]
    told = {"share": threshold(wanted["share"], language), "channel": wanted["channel"]}
    if value is None:
        limit = _limit_said(objective, language)
        return language.say("at most {limit} of waiting for {share} of visits to the {channel}", limit=limit, **told)
    if value == 0:
        return language.say("{share} of visits to the {channel} did not wait at all", **told)
    wait = duration(value, language)
    return language.say("{share} of visits to the {channel} waited {duration} or less", duration=wait, **told)


def _abandonment(objective: _Objective, _: Mapping[str, Any], language: Language) -> str:
    channel = objective["wanted"]["channel"]
    if objective["value"] is None:
        limit = _limit_said(objective, language)
        return language.say("at most {limit} of visits to the {channel} without service", limit=limit, channel=channel)
    return language.say(
        "{share} of visits to the {channel} ended without service, because patience or room ran out",
        share=_found(objective, language),
        channel=channel,
    )


def _newborn(objective: _Objective, _: Mapping[str, Any], language: Language) -> str:
    if objective["value"] is None:
        return language.say("{share} of newborns insured from birth", share=_limit_said(objective, language))
    share = _found(objective, language)
    return language.say("{share} of newborns with a decision are insured from birth", share=share)


def _any_kind(objective: _Objective, _: Mapping[str, Any], language: Language) -> str:
    title, timed = objective_title(objective, language), objective["unit"] == "s"
    if objective["value"] is None:
        limit = _limit_said(objective, language)
        if "at_least" in objective["wanted"]:
            return language.say("{title}: at least {limit}", title=title, limit=limit)
        return language.say("{title}: at most {limit}", title=title, limit=limit)
    value = duration(objective["value"], language) if timed else _found(objective, language)
    return language.say("{title}: {value}", title=title, value=value)


_SAID: Mapping[str, Callable[[_Objective, Mapping[str, Any], Language], str]] = {
    "review": _review,
    "deadline": _deadline,
    "wait": _wait,
    "abandonment": _abandonment,
    "newborn": _newborn,
}
"""Who says what was found or wanted; a kind that a plugin adds is said by its title."""
