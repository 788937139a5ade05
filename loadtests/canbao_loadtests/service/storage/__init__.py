"""Storage: what the steps of the flow need of a database, on SQLite and on PostgreSQL.

A step is an `async` function of a transaction. It is written once and runs on both: on PostgreSQL it waits for the
server, on SQLite the transaction answers at once and the function runs through without a pause.

SQL is the part of it that both databases know. Values are marked `?1`, `?2`. A row can be locked, so that it stays as
it is until the transaction ends: then others who want to lock it `wait`, or `skip` it. SQLite lets in one writer at a
time and has no need of that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from canbao.errors import InputError, StorageError

__all__ = ["Lock", "Row", "Storage", "Transaction", "Value", "Work", "open_storage"]

_T = TypeVar("_T")

Row: TypeAlias = Mapping[str, Any]
Value: TypeAlias = str | int | float | None
Lock: TypeAlias = Literal["wait", "skip"] | None


class Transaction(Protocol):
    """What one step sees of the database: what is committed, and its own changes."""

    async def all(self, sql: str, *values: Value) -> Sequence[Row]:
        """Run a statement and give its rows."""
        ...

    async def one(self, sql: str, *values: Value, lock: Lock = None) -> Row | None:
        """Run a statement and give its first row; None if it has none."""
        ...

    async def run_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run a statement that gives nothing, once for each row of values."""
        ...


Work: TypeAlias = Callable[[Transaction], Awaitable[_T]]
"""A step: it may be run again from its beginning if the database asks for it, so it changes nothing else."""


class Storage(Protocol):
    """A database that keeps what it has confirmed, whatever happens to this process or the machine."""

    async def open(self) -> None:
        """Connect, and make the tables that are not there yet."""
        ...

    async def close(self) -> None:
        """Finish what was begun and disconnect."""
        ...

    async def read(self, work: Work[_T]) -> _T:
        """Run a step that changes nothing."""
        ...

    async def write(self, work: Work[_T]) -> _T:
        """Run a step; when this returns, what it changed is on disk, and if it raises, nothing was changed.

        Raises
        ------
        StorageError
            When the database cannot do it: no space, no connection. Errors of the step itself come through as they are.
        """
        ...


def open_storage(database: str | Path, synchronous: str = "FULL") -> Storage:
    """Give the storage for a URL of PostgreSQL or for a file of SQLite; it is not connected yet.

    Parameters
    ----------
    database
        `postgresql://user@host/name`, or the path of a file.
    synchronous
        For SQLite: `FULL` waits for the disk at each commit; `NORMAL` may lose the last moments when the power fails.

    Raises
    ------
    InputError
        For a URL of another kind.
    StorageError
        When the driver is not installed.
    """
    text = str(database)
    if text.startswith(("postgresql://", "postgres://")):
        try:
            from canbao_loadtests.service.storage.postgres import PostgresStorage
        except ImportError as error:
            raise StorageError("PostgreSQL needs asyncpg: pip install 'canbao[load]'") from error
        return PostgresStorage(text)
    if "://" in text:
        kind = text.partition("://")[0]
        raise InputError(f"--database {kind}://…: allowed: postgresql://user@host/name, or the path of a SQLite file")
    from canbao_loadtests.service.storage.sqlite import SqliteStorage

    return SqliteStorage(Path(text), synchronous)
