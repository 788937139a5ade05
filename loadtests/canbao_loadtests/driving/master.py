"""The master of a distributed load test: it looks to the process that started it like one load process."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from gevent.select import select

from canbao.errors import LoadError
from canbao_loadtests.driving.agenda import steady_time
from canbao_loadtests.driving.driver import Say
from canbao_loadtests.driving.lost import bury
from canbao_loadtests.driving.parent import stop_with_parent, told_by_parent
from canbao_loadtests.driving.schedule import SCHEDULE
from canbao_loadtests.driving.wire import Files, environment, files_below, listen, pieces
from canbao_loadtests.job import Job

__all__ = ["Master", "lead"]

_TICK_S = 0.1
_LINE_S = 1.0
_PINGS = 12
_PATIENCE_S = 120.0
_SILENT_S = 10
_SENT = ("scenario.toml", "inputs", "target", "plugins", "journal.jsonl", SCHEDULE)
"""What a worker gets that does not see the folder of the run; the schedule last, since then it begins."""

_WORST = ("dispatch_p99_s", "p95_s", "at", "moment")
"""Figures of which the workers' largest is told; of all others the sum."""


@dataclass(eq=False)
class Hand:
    """A worker, as its master knows it."""

    part: int
    client: str
    pid: int
    host: str
    offset_s: float = 0.0
    """By how much its clock is ahead of the master's."""
    within_s: float = math.inf
    """How exactly that is known: half the time of the quickest ping."""
    is_ready: bool = False
    line: Mapping[str, Any] = field(default_factory=dict)
    end: Mapping[str, Any] | None = None
    lost: str = ""


