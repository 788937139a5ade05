"""Hospitals: the birth bundle (出生一件事), one form at the desk of the maternity ward for everything after a birth.

The order is fixed: the police register the birth, then the household register gives its electronic licence, then the
hospital applies for the insurance; a card comes after that. Whoever asks for the insurance or the card before the birth
is registered is sent back, and comes again when it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

import canbao
from canbao.arrays import BoolArray, FloatArray, np
from canbao.calendar import Calendar, parse_hours
from canbao.district import CORRECT, HAND_IN, RESUBMIT, District, Part, failed
from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Amount, MisfitError, PositiveCount, Share, Span, WorkingSpan
from canbao_plugins.desks import span_delay
from canbao_plugins.halls import Fetch, Halls, Site, Window, complete_papers, is_kind, open_days
from canbao_plugins.skill import skill_of, with_mean

__all__ = ["BIRTH_REGISTERED", "HOUSEHOLD_LICENCE", "Hospital", "Registration"]

BIRTH_REGISTERED = "birth_registered"
"""The event that the police have registered the birth; neither insurance nor card comes before it."""
HOUSEHOLD_LICENCE = "household_licence"
"""The event that the household register has given its electronic licence."""

_DAY_S = 86_400.0

_POLICE_HOURS = parse_hours(["08:30-12:00", "14:00-17:00"])
"""They close before the desk does, so that who asks on a day finds the desk open on that day."""


class Registration(Settings):
    """How many working days the police take to register a birth, each number as likely as any other."""

    least: PositiveCount = Field(1, description="The fewest working days.", json_schema_extra={"grade": "A"})
    most: PositiveCount = Field(5, description="The most working days.", json_schema_extra={"grade": "A"}, le=250)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.most < self.least:
            raise MisfitError("is below least", allowed="a number at or above least", below=("most",))
        return self


class Hospital(Settings):
    """Hospitals in which families enrol their newborns at the ward, with one form for registers, insurance and card.

    It serves newborns' families only. They are in the house after the birth, so that the first visit to the desk is no
    trip. The form is kept while the birth is registered, and the application is handed in as soon as that is through.
    """

    online: ClassVar[bool] = False

    kind: Literal["hospital"]
    sites: dict[str, Site] = Field(
        description="The desks at the wards, by hospital; `catchment` weighs births, `travel` is the way of those "
        "who come back.",
        min_length=1,
        max_length=200,
    )
    form: RandomDuration = Field(
        default_factory=lambda: lognormal(480.0, 0.5),
        description="Time at the desk for the one form; 8 min online.",
        json_schema_extra={"grade": "B"},
    )
    patience: RandomDuration = Field(
        default_factory=lambda: lognormal(3600.0 * math.sqrt(1.25), 0.5),
        description="How long a family waits at the desk before it leaves.",
        json_schema_extra=ESTIMATE,
    )
    undecided: Share = Field(
        0.15,
        description="Share of families that have not decided on a name yet, and come back with one.",
        json_schema_extra=ESTIMATE,
    )
    decide: RandomDuration = Field(
        default_factory=lambda: lognormal(7 * _DAY_S, 0.8),
        description="Time until they have decided.",
        json_schema_extra=ESTIMATE,
    )
    incomplete: Share = Field(
        0.05, description="Share of families whose papers are found incomplete.", json_schema_extra=ESTIMATE
    )
    fetch: Fetch
    registration: Registration = Field(
        default_factory=Registration, description="How long the police take to register the birth."
    )
    licence: WorkingSpan = Field(
        Span(4 * 3600.0, "working s"),
        description="Time from there until the household register has given its electronic licence.",
        json_schema_extra=ESTIMATE,
    )
    hasty: Share = Field(
        0.1,
        description="Share of families that ask for insurance or card while the birth is not registered yet; more "
        "where they are not skilled enough to see online how far it is.",
        json_schema_extra=ESTIMATE,
    )
    skill_effect: Amount = Field(
        2.0,
        description="How strongly digital skill decides who asks too early: the log odds between skill 1 and skill 0.",
        json_schema_extra=ESTIMATE,
        le=50,
    )
    come_again: RandomDuration = Field(
        default_factory=lambda: lognormal(_DAY_S, 0.8),
        description="Time after the licence until those who were sent back come again.",
        json_schema_extra=ESTIMATE,
    )

    def open_days(self, district: District) -> BoolArray:
        """Tell for each date whether the desk of any ward is open."""
        return open_days(self.sites, district)

    def serves(self, district: District) -> BoolArray:
        """Tell of each family whether it has a newborn."""
        return is_kind(district, "newborn")

    def build(self, name: str, district: District) -> Part:
        """Give a desk for each hospital and the way from the form to the insurance."""
        halls = Halls(name, self.sites, district)
        stations, calendars = halls.stations()
        calendars[_police(name)] = Calendar.build(district.horizon, [(district.working, _POLICE_HOURS)])
        columns = {f"_{name} papers": complete_papers(self.incomplete, district), **halls.columns()}
        columns |= {f"_{name} waits": self._waits(district), **self._days(name, district)}
        steps = [*self._forms(halls), *self._registration(halls), *self._hasty(halls), *self._corrections(halls)]
        return Part(stations, steps, queue=stations[0].name, calendars=calendars, columns=columns)

    def _waits(self, district: District) -> FloatArray:
        """Give each family's probability that it does not ask too early; the mean over typical ones is as stated."""
        typical, odds = (self.skill_effect * skill_of(known) for known in (district.typical, district.columns))
        return with_mean(1.0 - self.hasty, typical, odds)

    def _days(self, name: str, district: District) -> dict[str, FloatArray]:
        """Give the working days of each registration, and when the hasty ask: some whole days before it is through."""
        least, most = self.registration.least, self.registration.most
        luck, count = district.luck, district.families
        days = least + np.floor(luck.uniforms(f"{name}:registration", count) * (most - least + 1))
        asks = np.floor(luck.uniforms(f"{name}:asks", count) * days)
        return {f"_{name} registration": days, f"_{name} asks": asks, f"_{name} left": days - asks}

    def _window(self, name: str, *, trip: bool) -> Window:
        return Window(self.form.build(), self.patience.build(), luck=f"{name}:desk", trip=trip)

    def _forms(self, halls: Halls) -> Iterator[canbao.Step]:
        """Fill in the form with name and papers; whoever lacks either comes back with it.

        Whoever gave up behind it, as while paying, has done all that the ward asks for.
        """
        window = self._window(halls.name, trip=True)
        yield canbao.Marked(HOUSEHOLD_LICENCE, name="bundle", yes=HAND_IN)
        yield halls.choose("ward", name="hospital")
        for site in self.sites:
            named = f"{site} papers"
            yield from halls.visit(site, "ward", "form", replace(window, trip=False))
            yield canbao.Check(1 - self.undecided, name=f"{site} name", passed=named, failed=f"{site} undecided")
            yield canbao.Delay(self.decide.build(), name=f"{site} undecided")
            yield from halls.visit(site, "named", "named visit", window)
            yield from halls.papers(site, window, f"_{halls.name} papers", self.fetch.build(), then="form complete")

    def _registration(self, halls: Halls) -> Iterator[canbao.Step]:
        """Wait for the police and the household register; the hospital hands in when both are through."""
        name, police = halls.name, _police(halls.name)
        yield canbao.Check(f"_{name} waits", name="form complete", failed="hasty")
        yield canbao.Delay(f"_{name} registration", unit="working days", calendar=police, name="registration")
        yield canbao.Mark(BIRTH_REGISTERED, name="registered")
        yield span_delay(self.licence, police, "licence")
        yield canbao.Mark(HOUSEHOLD_LICENCE, name="licensed", then=HAND_IN)

    def _hasty(self, halls: Halls) -> Iterator[canbao.Step]:
        """Ask too early, be sent back, and come again when the birth is registered and the licence there."""
        name, police, window = halls.name, _police(halls.name), self._window(halls.name, trip=True)
        yield canbao.Delay(f"_{name} asks", unit="working days", calendar=police, name="hasty")
        yield halls.choose("asks", name="asks where")
        for site in self.sites:
            yield from halls.visit(site, "asks", "too early", window, gives_up="sent back")
            yield failed("not registered yet", label=f"{site} not registered", then="sent back")
        yield canbao.Delay(f"_{name} left", unit="working days", calendar=police, name="sent back")
        yield canbao.Mark(BIRTH_REGISTERED, name="registered meanwhile")
        yield span_delay(self.licence, police, "licence meanwhile")
        yield canbao.Mark(HOUSEHOLD_LICENCE, name="licensed meanwhile")
        yield canbao.Delay(self.come_again.build(), name="comes again")
        yield halls.choose("again", name="comes where")
        for site in self.sites:
            yield from halls.visit(site, "again", "asks again", window, gives_up=None)
            yield canbao.Go(HAND_IN)

    def _corrections(self, halls: Halls) -> Iterator[canbao.Step]:
        """Correct what the review returned at the desk; whoever came so far does not give up."""
        window = self._window(halls.name, trip=True)
        yield halls.choose("gather", name=CORRECT)
        for site in self.sites:
            yield canbao.Delay(self.fetch.build(), name=f"{site} gather")
            yield from halls.visit(site, "correct", "correction", window, gives_up=None)
            yield canbao.Go(RESUBMIT)


def _police(name: str) -> str:
    return f"{name} police"
