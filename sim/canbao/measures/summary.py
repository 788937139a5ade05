"""The summary of a run: every measure that the answer and the report need, as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from canbao.arrays import BoolArray, FloatArray
from canbao.assembly.review import INTAKE, REVIEW
from canbao.calendar import Calendar, Horizon
from canbao.columns import Coded
from canbao.measures.enrolment import deadlines, fates, hours_spent, newborns, spent
from canbao.measures.equity import equity, outcomes_of
from canbao.measures.failures import failures
from canbao.measures.laws import check_laws
from canbao.measures.money import costs, fees, fees_law, ledger, papers_law
from canbao.measures.objectives import Findings, judge
from canbao.measures.queues import HOUR_S, Occupancy, hour_edges, occupancies, waits
from canbao.measures.records import RECORDS, papers_only, rows_of
from canbao.measures.reviews import Rounds, review_flow, review_rounds, review_times
from canbao.measures.samples import by_group, share
from canbao.plan import Plan
from canbao.scenario.scenario import ScenarioFile
from canbao.trace import Trace

__all__ = ["summarise"]

_LONGEST = 20
"""The longest promise of the review that is looked at: the statutory limit in working days (Guilin 2024)."""


@dataclass(frozen=True)
class _Look:
    """What all measures of one run look at."""

    file: ScenarioFile
    plan: Plan
    trace: Trace
    occupancy: Sequence[Occupancy]
    waits: FloatArray
    visit_group: Coded
    """The channel or review to which each visit's station belongs."""


def summarise(file: ScenarioFile, plan: Plan, trace: Trace) -> dict[str, Any]:
    """Give the whole summary, ready for JSON; names say where a number is in seconds, hours or working days."""
    groups = _visit_groups(trace)
    look = _Look(file, plan, trace, occupancies(trace, plan), _waits_in_queues(trace, groups), groups)
    office_days = _office_days(file.working, file.horizon)
    rounds = review_rounds(trace, REVIEW, INTAKE, office_days)
    deadline, newborn = deadlines(trace), newborns(trace)
    findings = Findings(look.waits, look.visit_group, trace, rounds, deadline, newborn)
    book, hours, kinds = ledger(trace), hours_spent(trace, REVIEW), _kinds(trace)
    family = np.asarray(trace.families["family"])
    laws = (*check_laws(trace, plan), papers_law(trace, INTAKE), fees_law(book, family))
    channels = {name: bool(getattr(one, "online", False)) for name, one in file.scenario.channels.items()}
    outcomes = outcomes_of(trace, book.insured, [name for name, online in channels.items() if online], hours)
    return {
        "format": 1,
        "scenario": {"name": file.name, "title": file.scenario.title, "question": file.scenario.question},
        "horizon": {"start": str(file.horizon.start), "end": str(file.horizon.end), "days": file.horizon.days},
        "seed": plan.luck.seed,
        "objectives": [judge(name, wanted, findings) for name, wanted in file.scenario.objectives.items()],
        "bottleneck": _bottleneck(look),
        "families": fates(trace),
        "deadline": deadline,
        "newborns": newborn,
        "spent": spent(trace, hours),
        "money": {"fees": fees(trace, book), "costs": costs(trace, file.scenario.costs, channels, hours)},
        "failures": failures(trace, kinds),
        "equity": equity(outcomes, _apart(kinds)),
        "waits": _waits(look),
        "abandonment": _abandonment(look),
        "review": {
            **review_times(rounds, _LONGEST),
            "channels": _review_by_channel(rounds),
            "families": _review_by_kind(rounds, trace),
            "flow": review_flow(rounds, file.horizon.days, office_days),
        },
        "stations": [_station(look, i) for i, place in enumerate(plan.stations) if place.group not in RECORDS],
        "hours": _hours(look),
        "calendar": {
            "working": [int(day) for day in file.working],
            "deadline": str(file.horizon.date(file.scenario.policy.period_s(file.horizon)[1] - 1.0)),
        },
        "trust": {
            "laws": [asdict(law) for law in laws],
            "replications": 1,
            "estimates": file.estimates(),
            "graded": file.grades(),
            "warnings": _warnings(look, rounds.working_days),
        },
    }


