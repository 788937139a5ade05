"""Arrivals: Poisson processes by theory, renewals, given times."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from canbao.arrays import FloatArray
from canbao.arrivals import ArrivalProcess, At, Poisson, Renewal, Thinned, invert
from canbao.distributions import Constant, Empirical, Exponential, Gamma, Uniform
from canbao.errors import NetworkError
from canbao.luck import Luck
from canbao.schedule import Schedule

LUCK = Luck(2024)
RUNS = 2_000


def _runs(process: ArrivalProcess, until: float, runs: int = RUNS) -> list[FloatArray]:
    """Let a process run many times, each with luck of its own."""
    return [process.times(LUCK, f"run {run}", until) for run in range(runs)]


def _steps(*pairs: tuple[float, float]) -> Schedule:
    """Make a schedule from (time, rate) pairs."""
    return Schedule(*np.array(pairs).T)


def _fits_poisson(counts: FloatArray, mean: float) -> bool:
    """Tell whether counts have this mean and, as Poisson counts do, as much variance (Fisher's index of dispersion)."""
    centred = abs(counts.mean() - mean) < 5 * math.sqrt(mean / len(counts))
    dispersion = counts.var() * len(counts) / mean
    return bool(centred and 1e-4 < stats.chi2.cdf(dispersion, len(counts)) < 1 - 1e-4)


def test_counts_of_a_constant_rate_are_poisson() -> None:
    """The number that comes in a stretch has the mean and the variance rate times length."""
    runs = _runs(Poisson(0.7), 20.0)
    assert _fits_poisson(np.array([len(times) for times in runs], dtype=float), 14.0)
    assert _fits_poisson(np.array([np.sum((times >= 3) & (times < 8)) for times in runs], dtype=float), 3.5)


def test_gaps_of_a_constant_rate_are_exponential() -> None:
    """The first ten gaps follow the exponential distribution, each by itself and with those before it."""
    gaps = np.array([np.diff(times[:11], prepend=0.0)[:10] for times in _runs(Poisson(0.7), 100.0)])
    assert stats.kstest(gaps.ravel(), stats.expon(scale=1 / 0.7).cdf).pvalue > 1e-4
    assert np.abs(np.corrcoef(gaps.T) - np.eye(10)).max() < 5 / math.sqrt(RUNS)


PIECES = [5.0, 1.5, 3.0]
BREAKS = [0.0, 3.2, 7.9, 10.0]


def test_expected_counts_of_each_piece_are_met() -> None:
    """Rates 5, 1.5 and 3, breaks at 3.2, 7.9 and 10, two cycles: 32, 14.1 and 12.6 come (a case of the Ciw tests)."""
    two_cycles = [*zip(BREAKS[:-1], PIECES, strict=True), *zip([10.0, 13.2, 17.9], PIECES, strict=True)]
    runs = _runs(Poisson(_steps(*two_cycles)), 20.0)
    for piece, expected in enumerate([32.0, 14.1, 12.6]):
        low, high = BREAKS[piece], BREAKS[piece + 1]
        counts = [np.sum((times % 10.0 >= low) & (times % 10.0 < high)) for times in runs]
        assert _fits_poisson(np.array(counts, dtype=float), expected)


def test_inside_a_piece_arrivals_are_spread_evenly() -> None:
    """Given that they come in a piece, the moments are uniform in it."""
    times = np.concatenate(_runs(Poisson(_steps(*zip(BREAKS[:-1], PIECES, strict=True))), 10.0))
    for low, high in pairwise(BREAKS):
        inside = times[(times >= low) & (times < high)]
        assert stats.kstest(inside, stats.uniform(low, high - low).cdf).pvalue > 1e-4


# --- the gaps across breaks ---

CHANGING = _steps((0.0, 0.1), (4.0, 3.0), (6.0, 0.0), (9.0, 0.5), (30.0, 8.0))
"""Breaks lie inside early gaps: a slow start, a burst, a pause, a slow time, a rush."""


def _naive(rate: Schedule, luck: Luck, purpose: str, count: int) -> FloatArray:
    """Draw each gap from the rate of this moment alone, as is often done, and skip times of rate 0."""
    time, times = 0.0, []
    for unit in -np.log1p(-luck.uniforms(purpose, count)):
        while rate.at(time) == 0:
            time = float(rate.times[rate.times > time].min())
        time += unit / rate.at(time)
        times.append(time)
    return np.array(times)


def _rescaled_gaps(runs: Sequence[FloatArray], rate: Schedule, count: int) -> FloatArray:
    """Give the first gaps of each run on the clock of the cumulated rate, shape (runs, count)."""
    return np.array([np.diff([0.0, *(rate.integral(0.0, t) for t in times[:count])]) for times in runs])


def _are_unit_exponentials(gaps: FloatArray) -> list[float]:
    return [float(stats.kstest(column, "expon").pvalue) for column in gaps.T]


def test_on_the_clock_of_the_cumulated_rate_gaps_are_unit_exponentials_across_breaks() -> None:
    """The theorem of random time change: each of the first eight gaps is Exp(1) on that clock, wherever breaks fall."""
    gaps = _rescaled_gaps(_runs(Poisson(CHANGING), 100.0), CHANGING, 8)
    assert min(_are_unit_exponentials(gaps)) > 1e-4
    assert np.abs(np.corrcoef(gaps.T) - np.eye(8)).max() < 5 / math.sqrt(RUNS)


def test_the_check_of_gaps_finds_the_naive_way_out() -> None:
    """Gaps drawn from the current rate alone fail the same check, on the same luck."""
    runs = [_naive(CHANGING, LUCK, f"run {run}", 2) for run in range(RUNS)]
    assert max(_are_unit_exponentials(_rescaled_gaps(runs, CHANGING, 2))) < 1e-12


def test_nobody_comes_while_the_rate_is_0() -> None:
    """A pause is a pause, also when the horizon ends in it, and arrivals go on right behind it."""
    times = np.concatenate(_runs(Poisson(CHANGING), 50.0))
    assert not ((times >= 6.0) & (times < 9.0)).any()
    assert ((times >= 9.0) & (times < 9.5)).any()
    assert all(times.max(initial=0) < 6.0 for times in _runs(Poisson(CHANGING), 8.0, 200))


def test_a_rate_that_ends_at_0_comes_to_an_end() -> None:
    """When the rate falls to 0 for good, arrivals stop, and their number is still Poisson."""
    runs = _runs(Poisson(_steps((0.0, 2.0), (5.0, 0.0))), 1e9)
    assert max(times.max(initial=0) for times in runs) < 5.0
    assert _fits_poisson(np.array([len(times) for times in runs], dtype=float), 10.0)


@pytest.mark.parametrize("rate", [0.0, Schedule.constant(0.0)])
def test_a_rate_of_0_brings_nobody(rate: float | Schedule) -> None:
    """Nobody is a fine number of families."""
    assert len(Poisson(rate).times(LUCK, "a", 1e6)) == 0


rates = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 4)), min_size=1, max_size=6)


