"""The summary of a run whose visits were counted and not kept: the same keys and values, but for a few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from canbao.arrays import FloatArray, IntArray
from canbao.assembly.formalities import INSURED
from canbao.assembly.review import INTAKE, REVIEW
from canbao.calendar import Calendar, Horizon
from canbao.columns import Coded
from canbao.counters import Counters, Review, Watch
from canbao.district import FAILURE, FAILURES, FEE, PAID, PAPERS, REFUNDED
from canbao.errors import EngineError
from canbao.kernel.opening import DAY_S
from canbao.measures.doubts import NOT_KEPT, doubts
from canbao.measures.enrolment import deadlines, fates, newborns, spent
from canbao.measures.equity import equity, outcomes_of
from canbao.measures.laws import Law
from canbao.measures.laws.law import alike
from canbao.measures.money import Ledger, costs, fees, fees_law
from canbao.measures.objectives import Findings, judge
from canbao.measures.queues import HOUR_S, Occupancy, hour_edges, staff_over_time
from canbao.measures.records import RECORDS
from canbao.measures.reviews import Rounds, review_times
from canbao.measures.samples import by_group, describe, share
from canbao.measures.stations import bottleneck, describe_station, station_hours
from canbao.plan import Plan
from canbao.scenario.objectives import AbandonmentObjective, Objective, WaitObjective
from canbao.scenario.scenario import ScenarioFile
from canbao.trace import ENDINGS, INSIDE, Table, Trace

if TYPE_CHECKING:
    from canbao.engines.counting import Counted  # which imports the compiler

__all__ = ["summarise_counted", "watch_of"]

_LONGEST = 20
"""The longest promise of the review that is looked at: the statutory limit in working days (Guilin 2024)."""


def watch_of(file: ScenarioFile, plan: Plan) -> Watch:
    """Say what has to be known of a scenario beforehand, so that its visits can be counted."""
    groups = [(place.name, place.group) for place in plan.stations]
    papers = [name for name, group in groups if group == REVIEW or group.endswith(PAPERS)]
    records = [name for name, _ in groups if name.partition(".")[0] in (FAILURE, FEE)]
    # Each date, with the day before the horizon first; beyond the last date, the number stays as it is.
    dates = np.arange(-1, -int(-plan.until // DAY_S), dtype=np.float64) * DAY_S
    return Watch(
        papers=frozenset([*papers, *(batch.name for batch in plan.batches)]),
        records=(*records, *(name for name, _ in groups if name == INTAKE)),
        review=frozenset(name for name, group in groups if group == REVIEW),
        intake=INTAKE,
        day_number=_office_days(file).day_number(dates),
    )


def _office_days(file: ScenarioFile) -> Calendar:
    starts: list[float] = (np.flatnonzero(file.working) * DAY_S).tolist()
    return Calendar.from_intervals([(start, start + DAY_S) for start in starts], file.horizon.days)


@dataclass(frozen=True)
class _Look:
    """What all measures of one run look at."""

    file: ScenarioFile
    plan: Plan
    counted: Counted
    counters: Counters
    families: Table
    bare: Trace
    """The tables of families and stations; a measure that looks for visits in it fails."""
    groups: Mapping[str, Sequence[str]]
    """The places of each channel, review and batch."""

    @property
    def horizon(self) -> Horizon:
        return self.file.horizon


def summarise_counted(file: ScenarioFile, plan: Plan, counted: Counted) -> dict[str, Any]:
    """Give the summary, ready for JSON, as `measures.summary.summarise` gives it from all visits.

    Counts are the same, sums the same but for rounding, and quantiles of waits within 1/64 or a second. What nobody
    can tell without visits is left empty: the delay after failures, and abandonment and days in review by kind of
    family. `tables` says that no visits were kept.

    Parameters
    ----------
    file
        The scenario.
    plan
        What was run.
    counted
        What was counted, with what `watch_of` says and with the fate of each family.

    Raises
    ------
    EngineError
        When families were counted only.
    """
    look = _look(file, plan, counted)
    occupancy = [_occupancy(look, index) for index in range(len(plan.stations))]
    review, bare, kinds = counted.counters.review, look.bare, _kinds(look.families)
    rounds = _rounds(review)
    deadline, newborn, book = deadlines(bare), newborns(bare), _ledger(look)
    hours = (counted.stayed_s + np.asarray(look.families["effort_s"])) / HOUR_S
    channels = {name: bool(getattr(one, "online", False)) for name, one in file.scenario.channels.items()}
    outcomes = outcomes_of(bare, book.insured, [name for name, online in channels.items() if online], hours)
    findings = Findings(np.empty(0), Coded(np.empty(0, dtype=np.int64), ()), bare, rounds, deadline, newborn)
    return {
        "format": 1,
        "tables": "none",
        "scenario": {"name": file.name, "title": file.scenario.title, "question": file.scenario.question},
        "horizon": {"start": str(file.horizon.start), "end": str(file.horizon.end), "days": file.horizon.days},
        "seed": plan.luck.seed,
        "objectives": [_judged(name, wanted, look, findings) for name, wanted in file.scenario.objectives.items()],
        "bottleneck": bottleneck(occupancy, file.horizon),
        "families": fates(bare),
        "deadline": deadline,
        "newborns": newborn,
        "spent": spent(bare, hours),
        "money": {"fees": fees(bare, book), "costs": costs(bare, file.scenario.costs, channels, hours)},
        "failures": _failures(look, kinds),
        "equity": equity(outcomes, {name: kind for name, kind in kinds.items() if name != "first_channel"}),
        "waits": _waits(look, kinds),
        "abandonment": _abandonment(look),
        "review": _review(look, rounds),
        "stations": [
            describe_station(hours, counted.stations, index, file.horizon, counted.until)
            for index, hours in enumerate(occupancy)
            if hours.group not in RECORDS
        ],
        "hours": station_hours(occupancy),
        "calendar": {
            "working": [int(day) for day in file.working],
            "deadline": str(file.horizon.date(file.scenario.policy.period_s(file.horizon)[1] - 1.0)),
        },
        "trust": {
            "laws": [asdict(law) for law in _laws(look, book)],
            "replications": 1,
            "estimates": file.estimates(),
            "graded": file.grades(),
            "warnings": [*doubts(file, plan, look.families, rounds.working_days), NOT_KEPT],
        },
    }


def _look(file: ScenarioFile, plan: Plan, counted: Counted) -> _Look:
    if counted.families is None:
        raise EngineError("a summary needs the fate of each family, but families were counted only")
    groups: dict[str, list[str]] = {}
    for place in plan.stations:
        groups.setdefault(place.group or place.name, []).append(place.name)
    for batch in plan.batches:  # has no servers, and is a group by itself
        groups.setdefault(batch.name, []).append(batch.name)
    bare = Trace(counted.until, counted.families, {}, counted.stations)
    return _Look(file, plan, counted, counted.counters, counted.families, bare, groups)


def _kinds(families: Table) -> dict[str, Coded]:
    """Give the words by which families are told apart, one for each family."""
    words = {name: column for name, column in families.items() if isinstance(column, Coded)}
    return {name: column for name, column in words.items() if name not in ("outcome", "last_channel")}


# ---------------------------------------------------------------------------------------------------------------------
# Places
# ---------------------------------------------------------------------------------------------------------------------


def _occupancy(look: _Look, index: int) -> Occupancy:
    place, edges, counters = look.plan.stations[index], hour_edges(look.counted.until), look.counters
    widths = np.diff(edges)
    waiting, staff = counters.waiting_s[index] / widths, staff_over_time(place, edges)
    return Occupancy(
        name=place.name,
        group=place.group,
        arrivals=counters.came[index],
        waiting=waiting,
        busy=counters.busy_s[index] / widths,
        staff=staff,
        wait_hours=np.where(staff > 0, waiting, 0.0) * widths / HOUR_S,
    )


def _waits(look: _Look, kinds: Mapping[str, Coded]) -> dict[str, Any]:
    """Describe waits in seconds: of visits by station and channel, and of families, all their visits together, by kind.

    A family's wait leaves out the review, clerks and batches, where its papers wait and it does not.
    """
    queues = {name: places for name, places in look.groups.items() if name not in RECORDS}
    channels = {name: look.counters.describe_waits(*places) for name, places in queues.items()}
    alone = [place for places in queues.values() for place in places]
    stations = {name: look.counters.describe_waits(name) for name in look.plan.places if name in alone}
    return {
        "stations": {name: told for name, told in stations.items() if told["count"]},
        "channels": {name: told for name, told in channels.items() if told["count"]},
        "families": {name: by_group(look.counted.waited_s, column) for name, column in kinds.items()},
    }


def _abandonment(look: _Look) -> dict[str, Any]:
    """Count how visits ended, and the share lost because patience or room ran out, by place."""
    alone = {name: [name] for name in look.plan.places}
    return {"channels": _endings(look, look.groups), "stations": _endings(look, alone), "families": {}}


def _endings(look: _Look, groups: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    counts = {name: _ended(look, places) for name, places in groups.items() if name.partition(".")[0] not in RECORDS}
    return {
        name: {"endings": dict(zip(ENDINGS, ended.tolist(), strict=True)), "lost_share": _lost(ended)}
        for name, ended in counts.items()
        if ended.any()
    }


def _ended(look: _Look, places: Sequence[str]) -> IntArray:
    """Count how visits to some places ended, in the order of `ENDINGS`."""
    index = [look.plan.places.index(place) for place in places]
    return np.asarray(look.counters.endings[index].sum(axis=0))


def _lost(ended: IntArray) -> float | None:
    return share(sum(int(ended[ENDINGS.index(how)]) for how in ("abandoned", "baulked", "full")), int(ended.sum()))


# ---------------------------------------------------------------------------------------------------------------------
# The review and objectives
# ---------------------------------------------------------------------------------------------------------------------


def _rounds(review: Review) -> Rounds:
    """Give one row for each round that was counted; of whom it was, and on which date, is not known any more."""
    channel, observed, days = np.nonzero(review.rounds)
    times = review.rounds[channel, observed, days]
    took = np.where(days == review.rounds.shape[2] - 1, np.nan, days.astype(np.float64))
    unknown = np.full(int(times.sum()), np.nan)
    return Rounds(
        family=np.full(len(unknown), -1),
        submitted=unknown,
        decided=unknown,
        working_days=np.repeat(took, times),
        observed=np.repeat(observed.astype(np.float64), times),
        channel=Coded(np.repeat(channel, times), review.channels),
    )


def _review(look: _Look, rounds: Rounds) -> dict[str, Any]:
    masks = {name: rounds.channel.codes == code for code, name in enumerate(rounds.channel.labels)}
    return {
        **review_times(rounds, _LONGEST),
        "channels": {name: review_times(rounds, _LONGEST, mine) for name, mine in masks.items() if mine.any()},
        "families": {},
        "flow": _flow(look),
    }


def _flow(look: _Look) -> dict[str, Any]:
    """Give, for each date, rounds handed in, decided and open at its end; and the throughput of a working day."""
    review = look.counters.review
    working = np.asarray(look.file.working, dtype=np.bool_)
    return {
        "handed_in": review.handed_in.tolist(),
        "decided": review.decided.tolist(),
        "backlog": np.cumsum(review.handed_in - review.decided).tolist(),
        "throughput_a_working_day": describe(review.decided[working].astype(np.float64)),
    }


def _judged(name: str, objective: Objective, look: _Look, findings: Findings) -> dict[str, Any]:
    """Judge an objective: those of visits from counters, all others as ever."""
    if not isinstance(objective, WaitObjective | AbandonmentObjective):
        return judge(name, objective, findings)
    places = look.groups.get(objective.channel, ())
    if isinstance(objective, WaitObjective):
        queues = () if objective.channel in RECORDS else places
        value = look.counters.wait_within(objective.share, *queues)
    else:
        value = _lost(_ended(look, places))
    return {
        "name": name,
        "title": objective.title or name,
        "kind": objective.kind,
        "wanted": objective.model_dump(exclude={"title", "kind"}),
        "value": value,
        "unit": "s" if objective.kind == "wait" else "share",
        "held": None if value is None else value <= objective.at_most,
    }


# ---------------------------------------------------------------------------------------------------------------------
# Failures and money
# ---------------------------------------------------------------------------------------------------------------------


def _met(look: _Look, place: str) -> IntArray:
    """Give how often each family was at a place, shape (families,); never if there is no such place."""
    counted = look.counted
    if place not in counted.records:
        return np.zeros(len(counted.met), dtype=np.int64)
    return counted.met[:, counted.records.index(place)]


def _failures(look: _Look, kinds: Mapping[str, Coded]) -> dict[str, Any]:
    """Give for each failure how often it happened, and to whom; what it cost in time is not known."""
    known = [name for name in FAILURES if f"{FAILURE}.{name}" in look.plan.places]
    met = {name: _met(look, f"{FAILURE}.{name}") for name in known}
    return {
        name: {
            "times": int(times.sum()),
            "families": int((times > 0).sum()),
            "share": share(int((times > 0).sum()), len(times)),
            "delay_s": describe(np.empty(0)),
            "by": {kind: _shares(column, times) for kind, column in kinds.items()},
        }
        for name, times in met.items()
    }


def _shares(column: Coded, times: IntArray) -> dict[str, float | None]:
    """Give the share of each group's families that met it."""
    total = np.bincount(column.codes, minlength=len(column.labels))
    met = np.bincount(column.codes[times > 0], minlength=len(column.labels))
    return {label: share(int(met[code]), int(total[code])) for code, label in enumerate(column.labels) if total[code]}


