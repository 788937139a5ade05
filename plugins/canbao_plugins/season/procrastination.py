"""Late start: families that should come on one day, and put it off towards the deadline.

The urge to act rises as a deadline comes nearer, in proportion to `1 / (1 + k × time left)`: hyperbolic discounting,
as in temporal motivation theory (Steel and König 2006, Academy of Management Review 31, 889-913). Steel, Svartdal,
Thundiyil and Brothen (2018, Frontiers in Psychology 9, 327) followed students and found paces of this form, the steeper
the more they procrastinate by their own account. Registrations for conferences came in proportion to one over the time
left, told off in whole days (Alfi, Parisi and Pietronero 2007, Nature Physics 3, 746), and so did research proposals
(Durakiewicz 2016, Physics Today 69(2), 11): with k = 1 a day this is that law. Tax returns, too, cluster at the end
more than discounting at a constant rate allows (Martinez, Meier and Sprenger 2022, Journal of the European Economic
Association); the curve `exponential` has a constant rate, to compare.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from canbao.arrays import FloatArray, IntArray, np
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Amount, Share
from canbao_plugins.season.group import DAY_S, Dates, Group

__all__ = ["Procrastination"]


class Procrastination(Settings):
    """Families that should come when the season says, and put it off towards the deadline.

    A family that puts it off comes on a date between the one on which it should and the last one before its deadline
    on which its channel is open. A date that lies d days before that last one weighs 1 / (1 + impulsiveness × d), times
    the rate of its weekday; so the nearer the deadline, the more come. The season's own rush is then about those who
    *plan* to come late: `rush` and `last_day` of 1 leave the whole rush to procrastination. Newborns' families, who
    have no deadline, and those who come because school starts are left alone.
    """

    share: Share = Field(
        0.2,
        description="Share of families that put it off; 20 % of adults call themselves chronic procrastinators "
        "(Harriott and Ferrari 1996).",
        json_schema_extra=ESTIMATE,
    )
    impulsiveness: Amount = Field(
        1.0,
        description="How steeply the urge to come rises towards the deadline, for each day; at 0 all dates are alike.",
        json_schema_extra=ESTIMATE,
        le=1000,
    )
    curve: Literal["hyperbolic", "exponential"] = Field(
        "hyperbolic", description="How the urge falls with the days left: as above, or as exp(-impulsiveness × d)."
    )

    def put_off(self, day: FloatArray, group: Group, dates: Dates) -> FloatArray:
        """Give the day on which each family comes at last, never before the day on which it should.

        Exact by inverse transform at the family's own luck: a larger share, or more impulsiveness, makes no family
        come earlier. Shapes (families of the group,).
        """
        last = dates.up_to(_last_day(group, dates))
        late = np.flatnonzero((group.luck("procrastinates") < self.share) & (day < last))
        luck, moved = group.luck("put off until")[late], day.copy()
        for end in np.unique(last[late]).astype(int).tolist():
            mine = last[late] == end
            moved[late[mine]] = self._drawn(day[late[mine]].astype(int), luck[mine], dates, end)
        return moved

    def _drawn(self, day: IntArray, luck: FloatArray, dates: Dates, end: int) -> FloatArray:
        """Draw from the dates from each day to the last one, by their weights."""
        left = np.arange(end - dates.first, -1.0, -1.0)
        weights = np.cumsum(dates.factor[: len(left)] * self._urge(left))
        before = np.where(day > dates.first, weights[day - dates.first - 1], 0.0)
        place = np.searchsorted(weights, before + luck * (weights[-1] - before), side="right")
        # Rounding may carry the sum beyond the last weight.
        return np.asarray(np.minimum(dates.first + place, end), dtype=np.float64)

    def _urge(self, left: FloatArray) -> FloatArray:
        """Give the urge to come with so many days left, 1 on the last."""
        if self.curve == "exponential":
            return np.asarray(np.exp(-np.minimum(self.impulsiveness * left, 700.0)))
        return np.asarray(1.0 / (1.0 + self.impulsiveness * left))


def _last_day(group: Group, dates: Dates) -> FloatArray:
    """Give the last day on which each family comes before its deadline at its hour; the last of all if it has none."""
    last = np.full(len(group.members), dates.open[-1], dtype=np.float64)
    deadline_s = group.numbers("deadline_s")
    return last if deadline_s is None else np.minimum(last, np.ceil(deadline_s / DAY_S - group.hour / 24.0) - 1.0)
