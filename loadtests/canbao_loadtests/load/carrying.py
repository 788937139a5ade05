"""Carrying a load test out: the process that sends the load, and the reference service if nobody names another."""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from canbao.errors import LoadError
from canbao_loadtests.job import JOB, Job
from canbao_loadtests.load.children import Child, start_child
from canbao_loadtests.load.folder import save_job
from canbao_loadtests.load.telling import Hear

__all__ = ["carry_out"]

_LEAD_S = 0.5
"""Real seconds from the moment at which all are ready to the start of the period."""

_PATIENCE_S = 20.0
"""How long the processes of a test whose parent was killed may take to end, in real seconds."""
_LOOK_S = 0.2

_LOGS = "logs"


def carry_out(path: Path, job: Job, *, embedded: bool, hear: Hear, horizon_s: float) -> tuple[Job, Mapping[str, Any]]:
    """Send the load, until it is over or is stopped.

    Parameters
    ----------
    path
        The folder of the run, with scenario, schedule and target in it.
    job
        What is to be done; with an origin it goes on, and decisions are waited for as long as `drain_s` says.
    embedded
        Whether the reference service is started, on the run's own data.
    hear
        Is told once a second how it goes.
    horizon_s
        The moment at which the scenario ends.

    Returns
    -------
    The job with its origin and host, and how the load ended, as the process said it.

    Raises
    ------
    LoadError, InputError
        When a process could not do its work; the message says what it said last.
    """
    (path / _LOGS).mkdir(exist_ok=True)
    environment = _environment(job, embedded)
    with ExitStack() as stack:
        lock = stack.enter_context(_alone(path))
        service = stack.enter_context(_service(path, environment, lock)) if embedded else None
        child = stack.enter_context(_load_process(path, job, environment, lock))
        if service is not None:
            service.wait_for("ready")
        with _interrupts_to(child):
            child.wait_for("ready")
            job = _begun(job, service, horizon_s)
            save_job(path, job)
            child.tell(origin=job.origin, host=job.host, until_s=job.until_s)
            return job, _followed(child, hear)


def _begun(job: Job, service: Child | None, horizon_s: float) -> Job:
    """Give the job with what is known now that all are ready: its clock, the deployment, how long it lasts."""
    now = time.time()
    origin = now + _LEAD_S if job.origin is None else job.origin
    moment = job.start_s + (now - origin) * job.speed
    until_s = min(max(job.until_s, moment + job.drain_s * job.speed), horizon_s) if job.resume else job.until_s
    return job.told(origin, _listening(service, origin, job.host), until_s)


@contextmanager
def _alone(path: Path) -> Iterator[int]:
    """Lock a run while processes of it live; those whose parent was killed end soon.

    Raises
    ------
    LoadError
        When it is locked for long.
    """
    with (path / _LOGS / "lock").open("w", encoding="utf-8") as lock:
        end = time.monotonic() + _PATIENCE_S
        while not _locked(lock.fileno()):
            if time.monotonic() > end:
                raise LoadError(f"{path} is being carried out; wait until it is over, or stop it")
            time.sleep(_LOOK_S)
        yield lock.fileno()


def _locked(file: int) -> bool:
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _service(path: Path, environment: Mapping[str, str], lock: int) -> AbstractContextManager[Child]:
    words = ["canbao_loadtests.load.embedded", str(path)]
    return start_child("the reference service", words, path / _LOGS / "service.txt", environment, lock)


def _load_process(path: Path, job: Job, environment: Mapping[str, str], lock: int) -> AbstractContextManager[Child]:
    """Start it with a job whose origin it is told when all are ready; the run's own job keeps the one that it has."""
    waiting = path / _LOGS / JOB
    waiting.write_text(replace(job, origin=None).to_json(), encoding="utf-8")
    words = ["canbao_loadtests.driving", str(waiting)]
    return start_child("the load process", words, path / _LOGS / "load.txt", environment, lock)


def _listening(service: Child | None, origin: float, host: str) -> str:
    """Give where the deployment is; the clock of the reference service starts at the origin of the load."""
    if service is None:
        return host
    service.tell(origin=origin)
    return str(service.wait_for("listening")["url"])


def _environment(job: Job, embedded: bool) -> dict[str, str]:
    """Give the environment of both processes: a secret that only they know lets the load's reviewers in."""
    from canbao_loadtests.service.serving import REVIEWER_CODE

    environment = dict(os.environ)
    if embedded and job.reviewers == "people":
        environment[REVIEWER_CODE] = secrets.token_hex(16)
    return environment


def _followed(child: Child, hear: Hear) -> Mapping[str, Any]:
    """Follow a load process to its end."""
    for told in child.events():
        if told.get("event") == "progress":
            hear(told)
        if told.get("event") == "end":
            return told
    raise LoadError(str(child.failed("ended before it was over")) + "; what it had begun goes on with --resume")


@contextmanager
def _interrupts_to(child: Child) -> Iterator[None]:
    """Pass Ctrl-C and SIGTERM on to the load process, which stops, and tells the rest."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals
        return

    def pass_on(number: int, frame: FrameType | None) -> None:
        child.interrupt()

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
