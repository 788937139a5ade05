"""The office: halls with hours, papers that are missing, the way to the nearest or the fastest, rooms that are full."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canbao.assembly import scenario_plan
from canbao.columns import Coded, numbers_of
from canbao.district import District
from canbao.engines.compiled_engine import CompiledEngine
from canbao.luck import Luck
from canbao.plan import Plan
from canbao.plugins import Plugins, load_plugins
from canbao.testing import check_channel, small_district, small_scenario
from canbao.trace import Trace
from canbao_plugins.office import Office

DAY_S = 86_400.0
MONDAY = dt.datetime(2025, 12, 8, 8, 30)
AT_ONCE = {"kind": "fixed", "value": "0 s"}
PATIENT = {"kind": "fixed", "value": "900 days"}


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins()


def _office(sites: Mapping[str, Any], **settings: Any) -> dict[str, Any]:
    return {"kind": "office", "sites": dict(sites), **settings}


def _built(plugins: Plugins, **settings: Any) -> Office:
    office: Any = small_scenario({"channels": {"office": _office({"hall": {"staff": 2}}, **settings)}}, plugins)
    made = office.scenario.channels["office"]
    assert isinstance(made, Office)
    return made


def _replay(folder: Path, count: int, start: dt.datetime = MONDAY, every_s: float = 0.0) -> dict[str, Any]:
    path = folder / "arrivals.csv"
    moments = (start + dt.timedelta(seconds=every_s * number) for number in range(count))
    path.write_text("arrival\n" + "".join(f"{moment}\n" for moment in moments), encoding="utf-8")
    return {"kind": "replay", "file": str(path)}


def _run(changes: Mapping[str, Any], plugins: Plugins) -> tuple[Plan, Trace]:
    plan = scenario_plan(small_scenario({"choice": {"online_share": 0.0}, **changes}, plugins))
    return plan, CompiledEngine().run(plan)


def _visits(trace: Trace, channel: str = "office") -> dict[str, Any]:
    """Give the visits to a channel's halls, with words for station, step and ending."""
    words = {name: np.array(column.words()) for name, column in trace.visits.items() if isinstance(column, Coded)}
    mine = np.char.startswith(words["station"].astype(str), f"{channel}.")
    return {name: words.get(name, numbers_of(column))[mine] for name, column in trace.visits.items()}


def test_it_is_a_channel_as_the_kit_wants_it(plugins: Plugins) -> None:
    """Two offices side by side, with every way in, out and back."""
    sites = {"east": {"staff": 2, "room": 9}, "west": {"staff": 1, "closing": "send home"}}
    trace = check_channel(Office, {"sites": sites, "newborn_first": True, "baulk_at": 5}, plugins=plugins)
    assert len(np.asarray(trace.families["family"])) > 100


# --- hours ---


HOURS: dict[str, Any] = {
    "staff": 1,
    "saturday_hours": ["09:00-11:00"],
    "shifts": [{"staff": 2, "start": dt.date(2025, 12, 14), "end": dt.date(2025, 12, 14), "opens": True}],
}


