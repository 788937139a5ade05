"""Killed at any moment, an experiment goes on and ends as if nothing had happened: twenty times, three ways."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from canbao.experiments import NetworkModel, Variant
from canbao.experiments.executors.cluster import DaskExecutor
from canbao.experiments.executors.local import LocalExecutor

_PATIENCE_S = 60.0
Files = Callable[[Path], dict[str, bytes]]


class _Assassin:
    """Kills one of some processes at random moments while an experiment goes on."""

    def __init__(self, times: int, targets: Callable[[], Iterable[int]], seed: int) -> None:
        self.left = times
        self.targets = targets
        self.luck = random.Random(seed)
        self.hits: list[int] = []

    def progress(self, finished: int, wanted: int) -> None:
        """Choose a moment in the midst of the replications to come, now and then when one is finished."""
        alive = sorted(set(self.targets()) - set(self.hits))
        if self.left and alive and self.luck.random() < 0.4:
            self.left -= 1
            self.hits.append(victim := self.luck.choice(alive))
            threading.Timer(self.luck.uniform(0.0, 0.03), self._kill, [victim]).start()

    def _kill(self, victim: int) -> None:
        with suppress(ProcessLookupError):  # the experiment may be over
            os.kill(victim, signal.SIGKILL)


def _variants(counter: NetworkModel, toy: Any) -> list[Variant]:
    return [Variant("counter", counter), Variant("toy", toy(takes_s=0.02)), Variant("unlucky", toy(7.0, fails=(2, 9)))]


def _complete(folder: Path, variants: list[Variant], opened: Any, executor: Any = None, **more: Any) -> Path:
    """Carry out an experiment that asks twice, as sequential procedures do."""
    with opened(folder, variants, executor, **more) as experiment:
        experiment.replicate(variants, range(1, 11))
        experiment.replicate(variants[:2], range(1, 41))
        experiment.conclude({"answer": 42})
    return Path(experiment.folder)


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, opened: Any, files_of: Files, counter: NetworkModel, toy: Any
) -> dict[str, bytes]:
    """Give the files of an experiment in which nothing went wrong."""
    folder = _complete(tmp_path_factory.mktemp("undisturbed"), _variants(counter, toy), opened)
    return files_of(folder)


def test_workers_killed_eight_times(
    tmp_path: Path, opened: Any, files_of: Files, counter: NetworkModel, toy: Any, undisturbed: dict[str, bytes]
) -> None:
    """Worker processes are killed by force in the middle of their work: the folder is that of an undisturbed run."""
    executor, variants = LocalExecutor(2, lambda text, /, **values: None), _variants(counter, toy)
    assassin = _Assassin(8, lambda: [each.process.pid for each in executor._staff if each.started], seed=1)
    folder = _complete(tmp_path / "out", variants, opened, executor, progress=assassin.progress)
    assert len(assassin.hits) == 8
    # By chance one replication may have been hit so often that it was given up; resuming tries it again.
    assert files_of(_complete(tmp_path, variants, opened, resume=folder)) == undisturbed


def test_workers_of_a_cluster_killed_five_times(
    tmp_path: Path, opened: Any, files_of: Files, counter: NetworkModel, toy: Any, undisturbed: dict[str, bytes]
) -> None:
    """The same with the workers of a Dask cluster."""
    executor, variants = DaskExecutor(workers=2), _variants(counter, toy)

    def alive() -> list[int]:
        cluster = executor._cluster
        return [] if cluster is None else [nanny.pid for nanny in cluster.workers.values() if nanny.pid]

    assassin = _Assassin(5, alive, seed=2)
    folder = _complete(tmp_path / "out", variants, opened, executor, progress=assassin.progress)
    assert len(assassin.hits) == 5
    assert files_of(_complete(tmp_path, variants, opened, resume=folder)) == undisturbed


STUDY = """
import sys
import numpy as np
from canbao import Exponential, Journey, Network, Poisson, Station, Stream, Visit
from canbao.experiments import NetworkModel, Variant, open_experiment
from canbao.experiments.executors import make_executor

def counter(mean_s):
    network = Network(
        stations=[Station("windows", servers=3)],
        journeys=[Journey("office", [Visit("windows", service=Exponential(mean_s))])],
        streams=[Stream("office", Poisson(rate=0.005))],
    )
    measure = lambda trace: {"wait_s": np.nanmean(trace.visits["start"] - trace.visits["enter"])}
    return NetworkModel(network, 72_000.0, measure, engine="simpy")

out, executor, *resume = sys.argv[1:]
variants = [Variant("as is", counter(480.0)), Variant("faster", counter(400.0))]
opened = open_experiment(out, "study", "compare", variants, make_executor(executor, 2), resume=(resume or [None])[0])
with opened as experiment:
    experiment.replicate(variants, range(30))
    experiment.conclude({"answer": 42})
"""


def test_the_whole_experiment_killed_seven_times(tmp_path: Path, files_of: Files) -> None:
    """The experiment itself is killed by force, resumed and killed again: nothing is lost, repeated or half there."""
    luck = random.Random(3)
    script = tmp_path / "study.py"
    script.write_text(STUDY)

    def start(out: str, executor: str, *resume: Path) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, script, tmp_path / out, executor, *resume], text=True)

    assert start("whole", "serial").wait() == 0
    (whole,) = (tmp_path / "whole" / "experiments" / "study").iterdir()
    resume: list[Path] = []
    for number in range(7):
        before = _finished(tmp_path / "killed")
        process = start("killed", "local" if number % 3 == 0 else "serial", *resume)
        more = luck.randrange(8)  # of sixty
        _wait_for(lambda more=more, before=before: len(_finished(tmp_path / "killed")) >= len(before) + more)
        threading.Event().wait(luck.uniform(0.0, 0.05))  # somewhere in the next one
        assert process.poll() is None
        process.kill()
        process.wait()
        after = _finished(tmp_path / "killed")
        assert before.items() <= after.items()  # what was finished is not written again
        resume = sorted((tmp_path / "killed" / "experiments" / "study").glob("*"))
    assert len(resume) == 1
    assert start("killed", "local", *resume).wait() == 0
    assert files_of(resume[0]) == files_of(whole)


def _finished(out: Path) -> dict[Path, int]:
    """Give the replications that are finished, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in out.glob("experiments/*/*/replications/[!.]*.json")}


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)
