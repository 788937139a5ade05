"""Region policies: the collection period and the rules for newborns."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from canbao.arrays import FloatArray, np
from canbao.calendar import Horizon
from canbao.columns import Coded, Column
from canbao.plugins import hookimpl
from canbao.scenario.models import Settings
from canbao.scenario.quantities import Count, MisfitError

__all__ = ["Collection"]

_DAY_S = 86_400.0


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
        return horizon.seconds(self.start), horizon.seconds(self.deadline) + _DAY_S

    def deadline_s(self, columns: Mapping[str, Column], horizon: Horizon) -> FloatArray:
        """Give the deadline of each family; a newborn's family has none, it may enrol all year round."""
        return np.where(_newborn(columns), math.inf, self.period_s(horizon)[1])

    def insured_from_birth_until_s(self, columns: Mapping[str, Column], horizon: Horizon) -> FloatArray:
        """Give the last moment at which each newborn is insured from birth, nan for other families."""
        birth = columns.get("birth_s")
        if birth is None or isinstance(birth, Coded):
            return np.full(len(_newborn(columns)), math.nan)
        return np.where(_newborn(columns), birth + self.newborn_days * _DAY_S, math.nan)


def _newborn(columns: Mapping[str, Column]) -> Any:
    kind = columns.get("kind")
    if isinstance(kind, Coded) and "newborn" in kind.labels:
        return kind.has("newborn")
    return np.zeros(len(next(iter(columns.values()))), dtype=bool)


@hookimpl
def register_policies(register: Any) -> None:
    """Register the policies."""
    register("collection", Collection)
