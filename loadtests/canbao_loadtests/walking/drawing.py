"""The luck of the families that walk: the same numbers as an engine draws, for them alone."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import numpy as np

from canbao.arrays import FloatArray, IntArray
from canbao.luck import Luck
from canbao.plan import Draw

__all__ = ["Drawn", "draw_of"]

_BLOCK = 1024
"""Families whose later attempts are drawn together: numpy takes as long for one as for all of them."""


def draw_of(draw: Draw, luck: Luck, families: IntArray, attempt: int) -> FloatArray:
    """Give the values of some families at one attempt, shape (families,): the same bits as `Draw.values` gives them."""
    column = None if draw.column is None else draw.column[families]
    if draw.distribution is None:
        return np.full(len(families), draw.value) if column is None else np.asarray(column, dtype=np.float64)
    uniforms = luck.uniforms_of(draw.purpose, families, np.full(len(families), attempt))
    sample = np.asarray(draw.distribution.ppf(uniforms), dtype=np.float64)
    return sample if column is None else sample * column


class Drawn:
    """Draws of some families: first attempts of all of them in advance, later ones for some neighbours at a time.

    Parameters
    ----------
    luck
        All the luck of the seed.
    families
        Their indices in the population.
    draws
        What is drawn in advance; whatever else is asked for is drawn when it is.
    """

    def __init__(self, luck: Luck, families: Sequence[int] | IntArray, draws: Iterable[Draw] = ()) -> None:
        self._luck = luck
        self._families = np.asarray(families, dtype=np.int64)
        self._place = {family: place for place, family in enumerate(self._families.tolist())}
        self._firsts: dict[Draw, array[float]] = {}
        self._later: dict[tuple[Draw, int, int], array[float]] = {}
        for draw in draws:
            if not draw.constant:
                self._first(draw)

    def value(self, draw: Draw, family: int, attempt: int) -> float:
        """Give the value of a family at an attempt."""
        if draw.distribution is None:
            if draw.column is None:
                return draw.value
            attempt = 0
        place = self._place[family]
        if attempt == 0:
            return (self._firsts.get(draw) or self._first(draw))[place]
        return self._later_value(draw, place, attempt)

    def _first(self, draw: Draw) -> array[float]:
        values = self._firsts[draw] = self._drawn(draw, self._families, 0)
        return values

    def _later_value(self, draw: Draw, place: int, attempt: int) -> float:
        block, number = divmod(place, _BLOCK)
        values = self._later.get((draw, attempt, block))
        if values is None:
            some = self._families[block * _BLOCK : (block + 1) * _BLOCK]
            values = self._later[draw, attempt, block] = self._drawn(draw, some, attempt)
        return values[number]

    def _drawn(self, draw: Draw, families: IntArray, attempt: int) -> array[float]:
        return array("d", draw_of(draw, self._luck, families, attempt).tobytes())
