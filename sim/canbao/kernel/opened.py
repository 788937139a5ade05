"""The functions of `canbao.kernel.opening`, compiled; they stay plain Python for calendars."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any

from numba.extending import overload, register_jitable

from canbao.kernel import opening
from canbao.kernel.opening import add_days, add_open_s, is_open, moment_in

__all__ = ["add_days", "add_open_s", "is_open", "moment_in"]


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
