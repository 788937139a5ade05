"""Where a search for staff begins: load, backlog, periods."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.experiments.staffing.carryover import carry_over
from canbao.experiments.staffing.cells import day_blocks
from canbao.experiments.staffing.offered import Due, Offered, least_for_papers, least_for_waits, needed_by_day
from canbao.experiments.staffing.periods import cut_days
from canbao.theory import mmc, mmc_wait_within


@given(st.integers(1, 12), st.floats(0.1, 0.9))  # above, 3,000 periods are too few
def test_constant_rates_give_the_steady_state_of_mmc(servers: int, utilisation: float) -> None:
    """With rates that do not change, utilisation and queue become those of M/M/c (Stolletz 2008, section 3)."""
    rate = utilisation * servers
    carried = carry_over(np.full(3_000, rate), np.full(3_000, float(servers)))
    assert carried.utilisation[-1] == pytest.approx(utilisation, rel=1e-6)
    assert carried.backlog[-1] > servers or carried.waiting[-1] == pytest.approx(
        mmc(rate, 1.0, servers).queue, rel=1e-3
    )


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 10)), min_size=1, max_size=60), st.floats(0, 50))
def test_nobody_is_lost_between_periods(periods: list[tuple[float, int]], carried_in: float) -> None:
    """All who came are served or carried over, through nights and overloads."""
    arrivals, servers = (np.array(column, dtype=np.float64) for column in zip(*periods, strict=True))
    carried = carry_over(arrivals, servers, carried_in=carried_in)
    served = float(carried.utilisation @ servers)
    assert served + carried.backlog[-1] == pytest.approx(carried_in + arrivals.sum(), rel=1e-9, abs=1e-9)
    assert np.all(carried.utilisation <= 1 + 1e-12)


@pytest.mark.parametrize(("rate", "within", "share"), [(0.5, 1.0, 0.9), (4.0, 0.5, 0.95), (12.0, 2.0, 0.8)])
def test_windows_for_a_constant_rate_are_those_of_erlangs_formula(rate: float, within: float, share: float) -> None:
    """At a constant load the start is the least c of M/M/c that keeps the share, neither more nor less."""
    found = least_for_waits(np.full(8, rate), np.full(8, 10.0), 1.0, within, share)
    exact = next(c for c in itertools.count(math.floor(rate) + 1) if mmc_wait_within(within, rate, 1.0, c) >= share)
    assert found == exact


def offered(by_day: list[float], open_days: list[bool]) -> Offered:
    """Give what comes at 8 in the morning of each day, with work of 6 min each; open from 8 to 16."""
    arrivals, opens = np.zeros((len(by_day), 24)), np.zeros((len(by_day), 24))
    arrivals[:, 8] = by_day
    opens[open_days, 8:16] = 1.0
    return Offered(arrivals.ravel(), arrivals.ravel() / 10, opens.ravel(), 360.0)


def test_reviewers_clear_the_papers_of_a_day_within_it() -> None:
    """240 papers of 6 min are 24 h of work: in a day of 8 h, three do it, and two do not."""
    assert least_for_papers(offered([240.0], [True]), 0, 0, Due(1.0, 1.0))[0] == 3


def test_reviewers_who_have_days_may_be_fewer() -> None:
    """If the same papers may take three days, one does it."""
    assert least_for_papers(offered([240.0, 0.0, 0.0], [True] * 3), 0, 2, Due(3.0, 1.0))[0] == 1


def test_papers_of_a_holiday_wait_for_the_next_day() -> None:
    """What comes while the office is closed is work of the day on which it opens again."""
    needed = needed_by_day(offered([80.0, 80.0, 0.0], [True, False, True]), 1.0)
    assert needed.tolist() == pytest.approx([1.0, 0.0, 1.0])


@given(
    st.lists(st.tuples(st.floats(0, 12), st.sampled_from([0.0, 3.0, 7.0])), min_size=1, max_size=25), st.integers(1, 4)
)
def test_periods_are_all_days_and_no_dearer_than_one(days: list[tuple[float, float]], most: int) -> None:
    """Periods follow one another without a gap, are few enough, and never cost more than one number for all days."""
    needed, hours = ([pair[side] for pair in days] for side in (0, 1))
    cut = cut_days(needed, hours, most)
    assert [day for first, last in cut for day in range(first, last + 1)] == list(range(len(days)))
    assert len(cut) <= most

    def cost(pieces: list[tuple[int, int]]) -> float:
        return sum(
            max(1, math.ceil(max(needed[first : last + 1]) - 1e-9)) * sum(hours[first : last + 1])
            for first, last in pieces
        )

    assert cost(cut) <= cost([(0, len(days) - 1)]) + 1e-9


def test_a_rush_becomes_a_period_of_its_own() -> None:
    """Three days with ten times the need are cut out of a quiet month."""
    needed = [1.0] * 20 + [10.0] * 3 + [1.0] * 7
    assert cut_days(needed, [7.0] * 30, 3) == [(0, 19), (20, 22), (23, 29)]


def test_blocks_keep_the_lunch_break_and_cover_saturdays() -> None:
    """Morning and afternoon are blocks; with two hours at most they are cut; hours of Saturdays lie inside."""
    weekday, saturday = ((30_600.0, 43_200.0), (50_400.0, 63_000.0)), ((28_800.0, 39_600.0),)
    assert day_blocks([weekday], None) == [*weekday]
    assert day_blocks([weekday, saturday], None) == [(28_800.0, 43_200.0), (50_400.0, 63_000.0)]
    assert day_blocks([weekday], 2.0) == [
        (30_600.0, 37_800.0),
        (37_800.0, 43_200.0),
        (50_400.0, 57_600.0),
        (57_600.0, 63_000.0),
    ]
