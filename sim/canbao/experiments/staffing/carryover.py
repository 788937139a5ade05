"""Queues whose arrivals and servers change over time, by formulas for those that do not.

Stolletz (2008), Approximation of the non-stationary M(t)/M(t)/c(t)-queue using stationary queueing models: the
stationary backlog-carryover approach, European Journal of Operational Research 190, 478-493. Time is cut into periods
as long as a mean service. In each, Erlang's loss formula says which part of those who come is not served within it;
they are carried over and come again in the next one. A place that is closed carries everything over, so that an
overload, a night or a holiday is no special case.
"""

from __future__ import annotations

from dataclasses import dataclass

from canbao.arrays import FloatArray, np
from canbao.errors import InputError
from canbao.theory import erlang_b, erlang_c

__all__ = ["Carried", "carry_over"]


@dataclass(frozen=True)
class Carried:
    """What becomes of each period; arrays of shape (periods,)."""

    backlog: FloatArray
    """Families that are carried over to the next period."""
    utilisation: FloatArray
    """Expected share of the servers that is busy; 0 where nobody serves."""
    waiting: FloatArray
    """Mean number waiting: of M/M/c at this utilisation where no backlog is carried for longer, else the backlog."""


def carry_over(arrivals: FloatArray, servers: FloatArray, *, carried_in: float = 0.0) -> Carried:
    """Follow the backlog through the periods.

    Parameters
    ----------
    arrivals
        Expected arrivals in each period, which is as long as a mean service; shape (periods,).
    servers
        Whole numbers of servers in each period, shape (periods,).
    carried_in
        The backlog before the first period.
    """
    if len(arrivals) != len(servers):
        raise InputError(f"arrivals and servers must be as many, given {len(arrivals)} and {len(servers)}")
    backlog, busy = np.zeros(len(arrivals)), np.zeros(len(arrivals))
    left = carried_in
    for period, (came, count) in enumerate(zip(arrivals.tolist(), servers.tolist(), strict=True)):
        offered = came + left
        lost = erlang_b(int(count), offered) if offered > 0 else 0.0
        left = offered * lost
        backlog[period], busy[period] = left, offered - left
    utilisation = np.divide(busy, servers, out=np.zeros(len(busy)), where=servers > 0)
    return Carried(backlog, utilisation, _waiting(backlog, busy, servers))


def _waiting(backlog: FloatArray, busy: FloatArray, servers: FloatArray) -> FloatArray:
    """Give the larger of M/M/c's queue at the modified arrival rate (section 3.2 there) and of the backlog itself."""
    stationary = [
        erlang_c(int(count), load) * load / (count - load) if 0 < load < count * (1 - 1e-9) else 0.0
        for load, count in zip(busy.tolist(), servers.tolist(), strict=True)
    ]
    overloaded = backlog > servers
    return np.where(overloaded, backlog, stationary)
