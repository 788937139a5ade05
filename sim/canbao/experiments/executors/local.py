"""Replications on the cores of this machine, in processes of their own.

The processes are plain children that run `canbao.experiments.executors.worker`, and not those of multiprocessing: they
import nothing of the program that starts them, so that a script needs no `if __name__ == "__main__"` and a notebook
works; and one that dies does not take a pool with it.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from canbao.errors import EngineError
from canbao.experiments.executors import Done, Notice, Task
from canbao.experiments.executors.frames import pack, receive, send
from canbao.experiments.executors.weighing import Scales, logged
from canbao.experiments.executors.worker import HELLO
from canbao.languages import noted

__all__ = ["ATTEMPTS", "ONE_THREAD", "LocalExecutor", "cores"]

ATTEMPTS = 3
"""How many workers may die of one replication, or in a row while they start."""

ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",  # of OpenMP, and of Arrow's work
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "ARROW_IO_THREADS",
        "POLARS_MAX_THREADS",
    ),
    "1",
)
"""Keeps libraries from starting threads of their own: with a worker on each core they would be in one another's way."""

_PATIENCE_S = 5.0
"""How long a worker may take to end before it is ended."""


@dataclass(eq=False)
class _Worker:
    """A worker process and what it has in hand."""

    process: subprocess.Popen[bytes]
    orders: BinaryIO
    started: bool = False
    order: _Order | None = None
    known: set[str] = field(default_factory=set)
    """The keys of the models that it has."""


@dataclass(eq=False)
class _Order:
    """A replication that is to be carried out."""

    task: Task
    deaths: int = 0
    """How many workers have died of it."""


class LocalExecutor:
    """Carries out replications in worker processes; they are started when there is work, and stay until `close`.

    Parameters
    ----------
    workers
        How many; one for each core that this process may use, if not given.
    notice
        Is told when there are fewer, and when one dies.
    """

    def __init__(self, workers: int | None = None, notice: Notice | None = None) -> None:
        self.workers = workers or cores()
        self._asked = self.workers
        self._notice = notice or logged
        self._scales = Scales(self._notice)
        self._staff: list[_Worker] = []
        self._inbox: queue.SimpleQueue[tuple[_Worker, Any]] = queue.SimpleQueue()

    def run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """Carry out replications and give each when it is over.

        A worker that dies is replaced, and what it had in hand is given to another one; after `ATTEMPTS` deaths that
        replication has failed.

        Raises
        ------
        TooLargeError
            When there is not enough memory for one worker.
        EngineError
            When workers cannot be started.
        """
        waiting = deque(_Order(task) for task in tasks)
        self._make_room(waiting)
        try:
            yield from self._carry_out(waiting)
        except BaseException:  # Ctrl-C, or whoever asked wants no more: what is in hand is not worth waiting for
            self.close()
            raise

    def close(self) -> None:
        """End all workers."""
        staff, self._staff = self._staff, []
        for worker in staff:
            worker.process.kill()  # it holds nothing that could be lost
        for worker in staff:
            _part_from(worker)

    def _make_room(self, waiting: Iterable[_Order]) -> None:
        """See how many workers fit into memory, before any of them starts."""
        if self._scales.weigh({order.task[0].key(): order.task[0] for order in waiting}.values()):
            self.close()
            self.workers = self._scales.fitting(self._asked)

    def _carry_out(self, waiting: deque[_Order]) -> Iterator[Done]:
        failed_starts = 0
        while waiting or any(worker.order for worker in self._staff):
            self._assign(waiting)
            worker, message = self._inbox.get()
            if worker not in self._staff:  # ended before
                continue
            if message is None:
                failed_starts = 0 if worker.started else failed_starts + 1
                yield from self._bury(worker, waiting, failed_starts)
            elif message == HELLO:
                worker.started, failed_starts = True, 0
            elif worker.order is not None:
                order, worker.order = worker.order, None
                self._assign(waiting)  # before the result is kept, so that nobody waits for the disk
                yield Done(order.task[0].key(), order.task[1], *message)

    def _assign(self, waiting: deque[_Order]) -> None:
        """Give each idle worker something to do, and start workers while there is more to do than there are workers."""
        idle = [worker for worker in self._staff if not worker.order]
        while waiting and (idle or len(self._staff) < self.workers):
            if not idle:
                idle.append(_start(self._inbox))
                self._staff += idle
            worker = idle.pop()
            worker.order = waiting.popleft()
            _hand_over(worker, worker.order.task)

    def _bury(self, worker: _Worker, waiting: deque[_Order], failed_starts: int) -> Iterator[Done]:
        """Take a dead worker out, and give what it had in hand to another one."""
        self._staff.remove(worker)
        how, order = _ending(_part_from(worker)), worker.order
        if failed_starts >= ATTEMPTS:
            raise EngineError(f"no worker process can be started: {failed_starts} in a row ended at once ({how})")
        if order is None:
            return
        order.deaths += worker.started  # who never began cannot have died of it
        if order.deaths >= ATTEMPTS:
            model, seed = order.task
            yield Done(
                model.key(), seed, None, f"{ATTEMPTS} worker processes died of it, the last one with {how}{_hint(how)}"
            )
            return
        waiting.append(order)  # behind all others: what killed one worker may kill the next
        self._notice(
            noted("a worker process ended with {how}; seed {seed} is repeated by another one"),
            how=how,
            seed=order.task[1],
        )


def cores() -> int:
    """Give how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def _start(inbox: queue.SimpleQueue[tuple[_Worker, Any]]) -> _Worker:
    """Start a worker, and a thread that hears what it says."""
    # A group of its own: Ctrl-C reaches whoever started it, who ends it, and not the worker in the middle of something.
    apart: dict[str, Any] = {"process_group": 0}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    process = subprocess.Popen(
        [sys.executable, "-m", "canbao.experiments.executors.worker"],
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        **apart,
    )
    assert process.stdin is not None  # as was asked for
    assert process.stdout is not None
    worker = _Worker(process, process.stdin)  # type: ignore[arg-type] # a stream of bytes
    threading.Thread(target=_listen, args=(worker, process.stdout, inbox), daemon=True).start()
    return worker


def _environment() -> dict[str, str]:
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return {**os.environ, **ONE_THREAD, "PYTHONPATH": path}


def _listen(worker: _Worker, answers: BinaryIO, inbox: queue.SimpleQueue[tuple[_Worker, Any]]) -> None:
    with answers:
        try:
            while True:
                inbox.put((worker, receive(answers)))
        except (EOFError, OSError, ValueError):
            inbox.put((worker, None))


def _hand_over(worker: _Worker, task: Task) -> None:
    """Send a replication; its model only if the worker does not have it."""
    model, seed = task
    key = model.key()
    content = None if key in worker.known else pack(model)
    worker.known.add(key)
    with suppress(OSError):  # it is dead, as its listener will say
        send(worker.orders, (key, seed, content))


def _part_from(worker: _Worker) -> int:
    """Wait for the end of a worker and give its exit code."""
    code = worker.process.wait(_PATIENCE_S)
    with suppress(OSError):  # what was still to be sent
        worker.orders.close()
    return code


def _ending(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"exit code {code}"
    return signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"


def _hint(how: str) -> str:
    return ", as the system does it when memory runs out" if how == "SIGKILL" else ""
