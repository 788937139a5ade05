"""How numbers, dates and lengths are written for people, in plain English."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "clock",
    "date_of",
    "day",
    "duration",
    "joined",
    "legible",
    "moment",
    "number",
    "people",
    "percent",
    "points",
    "rough",
    "servers",
    "short_day",
    "things",
    "threshold",
]

# XML 1.0, section 2.2: control characters but for tab and line ends, surrogates, and two that are none.
_ILLEGIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SUSPECT = re.compile(r"\\u(?:00[01]|d[89a-f]|fff[ef])")
"""What JSON writes for such a character; also for some that are fine, such as `😀`."""

# Not strftime: its names of months depend on the machine's locale.
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def legible(data: Any) -> Any:
    """Give plain data with `�` for every character, in texts and keys, that XML cannot hold.

    Vega's measuring of texts ends the whole process at such a character, and a file cannot be written with some.
    """
    # Nearly always there is none, and C finds that out faster than Python.
    return _cleaned(data) if _SUSPECT.search(json.dumps(data)) else data


def _cleaned(data: Any) -> Any:
    if isinstance(data, str):
        return _ILLEGIBLE.sub("�", data)
    if isinstance(data, Mapping):
        return {_cleaned(key): _cleaned(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_cleaned(value) for value in data]
    return data


def number(value: float) -> str:
    """Write a number with thousands separators; below ten, with one decimal unless it is whole."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "–"
    if abs(value) >= 9.95 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 0.05 else f"{value:.2g}"


def percent(share: float, limit: float | None = None) -> str:
    """Write a share in per cent, with as many decimals as tell it from its limit, from none and from all."""
    if share in (0.0, 1.0):
        return f"{share * 100:.0f} %"
    others = [100 * other for other in (0.0, 1.0, limit) if other is not None and other != share]
    for decimals in (1, 2, 3, 4):
        if all(round(100 * share, decimals) != round(other, decimals) for other in others):
            return f"{100 * share:.{decimals}f} %"
    return f"{100 * share:.10g} %"


def threshold(share: float) -> str:
    """Write a share that somebody chose, in per cent and without decimals that say nothing."""
    return f"{round(100 * share, 6):g} %"


def points(difference: float) -> str:
    """Write a difference of shares in percentage points, never as nothing unless it is."""
    size = abs(100 * difference)
    decimals = next((d for d in (1, 2, 3) if round(size, d) > 0), None)
    text = f"{size:.{decimals}f}".removesuffix(".0") if decimals else f"{size:.2g}"
    return f"{text} {'point' if text == '1' else 'points'}"


def duration(seconds: float | None) -> str:
    """Write seconds as a scenario file would, `–` for none."""
    from canbao.scenario.quantities import format_duration

    return "–" if seconds is None else format_duration(seconds)


def rough(seconds: float) -> str:
    """Write a length of which nobody wants the seconds: from ten minutes on, in whole minutes."""
    return duration(round(seconds / 60.0) * 60.0 if seconds >= 600.0 else seconds)


def date_of(text: str) -> dt.date:
    """Read the date of an ISO date or moment."""
    return dt.date.fromisoformat(text[:10])


def day(date: dt.date | str) -> str:
    """Write a date: `27 February 2026`."""
    found = date_of(date) if isinstance(date, str) else date
    return f"{found.day} {_MONTHS[found.month - 1]} {found.year}"


def short_day(date: dt.date) -> str:
    """Write a date for a label: `27 Feb`."""
    return f"{date.day} {_MONTHS[date.month - 1][:3]}"


def clock(hour: int) -> str:
    """Write a full hour: `8:00`."""
    return f"{hour}:00"


def moment(text: str) -> str:
    """Write an ISO moment: `27 February 2026 at 16:00`."""
    hour, minute = dt.datetime.fromisoformat(text).timetuple()[3:5]
    return f"{day(text)} at {hour}:{minute:02d}"


def joined(parts: Sequence[str], word: str = "and") -> str:
    """Join words: `a, b and c`."""
    return f" {word} ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def people(count: int) -> str:
    """Count families: `1 family`, `2,000 families`."""
    return f"{count:,} {'family' if count == 1 else 'families'}"


def things(group: str) -> str:
    """Say what comes to a station of this group: applications to the review, visits to all others."""
    return "applications" if _is_review(group) else "visits"


def servers(group: str, count: float) -> str:
    """Count who serves at a station of this group: `9 clerks` in the review, `9 servers` elsewhere."""
    noun = "clerk" if _is_review(group) else "server"
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def _is_review(group: str) -> bool:
    from canbao.assembly.review import REVIEW

    return group == REVIEW