@dataclass(eq=False)
class Master:
    """Sends the job to workers, and puts together what they say.

    Parameters
    ----------
    job
        What is to be done; `parts` workers do it.
    runner
        Locust's own master.
    say
        Is told what goes on, as a load process tells it.
    processes
        Workers on this machine, by their number.
    """

    job: Job
    runner: Any
    say: Say
    processes: Mapping[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    reason: str = ""
    hands: dict[str, Hand] = field(default_factory=dict)
    _problem: str = ""
    _changed: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self._time = steady_time()
        self._files = Files(Path(self.job.folder))
        handlers = {
            "canbao_hello": self._greet,
            "canbao_files": self._send_files,
            "canbao_ready": lambda client, _: setattr(self.hands[client], "is_ready", True),
            "canbao_pong": self._compare,
            "canbao_progress": lambda client, line: setattr(self.hands[client], "line", line),
            "canbao_part": lambda _, piece: self._files.take(piece),
            "canbao_end": self._ended,
            "canbao_failed": self._failed,
        }
        listen(self.runner, handlers)

    # --- what workers say ---

    def _greet(self, client: str, told: Mapping[str, Any]) -> None:
        """Give a worker its part; whoever comes when all parts are given is not needed."""
        if client in self.hands or len(self.hands) == self.job.parts:
            self.runner.send_message("canbao_bye", {}, client_id=client)
            return
        hand = self.hands[client] = Hand(len(self.hands), client, int(told["pid"]), str(told["host"]))
        job = replace(self.job, part=hand.part)
        self.runner.send_message("canbao_job", {"job": job.to_json()}, client_id=client)

    def _send_files(self, client: str, told: Mapping[str, Any]) -> None:
        part = self.hands[client].part
        for name, content in files_below(Path(self.job.folder), f"journal-{part}.jsonl", *_SENT):
            for piece in pieces(name, content):
                self.runner.send_message("canbao_file", piece, client_id=client)

    def _compare(self, client: str, told: Mapping[str, Any]) -> None:
        """Learn from a ping how far a worker's clock is ahead; the quickest ping says it best."""
        now, hand = self._time(), self.hands[client]
        within = (now - told["here"]) / 2
        if within < hand.within_s:
            ahead = told["there"] - (now + told["here"]) / 2
            hand.within_s = within
            hand.offset_s = 0.0 if abs(ahead) <= within else ahead  # less than that may be nothing at all

    def _ended(self, client: str, end: Mapping[str, Any]) -> None:
        self.hands[client].end = end
        if end["reason"] in ("error budget", "error"):
            self.stop(str(end["reason"]))
        self._changed.set()

    def _failed(self, client: str, told: Mapping[str, Any]) -> None:
        self._problem = f"worker {self.hands[client].host} failed: {told['said']}" if client in self.hands else ""
        self._changed.set()

    # --- the course of a load test ---

    def gather(self) -> None:
        """Wait until all workers are there and ready.

        Raises
        ------
        LoadError
            When one fails, or they do not come in time.
        """
        with gevent.Timeout(_PATIENCE_S, LoadError(f"no {self.job.parts} workers were ready within {_PATIENCE_S:g} s")):
            while len(self.hands) < self.job.parts or not all(hand.is_ready for hand in self.hands.values()):
                if self._problem or any(process.poll() is not None for process in self.processes.values()):
                    raise LoadError(self._problem or "a worker ended before it was ready")
                self._changed.wait(_TICK_S)

    def compare(self) -> None:
        """Compare the workers' clocks with this one."""
        for _ in range(_PINGS):
            self._tell("canbao_ping", {"here": self._time()})
            gevent.sleep(0.02)

    def begin(self, job: Job) -> None:
        """Let all begin at one time, each on its own clock."""
        self.job = job
        for hand in self.hands.values():
            told = {
                "origin": (job.origin or 0.0) + hand.offset_s,
                "host": job.host,
                "until_s": job.until_s,
                "ahead_s": hand.offset_s,
            }
            self.runner.send_message("canbao_go", told, client_id=hand.client)

    def stop(self, reason: str) -> None:
        """Let all workers stop."""
        self.reason = self.reason or reason
        self._tell("canbao_stop", {"reason": reason})

    def follow(self) -> dict[str, Any]:
        """Tell how it goes until all have ended; give the last figures."""
        after = self._time() + _LINE_S
        while any(hand.end is None and not hand.lost for hand in self.hands.values()):
            self._changed.wait(_TICK_S)
            self._changed.clear()
            self._miss()
            if self._time() >= after:
                after += _LINE_S
                self.say({"event": "progress", **self.line()})
        return self.line()

    def _miss(self) -> None:
        """See who gives no sign of life any more."""
        for hand in self.hands.values():
            if hand.end is None and not hand.lost and self._is_silent(hand):
                hand.lost = (
                    f"worker {hand.part} on {hand.host} gives no sign of life; "
                    f"{hand.line.get('in_flight', 0)} journeys were under way there"
                )

    def _is_silent(self, hand: Hand) -> bool:
        """Tell whether a worker's process has ended, or, on another machine, has not been heard of for long."""
        process = self.processes.get(hand.pid)
        if process is not None:
            return process.poll() is not None
        node = self.runner.clients.get(hand.client)
        return node is None or node.heartbeat < -_SILENT_S

    def line(self) -> dict[str, Any]:
        """Put the figures of all workers together; of percentiles the worst is told."""
        lines = [hand.end or hand.line for hand in self.hands.values()]
        names = {name for line in lines for name, value in line.items() if isinstance(value, int | float)}
        found: dict[str, Any] = {"workers": sum(not hand.lost for hand in self.hands.values())}
        for name in sorted(names - {"part", "origin", "valid"}):
            values = [float(line[name]) for line in lines if line.get(name) is not None]
            known = [value for value in values if math.isfinite(value)]
            total = max(known, default=math.nan) if name in _WORST or name == "stopped_at" else sum(known)
            found[name] = int(total) if isinstance(lines[0].get(name), int) else total
        return found

    def finish(self) -> dict[str, Any]:
        """Bury the lost, and say the end."""
        folder = Path(self.job.folder)
        ends = [hand.end for hand in self.hands.values() if hand.end is not None]
        for hand in self.hands.values():
            if hand.lost and hand.end is None:
                bury(folder, replace(self.job, part=hand.part), {**hand.line, "said": hand.lost})
        lost = [hand.lost for hand in self.hands.values() if hand.lost]
        said = [*lost, *(str(end["said"]) for end in ends if end["said"])]
        reason = self.reason or ("worker lost" if lost else "finished")
        end = {
            "event": "end",
            **self.line(),
            "reason": reason,
            "said": "; ".join(said),
            "valid": not lost and all(end["valid"] for end in ends),
            "lost": len(lost),
            "clocks_within_s": max((hand.within_s for hand in self.hands.values()), default=0.0),
        }
        self._tell("canbao_bye", {})
        self.say(end)
        return end

    def _tell(self, kind: str, data: Mapping[str, Any]) -> None:
        for hand in self.hands.values():
            self.runner.send_message(kind, dict(data), client_id=hand.client)


def lead(job: Job, say: Say, worker: Sequence[str] = ("-m", "canbao_loadtests.driving.worker")) -> int:
    """Carry a job out with `job.parts` workers; give the exit code.

    Parameters
    ----------
    job
        What to do. Where `bind` says an address, workers of other machines are waited for there; else they are started
        here.
    say
        Is told what goes on.
    worker
        How Python starts a worker; its master's address is added.
    """
    host, _, port = (job.bind or "127.0.0.1:0").rpartition(":")
    runner = environment().create_master_runner(host, int(port))
    command = [sys.executable, *worker, f"127.0.0.1:{runner.server.port}"]
    # A worker whose stdin is closed stops: its master is gone.
    started = [] if job.bind else [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(job.parts)]
    master = Master(job, runner, say, {process.pid: process for process in started})
    for number, reason in ((signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")):
        gevent.signal_handler(number, master.stop, reason)
    try:
        _lead(master)
    finally:
        _end(started)
        runner.greenlet.kill(block=False)
    return 0


def _lead(master: Master) -> None:
    master.gather()
    master.compare()
    master.say({"event": "ready", "pid": os.getpid(), "workers": master.job.parts})
    if master.job.origin is None:
        select([0], [], [])  # heartbeats go on meanwhile
    told = told_by_parent(master.job)
    if told is None:
        return
    watch = gevent.spawn(stop_with_parent, master.stop)
    master.begin(told)
    master.follow()
    master.finish()
    watch.kill()
    gevent.sleep(0.2)  # so that the last messages leave


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Let workers end by themselves, and end those that do not."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    with gevent.Timeout(5.0, False):  # type: ignore[arg-type]  # False: without an exception
        while any(process.poll() is None for process in processes):
            gevent.sleep(_TICK_S)
    for process in processes:
        process.kill()
        process.wait()
