"""What an approved family gets: notices, the electronic credential, a card, and its first bill settled."""

from __future__ import annotations

from collections.abc import Sequence

from canbao_loadtests.service.enrolment import RefusalError, Step
from canbao_loadtests.service.enrolment.applications import mine
from canbao_loadtests.service.models import Paid, Status
from canbao_loadtests.service.rules import Rules
from canbao_loadtests.service.storage import Row

__all__ = [
    "activate_card",
    "card_of",
    "collect_card",
    "credential",
    "credential_from",
    "notices_of",
    "order_card",
    "settle",
]


async def notices_of(step: Step) -> Sequence[Row]:
    """Give the notices that have reached a family, the latest last."""
    return await step.tx.all(
        "SELECT * FROM notices WHERE account = ?1 AND at <= ?2 ORDER BY at, id", step.account, step.now
    )


def credential_from(row: Row, rules: Rules) -> float | None:
    """Give the moment from which on a family can download its credential; None if it is not insured."""
    if row["status"] != Status.APPROVED or row["paid"] != Paid.YES:
        return None
    return rules.after(rules.review.credential, max(row["approved"], row["paid_at"]))


async def credential(step: Step, application: int) -> Row:
    """Give an application whose credential can be downloaded; a refusal says from when on, if it cannot."""
    row = await mine(step, application)
    _need_insured(row)
    ready = credential_from(row, step.rules)
    if ready is None or step.now < ready:
        raise RefusalError("not ready", "the credential is being made", ready=ready)
    return row


def _need_insured(row: Row) -> None:
    if row["status"] != Status.APPROVED:
        raise RefusalError("not approved", f"the application is {row['status']}")
    if row["paid"] != Paid.YES:
        raise RefusalError("not paid", "the fee has not been paid yet")


async def order_card(step: Step, application: int) -> tuple[Row, bool]:
    """Order the card of an insured child; tell whether it is new. There is one card for each child."""
    _need_insured(await mine(step, application, lock=True))
    new = await step.tx.one(
        "INSERT INTO cards (application, ordered, ready) VALUES (?1, ?2, ?3) "
        "ON CONFLICT (application) DO NOTHING RETURNING *",
        application, step.now, step.rules.after(step.rules.card, step.now),
    )  # fmt: skip
    return (new, True) if new else (await card_of(step, application), False)


async def card_of(step: Step, application: int) -> Row:
    """Give the card of an application; a refusal if none was ordered."""
    await mine(step, application, lock=True)
    row = await step.tx.one("SELECT * FROM cards WHERE application = ?1", application)
    if row is None:
        raise RefusalError("no card", "no card was ordered for this application", "absent")
    return row


async def collect_card(step: Step, application: int) -> Row:
    """Collect a card that is ready; to collect it again changes nothing."""
    row = await card_of(step, application)
    if step.now < row["ready"]:
        raise RefusalError("not ready", "the card is being made", ready=row["ready"])
    return await step.row(
        "UPDATE cards SET collected = COALESCE(collected, ?2) WHERE application = ?1 RETURNING *", application, step.now
    )


async def activate_card(step: Step, application: int, password: str) -> Row:
    """Activate a collected card with the hash of its password."""
    row = await card_of(step, application)
    if row["collected"] is None:
        raise RefusalError("not collected", "the card has not been collected yet")
    if row["activated"] is not None:
        raise RefusalError("activated already", "the card is active; its password is not changed here")
    return await step.row(
        "UPDATE cards SET activated = ?2, password = ?3 WHERE application = ?1 RETURNING *",
        application, step.now, password,
    )  # fmt: skip


async def settle(step: Step, application: int, yuan: float) -> Row:
    """Settle the first bill with an active card; the same bill again gives the same answer."""
    if (await card_of(step, application))["activated"] is None:
        raise RefusalError("not activated", "the card has not been activated yet")
    row = await step.tx.one(
        "INSERT INTO settlements (application, bill_yuan, reimbursed_yuan, at) VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT (application) DO NOTHING RETURNING *",
        application, yuan, round(yuan * step.rules.reimbursed, 2), step.now,
    )  # fmt: skip
    there = row or await step.row("SELECT * FROM settlements WHERE application = ?1", application)
    if there["bill_yuan"] != yuan:
        raise RefusalError("settled already", "the first bill was another one, and is settled")
    return there
