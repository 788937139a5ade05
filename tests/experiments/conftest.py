"""What tests of experiments share: models that take no time, a village, and experiments in a folder."""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cloudpickle
import numpy as np
import pytest

from canbao import Exponential, Journey, Network, Poisson, Station, Stream, Visit
from canbao.experiments import Experiment, NetworkModel, Variant, open_experiment
from canbao.experiments.checksums import checksum_of
from canbao.experiments.executors import Executor, make_executor
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.source import to_toml
from canbao.testing import SMALL

# Worker processes cannot import test modules; so what stands here goes to them as code.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


@dataclass(frozen=True)
class Toy:
    """Gives normal numbers, and can fail, kill its worker or print."""

    mean: float = 10.0
    fails: tuple[int, ...] = ()
    kills: tuple[int, ...] = ()
    """Seeds whose replication ends the process that it is in."""
    once: str = ""
    """A file; where it is there, nothing is killed any more."""
    prints: bool = False
    takes_s: float = 0.0

    def replicate(self, seed: int) -> Mapping[str, float]:
        if self.prints:
            print("a plugin that says something", flush=True)
        if seed in self.fails:
            raise ValueError(f"seed {seed} brings bad luck")
        if seed in self.kills and not (self.once and os.path.exists(self.once)):
            if self.once:
                Path(self.once).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        end = time.monotonic() + self.takes_s
        while time.monotonic() < end:  # busy, as a simulation is
            pass
        luck = np.random.default_rng(seed)
        return {"value": float(luck.normal(self.mean)), "other": float(luck.normal()), "nothing": math.nan}

    def command(self, seed: int) -> str:
        return f"toy --seed {seed}"

    def key(self) -> str:
        return checksum_of("toy", self.mean, self.takes_s)


def counter_model(mean_s: float = 480.0, until_s: float = 72_000.0) -> NetworkModel:
    """Give a counter with three windows that some hundred families visit, on the engine that needs no compiler."""
    network = Network(
        stations=[Station("windows", servers=3)],
        journeys=[Journey("office", [Visit("windows", service=Exponential(mean_s))])],
        streams=[Stream("office", Poisson(rate=0.005))],
    )
    return NetworkModel(network, until_s, waits, engine="simpy")


def waits(trace: object) -> dict[str, float]:
    """Measure a trace of the counter."""
    visits = trace.visits
    wait = visits["start"] - visits["enter"]
    return {"families": len(trace.families["family"]), "wait_s": float(np.nanmean(wait))}


@pytest.fixture(scope="session")
def counter() -> NetworkModel:
    """Give a counter with three windows."""
    return counter_model()


@pytest.fixture(scope="session")
def plugins() -> Plugins:
    """Give the built-in plugins."""
    return load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})


@pytest.fixture
def village(tmp_path: Path) -> Path:
    """Give a file with a scenario of some hundred families."""
    path = tmp_path / "village.toml"
    path.write_text(to_toml({**SMALL, "population": {"kind": "city", "residents": 300}}), encoding="utf-8")
    return path


@contextmanager
def experiment_in(
    folder: Path,
    variants: Sequence[Variant] = (),
    executor: Executor | None = None,
    resume: Path | None = None,
    **more: object,
) -> Iterator[Experiment]:
    """Open an experiment that is called `trial`."""
    opened = open_experiment(
        folder, "trial", "replications", variants, executor or make_executor("serial"), resume=resume, **more
    )
    with opened as experiment:
        yield experiment


def contents(folder: Path) -> dict[str, bytes]:
    """Give all files of a folder by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="session")
def toy() -> type[Toy]:
    """Give the model that takes no time."""
    return Toy


@pytest.fixture(scope="session")
def opened() -> Callable[..., object]:
    """Give the function that opens an experiment."""
    return experiment_in


@pytest.fixture(scope="session")
def files_of() -> Callable[[Path], dict[str, bytes]]:
    """Give the function that reads all files of a folder."""
    return contents
