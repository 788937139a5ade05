"""Halls: places with hours, staff and a room, to which families travel and where they stand in a queue.

What an office, a community centre or a desk in a hospital have in common. A channel gives its sites to `Halls`, which
knows which of them is near whom, and writes what happens there with a `Window`: a visit, papers that are missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

import canbao
from canbao.arrays import BoolArray, FloatArray, np
from canbao.calendar import Calendar
from canbao.columns import Coded
from canbao.district import GIVE_UP, District, failed
from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE
from canbao.scenario.quantities import PositiveAmount, PositiveCount, Share
from canbao.scenario.staffing import Staffed

if TYPE_CHECKING:
    from canbao.disciplines import Discipline, QueueKey

__all__ = [
    "BaulkAt",
    "ChoiceOfSite",
    "Fetch",
    "FurtherChild",
    "HallPatience",
    "Halls",
    "IncompletePapers",
    "Site",
    "Window",
    "complete_papers",
    "humps",
    "is_kind",
    "near",
    "open_days",
    "time_by_children",
]

ChoiceOfSite = Annotated[
    Literal["nearest", "shortest", "fastest"],
    Field("nearest", description="By catchment, by the shortest queue, or by the least travel and wait."),
]
"""How families choose among the sites of a channel."""

FurtherChild = Annotated[
    Share, Field(0.4, description="Part of that time that each further child adds.", json_schema_extra=ESTIMATE)
]
HallPatience = Annotated[
    RandomDuration,
    Field(
        default_factory=lambda: lognormal(2400.0 * math.sqrt(1.25), 0.5),
        description="How long a family waits before it leaves.",
        json_schema_extra=ESTIMATE,
    ),
]
BaulkAt = Annotated[
    PositiveCount | None,
    Field(
        None,
        description="Number of waiting families for each window at which a family turns round; never if not given.",
    ),
]
IncompletePapers = Annotated[
    Share,
    Field(
        0.08,
        description="Share of families whose papers are found incomplete at the window.",
        json_schema_extra=ESTIMATE,
    ),
]
Fetch = Annotated[
    RandomDuration,
    Field(
        default_factory=lambda: lognormal(1.5 * 86_400.0, 0.8),
        description="Time to get missing papers or to correct an application.",
        json_schema_extra=ESTIMATE,
    ),
]

_FACTOR = "way_factor"
"""The column that tells how many times as long as in town a family's ways are."""


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


def humps() -> canbao.Histogram:
    """Give when families come to a hall that opens again, as shares of its hours: mid-morning and afternoon."""
    return canbao.Histogram((0.0, 0.07, 0.35, 0.5, 0.57, 0.85, 1.0), (0.08, 0.36, 0.12, 0.06, 0.30, 0.08))


@dataclass(frozen=True)
class Window:
    """What a visit is like, whichever the hall.

    Parameters
    ----------
    service, patience, priority
        As in `canbao.Visit`.
    baulk_at
        Number of waiting families for each window at which a family turns round; None for never.
    luck
        Names the luck of the service: a family that is slow at one window is slow at every window.
    trip
        Whether families travel there; those who are in the house already do not.
    """

    service: canbao.Quantity
    patience: canbao.Quantity = math.inf
    priority: canbao.Quantity = 0.0
    baulk_at: int | None = None
    luck: str = ""
    trip: bool = True


