"""A walked family takes the steps that the simulation's takes: with a deployment that does at once what it is asked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

from canbao.assembly import scenario_plan
from canbao.assembly.review import INTAKE, REVIEW
from canbao.calendar import Calendar
from canbao.columns import Coded
from canbao.engines.simpy_engine import SimpyEngine
from canbao.measures.reviews import review_rounds
from canbao.plan import CheckStep, Plan, VisitStep
from canbao.trace import Trace
from canbao_loadtests.targets.target import Answer
from canbao_loadtests.walking.drawing import Drawn
from canbao_loadtests.walking.pace import Pace
from canbao_loadtests.walking.tracing import trace_of
from canbao_loadtests.walking.walk import Walk


def _rows(trace: Trace, family: int) -> list[str]:
    """Give a family's visits outside the review, moments to a microsecond."""
    rows = np.flatnonzero(np.asarray(trace.visits["family"]) == family)
    words = {name: trace.visits[name] for name in ("station", "step", "ended")}
    told = {name: column.take(rows).words() for name, column in words.items() if isinstance(column, Coded)}
    moments = [np.round(np.asarray(trace.visits[name])[rows], 5).tolist() for name in ("enter", "start", "leave")]
    attempts = np.asarray(trace.visits["attempt"])[rows].tolist()
    found = zip(*told.values(), attempts, *moments, strict=True)
    # As text, since nan is not equal to itself.
    return [str(row) for row in found if not row[0].startswith("review.")]


def _reviews(trace: Trace) -> dict[int, list[tuple[float, str, str]]]:
    """Give what the simulated review decided: when, what and why, by family and in order."""
    found: dict[int, list[tuple[float, str, str]]] = {}
    station, ended = trace.visits["station"], trace.visits["ended"]
    assert isinstance(station, Coded)
    assert isinstance(ended, Coded)
    rows = zip(
        np.asarray(trace.visits["family"]).tolist(),
        station.words(),
        np.asarray(trace.visits["leave"]).tolist(),
        strict=True,
    )
    for family, name, leave in rows:
        if name == INTAKE:
            found.setdefault(family, []).append((math.inf, "", ""))
        if name.startswith(f"{REVIEW}."):
            found[family][-1] = (math.inf if math.isnan(leave) else leave, "approved", "")
        elif name in ("failure.incomplete papers", "failure.data mismatch") and family in found:
            moment, _, reason = found[family][-1]
            # The papers that an upload finds missing are no return; those come right behind a desk's visit.
            if leave == moment and not reason:
                found[family][-1] = (moment, "returned", name.partition(".")[2])
        elif name == "failure.duplicate":
            found[family][-1] = (leave, "rejected", "duplicate")
    return found


class _AsDrawn:
    """A deployment that takes as long as the plan's requests do, and decides as the simulation did."""

    def __init__(self, plan: Plan, trace: Trace, time: Any) -> None:
        self.plan, self.time = plan, time
        self.drawn = Drawn(plan.luck, np.arange(plan.families))
        self.reviews = _reviews(trace)
        outcomes = dict(zip(np.asarray(trace.families["family"]).tolist(), _words(trace, "outcome"), strict=True))
        for family, rounds in self.reviews.items():
            # What the second review refuses is no failure by name; it is seen by what comes next.
            last = {"withdrawn": "returned", "rejected": "rejected"}.get(outcomes[family], rounds[-1][1])
            stands = ["returned"] * (len(rounds) - 1) + [last]
            self.reviews[family] = [(m, stand, reason) for (m, _, reason), stand in zip(rounds, stands, strict=True)]
        self.rounds: dict[int, int] = {}
        self.seen: set[tuple[int, int, int]] = set()

    def answer(self, walk: Walk, call: str, inputs: Mapping[str, Any]) -> Answer:
        step = self.plan.steps[walk.step]
        if walk.waits == "review":
            return self._told(walk.family)
        if call == "submit":
            self.rounds[walk.family] = self.rounds.get(walk.family, -1) + 1
        elif isinstance(step, VisitStep) and call in step.calls:
            self._take_time(walk, step)
        elif isinstance(step, CheckStep) and call == "pay":
            attempt = walk.attempts.get(step.index, 0)
            luck, chance = (self.drawn.value(draw, walk.family, attempt) for draw in (step.luck, step.probability))
            return Answer("done" if luck < chance else "declined")
        return Answer("done")

    def _take_time(self, walk: Walk, step: VisitStep) -> None:
        attempt = walk.attempts.get(step.index, 0) - 1
        if attempt >= 0 and (walk.family, step.index, attempt) not in self.seen:
            self.seen.add((walk.family, step.index, attempt))
            self.time.sleep(self.drawn.value(step.service, walk.family, attempt))

    def _told(self, family: int) -> Answer:
        moment, status, reason = self.reviews[family][self.rounds[family]]
        if self.time.now < moment:
            return Answer("not ready", retry_after_s=moment - self.time.now + 1.0)
        return Answer("done", {"status": status, "decided_at": moment, "reason": reason})


