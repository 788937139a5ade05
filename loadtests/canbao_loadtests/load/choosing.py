"""Who comes in a load test, and when: families of a plan, and the period that is compressed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from canbao.arrays import BoolArray, FloatArray, IntArray
from canbao.calendar import Horizon
from canbao.columns import Coded
from canbao.errors import InputError
from canbao.luck import Luck
from canbao.plan import Plan
from canbao.scenario.load import Load
from canbao.scenario.scenario import ScenarioFile

__all__ = ["Chosen", "Wishes", "choose", "online_channels"]

_DAY_S = 86_400.0
_DAYS = 3
"""The default period: the busiest day and the two before it."""
_PREFERS = "_prefers {}"
"""The column of the families that begin with a channel (`canbao.assembly`)."""


@dataclass(frozen=True)
class Wishes:
    """What was asked for besides the scenario; None where the scenario decides.

    Parameters
    ----------
    families
        How many families come.
    duration_s
        How many real seconds the period takes.
    rate
        Families a real second, which decides how long it takes.
    """

    families: int | None = None
    duration_s: float | None = None
    rate: float | None = None


@dataclass(frozen=True, eq=False)
class Chosen:
    """Families, their moments, and how fast the clock runs.

    Parameters
    ----------
    families
        Indices into the plan's families, by moment.
    moments
        When each comes, in seconds since the first midnight of the horizon, rising.
    start_s, end_s
        The period.
    speed
        Seconds of the scenario in a real second.
    channels
        Their channels.
    """

    families: IntArray
    moments: FloatArray
    start_s: float
    end_s: float
    speed: float
    channels: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        """How many real seconds the period takes."""
        return (self.end_s - self.start_s) / self.speed

    @property
    def rate(self) -> float:
        """Families a real second, on average."""
        return len(self.families) / self.duration_s


def online_channels(file: ScenarioFile) -> tuple[str, ...]:
    """Give the names of the online channels that a load test of this scenario is about.

    Raises
    ------
    InputError
        When there is none, or one that `load.channels` names is not online.
    """
    online = [name for name, channel in file.scenario.channels.items() if getattr(channel, "online", False)]
    offline = [name for name in file.scenario.load.channels if name not in online]
    if offline:
        raise InputError(
            f"load.channels names {offline[0]!r}, which is not online; a load test is about: {', '.join(online)}"
        )
    if not online:
        raise InputError(
            f"scenario {file.name!r} has no online channel, so that nothing of it can be load-tested; add one of kind "
            '"portal" or "app"'
        )
    return tuple(file.scenario.load.channels or online)


def choose(file: ScenarioFile, plan: Plan, wishes: Wishes = Wishes()) -> Chosen:
    """Choose the families of a load test: those that begin with an online channel, and come in the period.

    Fewer of them are drawn by chance; the smaller set is a part of every larger one, so that a run with more families
    has the same families and some besides. They keep their moments.

    Raises
    ------
    InputError
        When nobody comes, or the period is not within the horizon.
    """
    load, channels = file.scenario.load, online_channels(file)
    theirs = _theirs(plan, channels)
    start_s, end_s = _period(load, file.horizon, plan.arrival[theirs])
    inside = np.flatnonzero(theirs & (plan.arrival >= start_s) & (plan.arrival < end_s))
    if not len(inside):
        raise InputError(
            f"nobody comes to {' or '.join(channels)} from {_said(file.horizon, start_s)} to "
            f"{_said(file.horizon, end_s)}; name another period with load.start and load.end"
        )
    families = _drawn(inside, wishes.families or load.families, plan.luck)
    by_moment = families[np.argsort(plan.arrival[families], kind="stable")]
    duration_s = _duration(wishes, load, len(families))
    return Chosen(by_moment, plan.arrival[by_moment], start_s, end_s, (end_s - start_s) / duration_s, channels=channels)


def _duration(wishes: Wishes, load: Load, families: int) -> float:
    if wishes.rate is not None:
        return families / wishes.rate
    return load.duration if wishes.duration_s is None else wishes.duration_s


def _theirs(plan: Plan, channels: Sequence[str]) -> BoolArray:
    """Tell which families begin with one of some channels."""
    columns = [plan.columns[_PREFERS.format(name)] for name in channels]
    begins = [np.asarray(column) > 0 for column in columns if not isinstance(column, Coded)]
    theirs: BoolArray = np.any(begins, axis=0) & ~np.isnan(plan.arrival)
    return theirs


def _drawn(families: IntArray, count: int | None, luck: Luck) -> IntArray:
    """Draw some of the families: those with the least luck, so that one more family changes nobody else."""
    if count is None or count >= len(families):
        return families
    drawn = luck.uniforms("load: comes", int(families.max()) + 1)[families]
    return families[np.argsort(drawn, kind="stable")[:count]]


def _period(load: Load, horizon: Horizon, arrivals: FloatArray) -> tuple[float, float]:
    """Give the period: as the scenario says, else the busiest day and the two before it."""
    start_s, end_s = load.start_s(horizon), load.end_s(horizon)
    if start_s is None and end_s is None:
        day = _busiest(arrivals)
        start_s, end_s = max(day - _DAYS + 1, 0) * _DAY_S, (day + 1) * _DAY_S
    elif start_s is None:
        assert end_s is not None
        start_s = max((math.ceil(end_s / _DAY_S) - _DAYS) * _DAY_S, 0.0)
    elif end_s is None:
        end_s = min((math.floor(start_s / _DAY_S) + _DAYS) * _DAY_S, horizon.end_s)
    for key, moment in (("start", start_s), ("end", end_s)):
        if not 0.0 <= moment <= horizon.end_s:
            raise InputError(
                f"load.{key} {_said(horizon, moment)} is outside the horizon; allowed: {horizon.start} to {horizon.end}"
            )
    return start_s, end_s


def _busiest(arrivals: FloatArray) -> int:
    """Give the day on which most come; the last of several."""
    if not len(arrivals):
        return 0
    by_day = np.bincount((arrivals // _DAY_S).astype(np.int64))
    return int(np.flatnonzero(by_day == by_day.max())[-1])


def _said(horizon: Horizon, moment: float) -> str:
    return f"{horizon.moment(moment):%Y-%m-%d %H:%M}"
