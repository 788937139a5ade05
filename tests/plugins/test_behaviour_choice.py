"""Choice of channel by distance, digital skill and queues: directions, closed forms, and shares that are met."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from canbao.arrays import FloatArray
from canbao.assembly import scenario_plan
from canbao.columns import Coded
from canbao.district import District
from canbao.engines import engine_named
from canbao.errors import PluginError, ScenarioError
from canbao.plan import ChooseStep
from canbao.plugins import Plugins, load_plugins
from canbao.testing import check_choice, small_district, small_scenario
from canbao_plugins.choice import Preference, Queues
from canbao_plugins.skill import logistic, with_mean

PLUGINS: Plugins = load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})
MIN_S = 60.0


class _Place:
    """A channel that is online or not, and some minutes away; as much further as a family's ways are longer."""

    def __init__(self, online: bool = False, minutes: float | None = None) -> None:
        self.online = online
        if minutes is not None:
            self.travel_s = self._travel(minutes)

    @staticmethod
    def _travel(minutes: float) -> Callable[[str, District], FloatArray]:
        return lambda name, district: minutes * MIN_S * district.number("way_factor")


NEAR: Any = {"office": _Place(minutes=20.0), "bank": _Place(minutes=50.0), "portal": _Place(online=True)}
SILENT: Any = {"office": _Place(), "bank": _Place(), "portal": _Place(online=True)}

DISTRICT = small_district({"population": {"residents": 60_000}}, PLUGINS)
RURAL = np.asarray(DISTRICT.columns["residence"].has("rural"))
SKILL = np.asarray(DISTRICT.columns["digital_skill"])


def _weights(district: District = DISTRICT, channels: Any = NEAR, **given_: Any) -> dict[str, FloatArray]:
    return Preference.model_validate({"kind": "preference", **given_}).weights(channels, district)


def _with(district: District, **columns: FloatArray) -> District:
    """Give the same families with other columns; what is typical stays as it was."""
    return replace(district, columns={**district.columns, **columns})


# --- distance ---------------------------------------------------------------------------------------------------------


def test_a_longer_way_makes_a_channel_less_likely_by_the_stated_factor() -> None:
    """Half an hour more at a distance of 30 min is a factor e in town, e squared where ways are twice as long."""
    weights = _weights(distance="30 min")
    odds = weights["office"] / weights["bank"]
    np.testing.assert_allclose(odds[~RURAL], math.e)
    np.testing.assert_allclose(odds[RURAL], math.e**2)


def test_popularity_counts_beside_the_way() -> None:
    """Three times as popular is three times as likely at every way."""
    weights = _weights(distance="30 min", popularity={"bank": 3.0})
    np.testing.assert_allclose((weights["office"] / weights["bank"])[~RURAL], math.e / 3.0)


@pytest.mark.parametrize("given_", [{"distance": "20 min"}, {}])
def test_channels_that_say_nothing_of_the_way_cost_nothing(given_: dict[str, Any]) -> None:
    """Without ways, or without a distance, weights are those of preference alone."""
    channels = SILENT if given_ else NEAR
    for name, values in _weights(channels=channels, **given_).items():
        np.testing.assert_array_equal(values, _weights(channels=SILENT)[name])


@pytest.mark.parametrize("share", [0.05, 0.5, 0.734])
@pytest.mark.parametrize("distance", ["30 s", "10 min", "2 h"])
def test_the_mean_online_share_is_met_whatever_the_ways(share: float, distance: str) -> None:
    """Distance decides who goes online, not how many: the share is that of typical families."""
    typical = replace(DISTRICT, columns=DISTRICT.typical, families=10_000)
    weights = _weights(typical, online_share=share, distance=distance)
    assert weights["portal"].mean() == pytest.approx(share, abs=1e-9)
    np.testing.assert_allclose(sum(weights.values()), 1.0)


def test_families_in_the_countryside_go_online_rather_than_far() -> None:
    """At the same skill a rural family is more likely online the more distance counts, an urban one less."""
    plain = _weights(online_share=0.5)["portal"]
    for distance in ("2 h", "40 min", "20 min"):
        online = _weights(online_share=0.5, distance=distance)["portal"]
        assert (online[RURAL] > plain[RURAL]).all()
        assert (online[~RURAL] < plain[~RURAL]).all()


def test_ways_add_to_the_log_odds_of_going_online_in_a_closed_form() -> None:
    """They rise by minus the logarithm of the mean over offline channels, by popularity, of exp(-way / distance)."""
    said: dict[str, Any] = {"popularity": {"bank": 3.0}, "reference_skill": 0.6, "online_share": 0.5}
    plain, online = (_weights(**said, **more)["portal"] for more in ({}, {"distance": "30 min"}))
    gained = np.log(online / (1 - online)) - np.log(plain / (1 - plain))
    ways = DISTRICT.number("way_factor")
    good = (np.exp(-ways * 20 / 30) + 3 * np.exp(-ways * 50 / 30)) / 4
    np.testing.assert_allclose(gained, -np.log(good), rtol=1e-9)


