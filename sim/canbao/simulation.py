"""One call from a network to its trace."""

from __future__ import annotations

from canbao.engines import Progress
from canbao.engines.choosing import check_choice, choose_engine
from canbao.engines.memory import available, check_memory, need_of_run
from canbao.network import Network
from canbao.planning import make_plan
from canbao.trace import Trace

__all__ = ["simulate"]


def simulate(
    network: Network, *, until: float, seed: int = 0, engine: str = "auto", progress: Progress | None = None
) -> Trace:
    """Run a network once.

    Parameters
    ----------
    network
        Stations, journeys and streams.
    until
        The end of the horizon, in the network's unit of time.
    seed
        All luck follows from it: the same network, horizon and seed give the same trace, on every engine.
    engine
        `auto` takes the compiled engine wherever it can, and SimPy elsewhere (the logger `canbao` tells which, and
        why); `simpy` and `compiled` insist; `both` runs the two and compares. The first run of the compiled engine on
        a machine compiles it, which takes some seconds.
    progress
        Is told now and then which share of the horizon is done.

    Raises
    ------
    NetworkError
        When the network does not fit together.
    EngineError
        When the engine cannot run the network, or the two give different traces.
    TooLargeError
        When there is not enough memory.
    """
    check_choice(engine)
    plan = make_plan(network, until=until, seed=seed)
    chosen = choose_engine(engine, plan)
    need = need_of_run(plan, [each.name for each in chosen.engines], measured=False)
    check_memory(need, ["take fewer families, or a shorter horizon"], available())
    return chosen.run(plan, progress)
