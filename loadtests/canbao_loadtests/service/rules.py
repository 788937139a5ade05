"""The rules of a district, as the service needs them: hours, clerks, fee, what is due when; all from a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from canbao.calendar import Calendar, Horizon
from canbao.district import District
from canbao.luck import Luck
from canbao.scenario.quantities import Span
from canbao.scenario.review import Review, Stage
from canbao.scenario.scenario import ScenarioFile
from canbao.scenario.staffing import Opening
from canbao_loadtests.service.models import Desk, PayWay

__all__ = ["PayWhen", "Rules", "rules_of"]

PayWhen = Literal["before review", "after review"]

_FEE_YUAN = 400.0  # B: national minimum of 2026; where the policy of a scenario names none
_CARD = Span(12.0, "working days")  # C: Qingyuan 2023; where a scenario has no card
_REIMBURSED = 0.55  # C: 45 to 65 % in the resident scheme


@dataclass(frozen=True)
class Rules:
    """What holds in a district.

    Parameters
    ----------
    horizon
        The dates of the scenario.
    review
        The desks, what they find, and how long a result takes to be known.
    openings
        Hours and staff of each desk.
    pay
        Whether families pay before they hand in or when they are approved.
    fee_yuan
        What a child pays.
    card
        How long it takes to make a card.
    debit_failed
        Share of payments that fail, by way.
    luck
        What decides wherever chance does: it depends on the application and the round, not on when somebody asks.
    """

    horizon: Horizon
    review: Review
    openings: Mapping[Desk, Opening]
    pay: PayWhen
    fee_yuan: float
    card: Span
    debit_failed: Mapping[PayWay, float]
    luck: Luck
    reimbursed: float = field(default=_REIMBURSED)

    def stage(self, desk: Desk) -> Stage:
        """Give what the scenario says about a desk."""
        return self.review.stages()[desk.value]

    def after(self, span: Span, moment: float) -> float:
        """Give the moment at which a time has passed, in working hours or days where it is told so.

        What would be after the horizon is at its end, where the clock stands still.
        """
        calendar = self.openings[Desk.FIRST].calendar
        if span.unit == "working days":
            due = calendar.add_days(moment, span.amount)
        elif span.unit == "working s":
            due = calendar.add_open_s(moment, span.amount)
        else:
            due = moment + span.amount
        return min(due, self.horizon.end_s)

    def happens(self, what: str, share: float, application: int, attempt: int) -> bool:
        """Draw whether something happens to an application; the same each time it is asked."""
        return self.luck.uniform(f"service.{what}", application, attempt) < share

    @cached_property
    def hours(self) -> Calendar:
        """The hours in which any desk is open."""
        intervals = [
            (float(start), float(end))
            for opening in self.openings.values()
            for start, end in zip(opening.calendar.opens, opening.calendar.closes, strict=True)
        ]
        return Calendar.from_intervals(intervals, self.horizon.days)


def rules_of(file: ScenarioFile, pay: PayWhen | None = None, seed: int | None = None) -> Rules:
    """Read the rules out of a scenario; `pay` and `seed` hold instead of what it says, if given."""
    scenario = file.scenario
    luck = Luck(scenario.seed if seed is None else seed)
    # Hours and staff need the dates of a district, and nothing of its families.
    district = District(file.horizon, file.working, file.saturdays, 0, {}, {}, scenario.policy, luck)
    payment: Any = next((f for f in scenario.formalities.values() if getattr(f, "kind", "") == "payment"), None)
    card: Any = next((f for f in scenario.formalities.values() if getattr(f, "kind", "") == "card"), None)
    return Rules(
        horizon=file.horizon,
        review=scenario.review,
        openings={Desk(name): stage.opening(district) for name, stage in scenario.review.stages().items()},
        pay=pay or (payment.place if payment else "before review"),
        fee_yuan=float(getattr(getattr(scenario.policy, "fees", None), "ordinary", _FEE_YUAN)),
        card=getattr(card, "production", _CARD),
        debit_failed={way: _debit_failed(payment, way) for way in PayWay},
        luck=luck,
    )


def _debit_failed(payment: Any, way: PayWay) -> float:
    return float(getattr(getattr(payment, way.replace(" ", "_"), None), "debit_failed", 0.0))
