"""Figures while it runs, and the error budget."""

from __future__ import annotations

import pytest

from canbao_loadtests.driving.progress import ErrorBudget, Progress, failed
from canbao_loadtests.driving.recorder import Recorder
from canbao_loadtests.http.exchange import Exchange


def exchange(status: int, trouble: str | None = None, seconds: float = 0.1) -> Exchange:
    """Give a request that ended so."""
    return Exchange("enrol", 100.0, 100.0 + seconds, status, 10, 20, trouble)


@pytest.mark.parametrize(
    ("status", "trouble", "is_failure"),
    [
        (200, None, False),
        (404, None, False),
        (402, None, False),
        (429, None, False),
        (500, None, True),
        (503, None, True),
        (0, "timeout", True),
        (0, "reset", True),
        (0, "stopped", False),
    ],
)
def test_what_counts_as_a_failure(status: int, trouble: str | None, is_failure: bool) -> None:
    """No answer and 500 and more do; what the deployment refuses, and what the load test itself stops, do not."""
    recorder = Recorder()
    recorder.request(exchange(status, trouble))
    assert failed(recorder.requests()).tolist() == [is_failure]


def test_each_second_tells_what_is_new_and_what_there_is_in_all() -> None:
    """Counts grow; rate and percentiles are of the time since the last call."""
    recorder = Recorder()
    progress = Progress(recorder, ErrorBudget(1.0, 10.0))
    progress.second(0.0)
    for seconds in (0.1, 0.2):
        recorder.request(exchange(200, seconds=seconds))
    recorder.look(exchange(500))
    recorder.late(1.0, 0.003)
    first = progress.second(2.0)
    recorder.request(exchange(429, seconds=0.5))
    second = progress.second(3.0)
    assert (first["requests"], first["looks"], first["errors"], first["refused"]) == (2, 1, 1, 0)
    assert first["requests_s"] == 1.5
    assert first["dispatch_p99_s"] == 0.003
    assert (second["requests"], second["looks"], second["errors"], second["refused"]) == (3, 1, 1, 1)
    assert second["p95_s"] == pytest.approx(0.5)
    assert sum(progress.totals.bins) == 4
    assert progress.totals.received == 80


def test_the_budget_is_spent_when_too_large_a_share_of_the_window_failed() -> None:
    """Just the allowed share is not too much."""
    budget = ErrorBudget(0.5, 10.0)
    assert budget.spent(0.0, 40, 20) is None
    assert budget.spent(1.0, 10, 6) == pytest.approx(26 / 50)


def test_errors_of_long_ago_are_forgotten() -> None:
    """Only the window counts."""
    budget = ErrorBudget(0.5, 10.0)
    assert budget.spent(0.0, 100, 50) is None
    assert budget.spent(9.0, 100, 40) is None
    assert budget.spent(10.0, 20, 12) is None
    assert budget.spent(19.5, 20, 12) == pytest.approx(24 / 40)


def test_a_handful_of_requests_says_nothing() -> None:
    """One failure of one request does not stop a load test."""
    assert ErrorBudget(0.5, 10.0).spent(0.0, 19, 19) is None
    assert ErrorBudget(0.5, 10.0).spent(0.0, 20, 20) == 1.0


def test_a_budget_of_everything_never_stops() -> None:
    """With a share of 1 all may fail."""
    assert ErrorBudget(1.0, 10.0).spent(0.0, 1000, 1000) is None
