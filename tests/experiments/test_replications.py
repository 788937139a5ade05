"""Replications of one scenario: intervals, promises, and how many are enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from canbao.errors import EngineError, InputError
from canbao.experiments import ScenarioModel, Variant, open_experiment
from canbao.experiments.checksums import checksum_of
from canbao.experiments.executors import make_executor
from canbao.experiments.replications import replicate, replicate_until
from canbao.plugins import Plugins
from canbao.scenario.scenario import load_scenario
from canbao.statistics.precision import Hoad, enough


@dataclass(frozen=True)
class Given:
    """Gives numbers that were written down before."""

    values: tuple[float, ...]

    def replicate(self, seed: int) -> Mapping[str, float]:
        return {"value": self.values[seed], "square": self.values[seed] ** 2}

    def command(self, seed: int) -> str:
        return f"look up {seed}"

    def key(self) -> str:
        return checksum_of(self.values)


def test_the_interval_is_that_of_student(tmp_path: Path, opened: Callable[..., Any], toy: Any) -> None:
    """Mean and interval are those that scipy gives for the replication means."""
    variant = Variant("a", toy())
    with opened(tmp_path, [variant]) as experiment:
        found = replicate(experiment, variant, 12, first_seed=5, measures=["value"], level=0.9)
    assert found.seeds == tuple(range(5, 17))
    values = found.results.values("a", "value")
    low, high = stats.t.interval(0.9, 11, values.mean(), stats.sem(values))
    (row,) = found.rows
    assert (row.interval.low, row.interval.high) == pytest.approx((low, high))
    assert row.as_data()["interval"]["n"] == 12


def test_objectives_say_in_how_many_replications_they_held(
    tmp_path: Path, opened: Callable[..., Any], village: Path, plugins: Plugins
) -> None:
    """Each objective comes with its value's interval and with the count of replications in which it held."""
    # A promise that some seeds hold and others do not.
    file = load_scenario(village, plugins, ["objectives.deadline.at_least=0.95", "objectives.deadline.title='In time'"])
    variant = Variant("village", ScenarioModel.of(file, engine="simpy"))
    with opened(tmp_path, [variant]) as experiment:
        found = replicate(experiment, variant, 6, objectives=file.scenario.objectives)
    row = found.rows[0]
    values = found.results.values("village", "objectives.deadline")
    assert row.measure == "objectives.deadline"
    assert row.interval.mean == pytest.approx(values.mean())
    assert (row.held, row.judged) == ((values >= 0.95).sum(), 6)
    assert 0 < row.held < 6
    assert found.held is False
    data = row.as_data()
    assert data["held"] == {"times": row.held, "of": 6}
    assert data["objective"]["title"] == "In time"
    assert data["objective"]["wanted"] == {"at_least": 0.95}
    assert data["unit"] == "share"


@settings(max_examples=30)
@given(
    st.lists(st.floats(8.0, 12.0), min_size=40, max_size=40),
    st.sampled_from([0.03, 0.05, 0.1, 0.2]),
    st.integers(3, 40),
)
def test_the_rule_decides_as_if_replications_came_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], precision: float, budget: int
) -> None:
    """Whatever portions are carried out, the answer is that of the rule applied after each single replication."""
    rule = Hoad(precision=precision, budget=budget)
    n = next((n for n in range(rule.initial, budget) if enough(values[:n], rule).reached), budget)
    variant = Variant("a", Given(tuple(values)))
    folder = tmp_path_factory.mktemp("out")
    with open_experiment(folder, "a", "replications", [variant], make_executor("serial")) as experiment:
        found = replicate_until(experiment, variant, rule, first_seed=0, measures=["value"])
    wanted = enough(values[:budget], rule)
    decision = found.precise[0].decision
    assert (decision.reached, decision.replications) == (wanted.reached, wanted.replications)
    assert len(found.seeds) == n
    assert experiment.kept <= budget
    assert found.as_data()["precision"]["reached"] is wanted.reached


def test_every_measure_has_to_be_precise(tmp_path: Path, opened: Callable[..., Any]) -> None:
    """The one that takes longest decides, and each is told with what it took."""
    luck = np.random.default_rng(1)
    variant = Variant("a", Given(tuple(luck.normal(10.0, 1.0, 300).tolist())))
    rule = Hoad(precision=0.03, budget=300)
    with opened(tmp_path, [variant]) as experiment:
        found = replicate_until(experiment, variant, rule, first_seed=0, measures=["value", "square"])
    value, square = (each.decision for each in found.precise)
    assert value.reached
    assert square.reached
    assert value.replications < square.replications  # a square varies twice as much, as a share
    assert len(found.seeds) == square.replications + rule.ahead(square.replications)
    for row in found.rows:
        assert row.interval.half_width <= 0.03 * row.interval.mean


def test_a_spent_budget_is_told(tmp_path: Path, opened: Callable[..., Any]) -> None:
    """Where the budget is spent first, the answer says how precise it became."""
    luck = np.random.default_rng(1)
    variant = Variant("a", Given(tuple(luck.normal(10.0, 5.0, 20).tolist())))
    with opened(tmp_path, [variant]) as experiment:
        found = replicate_until(experiment, variant, Hoad(precision=0.001, budget=20), first_seed=0, measures=["value"])
    said = found.as_data()["precision"]
    assert said["reached"] is False
    assert said["measures"][0]["precision"] > 0.001
    assert len(found.seeds) == experiment.kept == 20


def test_failures_are_left_out_and_told(tmp_path: Path, opened: Callable[..., Any], toy: Any) -> None:
    """A replication that failed has no part in the interval; it is told with its seed and command."""
    variant = Variant("a", toy(fails=(3,)))
    with opened(tmp_path, [variant]) as experiment:
        found = replicate(experiment, variant, 5, measures=["value"])
    assert found.rows[0].interval.n == 4
    (failure,) = found.results.failures
    assert (failure.variant, failure.seed, failure.command) == ("a", 3, "toy --seed 3")


def test_where_everything_fails_there_is_no_answer(tmp_path: Path, opened: Callable[..., Any], toy: Any) -> None:
    """That every replication failed is an error that names the first one and its command."""
    variant = Variant("a", toy(fails=(1, 2, 3)))
    with opened(tmp_path, [variant]) as experiment, pytest.raises(EngineError, match=r"every .* failed.*toy --seed 1"):
        replicate(experiment, variant, 3)


def test_a_misspelt_measure_is_wrong_usage(tmp_path: Path, opened: Callable[..., Any], toy: Any) -> None:
    """An unknown measure is told with the nearest names."""
    variant = Variant("a", toy())
    with opened(tmp_path, [variant]) as experiment, pytest.raises(InputError, match="nearest names are: value"):
        replicate(experiment, variant, 2, measures=["vale"])
