"""Applications: enrol a child, upload papers, correct, hand in, ask how it stands."""

from __future__ import annotations

from canbao_loadtests.service.enrolment import RefusalError, Step
from canbao_loadtests.service.enrolment.results import reject
from canbao_loadtests.service.models import NEEDED, Child, Desk, Paid, PaperKind, Status
from canbao_loadtests.service.storage import Row

__all__ = ["Paper", "add_paper", "all_of", "correct", "enrol", "find", "hand_in", "mine", "papers_of"]

Paper = tuple[str, str, int]
"""Checksum, content type and size of a paper."""

_OPEN = (Status.DRAFT, Status.RETURNED)


async def mine(step: Step, application: int, lock: bool = False) -> Row:
    """Give an application of an account; a refusal if it has none of this number."""
    row = await step.tx.one(
        "SELECT * FROM applications WHERE id = ?1 AND account = ?2",
        application,
        step.account,
        lock="wait" if lock else None,
    )
    if row is None:
        raise RefusalError("no such application", "this account has no application of this number", "absent")
    return row


async def enrol(step: Step, child: Child) -> tuple[int, bool]:
    """Begin the application of a child: its number, and whether it is new.

    To enrol a child again gives the application that is there, so that who got no answer can ask again. A child that
    another account has enrolled is a refusal.
    """
    row = await step.tx.one(
        "INSERT INTO applications (account, child, number, guardian, status, round, priority, paid, fee_yuan, tries, "
        "enrolled, reasons) VALUES (?1, ?2, ?3, ?4, 'draft', 0, ?5, 'no', ?6, 0, ?7, '[]') "
        "ON CONFLICT (number, child) WHERE status <> 'rejected' DO NOTHING RETURNING id",
        step.account, child.name, child.number, child.guardian, _priority(step, child), step.rules.fee_yuan, step.now,
    )  # fmt: skip
    if row is not None:
        return row["id"], True
    there = await step.tx.one(
        "SELECT id, account FROM applications WHERE number = ?1 AND child = ?2 AND status <> 'rejected'",
        child.number, child.name,
    )  # fmt: skip
    if there is None or there["account"] != step.account:
        raise RefusalError("duplicate", "there is an application for this child already")
    return there["id"], False


def _priority(step: Step, child: Child) -> int:
    """Give the rank in a queue, the smallest first: a child with a certificate instead of a number is a newborn."""
    return 0 if step.rules.review.newborn_first and child.number[0].isalpha() else 1


async def add_paper(step: Step, application: int, kind: PaperKind, paper: Paper) -> bool:
    """Add a paper, or put it in the place of an earlier one; tell whether it is new."""
    _need_open(await mine(step, application, lock=True))
    there = await step.tx.one("SELECT 1 FROM papers WHERE application = ?1 AND kind = ?2", application, kind)
    await step.tx.all(
        "INSERT INTO papers (application, kind, checksum, content_type, bytes, uploaded) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
        "ON CONFLICT (application, kind) DO UPDATE SET checksum = excluded.checksum, "
        "content_type = excluded.content_type, bytes = excluded.bytes, uploaded = excluded.uploaded",
        application, kind, *paper, step.now,
    )  # fmt: skip
    return there is None


async def correct(step: Step, application: int, child: Child) -> None:
    """Put other data in the form."""
    _need_open(await mine(step, application, lock=True))
    other = await step.tx.one(
        "SELECT 1 FROM applications WHERE number = ?1 AND child = ?2 AND status <> 'rejected' AND id <> ?3",
        child.number, child.name, application,
    )  # fmt: skip
    if other is not None:
        raise RefusalError("duplicate", "there is an application for this child already")
    await step.tx.all(
        "UPDATE applications SET child = ?2, number = ?3, guardian = ?4 WHERE id = ?1",
        application, child.name, child.number, child.guardian,
    )  # fmt: skip


def _need_open(row: Row) -> None:
    if row["status"] not in _OPEN:
        detail = f"the application is {row['status']}; only a draft or a returned one can be changed"
        raise RefusalError("not open", detail)


async def hand_in(step: Step, application: int) -> Row:
    """Hand an application in, for the first time or again; a refusal names all that is missing."""
    row = await mine(step, application, lock=True)
    _need_open(row)
    missing = [kind.value for kind in NEEDED if kind not in await papers_of(step, application)]
    if step.rules.pay == "before review" and row["paid"] != Paid.YES:
        missing.append("the payment")
    if missing:
        raise RefusalError("incomplete", f"before it can be handed in it needs {', '.join(missing)}")
    number = row["round"] + 1
    # An automatic check looks first; what it accepts needs no acceptance by a clerk.
    accepted = step.rules.happens("precheck", step.rules.review.precheck, application, number)
    await step.tx.all(
        "INSERT INTO submissions (application, round, at) VALUES (?1, ?2, ?3)", application, number, step.now
    )
    row = await step.row(
        "UPDATE applications SET status = 'in review', round = ?2, desk = ?3, since = ?4, reasons = '[]', "
        "handed_in = COALESCE(handed_in, ?4) WHERE id = ?1 RETURNING *",
        application, number, Desk.FIRST if accepted else Desk.ACCEPTANCE, step.now,
    )  # fmt: skip
    if step.rules.happens("duplicate", step.rules.review.duplicate, application, number):
        row = await reject(step, row, [{"fault": "duplicate", "about": "enrolled already"}])
    return row


async def papers_of(step: Step, application: int) -> list[str]:
    """Give the kinds of papers that an application has."""
    rows = await step.tx.all("SELECT kind FROM papers WHERE application = ?1 ORDER BY kind", application)
    return [row["kind"] for row in rows]


async def find(step: Step, application: int) -> tuple[Row, list[str]]:
    """Give an application of an account and its papers."""
    return await mine(step, application), await papers_of(step, application)


async def all_of(step: Step) -> list[tuple[Row, list[str]]]:
    """Give all applications of an account, each with its papers."""
    rows = await step.tx.all("SELECT * FROM applications WHERE account = ?1 ORDER BY id", step.account)
    return [(row, await papers_of(step, row["id"])) for row in rows]
