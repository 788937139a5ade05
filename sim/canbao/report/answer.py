"""The answer of a run in plain sentences; the terminal and the report say the same words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from canbao.report.words import (
    clock,
    date_of,
    day,
    duration,
    joined,
    number,
    people,
    percent,
    points,
    rough,
    servers,
    things,
    threshold,
)

__all__ = ["Answer", "Figure", "Verdict", "answer"]


@dataclass(frozen=True)
class Verdict:
    """One objective, judged."""

    name: str
    title: str
    held: bool | None
    """None where nothing was there to judge."""
    mark: str
    """`held`, `missed` or `not judged`."""
    sentence: str
    """What was found, what was wanted, and by how much."""


@dataclass(frozen=True)
class Figure:
    """One number that stands out, with what it counts."""

    value: str
    label: str


@dataclass(frozen=True)
class Answer:
    """What a run says, in sentences that end with a full stop; None where there is nothing to say."""

    title: str
    question: str
    period: str
    held: bool | None
    """Whether every objective held; None if there is none, or none could be judged."""
    headline: str
    doubt: str | None
    """Why the run must not be relied on, if a law was broken."""
    objectives: tuple[Verdict, ...]
    bottleneck: str | None
    enrolled: str | None
    deadline: str | None
    newborns: str | None
    inside: str | None
    spent: str | None
    trust: str
    figures: tuple[Figure, ...]

    def sentences(self) -> tuple[str, ...]:
        """Give what there is to say below the headline and the objectives, in reading order."""
        said = (self.bottleneck, self.enrolled, self.deadline, self.newborns, self.inside, self.spent)
        return tuple(sentence for sentence in said if sentence)


def answer(summary: Mapping[str, Any]) -> Answer:
    """Say what a summary holds; every figure in a sentence is a figure of the summary."""
    objectives = tuple(_verdict(objective, summary) for objective in summary.get("objectives") or ())
    scenario, held = summary.get("scenario") or {}, _held(objectives)
    return Answer(
        title=scenario.get("title") or scenario.get("name") or "A run",
        question=scenario.get("question") or "",
        period=_period(summary),
        held=held,
        headline=_headline(objectives, held),
        doubt=_doubt(summary),
        objectives=objectives,
        bottleneck=_bottleneck(summary),
        enrolled=_enrolled(summary),
        deadline=_deadline(summary),
        newborns=_newborns(summary),
        inside=_inside(summary),
        spent=_spent(summary),
        trust=_trust(summary),
        figures=_figures(summary),
    )


def _period(summary: Mapping[str, Any]) -> str:
    horizon = summary["horizon"]
    days = horizon["days"]
    return f"{day(horizon['start'])} to {day(horizon['end'])}, {days:,} {'day' if days == 1 else 'days'}"


# ---------------------------------------------------------------------------------------------------------------------
# Objectives
# ---------------------------------------------------------------------------------------------------------------------


def _held(objectives: tuple[Verdict, ...]) -> bool | None:
    judged = [verdict.held for verdict in objectives if verdict.held is not None]
    return all(judged) if judged else None


def _headline(objectives: tuple[Verdict, ...], held: bool | None) -> str:
    count, marks = len(objectives), Counter(verdict.mark for verdict in objectives)
    if not count:
        return "The scenario states no objective: there is nothing to hold or to miss."
    if held is None:
        return f"No answer: {_none_of(count)} could be judged."
    unjudged = f" {_could_not(marks['not judged'])}" if marks["not judged"] else ""
    if not held:
        return f"The season does not hold: {_part(marks['missed'], count)} missed.{unjudged}"
    if unjudged:
        return f"The season holds as far as it can be judged: {_part(marks['held'], count)} held.{unjudged}"
    return f"The season holds: {'its one objective is' if count == 1 else f'all {count} objectives are'} held."


def _none_of(count: int) -> str:
    return "the one objective was not one that" if count == 1 else f"none of the {count} objectives"


def _part(some: int, count: int) -> str:
    if count == 1:
        return "its one objective is"
    return f"{some} of {count} objectives {'is' if some == 1 else 'are'}"


def _could_not(count: int) -> str:
    return f"{count} found nothing to judge."


def _verdict(objective: Mapping[str, Any], summary: Mapping[str, Any]) -> Verdict:
    held, value = objective["held"], objective["value"]
    found, want = _SAID.get(objective["kind"], _any_kind)(objective, summary)
    mark = "not judged" if held is None else "held" if held else "missed"
    ending = "there was nothing to judge" if held is None else f"{mark}{_margin(objective)}"
    body = f"{want} wanted: {ending}." if value is None else f"{found}; {want} wanted: {ending}."
    return Verdict(objective["name"], objective.get("title") or objective["name"], held, mark, _capital(body))


def _limit(objective: Mapping[str, Any]) -> float:
    wanted = objective["wanted"]
    return float(wanted["at_least"] if "at_least" in wanted else wanted["at_most"])


def _margin(objective: Mapping[str, Any]) -> str:
    difference = objective["value"] - _limit(objective)
    if difference == 0:
        return ""
    size = duration(abs(difference)) if objective["unit"] == "s" else points(difference)
    return f", with {size} to spare" if objective["held"] else f", by {size}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _found(objective: Mapping[str, Any]) -> str:
    return "" if objective["value"] is None else percent(objective["value"], _limit(objective))


def _of(summary: Mapping[str, Any], *path: str) -> Any:
    """Look up a value that may be missing at any step."""
    found: Any = summary
    for key in path:
        found = (found or {}).get(key)
    return found


def _review_objective(objective: Mapping[str, Any], _: Mapping[str, Any]) -> tuple[str, str]:
    wanted = objective["wanted"]
    days = f"{wanted['within']} working day{'' if wanted['within'] == 1 else 's'}"
    channels = wanted.get("channels") or []
    through = f" through {joined([f'the {name}' for name in channels])}" if channels else ""
    found = f"{_found(objective)} of applications{through} were decided within {days}"
    want = threshold(_limit(objective))
    return found, want if objective["value"] is not None else f"{want} of applications{through} within {days}"


def _deadline_objective(objective: Mapping[str, Any], summary: Mapping[str, Any]) -> tuple[str, str]:
    date = _of(summary, "calendar", "deadline")
    by = f"the deadline, {day(date)}" if date else "the deadline"
    want = threshold(_limit(objective))
    found = f"{_found(objective)} of families handed in by {by}"
    return found, want if objective["value"] is not None else f"{want} of families by {by}"


def _wait_objective(objective: Mapping[str, Any], _: Mapping[str, Any]) -> tuple[str, str]:
    wanted = objective["wanted"]
    visits = f"{threshold(wanted['share'])} of visits to the {wanted['channel']}"
    want = f"at most {duration(wanted['at_most'])}"
    if objective["value"] is None:
        return "", f"{want} of waiting for {visits}"
    if objective["value"] == 0:
        return f"{visits} did not wait at all", want
    return f"{visits} waited {duration(objective['value'])} or less", want


def _abandonment_objective(objective: Mapping[str, Any], _: Mapping[str, Any]) -> tuple[str, str]:
    channel, want = objective["wanted"]["channel"], f"at most {threshold(_limit(objective))}"
    if objective["value"] is None:
        return "", f"{want} of visits to the {channel} without service"
    return (
        f"{_found(objective)} of visits to the {channel} ended without service, because patience or room ran out",
        want,
    )


def _newborn_objective(objective: Mapping[str, Any], _: Mapping[str, Any]) -> tuple[str, str]:
    want = threshold(_limit(objective))
    if objective["value"] is None:
        return "", f"{want} of newborns insured from birth"
    return f"{_found(objective)} of newborns with a decision are insured from birth", want


def _any_kind(objective: Mapping[str, Any], _: Mapping[str, Any]) -> tuple[str, str]:
    wanted, timed = objective["wanted"], objective["unit"] == "s"
    limit = duration(_limit(objective)) if timed else threshold(_limit(objective))
    title = objective.get("title") or objective["name"]
    want = f"{'at least' if 'at_least' in wanted else 'at most'} {limit}"
    if objective["value"] is None:
        return "", f"{title}: {want}"
    return f"{title}: {duration(objective['value']) if timed else _found(objective)}", want


_SAID = {
    "review": _review_objective,
    "deadline": _deadline_objective,
    "wait": _wait_objective,
    "abandonment": _abandonment_objective,
    "newborn": _newborn_objective,
}


# ---------------------------------------------------------------------------------------------------------------------
# Sentences
# ---------------------------------------------------------------------------------------------------------------------


def _bottleneck(summary: Mapping[str, Any]) -> str | None:
    worst = summary.get("bottleneck")
    if not worst:
        return "Nobody waited at a staffed station: there is no bottleneck." if summary.get("stations") else None
    hour, waiters = worst["hour"], "applications" if things(worst["group"]) == "applications" else "families"
    when = f"on {day(worst['date'])} between {clock(hour)} and {clock(hour + 1)}"
    staff = _most_staff(summary, worst)
    duty = "" if staff is None else f", with at most {servers(worst['group'], staff)} on duty that day"
    said = f"Most waiting is at {worst['station']}: {when}, {number(worst['waiting'])} {waiters} waited{duty}."
    share = worst.get("share_of_waiting")
    return said if share is None else f"{said} It has {percent(share)} of all hours of waiting while staff is on duty."


def _most_staff(summary: Mapping[str, Any], worst: Mapping[str, Any]) -> float | None:
    """Give the largest staff of the worst day: where a shift begins inside an hour, its mean may be half a clerk."""
    hours: list[float] = _of(summary, "hours", worst["station"], "staff") or []
    hours_before = 24 * _day_index(summary, worst["date"])
    in_that_hour: float | None = worst["staff"]
    return max(hours[hours_before : hours_before + 24], default=in_that_hour)


def _day_index(summary: Mapping[str, Any], date: str) -> int:
    return (date_of(date) - date_of(summary["horizon"]["start"])).days


def _enrolled(summary: Mapping[str, Any]) -> str | None:
    families = summary.get("families")
    if not families:
        return None
    if not families["arrived"]:
        return "No family came."
    share = percent(families["enrolled"] / families["arrived"])
    return f"{number(families['enrolled'])} of {people(families['arrived'])} ({share}) are enrolled."


def _deadline(summary: Mapping[str, Any]) -> str | None:
    found = summary.get("deadline")
    if not found:
        return None
    date = _of(summary, "calendar", "deadline")
    when = f" of {day(date)}" if date else ""
    later = found.get("undecided")
    rest = f" The deadline of {people(later)} still inside is yet to come." if later else ""
    if not found["missed"]:
        return f"All {people(found['families'])} with a deadline handed in by the deadline{when}.{rest}"
    share = percent(found["missed"] / found["families"])
    counts = sorted((found.get("missed_by_outcome") or {}).items(), key=lambda item: -item[1])
    how = joined([f"{number(count)} {_ending(name)}" for name, count in counts if count])
    said = f"{number(found['missed'])} of {people(found['families'])} ({share}) missed the deadline{when}"
    return f"{said}{f': {how}' if how else ''}.{rest}"


def _ending(outcome: str) -> str:
    return "still inside" if outcome == "inside" else outcome


def _newborns(summary: Mapping[str, Any]) -> str | None:
    found = summary.get("newborns")
    if not found:
        return None
    said = [f"{number(found['from_birth'])} are insured from birth"]
    rest = {
        "later": "enrolled too late for that",
        "not_enrolled": "not enrolled",
        "in_process": "still in process at the end",
    }
    said += [f"{number(found[key])} {text}" for key, text in rest.items() if found.get(key)]
    return f"Of {number(found['families'])} newborns, {joined(said)}."


def _inside(summary: Mapping[str, Any]) -> str | None:
    families = summary.get("families")
    if not families or not families["arrived"]:
        return None
    end = day(summary["horizon"]["end"])
    if not families["inside"]:
        return f"Nobody is still inside on {end}, the last day."
    share = percent(families["inside"] / families["arrived"])
    verb = "is" if families["inside"] == 1 else "are"
    return f"{people(families['inside'])} ({share}) {verb} still inside at the end of {end}, the last day of this run."


def _spent(summary: Mapping[str, Any]) -> str | None:
    hours, trips = _of(summary, "spent", "hours"), _of(summary, "spent", "trips", "all")
    each = (hours or {}).get("all")
    if not each or not each["count"]:
        return None
    mean, late = rough(each["mean"] * 3600.0), rough(each["p95"] * 3600.0)
    said = (
        f"Enrolling took families {number(hours['total'])} hours in all, at stations, on the way and in front of "
        f"pages: {mean} on average, more than {late} for one in twenty"
    )
    if not trips or not trips["count"]:
        return f"{said}."
    return f"{said}. They made {number(trips['mean'] * trips['count'])} trips, {trips['mean']:.2f} each on average."


# ---------------------------------------------------------------------------------------------------------------------
# Trust
# ---------------------------------------------------------------------------------------------------------------------


def _doubt(summary: Mapping[str, Any]) -> str | None:
    laws = _of(summary, "trust", "laws") or []
    broken = sum(not law["holds"] for law in laws)
    if not broken:
        return None
    verb = "is" if broken == 1 else "are"
    return f"Do not rely on this run: {broken} of {len(laws)} laws that hold on every run {verb} broken."


def _trust(summary: Mapping[str, Any]) -> str:
    laws, estimates = _of(summary, "trust", "laws") or [], _of(summary, "trust", "estimates") or []
    broken = sum(not law["holds"] for law in laws)
    checked = "No law was checked" if not laws else f"{len(laws) - broken} of {len(laws)} laws hold"
    runs = _of(summary, "trust", "replications") or 1
    luck = "one run with one seed, so no interval" if runs == 1 else f"{runs} replications"
    guesses = "1 input is an estimate" if len(estimates) == 1 else f"{len(estimates)} inputs are estimates"
    return f"{checked}; {luck}; {guesses}."


def _figures(summary: Mapping[str, Any]) -> tuple[Figure, ...]:
    families, found = summary.get("families") or {}, []
    if families.get("arrived"):
        found.append(Figure(number(families["arrived"]), "families came"))
        found.append(Figure(percent(families["enrolled"] / families["arrived"]), "of them are enrolled"))
        found.append(Figure(number(families["inside"]), "are still inside at the end"))
    if summary.get("deadline"):
        found.append(Figure(number(summary["deadline"]["missed"]), "missed the deadline"))
    backlog = _of(summary, "review", "flow", "backlog")
    if backlog:
        found.append(Figure(number(max(backlog)), "applications in review on the fullest day"))
    return tuple(found)
