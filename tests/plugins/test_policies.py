"""Region policies: the collection period, its deadline, and newborns."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pytest

from canbao.calendar import Horizon
from canbao.columns import Coded
from canbao.errors import ScenarioError
from canbao.testing import check_policy, small_scenario
from canbao_plugins.policies import Collection

DAY_S = 86_400.0
HORIZON = Horizon(dt.date(2025, 9, 1), dt.date(2026, 2, 28))
COLUMNS: Any = {
    "kind": Coded(np.array([0, 1, 0]), ("newborn", "pupil")),
    "birth_s": np.array([10.0, -1e8, -5 * DAY_S]),
}


def _collection(**settings: Any) -> Collection:
    dates = {"start": dt.date(2025, 9, 3), "deadline": dt.date(2025, 12, 31)}
    return Collection.model_validate({"kind": "collection", **dates, **settings})


def test_the_period_goes_from_its_first_midnight_to_the_end_of_its_last_day() -> None:
    """Both dates are included, wherever the horizon begins."""
    assert _collection().period_s(HORIZON) == (2 * DAY_S, 122 * DAY_S)
    late = Horizon(dt.date(2025, 12, 1), dt.date(2025, 12, 31))
    assert _collection().period_s(late) == (-89 * DAY_S, 31 * DAY_S)
    one_day = _collection(start=dt.date(2025, 12, 31))
    start, end = one_day.period_s(HORIZON)
    assert end - start == DAY_S


def test_all_but_newborns_have_the_deadline() -> None:
    """Newborns' families may enrol all year round."""
    assert _collection().deadline_s(COLUMNS, HORIZON).tolist() == [math.inf, 122 * DAY_S, math.inf]


@pytest.mark.parametrize("days", [0, 30, 90, 180])
def test_newborns_are_insured_from_birth_for_so_many_days(days: int) -> None:
    """To the second, from the birth on; other families have no such moment."""
    until = _collection(newborn_days=days).insured_from_birth_until_s(COLUMNS, HORIZON)
    np.testing.assert_array_equal(until, [10.0 + days * DAY_S, math.nan, (days - 5) * DAY_S])


@pytest.mark.parametrize(
    "columns",
    [
        {"kind": COLUMNS["kind"]},  # no births
        {"birth_s": COLUMNS["birth_s"]},  # no kinds
        {"kind": Coded(np.zeros(3, dtype=np.int8), ("pupil",)), "birth_s": COLUMNS["birth_s"]},
        {"_number": np.arange(3)},
    ],
)
def test_a_population_that_knows_less_has_no_newborns_to_insure(columns: Any) -> None:
    """Without kinds or births nobody can be insured from birth."""
    assert np.isnan(_collection().insured_from_birth_until_s(columns, HORIZON)).all()
    known = "kind" in columns and "newborn" in columns["kind"].labels
    assert np.isinf(_collection().deadline_s(columns, HORIZON)).any() == known


def test_a_deadline_before_the_start_is_a_fault_at_the_deadline() -> None:
    """The message says where and what is allowed."""
    with pytest.raises(ScenarioError) as refused:
        small_scenario({"policy": {"deadline": dt.date(2025, 11, 30)}})
    (fault,) = refused.value.faults
    assert (fault.key, fault.problem) == ("policy.deadline", "is before the start")


def test_it_is_a_policy_as_the_kit_wants_it() -> None:
    """A pure function of the families; the season with it runs."""
    dates = {"start": dt.date(2025, 12, 1), "deadline": dt.date(2025, 12, 20)}
    assert len(np.asarray(check_policy(Collection, dates).families["family"])) > 100
