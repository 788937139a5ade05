"""A small district with a short season: what plugins are tried in."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from canbao.assembly import make_district
from canbao.columns import numbers_of
from canbao.district import District
from canbao.plugins import Plugins, Registered, load_plugins
from canbao.scenario.scenario import ScenarioFile, load_scenario
from canbao.scenario.source import to_toml

__all__ = ["SMALL", "registered_also", "small_district", "small_scenario"]

SMALL: Mapping[str, Any] = MappingProxyType(
    {
        "format": 1,
        "title": "A small district",
        "horizon": {"start": dt.date(2025, 12, 1), "end": dt.date(2026, 1, 31)},
        "population": {"kind": "city", "residents": 900},
        "policy": {"kind": "collection", "start": dt.date(2025, 12, 1), "deadline": dt.date(2025, 12, 20)},
        "demand": {"kind": "season", "opening_days": 3},
        "choice": {"kind": "preference", "online_share": 0.5},
        "channels": {
            "office": {"kind": "office", "sites": {"hall": {"staff": 2}}},
            "portal": {"kind": "portal", "slots": 4, "backlog": 20},
        },
        # More comes back than in any real place, so that a season this short shows what a channel does with it.
        "review": {
            "mismatch": 0.3,
            "acceptance": {"staff": 2},
            "first": {"staff": 2},
            "second": {"staff": 2},
        },
        "objectives": {"deadline": {"kind": "deadline", "at_least": 0.5}},
    }
)
"""A scenario of some 300 families and three weeks, with a fortnight and more for the review to finish."""


def small_scenario(changes: Mapping[str, Any] | None = None, plugins: Plugins | None = None) -> ScenarioFile:
    """Give the small scenario with changes.

    Parameters
    ----------
    changes
        Tables as in a scenario file, put over those of `SMALL` as if a file extended it; a table with another `kind`,
        and the table of channels, take the place of what was there.
    plugins
        What is registered; all that are installed if not given.

    Raises
    ------
    ScenarioError
        When the changes do not fit.
    """
    changed = _put_over(SMALL, changes or {})
    if changes and "channels" in changes:
        changed["channels"] = dict(changes["channels"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.toml"
        path.write_text(to_toml(changed), encoding="utf-8")
        return load_scenario(path, plugins or load_plugins())


def small_district(
    changes: Mapping[str, Any] | None = None, plugins: Plugins | None = None, *, seed: int = 1
) -> District:
    """Give what parts may know of the small scenario; its columns cannot be written to."""
    district = make_district(small_scenario(changes, plugins), seed)
    for column in (*district.columns.values(), *district.typical.values()):
        numbers_of(column).flags.writeable = False
    return district


def registered_also(plugins: Plugins, kind: str, name: str, thing: Any) -> Plugins:
    """Give the plugins with one thing more, which takes the place of another of its name."""
    entry = Registered(kind, name, thing, "under test", getattr(thing, "__module__", "here"))
    return replace(plugins, tables={**plugins.tables, kind: {**plugins.tables[kind], name: entry}})


def _put_over(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    if "kind" in over and over["kind"] != base.get("kind"):
        return dict(over)
    merged = {key: dict(value) if isinstance(value, Mapping) else value for key, value in base.items()}
    for key, value in over.items():
        inner = merged.get(key)
        merged[key] = _put_over(inner, value) if isinstance(inner, dict) and isinstance(value, Mapping) else value
    return merged
