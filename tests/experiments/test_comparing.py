"""Comparisons, held against networks whose difference is known and against the laws that they keep."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import canbao
from canbao import theory
from canbao.errors import InputError
from canbao.experiments import Failure, NetworkModel, Results, ScenarioModel, Variant, open_experiment
from canbao.experiments.comparing import Comparison, compare, usual_measures
from canbao.experiments.executors import make_executor
from canbao.experiments.meaning import Meaning, meaning_of, objective_meanings
from canbao.experiments.stored import joined, results_of_experiment, results_of_runs
from canbao.experiments.verdicts import comparison_verdicts
from canbao.languages import ENGLISH
from canbao.plugins import load_plugins
from canbao.runs import Run, run_scenario
from canbao.scenario.scenario import load_scenario
from canbao.trace import Trace

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def results_of(values: Mapping[str, Mapping[str, list[float]]], first_seed: int = 1) -> Results:
    """Give results from measures by variant, one value a seed."""
    names = tuple(values)
    measures = tuple(dict.fromkeys(name for row in values.values() for name in row))
    count = len(next(iter(values[names[0]].values())))
    seeds = tuple(range(first_seed, first_seed + count))
    found = {
        (name, seed): {measure: row[measure][place] for measure in row}
        for name, row in values.items()
        for place, seed in enumerate(seeds)
    }
    return Results(names, seeds, measures, (), found)


# --- a difference that is known ---------------------------------------------------------------------------------------


def hall(windows: int) -> canbao.Network:
    """Give an M/M/c queue with a load of 0.7 of one window."""
    return canbao.Network(
        stations=[canbao.Station("hall", servers=windows)],
        journeys=[canbao.Journey("visit", [canbao.Visit("hall", service=canbao.Exponential(1.0))])],
        streams=[canbao.Stream("visit", canbao.Poisson(rate=0.7))],
    )


def waits(trace: Trace) -> dict[str, float]:
    """Measure the mean wait of a run."""
    wait = np.asarray(trace.visits["start"]) - np.asarray(trace.visits["enter"])
    return {"wait": float(np.nanmean(wait)), "visits": float(len(wait))}


@pytest.fixture(scope="module")
def halls(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Replicate the queue with one and with two windows, 20 seeds each."""
    variants = [Variant(name, NetworkModel(hall(c), 4_000.0, waits)) for name, c in (("one", 1), ("two", 2))]
    out = tmp_path_factory.mktemp("halls")
    with open_experiment(out, "hall", "compare", variants, make_executor("serial")) as experiment:
        return experiment.replicate(variants, range(1, 21))


def test_the_difference_of_two_queues_is_that_of_theory(halls: Results) -> None:
    """The interval of the difference between one window and two covers what Erlang's C gives, and is narrow."""
    row = compare(halls, measures=["wait"]).of("wait")
    known = theory.mmc(0.7, 1.0, 2).wait - theory.mmc(0.7, 1.0, 1).wait
    assert known == pytest.approx(-2.194, abs=0.001)
    # Both queues begin empty, which takes about a percent off the wait; that is well inside the interval.
    assert row.difference.covers(known)
    assert row.difference.half_width < 0.3
    assert row.p_adjusted < 0.001


def test_the_same_luck_is_the_same_families(halls: Results) -> None:
    """Both queues met as many families on every seed, so there is nothing to say of others, and no p-value."""
    row = compare(halls, measures=["visits"]).of("visits")
    assert (row.verdict, row.difference.mean, row.difference.half_width) == ("same", 0.0, 0.0)
    assert math.isnan(row.variance_ratio) or row.variance_ratio == math.inf


# --- verdicts ---------------------------------------------------------------------------------------------------------


def noisy(mean: float, seed: int, count: int = 12, width: float = 1.0) -> list[float]:
    """Give values around a mean."""
    return [mean + width * float(luck) for luck in np.random.default_rng(seed).standard_normal(count)]


