"""How many replications: the algorithm of Hoad, Robinson and Davies, sim-tools as an oracle."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.arrays import FloatArray
from canbao.errors import InputError
from canbao.statistics import Hoad, enough, t_interval

SHAPES: dict[str, Callable[[np.random.Generator], FloatArray]] = {
    "normal": lambda rng: rng.normal(10, 2, 2000),
    "skewed": lambda rng: rng.lognormal(0, 0.3, 2000),
    "nearly certain": lambda rng: rng.normal(10, 0.1, 2000),
    "a share": lambda rng: rng.binomial(200, 0.9, 2000) / 200,
}


def simtools_replications(values: FloatArray, rule: Hoad) -> int:
    """Ask sim-tools how many replications it takes."""
    from sim_tools.output_analysis import ReplicationsAlgorithm

    class Replayed:
        def single_run(self, replication_no: int) -> dict[str, float]:
            return {"measure": float(values[replication_no])}

    algorithm = ReplicationsAlgorithm(
        alpha=1 - rule.level,
        half_width_precision=rule.precision,
        initial_replications=rule.initial,
        look_ahead=rule.look_ahead,
        replication_budget=rule.budget,
    )
    found, _ = algorithm.select(Replayed(), ["measure"])
    return int(found["measure"])


def plain_replications(values: FloatArray, rule: Hoad) -> int:
    """Go through the algorithm as the paper tells it, one replication at a time."""
    n = rule.initial
    while True:
        if t_interval(values[:n], rule.level).relative > rule.precision:
            n += 1
            continue
        ahead = rule.look_ahead if n <= 100 else math.floor(rule.look_ahead * n / 100)
        later = [k for k in range(1, ahead + 1) if t_interval(values[: n + k], rule.level).relative > rule.precision]
        if not later:
            return n
        n += later[0]


@pytest.mark.parametrize("precision", [0.07, 0.1, 0.2])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_takes_as_many_replications_as_sim_tools(shape: str, precision: float) -> None:
    """For eight seeds each, up to 90 replications; beyond 100, sim-tools looks ahead by 5 in a last step of its own."""
    rule = Hoad(precision=precision)
    compared = 0
    for seed in range(8):
        values = SHAPES[shape](np.random.default_rng(seed))
        found = enough(values, rule)
        assert found.reached
        if found.replications <= 90:
            compared += 1
            assert found.replications == simtools_replications(values, rule)
    assert compared >= 4


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("precision", [0.02, 0.03, 0.05, 0.3])
def test_it_takes_as_many_replications_as_the_paper_says(shape: str, precision: float) -> None:
    """Beyond 100 replications too, where the look-ahead grows."""
    for seed in range(3):
        values, rule = SHAPES[shape](np.random.default_rng(100 + seed))[:1500], Hoad(precision=precision, budget=1500)
        found = enough(values, rule)
        assert found.reached
        assert found.replications == plain_replications(values, rule)


def test_the_look_ahead_grows_beyond_a_hundred() -> None:
    """5 up to 100 replications, then as many in a hundred, rounded down; none if none is asked for."""
    rule = Hoad()
    assert [rule.ahead(n) for n in (3, 100, 119, 120, 199, 200, 1000)] == [5, 5, 5, 6, 9, 10, 50]
    assert Hoad(look_ahead=0).ahead(500) == 0


def test_the_paper_parameters_are_the_defaults() -> None:
    """3 replications first, 5 of look-ahead, 5 % at 95 %."""
    rule = Hoad()
    assert (rule.initial, rule.look_ahead, rule.precision, rule.level) == (3, 5, 0.05, 0.95)


def test_it_tells_the_half_width_where_it_stops() -> None:
    """That of Student's interval over the first `replications` values, within the precision."""
    values = np.random.default_rng(3).normal(10, 2, 400)
    found = enough(values, Hoad())
    known = t_interval(values[: found.replications])
    assert found.half_width == pytest.approx(known.half_width, rel=1e-9)
    assert found.precision == pytest.approx(known.relative, rel=1e-9)
    assert found.precision <= 0.05


