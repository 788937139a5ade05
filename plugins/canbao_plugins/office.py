"""The agency office: halls with windows, hours and staff, to which families travel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

import canbao
from canbao.arrays import BoolArray, FloatArray, np
from canbao.columns import Coded
from canbao.distributions import Empirical, Histogram
from canbao.district import CORRECT, GIVE_UP, HAND_IN, RESUBMIT, District, Part
from canbao.plugins import hookimpl
from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE, Named, Settings
from canbao.scenario.quantities import PositiveAmount, PositiveCount, Share
from canbao.scenario.staffing import Staffed

__all__ = ["Office", "Site"]


# Two humps, in the middle of the morning and of the afternoon, as shares of a day's opening hours.
_HUMPS = Histogram((0.0, 0.07, 0.35, 0.5, 0.57, 0.85, 1.0), (0.08, 0.36, 0.12, 0.06, 0.30, 0.08))


class Site(Staffed):
    """One hall."""

    catchment: PositiveAmount = Field(
        1.0, description="Weight of this hall among the halls: how many families live near."
    )
    room: PositiveCount | None = Field(
        None, description="How many fit in, being served included; no limit if not given."
    )
    closing: Literal["serve", "send home"] = Field(
        "serve", description="At closing time serve who is inside, or send them home until the next working day."
    )
    travel: RandomDuration = Field(
        default_factory=lambda: lognormal(1500.0, 0.5), description="The way there.", json_schema_extra=ESTIMATE
    )


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
    each_further_child: Share = Field(
        0.4, description="Part of that time that each further child adds.", json_schema_extra=ESTIMATE
    )
    patience: RandomDuration = Field(
        default_factory=lambda: lognormal(2400.0 * math.sqrt(1.25), 0.5),
        description="How long a family waits before it leaves.",
        json_schema_extra=ESTIMATE,
    )
    baulk_at: PositiveCount | None = Field(
        None,
        description="Number of waiting families for each window at which a family turns round; never if not given.",
    )
    incomplete: Share = Field(
        0.08,
        description="Share of families whose papers are found incomplete at the window.",
        json_schema_extra=ESTIMATE,
    )
    fetch: RandomDuration = Field(
        default_factory=lambda: lognormal(1.5 * 86_400.0, 0.8),
        description="Time to get missing papers or to correct an application.",
        json_schema_extra=ESTIMATE,
    )
    choice_of_site: Literal["nearest", "shortest", "fastest"] = Field(
        "nearest", description="By catchment, by the shortest queue, or by the least travel and wait."
    )
    newborn_first: bool = Field(False, description="Whether families with newborns are called first.")
    discipline: Annotated[Any, Named("disciplines")] = Field(
        None, description="Whom a free window takes; in the order of coming, or newborns first, if not given."
    )

    def open_days(self, district: District) -> BoolArray:
        """Tell for each date whether any hall is open."""
        return np.asarray(np.any([site.open_days(district) for site in self.sites.values()], axis=0))

    def build(self, name: str, district: District) -> Part:
        """Give a station for each hall and the way through it."""
        stations, calendars = [], {}
        steps: list[canbao.Step] = [canbao.Choose(self._options(name, "arrive"), rule=self._rule(), name="hall")]
        corrections: list[canbao.Step] = [canbao.Choose(self._options(name, "gather"), rule=self._rule(), name=CORRECT)]
        for site_name, site in self.sites.items():
            hall = _Hall(self, site, name, site_name)
            opening = site.opening(district)
            calendars[hall.station] = opening.calendar
            stations.append(
                canbao.Station(
                    hall.station,
                    servers=opening.servers,
                    doors=opening.doors,
                    closing=site.closing,
                    discipline=self.discipline or ("priority" if self.newborn_first else "fifo"),
                    room=site.room or math.inf,
                )
            )
            steps.extend(hall.first_visit())
            corrections.extend(hall.correction())
        columns = {f"_{name} time": self._time_factor(district), f"_{name} papers": self._papers(district)}
        columns |= self._near(name, district) | self._ways(name, district)
        if self.newborn_first:
            columns[f"_{name} priority"] = 1.0 - _is_newborn(district)
        return Part(stations, [*steps, *corrections], queue=stations[0].name, calendars=calendars, columns=columns)

    def _rule(self) -> Literal["weight", "shortest", "fastest"]:
        return "weight" if self.choice_of_site == "nearest" else self.choice_of_site

    def _options(self, name: str, step: str) -> list[canbao.Option]:
        return [
            canbao.Option(
                f"{site_name} {step}",
                weight=f"_{name} near {site_name}",
                station=f"{name}.{site_name}",
                travel=self.way(name, site_name) if self.choice_of_site == "fastest" else 0.0,
            )
            for site_name in self.sites
        ]

    def way(self, name: str, site: str) -> canbao.Quantity:
        """Give the time of the way to a hall: where families weigh ways against waits, each knows its own."""
        return f"_{name} way to {site}" if self.choice_of_site == "fastest" else self.sites[site].travel.build()

    def _ways(self, name: str, district: District) -> dict[str, FloatArray]:
        if self.choice_of_site != "fastest":
            return {}
        return {
            f"_{name} way to {site_name}": np.asarray(
                site.travel.build().ppf(district.luck.uniforms(f"{name}:way to {site_name}", district.families))
            )
            for site_name, site in self.sites.items()
        }

    def _near(self, name: str, district: District) -> dict[str, FloatArray]:
        """Tell for each hall whether each family lives near it: one hall for good, however often it goes there."""
        halls = Empirical(tuple(range(len(self.sites))), tuple(site.catchment for site in self.sites.values()))
        nearest = halls.ppf(district.luck.uniforms(f"{name}:hall", district.families))
        return {
            f"_{name} near {site}": (nearest == number).astype(np.float64) for number, site in enumerate(self.sites)
        }

    def _time_factor(self, district: District) -> FloatArray:
        if "children" not in district.columns:
            return np.ones(district.families)
        return 1.0 + self.each_further_child * (district.number("children") - 1.0)

    def _papers(self, district: District) -> FloatArray:
        """Give each family's probability that its papers are found complete.

        Those who lack a paper are found out; among the others as many slip up as are missing from the stated share.
        """
        held = district.columns.get("papers_complete")
        typical = district.typical.get("papers_complete")
        if held is None or typical is None:
            return np.full(district.families, 1.0 - self.incomplete)
        lacking = 1.0 - float(np.mean(np.asarray(typical, dtype=np.float64)))
        found_out = min(1.0, self.incomplete / lacking) if lacking else 0.0
        slip = max(0.0, (self.incomplete - lacking) / (1.0 - lacking)) if lacking < 1.0 else 0.0
        return np.where(np.asarray(held, dtype=bool), 1.0 - slip, 1.0 - found_out)


def _is_newborn(district: District) -> FloatArray:
    kind = district.columns.get("kind")
    if isinstance(kind, Coded) and "newborn" in kind.labels:
        return np.asarray(kind.has("newborn"), dtype=np.float64)
    return np.zeros(district.families)


class _Hall(NamedTuple):
    """One site while its steps are written."""

    office: Office
    site: Site
    channel: str
    name: str

    @property
    def station(self) -> str:
        return f"{self.channel}.{self.name}"

    def first_visit(self) -> list[canbao.Step]:
        """Come, wait, be served, be told at once what is missing, fetch it and come again."""
        return [
            *self._visit("arrive", "window", gives_up=GIVE_UP),
            canbao.Check(
                f"_{self.channel} papers", name=f"{self.name} papers", failed=f"{self.name} fetch", passed=HAND_IN
            ),
            canbao.Delay(self.office.fetch.build(), name=f"{self.name} fetch"),
            *self._visit("back", "second visit", gives_up=GIVE_UP),
            canbao.Go(HAND_IN),
        ]

    def correction(self) -> list[canbao.Step]:
        """Correct what the review returned; whoever came so far does not give up."""
        return [
            canbao.Delay(self.office.fetch.build(), name=f"{self.name} gather"),
            *self._visit("correct", "correction", gives_up=f"{self.name} correct tomorrow"),
            canbao.Go(RESUBMIT),
        ]

    def _visit(self, arrive: str, visit: str, gives_up: str) -> Iterator[canbao.Step]:
        """Go there in opening hours and stand in the queue.

        Whoever finds it closed comes again when it is open, be it after lunch; whoever finds it full, on the next day.
        """
        at, name, tomorrow = _HUMPS, self.name, f"{self.name} {arrive} tomorrow"
        travel, again = f"{name} {arrive} way", f"{name} {arrive}"
        yield canbao.Await(self.station, at=at, name=again, then=travel)
        yield canbao.Await(self.station, at=at, day=1, name=tomorrow)
        yield canbao.Delay(self.office.way(self.channel, name), name=travel, trip=True)
        yield canbao.Visit(
            self.station,
            canbao.Scaled(self.office.service.build(), f"_{self.channel} time"),
            name=f"{name} {visit}",
            patience=self.office.patience.build(),
            baulk_at=math.inf if self.office.baulk_at is None else self.office.baulk_at * max(1, self.site.staff),
            priority=f"_{self.channel} priority" if self.office.newborn_first else 0.0,
            abandoned=gives_up,
            baulked=gives_up,
            full=tomorrow,
            closed=again,
            luck=f"{self.channel}:window",
        )


@hookimpl
def register_channels(register: Any) -> None:
    """Register the channel."""
    register("office", Office)
