"""Rooms and doors: who is let in, who is turned away, and who is sent home."""

from __future__ import annotations

import numpy as np

from canbao.arrays import FloatArray
from canbao.measures.laws.draws import drawn, endless
from canbao.measures.laws.places import Place, around
from canbao.measures.visits import Visits
from canbao.plan import Draw, Plan, VisitStep

__all__ = ["doors", "reasons", "room"]


def room(here: Place) -> str:
    """Check that no more are inside than there is room for."""
    course = here.course
    inside = course.waiting + course.serving
    wrong = np.flatnonzero(inside > here.plan.room)
    return f"{inside[wrong[0]]} inside at {course.moments[wrong[0]]}, room for {here.plan.room:g}" if len(wrong) else ""


def doors(here: Place) -> str:
    """Check that doors are open to those who are let in or find it full, and closed to the others."""
    visits, away, closed = here.visits, here.away, here.away.ended_as("closed")
    sent_home = visits.ended_as("sent home")
    states = [change.open for change in here.plan.changes]
    for who, moments, should_be_open, what in (
        (visits, visits.enter, True, "was let in"),
        (away.take(~closed), away.enter[~closed], True, "found it full"),
        (away.take(closed), away.enter[closed], False, "was turned away as from closed doors"),
        (visits.take(sent_home), visits.leave[sent_home], False, "was sent home"),
    ):
        ordered = np.sort(moments)
        before, after = around(here.plan, ordered, states)
        wrong = np.flatnonzero((before != should_be_open) & (after != should_be_open))
        if len(wrong):
            first = np.argsort(moments)[wrong[0]]
            return f"family {who.family[first]} {what} at {moments[first]}"
    return ""


def reasons(here: Place, plan: Plan) -> str:
    """Check that whoever found the room full or the queue too long had reason to, and that who joined had none.

    At one moment families come and go; the reason may have been there at any instant of it.
    """
    for who, what in ((_turned_round(here, plan), "turned round"), (_joined(here, plan), "joined")):
        if len(who.row):
            first = np.argmin(who.row)
            return f"family {who.family[first]} {what} at {who.enter[first]}"
    return ""


def _turned_round(here: Place, plan: Plan) -> Visits:
    """Find those who turned round though there was room, or the queue was no longer than they bear."""
    away = here.away
    if not len(away.row):
        return away
    came = np.searchsorted(np.sort(here.visits.enter), away.enter, side="right")

    def most(gone: FloatArray) -> FloatArray:
        return np.asarray(came - np.searchsorted(np.sort(gone), away.enter), dtype=np.float64)

    full = away.ended_as("full") & (most(here.left) < here.plan.room)
    return away.take(full | (away.ended_as("baulked") & (most(here.waited_until) < drawn(away, plan, _baulk_at))))


def _joined(here: Place, plan: Plan) -> Visits:
    """Find those who joined a queue longer than they bear."""
    # Who waits at the door of a full room looks at the queue when it comes there, and enters later.
    if here.plan.blocks or endless(here.visits, plan, _baulk_at):
        return here.visits.take(slice(0))
    waiting = here.visits.take(here.waits)
    gone = np.searchsorted(np.sort(here.waited_until), waiting.enter, side="right")
    fewest = np.searchsorted(np.sort(here.visits.enter), waiting.enter) - gone
    return waiting.take((fewest >= drawn(waiting, plan, _baulk_at)) & (fewest > 0))


def _baulk_at(step: VisitStep) -> Draw:
    return step.baulk_at
