"""How many requests a deployment works on at once, and how long one takes, from nothing but when visits came and went.

Where up to c visits are worked on at once, the work done in all is ∫ min(N(t), c) dt, N being the visits under way:
the utilisation law of operational analysis (Denning and Buzen 1978, ACM Computing Surveys 10, 225-261), which assumes
no distribution. Divided by the visits it is the mean service that c slots would have given. The true mean is known from
visits that found the deployment quiet; so c is where the two meet. Where N seldom exceeded c, every larger number of
slots explains the same times, and the answer has no upper end.

It is assumed that slots are taken in turn. Where all visits share a processor, even quiet ones are slowed down by
those who come behind them; slots and services then both come out too large, by up to four fifths, but slots divided by
service, which is what the deployment can do, is right to about a tenth near its knee.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from canbao.arrays import FloatArray
from canbao.statistics.intervals import t_quantile
from canbao_loadtests.calibrating.evidence import Asked
from canbao_loadtests.calibrating.replaying import Quiet, quiet_visits

__all__ = ["Service", "SlotsFit", "fit_slots", "work_done"]

_MOST_ROUNDS = 8
_FEWEST_REFUSED = 5


@dataclass(frozen=True)
class Service:
    """The service of visits to one station, in real seconds.

    Parameters
    ----------
    station
        Its name.
    mean, cv
        Mean, and standard deviation divided by it.
    half_width
        Of the mean's interval.
    n
        Quiet visits that it rests on.
    own
        Whether they were visits to this station; else it had too few, and all stations are taken together.
    """

    station: str
    mean: float
    cv: float
    half_width: float
    n: int
    own: bool


@dataclass(frozen=True, eq=False)
class SlotsFit:
    """What could be found out about a deployment.

    Parameters
    ----------
    services
        By station.
    slots
        How many visits are worked on at once; a deployment that slows down before it is full has no whole number. nan
        where nobody can say.
    low, high
        Its interval; `high` is infinite where visits never filled the slots.
    most
        The most visits that were under way at once.
    busy_share
        The share of time in which all slots were taken.
    refused, room
        How many visits were turned away, and how many were inside then: those in slots and those that waited for one;
        nan where too few were turned away to tell.
    contaminated
        Whether even the quietest visits had to wait, so that services are too long and slots too few.
    quiet
        The visits that services rest on.
    """

    services: tuple[Service, ...]
    slots: float
    low: float
    high: float
    most: int
    busy_share: float
    refused: int
    room: float
    contaminated: bool
    quiet: Quiet | None = field(repr=False, default=None)


def fit_slots(asked: Asked, level: float = 0.95) -> SlotsFit | None:
    """Fit slots and services to the visits of a deployment; None where there are too few to say anything.

    Parameters
    ----------
    asked
        All visits.
    level
        Of the intervals.
    """
    quiet = quiet_visits(asked)
    if quiet is None:
        return None
    work, first = _Work.of(asked), quiet.level
    found = _in_turn(asked, quiet, work, level)
    for _ in range(_MOST_ROUNDS):
        # Where at most `low` are worked on at once, whoever finds fewer than that inside need not wait either.
        wider = quiet_visits(asked, least=math.floor(found.low) - 1) if math.isfinite(found.low) else None
        if wider is None or wider.level <= quiet.level:
            break
        quiet = wider
        found = _in_turn(asked, quiet, work, level)
    return SlotsFit(
        services=tuple(_service(asked, quiet, number, level) for number in range(len(asked.names))),
        slots=found.slots,
        low=found.low,
        high=found.high,
        most=work.most,
        busy_share=work.share_at(math.ceil(found.slots)) if math.isfinite(found.slots) else 0.0,
        refused=len(asked.refused),
        room=_room(asked),
        contaminated=first > 0 and math.isfinite(found.low) and first >= round(found.low),
        quiet=quiet,
    )


def _room(asked: Asked) -> float:
    """Give how many are inside when the next one is turned away: the median, since clocks differ by the way there."""
    inside = asked.inside_when_refused()
    return float(inside[len(inside) // 2]) if len(inside) >= _FEWEST_REFUSED else math.nan


def work_done(asked: Asked, slots: float) -> float:
    """Give the work of all visits, in slot seconds, if so many were worked on at once: ∫ min(N(t), slots) dt."""
    return _Work.of(asked).done(slots)


@dataclass(frozen=True, eq=False)
class _Work:
    """For how long how many visits were under way, shape (most + 1,)."""

    seconds: FloatArray

    @classmethod
    def of(cls, asked: Asked) -> _Work:
        moments = np.concatenate([asked.enter, asked.enter + asked.stay])
        steps = np.concatenate([np.ones(len(asked), dtype=np.int64), -np.ones(len(asked), dtype=np.int64)])
        order = np.lexsort((steps, moments))  # who leaves makes room for who comes at that moment
        inside = np.cumsum(steps[order])[:-1]
        return cls(np.bincount(inside, weights=np.diff(moments[order])).astype(np.float64))

    @property
    def most(self) -> int:
        return len(self.seconds) - 1

    def done(self, slots: float) -> float:
        return float((np.minimum(np.arange(len(self.seconds)), slots) * self.seconds).sum())

    def share_at(self, slots: int) -> float:
        return float(self.seconds[slots:].sum() / self.seconds.sum())

    def slots_for(self, done: float) -> float:
        """Give the number of slots with which so much work is done; infinite where no number does as much."""
        # What each further slot adds: the time in which at least so many visits were under way.
        added = np.cumsum(self.seconds[::-1])[::-1][1:]
        sums = np.concatenate([[0.0], np.cumsum(added)])
        if done >= sums[-1] * (1.0 - 1e-12):
            return math.inf
        below = int(np.searchsorted(sums, done, side="right")) - 1
        return below + (done - float(sums[below])) / float(added[below])


class _Found(NamedTuple):
    slots: float
    low: float
    high: float


def _in_turn(asked: Asked, quiet: Quiet, work: _Work, level: float) -> _Found:
    """Give the slots with which the mean service is that of the quiet visits, and the ends of the interval."""
    served = int(asked.served.sum())
    mean, margin = _mean(asked, quiet, level)
    return _Found(*(work.slots_for(each * served) for each in (mean, max(mean - margin, 0.0), mean + margin)))


def _mean(asked: Asked, quiet: Quiet, level: float) -> tuple[float, float]:
    """Give the mean service that the quiet visits tell for all visits, and the half-width of its interval."""
    served = int(asked.served.sum())
    shares = (np.bincount(asked.kind[asked.served], minlength=len(asked.kinds)) / served).tolist()
    mean = sum(share * float(stays.mean()) for share, stays in zip(shares, quiet.stays, strict=True))
    # The quiet visits are some of all those whose mean is asked for (Cochran 1977, Sampling Techniques, 2.6).
    variance = sum(
        share**2 * float(stays.var(ddof=1)) * (1.0 / len(stays) - 1.0 / max(share * served, len(stays)))
        for share, stays in zip(shares, quiet.stays, strict=True)
        if share
    )
    freedom = min(len(stays) for stays in quiet.stays) - 1
    return mean, t_quantile(freedom, level) * math.sqrt(max(variance, 0.0))


def _service(asked: Asked, quiet: Quiet, station: int, level: float) -> Service:
    """Give the service at a station, all its kinds of visits together as often as they came."""
    mine = asked.served & (asked.station == station)
    counts = np.bincount(asked.kind[mine], minlength=len(asked.kinds))
    shares, kinds = counts / max(int(counts.sum()), 1), np.flatnonzero(counts)
    mean = sum(float(shares[k] * quiet.stays[k].mean()) for k in kinds)
    square = sum(float(shares[k] * np.square(quiet.stays[k]).mean()) for k in kinds)
    error = math.sqrt(sum(float(shares[k] ** 2 * quiet.stays[k].var(ddof=1) / len(quiet.stays[k])) for k in kinds))
    n = sum(len(quiet.stays[k]) for k in kinds if quiet.own[k])
    spread = math.sqrt(max(square - mean * mean, 0.0))
    own = bool(sum(shares[k] for k in kinds if quiet.own[k]) > 0.5)
    half_width = t_quantile(max(n - 1, 1), level) * error
    return Service(asked.names[station], mean, spread / mean if mean else 0.0, half_width, n, own)
