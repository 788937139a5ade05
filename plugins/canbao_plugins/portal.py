"""The web portal: sessions of several pages with time to think, on a limited number of requests at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

import canbao
from canbao.arrays import BoolArray, FloatArray, np
from canbao.calendar import Calendar, Interval, daily
from canbao.distributions import Uniform
from canbao.district import CORRECT, GIVE_UP, HAND_IN, RESUBMIT, District, Part
from canbao.plugins import hookimpl
from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Count, MisfitError, PositiveCount, Share
from canbao.scenario.staffing import HoursText

__all__ = ["Portal"]

_DAY_S = 86_400.0
_CORRECTION = "correction"
_TAKEN = ("session", "wanders off", "gives up", "silent", "pay", CORRECT, _CORRECTION, HAND_IN, GIVE_UP)
"""Names of steps and journeys that a page would take the place of."""


class Portal(Settings):
    """A web portal on which families enrol by themselves."""

    online: ClassVar[bool] = True

    kind: Literal["portal"]
    slots: PositiveCount = Field(description="Requests that it can work on at once.")
    backlog: Count = Field(0, description="Requests that may wait for a slot; one more gets an error page.")
    pages: list[str] = Field(
        ["log in", "form", "papers"],
        description="Pages before the payment, one request each.",
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
    payment_failure: Share = Field(
        0.02, description="Share of payments that fail; tried again.", json_schema_extra=ESTIMATE
    )
    payment_retry: RandomDuration = Field(
        default_factory=lambda: lognormal(1800.0, 0.3),
        description="Time until a failed payment can be tried again.",
        json_schema_extra=ESTIMATE,
    )
    maintenance: HoursText = Field((), description="Hours of the night at which the portal is closed.")
    payment_closed_after: int | None = Field(
        None,
        description="Last day of each month on which payments are taken; the whole month if not given.",
        ge=1,
        le=31,
    )
    correct: RandomDuration = Field(
        default_factory=lambda: lognormal(0.8 * _DAY_S, 1.0),
        description="Time to correct a returned application.",
        json_schema_extra=ESTIMATE,
    )

    @field_validator("pages")
    @classmethod
    def _own_names(cls, pages: list[str]) -> list[str]:
        """See that a page is no other step: a page named `review` would be where applications are handed in."""
        seen: set[str] = set()
        for number, page in enumerate(pages):
            if not page or page in _TAKEN or ":" in page or page in seen:
                raise MisfitError(
                    "is not a name that a page can have",
                    allowed=f"different names without ':', other than {', '.join(_TAKEN)}",
                    below=(number,),
                )
            seen.add(page)
        return pages

    def open_days(self, district: District) -> BoolArray:
        """Tell for each date whether it is open: always."""
        return np.ones(district.horizon.days, dtype=bool)

    def build(self, name: str, district: District) -> Part:
        """Give the request slots, the payment, and the way through a session."""
        calendar = Calendar.always(district.horizon.days)
        if self.maintenance:
            calendar = calendar.without(daily(self.maintenance, range(district.horizon.days)))
        payment = calendar.without(self._closed_payment_days(district))
        stations = [
            canbao.Station(
                name, servers=self.slots, doors=calendar.to_schedule(), closing="keep", room=self.slots + self.backlog
            ),
            canbao.Station(f"{name}.payment", servers=np.inf, doors=payment.to_schedule(), closing="keep"),
        ]
        columns = {f"_{name} finishes": self._finishes(district)}
        calendars = {name: calendar, f"{name}.payment": payment}
        return Part(
            stations, [*self._session(name), *self._correction(name)], queue=name, calendars=calendars, columns=columns
        )

    def _closed_payment_days(self, district: District) -> list[Interval]:
        last = self.payment_closed_after
        if last is None:
            return []
        closed = [day for day, date in enumerate(district.horizon.dates()) if date.day > last]
        return [(day * _DAY_S, (day + 1) * _DAY_S) for day in closed]

    def _finishes(self, district: District) -> FloatArray:
        """Give each family's probability to finish a session in which nothing goes wrong."""
        if "digital_skill" not in district.columns:
            return np.full(district.families, 1.0 - self.wanders_off)
        # 2 at skill 0, falling to 0 at skill 1, so that it averages 1 over an even spread of skill.
        return 1.0 - np.minimum(1.0, self.wanders_off * 2.0 * (1.0 - district.number("digital_skill")))

    def _session(self, name: str) -> Iterator[canbao.Step]:
        """Page by page to the payment; hand in."""
        yield canbao.Check(f"_{name} finishes", name="session", failed="wanders off")
        for page in self.pages:
            yield from self._page(name, page)
        yield from self._payment(name)
        yield canbao.Go(HAND_IN)
        yield canbao.Delay(self.think.build(), name="wanders off", effort=True, then="gives up")
        yield canbao.Check(1 - self.silent, name="gives up", passed=GIVE_UP, failed="silent")
        yield canbao.End("left silently", name="silent")

    def _page(self, name: str, page: str, stuck: str = "gives up") -> Iterator[canbao.Step]:
        """One request, tried again when it fails, and the time spent on the page."""
        trouble, later, thinking = f"{page}: trouble", f"{page}: later", f"{page}: thinking"
        yield canbao.Visit(
            name,
            self.request.build(),
            name=page,
            patience=self.patience.build(),
            served=thinking,
            abandoned=trouble,
            baulked=trouble,
            full=trouble,
            closed=f"{page}: maintenance",
        )
        yield canbao.Check(self.retry, name=trouble, passed=later, failed=stuck)
        yield canbao.Delay(self.retry_after.build(), name=later, effort=True, then=page)
        # Everybody comes back in the hours after the maintenance, not in its last second.
        yield canbao.Await(name, at=Uniform(0.0, 0.3), name=f"{page}: maintenance", then=page)
        yield canbao.Delay(self.think.build(), name=thinking, effort=True)

    def _payment(self, name: str) -> Iterator[canbao.Step]:
        station = f"{name}.payment"
        yield canbao.Visit(station, self.request.build(), name="pay", closed="pay: closed", served="pay: check")
        yield canbao.Await(station, at=Uniform(0.0, 0.5), name="pay: closed", then="pay")
        yield canbao.Delay(self.payment_retry.build(), name="pay: later", then="pay")
        yield canbao.Check(1 - self.payment_failure, name="pay: check", failed="pay: later")

    def _correction(self, name: str) -> Iterator[canbao.Step]:
        """Log in again and correct what the review returned; whoever came so far tries until it works."""
        yield canbao.Delay(self.correct.build(), name=CORRECT)
        yield from self._page(name, _CORRECTION, stuck=CORRECT)
        yield canbao.Go(RESUBMIT)


@hookimpl
def register_channels(register: Any) -> None:
    """Register the channel."""
    register("portal", Portal)
