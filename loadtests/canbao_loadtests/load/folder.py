"""The folder of a load test: there from the start, because what waits for the review can only go on from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from canbao.errors import StorageError
from canbao.plugins import Plugins
from canbao.runs.folders import NewFolder, storing, write
from canbao.runs.run import MANIFEST, SCENARIO, Run
from canbao.scenario.scenario import ScenarioFile, load_scenario
from canbao_loadtests.job import JOB, Job, read_job

__all__ = [
    "ENGINE",
    "PREDICTION",
    "TARGET",
    "LoadFolder",
    "kept_or_removed",
    "new_load_folder",
    "open_load_folder",
    "save_job",
]

ENGINE = "load"
"""What the manifest of a load test says of the engine."""

PREDICTION = "prediction"
"""The folder of the simulation that predicts a load test, in the folder of its run; a run itself."""

TARGET = "target"
"""The folder of the target's documents, in the folder of a run."""


@dataclass(frozen=True)
class LoadFolder:
    """A load test as it is stored."""

    path: Path
    manifest: Mapping[str, Any]
    file: ScenarioFile
    job: Job

    @property
    def whole(self) -> NewFolder:
        """The folder, for what fills folders."""
        return NewFolder(self.path, self.path)

    @property
    def run(self) -> Run:
        """The run, without a summary."""
        return Run(self.path, self.manifest, {})


def new_load_folder(parent: Path, name: str) -> Path:
    """Make the folder of a load test; `-2`, `-3` and so on is added where its name is taken.

    Raises
    ------
    StorageError
        When it cannot be made.
    """
    with storing(parent):
        parent.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            path = parent / (name if number == 1 else f"{name}-{number}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return path
    raise AssertionError  # numbers do not end


@contextmanager
def kept_or_removed(path: Path) -> Iterator[None]:
    """Take a folder away again if what is done inside fails: nothing was sent yet, so nothing is lost."""
    try:
        yield
    except BaseException:  # Ctrl-C too
        shutil.rmtree(path, ignore_errors=True)
        raise


def open_load_folder(path: Path, plugins: Plugins) -> LoadFolder:
    """Read the folder of a load test that began.

    Raises
    ------
    StorageError
        When it is none, or is damaged.
    """
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        engine = manifest["engine"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{path} is not the folder of a load test ({error}); name one such as "
            "results/deadline-rush/20261121-214800-seed1"
        ) from error
    if engine != ENGINE:
        raise StorageError(f"{path} is a simulation, which cannot be resumed; only load tests can")
    return LoadFolder(path, manifest, load_scenario(path / SCENARIO, plugins), read_job(path / JOB))


def save_job(path: Path, job: Job) -> None:
    """Write the job, so that there is always a whole one."""
    fresh = path / f".{JOB}.new"
    with storing(path):
        write(fresh, job.to_json())
        fresh.replace(path / JOB)