def test_a_verdict_knows_which_way_is_better() -> None:
    """More hours are worse, more enrolled are better, and who goes online is neither."""
    luck = np.array(noisy(0, 1))
    names = {"spent.hours.all.mean": 10.0, "families.enrolled_share": 10.0, "equity.skill.means.low.online_share": 10.0}
    values = {
        "a": {name: (luck + mean).tolist() for name, mean in names.items()},
        "b": {name: (luck + mean + 5 + 0.01 * luck**2).tolist() for name, mean in names.items()},
    }
    found = compare(results_of(values), measures=list(names))
    assert [row.verdict for row in found.rows] == ["worse", "better", "more"]
    back = compare(results_of(values), base="b", measures=list(names))
    assert [row.verdict for row in back.rows] == ["better", "worse", "less"]
    for row, other in zip(found.rows, back.rows, strict=True):
        assert row.difference.mean == pytest.approx(-other.difference.mean)


def test_luck_is_no_verdict() -> None:
    """Two variants that differ by luck alone are not told apart in more than one of a hundred measures."""
    values = {name: {f"m{k}": noisy(0, 1_000 * place + k) for k in range(100)} for place, name in enumerate(("a", "b"))}
    found = compare(results_of(values))
    assert sum(row.verdict != "unclear" for row in found.rows) <= 1
    assert sum(row.p_value < 0.05 for row in found.rows) >= 1  # without Holm's adjustment some would be


def test_common_luck_narrows_the_interval_by_the_ratio() -> None:
    """The variance ratio says how the squared half-width shrinks against that of independent seeds."""
    luck = np.array(noisy(0, 3, 200))
    base, other = luck + np.array(noisy(0, 4, 200, 0.3)), luck + 1 + np.array(noisy(0, 5, 200, 0.3))
    found = compare(results_of({"a": {"m": base.tolist()}, "b": {"m": other.tolist()}})).of("m")
    expected = (1 + 0.09) * 2 / (2 * 0.09)
    assert found.variance_ratio == pytest.approx(expected, rel=0.3)
    assert found.difference.covers(1.0)


def test_one_window_more_gains_at_least_five_times_by_the_same_luck(tmp_path: Path) -> None:
    """For a small change the same luck on both sides is worth many times as many replications."""
    plugins = load_plugins()
    starter = SCENARIOS.parent / "sim" / "canbao" / "cli" / "starter.toml"
    changes = [["population.scale=0.3"], ["population.scale=0.3", "channels.office.sites.hall.staff=3"]]
    models = [ScenarioModel.of(load_scenario(starter, plugins, each), each) for each in changes]
    variants = [Variant(name, model) for name, model in zip(("two", "three"), models, strict=True)]
    with open_experiment(tmp_path, "window", "compare", variants, make_executor("serial")) as experiment:
        found = compare(
            experiment.replicate(variants, range(1, 9)), measures=["waits.channels.office.mean", "spent.hours.all.mean"]
        )
    assert {row.verdict for row in found.rows} == {"better"}
    assert min(row.variance_ratio for row in found.rows) >= 5


def test_several_variants_are_held_against_the_base() -> None:
    """Each other variant has its row; with more of them intervals grow, so that all hold at once."""
    values = {name: {"m": noisy(place, place)} for place, name in enumerate("abcd")}
    found = compare(results_of(values), base="b")
    assert [row.variant for row in found.rows] == ["a", "c", "d"]
    alone = compare(results_of({name: values[name] for name in "ba"}))
    assert found.of("m", "a").difference.mean == pytest.approx(alone.of("m").difference.mean)
    assert found.of("m", "a").difference.half_width > alone.of("m").difference.half_width


def test_a_seed_that_failed_is_left_out_on_both_sides() -> None:
    """A failed replication takes its seed out of the pairs; the failure is told."""
    results = results_of({"a": {"m": [1.0, 2.0, 3.0, 4.0]}, "b": {"m": [2.0, 3.1, 4.0, 5.2]}})
    found = {place: row for place, row in results.found.items() if place != ("a", 2)}
    failure = Failure("a", 2, "it broke", "canbao run a.toml --seed 2")
    row = compare(Results(results.variants, results.seeds, results.measures, (failure,), found))
    assert (row.of("m").difference.n, row.of("m").other.n) == (3, 4)
    assert row.as_data()["failures"][0]["command"] == "canbao run a.toml --seed 2"


