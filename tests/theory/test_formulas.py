"""Closed formulas against published numbers, against one another, and against sums and integrals taken the long way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao import theory
from canbao.arrays import FloatArray
from canbao.errors import InputError

loads = st.floats(0.05, 0.95)
few = st.integers(1, 20)


@pytest.mark.parametrize(
    ("given_", "published"),
    [
        (theory.mmc(100 / 30, 3.0, 14).p_wait, 0.174132),
        (theory.mmc_wait_within(20 / 60, 100 / 30, 3.0, 14), 0.888350),
        (theory.mmc(100 / 30, 3.0, 14).occupancy, 0.714286),
        (theory.erlang_a(100 / 30, 3.0, 14, 5.0).p_wait, 0.14526),
        (theory.erlang_a(100 / 30, 3.0, 14, 5.0).p_lost, 0.013984),
        (theory.erlang_a(100 / 30, 3.0, 14, 5.0).wait, 0.069919),
        (theory.erlang_a(100 / 30, 3.0, 13, 5.0).p_wait, 0.2258),
        (theory.erlang_a(100 / 30, 3.0, 13, 5.0).p_lost, 0.02496),
        (theory.erlang_a(100 / 30, 3.0, 13, 5.0).wait, 0.12482),
        (40 * theory.erlang_b(10, 40.0), 30.3),
        (theory.mmc_at_least(4, 0.5, 1.75, 1), 0.586182),
        (theory.mmc_at_least(4, 0.5, 1.75, 2), 0.050972),
        (theory.mmc_at_least(4, 0.5, 1.75, 3), 0.019034),
        (theory.mmc_at_least(4, 0.5, 1.75, 4), 0.013022),
        (theory.mmc(0.2, 10.0, 3).wait, 4.4444),
        (theory.mmc(0.2, 10.0, 4).wait, 0.869565),
        (1.0 + theory.priority_waits([0.2, 0.6], [1.0, 1.0], [2.0, 2.0])[0], 2.0),
        (1.0 + theory.priority_waits([0.2, 0.6], [1.0, 1.0], [2.0, 2.0])[1], 6.0),
        (theory.mmc(1.0, 0.7, 1).wait, 1.6333),
        (theory.mmc(0.5, 0.7, 1).wait, 0.3769),
        (theory.mmc(0.5, 0.9, 1).wait, 0.7364),
        (theory.mmc(0.1207, 1 / 0.156, 2).queue, 0.1361),
        (theory.mmc(0.1207, 1 / 0.156, 2).number, 0.9098),
        (theory.mmc(43, 1 / 23, 2).wait, 0.30109),
        (theory.mmc(43, 1 / 23, 3).wait, 0.014807),
    ],
)
def test_formulas_give_the_published_numbers(given_: float, published: float) -> None:
    """To as many digits as were published."""
    digits = len(str(published).split(".")[1])
    assert given_ == pytest.approx(published, abs=10.0**-digits)


def test_a_load_of_ten_needs_seventeen_servers_to_lose_two_in_a_hundred() -> None:
    """Sixteen lose more, seventeen lose less."""
    assert theory.erlang_b_servers(10.0, 0.02) == 17
    assert theory.erlang_b(17, 10.0) <= 0.02 < theory.erlang_b(16, 10.0)


@given(few, st.floats(0.1, 30))
def test_erlang_b_is_the_last_term_of_a_cut_poisson_distribution(servers: int, load: float) -> None:
    """Against the sum that defines it."""
    terms = [load**n / math.factorial(n) for n in range(servers + 1)]
    assert theory.erlang_b(servers, load) == pytest.approx(terms[-1] / math.fsum(terms))


@given(few, loads)
def test_erlang_c_is_the_share_of_time_in_which_all_servers_are_busy(servers: int, load: float) -> None:
    """Against a birth-and-death process with room for everybody who matters."""
    rate, room = servers * load, servers + 800
    state = theory.birth_death([rate] * room, [min(n, servers) for n in range(1, room + 1)])
    queue = np.arange(room + 1 - servers) @ state[servers:]
    steady = theory.mmc(rate, 1.0, servers)
    assert steady.p_wait == pytest.approx(state[servers:].sum(), rel=1e-6)
    assert steady.queue == pytest.approx(queue, rel=1e-6)
    assert theory.mmc_at_least(servers + 3, rate, 1.0, servers) == pytest.approx(state[servers + 3 :].sum(), rel=1e-6)
    assert theory.mmc_at_least(1, rate, 1.0, servers) == pytest.approx(1.0 - state[0], rel=1e-6)


@given(few, loads)
def test_waits_within_a_limit_begin_at_those_who_need_not_wait(servers: int, load: float) -> None:
    """At 0 the share that waits not at all, and in the end everybody; the mean wait is the area beyond."""
    rate = servers * load
    steady = theory.mmc(rate, 1.0, servers)
    assert theory.mmc_wait_within(0.0, rate, 1.0, servers) == pytest.approx(1.0 - steady.p_wait)
    assert theory.mmc_wait_within(1e4, rate, 1.0, servers) == pytest.approx(1.0)
    limits = np.linspace(0.0, 40.0 / (servers - rate), 1_001)
    beyond = [1.0 - theory.mmc_wait_within(float(limit), rate, 1.0, servers) for limit in limits]
    assert float(np.trapezoid(beyond, limits)) == pytest.approx(steady.wait, rel=1e-3)


@given(few, loads)
def test_a_room_without_waiting_places_is_erlang_b_and_an_endless_one_erlang_c(servers: int, load: float) -> None:
    """The finite room lies between the two."""
    rate = servers * load
    assert theory.mmck(rate, 1.0, servers, servers).p_lost == pytest.approx(theory.erlang_b(servers, rate))
    assert theory.mmck(rate, 1.0, servers, servers + 900).wait == pytest.approx(
        theory.mmc(rate, 1.0, servers).wait, rel=1e-6
    )


@given(few, loads)
def test_endless_patience_is_erlang_c_and_none_is_erlang_b(servers: int, load: float) -> None:
    """Erlang A lies between the two as well."""
    rate = servers * load
    assert theory.erlang_a(rate, 1.0, servers, 1e9).wait == pytest.approx(theory.mmc(rate, 1.0, servers).wait, rel=1e-3)
    assert theory.erlang_a(rate, 1.0, servers, 1e-9).p_lost == pytest.approx(theory.erlang_b(servers, rate), rel=1e-3)


@given(few, st.floats(0.1, 3.0), st.floats(0.1, 10.0))
def test_in_erlang_a_who_is_not_lost_is_served(servers: int, load: float, patience: float) -> None:
    """What comes and is not lost keeps the servers busy: λ (1 - P(lost)) E[S] = c times occupancy."""
    steady = theory.erlang_a(servers * load, 1.0, servers, patience)
    assert servers * load * (1.0 - steady.p_lost) == pytest.approx(servers * steady.occupancy)
    assert steady.number == pytest.approx(steady.queue + servers * steady.occupancy)


@given(loads, st.floats(0.1, 10))
def test_pollaczek_and_khinchine_agree_with_erlang_for_exponential_services(load: float, mean: float) -> None:
    """A coefficient of variation of 1; half of the wait is left when nothing varies."""
    rate = load / mean
    assert theory.pollaczek_khinchine(rate, mean, 1.0) == pytest.approx(theory.mmc(rate, mean, 1).wait)
    assert theory.pollaczek_khinchine(rate, mean, 0.0) == pytest.approx(theory.mmc(rate, mean, 1).wait / 2)


@given(st.lists(st.tuples(st.floats(0.01, 0.2), st.floats(0.1, 1.5)), min_size=1, max_size=4))
def test_priorities_share_out_waits_and_do_not_make_or_save_any(classes: list[tuple[float, float]]) -> None:
    """Kleinrock's conservation law: Σ ρ W is that of one queue for all; one class alone waits as in that queue."""
    rates, means = zip(*classes, strict=True)
    squares = [2.0 * mean * mean for mean in means]
    load = math.fsum(rate * mean for rate, mean in classes)
    waits = theory.priority_waits(rates, means, squares)
    one_queue = math.fsum(r * s for r, s in zip(rates, squares, strict=True)) / 2.0 / (1.0 - load)
    shared = math.fsum(rate * mean * wait for (rate, mean), wait in zip(classes, waits, strict=True))
    assert shared == pytest.approx(load * one_queue)
    assert list(waits) == sorted(waits)
    assert theory.priority_waits(rates[:1], means[:1], squares[:1])[0] == pytest.approx(
        theory.pollaczek_khinchine(rates[0], means[0], 1.0)
    )


