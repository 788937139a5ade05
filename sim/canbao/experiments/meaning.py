"""What a measure means: in what it is counted, and whether more of it is better."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Better", "Meaning", "Meanings", "meaning_data", "meaning_of", "objective_meanings"]

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Meaning:
    """How a measure is read."""

    unit: str = ""
    """`s`, `h`, `days`, `working days`, `share`, `yuan`, `families` or `trips`; empty where nobody knows."""
    better: Better | None = None
    """Which way is better for families and the agency; None where that is open, as with who goes online."""


Meanings = Mapping[str, Meaning]
"""What is known of some measures, by name, beside what their names say."""

_LAST = r"(mean|median|p\d+|max)"

# The first that fits holds.
_KNOWN: tuple[tuple[str, Meaning], ...] = (
    (r"objectives\..+\.held", Meaning("share", "higher")),
    (rf"(waits|stays)\..+\.{_LAST}", Meaning("s", "lower")),
    (r"review\.(channels\..+\.)?within\.\d+", Meaning("share", "higher")),
    (rf"review\.(channels\..+\.)?working_days\.{_LAST}", Meaning("working days", "lower")),
    (rf"review\.families\..+\.{_LAST}", Meaning("working days", "lower")),
    (r"review\.(channels\..+\.)?open", Meaning("", "lower")),
    (rf"spent\.hours\..+\.{_LAST}|spent\.hours\.total", Meaning("h", "lower")),
    (rf"spent\.trips\..+\.{_LAST}", Meaning("trips", "lower")),
    (r"families\.enrolled_share", Meaning("share", "higher")),
    (
        r"families\.enrolled|deadline\.(in_time|enrolled_by_deadline)|newborns\.from_birth",
        Meaning("families", "higher"),
    ),
    (rf"families\.time_in_system_s\..+\.{_LAST}", Meaning("s", "lower")),
    (r"(deadline\.in_time|newborns\.from_birth)_share", Meaning("share", "higher")),
    (r"deadline\.missed", Meaning("families", "lower")),
    (
        r"families\.(arrived|finished|inside|changed_channel|outcomes.*)|newborns\.\w+|deadline\.\w+",
        Meaning("families"),
    ),
    (r"money\.costs\..*hours", Meaning("h", "lower")),
    (r"money\.costs\..*yuan.*", Meaning("yuan", "lower")),
    (r"money\.fees\..*", Meaning("yuan")),
    (rf"failures\..+\.delay_s\.{_LAST}", Meaning("s", "lower")),
    (r"failures\..+\.(share|by\..+)", Meaning("share", "lower")),
    (r"failures\..+\.families", Meaning("families", "lower")),
    (r"failures\..+\.times", Meaning("", "lower")),
    (r"abandonment\..+\.lost_share", Meaning("share", "lower")),
    (r"equity\..+\.families\..+", Meaning("families")),
    (r"equity\..+\.enrolled_share", Meaning("share", "higher")),
    (r"equity\..+\.missed_deadline_share", Meaning("share", "lower")),
    (r"equity\..+\.online_share", Meaning("share")),
    (r"equity\..+\.hours", Meaning("h", "lower")),
    (r"equity\..+\.trips", Meaning("trips", "lower")),
    (r"equity\..+\.days_to_hand_in", Meaning("days", "lower")),
    (r"stations\..+\.wait_hours", Meaning("h", "lower")),
    (r"stations\..+_hours", Meaning("h")),
    (r"stations\..+\.utilisation(_from_visits)?", Meaning("share")),
)


def meaning_of(measure: str, known: Meanings | None = None) -> Meaning:
    """Say what a measure means, by its name.

    Parameters
    ----------
    measure
        Its dotted name.
    known
        What is known of some measures: of objectives, whose names say nothing, and of measures of one's own.
    """
    if known and measure in known:
        return known[measure]
    # A gap between two groups is counted as they are, and a narrow one is better.
    plain = re.fullmatch(r"(equity\..+)\.gaps\.(\w+)\.gap", measure)
    if plain:
        return Meaning(meaning_of(f"{plain[1]}.means.any.{plain[2]}").unit, "lower")
    return next((meaning for pattern, meaning in _KNOWN if re.fullmatch(pattern, measure)), Meaning())


def meaning_data(measure: str, known: Meanings | None = None) -> dict[str, Any]:
    """Give a measure with its meaning as JSON."""
    meaning = meaning_of(measure, known)
    return {"measure": measure, "unit": meaning.unit, "better": meaning.better}


def objective_meanings(objectives: Mapping[str, Any]) -> dict[str, Meaning]:
    """Say what the values of a scenario's objectives mean, by measure.

    Parameters
    ----------
    objectives
        `scenario.objectives`: a promise of `at_least` is better the higher it is, one of `at_most` the lower.
    """
    return {f"objectives.{name}": _of_objective(objective) for name, objective in objectives.items()}


def _of_objective(objective: Any) -> Meaning:
    unit = "s" if objective.kind == "wait" else "share"
    return Meaning(unit, "higher" if hasattr(objective, "at_least") else "lower")
