"""How long an experiment will take, from its first replications, which are part of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from canbao.experiments.experiment import Experiment
from canbao.experiments.variants import Variant

__all__ = ["rehearse"]


def rehearse(
    experiment: Experiment,
    variants: Sequence[Variant],
    seeds: Sequence[int],
    workers: int,
    clock: Callable[[], float] = time.perf_counter,
) -> float | None:
    """Carry out a few replications and say how many seconds all others will take.

    As many as there are workers, side by side, since they share what the machine has: once, which starts the workers
    and compiles the engine where need be, and once more with a look at the clock.

    Parameters
    ----------
    experiment
        Keeps them, so that nothing is done twice.
    variants, seeds
        Of the whole experiment.
    workers
        How many replications are carried out at a time.
    clock
        Seconds.

    Returns
    -------
    float or None
        None where there are too few replications to tell.
    """
    batches = _batches(variants, seeds, workers)
    if batches is None:
        return None
    first, timed = batches
    experiment.replicate(*first)
    began = clock()
    experiment.replicate(*timed)
    return (clock() - began) / workers * (len(variants) * len(seeds) - 2 * workers)


_Batch = tuple[Sequence[Variant], Sequence[int]]


def _batches(variants: Sequence[Variant], seeds: Sequence[int], workers: int) -> tuple[_Batch, _Batch] | None:
    """Give two batches of as many replications as there are workers; None where that is more than half of all."""
    if len(variants) * len(seeds) < 4 * workers:
        return None
    if len(variants) >= 2 * workers:
        return (variants[:workers], seeds[:1]), (variants[workers : 2 * workers], seeds[:1])
    if len(seeds) >= 2 * workers:
        return (variants[:1], seeds[:workers]), (variants[:1], seeds[workers : 2 * workers])
    return None
