"""Stations of a summary, hour by hour, and which of them a planner should see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["StationHours", "busiest_day", "daily", "most_telling", "stations_of"]


@dataclass(frozen=True)
class StationHours:
    """One station with limited staff, hour by hour; sequences have one element an hour of the horizon."""

    name: str
    group: str
    arrivals: Sequence[float]
    waiting: Sequence[float]
    busy: Sequence[float]
    staff: Sequence[float]
    service_h: float | None
    """Mean time that a server was busy with one visit, in hours; None if no service began."""
    wait_hours: float
    utilisation: float
    longest_queue: float
    longest_queue_at: str

    def capacity(self, hours: slice) -> float | None:
        """Give how many visits the staff of these hours can serve: its hours by the mean time of one visit."""
        return None if self.service_h is None else sum(self.staff[hours]) / self.service_h


def stations_of(summary: Mapping[str, Any]) -> list[StationHours]:
    """Give the stations with limited staff, in the summary's order."""
    found = []
    hours = summary.get("hours") or {}
    for station in summary.get("stations") or ():
        series = hours.get(station["name"])
        if series and series["staff"] and station["staffed_hours"]:
            found.append(_station(station, series))
    return found


def _station(station: Mapping[str, Any], series: Mapping[str, Any]) -> StationHours:
    timed = station["starts"] > 0 and station["busy_hours"] > 0
    return StationHours(
        name=station["name"],
        group=series["group"],
        arrivals=series["arrivals"],
        waiting=series["waiting"],
        busy=series["busy"],
        staff=series["staff"],
        service_h=station["busy_hours"] / station["starts"] if timed else None,
        wait_hours=station["wait_hours"],
        utilisation=station["utilisation"] or 0.0,
        longest_queue=station["longest_queue"],
        longest_queue_at=station["longest_queue_at"],
    )


def daily(values: Sequence[float], days: int) -> list[float]:
    """Sum hours into days."""
    return [sum(values[24 * day : 24 * day + 24]) for day in range(days)]


def busiest_day(station: StationHours, days: int) -> int:
    """Give the index of the day on which most came, the first of equals."""
    arrivals = daily(station.arrivals, days)
    return arrivals.index(max(arrivals))


def most_telling(stations: Sequence[StationHours], most: int) -> list[StationHours]:
    """Choose the stations where waiting is worst: first the worst of each group, so that the review hides no channel.

    Stations without a single hour of waiting are left out; those chosen stand by their hours of waiting.
    """
    ranked = sorted((s for s in stations if s.wait_hours > 0), key=lambda s: (-s.wait_hours, s.name))
    groups: dict[str, StationHours] = {}
    for station in ranked:
        groups.setdefault(station.group, station)
    firsts = list(groups.values())
    chosen = {station.name for station in [*firsts, *(s for s in ranked if s not in firsts)][:most]}
    return [station for station in ranked if station.name in chosen]
