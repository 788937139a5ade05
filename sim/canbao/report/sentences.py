"""What happened, in sentences: each says one part of a summary, or nothing where there is nothing to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from canbao.languages import Language
from canbao.report.charts.equity import widest_gap
from canbao.report.loads.sentences import SENTENCES as LOAD_SENTENCES
from canbao.report.terms import column, is_review, outcome, term
from canbao.report.words import clock, date_of, day, joined, number, people, percent, rough, yuan

__all__ = ["SENTENCES"]

_Summary = Mapping[str, Any]


def _of(summary: _Summary, *path: str) -> Any:
    """Look up a value that may be missing at any step."""
    found: Any = summary
    for key in path:
        found = (found or {}).get(key)
    return found


# ---------------------------------------------------------------------------------------------------------------------
# Waiting
# ---------------------------------------------------------------------------------------------------------------------


def _bottleneck(summary: _Summary, language: Language) -> str | None:
    worst = summary.get("bottleneck")
    if not worst:
        nowhere = language.say("Nobody waited at a staffed station: there is no bottleneck.")
        return nowhere if summary.get("stations") else None
    said, share = _worst(summary, worst, language), worst.get("share_of_waiting")
    if share is None:
        return said
    rest = language.say(
        "It has {share} of all hours of waiting while staff is on duty.", share=percent(share, language)
    )
    return language.say("{sentence} {next}", sentence=said, next=rest)


def _worst(summary: _Summary, worst: Mapping[str, Any], language: Language) -> str:
    told = {
        "station": worst["station"],
        "day": day(worst["date"], language),
        "start": clock(worst["hour"]),
        "end": clock(worst["hour"] + 1),
        "waited": _waited(worst, language),
    }
    staff = _most_staff(summary, worst)
    if staff is None:
        return language.say(
            "Most waiting is at {station}: on {day} between {start} and {end}, {waited}.",
            **told,
        )
    return language.say(
        "Most waiting is at {station}: on {day} between {start} and {end}, {waited}, with at most {servers} on duty "
        "that day.",
        servers=_servers(worst["group"], staff, language),
        **told,
    )


def _waited(worst: Mapping[str, Any], language: Language) -> str:
    waiting = number(worst["waiting"])
    if is_review(worst["group"]):
        return language.say("{number} applications waited", number=waiting)
    return language.say("{number} families waited", number=waiting)


def _servers(group: str, count: float, language: Language) -> str:
    """Count who serves at a station of this group: `9 clerks` in the review, `9 servers` elsewhere."""
    if is_review(group):
        return language.plural("{n} clerk", "{n} clerks", count, n=number(count))
    return language.plural("{n} server", "{n} servers", count, n=number(count))


def _most_staff(summary: _Summary, worst: Mapping[str, Any]) -> float | None:
    """Give the largest staff of the worst day: where a shift begins inside an hour, its mean may be half a clerk."""
    hours: list[float] = _of(summary, "hours", worst["station"], "staff") or []
    hours_before = 24 * (date_of(worst["date"]) - date_of(summary["horizon"]["start"])).days
    in_that_hour: float | None = worst["staff"]
    return max(hours[hours_before : hours_before + 24], default=in_that_hour)


# ---------------------------------------------------------------------------------------------------------------------
# Families
# ---------------------------------------------------------------------------------------------------------------------


def _enrolled(summary: _Summary, language: Language) -> str | None:
    families = summary.get("families")
    if not families:
        return None
    if not families["arrived"]:
        return language.say("No family came.")
    return language.say(
        "{enrolled} of {families} ({share}) are enrolled.",
        enrolled=number(families["enrolled"]),
        families=people(families["arrived"], language),
        share=percent(families["enrolled"] / families["arrived"], language),
    )


def _deadline(summary: _Summary, language: Language) -> str | None:
    found = summary.get("deadline")
    if not found:
        return None
    said = _missed(summary, found, language)
    if not found.get("undecided"):
        return said
    rest = language.say(
        "The deadline of {families} still inside is yet to come.", families=people(found["undecided"], language)
    )
    return language.say("{sentence} {next}", sentence=said, next=rest)


def _missed(summary: _Summary, found: Mapping[str, Any], language: Language) -> str:
    date, families = _of(summary, "calendar", "deadline"), people(found["families"], language)
    deadline = language.say("the deadline of {day}", day=day(date, language)) if date else language.say("the deadline")
    if not found["missed"]:
        return language.say(
            "All {families} with a deadline handed in by {deadline}.", families=families, deadline=deadline
        )
    told = {
        "missed": number(found["missed"]),
        "families": families,
        "share": percent(found["missed"] / found["families"], language),
        "deadline": deadline,
    }
    counts = sorted((found.get("missed_by_outcome") or {}).items(), key=lambda item: -item[1])
    how = [
        language.say("{number} {outcome}", number=number(count), outcome=outcome(name, language))
        for name, count in counts
        if count
    ]
    if not how:
        return language.say("{missed} of {families} ({share}) missed {deadline}.", **told)
    return language.say("{missed} of {families} ({share}) missed {deadline}: {how}.", how=joined(how, language), **told)


def _newborns(summary: _Summary, language: Language) -> str | None:
    found, say = summary.get("newborns"), language.say
    if not found:
        return None
    fates = [say("{number} are insured from birth", number=number(found["from_birth"]))]
    rest = {
        "later": say("{number} enrolled too late for that"),
        "not_enrolled": say("{number} not enrolled"),
        "in_process": say("{number} still in process at the end"),
    }
    fates += [text.format(number=number(found[key])) for key, text in rest.items() if found.get(key)]
    return say("Of {number} newborns, {fates}.", number=number(found["families"]), fates=joined(fates, language))


def _inside(summary: _Summary, language: Language) -> str | None:
    families = summary.get("families")
    if not families or not families["arrived"]:
        return None
    end = day(summary["horizon"]["end"], language)
    if not families["inside"]:
        return language.say("Nobody is still inside on {day}, the last day.", day=end)
    return language.plural(
        "{families} ({share}) is still inside at the end of {day}, the last day of this run.",
        "{families} ({share}) are still inside at the end of {day}, the last day of this run.",
        families["inside"],
        families=people(families["inside"], language),
        share=percent(families["inside"] / families["arrived"], language),
        day=end,
    )


def _spent(summary: _Summary, language: Language) -> str | None:
    hours, trips = _of(summary, "spent", "hours"), _of(summary, "spent", "trips", "all")
    each = (hours or {}).get("all")
    if not each or not each["count"]:
        return None
    said = language.say(
        "Enrolling took families {hours} hours in all, at stations, on the way and in front of pages: {mean} "
        "on average, more than {late} for one in twenty.",
        hours=number(hours["total"]),
        mean=rough(each["mean"] * 3600.0, language),
        late=rough(each["p95"] * 3600.0, language),
    )
    if not trips or not trips["count"]:
        return said
    rest = language.say(
        "They made {trips} trips, {each} each on average.",
        trips=number(trips["mean"] * trips["count"]),
        each=f"{trips['mean']:.2f}",
    )
    return language.say("{sentence} {next}", sentence=said, next=rest)


# ---------------------------------------------------------------------------------------------------------------------
# Failures, money, kinds of families
# ---------------------------------------------------------------------------------------------------------------------


def _failures(summary: _Summary, language: Language) -> str | None:
    found = summary.get("failures")
    if not found:
        return None
    name, worst = max(found.items(), key=lambda item: int(item[1]["families"]))
    if not worst["families"]:
        return language.say("No family met a failure.")
    told = {
        "failure": term("failure", name, language),
        "families": people(worst["families"], language),
        "share": percent(worst["share"], language),
    }
    delay = (worst["delay_s"] or {}).get("median")
    if delay is None:
        return language.say("What goes wrong most often: {failure}, for {families} ({share}).", **told)
    return language.say(
        "What goes wrong most often: {failure}, for {families} ({share}); half of them go on after {duration} or less.",
        duration=rough(delay, language),
        **told,
    )


def _equity(summary: _Summary, language: Language) -> str | None:
    gap = widest_gap(summary, "enrolled_share")
    if gap is None:
        return None
    by, low, high, least, most = gap
    return language.say(
        "Enrolment differs most by {column}: {least} of {lowest}, {most} of {highest}.",
        column=column(by, language),
        least=percent(least, language),
        lowest=term(by, low, language),
        most=percent(most, language),
        highest=term(by, high, language),
    )


def _money(summary: _Summary, language: Language) -> str | None:
    fees, costs = _of(summary, "money", "fees"), _of(summary, "money", "costs")
    said = [_fees(fees, language)] if fees and fees["paid_yuan"] else []
    if costs and costs["yuan_per_enrolment"] is not None:
        said.append(
            language.say(
                "Staff and families' time cost {total}, {each} for each enrolment.",
                total=yuan(costs["total_yuan"], language),
                each=yuan(costs["yuan_per_enrolment"], language, whole=False),
            )
        )
    return (
        language.say("{sentence} {next}", sentence=said[0], next=said[1]) if len(said) == 2 else "".join(said) or None
    )


def _fees(fees: Mapping[str, Any], language: Language) -> str:
    return language.say(
        "Families paid {paid} in fees, of which {refunded} went back; the state adds {subsidies}.",
        paid=yuan(fees["paid_yuan"], language),
        refunded=yuan(fees["refunded_yuan"], language),
        subsidies=yuan(fees["subsidies_yuan"], language),
    )


SENTENCES: Mapping[str, Callable[[_Summary, Language], str | None]] = {
    **LOAD_SENTENCES,
    "bottleneck": _bottleneck,
    "enrolled": _enrolled,
    "deadline": _deadline,
    "newborns": _newborns,
    "inside": _inside,
    "spent": _spent,
    "failures": _failures,
    "equity": _equity,
    "money": _money,
}
"""Who says what, by part, in reading order; each gives None where there is nothing to say."""
