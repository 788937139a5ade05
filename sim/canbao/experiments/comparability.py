"""Whether a simulation says anything about a load test: the same scenario, seed, families and end."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from canbao.errors import StorageError
from canbao.runs.run import SCENARIO

if TYPE_CHECKING:
    from canbao.runs import Run

__all__ = ["LOAD", "Obstacle", "is_load", "obstacles", "same_scenario"]

LOAD = "load"
"""What the manifest of a load test has for an engine, and the name of its part of the summary."""

What = Literal["scenario", "seed", "families", "end", "clock", "generator"]

_BESIDE = ("title", "question", "seed", LOAD, "extends")
"""Keys of a scenario that change nothing of what a simulation does for a seed."""


@dataclass(frozen=True)
class Obstacle:
    """A reason why two runs cannot be held against each other.

    Parameters
    ----------
    what
        What is not the same.
    predicted, measured
        How it is in the simulation and in the load test.
    """

    what: What
    predicted: str
    measured: str

    def as_data(self) -> dict[str, str]:
        """Give it as JSON."""
        return asdict(self)


def is_load(run: Run) -> bool:
    """Tell whether a run is a load test."""
    return bool(run.manifest.get("engine") == LOAD)


def same_scenario(predicted: Run, measured: Run) -> bool:
    """Tell whether two runs have the same scenario, up to what changes nothing of a simulation.

    Raises
    ------
    StorageError
        When one of them cannot be read.
    """
    return _scenario(predicted) == _scenario(measured)


def obstacles(predicted: Run, measured: Run, *, repeated: bool = False) -> tuple[Obstacle, ...]:
    """Give every reason why a simulation does not predict a load test; none if it does.

    Parameters
    ----------
    predicted, measured
        The simulation and the load test.
    repeated
        Whether the prediction was made again for a load test that ended sooner or later than it was meant to.

    Raises
    ------
    StorageError
        When a scenario or a table of the runs cannot be read.
    """
    return tuple(_obstacles(predicted, measured, repeated))


def _obstacles(predicted: Run, measured: Run, repeated: bool) -> Iterator[Obstacle]:
    mine, theirs = (dict(_flat(_scenario(run), ())) for run in (predicted, measured))
    other = [key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)]
    for key in other[:_TOLD]:
        yield Obstacle("scenario", f"{key} = {mine.get(key, '–')}", f"{key} = {theirs.get(key, '–')}")
    if predicted.manifest["seed"] != measured.manifest["seed"]:
        yield Obstacle("seed", str(predicted.manifest["seed"]), str(measured.manifest["seed"]))
    came, met = (set(np.asarray(run.trace.families["family"]).tolist()) for run in (predicted, measured))
    if came != met:
        yield Obstacle("families", f"{len(came):,}, {len(came & met):,} of them in both", f"{len(met):,}")
    own = _is_its_own(predicted, measured)
    if float(predicted.manifest["until_s"]) != float(measured.manifest["until_s"]) and not (own and repeated):
        yield Obstacle("end", _hours(predicted), _hours(measured))
    mine, theirs = ((_load(run).get("period") or {}).get("speed", 1.0) for run in (predicted, measured))
    if mine != theirs:
        yield Obstacle("clock", f"× {float(mine):,.4g}", f"× {float(theirs):,.4g}")
    validity = _load(measured).get("validity") or {}
    if validity.get("valid") is False:
        yield Obstacle("generator", "–", ", ".join(str(why.get("kind", "")) for why in validity.get("reasons") or ()))


def _load(run: Run) -> Mapping[str, Any]:
    """Give what the summary of a load test, or of its prediction, says of the load."""
    return run.summary.get(LOAD) or {}


_TOLD = 8
"""Keys of a scenario that are named at most."""


def _is_its_own(predicted: Run, measured: Run) -> bool:
    """Tell whether a simulation is the one that was made for this very load test."""
    return predicted.folder.absolute().parent == measured.folder.absolute()


def _hours(run: Run) -> str:
    return f"{float(run.manifest['until_s']) / 3600.0:,.1f} h"


def _scenario(run: Run) -> Mapping[str, Any]:
    path = run.folder / SCENARIO
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} cannot be read: {error}") from error
    return {key: value for key, value in found.items() if key not in _BESIDE}


def _flat(table: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, (*above, key))
        else:
            yield ".".join((*above, key)), value
