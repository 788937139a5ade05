"""Money: the ledger of fees, what the state adds, and what staff and families' time cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from canbao.arrays import BoolArray, FloatArray, IntArray
from canbao.assembly.formalities import INSURED
from canbao.columns import Coded
from canbao.district import FEE, PAID, PAPERS, REFUNDED
from canbao.measures.laws import Law
from canbao.measures.records import rows_of, visits_at
from canbao.measures.samples import share
from canbao.scenario.costs import Costs
from canbao.trace import INSIDE, Trace

__all__ = ["Ledger", "costs", "fees", "fees_law", "ledger", "papers_law"]


@dataclass(frozen=True)
class Ledger:
    """What each family paid and got back, shape (families,)."""

    payments: IntArray
    refunds: IntArray
    stands: BoolArray
    """Whether a payment stands by the family's own event."""
    insured: BoolArray
    inside: BoolArray
    fee_yuan: FloatArray
    """What the family pays each time; 1 where the policy knows no fees, so that sums count payments."""

    @property
    def held(self) -> IntArray:
        """Payments that were not returned."""
        return self.payments - self.refunds


def ledger(trace: Trace) -> Ledger:
    """Read the ledger of a run from its visits."""
    families, outcome = trace.families, trace.families["outcome"]
    assert isinstance(outcome, Coded)
    count = len(outcome)
    fee = families.get("fee_yuan")
    return Ledger(
        payments=_entries(trace, PAID, count),
        refunds=_entries(trace, REFUNDED, count),
        stands=_stands(trace, PAID, count),
        insured=_stands(trace, INSURED, count),
        inside=outcome.has(INSIDE),
        fee_yuan=np.ones(count) if fee is None or isinstance(fee, Coded) else np.asarray(fee, dtype=np.float64),
    )


def _entries(trace: Trace, event: str, count: int) -> IntArray:
    mine = visits_at(trace, f"{FEE}.{event}")
    return np.bincount(rows_of(trace, np.asarray(trace.visits["family"])[mine]), minlength=count)


def _stands(trace: Trace, event: str, count: int) -> BoolArray:
    moments = trace.families.get(event)
    return np.zeros(count, dtype=np.bool_) if moments is None else ~np.isnan(np.asarray(moments, dtype=np.float64))


def fees_law(book: Ledger, family: IntArray) -> Law:
    """Check that each yuan paid is for a child insured, or in process, or was refunded.

    Parameters
    ----------
    book
        The ledger.
    family
        The families' numbers, to name the first with which something is wrong.
    """
    twice = (book.held < 0) | (book.held > 1) | ((book.held == 1) != book.stands)
    unearned = (book.held == 1) & ~book.insured & ~book.inside
    wrong = np.flatnonzero(twice | unearned)
    name = "each fee is for a child insured or in process, or was refunded"
    if len(wrong):
        row = wrong[0]
        said = f"family {family[row]} paid {book.payments[row]} and got back {book.refunds[row]} times"
        return Law(name, False, said)
    paid, back = int(book.payments.sum()), int(book.refunds.sum())
    waiting = int(((book.held == 1) & ~book.insured).sum())
    return Law(
        name, True, f"{paid:,} paid = {paid - back - waiting:,} insured + {waiting:,} in process + {back:,} back"
    )


def papers_law(trace: Trace, intake: str) -> Law:
    """Check that whatever is handed in enters the review, and is decided or in process.

    Parameters
    ----------
    trace
        What happened.
    intake
        The station where each round of review begins.
    """
    outcome: Any = trace.families["outcome"]
    rounds = np.bincount(
        rows_of(trace, np.asarray(trace.visits["family"])[visits_at(trace, intake)]), minlength=len(outcome)
    )
    submitted, reviewed = (~np.isnan(np.asarray(trace.families[name])) for name in ("submitted", "reviewed"))
    lost = (submitted != (rounds > 0)) | (submitted & ~reviewed & ~outcome.has(INSIDE))
    wrong = np.flatnonzero(lost)
    name = "each application handed in is reviewed, and decided or in process"
    if len(wrong):
        return Law(name, False, f"family {np.asarray(trace.families['family'])[wrong[0]]} lost its papers")
    return Law(name, True, f"{int(submitted.sum()):,} families, {int(rounds.sum()):,} rounds of review")


