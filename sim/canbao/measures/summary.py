"""The summary of a run: every measure that the answer and the report need, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import numpy as np

from canbao.arrays import BoolArray, FloatArray
from canbao.assembly.review import INTAKE, REVIEW
from canbao.calendar import Calendar, Horizon
from canbao.columns import Coded
from canbao.measures.doubts import doubts
from canbao.measures.endings import abandonment
from canbao.measures.enrolment import deadlines, fates, hours_spent, newborns, spent
from canbao.measures.equity import equity, outcomes_of
from canbao.measures.failures import failures
from canbao.measures.groups import word_is
from canbao.measures.laws import Law, check_laws
from canbao.measures.money import costs, fees, fees_law, ledger, papers_law
from canbao.measures.objectives import Findings, judge
from canbao.measures.queues import occupancies, waits
from canbao.measures.records import RECORDS, papers_only, rows_of
from canbao.measures.reviews import Rounds, review_flow, review_rounds, review_times
from canbao.measures.samples import by_group
from canbao.measures.stations import bottleneck, describe_station, station_hours
from canbao.plan import Plan
from canbao.scenario.scenario import ScenarioFile
from canbao.trace import Trace

__all__ = ["summarise"]

_LONGEST = 20
"""The longest promise of the review that is looked at: the statutory limit in working days (Guilin 2024)."""


def summarise(file: ScenarioFile, plan: Plan, trace: Trace, *, laws: bool = True) -> dict[str, Any]:
    """Give the whole summary, ready for JSON; names say where a number is in seconds, hours or working days.

    Parameters
    ----------
    file, plan, trace
        The scenario, what was run, and what happened.
    laws
        Whether the laws of the trace are checked, which takes half of the time; without, there are none in the summary.
    """
    if not laws:
        return _summary(file, plan, trace, tuple)
    # numpy lets another thread work meanwhile.
    with ThreadPoolExecutor(1) as beside:
        checked = beside.submit(check_laws, trace, plan)
        return _summary(file, plan, trace, checked.result)


def _summary(file: ScenarioFile, plan: Plan, trace: Trace, laws: Callable[[], tuple[Law, ...]]) -> dict[str, Any]:
    occupancy, groups = occupancies(trace, plan), _visit_groups(trace)
    waited = _waits_in_queues(trace, groups)
    office_days = _office_days(file.working, file.horizon)
    rounds = review_rounds(trace, REVIEW, INTAKE, office_days)
    deadline, newborn = deadlines(trace), newborns(trace)
    findings = Findings(waited, groups, trace, rounds, deadline, newborn)
    book, hours, kinds = ledger(trace), hours_spent(trace, REVIEW), _kinds(trace)
    family = np.asarray(trace.families["family"])
    channels = {name: bool(getattr(one, "online", False)) for name, one in file.scenario.channels.items()}
    outcomes = outcomes_of(trace, book.insured, [name for name, online in channels.items() if online], hours)
    return {
        "format": 1,
        "scenario": {"name": file.name, "title": file.scenario.title, "question": file.scenario.question},
        "horizon": {"start": str(file.horizon.start), "end": str(file.horizon.end), "days": file.horizon.days},
        "seed": plan.luck.seed,
        "objectives": [judge(name, wanted, findings) for name, wanted in file.scenario.objectives.items()],
        "bottleneck": bottleneck(occupancy, file.horizon),
        "families": fates(trace),
        "deadline": deadline,
        "newborns": newborn,
        "spent": spent(trace, hours),
        "money": {"fees": fees(trace, book), "costs": costs(trace, file.scenario.costs, channels, hours)},
        "failures": failures(trace, kinds),
        "equity": equity(outcomes, _apart(kinds)),
        "waits": _waits(trace, waited, groups, kinds),
        "abandonment": abandonment(trace, groups, kinds),
        "review": {
            **review_times(rounds, _LONGEST),
            "channels": _review_by_channel(rounds),
            "families": _review_by_kind(rounds, trace, kinds),
            "flow": review_flow(rounds, file.horizon.days, office_days),
        },
        "stations": [
            describe_station(hours, trace.stations, index, file.horizon, trace.until)
            for index, hours in enumerate(occupancy)
            if hours.group not in RECORDS
        ],
        "hours": station_hours(occupancy),
        "calendar": {
            "working": [int(day) for day in file.working],
            "deadline": str(file.horizon.date(file.scenario.policy.period_s(file.horizon)[1] - 1.0)),
        },
        "trust": {
            "laws": [asdict(law) for law in (*laws(), papers_law(trace, INTAKE), fees_law(book, family))],
            "replications": 1,
            "estimates": file.estimates(),
            "graded": file.grades(),
            "warnings": doubts(file, plan, trace.families, rounds.working_days),
        },
    }


def _waits_in_queues(trace: Trace, groups: Coded) -> FloatArray:
    """Give the wait of each visit, nan for those that only record that something happened."""
    records = [name for name in RECORDS if name in groups.labels]
    return np.where(word_is(groups, *records), np.nan, waits(trace)) if records else waits(trace)


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


def _waits(trace: Trace, waited: FloatArray, groups: Coded, kinds: Mapping[str, Coded]) -> dict[str, Any]:
    """Describe waits in seconds: of visits by station and channel, and of families, all their visits together, by kind.

    A family's wait leaves out the review, clerks and batches, where its papers wait and it does not.
    """
    station: Any = trace.visits["station"]
    row = rows_of(trace, trace.visits["family"])
    own = ~papers_only(trace, REVIEW) & ~np.isnan(waited)
    families = np.bincount(row[own], waited[own], len(trace.families["family"])).astype(np.float64)
    return {
        "stations": by_group(waited, station),
        "channels": by_group(waited, groups),
        "families": {name: by_group(families, column) for name, column in kinds.items()},
    }


def _kinds(trace: Trace) -> dict[str, Coded]:
    """Give the words by which families are told apart, one for each family."""
    words = {name: column for name, column in trace.families.items() if isinstance(column, Coded)}
    return {name: column for name, column in words.items() if name not in ("outcome", "last_channel")}


def _apart(kinds: dict[str, Coded]) -> dict[str, Coded]:
    """Give the words that are a family's own, not those of its way."""
    return {name: column for name, column in kinds.items() if name != "first_channel"}


def _review_by_channel(rounds: Rounds) -> dict[str, Any]:
    masks = {name: rounds.channel.codes == code for code, name in enumerate(rounds.channel.labels)}
    return {name: review_times(rounds, _LONGEST, mine) for name, mine in masks.items() if mine.any()}


def _review_by_kind(rounds: Rounds, trace: Trace, kinds: Mapping[str, Coded]) -> dict[str, Any]:
    """Describe the working days in review by kind of family."""
    row = rows_of(trace, rounds.family)
    return {name: by_group(rounds.working_days, column.take(row)) for name, column in kinds.items()}
