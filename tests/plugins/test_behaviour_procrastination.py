"""Late start: families put it off towards the deadline, by stated weights, and never past what they may."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from canbao.arrays import FloatArray
from canbao.columns import Coded
from canbao.district import District
from canbao.errors import ScenarioError
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.scenario import models_of
from canbao.testing import check_demand, small_district, small_scenario
from canbao_plugins.season import Season

DAY_S = 86_400.0
PLUGINS: Plugins = load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})
CHANNELS = small_scenario(plugins=PLUGINS).scenario.channels
PLAIN: dict[str, Any] = {"week": [1.0] * 7, "opening": 1.0, "rush": 1.0, "last_day": 1.0}
"""A season without rushes, in which every open date has the same rate."""


def _district(residents: int, **changes: Any) -> District:
    """Give some families from Monday 1 December 2025 on; the deadline is Saturday 20 December."""
    return small_district({"population": {"residents": residents, "births_per_thousand": 0.0}, **changes}, PLUGINS)


FEW, MANY = _district(9_000), _district(120_000)


def _arrivals(district: District, channel: str, late: dict[str, Any] | None, **season: Any) -> FloatArray:
    table = {"kind": "season", **season, **({"procrastination": late} if late is not None else {})}
    demand = Season.model_validate(table, context=models_of(PLUGINS))
    all_by = Coded(np.full(district.families, list(CHANNELS).index(channel)), tuple(CHANNELS))
    return demand.arrivals(district, all_by, CHANNELS)


CHANNEL = pytest.mark.parametrize("channel", ["office", "portal"])
_late = st.fixed_dictionaries(
    {
        "share": st.floats(0.0, 1.0),
        "impulsiveness": st.floats(0.0, 1000.0),
        "curve": st.sampled_from(["hyperbolic", "exponential"]),
    }
)


# --- laws -------------------------------------------------------------------------------------------------------------


@CHANNEL
def test_where_nobody_puts_it_off_nothing_changes(channel: str) -> None:
    """A share of 0 leaves each arrival as it is, to the last bit."""
    plain = _arrivals(FEW, channel, None)
    assert _arrivals(FEW, channel, {"share": 0.0, "impulsiveness": 5.0}).tobytes() == plain.tobytes()


@CHANNEL
@settings(deadline=None, max_examples=25)
@given(late=_late)
def test_nobody_comes_earlier_nor_after_the_deadline_nor_on_a_closed_day(channel: str, late: dict[str, Any]) -> None:
    """Whatever the settings; a family that is moved keeps its hour of the day."""
    plain, times = _arrivals(FEW, channel, None), _arrivals(FEW, channel, late)
    assert (times >= plain).all()
    assert (times < 20 * DAY_S).all()
    if channel == "office":
        assert FEW.working[(times // DAY_S).astype(int)].all()
    np.testing.assert_allclose(times % DAY_S, plain % DAY_S, atol=1e-5)


@CHANNEL
@settings(deadline=None, max_examples=25)
@given(late=_late, more=st.floats(1.0, 50.0))
def test_more_procrastination_makes_no_family_come_earlier(channel: str, late: dict[str, Any], more: float) -> None:
    """A larger share, or more impulsiveness, moves each family later or leaves it: in order family by family."""
    times = _arrivals(FEW, channel, late)
    larger = {**late, "share": min(1.0, late["share"] * more)}
    steeper = {**late, "impulsiveness": min(1000.0, late["impulsiveness"] * more)}
    assert (_arrivals(FEW, channel, larger) >= times).all()
    assert (_arrivals(FEW, channel, steeper) >= times).all()


def test_a_family_puts_it_off_by_its_own_luck() -> None:
    """The first thousands come when they come, alone or among all."""
    late = {"share": 0.5, "impulsiveness": 0.3}
    whole = _arrivals(MANY, "office", late)
    np.testing.assert_array_equal(_arrivals(FEW, "office", late), whole[: FEW.families])


# --- against the stated weights ---------------------------------------------------------------------------------------


def _expected(day: int, open_days: np.ndarray, factor: FloatArray, urge: Any) -> FloatArray:
    """Give the chances of the dates of the period for one that should come on a day: from the words, one by one."""
    chosen = [d for d in range(day, 20) if open_days[d]]
    weights = {d: factor[d] * urge(chosen[-1] - d) for d in chosen}
    return np.array([weights.get(d, 0.0) / sum(weights.values()) for d in range(20)])


@CHANNEL
@pytest.mark.parametrize("curve", ["hyperbolic", "exponential"])
@pytest.mark.parametrize("impulsiveness", [0.0, 0.2, 1.0])
def test_dates_get_the_stated_weights(channel: str, curve: str, impulsiveness: float) -> None:
    """Of those who should come on one day, as many come on each later date as its urge and its weekday say."""
    week = [1.2, 1.0, 1.0, 1.0, 1.0, 0.8, 0.5]
    late = {"share": 1.0, "impulsiveness": impulsiveness, "curve": curve}
    should = _arrivals(MANY, channel, None, **{**PLAIN, "week": week}) // DAY_S
    comes = _arrivals(MANY, channel, late, **{**PLAIN, "week": week}) // DAY_S
    opens = MANY.working if channel == "office" else np.ones(62, dtype=bool)
    factor = np.array([week[date.weekday()] for date in MANY.horizon.dates()])
    shape = {"hyperbolic": lambda d: 1 / (1 + impulsiveness * d), "exponential": lambda d: np.exp(-impulsiveness * d)}
    for day in (0, 7, 17):
        counts = np.bincount(comes[should == day].astype(int), minlength=20)
        chances = _expected(day, opens, factor, shape[curve])
        assert (counts[chances == 0] == 0).all()
        often = chances * counts.sum() > 5
        if often.sum() > 1:
            seen, wanted = counts[often], chances[often]
            assert stats.chisquare(seen, seen.sum() * wanted / wanted.sum()).pvalue > 1e-5


def test_of_those_who_put_it_off_the_last_day_gets_one_over_a_harmonic_number() -> None:
    """With impulsiveness 1 and L days left the last date gets 1 / (1 + 1/2 + … + 1/(L + 1)), a law in closed form."""
    should = _arrivals(MANY, "portal", None, **PLAIN) // DAY_S
    comes = _arrivals(MANY, "portal", {"share": 1.0, "impulsiveness": 1.0}, **PLAIN) // DAY_S
    for left in (1, 5, 19):
        mine = comes[should == 19 - left]
        chance = 1.0 / sum(1.0 / n for n in range(1, left + 2))
        assert abs((mine == 19).mean() - chance) < 5 * np.sqrt(chance * (1 - chance) / len(mine))


def test_the_stated_share_puts_it_off() -> None:
    """With steepest impulsiveness all of them come on the last open day of their channel, and only they."""
    late = {"share": 0.3, "impulsiveness": 1000.0, "curve": "exponential"}
    for channel, last in (("office", 18), ("portal", 19)):  # the deadline is a Saturday, and halls are closed
        plain, times = (_arrivals(MANY, channel, given, **PLAIN) for given in (None, late))
        could = plain // DAY_S < last
        moved = (times > plain)[could]
        assert set((times[times > plain] // DAY_S).tolist()) == {last}
        assert abs(moved.mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / len(moved))


# --- who is left alone ------------------------------------------------------------------------------------------------


def test_newborns_and_those_who_come_for_school_are_left_alone() -> None:
    """They have no deadline, or another date: only the other families move."""
    district = small_district({"population": {"residents": 30_000, "births_per_thousand": 300.0}}, PLUGINS)
    kind: Any = district.columns["kind"]
    school = {"date": dt.date(2025, 12, 1), "days": 5, "share": 0.4}
    plain = _arrivals(district, "portal", None, school_start=school)
    times = _arrivals(district, "portal", {"share": 1.0}, school_start=school)
    at_school = (district.luck.uniforms("school start", district.families) < 0.4) & kind.has("pre-school", "pupil")
    alone = kind.has("newborn") | at_school
    np.testing.assert_array_equal(times[alone], plain[alone])
    assert (times[~alone] > plain[~alone]).mean() > 0.5


def test_a_family_with_a_deadline_of_its_own_keeps_it() -> None:
    """Deadlines at any moment of the period: who should come before its own does so, all others are left alone."""
    own = FEW.luck.uniforms("own deadline", FEW.families) * 20 * DAY_S
    district = replace(FEW, columns={**FEW.columns, "deadline_s": own})
    for channel in CHANNELS:
        plain = _arrivals(district, channel, None)
        times = _arrivals(district, channel, {"share": 1.0, "impulsiveness": 0.1})
        in_time = plain < own
        assert (times[in_time] < own[in_time]).all()
        assert (times[in_time] > plain[in_time]).any()
        np.testing.assert_array_equal(times[~in_time], plain[~in_time])


def test_a_deadline_on_closed_days_is_like_one_at_the_end_of_the_last_open_day() -> None:
    """Who can go to a hall on Friday at the latest puts it off until Friday, though the deadline is on Sunday."""
    friday, sunday = (
        replace(FEW, columns={**FEW.columns, "deadline_s": np.full(FEW.families, days * DAY_S)}) for days in (12, 14)
    )
    for late in ({"share": 1.0, "impulsiveness": 0.5}, {"share": 1.0, "curve": "exponential"}):
        np.testing.assert_array_equal(_arrivals(friday, "office", late), _arrivals(sunday, "office", late))
        assert (_arrivals(friday, "portal", late) != _arrivals(sunday, "portal", late)).any()


def test_a_population_without_deadlines_goes_by_the_collection_period() -> None:
    """Where no column tells deadlines, the end of the period is everybody's."""
    plain = replace(FEW, columns={name: c for name, c in FEW.columns.items() if name != "deadline_s"})
    late = {"share": 0.7}
    np.testing.assert_array_equal(_arrivals(plain, "office", late), _arrivals(FEW, "office", late))


