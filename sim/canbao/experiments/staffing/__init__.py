"""The planner's question: the least staffing that holds every objective with a stated probability.

`plan_staffing` answers it for a scenario, as `canbao plan` does; `plan_servers` for a network of one's own. Theory says
where to begin (`offered`, `carryover`), a search with common random numbers goes on (`climbing`, `trimming`), and fresh
seasons prove what it came to (`evidence`, `proving`).
"""

from __future__ import annotations

from canbao.experiments.staffing.finding import Found, find_least
from canbao.experiments.staffing.levers import Levels, Lever, Look, Promise
from canbao.experiments.staffing.networks import ServerPlan, plan_servers
from canbao.experiments.staffing.planning import StaffingPlan, first_variant, plan_staffing
from canbao.experiments.staffing.proving import Neighbour, Proof, Wanted
from canbao.experiments.staffing.rota import plan_scenario, write_plan
from canbao.experiments.staffing.setting import Order

__all__ = [
    "Found",
    "Levels",
    "Lever",
    "Look",
    "Neighbour",
    "Order",
    "Promise",
    "Proof",
    "ServerPlan",
    "StaffingPlan",
    "Wanted",
    "find_least",
    "first_variant",
    "plan_scenario",
    "plan_servers",
    "plan_staffing",
    "write_plan",
]
