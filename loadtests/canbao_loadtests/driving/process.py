"""The load process: `python -m canbao_loadtests.driving JOB.json`.

It prepares what the job says, prints a line of JSON that it is `ready`, is told on stdin when the period begins and
where the deployment is (if the job does not know), and then prints a line of `progress` a second and one at the `end`.
SIGINT, SIGTERM and a stdin that is closed stop it; a second signal stops it at once. Both give a report.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import gevent

from canbao.errors import CanbaoError
from canbao_loadtests.driving.driver import Driver, Making
from canbao_loadtests.driving.exporting import Figures, serve_figures
from canbao_loadtests.driving.parent import say_json, stop_with_parent, told_by_parent
from canbao_loadtests.driving.schedule import SCHEDULE, Schedule
from canbao_loadtests.job import Job, read_job

__all__ = ["main"]

_SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


def main(arguments: list[str], prepare: Callable[[Job], Making] | None = None) -> int:
    """Carry a job out; give the exit code.

    Parameters
    ----------
    arguments
        The file of the job.
    prepare
        Does what takes long and gives what makes the walker; a test gives one of its own.
    """
    try:
        return _carry_out(Path(arguments[0]), prepare or _prepare)
    except CanbaoError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:  # before the load began
        return 130


def _prepare(job: Job) -> Making:
    from canbao_loadtests.driving.assembling import prepare

    return prepare(job)


def _carry_out(path: Path, prepare: Callable[[Job], Making]) -> int:
    job = read_job(path)
    if job.parts > 1 or job.bind:
        from canbao_loadtests.driving.master import lead

        return lead(job, say_json)
    making = prepare(job)
    schedule = Schedule.load(Path(job.folder) / SCHEDULE).stripe(job.part, job.parts)
    say_json({"event": "ready", "pid": os.getpid()})
    told = told_by_parent(job)
    if told is None:
        return 0
    job = told
    driver = Driver(job, schedule, making, say_json)
    for number, reason in _SIGNALS.items():
        gevent.signal_handler(number, driver.stop, reason)
    watch = gevent.spawn(stop_with_parent, driver.stop)
    server = (
        serve_figures(Figures(driver.last, driver.progress.totals), job.prometheus_port)
        if job.prometheus_port
        else None
    )
    try:
        driver.run()
    finally:
        watch.kill()
        if server is not None:
            server.stop(timeout=0)
    return 0
