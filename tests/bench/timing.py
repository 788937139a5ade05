"""How times are taken: processor time on one core, in rounds, everybody once in each round."""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Mapping

_SHORT_S = 2.0
_REPEATS = 7


def stay_on_one_core() -> None:
    """Bind this process to one of the cores that it may use, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def seconds(work: Callable[[], object]) -> float:
    """Time one call in processor time, which a busy machine disturbs least."""
    gc.collect()
    begin = time.process_time()
    work()
    return time.process_time() - begin


def one_round(work: Callable[[], object]) -> float:
    """Time one call; if it is short, some of them for their median, as a single one is at the mercy of a moment."""
    taken = [seconds(work)]
    while sum(taken) < _SHORT_S and len(taken) < _REPEATS:
        taken.append(seconds(work))
    return statistics.median(taken)


def rounds(works: Mapping[str, Callable[[], object]], count: int) -> dict[str, list[float]]:
    """Time everybody in turn, so that a slow minute of the machine is everybody's; give seconds by name and round."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(count):
        for name, work in works.items():
            taken[name].append(one_round(work))
    return taken


def ratio(slower: list[float], faster: list[float]) -> float:
    """Give the median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(slower, faster, strict=True))