@settings(deadline=None, max_examples=20)
@given(factor=st.floats(1.0, 1000.0), distance=st.sampled_from(["1 s", "10 min", "1 h"]))
def test_a_family_whose_ways_are_longer_goes_online_rather_than_before(factor: float, distance: str) -> None:
    """Monotone in the way, however far; weights stay numbers that add up to 1."""
    near = _weights(online_share=0.5, distance=distance)
    further = _with(DISTRICT, way_factor=factor * DISTRICT.number("way_factor"))
    far = _weights(further, online_share=0.5, distance=distance)
    assert (far["portal"] >= near["portal"]).all()
    np.testing.assert_allclose(sum(far.values()), 1.0)
    assert all(np.isfinite(values).all() and (values >= 0.0).all() for values in far.values())


def test_a_way_that_all_offline_channels_share_changes_nothing_where_all_families_are_alike() -> None:
    """The online share is calibrated, and among those offline only differences of ways count."""
    here: Any = {"office": _Place(minutes=20.0), "bank": _Place(minutes=50.0), "portal": _Place(online=True)}
    further: Any = {"office": _Place(minutes=80.0), "bank": _Place(minutes=110.0), "portal": _Place(online=True)}
    alike = small_district({"population": {"residents": 900, "rural_way": 1.0}}, PLUGINS)
    one, two = (_weights(alike, channels, distance="30 min") for channels in (here, further))
    for name in one:
        np.testing.assert_allclose(one[name], two[name], atol=1e-12)


def test_only_offline_channels_share_their_families_by_the_way() -> None:
    """Without anything online the way is all that counts."""
    channels: Any = {name: NEAR[name] for name in ("office", "bank")}
    weights = _weights(channels=channels, distance="30 min")
    np.testing.assert_allclose(weights["office"][~RURAL], math.e / (1.0 + math.e))
    np.testing.assert_allclose(weights["office"] + weights["bank"], 1.0)


@pytest.mark.parametrize("ways", [-1.0, math.nan, math.inf, None])
def test_a_channel_that_gives_no_ways_is_named(ways: float | None) -> None:
    """A way must be a number of seconds for each family."""
    wrong: Any = _Place()
    wrong.travel_s = lambda name, district: 5.0 if ways is None else np.full(district.families, ways)
    with pytest.raises(PluginError, match=r"channel 'hut': travel_s\(\) must give a number of seconds of 0 or more"):
        _weights(channels={"hut": wrong, "portal": NEAR["portal"]}, distance="30 min")


# --- digital skill ----------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=20)
@given(
    shift=st.floats(0.0, 1.0),
    effect=st.floats(0.0, 50.0),
    share=st.floats(0.01, 0.99),
    distance=st.sampled_from([None, "20 min"]),
)
def test_a_more_skilled_family_goes_online_rather_than_before(
    shift: float, effect: float, share: float, distance: str | None
) -> None:
    """Monotone in skill, family by family; offline channels lose what the portal gains, each the same part."""
    said: dict[str, Any] = {"skill_effect": effect, "online_share": share}
    said |= {"distance": distance} if distance else {}
    before = _weights(**said)
    after = _weights(_with(DISTRICT, digital_skill=np.minimum(1.0, SKILL + shift)), **said)
    assert (after["portal"] >= before["portal"]).all()
    assert (after["office"] <= before["office"] + 1e-15).all()
    assert (after["bank"] <= before["bank"] + 1e-15).all()


def test_a_more_skilled_population_goes_online_where_the_share_is_that_of_a_skill() -> None:
    """With `reference_skill` more of a more skilled city go online; without it the stated share, whatever its skill."""
    skills = [{"urban": mean, "rural": mean - 0.15} for mean in (0.5, 0.7, 0.9)]
    cities = [
        small_district({"population": {"residents": 60_000, "digital_skill": skill}}, PLUGINS) for skill in skills
    ]
    by_skill = [_weights(city, reference_skill=0.6)["portal"].mean() for city in cities]
    assert by_skill[0] + 0.05 < by_skill[1] < by_skill[2] - 0.05
    calibrated = [_weights(city)["portal"].mean() for city in cities]
    np.testing.assert_allclose(calibrated, 0.73, atol=0.01)


