"""What a load process has recorded so far, on disk: what is left of it when the process is killed.

A file to which a block is appended once a second, with one call, as the journal is. A block stands for itself: its
length, a line of JSON that says what is in it, and the columns as bytes. What follows the last whole block was being
written when the process was killed, and is not read. Nothing waits for the disk: a process that is killed loses nothing
that it has handed to the system, only a machine that loses its power does.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from canbao.arrays import AnyArray
from canbao.columns import Coded
from canbao.runs.folders import storing
from canbao.trace import Table
from canbao_loadtests.driving.recorder import Journeys, Recorder, stacked

__all__ = ["SPOOL", "Kept", "Spool", "read_spool"]

SPOOL = "spool.bin"
"""The file, in the folder of a part that is not whole."""

_LENGTH = struct.Struct("=I")


class Spool:
    """Writes what has come since the last time.

    Parameters
    ----------
    path
        The file; it must not be there.
    recorder, journeys
        What is recorded.
    said
        What stands in every block, such as by how much the clock is ahead.
    """

    def __init__(self, path: Path, recorder: Recorder, journeys: Journeys, said: Mapping[str, Any]) -> None:
        self._recorder, self._journeys, self._said, self._path = recorder, journeys, said, path
        self._sizes = (0, 0, 0)
        with storing(path):
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)

    def write(self, now: float) -> None:
        """Append what has come; a second with 1,000 requests holds the loop for 0.2 ms."""
        sizes = self._recorder.sizes
        requests, looks, delays = self._recorder.tables_since(self._sizes)
        tables = {"requests": requests, "looks": looks, "delays": delays, "journeys": self._journeys.changed()}
        self._sizes = sizes
        content = _block(tables, {**self._said, "at": now})
        try:
            os.writev(self._file, content)
        except OSError:
            with storing(self._path):  # says what to do, but takes longer than the write
                raise

    def remove(self) -> None:
        """Take the file away, once the part is written."""
        os.close(self._file)
        self._path.unlink()


def _block(tables: Mapping[str, Table], said: Mapping[str, Any]) -> list[Any]:
    """Give the pieces of a block; columns are written from where they are."""
    columns = {name: {key: _described(column) for key, column in table.items()} for name, table in tables.items()}
    head = json.dumps({**said, "tables": columns}, separators=(",", ":")).encode() + b"\n"
    pieces = [_values(column) for table in tables.values() for column in table.values()]
    length = len(head) + sum(piece.nbytes for piece in pieces)
    return [_LENGTH.pack(length), head, *(piece for piece in pieces if len(piece))]


def _values(column: AnyArray | Coded) -> AnyArray:
    return column.codes if isinstance(column, Coded) else column


def _described(column: AnyArray | Coded) -> list[Any]:
    """Give the type of a column, its length, and its words if it has any."""
    values = _values(column)
    return [values.dtype.str, len(values), *([list(column.labels)] if isinstance(column, Coded) else [])]


@dataclass(frozen=True, eq=False)
class Kept:
    """What was left of a process.

    Parameters
    ----------
    requests, looks, delays, journeys
        Tables, as the process itself would have written them; of journeys those that had come.
    said
        What stood in its last block, `at` among it: when that was written, in seconds since 1970.
    """

    requests: Table
    looks: Table
    delays: Table
    journeys: Table
    said: Mapping[str, Any]


def read_spool(path: Path) -> Kept | None:
    """Read what a process that was killed has left; None where there is not one whole block."""
    blocks = list(_blocks(path))
    if not blocks:
        return None
    names = ("requests", "looks", "delays", "journeys")
    requests, looks, delays, journeys = (stacked([tables[name] for _, tables in blocks]) for name in names)
    return Kept(requests, looks, delays, _latest(journeys), blocks[-1][0])


def _blocks(path: Path) -> Iterator[tuple[Mapping[str, Any], dict[str, Table]]]:
    with storing(path):
        content = memoryview(path.read_bytes())
    while len(content) >= _LENGTH.size:
        (length,) = _LENGTH.unpack_from(content)
        block, content = content[_LENGTH.size : _LENGTH.size + length], content[_LENGTH.size + length :]
        if len(block) < length:
            return
        head, _, rest = bytes(block).partition(b"\n")
        said = json.loads(head)
        yield said, _tables(said.pop("tables"), rest)


def _tables(described: Mapping[str, Mapping[str, Any]], content: bytes) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    place = 0
    for name, columns in described.items():
        table: dict[str, AnyArray | Coded] = {}
        for key, (kind, length, *labels) in columns.items():
            values = np.frombuffer(content, dtype=kind, count=length, offset=place)
            place += values.nbytes
            table[key] = Coded(values, tuple(labels[0])) if labels else values
        tables[name] = table
    return tables


def _latest(journeys: Table) -> Table:
    """Give the last word on each journey."""
    family = journeys["family"]
    assert isinstance(family, np.ndarray)
    _, last = np.unique(family[::-1], return_index=True)
    rows = np.sort(len(family) - 1 - last)
    return {name: column.take(rows) if isinstance(column, Coded) else column[rows] for name, column in journeys.items()}
