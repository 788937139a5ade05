"""The clock of the service: moments of the scenario, which may pass faster than real time.

It runs through the hours of a calendar. Through one that is always open a day of 24 hours takes as long as it is told
to, so that families can come at night; through the hours of the review a *working* day does, and nights, weekends and
holidays take no time at all. Where it stands is reckoned from the real time at which it was first started, so that it
goes on through a restart.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from canbao.calendar import Calendar, Horizon

__all__ = ["Clock"]

_CHINA = dt.timezone(dt.timedelta(hours=8))


@dataclass(frozen=True)
class Clock:
    """Turns real time into moments of the scenario and back.

    Parameters
    ----------
    horizon
        The dates of the scenario; at its end the clock stands still.
    calendar
        The hours through which it runs; all others are leapt over.
    speed
        Seconds of those hours that pass in a real second.
    start
        The moment at which it starts, in seconds since the first midnight of the horizon.
    origin
        The real time at which it started, in seconds since 1970.
    """

    horizon: Horizon
    calendar: Calendar
    speed: float
    start: float
    origin: float

    def moment(self, real: float) -> float:
        """Give the moment of the scenario at a real time; it never falls."""
        passed = max(real - self.origin, 0.0) * self.speed
        return min(self.calendar.add_open_s(self.start, passed), self.horizon.end_s)

    def real_s(self, start: float, end: float) -> float:
        """Give the real seconds between two moments of the scenario."""
        return self.calendar.open_s(start, max(end, start)) / self.speed

    def text(self, moment: float) -> str:
        """Write a moment as local time, `2025-12-15T08:30:00.000+08:00`."""
        return self.horizon.moment(moment).replace(tzinfo=_CHINA).isoformat(timespec="milliseconds")