@given(rates, st.lists(st.floats(0, 40), max_size=10))
def test_inversion_undoes_the_integral(pieces: list[tuple[int, int]], amounts: list[float]) -> None:
    """Up to the moment that inversion gives, the rate adds up to the amount; where it never does the answer is inf."""
    starts = [0, *accumulate(width for width, _ in pieces)][:-1]
    rate = Schedule(np.array(starts, dtype=float), np.array([value for _, value in pieces], dtype=float))
    times = invert(rate, np.array(amounts))
    for amount, time in zip(amounts, times, strict=True):
        if math.isinf(time):
            assert rate.values[-1] == 0
            assert rate.integral(0.0, 1e6) <= amount
        else:
            assert rate.integral(0.0, float(time)) == pytest.approx(amount, abs=1e-9)
            assert rate.at(float(time)) > 0


# --- thinning ---


def test_inversion_and_thinning_agree_in_law() -> None:
    """Two exact ways: counts by unit of time and moments have one distribution."""
    thinned = Thinned(lambda t: np.asarray(CHANGING.at(t)), bound=8.0)
    ours, theirs = (np.concatenate(_runs(way, 32.0)) for way in (Poisson(CHANGING), thinned))
    table = np.array([np.histogram(times, np.arange(33))[0] for times in (ours, theirs)])
    assert stats.chi2_contingency(table[:, table.any(axis=0)]).pvalue > 1e-4
    assert stats.ks_2samp(ours, theirs).pvalue > 1e-4


def test_a_rate_that_is_any_function_of_time_is_followed() -> None:
    """With the rate 2 + 2 sin t, moments are distributed as the cumulated rate, and counts are Poisson."""
    process, until = Thinned(lambda t: 2 + 2 * np.sin(t), bound=4.0), 10.0

    def cumulated(t: FloatArray) -> FloatArray:
        return np.asarray(2 * t + 2 * (1 - np.cos(t)))

    runs, whole = _runs(process, until), float(cumulated(np.array(until)))
    assert _fits_poisson(np.array([len(times) for times in runs], dtype=float), whole)
    # On the clock of the cumulated rate, moments are even.
    assert stats.kstest(cumulated(np.concatenate(runs)) / whole, "uniform").pvalue > 1e-4


# --- renewals and given times ---


