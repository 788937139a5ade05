"""Demand: the season day by day against its stated rates, newborns, the school start, and arrivals from a file."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from canbao.arrays import FloatArray
from canbao.columns import Coded
from canbao.district import Channel, District
from canbao.errors import InputError, ScenarioError
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.scenario import models_of
from canbao.testing import check_demand, small_district, small_scenario
from canbao_plugins.season import Replay, Season

DAY_S = 86_400.0
MANY = {"residents": 120_000, "births_per_thousand": 0.0}
"""Some 40,000 families, none of them with a newborn."""


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins()


@pytest.fixture(scope="module")
def district(plugins: Plugins) -> District:
    """Give a district of many families, from Monday 1 December 2025 to 31 January; the deadline is 20 December."""
    return small_district({"population": MANY}, plugins)


def _season(plugins: Plugins, **settings: Any) -> Season:
    model: type[Season] = models_of(plugins)["demands"]["season"]
    return model.model_validate({"kind": "season", **settings}, context=models_of(plugins))


def _channels(plugins: Plugins) -> Mapping[str, Channel]:
    return small_scenario(plugins=plugins).scenario.channels


def _all_by(name: str, district: District) -> Coded:
    """Let every family prefer one channel."""
    return Coded(np.full(district.families, ["office", "portal"].index(name)), ("office", "portal"))


def _arrivals(season: Season, district: District, channel: str, plugins: Plugins) -> FloatArray:
    return season.arrivals(district, _all_by(channel, district), _channels(plugins))


WEEK = [1.15, 1.05, 1.0, 1.0, 1.0, 0.8, 0.8]


def _rate(date: dt.date, start: dt.date, deadline: dt.date, works: bool, season: Season) -> float:
    """Give the rate of a date from the words of the settings, written anew."""
    if not start <= date <= deadline:
        return 0.0
    week = sum(season.week[:5]) / 5 if works and date.weekday() >= 5 else season.week[date.weekday()]
    if date == deadline:
        return week * season.last_day
    if (deadline - date).days < season.rush_days:
        return week * season.rush
    return week * (season.opening if (date - start).days < season.opening_days else 1.0)


SETTINGS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "without rushes": {"opening": 1.0, "rush": 1.0, "last_day": 1.0},
    "no rush days": {"rush_days": 0, "opening_days": 0},
    "a long rush": {"rush_days": 18, "opening_days": 10, "rush": 3.0},
    "quiet Sundays": {"week": [1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.0]},
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("channel", ["office", "portal"])
def test_each_date_gets_its_share(name: str, channel: str, district: District, plugins: Plugins) -> None:
    """Counts of each date are within five standard deviations of the stated multiples, and fit them together.

    A hall gets nobody on days on which it is closed; the portal is open every day.
    """
    season = _season(plugins, **SETTINGS[name])
    times = _arrivals(season, district, channel, plugins)
    start, deadline = dt.date(2025, 12, 1), dt.date(2025, 12, 20)
    dates = zip(district.horizon.dates(), district.working, strict=True)
    rates = np.array(
        [
            _rate(date, start, deadline, bool(works), season) if works or channel == "portal" else 0.0
            for date, works in dates
        ]
    )
    counts = np.histogram(times, np.arange(district.horizon.days + 1) * DAY_S)[0]
    share = rates / rates.sum()
    expected = district.families * share
    assert counts.sum() == district.families
    assert (counts[rates == 0] == 0).all()
    assert (np.abs(counts - expected) <= 5 * np.sqrt(expected * (1 - share))).all()
    assert stats.chisquare(counts[rates > 0], expected[rates > 0]).pvalue > 1e-4


def test_a_make_up_day_is_like_a_mean_working_day(plugins: Plugins) -> None:
    """Sunday 28 September and Saturday 11 October are worked; holidays between them bring nobody to a hall."""
    changes = {
        "horizon": {"start": dt.date(2025, 9, 22), "end": dt.date(2025, 10, 31)},
        "policy": {"start": dt.date(2025, 9, 22), "deadline": dt.date(2025, 10, 31)},
        "population": MANY,
    }
    district = small_district(changes, plugins)
    season = _season(plugins, opening=1.0, rush=1.0, last_day=1.0)
    counts = np.histogram(_arrivals(season, district, "office", plugins), np.arange(41) * DAY_S)[0]
    by_date = dict(zip((f"{date:%m-%d}" for date in district.horizon.dates()), counts.tolist(), strict=True))
    assert sum(count > 0 for count in by_date.values()) == district.working.sum()
    assert all(by_date[f"10-{day:02d}"] == 0 for day in range(1, 9))
    days = {"09-28": 1.04, "10-11": 1.04, "10-13": 1.15, "10-15": 1.0}
    unit = district.families / sum(
        1.04 if d.weekday() >= 5 else WEEK[d.weekday()]
        for d, works in zip(district.horizon.dates(), district.working, strict=True)
        if works
    )
    for date, rate in days.items():
        assert abs(by_date[date] - rate * unit) < 5 * math.sqrt(rate * unit)


@pytest.mark.parametrize("channel", ["office", "portal"])
def test_hours_of_the_day_follow_their_weights(channel: str, district: District, plugins: Plugins) -> None:
    """Offline and online each have their hours; inside an hour arrivals are even, and the date plays no part."""
    season = _season(plugins)
    times = _arrivals(season, district, channel, plugins) % DAY_S / 3600
    weights = np.array(season.offline_hours if channel == "office" else season.online_hours)
    counts = np.histogram(times, np.arange(25))[0]
    assert (counts[weights == 0] == 0).all()
    expected = len(times) * weights / weights.sum()
    assert stats.chisquare(counts[weights > 0], expected[weights > 0]).pvalue > 1e-4
    assert stats.kstest(times % 1.0, "uniform").pvalue > 1e-4


SHORTER = {
    "begins in the middle": (dt.date(2025, 12, 11), dt.date(2026, 1, 31)),
    "ends in the middle": (dt.date(2025, 11, 20), dt.date(2025, 12, 12)),
    "a few days inside": (dt.date(2025, 12, 8), dt.date(2025, 12, 12)),
}


@pytest.mark.parametrize("name", SHORTER)
@pytest.mark.parametrize("channel", ["office", "portal"])
def test_a_shorter_horizon_keeps_only_its_part(name: str, channel: str, plugins: Plugins) -> None:
    """Those whose date lies outside do not come; nobody is squeezed into the dates that are simulated.

    Outside, where nobody has looked up which days are open, each date counts with the mean of those inside.
    """
    start, end = SHORTER[name]
    changes = {"population": MANY, "horizon": {"start": start, "end": end}}
    district = small_district(changes, plugins)
    season = _season(plugins, week=[1.0] * 7)
    first, deadline = dt.date(2025, 12, 1), dt.date(2025, 12, 20)
    opens = district.working if channel == "office" else np.ones(district.horizon.days, dtype=bool)
    inside = [
        _rate(date, first, deadline, False, season) * bool(o)
        for date, o in zip(district.horizon.dates(), opens, strict=True)
    ]
    period = [first + dt.timedelta(days=day) for day in range(20)]
    outside = [_rate(d, first, deadline, False, season) * opens.mean() for d in period if not start <= d <= end]
    share = sum(inside) / (sum(inside) + sum(outside))
    assert 0.1 < share < 0.95
    times = _arrivals(season, district, channel, plugins)
    came = int((~np.isnan(times)).sum())
    assert abs(came - share * district.families) < 5 * math.sqrt(district.families * share * (1 - share))
    counts = np.histogram(times, np.arange(district.horizon.days + 1) * DAY_S)[0]
    expected = came * np.array(inside) / sum(inside)
    assert stats.chisquare(counts[expected > 0], expected[expected > 0]).pvalue > 1e-4


def test_arrivals_of_a_family_do_not_depend_on_how_many_there_are(district: District, plugins: Plugins) -> None:
    """The first thousand come when they come, alone or among all."""
    few = small_district({"population": {**MANY, "residents": 3000}}, plugins)
    season = _season(plugins, school_start={"date": dt.date(2025, 12, 1)})
    whole = _arrivals(season, district, "office", plugins)
    np.testing.assert_array_equal(_arrivals(season, few, "office", plugins), whole[: few.families])


# --- the school start ---


def test_the_stated_share_of_families_comes_around_the_start_of_school(district: District, plugins: Plugins) -> None:
    """Three in ten come within the fortnight, evenly over the days on which their channel is open; others as ever."""
    start = {"date": dt.date(2026, 1, 5), "days": 14, "share": 0.3}
    times = _arrivals(_season(plugins, school_start=start), district, "office", plugins)
    plain = _arrivals(_season(plugins), district, "office", plugins)
    first = district.horizon.seconds(dt.date(2026, 1, 5))
    moved = (times >= first) & (times < first + 14 * DAY_S)
    assert abs(moved.sum() - 0.3 * len(times)) < 5 * math.sqrt(len(times) * 0.3 * 0.7)
    np.testing.assert_array_equal(times[~moved], plain[~moved])
    np.testing.assert_allclose(times[moved] % DAY_S, plain[moved] % DAY_S, atol=1e-6)  # another day, the same hour
    days = np.bincount((times[moved] // DAY_S).astype(int), minlength=district.horizon.days)
    assert (days > 0).sum() == 10
    assert district.working[days > 0].all()
    assert stats.chisquare(days[days > 0]).pvalue > 1e-4


def test_only_families_of_pupils_and_kindergarten_children_come_for_school(plugins: Plugins) -> None:
    """Newborns' families have no business at a school."""
    district = small_district({"population": {"residents": 9000, "births_per_thousand": 100.0}}, plugins)
    start = {"date": dt.date(2026, 1, 5), "days": 14, "share": 1.0}
    season = _season(plugins, school_start=start)
    times = _arrivals(season, district, "portal", plugins)
    kind: Any = district.columns["kind"]
    first = district.horizon.seconds(dt.date(2026, 1, 5))
    at_school = (times >= first) & (times < first + 14 * DAY_S)
    assert at_school[~kind.has("newborn")].all()
    unmoved = _arrivals(_season(plugins), district, "portal", plugins)
    np.testing.assert_array_equal(times[kind.has("newborn")], unmoved[kind.has("newborn")])


