"""Executors: who carries out replications.

`serial` works in this process, `local` on the cores of this machine, `dask` on a cluster of dask.distributed. The same
models and seeds give the same measures on all of them, to the last bit; only the order of finishing differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from canbao.errors import InputError

if TYPE_CHECKING:
    from canbao.experiments.models import Model  # a worker imports it when it gets one

__all__ = ["EXECUTORS", "Done", "Executor", "Notice", "Task", "make_executor"]

EXECUTORS = ("serial", "local", "dask")
"""What can be asked for."""

Task: TypeAlias = "tuple[Model, int]"
"""A model and a seed."""


@dataclass(frozen=True)
class Done:
    """One replication that is over.

    Parameters
    ----------
    key
        The key of its model.
    seed
        Its seed.
    measures
        What it gave; None if it failed.
    problem
        Why it failed, on one line.
    """

    key: str
    seed: int
    measures: Mapping[str, float] | None
    problem: str = ""


class Notice(Protocol):
    """Is told what a user should know and nothing fails of: fewer workers, a worker that died."""

    def __call__(self, text: str, /, **values: object) -> None:
        """Hear a text with places for values, as `Language.say` takes it."""
        ...


class Executor(Protocol):
    """Who carries out replications; after `close` it can be used again, and starts anew."""

    workers: int
    """How many replications are carried out at a time."""

    def run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """Carry out replications and give each when it is over, in any order."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...


def make_executor(
    name: str = "local",
    workers: int | None = None,
    scheduler: str | None = None,
    notice: Notice | None = None,
) -> Executor:
    """Make an executor.

    Parameters
    ----------
    name
        One of `EXECUTORS`.
    workers
        How many replications at a time; as many as there are cores, or as a cluster has threads, if not given.
    scheduler
        The address of a Dask scheduler, `tcp://host:8786`; without, `dask` makes a cluster on this machine.
    notice
        Is told what a user should know; without, the logger `canbao` is.

    Raises
    ------
    InputError
        When there is no such executor, or what is asked for does not go together.
    """
    if name not in EXECUTORS:
        raise InputError(f"there is no executor {name!r}; there are: {', '.join(EXECUTORS)}")
    if workers is not None and workers < 1:
        raise InputError(f"there must be 1 worker or more, given {workers}")
    if scheduler is not None and name != "dask":
        raise InputError(f"executor {name!r} has no scheduler; take --executor dask with --scheduler {scheduler}")
    if name == "local":
        from canbao.experiments.executors.local import LocalExecutor

        return LocalExecutor(workers, notice)
    if name == "dask":
        from canbao.experiments.executors.cluster import DaskExecutor

        return DaskExecutor(scheduler, workers, notice)
    from canbao.experiments.executors.serial import SerialExecutor

    return SerialExecutor(notice)