def _ledger(look: _Look) -> Ledger:
    """Read the ledger of a run from what each family met."""
    outcome: Any = look.families["outcome"]
    fee = look.families.get("fee_yuan")
    moments = {name: look.families.get(name, np.full(len(outcome), np.nan)) for name in (PAID, INSURED)}
    stands = {name: ~np.isnan(np.asarray(moment, dtype=np.float64)) for name, moment in moments.items()}
    return Ledger(
        payments=_met(look, f"{FEE}.{PAID}"),
        refunds=_met(look, f"{FEE}.{REFUNDED}"),
        stands=stands[PAID],
        insured=stands[INSURED],
        inside=outcome.has(INSIDE),
        fee_yuan=np.ones(len(outcome)) if fee is None or isinstance(fee, Coded) else np.asarray(fee, dtype=np.float64),
    )


# ---------------------------------------------------------------------------------------------------------------------
# Laws that hold of counters too
# ---------------------------------------------------------------------------------------------------------------------


def _laws(look: _Look, book: Ledger) -> list[Law]:
    """Check the laws that can be checked without single visits."""
    return [
        _conservation(look),
        _little(look),
        _utilisation(look),
        _papers_law(look),
        fees_law(book, np.asarray(look.families["family"])),
    ]


def _conservation(look: _Look) -> Law:
    """Check that whoever was to arrive is there once, and has left the network or is inside."""
    table: Any = look.families
    name, inside = "arrived = finished + gone + still inside", table["outcome"].has(INSIDE)
    family, arrival, finished = (np.asarray(table[column]) for column in ("family", "arrival", "finished"))
    came = np.flatnonzero(look.plan.arrival < look.plan.until)
    if not np.array_equal(family, came) or not np.array_equal(arrival, look.plan.arrival[came]):
        return Law(name, False, f"{len(came):,} families were to arrive, not those {len(arrival):,} of the trace")
    # A comparison with nan is False.
    wrong = np.flatnonzero((inside != np.isnan(finished)) | (finished < arrival) | (finished >= look.plan.until))
    if len(wrong):
        return Law(name, False, f"family {came[wrong[0]]} has an outcome but no end, or an end but no outcome")
    return Law(name, True, f"{len(came):,} = {int((~inside).sum()):,} left + {int(inside.sum()):,} inside")


