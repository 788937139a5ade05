"""The ledger of fees, costs, failures and equity, on paper."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from canbao.columns import Coded
from canbao.measures.equity import FEW, Outcomes, equity, outcomes_of
from canbao.measures.failures import failures
from canbao.measures.money import costs, fees, fees_law, ledger, papers_law
from canbao.scenario.costs import Costs
from canbao.trace import Trace

Maker = Callable[..., Trace]
STATIONS = {
    "hall": "office",
    "review.intake": "review",
    "fee.paid": "fee",
    "fee.refunded": "fee",
    "failure.debit failed": "failure",
}


def _entry(family: int, station: str, at: float) -> tuple[Any, ...]:
    return (family, station, at, at, at, "served")


def _book(by_hand: Maker, row: dict[str, Any], *entries: str) -> Any:
    visits = [_entry(0, f"fee.{entry}", float(at)) for at, entry in enumerate(entries)]
    trace = by_hand([{"arrival": 0.0, "fee_yuan": 400.0, **row}], visits, until=99.0, stations=STATIONS)
    return trace, ledger(trace)


INSURED = {"finished": 9.0, "paid": 1.0}
INSIDE = {"outcome": "inside", "paid": 1.0}
OUT = {"outcome": "rejected", "finished": 9.0, "paid": math.nan}


@pytest.mark.parametrize(
    ("row", "entries", "holds"),
    [
        (INSURED, ["paid"], True),
        (INSURED, ["paid", "refunded", "paid"], True),
        (INSIDE, ["paid"], True),
        (OUT, ["paid", "refunded"], True),
        (OUT, [], True),
        ({**OUT, "paid": 1.0}, ["paid"], False),  # kept from a child that is not insured
        (INSURED, ["paid", "paid"], False),
        (OUT, ["refunded"], False),
        (OUT, ["paid", "refunded", "refunded"], False),
        ({**INSURED, "paid": math.nan}, ["paid"], False),  # the ledger and the family's own event disagree
        (INSURED, ["paid", "refunded"], False),
    ],
)
def test_a_fee_is_for_a_child_insured_or_in_process_or_is_refunded(
    by_hand: Maker, row: dict[str, Any], entries: list[str], holds: bool
) -> None:
    """The law holds for each honest ledger and names the family of each other one."""
    trace, book = _book(by_hand, row, *entries)
    law = fees_law(book, np.asarray(trace.families["family"]))
    assert law.holds is holds
    assert holds or law.detail.startswith("family 0 paid")


def test_each_yuan_paid_is_somewhere(by_hand: Maker) -> None:
    """Paid is refunded plus held, and held is for the insured or in process."""
    rows = [
        {"arrival": 0.0, "fee_yuan": yuan, **row} for yuan, row in ((400.0, INSURED), (280.0, INSIDE), (120.0, OUT))
    ]
    visits = [_entry(0, "fee.paid", 1.0), _entry(1, "fee.paid", 1.0)]
    visits += [_entry(2, "fee.paid", 1.0), _entry(2, "fee.refunded", 5.0)]
    trace = by_hand(rows, visits, until=99.0, stations=STATIONS)
    said: Any = fees(trace, ledger(trace))
    assert said["paid_yuan"] == 800.0
    assert said["paid_yuan"] == sum(
        said[f"{name}_yuan"] for name in ("refunded", "held_for_insured", "held_in_process")
    )
    assert (said["refunded_yuan"], said["held_in_process_yuan"]) == (120.0, 280.0)


def test_without_fees_there_is_nothing_to_tell(by_hand: Maker) -> None:
    """A policy that knows no fees has no sums."""
    trace = by_hand([{"arrival": 0.0}], until=9.0, stations=STATIONS)
    assert fees(trace, ledger(trace)) is None


@pytest.mark.parametrize(
    ("row", "rounds", "holds"),
    [
        ({"submitted": 1.0, "reviewed": 5.0}, 1, True),
        ({"submitted": 1.0, "outcome": "inside"}, 2, True),
        ({"outcome": "gave up"}, 0, True),
        ({"submitted": 1.0, "outcome": "gave up"}, 1, False),
        ({"submitted": 1.0, "reviewed": 5.0}, 0, False),
        ({"outcome": "gave up"}, 1, False),
    ],
)
def test_no_paper_is_lost(by_hand: Maker, row: dict[str, Any], rounds: int, holds: bool) -> None:
    """Handed in is in the review, and decided or in process."""
    visits = [_entry(0, "review.intake", float(at)) for at in range(rounds)]
    trace = by_hand([{"arrival": 0.0, **row}], visits, until=99.0, stations=STATIONS)
    assert papers_law(trace, "review.intake").holds is holds


def test_costs_are_hours_on_duty_and_hours_of_families(by_hand: Maker) -> None:
    """Staff by what is said of their place, slots by theirs, families by their kind."""
    rows = [{"arrival": 0.0, "finished": 1.0, "kind": "pupil"}, {"arrival": 0.0, "finished": 1.0, "kind": "newborn"}]
    rows += [{"arrival": 0.0, "outcome": "gave up", "kind": "pupil", "first_channel": "portal"}]
    trace = by_hand(rows, until=99.0, stations={"hall": "office", "slots": "portal", "desk": "review", "none": "fee"})
    staffed = np.array([10.0, 100.0, 5.0, math.inf]) * 3600.0
    trace = Trace(trace.until, trace.families, trace.visits, {**trace.stations, "staffed_s": staffed})
    settings = Costs(staff_hour_yuan=60.0, staff_hour_yuan_at={"review": 80.0}, slot_hour_yuan=2.0)
    said = costs(trace, settings, {"office": False, "portal": True}, np.array([1.0, 2.0, 4.0]))
    assert {name: entry["yuan"] for name, entry in said["staff"].items()} == {
        "office": 600.0,
        "portal": 200.0,
        "review": 400.0,
    }
    assert [entry["enrolments"] for entry in said["staff"].values()] == [2, 0, 2]
    assert said["staff"]["portal"]["yuan_per_enrolment"] is None
    assert {name: entry["yuan"] for name, entry in said["families"].items()} == {"pupil": 5 * 25.0, "newborn": 60.0}
    assert said["yuan_per_enrolment"] == (1200.0 + 185.0) / 2


def test_failures_are_counted_by_name_and_cost_the_time_until_the_next_visit(by_hand: Maker) -> None:
    """Times, families and delays; a record in between does not end the delay; who never comes again has none."""
    failure = "failure.debit failed"
    visits = [
        *[_entry(0, failure, 10.0), _entry(0, failure, 12.0), _entry(0, "fee.paid", 13.0), _entry(0, "hall", 40.0)],
        *[_entry(1, "hall", 5.0), _entry(1, failure, 6.0)],
        _entry(2, "hall", 7.0),
    ]
    rows = [{"arrival": 0.0, "kind": kind} for kind in ("pupil", "newborn", "pupil")]
    trace = by_hand(rows, visits, until=99.0, stations=STATIONS)
    kind: Any = trace.families["kind"]
    said = failures(trace, {"kind": kind})["debit failed"]
    assert (said["times"], said["families"], said["share"]) == (3, 2, 2 / 3)
    assert (said["delay_s"]["count"], said["delay_s"]["mean"]) == (2, 29.0)
    assert said["by"]["kind"] == {"pupil": 0.5, "newborn": 1.0}


def test_a_trace_without_visits_has_no_failures(by_hand: Maker) -> None:
    """Names are told though nothing happened."""
    said = failures(by_hand([], until=9.0, stations=STATIONS), {})
    assert said["debit failed"]["times"] == 0
    assert said["debit failed"]["share"] is None


def test_gaps_are_between_the_means_of_groups_that_are_large_enough() -> None:
    """A group of few families has a mean, but no gap is built on it."""
    codes = np.repeat([0, 1, 2], [FEW, FEW, FEW - 1])
    values = np.array([1.0, 3.0, 100.0])[codes]
    said = equity(Outcomes({"hours": values}), {"residence": Coded(codes, ("urban", "rural", "isle"))})["residence"]
    assert said["means"] == {"urban": {"hours": 1.0}, "rural": {"hours": 3.0}, "isle": {"hours": 100.0}}
    assert said["gaps"]["hours"] == {"lowest": "urban", "highest": "rural", "gap": 2.0}


def test_outcomes_are_those_of_the_families_to_whom_they_apply(by_hand: Maker) -> None:
    """Who has no deadline in the horizon has neither met nor missed it; online is by the first channel."""
    rows: list[dict[str, Any]] = [
        {"arrival": 0.0, "submitted": 86_400.0, "deadline_s": 90_000.0, "first_channel": "portal"},
        {"arrival": 0.0, "deadline_s": 90_000.0, "outcome": "gave up"},
        {"arrival": 0.0, "deadline_s": math.inf},
    ]
    trace = by_hand(rows, until=99_999.0, stations=STATIONS)
    values = outcomes_of(trace, np.array([True, False, True]), ["portal", "app"], np.zeros(3)).values
    assert values["online_share"].tolist() == [1.0, 0.0, 0.0]
    assert values["missed_deadline_share"].tolist()[:2] == [0.0, 1.0]
    assert math.isnan(values["missed_deadline_share"][2])
    assert values["days_to_hand_in"][0] == 1.0
