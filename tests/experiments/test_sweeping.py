"""Sweeps: the points of a design, and what is found at them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canbao.errors import InputError
from canbao.experiments import Results, ScenarioModel, Variant, open_experiment
from canbao.experiments.executors import make_executor
from canbao.experiments.points import Point, grid, latin_hypercube, points_of, variants_of
from canbao.experiments.rehearsal import rehearse
from canbao.experiments.sweeping import Sweep, sweep
from canbao.experiments.varying import Input, read_vary
from canbao.plugins import load_plugins
from canbao.runs.tables import table_bytes
from canbao.scenario.scenario import load_scenario

CITY = Path(__file__).parents[2] / "scenarios" / "city-season.toml"


def inputs_of(*texts: str) -> tuple[Input, ...]:
    """Read several `--vary`."""
    return tuple(read_vary(text) for text in texts)


# --- points -----------------------------------------------------------------------------------------------------------


def test_a_grid_has_every_combination_once() -> None:
    """The points of a grid are the product of the values, the last input fastest, with names in their order."""
    points = grid(inputs_of("a=1..3", "b=x,y"))
    labels = [tuple(setting.label for setting in point.settings) for point in points]
    assert labels == [("1", "x"), ("1", "y"), ("2", "x"), ("2", "y"), ("3", "x"), ("3", "y")]
    assert [point.name for point in points] == [f"point-{n}" for n in range(1, 7)]
    assert points[1].overrides == ("a=1", 'b="y"')


def test_a_range_has_no_grid() -> None:
    """A grid over a range without a number of values is refused, with what to write."""
    with pytest.raises(InputError, match=r"a=0\.3:0\.9:5"):
        grid(inputs_of("a=0.3:0.9"))


def test_a_sweep_that_nobody_meant_is_refused() -> None:
    """Millions of points are a slip of the pen."""
    with pytest.raises(InputError, match="makes 1,000,000 points"):
        grid(inputs_of("a=1..1000", "b=1..1000"))
    with pytest.raises(InputError, match="2 points or more"):
        latin_hypercube(inputs_of("a=0:1"), 1)


@settings(max_examples=30)
@given(count=st.integers(2, 40), seed=st.integers(0, 2**31))
def test_a_latin_hypercube_takes_each_part_of_a_range_once(count: int, seed: int) -> None:
    """Of count equal parts of each input's range, each holds exactly one point, whatever the seed."""
    points = latin_hypercube(inputs_of("a=0:1", "b=-5:5"), count, seed)
    for number, (low, width) in enumerate(((0.0, 1.0), (-5.0, 10.0))):
        numbers = np.array([point.settings[number].number for point in points])
        # Values are rounded to six digits, so a point may lie on the edge of its part.
        places = (
            np.floor((numbers - low) / width * count - 1e-4).astype(int).clip(0),
            np.floor((numbers - low) / width * count + 1e-4).astype(int).clip(0, count - 1),
        )
        assert all(part in set(places[0]) | set(places[1]) for part in range(count))
    assert len(points) == count


def test_a_latin_hypercube_follows_from_its_seed() -> None:
    """One seed gives one design, another seed another."""
    inputs = inputs_of("a=0:1", "b=1..4")
    assert latin_hypercube(inputs, 10, 3) == latin_hypercube(inputs, 10, 3)
    assert latin_hypercube(inputs, 10, 3) != latin_hypercube(inputs, 10, 4)


def test_levels_of_a_latin_hypercube_are_balanced() -> None:
    """An input with four values takes each of them three times in twelve points."""
    points = latin_hypercube(inputs_of("a=0:1", "b=1..4"), 12, 1)
    counts = np.bincount([point.settings[1].value for point in points])
    assert counts[1:].tolist() == [3, 3, 3, 3]


def test_rows_that_fall_together_are_one_point() -> None:
    """Shares of one level are one point, and each row knows which."""
    points, which = points_of(inputs_of("a=1..2"), np.array([[0.1], [0.9], [0.4], [0.6]]))
    assert [point.settings[0].value for point in points] == [1, 2]
    assert which.tolist() == [0, 1, 0, 1]


# --- what is found ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A model whose measure is known: y = 10 a + b + seed."""

    a: float
    b: float

    def replicate(self, seed: int) -> Mapping[str, float]:
        return {"y": 10 * self.a + self.b + seed, "z": float("nan") if self.a == 1 else 1.0}

    def command(self, seed: int) -> str:
        return f"line {seed}"

    def key(self) -> str:
        return f"line-{self.a}-{self.b}".ljust(12, "0")


def line(overrides: Sequence[str]) -> Line:
    """Make the model of a point."""
    given = dict(text.split("=") for text in overrides)
    return Line(float(given["a"]), float(given["b"]))


def run(out: Path, points: Sequence[Point], seeds: range) -> Results:
    """Carry out a sweep over lines."""
    variants = variants_of(points, line)
    with open_experiment(out, "line", "sweep", variants, make_executor("serial")) as experiment:
        return experiment.replicate(variants, seeds)


@pytest.fixture
def found(tmp_path: Path) -> Sweep:
    """Give a sweep of three by two points and four seeds."""
    inputs = inputs_of("a=1..3", "b=0.5:1.5:2")
    points = grid(inputs)
    return sweep(run(tmp_path, points, range(1, 5)), inputs, points)


