"""Series of a trace in the order of time: waits, stays, and how many are inside. What steady state is found in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from canbao.arrays import AnyArray, BoolArray, FloatArray
from canbao.columns import Coded
from canbao.errors import InputError
from canbao.trace import Trace

__all__ = ["Inside", "Series", "Stays", "Waits"]

_JOINED = ("served", "abandoned", "inside")


class Series(Protocol):
    """Gives numbers in the order of time."""

    def __call__(self, trace: Trace, /) -> FloatArray:
        """Give the series of one run, shape (n,), finite."""
        ...


@dataclass(frozen=True)
class Waits:
    """Waits at a station in the order in which families joined its queue; who gives up has waited until then."""

    station: str

    def __call__(self, trace: Trace) -> FloatArray:
        """Give one wait for each family, up to the first that was still waiting at the end."""
        enter, start, leave = _joined(trace, self.station)
        return _until_unfinished(np.where(np.isnan(start), leave, start) - enter)


@dataclass(frozen=True)
class Stays:
    """Times at a station, from joining to leaving, in the order in which families joined."""

    station: str

    def __call__(self, trace: Trace) -> FloatArray:
        """Give one stay for each family, up to the first that was still there at the end."""
        enter, _, leave = _joined(trace, self.station)
        return _until_unfinished(leave - enter)


@dataclass(frozen=True)
class Inside:
    """How many are inside a station, queue and service, averaged over pieces of time."""

    station: str
    every: float
    """The length of a piece, in the network's unit of time."""

    def __call__(self, trace: Trace) -> FloatArray:
        """Give one average for each whole piece of the horizon."""
        enter, _, leave = _joined(trace, self.station)
        left: FloatArray = np.where(np.isnan(leave), trace.until, leave)
        edges: FloatArray = np.arange(int(trace.until / self.every) + 1, dtype=np.float64) * self.every
        # Time spent inside up to t is Σ (t - enter)⁺ - Σ (t - leave)⁺.
        spent = _time_since(enter, edges) - _time_since(left, edges)
        return np.asarray(np.diff(spent) / self.every)


def _time_since(moments: FloatArray, edges: FloatArray) -> FloatArray:
    """Give Σ max(0, t - moment) for each edge t."""
    rising = np.sort(moments)
    sums = np.concatenate([[0.0], np.cumsum(rising)])
    before = np.searchsorted(rising, edges)
    return np.asarray(before * edges - sums[before])


def _joined(trace: Trace, station: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give enter, start and leave of the visits that joined a queue, in the order in which they did."""
    visits = trace.visits
    here = _has(visits["station"], station) & _has(visits["ended"], *_JOINED)
    enter, start, leave = (_numbers(visits[name])[here] for name in ("enter", "start", "leave"))
    order = np.argsort(enter, kind="stable")
    return enter[order], start[order], leave[order]


def _has(words: AnyArray | Coded, *labels: str) -> BoolArray:
    if not isinstance(words, Coded):
        raise TypeError("a column of words was expected")
    unknown = [label for label in labels if label not in words.labels]
    if unknown:
        raise InputError(f"the network has no station {unknown[0]!r}; it has: {', '.join(words.labels)}")
    return words.has(*labels)


def _numbers(column: AnyArray | Coded) -> FloatArray:
    return np.asarray(column, dtype=np.float64)


def _until_unfinished(series: FloatArray) -> FloatArray:
    """Cut a series at its first nan: those behind it who are finished would be the quick ones only."""
    unfinished = np.flatnonzero(np.isnan(series))
    return series[: unfinished[0]] if len(unfinished) else series
