"""Objectives judged: which promises were held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from canbao.arrays import FloatArray
from canbao.columns import Coded
from canbao.measures.reviews import Rounds
from canbao.measures.samples import share
from canbao.scenario import objectives as wanted
from canbao.trace import Trace

__all__ = ["Findings", "judge"]


@dataclass(frozen=True)
class Findings:
    """What objectives are judged by."""

    waits: FloatArray
    visit_group: Coded
    trace: Trace
    rounds: Rounds
    deadline: Mapping[str, Any] | None
    newborns: Mapping[str, Any] | None


def judge(name: str, objective: wanted.Objective, findings: Findings) -> dict[str, Any]:
    """Give what was wanted, what was found, and whether it held; `held` is None where nothing was there to judge."""
    value = _VALUES[type(objective)](objective, findings)
    limit = {key: getattr(objective, key) for key in ("at_least", "at_most") if hasattr(objective, key)}
    held = None if value is None else value >= limit["at_least"] if "at_least" in limit else value <= limit["at_most"]
    return {
        "name": name,
        "title": objective.title or name,
        "kind": objective.kind,
        "wanted": objective.model_dump(exclude={"title", "kind"}),
        "value": value,
        "unit": "s" if objective.kind == "wait" else "share",
        "held": held,
    }


def _review(objective: wanted.ReviewObjective, findings: Findings) -> float | None:
    rounds = findings.rounds
    known = [name for name in objective.channels if name in rounds.channel.labels]
    return rounds.share_within(objective.within, rounds.channel.has(*known) if objective.channels else None)


def _deadline(_: wanted.DeadlineObjective, findings: Findings) -> float | None:
    return None if findings.deadline is None else findings.deadline["in_time_share"]


def _wait(objective: wanted.WaitObjective, findings: Findings) -> float | None:
    waits = findings.waits[_in_channel(objective.channel, findings)]
    waits = waits[~np.isnan(waits)]
    # An order statistic, not an interpolation: at least this share waited no longer.
    return float(np.quantile(waits, objective.share, method="inverted_cdf")) if len(waits) else None


def _abandonment(objective: wanted.AbandonmentObjective, findings: Findings) -> float | None:
    mine = _in_channel(objective.channel, findings)
    ended: Any = findings.trace.visits["ended"]
    lost = ended.has("abandoned", "baulked", "full")
    return share(int((lost & mine).sum()), int(mine.sum()))


def _newborn(_: wanted.NewbornObjective, findings: Findings) -> float | None:
    return None if findings.newborns is None else findings.newborns["from_birth_share"]


def _in_channel(channel: str, findings: Findings) -> Any:
    group = findings.visit_group
    return group.has(channel) if channel in group.labels else np.zeros(len(group), dtype=bool)


_VALUES: dict[type, Callable[[Any, Findings], float | None]] = {
    wanted.ReviewObjective: _review,
    wanted.DeadlineObjective: _deadline,
    wanted.WaitObjective: _wait,
    wanted.AbandonmentObjective: _abandonment,
    wanted.NewbornObjective: _newborn,
}
