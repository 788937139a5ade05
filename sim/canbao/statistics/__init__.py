"""Statistics of experiments: pure functions on numbers, each with its source; nothing here knows a simulation.

A number is one replication's measure. Intervals are over replications, never over pooled families.
"""

from __future__ import annotations

from canbao.statistics.intervals import Interval, t_interval
from canbao.statistics.paired import Paired, against_base, compare_paired, holm
from canbao.statistics.precision import Decision, Hoad, enough
from canbao.statistics.proportions import ShareInterval, chance_interval, least_chance, share_interval
from canbao.statistics.selection import Selection, kim_nelson
from canbao.statistics.steady import BatchMeans, Truncation, batch_means, mser5, welch

__all__ = [
    "BatchMeans",
    "Decision",
    "Hoad",
    "Interval",
    "Paired",
    "Selection",
    "ShareInterval",
    "Truncation",
    "against_base",
    "batch_means",
    "chance_interval",
    "compare_paired",
    "enough",
    "holm",
    "kim_nelson",
    "least_chance",
    "mser5",
    "share_interval",
    "t_interval",
    "welch",
]
