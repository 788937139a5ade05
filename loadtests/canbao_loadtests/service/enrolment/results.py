"""What becomes of an application when a round of review is over: approved, returned or rejected."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

from canbao_loadtests.service.enrolment import Step
from canbao_loadtests.service.models import Paid, Status
from canbao_loadtests.service.storage import Row

__all__ = ["Reasons", "approve", "reject", "send_back"]

Reasons: TypeAlias = Sequence[dict[str, Any]]


async def approve(step: Step, row: Row) -> Row:
    """Approve an application; the family learns it a little later."""
    return await _conclude(step, row, Status.APPROVED, [])


async def send_back(step: Step, row: Row, reasons: Reasons) -> Row:
    """Return an application to be corrected, with all reasons at once."""
    return await _conclude(step, row, Status.RETURNED, reasons)


async def reject(step: Step, row: Row, reasons: Reasons) -> Row:
    """End an application; a fee that was paid is returned."""
    if row["paid"] == Paid.YES:
        await step.tx.all(
            "INSERT INTO payments (application, number, outcome, way, yuan, at) "
            "VALUES (?1, ?2, 'refunded', ?3, ?4, ?5)",
            row["id"], row["tries"] + 1, row["pay_with"], row["fee_yuan"], step.now,
        )  # fmt: skip
        await step.tx.all("UPDATE applications SET paid = 'refunded', tries = tries + 1 WHERE id = ?1", row["id"])
        await _tell(step, row, step.now, "refunded", [])
    return await _conclude(step, row, Status.REJECTED, reasons)


async def _conclude(step: Step, row: Row, status: Status, reasons: Reasons) -> Row:
    changed = await step.row(
        "UPDATE applications SET status = ?2, desk = NULL, since = NULL, taken_by = NULL, taken_until = NULL, "
        "taken = NULL, reviewed = ?3, approved = ?4, reasons = ?5 WHERE id = ?1 RETURNING *",
        row["id"], status, step.now, step.now if status == Status.APPROVED else None, json.dumps(reasons),
    )  # fmt: skip
    await _tell(step, row, step.rules.after(step.rules.review.notice, step.now), status, reasons)
    return changed


async def _tell(step: Step, row: Row, at: float, about: str, reasons: Reasons) -> None:
    """Leave a notice for the family, to be read from a moment on."""
    await step.tx.all(
        "INSERT INTO notices (account, application, at, about, reasons) VALUES (?1, ?2, ?3, ?4, ?5)",
        row["account"], row["id"], at, about, json.dumps(reasons),
    )  # fmt: skip