def test_where_everything_failed_the_first_failure_is_told() -> None:
    """Without a single measure there is nothing to compare, and the message has the command that shows why."""
    failure = Failure("a", 1, "it broke", "canbao run a.toml --seed 1")
    with pytest.raises(InputError, match=r"it broke; to repeat it alone: canbao run a\.toml --seed 1"):
        compare(Results(("a", "b"), (1,), (), (failure,), {}))


def test_verdicts_are_said_for_each_variant() -> None:
    """The sentences count what is better, worse and open, name the base, and end with what the luck was worth."""
    luck = np.array(noisy(0, 1))
    hours, trips = "spent.hours.all.mean", "spent.trips.all.mean"
    values = {
        "a": {hours: luck.tolist(), trips: luck.tolist()},
        "b": {hours: (luck - 3 + 0.1 * luck**2).tolist(), trips: noisy(0, 2)},
        "c": {hours: (luck + 3 + 0.1 * luck**2).tolist(), trips: luck.tolist()},
    }
    said = comparison_verdicts(compare(results_of(values)).as_data(), ENGLISH)
    assert said[0] == "b against a, in 2 measures, 95 % sure of all at once: better in 1; not told apart in 1."
    assert said[1] == "c against a, in 2 measures, 95 % sure of all at once: worse in 1; the same in 1."
    assert said[2].startswith("The same luck on both sides was worth ")
    nothing = compare(results_of({"a": {"m": [1.0, 2.0]}, "b": {"n": [1.0, 2.0]}}))
    assert comparison_verdicts(nothing.as_data(), ENGLISH) == ["b and a have no measure in common."]


def test_a_measure_that_one_variant_lacks_is_told_and_not_compared() -> None:
    """Where a variant has no such channel there is no difference, and nobody is left to wonder."""
    found = compare(results_of({"a": {"m": [1.0, 2.0], "only": [1.0, 1.0]}, "b": {"m": [1.0, 2.5]}}))
    assert [row.measure for row in found.rows] == ["m"]
    assert found.absent == {"only": ("b",)}


@pytest.mark.parametrize(
    ("variants", "base", "measures", "said"),
    [
        ("a", None, [], "two variants"),
        ("ab", "c", [], "no variant 'c'"),
        ("ab", None, ["wait"], "no measure 'wait'"),
    ],
)
def test_what_cannot_be_compared_is_refused(variants: str, base: str | None, measures: list[str], said: str) -> None:
    """One variant, an unknown base and an unknown measure are told."""
    values = {name: {"waits": [1.0, 2.0]} for name in variants}
    with pytest.raises(InputError, match=said):
        compare(results_of(values), base=base, measures=measures)


def test_the_answer_is_plain_json() -> None:
    """Intervals are mean, half_width, level and n; what is no number is null."""
    values = {"a": {"m": [1.0, 1.0], "n": [1.0, 2.0]}, "b": {"m": [2.0, 2.0], "n": [2.0, 2.5]}}
    data = json.loads(json.dumps(compare(results_of(values)).as_data(), allow_nan=False))
    assert data["measures"][0]["difference"] == {"mean": 1.0, "half_width": 0.0, "level": 0.95, "n": 2}
    assert data["measures"][0]["variance_ratio"] is None
    assert set(data) == {
        "base", "others", "seeds", "level", "measures", "groups", "absent", "notices", "failures",
    }  # fmt: skip


# --- what measures mean -----------------------------------------------------------------------------------------------


