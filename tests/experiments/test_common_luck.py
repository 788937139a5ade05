"""What the same families with the same luck are worth: the variance ratio of comparisons on the same seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import canbao.cli
from canbao.arrays import FloatArray
from canbao.experiments import NetworkModel, ScenarioModel
from canbao.plugins import load_plugins
from canbao.scenario.scenario import load_scenario
from canbao.statistics import Paired, compare_paired
from canbao.trace import Trace

SCENARIOS = Path(__file__).parents[2] / "scenarios"
STARTER = Path(canbao.cli.__file__).with_name("starter.toml")
HOUR = 3600.0


def day(windows: int) -> canbao.Network:
    """Give a hall on one day with a rush in the morning, and families who give up."""
    rate = canbao.Schedule([0, HOUR, 4 * HOUR, 8 * HOUR], [0.012, 0.022, 0.010, 0])
    visit = canbao.Visit("windows", service=canbao.Lognormal(480, 0.6), patience=canbao.Weibull(7200, 2))
    return canbao.Network(
        stations=[canbao.Station("windows", servers=windows)],
        journeys=[canbao.Journey("office", [visit])],
        streams=[canbao.Stream("office", canbao.Poisson(rate))],
    )


def mean_wait(trace: Trace) -> dict[str, float]:
    """Give the mean wait, until the window or until giving up."""
    visits = trace.visits
    until = np.where(np.isnan(visits["start"]), visits["leave"], visits["start"])
    return {"wait": float(np.mean(until - visits["enter"]))}


def waits(windows: int, seeds: range) -> FloatArray:
    """Give the mean wait on each seed."""
    model = NetworkModel(day(windows), 12 * HOUR, mean_wait)
    return np.array([model.replicate(seed)["wait"] for seed in seeds])


def seasons(path: Path, seeds: range, *overrides: str) -> list[Mapping[str, float]]:
    """Give the measures of a scenario on each seed."""
    plugins = load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})
    model = ScenarioModel.of(load_scenario(path, plugins, list(overrides)), overrides)
    return [model.replicate(seed) for seed in seeds]


def compared(base: list[Mapping[str, float]], other: list[Mapping[str, float]], measure: str) -> Paired:
    """Compare a measure of the two."""
    return compare_paired(*([row.get(measure, math.nan) for row in rows] for rows in (base, other)))


@pytest.mark.parametrize("windows", [6, 8])
def test_of_one_window_more_the_same_luck_is_worth_five_times_the_replications(windows: int) -> None:
    """On 60 days with a queue; on other seeds the same comparison gains nothing."""
    base = waits(windows, range(60))
    same, others = waits(windows + 1, range(60)), waits(windows + 1, range(1000, 1060))
    found = compare_paired(base, same)
    assert found.variance_ratio >= 5
    assert found.difference.high < 0
    assert 0.5 < compare_paired(base, others).variance_ratio < 2


def test_of_one_window_more_in_a_district_too() -> None:
    """A third window at the hall of the scenario that everybody starts with, over eight seasons."""
    two, three = (seasons(STARTER, range(1, 9), f"channels.office.sites.hall.staff={staff}") for staff in (2, 3))
    for measure in ("waits.channels.office.mean", "spent.hours.all.mean", "objectives.deadline"):
        assert compared(two, three, measure).variance_ratio >= 5


def test_online_against_offline_is_reported_as_it_is() -> None:
    """Other channels are other ways with a luck of their own: the families are the same, the gain is small."""
    online, offline = (
        seasons(SCENARIOS / name, range(1, 6), "population.scale=0.01")
        for name in ("online-first.toml", "offline-only.toml")
    )
    assert compared(online, offline, "spent.hours.all.count").variance_ratio == math.inf
    hours = compared(online, offline, "spent.hours.all.mean")
    assert hours.n == 5
    assert 0.1 < hours.variance_ratio < 10
    assert hours.difference.low > 0  # whatever luck gives, offline costs families more hours
