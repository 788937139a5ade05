"""What a scenario file says of a portal or an app."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, field_validator, model_validator

from canbao.arrays import BoolArray, np
from canbao.district import APPROVED, CORRECT, GIVE_UP, HAND_IN, RESULT, District
from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Amount, Count, MisfitError, PositiveCount, Share
from canbao.scenario.staffing import HoursText
from canbao_plugins.online.outages import Outage, check_order

__all__ = ["CORRECTION", "CREDENTIAL", "REGISTER", "STATUS", "Online"]

_DAY_S = 86_400.0
REGISTER, CORRECTION, CREDENTIAL = "register", "correction", "credential"
"""Pages beside those of a session."""
STATUS = "status"
"""The station that tells an outage from maintenance stands beside those of the notices."""
_TAKEN = (REGISTER, CORRECTION, CREDENTIAL, CORRECT, RESULT, HAND_IN, APPROVED, GIVE_UP)
"""Names of steps and labels that a page would take the place of; our other steps have a colon in their names."""


class Online(Settings):
    """A place online at which families enrol by themselves: sessions of several pages on limited request slots."""

    online: ClassVar[bool] = True

    kind: str
    slots: PositiveCount = Field(description="Requests that it can work on at once.")
    backlog: Count = Field(0, description="Requests that may wait for a slot; one more gets an error page.")
    pages: list[str] = Field(
        ["log in", "form", "papers"],
        description="Pages of a session, one request each; families log in on the first and upload papers on the last.",
        min_length=1,
        max_length=20,
    )
    request: RandomDuration = Field(
        default_factory=lambda: lognormal(0.8, 0.8),
        description="Time in a slot for one request.",
        json_schema_extra=ESTIMATE,
    )
    think: RandomDuration = Field(
        default_factory=lambda: lognormal(100.0, 0.8),
        description="Time that a family spends on a page; 5 pages make about the 8 min of an online form.",
        json_schema_extra=ESTIMATE,
    )
    patience: RandomDuration = Field(
        default_factory=lambda: lognormal(20.0, 0.7),
        description="How long a family looks at a page that does not load.",
        json_schema_extra=ESTIMATE,
    )
    retry: Share = Field(
        0.8, description="Share that tries again after an error page or a slow one.", json_schema_extra=ESTIMATE
    )
    retry_after: RandomDuration = Field(
        default_factory=lambda: lognormal(60.0, 1.0), description="Time until it does.", json_schema_extra=ESTIMATE
    )
    retries: Count = Field(
        50,
        description="How often a family tries one page again at most, in all its sessions.",
        json_schema_extra=ESTIMATE,
    )
    silent: Share = Field(
        0.4,
        description="Share of those who stop trying that never come back, without a word.",
        json_schema_extra={"grade": "B"},
    )
    wanders_off: Share = Field(
        0.04,
        description="Share of sessions that end unfinished though nothing went wrong; twice as many at skill 0.",
        json_schema_extra=ESTIMATE,
    )
    skill_effect: Amount = Field(
        3.0,
        description="How strongly digital skill decides who is locked out or uploads what cannot be read: the log odds "
        "between skill 0 and skill 1.",
        json_schema_extra=ESTIMATE,
        le=50,
    )
    new_accounts: Share = Field(
        0.2, description="Share of families that have no account and register first.", json_schema_extra=ESTIMATE
    )
    locked_out: Share = Field(
        0.02,
        description="Share of families that cannot log in at their first try; more among those with little skill.",
        json_schema_extra=ESTIMATE,
    )
    helped_by: str | None = Field(
        None, description="Channel to which these turn, such as a hotline; they give up for now if not given."
    )
    incomplete: Share = Field(
        0.08,
        description="Share of families whose papers the upload finds missing or illegible: first those who lack one, "
        "then others, more of them with little skill.",
        json_schema_extra=ESTIMATE,
    )
    fetch: RandomDuration = Field(
        default_factory=lambda: lognormal(1.5 * _DAY_S, 0.8),
        description="Time to get such a paper, and to come back to the page.",
        json_schema_extra=ESTIMATE,
    )
    maintenance: HoursText = Field((), description="Hours of the night at which it is closed.")
    outages: list[Outage] = Field([], description="Hours in which every request fails, in order.", max_length=20)
    divert: Share = Field(
        0.3,
        description="Share of families in a session that goes to another channel at once when it meets an outage.",
        json_schema_extra=ESTIMATE,
    )
    back_after: RandomDuration = Field(
        default_factory=lambda: lognormal(3_600.0, 1.0),
        description="Time after an outage at which the others come back.",
        json_schema_extra=ESTIMATE,
    )
    notices: dict[str, Share] = Field(
        {"SMS": 0.9, "e-mail": 0.3},
        description="How families are told a decision, and which share each way reaches; tried in this order.",
        json_schema_extra=ESTIMATE,
    )
    look: RandomDuration = Field(
        default_factory=lambda: lognormal(3 * _DAY_S, 0.6),
        description="Time until those whom no notice reaches look at the progress, and between two looks.",
        json_schema_extra=ESTIMATE,
    )
    credential: bool = Field(
        True,
        description="Whether families then download and print the electronic credential; not where a formality after "
        "the review follows.",
    )
    correct: RandomDuration = Field(
        default_factory=lambda: lognormal(0.8 * _DAY_S, 1.0),
        description="Time to correct a returned application.",
        json_schema_extra=ESTIMATE,
    )

    @field_validator("pages")
    @classmethod
    def _own_names(cls, pages: list[str]) -> list[str]:
        """See that a page is no other step: a page named `application` would be where applications are handed in."""
        seen: set[str] = set()
        for number, page in enumerate(pages):
            if not page or page in _TAKEN or ":" in page or "/" in page or page in seen:
                raise MisfitError(
                    "is not a name that a page can have",
                    allowed=f"different names without ':' and '/', other than {', '.join(_TAKEN)}",
                    below=(number,),
                )
            seen.add(page)
        return pages

    @field_validator("notices")
    @classmethod
    def _own_stations(cls, notices: dict[str, float]) -> dict[str, float]:
        """See that a notice can be a station of its own."""
        for way in notices:
            if not way or way == STATUS or "/" in way:
                raise MisfitError(
                    "is not a name that a notice can have",
                    allowed=f"a name without '/', other than {STATUS}",
                    below=(way,),
                )
        return notices

    @field_validator("outages")
    @classmethod
    def _in_order(cls, outages: list[Outage]) -> list[Outage]:
        check_order(outages)
        return outages

    @model_validator(mode="after")
    def _help_is_no_page(self) -> Self:
        if self.helped_by in self.pages:
            raise MisfitError("is the name of a page", allowed="the name of another channel", below=("helped_by",))
        return self

    def open_days(self, district: District) -> BoolArray:
        """Tell for each date whether it is open: always."""
        return np.ones(district.horizon.days, dtype=bool)
