"""The review: take the next application, look at it, decide. Clerks of the service and people decide in one way."""

from __future__ import annotations

import json
from typing import NamedTuple

from canbao_loadtests.service.enrolment import RefusalError, Step
from canbao_loadtests.service.enrolment.results import Reasons, approve, reject, send_back
from canbao_loadtests.service.models import Desk, Status
from canbao_loadtests.service.storage import Row

__all__ = ["Ruling", "backlog", "decide", "in_hand", "record", "take_next"]

_ONWARD = {Desk.ACCEPTANCE: Desk.FIRST, Desk.FIRST: Desk.SECOND}


class Ruling(NamedTuple):
    """What a desk says of an application: `pass`, `return` or `reject`, and why."""

    verdict: str
    reasons: Reasons = ()


async def take_next(step: Step, desk: Desk, real: float, until: float) -> Row | None:
    """Take the next application of a desk until a real time; None if there is none for this reviewer.

    Newborns come first where the rules say so, then whoever has waited longest. Who has one in hand at this desk gets
    the same again, so that an answer that was lost loses nothing. One that nobody decided in time is free again. The
    second review is by another person than the first.
    """
    held = await step.tx.one(
        "SELECT * FROM applications WHERE desk = ?1 AND taken_by = ?2 LIMIT 1", desk, step.account, lock="wait"
    )
    row = held or await step.tx.one(
        "SELECT * FROM applications WHERE desk = ?1 AND (taken_by IS NULL OR taken_until < ?2) AND NOT EXISTS ("
        "SELECT 1 FROM decisions WHERE application = applications.id AND decisions.round = applications.round "
        "AND decisions.desk = 'first' AND reviewer = ?3) ORDER BY priority, since, id LIMIT 1",
        desk, real, step.account, lock="skip",
    )  # fmt: skip
    if row is None:
        return None
    return await step.tx.one(
        "UPDATE applications SET taken_by = ?2, taken_until = ?3, taken = ?4 WHERE id = ?1 RETURNING *",
        row["id"], step.account, until, row["taken"] if held else step.now,
    )  # fmt: skip


async def in_hand(step: Step, application: int, lock: bool = False) -> Row:
    """Give an application that a reviewer has taken; a refusal if he has not."""
    row = await step.tx.one(
        "SELECT * FROM applications WHERE id = ?1 AND taken_by = ?2",
        application, step.account, lock="wait" if lock else None,
    )  # fmt: skip
    if row is None:
        raise RefusalError("not in hand", "this reviewer has not taken that application, or no longer", "absent")
    return row


async def decide(step: Step, application: int, ruling: Ruling) -> Row:
    """Decide on an application in hand; to say the same again changes nothing and gives the same answer."""
    said = await step.tx.one(
        "SELECT * FROM decisions WHERE application = ?1 ORDER BY round DESC, decided DESC LIMIT 1", application
    )
    try:
        row = await in_hand(step, application, lock=True)
    except RefusalError:
        if said and said["reviewer"] == step.account and _same(said, ruling):
            return await step.row("SELECT * FROM applications WHERE id = ?1", application)
        raise
    return await record(step, row, row["taken"], ruling)


def _same(said: Row, ruling: Ruling) -> bool:
    # What came of a return is a rejection when there were too many of them.
    return said["verdict"] in (ruling.verdict, "reject") and said["reasons"] == json.dumps(list(ruling.reasons))


async def record(step: Step, row: Row, started: float, ruling: Ruling) -> Row:
    """Write down what a desk decides now, and move the application on.

    Who decides is the account of the step, 0 for the service's own clerks; `started` is when it was taken in hand.
    """
    desk = Desk(row["desk"])
    if ruling.verdict == "return" and await _too_often(step, row, desk):
        ruling = Ruling("reject", ruling.reasons)
    await step.tx.all(
        "INSERT INTO decisions (application, round, desk, reviewer, verdict, reasons, since, started, decided) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        row["id"], row["round"], desk, step.account, ruling.verdict, json.dumps(list(ruling.reasons)),
        row["since"], started, step.now,
    )  # fmt: skip
    if ruling.verdict == "reject":
        return await reject(step, row, ruling.reasons)
    if ruling.verdict == "return":
        return await send_back(step, row, ruling.reasons)
    if desk not in _ONWARD:
        return await approve(step, row)
    return await step.row(
        "UPDATE applications SET desk = ?2, since = ?3, taken_by = NULL, taken_until = NULL, taken = NULL "
        "WHERE id = ?1 RETURNING *",
        row["id"], _ONWARD[desk], step.now,
    )  # fmt: skip


async def _too_often(step: Step, row: Row, desk: Desk) -> bool:
    returned = await step.row(
        "SELECT count(*) AS times FROM decisions WHERE application = ?1 AND desk = ?2 AND verdict = 'return'",
        row["id"], desk,
    )  # fmt: skip
    return bool(returned["times"] >= step.rules.review.corrections)


async def backlog(step: Step) -> dict[str, int]:
    """Count the applications at each desk."""
    rows = await step.tx.all(
        "SELECT desk, count(*) AS waiting FROM applications WHERE desk IS NOT NULL AND status = ?1 GROUP BY desk",
        Status.IN_REVIEW,
    )  # fmt: skip
    return dict.fromkeys(map(str, Desk), 0) | {row["desk"]: row["waiting"] for row in rows}
