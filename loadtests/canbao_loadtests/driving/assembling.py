"""From a job to what walks: the scenario's plan, the target, applicants, a client, the journal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import gevent
import numpy as np
from gevent.hub import get_hub

from canbao_loadtests.driving.arrivals import Over
from canbao_loadtests.driving.driver import Kit, Making, Walking
from canbao_loadtests.driving.parts import WALKS, journal_of
from canbao_loadtests.driving.schedule import SCHEDULE, Schedule
from canbao_loadtests.http.client import Client
from canbao_loadtests.http.messages import Browser
from canbao_loadtests.http.safety import Safety
from canbao_loadtests.reviewing.desks import ReviewDesk, review_desks
from canbao_loadtests.reviewing.reviewers import Post, Reviewers
from canbao_loadtests.walking.journal import Journal, Remembered, compact
from canbao_loadtests.walking.making import make_walker
from canbao_loadtests.walking.pace import Pace, patience
from canbao_loadtests.walking.surroundings import Deployment, Surroundings
from canbao_loadtests.walking.walk import Walk
from canbao_loadtests.walking.walker import Walker

if TYPE_CHECKING:
    from canbao.calendar import Horizon
    from canbao.plan import Plan
    from canbao_loadtests.job import Job
    from canbao_loadtests.targets.target import Target
    from canbao_loadtests.walking.surroundings import Families

__all__ = ["prepare"]

_FAILED = ("unanswered", "refused")


@dataclass(frozen=True, eq=False)
class _Prepared:
    """What a job says, read and made."""

    plan: Plan
    horizon: Horizon
    target: Target
    applicants: Families
    families: Schedule
    """Who may come."""
    desks: tuple[ReviewDesk, ...]
    """Where reviewers work, if the load test plays them."""


def prepare(job: Job) -> Making:
    """Read and make what a job says; give what makes the walker once clock and agenda are there.

    Raises
    ------
    CanbaoError
        When something of the run's folder cannot be used.
    """
    from canbao.assembly import scenario_plan
    from canbao.plugins import load_plugins
    from canbao.runs.run import SCENARIO
    from canbao.scenario.scenario import load_scenario
    from canbao_loadtests.applicants import Applicants
    from canbao_loadtests.targets import find_target

    folder = Path(job.folder)
    plugins = load_plugins(None if job.plugins_dir is None else Path(job.plugins_dir))
    file = load_scenario(folder / SCENARIO, plugins)
    plan = scenario_plan(file, job.seed)
    documents = folder / "target"
    target = find_target(str(documents) if documents.is_dir() else job.target, plugins, sleep=gevent.sleep)
    applicants = Applicants(
        plan.columns, file.horizon, job.seed, run=Path(job.folder).name, paper_bytes=job.paper_bytes
    )
    applicants.prepare(target.papers)
    arrivals = Schedule.load(folder / SCHEDULE).stripe(job.part, job.parts)
    desks = tuple(review_desks(file)) if job.reviewers == "people" else ()
    prepared = _Prepared(plan, file.horizon, target, applicants, arrivals, desks)
    return lambda kit: _assemble(kit, prepared)


def _assemble(kit: Kit, prepared: _Prepared) -> Walking:
    job, time = kit.job, kit.agenda.time
    # Each process gets its share of what the deployment may get.
    safety = Safety(job.allow_hosts, job.max_rate / job.parts)
    client = Client(job.host, safety, timeout_s=job.timeout_s, time=time)

    def open_browser(walk: Walk) -> Browser:
        return client.browser(walk.cookies, kit.recorder.look if walk.waits == "review" else kit.recorder.request)

    kept = compact(journal_of(job)) if job.resume and journal_of(job).exists() else {}
    journal = Journal(journal_of(job), now=time, sync=lambda file: get_hub().threadpool.spawn(os.fsync, file))
    overs = _Overs()
    around = Surroundings(
        clock=kit.clock,
        agenda=kit.agenda,
        now=time,
        until=job.until_s,
        pace=Pace(poll_s=job.poll_s),
        limit=patience(client.deadlines),
        keep=journal.keep,
        horizon=prepared.horizon,
        session_over=overs.session_over,
    )
    walker = make_walker(
        prepared.plan,
        Deployment(prepared.target, prepared.applicants, open_browser, run=Path(job.folder).name),
        around,
        np.union1d(prepared.families.families, np.array(sorted(kept), dtype=np.int64)),
        job.channels,
    )
    return _Families(walker, client, journal, overs, kept, _reviewers(kit, prepared, client))


def _reviewers(kit: Kit, prepared: _Prepared, client: Client) -> Reviewers | None:
    """Let reviewers come to work, if the load test plays them; they open accounts before the first family comes."""
    if not prepared.desks:
        return None
    job = kit.job
    post = Post(
        kit.clock,
        prepared.plan.luck,
        run=Path(job.folder).name,
        now=kit.agenda.time,
        part=job.part,
        parts=job.parts,
    )
    reviewers = Reviewers(prepared.desks, prepared.target, lambda: client.browser({}, kit.recorder.look), post)
    reviewers.start()
    return reviewers


@dataclass(eq=False)
class _Overs:
    """Whom to tell when a family's first session is over."""

    waiting: dict[int, Over] = field(default_factory=dict)

    def session_over(self, walk: Walk) -> None:
        over = self.waiting.pop(walk.family, None)
        if over is not None:  # else it was resumed
            over(failed=walk.application in _FAILED)


@dataclass(frozen=True, eq=False)
class _Families:
    """A walker, as a driver wants it."""

    walker: Walker
    client: Client
    journal: Journal
    overs: _Overs
    kept: Mapping[int, Remembered]
    reviewers: Reviewers | None

    def begin(self, family: int, over: Over) -> None:
        """Let a family arrive and walk."""
        self.overs.waiting[family] = over
        self.walker.go_on(self.walker.begin(family))

    def turn_away(self, family: int) -> None:
        """Note that a family found no place."""
        self.walker.turn_away(family)

    def resume(self) -> set[int]:
        """Take over the families of the journal."""
        self.walker.resume(self.kept)
        return set(self.kept)

    def counts(self) -> dict[str, int]:
        """Count applications by where they stand."""
        stands = self.walker.stands
        decided = stands["issued"] + stands["rejected"]
        open_ = stands["in review"] + stands["returned"]
        return {
            "submitted": decided + open_ + stands["withdrawn"],
            "in_review": stands["in review"],
            "returned": stands["returned"],
            "decided": decided,
            "inside": len(self.walker.walks),
            **{
                ("reviewers" if name == "reviewers" else f"reviewers_{name}"): count
                for name, count in self._reviewed().items()
            },
        }

    def _reviewed(self) -> Mapping[str, int]:
        return {} if self.reviewers is None else self.reviewers.counts()

    def stop(self) -> None:
        """Send nothing more."""
        self.client.stop()
        self.walker.stop()
        if self.reviewers is not None:
            self.reviewers.stop()

    def save(self, folder: Path) -> None:
        """Write what the families did."""
        self.walker.finish().save(folder / WALKS)
        self.journal.close()
        self.client.close()
