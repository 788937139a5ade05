"""A scenario set out for a search: what may change, where theory starts, what must hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from canbao.arrays import FloatArray
from canbao.assembly import scenario_plan
from canbao.errors import InputError
from canbao.experiments.models import ScenarioModel
from canbao.experiments.staffing.cells import Cell, cells_of, clock
from canbao.experiments.staffing.levers import Lever, Promise
from canbao.experiments.staffing.offered import Due, least_for_papers, least_for_waits, needed_by_day, square_root
from canbao.experiments.staffing.pilot import Site, cost_of_stations, look_around
from canbao.experiments.staffing.places import chosen_places, duty_now, places_of
from canbao.experiments.staffing.proving import Wanted
from canbao.scenario.faults import nearest
from canbao.scenario.objectives import ReviewObjective, WaitObjective
from canbao.scenario.scenario import ScenarioFile

__all__ = ["Order", "Setting", "set_out"]

_PILOTS = 2
"""Seasons from which the load is taken."""
_USUAL_SHARE, _USUAL_WAIT_S = 0.9, 1_800.0
"""Where no objective says how long people may wait."""
_DESKS = 3
"""A promise of the review is shared by so many desks."""


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Parameters
    ----------
    levers
        Patterns of the places whose staff may change; all if none is given.
    objectives
        Names of the objectives that must hold; all if none is given.
    most
        The most that may stand at the places that a pattern fits.
    periods
        Into how many periods of dates the season is cut at most, at each place.
    blocks_h
        The longest block of a day with one number of windows, in hours; morning and afternoon if not given.
    wanted
        How sure the plan must be.
    seed
        The first seed.
    curve
        Seasons of each plan of the trade-off.
    """

    levers: tuple[str, ...] = ()
    objectives: tuple[str, ...] = ()
    most: Mapping[str, int] = field(default_factory=dict)
    periods: int = 4
    blocks_h: float | None = None
    wanted: Wanted = field(default_factory=Wanted)
    seed: int = 1
    curve: int = 20


@dataclass(frozen=True, eq=False)
class Setting:
    """A scenario set out for a search."""

    file: ScenarioFile
    cells: tuple[Cell, ...]
    levers: tuple[Lever, ...]
    """One for each cell."""
    loads: tuple[float, ...]
    """Servers at work in the busiest hour of each cell, if nobody waited; for papers, on its busiest day."""
    objectives: tuple[str, ...]
    promises: tuple[Promise, ...]
    fixed_yuan: float
    """What the staff costs that may not change."""
    now_yuan: float
    """What all staff costs as it is."""


def set_out(model: ScenarioModel, order: Order) -> Setting:
    """Say what may change in a scenario, where theory starts, and what must hold."""
    file = model.opened()
    names = _objectives(file, order.objectives)
    places = chosen_places(places_of(file.scenario), order.levers)
    seeds = range(order.seed, order.seed + _PILOTS)
    sites = look_around(file, places, seeds, model.engine)
    cells: list[Cell] = []
    levers: list[Lever] = []
    loads: list[float] = []
    for site in sites:
        mine, starts, load = _started(file, site, order)
        cells += mine
        loads += load
        levers += [_lever(file, site, cell, start, order.most) for cell, start in zip(mine, starts, strict=True)]
    if not levers:
        raise InputError("nobody stands at the places that may change; name others by --levers")
    plan = scenario_plan(file, order.seed)
    moving = [station for site in sites for station in site.stations]
    return Setting(
        file,
        tuple(cells),
        tuple(levers),
        tuple(loads),
        names,
        tuple(_promise(file, name) for name in names),
        cost_of_stations(file, plan, moving),
        cost_of_stations(file, plan),
    )


def _objectives(file: ScenarioFile, wanted: Sequence[str]) -> tuple[str, ...]:
    known = list(file.scenario.objectives)
    if not known:
        raise InputError(f"scenario {file.name!r} has no objectives, so any staffing would do; say what must hold")
    for name in wanted:
        if name not in known:
            near = nearest(name, known)
            hint = f"; did you mean {near!r}?" if near else ""
            raise InputError(f"there is no objective {name!r}{hint} It has: {', '.join(known)}".replace("?.", "?"))
    return tuple(wanted) or tuple(known)


