"""What is asked for, turned into a job: target, deployment, families, budgets."""

from __future__ import annotations

import datetime as dt
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import canbao_loadtests
from canbao.errors import InputError
from canbao.scenario.scenario import ScenarioFile
from canbao_loadtests.job import Job
from canbao_loadtests.load.choosing import Chosen, Wishes

__all__ = ["LoadOrder", "job_of", "reference_target", "resolved_host"]


@dataclass(frozen=True)
class LoadOrder:
    """What was asked for besides the scenario.

    Parameters
    ----------
    seed
        All luck follows from it.
    wishes
        How many families, how fast.
    target
        The folder of a target or the name of a plugin's; the reference service's if none is given.
    host
        The deployment; None for the target's own, or for the reference service, started by the load test.
    allow_hosts
        Hosts other than loopback that were typed.
    max_rate
        Requests a second that are never exceeded, if that was typed.
    workers
        How many processes send load.
    bind
        Where workers of other machines are waited for, as `0.0.0.0:5557`; empty where they are started here.
    overrides
        The `path=value` texts that the scenario was read with.
    out
        Where runs are stored.
    plugins_dir
        The folder of plugin files, if any.
    prometheus_port
        Where Prometheus reads live figures; 0 where it does not.
    predicts
        Whether the simulation predicts the load test first.
    words
        The command that does it again, without the scenario's name and seed.
    created
        The time that names the run.
    """

    seed: int
    wishes: Wishes = field(default_factory=Wishes)
    target: str | None = None
    host: str | None = None
    allow_hosts: tuple[str, ...] = ()
    max_rate: float | None = None
    workers: int = 1
    bind: str = ""
    overrides: tuple[str, ...] = ()
    out: Path = Path("results")
    plugins_dir: Path | None = None
    prometheus_port: int = 0
    predicts: bool = True
    words: tuple[str, ...] = ()
    created: dt.datetime = field(default_factory=lambda: dt.datetime.now().astimezone())

    @property
    def embedded(self) -> bool:
        """Whether the load test starts the reference service by itself."""
        return self.host is None and (self.target is None or _is_reference(Path(self.target)))

    @property
    def documents(self) -> str:
        """The folder of the target, or its name."""
        return str(reference_target()) if self.target is None else self.target


def reference_target() -> Path:
    """Give the folder of the reference service's target: beside the package in a checkout, inside it in a wheel."""
    package = Path(canbao_loadtests.__file__).parent
    beside = package.parent / "targets" / "reference"
    return beside if beside.is_dir() else package / "reference"


def _is_reference(folder: Path) -> bool:
    return folder.is_dir() and folder.resolve() == reference_target().resolve()


def job_of(file: ScenarioFile, folder: Path, order: LoadOrder, chosen: Chosen, target: Any) -> Job:
    """Give the job of a load test.

    Parameters
    ----------
    file, folder, order
        The scenario, the folder of the run, what was asked for.
    chosen
        Who comes, and how fast the clock runs.
    target
        The target, as `canbao_loadtests.targets.find_target` gives it.

    Raises
    ------
    InputError
        When the deployment is not named, or must not get load.
    """
    load, settings = file.scenario.load, target.settings
    rates = [rate for rate in (order.max_rate or load.max_rate, settings.max_rate) if rate]
    allowed = _allowed(order, settings.allow_hosts)
    job = Job(
        folder=str(folder),
        seed=order.seed,
        start_s=chosen.start_s,
        end_s=chosen.end_s,
        until_s=min(chosen.end_s + load.drain * chosen.speed, file.horizon.end_s),
        speed=chosen.speed,
        target=target.name,
        plugins_dir=None if order.plugins_dir is None else str(order.plugins_dir.resolve()),
        channels=chosen.channels,
        host="" if order.embedded else resolved_host(order, settings.host),
        limit=load.limit,
        when_full=load.when_full,
        timeout_s=load.timeout,
        poll_s=load.poll,
        drain_s=load.drain,
        dispatch_budget_s=load.dispatch_budget,
        error_budget=load.error_budget,
        allow_hosts=allowed,
        max_rate=min(rates, default=0.0),
        paper_bytes=round(load.paper_kb * 1_000),
        reviewers=load.reviewers,
        parts=order.workers,
        bind=order.bind,
        prometheus_port=order.prometheus_port,
    )
    if job.host:
        _check_safety(job)
    return job


def resolved_host(order: LoadOrder, in_file: str) -> str:
    """Give the deployment: that of the command line, else the one in the target's file.

    Raises
    ------
    InputError
        When there is none, or it is no URL.
    """
    host = order.host or in_file
    if not host:
        raise InputError(
            f"where is the deployment of target {order.target!r}? Say it: --host http://127.0.0.1:8000, or `host` in "
            "its target.toml"
        )
    parts = urlsplit(host)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"--host {host!r} is no URL; write it as http://127.0.0.1:8000")
    return host.rstrip("/")


def _allowed(order: LoadOrder, in_file: list[str]) -> tuple[str, ...]:
    from canbao_loadtests.http.safety import allowed_hosts

    return allowed_hosts(order.allow_hosts, in_file)


def _check_safety(job: Job, resolve: Callable[..., Any] = socket.getaddrinfo) -> None:
    """See before anything is made that the deployment may get load; the load process looks again."""
    from canbao_loadtests.http.safety import Safety

    parts = urlsplit(job.host)
    assert parts.hostname is not None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    Safety(job.allow_hosts, job.max_rate, resolve).addresses(parts.hostname, port)
