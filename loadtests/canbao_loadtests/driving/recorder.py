"""What happened, as numbers: rows while the load runs, tables when it is over.

While it runs, a row is one append to a list, and ten times a second the rows that have come become bytes.
"""

from __future__ import annotations

import itertools
import struct
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from canbao.arrays import AnyArray, BoolArray, FloatArray, IntArray
from canbao.columns import Coded, numbers_of
from canbao.trace import Table
from canbao_loadtests.driving.schedule import Schedule
from canbao_loadtests.http.exchange import Exchange

__all__ = ["HOW", "Journeys", "Recorder", "Rows", "stacked", "with_looks"]

HOW = ("finished", "failed", "cut", "dropped", "not injected", "lost")
"""What became of a journey. `cut`: it was under way when the load stopped; `dropped`: it found no place when it came;
`not injected`: the load stopped before its turn; `lost`: the process that had it died."""

_FINISHED, _FAILED, _CUT, _DROPPED, _NOT_INJECTED, _LOST = range(len(HOW))

_REQUEST = {"operation": "", "began": "d", "ended": "d", "status": "h", "sent": "q", "received": "q", "trouble": ""}
"""The fields of an exchange: what `struct` calls their type, nothing for words."""

_DELAY = {"due": "d", "delay": "d"}


class Rows:
    """A table that grows by rows, which are tuples.

    Parameters
    ----------
    kinds
        The columns: what `struct` calls their type; nothing for words, where None is a word that is empty.
    """

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._kinds = kinds
        self._rows: list[tuple[Any, ...]] = []
        self._blocks: list[tuple[bytes, ...]] = []
        self._ends: list[int] = []  # of each block, in rows
        self._codes: dict[str, defaultdict[Any, int]] = {
            name: defaultdict(itertools.count().__next__) for name, kind in kinds.items() if not kind
        }
        self.add: Callable[[tuple[Any, ...]], None] = self._rows.append
        """Adds a row."""

    def __len__(self) -> int:
        return (self._ends[-1] if self._ends else 0) + len(self._rows)

    def pack(self) -> None:
        """Turn what has come since the last time into bytes, column by column; for a thousand rows 0.4 ms."""
        count = len(self._rows)
        if not count:
            return
        values = list(itertools.chain.from_iterable(self._rows))  # and slices of it: half the time of `zip(*rows)`
        block = []
        for place, (name, kind) in enumerate(self._kinds.items()):
            column = values[place :: len(self._kinds)]
            numbers = column if kind else map(self._codes[name].__getitem__, column)
            block.append(struct.pack(f"={count}{kind or 'i'}", *numbers))
        self._blocks.append(tuple(block))
        self._ends.append(len(self))
        self._rows.clear()

    def table(self, since: int = 0) -> dict[str, AnyArray | Coded]:
        """Give the rows as columns, from row number `since` on."""
        self.pack()
        first = bisect_right(self._ends, since)  # a test of days has a million blocks
        skip = since - (self._ends[first - 1] if first else 0)
        found: dict[str, AnyArray | Coded] = {}
        for place, (name, kind) in enumerate(self._kinds.items()):
            content = b"".join(block[place] for block in self._blocks[first:])
            column = np.frombuffer(content, dtype=kind or "i")[max(skip, 0) :]
            found[name] = column if kind else Coded(column, tuple(word or "" for word in self._codes[name]))
        return found


