"""How measures are written: in their unit, with their half-width, and in one unit for a whole chart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from canbao.languages import Language, noted
from canbao.report import words

__all__ = ["NONE", "Scale", "amount", "change", "ends", "interval", "p_value", "scale_of", "spread"]

NONE = "–"
"""Stands where there is no number."""


# --- in sentences and tables ------------------------------------------------------------------------------------------


def amount(value: float | None, unit: str, language: Language) -> str:
    """Write a number in its unit; `–` for none."""
    if value is None or not math.isfinite(value):
        return NONE
    if unit == "share":
        return words.percent(value, language)
    if unit in ("s", "h"):
        seconds = _rounded_s(value * (3_600 if unit == "h" else 1))
        return words.duration(seconds, language) if seconds >= 0 else "−" + words.duration(-seconds, language)
    if unit == "yuan":
        return words.yuan(value, language)
    if unit == "working days":
        return words.working_days(float(f"{value:.3g}"), language)
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def _rounded_s(seconds: float) -> float:
    """Round a length to what can be read: two digits below a second, seconds below an hour, minutes above."""
    if abs(seconds) < 1:
        return float(f"{seconds:.2g}")
    step = 60.0 if abs(seconds) >= 3_600 else 1.0 if abs(seconds) >= 60 else 0.1
    return round(seconds / step) * step


def spread(value: float, unit: str, language: Language) -> str:
    """Write a size of a difference: shares in percentage points."""
    return words.points(value, language) if unit == "share" and value else amount(value, unit, language)


def interval(found: Mapping[str, Any], unit: str, language: Language, *, size: bool = False) -> str:
    """Write a mean and its half-width: `97.1 % ± 0.4 points`; `size` says that the mean is that of a difference."""
    mean, half_width = found["mean"], found["half_width"]
    write = spread if size and mean is not None else amount
    if mean is None or not half_width:
        return write(mean, unit, language)
    if unit in _WRITTEN:
        return f"{write(mean, unit, language)} ± {spread(half_width, unit, language)}"
    return _counted(_digits(mean, half_width), mean, unit, language)


_WRITTEN = ("share", "s", "h", "yuan")
"""Units in which numbers are written in a way of their own."""


def _digits(mean: float, half_width: float) -> str:
    """Write a plain number and its half-width, with as many decimals as the half-width has meaning: two digits."""
    decimals = min(max(0, 1 - math.floor(math.log10(half_width))), 6)
    return f"{mean:,.{decimals}f} ± {half_width:,.{decimals}f}"


def _counted(text: str, count: float, unit: str, language: Language) -> str:
    if unit == "working days":
        return language.plural("{n} working day", "{n} working days", count, n=text)
    return text


_NOTHING = 1e-9
"""A difference that is so small is none; below 1, so small a share of its half-width."""


def change(difference: Mapping[str, Any], unit: str, language: Language) -> str:
    """Write a difference with its sign and half-width, `+2 h 3 min ± 4 min`."""
    mean, half_width = difference["mean"], difference["half_width"] or 0.0
    if mean is None:
        return NONE
    if abs(mean) <= _NOTHING * min(half_width, 1.0):  # what is left when equal numbers are subtracted
        return f"0 ± {spread(half_width, unit, language)}" if half_width else "0"
    mark = "+" if mean > 0 else "−"
    return mark + interval({"mean": abs(mean), "half_width": half_width}, unit, language, size=True)


def p_value(p: float | None) -> str:
    """Write a p-value to three decimals."""
    return NONE if p is None else f"{p:.3f}" if p >= 0.0005 else "< 0.001"


# --- in charts --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    """The unit of an axis."""

    factor: float
    """What a value is multiplied with."""
    unit: str
    """In the reader's language; empty for plain numbers."""
    within: tuple[float, float] = (-math.inf, math.inf)
    """What values cannot leave, in this unit; intervals may, and are cut off there."""

    def of(self, value: float | None) -> float | None:
        """Give a value in this unit."""
        return None if value is None or not math.isfinite(value) else value * self.factor

    def titled(self, text: str, language: Language) -> str:
        """Give the title of an axis, with the unit."""
        if not self.unit:
            return text
        return language.say("{text} ({unit})", text=text, unit=self.unit) if text else self.unit


_TIMES = ((172_800.0, 86_400.0, "days"), (7_200.0, 3_600.0, "h"), (120.0, 60.0, "min"))
"""From how many seconds a unit is used, how long it is, and its name."""

_NAMES = {
    "days": noted("days"),
    "working days": noted("working days"),
    "families": noted("families"),
    "trips": noted("trips"),
}


def scale_of(unit: str, values: Iterable[float | None], language: Language, *, difference: bool = False) -> Scale:
    """Choose the unit of an axis that holds some values.

    Parameters
    ----------
    unit
        That of the values, as `canbao.experiments.meaning` has it.
    values
        What will be shown.
    language
        The reader's.
    difference
        Whether values are differences: those of shares are in percentage points.
    """
    scale = _scale_of(unit, values, language, difference)
    low, high = (-math.inf, math.inf) if difference or not unit else (0.0, 100.0 if unit == "share" else math.inf)
    return replace(scale, within=(low, high))


def _scale_of(unit: str, values: Iterable[float | None], language: Language, difference: bool) -> Scale:
    most = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    if unit == "share":
        return Scale(100.0, language.say("percentage points") if difference else "%")
    if unit in ("s", "h"):
        seconds = 3_600.0 if unit == "h" else 1.0
        for least, length, name in _TIMES:
            if most * seconds >= least:
                return Scale(seconds / length, language.say_as("unit", name))
        return Scale(seconds, language.say_as("unit", "s"))
    if unit == "yuan":
        return Scale(1e-3, language.say("thousand yuan")) if most >= 20_000 else Scale(1.0, language.say("yuan"))
    return Scale(1.0, language.say(_NAMES[unit]) if unit in _NAMES else "")


def ends(found: Mapping[str, Any], scale: Scale) -> tuple[float | None, float | None, float | None]:
    """Give mean, lower and upper end of an interval in the unit of an axis; None for what is not known."""
    mean, half_width = found["mean"], found["half_width"]
    if mean is None or half_width is None:
        return scale.of(mean), None, None
    return scale.of(mean), scale.of(mean - half_width), scale.of(mean + half_width)