def test_some_put_it_off_until_after_the_horizon() -> None:
    """Where the horizon ends before the deadline, they do not come any more; nobody is squeezed into its last day."""
    short = _district(9_000, horizon={"start": dt.date(2025, 12, 1), "end": dt.date(2025, 12, 10)})
    plain, times = (_arrivals(short, "portal", late, **PLAIN) for late in (None, {"share": 1.0}))
    assert np.isnan(times[np.isnan(plain)]).all()
    came = ~np.isnan(times)
    assert (times[came] >= plain[came]).all()
    assert came.sum() < 0.6 * (~np.isnan(plain)).sum()


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late", "key"),
    [({"share": 1.5}, "share"), ({"impulsiveness": -1.0}, "impulsiveness"), ({"curve": "steep"}, "curve")],
)
def test_settings_that_make_no_sense_are_refused(late: dict[str, Any], key: str) -> None:
    """A share above 1, an urge that falls towards the deadline, a curve that nobody knows."""
    with pytest.raises(ScenarioError) as refused:
        small_scenario({"demand": {"procrastination": late}}, PLUGINS)
    assert [fault.key for fault in refused.value.faults] == [f"demand.procrastination.{key}"]


def test_a_season_with_procrastination_is_a_demand_as_the_kit_wants_it() -> None:
    """A pure function of seed and family, inside the horizon, with every setting described."""
    late = {"share": 0.6, "impulsiveness": 0.5}
    assert len(np.asarray(check_demand(Season, {"procrastination": late}, plugins=PLUGINS).families["arrival"])) > 100
