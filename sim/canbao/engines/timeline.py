"""SimPy's environment with one addition: events at absolute times, in a written order where times are equal.

The order of simultaneous events, for every engine:

0. what follows at once from something that has happened (a family resumes after it gave up),
1. departures: a service ends,
2. schedules: staff changes, doors open or close, a batch is released,
3. patience runs out,
4. arrivals: a family comes from outside, or from a delay,

and within each by the number of the family or station. Within one event: the family that is served moves on first;
then its server takes the next one.
"""

from __future__ import annotations

from heapq import heappush

from simpy import Environment, Event

__all__ = ["ARRIVAL", "AT_ONCE", "DEPARTURE", "PATIENCE", "SCHEDULE", "Timeline"]

_RANK = 1 << 48
AT_ONCE, DEPARTURE, SCHEDULE, PATIENCE, ARRIVAL = (rank * _RANK for rank in range(5))


class Timeline(Environment):
    """An environment whose clock starts at 0."""

    def fire(self, event: Event, time: float, rank: int, number: int, value: object = None) -> None:
        """Let `event` happen at `time`, with this rank and number among simultaneous events.

        SimPy's own `schedule` takes a delay, and `now + delay` is not always the time that was meant, to the last bit.
        """
        event._ok = True
        event._value = value
        # SimPy types the rank as one of its own two priorities; any number that can be compared will do.
        heappush(self._queue, (time, rank + number, next(self._eid), event))  # type: ignore[misc]

    def timer(self, time: float, rank: int, number: int) -> Event:
        """Give an event that happens at `time`."""
        event = Event(self)
        self.fire(event, time, rank, number)
        return event
