"""The measures of one replication, kept in little room: an experiment may have ten thousand, of two thousand each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from canbao.arrays import FloatArray, IntArray

__all__ = ["Row", "Rows", "stacked"]


class Row(Mapping[str, float]):
    """Measures by name: an array, and the places of names, which all replications with the same names share."""

    __slots__ = ("numbers", "places")

    def __init__(self, places: Mapping[str, int], values: FloatArray) -> None:
        self.places = places
        self.numbers = values

    def __getitem__(self, name: str) -> float:
        return float(self.numbers[self.places[name]])

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


class Rows:
    """Makes rows that share the places of their names."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], dict[str, int]] = {}

    def row(self, measures: Mapping[str, float]) -> Row:
        """Give measures as a row."""
        names = tuple(measures)
        places = self._known.setdefault(names, {})
        if not places:
            places.update((name, number) for number, name in enumerate(names))
        return Row(places, np.array(list(measures.values()), dtype=np.float64))


def stacked(rows: Sequence[Mapping[str, float]], names: Sequence[str], absent: FloatArray) -> FloatArray:
    """Give measures of some rows as an array, shape (rows, names); `absent` stands where a row has no such name."""
    found = np.empty((len(rows), len(names)))
    known: dict[int, IntArray] = {}
    for number, row in enumerate(rows):
        if isinstance(row, Row):
            if id(row.places) not in known:
                known[id(row.places)] = np.array([row.places.get(name, -1) for name in names], dtype=np.int64)
            place = known[id(row.places)]
            found[number] = np.where(place >= 0, row.numbers[place], absent) if len(row) else absent
        else:
            found[number] = [row.get(name, gap) for name, gap in zip(names, absent.tolist(), strict=True)]
    return found
