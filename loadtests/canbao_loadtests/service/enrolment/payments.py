"""The fee: choose a way to pay, and pay."""

from __future__ import annotations

from typing import NamedTuple

from canbao_loadtests.service.enrolment import RefusalError, Step
from canbao_loadtests.service.enrolment.applications import mine
from canbao_loadtests.service.models import Paid, PayWay, Status
from canbao_loadtests.service.storage import Row

__all__ = ["Try", "choose_way", "pay"]


class Try(NamedTuple):
    """A try to pay: `paid` or `debit failed`."""

    outcome: str
    yuan: float


async def choose_way(step: Step, application: int, way: PayWay) -> None:
    """Choose how to pay, as long as nothing was paid."""
    row = await mine(step, application, lock=True)
    _need_unpaid(row)
    await step.tx.all("UPDATE applications SET pay_with = ?2 WHERE id = ?1", application, way)


async def pay(step: Step, application: int) -> Try:
    """Pay the fee. A debit that fails is an answer too, and the family tries again."""
    row = await mine(step, application, lock=True)
    _need_unpaid(row)
    _need_turn(step, row)
    if row["pay_with"] is None:
        raise RefusalError("no way to pay", "choose a way to pay first")
    number, yuan = row["tries"] + 1, row["fee_yuan"]
    fails = step.rules.happens("debit", step.rules.debit_failed[PayWay(row["pay_with"])], application, number)
    outcome = "debit failed" if fails else "paid"
    await step.tx.all(
        "INSERT INTO payments (application, number, outcome, way, yuan, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        application, number, outcome, row["pay_with"], yuan, step.now,
    )  # fmt: skip
    await step.tx.all(
        "UPDATE applications SET tries = ?2, paid = ?3, paid_at = ?4 WHERE id = ?1",
        application, number, Paid.NO if fails else Paid.YES, None if fails else step.now,
    )  # fmt: skip
    return Try(outcome, yuan)


def _need_unpaid(row: Row) -> None:
    if row["paid"] != Paid.NO:
        returned = " and returned" if row["paid"] == Paid.REFUNDED else ""
        raise RefusalError("paid already", f"the fee was paid{returned}")


def _need_turn(step: Step, row: Row) -> None:
    """See that it is time to pay: before the review or after it, as the district has it."""
    turns = (Status.DRAFT, Status.RETURNED) if step.rules.pay == "before review" else (Status.APPROVED,)
    if row["status"] not in turns:
        raise RefusalError("not now", f"the application is {row['status']}; here families pay {step.rules.pay}")
