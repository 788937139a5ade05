"""The sequential test that says whether a plan holds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.errors import InputError
from canbao.experiments.staffing.evidence import at_least, at_most, evidence_above, evidence_below, verdict
from canbao.experiments.staffing.proving import Wanted


@given(st.integers(0, 60), st.floats(0.05, 0.95))
def test_evidence_is_a_martingale_at_the_limit(n: int, probability: float) -> None:
    """At the limit itself the likelihood ratio is 1 on average, over all outcomes of n seasons; so it cannot cheat."""
    chances = [math.comb(n, k) * probability**k * (1 - probability) ** (n - k) for k in range(n + 1)]
    for evidence in (evidence_above, evidence_below):
        mean = sum(chance * math.exp(evidence(k, n, probability)) for k, chance in enumerate(chances))
        assert mean == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize(
    ("truth", "wrong"), [(0.8, "holds"), (0.9, "holds"), (0.9, "does not hold"), (0.97, "does not hold")]
)
def test_a_wrong_verdict_is_rarer_than_promised_however_often_one_looks(truth: float, wrong: str) -> None:
    """Of 1,000 plans of known probability, looked at after each of 200 seasons, fewer than 5 % are judged wrongly."""
    held = (np.random.default_rng(7).random((1_000, 200)) < truth).cumsum(axis=1)
    ever = {
        (k, n): verdict(k, n, 0.9, 0.95) == wrong for n in range(1, 201) for k in np.unique(held[:, n - 1]).tolist()
    }
    judged = [any(ever[int(k), n + 1] for n, k in enumerate(row)) for row in held]
    assert np.mean(judged) < 0.05


def test_clear_plans_need_few_seasons() -> None:
    """Two seasons that miss say that a plan does not hold nine times in ten; 43 that hold say that it does."""
    assert verdict(0, 2, 0.9, 0.95) == "does not hold"
    assert next(n for n in range(1, 100) if verdict(n, n, 0.9, 0.95) == "holds") == 43


@given(st.integers(0, 80), st.integers(0, 80), st.floats(0.5, 0.99))
def test_bounds_lie_around_the_share(held: int, missed: int, confidence: float) -> None:
    """The share that held lies between what the probability is at least and at most."""
    n = held + missed
    low, high = at_least(held, n, confidence), at_most(held, n, confidence)
    assert 0 <= low <= (held / n if n else 0.0) or low == 0
    assert (held / n if n else 1.0) <= high + 1e-12 <= 1 + 1e-9


@given(st.integers(1, 200), st.integers(0, 40))
def test_a_plan_holds_where_its_bound_says_so(held: int, missed: int) -> None:
    """The verdict and the bound say the same."""
    bound = at_least(held, held + missed, 0.95)
    assert verdict(held, held + missed, 0.9, 0.95) != "holds" or bound >= 0.9 - 1e-9


def test_errors_of_all_proofs_add_up_to_what_was_asked() -> None:
    """However many plans are put to the proof, the chance that one of them passes wrongly stays within the promise."""
    wanted = Wanted(0.9, 0.95)
    assert sum(1 - wanted.confidence_of(attempt) for attempt in range(1, 10_000)) == pytest.approx(0.05, rel=1e-3)


def test_too_few_seasons_for_a_proof_are_refused() -> None:
    """If even all seasons holding would prove nothing, that is said before anything is simulated."""
    with pytest.raises(InputError, match="10 seasons cannot prove a probability of 0"):
        Wanted(0.9, 0.95, seasons=10)
