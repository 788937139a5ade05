"""Accounts of families and reviewers."""

from __future__ import annotations

from typing import cast

from canbao_loadtests.service.enrolment import RefusalError, Step
from canbao_loadtests.service.passwords import Owner, Side

__all__ = ["find_account", "open_account"]


async def open_account(step: Step, name: str, password: str, side: Side, telephone: str | None = None) -> Owner:
    """Open an account; `password` is its hash. A name that is taken is a refusal."""
    row = await step.tx.one(
        "INSERT INTO accounts (name, password, side, telephone, opened) VALUES (?1, ?2, ?3, ?4, ?5) "
        "ON CONFLICT (name) DO NOTHING RETURNING id",
        name, password, side, telephone, step.now,
    )  # fmt: skip
    if row is None:
        raise RefusalError("name taken", "there is an account of this name; log in, or choose another name")
    return Owner(row["id"], side)


async def find_account(step: Step, name: str) -> tuple[Owner, str] | None:
    """Give the account of a name and the hash of its password."""
    row = await step.tx.one("SELECT id, side, password FROM accounts WHERE name = ?1", name)
    return None if row is None else (Owner(row["id"], cast("Side", row["side"])), row["password"])
