"""A deadline on a make-up Saturday, a first day behind a holiday: halls are open and closed on the right days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from canbao.assembly import scenario_plan
from canbao.calendar import Calendar, Horizon, working_days
from canbao.district import District
from canbao.engines import engine_named
from canbao.plugins import Plugins, load_plugins
from canbao.testing import small_district, small_scenario
from canbao_plugins.office import Office
from canbao_plugins.policies import REGIONS, Region

DAY = dt.timedelta(days=1)
MAKE_UP_SATURDAY = dt.date(2026, 2, 28)


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Give the built-in plugins."""
    return load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})


def _season(region: str, **policy: Any) -> Mapping[str, Any]:
    return {
        "horizon": {"start": dt.date(2025, 9, 25), "end": dt.date(2026, 3, 31)},
        "policy": {"kind": "region", "region": region, **policy},
        "population": {"residents": 300},
    }


def _by_the_weekday(district: District) -> District:
    """Let the halls work as if make-up days and holidays did not exist."""
    return replace(district, working=np.array([date.weekday() < 5 for date in district.horizon.dates()]))


def _opened(district: District) -> Calendar:
    """Give the hours of the one hall of the district."""
    office = Office.model_validate({"kind": "office", "sites": {"hall": {"staff": 2}}})
    part = office.build("office", district)
    (calendar,) = {part.calendars[station.name] for station in part.stations if station.name in part.calendars}
    return calendar


def _open_s(district: District, date: dt.date) -> float:
    start = district.horizon.seconds(date)
    return _opened(district).open_s(start, start + 86_400.0)


def check_the_halls_keep_the_days(district: District) -> None:
    """See that the halls are open on the deadline of the policy, and closed on the day before its first day."""
    policy: Any = district.policy
    assert _open_s(district, policy.deadline) == 7 * 3600.0
    assert _open_s(district, policy.start - DAY) == 0.0


def test_beijings_deadline_is_a_saturday_on_which_offices_work() -> None:
    """So says the calendar of working days, and a naive rule says otherwise."""
    beijing = Region.named("beijing-2026")
    assert beijing.deadline == MAKE_UP_SATURDAY
    assert beijing.deadline.weekday() == 5
    assert working_days(Horizon(beijing.deadline, beijing.deadline)).tolist() == [True]


def test_on_a_deadline_that_is_a_make_up_saturday_halls_are_open(plugins: Plugins) -> None:
    """All the ordinary hours of the day, and on the Saturday before Beijing's first day none; by the weekday: none."""
    district = small_district(_season("beijing-2026"), plugins)
    check_the_halls_keep_the_days(district)
    with pytest.raises(AssertionError):
        check_the_halls_keep_the_days(_by_the_weekday(district))
    assert _open_s(_by_the_weekday(district), MAKE_UP_SATURDAY) == 0.0


def test_on_the_day_before_a_first_day_behind_a_holiday_halls_are_closed(plugins: Plugins) -> None:
    """8 October 2025 is a Wednesday and the last day of the holiday; by the weekday the halls would be open."""
    district = small_district(_season("national-2026", start=dt.date(2025, 10, 9)), plugins)
    check_the_halls_keep_the_days(district)
    with pytest.raises(AssertionError):
        check_the_halls_keep_the_days(_by_the_weekday(district))
    assert _open_s(_by_the_weekday(district), dt.date(2025, 10, 8)) == 7 * 3600.0


@pytest.mark.parametrize(
    ("region", "before", "last"),
    [
        ("beijing-2026", False, True),
        ("taian-2026", False, True),
        ("yuxi-2026", True, True),
        ("national-2026", False, True),
    ],
)
def test_the_days_at_the_edges_of_each_collection_period(
    region: str, before: bool, last: bool, plugins: Plugins
) -> None:
    """Whether halls work on the day before the first and on the last one, looked up by hand on a calendar."""
    changes = {**_season(region), "horizon": {"start": dt.date(2025, 8, 25), "end": dt.date(2026, 3, 31)}}
    district = small_district(changes, plugins)
    policy = Region.named(region)
    assert (_open_s(district, policy.start - DAY) > 0, _open_s(district, policy.deadline) > 0) == (before, last)


def test_every_deadline_of_2026_is_a_working_day() -> None:
    """No built-in region closes its collection on a day on which offices are closed."""
    for region in (Region.named(name) for name in REGIONS):
        assert working_days(Horizon(region.deadline, region.deadline)).all()


def test_families_are_served_in_a_hall_on_the_make_up_saturday(plugins: Plugins) -> None:
    """In a season of the last weeks there are visits on that Saturday, inside the hours, and none the day after."""
    changes = {
        **_season("beijing-2026"),
        "horizon": {"start": dt.date(2026, 2, 24), "end": dt.date(2026, 3, 20)},
        "choice": {"online_share": 0.0},
    }
    file = small_scenario(changes, plugins)
    trace = engine_named("compiled").run(scenario_plan(file))
    station: Any = trace.visits["station"]
    start = np.asarray(trace.visits["start"])[station.has("office.hall")]
    by_day = dict.fromkeys(file.horizon.dates(), 0)
    for second in start[~np.isnan(start)].tolist():
        by_day[file.horizon.date(second)] += 1
    assert by_day[MAKE_UP_SATURDAY] > 0
    assert by_day[MAKE_UP_SATURDAY + DAY] == 0
