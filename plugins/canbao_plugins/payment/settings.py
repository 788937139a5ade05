"""What a scenario file says about payment."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from canbao.calendar import Hours, parse_hours
from canbao.district import District, Part
from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Amount, Count, MisfitError, PositiveCount, PositiveDuration, Share
from canbao.scenario.staffing import HoursText
from canbao_plugins.payment.journey import build, refund
from canbao_plugins.payment.methods import Alipay, BankCounter, DayRange, Method, OnlineBank, Transfer, WeChatPay

__all__ = ["Payment"]


def _by_day() -> Hours:
    return parse_hours(["08:00-22:00"])


class Payment(Settings):
    """The fee: when and how families pay it, what goes wrong, and what is returned.

    A family whose fee is 0 has nothing to pay, and passes.
    """

    kind: Literal["payment"]
    place: Literal["before review", "after review"] = Field(
        "after review",
        description="Whether families pay when they hand in, or when they are approved.",
        json_schema_extra={"grade": "B"},
    )
    online_bank: OnlineBank = Field(
        default_factory=OnlineBank.model_construct, description="The bank's own site or app."
    )
    alipay: Alipay = Field(default_factory=Alipay.model_construct, description="Alipay.")
    wechat_pay: WeChatPay = Field(default_factory=WeChatPay.model_construct, description="WeChat Pay.")
    bank_counter: BankCounter | None = Field(None, description="Counters of banks; none if not given.")
    transfer: Transfer = Field(default_factory=Transfer.model_construct, description="Transfers.")
    skill_effect: Amount = Field(
        4.0,
        description="How strongly digital skill decides on paying online: the log odds between skill 0 and skill 1.",
        json_schema_extra=ESTIMATE,
        le=50,
    )
    mistakes: Amount = Field(
        2.0,
        description="How much more often it fails without digital skill: the log odds between skill 1 and skill 0.",
        json_schema_extra=ESTIMATE,
        le=50,
    )
    not_registered: Share = Field(
        0.02,
        description="Share of tries before the review at which the child is not registered yet.",
        json_schema_extra=ESTIMATE,
    )
    registers_elsewhere: Share = Field(
        0.3,
        description="Share of those who then register through another channel; the others wait.",
        json_schema_extra=ESTIMATE,
    )
    registered_after_working_days: DayRange = Field(
        [1.0, 3.0],
        description="The fewest and the most working days until these are registered.",
        json_schema_extra=ESTIMATE,
    )
    not_visible: Share = Field(
        0.1,
        description="Share of families that try to pay before the payment system knows the child.",
        json_schema_extra=ESTIMATE,
    )
    visible_after_working_days: DayRange = Field(
        [1.0, 2.0],
        description="The fewest and the most working days until it does, and the family comes back.",
        json_schema_extra={"grade": "C"},
    )
    unlocked_after: PositiveDuration = Field(
        1800.0,
        description="When a family tries again whose payment is locked because the bank is silent.",
        json_schema_extra={"grade": "C"},
    )
    try_again: RandomDuration = Field(
        default_factory=lambda: lognormal(900.0, 1.0),
        description="Time until a family tries again after a failed debit or a page that does not load.",
        json_schema_extra=ESTIMATE,
    )
    another_day: RandomDuration = Field(
        default_factory=lambda: lognormal(2 * 86_400.0, 0.5),
        description="Time until a family tries again that left the queue at a counter.",
        json_schema_extra=ESTIMATE,
    )
    tries: Count = Field(
        4, description="How often a family tries again in all, perhaps by another method.", json_schema_extra=ESTIMATE
    )
    to_counter: Share = Field(
        0.7,
        description="Share of those who have tried so often that go to a bank counter at last, if there is one.",
        json_schema_extra=ESTIMATE,
    )
    slots: PositiveCount | None = Field(
        None, description="Payments that the payment service can work on at once; no limit if not given."
    )
    request: RandomDuration = Field(
        default_factory=lambda: lognormal(1.0, 0.8),
        description="Time that it works on one payment.",
        json_schema_extra=ESTIMATE,
    )
    patience: RandomDuration = Field(
        default_factory=lambda: lognormal(20.0, 0.7),
        description="How long a family looks at a payment that is not taken.",
        json_schema_extra=ESTIMATE,
    )
    maintenance: HoursText = Field((), description="Hours of the night at which the payment service is closed.")
    closed_after: int | None = Field(
        None,
        description="Last day of each month on which payments are taken; the whole month if not given.",
        ge=1,
        le=31,
    )
    by_day: HoursText = Field(
        default_factory=_by_day,
        description="Hours at which families come back that were told to come later.",
        json_schema_extra=ESTIMATE,
    )
    refund_working_days: DayRange = Field(
        [20.0, 30.0],
        description="The fewest and the most working days until the fee of a rejected application is returned.",
        json_schema_extra={"grade": "C"},
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        """See that somebody can pay at some time."""
        if not self.methods():
            raise MisfitError("has no method with a weight", allowed="a weight above 0 for at least one method")
        open_s = sum(end - start for start, end in self.by_day)
        closed_s = sum(
            max(0.0, min(end, stop) - max(start, begin))
            for start, end in self.by_day
            for begin, stop in self.maintenance
        )
        if closed_s >= open_s:
            raise MisfitError("leave no time to come back", allowed="hours without maintenance", below=("by_day",))
        return self

    def methods(self) -> dict[str, Method]:
        """Give the methods that somebody uses, by name."""
        methods: dict[str, Method | None] = {
            "online bank": self.online_bank,
            "alipay": self.alipay,
            "wechat pay": self.wechat_pay,
            "counter": self.bank_counter,
            "transfer": self.transfer,
        }
        return {name: method for name, method in methods.items() if method is not None and method.weight > 0}

    def build(self, name: str, district: District, onward: str) -> Part:
        """Give the methods' stations, the payment service and the way through them."""
        return build(self, name, district, onward)

    def undo(self, name: str, district: District, onward: str) -> list[Any]:
        """Return the fee, some weeks later, to a family that has paid."""
        return list(refund(self, name, onward))
