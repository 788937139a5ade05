"""What a load test found of its scenario's assumptions, as it is kept, and what it means for another scenario."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canbao.arrays import FloatArray, np
from canbao.errors import StorageError

if TYPE_CHECKING:
    from canbao.scenario.scenario import ScenarioFile

__all__ = ["CALIBRATION", "chances_of", "mean_of", "read_calibration", "restated"]

CALIBRATION = "calibration.json"
"""Stands in the folder of a load test once its assumptions were checked; `assumptions` in it is a list."""

_One = Mapping[str, Any]


def read_calibration(folder: Path) -> Mapping[str, Any] | None:
    """Read what was found of a scenario's assumptions, if somebody looked.

    Raises
    ------
    StorageError
        When it is damaged.
    """
    path = folder / CALIBRATION
    if not path.is_file():
        return None
    try:
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found["assumptions"], list):
            raise TypeError("its assumptions are no list")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{path} is damaged: {error}; make it again with canbao calibrate {folder}") from error
    return found


def chances_of(checked: Mapping[str, Any] | None) -> dict[str, FloatArray]:
    """Give what simulations with other luck gave, by measure; nothing where they were not made."""
    found: Mapping[str, Sequence[float | None]] = (checked or {}).get("chance") or {}
    values = {name: np.array([math.nan if one is None else one for one in some]) for name, some in found.items()}
    return {name: some for name, some in values.items() if not np.isnan(some).any()}


# --- another scenario -------------------------------------------------------------------------------------------------


def restated(found: Sequence[_One], theirs: ScenarioFile, own: ScenarioFile) -> tuple[_One, ...]:
    """Hold what was measured against another scenario than the load test's own.

    Parameters
    ----------
    found
        What was found of the assumptions of the load test's scenario, as `canbao calibrate` keeps it.
    theirs
        The other scenario.
    own
        That of the load test.

    Returns
    -------
    The same with what the other one states; what it states in another shape, or not at all, is left out.
    """
    return tuple(_restated(found, theirs, own))


def _restated(found: Sequence[_One], theirs: ScenarioFile, own: ScenarioFile) -> Iterator[_One]:
    for one in found:
        there, here = (_at(file.scenario, one["path"]) for file in (theirs, own))
        if there == here:
            yield one
            continue
        stated = _stated(one, there, here)
        if stated is not None:
            # What would move was simulated with the other values of the load test's scenario.
            yield {**one, "stated": stated, "verdict": _verdict(one, stated), "grade": "", "moves": []}


def _at(scenario: Any, path: str) -> Any:
    """Look up a dotted key; None where there is none."""
    for key in path.split(".") if path else ():
        scenario = scenario.get(key) if isinstance(scenario, Mapping) else getattr(scenario, key, None)
    return scenario if path else None


def _stated(one: _One, there: Any, here: Any) -> float | None:
    if isinstance(there, int | float):
        return float(there)
    if not hasattr(there, "build"):
        return None
    # The speed of a review is a factor on what the load test's scenario states.
    return mean_of(there) / mean_of(here) if one["unit"] == "factor" else mean_of(there)


def _verdict(one: _One, stated: float) -> str:
    low, high = one["low"], one["high"]
    if one["why"] == "never quiet" or (low is None and high is None):
        return str(one["verdict"])
    if one["what"] in _WHOLE:
        low, high = (None if end is None else max(float(round(end)), _WHOLE[one["what"]]) for end in (low, high))
    if not (low is None or low <= stated) or not (high is None or stated <= high):
        return "off"
    return "not identified" if one["measured"] is None else "within chance"


_WHOLE = {"slots": 1.0, "backlog": 0.0}
"""What can only be whole, and the least that there can be."""


def mean_of(settings: Any) -> float:
    """Give the mean of a random duration of a scenario; of a distribution without one, by its quantiles."""
    distribution = settings.build()
    mean = getattr(distribution, "mean", None)
    if isinstance(mean, int | float):
        return float(mean)
    if callable(mean):
        return float(mean())
    return float(np.mean(distribution.ppf((np.arange(2_000) + 0.5) / 2_000)))
