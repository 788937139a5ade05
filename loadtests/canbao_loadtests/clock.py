"""The clock of a load test: a period of the scenario, compressed into minutes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LoadClock"]


@dataclass(frozen=True)
class LoadClock:
    """Real time and the scenario's time, one a straight line of the other.

    Parameters
    ----------
    origin
        The real time, in seconds since 1970, at which the period begins.
    start_s
        The moment of the scenario at that time, in seconds since the first midnight of the horizon.
    speed
        Seconds of the scenario in a real second.
    """

    origin: float
    start_s: float
    speed: float

    def moment(self, real: float) -> float:
        """Give the moment of the scenario at a real time."""
        return self.start_s + (real - self.origin) * self.speed

    def real(self, moment: float) -> float:
        """Give the real time of a moment of the scenario."""
        return self.origin + (moment - self.start_s) / self.speed
