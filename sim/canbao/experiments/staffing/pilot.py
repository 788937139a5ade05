"""A few seasons with servers without limit: which station belongs to which place, what comes to it, what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from canbao.arrays import FloatArray, np
from canbao.assembly import scenario_plan
from canbao.district import PAPERS
from canbao.engines.choosing import choose_engine
from canbao.experiments.staffing.offered import Offered
from canbao.experiments.staffing.places import Duty, Place, staffed_as
from canbao.measures.queues import HOUR_S, Occupancy, hour_edges, occupancies
from canbao.plan import Plan, StationPlan
from canbao.scenario.costs import Costs
from canbao.scenario.scenario import ScenarioFile

__all__ = ["Site", "cost_of_stations", "look_around", "yuan_an_hour"]

_AMPLE = 1_000_000
"""So many serve at the first place, one more at the next and so on: by its number each station tells its place."""

_HOURS_A_DAY = 24


@dataclass(frozen=True, eq=False)
class Site:
    """A place as the network knows it."""

    place: Place
    stations: tuple[str, ...]
    offered: Offered
    """Of all its stations together."""
    yuan_an_hour: float
    """What an hour of one server costs."""
    changes: tuple[tuple[float, bool], ...]
    """When it opens and closes: moments, and whether it is open from then on."""


def look_around(file: ScenarioFile, places: Sequence[Place], seeds: Sequence[int], engine: str) -> list[Site]:
    """Try a scenario with servers without limit; give the places that have a station of the network.

    Parameters
    ----------
    file
        The scenario.
    places
        The places to look at.
    seeds
        The seasons over which loads are averaged.
    engine
        What simulates, as for a run.
    """
    numbers = {place: _AMPLE + number for number, place in enumerate(places)}
    ample = staffed_as(file, {place: Duty(number) for place, number in numbers.items()})
    seen: dict[Place, list[Offered]] = {place: [] for place in places}
    plan = scenario_plan(ample, seeds[0])
    for seed in seeds:
        plan = scenario_plan(ample, seed)
        trace = choose_engine(engine, plan).run(plan)
        hours = {each.name: each for each in occupancies(trace, plan)}
        for place, number in numbers.items():
            mine = [station for station in plan.stations if _most(station) == number]
            if mine:
                seen[place].append(_offered([hours[station.name] for station in mine], mine[0], plan.until))
    return [_site(file, plan, place, numbers[place], found) for place, found in seen.items() if found]


def _site(file: ScenarioFile, plan: Plan, place: Place, number: int, found: Sequence[Offered]) -> Site:
    mine = [station for station in plan.stations if _most(station) == number]
    return Site(
        place,
        tuple(station.name for station in mine),
        _mean(found),
        yuan_an_hour(file, mine[0].group),
        tuple((change.time, change.servers > 0) for change in mine[0].changes),
    )


def _most(station: StationPlan) -> float:
    return max(change.servers for change in station.changes)


def _offered(hours: Sequence[Occupancy], station: StationPlan, until: float) -> Offered:
    arrivals = np.sum([each.arrivals for each in hours], axis=0).astype(np.float64)
    load = np.sum([each.busy for each in hours], axis=0)
    came, work = float(arrivals.sum()), float(load.sum()) * HOUR_S
    return Offered(arrivals, load, _open_hours(station, until), work / came if came and work else station.mean_service)


def _open_hours(station: StationPlan, until: float) -> FloatArray:
    """Give which part of each hour somebody serves, shape (hours,)."""
    edges = hour_edges(until)
    times = np.array([change.time for change in station.changes])
    serves = np.array([change.servers > 0 for change in station.changes], dtype=np.float64)
    reached = np.concatenate([[0.0], np.cumsum(np.diff(times) * serves[:-1])])
    number = np.searchsorted(times, edges, side="right") - 1
    return np.asarray(np.diff(reached[number] + (edges - times[number]) * serves[number]) / HOUR_S)


def _mean(found: Sequence[Offered]) -> Offered:
    return Offered(
        np.mean([each.arrivals for each in found], axis=0),
        np.mean([each.load for each in found], axis=0),
        found[0].open_hours,
        float(np.mean([each.mean_service_s for each in found])) or 1.0,
    )


def yuan_an_hour(file: ScenarioFile, group: str) -> float:
    """Give what an hour of a server costs at a station of a group: what the measures of money take for it."""
    settings: Costs = file.scenario.costs
    owner = group.removesuffix(PAPERS)
    online = bool(getattr(file.scenario.channels.get(owner), "online", False))
    known: Mapping[str, float] = settings.staff_hour_yuan_at
    return known.get(owner, settings.slot_hour_yuan if online else settings.staff_hour_yuan)


def cost_of_stations(file: ScenarioFile, plan: Plan, left_out: Sequence[str] = ()) -> float:
    """Give what all staff and slots of a plan cost in yuan, but for some stations."""
    return sum(
        _hours_on_duty(station, plan.until) * yuan_an_hour(file, station.group)
        for station in plan.stations
        if np.isfinite(_most(station)) and station.name not in left_out
    )


def _hours_on_duty(station: StationPlan, until: float) -> float:
    times = np.array([*(change.time for change in station.changes if change.time < until), until])
    servers = np.array([change.servers for change in station.changes if change.time < until])
    return float(np.diff(times) @ servers) / HOUR_S