def test_a_family_of_the_reference_skill_goes_online_with_the_stated_share() -> None:
    """And each step of skill counts by the stated log odds, in a closed form."""
    skill = np.array([0.0, 0.6, 1.0])
    three = replace(DISTRICT, columns={"digital_skill": skill}, families=3)
    online = _weights(three, SILENT, online_share=0.7, skill_effect=3.0, reference_skill=0.6)["portal"]
    np.testing.assert_allclose(np.log(online / (1 - online)), math.log(0.7 / 0.3) + 3.0 * (skill - 0.6))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nobody_or_everybody_online_whatever_skill_and_way(share: float) -> None:
    """The ends of the scale are exact, with a reference skill and a distance as well."""
    weights = _weights(online_share=share, reference_skill=0.5, distance="10 min")
    assert set(weights["portal"].tolist()) == {share}


@given(
    odds=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20),
    share=st.floats(1e-6, 1.0 - 1e-6),
)
def test_any_log_odds_can_be_shifted_to_any_mean(odds: list[float], share: float) -> None:
    """The calibration meets the mean however large the log odds are, without an overflow, and keeps their order."""
    given_ = np.array(odds)
    chances = with_mean(share, given_, np.sort(given_))
    assert (np.diff(chances) >= 0.0).all()
    if np.ptp(given_) < 30.0:  # beyond, no shift in double precision gives a mean between those of whole families
        assert chances.mean() == pytest.approx(share, abs=1e-6)


def test_log_odds_become_probabilities() -> None:
    """At 0 a half, at the ends almost 0 and almost 1, whatever their size."""
    with np.errstate(all="raise"):
        np.testing.assert_allclose(logistic(np.array([0.0, -1e9, 1e9])), [0.5, 0.0, 1.0], atol=1e-300)


# --- queues -----------------------------------------------------------------------------------------------------------


def _queues(**given_: Any) -> Queues:
    return Queues.model_validate({"kind": "queues", **given_})


def _drawn(weights: Mapping[str, FloatArray], district: District) -> Coded:
    """Draw the preferred channel as an assembly does."""
    total = np.cumsum(np.stack(list(weights.values())), axis=0)
    mark = district.luck.uniforms("preferred channel", district.families) * total[-1]
    return Coded(np.minimum((mark >= total).sum(axis=0), len(weights) - 1), tuple(weights))


def _ways(district: District, channels: Any = NEAR, without: Any = None, **given_: Any) -> dict[str, FloatArray]:
    choice = _queues(**given_)
    weights = choice.weights(channels, district)
    if without is not None:
        weights = {name: np.where(without & (name == "office"), 0.0, values) for name, values in weights.items()}
    return choice.ways_s(weights, _drawn(weights, district), channels, district)


def test_queues_weigh_the_wait_against_the_way() -> None:
    """What a channel costs beside the wait is its way; none where the channel does not say."""
    ways = _ways(DISTRICT)
    np.testing.assert_array_equal(ways["office"], 20 * MIN_S * DISTRICT.number("way_factor"))
    np.testing.assert_array_equal(ways["portal"], 0.0)
    assert list(ways) == list(NEAR)


@pytest.mark.parametrize("given_", [{}, {"wait_scale": "15 min"}])
def test_a_channel_that_is_not_for_a_family_costs_without_end(given_: dict[str, Any]) -> None:
    """A weight of 0 is a channel that it never takes, however short the queue."""
    ways = _ways(DISTRICT, without=RURAL, **given_)
    assert np.isinf(ways["office"][RURAL]).all()
    assert np.isfinite(ways["office"][~RURAL]).all()
    assert np.isfinite(ways["bank"]).all()


def test_while_nobody_waits_a_family_takes_the_channel_that_it_prefers() -> None:
    """With `wait_scale` that channel costs nothing, and each other one something."""
    choice = _queues(wait_scale="15 min")
    weights = choice.weights(NEAR, DISTRICT)
    preferred = _drawn(weights, DISTRICT)
    ways = choice.ways_s(weights, preferred, NEAR, DISTRICT)
    for name, cost in ways.items():
        mine = preferred.has(name)
        assert (cost[mine] == 0.0).all()
        assert (cost[~mine] > 0.0).all()


@pytest.mark.parametrize("waits", [(0.0, 0.0, 0.0), (30.0, 0.0, 0.0), (10.0, 25.0, 5.0), (0.0, 0.0, 60.0)])
def test_waits_move_families_as_a_logit_says(waits: tuple[float, float, float]) -> None:
    """Where each goes whose way and wait are least: as many as weight × exp(-wait / scale) says, chi-square."""
    alike = {"digital_skill": np.full(DISTRICT.families, 0.6), "way_factor": np.ones(DISTRICT.families)}
    district = replace(DISTRICT, columns=alike, typical=alike)
    said: dict[str, Any] = {"distance": "30 min", "online_share": 0.4}
    ways, wait = _ways(district, wait_scale="15 min", **said), dict(zip(NEAR, waits, strict=True))
    taken = np.argmin([ways[name] + wait[name] * MIN_S for name in NEAR], axis=0)
    weights = {name: one[0] * math.exp(-wait[name] / 15.0) for name, one in _weights(district, **said).items()}
    expected = district.families * np.array(list(weights.values())) / sum(weights.values())
    assert stats.chisquare(np.bincount(taken, minlength=3), expected).pvalue > 1e-4


