"""A search for the capacity of a deployment in words and numbers, from the plain data of `capacity.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canbao.languages import Language, noted
from canbao.report.words import duration, joined, percent

__all__ = [
    "curve_cells",
    "curve_header",
    "found_said",
    "headline",
    "is_sure",
    "medians",
    "outcome",
    "rate_said",
    "trial_said",
    "why_said",
]

_One = Mapping[str, Any]

_ENDS = {
    "found": noted("Both were decided by repetition."),
    "not confirmed": noted("Trials or time ran out before both were decided by repetition."),
    "stopped": noted("It was stopped by hand before both were decided by repetition."),
    "above": noted("The highest rate that was allowed still holds: the period has no more families."),
    "below": noted("The lowest rate that was tried still does not hold."),
    "generator": noted(
        "At higher rates the load generator could not keep up; give it more cores, or --workers, to go on."
    ),
}
"""What is said of the ways in which a search can end."""

_NONE = "–"


def rate_said(rate: float | None) -> str:
    """Write a rate to three digits; `–` for none."""
    return _NONE if rate is None else f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def headline(answer: _One, language: Language) -> str:
    """Say between which rates the knee is, or how its trials went where repetition did not decide."""
    low, high, say = answer["low"], answer["high"], language.say
    rates = {"low": rate_said(low), "high": rate_said(high)}
    there, beyond = is_sure("low", answer), is_sure("high", answer)
    if low is None and high is None:
        return say("No rate could be judged.")
    if low is None or high is None:
        sure = beyond if low is None else there
        return say(_ONE_SIDED[low is None, sure], **rates, **_went(high if low is None else low, answer))
    if there or beyond:
        undecided = _went(high if there else low, answer)
        return say(_TWO_SIDED[there, beyond], **rates, **undecided)
    more = {f"{name}_beyond": count for name, count in _went(high, answer).items()}
    return say(_TWO_SIDED[there, beyond], **rates, **_went(low, answer), **more)


_ONE_SIDED = {
    (True, True): noted("Already at {high} families a second it does not hold."),
    (True, False): noted(
        "Perhaps already at {high} families a second it does not hold: there {held} of {trials} trials held; "
        "repetition did not decide."
    ),
    (False, True): noted("It holds at {low} families a second; where it stops is not known."),
    (False, False): noted(
        "Perhaps it holds at {low} families a second: there {held} of {trials} trials held; repetition did not decide. "
        "Where it stops is not known."
    ),
}
"""What is said where one end is known: whether it is the upper one, and whether repetition decided it."""

_TWO_SIDED = {
    (True, True): noted("It holds at {low} families a second, and no longer at {high}."),
    (True, False): noted(
        "It holds at {low} families a second, and perhaps no longer at {high}: there {held} of {trials} trials held; "
        "repetition did not decide."
    ),
    (False, True): noted(
        "It does not hold at {high} families a second, and perhaps does at {low}: there {held} of {trials} trials "
        "held; repetition did not decide."
    ),
    (False, False): noted(
        "Perhaps between {low} and {high} families a second: {held} of {trials} trials held at the lower rate, "
        "{held_beyond} of {trials_beyond} at the higher; repetition did not decide."
    ),
}
"""What is said where both ends are known: whether repetition decided the lower one, and the upper one."""


def is_sure(end: str, answer: _One) -> bool:
    """Say whether the `low` or the `high` end was decided by repetition."""
    return bool(answer["confirmed"][("low", "high").index(end)])


def _went(rate: float, answer: _One) -> dict[str, int]:
    """Count the trials of a rate that say something, and those of them that held."""
    point = next(point for point in answer["curve"] if point["rate"] == rate)
    return {"held": point["held"], "trials": point["valid"]}


def found_said(answer: _One, language: Language) -> list[str]:
    """Say how the search ended, how sure it is, and what gave way."""
    ended, decided = answer["ended"], answer["decisions"]
    said = [language.say(_ENDS[ended])]
    if decided:
        text = language.plural(
            "{n} decision was made by repetition; the risk that it is wrong is at most {risk}.",
            "{n} decisions were made by repetition; the risk that any is wrong is at most {risk}.",
            decided,
            risk=percent(answer["risk"], language),
        )
        said.append(text)
    broken = _broken(answer, language)
    return [*said, broken] if broken else said


def _broken(answer: _One, language: Language) -> str:
    """Say what gave way at the lowest rate that does not hold."""
    mine = [trial for trial in answer["trials"] if trial["rate"] == answer["high"] and trial["valid"]]
    reasons = list(dict.fromkeys(reason for trial in mine for reason in _kinds(trial, answer, language)))
    if not reasons:
        return ""
    text = _FIRST if is_sure("high", answer) else _IN_A_TRIAL
    return language.say(text, reasons=joined(reasons, language), rate=rate_said(answer["high"]))


_FIRST = noted("What gives way first: {reasons}.")
_IN_A_TRIAL = noted("What gave way at {rate} families a second: {reasons}.")


def _kinds(trial: _One, answer: _One, language: Language) -> Iterator[str]:
    for what, _, _ in _over(trial, answer):
        yield language.say(_GAVE_WAY[what])
    if trial.get("missed"):
        yield language.say("the review, whose promise is missed")


_GAVE_WAY = {"failed_share": noted("requests, which fail"), "p95_s": noted("pages, which take too long")}


def _over(trial: _One, answer: _One) -> Iterator[tuple[str, float, float]]:
    """Give the bounds that a trial broke: name, value, bound."""
    for what, bound in (answer.get("bounds") or {}).items():
        value = trial["figures"].get(what)
        if value is not None and value > bound:
            yield what, value, bound


def why_said(trial: _One, answer: _One, language: Language) -> list[str]:
    """Say why a trial did not hold."""
    say = language.say
    texts = {
        "failed_share": lambda value: say("{share} of the requests failed", share=percent(value, language)),
        "p95_s": lambda value: say("1 of 20 requests took longer than {time}", time=duration(_ms(value), language)),
    }
    said = [texts[what](value) for what, value, _ in _over(trial, answer)]
    return [*said, *(say("the review missed {objective}", objective=name) for name in trial.get("missed") or ())]


def _ms(seconds: float) -> float:
    return float(f"{seconds:.2g}")


def outcome(trial: _One, language: Language) -> str:
    """Say how a trial ended."""
    if not trial["valid"]:
        return language.say("says nothing")
    return language.say_as("of a rate", "holds") if trial["held"] else language.say_as("of a rate", "does not hold")


def trial_said(trial: _One, number: int, answer: _One, language: Language) -> str:
    """Say in one line how a trial went."""
    said = language.say(
        "trial {number}: {rate} families a second: {outcome}",
        number=number,
        rate=rate_said(trial["rate"]),
        outcome=outcome(trial, language),
    )
    why = why_said(trial, answer, language) if trial["valid"] else []
    return language.say("{sentence} ({why})", sentence=said, why=joined(why, language)) if why else said


def curve_header(language: Language) -> tuple[str, ...]:
    """Give the header of the curve."""
    say = language.say
    return (
        say("families a second"),
        say("trials"),
        _held(language),
        say("in time"),
        say("p95 of requests"),
        say("p95 of sessions"),
        say("failed"),
        say("working days in review"),
        say("decided a working day"),
    )


def _held(language: Language) -> str:
    """Name the column of trials that held."""
    return language.say_as("of a rate", "held")


def curve_cells(point: _One, language: Language) -> tuple[str, ...]:
    """Give a point of the curve: medians over its valid trials."""
    found: Mapping[str, float] = point["figures"]
    times = (duration(_ms(found[name]), language) if name in found else _NONE for name in ("p95_s", "response_p95_s"))
    numbers = (
        f"{found[name]:.3g}" if name in found else _NONE for name in ("review_working_days", "decided_a_working_day")
    )
    return (
        rate_said(point["rate"]),
        str(point["trials"]),
        str(point["held"]),
        _share(found.get("in_time_share"), language),
        *times,
        _share(found.get("failed_share"), language),
        *numbers,
    )


def _share(share: float | None, language: Language) -> str:
    return _NONE if share is None else percent(share, language)


def medians(answer: _One, figure: str) -> Sequence[tuple[float, float]]:
    """Give the rates of valid trials with the median of a figure."""
    return [(point["rate"], point["figures"][figure]) for point in answer["curve"] if figure in point["figures"]]
