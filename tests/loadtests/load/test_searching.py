"""The search for the capacity: how a load test is judged, and what is searched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from canbao.plugins import load_plugins
from canbao.runs import Run
from canbao.scenario.scenario import ScenarioFile
from canbao_loadtests.load import searching
from canbao_loadtests.load.choosing import Wishes
from canbao_loadtests.load.ordering import LoadOrder
from canbao_loadtests.load.searching import judged, search_capacity
from canbao_loadtests.load.telling import Telling


def run_of(
    *, failed: float = 0.0, p95_s: float = 0.1, held: bool | None = True, valid: bool = True, stopped: str | None = None
) -> Run:
    """Give a load test as far as it is judged."""
    summary: Mapping[str, Any] = {
        "objectives": [
            {"name": "promise", "kind": "review", "held": held},
            {"name": "deadline", "kind": "deadline", "held": False},
        ],
        "review": {"working_days": {"mean": 1.5}},
        "load": {
            "requests": {"all": {"p95_s": p95_s, "failed_share": failed, "in_time_share": 0.99}},
            "journeys": {"response": {"p95_s": None}},
            "applications": {"a_working_day": {"mean": 20.0}},
            "validity": {"valid": valid, "stopped": stopped},
        },
    }
    return Run(Path("there"), {}, summary)


def held_is_missed(run: Run) -> bool:
    """Tell whether the objective about the review was missed."""
    return run.summary["objectives"][0]["held"] is False


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (run_of(), []),
        (run_of(failed=0.01), []),
        (run_of(failed=0.02), ["2.0% of the requests failed"]),
        (run_of(p95_s=1.5), ["1 of 20 requests took longer than 1.5 s"]),
        (run_of(held=False), ["the review missed promise"]),
        (run_of(held=None), []),
    ],
)
def test_a_trial_holds_if_requests_and_review_do(run: Run, why: list[str]) -> None:
    """Objectives about the season, such as the deadline, are none of the deployment's."""
    trial = judged(5.0, run)
    assert list(trial.why) == why
    assert trial.held is (not why)
    assert trial.figures["review_working_days"] == 1.5
    assert trial.missed == (("promise",) if held_is_missed(run) else ())
    assert "response_p95_s" not in trial.figures  # nobody knows it


def test_a_run_that_says_nothing_is_no_evidence() -> None:
    """It is told apart from one that does not hold."""
    assert not judged(5.0, run_of(valid=False)).valid


def test_ctrl_c_ends_the_search(file: ScenarioFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial that was stopped is the last one, and no evidence; what was found until then is stored."""
    made = iter([run_of(), run_of(), run_of(p95_s=2.0), run_of(stopped="interrupted")])
    monkeypatch.setattr(searching, "run_load", lambda *_: next(made))
    order = LoadOrder(seed=7, wishes=Wishes(duration_s=10.0, rate=1.0), out=tmp_path)
    found = search_capacity(file, order, Telling(load_plugins()))
    assert (found.capacity.ended, found.capacity.low, found.capacity.high) == ("stopped", 2.0, found.capacity.high)
    assert [trial.valid for trial in found.capacity.trials] == [True, True, True, False]
    assert found.path.exists()


def test_ctrl_c_between_two_trials_ends_the_search_too(
    file: ScenarioFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was known by then is not lost."""
    made = iter([run_of(), run_of()])

    def run(*_: object) -> Run:
        for one in made:
            return one
        raise KeyboardInterrupt

    monkeypatch.setattr(searching, "run_load", run)
    order = LoadOrder(seed=7, wishes=Wishes(duration_s=10.0, rate=1.0), out=tmp_path)
    found = search_capacity(file, order, Telling(load_plugins()))
    assert (found.capacity.ended, found.capacity.low) == ("stopped", 2.0)


def test_trials_differ_in_rate_and_luck_and_in_nothing_else(
    file: ScenarioFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sends its rate for the same time, with a seed of its own; the knee is between what held and what did not."""
    orders: list[LoadOrder] = []

    def run(_: ScenarioFile, order: LoadOrder, __: Telling) -> Run:
        orders.append(order)
        families = order.wishes.families
        assert families is not None
        return run_of(p95_s=0.1 if families <= 30 else 2.0)  # so 3.05 a second are rounded to what holds

    monkeypatch.setattr(searching, "run_load", run)
    order = LoadOrder(seed=7, wishes=Wishes(duration_s=10.0, rate=1.0), out=tmp_path)
    found = search_capacity(file, order, Telling(load_plugins()))
    assert found.capacity.ended == "found"
    assert 2.7 <= found.capacity.low < 3.05 < found.capacity.high <= 3.4
    assert len({one.seed for one in orders}) == len(orders)
    assert {one.wishes.duration_s for one in orders} == {10.0}
    assert not any(one.predicts for one in orders)
    assert json.loads(found.path.read_text(encoding="utf-8"))["low"] == found.capacity.low
