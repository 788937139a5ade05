"""One call from a network to its trace."""

from __future__ import annotations

from canbao.engines import Progress, engine_named
from canbao.network import Network
from canbao.planning import make_plan
from canbao.trace import Trace

__all__ = ["simulate"]


def simulate(
    network: Network, *, until: float, seed: int = 0, engine: str = "simpy", progress: Progress | None = None
) -> Trace:
    """Run a network once.

    Parameters
    ----------
    network
        Stations, journeys and streams.
    until
        The end of the horizon, in the network's unit of time.
    seed
        All luck follows from it: the same network, horizon and seed give the same trace.
    engine
        The name of the engine.
    progress
        Is told now and then which share of the horizon is done.

    Raises
    ------
    NetworkError
        When the network does not fit together.
    """
    return engine_named(engine).run(make_plan(network, until=until, seed=seed), progress)
