"""Cases about who comes when: rates that change, stations where nobody waits, gathering."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from canbao import theory
from canbao.arrays import FloatArray
from canbao.arrivals import Poisson, Renewal, Thinned
from canbao.distributions import Constant, Lognormal, Weibull
from canbao.network import Batch, End, Gather, Journey, Network, Station, Stream, Visit
from canbao.schedule import Schedule
from canbao.verification import stays
from canbao.verification.controls import inputs
from canbao.verification.peers import arrivals_peer, gathering_peer, infinite_peer
from canbao.verification.stays import FAMILIES, Measure, StaysByName, Window
from canbao.verification.trials import Case, Quantity

__all__ = ["CASES"]

# --- a rate that changes in steps -------------------------------------------------------------------------------------

_CYCLE = 10.0
_BREAKS = np.array([0.0, 3.2, 7.9, 10.0])
_RATES = np.array([5.0, 1.5, 3.0])
_CYCLES = 400


def _steps() -> Case:
    """Let three rates follow one another; counts are given for two cycles."""
    starts = (np.arange(_CYCLES)[:, None] * _CYCLE + _BREAKS[:-1]).ravel()
    pieces = np.diff(_BREAKS)
    counts = [
        Quantity(f"arrivals at rate {rate:g}, two cycles", 2.0 * rate * width, _in_piece(place))
        for place, (rate, width) in enumerate(zip(_RATES, pieces, strict=True))
    ]
    name = "Poisson arrivals, rate in steps"
    return Case(
        name=name,
        source="Çinlar (1975), Introduction to Stochastic Processes; Ciw, tests",
        network=Network(
            journeys=[Journey("street", [End("came")])],
            streams=[Stream("street", Poisson(Schedule(starts, np.tile(_RATES, _CYCLES))), name=name)],
        ),
        until=_CYCLES * _CYCLE,
        window=(0.0, _CYCLES * _CYCLE),
        quantities=(
            *counts,
            Quantity("mean gap, in expected arrivals", 1.0, _gaps(_mean)),
            Quantity("P(gap > 1 expected arrival)", math.exp(-1.0), _gaps(_share_above_one)),
            Quantity("mean gap from a break on", 1.0, _gaps_from_breaks(_mean)),
            Quantity("P(gap from a break on > 1)", math.exp(-1.0), _gaps_from_breaks(_share_above_one)),
        ),
        runs=2,
        peer=arrivals_peer,
    )


def _in_piece(place: int) -> Measure:
    def measure(found: StaysByName, _: Window) -> float:
        phase = found[FAMILIES].enter % _CYCLE
        return 2.0 / _CYCLES * int(((phase >= _BREAKS[place]) & (phase < _BREAKS[place + 1])).sum())

    return measure


def _expected_by(times: FloatArray) -> FloatArray:
    """Give how many arrivals are expected before each time: the clock by which gaps are exponential with mean 1."""
    by_break = np.concatenate([[0.0], np.cumsum(_RATES * np.diff(_BREAKS))])
    cycle, phase = np.divmod(times, _CYCLE)
    return np.asarray(cycle * by_break[-1] + np.interp(phase, _BREAKS, by_break))


def _mean(gaps: FloatArray) -> float:
    return float(gaps.mean())


def _share_above_one(gaps: FloatArray) -> float:
    return float((gaps > 1.0).mean())


def _gaps(summary: Callable[[FloatArray], float]) -> Measure:
    return lambda found, _: summary(np.diff(_expected_by(found[FAMILIES].enter), prepend=0.0))


def _gaps_from_breaks(summary: Callable[[FloatArray], float]) -> Measure:
    """Look at the time from each change of the rate to the next arrival."""

    def measure(found: StaysByName, window: Window) -> float:
        arrival = found[FAMILIES].enter
        breaks = (np.arange(1, _CYCLES)[:, None] * _CYCLE + _BREAKS[:-1]).ravel()
        following = np.searchsorted(arrival, breaks)
        known = following < len(arrival)
        gaps = _expected_by(arrival[following[known]]) - _expected_by(breaks[known])
        return summary(gaps)

    return measure


# --- stations where nobody waits --------------------------------------------------------------------------------------

_DAY_H = 24.0


def _wave(times: FloatArray) -> FloatArray:
    return np.asarray(20.0 * (1.0 + 0.8 * np.sin(2.0 * np.pi * times / _DAY_H)))


def _sinusoid() -> Case:
    """Let arrivals come in a wave of 24 hours, with lognormal stays and as many servers as needed."""
    name, stay = "M(t)/G/∞", Lognormal(6.0, 0.5)

    def survival(ages: FloatArray) -> FloatArray:
        from scipy.special import ndtr

        variance = math.log1p(stay.cv**2)
        return np.asarray(ndtr(-(np.log(ages / stay.mean) + variance / 2.0) / math.sqrt(variance)))

    return Case(
        name=name,
        source="Eick, Massey and Whitt (1993), Operations Research 41",
        network=_endless(name, Stream("ward", Thinned(_wave, 36.0), name=name), stay),
        until=30 * _DAY_H,
        window=(3 * _DAY_H, 30 * _DAY_H),
        quantities=tuple(
            Quantity(
                f"mean number at {hour} h",
                theory.infinite_servers(_wave, survival, 10 * _DAY_H + hour),
                stays.number_at("ward/bed", hour, _DAY_H),
            )
            for hour in (0, 4, 8, 12, 16, 20)
        ),
        runs=2,
        peer=infinite_peer,
    )


def _renewal() -> Case:
    name, gap, stay = "G/G/∞", Weibull(1.0, 1.5), Lognormal(5.0, 1.0)
    return Case(
        name=name,
        source="Little (1961), Operations Research 9",
        network=_endless(name, Stream("ward", Renewal(gap), name=name), stay),
        until=10_000.0,
        window=(200.0, 9_900.0),
        quantities=(Quantity("mean number inside", stay.mean / gap.mean, stays.mean_number("ward/bed")),),
        runs=2,
        peer=infinite_peer,
    )


def _endless(name: str, stream: Stream, service: Lognormal) -> Network:
    return Network(
        stations=[Station("bed", servers=math.inf)],
        journeys=[Journey("ward", [Visit("bed", service=service, luck=f"{name}: stay")])],
        streams=[stream],
    )


# --- nothing random, and gathering ------------------------------------------------------------------------------------


def _clockwork() -> Case:
    name = "D/D/1"
    return Case(
        name=name,
        source="arithmetic",
        network=Network(
            stations=[Station("desk")],
            journeys=[Journey("office", [Visit("desk", service=0.75)])],
            streams=[Stream("office", Renewal(Constant(1.0)), name=name)],
        ),
        until=1000.0,
        window=(1.0, 999.0),
        quantities=(
            Quantity("mean wait", 0.0, stays.mean_wait("office/desk")),
            Quantity("mean time in system", 0.75, stays.mean_time("office/desk")),
            Quantity("occupancy", 0.75, stays.occupancy("office/desk", 1)),
        ),
        runs=2,
    )


def _gathering(name: str, batch: Batch, wait: float) -> Case:
    network = Network(
        journeys=[Journey("school", [Gather(batch.name, name="wait")])],
        streams=[Stream("school", Poisson(2.0), name=name)],
        batches=[batch],
    )
    return Case(
        name=name,
        source="Poisson arrivals in an interval are uniform in it",
        network=network,
        until=2000.0,
        window=(10.0, 1900.0),
        quantities=(Quantity("mean wait", wait, stays.mean_time("school/wait")),),
        runs=2,
        peer=gathering_peer,
        controls=(inputs(network),),
    )


CASES: tuple[Case, ...] = (
    _steps(),
    _sinusoid(),
    _renewal(),
    _clockwork(),
    _gathering("gathering, five at a time", Batch("list", size=5), theory.gathering_wait(2.0, 5)),
    _gathering("gathering, once an hour", Batch("list", releases=np.arange(1.0, 2000.0).tolist()), 0.5),
)
