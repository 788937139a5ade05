"""What the simulation says of a load test, before it begins: the same families, in the same compressed time.

While a real second passes, `speed` seconds of the scenario do. A page that takes a deployment half a second takes half
a minute of a scenario that is sixty times as fast; so in the plan of the prediction the requests at the portal, and how
long families put up with one, are `speed` times as long. What happened there is written down in real seconds again.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, field, replace

import numpy as np

from canbao.arrays import FloatArray
from canbao.assembly.review import REVIEW
from canbao.columns import Coded, Column
from canbao.plan import Change, Draw, EndStep, Plan, PlanStep, StationPlan, VisitStep
from canbao.trace import Trace
from canbao_loadtests.load.choosing import Chosen
from canbao_loadtests.walking.route import EXTRA_OUTCOMES

__all__ = ["in_real_seconds", "predicted_plan", "target_stations", "with_slower_desks"]

_SPEED = "_load speed"
_DESKS = "_load desks"


def target_stations(plan: Plan, known: Set[str]) -> frozenset[int]:
    """Give the stations at which a target that knows some steps of the flow is asked for one; none of the review's."""
    visits = [step for step in plan.steps if isinstance(step, VisitStep)]
    asked = {step.station for step in visits if not known.isdisjoint(step.calls)}
    return frozenset(index for index in asked if plan.stations[index].group != REVIEW)


def predicted_plan(plan: Plan, chosen: Chosen, known: Set[str], until_s: float) -> Plan:
    """Give the plan that a simulation runs to predict a load test.

    Only the chosen families come. The stations of the deployment are open day and night, with requests and patience in
    real seconds; at all others nobody queues, but for the review, whose clerks work in the scenario's time. Whoever
    leaves for a channel that is no part of the test ends there.

    Parameters
    ----------
    plan
        The plan of the scenario.
    chosen
        Who comes, and how fast the clock runs.
    known
        The steps of the flow that the target covers.
    until_s
        The moment at which the load test ends.
    """
    come = np.full(plan.families, math.nan)
    come[chosen.families] = plan.arrival[chosen.families]
    mine = target_stations(plan, known)
    scaled = _Scaled(plan, chosen.speed, _SPEED)
    elsewhere = _elsewhere(plan, chosen.channels)
    steps = tuple(_step(step, index in elsewhere, mine, scaled, plan) for index, step in enumerate(plan.steps))
    return replace(
        plan,
        until=min(until_s, plan.until),
        arrival=come,
        columns={**plan.columns, **scaled.columns},
        stations=tuple(_station(station, index in mine, chosen.speed) for index, station in enumerate(plan.stations)),
        steps=steps,
        outcomes=(*plan.outcomes, EXTRA_OUTCOMES[0]),
    )


def with_slower_desks(plan: Plan, factor: float) -> Plan:
    """Give a plan in which everything at the desks of the review takes `factor` times as long; the luck stays."""
    scaled = _Scaled(plan, factor, _DESKS)
    desks = {index for index, station in enumerate(plan.stations) if station.group == REVIEW}
    steps = tuple(
        replace(step, service=scaled.draw(step.service))
        if isinstance(step, VisitStep) and step.station in desks
        else step
        for step in plan.steps
    )
    stations = tuple(
        replace(station, mean_service=station.mean_service * factor) if index in desks else station
        for index, station in enumerate(plan.stations)
    )
    return replace(plan, columns={**plan.columns, **scaled.columns}, stations=stations, steps=steps)


def in_real_seconds(trace: Trace, stations: Collection[str], speed: float) -> Trace:
    """Write the visits at some stations down as they are measured: they begin when they do, and last real seconds."""
    visits = dict(trace.visits)
    station, enter = visits["station"], visits["enter"]
    assert isinstance(station, Coded)
    assert not isinstance(enter, Coded)
    mine = station.has(*(set(stations) & set(station.labels)))
    for name in ("start", "leave"):
        moment = visits[name]
        assert not isinstance(moment, Coded)
        visits[name] = np.where(mine, enter + (moment - enter) / speed, moment)
    return replace(trace, visits=visits)


@dataclass
class _Scaled:
    """Draws that are `factor` times as long, and the columns that this takes, whose names begin with a word."""

    plan: Plan
    factor: float
    word: str
    columns: dict[str, Column] = field(default_factory=dict)

    def draw(self, draw: Draw) -> Draw:
        if draw.column is None and draw.distribution is None:
            return replace(draw, value=draw.value * self.factor)
        # A sample times a column is what both engines know.
        name = f"{self.word} {draw.by}".rstrip()
        if name not in self.columns:
            column: FloatArray = np.ones(self.plan.families) if draw.column is None else draw.column
            self.columns[name] = column * self.factor
        known = self.columns[name]
        assert not isinstance(known, Coded)
        return replace(draw, column=known, by=name)


def _elsewhere(plan: Plan, channels: Sequence[str]) -> frozenset[int]:
    """Give the steps of the channels that are no part of the deployment."""
    names = [name if channel else None for name, channel in zip(plan.journeys, plan.channels, strict=True)]
    away = {index for index, name in enumerate(names) if name is not None and name not in channels}
    return frozenset(index for index, journey in enumerate(plan.journey_of) if journey in away)


def _step(step: PlanStep, elsewhere: bool, mine: Collection[int], scaled: _Scaled, plan: Plan) -> PlanStep:
    if elsewhere:
        return EndStep(step.index, len(plan.outcomes))
    if not isinstance(step, VisitStep) or step.station not in mine:
        return step
    return replace(step, service=scaled.draw(step.service), patience=scaled.draw(step.patience))


def _station(station: StationPlan, mine: bool, speed: float) -> StationPlan:
    if station.group == REVIEW:
        return station
    if mine:  # a deployment that is tested has no nights of maintenance, and none of the scenario's outages
        slots = max(change.servers for change in station.changes)
        return replace(station, changes=(Change(0.0, slots, True),), mean_service=station.mean_service * speed)
    changes = tuple(change._replace(servers=math.inf) for change in station.changes)
    return replace(station, changes=changes, room=math.inf)
