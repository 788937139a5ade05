"""Counters: what happened in one run, counted as it happened, where no visit is kept.

They give what a trace gives of queues, waits and the review: exactly where something is counted or added up, and
within 1/64 for quantiles of waits, which come from a histogram.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from canbao.arrays import FloatArray, IntArray

__all__ = ["Counters", "Review", "Watch"]


@dataclass(frozen=True)
class Watch:
    """What has to be known beforehand to count what a trace would tell later.

    Parameters
    ----------
    papers
        Places at which a family's papers wait and it does not.
    records
        Places whose visits are counted family by family.
    review
        Places of the review.
    intake
        The place at which each round of the review begins.
    day_number
        The number of the working day of each date, shape (days + 1,), with that of the day before the horizon first.
    """

    papers: frozenset[str] = frozenset()
    records: tuple[str, ...] = ()
    review: frozenset[str] = frozenset()
    intake: str = ""
    day_number: IntArray | None = None


@dataclass(frozen=True, eq=False)
class Review:
    """Rounds of the review, counted.

    Parameters
    ----------
    channels
        The last channels of families; the last word stands for none.
    rounds
        How many rounds there were, by channel, by the working days for which they could be watched, and by the working
        days that they took, the last place standing for those still open; shape (channels, days + 2, days + 2).
    handed_in, decided
        Rounds by date, shape (days,).
    """

    channels: tuple[str, ...]
    rounds: IntArray
    handed_in: IntArray
    decided: IntArray


@dataclass(frozen=True, eq=False)
class Counters:
    """What is known of visits.

    Parameters
    ----------
    places
        Stations, then batches.
    came
        Visits by the hour in which they began, whether let in or not, shape (places, hours).
    endings
        Visits by how they ended, in the order of `trace.ENDINGS`, shape (places, endings).
    waits
        Waits by length, shape (places, bins).
    edges
        The edges of the bins, in seconds, shape (bins + 1,).
    wait_s, longest_s
        All waits added up, and the longest one, shape (places,).
    waiting_s, busy_s
        Seconds waited and served in each hour, shape (places, hours).
    review
        The rounds of the review.
    """

    places: tuple[str, ...]
    came: IntArray
    endings: IntArray
    waits: IntArray
    edges: FloatArray
    wait_s: FloatArray
    longest_s: FloatArray
    waiting_s: FloatArray
    busy_s: FloatArray
    review: Review

    def describe_waits(self, *places: str) -> dict[str, Any]:
        """Describe the waits at some places, all together, as `measures.samples.describe` does."""
        index, counts = self._waits_at(places)
        count = int(counts.sum())
        if not count:
            return {"count": 0, "mean": None, "median": None, "p90": None, "p95": None, "max": None}
        longest = float(self.longest_s[index].max())
        median, p90, p95 = (min(self.quantile(counts, share), longest) for share in (0.5, 0.9, 0.95))
        mean = float(self.wait_s[index].sum()) / count
        return {"count": count, "mean": mean, "median": median, "p90": p90, "p95": p95, "max": longest}

    def wait_within(self, share: float, *places: str) -> float | None:
        """Give the shortest wait at some places that at least a share of all waits there did not exceed.

        It is an order statistic, as `numpy.quantile` gives it by the method `inverted_cdf`; None where nobody waited.
        """
        index, counts = self._waits_at(places)
        count = int(counts.sum())
        if not count:
            return None
        return min(self._ordered(counts, max(math.ceil(count * share - 1), 0)), float(self.longest_s[index].max()))

    def _waits_at(self, places: tuple[str, ...]) -> tuple[list[int], IntArray]:
        index = [self.places.index(place) for place in places]
        return index, np.asarray(self.waits[index].sum(axis=0))

    def quantile(self, counts: IntArray, share: float) -> float:
        """Give a quantile from the counts of the bins, interpolated between two waits as `describe` does."""
        last = int(counts.sum()) - 1
        wanted = share * last
        number = int(wanted)
        one, other = self._ordered(counts, number), self._ordered(counts, min(number + 1, last))
        return one + (wanted - number) * (other - one)

    def _ordered(self, counts: IntArray, number: int) -> float:
        """Give the wait than which `number` others are shorter: even inside each bin, but 0 in the first."""
        reached = np.cumsum(counts)
        place = int(np.searchsorted(reached, number, side="right"))
        if place == 0:
            return 0.0
        inside = (number - float(reached[place - 1]) + 0.5) / float(counts[place])
        low, high = self.edges[place], self.edges[place + 1]
        return float(low + inside * (high - low))
