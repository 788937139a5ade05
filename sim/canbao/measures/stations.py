"""Stations described from their hours: how much each is used, where most is waited, and each hour for charts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from canbao.arrays import FloatArray
from canbao.calendar import Horizon
from canbao.measures.queues import HOUR_S, Occupancy, hour_edges
from canbao.measures.records import RECORDS
from canbao.measures.samples import share
from canbao.trace import Table

__all__ = ["bottleneck", "describe_station", "station_hours"]

_EQUAL = 1e-9
"""Queues of two hours that differ by a smaller share are equal: which is longer is a matter of rounding."""


def describe_station(hours: Occupancy, stations: Table, index: int, horizon: Horizon, until: float) -> dict[str, Any]:
    """Describe one station: utilisation from the server process and from visits, the queue at its longest.

    Parameters
    ----------
    hours
        The station hour by hour.
    stations
        The table of stations of a trace.
    index
        The station's row in it.
    horizon
        The dates of the run.
    until
        The moment at which it ended.
    """
    busy, staffed = (float(np.asarray(stations[name])[index]) for name in ("busy_s", "staffed_s"))
    visits_busy = float((hours.busy * np.diff(hour_edges(until))).sum())
    limited = math.isfinite(staffed) and staffed > 0
    longest = _first_of_most(hours.waiting)
    return {
        "name": hours.name,
        "group": hours.group,
        "starts": int(np.asarray(stations["starts"])[index]),
        "staffed_hours": staffed / HOUR_S if limited else None,
        "busy_hours": busy / HOUR_S,
        "utilisation": busy / staffed if limited else None,
        "utilisation_from_visits": visits_busy / staffed if limited else None,
        "longest_queue": float(hours.waiting[longest]),
        "longest_queue_at": str(horizon.moment(longest * HOUR_S)),
        "wait_hours": float(hours.wait_hours.sum()),
    }


def bottleneck(occupancy: Sequence[Occupancy], horizon: Horizon) -> dict[str, Any] | None:
    """Name the station at which most hours are waited while it is staffed, and its worst day and hour."""
    worst = max(occupancy, key=lambda hours: float(hours.wait_hours.sum()), default=None)
    if worst is None or worst.wait_hours.sum() <= 0:
        return None
    by_day = np.pad(worst.wait_hours, (0, horizon.days * 24 - len(worst.wait_hours))).reshape(horizon.days, 24)
    day = _first_of_most(by_day.sum(axis=1))
    hour = _first_of_most(by_day[day])
    at = day * 24 + hour
    everywhere = sum(float(hours.wait_hours.sum()) for hours in occupancy)
    return {
        "station": worst.name,
        "group": worst.group,
        "share_of_waiting": share(float(worst.wait_hours.sum()), everywhere),
        "date": str(horizon.date(day * 86_400.0)),
        "hour": hour,
        "waiting": float(worst.waiting[at]),
        "staff": float(worst.staff[at]) if math.isfinite(worst.staff[at]) else None,
        "arrivals_that_day": int(worst.arrivals[day * 24 : day * 24 + 24].sum()),
    }


def _first_of_most(values: FloatArray) -> int:
    """Give the place of the largest value, the first one where several are as large but for rounding."""
    most = float(values.max())
    return int(np.argmax(values >= most - _EQUAL * abs(most)))


def station_hours(occupancy: Sequence[Occupancy]) -> dict[str, Any]:
    """Give each station hour by hour, for charts; rounded, because a chart shows no more."""
    return {
        hours.name: {
            "group": hours.group,
            "arrivals": hours.arrivals.tolist(),
            "waiting": _rounded(hours.waiting),
            "busy": _rounded(hours.busy),
            "staff": None if np.isinf(hours.staff).any() else _rounded(hours.staff),
        }
        for hours in occupancy
        if hours.group not in RECORDS
    }


def _rounded(values: FloatArray) -> list[float]:
    # Whole numbers as such: most hours of a season are zeros.
    rounded = np.round(values, 2)
    said: list[float] = rounded.astype(np.int64).tolist()
    for place in np.flatnonzero(rounded % 1.0).tolist():
        said[place] = float(rounded[place])
    return said