def _promise(file: ScenarioFile, name: str) -> Promise:
    objective = file.scenario.objectives[name]
    limits = {key: getattr(objective, key) for key in ("at_least", "at_most") if hasattr(objective, key)}
    return Promise(f"objectives.{name}", **limits)


def _lever(file: ScenarioFile, site: Site, cell: Cell, start: int, limits: Mapping[str, int]) -> Lever:
    now = duty_now(file.scenario, cell.place)
    most = max(4 * start + 20, 2 * now)
    for pattern, limit in limits.items():
        if pattern in ("", cell.place.kind, cell.place.name) or fnmatchcase(cell.place.name, pattern):
            most = limit
    most = max(1, most)
    yuan = cell.open_hours * site.yuan_an_hour
    return Lever(_said(file, cell), 1, most, min(start, most), yuan, cell.place.kind)


def _said(file: ScenarioFile, cell: Cell) -> str:
    dates = file.horizon.dates()
    hours = f", {clock(cell.hours[0])}-{clock(cell.hours[1])}" if cell.hours else ""
    return f"{cell.place.name}, {dates[cell.first_day]} to {dates[cell.last_day]}{hours}"


def _started(file: ScenarioFile, site: Site, order: Order) -> tuple[list[Cell], list[int], list[float]]:
    """Give the cells of a place, where theory starts in each, and the load."""
    papers = site.place.kind == "reviewers"
    days = _days_allowed(file) if papers else 0.0
    needed = needed_by_day(site.offered, days)
    cells = cells_of(file, site, needed.tolist(), periods=order.periods, longest_h=order.blocks_h)
    if papers:
        return cells, _starts_for_papers(file, site, cells, days), [_most_between(needed, cell) for cell in cells]
    loads = [float((site.offered.load * _mask(site, cell)).max()) for cell in cells]
    if site.place.kind == "slots":
        return cells, [max(1, math.ceil(square_root(load))) for load in loads], loads
    return cells, [_start_for_waits(file, site, cell) for cell in cells], loads


def _mask(site: Site, cell: Cell) -> FloatArray:
    return cell.covers(len(site.offered.load))


def _most_between(needed: FloatArray, cell: Cell) -> float:
    return float(needed[cell.first_day : cell.last_day + 1].max())


def _start_for_waits(file: ScenarioFile, site: Site, cell: Cell) -> int:
    mask = _mask(site, cell) > 0
    share, within_s = _wait_wanted(file, site)
    offered = site.offered
    return least_for_waits(offered.load[mask], offered.arrivals[mask], offered.mean_service_s, within_s, share)


def _wait_wanted(file: ScenarioFile, site: Site) -> tuple[float, float]:
    """Give the share and the wait that the scenario promises for a channel, or what is usual."""
    for objective in file.scenario.objectives.values():
        if isinstance(objective, WaitObjective) and objective.channel in site.place.path:
            return min(objective.share, 0.999), objective.at_most
    return _USUAL_SHARE, _USUAL_WAIT_S


def _days_allowed(file: ScenarioFile) -> float:
    """Give the working days that each desk may take: the shortest promise of a review, shared by three desks."""
    promises = [one.within for one in file.scenario.objectives.values() if isinstance(one, ReviewObjective)]
    return max(0.5, min(promises, default=_DESKS) / _DESKS)


def _starts_for_papers(file: ScenarioFile, site: Site, cells: Sequence[Cell], days: float) -> list[int]:
    promises = [one.at_least for one in file.scenario.objectives.values() if isinstance(one, ReviewObjective)]
    share = min(max(promises, default=_USUAL_SHARE), 0.99)
    starts, backlog = [], 0.0
    for cell in cells:
        count, backlog = least_for_papers(site.offered, cell.first_day, cell.last_day, Due(days, share), backlog)
        starts.append(count)
    return starts
