"""The charts of a run, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from canbao.report.charts.axes import days_of
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.charts.demand import arrivals_by_day, arrivals_by_hour
from canbao.report.charts.families import family_charts
from canbao.report.charts.queues import queue_by_hour, utilisation_by_week
from canbao.report.charts.review import review_charts
from canbao.report.charts.stations import most_telling, stations_of
from canbao.report.charts.waits import waits_charts

__all__ = ["NARROW", "WIDE", "Chart", "Key", "Table", "charts"]

WIDE, NARROW = 900, 350
"""Widths of charts in pixels: for a screen or paper, and for a telephone."""

_STATIONS_BY_DAY, _STATIONS_BY_HOUR, _HEAT_MAPS = 3, 2, 3
"""How many stations are drawn, those with most waiting first; the table of stations has all of them."""


def charts(summary: Mapping[str, Any], width: int = WIDE) -> list[Chart]:
    """Give the charts that a summary has data for, in reading order, for one width in pixels."""
    days = days_of(summary, width)
    stations = stations_of(summary)
    # Where nobody waits, how close the staff comes to its limit is still worth a look.
    busiest = max(stations, key=lambda station: station.utilisation, default=None)
    telling = most_telling(stations, _STATIONS_BY_DAY) or ([busiest] if busiest else [])
    by_hour = most_telling(stations, _STATIONS_BY_HOUR) or telling
    found = [arrivals_by_day(station, days) for station in telling]
    found += [arrivals_by_hour(station, days) for station in by_hour]
    if stations:
        found.append(utilisation_by_week(stations, days))
    queued = [station for station in stations if station.longest_queue >= 1]
    found += [queue_by_hour(station, days) for station in most_telling(queued, _HEAT_MAPS)]
    found += waits_charts(summary, days)
    found += review_charts(summary, days)
    found += family_charts(summary, days)
    return found
