"""What the charts of an experiment share: how wide they are, how marks look, axes that need not begin at zero."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from unicodedata import east_asian_width

from canbao.languages import Language
from canbao.report.charts.axes import TEXT_PX, nice_step
from canbao.report.charts.plot import Axis, Shape, Tick

__all__ = [
    "CHANGES",
    "LOOKS",
    "ORDER",
    "UNCLEAR",
    "Look",
    "Sheet",
    "look_of",
    "minus",
    "spread_apart",
    "text_px",
    "value_axis",
]


@dataclass(frozen=True)
class Sheet:
    """How wide charts are, and whose language they speak."""

    width: int
    """In pixels, labels included."""
    language: Language

    @property
    def narrow(self) -> bool:
        """Whether the chart is for a telephone, or for one column of a paper."""
        return self.width < 500


@dataclass(frozen=True)
class Look:
    """How a dot looks; shapes tell as much as colours, for those who see none and for grey paper."""

    colour: str
    shape: Shape


LOOKS = (Look("ink", "circle"), Look("data", "square"), Look("alert", "diamond"), Look("good", "triangle"))
"""Of things that have no order, such as variants."""

ORDER = (Look("ramp0", "circle"), Look("ramp1", "square"), Look("ramp2", "triangle"), Look("ramp3", "diamond"))
"""Of things in an order, such as levels of an input: from light to dark."""

CHANGES = {
    "better": Look("good", "circle"),
    "gains": Look("good", "circle"),
    "worse": Look("alert", "diamond"),
    "loses": Look("alert", "diamond"),
    "more": Look("data", "square"),
    "less": Look("data", "triangle"),
}
"""Of verdicts on a difference."""

UNCLEAR = Look("muted", "ring")
"""Of a difference that luck may explain."""


def look_of(verdict: str) -> Look:
    """Say how a verdict on a difference looks."""
    return CHANGES.get(verdict, UNCLEAR)


def minus(text: str) -> str:
    """Write a minus sign as one."""
    return text.replace("-", "\N{MINUS SIGN}")


def text_px(text: str) -> float:
    """Say how wide a text is in a drawing, roughly: Chinese signs are as wide as they are high."""
    return sum(TEXT_PX if east_asian_width(sign) in "WF" else 0.55 * TEXT_PX for sign in text)


def value_axis(
    values: Iterable[float | None],
    title: str,
    count: int,
    *,
    zero: bool = False,
    within: tuple[float, float] = (-math.inf, math.inf),
) -> Axis:
    """Give an axis that holds some values, with about so many ticks at round numbers.

    Parameters
    ----------
    values
        What is shown; what is None or not finite does not count.
    title
        With the unit.
    count
        Of ticks, about.
    zero
        Whether zero is shown in any case.
    within
        What the axis does not leave.
    """
    known = [min(max(value, within[0]), within[1]) for value in values if value is not None and math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low <= 1e-9 * max(1.0, abs(high)):
        low, high = _around(low, within)
    step = nice_step(high - low, count)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(Tick(n * step, (_written(n * step, step),)) for n in range(first, last + 1))
    shown = tuple(tick for tick in ticks if within[0] <= tick.at <= within[1])
    return Axis(max(first * step, within[0]), min(last * step, within[1]), shown, title, grid=True)


def _around(value: float, within: tuple[float, float]) -> tuple[float, float]:
    """Give two ends around a single value."""
    reach = max(abs(value) * 0.1, 0.5)
    return max(value - reach, within[0]), min(value + reach, within[1])


def _written(value: float, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return minus(f"{value + 0.0:,.{decimals}f}") if abs(value) > step / 2 else "0"


def spread_apart(places: Sequence[float], least: float) -> list[float]:
    """Move places as little as need be so that each is at least so far above the one below it."""
    order = sorted(range(len(places)), key=lambda each: places[each])
    found = list(places)
    for before, after in pairwise(order):
        found[after] = max(found[after], found[before] + least)
    return found
