"""Moments that a policy decides, as pure functions over columns: deadlines, months, the begin of cover.

All times are seconds since the first midnight of the horizon, shape (families,) where there is one for each family.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping

from canbao.arrays import BoolArray, FloatArray, IntArray, np
from canbao.calendar import Horizon
from canbao.columns import Coded, Column

__all__ = [
    "all_but_newborns_until_s",
    "births_s",
    "cover_after_s",
    "is_newborn",
    "newborns_until_s",
    "number_of_families",
    "period_s",
]

_DAY_S = 86_400.0


def number_of_families(columns: Mapping[str, Column]) -> int:
    """Count the families of which something is known."""
    return len(next(iter(columns.values())))


def is_newborn(columns: Mapping[str, Column]) -> BoolArray:
    """Tell which families enrol a newborn; none, where their kinds are not known."""
    kind = columns.get("kind")
    if isinstance(kind, Coded) and "newborn" in kind.labels:
        return kind.has("newborn")
    return np.zeros(number_of_families(columns), dtype=bool)


def births_s(columns: Mapping[str, Column]) -> FloatArray:
    """Give the birth of each family's youngest child, nan where it is not known."""
    birth = columns.get("birth_s")
    if birth is None or isinstance(birth, Coded):
        return np.full(number_of_families(columns), math.nan)
    return np.asarray(birth, dtype=np.float64)


def period_s(start: dt.date, deadline: dt.date, horizon: Horizon) -> tuple[float, float]:
    """Give the first moment of a period and the midnight at which its last date ends."""
    return horizon.seconds(start), horizon.seconds(deadline) + _DAY_S


def all_but_newborns_until_s(columns: Mapping[str, Column], end_s: float) -> FloatArray:
    """Give one deadline to all families but those of newborns, who have none."""
    return np.where(is_newborn(columns), math.inf, end_s)


def newborns_until_s(columns: Mapping[str, Column], days: int) -> FloatArray:
    """Give the moment at which the window of each newborn closes, nan for other families."""
    return np.where(is_newborn(columns), births_s(columns) + days * _DAY_S, math.nan)


def cover_after_s(paid_s: FloatArray, months: IntArray, horizon: Horizon) -> FloatArray:
    """Give the begin of a cover that waits for some months after a payment.

    Without a wait it is the first day of the next month. A wait is counted as the Civil Code counts months (articles
    201 and 202): the day of payment is left out, and the period ends with the same day of a later month, or with that
    month's last day where it has no such day. Cover begins at the midnight behind it: paid on 30 November, with three
    months to wait, on 1 March.

    Parameters
    ----------
    paid_s, months
        Shape (families,); whoever has not paid (nan or inf) gets nan.
    """
    is_paid = np.isfinite(paid_s)
    days = np.floor(np.where(is_paid, paid_s, 0.0) / _DAY_S).astype("timedelta64[D]")
    date = np.datetime64(horizon.start, "D") + days
    month = date.astype("datetime64[M]")
    into_month = date - month.astype("datetime64[D]")
    later = month + months.astype("timedelta64[M]")
    length = (later + 1).astype("datetime64[D]") - later.astype("datetime64[D]")
    last = later.astype("datetime64[D]") + np.minimum(into_month, length - 1)
    begin = np.where(months > 0, last + 1, (month + 1).astype("datetime64[D]"))
    since_s = (begin - np.datetime64(horizon.start, "D")).astype(np.float64) * _DAY_S
    return np.where(is_paid, since_s, math.nan)
