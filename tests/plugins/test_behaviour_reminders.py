"""Reminders: they make families come earlier, as many and as soon as stated, and nobody else."""

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
from canbao.errors import InputError, ScenarioError
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.scenario import models_of
from canbao.testing import check_demand, small_district, small_scenario
from canbao_plugins.season import Season

DAY_S = 86_400.0
PLUGINS: Plugins = load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})
CHANNELS = small_scenario(plugins=PLUGINS).scenario.channels
AT_ONCE = {"kind": "fixed", "value": "0 s"}


def _district(residents: int, births: float = 0.0, **changes: Any) -> District:
    """Give some families from Monday 1 December 2025 on; the deadline is Saturday 20 December."""
    return small_district({"population": {"residents": residents, "births_per_thousand": births}, **changes}, PLUGINS)


FEW, MANY = _district(9_000), _district(120_000)
BIRTHS = _district(60_000, 900.0)


def _december(day: int) -> dt.date:
    return dt.date(2025, 12, day)


def _arrivals(district: District, channel: str, *reminders: dict[str, Any], **season: Any) -> FloatArray:
    table = {"kind": "season", "reminders": list(reminders), **season}
    demand = Season.model_validate(table, context=models_of(PLUGINS))
    all_by = Coded(np.full(district.families, list(CHANNELS).index(channel)), tuple(CHANNELS))
    return demand.arrivals(district, all_by, CHANNELS)


def _to_all(day: int, **more: Any) -> dict[str, Any]:
    """Give a reminder that everybody hears and follows at once."""
    return {"date": _december(day), "reach": 1.0, "effect": 1.0, "delay": AT_ONCE, **more}


CHANNEL = pytest.mark.parametrize("channel", ["office", "portal"])
_reminders = st.lists(
    st.fixed_dictionaries(
        {
            "date": st.dates(dt.date(2025, 11, 20), dt.date(2026, 1, 10)),
            "by": st.sampled_from(["sms", "push"]),
            "reach": st.floats(0.0, 1.0),
            "effect": st.floats(0.0, 1.0),
            "newborns": st.booleans(),
        }
    ),
    max_size=4,
    unique_by=lambda reminder: (reminder["date"], reminder["by"]),
)


# --- laws -------------------------------------------------------------------------------------------------------------


@CHANNEL
@settings(deadline=None, max_examples=25)
@given(reminders=_reminders)
def test_a_reminder_only_ever_moves_a_family_earlier_and_never_before_itself(
    channel: str, reminders: list[dict[str, Any]]
) -> None:
    """Who came before the first one is untouched; who is moved comes on its date at the earliest.

    Newborns' families that a reminder before the horizon moves out of it are not simulated any more.
    """
    plain, times = _arrivals(BIRTHS, channel), _arrivals(BIRTHS, channel, *reminders)
    sent = min((BIRTHS.horizon.seconds(reminder["date"]) for reminder in reminders), default=np.inf)
    kind: Any = BIRTHS.columns["kind"]
    gone = ~np.isnan(plain) & np.isnan(times)
    assert kind.has("newborn")[gone].all()
    assert sent < 0 or not gone.any()
    moved = ~np.isnan(times) & (times != plain)
    assert (np.isnan(plain[moved]) | (times[moved] < plain[moved])).all()
    assert (times[moved] >= sent).all()
    before = plain < sent
    np.testing.assert_array_equal(times[before], plain[before])


@CHANNEL
@settings(deadline=None, max_examples=20)
@given(reminders=_reminders)
def test_reminders_together_do_what_each_does_alone(channel: str, reminders: list[dict[str, Any]]) -> None:
    """A family comes at the earliest moment that any of them gives, in whatever order they stand; so no luck shifts."""
    together = _arrivals(FEW, channel, *reminders)
    alone = [_arrivals(FEW, channel)] + [_arrivals(FEW, channel, reminder) for reminder in reminders]
    np.testing.assert_array_equal(together, np.min(alone, axis=0))
    np.testing.assert_array_equal(together, _arrivals(FEW, channel, *reversed(reminders)))