def test_only_the_proportions_of_the_weights_count() -> None:
    """Weights that do not add up to 1, because a channel is not for some, mean what they mean in proportion."""
    choice = _queues(wait_scale="15 min")
    weights = choice.weights(NEAR, DISTRICT)
    preferred = _drawn(weights, DISTRICT)
    threefold = {name: 3.0 * values for name, values in weights.items()}
    one, other = (choice.ways_s(given_, preferred, NEAR, DISTRICT) for given_ in (weights, threefold))
    for name in NEAR:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-9, atol=1e-9)


def test_a_family_stays_with_its_taste_as_a_queue_grows() -> None:
    """Families leave a channel for good as its queue grows; nobody joins it because of a longer queue."""
    ways = _ways(DISTRICT, wait_scale="15 min")
    last = np.ones(DISTRICT.families, dtype=bool)
    for wait in (0.0, 10.0, 30.0, 120.0):
        costs = {name: cost + (wait * MIN_S if name == "office" else 0.0) for name, cost in ways.items()}
        there = np.argmin(list(costs.values()), axis=0) == 0
        assert last[there].all()
        last = there


def test_tastes_do_not_depend_on_how_many_families_there_are() -> None:
    """The first families of a district have the same, alone or among all."""
    few = small_district({"population": {"residents": 900}}, PLUGINS)
    some, whole = (_ways(district, wait_scale="15 min") for district in (few, DISTRICT))
    for name in NEAR:
        np.testing.assert_array_equal(some[name], whole[name][: few.families])


def test_published_waiting_times_reach_the_plan() -> None:
    """A scenario says how often they are published, and the choice at the start looks at those; live if it does not."""
    assert _queues().published_s == 0.0
    assert _queues(published="30 min").published_s == 1800.0
    file = small_scenario({"choice": {"kind": "queues", "published": "30 min"}}, PLUGINS)
    plan = scenario_plan(file)
    (start,) = [step for step in plan.steps if isinstance(step, ChooseStep) and step.rule == "fastest"]
    assert start.published_s == 1800.0


@pytest.mark.parametrize(
    ("given_", "key"),
    [
        ({"distance": "0 min"}, "distance"),
        ({"reference_skill": 1.5}, "reference_skill"),
        ({"wait_scale": "5 min"}, "wait_scale"),
        ({"published": "5 min"}, "published"),
    ],
)
def test_settings_that_make_no_sense_are_refused(given_: dict[str, Any], key: str) -> None:
    """A distance of nothing, a skill off the scale, and keys of `queues` where queues play no part."""
    with pytest.raises(ScenarioError) as refused:
        small_scenario({"choice": given_}, PLUGINS)
    assert [fault.key for fault in refused.value.faults] == [f"choice.{key}"]


# --- the kit ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "given_"),
    [
        (Preference, {"distance": "30 min", "popularity": {"portal": 2.0}}),
        (Preference, {"distance": "30 min", "reference_skill": 0.6, "online_share": 0.4}),
        (Queues, {"distance": "30 min"}),
        (Queues, {"wait_scale": "20 min", "published": "30 min"}),
    ],
)
def test_they_are_choices_as_the_kit_wants_them(model: type[Any], given_: dict[str, Any]) -> None:
    """Each passes with what is new in it: a pure function of seed and family, a channel for everybody."""
    assert len(np.asarray(check_choice(model, given_, plugins=PLUGINS).families["family"])) > 100


def test_families_go_where_way_and_wait_are_least_and_never_where_a_channel_is_not_for_them() -> None:
    """In a season `queues` sends them by their own ways; with a taste for waiting as `preference` does."""
    channels: dict[str, Any] = {
        "office": {"kind": "office", "sites": {"hall": {"staff": 1}}},
        "portal": {"kind": "portal", "slots": 4},
    }
    share: dict[str, float] = {}
    for name, said in {"live": {"wait_scale": "10 min"}, "indifferent": {"wait_scale": "10000 h"}, "least": {}}.items():
        choice = {"kind": "queues", "online_share": 0.3, "distance": "30 min", **said}
        file = small_scenario({"choice": choice, "population": {"residents": 2000}, "channels": channels}, PLUGINS)
        first = engine_named("compiled").run(scenario_plan(file)).families["first_channel"]
        share[name] = float(first.has("portal").mean())
    assert share["least"] == 1.0  # there is no way to the portal
    assert 0.3 < share["indifferent"] < share["live"] < 1.0
