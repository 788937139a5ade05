"""A worker of a distributed load test: `python -m canbao_loadtests.driving.worker HOST:PORT`.

It is told everything by its master: scenario, inputs, target and schedule come over the wire, unless it sees the folder
of the run itself, and what it recorded goes back the same way.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event

from canbao.errors import CanbaoError, LoadError
from canbao_loadtests.driving.agenda import steady_time
from canbao_loadtests.driving.driver import Driver, Making
from canbao_loadtests.driving.parent import stop_with_parent
from canbao_loadtests.driving.parts import PARTS
from canbao_loadtests.driving.schedule import SCHEDULE, Schedule
from canbao_loadtests.driving.wire import Files, address, environment, files_below, listen, pieces
from canbao_loadtests.job import Job

__all__ = ["main"]

_PATIENCE_S = 60.0
_SILENT = 15
"""Seconds without a heartbeat after which a master is given up."""


class Worker:
    """A worker, from its greeting to its last part.

    Parameters
    ----------
    runner
        Locust's own worker.
    folder
        Where files go that come over the wire.
    prepare
        Makes what walks, of a job.
    sees
        Tells whether the folder of the run is there for this process, too.
    """

    def __init__(
        self, runner: Any, folder: Path, prepare: Callable[[Job], Making], sees: Callable[[Path], bool]
    ) -> None:
        self._runner, self._folder, self._prepare, self._sees = runner, folder, prepare, sees
        self._time = steady_time()
        self._files: Files | None = None
        self._job: Job | None = None
        self._told: Mapping[str, Any] = {}
        self._has_job, self._goes, self._gone = Event(), Event(), Event()
        self._driver: Driver | None = None
        handlers = {
            "canbao_file": lambda _, piece: self._take(piece),
            "canbao_job": lambda _, told: self._begin(told["job"]),
            "canbao_ping": lambda _, told: self._send("canbao_pong", {**told, "there": self._time()}),
            "canbao_go": lambda _, told: self._go(told),
            "canbao_stop": lambda _, told: self.stop(str(told["reason"])),
            "canbao_bye": lambda _, told: self._gone.set(),
        }
        listen(runner, handlers)

    def run(self) -> None:
        """Do what the master says."""
        self._send("canbao_hello", {"host": socket.gethostname(), "pid": os.getpid()})
        self._has_job.wait(_PATIENCE_S)
        job = self._job
        if job is None:
            raise LoadError(f"the master sent no job within {_PATIENCE_S:g} s")
        is_shared = self._sees(Path(job.folder))
        if not is_shared:
            self._folder /= Path(job.folder).name  # accounts are named after it, the same on all machines
            self._files = Files(self._folder)
            job = replace(job, folder=str(self._folder))
            self._ask_for_files()
        making = self._prepare(job)
        schedule = Schedule.load(Path(job.folder) / SCHEDULE).stripe(job.part, job.parts)
        self._send("canbao_ready", {})
        self._goes.wait()
        told = self._told
        if told:
            job = job.told(float(told["origin"]), str(told["host"]), told["until_s"])
            self._driver = Driver(job, schedule, making, self._say, self._time, ahead_s=float(told["ahead_s"]))
            end = self._driver.run()
            if not is_shared:
                self._give_back(job, end)
            self._send("canbao_end", end)
            self._gone.wait(_PATIENCE_S)

    def stop(self, reason: str) -> None:
        """Stop, or do not begin."""
        if self._driver is not None:
            self._driver.stop(reason)
        self._goes.set()

    def _take(self, piece: Mapping[str, Any]) -> None:
        if self._files is not None:
            self._files.take(piece)

    def _begin(self, job: str) -> None:
        self._job = Job.from_json(job)
        self._has_job.set()

    def _go(self, told: Mapping[str, Any]) -> None:
        self._told = told
        self._goes.set()

    def watch(self) -> None:
        """Stop when the master is silent for long; time in which this process was busy preparing is none of it."""
        last, silent = None, 0
        while silent < _SILENT:
            gevent.sleep(1.0)
            heard = self._runner.last_heartbeat_timestamp
            silent = silent + 1 if heard == last is not None else 0
            last = heard
        self.stop("master lost")

    def _ask_for_files(self) -> None:
        """Have the files sent; the schedule is the last of them."""
        self._send("canbao_files", {})
        with gevent.Timeout(_PATIENCE_S, LoadError(f"the master sent no files within {_PATIENCE_S:g} s")):
            while not (self._folder / SCHEDULE).is_file():
                gevent.sleep(0.05)

    def _say(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "progress":
            self._send("canbao_progress", event)

    def _give_back(self, job: Job, end: Mapping[str, Any]) -> None:
        journals = [path.name for path in self._folder.glob("journal*.jsonl")]
        for name, content in files_below(self._folder, PARTS, *journals):
            for piece in pieces(name, content):
                self._send("canbao_part", piece)
                gevent.sleep(0)

    def _send(self, kind: str, data: Mapping[str, Any]) -> None:
        self._runner.send_message(kind, {name: _plain(value) for name, value in data.items()})


def _plain(value: Any) -> Any:
    """Give what msgpack knows: arrays' numbers are none of Python's."""
    return value.item() if hasattr(value, "item") else value


def _is_there(run: Path) -> bool:
    return (run / SCHEDULE).is_file() and os.access(run, os.W_OK)


def main(
    arguments: list[str],
    prepare: Callable[[Job], Making] | None = None,
    sees: Callable[[Path], bool] = _is_there,
) -> int:
    """Work for a master; give the exit code.

    Parameters
    ----------
    arguments
        The address of the master, `HOST:PORT`.
    prepare
        Makes what walks, of a job; a test gives one of its own.
    sees
        Tells whether the folder of a run is on this machine.
    """
    if prepare is None:
        from canbao_loadtests.driving.assembling import prepare as from_scenario

        prepare = from_scenario
    host, port = address(arguments[0])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the master says when it is over
    with tempfile.TemporaryDirectory() as folder:
        runner = environment().create_worker_runner(host, port)
        worker = Worker(runner, Path(folder), prepare, sees)
        gevent.signal_handler(signal.SIGTERM, worker.stop, "terminated")
        gevent.spawn(stop_with_parent, worker.stop)
        gevent.spawn(worker.watch)
        try:
            worker.run()
        except CanbaoError as error:
            runner.send_message("canbao_failed", {"said": str(error), "exit_code": error.exit_code})
            print(error, file=sys.stderr)
            gevent.sleep(0.2)  # so that the message leaves
            return error.exit_code
        finally:
            runner.greenlet.kill(block=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
