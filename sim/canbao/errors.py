"""What can go wrong, as one tree; the command line turns each into a message and an exit code.

::

    CanbaoError                exit 1   something in canbao or its surroundings failed
    ├── InputError             exit 2   something that the user wrote does not fit
    │   ├── ScenarioError               a scenario file: all its faults at once
    │   ├── TargetError                 the documents of a target: all their faults at once
    │   ├── NetworkError                stations and journeys that do not fit together
    │   ├── CalendarError               a date outside what the calendar knows
    │   └── PluginError                 a plugin that cannot be loaded or registered
    ├── EngineError            exit 1   an engine failed, or two of them disagree
    │   └── UnsupportedError   exit 2   the engine that was asked for cannot run the plan
    ├── LoadError              exit 1   a process of a load test ended where it should not have
    ├── StorageError           exit 1   a run could not be written or read
    └── TooLargeError          exit 1   a run needs more memory than there is
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "CalendarError",
    "CanbaoError",
    "EngineError",
    "Fault",
    "InputError",
    "LoadError",
    "NetworkError",
    "PluginError",
    "ScenarioError",
    "StorageError",
    "TargetError",
    "TooLargeError",
    "UnsupportedError",
]


class CanbaoError(Exception):
    """Any error that canbao raises on purpose."""

    exit_code = 1


class InputError(CanbaoError):
    """Something that the user wrote does not fit; the message says where and what to do."""

    exit_code = 2


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a scenario file or another document, with its place and its remedy."""

    file: str
    """The file as the user named it; `--set` for a value from the command line."""
    line: int | None
    """Line in that file, from 1; None where no line says it (a key that is missing everywhere)."""
    key: str
    """Dotted path of the key, `channels.hall.windows`; empty for the file as a whole."""
    problem: str
    """What is wrong, in a sentence without a full stop."""
    given: str = ""
    """What was given, as TOML would write it; empty where nothing was."""
    allowed: str = ""
    """What is allowed here."""
    hint: str = ""
    """What to do: the nearest known name, an example, a command."""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f" {self.key}:" if self.key else ""
        parts = [f"{place}:{key} {self.problem}"]
        if self.given:
            parts.append(f"given {self.given}")
        if self.allowed:
            parts.append(f"allowed: {self.allowed}")
        if self.hint:
            parts.append(self.hint)
        return "; ".join(parts)


class ScenarioError(InputError):
    """A scenario file that cannot be used, with every fault that was found in it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class TargetError(InputError):
    """Documents of a target that cannot be used, with every fault that was found in them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class NetworkError(InputError):
    """Stations, journeys and arrivals that do not fit together."""


class CalendarError(InputError):
    """A date for which it is not known whether offices work."""


class PluginError(InputError):
    """A plugin that cannot be loaded, registers the wrong thing, or raises."""


class EngineError(CanbaoError):
    """An engine failed: a plan goes round in circles, a law of the engine is broken, or two engines disagree."""


class LoadError(CanbaoError):
    """A process of a load test ended where it should not have; the message says what it said last."""


class UnsupportedError(EngineError):
    """The engine that was asked for cannot run the plan; the message says which part of it and why."""

    exit_code = 2


class StorageError(CanbaoError):
    """A run could not be written or read: disk full, no permission, not a run folder."""


class TooLargeError(CanbaoError):
    """A run would need more memory than there is; nothing was started."""