def _waits_in_queues(trace: Trace, groups: Coded) -> FloatArray:
    """Give the wait of each visit, nan for those that only record that something happened."""
    records = [name for name in RECORDS if name in groups.labels]
    return np.where(groups.has(*records), np.nan, waits(trace)) if records else waits(trace)


def _office_days(working: BoolArray, horizon: Horizon) -> Calendar:
    starts = np.flatnonzero(working) * 86_400.0
    return Calendar.from_intervals([(start, start + 86_400.0) for start in starts.tolist()], horizon.days)


def _visit_groups(trace: Trace) -> Coded:
    """Give the group of each visit; a batch, which has no servers, is a group by itself."""
    station: Any = trace.visits["station"]
    names: Any = trace.stations["station"]
    groups: Any = trace.stations["group"]
    known = dict(zip(names.labels, groups.words(), strict=True))
    of_station = [known.get(name) or name for name in station.labels]
    labels = tuple(dict.fromkeys(of_station))
    codes = np.array([labels.index(group) for group in of_station] or [0])
    return Coded(codes[station.codes], labels)


def _waits(look: _Look) -> dict[str, Any]:
    """Describe waits in seconds: of visits by station and channel, and of families, all their visits together, by kind.

    A family's wait leaves out the review, clerks and batches, where its papers wait and it does not.
    """
    station: Any = look.trace.visits["station"]
    row = rows_of(look.trace, look.trace.visits["family"])
    own = ~papers_only(look.trace, REVIEW) & ~np.isnan(look.waits)
    families = np.bincount(row[own], look.waits[own], len(look.trace.families["family"])).astype(np.float64)
    return {
        "stations": by_group(look.waits, station),
        "channels": by_group(look.waits, look.visit_group),
        "families": {name: by_group(families, column) for name, column in _kinds(look.trace).items()},
    }


def _kinds(trace: Trace) -> dict[str, Coded]:
    """Give the words by which families are told apart, one for each family."""
    words = {name: column for name, column in trace.families.items() if isinstance(column, Coded)}
    return {name: column for name, column in words.items() if name not in ("outcome", "last_channel")}


def _apart(kinds: dict[str, Coded]) -> dict[str, Coded]:
    """Give the words that are a family's own, not those of its way."""
    return {name: column for name, column in kinds.items() if name != "first_channel"}


def _abandonment(look: _Look) -> dict[str, Any]:
    """Count how visits ended, and the share lost because patience or room ran out, by place and kind of family."""
    ended: Any = look.trace.visits["ended"]
    station: Any = look.trace.visits["station"]
    row = rows_of(look.trace, look.trace.visits["family"])
    return {
        "channels": _endings(look.visit_group, ended),
        "stations": _endings(station, ended),
        "families": {name: _endings(column.take(row), ended) for name, column in _kinds(look.trace).items()},
    }


def _endings(group: Coded, ended: Coded) -> dict[str, Any]:
    found: dict[str, Any] = {}
    lost = ended.has("abandoned", "baulked", "full")
    for code, name in enumerate(group.labels):
        mine = group.codes == code
        if mine.any() and name.partition(".")[0] not in RECORDS:
            counts = np.bincount(ended.codes[mine], minlength=len(ended.labels))
            found[name] = {
                "endings": dict(zip(ended.labels, counts.tolist(), strict=True)),
                "lost_share": share(int(lost[mine].sum()), int(mine.sum())),
            }
    return found


def _review_by_channel(rounds: Rounds) -> dict[str, Any]:
    masks = {name: rounds.channel.codes == code for code, name in enumerate(rounds.channel.labels)}
    return {name: review_times(rounds, _LONGEST, mine) for name, mine in masks.items() if mine.any()}


def _review_by_kind(rounds: Rounds, trace: Trace) -> dict[str, Any]:
    """Describe the working days in review by kind of family."""
    row = rows_of(trace, rounds.family)
    return {name: by_group(rounds.working_days, column.take(row)) for name, column in _kinds(trace).items()}


