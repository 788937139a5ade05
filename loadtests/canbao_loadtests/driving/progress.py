"""Figures of a load test while it runs, second by second, and the share of errors that stops it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from canbao.arrays import BoolArray, FloatArray
from canbao.columns import Coded, numbers_of
from canbao.trace import Table
from canbao_loadtests.driving.recorder import Recorder

__all__ = ["BOUNDS_S", "ErrorBudget", "Progress", "Totals", "failed"]

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds of the bins in which requests are counted while the load runs."""

_NUMBERS = ("began", "ended", "status", "sent", "received")

_FEWEST = 20
"""Of fewer requests nobody can tell a share of errors."""


def failed(requests: Table) -> BoolArray:
    """Tell which requests failed: no answer, or a status of 500 and more; shape (requests,).

    429 and 503 say that the deployment defends itself, which is obeyed and counted, but 503 is a failure all the same.
    What was not sent because the load stopped is none.
    """
    status, trouble = requests["status"], requests["trouble"]
    assert isinstance(status, np.ndarray)
    assert isinstance(trouble, Coded)
    stopped = np.array([label == "stopped" for label in trouble.labels] + [False], dtype=np.bool_)[trouble.codes]
    found: BoolArray = ((status == 0) & ~stopped) | (status >= 500)
    return found


@dataclass
class ErrorBudget:
    """Stops a load test that does harm.

    Parameters
    ----------
    share
        The share of failed requests that is too much; 1 never stops.
    window_s
        Real seconds over which it is looked at.
    """

    share: float
    window_s: float
    _seconds: deque[tuple[float, int, int]] = field(default_factory=deque)

    def spent(self, now: float, requests: int, errors: int) -> float | None:
        """Add what has happened lately, and give the share of failed requests if it is more than there may be."""
        self._seconds.append((now, requests, errors))
        while self._seconds[0][0] <= now - self.window_s:
            self._seconds.popleft()
        asked = sum(row[1] for row in self._seconds)
        wrong = sum(row[2] for row in self._seconds)
        too_much = asked >= _FEWEST and wrong > self.share * asked
        return wrong / asked if too_much else None


@dataclass
class Totals:
    """What has been counted since the load began."""

    requests: int = 0
    looks: int = 0
    errors: int = 0
    refused: int = 0
    """Answers 429: the deployment asked to be spared."""
    sent: int = 0
    received: int = 0
    seconds: float = 0.0
    bins: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    """How many requests took no longer than each bound, and longer than the one before."""


@dataclass
class Progress:
    """What has come since the last second.

    Parameters
    ----------
    recorder
        Where it is recorded.
    budget
        The share of errors that is too much.
    """

    recorder: Recorder
    budget: ErrorBudget
    totals: Totals = field(default_factory=Totals)
    spent: float | None = None
    """The share of failed requests, once it is more than there may be."""
    _sizes: tuple[int, int, int] = (0, 0, 0)
    _last: float | None = None

    def second(self, now: float) -> Mapping[str, float]:
        """Count what has come since the last call, and tell it.

        Returns
        -------
        `requests`, `looks`, `errors`, `refused` since the load began; `requests_s`, `p95_s` (of a request) and
        `dispatch_p99_s` of the time since the last call, nan where there was none.
        """
        requests, looks, delays = self.recorder.since(self._sizes)
        self._sizes = self.recorder.sizes
        taken, asked, wrong = self._count(requests, 0)
        more, looked, also_wrong = self._count(looks, 1)
        self.spent = self.spent or self.budget.spent(now, asked + looked, wrong + also_wrong)
        passed = now - self._last if self._last is not None else float("nan")
        self._last = now
        totals = self.totals
        return {
            "requests": totals.requests,
            "looks": totals.looks,
            "errors": totals.errors,
            "refused": totals.refused,
            "requests_s": (asked + looked) / passed if passed else float("nan"),
            "p95_s": _percentile(np.concatenate([taken, more]), 95),
            "dispatch_p99_s": _percentile(delays, 99),
        }

    def _count(self, requests: Table, polling: int) -> tuple[FloatArray, int, int]:
        began, ended, status, sent, received = (numbers_of(requests[name]) for name in _NUMBERS)
        taken: FloatArray = ended - began
        count, wrong, totals = len(taken), int(failed(requests).sum()), self.totals
        totals.requests += 0 if polling else count
        totals.looks += count if polling else 0
        totals.errors += wrong
        totals.refused += int(np.count_nonzero(status == 429))
        totals.sent += int(sent.sum())
        totals.received += int(received.sum())
        totals.seconds += float(taken.sum())
        for place, more in enumerate(np.bincount(np.searchsorted(BOUNDS_S, taken), minlength=len(totals.bins))):
            totals.bins[place] += int(more)
        return taken, count, wrong


def _percentile(seconds: FloatArray, share: float) -> float:
    return float(np.percentile(seconds, share)) if len(seconds) else float("nan")
