"""The manifest of a run: what was run, with what, and how to do it again."""

from __future__ import annotations

import datetime as dt
import platform
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from canbao.engines.choosing import AUTO, BOTH, Chosen
from canbao.plugins import Plugins
from canbao.runs.run import FORMAT
from canbao.scenario.scenario import ScenarioFile

__all__ = ["Order", "first_manifest", "repeat_command", "run_name", "with_engine", "with_tables"]

_PACKAGES = ("canbao", "numba", "numpy", "pyarrow", "scipy", "simpy")
"""Packages whose version can change a number or a byte."""


def run_name(now: dt.datetime, seed: int) -> str:
    """Name a run by its time and seed: `20261121-214800-seed1`."""
    return f"{now:%Y%m%d-%H%M%S}-seed{seed}"


@dataclass(frozen=True)
class Order:
    """What was asked for besides the scenario."""

    seed: int
    engine: str
    """One of `canbao.engines.choosing.CHOICES`."""
    overrides: tuple[str, ...]
    created: dt.datetime
    tables: bool = True
    """Whether the tables of the trace are kept."""


def first_manifest(file: ScenarioFile, plugins: Plugins, order: Order) -> dict[str, Any]:
    """Give what is known of a run before it begins."""
    return {
        "format": FORMAT,
        "run": run_name(order.created, order.seed),
        "scenario": file.name,
        "title": file.scenario.title,
        "created": order.created.isoformat(timespec="seconds"),
        "seed": order.seed,
        "engine": order.engine,
        "engine_asked": order.engine,
        "command": repeat_command(file, plugins, order),
        "overrides": list(order.overrides),
        "files": list(file.source.files),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
        "plugins": [{"name": name, "origin": origin} for name, origin in plugins.origins.items()],
        "until_s": file.horizon.end_s,
    }


def with_engine(manifest: Mapping[str, Any], chosen: Chosen) -> dict[str, Any]:
    """Say which engine ran, and why where nobody asked for it; where both ran, that their traces are equal."""
    equal = {"engines_equal": True} if chosen.name == BOTH else {}  # else the run would not be stored
    return {**manifest, "engine": chosen.name, "engine_reason": chosen.reason, **equal}


def with_tables(
    manifest: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], seconds: Mapping[str, float]
) -> dict[str, Any]:
    """Add what is known at the end: rows and checksum of each table, and how long each stage took."""
    rounded = {stage: round(took, 3) for stage, took in seconds.items()}
    return {**manifest, "tables": dict(tables), "seconds": rounded}


def repeat_command(file: ScenarioFile, plugins: Plugins, order: Order) -> str:
    """Give the command that runs the same again."""
    folders = {str(Path(origin).parent) for origin in plugins.origins.values() if origin.endswith(".py")}
    words = ["canbao", *(word for folder in sorted(folders) for word in ("--plugins-dir", folder))]
    words += ["run", file.source.files[0], "--seed", str(order.seed)]
    words += [word for text in order.overrides for word in ("--set", text)]
    words += [] if order.engine == AUTO else ["--engine", order.engine]
    return shlex.join(words if order.tables else [*words, "--tables", "none"])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
