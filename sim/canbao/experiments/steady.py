"""Steady state of a network that goes on without end: warm-up, moving averages and an interval by batch means.

A season begins empty and ends at a deadline. Its beginning and its end are what one wants to know, so that there is no
warm-up to leave out and nothing steady to estimate; `steady_state` says so and refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from canbao.arrays import FloatArray
from canbao.errors import InputError
from canbao.experiments.models import NetworkModel
from canbao.experiments.series import Series
from canbao.experiments.terminating import reasons_to_end
from canbao.network import Network
from canbao.simulation import simulate
from canbao.statistics.intervals import Interval
from canbao.statistics.steady import BatchMeans, Truncation, batch_means, mser5, welch
from canbao.trace import Trace

__all__ = ["LongRun", "steady_state"]

_SMOOTH = 50
"""The moving average reaches a fiftieth of the series to each side."""


@dataclass(frozen=True)
class LongRun:
    """What a measure is like in the long run."""

    interval: Interval
    """By batch means over the runs, without the warm-up; no width is known where `settled` is false."""
    warmup: Truncation
    """By MSER-5 from the mean of the trial runs."""
    batches: BatchMeans
    """The means of the batches, and whether they pass for independent."""
    moving_average: FloatArray
    """Welch's plot: the moving average of the mean of the trial runs."""
    window: int
    """How far the moving average reaches to each side."""
    observations: int
    """Length of the series of one run."""

    @property
    def settled(self) -> bool:
        """Whether the series became steady in its first half; if not, run longer, or there is too much work."""
        return self.warmup.long_enough


def steady_state(  # noqa: PLR0913 - all but the first three by name
    network: Network,
    until: float,
    measures: Mapping[str, Series],
    *,
    replications: int = 5,
    batches: int = 10,
    level: float = 0.95,
    seed: int = 0,
    engine: str = "auto",
) -> dict[str, LongRun]:
    """Estimate what a network without end is like in the long run.

    The runs begin empty. Some trial runs say how much of the beginning to leave out, by MSER-5 over their mean (White,
    Cobb and Spratt 2000; the mean as in Hoad, Robinson and Davies 2010, Journal of the Operational Research Society
    61, 1389-1403). As many fresh runs
    are then cut into batches behind that warm-up, whose means give the interval. Fresh ones, because MSER-5 looks for
    the quietest end of a series: an interval from the very runs that chose the warm-up is too low and too sure.

    Parameters
    ----------
    network
        Constant rates and staffing, no opening hours, no dates.
    until
        The length of one run, in the network's unit of time. Many times the warm-up.
    measures
        By name, a function from a trace to a series in the order of time, such as `Waits("windows")`.
    replications
        How many trial runs, with the seeds `seed`, `seed + 1`, ..., and as many fresh ones with the seeds behind those;
        Welch's plot needs five.
    batches
        How many, of all fresh runs together. Few and long ones are more honest than many short ones, which remember
        each other: at a load of 0.8, ten cover the truth in 93 of 100 studies where thirty cover it in 91.
    level
        Of the intervals.
    seed, engine
        As for `simulate`.

    Raises
    ------
    InputError
        When the model ends or changes with time, with the reasons; or a series is too short.
    """
    _check_endless(network)

    def series(seeds: range) -> dict[str, FloatArray]:
        runs = ({name: each(trace) for name, each in measures.items()} for trace in traces(seeds))
        return _side_by_side(runs)

    def traces(seeds: range) -> Iterator[Trace]:
        return (simulate(network, until=until, seed=each, engine=engine) for each in seeds)

    trials, fresh = (series(range(first, first + replications)) for first in (seed, seed + replications))
    return {name: _long_run(name, trials[name], fresh[name], batches, level) for name in measures}


def _side_by_side(runs: Iterable[Mapping[str, FloatArray]]) -> dict[str, FloatArray]:
    """Give the series of each measure as rows of one length, that of the shortest."""
    kept: dict[str, list[FloatArray]] = {}
    for run in runs:
        for name, values in run.items():
            kept.setdefault(name, []).append(values)
    return {name: np.array([row[: min(map(len, rows))] for row in rows]) for name, rows in kept.items()}


def _check_endless(network: object) -> None:
    if isinstance(network, NetworkModel):
        raise InputError("give the network itself, without its horizon: steady_state(model.network, until, ...)")
    if not isinstance(network, Network):
        raise InputError(
            f"{type(network).__name__} is no network: a scenario is a season with a first and a last day, so it has no "
            "steady state. Estimate the season itself, by replications"
        )
    reasons = reasons_to_end(network)
    if reasons:
        raise InputError(
            f"this network has no steady state: {'; '.join(reasons)}. "
            "Estimate what happens between its beginning and its end, by replications"
        )


def _long_run(name: str, trials: FloatArray, fresh: FloatArray, batches: int, level: float) -> LongRun:
    length = trials.shape[1]
    try:
        warmup = mser5(trials.mean(axis=0))
        left_out = warmup.observations if warmup.long_enough else fresh.shape[1] // 2
        means = batch_means(fresh[:, left_out:], batches, level)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    interval = means.interval if warmup.long_enough else replace(means.interval, half_width=np.inf)
    window = min(length // 4, max(1, length // _SMOOTH))
    return LongRun(interval, warmup, means, welch(trials, window), window, length)
