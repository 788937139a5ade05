"""The arrays of a tuple as machine code sees them: one pointer, behind which the addresses of all arrays stand.

A tuple of forty arrays would travel as three hundred numbers in every call: with it the kernel took two minutes to
compile and ran no faster than Python. A `Handle` travels as one, and `w.slots` means the same as for a `World`.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from canbao.arrays import IntArray
from canbao.kernel.state import LAYOUT, WIDE, World

__all__ = ["JIT", "LAYOUTS", "WORDS", "Handle", "Layout", "fetch", "handle"]

JIT = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
"""Whether there is machine code at all; NUMBA_DISABLE_JIT=1 leaves functions as they are, for coverage."""

Layout = dict[str, tuple[np.dtype[Any], int]]
"""The element and the number of dimensions of each array of a tuple."""

LAYOUTS: dict[type, Layout] = {World: LAYOUT}
"""All kinds of tuples of which there are handles."""

_MOST_DIMENSIONS = 3
WORDS = 1 + _MOST_DIMENSIONS
"""What stands for each array: its address and its shape."""


class Handle:
    """The addresses and shapes of the arrays of a tuple, which it keeps alive.

    Parameters
    ----------
    arrays
        A NamedTuple of arrays, of a kind that is in `LAYOUTS`.
    before
        The handle of a tuple of which most arrays are the same: to look at all forty again took longer than what the
        kernel did between two calls.
    """

    def __init__(self, arrays: Any, before: Handle | None = None) -> None:
        layout = LAYOUTS[type(arrays)]
        self.arrays = arrays
        self.table: IntArray = np.zeros((len(layout), WORDS), dtype=np.int64) if before is None else before.table
        for number, (name, array) in enumerate(zip(layout, arrays, strict=True)):
            if before is None or array is not before.arrays[number]:
                self.table[number] = _words(name, array, *layout[name])
        self.address = self.table.ctypes.data
        self.wide = isinstance(arrays, World) and arrays.counts.dtype == WIDE


def handle(arrays: Any, before: Any = None) -> Any:
    """Give what the functions of the kernel take: a handle for machine code, or the tuple itself for Python."""
    return Handle(arrays, before) if JIT else arrays


def _words(name: str, array: Any, kind: np.dtype[Any], dimensions: int) -> list[int]:
    """Give the address and the shape of an array, after a look at whether it is what the kernel takes it for."""
    kinds = (kind, WIDE) if name == "counts" else (kind,)
    fits = array.dtype in kinds and array.ndim == dimensions and array.flags.c_contiguous
    assert fits, f"{name}: {array.dtype}, {array.ndim} dimensions, where {kind}, {dimensions} are expected"
    return [array.ctypes.data, *array.shape, *(0,) * (_MOST_DIMENSIONS - dimensions)]


def fetch(array: Any, index: Any) -> None:
    """Have an element brought from memory while other things are done; it is there when it is needed."""
