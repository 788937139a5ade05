"""One settings class under test, in a small district that uses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from canbao.columns import Coded, Column
from canbao.district import District
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.scenario import ScenarioFile
from canbao.testing.district import registered_also, small_district
from canbao.testing.findings import Findings, kind_of
from canbao.testing.season import read, season
from canbao.trace import Trace

__all__ = ["ALONE", "PURE", "Trial", "begin", "first_of"]

PURE = "must give the same when it is called again: no clock, no random numbers but those of the luck that it is given"
ALONE = "must not depend on how many other families there are: calibrate on district.typical, draw with district.luck"

Where = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Puts the table of the settings under test into a scenario."""


@dataclass(frozen=True)
class Trial:
    """One settings class under test."""

    findings: Findings
    plugins: Plugins
    changes: Mapping[str, Any]
    """What makes the small scenario use it."""

    def file(self) -> ScenarioFile:
        """Give the scenario that uses it."""
        return read(self.changes, self.plugins, self.findings)

    def district(self) -> District:
        """Give the district that uses it."""
        return small_district(self.changes, self.plugins)

    def smaller(self) -> District:
        """Give the same district with half the residents: its families are the first ones of the other."""
        population = {**self.changes.get("population", {"kind": "city"}), "residents": 450}
        changes = {**self.changes, "population": population}
        return small_district(changes, self.plugins)

    def expect(self, holds: object, otherwise: str) -> bool:
        """Note what must change where something does not hold; tell whether it does."""
        return self.findings.expect(bool(holds), otherwise)

    def insist(self, holds: object, otherwise: str) -> None:
        """As `expect`, but go no further where it does not hold."""
        if not self.expect(holds, otherwise):
            self.findings.settle()

    def behaves(self, thing: object, protocol: type[Any]) -> None:
        """See that all methods are there."""
        wanted = [name for name in vars(protocol) if not name.startswith("_")]
        missing = [name for name in wanted if not hasattr(thing, name)]
        self.insist(not missing, f"it lacks {', '.join(missing)}; see {protocol.__module__}.{protocol.__name__}")

    def season(self) -> Trace:
        """Run a season, and raise if anything was noted by then."""
        trace = season(self.file(), self.findings)
        self.findings.settle()
        return trace


def begin(
    table: str, model: type[Any], settings: Mapping[str, Any] | None, plugins: Plugins | None, where: Where
) -> Trial:
    """Look at a settings class as such, register it, and put it into the small scenario."""
    findings = Findings(f"{table}: {getattr(model, '__name__', model)!s}")
    kind = kind_of(model, findings)
    known = registered_also(plugins or load_plugins(), table, kind, model)
    return Trial(findings, known, where({"kind": kind, **(settings or {})}))


def first_of(column: Column, count: int) -> Column:
    """Give a column of the first families."""
    return column.take(np.arange(count)) if isinstance(column, Coded) else column[:count]
