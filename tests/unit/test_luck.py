"""Luck: uniform, independent whatever it is for, and the same wherever it is drawn."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from canbao.arrays import FloatArray
from canbao.luck import Luck

MANY = 100_000
SEEDS = [0, 1, 2, -1, -(2**70), 2**63, 2**64, 10**40]


def _chi_square_of_pairs(a: FloatArray, b: FloatArray, cells: int = 16) -> float:
    """Give the p-value of the pairs falling evenly into a square of cells."""
    counts = np.histogram2d(a, b, bins=cells, range=[[0, 1], [0, 1]])[0]
    return float(stats.chisquare(counts.ravel()).pvalue)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("attempt", [0, 1, 7])
def test_numbers_are_uniform(seed: int, attempt: int) -> None:
    """For any seed, huge or negative, and any attempt, the numbers spread evenly over (0, 1)."""
    numbers = Luck(seed).uniforms("office/window:service", MANY, attempt=attempt)
    assert stats.kstest(numbers, "uniform").pvalue > 1e-4


def test_neither_0_nor_1_can_be_reached() -> None:
    """Every number is an odd multiple of 2^-53, so that all of them lie strictly inside (0, 1)."""
    scaled = Luck(5).uniforms("any", MANY) * 2.0**53
    assert np.all(scaled % 2 == 1)
    assert 0 < scaled.min() < scaled.max() < 2.0**53


STREAMS = {
    "another purpose": lambda: Luck(1).uniforms("b", MANY),
    "a purpose of nearly the same name": lambda: Luck(1).uniforms("a ", MANY),
    "the next attempt": lambda: Luck(1).uniforms("a", MANY, attempt=1),
    "a late attempt": lambda: Luck(1).uniforms("a", MANY, attempt=1000),
    "the next seed": lambda: Luck(2).uniforms("a", MANY),
    "the opposite seed": lambda: Luck(-1).uniforms("a", MANY),
    "the next family": lambda: Luck(1).uniforms("a", MANY, first=1),
    "a family far away": lambda: Luck(1).uniforms("a", MANY, first=2**32),
}


@pytest.mark.parametrize("other", STREAMS)
def test_streams_do_not_depend_on_each_other(other: str) -> None:
    """Pairs from two streams fill the unit square evenly and are not correlated."""
    one, two = Luck(1).uniforms("a", MANY), STREAMS[other]()
    assert _chi_square_of_pairs(one, two) > 1e-4
    assert abs(np.corrcoef(one, two)[0, 1]) < 5 / np.sqrt(MANY)


def test_attempts_of_one_purpose_are_mutually_independent() -> None:
    """No two of the first eight attempts are correlated, seen over all families."""
    attempts = [Luck(3).uniforms("a", MANY, attempt=attempt) for attempt in range(8)]
    for one, two in itertools.combinations(attempts, 2):
        assert abs(np.corrcoef(one, two)[0, 1]) < 5 / np.sqrt(MANY)


def test_numbers_over_attempts_are_uniform_for_one_family() -> None:
    """A family that tries again and again meets even luck, too."""
    luck = Luck(8)
    numbers = [luck.uniform("a", 3, attempt) for attempt in range(20_000)]
    assert stats.kstest(numbers, "uniform").pvalue > 1e-4


@given(
    seed=st.integers(-(2**80), 2**80),
    purpose=st.text(max_size=20),
    first=st.integers(0, 2**40),
    count=st.integers(0, 20),
    attempt=st.integers(0, 1000),
)
def test_a_column_holds_the_number_of_each_family(
    seed: int, purpose: str, first: int, count: int, attempt: int
) -> None:
    """The array is nothing but the single numbers, one family after the other."""
    luck = Luck(seed)
    column = luck.uniforms(purpose, count, first=first, attempt=attempt)
    assert column.tolist() == [luck.uniform(purpose, first + i, attempt) for i in range(count)]


@given(cuts=st.sets(st.integers(1, 299), max_size=6), attempt=st.integers(0, 3))
def test_blocks_put_together_are_the_whole(cuts: set[int], attempt: int) -> None:
    """It does not matter how the families are cut into blocks."""
    luck, edges = Luck(9), [0, *sorted(cuts), 300]
    blocks = [luck.uniforms("a", b - a, first=a, attempt=attempt) for a, b in itertools.pairwise(edges)]
    assert np.concatenate(blocks).tolist() == luck.uniforms("a", 300, attempt=attempt).tolist()


def test_what_was_asked_before_changes_nothing() -> None:
    """Luck has no memory: the order of questions does not matter."""
    fresh, used = Luck(4), Luck(4)
    used.uniforms("b", 1000)
    used.uniform("a", 17, 2)
    assert used.uniforms("a", 50).tolist() == fresh.uniforms("a", 50).tolist()


def test_another_process_draws_the_same() -> None:
    """A process with another hash seed draws the same numbers, to the last bit."""
    script = "from canbao.luck import Luck; print([u.hex() for u in Luck(-7).uniforms('参保', 5, first=3, attempt=2)])"
    surroundings = {**os.environ, "PYTHONHASHSEED": "12345"}
    answer = subprocess.run(
        [sys.executable, "-c", script], env=surroundings, capture_output=True, text=True, check=True
    )
    here = Luck(-7).uniforms("参保", 5, first=3, attempt=2).tolist()
    assert answer.stdout.strip() == str([number.hex() for number in here])


def test_seeds_are_all_different() -> None:
    """Seeds that are equal in their last 64 bits still have luck of their own."""
    firsts = {Luck(seed).uniform("a", 0) for seed in [*range(-500, 500), *SEEDS, -1 + 2**64, 1 + 2**64]}
    assert len(firsts) == len({*range(-500, 500), *SEEDS, -1 + 2**64, 1 + 2**64})


def test_outputs_are_those_of_splitmix64(monkeypatch: pytest.MonkeyPatch) -> None:
    """Family i of a stream with key 1234567 has the i-th output of the published generator with that seed."""
    luck = Luck(0)
    monkeypatch.setitem(luck._keys, "a", 1234567)
    published = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert [luck.bits("a", family) for family in range(5)] == published


def test_whole_numbers_of_numpy_will_do() -> None:
    """A family's number may come out of an array."""
    family: Any = np.int64(3)
    attempt: Any = np.int32(2)
    luck = Luck(6)
    assert luck.uniform("a", family, attempt) == luck.uniform("a", 3, 2)
    assert luck.bits("a", family) == luck.bits("a", 3)


@given(
    st.integers(0, 2**40),
    st.lists(st.tuples(st.integers(0, 2**33), st.integers(0, 50)), max_size=20),
)
def test_any_families_at_any_attempts_have_the_numbers_that_they_have_one_by_one(
    seed: int, asked: list[tuple[int, int]]
) -> None:
    """The order in which numbers are asked for has no say in them, and neither has who else is asked for."""
    luck = Luck(seed)
    family, attempt = (np.array([pair[place] for pair in asked], dtype=np.int64) for place in (0, 1))
    wanted = [luck.uniform("service", *pair) for pair in asked]
    assert luck.uniforms_of("service", family, attempt).tolist() == wanted
