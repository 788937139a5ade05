"""A world for walks without a network: time that jumps to what is due, and deployments that do as they are told."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from canbao.assembly import scenario_plan
from canbao.plan import Change, Plan
from canbao.plugins import load_plugins
from canbao.scenario.scenario import ScenarioFile, load_scenario
from canbao_loadtests.clock import LoadClock
from canbao_loadtests.flow import FLOW
from canbao_loadtests.http.messages import Request, Response
from canbao_loadtests.targets.target import Answer
from canbao_loadtests.walking.book import Book
from canbao_loadtests.walking.calling import Caller
from canbao_loadtests.walking.drawing import Drawn
from canbao_loadtests.walking.givens import Givens
from canbao_loadtests.walking.making import make_walker
from canbao_loadtests.walking.pace import OutOfPatienceError, Pace
from canbao_loadtests.walking.route import Route
from canbao_loadtests.walking.surroundings import Deployment, Surroundings
from canbao_loadtests.walking.walk import Walk
from canbao_loadtests.walking.walker import Walker


@dataclass(eq=False)
class FakeTime:
    """Real time that nobody has to wait for, with an agenda."""

    now: float = 0.0
    entries: list[tuple[float, int, Callable[[], object]]] = field(default_factory=list)
    deadlines: list[float] = field(default_factory=list)
    _serial: Iterator[int] = field(default_factory=itertools.count)

    def time(self) -> float:
        return self.now

    def at(self, due: float, work: Callable[[], object]) -> None:
        heapq.heappush(self.entries, (due, next(self._serial), work))

    def sleep(self, seconds: float) -> None:
        """Let time pass, for as long as there is patience."""
        end = self.now + seconds
        if self.deadlines and self.deadlines[-1] < end:
            self.now = max(self.now, self.deadlines[-1])
            raise OutOfPatienceError
        self.now = end

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        self.deadlines.append(min([self.now + seconds, *self.deadlines]))
        try:
            yield
        finally:
            self.deadlines.pop()

    def run(self, until: float = math.inf) -> None:
        """Do what is due, until nothing is."""
        while self.entries and self.entries[0][0] < until:
            due, _, work = heapq.heappop(self.entries)
            self.now = max(self.now, due)
            work()


@dataclass(eq=False)
class FakeBrowser:
    """A browser that only knows whose it is."""

    walk: Walk
    closed: bool = False

    def send(self, request: Request) -> Response:
        raise AssertionError(request)

    def cookies(self) -> dict[str, str]:
        return {"seen": "yes"}

    def close(self) -> None:
        self.closed = True


Call = Callable[[Walk, str, Mapping[str, Any]], Answer]


@dataclass(eq=False)
class FakeTarget:
    """A deployment that answers as a function says."""

    answer: Call
    name: str = "fake"
    steps: frozenset[str] = frozenset(name for name, step in FLOW.items() if step.side == "family")
    papers: Mapping[str, str] = field(default_factory=lambda: {"portrait": "photo", "hukou": "household_register"})

    def session(self, browser: Any, memory: Mapping[str, Any]) -> FakeSession:
        return FakeSession(self, browser.walk, dict(memory))


@dataclass(eq=False)
class FakeSession:
    """One family at such a deployment."""

    target: FakeTarget
    walk: Walk
    memory: dict[str, Any]

    def call(self, step: str, inputs: Mapping[str, Any]) -> Answer:
        return self.target.answer(self.walk, step, inputs)


class FakeFamilies:
    """Families who tell nothing but their numbers."""

    def of(self, family: int, /) -> Mapping[str, Any]:
        return {"user_name": f"family-{family}"}

    def paper(self, name: str, /) -> tuple[bytes, str, str]:
        return b"a picture", "image/png", f"{name}.png"


@dataclass(eq=False)
class Deeds:
    """A deployment that counts: each deed once by its key, and approves after some time, or as it is told."""

    time: FakeTime
    review_s: float = 3_000.0
    before: Call = lambda walk, step, inputs: Answer("done")
    """Anything but done is the answer; it may raise, too."""
    after: Call = lambda walk, step, inputs: Answer("done")
    """The same, when it was done already: the answer gets lost."""
    verdict: Callable[[int, int], str] = lambda family, number: "approved"
    accounts: Counter[int] = field(default_factory=Counter)
    keys: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Family and step of each key."""
    rounds: dict[int, list[float]] = field(default_factory=dict)
    """When each family handed in."""
    calls: list[tuple[int, str]] = field(default_factory=list)

    def answer(self, walk: Walk, step: str, inputs: Mapping[str, Any]) -> Answer:
        self.calls.append((walk.family, step))
        first = self.before(walk, step, inputs)
        if first.outcome != "done":
            return first
        done = self._done(walk, step, inputs)
        last = self.after(walk, step, inputs)
        return done if last.outcome == "done" else last

    def _done(self, walk: Walk, step: str, inputs: Mapping[str, Any]) -> Answer:
        family = walk.family
        if step == "register":
            self.accounts[family] += 1
            return Answer("done") if self.accounts[family] == 1 else Answer("failed", reason="status 409")
        if key := inputs.get("idempotency_key"):
            if key not in self.keys and step == "submit":
                self.rounds.setdefault(family, []).append(self.time.now)
            assert self.keys.setdefault(key, (family, step)) == (family, step)
        if step == "progress":
            return self._progress(family)
        return Answer("done")

    def _progress(self, family: int) -> Answer:
        rounds = self.rounds[family]
        if self.time.now < rounds[-1] + self.review_s:
            return Answer("done", {"status": "in review"})
        told = self.verdict(family, len(rounds))
        status, _, reason = told.partition(": ")
        return Answer("done", {"status": status, "decided_at": rounds[-1] + self.review_s, "reason": reason})


