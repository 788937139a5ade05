"""The search for the least that holds, on systems whose answer is known."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import canbao
from canbao.errors import InputError
from canbao.experiments import NetworkModel
from canbao.experiments.staffing import Levels, Lever, Look, Promise, Wanted, find_least, plan_servers
from canbao.experiments.staffing.levers import cost_yuan, moved
from canbao.theory import erlang_c

Rule = Callable[[Levels], np.ndarray]


def asked(rule: Rule) -> Callable[[Sequence[Levels], Sequence[int]], list[list[Look]]]:
    """Give what tries plans of a system without luck: every season says what the rule says."""
    return lambda plans, seeds: [[Look(rule(plan), np.zeros(len(plan))) for _ in seeds] for plan in plans]


def cheapest(levers: Sequence[Lever], rule: Rule) -> float:
    """Give what the cheapest plan costs that holds, by trying all."""
    plans = itertools.product(*(range(lever.least, lever.most + 1) for lever in levers))
    return min(cost_yuan(levers, plan) for plan in plans if np.all(rule(plan) >= 0))


LEVERS = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 9)), min_size=1, max_size=3)


@given(LEVERS)
@settings(max_examples=60)
def test_where_each_promise_has_its_place_the_least_is_exact(drawn: list[tuple[int, int, int]]) -> None:
    """If every lever has a need of its own, the search finds the cheapest of all plans, wherever it starts."""
    levers = [Lever(f"place {n}", 0, 7, start, float(price)) for n, (_, start, price) in enumerate(drawn)]
    needs = np.array([need for need, _, _ in drawn])

    def rule(plan: Levels) -> np.ndarray:
        return np.asarray(np.array(plan) - needs)

    found = find_least(levers, asked(rule))
    assert found.levels == tuple(needs)
    assert found.holds


@given(LEVERS, st.floats(0.05, 2.0))
@settings(max_examples=40)
def test_with_a_shared_promise_nobody_can_go(drawn: list[tuple[int, int, int]], limit: float) -> None:
    """If places share one promise, the plan holds, no server of it can go, and it is at most a fifth dearer."""
    levers = [Lever(f"place {n}", 0, 12, start, float(price)) for n, (_, start, price) in enumerate(drawn)]
    loads = np.array([load for load, _, _ in drawn])

    def rule(plan: Levels) -> np.ndarray:
        return np.array([limit - float(np.exp(loads - np.array(plan)).sum())])

    found = find_least(levers, asked(rule))
    assert found.holds
    assert rule(found.levels) >= 0
    for number, level in enumerate(found.levels):
        assert level == 0 or rule(moved(found.levels, (number, -1))) < 0
    dearest = max(lever.yuan for lever in levers)
    assert cost_yuan(levers, found.levels) <= cheapest(levers, rule) * 1.2 + dearest


def test_a_promise_that_nothing_holds_is_told_and_not_searched_for_long() -> None:
    """Where all that may be put in misses, there is no plan, and four seasons are enough to know."""
    tries: list[Levels] = []

    def ask(plans: Sequence[Levels], seeds: Sequence[int]) -> list[list[Look]]:
        tries.extend(plan for plan in plans for _ in seeds)
        return [[Look(np.array([-1.0]), np.zeros(1)) for _ in seeds] for _ in plans]

    found = find_least([Lever("desk", 1, 9, 2)], ask)
    assert not found.holds
    assert found.levels == (9,)
    assert tries == [(9,)] * 4


def luck(seed: int) -> float:
    """Give the luck of a season, uniform between 0 and 1."""
    return float(np.random.default_rng(seed).random())


def test_a_plan_in_luck_is_proved_on_seasons_that_the_search_did_not_see() -> None:
    """With a known chance at each number, the plan holds with what was asked, and one less does not."""
    chances = {1: 0.1, 2: 0.5, 3: 0.8, 4: 0.98, 5: 1.0}

    def ask(plans: Sequence[Levels], seeds: Sequence[int]) -> list[list[Look]]:
        return [[Look(np.array([chances[plan[0]] - luck(seed)]), np.zeros(1)) for seed in seeds] for plan in plans]

    found = find_least([Lever("desk", 1, 5, 5)], ask, Wanted(0.9, 0.95))
    assert found.levels == (4,)
    assert found.proof is not None
    assert found.proof.at_least >= 0.9
    assert min(found.proof.seeds) >= 20
    assert [each.verdict for each in found.neighbours] == ["does not hold"]


def test_a_lever_out_of_order_is_refused() -> None:
    """A start outside the bounds, and a server that costs nothing, are faults that name the lever."""
    with pytest.raises(InputError, match="lever 'desk' needs 0 <= least <= start <= most"):
        Lever("desk", 1, 5, 6)
    with pytest.raises(InputError, match="must cost more than 0 yuan"):
        Lever("desk", 1, 5, 2, yuan=0.0)
    with pytest.raises(InputError, match="either at_least or at_most"):
        Promise("wait")


# --- M/M/c ------------------------------------------------------------------------------------------------------------


def waited(trace: canbao.Trace) -> dict[str, float]:
    """Measure the share of those who waited, of all who were served."""
    enter, start = np.asarray(trace.visits["enter"]), np.asarray(trace.visits["start"])
    return {"waited": float((start > enter)[~np.isnan(start)].mean())}


def desks(servers: int, load: float) -> NetworkModel:
    """Give M/M/c with a mean service of 1, for 6,000 customers."""
    network = canbao.Network(
        stations=[canbao.Station("desk", servers=servers)],
        journeys=[canbao.Journey("way", [canbao.Visit("desk", service=canbao.Exponential(1.0))])],
        streams=[canbao.Stream("way", canbao.Poisson(rate=load))],
    )
    return NetworkModel(network, until=6_000 / load, measures=waited)


@pytest.mark.parametrize(("load", "limit"), [(0.7, 0.35), (2.5, 0.2), (9.0, 0.35), (20.0, 0.28)])
def test_least_servers_of_mmc_are_those_of_erlangs_formula(load: float, limit: float) -> None:
    """With a limit on the share that waits, the plan is the exact least c by Erlang C, and one less does not hold."""
    exact = next(c for c in itertools.count(int(load) + 1) if erlang_c(c, load) <= limit)
    plan = plan_servers(
        lambda servers: desks(servers["desk"], load),
        [Lever("desk", 1, 60, start=max(1, round(load)))],
        [Promise("waited", at_most=limit)],
    )
    assert plan.servers == {"desk": exact}
    assert plan.holds
    assert [each.verdict for each in plan.found.neighbours] == ["does not hold"]
