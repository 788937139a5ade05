"""One process's share of a load test, from the first arrival to the parts on disk."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time
from typing import Any, Protocol, TypeAlias

import numpy as np
from gevent.event import Event

from canbao.columns import numbers_of
from canbao.errors import CanbaoError, InputError
from canbao_loadtests.clock import LoadClock
from canbao_loadtests.driving.agenda import Agenda, steady_time
from canbao_loadtests.driving.arrivals import Arrivals, Over
from canbao_loadtests.driving.latency import percentile_s
from canbao_loadtests.driving.parts import new_part, save_part
from canbao_loadtests.driving.progress import ErrorBudget, Progress
from canbao_loadtests.driving.recorder import Journeys, Recorder
from canbao_loadtests.driving.schedule import Schedule
from canbao_loadtests.driving.spool import SPOOL, Spool
from canbao_loadtests.job import Job

__all__ = ["Driver", "Kit", "Making", "Say", "Walking"]

Say: TypeAlias = Callable[[Mapping[str, Any]], object]
"""Is told what goes on: mappings with `event`, which is `ready`, `progress` or `end`."""

_TICK_S = 0.1
_LINE_S = 1.0


class Walking(Protocol):
    """What takes families through the flow, `canbao_loadtests.walking.Walker` for one."""

    def begin(self, family: int, over: Over) -> object:
        """Take a family through its first session, and call `over` when that is over."""
        ...

    def turn_away(self, family: int) -> object:
        """Note that a family came and found no place."""
        ...

    def resume(self) -> set[int]:
        """Put what an earlier process left on the agenda; give the families that have begun already."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Give what is to be told once a second, as how many applications were submitted and decided."""
        ...

    def stop(self) -> None:
        """Let no more requests be sent; what is under way may be answered."""
        ...

    def save(self, folder: Path) -> None:
        """Write what became of the families."""
        ...


@dataclass(frozen=True, eq=False)
class Kit:
    """What walking needs of driving."""

    job: Job
    clock: LoadClock
    agenda: Agenda
    recorder: Recorder


Making: TypeAlias = Callable[[Kit], Walking]
"""Makes what walks; what takes long has been done before."""


def _leave_alone() -> None:
    """Have the collector of garbage leave alone what was made before the load, and come seldom.

    A full collection looks at every object there is, plan and modules included, and holds the loop meanwhile. Measured,
    a request of a family took 476 and 523 µs of a core so, and 558 without.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1_000)


def _allow_files() -> None:
    """Allow as many open files as the system does: a run has a connection for each request that is in flight."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@dataclass(eq=False)
