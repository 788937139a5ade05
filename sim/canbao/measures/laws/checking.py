"""All laws, in their order."""

from __future__ import annotations

from collections.abc import Callable

from canbao.measures.laws.doors import doors, reasons, room
from canbao.measures.laws.law import Law
from canbao.measures.laws.lengths import lengths
from canbao.measures.laws.places import Place, place_of
from canbao.measures.laws.rows import conservation, in_two_places, miscounted, out_of_order
from canbao.measures.laws.servers import little, no_idling, one_at_a_time, staffed, utilisation
from canbao.measures.laws.turns import discipline
from canbao.measures.visits import sorted_visits
from canbao.plan import Plan
from canbao.trace import Trace

__all__ = ["check_laws"]


def check_laws(trace: Trace, plan: Plan) -> tuple[Law, ...]:
    """Check all laws.

    Parameters
    ----------
    trace
        What happened.
    plan
        What the engine was given: arrivals, luck, hours, staff, disciplines.

    Returns
    -------
    tuple of Law
        Always the same laws in the same order.
    """
    by_place = sorted_visits(trace)
    places = [place_of(by_place.at(index), plan, index, trace.until) for index in range(len(plan.stations))]

    def everywhere(name: str, fault: Callable[[Place], str]) -> Law:
        faults = (f"{here.plan.name}: {wrong}" for here in places if (wrong := fault(here)))
        first = next(faults, "")
        return Law(name, not first, first or f"{len(places)} stations, {len(by_place.visits.row):,} visits")

    return (
        conservation(trace, plan),
        out_of_order(trace),
        in_two_places(trace),
        miscounted(trace, by_place.visits),
        everywhere("Little's law, L = λW", little),
        everywhere("servers and visits tell the same utilisation", lambda here: utilisation(here, trace)),
        everywhere(
            "staffed time is that of the schedule, and never less than busy time", lambda here: staffed(here, trace)
        ),
        everywhere("a room never holds more than it can", room),
        everywhere("nobody is let in at closed doors, nobody is sent home at open ones", doors),
        everywhere("who turns round has a reason, who joins has none", lambda here: reasons(here, plan)),
        everywhere("a server serves one family at a time, in its hours", one_at_a_time),
        everywhere("nobody waits while a server is free", no_idling),
        everywhere("who is served next is as the discipline says", lambda here: discipline(here, plan)),
        everywhere("services and patience last as long as luck says", lambda here: lengths(here, plan)),
    )