@pytest.mark.parametrize("gap", [Constant(0.75), Gamma(2.0, 3.0), Uniform(0.0, 0.1)])
def test_renewals_add_up_gaps_in_sequence(gap: Constant | Gamma | Uniform) -> None:
    """Each arrival is the one before plus the next gap, to the last bit, as a clock adds; all lie before the end."""
    until = 97.3
    times = Renewal(gap).times(LUCK, "r", until)
    gaps = gap.ppf(LUCK.uniforms("r", len(times) + 1))
    sums = list(accumulate(gaps.tolist()))
    assert times.tolist() == sums[:-1]
    assert sums[-2] < until <= sums[-1]


def test_an_arrival_at_the_end_of_the_horizon_does_not_come() -> None:
    """The horizon is open at its end: every 5 until 15 makes two."""
    assert Renewal(Constant(5.0)).times(LUCK, "r", 15.0).tolist() == [5.0, 10.0]


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=8), st.floats(0.1, 1e9))
def test_given_times_stand_as_they_are_and_those_outside_do_not_come(moments: list[float], until: float) -> None:
    """In any order; nan, before 0 and at the end or later are no arrivals, but keep their place."""
    times = At(moments).times(LUCK, "a", until)
    assert len(times) == len(moments)
    for given_time, time in zip(moments, times, strict=True):
        assert time == given_time if 0 <= given_time < until else math.isnan(time)


# --- luck ---

PROCESSES: dict[str, ArrivalProcess] = {
    "constant": Poisson(1.3),
    "changing": Poisson(CHANGING),
    "thinned": Thinned(lambda t: 2 + np.sin(t), bound=3.0),
    "renewal": Renewal(Gamma(0.8, 2.0)),
}


@pytest.mark.parametrize("name", PROCESSES)
def test_equal_luck_gives_equal_times(name: str) -> None:
    """The times are a function of seed and purpose; another of either gives others; they rise inside the horizon."""
    process = PROCESSES[name]
    times = process.times(Luck(1), "a", 60.0)
    assert times.tolist() == process.times(Luck(1), "a", 60.0).tolist()
    assert times.tolist() != process.times(Luck(2), "a", 60.0).tolist()
    assert times.tolist() != process.times(Luck(1), "b", 60.0).tolist()
    assert np.all(np.diff(times) > 0)
    assert 0 <= times[0] <= times[-1] < 60.0


@pytest.mark.parametrize("name", ["constant", "changing", "renewal"])
def test_a_longer_horizon_only_adds_arrivals_at_its_end(name: str) -> None:
    """Who comes in the first part does not depend on how long the run goes on."""
    short, long = (PROCESSES[name].times(LUCK, "a", until) for until in (40.0, 4000.0))
    assert long[: len(short)].tolist() == short.tolist()
    assert long[len(short)] >= 40.0


# --- errors ---

ERRORS: dict[str, tuple[Callable[[], ArrivalProcess], str]] = {
    "negative rate": (lambda: Poisson(-1.0), "rate of arrivals must be >= 0 and finite, given -1.0"),
    "infinite rate": (lambda: Poisson(math.inf), "must be >= 0 and finite, given inf"),
    "negative piece": (lambda: Poisson(_steps((0.0, 1.0), (5.0, -2.0))), "rate of arrivals must be >= 0"),
    "above the bound": (lambda: Thinned(lambda t: 2 + t, bound=3.0), "outside 0 to bound=3.0"),
    "below 0": (lambda: Thinned(lambda t: 1 - t, bound=3.0), "outside 0 to bound=3.0"),
    "no number": (lambda: Thinned(lambda t: t * math.nan, bound=3.0), "the rate runs from nan to nan"),
    "no gaps": (lambda: Renewal(Constant(0.0)), "Constant(value=0.0): the gaps between arrivals are all 0"),
    "negative gaps": (
        lambda: Renewal(Uniform(-1.0, 1.0)),
        "Uniform(low=-1.0, high=1.0): a gap between arrivals must be",
    ),
    "too many": (lambda: Poisson(1e15), "more than 100,000,000 arrivals"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_arrivals_that_make_no_sense_are_refused(name: str) -> None:
    """The message says what was given."""
    make, said = ERRORS[name]
    with pytest.raises(NetworkError) as refused:
        make().times(LUCK, "a", 50.0)
    assert said in str(refused.value)


def test_gaps_of_0_now_and_then_are_fine() -> None:
    """Several families may come at one moment."""
    times = Renewal(Empirical((0.0, 1.0), (1.0, 1.0))).times(LUCK, "a", 50.0)
    assert times.tolist() == sorted(times.tolist())
    assert len(set(times.tolist())) < len(times)
    assert Renewal(Exponential(1.0)).times(LUCK, "a", 1e-9).tolist() == []
