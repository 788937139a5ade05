"""Columns: one value for each family, as arrays; words are stored once and referred to by number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from canbao.arrays import AnyArray, BoolArray, np
from canbao.errors import NetworkError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Coded", "Column", "numbers_of"]


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
        return np.isin(self.codes, [self.labels.index(label) for label in labels])


Column: TypeAlias = "AnyArray | Coded"


def numbers_of(column: Column) -> AnyArray:
    """Give the numbers behind a column: the codes of words, or the column itself."""
    return column.codes if isinstance(column, Coded) else column
