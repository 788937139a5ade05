"""Who comes in a load test, and when."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.loadtests.load.conftest import DAY_S, ONLINE

from canbao.assembly import scenario_plan
from canbao.columns import numbers_of
from canbao.engines.simpy_engine import SimpyEngine
from canbao.errors import InputError
from canbao.plan import Plan
from canbao.scenario.scenario import ScenarioFile
from canbao.testing import small_scenario
from canbao_loadtests.driving.schedule import Schedule
from canbao_loadtests.load.choosing import Wishes, choose


def with_load(**load: Any) -> ScenarioFile:
    """Give the small scenario with a table `load`."""
    return small_scenario({**ONLINE, "load": load})


def test_the_families_are_those_that_a_simulation_sends_to_the_portal(plan: Plan, file: ScenarioFile) -> None:
    """In a period chosen by hand they are the simulation's families of the portal, at the simulation's moments."""
    chosen = choose(with_load(start=dt.date(2025, 12, 2), end=dt.date(2025, 12, 9)), plan)
    families = SimpyEngine().run(plan).families
    first = families["first_channel"]
    arrival = numbers_of(families["arrival"])
    assert not isinstance(first, np.ndarray)
    mine = first.has("portal") & (arrival >= DAY_S) & (arrival < 9 * DAY_S)
    expected = sorted(zip(arrival[mine].tolist(), numbers_of(families["family"])[mine].tolist(), strict=True))
    assert list(zip(chosen.moments.tolist(), chosen.families.tolist(), strict=True)) == expected


def test_the_default_period_ends_with_the_busiest_day_of_the_portal(plan: Plan, file: ScenarioFile) -> None:
    """It is three days long, and no other day has more arrivals at the portal than its last."""
    chosen = choose(file, plan)
    theirs = plan.arrival[np.asarray(plan.columns["_prefers portal"]) > 0]
    counts = [int(((theirs >= day * DAY_S) & (theirs < (day + 1) * DAY_S)).sum()) for day in range(62)]
    last = round(chosen.end_s / DAY_S) - 1
    assert counts[last] == max(counts)
    assert chosen.end_s - chosen.start_s == 3 * DAY_S


@pytest.fixture(scope="module")
def long() -> ScenarioFile:
    """Give the small scenario with a load test of twenty days."""
    return with_load(start=dt.date(2025, 12, 1), end=dt.date(2025, 12, 20))


@given(st.integers(1, 400), st.integers(0, 50))
def test_a_smaller_number_of_families_is_a_part_of_a_larger_one(
    plan: Plan, long: ScenarioFile, count: int, more: int
) -> None:
    """Whoever comes among N families comes among more, at the same moment; N come where there are so many."""
    few, many = (choose(long, plan, Wishes(families=number)) for number in (count, count + more))
    whole = choose(long, plan)
    assert set(few.families.tolist()) <= set(many.families.tolist()) <= set(whole.families.tolist())
    assert len(few.families) == min(count, len(whole.families))
    assert np.array_equal(few.moments, plan.arrival[few.families])
    assert (np.diff(few.moments) >= 0).all()


@given(st.floats(0.01, 1_000.0))
def test_a_rate_is_what_comes_in_a_real_second(plan: Plan, file: ScenarioFile, rate: float) -> None:
    """Families divided by real seconds give the rate that was asked for, and the speed follows from it."""
    chosen = choose(file, plan, Wishes(rate=rate))
    assert chosen.rate == pytest.approx(rate)
    assert chosen.speed * chosen.duration_s == pytest.approx(chosen.end_s - chosen.start_s)


def test_a_duration_is_how_long_the_period_takes(plan: Plan, file: ScenarioFile) -> None:
    """An option holds against the scenario, and the scenario against the default."""
    assert choose(file, plan).duration_s == pytest.approx(600.0)
    ninety = with_load(duration="90 s")
    assert choose(ninety, plan).duration_s == pytest.approx(90.0)
    assert choose(ninety, plan, Wishes(duration_s=30.0)).duration_s == pytest.approx(30.0)


def test_stripes_of_the_schedule_hold_each_family_once(plan: Plan, file: ScenarioFile) -> None:
    """What several processes send is together what one would send."""
    chosen = choose(file, plan)
    whole = Schedule(chosen.families, chosen.moments)
    stripes = [whole.stripe(part, 3) for part in range(3)]
    assert sorted(np.concatenate([one.families for one in stripes]).tolist()) == sorted(chosen.families.tolist())
    assert max(len(one) for one in stripes) - min(len(one) for one in stripes) <= 1


@pytest.mark.parametrize(
    ("load", "start", "end"),
    [
        ({"start": dt.date(2025, 12, 5)}, 4.0, 7.0),
        ({"end": dt.date(2025, 12, 5)}, 2.0, 5.0),
        ({"start": dt.datetime(2025, 12, 5, 12), "end": dt.datetime(2025, 12, 5, 18)}, 4.5, 4.75),
        ({"end": dt.date(2025, 12, 1)}, 0.0, 1.0),
    ],
)
def test_a_period_is_three_days_or_as_long_as_it_is_said(
    plan: Plan, load: dict[str, Any], start: float, end: float
) -> None:
    """One end that is named decides the other; dates are whole days, the last one included."""
    chosen = choose(with_load(**load), plan)
    assert (chosen.start_s / DAY_S, chosen.end_s / DAY_S) == (start, end)


@pytest.mark.parametrize(
    ("load", "said"),
    [
        ({"start": dt.date(2025, 11, 1), "end": dt.date(2025, 12, 5)}, "load.start 2025-11-01 00:00 is outside"),
        ({"end": dt.date(2026, 3, 1)}, "outside the horizon; allowed: 2025-12-01 to 2026-01-31"),
        ({"start": dt.date(2026, 1, 20), "end": dt.date(2026, 1, 21)}, "nobody comes to portal from 2026-01-20"),
        ({"channels": ["office"]}, "'office', which is not online; a load test is about: portal"),
    ],
)
def test_a_period_in_which_nobody_can_come_is_told(plan: Plan, load: dict[str, Any], said: str) -> None:
    """The message names what was given and what is allowed."""
    with pytest.raises(InputError, match=re.escape(said)):
        choose(with_load(**load), plan)


def test_a_scenario_without_an_online_channel_cannot_be_load_tested() -> None:
    """The message says what to add."""
    offline = small_scenario({"channels": {"office": {"kind": "office", "sites": {"hall": {"staff": 2}}}}})
    with pytest.raises(InputError, match='add one of kind "portal" or "app"'):
        choose(offline, scenario_plan(offline))
