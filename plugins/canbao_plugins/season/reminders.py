"""Reminders that make families come earlier.

A family that a reminder moves comes on the day of its decision, or on the next on which its channel is open; never
before the reminder, and never later than it would have come without. So the order of several reminders is no matter: a
family comes on the earliest day that any of them, or its own plan, gives.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from canbao.arrays import BoolArray, FloatArray, np
from canbao.errors import InputError
from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Amount, PositiveDuration, Share
from canbao_plugins.season.group import DAY_S, Dates, Group
from canbao_plugins.skill import skill_of, with_mean

if TYPE_CHECKING:
    from canbao.distributions import Distribution

__all__ = ["Reminder", "earliest"]


class Reminder(Settings):
    """A message to all families that have not come yet.

    Whether it reaches a family is a matter of the family and of the way, the same for all reminders that go the same
    way: a number that is wrong stays wrong. The defaults for `effect` and `within` are those of a text message that
    asked people to book a vaccination: 6.1 in a hundred more had booked within six days (Dai and others 2021, Nature
    597, 404-409); a second message a week later moved 1.7 in a hundred.
    """

    date: dt.date = Field(
        description="The date on which it is sent; before the collection period it works from the first day of that."
    )
    by: Literal["sms", "push"] = Field(
        "sms",
        description="By SMS, which reaches everybody alike, or by a push notice of an app, which reaches the skilled.",
    )
    reach: Share = Field(0.9, description="Share of families that it reaches.", json_schema_extra=ESTIMATE)
    skill_effect: Amount = Field(
        4.0,
        description="For `push`, how strongly digital skill decides: log odds of being reached between skill 0 and 1.",
        json_schema_extra=ESTIMATE,
        le=50,
    )
    effect: Share = Field(
        0.06,
        description="Share of those reached that come for it, if they have not come yet.",
        json_schema_extra=ESTIMATE,
    )
    within: PositiveDuration = Field(
        6 * DAY_S, description="They decide within this time after it.", json_schema_extra=ESTIMATE
    )
    delay: RandomDuration = Field(
        default_factory=lambda: lognormal(2 * DAY_S, 1.0),
        description="Time from the reminder until they decide, cut off at `within`.",
        json_schema_extra=ESTIMATE,
    )
    newborns: bool = Field(False, description="Whether it is sent to families with newborns, who have no deadline.")

    def moments(self, group: Group, season: Dates, all_year: Dates) -> FloatArray:
        """Give the moment at which it would make each family come, inf where it does not; shape (families,)."""
        newborn, moved = group.of_kind("newborn"), self._moved(group)
        moments = np.full(len(group.members), np.inf)
        for who, dates in ((~newborn, season), (newborn & self._born(group), all_year)):
            chosen = np.flatnonzero(who & moved)
            some = group.some(chosen)
            moments[chosen] = some.times(self._days(some, dates))
        return moments

    def _moved(self, group: Group) -> BoolArray:
        """Tell of each family whether the reminder reaches it and makes it come."""
        reached = group.luck(f"reached by {self.by}") < self._reach(group)
        return np.asarray(reached & (group.luck(f"comes for {self._name}") < self.effect))

    def _reach(self, group: Group) -> FloatArray | float:
        if self.by == "sms":
            return self.reach
        typical, all_families = skill_of(group.district.typical), skill_of(group.district.columns)
        return with_mean(self.reach, self.skill_effect * typical, self.skill_effect * all_families[group.members])

    def _born(self, group: Group) -> BoolArray:
        """Tell of each newborn's family whether it is told, and the child is born by then."""
        birth_s = group.numbers("birth_s")
        if not self.newborns or birth_s is None:
            return np.zeros(len(group.members), dtype=bool)
        return birth_s <= group.district.horizon.seconds(self.date)

    def _days(self, group: Group, dates: Dates) -> FloatArray:
        """Give the day on which each family would come for it: an open one at or after its decision."""
        sent_s = max(group.district.horizon.seconds(self.date), dates.first * DAY_S)
        delay_s = _cut_off(self.delay.build(), group.luck(f"delay after {self._name}"), self.within, self._name)
        return dates.from_on(np.floor((sent_s + delay_s) / DAY_S))

    @property
    def _name(self) -> str:
        """What its luck is drawn for; the same whatever other reminders there are."""
        return f"reminder by {self.by} of {self.date}"


def earliest(
    times: FloatArray, reminders: Iterable[Reminder], group: Group, season: Dates, all_year: Dates
) -> FloatArray:
    """Give when families come that would come at `times`, told by the reminders; never later than without."""
    for reminder in reminders:
        times = np.minimum(times, reminder.moments(group, season, all_year))
    return times


def _cut_off(delay: Distribution, luck: FloatArray, most_s: float, name: str) -> FloatArray:
    """Draw from a distribution, given that the sample is at most so long: exact, by the inverse up to its quantile."""
    low, high = 0.0, 1.0
    for _ in range(60):  # bisection for the share of samples that are short enough
        middle = 0.5 * (low + high)
        within = float(delay.ppf(np.array([middle]))[0]) <= most_s
        low, high = (middle, high) if within else (low, middle)
    if not low:
        raise InputError(f"{name}: the delay is always longer than `within`; make `within` longer or the delay shorter")
    return np.minimum(delay.ppf(luck * low), most_s)