@pytest.mark.parametrize("closing", ["serve", "send home"])
def test_nobody_is_let_in_or_called_outside_hours(closing: str, plugins: Plugins) -> None:
    """Every visit that is let in begins in opening hours of its hall.

    Nobody who is sent home at closing time is served; where those inside are served, it is on the same day.
    """
    sites = {"a": {**HOURS, "closing": closing}, "b": {"staff": 1, "closing": closing}}
    patience = {"kind": "fixed", "value": "3 h"}  # so that nobody waits past midnight
    office = _office(sites, service={"kind": "lognormal", "mean": "30 min", "cv": 0.6}, patience=patience)
    changes = {"channels": {"office": office}, "population": {"residents": 1500}}
    plan, trace = _run(changes, plugins)
    visits = _visits(trace)
    for station, calendar in zip(plan.stations[:2], plan.calendars[-2:], strict=True):
        mine = visits["station"] == station.name
        ended = visits["ended"][mine]
        is_open = np.array([calendar.is_open(t) for t in visits["enter"][mine]])
        assert ((ended == "closed") == ~is_open).all()
        enter, start = (
            visits["enter"][mine & (visits["ended"] == "served")],
            visits["start"][mine & (visits["ended"] == "served")],
        )
        called_in_hours = np.array([calendar.is_open(t) for t in start])
        if closing == "send home":
            assert called_in_hours.all()
            assert (ended == "sent home").any()
        else:
            assert not called_in_hours.all()
            assert (enter // DAY_S == start // DAY_S).all()
    days = {
        f"{dt.date(2025, 12, 1) + dt.timedelta(days=int(t // DAY_S)):%m-%d}"
        for t in visits["start"][~np.isnan(visits["start"])]
    }
    assert {"12-13", "12-14"} <= days  # Saturday service, and the Sunday that a shift opens
    assert "12-07" not in days
    assert "01-01" not in days


def test_families_come_in_two_humps_at_any_hour_that_is_open(plugins: Plugins, tmp_path: Path) -> None:
    """Who would come at night comes in the hours of the day, more in the middle of each half than at its ends."""
    night = _replay(tmp_path, 3000, start=dt.datetime(2025, 12, 7, 22), every_s=1.0)
    office = _office({"hall": {"staff": 900, "travel": AT_ONCE}}, incomplete=0.0)
    _, trace = _run({"channels": {"office": office}, "demand": night}, plugins)
    first = _visits(trace)
    enter = first["enter"][first["step"] == "office/hall window"]
    assert set((enter // DAY_S).tolist()) == {7.0}
    hours = np.histogram(enter % DAY_S / 3600, [8.5, 9.0, 11.0, 12.0, 14.0, 14.5, 16.5, 17.5])[0]
    early, morning, noon, lunch, after_lunch, afternoon, evening = hours
    assert lunch == 0
    assert morning / 2 > max(early / 0.5, noon)
    assert afternoon / 2 > max(after_lunch / 0.5, evening)


def test_an_office_is_open_when_any_hall_is(plugins: Plugins) -> None:
    """Saturday service of one hall makes it a day of the office."""
    district = small_district(plugins=plugins)
    scenario: Any = small_scenario(
        {"channels": {"office": _office({"a": {"staff": 1}, "b": {"staff": 1, "saturday_hours": ["09:00-10:00"]}})}},
        plugins,
    )
    days = scenario.scenario.channels["office"].open_days(district)
    assert days.tolist() == (district.working | district.saturdays).tolist()


# --- papers ---


@pytest.mark.parametrize("incomplete", [0.0, 0.01, 0.05, 0.08, 0.3, 1.0])
def test_papers_are_incomplete_as_often_as_stated(incomplete: float, plugins: Plugins) -> None:
    """The mean over typical families is the stated share, whether more or fewer than that lack a paper."""
    district = small_district(plugins=plugins)
    typical = replace(district, columns=district.typical, families=10_000)
    part = _built(plugins, incomplete=incomplete).build("office", typical)
    complete = np.asarray(part.columns["_office papers"])
    assert 1 - complete.mean() == pytest.approx(incomplete, abs=1e-12)
    assert ((complete >= 0) & (complete <= 1)).all()
    held = np.asarray(district.typical["papers_complete"], dtype=bool)
    lacking = 1 - held.mean()
    assert 0.01 < lacking < 0.3
    # Who lacks a paper is found out before anybody else slips up.
    found_out, slips = 1 - complete[~held], 1 - complete[held]
    np.testing.assert_allclose(found_out, min(1.0, incomplete / lacking))
    np.testing.assert_allclose(slips, max(0.0, (incomplete - lacking) / (1 - lacking)), atol=1e-15)


def test_where_papers_are_not_known_all_families_are_alike(plugins: Plugins) -> None:
    """Each has the stated chance, and one child's time at the window."""
    plain = {"_number": np.arange(50)}
    district: District = replace(small_district(plugins=plugins), columns=plain, typical=plain, families=50)
    part = _built(plugins, incomplete=0.2).build("office", district)
    assert set(np.asarray(part.columns["_office papers"]).tolist()) == {0.8}
    assert set(np.asarray(part.columns["_office time"]).tolist()) == {1.0}


def test_who_lacks_papers_fetches_them_and_comes_a_second_time(plugins: Plugins, tmp_path: Path) -> None:
    """As many second visits as stated, each after the time to fetch, and then the application is handed in."""
    office = _office({"hall": {"staff": 900}}, incomplete=0.3, fetch={"kind": "fixed", "value": "3 days"})
    demand = _replay(tmp_path, 3000, every_s=1.0)
    _, trace = _run({"channels": {"office": office}, "demand": demand}, plugins)
    visits = _visits(trace)
    served = visits["ended"] == "served"
    first, second = (served & (visits["step"] == f"office/hall {name}") for name in ("window", "second visit"))
    assert first.sum() == 3000
    assert abs(second.sum() - 900) < 5 * math.sqrt(3000 * 0.3 * 0.7) + 30  # and these families are not quite typical
    left = dict(zip(visits["family"][first].tolist(), visits["leave"][first].tolist(), strict=True))
    waited = visits["enter"][second] - [left[family] for family in visits["family"][second].tolist()]
    assert (waited >= 3 * DAY_S).all()
    submitted = np.asarray(trace.families["submitted"])
    np.testing.assert_array_equal(submitted[visits["family"][second]], visits["leave"][second])


def test_more_children_take_longer(plugins: Plugins, tmp_path: Path) -> None:
    """Each further child adds its part of the time: the family's own sample times 1 + 0.5 (children − 1)."""
    office = _office({"hall": {"staff": 900}}, each_further_child=0.5)
    plan, trace = _run({"channels": {"office": office}, "demand": _replay(tmp_path, 300)}, plugins)
    visits = _visits(trace)
    first = (visits["step"] == "office/hall window") & (visits["ended"] == "served")
    stays = (visits["leave"] - visits["start"])[first]
    children = np.asarray(trace.families["children"])[visits["family"][first]]
    office_settings: Any = small_scenario({"channels": {"office": office}}, plugins).scenario.channels["office"]
    luck = Luck(plan.luck.seed).uniforms("office:window", plan.families)[visits["family"][first]]
    attempt = visits["attempt"][first]
    once = attempt == 0
    wanted = office_settings.service.build().ppf(luck) * (1 + 0.5 * (children - 1))
    np.testing.assert_allclose(stays[once], wanted[once], rtol=1e-6)
    assert set(children.tolist()) == {1, 2, 3}


# --- which hall ---

TWO_HALLS = {
    "small": {"staff": 1, "catchment": 3.0, "travel": AT_ONCE},
    "large": {"staff": 3, "catchment": 1.0, "travel": AT_ONCE},
}


def _halls(choice: str, plugins: Plugins, folder: Path) -> dict[str, int]:
    """Count who goes to which hall when many come at the same moment."""
    office = _office(TWO_HALLS, choice_of_site=choice, patience=PATIENT, service={"kind": "fixed", "value": "1 min"})
    changes = {"channels": {"office": office}, "demand": _replay(folder, 2000, start=MONDAY.replace(hour=9))}
    visits = _visits(_run(changes, plugins)[1])
    first = visits["step"] == "office/small window", visits["step"] == "office/large window"
    return dict(zip(TWO_HALLS, (int(mask.sum()) for mask in first), strict=True))


def test_the_nearest_hall_goes_by_catchment(plugins: Plugins, tmp_path: Path) -> None:
    """Three in four live near the small hall, however long its queue."""
    found = _halls("nearest", plugins, tmp_path)
    assert abs(found["small"] - 1500) < 5 * math.sqrt(2000 * 3 / 16)


@pytest.mark.parametrize("choice", ["shortest", "fastest"])
def test_by_queues_families_spread_by_windows(choice: str, plugins: Plugins, tmp_path: Path) -> None:
    """With one window to three, one in four goes to the small hall, whoever lives there."""
    found = _halls(choice, plugins, tmp_path)
    assert found["small"] == pytest.approx(500, abs=5)


def test_the_fastest_hall_is_the_one_with_the_shorter_way_where_nobody_waits(plugins: Plugins, tmp_path: Path) -> None:
    """Each family knows its own way to each hall, goes the shorter one, and needs that time on every trip."""
    sites = {name: {"staff": 300, "travel": {"kind": "exponential", "mean": "20 min"}} for name in ("a", "b")}
    office = _office(sites, choice_of_site="fastest", incomplete=0.3)
    no_returns = dict.fromkeys(("mismatch", "incomplete", "refused"), 0.0)
    changes = {"channels": {"office": office}, "demand": _replay(tmp_path, 300), "review": no_returns}
    plan, trace = _run(changes, plugins)
    ways = np.array([numbers_of(plan.columns[f"_office way to {name}"]) for name in sites])
    trips, effort = np.asarray(trace.families["trips"]), np.asarray(trace.families["effort_s"])
    np.testing.assert_allclose(effort, trips * ways.min(axis=0))
    visits = _visits(trace)
    nearest = np.array(["office.a", "office.b"])[ways.argmin(axis=0)]
    assert visits["station"].tolist() == nearest[visits["family"]].tolist()
    assert set(nearest) == {"office.a", "office.b"}
    assert trips.max() > 1


@pytest.mark.parametrize("catchment", [1.0, 5.0])
def test_the_nearest_hall_of_a_family_stays_the_same(catchment: float, plugins: Plugins, tmp_path: Path) -> None:
    """First visits, later tries and all corrections go to one hall: a family lives where it lives."""
    sites = {name: {"staff": 1} for name in ("a", "b")} | {"c": {"staff": 1, "catchment": catchment}}
    service, patience = {"kind": "fixed", "value": "20 min"}, {"kind": "fixed", "value": "30 min"}
    changes = {
        "channels": {"office": _office(sites, service=service, patience=patience)},
        "demand": _replay(tmp_path, 150, every_s=120.0),
        "review": {"mismatch": 0.5, "corrections": 9, "drop_out": 0.0, "duplicate": 0.0},
        "behaviour": {"persist": 1.0, "tries": 9},
    }
    visits = _visits(_run(changes, plugins)[1])
    halls: dict[int, set[str]] = {}
    for family, station in zip(visits["family"].tolist(), visits["station"].tolist(), strict=True):
        halls.setdefault(family, set()).add(station)
    assert {len(stations) for stations in halls.values()} == {1}
    assert set.union(*halls.values()) == {"office.a", "office.b", "office.c"}
    assert sum("correction" in step for step in visits["step"]) > 50
    assert (visits["attempt"][np.char.endswith(visits["step"].astype(str), " window")] > 0).sum() > 50


# --- queues, rooms, patience ---


def test_a_full_room_sends_families_home_until_the_next_working_day(plugins: Plugins, tmp_path: Path) -> None:
    """Whoever does not fit in comes again on another open day, and never on the same one."""
    office = _office({"hall": {"staff": 1, "room": 4}}, patience=PATIENT, service={"kind": "fixed", "value": "20 min"})
    _, trace = _run({"channels": {"office": office}, "demand": _replay(tmp_path, 60)}, plugins)
    visits = _visits(trace)
    full = np.flatnonzero(visits["ended"] == "full")
    assert len(full) > 20
    following = full[visits["family"][full] == visits["family"][np.minimum(full + 1, len(visits["family"]) - 1)]]
    assert len(following) == len(full)
    assert (visits["enter"][full + 1] // DAY_S > visits["enter"][full] // DAY_S).all()
    let_in = ~np.isin(visits["ended"], ["full", "closed"])
    enter, leave = visits["enter"][let_in], np.where(np.isnan(visits["leave"]), np.inf, visits["leave"])[let_in]
    assert max(int(((enter <= t) & (leave > t)).sum()) for t in enter) == 4


def test_families_turn_round_before_a_long_queue(plugins: Plugins, tmp_path: Path) -> None:
    """With two windows and two waiting for each, whoever meets four waiting does not join."""
    office = _office({"hall": {"staff": 2, "travel": AT_ONCE}}, patience=PATIENT, baulk_at=2)
    changes = {"channels": {"office": office}, "demand": _replay(tmp_path, 100), "behaviour": {"persist": 0.0}}
    visits = _visits(_run(changes, plugins)[1])
    same_moment = visits["enter"] == visits["enter"].min()
    endings = visits["ended"][same_moment].tolist()
    assert endings.count("baulked") == 100 - 2 - 4
    assert endings.count("served") == 6


@pytest.mark.parametrize("first", [True, False])
def test_newborns_are_called_first_where_the_scenario_says_so(first: bool, plugins: Plugins, tmp_path: Path) -> None:
    """With the rule nobody else is called while a newborn's family waits; without it, many are."""
    office = _office({"hall": {"staff": 1, "travel": AT_ONCE}}, newborn_first=first, patience=PATIENT)
    changes = {
        "channels": {"office": office},
        "demand": _replay(tmp_path, 120, every_s=20.0),
        "population": {"births_per_thousand": 200.0},
    }
    _, trace = _run(changes, plugins)
    visits = _visits(trace)
    kind: Any = trace.families["kind"]
    newborn = kind.has("newborn")[visits["family"]]
    waiting = newborn & (visits["ended"] == "served")
    others = visits["start"][~newborn & ~np.isnan(visits["start"])]
    enter, start = visits["enter"][waiting], visits["start"][waiting]
    assert waiting.sum() > 10
    overtaken = sum(int(((enter < moment) & (moment < start)).sum()) for moment in others)
    assert overtaken == 0 if first else overtaken > 20


def test_each_visit_is_a_trip_and_each_way_is_effort(plugins: Plugins) -> None:
    """A family's trips are its visits to halls, in vain or not; rural ways are as much longer as stated."""
    travel = {"kind": "fixed", "value": "10 min"}
    office = _office({"a": {"staff": 2, "travel": travel}, "b": {"staff": 1, "travel": travel}}, incomplete=0.2)
    _, trace = _run({"channels": {"office": office}}, plugins)
    count = np.bincount(_visits(trace)["family"], minlength=int(np.asarray(trace.families["family"]).max()) + 1)
    trips = np.asarray(trace.families["trips"])
    assert trips.tolist() == count[np.asarray(trace.families["family"])].tolist()
    factor = np.asarray(trace.families["way_factor"])
    np.testing.assert_allclose(np.asarray(trace.families["effort_s"]), trips * 600.0 * factor)
    assert trips.max() > 1
    assert set(factor.tolist()) == {1.0, 2.0}


@pytest.mark.parametrize("choice", ["nearest", "fastest"])
def test_the_typical_way_is_that_to_the_hall_of_the_family(choice: str, plugins: Plugins) -> None:
    """By it families choose a channel: the mean way to the near hall, or the family's own way to the closest one."""
    sites = {"a": {"staff": 1, "travel": {"kind": "fixed", "value": "10 min"}}, "b": {"staff": 1}}
    scenario: Any = small_scenario({"channels": {"office": _office(sites, choice_of_site=choice)}}, plugins)
    district, office = small_district(plugins=plugins), scenario.scenario.channels["office"]
    columns = office.build("office", district).columns
    if choice == "fastest":
        wanted = np.minimum(*(np.asarray(columns[f"_office way to {site}"]) for site in sites))
    else:
        mean_s = np.where(np.asarray(columns["_office near a"]) == 1.0, 600.0, 1500.0)
        wanted = mean_s * district.number("way_factor")
    np.testing.assert_allclose(office.travel_s("office", district), wanted)
