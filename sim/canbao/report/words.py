"""How numbers, dates and lengths are written for people, in their language."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Sequence

from canbao.languages import Language

__all__ = [
    "MONTHS",
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
    "short_day",
    "short_month",
    "threshold",
    "working_days",
    "yuan",
]

# XML 1.0, section 2.2: control characters but for tab and line ends, surrogates, and two that are none.
_ILLEGIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# Not strftime: its names of months depend on the machine's locale.
MONTHS = (
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


def legible(text: str) -> str:
    """Give a text with `�` for every character that XML cannot hold; a file cannot be written with some of them."""
    return _ILLEGIBLE.sub("�", text)


# ---------------------------------------------------------------------------------------------------------------------
# Numbers
# ---------------------------------------------------------------------------------------------------------------------


def number(value: float) -> str:
    """Write a number with thousands separators; below ten, with one decimal unless it is whole."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "–"
    if abs(value) >= 9.95 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 0.05 else f"{value:.2g}"


def percent(share: float, language: Language, limit: float | None = None) -> str:
    """Write a share in per cent, with as many decimals as tell it from its limit, from none and from all."""
    return language.say("{number} %", number=_hundredfold(share, limit))


def _hundredfold(share: float, limit: float | None) -> str:
    if share in (0.0, 1.0):
        return f"{share * 100:.0f}"
    others = [100 * other for other in (0.0, 1.0, limit) if other is not None and other != share]
    for decimals in (1, 2, 3, 4):
        if all(round(100 * share, decimals) != round(other, decimals) for other in others):
            return f"{100 * share:.{decimals}f}"
    return f"{100 * share:.10g}"


def threshold(share: float, language: Language) -> str:
    """Write a share that somebody chose, in per cent and without decimals that say nothing."""
    return language.say("{number} %", number=f"{round(100 * share, 6):g}")


def points(difference: float, language: Language) -> str:
    """Write a difference of shares in percentage points, never as nothing unless it is."""
    size = abs(100 * difference)
    decimals = next((d for d in (1, 2, 3) if round(size, d) > 0), None)
    text = f"{size:.{decimals}f}".removesuffix(".0") if decimals else f"{size:.2g}"
    return language.plural("{n} point", "{n} points", float(text), n=text)


def yuan(amount: float, language: Language, *, whole: bool = True) -> str:
    """Write an amount of money: `1,234 yuan`, or with fen `12.34 yuan`."""
    return language.say("{number} yuan", number=f"{amount:,.0f}" if whole else f"{amount:,.2f}")


def people(count: int, language: Language) -> str:
    """Count families: `1 family`, `2,000 families`."""
    return language.plural("{n} family", "{n} families", count)


def working_days(count: float, language: Language) -> str:
    """Count working days: `1 working day`, `2.5 working days`."""
    return language.plural("{n} working day", "{n} working days", count, n=number(count))


def joined(parts: Sequence[str], language: Language) -> str:
    """Join words: `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    first = language.say_as("between words of a list", ", ").join(parts[:-1])
    return language.say_as("list", "{others} and {last}", others=first, last=parts[-1])


# ---------------------------------------------------------------------------------------------------------------------
# Lengths of time
# ---------------------------------------------------------------------------------------------------------------------


def duration(seconds: float | None, language: Language) -> str:
    """Write seconds as a scenario file would, with the words of the language for its units; `–` for none."""
    from canbao.scenario.quantities import format_duration

    if seconds is None:
        return "–"
    # Numbers and units in turn, as `1 h 30 min`.
    return " ".join(language.say_as("unit", part) for part in format_duration(seconds).split(" "))


def rough(seconds: float, language: Language) -> str:
    """Write a length of which nobody wants the seconds: from ten minutes on, in whole minutes."""
    return duration(round(seconds / 60.0) * 60.0 if seconds >= 600.0 else seconds, language)


# ---------------------------------------------------------------------------------------------------------------------
# Dates and moments
# ---------------------------------------------------------------------------------------------------------------------


def date_of(text: str) -> dt.date:
    """Read the date of an ISO date or moment."""
    return dt.date.fromisoformat(text[:10])


def day(date: dt.date | str, language: Language) -> str:
    """Write a date: `27 February 2026`."""
    found = date_of(date) if isinstance(date, str) else date
    month = language.say_as("month", MONTHS[found.month - 1])
    return language.say("{day} {month} {year}", day=found.day, month=month, year=found.year)


def short_day(date: dt.date, language: Language) -> str:
    """Write a date for a label: `27 Feb`."""
    return language.say("{day} {month}", day=date.day, month=short_month(date, language))


def short_month(date: dt.date, language: Language) -> str:
    """Write a month for a label: `Feb`."""
    return language.say_as("short month", MONTHS[date.month - 1][:3])


def clock(hour: int) -> str:
    """Write a full hour: `8:00`."""
    return f"{hour}:00"


def moment(text: str, language: Language) -> str:
    """Write an ISO moment: `27 February 2026 at 16:00`."""
    hour, minute = dt.datetime.fromisoformat(text).timetuple()[3:5]
    return language.say("{day} at {time}", day=day(text, language), time=f"{hour}:{minute:02d}")
