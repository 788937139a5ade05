"""How often a deployment returns, refuses and knows already what is handed in.

Each share is of those who came so far: duplicates are found first, then missing papers, then what does not match, then
what the second review returns. So each is a count of independent trials of its own, whose interval is exact (Clopper
and Pearson 1934, Biometrika 26, 404-413).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from canbao.arrays import BoolArray, FloatArray, IntArray
from canbao.assembly.formalities import INSURED
from canbao.assembly.review import REVIEW
from canbao.columns import Coded
from canbao.district import CORRECT, RESULT
from canbao.measures.groups import word_is
from canbao.statistics.proportions import ShareInterval, chance_interval
from canbao.trace import Trace
from canbao_loadtests.calibrating.evidence import Evidence

__all__ = ["Counted", "ShareFit", "count_decisions", "fit_shares"]

_UNKNOWN, _RETURNED, _REJECTED, _DUPLICATE, _APPROVED = range(5)


@dataclass(frozen=True)
class ShareFit:
    """One share of the review.

    Parameters
    ----------
    key
        Its key below `review` in the scenario.
    stated
        What the scenario says.
    measured
        What was counted, with its interval.
    """

    key: str
    stated: float
    measured: ShareInterval


@dataclass(frozen=True)
class Counted:
    """Rounds of review by how they ended, of those handed in so early that nearly all are decided.

    Parameters
    ----------
    rounds
        Those that were decided.
    known
        Those of which it is known how: of the others the family has not heard yet.
    duplicate
        Of families that are enrolled already.
    incomplete, mismatch
        Returns with these reasons, as far as the deployment gave any.
    refused
        Returns and rejections with no reason of these.
    """

    rounds: int
    known: int
    duplicate: int
    incomplete: int
    mismatch: int
    refused: int


@dataclass(frozen=True, eq=False)
class _Rounds:
    """Rounds by family and in time; arrays of shape (rounds,)."""

    family: IntArray
    submitted: FloatArray
    decided: FloatArray


def count_decisions(evidence: Evidence) -> Counted:
    """Count how rounds of review ended.

    Quick decisions would count for too much among all that are decided by the end: a duplicate is told at once. So only
    what was handed in early counts.
    """
    found, trace = evidence.rounds, evidence.trace
    order = np.lexsort((found.submitted, found.family))
    rounds = _Rounds(found.family[order], found.submitted[order], found.decided[order])
    early = ~np.isnan(rounds.decided) & (rounds.submitted <= _last_of_the_early(rounds))
    ended = np.where(np.append(rounds.family[1:] == rounds.family[:-1], False), _RETURNED, _last_fates(trace, rounds))
    incomplete, mismatch = (_recorded(trace, f"{REVIEW}/{name}", rounds) for name in ("incomplete", "mismatch"))
    without = early & ~incomplete & ~mismatch & np.isin(ended, (_RETURNED, _REJECTED))
    return Counted(
        rounds=int(early.sum()),
        known=int((early & ((ended != _UNKNOWN) | incomplete | mismatch)).sum()),
        duplicate=int((early & (ended == _DUPLICATE)).sum()),
        incomplete=int((early & incomplete).sum()),
        mismatch=int((early & mismatch & ~incomplete).sum()),
        refused=int(without.sum()),
    )


_NEARLY_ALL = 0.98


def _last_of_the_early(rounds: _Rounds) -> float:
    """Give the latest moment such that nearly all that was handed in by then is decided."""
    order = np.argsort(rounds.submitted, kind="stable")
    shares = np.cumsum(~np.isnan(rounds.decided[order])) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(shares >= _NEARLY_ALL)
    return float(rounds.submitted[order][enough[-1]]) if len(enough) else -np.inf


def _last_fates(trace: Trace, rounds: _Rounds) -> IntArray:
    """Say how the last round of each family ended, as far as the family's outcome or its next steps tell."""
    family, outcome = np.asarray(trace.families["family"]), trace.families["outcome"]
    assert isinstance(outcome, Coded)
    row = dict(zip(family.tolist(), range(len(family)), strict=True))
    rows = np.array([row[who] for who in rounds.family.tolist()], dtype=np.int64)
    insured = np.asarray(trace.families.get(INSURED, np.full(len(family), np.nan)))
    returned, approved = (_heard(trace, rounds, label) for label in (CORRECT, RESULT))
    fate = np.select(
        [
            word_is(outcome, "already enrolled")[rows],
            word_is(outcome, "rejected")[rows],
            word_is(outcome, "withdrawn")[rows] | returned,
            ~np.isnan(insured[rows]) | approved,
        ],
        [_DUPLICATE, _REJECTED, _RETURNED, _APPROVED],
        _UNKNOWN,
    )
    return np.asarray(fate, dtype=np.int64)


def _heard(trace: Trace, rounds: _Rounds, label: str) -> BoolArray:
    """Tell of which rounds the family took a step afterwards that a channel has for such a decision."""
    return _marked(trace, rounds, lambda step: step.partition("/")[2].partition(":")[0] == label)


def _recorded(trace: Trace, step: str, rounds: _Rounds) -> BoolArray:
    """Tell in which rounds a failure was recorded."""
    return _marked(trace, rounds, lambda name: name == step)


def _marked(trace: Trace, rounds: _Rounds, wanted: Callable[[str], bool]) -> BoolArray:
    """Tell during or after which rounds, before the next one of the family, there was a visit with some step."""
    steps: Any = trace.visits["step"]
    mine = np.array([wanted(label) for label in steps.labels] or [False])[steps.codes]
    whose, when = (np.asarray(trace.visits[name])[mine] for name in ("family", "enter"))
    marked = np.zeros(len(rounds.family), dtype=np.bool_)
    for who, moment in zip(whose.tolist(), when.tolist(), strict=True):
        first, after = np.searchsorted(rounds.family, [who, who + 1])
        place = int(first + np.searchsorted(rounds.submitted[first:after], moment, side="right")) - 1
        if place >= first:
            marked[place] = True
    return marked


def fit_shares(evidence: Evidence, level: float = 0.95) -> list[ShareFit]:
    """Give the shares of the review that can be told; those of desks only where the deployment gives reasons."""
    return list(_shares(evidence, count_decisions(evidence), level))


def _shares(evidence: Evidence, counted: Counted, level: float) -> Iterator[ShareFit]:
    review = evidence.file.scenario.review
    if counted.rounds < _FEWEST:
        return
    yield ShareFit("duplicate", review.duplicate, chance_interval(counted.duplicate, counted.rounds, level))
    left = counted.rounds - counted.duplicate
    silent = counted.refused and not counted.incomplete + counted.mismatch
    if left < _FEWEST or (silent and _expects_reasons(evidence, left)):
        return
    # Nobody sees which applications an automatic check accepts; the others are as many as the scenario says.
    checked = max(round(left * (1.0 - review.precheck)), counted.incomplete)
    passed = left - counted.incomplete
    told = max(counted.known - counted.duplicate - counted.incomplete - counted.mismatch, counted.refused)
    for key, found, of in (
        ("incomplete", counted.incomplete, checked),
        ("mismatch", counted.mismatch, passed),
        ("refused", counted.refused, told),
    ):
        if of >= max(_FEWEST, found):
            yield ShareFit(key, getattr(review, key), chance_interval(found, of, level))


_FEWEST = 30
"""Of fewer nothing is said."""


def _expects_reasons(evidence: Evidence, rounds: int) -> bool:
    """Tell whether reasons should have been among so many rounds, if the deployment gave any."""
    review = evidence.file.scenario.review
    return rounds * (review.incomplete * (1.0 - review.precheck) + review.mismatch) > 3.0
