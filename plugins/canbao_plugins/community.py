"""Community service centres: clerks take papers, and the centre hands them over to the agency in batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

import canbao
from canbao.arrays import BoolArray, FloatArray, np
from canbao.district import CORRECT, HAND_IN, PAPERS, RESUBMIT, District, Part
from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Span, WorkingSpan
from canbao_plugins.desks import span_delay
from canbao_plugins.halls import (
    BaulkAt,
    ChoiceOfSite,
    Fetch,
    FurtherChild,
    HallPatience,
    Halls,
    IncompletePapers,
    Site,
    Window,
    complete_papers,
    open_days,
    time_by_children,
)
from canbao_plugins.handover import HandOver, by_the_deadline, go_elsewhere

__all__ = ["HANDED_OVER", "Community"]

HANDED_OVER = "handed_over"
"""The event that a centre has handed the papers over to the agency."""

_DAY_S = 86_400.0
_NO_MORE = "no more batches"


def _weekly() -> HandOver:
    return HandOver.model_construct(weekdays=["Friday"])


class Community(Settings):
    """Community service centres.

    A clerk takes the papers, and the application is handed in when the centre hands its batch over to the agency. The
    centre tells families what was returned; they bring what is missing there, and it goes with the next batch. Where
    nothing is handed over any more, families go elsewhere.
    """

    online: ClassVar[bool] = False

    kind: Literal["community"]
    sites: dict[str, Site] = Field(description="The centres, by name.", min_length=1, max_length=200)
    service: RandomDuration = Field(
        default_factory=lambda: lognormal(360.0, 0.6),
        description="Time at the window for a family with one child; papers are taken, nothing is entered.",
        json_schema_extra=ESTIMATE,
    )
    each_further_child: FurtherChild
    patience: HallPatience
    baulk_at: BaulkAt
    incomplete: IncompletePapers
    fetch: Fetch
    hand_over: HandOver = Field(
        default_factory=_weekly,
        description="When papers are handed over to the agency, on Fridays if not given; the older rule was two dates "
        "a year.",
        json_schema_extra=ESTIMATE,
    )
    by_the_deadline: bool = Field(
        True,
        description="Whether papers are handed over on the last working day of the collection period too, and what "
        "comes in after that when it ends.",
    )
    told: WorkingSpan = Field(
        Span(1.0, "working days"),
        description="Time until the centre has told a family what was returned.",
        json_schema_extra=ESTIMATE,
    )
    choice_of_site: ChoiceOfSite

    def open_days(self, district: District) -> BoolArray:
        """Tell for each date whether any centre is open and hands over what it takes then or later."""
        day_s = np.arange(district.horizon.days) * _DAY_S
        return np.asarray(open_days(self.sites, district) & (day_s <= self._last(district)))

    def travel_s(self, name: str, district: District) -> FloatArray:
        """Give each family's typical way to its centre, in seconds, shape (families,)."""
        return self._halls(name, district).ways_s()

    def build(self, name: str, district: District) -> Part:
        """Give each centre a station for its windows and a batch for its papers, and the way through them."""
        halls = self._halls(name, district)
        stations, calendars = halls.stations()
        columns: dict[str, FloatArray] = {
            f"_{name} time": time_by_children(self.each_further_child, district),
            f"_{name} papers": complete_papers(self.incomplete, district),
            **halls.columns(),
        }
        releases = self._releases(district)
        batches = [self.hand_over.batch(_batch(name, site), releases, group=f"{name}{PAPERS}") for site in self.sites]
        steps = [*self._first_visits(halls), *self._corrections(halls), go_elsewhere(_NO_MORE)]
        return Part(stations, steps, stations[0].name, calendars, columns, batches)

    def _halls(self, name: str, district: District) -> Halls:
        return Halls(name, self.sites, district, self.choice_of_site)

    def _releases(self, district: District) -> list[float]:
        """Give the moments at which batches leave, as far as they are known beforehand."""
        more = by_the_deadline(self.hand_over.at, district) if self.by_the_deadline else []
        return sorted({*self.hand_over.moments(district), *more})

    def _last(self, district: District) -> float:
        return self.hand_over.last(self._releases(district), district)

    def _window(self, name: str) -> Window:
        return Window(
            service=canbao.Scaled(self.service.build(), f"_{name} time"),
            patience=self.patience.build(),
            baulk_at=self.baulk_at,
            luck=f"{name}:window",
        )

    def _first_visits(self, halls: Halls) -> Iterator[canbao.Step]:
        """Come, wait, show the papers and leave them there until the next batch goes.

        Whoever gave up behind that, as while paying, needs no second batch.
        """
        window, last = self._window(halls.name), self._last(halls.district)
        yield canbao.Marked(HANDED_OVER, name="papers", yes=HAND_IN)
        yield canbao.Before(last, name="batches", late=_NO_MORE)
        yield halls.choose("arrive", name="centre")
        for site in self.sites:
            taken = f"{site} taken"
            yield from halls.visit(site, "arrive", "window", window)
            yield from halls.papers(site, window, f"_{halls.name} papers", self.fetch.build(), then=taken)
            yield canbao.Before(last, name=taken, late=_NO_MORE)
            yield canbao.Gather(_batch(halls.name, site), name=f"{site} batch", then="handed over")
        yield canbao.Mark(HANDED_OVER, name="handed over", then=HAND_IN)

    def _corrections(self, halls: Halls) -> Iterator[canbao.Step]:
        """Be told, bring what is missing, and go with the next batch; alone, if there is none any more.

        Whoever came so far does not give up.
        """
        window, last = self._window(halls.name), self._last(halls.district)
        yield halls.choose("told", name=CORRECT)
        for site in self.sites:
            yield span_delay(self.told, halls.station(site), f"{site} told")
            yield canbao.Delay(self.fetch.build(), name=f"{site} gather")
            yield from halls.visit(site, "correct", "correction", window, gives_up=None)
            yield canbao.Before(last, name=f"{site} corrected", late=RESUBMIT)
            yield canbao.Gather(_batch(halls.name, site), name=f"{site} corrected batch", then=RESUBMIT)


def _batch(name: str, site: str) -> str:
    return f"{name}.{site} papers"
