"""The agency office: halls with windows, hours and staff, to which families travel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

import canbao
from canbao.arrays import BoolArray, FloatArray, np
from canbao.district import CORRECT, HAND_IN, RESUBMIT, District, Part
from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE, Named, Settings
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
    is_kind,
    open_days,
    time_by_children,
)

__all__ = ["Office", "Site"]


class Office(Settings):
    """Halls of the insurance agency."""

    online: ClassVar[bool] = False

    kind: Literal["office"]
    sites: dict[str, Site] = Field(description="The halls, by name.", min_length=1, max_length=200)
    service: RandomDuration = Field(
        default_factory=lambda: lognormal(480.0, 0.6),
        description="Time at the window for a family with one child.",
        json_schema_extra=ESTIMATE,
    )
    each_further_child: FurtherChild
    patience: HallPatience
    baulk_at: BaulkAt
    incomplete: IncompletePapers
    fetch: Fetch
    choice_of_site: ChoiceOfSite
    newborn_first: bool = Field(False, description="Whether families with newborns are called first.")
    discipline: Annotated[Any, Named("disciplines")] = Field(
        None, description="Whom a free window takes; in the order of coming, or newborns first, if not given."
    )

    def open_days(self, district: District) -> BoolArray:
        """Tell for each date whether any hall is open."""
        return open_days(self.sites, district)

    def travel_s(self, name: str, district: District) -> FloatArray:
        """Give each family's typical way to its hall, in seconds, shape (families,)."""
        return Halls(name, self.sites, district, self.choice_of_site).ways_s()

    def build(self, name: str, district: District) -> Part:
        """Give a station for each hall and the way through it."""
        halls = Halls(name, self.sites, district, self.choice_of_site)
        stations, calendars = halls.stations(self.discipline or ("priority" if self.newborn_first else "fifo"))
        columns: dict[str, FloatArray] = {
            f"_{name} time": time_by_children(self.each_further_child, district),
            f"_{name} papers": complete_papers(self.incomplete, district),
            **halls.columns(),
        }
        if self.newborn_first:
            columns[f"_{name} priority"] = (~is_kind(district, "newborn")).astype(np.float64)
        steps = [*self._first_visits(halls), *self._corrections(halls)]
        return Part(stations, steps, queue=stations[0].name, calendars=calendars, columns=columns)

    def _window(self, name: str) -> Window:
        return Window(
            service=canbao.Scaled(self.service.build(), f"_{name} time"),
            patience=self.patience.build(),
            priority=f"_{name} priority" if self.newborn_first else 0.0,
            baulk_at=self.baulk_at,
            luck=f"{name}:window",
        )

    def _first_visits(self, halls: Halls) -> Iterator[canbao.Step]:
        """Come, wait, be served, be told at once what is missing, fetch it and come again."""
        window = self._window(halls.name)
        yield halls.choose("arrive", name="hall")
        for site in self.sites:
            yield from halls.visit(site, "arrive", "window", window)
            yield from halls.papers(site, window, f"_{halls.name} papers", self.fetch.build(), then=HAND_IN)

    def _corrections(self, halls: Halls) -> Iterator[canbao.Step]:
        """Correct what the review returned; whoever came so far does not give up."""
        window = self._window(halls.name)
        yield halls.choose("gather", name=CORRECT)
        for site in self.sites:
            yield canbao.Delay(self.fetch.build(), name=f"{site} gather")
            yield from halls.visit(site, "correct", "correction", window, gives_up=None)
            yield canbao.Go(RESUBMIT)
