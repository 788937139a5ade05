"""Choice of channel: by preference and distance, or by what the queues look like.

Preference is a logit. The odds of going online rise with digital skill and with the ways to the places offline; among
channels of one sort a family chooses by popularity, less the longer the way. `queues` adds the expected wait.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field

from canbao.arrays import FloatArray, np
from canbao.columns import Coded
from canbao.district import Channel, District
from canbao.errors import InputError, PluginError
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Amount, PositiveDuration, Share
from canbao_plugins.skill import logistic, skill_of, with_mean

__all__ = ["Preference", "Queues"]


class Preference(Settings):
    """Online or offline by digital skill and distance, and among those by popularity and distance."""

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
    reference_skill: Share | None = Field(
        None,
        description="`online_share` is that of families with this skill, and more go online where families are more "
        "skilled. If not given it is the mean of all families, whatever their skill.",
    )
    distance: PositiveDuration | None = Field(
        None,
        description="The way that makes a channel 2.7 times less likely: its weight falls with exp(-way / distance). "
        "If not given the way is no matter.",
    )
    popularity: dict[str, Amount] = Field({}, description="Weight of each channel among its like; 1 if not given.")

    @property
    def rule(self) -> Literal["weight"]:
        """Go by the weights alone."""
        return "weight"

    def weights(self, channels: Mapping[str, Channel], district: District) -> dict[str, FloatArray]:
        """Give each channel's weight for each family; the weights of one family add up to 1."""
        sorts = self._sorts(channels, district)
        if len(sorts) == 1:
            chances = dict.fromkeys(sorts, np.ones(district.families))
        else:
            online = self._online(sorts, channels, district)
            chances = {True: online, False: 1.0 - online}
        parts = {name: chances[sort] * part for sort, some in sorts.items() for name, part in some.parts.items()}
        return {name: parts.get(name, np.zeros(district.families)) for name in channels}

    def _sorts(self, channels: Mapping[str, Channel], district: District) -> dict[bool, _Sort]:
        """Give channels online and offline; a sort of which nothing is popular is left out."""
        _check_names(self.popularity, channels)
        popular: dict[bool, dict[str, float]] = {}
        for name, channel in channels.items():
            if weight := self.popularity.get(name, 1.0):
                popular.setdefault(bool(getattr(channel, "online", False)), {})[name] = weight
        if not popular:
            raise InputError(
                "choice.popularity is 0 for every channel, so that nobody can choose any; raise one of them"
            )
        return {sort: self._sort(weights, channels, district) for sort, weights in popular.items()}

    def _sort(self, popular: Mapping[str, float], channels: Mapping[str, Channel], district: District) -> _Sort:
        if self.distance is None:
            nearest = np.zeros(district.families)
            weights = {name: np.full(district.families, weight) for name, weight in popular.items()}
        else:
            ways = {name: _way_s(name, channels[name], district) / self.distance for name in popular}
            # Beside the nearest, so that somebody who lives far from all of them is not without any.
            nearest = np.min(list(ways.values()), axis=0)
            weights = {name: weight * np.exp(nearest - ways[name]) for name, weight in popular.items()}
        total = np.sum(list(weights.values()), axis=0)
        appeal = np.log(total / sum(popular.values())) - nearest
        return _Sort({name: weight / total for name, weight in weights.items()}, appeal)

    def _online(self, sorts: Mapping[bool, _Sort], channels: Mapping[str, Channel], district: District) -> FloatArray:
        """Give each family's probability of going online."""
        odds = self.skill_effect * skill_of(district.columns) + _advantage(sorts)
        if self.online_share in (0.0, 1.0):
            return np.full(district.families, self.online_share)
        if self.reference_skill is not None:
            centre = math.log(self.online_share / (1.0 - self.online_share)) - self.skill_effect * self.reference_skill
            return logistic(centre + odds)
        typical = replace(district, columns=district.typical, families=len(next(iter(district.typical.values()))))
        typical_odds = self.skill_effect * skill_of(typical.columns) + _advantage(self._sorts(channels, typical))
        return with_mean(self.online_share, typical_odds, odds)


