"""Which server served which visit: a trace does not say, but one that could be true follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

import numpy as np

from canbao.arrays import AnyArray, FloatArray

__all__ = ["server_numbers"]


def server_numbers(station: AnyArray, start: FloatArray, leave: FloatArray) -> AnyArray:
    """Give each service a server: numbers from 1 at each station, so that no two services of one overlap.

    The free server with the smallest number takes the next family, so that a station has as many numbers as were ever
    at work at the same time. A server that ends at some moment can begin anew at that moment.

    Parameters
    ----------
    station
        The station of each service: whole numbers, shape (services,).
    start, leave
        When it began, and when it ended, which is later; nan where it was not over at the end of the horizon.
    """
    numbers = np.zeros(len(station), dtype=np.int64)
    ends = np.where(np.isnan(leave), np.inf, leave)
    for code in np.unique(station).tolist():
        mine = np.flatnonzero(station == code)
        mine = mine[np.argsort(start[mine], kind="stable")]
        numbers[mine] = list(_numbered(zip(start[mine].tolist(), ends[mine].tolist(), strict=True)))
    return numbers


def _numbered(services: Iterable[tuple[float, float]]) -> Iterator[int]:
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    for start, end in services:
        while busy and busy[0][0] <= start:
            heappush(free, heappop(busy)[1])
        # Where nobody is free, the numbers at work are the first ones.
        number = heappop(free) if free else len(busy) + 1
        heappush(busy, (end, number))
        yield number
