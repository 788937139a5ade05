"""The schedule of arrivals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.errors import InputError, StorageError
from canbao_loadtests.driving.schedule import Schedule

moments = st.lists(st.floats(0, 1e7), max_size=40)


@given(moments, st.integers(1, 7))
def test_stripes_make_up_the_whole_and_share_nothing(times: list[float], parts: int) -> None:
    """Every arrival is in one stripe, at its moment, and stripes differ by one arrival at most."""
    whole = Schedule.of(range(len(times)), times)
    stripes = [whole.stripe(part, parts) for part in range(parts)]
    together = [pair for one in stripes for pair in zip(one.families.tolist(), one.moments.tolist(), strict=True)]
    assert sorted(together) == sorted(zip(whole.families.tolist(), whole.moments.tolist(), strict=True))
    sizes = [len(one) for one in stripes]
    assert max(sizes) - min(sizes) <= 1


@given(moments)
def test_arrivals_in_any_order_become_one_that_rises(times: list[float]) -> None:
    """Nobody is lost by sorting, and the digest does not depend on the order in which they were given."""
    there = Schedule.of(range(len(times)), times)
    back = Schedule.of(range(len(times))[::-1], times[::-1])
    assert there.digest == back.digest
    assert (np.diff(there.moments) >= 0).all()


def test_a_stored_schedule_comes_back_as_it_was(tmp_path: Path) -> None:
    """Families and moments survive the file, to the last bit."""
    schedule = Schedule.of([5, 3, 9], [0.1, 0.1, 7.25])
    schedule.save(tmp_path / "schedule.parquet")
    again = Schedule.load(tmp_path / "schedule.parquet")
    assert again.digest == schedule.digest
    assert again.families.tolist() == [3, 5, 9]


@given(moments, st.floats(0, 1e7), st.floats(0, 1e7))
def test_a_period_has_its_start_and_not_its_end(times: list[float], start: float, end: float) -> None:
    """`between` takes those from the start on, up to and without the end."""
    whole = Schedule.of(range(len(times)), times)
    assert whole.between(start, max(start, end)).moments.tolist() == [
        moment for moment in whole.moments.tolist() if start <= moment < max(start, end)
    ]


def test_families_can_be_left_out() -> None:
    """Those who have been here before do not come again."""
    assert Schedule.of([1, 2, 3], [1, 2, 3]).without([2, 7]).families.tolist() == [1, 3]


@pytest.mark.parametrize("wrong", [[2.0, 1.0], [0.0, float("nan")], [0.0, float("inf")]])
def test_moments_that_do_not_rise_are_refused(wrong: list[float]) -> None:
    """The message says which one."""
    with pytest.raises(InputError, match="number 1 is"):
        Schedule(np.array([0, 1]), np.array(wrong))


def test_a_stripe_that_is_none_is_refused() -> None:
    """Part 2 of 2 does not exist."""
    with pytest.raises(InputError, match="0 to 1"):
        Schedule.of([], []).stripe(2, 2)


@pytest.mark.parametrize("content", [None, b"no parquet"])
def test_a_file_that_is_no_schedule_is_named(tmp_path: Path, content: bytes | None) -> None:
    """Whoever opens a missing or damaged file learns which."""
    path = tmp_path / "schedule.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StorageError, match=r"schedule\.parquet is no schedule"):
        Schedule.load(path)
