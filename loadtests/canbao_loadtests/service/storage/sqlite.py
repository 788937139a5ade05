"""SQLite: one writer with group commit, and a second connection that reads.

SQLite lets one transaction write at a time, and with `synchronous=FULL` each commit waits for the disk. So all steps
that came while one commit was under way run in the next transaction and share its commit: as many answers as came in
meanwhile leave after one wait for the disk. Each step stands in a savepoint of its own, so that one that fails takes
back its own changes only. An answer is given after the commit, never before.

Only the commit itself, which waits for the disk, is left to a thread. Steps run in the event loop: to hand some tens of
microseconds of work to a thread costs more than the work, because two threads of Python take turns. So do readers,
which see what is committed (write-ahead log).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

from canbao.errors import StorageError
from canbao_loadtests.service.storage import Lock, Row, Value, Work
from canbao_loadtests.service.storage.schema import statements

__all__ = ["SqliteStorage"]

_T = TypeVar("_T")

_LARGEST_BATCH = 256
"""Steps in one commit: enough to share the wait for the disk, few enough that the first does not wait for the last."""

_Job = tuple[Work[Any], "asyncio.Future[Any]"]
_Outcome = tuple["asyncio.Future[Any]", Any, BaseException | None]


class SqliteTransaction:
    """A transaction that answers at once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def all(self, sql: str, *values: Value) -> Sequence[Row]:
        """Run a statement and give its rows."""
        return cast("list[Row]", self._connection.execute(sql, values).fetchall())

    async def one(self, sql: str, *values: Value, lock: Lock = None) -> Row | None:
        """Run a statement and give its first row; there is one writer, so nothing need be locked."""
        rows = self._connection.execute(sql, values).fetchall()
        return cast("Row | None", rows[0] if rows else None)

    async def run_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run a statement once for each row of values."""
        self._connection.executemany(sql, rows)


class SqliteStorage:
    """A file of SQLite.

    Parameters
    ----------
    path
        The file; it and its folder are made if they are not there.
    synchronous
        `FULL` or `NORMAL`.
    """

    def __init__(self, path: Path, synchronous: str = "FULL") -> None:
        self._path = path
        self._synchronous = synchronous
        self._waiting: deque[_Job] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._committer = ThreadPoolExecutor(1, "commit")
        self.commits = 0
        """How often it has committed."""

    async def open(self) -> None:
        """Open the file and make the tables."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writing = self._connect()
            self._reading = self._connect()
            for statement in statements("INTEGER PRIMARY KEY AUTOINCREMENT"):
                self._writing.execute(statement)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(f"{self._path} cannot be used as a database: {error}") from error

    async def close(self) -> None:
        """Let what waits be written, then close the file."""
        if self._writer is not None:
            await self._writer
        self._committer.shutdown()
        self._reading.close()
        self._writing.close()

    async def read(self, work: Work[_T]) -> _T:
        """Run a step that changes nothing, here and now."""
        try:
            self._reading.execute("BEGIN")
            return _finish(work(SqliteTransaction(self._reading)))
        except sqlite3.Error as error:
            raise _told(error) from error
        finally:
            if self._reading.in_transaction:
                self._reading.execute("ROLLBACK")

    async def write(self, work: Work[_T]) -> _T:
        """Queue a step and wait until it is committed."""
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, future))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        return await future

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30.0)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    async def _write_all(self) -> None:
        """Write until nothing waits any more."""
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _LARGEST_BATCH))]
                _tell(await self._commit(batch))
        finally:
            self._writer = None

    async def _commit(self, batch: list[_Job]) -> list[_Outcome]:
        """Run a batch in one transaction; if that fails, run its jobs one by one, so that each has its own error."""
        try:
            self._writing.execute("BEGIN IMMEDIATE")
            outcomes = [self._run(work, future) for work, future in batch]
            await asyncio.get_running_loop().run_in_executor(self._committer, self._writing.execute, "COMMIT")
        except sqlite3.Error as error:
            if self._writing.in_transaction:
                self._writing.execute("ROLLBACK")
            if len(batch) == 1:
                return [(batch[0][1], None, _told(error))]
            return [outcome for job in batch for outcome in await self._commit([job])]
        self.commits += 1
        return outcomes

    def _run(self, work: Work[Any], future: asyncio.Future[Any]) -> _Outcome:
        self._writing.execute("SAVEPOINT step")
        try:
            result = _finish(work(SqliteTransaction(self._writing)))
        except sqlite3.Error:
            raise
        except Exception as error:  # the step's own
            self._writing.execute("ROLLBACK TO step")
            self._writing.execute("RELEASE step")
            return future, None, error
        self._writing.execute("RELEASE step")
        return future, result, None


def _finish(work: Awaitable[_T]) -> _T:
    """Run a coroutine that never has to wait."""
    coroutine = cast("Coroutine[Any, Any, _T]", work)
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("_T", end.value)
    coroutine.close()
    raise RuntimeError("a step waits for something besides its transaction")


def _tell(outcomes: list[_Outcome]) -> None:
    """Give each who waits its result; who has gone away gets none."""
    for future, result, error in outcomes:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


def _told(error: sqlite3.Error) -> StorageError:
    # Messages of SQLite name tables and columns, and never a value.
    return StorageError(f"the database failed: {error}")
