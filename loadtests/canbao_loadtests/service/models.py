"""What families and reviewers send, what they get back, and the words for where an application stands.

The models are the schemas of the OpenAPI document as well: what is checked here is what it says.

Identifiers must be invented ones. A citizen number needs the area code 999999, which no place has, a certificate of
birth a number that begins with 99 behind its letter, where a real one names its province, and a telephone the
range 154, which no operator has. Whatever else comes is refused before it is stored.
"""

from __future__ import annotations

import datetime as dt
import re
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, StringConstraints

from canbao_plugins.families.identities import citizen_number

__all__ = [
    "MOST",
    "NEEDED",
    "Account",
    "Activation",
    "Application",
    "Applications",
    "Backlog",
    "Bill",
    "Card",
    "Child",
    "ChildNumber",
    "Decided",
    "Decision",
    "Desk",
    "Fault",
    "Health",
    "LogIn",
    "NewAccount",
    "NewReviewer",
    "Notice",
    "Notices",
    "Paid",
    "PaperKind",
    "Pass",
    "PayWay",
    "Payment",
    "PaymentChoice",
    "Problem",
    "Reason",
    "Return",
    "Session",
    "Settlement",
    "Status",
    "Submission",
    "Task",
]

MOST = 2**53 - 1
"""The largest number that JSON keeps exactly everywhere."""


class Status(StrEnum):
    """Where an application stands."""

    DRAFT = "draft"
    IN_REVIEW = "in review"
    RETURNED = "returned"
    """Something is wrong that the family can correct."""
    APPROVED = "approved"
    REJECTED = "rejected"


class Desk(StrEnum):
    """The desks of the review, in their order."""

    ACCEPTANCE = "acceptance"
    FIRST = "first"
    SECOND = "second"


class PaperKind(StrEnum):
    """The papers that families upload."""

    IDENTITY_FRONT = "identity-card-front"
    IDENTITY_BACK = "identity-card-back"
    PHOTO = "photo"
    HOUSEHOLD_REGISTER = "household-register"
    RESIDENCE = "residence-proof"
    BIRTH_CERTIFICATE = "birth-certificate"
    SCHOOL = "school-proof"


NEEDED = (PaperKind.IDENTITY_FRONT, PaperKind.IDENTITY_BACK, PaperKind.PHOTO, PaperKind.HOUSEHOLD_REGISTER)
"""The papers without which nothing can be handed in; which ones differs by region (grade C)."""


class PayWay(StrEnum):
    """How the fee is paid."""

    ONLINE_BANK = "online bank"
    ALIPAY = "alipay"
    WECHAT_PAY = "wechat pay"


class Paid(StrEnum):
    """What became of the fee."""

    NO = "no"
    YES = "yes"
    REFUNDED = "refunded"


class Body(BaseModel):
    """What comes in: nothing but what is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reply(BaseModel):
    """What goes out."""

    model_config = ConfigDict(extra="forbid")


_NUMBER = re.compile(r"999999(19|20)[0-9]{9}[0-9X]|[A-Z]99[0-9]{7}")


def _checked(number: str) -> str:
    """Look at a number as at a whole: a pattern alone knows neither dates nor check digits."""
    if not _NUMBER.fullmatch(number):
        raise ValueError("it is neither a citizen number with area code 999999 nor a letter, 99 and seven digits")
    if number[0].isalpha():
        return number
    try:
        birth = dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise ValueError("its digits 7 to 14 are no date of birth") from None
    if number != citizen_number(number[:6], birth, int(number[14:17])):
        raise ValueError("its check digit is wrong")
    return number


_PERSON = r"^[A-Za-z\u4e00-\u9fff\u00b7'-]+( [A-Za-z\u4e00-\u9fff\u00b7'-]+)*$"

PersonName: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=_PERSON)]
LoginName: TypeAlias = Annotated[str, StringConstraints(min_length=3, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
Password: TypeAlias = Annotated[str, StringConstraints(min_length=8, max_length=128, pattern=r"^[!-~]+$")]
ChildNumber: TypeAlias = Annotated[
    str,
    AfterValidator(_checked),
    Field(json_schema_extra={"format": "child-number"}),
]
Moment: TypeAlias = Annotated[dt.datetime, Field(description="Local time of the scenario.")]
Number: TypeAlias = Annotated[int, Field(ge=1, le=MOST)]


# --- what comes in ---


class NewAccount(Body):
    """A family's account."""

    name: LoginName
    password: Password
    telephone: Annotated[str, StringConstraints(pattern=r"^154[0-9]{8}$")] = Field(
        description="In a range that no operator has."
    )