@dataclass(frozen=True, eq=False)
class Halls:
    """The halls of one channel while its part of the network is written.

    Stations are called `<channel>.<site>`; each has a calendar of the same name. Columns begin with `_<channel>`.

    Parameters
    ----------
    name
        The channel's name.
    choice
        How a family chooses its hall: by catchment, by the shortest queue, or by the least travel and wait.
    at
        When families come to a hall that opens again, as a share of its day.
    """

    name: str
    sites: Mapping[str, Site]
    district: District
    choice: ChoiceOfSite = "nearest"
    at: canbao.Quantity = field(default_factory=humps)

    def station(self, site: str) -> str:
        """Give the name of a hall's station, which is that of its calendar too."""
        return f"{self.name}.{site}"

    def stations(self, discipline: Discipline | QueueKey = "fifo") -> tuple[list[canbao.Station], dict[str, Calendar]]:
        """Give a station for each hall, and its calendar."""
        openings = {self.station(name): (site, site.opening(self.district)) for name, site in self.sites.items()}
        stations = [
            canbao.Station(
                name,
                servers=opening.servers,
                doors=opening.doors,
                closing=site.closing,
                discipline=discipline,
                room=site.room or math.inf,
            )
            for name, (site, opening) in openings.items()
        ]
        return stations, {name: opening.calendar for name, (_, opening) in openings.items()}

    def columns(self) -> dict[str, FloatArray]:
        """Give what `choose` and `visit` need to know of each family."""
        catchments = {name: site.catchment for name, site in self.sites.items()}
        return near(self.name, catchments, self.district) | self._ways()

    def choose(self, step: str, name: str = "") -> canbao.Choose:
        """Go to the step `<site> <step>` of the hall that a family chooses."""
        options = [
            canbao.Option(
                f"{site} {step}",
                weight=f"_{self.name} near {site}",
                station=self.station(site),
                travel=self.way(site) if self.choice == "fastest" else 0.0,
            )
            for site in self.sites
        ]
        return canbao.Choose(options, rule="weight" if self.choice == "nearest" else self.choice, name=name)

    def way(self, site: str) -> canbao.Quantity:
        """Give the time of the way to a hall: where families weigh ways against waits, each knows its own."""
        if self.choice == "fastest":
            return f"_{self.name} way to {site}"
        travel = self.sites[site].travel.build()
        return canbao.Scaled(travel, _FACTOR) if _FACTOR in self.district.columns else travel

    def ways_s(self) -> FloatArray:
        """Give each family's typical way to the hall that it chooses while nobody waits, in seconds, shape (families,).

        It is what `travel_s` of a channel gives, for those who choose a channel by distance.
        """
        if self.choice == "fastest":
            return np.asarray(np.min(list(self._ways().values()), axis=0))
        closest = self.columns()
        ways = [closest[f"_{self.name} near {name}"] * _mean(site.travel) for name, site in self.sites.items()]
        return np.asarray(np.sum(ways, axis=0)) * self._factor()

    def _ways(self) -> dict[str, FloatArray]:
        if self.choice != "fastest":
            return {}
        luck, count = self.district.luck, self.district.families
        drawn = {
            name: site.travel.build().ppf(luck.uniforms(f"{self.name}:way to {name}", count))
            for name, site in self.sites.items()
        }
        return {f"_{self.name} way to {name}": np.asarray(way) * self._factor() for name, way in drawn.items()}

    def _factor(self) -> FloatArray:
        """Give how many times as long as in town each family's ways are; 1 where the population does not say."""
        known = _FACTOR in self.district.columns
        return self.district.number(_FACTOR) if known else np.ones(self.district.families)

    def visit(
        self, site: str, arrive: str, visit: str, window: Window, gives_up: str | None = GIVE_UP
    ) -> Iterator[canbao.Step]:
        """Go there in opening hours, stand in the queue and be served; then on to the next step.

        Whoever finds it closed comes again when it is open, be it after lunch; whoever finds it full, on the next day.

        Parameters
        ----------
        arrive, visit
            The first step is called `<site> <arrive>`, the visit `<site> <visit>`.
        gives_up
            The label for those whose patience ends, or who turn round; None lets them come again on the next day.
        """
        again, tomorrow, travel = f"{site} {arrive}", f"{site} {arrive} tomorrow", f"{site} {arrive} way"
        there = travel if window.trip else f"{site} {visit}"
        yield canbao.Await(self.station(site), at=self.at, name=again, then=there)
        yield canbao.Await(self.station(site), at=self.at, day=1, name=tomorrow)
        if window.trip:
            yield canbao.Delay(self.way(site), name=travel, trip=True)
        yield canbao.Visit(
            self.station(site),
            window.service,
            name=f"{site} {visit}",
            patience=window.patience,
            baulk_at=math.inf if window.baulk_at is None else window.baulk_at * max(1, self.sites[site].staff),
            priority=window.priority,
            abandoned=gives_up or tomorrow,
            baulked=gives_up or tomorrow,
            full=tomorrow,
            closed=again,
            luck=window.luck,
        )

    def papers(
        self, site: str, window: Window, complete: canbao.Quantity, fetch: canbao.Quantity, then: str
    ) -> Iterator[canbao.Step]:
        """Show papers behind a visit; be told at once all that is missing, fetch it and come a second time.

        Parameters
        ----------
        window
            What the second visit is like.
        complete
            The probability that the papers are complete, such as `complete_papers` gives.
        fetch
            How long it takes to get what is missing.
        then
            Where a family with complete papers goes on.
        """
        yield canbao.Check(complete, name=f"{site} papers", failed=f"{site} incomplete", passed=then)
        yield failed("incomplete papers", label=f"{site} incomplete")
        yield canbao.Delay(fetch, name=f"{site} fetch")
        yield from self.visit(site, "back", "second visit", window)
        yield canbao.Go(then)