@given(st.integers(0, 500), st.floats(0.02, 0.3), st.lists(st.integers(1, 20), min_size=5, max_size=40))
def test_the_portions_in_which_replications_are_run_change_nothing(
    seed: int, precision: float, portions: list[int]
) -> None:
    """Asked after each replication, after odd portions, or once, it says the same; `needed` never overshoots."""
    values, rule = np.random.default_rng(seed).normal(10, 2, 400), Hoad(precision=precision, budget=400)
    whole = enough(values, rule)
    n = 0
    for portion in portions:
        n = min(n + portion, 400)
        found = enough(values[:n], rule)
        if found.reached:
            assert found.replications == whole.replications
            assert found.half_width == pytest.approx(whole.half_width)
            return
    n = 0
    while not (found := enough(values[:n], rule)).reached and found.needed > n:
        assert not whole.reached or found.needed <= whole.replications + rule.ahead(whole.replications)
        n = found.needed
    assert (found.reached, found.replications) == (whole.reached, whole.replications)


def test_a_budget_is_never_overrun_and_its_end_is_told() -> None:
    """Too noisy for the budget: not reached, all of it used, no more wanted; further values change nothing."""
    values, rule = np.random.default_rng(4).normal(10, 20, 50), Hoad(budget=20)
    found = enough(values[:20], rule)
    assert (found.reached, found.replications, found.needed) == (False, 20, 20)
    assert found.precision > 0.05
    assert enough(values, rule) == found
    assert enough(values[:19], rule).needed == 20


def test_before_the_first_look_it_asks_for_the_first_replications() -> None:
    """Nothing is known of no replication."""
    found = enough([], Hoad())
    assert (found.reached, found.needed, found.half_width) == (False, 3, math.inf)


def test_what_never_varies_takes_the_first_look_and_the_look_ahead() -> None:
    """Zeros too, of which no half-width is a share."""
    for value in (0.0, 7.1):
        assert enough([value] * 7, Hoad()).needed == 8
        found = enough([value] * 8, Hoad())
        assert found.reached
        assert (found.replications, found.half_width) == (3, 0.0)


def test_replications_with_nothing_to_measure_count_as_run() -> None:
    """The answer is a number of replications; its interval has fewer values."""
    values = np.random.default_rng(5).normal(10, 1, 30)
    gaps = np.concatenate([[math.nan, math.nan], values])
    assert enough(gaps, Hoad()).replications == enough(values, Hoad()).replications + 2
    assert enough([math.nan] * 12, Hoad(budget=12)).half_width == math.inf


def test_an_absolute_half_width_helps_where_the_mean_is_near_zero() -> None:
    """A difference around 0 never reaches 5 % of itself; in its own unit it does."""
    values = np.random.default_rng(6).normal(0.0, 1.0, 300)
    assert not enough(values, Hoad(budget=300)).reached
    assert enough(values, Hoad(absolute=0.25)).half_width <= 0.25


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"initial": 1}, "initial >= 2"),
        ({"look_ahead": -1}, "look_ahead >= 0"),
        ({"budget": 2}, "less than the first 3"),
        ({"precision": 0.0}, "above 0"),
        ({"level": 95}, "between 0 and 1"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(settings: dict[str, float], said: str) -> None:
    """With what would."""
    with pytest.raises(InputError, match=said):
        Hoad(**settings)


def test_sim_tools_warns_where_we_say_not_reached() -> None:
    """The oracle is really asked: it finds no solution within a small budget either."""
    values = np.random.default_rng(7).normal(10, 20, 100)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(TypeError):
            simtools_replications(values, Hoad(budget=20))
    assert any("precision not reached" in str(each.message) for each in told)
    assert not enough(values[:20], Hoad(budget=20)).reached
