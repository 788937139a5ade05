"""Replications on a cluster of dask.distributed, which nothing else of canbao imports.

The cluster repeats what was in hand on a worker that died, on another one, and gives up when several have died of it.
A replication that fails by itself is not repeated: it would fail again.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from canbao.engines.memory import ANY_SIZE, Need
from canbao.errors import CanbaoError, EngineError, TooLargeError
from canbao.experiments.checksums import versions
from canbao.experiments.executors import Done, Notice, Task
from canbao.experiments.executors.attempt import attempt_there, unpacked
from canbao.experiments.executors.frames import pack
from canbao.experiments.executors.local import ONE_THREAD, cores
from canbao.experiments.executors.weighing import PYTHON, Scales, logged
from canbao.experiments.failures import problem_of

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster

__all__ = ["DaskExecutor"]

_PATIENCE_S = 10
"""How long a scheduler may take to answer at the start, and its first worker to come."""


class DaskExecutor:
    """Carries out replications on a Dask cluster, or on one of its own on this machine.

    Parameters
    ----------
    scheduler
        The address of a scheduler, `tcp://host:8786`; without, a cluster on this machine is made, and ended by `close`.
    workers
        How many workers a cluster of its own has; on another's, how many replications at a time at most.
    notice
        Is told when a cluster of its own has fewer workers.
    """

    def __init__(self, scheduler: str | None = None, workers: int | None = None, notice: Notice | None = None) -> None:
        self.workers = workers or 1
        self._scheduler = scheduler
        self._asked = workers
        self._scales = Scales(notice or logged)
        self._cluster: LocalCluster | None = None
        self._client: Client | None = None

    def run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """Carry out replications and give each when it is over.

        Raises
        ------
        EngineError
            When there is no scheduler at the address, it is gone, or its workers are not fit for it.
        TooLargeError
            When no worker has enough memory for one.
        """
        given = list(tasks)
        heavier = self._scales.weigh({model.key(): model for model, _ in given}.values())
        try:
            client = self._client or self._connect()
            if heavier and self._cluster is None:
                _check_memory(client, self._scales.need)
            yield from self._carry_out(client, given)
        except BaseException:  # Ctrl-C, or whoever asked wants no more
            self.close()
            raise

    def close(self) -> None:
        """Leave the cluster; one of its own is ended."""
        client, cluster, self._client, self._cluster = self._client, self._cluster, None, None
        for each in (client, cluster):
            if each is not None:
                with suppress(OSError, RuntimeError):  # it may be gone already
                    each.close()

    def _connect(self) -> Client:
        from distributed import Client

        self._cluster = None if self._scheduler else _own_cluster(self._scales.fitting(self._asked or cores()))
        try:
            self._client = client = Client(self._cluster or self._scheduler, timeout=_PATIENCE_S)
        except (OSError, ValueError) as error:
            raise EngineError(
                f"no Dask scheduler answers at {self._scheduler} ({error}); start one with `dask scheduler` and give "
                "its address, such as --scheduler tcp://host:8786"
            ) from error
        try:
            client.wait_for_workers(1, timeout=_PATIENCE_S)
        except TimeoutError as error:
            raise EngineError(
                f"the scheduler at {self._scheduler} has no workers; start some with `dask worker {self._scheduler}`"
            ) from error
        threads = sum(client.nthreads().values())
        self.workers = min(self._asked or threads, threads)
        return client

    def _carry_out(self, client: Client, tasks: Sequence[Task]) -> Iterator[Done]:
        from distributed import as_completed

        waiting, orders = iter(tasks), dict[Hashable, Task]()
        models = {model.key(): model for model, _ in tasks}
        sent = {key: client.submit(unpacked, pack(model), key=f"canbao-{key}") for key, model in models.items()}
        finished = as_completed(raise_errors=False)
        expected = versions()

        def order(count: int) -> None:
            for model, seed in islice(waiting, count):
                key = model.key()
                future = client.submit(attempt_there, sent[key], seed, expected, key=f"canbao-{key}-{seed}")
                orders[future.key] = (model, seed)
                finished.add(future)

        # All at once, so that workers that come later have something to do; unless somebody wants fewer at a time.
        order(self._asked or len(tasks))
        for future in finished:
            yield _done(future, orders.pop(future.key))
            order(1)


def _own_cluster(workers: int) -> LocalCluster:
    """Make a cluster on this machine: processes with one thread each, since the work is Python's."""
    from distributed import LocalCluster

    try:
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=0,  # that they fit has been seen to
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # without one it would be port 8787 on all interfaces
            env=ONE_THREAD,
        )
    except RuntimeError as error:
        raise EngineError(
            f"no Dask cluster can be started on this machine ({error}); its processes import the script that starts "
            'them, so what is to happen once must stand below `if __name__ == "__main__":` there'
        ) from error


def _check_memory(client: Client, need: Need | None) -> None:
    """Refuse what fits into no worker of somebody's cluster."""
    known = client.scheduler_info(n_workers=-1)["workers"].values()
    rooms = [each["memory_limit"] / each["nthreads"] for each in known if each["memory_limit"]]
    if need is None or not rooms or os.environ.get(ANY_SIZE) or max(rooms) >= need.total + PYTHON:
        return
    raise TooLargeError(
        f"a replication needs {need}, but no worker of the cluster has more than {max(rooms) / 1e9:,.1f} GB for each "
        f"of its threads; give workers more memory, or fewer threads; {ANY_SIZE}=1 in the environment starts it all "
        "the same"
    )


def _done(future: Future[Done], task: Task) -> Done:
    """Give what became of a replication on the cluster."""
    from distributed import KilledWorker

    model, seed = task
    try:
        return future.result()
    except KilledWorker as error:
        return Done(model.key(), seed, None, f"{error.allowed_failures + 1} workers of the cluster died of it")
    except CanbaoError:
        raise
    except (CancelledError, OSError) as error:
        raise EngineError(
            "the connection to the scheduler is lost; what is finished is kept, and --resume goes on"
        ) from error
    except Exception as error:
        raise EngineError(
            f"a worker of the cluster cannot replicate anything: {problem_of(error)}; each needs the same canbao, and "
            "the same plugins"
        ) from error
