"""Equity in whole seasons: what digital skill does to channels and outcomes."""

from __future__ import annotations

from typing import Any

import pytest

from canbao.assembly import scenario_plan
from canbao.engines.compiled_engine import CompiledEngine
from canbao.measures.summary import summarise
from canbao.plugins import Plugins, load_plugins
from canbao.testing import small_scenario


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins()


def _summary(plugins: Plugins, skill: float) -> dict[str, Any]:
    changes = {
        "population": {"residents": 6_000, "digital_skill": {"urban": skill, "rural": skill, "hardship": 0.0}},
        "choice": {"kind": "preference", "online_share": 0.5, "reference_skill": 0.5},
    }
    file = small_scenario(changes, plugins)
    plan = scenario_plan(file)
    return summarise(file, plan, CompiledEngine().run(plan))


@pytest.fixture(scope="module")
def seasons(plugins: Plugins) -> list[dict[str, Any]]:
    """Give the summaries of the same families with little, some and much skill."""
    return [_summary(plugins, skill) for skill in (0.25, 0.5, 0.75)]


def _overall(summary: dict[str, Any], what: str) -> float:
    """Give the mean over all families, from the means of the homes."""
    told = summary["equity"]["residence"]
    total = sum(told["families"].values())
    return float(sum(told["means"][home][what] * number for home, number in told["families"].items()) / total)


def test_more_skill_means_more_online_and_less_time(seasons: list[dict[str, Any]]) -> None:
    """The same families with more skill go online more often, make fewer trips and spend less time."""
    online = [_overall(summary, "online_share") for summary in seasons]
    assert online == sorted(online)
    assert online[-1] - online[0] > 0.3
    for what in ("trips", "hours", "days_to_hand_in"):
        values = [_overall(summary, what) for summary in seasons]
        assert values == sorted(values, reverse=True), what


def test_more_skill_means_more_children_insured_and_fewer_late(seasons: list[dict[str, Any]]) -> None:
    """Outcomes follow: the same families are enrolled more often, and miss the deadline less often."""
    enrolled, missed = (
        [_overall(summary, f"{what}_share") for summary in seasons] for what in ("enrolled", "missed_deadline")
    )
    assert enrolled == sorted(enrolled)
    assert missed == sorted(missed, reverse=True)
    assert enrolled[-1] - enrolled[0] > 0.05


def test_within_a_season_the_skilled_go_online_more_often(seasons: list[dict[str, Any]]) -> None:
    """The widest gap between skills is told with its two ends, and has the stated direction."""
    gap = seasons[1]["equity"]["skill"]["gaps"]["online_share"]
    assert (gap["lowest"], gap["highest"]) == ("low", "high")
    assert gap["gap"] > 0.1


def test_every_kind_of_family_is_told(seasons: list[dict[str, Any]]) -> None:
    """Home, skill, category, kind and register have results of their own, and their families add up to all."""
    told, arrived = seasons[1]["equity"], seasons[1]["families"]["arrived"]
    assert {"residence", "skill", "category", "kind", "register"} <= set(told)
    assert all(sum(group["families"].values()) == arrived for group in told.values())
