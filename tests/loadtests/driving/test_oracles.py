"""Measured against services whose truth is known: M/M/c, and arithmetic."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.alone

SCRIPT = Path(__file__).parents[2] / "bench" / "omission.py"


MEAN_SERVICE_S = 0.1
VALID_S = 0.02
"""The delay of the generator itself up to which a run says something: a fifth of a mean service."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Measure all services at once, for half a minute; again, one by one, those for which the generator fell behind."""
    out = tmp_path_factory.mktemp("omission") / "measured.json"
    found: dict[str, Any] = {}

    def measure(*options: str) -> None:
        command = [sys.executable, str(SCRIPT), "--out", str(out), *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found.update(json.loads(out.read_text()))

    measure()
    for only in 3 * ("queues", "freeze", "stall"):
        if found[f"{only} dispatch p99 s"] > VALID_S:
            measure("--only", only)
    return found


@pytest.mark.parametrize("load", [0.5, 0.8, 0.9])
@pytest.mark.parametrize("what", ["mean", "p95"])
def test_measured_waits_are_those_of_queueing_theory(load: float, what: str, measured: dict[str, Any]) -> None:
    """Mean and 95th percentile are within 10 % of M/M/c, or within the interval where that is wider."""
    row = next(row for row in measured["queues"] if row["load"] == load)
    assert measured["queues dispatch p99 s"] <= VALID_S, "the machine is too busy to measure anything"
    allowed = max(0.1 * row[f"theory_{what}_s"], row[f"{what}_half_width_s"])
    assert row["arrivals"] > 2000
    assert row[f"measured_{what}_s"] == pytest.approx(row[f"theory_{what}_s"], abs=allowed)


@pytest.mark.parametrize("load", [0.5, 0.8, 0.9])
def test_measured_waits_are_those_of_the_same_families_by_arithmetic(load: float, measured: dict[str, Any]) -> None:
    """On the very arrivals and services that there were, measuring adds less than a tenth of a mean service."""
    row = next(row for row in measured["queues"] if row["load"] == load)
    assert 0.0 < row["extra_median_s"] < 0.1 * MEAN_SERVICE_S


def test_a_service_that_freezes_is_seen_by_open_arrivals_and_not_by_closed_users(measured: dict[str, Any]) -> None:
    """Frozen for 3 s of 20: 99 of 100 take up to 2.5 s and more, of which a closed test says less than 0.1 s."""
    freeze = measured["freeze"]
    assert freeze["truth"]["99"] >= 2.5
    assert freeze["open"]["99"] >= 2.5
    assert freeze["closed"]["99"] < 0.1
    assert freeze["closed requests"] < 0.9 * freeze["scheduled requests"]


def test_a_service_that_stalls_again_and_again_is_measured_as_arithmetic_says(measured: dict[str, Any]) -> None:
    """1 s in every 5 at 200 a second: p90 is 533 ms, p99 953 ms; closed users ask less often and see little of it."""
    stall = measured["stall"]
    assert stall["truth"]["90"] == pytest.approx(0.533, rel=0.05)
    assert stall["truth"]["99"] == pytest.approx(0.953, rel=0.05)
    for share in ("90", "99"):
        assert stall["open"][share] == pytest.approx(stall["truth"][share], rel=0.1)
    assert stall["closed"]["90"] < 0.1
    assert stall["closed requests"] < 0.85 * stall["scheduled requests"]
