"""Queues and servers over time, against a look at every moment."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.arrivals import Poisson
from canbao.distributions import Exponential
from canbao.engines.compiled_engine import CompiledEngine
from canbao.measures.queues import hour_edges, mean_number, occupancies, staff_over_time, waits
from canbao.network import Journey, Network, Station, Stream, Visit
from canbao.plan import Change, Plan, StationPlan
from canbao.planning import make_plan
from canbao.schedule import Schedule
from canbao.trace import Trace

NAN = math.nan
HOUR = 3600.0


@pytest.mark.parametrize(
    ("until", "edges"),
    [
        (7200.0, [0, 3600, 7200]),
        (7200.5, [0, 3600, 7200, 7200.5]),
        (7199.0, [0, 3600, 7199]),
        (10.0, [0, 10]),
    ],
)
def test_hours_begin_at_midnight_and_the_last_one_may_be_cut_short(until: float, edges: list[float]) -> None:
    """Every moment of the horizon lies in one hour, and none beyond it."""
    assert hour_edges(until).tolist() == edges


whole = st.integers(0, 40)
stays = st.lists(st.tuples(whole, st.one_of(st.none(), whole)), max_size=12).map(
    lambda pairs: [(a, None if b is None else max(a, b)) for a, b in pairs]
)


@given(stays, st.sets(whole, min_size=2, max_size=6).map(sorted))
def test_the_mean_number_is_a_count_over_a_fine_grid(stays: list[tuple[int, int | None]], edges: list[int]) -> None:
    """With whole moments, the integral is a sum over unit steps; a stay without an end goes on."""
    counts = [sum(a <= t and (b is None or t < b) for a, b in stays) for t in range(edges[-1])]
    wanted = [float(np.mean(counts[low:high])) for low, high in pairwise(edges)]
    starts = np.array([a for a, _ in stays], dtype=float)
    ends = np.array([NAN if b is None else b for _, b in stays], dtype=float)
    found = mean_number(starts, ends, np.array(edges, dtype=float))
    np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_long_seasons_lose_no_digits_that_show() -> None:
    """A hundred thousand stays of a season: the hours of waiting are right to a second."""
    rng = np.random.default_rng(1)
    starts = rng.uniform(0, 1.3e7, 100_000)
    lengths = rng.exponential(600, 100_000)
    edges = hour_edges(1.4e7)
    total = float((mean_number(starts, starts + lengths, edges) * np.diff(edges)).sum())
    assert total == pytest.approx(lengths.sum(), abs=1.0)


# --- waits ---

ENDED = {
    "served": ((10.0, 25.0, 40.0), 15.0),
    "served at once": ((10.0, 10.0, 40.0), 0.0),
    "abandoned": ((10.0, NAN, 22.0), 12.0),
    "sent home": ((10.0, NAN, 70.0), 60.0),
    "inside, waiting": ((10.0, NAN, NAN), 90.0),
    "inside, in service": ((10.0, 16.0, NAN), 6.0),
    "baulked": ((10.0, NAN, 10.0), NAN),
    "full": ((10.0, NAN, 10.0), NAN),
    "closed": ((10.0, NAN, 10.0), NAN),
}


def test_each_ending_has_its_wait(by_hand: Callable[..., Trace]) -> None:
    """Until service began or the family left without, or until the end; none for who was not let in."""
    rows = [
        (number, "desk", *moments, ended.partition(",")[0].removesuffix(" at once"))
        for number, (ended, (moments, _)) in enumerate(ENDED.items())
    ]
    trace = by_hand([{"arrival": 0.0}] * len(rows), rows, until=100.0, stations={"desk": "office"})
    np.testing.assert_array_equal(waits(trace), [wait for _, wait in ENDED.values()])


# --- stations ---


def _station(*changes: tuple[float, float]) -> StationPlan:
    plan: Any = StationPlan
    nothing: Any = None
    made: StationPlan = plan(
        "desk", "office", tuple(Change(t, s, True) for t, s in changes), "serve", "fifo", math.inf, False, 0.0, nothing
    )
    return made


@given(
    st.lists(st.tuples(whole, st.integers(0, 5)), min_size=1, max_size=6, unique_by=lambda change: change[0]),
    st.sets(whole, min_size=2, max_size=6).map(sorted),
)
def test_staff_over_time_is_a_count_over_a_fine_grid(changes: list[tuple[int, int]], edges: list[int]) -> None:
    """The mean number on duty in each bin, changes at any moment, also behind the last bin."""
    changes = sorted([(0, 1), *((t, s) for t, s in changes if t > 0)])
    on_duty = [[s for t, s in changes if t <= moment][-1] for moment in range(edges[-1])]
    wanted = [float(np.mean(on_duty[low:high])) for low, high in pairwise(edges)]
    np.testing.assert_allclose(staff_over_time(_station(*changes), np.array(edges, dtype=float)), wanted, atol=1e-9)


def test_staff_without_a_limit_is_infinite() -> None:
    """A station that serves everybody at once has no mean number of servers."""
    assert staff_over_time(_station((0.0, math.inf)), np.array([0.0, 1.0, 2.0])).tolist() == [math.inf, math.inf]


def _plan_of(*stations: StationPlan) -> Plan:
    plan: Any = type("Stations", (), {"stations": stations})()
    made: Plan = plan
    return made


def test_a_station_is_told_hour_by_hour(by_hand: Callable[..., Trace]) -> None:
    """Two hours on paper: who came, how many waited, were served and were on duty, and hours waited while staffed."""
    rows = [
        (0, "desk", 0.0, 0.0, 1800.0, "served"),
        (1, "desk", 900.0, 1800.0, 5400.0, "served"),
        (2, "desk", 1800.0, NAN, 3600.0, "abandoned"),
        (3, "desk", 1800.0, NAN, 1800.0, "full"),
        (4, "desk", 3600.0, NAN, NAN, "inside"),
        (5, "other", 0.0, 0.0, 7200.0, "served"),
    ]
    trace = by_hand([{"arrival": 0.0}] * 6, rows, until=2 * HOUR, stations={"desk": "office", "other": "office"})
    desk, other = occupancies(trace, _plan_of(_station((0.0, 2.0), (5400.0, 0.0)), _station((0.0, 1.0))))
    assert desk.arrivals.tolist() == [4, 1]
    np.testing.assert_allclose(desk.waiting, [(900 + 1800) / HOUR, 1.0])
    np.testing.assert_allclose(desk.busy, [1.0, 0.5])
    np.testing.assert_allclose(desk.staff, [2.0, 1.0])
    np.testing.assert_allclose(desk.wait_hours, [0.75, 1.0])
    assert other.busy.tolist() == [1.0, 1.0]
    assert other.arrivals.tolist() == [1, 0]


def test_nobody_waits_for_staff_that_is_not_there(by_hand: Callable[..., Trace]) -> None:
    """Hours of waiting in an hour without staff are night, not a bottleneck."""
    rows = [(0, "desk", 0.0, NAN, NAN, "inside")]
    trace = by_hand([{"arrival": 0.0}], rows, until=2 * HOUR, stations={"desk": "office"})
    (desk,) = occupancies(trace, _plan_of(_station((0.0, 0.0), (HOUR, 1.0))))
    assert desk.waiting.tolist() == [1.0, 1.0]
    assert desk.wait_hours.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("seed", range(5))
def test_busy_time_from_visits_is_that_of_the_server_process(seed: int) -> None:
    """Two accounts of one thing, kept apart: busy servers summed over hours, and what the servers counted."""
    staff = Schedule(np.array([0.0, 5e3, 9e3, 2e4]), np.array([2.0, 0.0, 3.0, 1.0]))
    network = Network(
        stations=[Station("a", servers=staff), Station("b", servers=2, discipline="lifo")],
        journeys=[Journey("office", [Visit("a", Exponential(300.0), patience=Exponential(900.0)), Visit("b", 200.0)])],
        streams=[Stream("office", Poisson(0.006))],
    )
    plan = make_plan(network, until=30_000.0, seed=seed)
    trace = CompiledEngine().run(plan)
    edges = hour_edges(trace.until)
    busy = [float((station.busy * np.diff(edges)).sum()) for station in occupancies(trace, plan)]
    np.testing.assert_allclose(busy, np.asarray(trace.stations["busy_s"]), atol=1e-6)
    assert min(busy) > 0
