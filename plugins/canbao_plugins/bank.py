"""The bank: branches where a family enrols and pays at one counter, if it may use this bank at all."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

import canbao
from canbao.arrays import BoolArray, FloatArray, np
from canbao.calendar import parse_hours
from canbao.columns import Column
from canbao.district import (
    CORRECT,
    ELSEWHERE,
    GIVE_UP,
    HAND_IN,
    PAID,
    RESUBMIT,
    District,
    Part,
    failed,
    pay_fee,
)
from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import PositiveCount, Share
from canbao.scenario.staffing import HoursText
from canbao_plugins.halls import ChoiceOfSite, Halls, Site, Window, is_kind, open_days

__all__ = ["Bank", "Branch"]

# A lognormal patience with 40 minutes as its median and 20 one standard deviation below it: half of the families leave
# by the time at which they are angry, one in six by that at which they are annoyed.
_PATIENCE_CV = 0.785
_PATIENCE_MEAN_S = 2400.0 * math.sqrt(1.0 + _PATIENCE_CV**2)


def _noon() -> canbao.Histogram:
    """Give when families come to a branch that opens again, as shares of its hours: most of them around noon."""
    return canbao.Histogram((0.0, 0.2, 0.35, 0.6, 0.8, 1.0), (0.1, 0.15, 0.45, 0.15, 0.15))


class Branch(Site):
    """One branch."""

    hours: HoursText = Field(
        default_factory=lambda: parse_hours(["09:00-17:00"]),
        description="Hours on working days, over noon.",
        json_schema_extra=ESTIMATE,
    )


class Bank(Settings):
    """A bank whose counters enrol families and take their fee."""

    online: ClassVar[bool] = False

    kind: Literal["bank"]
    sites: dict[str, Branch] = Field(description="The branches, by name.", min_length=1, max_length=200)
    pay: RandomDuration = Field(
        default_factory=lambda: lognormal(180.0, 0.6),
        description="Time at the counter, also of those who are sent away.",
        json_schema_extra=ESTIMATE,
    )
    patience: RandomDuration = Field(
        default_factory=lambda: lognormal(_PATIENCE_MEAN_S, _PATIENCE_CV),
        description="How long a family waits: restless after 10, annoyed after 20, angry after 40 min (Tianjin 2007).",
        json_schema_extra={"grade": "B"},
    )
    baulk_at: PositiveCount | None = Field(
        None,
        description="Number of waiting families for each counter at which a family turns round; never if not given.",
    )
    own_cards_only: bool = Field(False, description="Whether it serves only families with a card of its own.")
    market_share: Share = Field(
        0.3,
        description="Share of families whose card is of this bank; those of several banks do not overlap.",
        json_schema_extra=ESTIMATE,
    )
    registers: bool = Field(
        True, description="Whether it registers families too; else it takes payments of registered families only."
    )
    registered: Share = Field(
        0.85,
        description="Share of families registered already, from an earlier year; newborns' never are.",
        json_schema_extra=ESTIMATE,
    )
    takes_fee: bool = Field(
        True,
        description="Whether the counter takes the fee; only where the scenario has a payment before the review, which "
        "gives it back if the application fails.",
    )
    fetch: RandomDuration = Field(
        default_factory=lambda: lognormal(1.5 * 86_400.0, 0.8),
        description="Time to correct an application.",
        json_schema_extra=ESTIMATE,
    )
    choice_of_site: ChoiceOfSite

    def open_days(self, district: District) -> BoolArray:
        """Tell for each date whether any branch is open."""
        return open_days(self.sites, district)

    def travel_s(self, name: str, district: District) -> FloatArray:
        """Give each family's typical way to its branch, in seconds, shape (families,)."""
        return self._halls(name, district).ways_s()

    def _halls(self, name: str, district: District) -> Halls:
        return Halls(name, self.sites, district, self.choice_of_site, at=_noon())

    def build(self, name: str, district: District) -> Part:
        """Give a station for each branch and the way through it."""
        halls = self._halls(name, district)
        stations, calendars = halls.stations()
        columns: dict[str, Column] = {
            f"_{name} own card": self._own_card(name, district).astype(np.float64),
            f"_{name} registered": self._registered(district).astype(np.float64),
            f"_{name} owes": _owes(district).astype(np.float64),
            **halls.columns(),
        }
        steps = [*self._visits(halls), *self._counter(name, district), *self._corrections(halls)]
        return Part(stations, steps, queue=stations[0].name, calendars=calendars, columns=columns)

    def _own_card(self, name: str, district: District) -> BoolArray:
        """Tell for each family whether its card is of this bank: each bank has its own part of one draw."""
        shares = {other: bank.market_share for other, bank in district.channels.items() if isinstance(bank, Bank)}
        before = list(shares)[: list(shares).index(name)] if name in shares else []
        low = math.fsum(shares[other] for other in before)
        card = district.luck.uniforms("card of which bank", district.families)
        return np.asarray((low <= card) & (card < low + self.market_share))

    def _registered(self, district: District) -> BoolArray:
        return np.asarray(district.share(self.registered, "registered already") & ~is_kind(district, "newborn"))

    def _window(self, name: str) -> Window:
        return Window(self.pay.build(), self.patience.build(), baulk_at=self.baulk_at, luck=f"{name}:counter")

    def _visits(self, halls: Halls) -> Iterator[canbao.Step]:
        yield halls.choose("arrive", name="branch")
        for site in self.sites:
            yield from halls.visit(site, "arrive", "counter", self._window(halls.name))
            yield canbao.Go("card")

    def _counter(self, name: str, district: District) -> Iterator[canbao.Step]:
        """See whether the bank may serve the family at all; take its fee and pass its application on."""
        own_card = f"_{name} own card" if self.own_cards_only else 1.0
        yield canbao.Check(own_card, name="card", failed="other bank")
        registered = 1.0 if self.registers else f"_{name} registered"
        yield canbao.Check(registered, name="registered", failed="not registered")
        if self.takes_fee and _can_be_refunded(district):
            yield canbao.Marked(PAID, name="paid", yes=HAND_IN)
            yield canbao.Check(f"_{name} owes", name="owes", failed=HAND_IN)
            yield from pay_fee(label="pays", then=HAND_IN)
        else:
            yield canbao.Go(HAND_IN)
        yield failed("wrong channel", label="other bank", then="sent away")
        yield failed("not registered yet", label="not registered")
        # Once: else two banks that do not serve a family would send it to and fro for ever.
        yield canbao.Check(0.0, name="sent away", failed=ELSEWHERE, limit=1, exceeded=GIVE_UP)

    def _corrections(self, halls: Halls) -> Iterator[canbao.Step]:
        """Correct what the review returned; whoever came so far does not give up."""
        yield halls.choose("gather", name=CORRECT)
        for site in self.sites:
            yield canbao.Delay(self.fetch.build(), name=f"{site} gather")
            yield from halls.visit(site, "correct", "correction", self._window(halls.name), gives_up=None)
            yield canbao.Go(RESUBMIT)


def _owes(district: District) -> BoolArray:
    """Tell for each family whether there is a fee to pay; for all where the policy names none."""
    if "fee_yuan" not in district.columns:
        return np.ones(district.families, dtype=np.bool_)
    return np.asarray(district.number("fee_yuan") > 0)


def _can_be_refunded(district: District) -> bool:
    """Tell whether something gives the fee back if the application fails: a payment before the review."""
    return any(
        getattr(formality, "kind", "") == "payment" and formality.place == "before review"
        for formality in district.formalities.values()
    )
