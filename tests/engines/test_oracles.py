"""The engine against recursions that know neither events nor queues, to the last digit."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import canbao

whole_times = st.lists(st.integers(0, 30).map(float), min_size=1, max_size=40).map(sorted)
any_times = st.lists(st.floats(0, 30), min_size=1, max_size=40).map(sorted)
arrival_times = st.one_of(whole_times, any_times)


def durations(count: int) -> st.SearchStrategy[list[float]]:
    """One duration for each of some families, half of the time whole ones."""
    whole, free = st.integers(0, 6).map(float), st.floats(0, 6)
    return st.one_of(st.lists(whole, min_size=count, max_size=count), st.lists(free, min_size=count, max_size=count))


def serve(arrivals: Sequence[float], visit: dict[str, Any], columns: dict[str, Any], **station: Any) -> list[float]:
    """Give when each family's service begins, nan for those who are not served."""
    network = canbao.Network(
        stations=[canbao.Station("desk", **station)],
        journeys=[canbao.Journey("office", [canbao.Visit("desk", **visit)])],
        streams=[canbao.Stream("office", canbao.At(arrivals), columns=columns)],
    )
    return [float(start) for start in np.asarray(canbao.simulate(network, until=1e6).visits["start"])]


@given(arrival_times, st.data())
def test_one_server_is_lindleys_recursion(arrivals: list[float], data: st.DataObject) -> None:
    """A family waits as long as the one before, plus that one's service, less the gap between them (Lindley 1952)."""
    services = data.draw(durations(len(arrivals)))
    wait, expected = 0.0, []
    for n, arrival in enumerate(arrivals):
        if n:
            wait = max(0.0, wait + services[n - 1] - (arrival - arrivals[n - 1]))
        expected.append(arrival + wait)
    starts = serve(arrivals, {"service": "service"}, {"service": services})
    np.testing.assert_allclose(starts, expected, rtol=1e-9, atol=1e-9)


@given(arrival_times, st.integers(1, 5), st.data())
def test_many_servers_are_kiefer_and_wolfowitzs_recursion(
    arrivals: list[float], servers: int, data: st.DataObject
) -> None:
    """Each family goes to the server who is free first (Kiefer and Wolfowitz 1955)."""
    services = data.draw(durations(len(arrivals)))
    free, expected = [0.0] * servers, []
    for arrival, service in zip(arrivals, services, strict=True):
        expected.append(max(arrival, heapq.heappop(free)))
        heapq.heappush(free, expected[-1] + service)
    assert serve(arrivals, {"service": "service"}, {"service": services}, servers=servers) == expected


@given(arrival_times, st.integers(1, 3), st.data())
def test_patience_ends_before_the_server_is_free_or_it_does_not(
    arrivals: list[float], servers: int, data: st.DataObject
) -> None:
    """Whoever would wait longer than patience leaves and never meets a server (Baccelli, Boyer and Hébuterne 1984)."""
    services, patience = data.draw(durations(len(arrivals))), data.draw(durations(len(arrivals)))
    free, expected = [0.0] * servers, []
    for arrival, service, limit in zip(arrivals, services, patience, strict=True):
        start = max(arrival, free[0])
        expected.append(start if start <= arrival + limit else math.nan)
        if start <= arrival + limit:
            heapq.heapreplace(free, start + service)
    starts = serve(
        arrivals,
        {"service": "service", "patience": "patience"},
        {"service": services, "patience": patience},
        servers=servers,
    )
    np.testing.assert_array_equal(starts, expected)


@given(arrival_times, st.integers(1, 4), st.data())
def test_a_full_station_loses_whoever_finds_all_servers_busy(
    arrivals: list[float], servers: int, data: st.DataObject
) -> None:
    """Without room to wait, a family is served at its arrival or never."""
    services = data.draw(durations(len(arrivals)))
    free, expected = [0.0] * servers, []
    for arrival, service in zip(arrivals, services, strict=True):
        expected.append(arrival if free[0] <= arrival else math.nan)
        if free[0] <= arrival:
            heapq.heapreplace(free, arrival + service)
    starts = serve(arrivals, {"service": "service"}, {"service": services}, servers=servers, room=servers)
    np.testing.assert_array_equal(starts, expected)