class Driver:
    """Carries a job out.

    Parameters
    ----------
    job
        What to do; it knows its origin and host.
    schedule
        The arrivals of this process.
    making
        Makes what walks.
    say
        Is told how it goes.
    time
        The clock.
    ahead_s
        By how much it is ahead of the clock of whoever reads the parts; it is written into them.
    """

    job: Job
    schedule: Schedule
    making: Making
    say: Say
    time: Callable[[], float] = field(default_factory=steady_time)
    ahead_s: float = 0.0
    reason: str = ""
    """Why it stopped; empty while it runs."""
    _stopping: Event = field(default_factory=Event)
    _draining: bool = False
    _told: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        job, self.recorder = self.job, Recorder()
        if job.origin is None:
            raise InputError("a job can be carried out when its origin is known: Job.told(origin, host)")
        self.clock = LoadClock(job.origin, job.start_s, job.speed)
        self.agenda = Agenda(self.time, self.recorder.late)
        self.progress = Progress(self.recorder, ErrorBudget(job.error_budget, job.error_window_s))
        self.walking = self.making(Kit(job, self.clock, self.agenda, self.recorder))
        begun = self.walking.resume() if job.resume else set()
        schedule = self.schedule.without(sorted(begun)) if begun else self.schedule
        self.journeys = Journeys(schedule, job.origin + (schedule.moments - job.start_s) / job.speed)
        self.arrivals = Arrivals(
            self.agenda,
            self.journeys,
            self.walking.begin,
            job.limit,
            job.when_full,
            self.recorder.late,
            self.walking.turn_away,
        )

    def stop(self, reason: str) -> None:
        """Stop sending; a second call ends what is still under way."""
        if self._draining:
            self.agenda.end()
        self.reason = self.reason or reason
        self._stopping.set()

    def run(self) -> dict[str, Any]:
        """Inject the arrivals, walk until the end or until somebody says stop, and write the part.

        Returns
        -------
        The last event: `reason` (`finished`, `error budget`, `error`, or what `stop` was told), `said`, `valid`,
        `dispatch_p99_s` of the whole, `core_s` (seconds of a core that it took), and the last figures.
        """
        if self.job.resume:  # whose time passed while nobody was there does not come any more
            self.arrivals.arrived = int(np.searchsorted(self.journeys.intended, self.time()))
        self._folder = new_part(Path(self.job.folder), self.job.part)
        said = {"part": self.job.part, "ahead_s": self.ahead_s, "every_s": _LINE_S}
        self._spool = Spool(self._folder / SPOOL, self.recorder, self.journeys, said)
        self._spool.write(self.time())  # so that a process that is killed at once is known, too
        _leave_alone()
        _allow_files()
        self._core_s = process_time()
        self.arrivals.start()
        self.agenda.start()
        line = self._watch()
        self._draining = True
        stopped_at = self.time()
        self.walking.stop()
        cut = self.agenda.stop(self.job.stop_s)
        return self._finish({**line, **self._line(), "stopped_at": stopped_at, "cut": cut})

    def last(self) -> Mapping[str, Any]:
        """Give the figures of the last second."""
        return self._told

    def _watch(self) -> dict[str, Any]:
        """Look after the run until there is a reason to stop; give the last figures."""
        line = self._line()
        after = self.time() + _LINE_S
        end = self.clock.real(self.job.until_s)
        while not self.reason:
            self._stopping.wait(_TICK_S)
            self.recorder.pack()
            now = self.time()
            if now >= after:
                after += _LINE_S * max(1, int((now - after) / _LINE_S) + 1)
                self._spool.write(now)
                line = self._told = self._line()
                self.say({"event": "progress", **line})
            self.reason = str(self.reason) or self._reason(now >= end)
        return line

    def _reason(self, at_end: bool) -> str:
        if self.progress.spent is not None:
            return "error budget"
        if isinstance(self.agenda.failure, CanbaoError):
            return "error"
        idle = not len(self.agenda) and not self.agenda.running and self.arrivals.over
        return "finished" if at_end or idle else ""

    def _line(self) -> dict[str, Any]:
        now, arrivals = self.time(), self.arrivals
        return {
            "at": now,
            "moment": self.clock.moment(now),
            "arrived": arrivals.arrived,
            "in_flight": arrivals.under_way,
            "waiting": arrivals.waiting,
            "finished": arrivals.finished,
            "dropped": arrivals.dropped,
            **self.walking.counts(),
            **self.progress.second(now),
        }

    def _finish(self, line: Mapping[str, Any]) -> dict[str, Any]:
        """Write the part and say the end."""
        p99 = percentile_s(numbers_of(self.recorder.delays()["delay"]), 99)
        end = {
            "event": "end",
            "reason": self.reason,
            "said": self._said(),
            **line,
            "dispatch_p99_s": p99,
            "valid": not p99 > self.job.dispatch_budget_s,
            "part": self.job.part,
            "origin": self.job.origin,
            "ahead_s": self.ahead_s,
            "core_s": process_time() - self._core_s,
            "faults": dict(self.agenda.failures.most_common(20)),
        }
        self.walking.save(self._folder)
        save_part(self._folder, self.recorder, self.journeys, end)
        self._spool.remove()
        self.say(end)
        return end

    def _said(self) -> str:
        spent = self.progress.spent
        if self.reason == "error budget" and spent is not None:
            return (
                f"{spent:.0%} of the requests of the last {self.job.error_window_s:g} s failed, and no more than "
                f"{self.job.error_budget:.0%} may"
            )
        return str(self.agenda.failure) if self.reason == "error" else ""
