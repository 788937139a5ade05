"""Objectives: held, missed, or nothing there to judge."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from canbao.columns import Coded
from canbao.measures.objectives import Findings, judge
from canbao.measures.queues import waits
from canbao.measures.reviews import Rounds
from canbao.scenario.objectives import (
    AbandonmentObjective,
    DeadlineObjective,
    NewbornObjective,
    Objective,
    ReviewObjective,
    WaitObjective,
)
from canbao.trace import Trace

NAN = math.nan
CHANNELS = ("office", "portal", "none")
STATIONS = {"hall": "office", "portal": "portal"}


def _rounds(*decided_after: tuple[str, float]) -> Rounds:
    """Make rounds of (channel, working days), all watched for long."""
    count = len(decided_after)
    days = np.array([days for _, days in decided_after], dtype=float)
    codes = np.array([CHANNELS.index(channel) for channel, _ in decided_after], dtype=np.int8)
    zeros = np.zeros(count)
    return Rounds(np.arange(count), zeros, zeros, days, np.full(count, 99.0), Coded(codes, CHANNELS))


@pytest.fixture
def findings(by_hand: Callable[..., Trace]) -> Findings:
    """Give ten waits of 0 to 9 minutes at the hall, of which one ended in giving up, and one visit at a full portal."""
    rows = [(i, "hall", 0.0, 60.0 * i, 600.0, "served") for i in range(9)]
    rows += [(9, "hall", 0.0, NAN, 540.0, "abandoned"), (10, "portal", 5.0, NAN, 5.0, "full")]
    trace = by_hand([{"arrival": 0.0}] * 11, rows, until=1000.0, stations=STATIONS)
    group = Coded(np.array([0] * 10 + [1]), ("office", "portal"))
    rounds = _rounds(("office", 0), ("office", 3), ("portal", 1), ("portal", NAN))
    return Findings(waits(trace), group, trace, rounds, {"in_time_share": 0.97}, {"from_birth_share": 0.9})


def _review(**more: Any) -> ReviewObjective:
    return ReviewObjective(kind="review", **{"within": 1, "at_least": 0.5, **more})


def _wait(**settings: Any) -> WaitObjective:
    return WaitObjective.model_validate(settings)


CASES: dict[str, tuple[Objective, float | None, bool | None]] = {
    "review, held": (_review(), 0.5, True),
    "review, missed": (_review(at_least=0.51), 0.5, False),
    "review of a channel": (_review(channels=["office"], within=3), 1.0, True),
    "review of two channels": (_review(channels=["office", "portal"], within=3), 0.75, True),
    "review of nobody's channel": (_review(channels=["none"]), None, None),
    "review that nobody watched": (_review(within=100), None, None),
    "deadline, held": (DeadlineObjective(kind="deadline", at_least=0.97), 0.97, True),
    "deadline, missed": (DeadlineObjective(kind="deadline", at_least=0.98), 0.97, False),
    "wait, held": (_wait(kind="wait", channel="office", share=0.9, at_most="8 min"), 480.0, True),
    "wait, missed": (_wait(kind="wait", channel="office", share=0.91, at_most="8 min"), 540.0, False),
    "wait of everybody": (_wait(kind="wait", channel="office", share=1.0, at_most="10 min"), 540.0, True),
    "wait of nobody": (_wait(kind="wait", channel="portal", at_most="0 s"), None, None),
    "wait at no station": (_wait(kind="wait", channel="bank", at_most="0 s"), None, None),
    "abandonment, held": (AbandonmentObjective(kind="abandonment", channel="office", at_most=0.1), 0.1, True),
    "abandonment, missed": (AbandonmentObjective(kind="abandonment", channel="portal", at_most=0.5), 1.0, False),
    "abandonment of nobody": (AbandonmentObjective(kind="abandonment", channel="bank", at_most=0.5), None, None),
    "newborn, held": (NewbornObjective(kind="newborn", at_least=0.9), 0.9, True),
    "newborn, missed": (NewbornObjective(kind="newborn", at_least=0.95), 0.9, False),
}


@pytest.mark.parametrize("name", CASES)
def test_an_objective_is_held_missed_or_not_judged(name: str, findings: Findings) -> None:
    """At the threshold it is held; with nothing to judge by, it is neither held nor missed."""
    objective, value, held = CASES[name]
    said = judge("it", objective, findings)
    assert said["value"] == (value if value is None else pytest.approx(value))
    assert said["held"] is held
    assert json.loads(json.dumps(said, allow_nan=False)) == said


@pytest.mark.parametrize("objective", [CASES["deadline, held"][0], CASES["newborn, held"][0]])
def test_where_nobody_has_a_deadline_or_a_newborn_nothing_is_judged(objective: Objective, findings: Findings) -> None:
    """None of nothing is neither good nor bad."""
    nothing = replace(findings, deadline=None, newborns=None)
    assert judge("it", objective, nothing)["held"] is None
    nobody = replace(findings, deadline={"in_time_share": None}, newborns={"from_birth_share": None})
    assert judge("it", objective, nobody)["held"] is None


def test_an_objective_says_what_was_wanted(findings: Findings) -> None:
    """Its name, its title or else its name, kind, unit, and every number of the file."""
    said = judge("promise", _review(title="The promise", channels=["portal"]), findings)
    assert {name: said[name] for name in ("name", "title", "kind", "unit")} == {
        "name": "promise",
        "title": "The promise",
        "kind": "review",
        "unit": "share",
    }
    assert said["wanted"] == {"within": 1, "at_least": 0.5, "channels": ["portal"]}
    wait = judge("short", CASES["wait, held"][0], findings)
    assert (wait["title"], wait["unit"]) == ("short", "s")
    assert wait["wanted"] == {"channel": "office", "share": 0.9, "at_most": 480.0}


def test_the_wait_of_a_share_is_one_that_somebody_waited(findings: Findings) -> None:
    """At least this share waited no longer, and of those who waited less there are fewer than that."""
    office = findings.waits[:10]
    for share in np.linspace(0.05, 1.0, 20):
        found = judge("it", _wait(kind="wait", channel="office", share=float(share), at_most="0 s"), findings)
        assert np.mean(office <= found["value"]) >= share - 1e-12
        assert np.mean(office < found["value"]) < share
