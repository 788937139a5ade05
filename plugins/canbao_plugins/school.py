"""Schools and kindergartens: each enrols its pupils as one list, once a term.

Guardians confirm what the school knows; a clerk of the school enters it; the list goes to the agency as a whole, and
what was decided comes back as a whole.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

import canbao
from canbao.arrays import BoolArray, FloatArray, np
from canbao.calendar import Calendar
from canbao.district import APPROVED, CORRECT, HAND_IN, PAPERS, RESUBMIT, RESULT, District, Part, failed
from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Amount, MisfitError, PositiveAmount, Share
from canbao.scenario.staffing import Staffed
from canbao_plugins.halls import complete_papers, is_kind, near, time_by_children
from canbao_plugins.handover import HandOver, Hour, by_the_deadline, check_hour, go_elsewhere, moments_on
from canbao_plugins.skill import skill_of, with_mean

__all__ = ["LISTED", "School", "Schools", "TermList"]

LISTED = "listed"
"""The event that the list with the family's children has left for the agency."""

_DAY_S = 86_400.0
_TAKES = {"kindergarten": ("pre-school",), "school": ("pupil",), "both": ("pre-school", "pupil")}
"""Which kinds of family each sort of site enrols."""


class School(Staffed):
    """One school or kindergarten; its staff are the clerks who enter the list."""

    pupils: PositiveAmount = Field(1.0, description="Weight among the sites that take the same children.")
    takes: Literal["kindergarten", "school", "both"] = Field(
        "both", description="Whose families it enrols: those of pre-school children, of pupils, or both."
    )


