"""Idempotency keys: what was answered to a key is stored with what it did, in one transaction.

Who got no answer sends the same again with the same key, and gets what the first one got, even after a crash between:
either both the deed and the answer are stored, or neither.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from canbao_loadtests.service.enrolment import Step

__all__ = ["Said", "once"]


class Said(NamedTuple):
    """An answer: its status of HTTP and its text."""

    status: int
    body: str


async def once(step: Step, request: str, key: str, deed: Callable[[Step], Awaitable[Said]]) -> tuple[Said, bool]:
    """Do a deed unless this account has done it under this key; give the answer, and whether it is from then.

    `request` tells what is asked for: one key may serve for another deed. A deed that is refused leaves the key free.
    """
    # The key goes in first: a second one of the same moment waits here, in a database that lets two write at a time.
    new = await step.tx.one(
        "INSERT INTO answers (account, request, key, status, body) VALUES (?1, ?2, ?3, 0, '') "
        "ON CONFLICT (account, request, key) DO NOTHING RETURNING key",
        step.account, request, key,
    )  # fmt: skip
    if new is None:
        row = await step.row(
            "SELECT * FROM answers WHERE account = ?1 AND request = ?2 AND key = ?3", step.account, request, key
        )
        return Said(row["status"], row["body"]), True
    said = await deed(step)
    await step.tx.all(
        "UPDATE answers SET status = ?4, body = ?5 WHERE account = ?1 AND request = ?2 AND key = ?3",
        step.account, request, key, said.status, said.body,
    )  # fmt: skip
    return said, False
