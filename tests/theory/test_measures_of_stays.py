"""What is measured of stays, on four that can be counted by hand, and on random ones the long way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import canbao
from canbao.verification import stays
from canbao.verification.stays import Measure, Stays

# One who comes before the window; one served at once; one who waits 2; one who gives up after 1; one lost at once.
FOUND = {
    "desk": Stays(
        np.array([0.0, 10.0, 11.0, 12.0, 13.0]),
        np.array([0.0, 10.0, 13.0, math.nan, math.nan]),
        np.array([12.0, 13.0, 16.0, 13.0, 13.0]),
    ),
    stays.FAMILIES: Stays(np.arange(8.0, 18.0), np.arange(8.0, 18.0), np.arange(8.0, 18.0)),
}
WINDOW = (10.0, 20.0)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (stays.mean_wait("desk"), (0 + 2 + 1) / 3),
        (stays.mean_time("desk"), (3 + 5 + 1 + 0) / 4),
        (stays.share_waiting("desk"), 3 / 4),
        (stays.share_within("desk", 1.5), 3 / 4),
        (stays.share_longer("desk", 3.0), 1 / 4),
        (stays.share_lost("desk"), 2 / 4),
        (stays.lost_rate("desk"), 2 / 10),
        (stays.leaving_rate("desk"), 5 / 10),
        (stays.visits_for_each("desk"), 4 / 8),
        (stays.mean_number("desk"), (2 + 3 + 5 + 1) / 10),
        (stays.mean_queue("desk"), (2 + 1) / 10),
        (stays.occupancy("desk", 2), (2 + 3 + 3) / 10 / 2),
        (stays.share_at_least("desk", 1), 6 / 10),
        (stays.share_at_least("desk", 3), 2 / 10),
        (stays.share_at_least("desk", 9), 0.0),
        (stays.number_at("desk", 1.5, 5.0), (3 + 0) / 2),
    ],
)
def test_measures_are_what_can_be_counted(measure: Measure, expected: float) -> None:
    """Five stays in a window of ten."""
    assert measure(FOUND, WINDOW) == pytest.approx(expected)


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 8)), max_size=30), st.integers(1, 5))
def test_the_share_of_time_with_so_many_inside_is_that_of_a_fine_grid(
    lengths: list[tuple[float, float]], number: int
) -> None:
    """Against looking at 20,000 moments one by one."""
    enter = np.array([begin for begin, _ in lengths])
    leave = enter + np.array([length for _, length in lengths])
    found = {"desk": Stays(enter, enter, leave)}
    moments = np.linspace(5.0, 15.0, 20_001)
    inside = ((enter[:, None] <= moments) & (moments < leave[:, None])).sum(axis=0)
    expected = float(np.mean(inside >= number))
    assert stays.share_at_least("desk", number)(found, (5.0, 15.0)) == pytest.approx(expected, abs=0.005)


def test_stays_of_a_trace_are_told_apart_by_step() -> None:
    """Two journeys through one desk; a family that is still inside leaves at infinity."""
    visit = canbao.Visit("desk", service=4.0)
    network = canbao.Network(
        stations=[canbao.Station("desk")],
        journeys=[canbao.Journey("a", [visit]), canbao.Journey("b", [visit])],
        streams=[canbao.Stream("a", canbao.At([0.0]), name="a"), canbao.Stream("b", canbao.At([1.0]), name="b")],
    )
    found = stays.stays_of(canbao.simulate(network, until=6.0))
    assert (found["a/desk"].leave.tolist(), found["b/desk"].start.tolist()) == ([4.0], [4.0])
    assert found["b/desk"].leave.tolist() == [math.inf]
    assert found[stays.FAMILIES].leave.tolist() == [4.0, math.inf]
