"""Who runs the enrolment network: what a contender is, and all of them by name.

A contender gets a case and has it at hand in its own form before anything is timed. What it does within `run` is timed.
Before that it says whether what it makes of the families is what the SimPy engine makes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Protocol

from canbao.engines import engine_named
from canbao.plan import Plan
from enrolment import Samples, Visits, drawn, visits_of, with_samples


@dataclass(frozen=True, eq=False)
class Case:
    """The families of a benchmark, in every form that a contender may need."""

    plan: Plan

    @cached_property
    def samples(self) -> Samples:
        """All draws of the plan."""
        return drawn(self.plan)

    @cached_property
    def drawn_plan(self) -> Plan:
        """A plan with all draws in columns."""
        return with_samples(self.samples)

    @cached_property
    def reference(self) -> Visits:
        """The visits that the SimPy engine finds, which is the specification."""
        return visits_of(engine_named("simpy").run(self.plan))


class Contender(Protocol):
    """What the harness asks of a contender."""

    title: str
    """Its name in the table."""
    draws: bool
    """Whether it draws its samples within the time that is taken."""
    checked: str
    """What agrees with the reference, in words."""

    def run(self) -> object:
        """Simulate all families; this is timed."""
        ...

    def fault(self, reference: Visits) -> str:
        """Say where it differs from the reference, or give an empty string."""
        ...


class AbsentError(Exception):
    """Says why a contender cannot run here."""


NAMES = {
    "simpy": "contender_simpy:IdiomaticSimpy",
    "ciw": "contender_ciw:CiwNetwork",
    "salabim": "contender_salabim:Salabim",
    "cimba": "contender_cimba:Cimba",
    "canbao-simpy": "contender_canbao:SimpyEngine",
    "compiled": "contender_canbao:CompiledEngine",
    "compiled-drawn": "contender_canbao:CompiledDrawn",
    "summary": "contender_canbao:Summary",
    "c": "contender_c:CKernel",
    "c-lazy": "contender_c:LazyCKernel",
}
"""Where each contender is, by the name that `--only` takes."""


def kinds(names: Iterable[str]) -> tuple[dict[str, Callable[[Case], Contender]], dict[str, str]]:
    """Import contenders; give those that are there, and of the others the reason.

    All are imported before any runs: Cimba's additions to Numba do not take if Numba has compiled something before.
    """
    found: dict[str, Callable[[Case], Contender]] = {}
    absent: dict[str, str] = {}
    for name in names:
        module, _, kind = NAMES[name].partition(":")
        try:
            found[name] = getattr(import_module(module), kind)
        except ImportError as error:
            absent[name] = str(error)
    return found, absent