@pytest.mark.parametrize("date", [dt.date(2025, 11, 1), dt.date(2026, 3, 1)])
def test_a_start_of_school_outside_the_horizon_changes_nothing(
    date: dt.date, district: District, plugins: Plugins
) -> None:
    """Nobody is moved to days that are not simulated."""
    times = _arrivals(_season(plugins, school_start={"date": date, "share": 1.0}), district, "office", plugins)
    np.testing.assert_array_equal(times, _arrivals(_season(plugins), district, "office", plugins))


# --- newborns ---


@pytest.fixture(scope="module")
def births(plugins: Plugins) -> District:
    """Give a district in which most families have newborns."""
    return small_district({"population": {"residents": 60_000, "births_per_thousand": 900.0}}, plugins)


def test_newborns_come_after_their_birth_all_year_round(births: District, plugins: Plugins) -> None:
    """Not before the birth, nor earlier on its day; also after the deadline; by a delay whose median is a month."""
    times = _arrivals(_season(plugins), births, "portal", plugins)
    kind: Any = births.columns["kind"]
    newborn, birth = kind.has("newborn"), np.asarray(births.columns["birth_s"])
    came = newborn & ~np.isnan(times)
    assert came.sum() > 3000
    assert (times[came] >= birth[came]).all()
    assert (times[came] > 20 * DAY_S).any()
    # Births from ninety days before the horizon to its end; who was born 80 to 90 days before has mostly come already.
    early = newborn & (birth < -80 * DAY_S)
    late = newborn & (birth > births.horizon.end_s - 10 * DAY_S)
    assert np.isnan(times[early]).mean() > 0.8
    assert np.isnan(times[late]).mean() > 0.8


