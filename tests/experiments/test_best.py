"""The best of several variants, by Kim and Nelson, on an experiment that can be interrupted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from canbao.errors import InputError
from canbao.experiments import Results, Variant, open_experiment
from canbao.experiments.best import Best, select_best
from canbao.experiments.executors import make_executor
from canbao.experiments.meaning import Meaning


@dataclass(frozen=True)
class Normal:
    """A model with a known mean, and luck that it shares with others to some part."""

    mean: float
    own: float = 0.5
    failing: int = -1

    def replicate(self, seed: int) -> Mapping[str, float]:
        if seed == self.failing:
            raise ValueError("a broken pipe")
        common = np.random.default_rng(seed).standard_normal()
        alone = np.random.default_rng([seed, int(1_000 * self.mean)]).standard_normal()
        value = self.mean + common + self.own * alone
        return {"wait": value, "spent.hours.all.mean": value, "nothing": float("nan")}

    def command(self, seed: int) -> str:
        return f"repeat {self.mean} {seed}"

    def key(self) -> str:
        return f"{self.mean}-{self.own}-{self.failing}".ljust(12, "0")


def variants_of(*means: float) -> list[Variant]:
    """Give variants named by their means."""
    return [Variant(f"v{mean:g}", Normal(mean)) for mean in means]


def selected(out: Path, variants: list[Variant], measure: str = "wait", **options: object) -> Best:
    """Select the best of some variants."""
    given = {"indifference": 0.3, "maximise": True, **options}
    with open_experiment(out, "race", "compare", variants, make_executor("serial")) as experiment:
        return select_best(experiment, variants, measure, **given)


class Bare:
    """An experiment without a folder."""

    def replicate(self, variants: Sequence[Variant], seeds: Sequence[int]) -> Results:
        found = {(each.name, seed): each.model.replicate(seed) for each in variants for seed in seeds}
        names = tuple(each.name for each in variants)
        return Results(names, tuple(seeds), tuple(next(iter(found.values()))), (), found)


def test_the_best_is_found_as_often_as_promised() -> None:
    """With the best ahead by just the indifference, at least 95 % of 100 selections find it."""
    variants = variants_of(0.0, 0.001, 0.301)
    found = [
        select_best(Bare(), variants, "wait", indifference=0.3, maximise=True, first_seed=10_000 * k)
        for k in range(100)
    ]
    assert sum(each.best == "v0.301" for each in found) >= 95


def test_the_poor_are_dropped_early(tmp_path: Path) -> None:
    """A variant that is far behind gets the first stage and no more; the best stands first."""
    found = selected(tmp_path, variants_of(0.0, 5.0, 4.8), first_stage=8, indifference=0.05)
    assert found.best == "v5"
    assert found.candidates[0].variant == "v5"
    counts = {each.variant: each.replications for each in found.candidates}
    assert counts["v0"] == 8
    assert counts["v0"] < counts["v4.8"]
    assert {each.variant: each.kept for each in found.candidates}["v0"] is False


def test_a_short_wait_is_better(tmp_path: Path) -> None:
    """What is known of the measure decides which way is better; the best is behind nobody, the others are behind it."""
    found = selected(tmp_path, variants_of(1.0, 3.0), "spent.hours.all.mean", maximise=None)
    assert (found.best, found.maximise, found.unit) == ("v1", False, "h")
    behind = {each.variant: each.behind for each in found.candidates}
    assert behind["v1"].mean == 0
    assert behind["v3"].covers(2.0)


def test_what_is_given_of_a_measure_holds(tmp_path: Path) -> None:
    """Measures of one's own have the meaning that they are given."""
    found = selected(tmp_path, variants_of(1.0, 3.0), maximise=None, meanings={"wait": Meaning("min", "lower")})
    assert (found.best, found.unit) == ("v1", "min")


def test_the_portion_changes_nothing(tmp_path: Path) -> None:
    """Replications may be asked for one at a time or many: the same are looked at, and the answer is the same."""
    variants = variants_of(0.0, 0.1, 0.25)
    one, many = (selected(tmp_path / str(n), variants, portion=n) for n in (1, 7))
    assert one.as_data() == many.as_data()


def test_a_budget_ends_it_without_the_promise(tmp_path: Path) -> None:
    """Where the replications are not enough, the leader is named and the promise is not made."""
    found = selected(tmp_path, variants_of(0.0, 0.01), budget=12, indifference=0.001)
    assert not found.guaranteed
    assert max(each.replications for each in found.candidates) == 12


def test_an_interrupted_selection_goes_on(tmp_path: Path) -> None:
    """Resumed, it repeats nothing that is in its folder, and answers as if nothing had happened."""
    variants = variants_of(0.0, 0.2, 0.4)
    whole = selected(tmp_path / "whole", variants)

    class StopError(Exception):
        pass

    def stop(finished: int, wanted: int) -> None:
        if len(list((tmp_path / "cut").rglob("replications/*.json"))) > 20:
            raise StopError

    options = {"indifference": 0.3, "maximise": True}
    opened = open_experiment(tmp_path / "cut", "race", "compare", variants, make_executor("serial"), progress=stop)
    with pytest.raises(StopError), opened as experiment:
        select_best(experiment, variants, "wait", **options)
    before = {path: path.stat().st_mtime_ns for path in opened.folder.rglob("replications/*.json")}
    assert before
    again = open_experiment(
        tmp_path / "cut", "race", "compare", variants, make_executor("serial"), resume=opened.folder
    )
    with again as experiment:
        found = select_best(experiment, variants, "wait", **options)
    assert found.as_data() == whole.as_data()
    assert (
        before.items() <= {path: path.stat().st_mtime_ns for path in opened.folder.rglob("replications/*.json")}.items()
    )


def test_a_selection_needs_every_replication(tmp_path: Path) -> None:
    """A replication that fails, and one without the measure, end it with a message that helps."""
    broken = [Variant("fine", Normal(0.0)), Variant("broken", Normal(1.0, failing=4))]
    with pytest.raises(InputError, match=r"broken, seed 4: .*to repeat it alone: repeat 1.0 4"):
        selected(tmp_path / "broken", broken)
    with pytest.raises(InputError, match="v0 has no nothing with seed 1"):
        selected(tmp_path / "nothing", variants_of(0.0, 1.0), "nothing")


@pytest.mark.parametrize(
    ("means", "measure", "options", "said"),
    [
        ((0.0,), "wait", {}, "two variants"),
        ((0.0, 1.0), "weight", {}, "no measure 'weight'"),
        ((0.0, 1.0), "wait", {"maximise": None}, "--maximise or --minimise"),
    ],
)
def test_what_cannot_be_selected_is_refused(
    tmp_path: Path, means: tuple[float, ...], measure: str, options: dict[str, object], said: str
) -> None:
    """One variant, an unknown measure, and a measure of which nobody knows which way is better are told."""
    with pytest.raises(InputError, match=said):
        selected(tmp_path, variants_of(*means), measure, **options)


def test_the_answer_is_plain_json(tmp_path: Path) -> None:
    """Everything that a report needs is in it, and a frame has one row a variant."""
    found = selected(tmp_path, variants_of(0.0, 1.0))
    data = json.loads(json.dumps(found.as_data(), allow_nan=False))
    assert (data["best"], data["guaranteed"], data["indifference"], data["level"]) == ("v1", True, 0.3, 0.95)
    assert data["replications"] == sum(each["replications"] for each in data["candidates"])
    assert found.frame().column("variant").to_pylist() == ["v1", "v0"]