@settings(deadline=None, max_examples=20)
@given(
    reach=st.floats(0.0, 1.0), effect=st.floats(0.0, 1.0), more=st.floats(1.0, 3.0), by=st.sampled_from(["sms", "push"])
)
def test_more_reach_or_effect_makes_no_family_come_later(reach: float, effect: float, more: float, by: str) -> None:
    """Whom the weaker reminder moves the stronger moves as well, to the same moment."""
    weak = {"date": _december(4), "by": by, "reach": reach, "effect": effect}
    plain, times = _arrivals(FEW, "office"), _arrivals(FEW, "office", weak)
    for key in ("reach", "effect"):
        strong = _arrivals(FEW, "office", {**weak, key: min(1.0, weak[key] * more)})
        assert (strong <= times).all()
        np.testing.assert_array_equal(strong[times < plain], times[times < plain])


@CHANNEL
def test_a_reminder_that_reaches_nobody_or_moves_nobody_changes_nothing(channel: str) -> None:
    """Each arrival stays as it is, to the last bit."""
    plain = _arrivals(FEW, channel)
    for nothing in ({"reach": 0.0, "effect": 1.0}, {"reach": 1.0, "effect": 0.0}):
        for by in ("sms", "push"):
            reminder = {"date": _december(2), "by": by, "newborns": True, **nothing}
            assert _arrivals(FEW, channel, reminder).tobytes() == plain.tobytes()


def test_a_family_is_moved_by_its_own_luck() -> None:
    """The first thousands come when they come, alone or among all, by SMS and by push."""
    told = [{"date": _december(3)}, {"date": _december(9), "by": "push", "effect": 0.5}]
    whole = _arrivals(MANY, "office", *told)
    np.testing.assert_array_equal(_arrivals(FEW, "office", *told), whole[: FEW.families])


# --- as many, and as soon, as stated ----------------------------------------------------------------------------------


