"""The period of a load test, cut into bins of real time and into dates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from canbao.arrays import FloatArray
from canbao_loadtests.clock import LoadClock
from canbao_loadtests.job import Job

__all__ = ["Period"]

_NICE_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0, 21_600.0)
_DAY_S = 86_400.0
_MOST_BINS = 120


@dataclass(frozen=True)
class Period:
    """When families came, and until when somebody looked.

    Parameters
    ----------
    clock
        Real time and the scenario's.
    start_s, end_s
        When families came, moments of the scenario.
    until_s
        Until when it was observed.
    """

    clock: LoadClock
    start_s: float
    end_s: float
    until_s: float

    @classmethod
    def of(cls, job: Job, until_s: float) -> Period:
        """Give the period of a job that was observed until a moment."""
        origin = 0.0 if job.origin is None else job.origin
        return cls(LoadClock(origin, job.start_s, job.speed), job.start_s, job.end_s, until_s)

    @property
    def real_s(self) -> float:
        """How long it was observed, in real seconds."""
        return max((self.until_s - self.start_s) / self.clock.speed, 0.0)

    @property
    def bin_s(self) -> float:
        """Width of a bin in real seconds: a round number, so that there are 120 of them at most."""
        least = self.real_s / _MOST_BINS
        return next((nice for nice in _NICE_S if nice >= least), math.ceil(least / _DAY_S) * _DAY_S)

    @property
    def bins(self) -> int:
        """How many bins there are; the last one may be cut short."""
        return max(math.ceil(self.real_s / self.bin_s - 1e-9), 1)

    def moments(self) -> FloatArray:
        """Give the edges of the bins as moments of the scenario, shape (bins + 1,)."""
        return self.start_s + np.arange(self.bins + 1, dtype=np.float64) * (self.bin_s * self.clock.speed)

    def reals(self) -> FloatArray:
        """Give the edges of the bins in real seconds since 1970, shape (bins + 1,)."""
        return self.clock.origin + np.arange(self.bins + 1, dtype=np.float64) * self.bin_s

    def days(self) -> range:
        """Give the days that were observed, wholly or in part, as numbers from the first date of the horizon."""
        first = math.floor(self.start_s / _DAY_S)
        return range(first, max(math.ceil(self.until_s / _DAY_S), first + 1))

    def is_whole(self, day: int) -> bool:
        """Tell whether a day was observed from its first moment to its last."""
        return self.start_s <= day * _DAY_S and (day + 1) * _DAY_S <= self.until_s
