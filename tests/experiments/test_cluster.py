"""Replications on a Dask cluster: one of its own, and one whose parts are processes that talk over TCP."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import psutil
import pytest

from canbao.engines.memory import ANY_SIZE, Need
from canbao.errors import EngineError, TooLargeError
from canbao.experiments import NetworkModel, Variant
from canbao.experiments.executors import make_executor
from canbao.experiments.executors.cluster import DaskExecutor

_PATIENCE_S = 60.0
Files = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """Give the address of a scheduler, and its process and those of two workers, all on the loopback interface."""
    file = tmp_path / "scheduler.json"
    started = [
        _dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
    ]
    try:
        _wait_for(lambda: file.exists() and file.read_text().rstrip().endswith("}"))
        address = json.loads(file.read_text())["address"]
        alone = ("--nthreads", "1", "--no-nanny", "--no-dashboard")
        started += [_dask("worker", address, *alone), _dask("worker", address, *alone)]
        yield address, started
    finally:
        for process in started:
            process.kill()
            process.wait()


def _dask(part: str, *arguments: str) -> subprocess.Popen[str]:
    silent = subprocess.DEVNULL
    command = [sys.executable, "-m", f"distributed.cli.dask_{part}", *arguments]
    return subprocess.Popen(command, stdout=silent, stderr=silent, text=True)


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def _experiment(folder: Path, variants: list[Variant], executor: Any, opened: Any, **more: Any) -> Path:
    with opened(folder, variants, executor, **more) as experiment:
        experiment.replicate(variants, range(1, 9))
        experiment.conclude({})
    return Path(experiment.folder)


def test_a_cluster_on_this_machine_gives_the_same_bytes(
    tmp_path: Path, opened: Any, files_of: Files, toy: Any, counter: NetworkModel
) -> None:
    """A LocalCluster leaves the very folder that this process leaves, failures included; it is gone afterwards."""
    variants = [Variant("counter", counter), Variant("unlucky", toy(7.0, fails=(2,)))]
    executor = DaskExecutor(workers=2)
    pids: set[int] = set()

    def progress(finished: int, wanted: int) -> None:
        if executor._cluster is not None:
            pids.update(nanny.pid for nanny in executor._cluster.workers.values())

    there = _experiment(tmp_path / "there", variants, executor, opened, progress=progress)
    here = _experiment(tmp_path / "here", variants, make_executor("serial"), opened)
    assert files_of(there) == files_of(here)
    assert len(files_of(here)) == 2 + 2 * 8 - 1
    assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_cluster_over_tcp_gives_the_same_bytes(
    tmp_path: Path, parts: Any, opened: Any, files_of: Files, toy: Any, counter: NetworkModel
) -> None:
    """Scheduler and workers as separate processes over TCP, one worker killed: the same folder as this process."""
    address, (_, *workers) = parts
    variants = [Variant("counter", counter), Variant("toy", toy(takes_s=0.05))]
    executor = make_executor("dask", scheduler=address)

    def progress(finished: int, wanted: int) -> None:
        if finished == 2:
            workers[0].kill()

    there = _experiment(tmp_path / "there", variants, executor, opened, progress=progress)
    here = _experiment(tmp_path / "here", variants, make_executor("serial"), opened)
    assert workers[0].wait() == -signal.SIGKILL
    assert workers[1].poll() is None  # somebody else's cluster is left alone
    assert files_of(there) == files_of(here)


def test_what_does_not_fit_a_cluster_is_told(
    parts: Any, toy: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, opened: Any
) -> None:
    """Workers with another version and workers without enough memory are refused."""
    address, _ = parts
    variants = [Variant("toy", toy())]

    class Heavy(toy):  # type: ignore[misc, valid-type]
        families = 10**9

        def prepare(self) -> Need:
            return Need(self.families, {"plan": 1e15})

    monkeypatch.delenv(ANY_SIZE, raising=False)
    with pytest.raises(TooLargeError, match="no worker of the cluster has more than"):
        list(make_executor("dask", scheduler=address).run([(Heavy(), 1)]))
    other = {"canbao": "0.0.0"}
    monkeypatch.setattr("canbao.experiments.executors.cluster.versions", lambda: other)
    with (
        pytest.raises(EngineError, match=r"has canbao .*, but this experiment 0\.0\.0; install the same"),
        opened(tmp_path, variants, make_executor("dask", scheduler=address)) as experiment,
    ):
        experiment.replicate(variants, [1])


def test_a_replication_that_kills_workers_is_given_up(tmp_path: Path, opened: Any, toy: Any) -> None:
    """Dask gives up a replication of which several workers died; it counts as failed, and all others go on."""
    variants = [Variant("toy", toy(kills=(2,)))]
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),  # to be done sooner
        opened(tmp_path, variants, make_executor("dask", 1)) as experiment,
    ):
        results = experiment.replicate(variants, [1, 2, 3])
    (failure,) = results.failures
    assert failure.seed == 2
    assert failure.problem == "2 workers of the cluster died of it"


def test_where_no_scheduler_is_nobody_waits_long(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address at which nobody listens is an error that says how to start a scheduler."""
    monkeypatch.setattr("canbao.experiments.executors.cluster._PATIENCE_S", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        executor = make_executor("dask", scheduler=f"tcp://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(EngineError, match=r"no Dask scheduler answers at .* start one with `dask scheduler`"):
            list(executor.run([(toy(), 1)]))


def test_a_scheduler_that_is_gone_ends_the_experiment(tmp_path: Path, parts: Any, opened: Any, toy: Any) -> None:
    """When the scheduler dies, what is finished is kept and the message says how to go on."""
    address, (scheduler, *_) = parts
    variants = [Variant("toy", toy(takes_s=0.1))]

    def progress(finished: int, wanted: int) -> None:
        if finished == 2:
            scheduler.kill()

    with (
        pytest.raises(EngineError, match=r"connection to the scheduler is lost.* --resume goes on"),
        opened(tmp_path / "out", variants, make_executor("dask", scheduler=address), progress=progress) as experiment,
    ):
        experiment.replicate(variants, range(60))
    assert 2 <= experiment.kept < 60