@CHANNEL
def test_the_stated_share_comes_on_the_day_of_the_reminder(channel: str) -> None:
    """Of those who have not come yet, reach times effect come at once, at the hours of their channel."""
    reminder = _to_all(8, reach=0.8, effect=0.25)
    plain, times = _arrivals(MANY, channel), _arrivals(MANY, channel, reminder)
    later = plain >= 8 * DAY_S  # 8 December is day 7, a Monday
    moved = times[later] < plain[later]
    assert abs(moved.mean() - 0.2) < 5 * np.sqrt(0.2 * 0.8 / later.sum())
    assert set((times[later][moved] // DAY_S).tolist()) == {7.0}
    np.testing.assert_allclose(times % DAY_S, plain % DAY_S, atol=1e-5)


def test_who_decides_on_a_closed_day_comes_on_the_next_open_one() -> None:
    """A reminder on Saturday 6 December brings people to a hall on Monday, and to the portal at once."""
    for channel, day in (("office", 7.0), ("portal", 5.0)):
        plain, times = _arrivals(FEW, channel), _arrivals(FEW, channel, _to_all(6))
        assert set((times[times != plain] // DAY_S).tolist()) == {day}


def test_delays_are_cut_off_at_the_stated_time() -> None:
    """Days between reminder and arrival follow the distribution, given that it is short enough: chi-square."""
    delay = {"kind": "lognormal", "median": "2 days", "cv": 1.0}
    reminder = {**_to_all(2), "delay": delay, "within": "5 days"}
    plain, times = _arrivals(MANY, "portal"), _arrivals(MANY, "portal", reminder)
    days = (times[plain >= 7 * DAY_S] // DAY_S - 1).astype(int)
    reference = stats.lognorm(s=np.sqrt(np.log(2.0)), scale=2.0)
    chances = np.diff(reference.cdf(np.arange(6.0))) / reference.cdf(5.0)
    counts = np.bincount(days, minlength=5)
    assert len(counts) == 5
    assert stats.chisquare(counts, counts.sum() * chances).pvalue > 1e-4


def test_a_delay_that_is_never_short_enough_is_refused() -> None:
    """The message names the reminder and says what to do."""
    reminder = _to_all(2, delay={"kind": "fixed", "value": "3 days"}, within="2 days")
    with pytest.raises(InputError, match="reminder by sms of 2025-12-02: the delay is always longer than `within`"):
        _arrivals(FEW, "portal", reminder)


def test_a_fixed_delay_as_long_as_the_limit_is_kept() -> None:
    """The limit itself is short enough."""
    plain = _arrivals(FEW, "portal")
    times = _arrivals(FEW, "portal", _to_all(2, delay={"kind": "fixed", "value": "2 days"}, within="2 days"))
    assert set((times[times != plain] // DAY_S).tolist()) == {3.0}


# --- whom it reaches --------------------------------------------------------------------------------------------------


def _with_skill(district: District, skill: FloatArray) -> District:
    return replace(district, columns={**district.columns, "digital_skill": skill})


def _moved(district: District, reminder: dict[str, Any]) -> np.ndarray:
    """Tell who is moved."""
    return np.asarray(_arrivals(district, "portal", reminder) < _arrivals(district, "portal"))


def test_an_sms_reaches_families_whatever_their_skill() -> None:
    """Another skill, the same families."""
    skill = np.asarray(MANY.columns["digital_skill"])
    sms = _to_all(1, reach=0.4)
    np.testing.assert_array_equal(_moved(MANY, sms), _moved(_with_skill(MANY, 1.0 - skill), sms))


def test_a_push_notice_reaches_the_skilled_and_as_many_as_stated() -> None:
    """The mean is as stated; by thirds of skill it rises; with more skill it reaches the same families and more."""
    skill = np.asarray(MANY.columns["digital_skill"])
    push = _to_all(1, by="push", reach=0.4)
    could = _moved(MANY, _to_all(1))
    moved = _moved(MANY, push)
    spread = 5 * np.sqrt(0.24 / could.sum() + 0.24 / 10_000)
    assert abs(moved[could].mean() - 0.4) < spread
    low, middle, high = (moved[could & (skill // (1 / 3) == third)].mean() for third in range(3))
    assert low + 0.1 < middle < high - 0.1
    more = _moved(_with_skill(MANY, np.minimum(1.0, skill + 0.1)), push)
    assert more[moved].all()
    assert more.sum() > moved.sum()


def test_a_push_notice_without_an_effect_of_skill_is_like_an_sms() -> None:
    """As many, at every skill."""
    skill = np.asarray(MANY.columns["digital_skill"])
    could = _moved(MANY, _to_all(1))
    moved = _moved(MANY, _to_all(1, by="push", reach=0.4, skill_effect=0.0))
    for third in range(3):
        mine = could & (skill // (1 / 3) == third)
        assert abs(moved[mine].mean() - 0.4) < 5 * np.sqrt(0.24 / mine.sum())


def test_the_same_families_are_reached_by_each_sms() -> None:
    """A number that is wrong stays wrong: a second reminder reaches nobody whom the first did not."""
    first, second = (_moved(MANY, _to_all(day, reach=0.5)) for day in (1, 2))
    late = _arrivals(MANY, "portal") >= 3 * DAY_S
    np.testing.assert_array_equal(first[late], second[late])


# --- newborns ---------------------------------------------------------------------------------------------------------


def test_newborns_are_left_alone_unless_told() -> None:
    """A reminder of the deadline is no matter of theirs; their other neighbours come."""
    kind: Any = BIRTHS.columns["kind"]
    newborn = kind.has("newborn")
    plain, times = _arrivals(BIRTHS, "portal"), _arrivals(BIRTHS, "portal", _to_all(3))
    np.testing.assert_array_equal(times[newborn], plain[newborn])
    assert (times[~newborn] < plain[~newborn]).mean() > 0.5


def test_newborns_that_are_told_come_if_they_are_born() -> None:
    """Who is born before the reminder comes on its day, after the deadline too; the unborn come in their time."""
    kind: Any = BIRTHS.columns["kind"]
    birth = np.asarray(BIRTHS.columns["birth_s"])
    for date, channel in ((_december(3), "portal"), (_december(29), "office")):
        sent = BIRTHS.horizon.seconds(date)
        reminder = _to_all(1, newborns=True) | {"date": date}
        plain, times = _arrivals(BIRTHS, channel), _arrivals(BIRTHS, channel, reminder)
        told = kind.has("newborn") & (birth <= sent) & (plain >= sent + DAY_S)
        assert told.sum() > 100
        assert set((times[told] // DAY_S).tolist()) == {sent // DAY_S}
        unborn = kind.has("newborn") & (birth > sent)
        np.testing.assert_array_equal(times[unborn], plain[unborn])
        assert (times[told] >= birth[told]).all()


def test_newborns_that_are_told_before_the_horizon_come_before_it() -> None:
    """They are not heaped on its first day, as if they had waited for it."""
    kind: Any = BIRTHS.columns["kind"]
    birth = np.asarray(BIRTHS.columns["birth_s"])
    reminder = _to_all(1, newborns=True) | {"date": dt.date(2025, 11, 21)}
    for channel in CHANNELS:
        times = _arrivals(BIRTHS, channel, reminder)
        told = kind.has("newborn") & (birth <= -10 * DAY_S)
        assert np.isnan(times[told]).all()


# --- at the edges -----------------------------------------------------------------------------------------------------


def test_a_reminder_before_the_collection_period_works_from_its_first_day() -> None:
    """Nobody can enrol before; the delay begins with the period."""
    delay = {"kind": "fixed", "value": "2 days"}
    policy = {"start": _december(3), "deadline": _december(20)}
    district = _district(9_000, policy=policy)
    plain = _arrivals(district, "portal")
    times = _arrivals(district, "portal", _to_all(1, delay=delay))
    assert set((times[times != plain] // DAY_S).tolist()) == {4.0}


@pytest.mark.parametrize("date", [dt.date(2025, 12, 21), dt.date(2026, 1, 15), dt.date(2026, 6, 1)])
def test_a_reminder_after_the_deadline_changes_nothing(date: dt.date) -> None:
    """Nobody is left to be moved."""
    np.testing.assert_array_equal(_arrivals(FEW, "office", _to_all(1) | {"date": date}), _arrivals(FEW, "office"))


def test_a_reminder_brings_families_into_a_short_horizon() -> None:
    """Who would have come after its end comes inside; who came before its begin has come."""
    short = _district(9_000, horizon={"start": _december(5), "end": _december(10)})
    plain, times = _arrivals(short, "portal"), _arrivals(short, "portal", _to_all(8))
    assert np.isnan(plain).mean() > 0.5
    after = ~np.isnan(times) & np.isnan(plain)
    assert set((times[after] // DAY_S).tolist()) == {3.0}
    early = _arrivals(short, "portal", _to_all(2))  # in a time of which nothing is simulated
    assert np.isnan(early).all()


def test_reminders_take_families_from_the_last_days() -> None:
    """Where all put it off, a reminder a week before makes the deadline rush smaller by the stated share."""
    late = {"share": 1.0, "impulsiveness": 1.0}
    plain = _arrivals(MANY, "portal", procrastination=late)
    times = _arrivals(MANY, "portal", _to_all(13, effect=0.3), procrastination=late)
    last = (plain >= 19 * DAY_S).sum()
    left = (times >= 19 * DAY_S).sum()
    assert abs(left - 0.7 * last) < 5 * np.sqrt(last * 0.21)


def test_two_reminders_of_one_sort_on_one_date_are_refused() -> None:
    """The second would do nothing; the fault names it. By another way it is another reminder."""
    two = [{"date": _december(3)}, {"date": _december(3)}]
    with pytest.raises(ScenarioError) as refused:
        small_scenario({"demand": {"reminders": two}}, PLUGINS)
    (fault,) = refused.value.faults
    assert fault.key == "demand.reminders.1.date"
    assert "is a second reminder by sms of 2025-12-03" in fault.problem
    small_scenario({"demand": {"reminders": [two[0], {**two[1], "by": "push"}]}}, PLUGINS)


def test_a_season_with_reminders_is_a_demand_as_the_kit_wants_it() -> None:
    """A pure function of seed and family, inside the horizon, with every setting described."""
    told = [_to_all(3, effect=0.3, newborns=True), {"date": _december(16), "by": "push", "effect": 0.5}]
    late = {"procrastination": {"share": 0.6}, "reminders": told}
    assert len(np.asarray(check_demand(Season, late, plugins=PLUGINS).families["arrival"])) > 100