def test_most_measures_of_a_season_have_a_meaning(seasons: Results) -> None:
    """Whatever the usual measures are, it is known in what they are counted and which way is better."""
    file = load_scenario(SCENARIOS / "online-first.toml", load_plugins())
    known = objective_meanings(file.scenario.objectives)
    for measure in usual_measures(seasons):
        meaning = meaning_of(measure, known)
        assert meaning.unit, measure
        assert meaning.better, measure


def test_an_objective_is_better_the_way_it_is_promised() -> None:
    """A promise of at least is better higher, one of at most lower; a wait is in seconds."""
    known = objective_meanings(load_scenario(SCENARIOS / "city-season.toml", load_plugins()).scenario.objectives)
    assert known["objectives.portal-review"] == Meaning("share", "higher")
    assert known["objectives.hall-wait"] == Meaning("s", "lower")


def test_what_an_objective_says_is_not_said_twice() -> None:
    """A usual measure with the very values of an objective is left out, one that only looks alike is kept."""
    values = {
        name: {
            "objectives.deadline": [0.9, 0.8 + place],
            "deadline.in_time_share": [0.9, 0.8 + place],
            "review.within.4": [1.0, 1.0],
            "objectives.review": [1.0, 1.0],
        }
        for place, name in enumerate("ab")
    }
    assert usual_measures(results_of(values)) == ("objectives.deadline", "objectives.review", "review.within.4")


# --- by kind of family, and what is stored ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a concluded experiment: online-first and offline-only, a hundredth of the families, three seeds."""
    plugins = load_plugins()
    overrides = ["population.scale=0.01"]
    files = [load_scenario(SCENARIOS / f"{name}.toml", plugins, overrides) for name in ("online-first", "offline-only")]
    variants = [Variant(file.name, ScenarioModel.of(file, overrides)) for file in files]
    out = tmp_path_factory.mktemp("seasons")
    with open_experiment(out, "online", "compare", variants, make_executor("serial")) as experiment:
        found = compare(experiment.replicate(variants, range(1, 4)))
        experiment.conclude(found.as_data())
        return experiment.folder


@pytest.fixture(scope="module")
def seasons(folder: Path) -> Results:
    """Give the results of that experiment."""
    return results_of_experiment(folder)


@pytest.fixture(scope="module")
def season_comparison(seasons: Results) -> Comparison:
    """Give the comparison of the two."""
    return compare(seasons)


def test_groups_add_up_to_all_families(seasons: Results, season_comparison: Comparison) -> None:
    """The contributions of the groups of each kind sum to the difference of all families, in hours and in trips."""
    for what, measure in (("hours", "spent.hours.all.mean"), ("trips", "spent.trips.all.mean")):
        whole = compare(seasons, measures=[measure]).of(measure).difference.mean
        for kind in ("kind", "skill", "residence", "category", "register"):
            parts = [
                group.contribution for group in season_comparison.groups if (group.kind, group.what) == (kind, what)
            ]
            assert len(parts) >= 2
            assert sum(parts) == pytest.approx(whole, rel=1e-9)


def test_everybody_loses_hours_without_a_portal(season_comparison: Comparison) -> None:
    """Without a portal rural families lose more hours than urban ones, and the unskilled more than the skilled."""
    hours = {(g.kind, g.label): g for g in season_comparison.groups if g.what == "hours"}
    assert hours["residence", "rural"].difference.mean > hours["residence", "urban"].difference.mean > 0.5
    assert hours["skill", "low"].difference.mean > hours["skill", "high"].difference.mean > 0.5
    assert {hours["skill", "high"].change, hours["residence", "rural"].change} == {"loses"}


def test_contributions_need_the_same_families() -> None:
    """Where other families came, no part of the difference is given to a group, and it is said."""

    def row(families: float) -> dict[str, list[float]]:
        return {
            "families.arrived": [families + 50, families + 50],
            "equity.skill.families.low": [families, families],
            "equity.skill.families.high": [50, 50],
            "equity.skill.means.low.hours": [1.0, 1.1],
            "equity.skill.means.high.hours": [2.0, 2.2],
        }

    other = compare(results_of({"a": row(50), "b": row(60)}))
    assert other.notices == ("other families",)
    assert {group.contribution for group in other.groups} == {None}
    same = compare(results_of({"a": row(50), "b": row(50)}))
    assert same.notices == ()
    assert {group.contribution for group in same.groups} == {0.0}