def test_each_point_has_its_interval(found: Sweep) -> None:
    """A point's mean is over its seeds, at its own settings."""
    interval = found.interval("point-4", "y")  # a = 2, b = 1.5
    assert interval.mean == pytest.approx(20 + 1.5 + 2.5)
    assert interval.n == 4


def test_a_response_averages_over_the_other_inputs(found: Sweep) -> None:
    """The response to an input is the mean over all points of a level, and its interval is over seeds alone."""
    responses = {(each.measure, each.path): each.means for each in found.responses()}
    assert [mean.mean for mean in responses["y", "a"]] == pytest.approx([10 + 3.5, 20 + 3.5, 30 + 3.5])
    assert [mean.mean for mean in responses["y", "b"]] == pytest.approx([20 + 3.0, 20 + 4.0])
    assert {mean.n for mean in responses["y", "a"]} == {4}
    widths = {round(mean.half_width, 9) for means in responses.values() for mean in means if mean.n}
    assert round(found.interval("point-1", "y").half_width, 9) in widths


def test_the_table_has_a_row_for_each_point_and_seed(found: Sweep, tmp_path: Path) -> None:
    """Inputs are columns of numbers where they are numbers, and Parquet keeps all as it is."""
    path = tmp_path / "sweep.parquet"
    path.write_bytes(table_bytes(found.table()))
    frame = pq.read_table(path).to_pandas()
    assert list(frame.columns) == ["point", "seed", "a", "b", "y", "z"]
    assert len(frame) == 6 * 4
    assert frame["a"].dtype.kind == "i"
    assert np.array_equal(frame["y"], 10 * frame["a"] + frame["b"] + frame["seed"])
    assert frame["z"].isna().sum() == 2 * 4
    assert found.frame().num_rows == 24


def test_units_and_words_are_columns_too(tmp_path: Path) -> None:
    """A number with a unit is a number, with the unit in the column's name; a word is a word."""
    inputs = inputs_of("review.first.service.mean=2 min:4 min:2", "discipline=fifo,random")
    points = grid(inputs)
    values = {(point.name, 1): {"y": 1.0} for point in points}
    results = Results(tuple(point.name for point in points), (1,), ("y",), (), values)
    frame = sweep(results, inputs, points).frame().to_pandas()
    assert frame["review.first.service.mean (min)"].tolist() == [2.0, 2.0, 4.0, 4.0]
    assert frame["discipline"].tolist() == ["fifo", "random"] * 2


def test_the_answer_is_plain_json(found: Sweep) -> None:
    """Points, levels and responses are in it, for whoever draws them; what was not measured is null."""
    data = json.loads(json.dumps(found.as_data(), allow_nan=False))
    assert data["inputs"][0] == {"path": "a", "unit": "", "levels": ["1", "2", "3"], "numbers": [1.0, 2.0, 3.0]}
    assert data["points"][0]["numbers"] == {"a": 1.0, "b": 0.5}
    assert data["points"][0]["measures"]["z"] == {"mean": None, "half_width": None, "level": 0.95, "n": 0}
    assert len(data["responses"]) == 2 * 2


def test_a_latin_hypercube_has_no_responses(tmp_path: Path) -> None:
    """Where no two points share a level there is nothing to average; the points themselves are the answer."""
    inputs = inputs_of("a=1:3", "b=0:1")
    points = latin_hypercube(inputs, 5)
    found = sweep(run(tmp_path, points, range(2)), inputs, points, design="latin hypercube", measures=["y"])
    assert found.responses() == ()
    assert found.measures == ("y",)
    assert len(found.as_data()["points"]) == 5


def test_values_that_do_not_fit_together_are_named() -> None:
    """Each value may fit alone and the two together not: the message says which point it is."""
    plugins = load_plugins()
    inputs = inputs_of("horizon.start=2025-09-01,2025-12-01", "horizon.end=2025-11-01,2026-01-31")

    def build(overrides: Sequence[str]) -> ScenarioModel:
        return ScenarioModel.of(load_scenario(CITY, plugins, overrides), overrides)

    with pytest.raises(InputError, match="before the start") as found:
        variants_of(grid(inputs)[2:3], build)
    assert "horizon.start" in str(found.value)


def test_variants_tell_their_settings_unless_there_are_hundreds() -> None:
    """A variant carries what was varied, for tables; a design of hundreds of inputs would fill the folder with it."""
    points = grid(inputs_of("a=1..2", "b=1..2"))
    assert variants_of(points, line)[1].settings == {"a": 1, "b": 2}
    told: list[int] = []
    assert variants_of(points, line, told=False, progress=told.append)[1].settings == {}
    assert told == [1, 2, 3, 4]


def test_a_rehearsal_is_part_of_the_experiment(tmp_path: Path) -> None:
    """The time of all is foreseen from a few replications, none of which is carried out twice."""
    variants = [Variant(f"v{n}", Line(float(n), 0.0)) for n in range(6)]
    ticks = iter([100.0, 104.0])
    with open_experiment(tmp_path, "line", "sweep", variants, make_executor("serial")) as experiment:
        left = rehearse(experiment, variants, range(1, 4), 2, clock=lambda: next(ticks))
        assert left == pytest.approx(4.0 / 2 * (6 * 3 - 4))
        assert len(list(experiment.folder.glob("replications/*"))) == 4
        assert rehearse(experiment, variants[:1], range(3), 2) is None
        assert rehearse(experiment, variants[:1], range(1, 9), 2, clock=lambda: 0.0) == 0.0
