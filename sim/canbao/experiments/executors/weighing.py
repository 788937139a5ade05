"""How many replications fit into memory at a time; what does not fit is refused before it starts."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable

from canbao.engines.memory import ANY_SIZE, Need, available, check_memory
from canbao.experiments.executors import Notice
from canbao.experiments.models import Model, Weighed
from canbao.languages import ENGLISH, noted

__all__ = ["PYTHON", "Scales", "logged"]

PYTHON = 250e6
"""Bytes of a process that has imported canbao and its libraries and loaded the engine (measured: 200 MB)."""

_REMEDIES = ("take fewer families, or a shorter horizon",)

_log = logging.getLogger(__name__)


def logged(text: str, /, **values: object) -> None:
    """Tell the logger `canbao` what a user should know."""
    _log.warning("%s", ENGLISH.say(text, **values))


class Scales:
    """Weighs the largest model that it meets, and says how many workers fit.

    Parameters
    ----------
    notice
        Is told when it is fewer than were wanted.
    """

    def __init__(self, notice: Notice) -> None:
        self._notice = notice
        self._heaviest = -1
        self.need: Need | None = None
        """What a replication of the largest model takes; None where no model knows."""

    def weigh(self, models: Iterable[Model]) -> bool:
        """Weigh the largest of some models, if it is larger than all before, and tell whether it is."""
        weighed = [model for model in models if isinstance(model, Weighed)]
        largest = max(weighed, key=lambda model: model.families, default=None)
        if largest is None or largest.families <= self._heaviest:
            return False
        self._heaviest, self.need = largest.families, largest.prepare()
        return True

    def fitting(self, workers: int, *, apart: bool = True) -> int:
        """Give how many of some workers fit into what is available now.

        Parameters
        ----------
        workers
            How many there are to be.
        apart
            Whether each is a process of its own.

        Raises
        ------
        TooLargeError
            When not even one fits.
        """
        there = available()
        if self.need is None or there is None or os.environ.get(ANY_SIZE):
            return workers
        parts = {**self.need.parts, "Python": PYTHON} if apart else self.need.parts
        each = Need(self.need.families, parts)
        check_memory(each, _REMEDIES, there)
        fit = min(workers, int(there // each.total))
        if fit < workers:
            self._notice(
                noted("{fit} workers instead of {workers}: each needs {need}, and {there} are available"),
                fit=fit,
                workers=workers,
                need=each,
                there=f"{there / 1e9:,.1f} GB",
            )
        return fit
