"""The charts of a run, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from canbao.languages import ENGLISH, Language
from canbao.report.charts.axes import Frame, frame_of
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.charts.demand import arrivals_by_day, arrivals_by_hour
from canbao.report.charts.equity import equity_charts
from canbao.report.charts.failures import failure_charts
from canbao.report.charts.families import family_charts
from canbao.report.charts.money import money_charts
from canbao.report.charts.queues import queue_by_hour, utilisation_by_week
from canbao.report.charts.review import review_charts
from canbao.report.charts.stations import most_telling, stations_of
from canbao.report.charts.waits import waits_charts
from canbao.report.loads.charts import load_charts

__all__ = ["NARROW", "WIDE", "Chart", "Key", "Table", "charts"]

WIDE, NARROW = 900, 350
"""Widths of charts in pixels: for a screen or paper, and for a telephone."""

_STATIONS_BY_DAY, _STATIONS_BY_HOUR, _HEAT_MAPS = 3, 2, 3
"""How many stations are drawn, those with most waiting first; the table of stations has all of them."""


def charts(summary: Mapping[str, Any], width: int = WIDE, language: Language = ENGLISH) -> list[Chart]:
    """Give the charts that a summary has data for, in reading order, for one width in pixels and in one language."""
    frame = frame_of(summary, width, language)
    return [chart for part in _PARTS for chart in part(summary, frame)]


def _load(summary: Mapping[str, Any], frame: Frame) -> Iterator[Chart]:
    stations = stations_of(summary)
    # Where nobody waits, how close the staff comes to its limit is still worth a look.
    busiest = max(stations, key=lambda station: station.utilisation, default=None)
    telling = most_telling(stations, _STATIONS_BY_DAY) or ([busiest] if busiest else [])
    for station in telling:
        yield arrivals_by_day(station, frame)
    for station in most_telling(stations, _STATIONS_BY_HOUR) or telling:
        yield arrivals_by_hour(station, frame)
    if stations:
        yield utilisation_by_week(stations, frame)


def _queues(summary: Mapping[str, Any], frame: Frame) -> Iterator[Chart]:
    queued = [station for station in stations_of(summary) if station.longest_queue >= 1]
    for station in most_telling(queued, _HEAT_MAPS):
        yield queue_by_hour(station, frame)


_PARTS: tuple[Callable[[Mapping[str, Any], Frame], Iterator[Chart]], ...] = (
    load_charts,
    _load,
    _queues,
    waits_charts,
    review_charts,
    family_charts,
    failure_charts,
    equity_charts,
    money_charts,
)
"""Who draws, in reading order: of a summary that does not have the data, nothing."""
