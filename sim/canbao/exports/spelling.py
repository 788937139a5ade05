"""How values stand in exported files: the same text in XML and in CSV."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from canbao.arrays import AnyArray, FloatArray
from canbao.columns import Coded, Column

__all__ = ["looked_up", "spelled", "stamps"]

_OFFSET = "+08:00"
"""Local time is that of Asia/Shanghai, where no clock was changed since 1991."""


def stamps(times: FloatArray, start: dt.date) -> list[str]:
    """Write moments as ISO 8601 in local time, `2025-09-01T08:30:00.250+08:00`; nothing for nan.

    Parameters
    ----------
    times
        Seconds since the first midnight of the horizon.
    start
        The first date of the horizon.
    """
    known = ~np.isnan(times)
    milliseconds = np.rint(np.where(known, times, 0.0) * 1000.0).astype("timedelta64[ms]")
    texts = np.datetime_as_string(np.datetime64(start, "ms") + milliseconds).tolist()
    return [text + _OFFSET if there else "" for text, there in zip(texts, known.tolist(), strict=True)]


def spelled(column: Column) -> tuple[tuple[str, ...], AnyArray]:
    """Give the distinct texts of a column, and for each row which of them is its own; nothing is written for nan."""
    if isinstance(column, Coded):
        return column.labels, column.codes
    values, place = np.unique(column, return_inverse=True)
    return tuple(_plain(value) for value in values.tolist()), place


def _plain(value: Any) -> str:
    """Write a value as XML Schema does: `true`, `3`, `400.0`, `INF`."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if math.isnan(value) else repr(value).replace("inf", "INF")


def looked_up(texts: Iterable[str]) -> AnyArray:
    """Give texts to be looked up by code; the code -1 gives an empty one."""
    found = [*texts, ""]
    array = np.empty(len(found), dtype=object)
    array[:] = found
    return array
