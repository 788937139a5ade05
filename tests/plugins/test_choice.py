"""Choice of channel: shares that are met on the whole, by skill for each family."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.arrays import FloatArray
from canbao.district import Channel, District
from canbao.errors import InputError
from canbao.plugins import Plugins, load_plugins
from canbao.testing import check_choice, small_district
from canbao_plugins.choice import Preference, Queues


class _Place:
    """A channel that is online or not, which is all that a choice looks at."""

    def __init__(self, online: bool) -> None:
        self.online = online


HALL, SITE = _Place(online=False), _Place(online=True)
BOTH: Any = {"office": HALL, "portal": SITE}


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins()


@pytest.fixture(scope="module")
def district(plugins: Plugins) -> District:
    """Give a district of some 20,000 families."""
    return small_district({"population": {"residents": 60_000}}, plugins)


def _weights(district: District, channels: dict[str, Channel] = BOTH, **settings: Any) -> dict[str, FloatArray]:
    return Preference.model_validate({"kind": "preference", **settings}).weights(channels, district)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.734, 0.999])
@pytest.mark.parametrize("effect", [0.0, 4.0, 50.0])
def test_the_mean_over_typical_families_is_the_stated_share(share: float, effect: float, district: District) -> None:
    """However strongly skill decides, as many go online as the scenario says."""
    typical = replace(district, columns=district.typical, families=10_000)
    weights = _weights(typical, online_share=share, skill_effect=effect)
    assert weights["portal"].mean() == pytest.approx(share, abs=1e-9)
    np.testing.assert_allclose(weights["portal"] + weights["office"], 1.0)


def test_the_families_of_the_district_meet_the_share_too(district: District) -> None:
    """They are like the typical ones, up to chance."""
    online = _weights(district, online_share=0.6)["portal"]
    spread = float(online.std()) * math.sqrt(1 / district.families + 1 / 10_000)
    assert abs(online.mean() - 0.6) < 5 * spread


def test_skill_decides_by_log_odds(district: District) -> None:
    """Between skill 0 and skill 1 lie as many log odds as the setting says; without effect all are alike."""
    skill = np.asarray(district.columns["digital_skill"])
    online = _weights(district, online_share=0.6, skill_effect=3.0)["portal"]
    slope = np.polyfit(skill, np.log(online / (1 - online)), 1)[0]
    assert slope == pytest.approx(3.0, rel=1e-6)
    assert np.ptp(_weights(district, online_share=0.6, skill_effect=0.0)["portal"]) < 1e-12


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nobody_or_everybody_online(share: float, district: District) -> None:
    """The ends of the scale are exact."""
    weights = _weights(district, online_share=share)
    assert set(weights["portal"].tolist()) == {share}
    assert set(weights["office"].tolist()) == {1.0 - share}


@pytest.mark.parametrize("place", [HALL, SITE])
def test_where_all_channels_are_of_one_sort_all_go_there(place: Any, district: District) -> None:
    """Only online, or only offline: the share has no meaning then."""
    weights = _weights(district, {"a": place, "b": place}, online_share=0.3)
    assert set(weights["a"].tolist()) == set(weights["b"].tolist()) == {0.5}


def test_popularity_shares_out_each_sort(district: District) -> None:
    """One part of a sort to three parts; a channel that is not named counts as 1."""
    channels: Any = {"hall": HALL, "bank": HALL, "portal": SITE, "app": SITE}
    weights = _weights(district, channels, online_share=0.5, popularity={"bank": 3.0, "app": 0.0})
    np.testing.assert_allclose(weights["bank"], 3 * weights["hall"])
    assert not weights["app"].any()
    np.testing.assert_allclose(weights["portal"] + weights["hall"] + weights["bank"], 1.0)
    np.testing.assert_allclose(weights["portal"], _weights(district, online_share=0.5)["portal"])


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_a_sort_of_which_no_channel_is_popular_gives_way(share: float, district: District) -> None:
    """Whoever would rather go online goes to a hall where nothing online is wanted."""
    weights = _weights(district, online_share=share, popularity={"portal": 0.0})
    assert set(weights["office"].tolist()) == {1.0}
    assert not weights["portal"].any()


def test_some_channel_must_be_popular(district: District) -> None:
    """Nobody could choose any otherwise."""
    with pytest.raises(InputError, match="popularity is 0 for every channel"):
        _weights(district, popularity={"portal": 0.0, "office": 0.0})


def test_a_misspelt_channel_is_not_passed_over(district: District) -> None:
    """Its popularity would be lost without a word."""
    with pytest.raises(InputError, match=r"names 'ofice', which is no channel .* did you mean 'office'\?"):
        _weights(district, popularity={"ofice": 2.0})


def test_a_population_that_knows_no_skill_goes_by_the_share(district: District) -> None:
    """All families are alike then."""
    plain = {"_number": np.arange(500)}
    weights = _weights(replace(district, columns=plain, typical=plain, families=500), online_share=0.3)
    np.testing.assert_allclose(weights["portal"], 0.3)


@given(
    st.dictionaries(st.sampled_from("abcd"), st.booleans(), min_size=1),
    st.dictionaries(st.sampled_from("abcd"), st.sampled_from([0.5, 1.0, 2.0])),
    st.floats(0, 1),
)
def test_the_weights_of_each_family_add_up_to_one(
    sorts: dict[str, bool], popularity: dict[str, float], share: float
) -> None:
    """Whatever the channels and their popularity."""
    plain: Any = {"digital_skill": np.array([0.0, 0.3, 1.0])}
    nothing: Any = None
    district = District(nothing, nothing, nothing, 3, plain, plain, nothing, nothing)
    channels: Any = {name: SITE if online else HALL for name, online in sorts.items()}
    known = {name: value for name, value in popularity.items() if name in sorts}
    weights = _weights(district, channels, online_share=share, popularity=known)
    np.testing.assert_allclose(sum(weights.values()), 1.0)
    assert all((values >= 0).all() for values in weights.values())


def test_queues_weigh_like_preference_but_start_where_it_is_fastest(district: District) -> None:
    """The rule differs, the weights do not."""
    queues = Queues.model_validate({"kind": "queues", "online_share": 0.6})
    assert queues.rule == "fastest"
    assert Preference.model_validate({"kind": "preference"}).rule == "weight"
    np.testing.assert_array_equal(
        queues.weights(BOTH, district)["portal"], _weights(district, online_share=0.6)["portal"]
    )


@pytest.mark.parametrize("model", [Preference, Queues])
def test_they_are_choices_as_the_kit_wants_them(model: type[Any], plugins: Plugins) -> None:
    """A pure function of the families, with a channel for everybody."""
    assert len(np.asarray(check_choice(model, {"online_share": 0.5}, plugins=plugins).families["family"])) > 100
