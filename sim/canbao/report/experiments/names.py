"""What measures are called in a report; whatever is not known here keeps its dotted name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from canbao.languages import Language, noted
from canbao.report.terms import place, term

__all__ = ["GROUP_MEASURES", "measure_name"]

_STATISTICS = {
    "mean": noted("mean"),
    "median": noted("median"),
    "p90": noted("90th percentile"),
    "p95": noted("95th percentile"),
    "max": noted("longest"),
}

_LAST = r"(?P<last>mean|median|p90|p95|max)"

# The first that fits holds.
_KNOWN = (
    (rf"waits\.channels\.(?P<place>[^.]+)\.{_LAST}", noted("Wait at {place}, {last}")),
    (rf"waits\.channels\.(?P<place>.+)\.{_LAST}", noted("Wait at {place}, {last}")),
    (rf"waits\.stations\.(?P<place>.+)\.{_LAST}", noted("Wait at {place}, {last}")),
    (rf"stays\.stations\.(?P<place>.+)\.{_LAST}", noted("Time of a page at {place}, {last}")),
    (r"review\.within\.(?P<days>\d+)", noted("Decided within {days} working days")),
    (
        r"review\.channels\.(?P<place>.+)\.within\.(?P<days>\d+)",
        noted("From {place}: decided within {days} working days"),
    ),
    (rf"review\.working_days\.{_LAST}", noted("Time until a decision, {last}")),
    (rf"spent\.hours\.all\.{_LAST}", noted("Time that enrolling takes a family, {last}")),
    (rf"spent\.trips\.all\.{_LAST}", noted("Trips of a family, {last}")),
    (r"families\.enrolled", noted("Families enrolled")),
    (r"families\.enrolled_share", noted("Share of families enrolled")),
    (r"families\.arrived", noted("Families that came")),
    (r"deadline\.in_time_share", noted("Handed in before the deadline")),
    (r"deadline\.missed", noted("Families that missed the deadline")),
    (r"money\.costs\.total_yuan", noted("Cost of staff and families' time")),
    (r"money\.costs\.yuan_per_enrolment", noted("Cost of an enrolment")),
    (r"stations\.(?P<place>.+)\.utilisation", noted("Use of {place}")),
)

GROUP_MEASURES = {
    "hours": noted("Hours that enrolling takes"),
    "trips": noted("Trips"),
    "enrolled_share": noted("Share enrolled"),
    "missed_deadline_share": noted("Share that missed the deadline"),
    "online_share": noted("Share that goes online first"),
    "days_to_hand_in": noted("Days until handing in"),
}
"""What is compared between kinds of families, in the order of a report."""


def measure_name(measure: str, objectives: Mapping[str, Mapping[str, Any]], language: Language) -> str:
    """Say what a measure is.

    Parameters
    ----------
    measure
        Its dotted name.
    objectives
        Of the scenario, by name, with their titles.
    language
        The reader's.
    """
    if measure.startswith("objectives."):
        name = measure.removeprefix("objectives.")
        return term("scenario", str((objectives.get(name) or {}).get("title") or name), language)
    for pattern, text in _KNOWN:
        if found := re.fullmatch(pattern, measure):
            return language.say(text, **{key: _part(key, word, language) for key, word in found.groupdict().items()})
    return measure


def _part(key: str, word: str, language: Language) -> str:
    if key == "last":
        return language.say(_STATISTICS[word])
    return place(word, language) if key == "place" else word
