"""Whether one number is a further drawing of what some others are drawings of."""

from __future__ import annotations

import math

from canbao.arrays import FloatArray
from canbao.errors import InputError
from canbao.statistics.intervals import Interval, checked_level, t_quantile

__all__ = ["beyond", "chance_of"]


def beyond(value: float, drawings: FloatArray, level: float = 0.95, least: float = 0.0) -> Interval:
    """Give how far a number is from the mean of some drawings, and how far a further drawing would be.

    The half-width is that of Student's prediction interval, t(n − 1) s √(1 + 1/n) (Hahn and Meeker, Statistical
    Intervals, 1991, 4.8): the number is a drawing like the others if the interval of the difference holds 0.

    Parameters
    ----------
    value
        The number.
    drawings
        Shape (drawings,), two or more.
    level
        How often a further drawing lies so near.
    least
        The standard deviation where all drawings are the same: 1 for counts, which could have been others.
    """
    n = len(drawings)
    if n < 2:
        raise InputError(f"it takes two drawings or more to say what chance makes of a number, given {n}")
    spread = float(drawings.std(ddof=1)) if drawings.min() != drawings.max() else least
    margin = t_quantile(n - 1, checked_level(level)) * spread * math.sqrt(1.0 + 1.0 / n)
    return Interval(value - float(drawings.mean()), margin, level, n)


def chance_of(found: Interval, freedom: float) -> float:
    """Give how often chance alone would show a number as far from 0 as an interval's; nan where nobody can say.

    Parameters
    ----------
    found
        With the half-width of Student's t.
    freedom
        Its degrees of freedom.
    """
    if not math.isfinite(found.half_width) or not found.half_width:
        return 1.0 if found.mean == 0 else math.nan
    from scipy.special import stdtr

    t = abs(found.mean) / found.half_width * t_quantile(freedom, found.level)
    return float(2.0 * stdtr(freedom, -t))