def _little(look: _Look) -> Law:
    """Check that the number waiting, added up hour by hour, equals the sum of the waits."""
    counters = look.counters
    waiting = counters.waiting_s.sum(axis=1)
    return _equal(
        "Little's law, L = λW", look, waiting, "the number waiting adds up to", counters.wait_s, "the waits to"
    )


def _utilisation(look: _Look) -> Law:
    """Check that servers and visits tell the same time of work."""
    busy, visits = np.asarray(look.counted.stations["busy_s"]), look.counters.busy_s.sum(axis=1)
    name = "servers and visits tell the same utilisation"
    return _equal(name, look, busy, "the servers were busy for", visits, "visits say")


def _equal(name: str, look: _Look, one: FloatArray, said: str, other: FloatArray, also: str) -> Law:  # noqa: PLR0913, PLR0917 - two sums, with words for each
    """Check that two sums are the same at every station."""
    places = enumerate(look.plan.stations)
    wrong = [place.name for i, place in places if not alike(float(one[i]), float(other[i]))]
    if wrong:
        i = look.plan.places.index(wrong[0])
        return Law(name, False, f"{wrong[0]}: {said} {one[i]}, {also} {other[i]}")
    return Law(name, True, f"{len(look.plan.stations)} stations, {int(look.counters.came.sum()):,} visits")


def _papers_law(look: _Look) -> Law:
    """Check that whatever is handed in enters the review, and is decided or in process."""
    rounds, outcome = _met(look, INTAKE), look.families["outcome"]
    assert isinstance(outcome, Coded)
    submitted, reviewed = (~np.isnan(np.asarray(look.families[name])) for name in ("submitted", "reviewed"))
    wrong = np.flatnonzero((submitted != (rounds > 0)) | (submitted & ~reviewed & ~outcome.has(INSIDE)))
    name = "each application handed in is reviewed, and decided or in process"
    if len(wrong):
        return Law(name, False, f"family {np.asarray(look.families['family'])[wrong[0]]} lost its papers")
    return Law(name, True, f"{int(submitted.sum()):,} families, {int(rounds.sum()):,} rounds of review")
