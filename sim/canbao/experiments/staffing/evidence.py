"""How sure it is that a plan holds: a sequential test that may be looked at after every season.

Each season holds all objectives or misses one, so a plan is a coin of unknown probability P. To tell whether P is above
or below what was asked for, the likelihood of what was seen is compared with that at the limit, averaged over all
probabilities on the other side: Wald's test with a weight function (Wald 1947, Sequential Analysis, 4.1.3). While P is
not above the limit, this ratio is a supermartingale that begins at 1, and the chance that it ever reaches 1/α is α at
most (Ville 1939, Étude critique de la notion de collectif; Robbins 1970, Annals of Mathematical Statistics 41,
1397-1409). So one may stop as soon as it is clear, and a plan that is far off costs two seasons instead of a hundred.
"""

from __future__ import annotations

import math
from typing import Literal

from canbao.errors import InputError

__all__ = ["Verdict", "at_least", "at_most", "evidence_above", "evidence_below", "verdict"]

Verdict = Literal["holds", "does not hold", "undecided"]

_HALVINGS = 50


def evidence_above(held: int, n: int, probability: float) -> float:
    """Give the log of how much more likely `held` of `n` is for some P above `probability` than at it.

    The average is over P uniform between `probability` and 1.
    """
    return _log_ratio(held, n, probability) + _log_tail(held, n, probability, above=True) - math.log1p(-probability)


def evidence_below(held: int, n: int, probability: float) -> float:
    """Give the log of how much more likely `held` of `n` is for some P below `probability` than at it.

    The average is over P uniform between 0 and `probability`.
    """
    return _log_ratio(held, n, probability) + _log_tail(held, n, probability, above=False) - math.log(probability)


def _log_ratio(held: int, n: int, probability: float) -> float:
    if not 0 <= held <= n:
        raise InputError(f"evidence needs 0 <= held <= n, given {held} of {n}")
    if not 0 < probability < 1:
        raise InputError(f"a probability to test must lie between 0 and 1, both left out, given {probability}")
    return -(held * math.log(probability) + (n - held) * math.log1p(-probability))


def _log_tail(held: int, n: int, probability: float, *, above: bool) -> float:
    """Give the log of the integral of the likelihood over one side of `probability`."""
    from scipy.special import betainc, betaincc, betaln

    part = float((betaincc if above else betainc)(held + 1, n - held + 1, probability))
    return float(betaln(held + 1, n - held + 1)) + (math.log(part) if part > 0 else -math.inf)


def verdict(held: int, n: int, probability: float, confidence: float) -> Verdict:
    """Say whether a plan that held in `held` of `n` seasons holds with `probability`.

    Each of the two answers is wrong with a chance of 1 - `confidence` at most, however often one looks.
    """
    needed = -math.log1p(-_checked(confidence))
    if evidence_above(held, n, probability) >= needed:
        return "holds"
    return "does not hold" if evidence_below(held, n, probability) >= needed else "undecided"


def at_least(held: int, n: int, confidence: float) -> float:
    """Give what P is at least: the largest probability that the test takes P to be above."""
    needed, low, high = -math.log1p(-_checked(confidence)), 0.0, held / n if n else 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = 0 < middle < 1 and evidence_above(held, n, middle) >= needed
        low, high = (middle, high) if enough else (low, middle)
    return low


def at_most(held: int, n: int, confidence: float) -> float:
    """Give what P is at most: 1 less what the chance of missing is at least."""
    return 1.0 - at_least(n - held, n, confidence)


def _checked(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise InputError(f"a confidence must lie between 0 and 1, both left out, given {confidence}")
    return confidence
