"""`canbao load`, at whose end the assumptions of its scenario are held against what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from canbao_loadtests.load.command import load_command

if TYPE_CHECKING:
    from canbao.plan import Plan
    from canbao.trace import Trace
    from canbao_loadtests.load.folder import LoadFolder
    from canbao_loadtests.load.telling import Telling

__all__ = ["command"]


def _fit(load: LoadFolder, plan: Plan, trace: Trace, telling: Telling) -> Mapping[str, Any]:
    """Import what fits when there is something to fit."""
    from canbao_loadtests.calibrating.at_once import fit_at_once

    return fit_at_once(load, plan, trace, telling)


command = load_command(_fit)
"""The command."""
