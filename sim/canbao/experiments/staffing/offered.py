"""Where a search begins: how many servers theory asks for, from the load that would be there if nobody ever waited.

With servers without limit, the mean number of busy ones at each hour is the modified offered load: Jennings,
Mandelbaum, Massey and Whitt (1996), Server staffing to meet time-varying demand, Management Science 42, 1383-1394;
Green, Kolesar and Whitt (2007), Coping with time-varying demand when setting staffing requirements for a service
system, Production and Operations Management 16, 13-39. It is taken from simulation, as by Feldman, Mandelbaum, Massey
and Whitt (2008), Management Science 54, 324-338, because families come again, change channels and send papers on.

Where people wait, Erlang's delay formula at that load says how many wait too long. Where papers wait, a night or a
week, the stationary backlog-carryover approach does (`carryover`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from canbao.arrays import BoolArray, FloatArray, np
from canbao.experiments.staffing.carryover import carry_over
from canbao.theory import erlang_c

__all__ = ["Due", "Offered", "least_for_papers", "least_for_waits", "needed_by_day", "square_root"]

_HOUR_S = 3600.0
_DAY_HOURS = 24


@dataclass(frozen=True, eq=False)
class Offered:
    """What comes to a place when nobody waits; arrays of shape (hours,), means over seasons."""

    arrivals: FloatArray
    load: FloatArray
    """Mean number of servers at work: the modified offered load."""
    open_hours: FloatArray
    """Which part of each hour the place is open."""
    mean_service_s: float

    @property
    def days(self) -> int:
        """How many days there are."""
        return len(self.load) // _DAY_HOURS

    @property
    def hours_by_day(self) -> FloatArray:
        """Hours of each day on which it is open, shape (days,)."""
        return np.asarray(self.open_hours.reshape(self.days, _DAY_HOURS).sum(axis=1))

    @property
    def work_by_day(self) -> FloatArray:
        """Server hours of work that come on each day, shape (days,)."""
        return np.asarray(self.arrivals.reshape(self.days, _DAY_HOURS).sum(axis=1) * self.mean_service_s / _HOUR_S)


@dataclass(frozen=True)
class Due:
    """When papers have to be done."""

    days: float
    """Open days that they may take."""
    share: float
    """The share of them that has to keep to it."""


def square_root(load: float, beta: float = 1.0) -> float:
    """Give the load and `beta` times its root: with 1, about one in four waits; Halfin and Whitt (1981), OR 29."""
    return load + beta * math.sqrt(load)


def needed_by_day(offered: Offered, days_allowed: float) -> FloatArray:
    """Give the servers that each day asks for, to cut the season into periods; shape (days,), 0 where it is closed.

    Parameters
    ----------
    offered
        What comes.
    days_allowed
        0 where people wait: then it is the busiest hour's square-root staffing. Else the open days over which the work
        of a day may be spread.
    """
    open_days = offered.hours_by_day > 0
    if not days_allowed:
        busiest = offered.load.reshape(offered.days, _DAY_HOURS).max(axis=1)
        return np.where(open_days, [square_root(load) for load in busiest], 0.0)
    hours, work = offered.hours_by_day[open_days], _moved_to_open(offered.work_by_day, open_days)
    span = max(1, round(days_allowed))
    spread = [work[max(0, day - span + 1) : day + 1].sum() for day in range(len(work))]
    room = [hours[max(0, day - span + 1) : day + 1].sum() for day in range(len(hours))]
    needed = np.zeros(offered.days)
    needed[open_days] = np.divide(spread, room)
    return needed


def _moved_to_open(work: FloatArray, open_days: BoolArray) -> FloatArray:
    """Move the work of each closed day to the next open one; shape (open days,)."""
    number, last = np.cumsum(open_days, dtype=np.int64) - open_days, int(open_days.sum())
    moved = np.zeros(last)
    if last:
        np.add.at(moved, np.minimum(number, last - 1), work)
    return moved


def least_for_waits(
    loads: FloatArray, arrivals: FloatArray, mean_service_s: float, within_s: float, share: float
) -> int:
    """Give the least servers at which a share of those who come at these hours waits no longer than a limit.

    Erlang's delay formula, first come, first served, at each hour's offered load; an hour with more load than servers
    makes everybody wait too long.
    """
    coming = float(arrivals.sum())
    count = max(1, math.ceil(float(loads.max(initial=0.0)) / 2))
    while coming > 0 and _late(loads, arrivals, count, within_s / mean_service_s) > (1 - share) * coming:
        count += 1
    return count


def _late(loads: FloatArray, arrivals: FloatArray, count: int, limit: float) -> float:
    """Give how many of those who come wait longer than `limit` mean services."""
    late = 0.0
    for load, came in zip(loads.tolist(), arrivals.tolist(), strict=True):
        if load >= count:
            late += came
        elif load > 0:
            late += came * erlang_c(count, load) * math.exp(-(count - load) * limit)
    return late


def least_for_papers(
    offered: Offered, first_day: int, last_day: int, due: Due, carried_in: float = 0.0
) -> tuple[int, float]:
    """Give the least servers at which a share of the papers of some days is done in time, and the backlog behind them.

    Parameters
    ----------
    offered
        What comes.
    first_day, last_day
        The days, both included.
    due
        When papers have to be done.
    carried_in
        The backlog before the first day.
    """
    hours = slice(first_day * _DAY_HOURS, (last_day + 1) * _DAY_HOURS)
    arrivals, is_open = offered.arrivals[hours], offered.open_hours[hours] >= 0.5
    pieces = max(1, round(_HOUR_S / offered.mean_service_s))
    day_hours = float(offered.hours_by_day.max(initial=0.0)) or 1.0
    allowed = due.days * day_hours * pieces
    count = max(1, math.floor(0.8 * float(arrivals.sum()) / pieces / max(1.0, float(is_open.sum()))))
    while True:
        carried = carry_over(
            np.repeat(arrivals / pieces, pieces), np.repeat(is_open * float(count), pieces), carried_in=carried_in
        )
        backlog = carried.backlog[pieces - 1 :: pieces]
        late = float(arrivals[backlog > allowed * count].sum())
        if late <= (1 - due.share) * float(arrivals.sum()) and (len(backlog) == 0 or backlog[-1] <= allowed * count):
            return count, float(backlog[-1]) if len(backlog) else carried_in
        count += 1