class NewReviewer(Body):
    """A reviewer's account."""

    name: LoginName
    password: Password
    code: Annotated[str, StringConstraints(max_length=200)] = Field(
        description="What the service was started with, so that not everybody can review."
    )


class LogIn(Body):
    """Name and password of an account."""

    name: LoginName
    password: Password


class Child(Body):
    """The enrolment form."""

    name: PersonName
    number: ChildNumber = Field(
        description="Citizen number with area code 999999, or a newborn's certificate of birth: a letter, 99, 7 digits."
    )
    guardian: PersonName


class PaymentChoice(Body):
    """A way to pay."""

    way: PayWay


class Activation(Body):
    """The password of a card."""

    password: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]


class Bill(Body):
    """A medical bill."""

    # A whole number, 1000 or 1000.0, as JSON does not tell them apart; "1000" is none.
    yuan: Annotated[float, Field(strict=True, ge=1, le=1_000_000, multiple_of=1)]


class Reason(BaseModel):
    """One thing that is wrong with an application."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fault: Literal["incomplete papers", "data mismatch", "refused", "duplicate"]
    about: Annotated[str, StringConstraints(max_length=200, pattern=r"^[ -~\u4e00-\u9fff]*$")] = Field(
        "", description="The paper or the entry, and what is wrong with it."
    )


class Pass(Body):
    """Nothing is wrong here: on to the next desk."""

    verdict: Literal["pass"]


class Return(Body):
    """The family can correct it; it is told all reasons at once."""

    verdict: Literal["return", "reject"] = Field(description="`reject` ends the application.")
    reasons: Annotated[list[Reason], Field(min_length=1, max_length=20)]


class Decision(RootModel[Annotated[Pass | Return, Field(discriminator="verdict")]]):
    """What a desk decides."""


# --- what goes out ---


class Account(Reply):
    """An account."""

    name: str


class Session(Reply):
    """A token for the header `Authorization: Bearer …`."""

    token: str
    expires_in_s: int = Field(description="Real seconds until it expires.")


class Application(Reply):
    """Where an application stands."""

    application: Number
    status: Status
    desk: Desk | None = Field(description="Where it waits or is looked at, while it is in review.")
    round: int = Field(ge=0, description="How often it was handed in.")
    child: str = Field(description="The child's name.")
    number: str = Field(description="The child's number, masked.")
    papers: list[PaperKind]
    pay_with: PayWay | None
    paid: Paid
    fee_yuan: float
    enrolled: Moment
    handed_in: Moment | None = Field(description="For the first time.")
    reviewed: Moment | None = Field(description="When the last round was decided.")
    reasons: list[Reason] = Field(description="All that was wrong in the last round.")
    credential_from: Moment | None = Field(description="From when on the credential can be downloaded.")


class Applications(Reply):
    """All applications of an account."""

    applications: list[Application]


class Payment(Reply):
    """A try to pay."""

    application: Number
    outcome: Literal["paid", "debit failed"]
    yuan: float
    at: Moment


class Submission(Reply):
    """An application was handed in."""

    application: Number
    round: int
    status: Status
    handed_in: Moment


class Notice(Reply):
    """What a family is told."""

    notice: Number
    application: Number
    at: Moment
    about: Literal["approved", "returned", "rejected", "refunded"]
    reasons: list[Reason]


class Notices(Reply):
    """What a family was told, the latest last."""

    notices: list[Notice]


class Card(Reply):
    """A card."""

    application: Number
    status: Literal["making", "ready", "collected", "activated"]
    ordered: Moment
    ready_from: Moment


class Settlement(Reply):
    """A bill that was settled."""

    application: Number
    bill_yuan: float
    reimbursed_yuan: float
    at: Moment


class Task(Reply):
    """An application in a reviewer's hands."""

    application: Number
    desk: Desk
    round: int
    child: Child
    papers: list[PaperKind]
    handed_in: Moment


class Decided(Reply):
    """What a desk decided, and what became of the application."""

    application: Number
    verdict: Literal["pass", "return", "reject"]
    status: Status
    desk: Desk | None


class Backlog(Reply):
    """How many applications wait at each desk or are looked at there."""

    acceptance: int
    first: int
    second: int


class Health(Reply):
    """That the service is up, and what its clock shows."""

    status: Literal["ok"]
    now: Moment
    seconds_per_second: float = Field(description="How much faster than real time the clock runs.")


class Fault(Reply):
    """One thing wrong with what was sent; what was sent is not repeated."""

    where: str
    problem: str


class Problem(Reply):
    """Why something was not done (RFC 9457, problem details)."""

    type: str
    title: str
    status: int
    detail: str
    faults: list[Fault] = []