@dataclass(eq=False)
class World:
    """A plan, a deployment and the time."""

    plan: Plan
    time: FakeTime
    target: FakeTarget
    channels: tuple[str, ...] = ("portal", "app")
    speed: float = 1.0
    pace: Pace = field(default_factory=lambda: Pace(short_s=0.0, poll_s=600.0))
    around: dict[str, Any] = field(default_factory=dict)
    browsers: list[FakeBrowser] = field(default_factory=list)
    ready: tuple[Route, Drawn] | None = None
    """Made before, for tests that begin a thousand times with the same families."""

    def browser(self, walk: Walk) -> FakeBrowser:
        self.browsers.append(FakeBrowser(walk))
        return self.browsers[-1]

    def walker(self, families: Any = None) -> Walker:
        given: dict[str, Any] = {
            "clock": LoadClock(0.0, 0.0, self.speed),
            "agenda": self.time,
            "now": self.time.time,
            "until": self.plan.until,
            "sleep": self.time.sleep,
            "pace": self.pace,
            "limit": self.time.limit,
            **self.around,
        }
        deployment, around = Deployment(self.target, FakeFamilies(), self.browser, run="test"), Surroundings(**given)
        if self.ready is not None:
            book = Book(len(self.plan.marks))
            return Walker(*self.ready, Caller(deployment, around, book, Givens(self.plan)), around, book)
        everybody = np.flatnonzero(self.plan.arrival < self.plan.until)
        return make_walker(self.plan, deployment, around, everybody if families is None else families, self.channels)

    def arrive(self, walker: Walker, families: Any = None) -> None:
        """Let families come at their times, or some of them."""
        came = np.flatnonzero(self.plan.arrival < self.plan.until) if families is None else families
        clock = LoadClock(0.0, 0.0, self.speed)
        for family in came:
            due = clock.real(float(self.plan.arrival[family]))
            self.time.at(due, lambda family=int(family): walker.go_on(walker.begin(family)))


def empty_plan(plan: Plan) -> Plan:
    """Give a plan in which nobody ever queues, and the deployment's stations never close."""
    stations = [
        replace(
            station,
            room=math.inf,
            changes=(Change(0.0, math.inf, True),)
            if station.group in ("portal", "app", "review")
            else tuple(change._replace(servers=math.inf) for change in station.changes),
        )
        for station in plan.stations
    ]
    return replace(plan, stations=tuple(stations))


@pytest.fixture(scope="session")
def load() -> Callable[..., ScenarioFile]:
    """Give what loads a scenario, with settings."""
    plugins = load_plugins()

    def loaded(name: str, *settings: str) -> ScenarioFile:
        return load_scenario(f"scenarios/{name}.toml", plugins, settings)

    return loaded


@pytest.fixture(scope="session")
def online_file(load: Callable[..., ScenarioFile]) -> ScenarioFile:
    """Give a small scenario of portal, app, hotline and office."""
    return load("online-first", "population.scale=0.01")


@pytest.fixture(scope="session")
def online(online_file: ScenarioFile) -> Plan:
    """Give its plan, in which nobody queues."""
    return empty_plan(scenario_plan(online_file))


@pytest.fixture
def world(online: Plan) -> World:
    """Give a world of the small scenario, whose deployment does all that it is asked."""
    time = FakeTime()
    return World(online, time, FakeTarget(Deeds(time).answer))


@pytest.fixture(scope="session")
def worlds() -> Any:
    """Give the classes, for a test that makes its own."""
    return World, FakeTime, FakeTarget, Deeds, empty_plan
