"""Who hears of a load test while it goes on, and who writes about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from canbao.errors import PluginError
from canbao.languages import ENGLISH, Language
from canbao.plan import Plan
from canbao.plugins import Plugins
from canbao.runs.storing import Stages, report_run
from canbao.trace import Trace
from canbao_loadtests.load.folder import LoadFolder

__all__ = ["Fit", "Hear", "Telling"]

Hear: TypeAlias = Callable[[Mapping[str, Any]], None]
"""Is told once a second how the load goes: moment, arrived, in_flight, in_review, requests_s and so on."""

Fit: TypeAlias = Callable[[LoadFolder, Plan, Trace, "Telling"], Mapping[str, Any]]
"""Says which of a scenario's assumptions a load test found off, as JSON, and keeps it in the folder."""


def _nobody(*_: object) -> None:
    """Hear and say nothing."""


@dataclass(frozen=True, eq=False)
class Telling:
    """Who is told.

    Parameters
    ----------
    plugins
        Those that hear of runs, and whose reporters write.
    language
        That of what is written for people.
    stages
        Is told the stage and which share of it is done: those of a simulation, and `load`.
    second
        Is told once a second how the load goes.
    fit
        Holds the scenario's assumptions against what was measured; None where nobody asks.
    """

    plugins: Plugins
    language: Language = ENGLISH
    stages: Stages = field(default_factory=lambda: Stages(_nobody))
    second: Hear = _nobody
    fit: Fit | None = None

    def apart(self) -> Stages:
        """Give stages whose time is counted apart."""
        return Stages(self.stages.watch)

    def report(self, summary: Mapping[str, Any], folder: Path) -> list[PluginError]:
        """Let every reporter write."""
        return report_run(summary, folder, self.plugins, self.language)