def _words(trace: Trace, name: str) -> Any:
    column = trace.families[name]
    assert isinstance(column, Coded)
    return np.array(column.words())


@pytest.mark.parametrize(
    ("scenario", "settings", "channels"),
    [
        ("online-first", ("population.scale=0.01",), ("portal", "app")),
        ("card-rush", ("population.scale=0.002",), ("portal", "app")),
    ],
)
def test_walks_take_the_steps_of_the_simulation(
    load: Any, worlds: Any, scenario: str, settings: tuple[str, ...], channels: tuple[str, ...]
) -> None:
    """Families that stay online have the visits, marks and outcomes of the simulation, moment by moment."""
    world_of, time_of, target_of, _, empty = worlds
    plan = empty(scenario_plan(load(scenario, *settings)))
    simulated = SimpyEngine().run(plan)
    time = time_of()
    time.limit = lambda seconds: _no_limit()
    drawn = _AsDrawn(plan, simulated, time)
    pace = Pace(short_s=0.0, poll_s=1.0, slowest=1.0)
    world = world_of(plan, time, target_of(drawn.answer), channels, pace=pace)
    walker = world.walker()
    for family in np.flatnonzero(plan.arrival < plan.until).tolist():
        # Each family by itself, so that nobody's request is delayed by another's.
        time.now = float(plan.arrival[family])
        walker.go_on(walker.begin(family))
        time.run(plan.until)
        time.entries.clear()
    walked = trace_of(plan, [walker.finish()])

    stayed = _compare(simulated, walked)
    assert len(stayed) >= 100
    mine, theirs = (_rounds(trace, stayed) for trace in (walked, simulated))
    assert len(mine) > len(stayed) // 2
    assert mine == theirs


def _rounds(trace: Trace, families: list[int]) -> list[str]:
    """Give the rounds of review of some families: when each was handed in and decided."""
    office_days = Calendar.always(int(trace.until // 86_400))
    rounds = review_rounds(trace, REVIEW, INTAKE, office_days)
    chosen = rounds.where(np.isin(rounds.family, families))
    columns = (chosen.family, chosen.submitted.round(4), chosen.decided.round(4), chosen.working_days)
    return sorted(map(str, zip(*(column.tolist() for column in columns), chosen.channel.words(), strict=True)))


def _compare(simulated: Trace, walked: Trace) -> list[int]:
    """Compare family by family; give those who have never left the channels that are walked."""
    outcome, real = _words(walked, "outcome"), _words(simulated, "outcome")
    marks = [name for name in simulated.families if np.asarray(simulated.families[name]).dtype == np.float64]
    stayed = []
    for row, family in enumerate(np.asarray(walked.families["family"]).tolist()):
        mine, theirs = _rows(walked, family), _rows(simulated, family)
        if outcome[row] == "went elsewhere":
            assert mine == theirs[: len(mine)], f"family {family}"
            continue
        stayed.append(family)
        assert mine == theirs, f"family {family}"
        assert outcome[row] == real[row]
        for name in ("trips", "first_channel", "last_channel"):
            assert _value(walked, name, row) == _value(simulated, name, row), f"family {family}: {name}"
        for name in marks:
            one, other = _value(walked, name, row), _value(simulated, name, row)
            assert one == pytest.approx(other, abs=1e-4, nan_ok=True), f"family {family}: {name}"
    return stayed


def _value(trace: Trace, name: str, row: int) -> Any:
    column = trace.families[name]
    return column.labels[column.codes[row]] if isinstance(column, Coded) else column[row]


def _no_limit() -> Any:
    return nullcontext()
