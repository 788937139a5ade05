"""How patient a load test is with a deployment, in real seconds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from canbao_loadtests.http.deadlines import Deadlines

__all__ = ["OutOfPatienceError", "Pace", "patience"]


@dataclass(frozen=True)
class Pace:
    """Waits and limits, in real seconds.

    Parameters
    ----------
    short_s
        A pause up to this is slept through; for a longer one the family gives its greenlet back.
    poll_s
        Time between two looks at an application in review, give or take a quarter.
    slowest
        How many times `poll_s` it is at most, when looks fail or the deployment is not ready.
    retry_s
        Time until a deed that got no answer is tried again; twice as long each time.
    longest_s
        The longest such time.
    tries
        How often in succession, until the family goes on without it.
    not_ready_s
        What to wait where the deployment says that it is not ready, and not for how long.
    not_ready
        How often this is obeyed in one call.
    call_s
        The longest that a call may take where the plan knows no patience.
    """

    short_s: float = 0.5
    poll_s: float = 5.0
    slowest: float = 8.0
    retry_s: float = 1.0
    longest_s: float = 60.0
    tries: int = 12
    not_ready_s: float = 1.0
    not_ready: int = 5
    call_s: float = 120.0


class OutOfPatienceError(Exception):
    """A family has waited for as long as it would."""


def patience(deadlines: Deadlines) -> Callable[[float], AbstractContextManager[None]]:
    """Give what raises OutOfPatienceError after some real seconds, wherever the greenlet then waits."""
    return lambda seconds: deadlines.set(max(seconds, 0.0), OutOfPatienceError)
