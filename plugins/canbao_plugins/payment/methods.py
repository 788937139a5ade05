"""Ways to pay: each with its weight, its own time and what fails with it."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator, Field

import canbao
from canbao.calendar import Hours, parse_hours
from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Amount, MisfitError, Share
from canbao.scenario.staffing import HoursText
from canbao_plugins.halls import Site

__all__ = [
    "Alipay",
    "BankCounter",
    "Branch",
    "DayRange",
    "Method",
    "Online",
    "OnlineBank",
    "Transfer",
    "WeChatPay",
    "days_of",
]


def _in_order(days: list[float]) -> list[float]:
    if days[1] < days[0]:
        raise MisfitError("is not in order", allowed="the fewest working days first, such as [1, 2]")
    return days


DayRange = Annotated[list[Amount], Field(min_length=2, max_length=2), AfterValidator(_in_order)]
"""The fewest and the most working days of something, `[1, 2]`; all between are alike."""


def _weight(weight: float) -> Any:
    return Field(
        weight,
        description="How many use it, beside the weights of the other methods; 0 for nobody.",
        json_schema_extra=ESTIMATE,
    )


class Method(Settings):
    """A way to pay."""

    weight: Amount = _weight(1.0)
    debit_failed: Share = Field(
        0.02,
        description="Share of first tries with this method whose debit fails.",
        json_schema_extra=ESTIMATE,
    )


class Online(Method):
    """A way to pay online."""

    time: RandomDuration = Field(
        default_factory=lambda: lognormal(120.0, 0.6),
        description="Time that a family spends on it until the money is to be taken.",
        json_schema_extra=ESTIMATE,
    )
    locked: Share = Field(
        0.01,
        description="Share of tries at which the bank is silent, so that the payment is locked.",
        json_schema_extra=ESTIMATE,
    )


class OnlineBank(Online):
    """The bank's own site or app."""

    weight: Amount = _weight(0.08)
    time: RandomDuration = Field(
        default_factory=lambda: lognormal(300.0, 0.6),
        description="Time that a family spends on it until the money is to be taken.",
        json_schema_extra=ESTIMATE,
    )


class Alipay(Online):
    """Alipay."""

    weight: Amount = _weight(0.3)


class WeChatPay(Online):
    """WeChat Pay."""

    weight: Amount = _weight(0.35)


class Transfer(Method):
    """A transfer, which takes working days to arrive."""

    weight: Amount = _weight(0.02)
    time: RandomDuration = Field(
        default_factory=lambda: lognormal(420.0, 0.6),
        description="Time that a family spends on writing it.",
        json_schema_extra=ESTIMATE,
    )
    arrives_after_working_days: DayRange = Field(
        [1.0, 2.0],
        description="The fewest and the most working days until the money is there, or is found to be not payable.",
        json_schema_extra=ESTIMATE,
    )


def _bank_hours() -> Hours:
    return parse_hours(["09:00-17:00"])


class Branch(Site):
    """One bank branch with counters that take the fee."""

    hours: HoursText = Field(
        default_factory=_bank_hours, description="Hours on working days.", json_schema_extra=ESTIMATE
    )


class BankCounter(Method):
    """Counters of banks, to which families travel."""

    sites: dict[str, Branch] = Field(description="The branches, by name.", min_length=1, max_length=200)
    weight: Amount = _weight(0.25)
    debit_failed: Share = Field(
        0.005, description="Share of first tries at a counter whose debit fails.", json_schema_extra=ESTIMATE
    )
    service: RandomDuration = Field(
        default_factory=lambda: lognormal(180.0, 0.6), description="Time at the counter.", json_schema_extra=ESTIMATE
    )
    patience: RandomDuration = Field(
        default_factory=lambda: lognormal(2400.0 * math.sqrt(1.25), 0.5),
        description="How long a family waits before it leaves, to pay another day.",
        json_schema_extra=ESTIMATE,
    )


def days_of(days: list[float]) -> canbao.Quantity:
    """Give a number of working days between the fewest and the most."""
    return canbao.Uniform(days[0], days[1])
