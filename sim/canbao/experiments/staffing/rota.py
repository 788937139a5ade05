"""A plan as a rota that can be pinned up, and as a scenario that runs."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from canbao.calendar import Interval
from canbao.errors import StorageError
from canbao.experiments.staffing.cells import Cell, clock
from canbao.experiments.staffing.levers import Levels
from canbao.experiments.staffing.places import Duty, Place, settings_at
from canbao.runs.folders import storing
from canbao.scenario.scenario import ScenarioFile
from canbao.scenario.source import to_toml

__all__ = ["plan_scenario", "relative_to", "rota", "shift_tables", "write_plan"]


def rota(file: ScenarioFile, cells: Sequence[Cell], levels: Levels) -> list[dict[str, Any]]:
    """Give the rota as plain data: places, their periods, and how many serve in each block of the day.

    Parameters
    ----------
    file
        The scenario.
    cells, levels
        The cells and the number in each.
    """
    places: dict[Place, dict[tuple[int, int], list[tuple[Cell, int]]]] = {}
    for cell, level in zip(cells, levels, strict=True):
        places.setdefault(cell.place, {}).setdefault((cell.first_day, cell.last_day), []).append((cell, level))
    return [
        {
            "place": place.name,
            "name": place.path[-1],
            "kind": place.kind,
            "periods": [_period(file, place, days, mine) for days, mine in periods.items()],
        }
        for place, periods in places.items()
    ]


def _period(
    file: ScenarioFile, place: Place, days: tuple[int, int], mine: Sequence[tuple[Cell, int]]
) -> dict[str, Any]:
    dates = file.horizon.dates()
    settings = settings_at(file.scenario, place.path)
    return {
        "start": str(dates[days[0]]),
        "end": str(dates[days[1]]),
        "blocks": [
            {"hours": _hours_said(settings, cell.hours), "count": level, "open_hours": round(cell.open_hours, 2)}
            for cell, level in mine
        ],
    }


def _hours_said(settings: Any, hours: Interval | None) -> str:
    """Say the hours of a block; `all hours` where one number holds for all of them."""
    usual = getattr(settings, "hours", ())
    if hours is None:
        return ", ".join(_span(each) for each in usual) if usual else "all hours"
    return _span(hours)


def _span(hours: Interval) -> str:
    return f"{clock(hours[0])}-{clock(hours[1])}"


# --- as a scenario ----------------------------------------------------------------------------------------------------


def shift_tables(duty: Duty, opening: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Give the shifts of a duty as a scenario file says them; `opening` are shifts that open a place on a day off."""
    before = [_opening(shift, duty) for shift in opening if shift.opens]
    return before + [
        {
            "staff": each.count,
            "start": each.start,
            "end": each.end,
            **({} if each.hours is None else {"hours": [_span(each.hours)]}),
        }
        for each in duty.stretches
    ]


def _opening(shift: Any, duty: Duty) -> dict[str, Any]:
    dates = {name: getattr(shift, name) for name in ("start", "end") if getattr(shift, name) is not None}
    return {"staff": duty.count, **dates, "opens": True}


def plan_scenario(  # noqa: PLR0913 - what a file says
    file: ScenarioFile,
    duties: Mapping[Place, Duty],
    *,
    extends: str,
    title: str,
    question: str,
    overrides: Sequence[str] = (),
) -> str:
    """Give a scenario file that extends the original one and says nothing but what the plan changes.

    Parameters
    ----------
    file
        The original.
    duties
        How many serve where.
    extends
        The path of the original's file from the folder of the new one.
    title, question
        What the report is called, and what it asks.
    overrides
        The `path=value` texts with which the original was read; they become part of the new file.
    """
    data: dict[str, Any] = {"extends": extends, "title": title, "question": question}
    for text in overrides:
        _keep_override(data, file, text)
    for place, duty in duties.items():
        settings = settings_at(file.scenario, place.path)
        table = data
        for name in place.path:
            table = table.setdefault(name, {})
        table[place.key] = duty.count
        if place.key == "staff" and (duty.stretches or settings.shifts):
            table["shifts"] = shift_tables(duty, settings.shifts)
    return to_toml(data)


def _keep_override(data: dict[str, Any], file: ScenarioFile, text: str) -> None:
    """Say in the new file what an override said; a list is said as a whole."""
    path = _path_of(text.partition("=")[0])
    given: Any = file.source.data
    table = data
    for name in path[:-1]:
        if not isinstance(given[name], dict):
            break
        given, table = given[name], table.setdefault(name, {})
    else:
        name = path[-1]
    table[name] = given[name]


def _path_of(key: str) -> list[str]:
    """Read a dotted key."""
    here: Any = tomllib.loads(f"{key} = 0")
    path = []
    while isinstance(here, dict):
        name = next(iter(here))
        path.append(name)
        here = here[name]
    return path


def write_plan(path: Path, text: str) -> None:
    """Write a plan's scenario file.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    head = "# A plan by canbao: the least staffing that was found to hold. It runs as it is.\n\n"
    with storing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(head + text, encoding="utf-8")


def relative_to(original: str, folder: Path) -> str:
    """Give the path of the original scenario from the folder of a plan."""
    try:
        return Path(os.path.relpath(original, folder)).as_posix()
    except ValueError as error:  # another drive, on Windows
        raise StorageError(f"{folder} is not on the drive of {original}; write the plan beside the scenario") from error
