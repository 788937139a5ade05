"""Open time: plain Python for calendars, and the same functions compiled."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any

from numba.extending import overload, register_jitable

from canbao.kernel import opening

__all__: list[str] = []


@overload(bisect_right)
def _bisect_right(numbers: Any, x: float, low: int, high: int) -> Callable[..., int]:
    def search(numbers: Any, x: float, low: int, high: int) -> int:
        while low < high:
            middle = (low + high) >> 1
            if x < numbers[middle]:
                high = middle
            else:
                low = middle + 1
        return low

    return search


@overload(bisect_left)
def _bisect_left(numbers: Any, x: float, low: int, high: int) -> Callable[..., int]:
    def search(numbers: Any, x: float, low: int, high: int) -> int:
        while low < high:
            middle = (low + high) >> 1
            if numbers[middle] < x:
                low = middle + 1
            else:
                high = middle
        return low

    return search


for _function in (
    opening.is_open,
    opening.day_of,
    opening.open_s_by,
    opening.add_open_s,
    opening.add_days,
    opening.moment_in,
    opening.working_day_clock,
    opening.moment_of_day,
    opening.first_moment,
    opening.open_moment,
    opening._between,
):
    register_jitable(_function)