def _station(look: _Look, index: int) -> dict[str, Any]:
    """Describe one station: utilisation from the server process and from visits, the queue at its longest."""
    place, hours, table = look.plan.stations[index], look.occupancy[index], look.trace.stations
    busy, staffed = (float(np.asarray(table[name])[index]) for name in ("busy_s", "staffed_s"))
    visits_busy = float((hours.busy * np.diff(hour_edges(look.trace.until))).sum())
    limited = math.isfinite(staffed) and staffed > 0
    longest = int(np.argmax(hours.waiting))
    return {
        "name": place.name,
        "group": place.group,
        "starts": int(np.asarray(table["starts"])[index]),
        "staffed_hours": staffed / HOUR_S if limited else None,
        "busy_hours": busy / HOUR_S,
        "utilisation": busy / staffed if limited else None,
        "utilisation_from_visits": visits_busy / staffed if limited else None,
        "longest_queue": float(hours.waiting[longest]),
        "longest_queue_at": str(look.file.horizon.moment(longest * HOUR_S)),
        "wait_hours": float(hours.wait_hours.sum()),
    }


def _bottleneck(look: _Look) -> dict[str, Any] | None:
    """Name the station at which most hours are waited while it is staffed, and its worst day and hour."""
    worst = max(look.occupancy, key=lambda hours: float(hours.wait_hours.sum()), default=None)
    if worst is None or worst.wait_hours.sum() <= 0:
        return None
    days = look.file.horizon.days
    by_day = np.pad(worst.wait_hours, (0, days * 24 - len(worst.wait_hours))).reshape(days, 24)
    day = int(np.argmax(by_day.sum(axis=1)))
    hour = int(np.argmax(by_day[day]))
    at = day * 24 + hour
    return {
        "station": worst.name,
        "group": worst.group,
        "share_of_waiting": share(
            float(worst.wait_hours.sum()), sum(float(h.wait_hours.sum()) for h in look.occupancy)
        ),
        "date": str(look.file.horizon.date(day * 86_400.0)),
        "hour": hour,
        "waiting": float(worst.waiting[at]),
        "staff": float(worst.staff[at]) if math.isfinite(worst.staff[at]) else None,
        "arrivals_that_day": int(worst.arrivals[day * 24 : day * 24 + 24].sum()),
    }


def _hours(look: _Look) -> dict[str, Any]:
    """Give each station hour by hour, for charts; rounded, because a chart shows no more."""
    return {
        hours.name: {
            "group": hours.group,
            "arrivals": hours.arrivals.tolist(),
            "waiting": _rounded(hours.waiting),
            "busy": _rounded(hours.busy),
            "staff": None if np.isinf(hours.staff).any() else _rounded(hours.staff),
        }
        for hours in look.occupancy
        if hours.group not in RECORDS
    }


def _rounded(values: FloatArray) -> list[float]:
    # Whole numbers as such: most hours of a season are zeros.
    return [int(value) if value == int(value) else value for value in np.round(values, 2).tolist()]


def _warnings(look: _Look, working_days: FloatArray) -> list[str]:
    """Say what makes the answer doubtful."""
    said = []
    outcome: Any = look.trace.families["outcome"]
    if not len(outcome):
        said.append(f"none of {look.plan.families} families comes between the start and the end of the horizon")
    inside = int(outcome.has("inside").sum())
    if inside:
        said.append(
            f"{inside} of {len(outcome)} families are still inside at the end of the horizon; "
            "they count as not finished, never as finished in time"
        )
    open_rounds = int(np.isnan(working_days).sum())
    if open_rounds > 0.01 * max(1, len(working_days)):
        said.append(
            f"{open_rounds} applications are still in review at the end of the horizon; "
            "a later end of the horizon would show how long they take"
        )
    scale = getattr(look.file.scenario.population, "scale", 1.0)
    if scale != 1.0:
        said.append(f"population.scale is {scale:g}: the number of families is not the stated one, the staff is")
    return said
