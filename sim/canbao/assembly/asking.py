"""Plugins are asked for their parts; whatever goes wrong there is told with their names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from canbao.district import Part
from canbao.errors import CanbaoError, PluginError

__all__ = ["asking", "checked_part"]


@contextmanager
def asking(what: str, thing: object) -> Iterator[None]:
    """Name the plugin if one raises while it is asked for its part."""
    try:
        yield
    except (CanbaoError, MemoryError):
        raise
    except Exception as error:
        kind, module = getattr(thing, "kind", "?"), type(thing).__module__
        raise PluginError(f"{what} of kind {kind!r} ({module}) failed: {type(error).__name__}: {error}") from error


def checked_part(what: str, part: Any, group: str) -> Part:
    """See that a plugin gave a part with steps; its first step gets a name, its stations get a group."""
    if not isinstance(part, Part):
        raise PluginError(f"{what}: build() must give a Part, but gave {type(part).__name__}")
    if not part.steps:
        raise PluginError(f"{what}: build() must give a Part with steps, but gave none")
    first = replace(part.steps[0], name=part.steps[0].name or "first")
    grouped = [replace(station, group=station.group or group) for station in part.stations]
    return replace(part, stations=grouped, steps=[first, *part.steps[1:]])
