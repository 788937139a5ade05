"""Costs: what an hour is worth, of staff and of families."""

from __future__ import annotations

from pydantic import Field

from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Amount

__all__ = ["Costs"]


class Costs(Settings):
    """What an hour costs: of staff on duty, busy or not, and of families, at stations, on the way and before pages."""

    staff_hour_yuan: Amount = Field(
        60.0, description="An hour of staff on duty, in yuan, where nothing else is said.", json_schema_extra=ESTIMATE
    )
    staff_hour_yuan_at: dict[str, Amount] = Field(
        {}, description="An hour of staff at some channels or formalities, or at `review`, by name."
    )
    slot_hour_yuan: Amount = Field(
        1.0, description="An hour of one request slot of an online channel, in yuan.", json_schema_extra=ESTIMATE
    )
    family_hour_yuan: Amount = Field(
        25.0, description="An hour of a family, in yuan, where nothing else is said.", json_schema_extra=ESTIMATE
    )
    family_hour_yuan_of: dict[str, Amount] = Field(
        {"newborn": 30.0},
        description="An hour of some kinds of families, by kind: a newborn's parent can hardly come at another time.",
        json_schema_extra=ESTIMATE,
    )
