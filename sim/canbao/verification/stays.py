"""Stays: when somebody came, began and left, and what can be measured of them in a window of time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from canbao.arrays import FloatArray
from canbao.trace import Trace

__all__ = [
    "FAMILIES",
    "Measure",
    "Stays",
    "StaysByName",
    "Window",
    "leaving_rate",
    "lost_rate",
    "mean_number",
    "mean_queue",
    "mean_time",
    "mean_wait",
    "number_at",
    "occupancy",
    "share_at_least",
    "share_longer",
    "share_lost",
    "share_waiting",
    "share_within",
    "stays_of",
    "visits_for_each",
]

FAMILIES = "families"
"""The name of the stays of families in the network as a whole."""


@dataclass(frozen=True)
class Stays:
    """Stays of one kind, one after the other, in any order.

    Parameters
    ----------
    enter
        When each began, shape (stays,).
    start
        When its service began, nan if never.
    leave
        When it ended, inf if it had not ended.
    """

    enter: FloatArray
    start: FloatArray
    leave: FloatArray

    def entering(self, window: Window) -> Stays:
        """Give the stays that begin inside the window."""
        inside = (self.enter >= window[0]) & (self.enter < window[1])
        return Stays(self.enter[inside], self.start[inside], self.leave[inside])

    @property
    def waits(self) -> FloatArray:
        """How long each waited, for its service or until it gave up."""
        return np.where(np.isnan(self.start), self.leave, self.start) - self.enter


Window = tuple[float, float]
"""From a moment (after the warm-up) until just before another."""
StaysByName = Mapping[str, Stays]
Measure = Callable[[StaysByName, Window], float]
"""One number of a run."""


def stays_of(trace: Trace) -> dict[str, Stays]:
    """Give the stays at each step of a trace (`journey/step`), and those in the network as a whole."""
    visits, families = trace.visits, trace.families
    steps = visits["step"]
    columns = [np.asarray(visits[name]) for name in ("enter", "start", "leave")]
    stays = {}
    for code in np.unique(steps.codes):  # type: ignore[union-attr]
        here = steps.codes == code  # type: ignore[union-attr]
        enter, start, leave = (column[here] for column in columns)
        stays[steps.labels[code]] = Stays(enter, start, _ended(leave))  # type: ignore[union-attr]
    arrival = np.asarray(families["arrival"])
    stays[FAMILIES] = Stays(arrival, arrival, _ended(np.asarray(families["finished"])))
    return stays


def _ended(leave: FloatArray) -> FloatArray:
    return np.where(np.isnan(leave), math.inf, leave)


# --- of those who come in the window ----------------------------------------------------------------------------------


def _of_entering(name: str, function: Callable[[Stays], float]) -> Measure:
    return lambda stays, window: function(stays[name].entering(window))


def mean_wait(name: str) -> Measure:
    """Measure the mean wait of all who were let in, those who gave up included."""
    return _of_entering(name, lambda s: float(np.mean(s.waits[~np.isnan(s.start) | (s.leave > s.enter)])))


def mean_time(name: str) -> Measure:
    """Measure the mean time from coming to leaving."""
    return _of_entering(name, lambda s: float(np.mean(s.leave - s.enter)))


def share_waiting(name: str) -> Measure:
    """Measure the share that is not served at once."""
    return _of_entering(name, lambda s: float(np.mean(s.start != s.enter)))


def share_within(name: str, limit: float) -> Measure:
    """Measure the share that waits less than `limit`."""
    return _of_entering(name, lambda s: float(np.mean(s.waits < limit)))


def share_longer(name: str, limit: float) -> Measure:
    """Measure the share whose time from coming to leaving is more than `limit`."""
    return _of_entering(name, lambda s: float(np.mean(s.leave - s.enter > limit)))


def share_lost(name: str) -> Measure:
    """Measure the share that is never served."""
    return _of_entering(name, lambda s: float(np.mean(np.isnan(s.start))))


def lost_rate(name: str) -> Measure:
    """Measure how many a unit of time are never served."""
    return lambda stays, window: float(np.isnan(stays[name].entering(window).start).sum() / (window[1] - window[0]))


def visits_for_each(name: str) -> Measure:
    """Measure how many visits there are for each family that comes."""
    return lambda stays, window: len(stays[name].entering(window).enter) / len(stays[FAMILIES].entering(window).enter)


def leaving_rate(name: str) -> Measure:
    """Measure how many a unit of time leave."""

    def measure(stays: StaysByName, window: Window) -> float:
        leave = stays[name].leave
        return float(((leave >= window[0]) & (leave < window[1])).sum() / (window[1] - window[0]))

    return measure


# --- over the time of the window --------------------------------------------------------------------------------------


def _mean_over(start: FloatArray, end: FloatArray, window: Window) -> float:
    """Give the mean number of intervals that cover a moment of the window."""
    covered = np.clip(end, *window) - np.clip(start, *window)
    return float(covered.sum() / (window[1] - window[0]))


def mean_number(name: str) -> Measure:
    """Measure the mean number inside over time."""
    return lambda stays, window: _mean_over(stays[name].enter, stays[name].leave, window)


def mean_queue(name: str) -> Measure:
    """Measure the mean number waiting over time."""
    return lambda stays, window: _mean_over(stays[name].enter, stays[name].enter + stays[name].waits, window)


def occupancy(name: str, servers: float) -> Measure:
    """Measure the mean share of the servers that is busy over time."""

    def measure(stays: StaysByName, window: Window) -> float:
        here, served = stays[name], ~np.isnan(stays[name].start)
        return _mean_over(here.start[served], here.leave[served], window) / servers

    return measure


def share_at_least(name: str, number: int) -> Measure:
    """Measure the share of time with at least `number` inside."""
    return lambda stays, window: _time_at_least(stays[name], number, window) / (window[1] - window[0])


def _time_at_least(stays: Stays, number: int, window: Window) -> float:
    """Add up the time: between departure j and the next, `number` are inside once `j + number` have come."""
    came, left = np.sort(stays.enter), np.sort(stays.leave)
    if len(came) < number:
        return 0.0
    until = np.clip(left[: len(left) - number + 1], *window)
    since = np.clip(came[number - 1 :], *window)
    since[1:] = np.maximum(since[1:], until[:-1])
    return float(np.maximum(until - since, 0.0).sum())


def number_at(name: str, phase: float, cycle: float) -> Measure:
    """Measure the mean number inside at the moments `phase`, `phase + cycle`, ... of the window."""

    def measure(stays: StaysByName, window: Window) -> float:
        moments = np.arange(window[0] + phase, window[1], cycle)
        came = np.searchsorted(np.sort(stays[name].enter), moments, side="right")
        left = np.searchsorted(np.sort(stays[name].leave), moments, side="right")
        return float(np.mean(came - left))

    return measure
