"""The planner's question for a network of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from canbao.arrays import np
from canbao.errors import EngineError
from canbao.experiments.models import Model
from canbao.experiments.staffing.finding import Found, find_least
from canbao.experiments.staffing.levers import Levels, Lever, Look, Promise
from canbao.experiments.staffing.planning import Replicate
from canbao.experiments.staffing.proving import Wanted
from canbao.experiments.variants import Variant

__all__ = ["ServerPlan", "plan_servers"]

Make = Callable[[Mapping[str, int]], Model]
"""Makes the model with so many servers at each lever."""


@dataclass(frozen=True)
class ServerPlan:
    """The least servers that were found.

    Parameters
    ----------
    servers
        How many, by lever.
    yuan
        What they cost: the sum of `Lever.yuan` for each.
    holds
        Whether it is proved that they keep every promise with the probability that was asked for.
    found
        The whole search: its proof, the plans with one server less, its steps.
    """

    servers: Mapping[str, int]
    yuan: float
    holds: bool
    found: Found


def plan_servers(  # noqa: PLR0913 - each of these is a choice of the user's
    make: Make,
    levers: Sequence[Lever],
    promises: Sequence[Promise],
    *,
    wanted: Wanted | None = None,
    seed: int = 0,
    replicate: Replicate | None = None,
) -> ServerPlan:
    """Find the least servers with which a network keeps its promises with a probability.

    Parameters
    ----------
    make
        Gives the model for numbers of servers by lever, such as a `NetworkModel`.
    levers
        What may change, from where, and what a server costs. With one lever, the result is the exact least.
    promises
        Measures of the model with their limits. All of them must hold in one replication; so for a promise on the
        long run, let a replication be long.
    wanted
        The probability and the confidence; 0.9 and 0.95 if not given.
    seed
        The first seed.
    replicate
        Carries out replications, such as `Experiment.replicate`; in this process if not given.

    Raises
    ------
    EngineError
        When a replication fails.
    """

    def ask(plans: Sequence[Levels], seeds: Sequence[int]) -> list[list[Look]]:
        return [_looks(make(_by_name(levers, levels)), levels, seeds, promises, replicate) for levels in plans]

    found = find_least(levers, ask, wanted, seed=seed)
    return ServerPlan(_by_name(levers, found.levels), found.search.cost(found.levels), found.holds, found)


def _by_name(levers: Sequence[Lever], levels: Levels) -> dict[str, int]:
    return {lever.name: level for lever, level in zip(levers, levels, strict=True)}


def _looks(
    model: Model, levels: Levels, seeds: Sequence[int], promises: Sequence[Promise], replicate: Replicate | None
) -> list[Look]:
    nobody_knows = np.zeros(len(levels))
    return [
        Look(np.array([promise.slack(measures[promise.measure]) for promise in promises]), nobody_knows)
        for measures in _measures(model, levels, seeds, promises, replicate)
    ]


def _measures(
    model: Model, levels: Levels, seeds: Sequence[int], promises: Sequence[Promise], replicate: Replicate | None
) -> list[Mapping[str, float]]:
    if replicate is None:
        return [model.replicate(seed) for seed in seeds]
    name = "servers " + "-".join(map(str, levels))
    results = replicate([Variant(name, model)], seeds)
    for failure in results.failures:
        raise EngineError(f"a replication failed: {failure}")
    columns = {promise.measure: results.values(name, promise.measure).tolist() for promise in promises}
    return [{measure: values[number] for measure, values in columns.items()} for number in range(len(seeds))]
