"""The best of k: the promise kept on known sets, and the procedure of Kim and Nelson held against two others."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from canbao.arrays import FloatArray
from canbao.errors import InputError
from canbao.statistics import kim_nelson
from canbao.statistics.selection import Sample, eta


def table(values: FloatArray) -> Sample:
    """Give observations from a table, shape (variants, replications)."""

    def sample(variants: Sequence[int], replications: range) -> FloatArray:
        return values[np.ix_(list(variants), list(replications))]

    return sample


def as_the_paper_says(values: FloatArray, delta: float, level: float, n0: int) -> tuple[int, int]:
    """Go through the steps of Kim and Nelson (2001) one by one, with c = 1; give the best and the last stage."""
    k = len(values)
    constant = 0.5 * ((2 * (1 - level) / (k - 1)) ** (-2 / (n0 - 1)) - 1)
    h2 = 2 * constant * (n0 - 1)
    pairs = [(i, other) for i in range(k) for other in range(k) if i != other]
    square = {pair: np.var(values[pair[0], :n0] - values[pair[1], :n0], ddof=1) for pair in pairs}
    most = max(math.floor(h2 * each / delta**2) for each in square.values())
    left, r = set(range(k)), n0
    if n0 > most:
        return max(left, key=lambda i: float(values[i, :r].mean())), r
    while True:
        mean = {i: float(values[i, :r].mean()) for i in left}
        slack = {pair: max(0.0, delta / (2 * r) * (h2 * square[pair] / delta**2 - r)) for pair in pairs}
        left = {i for i in left if all(mean[i] >= mean[other] - slack[i, other] for other in left - {i})}
        if len(left) == 1:
            return left.pop(), r
        r += 1
        if r == most + 1:
            return max(left, key=lambda i: float(values[i, :r].mean())), r


def normals(seed: int, means: Sequence[float], deviations: Sequence[float], shared: float, n: int) -> FloatArray:
    """Draw normal observations, a share of whose luck is the same in all variants of a replication."""
    rng = np.random.default_rng(seed)
    common, own = rng.normal(size=n), rng.normal(size=(len(means), n))
    luck = math.sqrt(shared) * common + math.sqrt(1 - shared) * own
    return np.array(means)[:, None] + np.array(deviations)[:, None] * luck


@pytest.mark.parametrize("shared", [0.0, 0.8])
@pytest.mark.parametrize(
    ("means", "deviations"),
    [
        ([0.5, 0.0, 0.0, 0.0, 0.0], [1.0] * 5),  # the hardest: all others just delta behind
        ([0.5, 0.0, 0.0], [2.0, 1.0, 0.5]),
        ([1.5, 1.0, 0.5, 0.0], [1.0, 1.5, 1.0, 0.5]),
    ],
)
def test_it_selects_the_best_as_often_as_it_promises(
    means: list[float], deviations: list[float], shared: float
) -> None:
    """90 % or more of 300 selections, less three standard errors, with and without common luck."""
    tries, right = 300, 0
    for seed in range(tries):
        found = kim_nelson(table(normals(seed, means, deviations, shared, 1200)), len(means), delta=0.5, level=0.9)
        assert found.guaranteed
        right += found.best == 0
    assert right / tries >= 0.9 - 3 * math.sqrt(0.9 * 0.1 / tries)


@pytest.mark.parametrize("seed", range(40))
def test_it_goes_as_the_paper_says(seed: int) -> None:
    """The best and the last stage are those of the steps gone through one by one, for sets of 2 to 7 variants."""
    rng = np.random.default_rng(seed)
    k, n0 = int(rng.integers(2, 8)), int(rng.integers(3, 15))
    values = normals(seed, rng.normal(0, 0.5, k).tolist(), rng.uniform(0.3, 1.5, k).tolist(), 0.3, 4000)
    found = kim_nelson(table(values), k, delta=0.4, level=0.9, n0=n0)
    assert (found.best, found.stages) == as_the_paper_says(values, 0.4, 0.9, n0)
    assert found.means[found.best] == pytest.approx(values[found.best, : found.stages].mean())


@pytest.mark.parametrize("seed", range(10))
def test_of_two_it_selects_what_sim_tools_selects(seed: int) -> None:
    """After as many replications, but that sim-tools runs the winner once more.

    Of more than two, sim-tools 1.3 looks up the variance of another pair, and it never ends by the N of the paper.
    """
    from sim_tools.ovs.indifference_zone import KN

    values = normals(seed, [0.0, 0.6], [1.0, 1.2], 0.4, 500)

    class Replayed:
        def __init__(self) -> None:
            self.taken = [0, 0]

        def register_observer(self, observer: KN) -> None:
            self.observer = observer

        def simulate(self, design: int) -> None:
            place = self.taken[design]
            self.taken[design] += 1
            self.observer.feedback(self, design, values[design, place])

    model = Replayed()
    contenders = KN(model, 2, delta=0.3, alpha=0.1, n_0=10).solve()
    found = kim_nelson(table(values), 2, delta=0.3, level=0.9, n0=10)
    assert found.survivors == tuple(contenders)
    model.taken[found.best] -= 1
    assert found.replications == tuple(model.taken)


@pytest.mark.parametrize(("k", "n0", "level"), [(2, 10, 0.95), (5, 20, 0.9), (100, 24, 0.95)])
def test_eta_solves_the_equation_that_defines_it(k: int, n0: int, level: float) -> None:
    """With c = 1: ½ (1 + 2 η) ** (-(n0 - 1) / 2) = α / (k - 1)."""
    constant = eta(k, n0, level)
    assert 0.5 * (1 + 2 * constant) ** (-(n0 - 1) / 2) == pytest.approx((1 - level) / (k - 1))


def test_common_luck_ends_it_sooner() -> None:
    """The same means and spreads with 90 % of the luck in common: a third of the replications or less, in 60 sets."""
    means, deviations = [0.3, 0.0, 0.0, -0.3], [1.0] * 4
    taken = {
        shared: sum(
            sum(kim_nelson(table(normals(seed, means, deviations, shared, 2000)), 4, delta=0.3).replications)
            for seed in range(60)
        )
        for shared in (0.0, 0.9)
    }
    assert taken[0.9] < taken[0.0] / 3


@pytest.mark.parametrize("seed", range(5))
def test_portions_and_direction_change_nothing(seed: int) -> None:
    """Seven replications at a time give the answer of one at a time; the smallest is the largest of the negatives."""
    values = normals(seed, [0.0, 0.3, 0.6], [1.0] * 3, 0.2, 2000)
    found = kim_nelson(table(values), 3, delta=0.3)
    assert kim_nelson(table(values), 3, delta=0.3, portion=7) == found
    least = kim_nelson(table(-values), 3, delta=0.3, maximize=False)
    assert (least.best, least.replications) == (found.best, found.replications)
    assert least.means == pytest.approx(tuple(-mean for mean in found.means))


def test_each_observation_is_asked_for_once_and_none_of_those_who_are_out() -> None:
    """So that nothing is simulated twice or in vain, and an experiment can resume by asking again."""
    values = normals(1, [-5.0, 0.0, 0.3], [1.0] * 3, 0.0, 2000)
    asked: list[tuple[int, int]] = []

    def sample(variants: Sequence[int], replications: range) -> FloatArray:
        asked.extend((variant, replication) for variant in variants for replication in replications)
        return table(values)(variants, replications)

    found = kim_nelson(sample, 3, delta=0.3)
    assert len(asked) == len(set(asked))
    assert tuple(sum(v == variant for v, _ in asked) for variant in range(3)) == found.replications
    assert found.replications[0] < found.replications[2]


def test_a_budget_ends_it_without_the_promise() -> None:
    """The best so far, and that nothing is promised."""
    values = normals(2, [0.0, 0.01], [1.0, 1.0], 0.0, 100)
    found = kim_nelson(table(values), 2, delta=0.01, budget=30)
    assert (found.guaranteed, found.stages, len(found.survivors)) == (False, 30, 2)
    assert found.best == int(values[:, :30].mean(axis=1).argmax())


def test_one_variant_is_the_best_of_one_and_equal_ones_end_at_once() -> None:
    """Variants whose difference never varies need no second stage."""
    assert kim_nelson(table(np.ones((1, 10))), 1, delta=1.0).best == 0
    base = np.arange(10.0)
    found = kim_nelson(table(np.array([base, base + 1])), 2, delta=0.5)
    assert (found.best, found.stages) == (1, 10)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"k": 0}, "k >= 1"),
        ({"delta": 0.0}, "delta > 0"),
        ({"n0": 1}, "n0 >= 2"),
        ({"level": 0.3}, "a guess picks"),
        ({"level": 90}, "between 0 and 1"),
        ({"budget": 5}, "less than the first stage"),
    ],
)
def test_a_selection_that_cannot_work_is_refused(settings: dict[str, float], said: str) -> None:
    """With what would."""
    k = settings.get("k", 3)
    others = {name: value for name, value in settings.items() if name != "k"}
    with pytest.raises(InputError, match=said):
        kim_nelson(table(np.zeros((3, 10))), k, **{"delta": 1.0, **others})


def test_a_replication_without_the_measure_is_told_and_not_compared() -> None:
    """Which variant, which replication."""
    values = np.zeros((2, 10))
    values[1, 4] = math.nan
    with pytest.raises(InputError, match=r"variant 1 .* replication 4"):
        kim_nelson(table(values), 2, delta=1.0)
    with pytest.raises(InputError, match="were asked, got"):
        kim_nelson(lambda variants, replications: np.zeros(3), 2, delta=1.0)
