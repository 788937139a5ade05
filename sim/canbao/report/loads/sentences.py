"""A load test in sentences: whether it can be relied on, what the review cleared, what gave way, what was predicted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from canbao.languages import Language
from canbao.report.loads.assumptions import fit_said
from canbao.report.loads.words import error_word, figure, measure
from canbao.report.words import day, duration, joined, number, people, percent, threshold

__all__ = ["SENTENCES", "doubt", "throughput"]

_Summary = Mapping[str, Any]
_Load = Mapping[str, Any]


# ---------------------------------------------------------------------------------------------------------------------
# Validity
# ---------------------------------------------------------------------------------------------------------------------


def doubt(summary: _Summary, language: Language) -> str | None:
    """Say why a load test says nothing about the deployment; None if it does, or if this is none."""
    reasons = ((summary.get("load") or {}).get("validity") or {}).get("reasons") or []
    said = [_DOUBTS[reason["kind"]](reason, language) for reason in reasons]
    if not said:
        return None
    return language.say("This run says nothing about the deployment: {reasons}.", reasons=joined(said, language))


def _late(reason: Mapping[str, Any], language: Language) -> str:
    return language.say(
        "the load generator was late by {late} (99th percentile), and {budget} are allowed, so it needs fewer "
        "families, more time or --workers",
        late=duration(reason["p99_s"], language),
        budget=duration(reason["budget_s"], language),
    )


def _spent(reason: Mapping[str, Any], language: Language) -> str:
    return language.say(
        "it was stopped because more than {share} of the requests failed", share=threshold(reason["budget"], language)
    )


def _lost(reason: Mapping[str, Any], language: Language) -> str:
    return language.say(
        "{lost} of {families} were not sent, because too many were in a session at once or the test ended early",
        lost=number(reason["families"]),
        families=people(reason["of"], language),
    )


def _nobody(_: Mapping[str, Any], language: Language) -> str:
    return language.say("no family was sent")


def _broken(reason: Mapping[str, Any], language: Language) -> str:
    return language.say("the load generator failed: {problem}", problem=reason["said"])


_DOUBTS: Mapping[str, Callable[[Mapping[str, Any], Language], str]] = {
    "late": _late,
    "errors": _spent,
    "lost": _lost,
    "nobody": _nobody,
    "broken": _broken,
}


def _load(summary: _Summary, language: Language) -> str | None:
    load: _Load = summary.get("load") or {}
    if "arrivals" not in load:
        return None
    came, period = load["arrivals"], load["period"]
    said = language.say(
        "{families} came in {time}, {rate} a second; a day of the scenario took {day}.",
        families=people(came["started"], language),
        time=duration(_whole(period["duration_s"]), language),
        rate=number(came["a_second"]),
        day=duration(_whole(86_400.0 / period["speed"]), language),
    )
    late = came["dispatch"]["p99_s"]
    if came.get("missing_s"):
        gap = language.say(
            "A process was killed: of its requests up to {time} may be missing.",
            time=duration(_whole(came["missing_s"]), language),
        )
        said = language.say("{sentence} {next}", sentence=said, next=gap)
    if came["unrecorded"]:
        lost = language.say(
            "{unrecorded} of {intended} came in a process that was killed: what they did is known, how long it took "
            "is not.",
            unrecorded=number(came["unrecorded"]),
            intended=number(came["intended"]),
        )
        said = language.say("{sentence} {next}", sentence=said, next=lost)
    if late is None or load["validity"]["reasons"]:
        return said
    rest = language.say(
        "The load generator itself was at most {late} late for 99 of 100 of them.", late=duration(late, language)
    )
    return language.say("{sentence} {next}", sentence=said, next=rest)


def _whole(seconds: float) -> float:
    return round(seconds) if seconds >= 10 else round(seconds, 1)


# ---------------------------------------------------------------------------------------------------------------------
# What happened
# ---------------------------------------------------------------------------------------------------------------------


def throughput(load: _Load, language: Language) -> str:
    """Say how many applications a working day the review cleared."""
    cleared, counts = load["applications"]["a_working_day"], load["applications"]
    if not cleared["count"]:
        return language.say(
            "The review decided {decided} applications; no working day was observed from its first hour to its last.",
            decided=number(counts["decided"]),
        )
    return language.say(
        "The review cleared {mean} applications a working day on average, {most} on the best one.",
        mean=number(cleared["mean"]),
        most=number(cleared["max"]),
    )


def _cleared(summary: _Summary, language: Language) -> str | None:
    load: _Load = summary.get("load") or {}
    if "arrivals" not in load:
        return None
    counts = load["applications"]
    rest = language.say(
        "Of {handed_in} that were handed in, {corrected} of them again after a return, {issued} were issued, "
        "{returned} returned and {rejected} rejected; {waiting} are still in review.",
        handed_in=number(counts["submitted"] + counts["corrected"]),
        corrected=number(counts["corrected"]),
        **{name: number(counts[name]) for name in ("issued", "returned", "rejected")},
        waiting=number(counts["in_review"]),
    )
    return language.say("{sentence} {next}", sentence=throughput(load, language), next=rest)


def _pages(summary: _Summary, language: Language) -> str | None:
    load: _Load = summary.get("load") or {}
    asked = (load.get("requests") or {}).get("all")
    if not asked or not asked["count"]:
        return None
    response = load["journeys"]["response"]
    said = language.say(
        "Of {count} requests {failed} failed; half were answered within {p50}, 99 of 100 within {p99}.",
        count=number(asked["count"]),
        failed=number(asked["failed"]),
        p50=duration(asked["p50_s"], language),
        p99=duration(asked["p99_s"], language),
    )
    if response["p95_s"] is None:
        return said
    rest = language.say(
        "A family's first session took {p95} or less for 19 of 20, counted from the moment at which it was to come.",
        p95=duration(response["p95_s"], language),
    )
    return language.say("{sentence} {next}", sentence=said, next=rest)


def _broke(summary: _Summary, language: Language) -> str | None:
    load: _Load = summary.get("load") or {}
    if "broke_first" not in load:
        return None
    first = load["broke_first"]
    if first is None:
        return language.say("Nothing gave way: requests did not fail, pages came in time, the review kept up.")
    told = {"time": duration(_whole(first["at_s"]), language)}
    if first["kind"] == "failing":
        return language.say(
            "What gave way first: after {time} {share} of the requests failed, most often {operation} with {error}.",
            share=percent(first["share"], language),
            operation=first["operation"],
            error=error_word(first["error"], language),
            **told,
        )
    if first["kind"] == "slow":
        return language.say(
            "What gave way first: after {time} the pages, when 1 of 20 took longer than {p95}.",
            p95=duration(first["p95_s"], language),
            **told,
        )
    return language.say(
        "What gave way first: the review, which had {backlog} applications left at the end of {day}, more than it "
        "decides in a day.",
        backlog=number(first["backlog"]),
        day=day(first["date"], language),
    )


def _held(summary: _Summary, language: Language) -> str | None:
    rows = (summary.get("load") or {}).get("comparison")
    judged = [row for row in rows or () if row["held"] is not None]
    if not judged:
        return None
    missed = [row for row in judged if not row["held"]]
    if not missed:
        return language.say(
            "The prediction held: {rows}.", rows=joined([_row(row, language) for row in judged[:2]], language)
        )
    said = language.say(
        "The prediction did not hold for {missed} of {all} measures: {rows}.",
        missed=number(len(missed)),
        all=number(len(judged)),
        rows=joined([_row(row, language) for row in missed[:3]], language),
    )
    if "fit" in summary["load"]:  # the next sentence says which
        return said
    rest = language.say("Portal or review are not as the scenario says; `canbao calibrate` fits them.")
    return language.say("{sentence} {next}", sentence=said, next=rest)


def _assumed(summary: _Summary, language: Language) -> str | None:
    fit = (summary.get("load") or {}).get("fit")
    return None if fit is None else fit_said(fit, language)


def _row(row: Mapping[str, Any], language: Language) -> str:
    return language.say(
        "{measure} {measured}, predicted {predicted}",
        measure=measure(row["measure"], language),
        measured=figure(row["measured"]),
        predicted=figure(row["predicted"]),
    )


def _stopped(summary: _Summary, language: Language) -> str | None:
    load: _Load = summary.get("load") or {}
    stopped: Sequence[str] = [(load.get("validity") or {}).get("stopped") or ""]
    if stopped[0] not in ("interrupted", "terminated"):
        return None
    return language.say("It was stopped by hand before its end; what is told here is what had happened until then.")


SENTENCES: Mapping[str, Callable[[_Summary, Language], str | None]] = {
    "stopped": _stopped,
    "cleared": _cleared,
    "broke": _broke,
    "held": _held,
    "assumed": _assumed,
    "pages": _pages,
    "load": _load,
}
"""Who says what, by part, in reading order; each gives None where there is nothing to say."""
