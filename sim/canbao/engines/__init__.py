"""Engines: each turns a Plan into a Trace. The SimPy engine is the specification, the compiled one is fast.

On a plan that both can run, their traces are equal, bit for bit. `canbao.engines.choosing` takes the one that is asked
for, or the fastest that can run a plan; `canbao.engines.comparing` says where two traces differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from canbao.errors import InputError
from canbao.plan import Plan
from canbao.trace import Trace

__all__ = ["ENGINES", "Engine", "Progress", "engine_named"]

Progress = Callable[[float], None]
"""Is told now and then which share of the horizon has been simulated, from 0 to 1."""

ENGINES = ("simpy", "compiled")


class Engine(Protocol):
    """What an engine can do."""

    name: str

    def supports(self, plan: Plan) -> str:
        """Say why this engine cannot run the plan, and which part; an empty string if it can."""
        ...

    def ready(self) -> bool:
        """Tell whether it can start at once; if not, it has to be compiled first."""
        ...

    def prepare(self) -> None:
        """Do now what has to be done once, on this machine, before the first run."""
        ...

    def run(self, plan: Plan, progress: Progress | None = None) -> Trace:
        """Run the plan to its horizon."""
        ...


def engine_named(name: str) -> Engine:
    """Give the engine of a name.

    Raises
    ------
    InputError
        When there is none of this name.
    ImportError
        When a library that it needs cannot be imported.
    """
    if name == "simpy":
        from canbao.engines.simpy_engine import SimpyEngine

        return SimpyEngine()
    if name == "compiled":
        from canbao.engines.compiled_engine import CompiledEngine

        return CompiledEngine()
    raise InputError(f"there is no engine {name!r}; there are: {', '.join(ENGINES)}")
