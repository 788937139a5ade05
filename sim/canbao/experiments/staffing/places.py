"""Places of a scenario that somebody staffs: halls with windows, desks with reviewers, portals with slots."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Literal

from canbao.calendar import Interval
from canbao.errors import InputError
from canbao.scenario.faults import dotted, nearest
from canbao.scenario.models import Settings
from canbao.scenario.scenario import Scenario, ScenarioFile
from canbao.scenario.staffing import Shift, Staffed

__all__ = [
    "Duty",
    "Place",
    "Stretch",
    "chosen_places",
    "duty_now",
    "places_of",
    "settings_at",
    "shifts_of",
    "staffed_as",
]

Path = tuple[str, ...]


@dataclass(frozen=True)
class Stretch:
    """Another number of servers on some dates, at some hours of the day or at all of them."""

    count: int
    start: dt.date
    end: dt.date
    hours: Interval | None = None


@dataclass(frozen=True)
class Duty:
    """How many serve at one place: a number, and stretches with another; where two overlap, the later one holds."""

    count: int
    stretches: tuple[Stretch, ...] = ()


@dataclass(frozen=True)
class Place:
    """A place that somebody staffs.

    Parameters
    ----------
    path
        Where it stands in the scenario: `("channels", "office", "sites", "centre")`.
    kind
        `windows`, `reviewers` or `slots`.
    """

    path: Path
    kind: Literal["windows", "reviewers", "slots"]

    @property
    def name(self) -> str:
        """Its dotted path."""
        return dotted(self.path)

    @property
    def key(self) -> str:
        """The key of its number of servers."""
        return "slots" if self.kind == "slots" else "staff"


def places_of(scenario: Scenario) -> list[Place]:
    """List the places of a scenario, in the order of its file."""
    return list(_found(scenario, ()))


def _found(settings: object, path: Path) -> Iterator[Place]:
    if isinstance(settings, Mapping):
        for name, inner in settings.items():
            yield from _found(inner, (*path, str(name)))
    if not isinstance(settings, Settings):
        return
    if isinstance(settings, Staffed):
        yield Place(path, "reviewers" if path[0] == "review" else "windows")
    elif path[:1] == ("channels",) and isinstance(getattr(settings, "slots", None), int):
        yield Place(path, "slots")
    for name in type(settings).model_fields:
        yield from _found(getattr(settings, name), (*path, name))


def chosen_places(places: Sequence[Place], patterns: Sequence[str]) -> list[Place]:
    """Give the places that patterns name; all of them if there is no pattern.

    A pattern is a kind (`windows`, `reviewers`, `slots`), a dotted path, the beginning of one (`review`), or has `*` in
    it (`channels.office.sites.*`).

    Raises
    ------
    InputError
        When a pattern names no place; the message lists those that there are.
    """
    for pattern in patterns:
        if not any(_fits(place, pattern) for place in places):
            names = [place.name for place in places]
            near = nearest(pattern, [*names, "windows", "reviewers", "slots"])
            hint = f"; did you mean {near!r}?" if near else ""
            raise InputError(f"no staff stands at {pattern!r}{hint} There are: {', '.join(names)}".replace("?.", "?"))
    return [place for place in places if not patterns or any(_fits(place, pattern) for pattern in patterns)]


def _fits(place: Place, pattern: str) -> bool:
    name = place.name
    return pattern in (place.kind, name) or name.startswith(f"{pattern}.") or fnmatchcase(name, pattern)


def settings_at(scenario: Scenario, path: Path) -> Any:
    """Give the part of a scenario that stands at a path."""
    here: Any = scenario
    for name in path:
        here = here[name] if isinstance(here, Mapping) else getattr(here, name)
    return here


def duty_now(scenario: Scenario, place: Place) -> int:
    """Give the largest number that the scenario as it is puts at a place."""
    settings = settings_at(scenario, place.path)
    found: list[int] = [getattr(settings, place.key), *(shift.staff for shift in getattr(settings, "shifts", ()))]
    return max(found)


def staffed_as(file: ScenarioFile, duties: Mapping[Place, Duty]) -> ScenarioFile:
    """Give the scenario with other duties at some places; all else is as it was, the source included."""
    scenario: Any = file.scenario
    for place, duty in duties.items():
        scenario = _with(scenario, place.path, _changes(settings_at(scenario, place.path), place, duty))
    return replace(file, scenario=scenario)


def _with(settings: Any, path: Path, changes: Mapping[str, Any]) -> Any:
    """Copy settings with changes at a path."""
    if not path:
        return settings.model_copy(update=changes)
    if isinstance(settings, Mapping):
        return {**settings, path[0]: _with(settings[path[0]], path[1:], changes)}
    return settings.model_copy(update={path[0]: _with(getattr(settings, path[0]), path[1:], changes)})


def _changes(settings: Any, place: Place, duty: Duty) -> dict[str, Any]:
    if place.kind == "slots":
        return {"slots": duty.count}
    return {"staff": duty.count, "shifts": shifts_of(settings.shifts, duty)}


def shifts_of(before: Sequence[Shift], duty: Duty) -> list[Shift]:
    """Give the shifts of a duty; those that open a place on a day off stay, so that the hours are what they were."""
    opening = [shift.model_copy(update={"staff": duty.count, "hours": None}) for shift in before if shift.opens]
    return opening + [
        Shift.model_construct(
            staff=each.count,
            start=each.start,
            end=each.end,
            hours=None if each.hours is None else (each.hours,),
            opens=False,
        )
        for each in duty.stretches
    ]
