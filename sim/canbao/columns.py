"""Columns: one value for each family, as arrays; words are stored once and referred to by number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from canbao.arrays import AnyArray, BoolArray, IntArray, np
from canbao.errors import NetworkError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Coded", "Column", "Groups", "numbers_of", "small_codes"]


@dataclass(frozen=True, eq=False)
class Groups:
    """The rows of each group.

    Parameters
    ----------
    labels
        The words of the groups.
    order
        The rows group by group, and inside a group as they stand, shape (rows,).
    bounds
        Where each group begins in `order`, and where the last one ends, shape (groups + 1,).
    """

    labels: tuple[str, ...]
    order: IntArray
    bounds: IntArray

    @cached_property
    def counts(self) -> IntArray:
        """How many rows each group has, shape (groups,)."""
        return np.diff(self.bounds)

    @cached_property
    def present(self) -> list[int]:
        """The codes of the groups that have any rows."""
        found: list[int] = np.flatnonzero(self.counts).tolist()
        return found

    def rows(self, code: int) -> IntArray:
        """Give the rows of one group, as they stand in the table."""
        return self.order[self.bounds[code] : self.bounds[code + 1]]

    def split(self, values: AnyArray) -> dict[str, AnyArray]:
        """Give the values of each group that has any rows; `values` has one element a row."""
        ordered = values[self.order]
        return {self.labels[code]: ordered[self.bounds[code] : self.bounds[code + 1]] for code in self.present}


@dataclass(frozen=True, eq=False)
class Coded:
    """A column of words: `labels[codes[i]]` is the word of family i.

    Parameters
    ----------
    codes
        Whole numbers, shape (families,).
    labels
        The words, each once.
    """

    codes: NDArray[np.integer[Any]]
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.labels)) < len(self.labels):
            twice = next(label for label in self.labels if self.labels.count(label) > 1)
            raise NetworkError(f"the label {twice!r} stands twice among the labels of a column")
        if len(self.codes) and not 0 <= int(self.codes.min()) <= int(self.codes.max()) < len(self.labels):
            raise NetworkError(
                f"codes run from {self.codes.min()} to {self.codes.max()}, but there are {len(self.labels)} labels"
            )

    def __len__(self) -> int:
        return len(self.codes)

    def words(self) -> list[str]:
        """Give the word of each family, as a list."""
        return [self.labels[code] for code in self.codes]

    def take(self, index: AnyArray) -> Coded:
        """Give the column of some of the families, by their indices or by a mask."""
        return Coded(self.codes[index], self.labels)

    def has(self, *labels: str) -> BoolArray:
        """Tell for each family whether its word is one of these; a word that is no label is an error."""
        unknown = [label for label in labels if label not in self.labels]
        if unknown:
            raise NetworkError(f"{unknown[0]!r} is not one of the labels {', '.join(self.labels)}")
        wanted = np.array([label in labels for label in self.labels] or [False])
        return np.asarray(wanted[self.codes])

    @cached_property
    def groups(self) -> Groups:
        """The rows of each word; they are sorted once, and then each group's rows lie together."""
        counts = np.bincount(self.codes, minlength=len(self.labels))
        bounds = np.concatenate([[0], np.cumsum(counts)])
        return Groups(self.labels, np.argsort(small_codes(self), kind="stable"), bounds)


def small_codes(column: Coded) -> AnyArray:
    """Give the codes of a column in as few bits as sort fast: numpy sorts numbers of 16 bits without comparing them."""
    return column.codes.astype(np.int16 if len(column.labels) <= np.iinfo(np.int16).max else np.int64, copy=False)


Column: TypeAlias = "AnyArray | Coded"


def numbers_of(column: Column) -> AnyArray:
    """Give the numbers behind a column: the codes of words, or the column itself."""
    return column.codes if isinstance(column, Coded) else column