def test_the_delay_of_newborns_is_the_stated_one(births: District, plugins: Plugins) -> None:
    """With a delay of exactly five days the date is the fifth after the birth, at the channel's hours."""
    season = _season(plugins, newborn_delay={"kind": "fixed", "value": "5 days"})
    times = _arrivals(season, births, "office", plugins)
    kind: Any = births.columns["kind"]
    birth = np.asarray(births.columns["birth_s"])
    came = kind.has("newborn") & ~np.isnan(times)
    assert (times[came] // DAY_S - birth[came] // DAY_S == 5).all()
    hours = np.bincount((times[came] % DAY_S // 3600).astype(int), minlength=24)
    assert (hours[np.array(season.offline_hours) == 0] == 0).all()


def test_a_newborn_of_this_hour_is_not_earlier_than_itself(births: District, plugins: Plugins) -> None:
    """Without any delay the family comes at the birth, or later on that day."""
    season = _season(plugins, newborn_delay={"kind": "fixed", "value": "0 s"})
    times = _arrivals(season, births, "office", plugins)
    kind: Any = births.columns["kind"]
    birth = np.asarray(births.columns["birth_s"])
    came = kind.has("newborn") & ~np.isnan(times)
    assert (times[came] >= birth[came]).all()
    assert (times[came] // DAY_S == birth[came] // DAY_S).all()
    assert (times[came] == birth[came]).any()


def test_a_population_without_newborns_or_kinds_has_a_season(district: District, plugins: Plugins) -> None:
    """Kinds of other words, or none at all, are all families of the season."""
    season = _season(plugins, school_start={"date": dt.date(2026, 1, 5), "share": 0.5})
    only_birth = {"birth_s": district.columns["birth_s"]}
    other = {**only_birth, "kind": Coded(np.zeros(district.families, dtype=np.int8), ("student",))}
    for columns in (only_birth, other):
        times = _arrivals(season, replace(district, columns=columns), "portal", plugins)
        assert not np.isnan(times).any()


# --- when nobody can come ---


@pytest.mark.parametrize(
    "changes",
    [
        {"policy": {"start": dt.date(2026, 1, 1), "deadline": dt.date(2026, 1, 3)}},  # a holiday
        {"demand": {"week": [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]}, "policy": {"deadline": dt.date(2025, 12, 5)}},
    ],
)
def test_a_season_in_which_nobody_can_come_is_refused(changes: dict[str, Any], plugins: Plugins) -> None:
    """If every day of the period is closed or has the rate 0, the message says so."""
    district = small_district(changes, plugins)
    demand = small_scenario(changes, plugins).scenario.demand
    with pytest.raises(InputError, match="no family can come: in the collection period there is no day"):
        demand.arrivals(district, _all_by("office", district), _channels(plugins))


def test_a_closed_channel_that_nobody_prefers_is_no_matter(plugins: Plugins) -> None:
    """Where all go online, halls may be closed for the whole period."""
    changes = {"policy": {"start": dt.date(2026, 1, 1), "deadline": dt.date(2026, 1, 3)}}
    district = small_district(changes, plugins)
    times = _arrivals(_season(plugins), district, "portal", plugins)
    assert np.isfinite(times).any()


@pytest.mark.parametrize("key", ["week", "offline_hours", "online_hours"])
def test_weights_that_are_all_0_are_refused(key: str, plugins: Plugins) -> None:
    """There is no hour or day for anybody then."""
    count = 7 if key == "week" else 24
    with pytest.raises(ScenarioError, match=f"demand.{key}: are all 0") as refused:
        small_scenario({"demand": {key: [0.0] * count}}, plugins)
    assert len(refused.value.faults) == 1


def test_the_season_is_a_demand_as_the_kit_wants_it(plugins: Plugins) -> None:
    """A pure function of seed and family, inside the horizon, with every setting described."""
    settings = {"opening_days": 3, "school_start": {"date": dt.date(2025, 12, 1)}}
    assert len(np.asarray(check_demand(Season, settings, plugins=plugins).families["arrival"])) > 100


# --- arrivals from a file ---


def _replay(folder: Path, text: str | bytes, plugins: Plugins, **settings: Any) -> Replay:
    path = folder / "arrivals.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    demand: Any = small_scenario({"demand": {"kind": "replay", "file": str(path), **settings}}, plugins).scenario.demand
    assert isinstance(demand, Replay)
    return demand


ROWS = "number,arrival\n1,2025-12-01 09:15:00\n2,2025-12-02T00:00:30\n3,2026-01-31 23:59:59\n"


def test_every_row_of_the_file_is_a_family(tmp_path: Path, plugins: Plugins, district: District) -> None:
    """Its time counts from the first midnight; rows outside the horizon keep their place and do not come."""
    text = ROWS + "4,2025-11-30 23:59:59\n5,2026-02-01 00:00:00\n"
    demand = _replay(tmp_path, text, plugins)
    assert demand.families(1000) == 5
    few = replace(district, families=5)
    times = demand.arrivals(few, _all_by("office", few), {})
    wanted = [9.25 * 3600, DAY_S + 30, 62 * DAY_S - 1, math.nan, math.nan]
    np.testing.assert_array_equal(times, wanted)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_files_of_spreadsheets_can_be_read(mark: bytes, tmp_path: Path, plugins: Plugins) -> None:
    """With a byte order mark, Windows line ends, blank lines and another column's name."""
    text = mark + "时间\r\n2025-12-01 09:15:00\r\n\r\n 2025-12-02 10:00 \r\n".encode()
    assert _replay(tmp_path, text, plugins, column="时间").families(0) == 2


WRONG: dict[str, tuple[str | bytes, str]] = {
    "a hole": ('arrival\n2025-12-01 09:15:00\n""\n2025-12-01 09:15:00\n', "arrivals.csv line 3: arrival is ''"),
    "a short row": ("number,arrival\n1,2025-12-01 09:15:00\n2\n", "arrivals.csv line 3: arrival is ''"),
    "no time": ("arrival\n2025-12-01 09:15:00\nyesterday\n", "arrivals.csv line 3: arrival is 'yesterday'"),
    "no such date": ("arrival\n2025-02-30 09:15:00\n", "line 2: arrival is '2025-02-30 09:15:00'"),
    "a time zone": ("arrival\n2025-12-01 09:15:00+08:00\n", "line 2: arrival is '2025-12-01 09:15:00+08:00'"),
    "another column": ("time\n2025-12-01 09:15:00\n", "without a column 'arrival'; arrivals.csv has: time"),
    "no rows": ("arrival\n", "names a file without rows"),
    "nothing": ("", "without a column 'arrival'; arrivals.csv has: none"),
    "another encoding": ("arrival\n时间\n".encode("gbk"), "cannot be read as CSV in UTF-8"),
    "a NUL": ("arrival\n2025-12-01\0 09:15:00\n", "arrivals.csv"),
}


@pytest.mark.parametrize("name", WRONG)
def test_faults_of_the_file_are_told_with_its_line(name: str, tmp_path: Path, plugins: Plugins) -> None:
    """What cannot be read is a fault of the scenario, at the key that names the file."""
    text, said = WRONG[name]
    with pytest.raises(ScenarioError) as refused:
        _replay(tmp_path, text, plugins)
    (fault,) = refused.value.faults
    assert fault.key == "demand.file"
    assert said in fault.problem


@pytest.mark.parametrize("file", ["missing.csv", ".", "a" * 300 + ".csv", ""])
def test_a_file_that_is_not_there_is_a_fault(file: str, plugins: Plugins) -> None:
    """A missing file, a folder, and a name that no file can have."""
    with pytest.raises(ScenarioError) as refused:
        small_scenario({"demand": {"kind": "replay", "file": file}}, plugins)
    (fault,) = refused.value.faults
    assert fault.key == "demand.file"
    assert "names a file that is not there" in fault.problem


def test_a_replay_is_a_demand_as_the_kit_wants_it(tmp_path: Path, plugins: Plugins) -> None:
    """However many families the population has, those of the file come."""
    path = tmp_path / "arrivals.csv"
    rows = [dt.datetime(2025, 12, 1, 9) + dt.timedelta(minutes=20 * number) for number in range(300)]
    path.write_text("arrival\n" + "".join(f"{moment}\n" for moment in rows), encoding="utf-8")
    trace = check_demand(Replay, {"file": str(path)}, plugins=plugins)
    horizon = dt.datetime(2025, 12, 1)
    assert np.asarray(trace.families["arrival"]).tolist() == [(row - horizon).total_seconds() for row in rows]