class Journeys:
    """The three times of each journey of a schedule: intended, started, finished.

    Parameters
    ----------
    schedule
        Who comes when.
    intended
        The real time of each arrival, in seconds since 1970, shape (arrivals,).
    """

    def __init__(self, schedule: Schedule, intended: FloatArray) -> None:
        self.schedule = schedule
        self.intended = intended
        self.started = np.full(len(schedule), np.nan)
        self.finished = np.full(len(schedule), np.nan)
        self.how = np.full(len(schedule), _NOT_INJECTED, dtype=np.int8)
        self._told = self.how.copy()

    def start(self, number: int, now: float) -> None:
        """Say that a journey has begun."""
        self.started[number] = now
        self.how[number] = _CUT  # until something else is said

    def finish(self, number: int, now: float, *, failed: bool = False) -> None:
        """Say that a journey is over."""
        self.finished[number] = now
        self.how[number] = _FAILED if failed else _FINISHED

    def drop(self, number: int) -> None:
        """Say that a journey found no place."""
        self.how[number] = _DROPPED

    def lose(self, number: int) -> None:
        """Say of the first so many that nobody knows what became of them."""
        self.how[:number] = _LOST

    def table(self) -> dict[str, AnyArray | Coded]:
        """Give them as columns."""
        return self._rows(np.arange(len(self.how)))

    def changed(self) -> dict[str, AnyArray | Coded]:
        """Give those of which there is something new since this was asked last."""
        rows = np.flatnonzero(self.how != self._told)
        self._told[rows] = self.how[rows]
        return self._rows(rows)

    def _rows(self, rows: IntArray) -> dict[str, AnyArray | Coded]:
        return {
            "family": self.schedule.families[rows],
            "moment": self.schedule.moments[rows],
            "intended": self.intended[rows],
            "started": self.started[rows],
            "finished": self.finished[rows],
            "how": Coded(self.how[rows].astype(np.int32), HOW),
        }


class Recorder:
    """All that a load process records besides what the families do."""

    def __init__(self) -> None:
        self._requests = Rows(_REQUEST)
        self._looks = Rows(_REQUEST)
        self._delays = Rows(_DELAY)
        self.request: Callable[[Exchange], None] = self._requests.add
        """Records a request of a family."""
        self.look: Callable[[Exchange], None] = self._looks.add
        """Records a request that asks how an application stands; they are counted apart."""

    def late(self, due: float, delay: float) -> None:
        """Record by how many seconds work began later than it was due."""
        self._delays.add((due, delay))

    def pack(self) -> None:
        """Turn the rows that have come into bytes; to be called some times a second."""
        self._requests.pack()
        self._looks.pack()
        self._delays.pack()

    @property
    def sizes(self) -> tuple[int, int, int]:
        """How many requests, looks and delays there are."""
        return len(self._requests), len(self._looks), len(self._delays)

    def since(self, sizes: Sequence[int]) -> tuple[Table, Table, FloatArray]:
        """Give what has come since there were so many: requests, looks, and delays in seconds."""
        requests, looks, delays = self.tables_since(sizes)
        late = delays["delay"]
        assert isinstance(late, np.ndarray)
        return requests, looks, late

    def tables_since(self, sizes: Sequence[int]) -> tuple[Table, Table, Table]:
        """Give what has come since there were so many: requests, looks, delays."""
        requests, looks, delays = sizes
        return self._requests.table(requests), self._looks.table(looks), self._delays.table(delays)

    def requests(self) -> dict[str, AnyArray | Coded]:
        """Give all requests as columns; `polling` tells those that ask how an application stands."""
        return with_looks(self._requests.table(), self._looks.table())

    def delays(self) -> dict[str, AnyArray | Coded]:
        """Give the delays as columns: when work was due, and how many seconds later it began."""
        return self._delays.table()


def with_looks(requests: Table, looks: Table) -> dict[str, AnyArray | Coded]:
    """Put requests of families and looks at the progress below each other; `polling` tells the latter."""
    polling: BoolArray = np.repeat([False, True], [len(numbers_of(table["began"])) for table in (requests, looks)])
    return {**stacked([requests, looks]), "polling": polling}


def stacked(tables: Sequence[Table]) -> dict[str, AnyArray | Coded]:
    """Put tables of the same columns below each other; words get common numbers."""
    return {name: _stacked([table[name] for table in tables]) for name in tables[0]}


def _stacked(columns: Sequence[AnyArray | Coded]) -> AnyArray | Coded:
    words = [column for column in columns if isinstance(column, Coded)]
    if not words:
        return np.concatenate([column for column in columns if not isinstance(column, Coded)])
    labels = tuple(dict.fromkeys(label for column in words for label in column.labels))
    places = [np.array([labels.index(label) for label in column.labels], dtype=np.int32) for column in words]
    codes = [place[column.codes] if len(column) else place[:0] for place, column in zip(places, words, strict=True)]
    return Coded(np.concatenate(codes), labels)
