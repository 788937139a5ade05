"""Choice of channel: by preference, or by what the queues look like."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from canbao.arrays import FloatArray, np
from canbao.columns import Column
from canbao.district import Channel, District
from canbao.errors import InputError
from canbao.plugins import hookimpl
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Amount, Share

__all__ = ["Preference", "Queues"]


class Preference(Settings):
    """Online or offline by digital skill, and among those by popularity."""

    kind: Literal["preference"]
    online_share: Share = Field(
        0.73, description="Share of families that would rather go online.", json_schema_extra=ESTIMATE
    )
    skill_effect: Amount = Field(
        4.0,
        description="How strongly digital skill decides: the log odds of going online between skill 0 and skill 1.",
        json_schema_extra=ESTIMATE,
        le=50,
    )
    popularity: dict[str, Amount] = Field({}, description="Weight of each channel among its like; 1 if not given.")

    @property
    def rule(self) -> Literal["weight"]:
        """Go by the weights alone."""
        return "weight"

    def weights(self, channels: Mapping[str, Channel], district: District) -> dict[str, FloatArray]:
        """Give each channel's weight for each family; the weights of one family add up to 1."""
        _check_names(self.popularity, channels)
        online = _online_chance(self, district)
        return _split(online, channels, self.popularity)


class Queues(Preference):
    """As `preference`, but a family starts where travel and expected wait are least; it moves on by preference."""

    kind: Literal["queues"]  # type: ignore[assignment]

    @property
    def rule(self) -> Literal["fastest"]:  # type: ignore[override]
        """Go by travel and expected wait."""
        return "fastest"


def _online_chance(choice: Preference, district: District) -> FloatArray:
    """Give each family's probability of preferring online; its mean over typical families is `online_share`."""
    typical, all_families = _skill(district.typical), _skill(district.columns)
    if choice.online_share in (0.0, 1.0):
        return np.full(len(all_families), choice.online_share)
    low, high = -60.0, 60.0
    for _ in range(60):  # bisection: the mean rises with the shift
        shift = (low + high) / 2
        mean = float(np.mean(_logistic(shift + choice.skill_effect * typical)))
        low, high = (shift, high) if mean < choice.online_share else (low, shift)
    return _logistic(shift + choice.skill_effect * all_families)


def _skill(columns: Mapping[str, Column]) -> FloatArray:
    """Give the digital skill, the same for all where the population does not know it."""
    if "digital_skill" in columns:
        return np.asarray(columns["digital_skill"], dtype=np.float64)
    return np.full(len(next(iter(columns.values()))), 0.5)


def _logistic(x: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def _check_names(popularity: Mapping[str, float], channels: Mapping[str, Channel]) -> None:
    for name in popularity:
        if name not in channels:
            near = difflib.get_close_matches(name, channels, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(channels)}"
            raise InputError(f"choice.popularity names {name!r}, which is no channel of the scenario; {hint}")


def _split(
    online: FloatArray, channels: Mapping[str, Channel], popularity: Mapping[str, float]
) -> dict[str, FloatArray]:
    """Share out the online and the offline part among the channels of each sort; a sort that is nobody's gives way."""
    sorts = {name: bool(getattr(channel, "online", False)) for name, channel in channels.items()}
    total = {sort: sum(popularity.get(n, 1.0) for n, s in sorts.items() if s is sort) for sort in (True, False)}
    popular = [sort for sort in (True, False) if total[sort] > 0]
    if not popular:
        raise InputError("choice.popularity is 0 for every channel, so that nobody can choose any; raise one of them")
    if len(popular) == 1:
        online = np.full(len(online), float(popular[0]))
    weights: dict[str, FloatArray] = {}
    for name, sort in sorts.items():
        part = popularity.get(name, 1.0) / total[sort] if total[sort] else 0.0
        weights[name] = (online if sort else 1.0 - online) * part
    return weights


@hookimpl
def register_choices(register: Any) -> None:
    """Register the choices."""
    register("preference", Preference)
    register("queues", Queues)
