"""When which family comes: drawn before the load starts, stored, and then kept to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from canbao.arrays import FloatArray, IntArray
from canbao.errors import InputError, StorageError
from canbao.runs.tables import numbers_in
from canbao.trace import arrow_table

__all__ = ["SCHEDULE", "Schedule"]

SCHEDULE = "schedule.parquet"
"""What the schedule is called in the folder of a run."""


@dataclass(frozen=True, eq=False)
class Schedule:
    """The arrivals of a load test.

    Parameters
    ----------
    families
        Who comes, an index into the plan's families, shape (arrivals,).
    moments
        When, in seconds since the first midnight of the horizon, rising, shape (arrivals,).

    Raises
    ------
    InputError
        When the two differ in length, or the moments do not rise or are no numbers.
    """

    families: IntArray
    moments: FloatArray

    def __post_init__(self) -> None:
        if self.families.shape != self.moments.shape or self.moments.ndim != 1:
            raise InputError(
                f"a schedule needs a moment for each family, given {self.families.shape} and {self.moments.shape}"
            )
        wrong = np.flatnonzero(~(np.diff(self.moments) >= 0.0))
        if wrong.size or not np.isfinite(self.moments).all():
            where = int(wrong[0]) + 1 if wrong.size else int(np.flatnonzero(~np.isfinite(self.moments))[0])
            raise InputError(
                f"moments of a schedule must be numbers that rise, but number {where} is {self.moments[where]}"
            )

    @classmethod
    def of(cls, families: ArrayLike, moments: ArrayLike) -> Schedule:
        """Make a schedule of arrivals in any order; those at one moment get the order of their families."""
        who, when = np.asarray(families, dtype=np.int64), np.asarray(moments, dtype=np.float64)
        order = np.lexsort((who, when))
        return cls(who[order], when[order])

    def __len__(self) -> int:
        return len(self.families)

    @property
    def digest(self) -> str:
        """The SHA-256 of families and moments, the same on every machine."""
        content = (
            np.ascontiguousarray(self.families, "<i8").tobytes() + np.ascontiguousarray(self.moments, "<f8").tobytes()
        )
        return hashlib.sha256(content).hexdigest()

    def stripe(self, part: int, parts: int) -> Schedule:
        """Give every `parts`-th arrival from number `part` on; the stripes of 0 to `parts` - 1 make up the whole."""
        if not 0 <= part < parts:
            raise InputError(f"a stripe is one of 0 to {parts - 1}, given {part}")
        return Schedule(self.families[part::parts], self.moments[part::parts])

    def between(self, start_s: float, end_s: float) -> Schedule:
        """Give the arrivals from one moment to just before another."""
        first, last = np.searchsorted(self.moments, [start_s, end_s])
        return Schedule(self.families[first:last], self.moments[first:last])

    def without(self, families: Sequence[int]) -> Schedule:
        """Leave some families out, as those that have been here before."""
        stay = ~np.isin(self.families, np.asarray(families, dtype=np.int64))
        return Schedule(self.families[stay], self.moments[stay])

    def save(self, path: Path) -> None:
        """Write it as a Parquet file."""
        import pyarrow.parquet as pq

        pq.write_table(arrow_table({"family": self.families, "moment": self.moments}), path)

    @classmethod
    def load(cls, path: Path) -> Schedule:
        """Read a schedule.

        Raises
        ------
        StorageError
            When the file is missing or is no schedule.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(path) as file:
                table = file.read()
            families, moments = (numbers_in(table[name].combine_chunks()) for name in ("family", "moment"))
            return cls(families.astype(np.int64, copy=False), moments.astype(np.float64, copy=False))
        except (OSError, KeyError, pa.ArrowException, InputError) as error:
            raise StorageError(f"{path} is no schedule of arrivals ({error}); start the load test anew") from error
