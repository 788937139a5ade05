"""The book of a load test: what every family did, in compact arrays, for the part of the families of one process."""

from __future__ import annotations

import json
import math
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from canbao.arrays import AnyArray, FloatArray, IntArray
from canbao.errors import StorageError
from canbao.trace import ENDINGS
from canbao_loadtests.walking.walk import Visit, Walk

__all__ = ["Book", "WalkPart"]

_INSIDE = ENDINGS.index("inside")


@dataclass(frozen=True, eq=False)
class WalkPart:
    """What the families of one process did.

    Parameters
    ----------
    family
        Who came, shape (families,), in the order in which they left.
    numbers
        First and last channel, trips, outcome and rounds of review of each, shape (families, 5); -1 for none.
    times
        Effort and the moment of leaving, nan for none, shape (families, 2).
    marks
        The moment of each event, nan where it is not marked, shape (families, marks).
    applications, reasons
        Where each application stands, and why, shape (families,).
    visits
        Family, attempt, step and ending of each visit, shape (visits, 4), each family's in their order.
    stays
        When each visit was entered, when its service began and when it was left, shape (visits, 3).
    calls
        How often each call ended how and why: `call outcome reason`.
    """

    family: IntArray
    numbers: IntArray
    times: FloatArray
    marks: FloatArray
    applications: AnyArray
    reasons: AnyArray
    visits: IntArray
    stays: FloatArray
    calls: Mapping[str, int]

    def save(self, path: str | Path) -> None:
        """Write it to a file.

        Raises
        ------
        StorageError
            When it cannot be written.
        """
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        try:
            with Path(path).open("wb") as file:
                np.savez(file, calls=np.array(json.dumps(dict(self.calls))), **arrays)
        except OSError as error:
            raise StorageError(
                f"{path} cannot be written: {error.strerror}; make room or choose another folder"
            ) from error

    @classmethod
    def load(cls, path: str | Path) -> WalkPart:
        """Read it from a file.

        Raises
        ------
        StorageError
            When there is none, or it is damaged.
        """
        try:
            with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as kept:
                return cls(**{name: kept[name] for name in _ARRAYS}, calls=json.loads(str(kept["calls"])))
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error}; run the load test again, or resume it") from error
        except (KeyError, ValueError, BadZipFile) as error:
            raise StorageError(f"{path} is damaged ({error}); resume the load test to write it anew") from error


_ARRAYS = ("family", "numbers", "times", "marks", "applications", "reasons", "visits", "stays")


class Book:
    """Collects visits and fates while a load test runs.

    Parameters
    ----------
    marks
        How many events families can be marked with.
    """

    def __init__(self, marks: int) -> None:
        self._marks = marks
        self._visits, self._stays = array("q"), array("d")
        self._family, self._numbers, self._times, self._marked = array("q"), array("q"), array("d"), array("d")
        self._applications: list[str] = []
        self._reasons: list[str] = []
        self.calls: Counter[tuple[str, str, str]] = Counter()
        """How often each call ended how, and why."""

    def visit(self, walk: Walk, visit: Visit) -> None:
        """Write a visit down."""
        attempt, step, enter, start, leave, ended = visit
        self._visits.extend((walk.family, attempt, step, ended))
        self._stays.extend((enter, start, leave))

    def fate(self, walk: Walk) -> None:
        """Write down what became of a family, or where it is at the end."""
        self._family.append(walk.family)
        self._numbers.extend((walk.first_channel, walk.channel, walk.trips, walk.outcome, walk.rounds))
        self._times.extend((walk.effort_s, math.nan if walk.finished is None else walk.finished))
        self._marked.extend(walk.marks.get(mark, math.nan) for mark in range(self._marks))
        self._applications.append(walk.stands)
        self._reasons.append(walk.reason)

    def open_review(self, walk: Walk) -> None:
        """Write down the round of review that is open at the end."""
        if walk.intake is not None:
            attempt, step, entered = walk.intake
            self.visit(walk, (attempt, step, entered, entered, math.nan, _INSIDE))

    def part(self) -> WalkPart:
        """Give what is in the book."""
        return WalkPart(
            family=np.array(self._family, dtype=np.int64),
            numbers=np.array(self._numbers, dtype=np.int64).reshape(-1, 5),
            times=np.array(self._times, dtype=np.float64).reshape(-1, 2),
            marks=np.array(self._marked, dtype=np.float64).reshape(len(self._family), self._marks),
            applications=np.array(self._applications, dtype=np.str_),
            reasons=np.array(self._reasons, dtype=np.str_),
            visits=np.array(self._visits, dtype=np.int64).reshape(-1, 4),
            stays=np.array(self._stays, dtype=np.float64).reshape(-1, 3),
            calls=_said(self.calls),
        )


def _said(calls: Counter[tuple[str, str, str]]) -> dict[str, int]:
    said: dict[str, Any] = {" | ".join(filter(None, key)): count for key, count in sorted(calls.items())}
    return said
