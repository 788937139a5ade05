"""How fast a deployment's review is: by how much longer than stated its desks need for an application.

From outside an application goes in and comes out decided; which desk it lay at nobody sees. So one factor is fitted for
the service times of all desks: the one with which the simulation of the load test keeps applications in review for as
long as was measured (the method of simulated moments: McFadden 1989, Econometrica 57, 995-1026). It is chiefly the
speed of the slowest desk that this tells, and staff and speed only as their quotient.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from canbao.arrays import FloatArray
from canbao.errors import InputError
from canbao.measures.reviews import Rounds
from canbao.statistics.intervals import Interval
from canbao.statistics.jackknife import blocks_in_time, jackknife
from canbao_loadtests.calibrating.evidence import Evidence, rounds_of
from canbao_loadtests.calibrating.repeating import Repeater
from canbao_loadtests.calibrating.scaling import scaled_text

__all__ = ["SIMULATIONS", "ReviewFit", "fit_review", "hours_in_review", "review_overrides"]

SIMULATIONS = 20
"""Of the load test that the fit of a review takes, about."""

_FEWEST = 30
_BLOCKS = 20
_WIDEST = 64.0
"""By which factor the desks may be slower or faster at most."""
_CLOSE = 1.02
"""Two factors that differ by less are the same."""
_HOUR_S = 3600.0


@dataclass(frozen=True)
class ReviewFit:
    """The speed of a review.

    Parameters
    ----------
    factor
        How many times as long an application takes at each desk as the scenario says; nan where nobody can say.
    low, high
        Its interval; 0 where the clerks may be as fast as they like, since nothing waited for them.
    desk
        The busiest desk, of whose speed this chiefly tells.
    hours
        The mean time in review that was measured, in hours; an application not decided yet counts until the end.
    predicted_hours
        What the scenario's own speeds give.
    rounds
        Rounds of review that it rests on.
    """

    factor: float
    low: float
    high: float
    desk: str
    hours: Interval
    predicted_hours: float
    rounds: int


def fit_review(
    evidence: Evidence, repeater: Repeater, others: tuple[str, ...] = (), level: float = 0.95
) -> ReviewFit | None:
    """Fit the speed of the review; None where too few applications were handed in, or nobody knows how to scale it.

    Parameters
    ----------
    evidence
        The load test.
    repeater
        Simulates it again.
    others
        The `path=value` texts of what else was fitted: what is returned comes in again.
    level
        Of the interval.
    """
    if len(evidence.rounds.family) < _FEWEST:
        return None
    measured = _Stays.of(evidence.rounds, evidence)
    try:
        review_overrides(evidence, 1.0)
    except InputError:
        return None

    def hours_with(factor: float) -> float:
        found = repeater.predict(others, factor)
        return hours_in_review(rounds_of(found.trace, evidence.file), found.trace.until)

    plain = repeater.predict(others)
    difference = measured.less(_Stays.of(rounds_of(plain.trace, evidence.file), evidence), level)
    hours, margin = measured.whole, difference.half_width
    curve = _Rising(hours_with)
    # What chance makes of the measured time is what it makes of the difference to the same families' simulated time.
    factor, low, high = (curve.where(target) for target in (hours, hours - margin, hours + margin))
    names = list(evidence.file.scenario.review.stages())
    busiest = max(names, key=lambda name: plain.measures.get(f"stations.review.{name}.utilisation", 0.0))
    interval = Interval(hours, margin, level, difference.n)
    return ReviewFit(factor, low, high, busiest, interval, hours_with(1.0), len(evidence.rounds.family))


def review_overrides(evidence: Evidence, factor: float) -> tuple[str, ...]:
    """Give the `path=value` texts with which every desk takes `factor` times as long.

    Raises
    ------
    InputError
        When a service time is of a kind whose fields are not known.
    """
    stages = evidence.file.scenario.review.stages()
    return tuple(f"review.{name}.service={scaled_text(stage.service, factor)}" for name, stage in stages.items())


def hours_in_review(rounds: Rounds, until: float) -> float:
    """Give the mean time in review in hours; what is not decided counts until the end. nan where there is no round."""
    if not len(rounds.family):
        return math.nan
    return float((_decided(rounds, until) - rounds.submitted).mean()) / _HOUR_S


def _decided(rounds: Rounds, until: float) -> FloatArray:
    return np.where(np.isnan(rounds.decided), until, rounds.decided)


@dataclass(frozen=True, eq=False)
class _Stays:
    """Hours in review, by blocks of families: sums and numbers of rounds, shape (blocks,)."""

    hours: FloatArray
    rounds: FloatArray

    @classmethod
    def of(cls, rounds: Rounds, evidence: Evidence) -> _Stays:
        came = np.asarray(evidence.trace.families["family"])
        arrival = np.asarray(evidence.trace.families["arrival"])
        block_of = dict(zip(came.tolist(), blocks_in_time(arrival, _BLOCKS).tolist(), strict=True))
        block = np.array([block_of.get(family, 0) for family in rounds.family.tolist()], dtype=np.int64)
        stays = (_decided(rounds, evidence.trace.until) - rounds.submitted) / _HOUR_S
        hours = np.bincount(block, stays, _BLOCKS).astype(np.float64)
        return cls(hours, np.bincount(block, minlength=_BLOCKS).astype(np.float64))

    @property
    def whole(self) -> float:
        """Hours a round; nan of no rounds."""
        return float(self.hours.sum() / self.rounds.sum()) if self.rounds.any() else math.nan

    def _without(self) -> FloatArray:
        return np.asarray((self.hours.sum() - self.hours) / np.maximum(self.rounds.sum() - self.rounds, 1.0))

    def less(self, other: _Stays, level: float) -> Interval:
        """Give the difference of the means, by the jackknife over the blocks of both at once."""
        return jackknife(self.whole - other.whole, self._without() - other._without(), level)


@dataclass
class _Rising:
    """A rising function of a factor, known where it was asked for, and inverted by bisection of the logarithm."""

    function: Callable[[float], float]
    _known: dict[float, float] = field(default_factory=dict)

    def _at(self, factor: float) -> float:
        if factor not in self._known:
            self._known[factor] = self.function(factor)
        return self._known[factor]

    def where(self, target: float) -> float:
        """Give the factor at which the function has a value; 0 if it is above it everywhere, infinite if below."""
        if self._at(1.0 / _WIDEST) >= target:
            return 0.0
        if self._at(_WIDEST) <= target:
            return math.inf
        self._at(1.0)
        while True:
            low = max(factor for factor, value in self._known.items() if value < target)
            high = min(factor for factor, value in self._known.items() if value >= target and factor > low)
            if high <= low * _CLOSE:
                return self._between(low, high, target)
            self._at(math.sqrt(low * high))

    def _between(self, low: float, high: float, target: float) -> float:
        below, above = self._known[low], self._known[high]
        share = (target - below) / (above - below) if above > below else 0.5
        return float(low * (high / low) ** share)
