"""Steady state: found where there is one, refused where there is none, and right as often as it says."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import canbao
from canbao import theory
from canbao.errors import InputError
from canbao.experiments import NetworkModel
from canbao.experiments.series import Inside, Stays, Waits
from canbao.experiments.steady import steady_state
from canbao.network import Network, Step
from canbao.plugins import load_plugins
from canbao.scenario.scenario import load_scenario

SCENARIO = Path(__file__).parents[2] / "scenarios" / "newborns.toml"


def windows(rate: float = 0.2, **station: object) -> Network:
    """Give an M/M/2 with a mean service of 8, changed where a test says so."""
    return canbao.Network(
        stations=[canbao.Station("windows", **{"servers": 2, **station})],
        journeys=[canbao.Journey("office", [canbao.Visit("windows", canbao.Exponential(8))])],
        streams=[canbao.Stream("office", canbao.Poisson(rate))],
    )


def through(step: Step) -> Network:
    """Give the same with a step before the windows."""
    network = windows()
    return replace(network, journeys=[canbao.Journey("office", [step, *network.journeys[0].steps])])


def arriving(arrivals: object, **columns: object) -> Network:
    """Give the same with other arrivals."""
    return replace(windows(), streams=[canbao.Stream("office", arrivals, columns=columns)])


def test_an_mm2_is_found_as_theory_says() -> None:
    """Wait, stay and number inside of five runs; the warm-up is short, the moving average rises from an empty start."""
    measures = {"wait": Waits("windows"), "stay": Stays("windows"), "inside": Inside("windows", 60.0)}
    found = steady_state(windows(), 40_000.0, measures, seed=1)
    known = theory.mmc(0.2, 8, 2)
    for name, truth in {"wait": known.wait, "stay": known.wait + 8, "inside": known.number}.items():
        assert found[name].settled
        assert found[name].interval.n == 10
        assert found[name].interval.covers(truth)
        assert found[name].interval.half_width < 0.3 * truth
    wait = found["wait"]
    assert wait.warmup.observations < wait.observations / 10
    assert len(wait.moving_average) == wait.observations - wait.window
    assert wait.moving_average[0] < 0.2 * wait.interval.mean


def test_intervals_of_the_long_run_are_right_as_often_as_they_say() -> None:
    """Of 100 copies of M/M/2 that settle, 95 % to three standard errors, and their mean is not too low."""
    count, rate = 100, 0.15
    network = canbao.Network(
        stations=[canbao.Station(f"{copy}", servers=2) for copy in range(count)],
        journeys=[
            canbao.Journey(f"way {copy}", [canbao.Visit(f"{copy}", canbao.Exponential(8))]) for copy in range(count)
        ],
        streams=[canbao.Stream(f"way {copy}", canbao.Poisson(rate), name=f"s{copy}") for copy in range(count)],
    )
    measures = {f"{copy}": Waits(f"{copy}") for copy in range(count)}
    found = [each for each in steady_state(network, 15_000.0, measures, seed=7).values() if each.settled]
    truth = theory.mmc(rate, 8, 2).wait
    assert len(found) > 0.9 * count
    covered = sum(each.interval.covers(truth) for each in found) / len(found)
    assert abs(covered - 0.95) < 3 * math.sqrt(0.95 * 0.05 / len(found))
    means = np.array([each.interval.mean for each in found])
    assert abs(means.mean() - truth) < 3 * means.std() / math.sqrt(len(found))


def test_more_work_than_servers_never_settles() -> None:
    """A queue that grows to the end is no steady state: no width is promised."""
    found = steady_state(windows(rate=0.3), 10_000.0, {"wait": Waits("windows")})["wait"]
    assert not found.settled
    assert found.interval.half_width == math.inf


def test_the_same_seed_gives_the_same_answer() -> None:
    """And another seed another one."""
    one, again, other = (
        steady_state(windows(), 5_000.0, {"wait": Waits("windows")}, seed=seed)["wait"].interval for seed in (3, 3, 4)
    )
    assert one == again
    assert one.mean != other.mean


SWITCH = canbao.Schedule([0, 9, 17], [0, 1, 0])


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (arriving(canbao.At([1.0, 2.0])), "given times"),
        (arriving(canbao.Poisson(SWITCH)), "rate that changes"),
        (arriving(canbao.Thinned(lambda t: 0.1 + 0 * t, 0.2)), "rate that changes"),
        (arriving(canbao.Poisson(0.2), children=np.ones(5)), "column 'children'"),
        (windows(servers=SWITCH), "servers that change"),
        (windows(doors=SWITCH), "doors that open and close"),
        (through(canbao.Await("hours")), "calendar 'hours'"),
        (through(canbao.Delay(2.0, unit="working days", calendar="hours")), "calendar 'hours'"),
        (through(canbao.Before(100.0)), "deadline"),
        (through(canbao.Appointment("book")), "appointments"),
        (replace(windows(), batches=[canbao.Batch("van", releases=[5.0])]), "batch 'van'"),
        (replace(windows(), streams=[]), "nobody arrives"),
    ],
)
def test_a_network_that_ends_or_changes_with_time_is_refused(network: Network, said: str) -> None:
    """With the reason, and what to do instead."""
    with pytest.raises(InputError, match=said) as told:
        steady_state(network, 1_000.0, {"wait": Waits("windows")})
    assert "no steady state" in str(told.value)
    assert "by replications" in str(told.value)


@pytest.mark.parametrize(
    "network",
    [
        windows(servers=canbao.Schedule([0], [2])),
        arriving(canbao.Renewal(canbao.Gamma(5, 0.5)), children=canbao.Empirical((1.0, 2.0), (0.7, 0.3))),
        arriving(canbao.Poisson(canbao.Schedule([0, 10], [0.2, 0.2]))),
        through(canbao.Before(math.inf)),
        through(canbao.Delay(canbao.Uniform(0, 5))),
    ],
)
def test_a_network_whose_rules_never_change_is_not(network: Network) -> None:
    """A schedule that never changes is none."""
    assert steady_state(network, 5_000.0, {"wait": Waits("windows")}, replications=2)["wait"].settled


def test_a_scenario_is_a_season_and_is_refused() -> None:
    """It has a first and a last day."""
    file = load_scenario(SCENARIO, load_plugins(environment={"CANBAO_NO_PLUGINS": "1"}))
    with pytest.raises(InputError, match=r"a season .* no steady state.*replications"):
        steady_state(file, 1_000.0, {"wait": Waits("windows")})


def test_a_model_with_a_horizon_is_told_what_to_give() -> None:
    """Its network."""
    with pytest.raises(InputError, match=r"model\.network"):
        steady_state(NetworkModel(windows(), 10.0, lambda trace: {}), 1_000.0, {})


def test_what_cannot_be_measured_is_told_by_name() -> None:
    """A station that is not there; a run that is too short."""
    with pytest.raises(InputError, match="no station 'window'; it has: windows"):
        steady_state(windows(), 1_000.0, {"wait": Waits("window")})
    with pytest.raises(InputError, match="wait: MSER-5 needs at least 30 observations"):
        steady_state(windows(), 50.0, {"wait": Waits("windows")})


def test_a_series_ends_at_the_first_who_is_not_finished() -> None:
    """In the order of joining: a long wait that is cut off is not replaced by quick ones behind it."""
    network = canbao.Network(
        stations=[canbao.Station("desk", servers=1, discipline="lifo")],
        journeys=[canbao.Journey("office", [canbao.Visit("desk", 3.0)])],
        streams=[canbao.Stream("office", canbao.At([0.0, 1.0, 2.0, 5.5]))],
    )
    trace = canbao.simulate(network, until=8.5)
    assert Waits("desk")(trace).tolist() == [0.0]
    assert Stays("desk")(trace).tolist() == [3.0]
    assert Inside("desk", 2.0)(trace).tolist() == [1.5, 2.5, 2.25, 2.0]
