"""The arrivals that a deployment met, played to a queue of so many slots by the simulation itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from canbao.arrays import FloatArray, IntArray
from canbao.arrivals import At
from canbao.distributions import Distribution
from canbao.network import Journey, Network, Station, Stream, Visit
from canbao.simulation import simulate
from canbao_loadtests.calibrating.evidence import Asked

__all__ = ["Quiet", "Replay", "quiet_visits", "through_a_queue"]


@dataclass(frozen=True, eq=False)
class Quiet:
    """Visits that found the deployment quiet, so that they tell its service time.

    Parameters
    ----------
    stays
        Their stays, by kind of visit, in the order of `Asked.kinds`; those of all kinds for one that has too few.
    level
        They found at most so many others inside; of kinds that are rare, some may have found more.
    own
        Whether each kind has enough of its own.
    """

    stays: tuple[FloatArray, ...]
    level: int
    own: tuple[bool, ...]


_ENOUGH = 30
"""Visits whose mean is known well enough to begin with."""
_RARE = 0.05
"""The share of visits below which a kind of visit does not matter."""


def quiet_visits(asked: Asked, least: int = 0) -> Quiet | None:
    """Choose the visits that met as few others as possible, so many that their mean is known; None if there are few.

    How many others an arrival meets says nothing of the service it wants, so that this choice favours no visit; but
    kinds of visits come at different times, so that it is made for each kind.

    Parameters
    ----------
    asked
        All visits.
    least
        Who met so many others, or fewer, counts as quiet in any case.
    """
    inside = asked.inside()
    if asked.served.sum() < _ENOUGH:
        return None
    mine = [asked.served & (asked.kind == number) for number in range(len(asked.kinds))]
    own = [int(each.sum()) >= _ENOUGH for each in mine]
    levels = [_level(inside[each], least) for each in mine]
    quiet = [asked.stay[each & (inside <= level)] for each, level in zip(mine, levels, strict=True)]
    everywhere = asked.stay[asked.served & (inside <= _level(inside[asked.served], least))]
    told = [level for level, each, enough in zip(levels, mine, own, strict=True) if enough and each.mean() >= _RARE]
    stays = tuple(times if enough else everywhere for times, enough in zip(quiet, own, strict=True))
    return Quiet(stays, max(told, default=_level(inside[asked.served], least)), tuple(own))


def _level(inside: IntArray, least: int) -> int:
    """Give how many others were met at most by the visits that met the fewest."""
    if not len(inside):
        return least
    return max(least, int(np.sort(inside)[min(_ENOUGH, len(inside)) - 1]))


@dataclass(frozen=True, eq=False)
class Replay:
    """Arrivals, services and patience of a deployment's visits.

    Parameters
    ----------
    asked
        The visits.
    quiet
        What their services are drawn from.
    patience
        How long families wait in each kind of visit, nothing where they have no end of patience.
    """

    asked: Asked
    quiet: Quiet
    patience: tuple[Distribution | None, ...]

    def stays(self, slots: float, seed: int) -> FloatArray:
        """Give the stays that a queue of so many slots gives, shape (visits,).

        Services are drawn anew from the quiet visits, and these anew from themselves (Efron's bootstrap), so that the
        spread over seeds holds what is not known of the services as well.
        """
        rng = np.random.default_rng([seed, 20])
        service, patience = (np.empty(len(self.asked)) for _ in range(2))
        for number, stays in enumerate(self.quiet.stays):
            mine = np.flatnonzero(self.asked.kind == number)
            service[mine] = rng.choice(rng.choice(stays, len(stays)), len(mine))
            patience[mine] = self._patience(number, len(mine), rng)
        return through_a_queue(self.asked.enter, service, patience, slots)

    def _patience(self, kind: int, count: int, rng: np.random.Generator) -> FloatArray:
        distribution = self.patience[kind]
        if distribution is None:
            return np.full(count, np.inf)
        return np.asarray(distribution.ppf(rng.random(count)), dtype=np.float64)


def through_a_queue(enter: FloatArray, service: FloatArray, patience: FloatArray, slots: float) -> FloatArray:
    """Give the stays of visits at a queue of so many slots, first come, first served; all in seconds, shape (visits,).

    Parameters
    ----------
    enter, service, patience
        When each visit comes, how long it is worked on, and how long it waits for that.
    slots
        How many are worked on at once.
    """
    first = float(enter.min())
    columns = {"_service": service, "_patience": patience}
    network = Network(
        stations=[Station("slots", servers=slots)],
        journeys=[Journey("visit", [Visit("slots", "_service", patience="_patience")])],
        streams=[Stream("visit", At(enter - first), columns=columns)],
    )
    # Nobody is left at the end, even if all are served one after the other.
    end = float(enter.max() - first + service.sum() + 1.0)
    visits = simulate(network, until=end).visits
    family, came, left = (np.asarray(visits[name]) for name in ("family", "enter", "leave"))
    stays = np.empty(len(enter))
    stays[family] = left - came
    return stays
