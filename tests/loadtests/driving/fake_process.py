"""The load process with families who ask for one page again and again; for tests.

    python fake_process.py JOB.json | worker|apart HOST:PORT

`job.channels` says what to ask for, and how often: `("/", "3")`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent

from canbao_loadtests.driving import worker
from canbao_loadtests.driving.driver import Kit
from canbao_loadtests.driving.master import lead
from canbao_loadtests.driving.parent import say_json
from canbao_loadtests.driving.process import main
from canbao_loadtests.http.client import Client
from canbao_loadtests.http.messages import Request, TransportError
from canbao_loadtests.http.safety import Safety
from canbao_loadtests.job import Job, read_job

HOLD = "hold"
"""What to ask for so that families hold up the whole process."""

BEGUN = "begun.txt"
"""Families that an earlier process began, one a line."""


class Families:
    """Families who ask for a page some times, a tenth of a second apart."""

    def __init__(self, kit: Kit) -> None:
        self._path, self._often = kit.job.channels[0], int(kit.job.channels[1])
        self._client = Client(kit.job.host, Safety(), time=kit.agenda.time, timeout_s=kit.job.timeout_s)
        self._browser = self._client.browser({}, kit.recorder.request)
        self._folder = Path(kit.job.folder)
        self.submitted = 0
        self.turned_away: list[int] = []

    def begin(self, family: int, over: Callable[..., Any]) -> None:
        failed = False
        if self._path == HOLD:
            time.sleep(0.05)  # work that holds the loop, which no family may do
            over()
            return
        for _ in range(self._often):
            try:
                self._browser.send(Request("GET", self._path, operation="ask"))
                gevent.sleep(0.1)
            except TransportError as error:
                if error.trouble == "stopped":
                    return
                failed = True
        self.submitted += 1
        over(failed=failed)

    def turn_away(self, family: int) -> None:
        self.turned_away.append(family)

    def resume(self) -> set[int]:
        return {int(line) for line in (self._folder / BEGUN).read_text().split()}

    def counts(self) -> dict[str, int]:
        return {"submitted": self.submitted}

    def stop(self) -> None:
        self._client.stop()

    def save(self, folder: Path) -> None:
        (folder / "families.txt").write_text(f"{self.submitted} {len(self.turned_away)}")


def prepare(job: Job) -> Callable[[Kit], Families]:
    """Make families, once there is a kit."""
    return Families


def carry_out(arguments: list[str]) -> int:
    """Work for a master, lead, or carry a job out alone."""
    if arguments[0] == "worker":
        return worker.main(arguments[1:], prepare)
    if arguments[0] == "apart":  # as if it were on another machine
        return worker.main(arguments[1:], prepare, lambda run: False)
    job = read_job(arguments[0])
    return lead(job, say_json, (__file__, *job.allow_hosts)) if job.parts > 1 else main(arguments, prepare)


if __name__ == "__main__":
    sys.exit(carry_out(sys.argv[1:]))
