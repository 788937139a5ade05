"""The rules of a region as data: what a region file says, key by key."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal, TypeAlias

from pydantic import Field, ValidationInfo, field_validator

from canbao.scenario.models import Settings
from canbao.scenario.quantities import Amount, Count, MisfitError

__all__ = ["Category", "Fees", "Kind", "NeededPapers", "Paper", "Refund", "Rules", "Waiting"]

Kind: TypeAlias = Literal["newborn", "pre-school", "pupil"]
Category: TypeAlias = Literal[
    "ordinary", "low income", "extremely poor", "severely disabled", "orphan", "out of poverty", "monitored"
]
Paper: TypeAlias = Literal[
    "birth_certificate", "household_register", "identity_cards", "residence_proof", "proof_of_school", "photo"
]


class Fees(Settings):
    """What a child of each category pays a year, in yuan; nobody pays more than an ordinary child."""

    ordinary: Amount = Field(description="A child of an ordinary family.")
    low_income: Amount = Field(description="A child of a family on the minimum allowance.")
    extremely_poor: Amount = Field(description="A child of a family that is supported in full.")
    severely_disabled: Amount = Field(description="A child of a family with a severely disabled member.")
    orphan: Amount = Field(description="A child without parents.")
    out_of_poverty: Amount = Field(description="A child of a family lifted out of poverty.")
    monitored: Amount = Field(description="A child of a family monitored against falling back.")

    @field_validator("low_income", "extremely_poor", "severely_disabled", "orphan", "out_of_poverty", "monitored")
    @classmethod
    def _at_most_ordinary(cls, fee: float, info: ValidationInfo) -> float:
        return _at_most(fee, info.data.get("ordinary"), "is more than an ordinary child pays")

    def of(self, category: str) -> float:
        """Give the fee of a category, by its word."""
        fee: float = getattr(self, category.replace(" ", "_"))
        return fee


class Waiting(Settings):
    """How long those wait for cover who missed a season."""

    months: Count = Field(le=60, description="Months after one missed season.")
    further_months: Count = Field(le=60, description="Months more for each further season missed.")
    since: Count = Field(description="The first insurance year whose missed season counts.")
    exempt: list[Literal[Kind, Category]] = Field(description="Kinds and categories of families that never wait.")


class NeededPapers(Settings):
    """Which papers a family has to show."""

    newborn: list[Paper] = Field(description="Papers for a newborn.")
    pre_school: list[Paper] = Field(description="Papers for a child under school age.")
    pupil: list[Paper] = Field(description="Papers for a pupil.")
    elsewhere: list[Paper] = Field(description="Papers besides, if the household register is kept elsewhere.")

    def of(self, kind: str, register: str) -> tuple[str, ...]:
        """Give the papers of a kind of family, without a paper twice."""
        extra = self.elsewhere if register == "elsewhere" else ()
        return tuple(dict.fromkeys((*getattr(self, kind.replace("-", "_")), *extra)))


class Refund(Settings):
    """When a fee is paid back to somebody who changed their mind, and how long that takes."""

    before_benefits_only: bool = Field(description="Whether it is paid back only before the insurance year begins.")
    least_working_days: Count = Field(le=366, description="It takes at least so many working days.")
    most_working_days: Count = Field(le=366, description="It takes at most so many.")

    @field_validator("most_working_days")
    @classmethod
    def _in_order(cls, most: int, info: ValidationInfo) -> int:
        least = info.data.get("least_working_days")
        if least is not None and most < least:
            raise MisfitError("is less than least_working_days", allowed=f"at least {least}")
        return most


class Rules(Settings):
    """What a region file says. A key that is left out there holds as in the region that it extends."""

    title: str = Field(description="What the region is called.", min_length=1, max_length=200)
    insurance_year: Count = Field(
        ge=2000, le=2100, description="The year that is insured, from 1 January to 31 December."
    )
    start: dt.date = Field(description="First date on which families can enrol for the insurance year.")
    deadline: dt.date = Field(description="Last date.")
    fees: Fees = Field(description="What a child pays a year, by category, in yuan.")
    subsidy: Amount = Field(description="What the state adds for each child a year, in yuan.")
    long_term_care: Amount = Field(description="Yuan in the fee that go to long-term care insurance.")
    newborn_days: Count = Field(
        le=366, description="A child enrolled within so many days is insured from birth, later from the next month."
    )
    newborn_both_years: bool = Field(
        description="Whether a newborn born before the insurance year pays for the year before as well."
    )
    waiting: Waiting = Field(description="How long those wait who missed a season.")
    papers: NeededPapers = Field(description="Papers that are needed.")
    refund: Refund = Field(description="When a fee is paid back.")

    @field_validator("start")
    @classmethod
    def _near_its_year(cls, start: dt.date, info: ValidationInfo) -> dt.date:
        year = info.data.get("insurance_year")
        if year is not None and start.year not in (year - 1, year):
            allowed = f"a date of {year - 1} or {year}"
            raise MisfitError("lies neither in the insurance year nor in the year before", allowed=allowed)
        return start

    @field_validator("deadline")
    @classmethod
    def _after_the_start(cls, deadline: dt.date, info: ValidationInfo) -> dt.date:
        start, year = info.data.get("start"), info.data.get("insurance_year")
        if start is not None and deadline < start:
            raise MisfitError("is before the start", allowed=f"a date from {start} on")
        if year is not None and deadline.year > year:
            raise MisfitError("lies behind the insurance year", allowed=f"a date up to {year}-12-31")
        return deadline

    @field_validator("long_term_care")
    @classmethod
    def _inside_the_fee(cls, share: float, info: ValidationInfo) -> float:
        fees: Any = info.data.get("fees")
        return _at_most(share, fees and fees.ordinary, "is more than the fee in which it is contained")


def _at_most(yuan: float, most: float | None, problem: str) -> float:
    if most is not None and yuan > most:
        raise MisfitError(problem, allowed=f"at most {most:g}")
    return yuan
