"""One replication after the other, in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from canbao.experiments.executors import Done, Notice, Task
from canbao.experiments.executors.attempt import attempt
from canbao.experiments.executors.weighing import Scales, logged

__all__ = ["SerialExecutor"]


class SerialExecutor:
    """Carries out replications in this process, in their order."""

    def __init__(self, notice: Notice | None = None) -> None:
        self.workers = 1
        self._scales = Scales(notice or logged)

    def run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """Carry out replications one by one.

        Raises
        ------
        TooLargeError
            When there is not enough memory for one.
        """
        given = list(tasks)
        if self._scales.weigh(model for model, _ in given):
            self._scales.fitting(1, apart=False)
        for model, seed in given:
            yield attempt(model, seed)

    def close(self) -> None:
        """Do nothing: there are no workers."""
