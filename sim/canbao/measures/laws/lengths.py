"""Services and patience last as long as luck says."""

from __future__ import annotations

import numpy as np

from canbao.measures.laws.draws import drawn
from canbao.measures.laws.places import Place
from canbao.plan import Plan

__all__ = ["lengths"]


def lengths(here: Place, plan: Plan) -> str:
    """Check that services and patience last as drawn; a service may last longer where its way out was blocked."""
    visits = here.visits
    ready = visits.start + drawn(visits, plan, lambda step: step.service)
    patience = visits.enter + drawn(visits, plan, lambda step: step.patience)
    wrong = (visits.leave < ready) | (here.waited_until > patience)
    wrong |= visits.ended_as("abandoned") & (visits.leave != patience)
    if not any(station.blocks for station in plan.stations):
        wrong |= visits.leave > ready
    if not wrong.any():
        return ""
    first = np.flatnonzero(wrong)[np.argmin(visits.row[wrong])]
    return f"family {visits.family[first]}, entered at {visits.enter[first]}, was not as long there as was drawn"