def test_an_experiment_is_read_back_as_it_was(folder: Path, seasons: Results, season_comparison: Comparison) -> None:
    """The results of a stored experiment give the same comparison as the experiment itself did."""
    data = json.loads((folder / "experiment.json").read_text())
    assert data["answer"] == json.loads(json.dumps(season_comparison.as_data()))
    assert (seasons.variants, seasons.seeds) == (("online-first", "offline-only"), (1, 2, 3))


def test_two_experiments_are_paired_by_the_seeds_of_both(seasons: Results) -> None:
    """Only seeds that both experiments have are held side by side; variants of one name are told apart."""
    later = Results(seasons.variants, (2, 3, 4), seasons.measures, (), {
        (who, seed + 1): row for (who, seed), row in seasons.found.items()
    })  # fmt: skip
    both = joined([("first", seasons), ("second", later)])
    assert both.seeds == (2, 3)
    assert both.variants == ("online-first first", "offline-only first", "online-first second", "offline-only second")
    apart = Results(later.variants, (9,), later.measures, (), {("online-first", 9): {}})
    with pytest.raises(InputError, match="no seed in common"):
        joined([("first", seasons), ("third", apart)])


def test_stored_runs_are_compared_without_intervals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs are one replication each: differences, no half-widths, no verdicts, and that is said."""
    monkeypatch.setattr("canbao.report.render", lambda *_: "")  # the report takes seconds, and nobody reads it
    plugins = load_plugins()
    runs = [
        run_scenario(
            load_scenario(SCENARIOS / f"{name}.toml", plugins, ["population.scale=0.005"]),
            plugins,
            seed=seed,
            out=tmp_path,
        )
        for name, seed in (("online-first", 1), ("offline-only", 1), ("offline-only", 2))
    ]
    results, notices = results_of_runs(runs[:2])
    found = compare(results, notices=notices)
    row = found.of("spent.hours.all.mean")
    hours = [run.summary["spent"]["hours"]["all"]["mean"] for run in runs]
    assert row.difference.mean == pytest.approx(hours[1] - hours[0])
    assert row.difference.as_data()["half_width"] is None
    assert {each.verdict for each in found.rows} == {"unknown"}
    assert found.notices == ("one replication",)
    assert results_of_runs([runs[0], runs[2]])[1] == ("one replication", "other seeds")
    with pytest.raises(InputError, match="with itself"):
        results_of_runs([runs[0], runs[0]])


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (("a/season/1", "b/season/1"), ("season a", "season b")),
        (("a/season/1", "a/season/2"), ("season 1", "season 2")),
        (("a/season/1", "a/season/2", "b/season/3"), ("season 1", "season 2", "season 3")),
    ],
)
def test_runs_of_one_scenario_are_told_apart_by_their_folders(
    folders: tuple[str, ...], names: tuple[str, ...], tmp_path: Path
) -> None:
    """Even if they began in the same second; the names are the part of the paths that tells them apart."""
    manifest = {"scenario": "season", "seed": 1, "run": "the same"}
    runs = [Run(tmp_path / folder, manifest, {}) for folder in folders]
    assert results_of_runs(runs)[0].variants == names


def test_frames_have_a_row_for_each_comparison(season_comparison: Comparison) -> None:
    """Rows and groups are tables with an interval as two columns, which pandas and polars take over."""
    frame = season_comparison.frame()
    assert frame.num_rows == len(season_comparison.rows)
    assert {"measure", "variant", "difference", "difference_half_width", "p_adjusted"} <= set(frame.column_names)
    assert frame.to_pandas()["verdict"].tolist() == [row.verdict for row in season_comparison.rows]
    assert season_comparison.group_frame().num_rows == len(season_comparison.groups)
