"""The tables of the report: stations, waits, how visits ended, what enrolling costs families."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canbao.languages import Language, noted
from canbao.measures.equity import FEW
from canbao.report.charts.chart import Cell, Table
from canbao.report.loads import tables as loads
from canbao.report.terms import column, place, term
from canbao.report.words import duration, moment, number

__all__ = ["Listing", "listings"]

_Summary = Mapping[str, Any]
_Sample = Mapping[str, Any] | None

_NONE = "–"


@dataclass(frozen=True)
class Listing:
    """A table with what the page says around it."""

    title: str
    table: Table
    note: str
    empty: str = ""
    """What is said in place of a table without rows; without it, such a table is left out."""
    folded: bool = False
    """Whether a reader opens it."""


def listings(summary: _Summary, language: Language) -> Iterator[Listing]:
    """Give the tables of a summary, in reading order."""
    for make in _TABLES:
        found = make(summary, language)
        if found.table.rows or found.empty:
            yield found


def _stations(summary: _Summary, language: Language) -> Listing:
    say = language.say
    header = (
        say("station"),
        say("belongs to"),
        say("served"),
        say("hours of staff"),
        say("used, by servers"),
        say("used, by visits"),
        say("longest queue"),
        say("when"),
        say("hours waited"),
    )
    return Listing(
        title=say("Stations"),
        table=Table.of(header, [_station(station, language) for station in summary.get("stations") or ()]),
        note=say(
            "“Used” is the share of staffed hours in which servers work; it is counted twice, by the servers and from "
            "the visits, and both must agree. A queue is the mean number of those who wait in one hour."
        ),
        empty=say("This run has no station."),
    )


def _station(station: Mapping[str, Any], language: Language) -> list[Cell]:
    queue, staffed = station["longest_queue"], station["staffed_hours"]
    return [
        station["name"],
        term("group", station["group"], language) if station["group"] else _NONE,
        station["starts"],
        language.say("no limit") if staffed is None else number(staffed),
        _share(station["utilisation"], language),
        _share(station["utilisation_from_visits"], language),
        number(queue),
        moment(station["longest_queue_at"], language) if queue else _NONE,
        number(station["wait_hours"]),
    ]


def _share(share: float | None, language: Language) -> str:
    return _NONE if share is None else language.say("{number} %", number=f"{100 * share:.1f}")


def _waits(summary: _Summary, language: Language) -> Listing:
    say, waits = language.say, summary.get("waits") or {}
    groups = {"channel": waits.get("channels"), "station": waits.get("stations"), **(waits.get("families") or {})}
    rows = [
        (
            column(kind, language),
            _name(kind, name, language),
            number(one["count"]),
            *(duration(one[key], language) for key in ("mean", "median", "p90", "p95", "max")),
        )
        for kind, labels in groups.items()
        for name, one in (labels or {}).items()
    ]
    header = (
        say("by"),
        say("name"),
        say("visits or families"),
        say("mean"),
        say("median"),
        say("p90"),
        say("p95"),
        say("longest"),
    )
    return Listing(
        title=say("Waits"),
        table=Table.of(header, rows),
        note=say(
            "From coming to a station until service began, or until the family left without; in clock time, nights and "
            "closed days included. Rows by kind of family leave out the review."
        ),
        empty=say("Nobody came to a station."),
    )


def _name(kind: str, name: str, language: Language) -> str:
    """Say a label: a channel's or station's name as the user wrote it, but for the review, which is no channel."""
    return term("group" if kind == "channel" else kind, name, language)


def _endings(summary: _Summary, language: Language) -> Listing:
    say, found = language.say, summary.get("abandonment") or {}
    groups = [
        (kind, name, one)
        for kind, place in (("channel", "channels"), ("station", "stations"))
        for name, one in (found.get(place) or {}).items()
    ]
    endings = list(dict.fromkeys(ending for _, _, one in groups for ending in one["endings"]))
    rows = [
        (
            column(kind, language),
            _name(kind, name, language),
            *(one["endings"].get(ending, 0) for ending in endings),
            _share(one["lost_share"], language),
        )
        for kind, name, one in groups
    ]
    ends = [term("end of a visit", ending, language) for ending in endings]
    return Listing(
        title=say("How visits ended"),
        table=Table.of((say("by"), say("name"), *ends, say("lost")), rows),
        note=say("“Lost” is the share of visits that ended without service because patience or room ran out."),
        folded=True,
    )


def _costs(summary: _Summary, language: Language) -> Listing:
    say = language.say
    header = (
        say("by"),
        say("name"),
        say("families"),
        say("hours, mean"),
        say("hours, p95"),
        say("trips, mean"),
        say("trips, most"),
        say("until the end, median"),
        say("p90"),
    )
    return Listing(
        title=say("What enrolling costs families"),
        table=Table.of(header, list(_costs_by_kind(summary, language))),
        note=say(
            "Hours at stations of channels, on the way and in front of pages. “Until the end” is the clock time from "
            "first coming to the family's outcome, for those that are not still inside."
        ),
        folded=True,
    )


def _costs_by_kind(summary: _Summary, language: Language) -> Iterator[Sequence[Cell]]:
    """Give what enrolling costs families, all and by kind: hours, trips, and the time from coming first to the end."""
    spent = summary.get("spent") or {}
    hours, trips = spent.get("hours") or {}, spent.get("trips") or {}
    stay = (summary.get("families") or {}).get("time_in_system_s") or {}
    for kind, found in hours.items():
        if kind == "total":
            continue
        labels = {"": found} if kind == "all" else found
        for name, one in labels.items():
            others = [table.get(kind) or {} for table in (trips, stay)]
            travelled, stayed = others if kind == "all" else [other.get(name) for other in others]
            if one and one["count"]:
                label = _name(kind, name, language) if name else language.say("all families")
                yield [column(kind, language), label, *_cost(one, travelled, stayed, language)]


def _cost(hours: Mapping[str, Any], trips: _Sample, stay: _Sample, language: Language) -> Iterator[Cell]:
    yield from (number(hours["count"]), f"{hours['mean']:.2f}", f"{hours['p95']:.2f}")
    yield from (f"{trips['mean']:.2f}", number(trips["max"])) if trips and trips.get("count") else (_NONE, _NONE)
    stayed = [duration(stay[key], language) for key in ("median", "p90")] if stay and stay.get("count") else []
    yield from stayed or (_NONE, _NONE)


def _failures(summary: _Summary, language: Language) -> Listing:
    say, found = language.say, summary.get("failures") or {}
    header = (
        say("failure"),
        say("times"),
        say("families"),
        say("share of families"),
        say("time lost, median"),
        say("p90"),
        say("longest"),
    )
    return Listing(
        title=say("Failures"),
        table=Table.of(header, [_failure(name, one, language) for name, one in found.items()]),
        note=say(
            "Time lost is that until the family's next visit, at the same place or in another channel; who never came "
            "again has none."
        ),
        folded=True,
    )


def _failure(name: str, one: Mapping[str, Any], language: Language) -> list[Cell]:
    delay = one["delay_s"] or {}
    lost = [duration(delay.get(key), language) for key in ("median", "p90", "max")]
    share = _share(one["share"], language)
    return [term("failure", name, language), number(one["times"]), number(one["families"]), share, *lost]


def _kinds(summary: _Summary, language: Language) -> Listing:
    say = language.say
    header = (
        say("by"),
        say("name"),
        say("families"),
        say("enrolled"),
        say("missed the deadline"),
        say("goes online first"),
        say("hours, mean"),
        say("trips, mean"),
        say("days to hand in, mean"),
    )
    rows = [
        [column(name, language), _name(name, label, language), number(one["families"][label]), *_means(means, language)]
        for name, one in (summary.get("equity") or {}).items()
        for label, means in one["means"].items()
    ]
    return Listing(
        title=say("Kinds of families compared"),
        table=Table.of(header, rows),
        note=say(
            "Kinds of few families differ by chance: no sentence and no chart rests on fewer than {number}.", number=FEW
        ),
        folded=True,
    )


def _means(means: Mapping[str, float | None], language: Language) -> Iterator[Cell]:
    for what in ("enrolled_share", "missed_deadline_share", "online_share"):
        yield _share(means.get(what), language)
    for what in ("hours", "trips", "days_to_hand_in"):
        value = means.get(what)
        yield _NONE if value is None else f"{value:.2f}"


def _fees(summary: _Summary, language: Language) -> Listing:
    say, fees = language.say, (summary.get("money") or {}).get("fees") or {}
    names = {
        "paid_yuan": say("fees paid"),
        "refunded_yuan": say("fees refunded"),
        "held_for_insured_yuan": say("fees held for insured children"),
        "held_in_process_yuan": say("fees held, still in process"),
        "due_from_insured_yuan": say("fees due from insured children"),
        "subsidies_yuan": say("subsidies for insured children"),
        "settled_bill_yuan": say("first bills settled"),
        "settled_reimbursed_yuan": say("of them reimbursed"),
    }
    return Listing(
        title=say("Fees, subsidies and first bills"),
        table=Table.of(
            ("", "", say("yuan")), [(names.get(key, key), "", f"{sum_:,.0f}") for key, sum_ in fees.items()]
        ),
        note=say("Each yuan paid is held for an insured child, held in process, or refunded."),
        folded=True,
    )


def _expenses(summary: _Summary, language: Language) -> Listing:
    say, costs = language.say, (summary.get("money") or {}).get("costs") or {}
    staff = [
        (say("staff or slots"), place(name, language), one["enrolments"], one)
        for name, one in (costs.get("staff") or {}).items()
    ]
    time = [
        (say("families' time"), _name("kind", name, language), None, one)
        for name, one in (costs.get("families") or {}).items()
    ]
    return Listing(
        title=say("What enrolment costs"),
        table=Table.of(
            (say("what"), say("name"), say("hours"), say("yuan"), say("enrolments"), say("yuan for each enrolment")),
            [_expense(*row) for row in (*staff, *time)],
        ),
        note=say(
            "Hours of staff are hours on duty, busy or not. "
            "What an hour is worth stands in the scenario, under “costs”."
        ),
        folded=True,
    )


def _expense(what: str, name: str, enrolments: int | None, one: Mapping[str, Any]) -> list[Cell]:
    each = one.get("yuan_per_enrolment")
    cost = _NONE if each is None else f"{each:,.2f}"
    return [what, name, number(one["hours"]), f"{one['yuan']:,.0f}", enrolments, cost]


def _of_load(
    title: str, make: Callable[[_Summary, Language], Table], note: str, *, folded: bool = False
) -> Callable[[_Summary, Language], Listing]:
    """Make a listing of the part of a summary that a load test has; it has no rows elsewhere."""

    def listing(summary: _Summary, language: Language) -> Listing:
        table = make(summary.get("load") or {}, language)
        return Listing(title=language.say(title), table=table, note=language.say(note), folded=folded)

    return listing


_LOAD = (
    _of_load(
        noted("Prediction and measurement"),
        loads.comparison,
        noted(
            "A prediction holds if it is within a tenth of what was measured, or within three standard deviations of a "
            "count by chance. `canbao compare` holds all measures against each other."
        ),
    ),
    _of_load(
        noted("Assumptions"),
        loads.assumptions,
        noted(
            "What the scenario states of the deployment, with the grade of its evidence, and what was measured. "
            "`canbao calibrate` says besides what each would move."
        ),
    ),
    _of_load(
        noted("Where applications stand"),
        loads.ledger,
        noted("What was handed in is issued, rejected, in review, returned or withdrawn: nothing else."),
    ),
    _of_load(
        noted("Operations"),
        loads.operations,
        noted(
            "Times of requests that did not fail, from sending to the last byte of the answer. Looks ask how an "
            "application stands, and are no part of a session."
        ),
    ),
    _of_load(
        noted("First sessions of families"),
        loads.sessions,
        noted(
            "Service: from coming to the end of the session, with the time that a family thinks. Response: from the "
            "moment at which it was to come; where it had to wait for its turn, that counts."
        ),
        folded=True,
    ),
)

_TABLES: tuple[Callable[[_Summary, Language], Listing], ...] = (
    *_LOAD,
    _stations,
    _waits,
    _endings,
    _costs,
    _failures,
    _kinds,
    _fees,
    _expenses,
)
"""Who makes which table, in reading order."""
