"""Measures by name: every number of a summary under its dotted path."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any

from canbao.errors import InputError

__all__ = ["find_measure", "is_told_always", "measures_of", "objective_names", "where_absent"]

_NO_MEASURES = ("format", "tables", "scenario", "horizon", "seed", "hours", "calendar", "trust")
"""What a summary says besides measures, and what it tells hour by hour."""

_OBJECTIVES = "objectives."
_HELD = ".held"

_COUNTS = ("families.outcomes.", "families.outcomes_by.", "deadline.missed_by_outcome.")
"""Counts that a summary leaves out where they are 0."""

_NEAREST = 5
_NUMERIC = int | float


def measures_of(summary: Mapping[str, Any]) -> dict[str, float]:
    """Give every number of a summary by its dotted path.

    `objectives.<name>` is the value of an objective and `objectives.<name>.held` is 1 if it held and 0 if not;
    `stations.<name>.utilisation` and so on tells of a station. nan stands where there was nothing to measure. What is
    told hour by hour or day by day is left out.

    Parameters
    ----------
    summary
        As `canbao.measures.summary.summarise` gives it, or as `summary.json` of a stored run holds it.
    """
    found: dict[str, float] = {}
    for objective in summary.get("objectives", ()):
        name = _OBJECTIVES + objective["name"]
        found[name] = _number(objective["value"])
        found[name + _HELD] = _number(objective["held"])
    for station in summary.get("stations", ()):
        _add_numbers(found, station, f"stations.{station['name']}.")
    rest = {key: value for key, value in summary.items() if key not in _NO_MEASURES and isinstance(value, Mapping)}
    _add_numbers(found, rest, "")
    return found


def _add_numbers(found: dict[str, float], table: Mapping[str, Any], above: str) -> None:
    # A season has 1,200 of them; added to one table they take half as long as yielded from level to level.
    for key, value in table.items():
        if value is None or isinstance(value, _NUMERIC):
            found[f"{above}{key}"] = _number(value)
        elif isinstance(value, Mapping):
            _add_numbers(found, value, f"{above}{key}.")


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def where_absent(measure: str) -> float:
    """Give the value of a measure in a replication that does not tell it: 0 for a count of families, else nan."""
    return math.nan if is_told_always(measure) else 0.0


def is_told_always(measure: str) -> bool:
    """Tell whether every replication tells a measure; a count of families is left out where it is 0."""
    return not measure.startswith(_COUNTS)


def objective_names(measures: Iterable[str]) -> list[str]:
    """List the objectives whose values are among measures."""
    names = [name for name in measures if name.startswith(_OBJECTIVES) and not name.endswith(_HELD)]
    return [name.removeprefix(_OBJECTIVES) for name in names]


def find_measure(text: str, known: Iterable[str]) -> str:
    """Give the measure that a text means: its whole name, or the name of an objective.

    Raises
    ------
    InputError
        When there is none; the message names the nearest ones.
    """
    names = list(known)
    for name in (text, _OBJECTIVES + text):
        if name in names:
            return name
    near = difflib.get_close_matches(text, [*objective_names(names), *names], _NEAREST, 0.5)
    below = [name for name in names if name.startswith(text + ".")][:_NEAREST]
    said = ", ".join(dict.fromkeys([*below, *near])) or ", ".join(names[:_NEAREST])
    raise InputError(f"there is no measure {text!r}; the nearest names are: {said}")
