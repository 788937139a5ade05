"""Rankings of inputs, held against functions whose indices are known."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from canbao.arrays import FloatArray
from canbao.errors import InputError
from canbao.experiments.points import points_of
from canbao.experiments.ranking import rank
from canbao.experiments.results import Results
from canbao.experiments.sensitivity import Design, Effect, analyse, make_design
from canbao.experiments.varying import Input, read_vary

ISHIGAMI = ("x1", "x2", "x3")


def ishigami(shares: FloatArray) -> FloatArray:
    """Give sin x1 + 7 sin² x2 + 0.1 x3⁴ sin x1 on [-π, π]³ (Ishigami and Homma 1990)."""
    x1, x2, x3 = (np.pi * (2 * shares - 1)).T
    return np.asarray(np.sin(x1) + 7 * np.sin(x2) ** 2 + 0.1 * x3**4 * np.sin(x1))


def ishigami_indices() -> dict[str, tuple[float, float]]:
    """Give first and total index of each input in closed form (Sobol and Levitan 1999, with a = 7, b = 0.1)."""
    a, b = 7.0, 0.1
    first = 0.5 * (1 + b * np.pi**4 / 5) ** 2
    second = a**2 / 8
    pair = b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    whole = first + second + pair
    return {"x1": (first / whole, (first + pair) / whole), "x2": (second / whole,) * 2, "x3": (0.0, pair / whole)}


def by_path(effects: tuple[Effect, ...]) -> dict[str, Effect]:
    """Give effects by their inputs."""
    return {effect.path: effect for effect in effects}


def test_sobol_finds_the_indices_of_ishigami() -> None:
    """First and total indices come out as in closed form, within their intervals at four times the usual width."""
    design = make_design("sobol", ISHIGAMI, 1024, seed=3)
    effects, dropped = analyse(design, ishigami(design.shares))
    found = by_path(effects)
    assert dropped == 0
    assert [effect.path for effect in effects] == ["x1", "x2", "x3"]
    for path, (first, total) in ishigami_indices().items():
        assert found[path].direct == pytest.approx(first, abs=0.05)
        assert abs(found[path].importance - total) < 2 * found[path].half_width < 0.2


def test_morris_finds_the_effects_of_a_straight_line() -> None:
    """Of a straight line µ* is the size of each slope over the range, µ has its sign, and there is no spread."""
    slopes = np.array([3.0, -5.0, 0.0, 0.5])
    design = make_design("morris", "abcd", 4, seed=1)
    effects, _ = analyse(design, 10 + design.shares @ slopes)
    found = by_path(effects)
    assert [effect.path for effect in effects] == ["b", "a", "d", "c"]
    for path, slope in zip("abcd", slopes, strict=True):
        effect = found[path]
        values = (effect.importance, effect.direct, effect.spread, effect.half_width)
        assert values == pytest.approx((abs(slope), slope, 0.0, 0.0), abs=1e-9)


def test_morris_shows_what_depends_on_others() -> None:
    """An input whose effect hangs on another one has a spread; one that stands alone has none."""
    design = make_design("morris", ("a", "b", "c"), 20, seed=2)
    a, b, c = design.shares.T
    found = by_path(analyse(design, 4 * a * b + 2 * c)[0])
    assert found["a"].spread > 0.5
    assert found["c"].spread == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("method", "rows"), [("morris", 10 * 5), ("sobol", 64 * 6)])
def test_a_design_has_the_size_that_was_said(method: str, rows: int) -> None:
    """Morris takes samples × (inputs + 1) rows, Sobol samples × (inputs + 2), all inside the ranges."""
    design = make_design(method, "abcd")
    assert design.shares.shape == (rows, 4)
    assert design.shares.min() >= 0
    assert design.shares.max() <= 1


@pytest.mark.parametrize("method", ["morris", "sobol"])
def test_the_same_seed_gives_the_same_design_and_intervals(method: str) -> None:
    """Nothing hangs on the state of any generator; another seed gives another design. Seed 0 is one like others."""
    one, again, other = (make_design(method, "ab", 8, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one.shares, again.shares)
    assert not np.array_equal(one.shares, other.shares)
    values = np.cos(3 * one.shares).sum(axis=1)
    assert analyse(one, values) == analyse(again, values)


@pytest.mark.parametrize("method", ["morris", "sobol"])
def test_a_measure_that_nothing_moves_has_no_important_input(method: str) -> None:
    """Where all values are the same, every input has importance 0, and nothing is divided by nothing."""
    design = make_design(method, "ab", 8)
    effects, dropped = analyse(design, np.full(len(design.shares), 0.7))
    assert [(effect.importance, effect.half_width) for effect in effects] == [(0.0, 0.0)] * 2
    assert dropped == 0


@pytest.mark.parametrize("method", ["morris", "sobol"])
def test_a_missing_value_takes_its_sample_along(method: str) -> None:
    """A nan removes the rows that belong to it, and the others give what they give without it."""
    design = make_design(method, "abc", 8, seed=5)
    values = design.shares @ np.array([1.0, 2.0, 4.0])
    values[design.block + 1] = np.nan
    effects, dropped = analyse(design, values)
    kept = np.r_[0 : design.block, 2 * design.block : len(values)]
    alone = Design(design.method, design.paths, 7, design.seed, design.shares[kept])
    assert dropped == 1
    assert effects == analyse(alone, values[kept])[0]


def test_too_few_values_are_refused() -> None:
    """With one whole sample there is nothing to rank."""
    design = make_design("morris", "ab", 3)
    values = np.full(len(design.shares), np.nan)
    values[: design.block] = [1.0, 2.0, 3.0]
    with pytest.raises(InputError, match="only 1 of 3"):
        analyse(design, values)


@pytest.mark.parametrize(
    ("method", "paths", "samples", "said"),
    [
        ("fast", "ab", 8, "morris, sobol"),
        ("morris", "", 8, "no input"),
        ("morris", "ab", 1, "2 samples"),
        ("sobol", "ab", 60, "take 64"),
    ],
)
def test_what_cannot_be_designed_is_refused(method: str, paths: str, samples: int, said: str) -> None:
    """An unknown method, no input, and a number of samples that the method cannot use are told."""
    with pytest.raises(InputError, match=said):
        make_design(method, paths, samples)


def test_without_salib_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """SALib is an extra; where it is missing, the message has the command."""
    monkeypatch.setitem(sys.modules, "SALib", None)
    with pytest.raises(InputError, match=r"pip install 'canbao\[sensitivity\]'"):
        make_design("morris", "ab")


def ranked(inputs: list[Input], method: str, samples: int, seeds: tuple[int, ...]) -> tuple[Results, object]:
    """Run y = 10 a + 2 b + luck at the points of a design, with the settings as a scenario would get them."""
    design = make_design(method, [one.path for one in inputs], samples, seed=1)
    points, which = points_of(inputs, design.shares)
    found = {
        (point.name, seed): {"y": 10 * point.settings[0].number + 2 * point.settings[1].number + seed, "none": np.nan}
        for point in points
        for seed in seeds
    }
    results = Results(tuple(point.name for point in points), seeds, ("y", "none"), (), found)
    return results, rank(results, inputs, design, which, grades={"a": "E"}, left_out={"c": "is a date"})


def test_points_that_fall_together_are_simulated_once() -> None:
    """Whole numbers have few levels: the design's rows meet at fewer points, and the ranking is that of all rows."""
    results, ranking = ranked([read_vary("a=1..4"), read_vary("b=1..4")], "morris", 10, (1, 2))
    assert len(results.variants) <= 16
    found = by_path(ranking.of("y").effects)
    # Of four levels each step of Morris's design moves two, so by 2/3 of the range of 3.
    assert found["a"].importance == pytest.approx(30.0)
    assert found["b"].importance == pytest.approx(6.0)


def test_a_ranking_tells_all_that_a_report_needs() -> None:
    """The answer has method, ranges, grades, seeds, what was left out, and the effects; nan and inf are no JSON."""
    import json

    _, ranking = ranked([read_vary("a=1:2"), read_vary("b=1:2")], "sobol", 16, (1, 2, 3))
    data = json.loads(json.dumps(ranking.as_data(), allow_nan=False))
    assert (data["method"], data["samples"], data["points"], data["seeds"]) == ("sobol", 16, 64, [1, 2, 3])
    assert [one["grade"] for one in data["inputs"]] == ["E", ""]
    assert data["left_out"] == {"c": "is a date"}
    assert [ranking["measure"] for ranking in data["rankings"]] == ["y"]
    assert data["rankings"][0]["effects"][0]["path"] == "a"
    assert ranking.frame().column("rank").to_pylist() == [1, 2]