class TermList(Settings):
    """The list of one term, at all sites alike."""

    opens: dt.date = Field(description="First date on which guardians can confirm.")
    closes: dt.date = Field(description="Last date on which they can.")
    reminder: dt.date | None = Field(
        None, description="On this date the school reminds all who have not confirmed; nobody is reminded if not given."
    )
    leaves: dt.date | None = Field(
        None,
        description="The list goes to the agency on this date; on the first working day after it closes if not given.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.closes < self.opens:
            raise MisfitError("is before the list opens", allowed="a date at or after opens", below=("closes",))
        if self.reminder is not None and not self.opens <= self.reminder <= self.closes:
            raise MisfitError("is not while the list is open", allowed="from opens to closes", below=("reminder",))
        if self.leaves is not None and self.leaves < self.closes:
            raise MisfitError("is before the list closes", allowed="a date at or after closes", below=("leaves",))
        return self

    @property
    def departure(self) -> dt.date:
        """The date on which it leaves, if that is a working day."""
        return self.leaves or self.closes + dt.timedelta(days=1)


class Schools(Settings):
    """Schools and kindergartens that enrol their pupils as lists.

    It serves families of pre-school children and pupils. Whoever comes before a list opens waits for it; when the last
    one has closed, families go elsewhere. What is entered when a list has left follows on the next working day.
    """

    online: ClassVar[bool] = False

    kind: Literal["school"]
    sites: dict[str, School] = Field(description="Schools and kindergartens, by name.", min_length=1, max_length=200)
    lists: list[TermList] = Field(
        description="The lists in their order, one after the other.", min_length=1, max_length=12
    )
    confirm: Share = Field(
        0.8,
        description="Share of guardians who confirm by themselves; more where they are skilled.",
        json_schema_extra=ESTIMATE,
    )
    skill_effect: Amount = Field(
        1.0,
        description="How strongly digital skill decides who confirms: the log odds between skill 0 and skill 1.",
        json_schema_extra=ESTIMATE,
        le=50,
    )
    confirm_after: RandomDuration = Field(
        default_factory=lambda: lognormal(3 * _DAY_S, 1.0),
        description="Time until they do, from the opening of the list.",
        json_schema_extra=ESTIMATE,
    )
    reminded: Share = Field(0.5, description="Share of those reminded who then confirm.", json_schema_extra=ESTIMATE)
    reminded_after: RandomDuration = Field(
        default_factory=lambda: lognormal(1.5 * _DAY_S, 1.0),
        description="Time until they do, from the reminder.",
        json_schema_extra=ESTIMATE,
    )
    reading: RandomDuration = Field(
        default_factory=lambda: lognormal(180.0, 0.6),
        description="Time that a guardian spends on the confirmation.",
        json_schema_extra=ESTIMATE,
    )
    wait_for_next: Share = Field(
        0.5,
        description="Share of those not on a list who wait for the next one; the others go elsewhere.",
        json_schema_extra=ESTIMATE,
    )
    entry: RandomDuration = Field(
        default_factory=lambda: lognormal(180.0, 0.5),
        description="Time of the clerk for each child.",
        json_schema_extra=ESTIMATE,
    )
    incomplete: Share = Field(
        0.05,
        description="Share of families of whom the clerk finds something missing, and asks for it.",
        json_schema_extra=ESTIMATE,
    )
    fetch: RandomDuration = Field(
        default_factory=lambda: lognormal(2 * _DAY_S, 0.8),
        description="Time until the school has what was missing or wrong.",
        json_schema_extra=ESTIMATE,
    )
    at: Hour = Field("16:00", description="The hour at which a list leaves.")
    by_the_deadline: bool = Field(
        True,
        description="Whether what has been entered is also handed over on the last working day of the collection "
        "period, and what comes after that when it ends.",
    )
    results: HandOver = Field(
        default_factory=lambda: HandOver.model_construct(weekdays=["Friday"]),
        description="When the agency sends back what it has decided, on Fridays if not given; with `size` 1 as soon as "
        "it is decided.",
        json_schema_extra=ESTIMATE,
    )

    _at = field_validator("at")(check_hour)

    @field_validator("lists")
    @classmethod
    def _one_after_the_other(cls, lists: list[TermList]) -> list[TermList]:
        for number, (before, after) in enumerate(pairwise(lists), start=1):
            if after.opens <= before.departure:
                raise MisfitError(
                    "opens before the list in front of it has left",
                    allowed=f"a date after {before.departure}",
                    below=(number, "opens"),
                )
        return lists

    def open_days(self, district: District) -> BoolArray:
        """Tell for each date whether families may come: always, they confirm at home and wait for the list."""
        return np.ones(district.horizon.days, dtype=np.bool_)

    def serves(self, district: District) -> BoolArray:
        """Tell of each family whether any site enrols children of its kind."""
        taken = {kind for site in self.sites.values() for kind in _TAKES[site.takes]}
        return is_kind(district, *taken)

    def build(self, name: str, district: District) -> Part:
        """Give each site a clerk and batches for list and results, and the way through the lists."""
        openings = {site: one.opening(district) for site, one in self.sites.items()}
        stations = [
            canbao.Station(f"{name}.{site}", opening.servers, group=f"{name}{PAPERS}")
            for site, opening in openings.items()
        ]
        calendars = {f"{name}.{site}": opening.calendar for site, opening in openings.items()}
        for number, term in enumerate(self.lists, start=1):
            calendars |= _calendars(f"{name} list {number}", term, district)
        columns = {
            f"_{name} confirms": self._confirms(district),
            f"_{name} papers": complete_papers(self.incomplete, district),
            f"_{name} children": time_by_children(1.0, district),
            **self._near(name, district),
        }
        steps = [*self._lists(name, district), *self._entry(name), *self._results(name, district)]
        return Part(stations, steps, "", calendars, columns, list(self._batches(name, district)))

    def _near(self, name: str, district: District) -> dict[str, FloatArray]:
        """Tell for each site whether each family's children go there: one site for good."""
        found = {f"_{name} near {site}": np.zeros(district.families) for site in self.sites}
        for kind in ("pre-school", "pupil"):
            weights = {site: one.pupils for site, one in self.sites.items() if kind in _TAKES[one.takes]}
            mine = is_kind(district, kind)
            for column, theirs in (near(name, weights, district) if weights else {}).items():
                found[column] = np.where(mine, theirs, found[column])
        return found

    def _confirms(self, district: District) -> FloatArray:
        """Give each family's probability of confirming by itself; its mean over typical families is as stated."""
        typical, odds = (self.skill_effect * skill_of(known) for known in (district.typical, district.columns))
        return with_mean(self.confirm, typical, odds)

    # --- the lists ---

    def _lists(self, name: str, district: District) -> Iterator[canbao.Step]:
        """Wait for a list and confirm; whoever missed one waits for the next, or goes elsewhere.

        Whoever gave up behind that, as while paying, is on a list already.
        """
        yield canbao.Marked(LISTED, name="list", yes=HAND_IN)
        for number, term in enumerate(self.lists, start=1):
            following = f"list {number + 1}" if number < len(self.lists) else "not on a list"
            yield from self._list(name, number, following, _Moments.of(term, district))
        yield go_elsewhere("not on a list")

    def _list(self, name: str, number: int, following: str, moments: _Moments) -> Iterator[canbao.Step]:
        one, calendar = f"list {number}", f"{name} list {number}"
        silent, confirmed, missed = f"{one} silent", f"{one} confirmed", f"{one} missed"
        yield canbao.Before(moments.closes_s, name=one, late=following)
        yield canbao.Await(calendar, name=f"{one} opens")
        yield canbao.Check(f"_{name} confirms", name=f"{one} confirms", failed=silent)
        yield canbao.Delay(self.confirm_after.build(), name=f"{one} thinking", then=confirmed)
        yield canbao.Before(moments.reminder_s, name=silent, late=missed)
        yield canbao.Await(f"{calendar} reminder", name=f"{one} reminder")
        yield canbao.Check(self.reminded, name=f"{one} reminded", failed=missed)
        yield canbao.Delay(self.reminded_after.build(), name=f"{one} reconsidering")
        yield canbao.Before(moments.closes_s, name=confirmed, then="confirms", late=missed)
        yield canbao.Await(f"{calendar} closed", name=missed)
        yield canbao.Check(self.wait_for_next, name=f"{one} waits", passed=following, failed="not on a list")

    def _entry(self, name: str) -> Iterator[canbao.Step]:
        """Confirm, be entered by the clerk, supply what is missing, and leave with the list."""
        entry = canbao.Scaled(self.entry.build(), f"_{name} children")
        yield canbao.Delay(self.reading.build(), name="confirms", effort=True)
        yield self._where(name, "entry", "whose clerk")
        for site in self.sites:
            station, listed = f"{name}.{site}", f"{site} listed"
            yield canbao.Visit(station, entry, name=f"{site} entry", luck=f"{name}:entry")
            yield canbao.Check(f"_{name} papers", name=f"{site} papers", passed=listed, failed=f"{site} incomplete")
            yield failed("incomplete papers", label=f"{site} incomplete")
            yield canbao.Delay(self.fetch.build(), name=f"{site} fetch")
            yield canbao.Visit(station, entry, name=f"{site} second entry", luck=f"{name}:entry")
            yield canbao.Gather(f"{station} list", name=listed, then="left")
        yield canbao.Mark(LISTED, name="left", then=HAND_IN)

    def _results(self, name: str, district: District) -> Iterator[canbao.Step]:
        """Learn with the others of the site what was decided; what was returned is put right through the school."""
        last = self.results.last(self.results.moments(district), district)
        entry = canbao.Scaled(self.entry.build(), f"_{name} children")
        yield self._where(name, "result", RESULT)
        yield self._where(name, "returned", CORRECT)
        for site in self.sites:
            station, correct = f"{name}.{site}", f"{site} gather"
            yield canbao.Before(last, name=f"{site} result", late=APPROVED)
            yield canbao.Gather(f"{station} results", name=f"{site} results", then=APPROVED)
            yield canbao.Before(last, name=f"{site} returned", late=correct)
            yield canbao.Gather(f"{station} results", name=f"{site} returned results")
            yield canbao.Delay(self.fetch.build(), name=correct)
            yield canbao.Visit(station, entry, name=f"{site} correction", served=RESUBMIT, luck=f"{name}:entry")

    def _where(self, name: str, step: str, label: str) -> canbao.Choose:
        options = [canbao.Option(f"{site} {step}", weight=f"_{name} near {site}") for site in self.sites]
        return canbao.Choose(options, name=label)

    # --- batches ---

    def _batches(self, name: str, district: District) -> Iterator[canbao.Batch]:
        departures, results = self._departures(district), self.results.moments(district)
        for site in self.sites:
            yield canbao.Batch(f"{name}.{site} list", releases=departures, group=f"{name}{PAPERS}")
            yield self.results.batch(f"{name}.{site} results", results, group=f"{name}{PAPERS}")

    def _departures(self, district: District) -> list[float]:
        """Give the moments at which lists leave, and those at which what was entered late follows."""
        worked = [date for date, works in zip(district.horizon.dates(), district.working, strict=True) if works]
        opens = [*(term.opens for term in self.lists[1:]), dt.date.max]
        late = [
            date for term, end in zip(self.lists, opens, strict=True) for date in worked if term.departure <= date < end
        ]
        more = by_the_deadline(self.at, district) if self.by_the_deadline else []
        return sorted(
            {
                *moments_on([term.departure for term in self.lists], self.at, district),
                *moments_on(late, self.at, district),
                *more,
            }
        )


@dataclass(frozen=True)
class _Moments:
    """The moments of a list; -inf for a reminder that there is not."""

    closes_s: float
    reminder_s: float

    @classmethod
    def of(cls, term: TermList, district: District) -> _Moments:
        """Give those of a list; it is open until just before the midnight at which its last date ends."""
        closes_s = math.nextafter(district.horizon.seconds(term.closes) + _DAY_S, -math.inf)
        reminder_s = -math.inf if term.reminder is None else district.horizon.seconds(term.reminder)
        return cls(closes_s, reminder_s)


def _calendars(name: str, term: TermList, district: District) -> dict[str, Calendar]:
    """Give when a list is open, from when on its reminder is out, and from when on it is closed."""
    horizon, day = district.horizon, dt.timedelta(days=1)
    spans = {name: (term.opens, term.closes), f"{name} closed": (term.closes + day, horizon.end)}
    spans[f"{name} reminder"] = (term.reminder or horizon.start, horizon.end)
    return {key: _calendar(start, end, district) for key, (start, end) in spans.items()}


def _calendar(first: dt.date, last: dt.date, district: District) -> Calendar:
    """Give the calendar that is open from one date to another, both included, as far as the horizon has them."""
    horizon = district.horizon
    start_s, end_s = max(0.0, horizon.seconds(first)), min(horizon.end_s, horizon.seconds(last) + _DAY_S)
    return Calendar.from_intervals([(start_s, end_s)] if start_s < end_s else [], horizon.days)
