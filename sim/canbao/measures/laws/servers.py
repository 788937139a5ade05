"""Servers: what they do, when they are on duty, and that none is idle while somebody waits."""

from __future__ import annotations

import numpy as np

from canbao.measures.laws.law import CLOSE, alike
from canbao.measures.laws.places import Place, around
from canbao.plan import StationPlan
from canbao.trace import INSIDE, Trace

__all__ = ["little", "no_idling", "one_at_a_time", "staffed", "utilisation"]


def little(here: Place) -> str:
    """Check that the integral of the number inside equals the sum of the stays."""
    course = here.course
    inside = course.waiting + course.serving
    if len(inside) and inside.min() < 0:
        return f"{inside.min()} families inside"
    area = float((inside * course.lengths).sum())
    visits = here.visits
    stays = float((np.where(visits.ended_as(INSIDE), here.until, visits.leave) - visits.enter).sum())
    return "" if alike(area, stays) else f"the number inside adds up to {area}, the stays to {stays}"


def _tally(here: Place, trace: Trace, name: str) -> float:
    return float(np.asarray(trace.stations[name])[here.index])


def utilisation(here: Place, trace: Trace) -> str:
    """Check that servers and visits tell the same number of services, and the same time."""
    served = float((here.left - here.visits.start)[here.served].sum())
    busy, starts = _tally(here, trace, "busy_s"), _tally(here, trace, "starts")
    if starts != here.served.sum():
        return f"the servers began {starts:.0f} services, visits say {here.served.sum()}"
    return "" if alike(busy, served) else f"the servers were busy for {busy}, visits say {served}"


def _staying(plan: StationPlan) -> list[float]:
    """Give for each change how many servers stay after hours while anybody waits: those of the last open moment."""
    staying, stay, was_open, servers = [], 0.0, plan.changes[0].open, plan.changes[0].servers
    for change in plan.changes:
        stay = 0.0 if change.open or plan.closing != "serve" else servers if was_open else stay
        staying.append(stay)
        was_open, servers = change.open, change.servers
    return staying


def _most_on_duty(plan: StationPlan) -> list[float]:
    """Give for each change how many may begin a service from then on; nobody does where all were sent home."""
    return [
        0.0 if plan.closing == "send home" and not change.open else max(change.servers, stay)
        for change, stay in zip(plan.changes, _staying(plan), strict=True)
    ]


def one_at_a_time(here: Place) -> str:
    """Check that whenever a service begins, no more go on than there are servers who may begin one.

    A server whose shift is over finishes the family in hand: more may go on than are on duty, but none begins.
    """
    course = here.course
    start, serving = course.moments[course.begins], course.serving[course.begins]
    on_duty = np.maximum(*around(here.plan, start, _most_on_duty(here.plan)))
    # A service without length begins and ends at one moment, and is not among those that go on.
    wrong = np.flatnonzero((serving > on_duty) | (on_duty == 0))
    return f"{serving[wrong[0]]} served at {start[wrong[0]]} by {on_duty[wrong[0]]:g} servers" if len(wrong) else ""


def no_idling(here: Place) -> str:
    """Check that between any two events all servers on duty are busy if anybody waits."""
    course = here.course
    wrong = np.flatnonzero((course.waiting > 0) & (course.serving < course.servers))
    if not len(wrong):
        return ""
    at = wrong[0]
    return (
        f"{course.waiting[at]} wait after {course.moments[at]}, "
        f"while {course.serving[at]} of {course.servers[at]:g} servers are busy"
    )


def staffed(here: Place, trace: Trace) -> str:
    """Check staffed time: servers of the schedule, or those who stay while anybody waits, or those not yet done."""
    course, staying = here.course, _staying(here.plan)
    on_duty = np.maximum(course.servers, course.serving)
    if any(staying):
        _, after_hours = around(here.plan, course.moments, staying)
        on_duty = np.maximum(on_duty, np.where(course.waiting > 0, after_hours, 0.0))
    expected = float((on_duty * course.lengths).sum())
    given, busy = _tally(here, trace, "staffed_s"), _tally(here, trace, "busy_s")
    if not (given == expected or alike(given, expected)):
        return f"staffed for {given}, by the schedule and the families in hand for {expected}"
    return "" if busy <= given * (1 + CLOSE) else f"busy for {busy}, staffed for {given}"
