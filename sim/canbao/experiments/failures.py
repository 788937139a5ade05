"""Replications that failed, and how each is repeated alone."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from canbao.errors import CanbaoError

__all__ = ["Failure", "problem_of"]


@dataclass(frozen=True)
class Failure:
    """A replication that failed by itself; all others went on."""

    variant: str
    seed: int
    problem: str
    """What went wrong, on one line."""
    command: str
    """Repeats this replication alone."""

    def __str__(self) -> str:
        return f"{self.variant}, seed {self.seed}: {self.problem}; to repeat it alone: {self.command}"


def problem_of(error: BaseException) -> str:
    """Say on one line what went wrong; where, too, if it was not raised on purpose."""
    first = next(iter(str(error).splitlines()), "")
    said = f"{type(error).__name__}: {first}" if first else type(error).__name__
    if isinstance(error, CanbaoError):
        return said
    frames = traceback.extract_tb(error.__traceback__)
    # The last function by name: paths differ between machines, and the same failure must read the same on all of them.
    return f"{said} (in {frames[-1].name})" if frames else said
