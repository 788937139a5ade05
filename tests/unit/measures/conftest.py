"""Traces made by hand, so that every measure has an answer that can be worked out on paper."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from canbao.columns import Coded, Column
from canbao.trace import ENDINGS, Trace

Row = Mapping[str, Any]

_FAMILY = {
    "first_channel": "office",
    "last_channel": "",
    "trips": 0,
    "effort_s": 0.0,
    "outcome": "enrolled",
    "submitted": math.nan,
    "reviewed": math.nan,
    "finished": math.nan,
    "enrolled": None,
}


def coded(words: Sequence[str], *first: str) -> Coded:
    """Make a column of words; the labels begin with `first`."""
    labels = tuple(dict.fromkeys([*first, *words]))
    return Coded(np.array([labels.index(word) for word in words], dtype=np.int16), labels)


def _families(rows: Sequence[Row]) -> dict[str, Column]:
    full = [{**_FAMILY, **row, "family": row.get("family", number)} for number, row in enumerate(rows)]
    for row in full:
        row["last_channel"] = row["last_channel"] or row["first_channel"]
        if row["enrolled"] is None:  # as soon as it has finished well
            row["enrolled"] = np.nan_to_num(row["finished"]) if row["outcome"] == "enrolled" else math.nan
    channels = ("office", "portal", "none")
    words = {"first_channel": channels, "last_channel": channels, "outcome": ("enrolled", "inside")}
    names = dict.fromkeys(["family", "arrival", *_FAMILY, *(name for row in rows for name in row)])
    table: dict[str, Column] = {}
    for name in names:
        values = [row[name] for row in full]
        is_text = name in words or (bool(values) and isinstance(values[0], str))
        whole = name in ("family", "trips")
        table[name] = (
            coded(values, *words.get(name, ())) if is_text else np.array(values, dtype=int if whole else float)
        )
    return table


def _visits(rows: Sequence[Sequence[Any]], stations: Sequence[str]) -> dict[str, Column]:
    family, station, enter, start, leave, ended = zip(*rows, strict=True) if rows else ((),) * 6
    return {
        "family": np.array(family, dtype=np.int64),
        "attempt": np.zeros(len(rows), dtype=np.int64),
        "station": coded(station, *stations),
        "step": coded([f"step at {name}" for name in station]),
        "enter": np.array(enter, dtype=float),
        "start": np.array(start, dtype=float),
        "leave": np.array(leave, dtype=float),
        "ended": coded(ended, *ENDINGS),
    }


def _trace(
    families: Sequence[Row], visits: Sequence[Sequence[Any]] = (), *, until: float, stations: Mapping[str, str]
) -> Trace:
    count = len(stations)
    table: dict[str, Column] = {
        "station": coded(list(stations)),
        "group": coded(list(stations.values())),
        "busy_s": np.zeros(count),
        "staffed_s": np.zeros(count),
        "starts": np.zeros(count, dtype=np.int64),
    }
    return Trace(until, _families(families), _visits(visits, list(stations)), table)


@pytest.fixture(scope="session")
def by_hand() -> Callable[..., Trace]:
    """Give the maker of traces.

    It takes rows of families (what is not given is as in `_FAMILY`), rows of visits (family, station, enter, start,
    leave, how it ended), the end of the horizon, and the group of each station.
    """
    return _trace
