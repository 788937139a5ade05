"""Engines: each turns a Plan into a Trace. The SimPy engine is the specification."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from canbao.errors import InputError
from canbao.plan import Plan
from canbao.trace import Trace

__all__ = ["ENGINES", "Engine", "Progress", "engine_named"]

Progress = Callable[[float], None]
"""Is told now and then which share of the horizon has been simulated, from 0 to 1."""

ENGINES = ("simpy",)


class Engine(Protocol):
    """What an engine can do."""

    name: str

    def supports(self, plan: Plan) -> str:
        """Say why this engine cannot run the plan, and which part; an empty string if it can."""
        ...

    def run(self, plan: Plan, progress: Progress | None = None) -> Trace:
        """Run the plan to its horizon."""
        ...


def engine_named(name: str) -> Engine:
    """Give the engine of a name."""
    if name == "simpy":
        from canbao.engines.simpy_engine import SimpyEngine

        return SimpyEngine()
    raise InputError(f"there is no engine {name!r}; there are: {', '.join(ENGINES)}")
