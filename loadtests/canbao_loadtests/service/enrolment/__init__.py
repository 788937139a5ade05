"""What each step of the flow changes in the database; nothing here knows of HTTP.

Each function takes a `Step`: who does it, when, under which rules, in which transaction. It raises a `RefusalError`
when it cannot be done, which takes back whatever it had changed.
"""

from __future__ import annotations

from dataclasses import dataclass

from canbao_loadtests.service.rules import Rules
from canbao_loadtests.service.storage import Row, Transaction, Value

__all__ = ["RefusalError", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the flow that is being taken."""

    tx: Transaction
    rules: Rules
    now: float
    """The moment of the scenario."""
    account: int
    """Who takes it; 0 where nobody is logged in."""

    async def row(self, sql: str, *values: Value) -> Row:
        """Run a statement that gives a row in any case."""
        row = await self.tx.one(sql, *values)
        assert row is not None, sql
        return row


class RefusalError(Exception):
    """A step that cannot be taken as things stand.

    Parameters
    ----------
    code
        What is wrong, in a word or two.
    detail
        What is wrong and what to do, in a sentence.
    kind
        `absent` where there is no such thing, `conflict` where it does not fit the state of things,
        `unknown` for a wrong password, `forbidden` for a wrong code.
    ready
        The moment from which on it can be done, where that is known.
    """

    def __init__(self, code: str, detail: str, kind: str = "conflict", ready: float | None = None) -> None:
        super().__init__(detail)
        self.code, self.detail, self.kind, self.ready = code, detail, kind, ready