def test_the_shortest_first_wait_less_on_average_than_first_come_first_served() -> None:
    """Half short and half long services."""
    waits = theory.shortest_first_waits(0.5, [0.5, 2.0], [0.5, 0.5])
    cv = math.sqrt((0.5**2 + 2.0**2) / 2 - 1.25**2) / 1.25
    assert sum(waits) / 2 < theory.pollaczek_khinchine(0.5, 1.25, cv)


@given(st.floats(0.1, 5), st.floats(0.1, 5))
def test_a_blocked_tandem_moves_at_the_pace_of_the_slower_of_each_pair(first: float, second: float) -> None:
    """Against the integral of P(max > t); two thirds of the rate when both are equal."""
    times = np.linspace(0.0, 40.0 / min(first, second), 100_001)
    longer = 1.0 - (1.0 - np.exp(-first * times)) * (1.0 - np.exp(-second * times))
    assert 1.0 / theory.blocked_tandem_throughput(first, second) == pytest.approx(
        float(np.trapezoid(longer, times)), rel=1e-4
    )
    assert theory.blocked_tandem_throughput(first, first) == pytest.approx(2.0 * first / 3.0)


@given(st.integers(1, 12), st.integers(1, 4), st.floats(0.5, 20), st.floats(0.5, 5))
def test_in_a_finite_source_what_fails_is_repaired(machines: int, repairers: int, up: float, repair: float) -> None:
    """Failures a unit of time are repairs a unit of time, and nobody waits where there are enough repairers."""
    steady = theory.finite_source(machines, up, repair, repairers)
    assert (machines - steady.number) / up == pytest.approx(repairers * steady.occupancy / repair)
    enough = theory.finite_source(machines, up, repair, machines)
    assert enough.wait == pytest.approx(0.0, abs=1e-12)
    assert enough.number == pytest.approx(machines * repair / (up + repair))


