"""A collection period and a window for newborns, and nothing else: the least that a policy can be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from canbao.arrays import FloatArray
from canbao.calendar import Horizon
from canbao.columns import Column
from canbao.scenario.models import Settings
from canbao.scenario.quantities import Count, MisfitError
from canbao_plugins.policies.moments import all_but_newborns_until_s, newborns_until_s, period_s

__all__ = ["Collection"]


class Collection(Settings):
    """A collection period with a deadline, and a window in which newborns are insured from birth."""

    kind: Literal["collection"]
    start: dt.date = Field(description="First date on which families can enrol for the next insurance year.")
    deadline: dt.date = Field(description="Last date.")
    newborn_days: Count = Field(
        90, description="A child enrolled within so many days is insured from birth.", json_schema_extra={"grade": "B"}
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.deadline < self.start:
            raise MisfitError("is before the start", allowed="a date at or after start", below=("deadline",))
        return self

    def period_s(self, horizon: Horizon) -> tuple[float, float]:
        """Give the first moment of the period and the midnight at which its last date ends."""
        return period_s(self.start, self.deadline, horizon)

    def deadline_s(self, columns: Mapping[str, Column], horizon: Horizon) -> FloatArray:
        """Give the deadline of each family; a newborn's family has none, it may enrol all year round."""
        return all_but_newborns_until_s(columns, self.period_s(horizon)[1])

    def insured_from_birth_until_s(self, columns: Mapping[str, Column], horizon: Horizon) -> FloatArray:
        """Give the last moment at which each newborn is insured from birth, nan for other families."""
        return newborns_until_s(columns, self.newborn_days)