@given(arrival_times, st.data())
def test_a_priority_queue_takes_the_most_urgent_of_those_who_are_there(
    arrivals: list[float], data: st.DataObject
) -> None:
    """At each end of a service: of those who have come, the smallest priority, then the first."""
    services = data.draw(durations(len(arrivals)))
    ranks = data.draw(st.lists(st.integers(0, 2), min_size=len(arrivals), max_size=len(arrivals)))
    waiting, free, expected = set(range(len(arrivals))), 0.0, [0.0] * len(arrivals)
    while waiting:
        begins = max(free, min(arrivals[n] for n in waiting))
        # At an idle server the first to come is served at once, before others of the same moment have come;
        # at a busy one, whoever comes at the moment at which it is free comes too late to be chosen.
        there = [n for n in waiting if arrivals[n] < begins] or [min(waiting)]
        chosen = min(there, key=lambda n: (ranks[n], arrivals[n], n))
        expected[chosen], free = begins, begins + services[chosen]
        waiting.remove(chosen)
    visit, columns = {"service": "service", "priority": "rank"}, {"service": services, "rank": ranks}
    assert serve(arrivals, visit, columns, discipline="priority") == expected


@settings(max_examples=50)
@given(st.lists(st.floats(0, 30), min_size=1, max_size=40), st.integers(0, 3))
def test_two_stations_without_room_between_them_are_hunts_recursion(arrivals: list[float], seed: int) -> None:
    """A family leaves the first station when it is done there and the one before it has left the second."""
    arrivals = sorted(arrivals)
    service = canbao.Exponential(1.0)
    network = canbao.Network(
        stations=[canbao.Station("first"), canbao.Station("second", room=1, when_full="block")],
        journeys=[
            canbao.Journey("line", [canbao.Visit("first", service=service), canbao.Visit("second", service=service)])
        ],
        streams=[canbao.Stream("line", canbao.At(arrivals))],
    )
    trace = canbao.simulate(network, until=1e6, seed=seed)
    luck = canbao.Luck(seed)
    drawn = [service.ppf(luck.uniforms(f"line/{name}:service", len(arrivals))) for name in ("first", "second")]
    moved = left = 0.0
    expected = []
    for arrival, first, second in zip(arrivals, *drawn, strict=True):
        # The server of the first station is free when the family before has moved on.
        moved = max(max(arrival, moved) + first, left)
        left = moved + second
        expected += [moved, left]
    assert np.asarray(trace.visits["leave"]).tolist() == expected


@settings(max_examples=50)
@given(whole_times, whole_times, st.integers(1, 2))
def test_a_changing_staff_is_counted_moment_by_moment(arrivals: list[float], changes: list[float], long: int) -> None:
    """Against a simulation that looks at every whole moment in turn, as the written order of events says."""
    times = sorted({0.0, *changes})
    staff = [(n * 2) % 3 for n in range(len(times))]
    starts = serve(arrivals, {"service": float(long)}, {}, servers=canbao.Schedule(times, staff))
    waiting: list[int] = []
    ends: list[int] = []
    expected = [math.nan] * len(arrivals)
    servers = 0

    def begin(now: int) -> None:
        while waiting and len(ends) < servers:
            expected[waiting.pop(0)] = float(now)
            ends.append(now + long)

    for now in range(31 + 3 * len(arrivals)):
        for _ in [end for end in ends if end == now]:
            ends.remove(now)
            begin(now)
        if now in times:
            servers = staff[times.index(now)]
            begin(now)
        for family, arrival in enumerate(arrivals):
            if arrival == now:
                waiting.append(family)
                begin(now)
    shown = [start if start < 31 + 3 * len(arrivals) else math.nan for start in starts]
    np.testing.assert_array_equal(shown, expected)
