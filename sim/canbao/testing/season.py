"""A season of the small district with a plugin in it, and what must hold of every season."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from canbao.assembly import scenario_plan
from canbao.engines import engine_named
from canbao.errors import ScenarioError
from canbao.measures.laws import check_laws
from canbao.plugins import Plugins
from canbao.scenario.scenario import ScenarioFile
from canbao.testing.district import small_scenario
from canbao.testing.findings import Findings
from canbao.trace import Trace, same_tables

__all__ = ["read", "season"]

_PURE = "it must be a function of its settings and of the luck that it is given: no clock, no random numbers of its own"


def read(changes: Mapping[str, Any], plugins: Plugins, findings: Findings) -> ScenarioFile:
    """Read the small scenario with the settings under test in it."""
    try:
        return small_scenario(changes, plugins)
    except ScenarioError as error:
        said = "; ".join(f"{fault.key}: {fault.problem}" for fault in error.faults)
        findings.expect(False, f"its settings must be valid as they are given, defaults included, but: {said}")
        findings.settle()
        raise AssertionError from error  # never reached


def season(file: ScenarioFile, findings: Findings) -> Trace:
    """Run a season twice; note if the two differ or a law does not hold."""
    engine = engine_named("simpy")
    with findings.calling("a season with it"):
        plan = scenario_plan(file)
        trace = engine.run(plan)
        again = engine.run(scenario_plan(file))
    for name in ("families", "visits", "stations"):
        difference = same_tables(getattr(trace, name), getattr(again, name))
        findings.expect(not difference, f"{_PURE}; two seasons of one seed differ in table {name}: {difference}")
    came, traced = int((plan.arrival < plan.until).sum()), len(trace.families["family"])
    findings.expect(came == traced, f"families got lost: {came} came, the trace has {traced}")
    for law in check_laws(trace, plan):
        findings.expect(law.holds, f"a law of every season does not hold: {law.name}: {law.detail}")
    return trace
