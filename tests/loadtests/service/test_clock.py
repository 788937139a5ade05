"""The clock of the service."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao_loadtests.service.serving import Speed

HALF_PAST_EIGHT = 8.5 * 3600


@pytest.mark.parametrize("days", ["all", "working"])
@given(passed=st.lists(st.floats(0, 100), min_size=2, max_size=2).map(sorted), day_s=st.floats(0.01, 100_000))
def test_it_never_goes_back_and_tells_how_long_to_wait(rules: Any, days: Any, passed: Any, day_s: float) -> None:
    """Moments rise with real time, and after `real_s` of real time a moment has come."""
    clock = Speed(day_s, days).clock(rules, None, 1000.0)
    earlier, later = (clock.moment(1000.0 + seconds) for seconds in passed)
    assert earlier <= later <= rules.horizon.end_s
    wait = clock.real_s(earlier, later)
    assert wait <= passed[1] - passed[0] + 1e-6
    assert clock.moment(1000.0 + passed[0] + wait) == pytest.approx(later, abs=0.01) or later == rules.horizon.end_s


def test_a_working_day_takes_its_time_and_a_night_takes_none(rules: Any) -> None:
    """Five working days take five times that of one; over the weekend no real time passes."""
    clock = Speed(2.0, "working").clock(rules, None, 0.0)
    # The horizon begins on Monday, 1 December 2025, and the review opens at half past eight.
    assert clock.text(clock.moment(0.0)) == "2025-12-01T08:30:00.000+08:00"
    assert clock.text(clock.moment(1.0 + 1e-9)).startswith("2025-12-01T14:00")
    assert clock.text(clock.moment(8.5)).startswith("2025-12-05T10:15")
    assert clock.text(clock.moment(10.0 + 1e-6)).startswith("2025-12-08T08:30")


def test_a_day_of_24_hours_keeps_its_nights(rules: Any) -> None:
    """Half of such a day after the first opening it is evening."""
    clock = Speed(2.0, "all").clock(rules, HALF_PAST_EIGHT, 0.0)
    assert clock.text(clock.moment(1.0)) == "2025-12-01T20:30:00.000+08:00"


def test_it_stands_still_at_the_end_of_the_horizon(rules: Any) -> None:
    """Past the last date nothing passes any more, and what would be due then never comes."""
    clock = Speed(0.001, "all").clock(rules, None, 0.0)
    assert clock.moment(1e9) == rules.horizon.end_s
    assert clock.moment(-5.0) == clock.start