class Queues(Preference):
    """As `preference`, but a family starts where travel and expected wait are least; it moves on by preference.

    With `wait_scale` preference counts as well: while nobody waits a family goes where `preference` sends it, and an
    expected wait makes a channel less likely, as the way does: a logit. What a family sees is the wait of this moment,
    or the one `published` last; a channel where nobody serves just then is passed over if another is open.
    """

    kind: Literal["queues"]  # type: ignore[assignment]
    wait_scale: PositiveDuration | None = Field(
        None,
        description="The expected wait that makes a channel 2.7 times less likely: its weight falls with "
        "exp(-wait / wait_scale). If not given a family goes where way and wait are least, whatever it prefers.",
    )
    published: PositiveDuration | None = Field(
        None, description="How often waiting times are published. If not given families see those of the moment."
    )

    @property
    def rule(self) -> Literal["fastest"]:  # type: ignore[override]
        """Go by travel and expected wait."""
        return "fastest"

    @property
    def published_s(self) -> float:
        """Seconds between two publications of the waiting times, 0 where families see those of the moment."""
        return self.published or 0.0

    def ways_s(
        self, weights: Mapping[str, FloatArray], preferred: Coded, channels: Mapping[str, Channel], district: District
    ) -> dict[str, FloatArray]:
        """Give what each channel costs each family besides the wait: it takes the one with the least sum.

        Parameters
        ----------
        weights
            Each channel's weight for each family, 0 where it is not for it.
        preferred
            The channel that each would take while nobody waits, drawn by these weights.

        Returns
        -------
        dict
            Seconds by channel, shape (families,); inf for a channel that a family never takes. With `wait_scale` they
            are how much longer than elsewhere a family would wait for its preferred channel.
        """
        if self.wait_scale is not None:
            return _margins_s(self.wait_scale, weights, preferred, district)
        ways = {name: _way_s(name, channel, district) for name, channel in channels.items()}
        return {name: np.where(weights[name] > 0.0, way, np.inf) for name, way in ways.items()}


@dataclass(frozen=True, eq=False)
class _Sort:
    """Channels of one sort: each family's share for each of them, and how good all of them are for it, 0 at no way."""

    parts: dict[str, FloatArray]
    appeal: FloatArray


def _margins_s(
    scale_s: float, weights: Mapping[str, FloatArray], preferred: Coded, district: District
) -> dict[str, FloatArray]:
    """Give by how much more wait each family's preferred channel loses it to each other one.

    A logit in the wait is a race: a channel is as good as scale × (ln weight + a Gumbel variate) - wait (McFadden
    1974). Given the winner at no wait, the others are behind by scale × ln(1 + E / (weight × E₀)), where E and E₀ are
    exponential variates, one for each channel and one for the winner (Maddison, Tarlow and Minka 2014, A* Sampling).
    """
    total = np.sum(list(weights.values()), axis=0)
    winner = -np.log(district.luck.uniforms("taste", district.families))
    margins: dict[str, FloatArray] = {}
    for name, weight in weights.items():
        other = -np.log(district.luck.uniforms(f"taste for {name}", district.families))
        with np.errstate(divide="ignore"):  # a weight of 0 is a margin without end
            margin = scale_s * np.log1p(other * total / (weight * winner))
        margins[name] = np.where(preferred.has(name), 0.0, margin)
    return margins


def _advantage(sorts: Mapping[bool, _Sort]) -> FloatArray:
    """Give by how many log odds the ways speak for going online."""
    return np.asarray(sorts[True].appeal - sorts[False].appeal)


def _way_s(name: str, channel: Channel, district: District) -> FloatArray:
    """Give each family's typical way to a channel, in seconds; none where the channel does not say."""
    travel_s = getattr(channel, "travel_s", None)
    if travel_s is None:
        return np.zeros(district.families)
    ways = np.asarray(travel_s(name, district), dtype=np.float64)
    if ways.shape != (district.families,) or not np.all(np.isfinite(ways)) or np.any(ways < 0):
        raise PluginError(f"channel {name!r}: travel_s() must give a number of seconds of 0 or more for each family")
    return ways


def _check_names(popularity: Mapping[str, float], channels: Mapping[str, Channel]) -> None:
    for name in popularity:
        if name not in channels:
            near = difflib.get_close_matches(name, channels, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(channels)}"
            raise InputError(f"choice.popularity names {name!r}, which is no channel of the scenario; {hint}")
