"""A scenario with other duties, as a model: what one season says of a plan."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from canbao.arrays import np
from canbao.assembly import scenario_plan
from canbao.engines.choosing import choose_engine
from canbao.engines.memory import Need
from canbao.experiments.checksums import checksum_of
from canbao.experiments.measured import measures_of
from canbao.experiments.models import ScenarioModel
from canbao.experiments.staffing.cells import Cell
from canbao.experiments.staffing.places import Duty, Place, staffed_as
from canbao.measures.summary import summarise
from canbao.scenario.faults import dotted

__all__ = ["WAITING", "StaffedModel", "overrides_of"]

WAITING = "waiting."
"""How the measures begin that tell the hours of waiting in each cell; its number follows."""

_KEPT = ("objectives.", "money.costs.", "stations.", "families.enrolled_share", "deadline.in_time_share")
"""Of the measures of a run, those that a plan is judged by; a search tries hundreds of plans."""


@dataclass(frozen=True)
class StaffedModel:
    """A scenario with some of its places staffed otherwise.

    Parameters
    ----------
    scenario
        The scenario as it is.
    duties
        How many serve at each place that is changed.
    cells
        Where hours of waiting are added up, to tell the bottleneck.
    """

    scenario: ScenarioModel
    duties: tuple[tuple[Place, Duty], ...]
    cells: tuple[Cell, ...] = ()

    @property
    def families(self) -> int:
        """How many families it has."""
        return self.scenario.families

    def replicate(self, seed: int) -> Mapping[str, float]:
        """Simulate a season; give what the plan is judged by, and the hours of waiting in each cell."""
        file = staffed_as(self.scenario.opened(), dict(self.duties))
        plan = scenario_plan(file, seed)
        trace = choose_engine(self.scenario.engine, plan).run(plan)
        summary = summarise(file, plan, trace, laws=False)
        kept = {name: value for name, value in measures_of(summary).items() if name.startswith(_KEPT)}
        return kept | self._waiting(summary["hours"])

    def _waiting(self, hours: Mapping[str, Any]) -> dict[str, float]:
        return {
            f"{WAITING}{number}": sum(_waited(hours[station], cell) for station in cell.stations)
            for number, cell in enumerate(self.cells)
        }

    def command(self, seed: int) -> str:
        """Give the command that repeats a replication alone."""
        said = [word for text in overrides_of(self.duties) for word in ("--set", text)]
        return f"{self.scenario.command(seed)} {shlex.join(said)}".strip()

    def key(self) -> str:
        """Give a checksum of everything that the result depends on, but for the seed."""
        return self._key

    def prepare(self) -> Need:
        """Compile the engine if need be, and give the memory of a replication."""
        return self.scenario.prepare()

    @cached_property
    def _key(self) -> str:
        return checksum_of("staffed", self.scenario.key(), [repr(duty) for duty in self.duties], repr(self.cells))


def _waited(hours: Mapping[str, Any], cell: Cell) -> float:
    waiting = np.asarray(hours["waiting"])
    staffed = np.asarray(hours["staff"]) > 0 if hours["staff"] is not None else np.ones(len(waiting), dtype=np.bool_)
    return float((waiting * staffed) @ cell.covers(len(waiting)))


def overrides_of(duties: Sequence[tuple[Place, Duty]]) -> list[str]:
    """Give duties as `path=value` texts, as `--set` takes them."""
    from canbao.experiments.staffing.rota import shift_tables

    found = []
    for place, duty in duties:
        found.append(f"{dotted((*place.path, place.key))}={duty.count}")
        if place.key == "staff":
            tables = ", ".join(_inline(table) for table in shift_tables(duty))
            found.append(f"{dotted((*place.path, 'shifts'))}=[{tables}]")
    return found


def _inline(table: Mapping[str, Any]) -> str:
    import tomli_w

    pairs = (tomli_w.dumps({key: value}).strip() for key, value in table.items())
    return f"{{ {', '.join(' '.join(pair.split()) for pair in pairs)} }}"