@given(st.floats(0.05, 1.0), st.integers(0, 6))
def test_tries_until_a_check_is_passed_add_up(probability: float, limit: int) -> None:
    """Try n + 1 takes place if n have failed: a sum of powers, with or without a limit."""
    tries = math.fsum((1.0 - probability) ** n for n in range(limit + 1))
    assert theory.visits_until_passed(probability, limit) == pytest.approx(tries)
    assert theory.visits_until_passed(probability) == pytest.approx(1.0 / probability)


@pytest.mark.parametrize("time", [0.5, 3.0, 11.0])
def test_endless_servers_follow_a_wave_late_and_damped(time: float) -> None:
    """Against the closed form for a rate a + b sin ct and exponential stays: Eick, Massey and Whitt (1993)."""
    a, b, gamma, mean = 5.0, 3.0, 0.7, 2.0

    def rate(times: FloatArray) -> FloatArray:
        return np.asarray(a + b * np.sin(gamma * times))

    def survival(ages: FloatArray) -> FloatArray:
        return np.asarray(np.exp(-ages / mean))

    wave = (math.sin(gamma * time) - gamma * mean * math.cos(gamma * time)) / (1.0 + (gamma * mean) ** 2)
    found = theory.infinite_servers(rate, survival, time, since=time - 200.0)
    assert found == pytest.approx(mean * (a + b * wave), rel=1e-9)


def test_a_gathering_of_one_does_not_wait() -> None:
    """And of two, the first waits for one gap: half a gap on average."""
    assert theory.gathering_wait(2.0, 1) == 0.0
    assert theory.gathering_wait(2.0, 2) == pytest.approx(0.5 / 2.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: theory.erlang_c(3, 3.0),
        lambda: theory.erlang_b(2, 0.0),
        lambda: theory.erlang_b_servers(3.0, 0.0),
        lambda: theory.pollaczek_khinchine(1.0, 1.0, 1.0),
        lambda: theory.priority_waits([1.0], [1.0], [2.0]),
    ],
)
def test_a_formula_refuses_what_has_no_answer(call: object) -> None:
    """A queue that grows for ever has no mean wait; the message says what is needed."""
    with pytest.raises(InputError, match=r"need|must"):
        call()  # type: ignore[operator]
