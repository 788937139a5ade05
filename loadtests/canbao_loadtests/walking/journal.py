"""The journal: what must be known to go on after the load test was killed, a line of JSON for each thing that happened.

A line is written before a deed, so that it can be repeated with the same key, and when a family pauses or leaves. Each
is one `write`; what follows the last end of a line was being written when the process was killed, and is not read.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from canbao.errors import StorageError
from canbao_loadtests.walking.walk import Visit, Walk

__all__ = ["Journal", "Remembered", "compact", "read_journal"]

_FORMAT = 1
_SYNC_S = 1.0
"""How often the disk is waited for, at most: a killed process loses nothing by that, a power failure this much."""


class Remembered(NamedTuple):
    """What a journal knows of a family: where it is, and its visits."""

    walk: Walk
    visits: list[Visit]


class Journal:
    """A journal to write into.

    Parameters
    ----------
    path
        Where it is; what is there already is gone on with, without what was written in part.
    now
        Gives the real time.
    sync
        Waits for the disk; a load test gives one that does so in a thread, as nobody must wait meanwhile.

    Raises
    ------
    StorageError
        When it cannot be written.
    """

    def __init__(self, path: str | Path, *, now: Callable[[], float], sync: Callable[[int], object] = os.fsync) -> None:
        self.path = Path(path)
        self._now, self._sync, self._synced = now, sync, now()
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            os.ftruncate(self._file, _whole(self.path))
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def keep(self, walk: Walk) -> None:
        """Write down where a family is, and the visits since the last time.

        Raises
        ------
        StorageError
            When the disk is full, or is no more; nothing of the line is left then.
        """
        self._write(_line(walk, walk.counted, walk.visits))
        walk.visits.clear()
        walk.counted.clear()
        now = self._now()
        if now - self._synced >= _SYNC_S:
            self._synced = now
            self._sync(self._file)

    def _write(self, line: bytes) -> None:
        try:
            written = os.write(self._file, line)
            if written < len(line):
                os.ftruncate(self._file, os.fstat(self._file).st_size - written)
                raise OSError(28, "No space left on device")
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def close(self) -> None:
        """Wait for the disk and close it."""
        os.fsync(self._file)
        os.close(self._file)


def _line(walk: Walk, counted: Mapping[int, int], visits: Sequence[Visit]) -> bytes:
    entry = [_FORMAT, walk.state(), counted, visits]
    try:
        return orjson.dumps(entry, option=_OPTIONS)
    except TypeError:  # a number of a deployment beyond 64 bits, or a cookie in bytes that are no UTF-8
        return json.dumps(entry).encode() + b"\n"


_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
"""A line takes 3 µs of a core so, and 30 with the standard library, which knows no way to write numbers fast."""


def _visit(told: Sequence[Any]) -> Visit:
    """Read a visit; null stands for the begin of a service that there was not."""
    attempt, step, enter, start, leave, ended = told
    return attempt, step, enter, math.nan if start is None else start, leave, ended


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path} cannot be written: {error.strerror}; make room, then go on with the run")


def _whole(path: Path) -> int:
    """Give how many bytes of a file are whole lines."""
    data = path.read_bytes()
    return data.rfind(b"\n") + 1


def read_journal(path: str | Path) -> dict[int, Remembered]:
    """Read a journal: by family where it is, and all its visits.

    Raises
    ------
    StorageError
        When there is none, or a whole line of it is damaged.
    """
    path, found = Path(path), dict[int, Remembered]()
    for number, entry in _entries(path):
        try:
            form, state, counted, more = entry
            if form != _FORMAT:
                raise ValueError(f"format {form!r}")
            attempts, visits = _before(found.get(state["family"]))
            attempts.update((int(step), count) for step, count in counted.items())
            visits.extend(map(_visit, more))
            found[state["family"]] = Remembered(Walk.from_state(state, attempts), visits)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _damaged(path, number, error) from error
    return found


def _before(kept: Remembered | None) -> tuple[dict[int, int], list[Visit]]:
    return ({}, []) if kept is None else (kept.walk.attempts, kept.visits)


def _entries(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}; the run cannot be gone on with") from error
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), 1):
        try:
            yield number, json.loads(line)
        except ValueError as error:
            raise _damaged(path, number, error) from error


def _damaged(path: Path, number: int, error: Exception) -> StorageError:
    return StorageError(
        f"{path}, line {number} is damaged: {error}; take the line out to go on without what it says, or begin anew"
    )


def compact(path: str | Path) -> dict[int, Remembered]:
    """Read a journal, and write it anew with one line for each family; whatever happens, one of the two is there.

    Raises
    ------
    StorageError
        When it cannot be read or written.
    """
    path, found = Path(path), read_journal(path)
    beside = path.with_name(path.name + ".new")
    try:
        with beside.open("wb") as file:
            beside.chmod(0o600)
            file.writelines(_line(kept.walk, kept.walk.attempts, kept.visits) for kept in found.values())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    return found