def _mean(duration: RandomDuration) -> float:
    distribution: Any = duration.build()
    return float(distribution.mean)


def open_days(sites: Mapping[str, Staffed], district: District) -> BoolArray:
    """Tell for each date whether any site is open, shape (days,)."""
    return np.asarray(np.any([site.open_days(district) for site in sites.values()], axis=0))


def near(name: str, catchments: Mapping[str, float], district: District) -> dict[str, FloatArray]:
    """Tell for each site whether each family lives near it: one for good, however often it goes there.

    Parameters
    ----------
    name
        The channel; its columns are called `_<name> near <site>`.
    catchments
        The weight of each site.
    """
    halls = canbao.Empirical(tuple(range(len(catchments))), tuple(catchments.values()))
    nearest = halls.ppf(district.luck.uniforms(f"{name}:hall", district.families))
    return {f"_{name} near {site}": (nearest == number).astype(np.float64) for number, site in enumerate(catchments)}


def time_by_children(each_further_child: float, district: District) -> FloatArray:
    """Give the factor by which each family's children lengthen a service: 1 for one child, shape (families,)."""
    if "children" not in district.columns:
        return np.ones(district.families)
    return 1.0 + each_further_child * (district.number("children") - 1.0)


def complete_papers(incomplete: float, district: District) -> FloatArray:
    """Give each family's probability that its papers are found complete, shape (families,).

    Those who lack a paper are found out; among the others as many slip up as are missing from the stated share.

    Parameters
    ----------
    incomplete
        The share of typical families whose papers are found incomplete.
    """
    held = district.columns.get("papers_complete")
    typical = district.typical.get("papers_complete")
    if held is None or typical is None:
        return np.full(district.families, 1.0 - incomplete)
    lacking = 1.0 - float(np.mean(np.asarray(typical, dtype=np.float64)))
    found_out = min(1.0, incomplete / lacking) if lacking else 0.0
    slip = max(0.0, (incomplete - lacking) / (1.0 - lacking)) if lacking < 1.0 else 0.0
    return np.where(np.asarray(held, dtype=bool), 1.0 - slip, 1.0 - found_out)


def is_kind(district: District, *kinds: str) -> BoolArray:
    """Tell of each family whether it is of one of these kinds; where a population knows no such word, none is."""
    kind = district.columns.get("kind")
    known = [word for word in kinds if isinstance(kind, Coded) and word in kind.labels]
    if not isinstance(kind, Coded) or not known:
        return np.zeros(district.families, dtype=np.bool_)
    return np.asarray(kind.has(*known), dtype=np.bool_)
