"""Families walk against the reference service: what they were told and what its database says is the same."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
import numpy as np
import pytest
from tests.loadtests.conftest import free_port, told_by

import canbao_loadtests.service
from canbao.assembly import scenario_plan
from canbao.measures.summary import summarise
from canbao.plan import Plan
from canbao.plugins import load_plugins
from canbao.scenario.scenario import ScenarioFile, load_scenario
from canbao_loadtests.applicants import Applicants
from canbao_loadtests.clock import LoadClock
from canbao_loadtests.driving.agenda import Agenda
from canbao_loadtests.http.client import Client
from canbao_loadtests.http.exchange import Exchange
from canbao_loadtests.http.safety import Safety
from canbao_loadtests.targets import load_target
from canbao_loadtests.targets.target import Target
from canbao_loadtests.walking.book import WalkPart
from canbao_loadtests.walking.journal import Journal, compact
from canbao_loadtests.walking.ledger import ledger_of
from canbao_loadtests.walking.making import make_walker
from canbao_loadtests.walking.pace import Pace
from canbao_loadtests.walking.surroundings import Deployment, Surroundings
from canbao_loadtests.walking.tracing import trace_of
from canbao_loadtests.walking.walk import Walk
from canbao_loadtests.walking.walker import Walker

_TOWN = Path(canbao_loadtests.service.__file__).with_name("town.toml")
_SETTINGS = ("horizon.start=2025-09-01", "horizon.end=2026-02-28", "review.incomplete=0.15", "review.mismatch=0.15")
_TARGET = Path("loadtests/targets/reference")
_SPEED = 100_000.0
"""A day of the scenario in 0.9 s: pauses between pages are nothing, and nobody is too late while the test takes."""
_FAMILIES = 48
_COME_S = 2.0


@dataclass
class Service:
    """The reference service in a process of its own, which can be killed and started again."""

    data: Path
    port: int
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        options = ["--json", "--port", str(self.port), "--data", str(self.data), "--working-day", "0.5 s"]
        settings = [word for setting in _SETTINGS for word in ("--set", setting)]
        command = [sys.executable, "-m", "canbao", "serve", str(_TOWN), *settings, *options, "--password-cost", "1"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        told_by(self.process)

    def end(self, how: signal.Signals = signal.SIGINT) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """Ask the database, when the service has ended."""
        with sqlite3.connect(self.data / "service.sqlite") as database:
            found = database.execute(question).fetchall()
        database.close()
        return found


@dataclass
class Town:
    """The families of the service's own small town, on their way to it."""

    file: ScenarioFile
    plan: Plan
    service: Service
    families: list[int]
    origin: float
    journal: Path
    target: Target
    applicants: Applicants
    exchanges: list[Exchange] = field(default_factory=list)

    def walk(
        self,
        watch: Callable[[Any], object] = lambda walker: None,
        kept: Callable[[Walk], object] = lambda walk: None,
        seconds: float = 60.0,
    ) -> WalkPart:
        """Go on with the load test until nobody has anything left to do."""
        agenda = Agenda()
        start = float(self.plan.arrival[self.families].min())
        clock = LoadClock(self.origin, start, _SPEED)
        client = Client(f"http://127.0.0.1:{self.service.port}", Safety(), timeout_s=30.0)
        before = compact(self.journal) if self.journal.exists() else {}
        journal = Journal(self.journal, now=time.time)

        def keep(walk: Walk) -> None:
            journal.keep(walk)
            kept(walk)

        around = Surroundings(
            clock=clock,
            agenda=agenda,
            now=time.time,
            until=1e12,
            pace=Pace(poll_s=0.1, retry_s=0.1, longest_s=0.4, tries=40),
            keep=keep,
            horizon=self.file.horizon,
        )
        deployment = Deployment(
            self.target,
            self.applicants,
            lambda walk: client.browser(walk.cookies, self.exchanges.append),
            run="town",
        )
        walker = make_walker(self.plan, deployment, around, self.families, ["portal"])
        walker.resume(before)
        for number, family in enumerate(self.families):
            if family not in before:
                due = self.origin + _COME_S * number / len(self.families)
                agenda.at(due, lambda family=family: walker.go_on(walker.begin(family)))
        agenda.start()
        end = time.time() + seconds
        while time.time() < end and (agenda.running or self._has_to_do(walker, clock)):
            watch(walker)
            gevent.sleep(0.02)
        walker.stop()
        agenda.stop(5.0)
        assert agenda.failure is None, agenda.failures
        part = walker.finish()
        journal.close()
        client.close()
        return part

    def _has_to_do(self, walker: Walker, clock: LoadClock) -> bool:
        """Tell whether somebody is yet to come, is in review, or goes on within two seconds."""
        soon = clock.moment(time.time() + 2.0)
        return sum(walker.stands.values()) < len(self.families) or any(
            walk.waits == "review" or walk.until < soon for walk in walker.walks.values()
        )