def fees(trace: Trace, book: Ledger) -> dict[str, Any] | None:
    """Give the sums of fees paid, refunded and held, of subsidies and of first bills, in yuan; None without fees."""
    if "fee_yuan" not in trace.families:
        return None
    held = np.where(book.held == 1, book.fee_yuan, 0.0)
    subsidy = trace.families.get("subsidy_yuan")
    sums = {
        "paid_yuan": book.payments * book.fee_yuan,
        "refunded_yuan": book.refunds * book.fee_yuan,
        "held_for_insured_yuan": held * book.insured,
        "held_in_process_yuan": held * ~book.insured,
        "due_from_insured_yuan": np.where(book.insured & (book.held == 0), book.fee_yuan, 0.0),
        "subsidies_yuan": np.where(book.insured, 0.0 if subsidy is None else np.asarray(subsidy), 0.0),
        **_first_bills(trace),
    }
    return {name: float(values.sum()) for name, values in sums.items()}


def _first_bills(trace: Trace) -> dict[str, FloatArray]:
    """Give the bills that were settled, and what of them the insurance paid."""
    if "settled" not in trace.families:
        return {}
    settled = ~np.isnan(np.asarray(trace.families["settled"], dtype=np.float64))
    return {
        f"settled_{what}": np.where(settled, np.nan_to_num(_sum_of_columns(trace, what)), 0.0)
        for what in ("bill_yuan", "reimbursed_yuan")
    }


def _sum_of_columns(trace: Trace, ending: str) -> FloatArray:
    """Add up the columns of all formalities whose names end so; a family has a bill at one of them at most."""
    mine = [np.asarray(column) for name, column in trace.families.items() if name.endswith(f"_{ending}")]
    return np.nansum(mine, axis=0) if mine else np.zeros(len(trace.families["family"]))


def costs(trace: Trace, settings: Costs, channels: Mapping[str, bool], hours: FloatArray) -> dict[str, Any]:
    """Give what staff on duty, request slots and families' time cost, in hours and yuan.

    Parameters
    ----------
    trace
        What happened.
    settings
        What an hour is worth.
    channels
        Whether each channel is online, so that its servers are no staff.
    hours
        The hours that each family spent, shape (families,).
    """
    staff = _staff(trace, settings, channels)
    families = _time(trace, settings, hours)
    enrolled = int(_stands(trace, INSURED, len(hours)).sum())
    total = sum(entry["yuan"] for entry in (*staff.values(), *families.values()))
    return {
        "staff": staff,
        "families": families,
        "total_yuan": total,
        "yuan_per_enrolment": share(total, enrolled),
    }


def _staff(trace: Trace, settings: Costs, channels: Mapping[str, bool]) -> dict[str, dict[str, Any]]:
    """Give hours on duty by channel, formality and review; a channel's enrolments are of families that used it last."""
    group: Any = trace.stations["group"]
    staffed = np.asarray(trace.stations["staffed_s"]) / 3600.0
    last: Any = trace.families["last_channel"]
    insured = _stands(trace, INSURED, len(last))
    owner = np.array([label.removesuffix(PAPERS) for label in group.labels] or [""])[group.codes]
    found = {}
    for name in dict.fromkeys(owner.tolist()):
        hours = float(staffed[(owner == name) & np.isfinite(staffed)].sum())
        if hours:
            mine = insured & last.has(name) if name in channels else insured
            usual = settings.slot_hour_yuan if channels.get(name) else settings.staff_hour_yuan
            yuan = hours * settings.staff_hour_yuan_at.get(name, usual)
            enrolments = int(mine.sum())
            found[name] = {
                "hours": hours,
                "yuan": yuan,
                "enrolments": enrolments,
                "yuan_per_enrolment": share(yuan, enrolments),
            }
    return found


def _time(trace: Trace, settings: Costs, hours: FloatArray) -> dict[str, dict[str, Any]]:
    """Give families' hours and trips by kind, and what they are worth."""
    kind = trace.families.get("kind")
    if not isinstance(kind, Coded):
        kind = Coded(np.zeros(len(hours), dtype=np.int64), ("family",))
    trips = np.asarray(trace.families["trips"])
    found: dict[str, dict[str, Any]] = {}
    for code, name in enumerate(kind.labels):
        mine = kind.codes == code
        if mine.any():
            spent = float(hours[mine].sum())
            worth: Mapping[str, float] = settings.family_hour_yuan_of
            found[name] = {
                "families": int(mine.sum()),
                "hours": spent,
                "trips": int(trips[mine].sum()),
                "yuan": spent * worth.get(name, settings.family_hour_yuan),
            }
    return found
