"""From a scenario to a network: everybody's part, joined by the three labels that `district` names."""

from __future__ import annotations

from canbao.assembly.assembling import assemble, count_families, make_district, scenario_plan

__all__ = ["assemble", "count_families", "make_district", "scenario_plan"]