@pytest.fixture(scope="module")
def town_file() -> ScenarioFile:
    """Give the scenario of the service's own town."""
    return load_scenario(str(_TOWN), load_plugins(), _SETTINGS)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Give the service on a free port, with a database of its own."""
    one = Service(tmp_path / "town", free_port())
    one.start()
    yield one
    one.end()


@pytest.fixture
def town(town_file: ScenarioFile, service: Service, tmp_path: Path) -> Town:
    """Give sixty families who come within two seconds."""
    plan = scenario_plan(town_file)
    came = np.flatnonzero(plan.arrival < plan.until * 0.5)[:_FAMILIES].tolist()
    applicants, target = Applicants(plan.columns, town_file.horizon, 1, paper_bytes=20_000), load_target(_TARGET)
    applicants.prepare(target.papers)  # before a load test is begun twenty times
    return Town(town_file, plan, service, came, time.time(), tmp_path / "journal.jsonl", target, applicants)


def _check(town: Town, part: WalkPart) -> None:
    """Hold the ledger against the database: each application that was confirmed is there once, and stands there so."""
    town.service.end()
    assert sorted(part.family.tolist()) == sorted(town.families)
    ledger = ledger_of([part])
    assert ledger.balanced
    stands = dict(zip(part.family.tolist(), part.applications.tolist(), strict=True))
    rounds = dict(zip(part.family.tolist(), part.numbers[:, 4].tolist(), strict=True))
    there = town.service.rows(
        "SELECT accounts.name, applications.status, applications.round, applications.paid FROM applications "
        "JOIN accounts ON accounts.id = applications.account WHERE applications.round > 0"
    )
    assert len(there) > _FAMILIES // 12  # on a busy machine many come too late
    known = {int(name.rpartition("-")[2]): (status, count) for name, status, count, _ in there}
    for family in set(known) | {family for family, count in rounds.items() if count}:
        # Where no answer came the service may have one round more.
        surplus = known.get(family, ("", 0))[1] - rounds[family]
        assert surplus == 0 or (surplus == 1 and stands[family] in ("unanswered", "withdrawn", "returned")), family
    words = {"issued": "approved", "rejected": "rejected", "returned": "returned", "withdrawn": "returned"}
    for family, (status, _) in known.items():
        # The service may have decided since the last look.
        assert status == words.get(stands[family], status), f"family {family} is {stands[family]}"
    assert ledger.issued > _FAMILIES // 12
    assert len(there) - ledger.unanswered <= ledger.submitted <= len(there)
    assert {paid for _, status, _, paid in there if status == "approved"} <= {"yes"}
    twice = town.service.rows(
        "SELECT application FROM payments WHERE outcome = 'paid' GROUP BY application HAVING count(*) > 1"
    )
    assert twice == []


def test_what_families_were_told_is_what_the_service_knows(town: Town) -> None:
    """Sixty families walk to the end: ledger and database agree on each, and the trace is fit for every measure."""
    part = town.walk()
    _check(town, part)
    summary = summarise(town.file, town.plan, trace_of(town.plan, [part]), laws=False)
    assert summary["review"]["rounds"] == part.numbers[:, 4].sum() > _FAMILIES // 2
    assert summary["families"]["arrived"] == _FAMILIES
    # A debit that fails is 402, a credential that is not made yet 409; nothing else goes wrong.
    assert {exchange.status for exchange in town.exchanges} <= {200, 201, 202, 204, 402, 409}
    assert len(town.exchanges) > 10 * _FAMILIES // 2


def test_a_service_that_is_killed_and_started_again_loses_nobody(town: Town) -> None:
    """The service is killed while families hand in, and comes back: all that was confirmed is there, once."""
    started = [0]

    def watch(walker: Any) -> None:
        handed_in = walker.stands["in review"] + walker.stands["issued"]
        if started[0] < 2 and handed_in > 8 * (started[0] + 1):
            started[0] += 1
            town.service.end(signal.SIGKILL)
            town.service.start()

    part = town.walk(watch)
    assert started == [2]
    _check(town, part)


def test_a_load_test_that_is_killed_twenty_times_loses_nobody(town: Town) -> None:
    """Killed twenty times at random moments and resumed, it accounts for each application once, like the database."""
    moments = random.Random(5)
    for _ in range(20):
        _kill_after(town, moments.randint(1, 25))
    assert len(compact(town.journal)) > _FAMILIES // 8
    part = town.walk()
    _check(town, part)


def _kill_after(town: Town, records: int) -> None:
    """Let the load test go on in a process of its own, and kill that around its n-th record."""
    hears, says = os.pipe()
    child = os.fork()
    if not child:
        try:
            gevent.reinit()
            town.walk(kept=lambda walk: os.write(says, b"."))
        finally:
            os._exit(1)
    os.close(says)
    for _ in range(records):
        if not os.read(hears, 1):
            break
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(hears)
