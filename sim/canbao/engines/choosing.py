"""Which engine runs a plan: the one that is asked for, the compiled one wherever it can, or both, compared.

>>> from canbao.engines.choosing import choose_engine
>>> chosen = choose_engine("auto", plan)
>>> chosen.name, chosen.reason
('simpy', "step 'office/own' is a SimPy process of its own (my_plugin.counter)")
>>> trace = chosen.run(plan)
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from canbao.engines import ENGINES, Engine, Progress, engine_named
from canbao.engines.comparing import check_equal
from canbao.engines.preparing import compile_engine
from canbao.engines.stories import Moment, plainly
from canbao.errors import InputError, UnsupportedError
from canbao.plan import Plan
from canbao.trace import Trace

__all__ = ["AUTO", "BOTH", "CHOICES", "Chosen", "check_choice", "choose_engine", "counting_engine", "named_engines"]

AUTO = "auto"
"""Asks for the compiled engine wherever it can run a plan, and for SimPy elsewhere."""

BOTH = "both"
"""Asks for both engines, one after the other, and for a comparison of what they give."""

CHOICES = (AUTO, *ENGINES, BOTH)
"""What can be asked for."""

if TYPE_CHECKING:
    from canbao.engines.compiled_engine import CompiledEngine

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chosen:
    """What runs a plan, and why."""

    asked: str
    """One of `CHOICES`."""
    engines: tuple[Engine, ...]
    """One engine, or the two that are to be compared."""
    reason: str = ""
    """Why it is not the compiled engine, where nobody asked for another."""

    @property
    def name(self) -> str:
        """The name of the engine, or `both`."""
        return self.engines[0].name if len(self.engines) == 1 else BOTH

    def ready(self) -> bool:
        """Tell whether it can start at once."""
        return all(engine.ready() for engine in self.engines)

    def prepare(self) -> None:
        """Compile what is not compiled yet."""
        for engine in self.engines:
            compile_engine(engine)

    def run(self, plan: Plan, progress: Progress | None = None, moment: Moment = plainly) -> Trace:
        """Run the plan to its horizon; what is not compiled yet is compiled first.

        Parameters
        ----------
        plan
            The plan for which the engine was chosen.
        progress
            Is told now and then which share is done.
        moment
            Says a time in words, should two engines differ.

        Raises
        ------
        EngineError
            When an engine fails, or two of them differ; the message tells the first difference.
        """
        self.prepare()
        count = len(self.engines)
        parts = [_part(progress, number, count) for number in range(count)]
        traces = {engine.name: engine.run(plan, part) for engine, part in zip(self.engines, parts, strict=True)}
        check_equal(traces, moment, plan.marks)
        return traces[self.engines[0].name]


def _part(progress: Progress | None, number: int, count: int) -> Progress | None:
    """Give what one engine of some tells of its progress, as a part of the whole."""
    return progress and (lambda share: progress((number + share) / count))


def check_choice(asked: str, choices: Sequence[str] = CHOICES) -> None:
    """Raise an InputError if something is asked for that is none of the choices."""
    if asked not in choices:
        raise InputError(f"there is no engine {asked!r}; there are: {', '.join(choices)}")


def choose_engine(asked: str, plan: Plan) -> Chosen:
    """Give what is to run a plan.

    Parameters
    ----------
    asked
        One of `CHOICES`. `auto` gives the compiled engine if it can run the plan; else SimPy, and the reason.
    plan
        What is to be run.

    Raises
    ------
    InputError
        When something else is asked for.
    UnsupportedError
        When the engine that is asked for cannot run the plan.
    """
    check_choice(asked)
    reason = _why_not("compiled", plan) if asked == AUTO else ""
    names = {AUTO: "simpy" if reason else "compiled"}.get(asked, asked)
    chosen = Chosen(asked, named_engines(names), reason)
    for engine in chosen.engines:
        if problem := engine.supports(plan):
            raise UnsupportedError(f"engine {engine.name!r} cannot run this: {problem}")
    _log.info("engine: %s%s", chosen.name, f", because {reason}" if reason else "")
    return chosen


def counting_engine(chosen: Chosen) -> CompiledEngine:
    """Give the engine that counts visits instead of keeping them.

    Raises
    ------
    UnsupportedError
        When another engine runs the plan.
    """
    from canbao.engines.compiled_engine import CompiledEngine

    engine = chosen.engines[0]
    if chosen.name == BOTH or not isinstance(engine, CompiledEngine):
        why = f", but {chosen.reason}" if chosen.reason else f", not by {chosen.name!r}"
        raise UnsupportedError(f"visits can be counted by the compiled engine only{why}; keep the tables")
    return engine


def _why_not(name: str, plan: Plan) -> str:
    """Say why an engine cannot run a plan; an empty string if it can."""
    try:
        return engine_named(name).supports(plan)
    except ImportError as error:
        return _not_there(name, error)


def _not_there(name: str, error: ImportError) -> str:
    return f"the {name} engine cannot be imported ({error})"  # such as a new NumPy for which there is no Numba yet


def named_engines(asked: str) -> tuple[Engine, ...]:
    """Give the engine of a name, or the two for `both`.

    Raises
    ------
    InputError
        When there is none of this name.
    UnsupportedError
        When it cannot be imported.
    """
    check_choice(asked, (*ENGINES, BOTH))
    engines = []
    for name in ENGINES if asked == BOTH else (asked,):
        try:
            engines.append(engine_named(name))
        except ImportError as error:
            raise UnsupportedError(_not_there(name, error)) from error
    return tuple(engines)
