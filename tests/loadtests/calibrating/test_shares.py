"""Shares of the review, counted in load tests whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canbao.plugins import Plugins
from canbao_loadtests.calibrating.evidence import read_evidence
from canbao_loadtests.calibrating.shares import count_decisions, fit_shares

STRICT = ("review.duplicate=0.15", "review.incomplete=0.2", "review.mismatch=0.25", "review.refused=0.1")


def test_shares_of_a_strict_review_are_found(pretend: Callable[..., Any], town: Path, plugins: Plugins) -> None:
    """What is handed in early is counted; each share is of those who came so far, and its interval holds the truth."""
    quick = tuple(f'review.{desk}.service={{kind="fixed",value="1 min"}}' for desk in ("acceptance", "first", "second"))
    made = pretend(town, (*STRICT, *quick), duration_s=3_000.0, drain_s=1_500.0)
    evidence = read_evidence(made.folder, plugins)
    found = {fit.key: fit for fit in fit_shares(evidence, 0.99)}
    assert found["duplicate"].measured.covers(0.15)
    assert found["incomplete"].measured.covers(0.2)
    assert found["mismatch"].measured.covers(0.25)
    assert found["refused"].measured.covers(0.1)
    assert [found[key].stated for key in found] == [0.01, 0.02, 0.03, 0.005]
    assert not found["mismatch"].measured.covers(0.03)


def test_quick_decisions_do_not_count_for_more(pretend: Callable[..., Any], town: Path, plugins: Plugins) -> None:
    """Duplicates are told at once; of all decided they are too many, of early applications as many as they are."""
    slow = tuple(f'review.{desk}.service={{kind="fixed",value="20 min"}}' for desk in ("acceptance", "first", "second"))
    made = pretend(town, ("review.duplicate=0.1", *slow), duration_s=1_200.0)
    evidence = read_evidence(made.folder, plugins)
    counted = count_decisions(evidence)
    decided = ~np.isnan(evidence.rounds.decided)
    naive = evidence.run.trace.families["outcome"].words().count("already enrolled") / decided.sum()
    assert decided.mean() < 0.5
    assert naive > 0.15
    assert counted.duplicate / counted.rounds == pytest.approx(0.1, abs=0.05)


def test_few_decisions_say_nothing(pretend: Callable[..., Any], town: Path, plugins: Plugins) -> None:
    """Where hardly anything is decided there is no share."""
    never = ('review.first.service={kind="fixed",value="200 h"}', "review.duplicate=0.0")
    made = pretend(town, never, duration_s=1_200.0)
    assert fit_shares(read_evidence(made.folder, plugins)) == []
