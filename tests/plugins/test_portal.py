"""The portal: sessions page by page, error pages, maintenance, outages, papers, notices, looks at the progress."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canbao.assembly import scenario_plan
from canbao.calendar import Horizon
from canbao.columns import Coded, numbers_of
from canbao.district import District
from canbao.engines.compiled_engine import CompiledEngine
from canbao.errors import InputError, ScenarioError
from canbao.plugins import Plugins, load_plugins
from canbao.testing import check_channel, small_district, small_scenario
from canbao.trace import Trace
from canbao_plugins.online.outages import Outage, slots_over_time
from canbao_plugins.portal import Portal

DAY_S = 86_400.0
MONDAY = dt.datetime(2025, 12, 8, 10)
CALM: dict[str, Any] = {
    **dict.fromkeys(("wanders_off", "new_accounts", "locked_out", "incomplete"), 0.0),
    "notices": {"SMS": 1.0},
    "credential": False,
}
REVIEW = {
    **dict.fromkeys(("incomplete", "mismatch", "refused", "duplicate", "drop_out"), 0.0),
    **{desk: {"staff": 500} for desk in ("acceptance", "first", "second")},
}


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins()


def _fixed(value: str) -> dict[str, str]:
    return {"kind": "fixed", "value": value}


def _run(
    folder: Path,
    plugins: Plugins,
    families: int,
    every_s: float,
    start: dt.datetime = MONDAY,
    more: Mapping[str, Any] | None = None,
    others: Mapping[str, Any] | None = None,
    **portal: Any,
) -> Trace:
    """Let families come one after the other to a portal, and let the review pass everything."""
    path = folder / "arrivals.csv"
    moments = (start + dt.timedelta(seconds=every_s * number) for number in range(families))
    path.write_text("arrival\n" + "".join(f"{moment}\n" for moment in moments), encoding="utf-8")
    changes = {
        "demand": {"kind": "replay", "file": str(path)},
        "channels": {"portal": {"kind": "portal", "slots": 50, **CALM, **portal}, **(others or {})},
        "choice": {"online_share": 1.0},
        "review": REVIEW,
        **(more or {}),
    }
    return CompiledEngine().run(scenario_plan(small_scenario(changes, plugins)))


def _visits(trace: Trace, station: str = "portal") -> dict[str, Any]:
    """Give the visits to a station, with words for station, step and ending."""
    words = {name: np.array(column.words()) for name, column in trace.visits.items() if isinstance(column, Coded)}
    mine = words["station"] == station
    return {name: words.get(name, numbers_of(column))[mine] for name, column in trace.visits.items()}


def _failures(trace: Trace, name: str) -> dict[str, Any]:
    return _visits(trace, f"failure.{name}")


def _all_failures(trace: Trace) -> Counter[str]:
    station: Any = trace.visits["station"]
    words = station.words()
    return Counter(word.partition(".")[2] for word in words if word.startswith("failure."))


def _portal(plugins: Plugins, **settings: Any) -> Portal:
    table = {"kind": "portal", "slots": 1, **settings}
    scenario: Any = small_scenario({"channels": {"portal": table}}, plugins).scenario
    made = scenario.channels["portal"]
    assert isinstance(made, Portal)
    return made


def _typical(plugins: Plugins) -> District:
    """Give a district of the families on which shares are calibrated."""
    district = small_district(plugins=plugins)
    return replace(district, columns=district.typical, families=10_000)


def _outcomes(trace: Trace) -> Counter[str]:
    outcome = trace.families["outcome"]
    assert isinstance(outcome, Coded)
    return Counter(outcome.words())


def _near(count: float, trials: float, share: float) -> bool:
    """Tell whether a count of trials is within five standard deviations of its share."""
    return abs(count - trials * share) <= 5 * math.sqrt(trials * share * (1 - share))


def test_it_is_a_channel_as_the_kit_wants_it(plugins: Plugins) -> None:
    """Two portals side by side, with all that can go wrong."""
    settings = {"slots": 2, "backlog": 1, "maintenance": ["02:00-04:00"], "outages": [OUTAGE], "incomplete": 0.3}
    assert len(np.asarray(check_channel(Portal, settings, plugins=plugins).families["family"])) > 100


# --- a session ---


def test_a_session_asks_for_each_page_once(plugins: Plugins, tmp_path: Path) -> None:
    """One request a page, in order, with time to think behind each, and the application is handed in."""
    pages = ["welcome", "form", "papers", "check"]
    trace = _run(tmp_path, plugins, 50, 30.0, pages=pages, request=_fixed("2 s"), think=_fixed("3 min"))
    visits = _visits(trace)
    wanted = [f"portal/{page}" for page in pages]
    for family in range(50):
        mine = visits["family"] == family
        assert visits["step"][mine].tolist() == wanted
        np.testing.assert_allclose(np.diff(visits["enter"][mine]), 182.0)
    np.testing.assert_allclose(np.asarray(trace.families["effort_s"]), 4 * 180.0)
    submitted, arrival = np.asarray(trace.families["submitted"]), np.asarray(trace.families["arrival"])
    np.testing.assert_allclose(submitted - arrival, 4 * 182.0)
    assert np.asarray(trace.families["trips"]).tolist() == [0] * 50
    assert not _all_failures(trace)


def test_families_without_an_account_register_at_their_first_session(plugins: Plugins, tmp_path: Path) -> None:
    """The stated share asks for the page to register before it logs in, and nobody does so twice."""
    behaviour = {"behaviour": {"persist": 1.0, "come_back": _fixed("1 h")}}
    trace = _run(tmp_path, plugins, 2000, 5.0, more=behaviour, new_accounts=0.3, wanders_off=0.3, silent=0.0)
    visits = _visits(trace)
    registers, logs_in = visits["step"] == "portal/register", visits["step"] == "portal/log in"
    times = np.bincount(visits["family"][registers], minlength=2000)
    assert times.max() == 1
    assert _near(times.sum(), 2000, 0.3)
    for family in np.flatnonzero(times):
        mine = visits["family"] == family
        assert visits["step"][mine][:2].tolist() == ["portal/register", "portal/log in"]
    assert np.bincount(visits["family"][logs_in]).max() == 1  # nothing goes wrong once a session has begun


def test_sessions_that_end_for_no_reason_are_twice_as_many_without_skill(plugins: Plugins) -> None:
    """The chance falls with skill, from twice the stated share to none; unknown skill has the share itself."""
    district = small_district(plugins=plugins)
    portal = _portal(plugins, wanders_off=0.1)
    finishes = np.asarray(portal.build("portal", district).columns["_portal finishes"])
    skill = np.asarray(district.columns["digital_skill"])
    np.testing.assert_allclose(1 - finishes, 0.2 * (1 - skill))
    plain = {"_number": np.arange(5)}
    unknown = portal.build("portal", replace(district, columns=plain, typical=plain, families=5))
    assert np.asarray(unknown.columns["_portal finishes"]).tolist() == [0.9] * 5


@pytest.mark.parametrize("silent", [0.0, 0.4, 1.0])
def test_of_those_who_stop_the_stated_share_goes_without_a_word(
    silent: float, plugins: Plugins, tmp_path: Path
) -> None:
    """All others give up like anybody else, to try again, here or elsewhere, or never."""
    trace = _run(tmp_path, plugins, 2000, 2.0, more={"behaviour": {"persist": 0.0}}, wanders_off=1.0, silent=silent)
    outcomes = _outcomes(trace)
    stopped = outcomes["left silently"] + outcomes["gave up"]
    assert stopped > 500
    assert _near(outcomes["left silently"], stopped, silent)
    assert set(outcomes) <= {"left silently", "gave up", "enrolled"}
    skill = np.asarray(trace.families["digital_skill"])
    expected = np.minimum(1.0, 2.0 * (1.0 - skill))
    assert abs(stopped - expected.sum()) <= 5 * math.sqrt((expected * (1 - expected)).sum())


# --- logging in ---


@pytest.mark.parametrize("share", [0.0, 0.02, 0.4, 1.0])
def test_as_many_are_locked_out_as_stated_and_more_of_the_unskilled(share: float, plugins: Plugins) -> None:
    """The mean over typical families is the share; between two skills lie the stated log odds."""
    typical = _typical(plugins)
    part = _portal(plugins, locked_out=share, skill_effect=3.0).build("portal", typical)
    out = 1.0 - np.asarray(part.columns["_portal logs in"])
    assert out.mean() == pytest.approx(share, abs=1e-9)
    if 0 < share < 1:
        skill = np.asarray(typical.columns["digital_skill"])
        slope = np.polyfit(skill, np.log(out / (1 - out)), 1)[0]
        assert slope == pytest.approx(-3.0, rel=1e-6)


def test_who_is_locked_out_gives_up_and_gets_in_at_the_next_try(plugins: Plugins, tmp_path: Path) -> None:
    """With everybody locked out, everybody logs in twice, and the second time it works."""
    behaviour = {"behaviour": {"persist": 1.0, "come_back": _fixed("3 h")}}
    trace = _run(tmp_path, plugins, 50, 60.0, more=behaviour, locked_out=1.0)
    visits = _visits(trace)
    first, second = (visits["enter"][(visits["step"] == "portal/log in") & (visits["attempt"] == n)] for n in (0, 1))
    assert len(first) == len(second) == 50
    assert (second - first > 3 * 3600).all()
    assert _outcomes(trace) == {"enrolled": 50}


def test_who_is_locked_out_turns_to_the_channel_that_helps(plugins: Plugins, tmp_path: Path) -> None:
    """At once, and not to the portal's own page; a channel that is not there is an error that names those that are."""
    office = {"kind": "office", "sites": {"hall": {"staff": 900}}, "incomplete": 0.0}
    trace = _run(tmp_path, plugins, 50, 60.0, others={"office": office}, locked_out=1.0, helped_by="office")
    assert set(_visits(trace)["step"].tolist()) == {"portal/log in"}
    assert len(_visits(trace, "office.hall")["family"]) == 50
    with pytest.raises(InputError, match=r"channels\.portal\.helped_by names 'ofice'.*did you mean 'office'\?"):
        _run(tmp_path, plugins, 1, 60.0, others={"office": office}, helped_by="ofice")


# --- error pages ---


def test_a_full_portal_shows_error_pages(plugins: Plugins, tmp_path: Path) -> None:
    """With two slots and three places behind them, of ten requests at one moment five get an error page."""
    trace = _run(tmp_path, plugins, 10, 0.0, slots=2, backlog=3, request=_fixed("5 s"), patience=_fixed("1 h"))
    visits = _visits(trace)
    at_once = visits["enter"] == visits["enter"].min()
    assert Counter(visits["ended"][at_once].tolist()) == {"served": 5, "full": 5}


def test_every_error_page_of_a_full_portal_is_on_record(plugins: Plugins, tmp_path: Path) -> None:
    """As the failure "portal full", at the same moment; and it is the only failure."""
    trace = _run(tmp_path, plugins, 200, 0.5, slots=1, backlog=1, request=_fixed("3 s"), retry=0.9)
    visits, failures = _visits(trace), _failures(trace, "portal full")
    full = visits["ended"] == "full"
    assert full.sum() > 100
    assert failures["family"].tolist() == visits["family"][full].tolist()
    np.testing.assert_array_equal(failures["enter"], visits["enter"][full])
    assert _all_failures(trace) == {"portal full": full.sum()}


def test_nobody_tries_a_page_more_often_than_stated(plugins: Plugins, tmp_path: Path) -> None:
    """However full it is, a page brings a family no more error pages than its tries, all sessions together."""
    behaviour = {"behaviour": {"persist": 1.0, "come_back": _fixed("1 min"), "tries": 3}}
    trace = _run(
        tmp_path, plugins, 300, 0.0, more=behaviour, slots=1, request=_fixed("10 min"), retry=1.0, retries=4, silent=0.0
    )
    visits = _visits(trace)
    log_in = visits["step"] == "portal/log in"
    tries = np.bincount(visits["family"][log_in])
    # Four tries again, and one at the beginning of each of the four sessions.
    assert tries.max() == 4 + 4


@pytest.mark.parametrize("retry", [0.0, 0.5, 1.0])
def test_after_trouble_the_stated_share_tries_again(retry: float, plugins: Plugins, tmp_path: Path) -> None:
    """An error page and a page that takes too long are both trouble; who does not try again has stopped."""
    trace = _run(
        tmp_path,
        plugins,
        1000,
        0.6,
        slots=1,
        backlog=2,
        request=_fixed("1 s"),
        patience=_fixed("1500 ms"),
        retry=retry,
        retries=10**6,
        silent=1.0,
    )
    visits, outcomes = _visits(trace), _outcomes(trace)
    trouble = Counter(visits["ended"].tolist())
    assert trouble["full"] > 100
    assert trouble["abandoned"] > 100
    assert set(outcomes) <= {"enrolled", "left silently"}
    assert _near(outcomes["left silently"], trouble["full"] + trouble["abandoned"], 1 - retry)


def test_a_retry_asks_for_the_same_page_after_a_while(plugins: Plugins, tmp_path: Path) -> None:
    """The next request behind trouble is for the same page, so much later, and the wait is effort."""
    trace = _run(
        tmp_path,
        plugins,
        40,
        0.0,
        slots=1,
        request=_fixed("7 s"),
        retry=1.0,
        retry_after=_fixed("90 s"),
        think=_fixed("0 s"),
    )
    visits = _visits(trace)
    trouble = np.flatnonzero(visits["ended"] == "full")
    assert len(trouble) > 100
    assert visits["family"][trouble + 1].tolist() == visits["family"][trouble].tolist()
    assert visits["step"][trouble + 1].tolist() == visits["step"][trouble].tolist()
    np.testing.assert_allclose((visits["enter"][trouble + 1] - visits["enter"][trouble]), 90.0)
    retries = np.bincount(visits["family"][trouble], minlength=40)
    np.testing.assert_allclose(np.asarray(trace.families["effort_s"]), 90.0 * retries)
    assert _outcomes(trace) == {"enrolled": 40}


def test_never_more_than_the_slots_are_worked_on_nor_more_than_the_backlog_waits(
    plugins: Plugins, tmp_path: Path
) -> None:
    """At any moment."""
    trace = _run(tmp_path, plugins, 400, 0.3, slots=3, backlog=4, request=_fixed("2 s"))
    visits = _visits(trace)
    mine = (visits["station"] == "portal") & np.isin(visits["ended"], ["served", "abandoned"])
    enter, start, leave = (visits[name][mine] for name in ("enter", "start", "leave"))
    begun = np.where(np.isnan(start), leave, start)
    worked = [int(((start <= t) & (leave > t)).sum()) for t in start[~np.isnan(start)]]
    waiting = [int(((enter <= t) & (begun > t)).sum()) for t in enter]
    assert max(worked) == 3
    assert max(waiting) == 4


# --- maintenance ---


def test_at_night_the_portal_is_closed_and_families_come_back_in_the_morning(plugins: Plugins, tmp_path: Path) -> None:
    """During maintenance nobody gets in, and each request is on record; they log in again within the next hours."""
    start = dt.datetime(2025, 12, 8, 1, 30)
    trace = _run(tmp_path, plugins, 300, 20.0, start, maintenance=["02:00-04:00"], silent=1.0)
    visits = _visits(trace)
    closed = np.flatnonzero(visits["ended"] == "closed")
    assert len(closed) > 150
    at = visits["enter"] % DAY_S / 3600
    in_maintenance = (at >= 2) & (at < 4)
    assert ((visits["ended"] == "closed") == in_maintenance).all()
    assert set(visits["step"][closed + 1].tolist()) == {"portal/log in"}
    back = at[closed + 1]
    assert (back >= 4).all()
    assert (back <= 4 + 0.3 * 20).all()
    assert np.ptp(back) > 4
    assert _all_failures(trace) == {"maintenance": len(closed)}
    assert _outcomes(trace) == {"enrolled": 300}


# --- outages ---


OUTAGE: dict[str, Any] = {"start": dt.datetime(2025, 12, 8, 10), "lasts": "85 min"}
DOWN_S = 7 * DAY_S + 10 * 3600
UP_S = DOWN_S + 85 * 60
OFFICE: dict[str, Any] = {"kind": "office", "sites": {"hall": {"staff": 900}}, "incomplete": 0.0}


def test_in_an_outage_of_85_minutes_every_request_fails(plugins: Plugins, tmp_path: Path) -> None:
    """Not one is begun from its first second to its last, and not one fails before or after."""
    start = dt.datetime(2025, 12, 8, 9, 58)
    trace = _run(
        tmp_path, plugins, 89 * 60, 1.0, start, outages=[OUTAGE], pages=["form"], request=_fixed("500 ms"), divert=0.0
    )
    visits = _visits(trace)
    enter, served = visits["enter"], visits["ended"] == "served"
    inside = (enter >= DOWN_S) & (enter < UP_S)
    assert (served == ~inside).all()
    assert inside.sum() == 85 * 60
    begun = visits["start"][served]
    assert not ((begun >= DOWN_S) & (begun < UP_S)).any()
    # One family a second: the last request before it and the first one after it are at its very ends.
    assert begun[begun < DOWN_S].max() == DOWN_S - 1
    assert begun[begun >= UP_S].min() == UP_S
    assert not _all_failures(trace)  # an outage is not maintenance


def test_requests_that_wait_when_an_outage_begins_fail_too(plugins: Plugins, tmp_path: Path) -> None:
    """They are sent away at that moment; only what is being worked on is finished."""
    start = dt.datetime(2025, 12, 8, 9, 59, 50)
    trace = _run(
        tmp_path,
        plugins,
        30,
        0.0,
        start,
        outages=[OUTAGE],
        pages=["form"],
        slots=1,
        backlog=40,
        request=_fixed("4 s"),
        divert=0.0,
        patience=_fixed("1 h"),
    )
    visits = _visits(trace)
    first = visits["enter"] < DOWN_S
    ended = Counter(visits["ended"][first].tolist())
    assert ended == {"served": 3, "sent home": 27}
    assert set(visits["leave"][first & (visits["ended"] == "sent home")].tolist()) == {DOWN_S}
    assert len(_visits(trace, "notice.portal.status")["family"]) == 27
    assert set(_visits(trace, "notice.portal.status")["ended"].tolist()) == {"closed"}


def test_those_who_wait_for_the_end_of_an_outage_come_back_spread_out(plugins: Plugins, tmp_path: Path) -> None:
    """Each after its own time from the end of the outage on, and logs in again."""
    after = {"kind": "uniform", "low": "10 min", "high": "2 h"}
    start = dt.datetime(2025, 12, 8, 10, 30)
    trace = _run(tmp_path, plugins, 400, 1.0, start, outages=[OUTAGE], divert=0.0, back_after=after)
    visits = _visits(trace)
    back = visits["enter"][(visits["step"] == "portal/log in") & (visits["ended"] == "served")] - UP_S
    assert len(back) == 400
    assert back.min() >= 600
    assert back.max() <= 7200
    assert abs(back.mean() - 3900) < 5 * 6600 / math.sqrt(12 * 400)


@pytest.fixture(scope="module")
def with_and_without(plugins: Plugins, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trace, Trace]:
    """Run the same families with an outage and without; who gives up in the hall tries another channel."""
    start = dt.datetime(2025, 12, 8, 9)
    office = {**OFFICE, "sites": {"hall": {"staff": 1, "room": 900}}, "patience": _fixed("30 min")}
    behaviour = {"behaviour": {"persist": 1.0, "switch": 1.0, "come_back": _fixed("1 h"), "tries": 30}}
    folder = tmp_path_factory.mktemp("outage")
    pair = [
        _run(folder, plugins, 2000, 6.0, start, behaviour, {"office": office}, outages=outages, divert=0.4)
        for outages in ([OUTAGE], [])
    ]
    return pair[0], pair[1]


def test_an_outage_sends_the_stated_share_to_the_halls_at_once(with_and_without: tuple[Trace, Trace]) -> None:
    """Whoever meets it for the first time in a session goes there with that share; the others stay online."""
    trace = with_and_without[0]
    status = _visits(trace, "notice.portal.status")
    met = np.unique(status["family"])
    assert len(met) > 700
    hall = _visits(trace, "office.hall")
    went = np.intersect1d(met, hall["family"])
    assert set(hall["family"].tolist()) == set(went.tolist())
    assert _near(len(went), len(met), 0.4)


def test_those_who_give_up_in_the_halls_come_back_online(with_and_without: tuple[Trace, Trace]) -> None:
    """The queue in the hall is long; by the usual behaviour they return to the portal when it is up, and finish."""
    trace = with_and_without[0]
    hall, portal = _visits(trace, "office.hall"), _visits(trace)
    gave_up = np.unique(hall["family"][hall["ended"] == "abandoned"])
    later = portal["family"][(portal["enter"] > UP_S) & (portal["ended"] == "served")]
    back = np.intersect1d(gave_up, later)
    assert len(back) > 100
    assert _outcomes(trace) == {"enrolled": 2000}
    last: Any = trace.families["last_channel"]
    words = np.array(last.words())
    assert set(words[back].tolist()) <= {"portal", "office"}
    assert (words[back] == "portal").sum() > 100


def test_without_an_outage_the_same_families_stay_online(with_and_without: tuple[Trace, Trace]) -> None:
    """With the same luck: nobody comes to the hall, and who did not meet the outage lives through the very same."""
    down, up = with_and_without
    assert not len(_visits(up, "office.hall")["family"])
    met = set(_visits(down, "notice.portal.status")["family"].tolist())
    one, other = _visits(down), _visits(up)
    same = [~np.isin(visits["family"], list(met)) for visits in (one, other)]
    assert same[0].sum() > 3000
    for column in ("family", "enter", "start", "leave"):
        np.testing.assert_array_equal(one[column][same[0]], other[column][same[1]])


def test_two_channels_that_are_down_send_nobody_to_and_fro(plugins: Plugins, tmp_path: Path) -> None:
    """Each family tries the other one once, then waits: also where everybody would go elsewhere."""
    settings = {"kind": "portal", "slots": 50, **CALM, "outages": [OUTAGE], "divert": 1.0}
    start = dt.datetime(2025, 12, 8, 10, 30)
    trace = _run(tmp_path, plugins, 40, 1.0, start, None, {"second": settings}, outages=[OUTAGE], divert=1.0)
    refused = [_visits(trace, f"notice.{name}.status")["family"] for name in ("portal", "second")]
    assert np.bincount(np.concatenate(refused)).tolist() == [3] * 40
    assert _outcomes(trace) == {"enrolled": 40}


def test_after_an_outage_the_slots_come_back_quarter_by_quarter(plugins: Plugins) -> None:
    """Without a recovery all at once; an outage before the horizon is over when it begins."""
    horizon = Horizon(dt.date(2025, 12, 8), dt.date(2025, 12, 31))
    plain, slow = Outage.model_validate(OUTAGE), Outage.model_validate({**OUTAGE, "recovery": "30 min"})
    hour = 3600.0
    assert slots_over_time(10, [plain], horizon).changes() == [(0, 10), (10 * hour, 0), (UP_S - 7 * DAY_S, 10)]
    up = UP_S - 7 * DAY_S
    steps = [(up, 3), (up + 600, 5), (up + 1200, 8), (up + 1800, 10)]
    assert slots_over_time(10, [slow], horizon).changes() == [(0, 10), (10 * hour, 0), *steps]
    before = Outage.model_validate({**OUTAGE, "start": dt.datetime(2025, 12, 7, 22, 35), "recovery": "30 min"})
    assert slots_over_time(10, [before], horizon).changes() == [(0, 3), (600, 5), (1200, 8), (1800, 10)]


@pytest.mark.parametrize(
    ("outages", "key", "problem"),
    [
        ([OUTAGE, {**OUTAGE, "start": dt.datetime(2025, 12, 8, 11)}], "1.start", "begins before the one above it"),
        (
            [{**OUTAGE, "recovery": "1 h"}, {**OUTAGE, "start": dt.datetime(2025, 12, 8, 12)}],
            "1.start",
            "begins before",
        ),
        ([{**OUTAGE, "start": dt.datetime(2025, 12, 8, 10, tzinfo=dt.UTC)}], "0.start", "has a time zone"),
        ([{**OUTAGE, "lasts": "0 s"}], "0.lasts", "is zero"),
    ],
)
def test_outages_that_make_no_sense_are_told(outages: list[Any], key: str, problem: str, plugins: Plugins) -> None:
    """Each with its key."""
    with pytest.raises(ScenarioError) as refused:
        _portal(plugins, outages=outages)
    (fault,) = refused.value.faults
    assert fault.key == f"channels.portal.outages.{key}"
    assert fault.problem.startswith(problem)


# --- papers ---


@pytest.mark.parametrize("share", [0.0, 0.05, 0.08, 0.3, 1.0])
def test_as_many_uploads_are_incomplete_as_stated(share: float, plugins: Plugins) -> None:
    """Who lacks a paper is found out before anybody else slips up, and then the unskilled rather than the skilled."""
    typical = _typical(plugins)
    part = _portal(plugins, incomplete=share).build("portal", typical)
    fails = 1.0 - np.asarray(part.columns["_portal papers"])
    assert fails.mean() == pytest.approx(share, abs=1e-9)
    held = np.asarray(typical.columns["papers_complete"], dtype=bool)
    lacking = 1 - held.mean()
    np.testing.assert_allclose(fails[~held], min(1.0, share / lacking))
    if share <= lacking or share == 1.0:
        np.testing.assert_allclose(fails[held], share if share == 1.0 else 0.0, atol=1e-12)
    else:
        in_order = fails[held][np.argsort(np.asarray(typical.columns["digital_skill"])[held])]
        assert (np.diff(in_order) <= 0).all()
        assert in_order[0] > 2 * in_order[-1]


def test_incomplete_papers_are_fetched_and_uploaded_again(plugins: Plugins, tmp_path: Path) -> None:
    """As the only failure: at the stated rate; the last page again after the time to fetch, once; then handed in."""
    trace = _run(tmp_path, plugins, 3000, 5.0, incomplete=0.3, fetch=_fixed("30 h"), think=_fixed("1 min"))
    failures, visits = _failures(trace, "incomplete papers"), _visits(trace)
    assert _all_failures(trace) == {"incomplete papers": len(failures["family"])}
    assert abs(len(failures["family"]) - 900) < 5 * math.sqrt(3000 * 0.3 * 0.7) + 45  # and they are not quite typical
    assert len(set(failures["family"].tolist())) == len(failures["family"])
    again = (visits["step"] == "portal/papers") & (visits["attempt"] == 1)
    assert visits["family"][again].tolist() == failures["family"].tolist()
    np.testing.assert_allclose(visits["enter"][again] - failures["enter"], 30 * 3600)
    submitted = np.asarray(trace.families["submitted"])
    np.testing.assert_allclose(submitted[visits["family"][again]], visits["leave"][again] + 60)
    assert _outcomes(trace) == {"enrolled": 3000}


# --- notices and looks at the progress ---


def test_who_is_told_by_a_notice_knows_at_once(plugins: Plugins, tmp_path: Path) -> None:
    """One message each, at the moment at which the credential is there, and no further request."""
    review = {"review": {**REVIEW, "credential": "10 min"}}
    trace = _run(tmp_path, plugins, 100, 60.0, more=review)
    told = _visits(trace, "notice.portal.SMS")
    assert told["family"].tolist() == list(range(100))
    reviewed, enrolled = (np.asarray(trace.families[name]) for name in ("reviewed", "enrolled"))
    np.testing.assert_allclose(told["enter"], reviewed + 600)
    np.testing.assert_array_equal(told["enter"], enrolled)
    assert set(_visits(trace)["step"].tolist()) == {f"portal/{page}" for page in ("log in", "form", "papers")}


def test_notices_reach_the_stated_shares_one_after_the_other(plugins: Plugins, tmp_path: Path) -> None:
    """Whom the first does not reach the second may; the others look by themselves, once, after their time."""
    trace = _run(
        tmp_path, plugins, 3000, 5.0, notices={"SMS": 0.6, "e-mail": 0.5}, look=_fixed("2 days"), request=_fixed("1 s")
    )
    sms, mail = (len(_visits(trace, f"notice.portal.{way}")["family"]) for way in ("SMS", "e-mail"))
    assert _near(sms, 3000, 0.6)
    assert _near(mail, 3000 - sms, 0.5)
    visits = _visits(trace)
    looks = visits["step"] == "portal/result: progress"
    assert looks.sum() == 3000 - sms - mail
    reviewed = np.asarray(trace.families["reviewed"])[visits["family"][looks]]
    np.testing.assert_allclose(visits["enter"][looks] - reviewed, 600 + 2 * DAY_S)
    enrolled = np.asarray(trace.families["enrolled"])
    np.testing.assert_array_equal(enrolled[visits["family"][looks]], visits["leave"][looks])


def test_a_look_that_fails_is_tried_another_day(plugins: Plugins, tmp_path: Path) -> None:
    """Looks are requests like all others: some get an error page, and look again after the same time."""
    desk = {"staff": 500, "service": _fixed("4 min")}
    review = {"review": {**REVIEW, "precheck": 1.0, "first": desk, "second": desk}}
    evening = dt.datetime(2025, 12, 8, 19)  # so that all are decided at one moment, in the morning
    trace = _run(
        tmp_path, plugins, 8, 600.0, evening, review, notices={}, look=_fixed("2 days"), slots=2, request=_fixed("3 s")
    )
    visits = _visits(trace)
    looks = np.flatnonzero(visits["step"] == "portal/result: progress")
    failed = looks[visits["ended"][looks] != "served"]
    assert len(failed) == 6 + 4 + 2
    assert visits["family"][failed + 1].tolist() == visits["family"][failed].tolist()
    np.testing.assert_allclose(visits["enter"][failed + 1] - visits["leave"][failed], 2 * DAY_S)
    assert (visits["ended"][looks] == "served").sum() == 8
    assert _outcomes(trace) == {"enrolled": 8}


def test_a_notice_that_does_not_reach_a_family_never_does(plugins: Plugins, tmp_path: Path) -> None:
    """A wrong number is wrong for the correction and for the result: a family looks each time or never."""
    review = {"review": {**REVIEW, "mismatch": 0.5, "corrections": 50}}
    trace = _run(tmp_path, plugins, 600, 10.0, more=review, notices={"SMS": 0.5}, look=_fixed("1 h"))
    visits, told = _visits(trace), _visits(trace, "notice.portal.SMS")
    looked = visits["family"][np.char.endswith(visits["step"].astype(str), ": progress")]
    assert len(told["family"]) > 300
    assert not set(told["family"].tolist()) & set(looked.tolist())
    assert set(told["step"].tolist()) == {"portal/result: by SMS", "portal/correct: by SMS"}
    rounds = Counter(np.asarray(trace.visits["family"])[_is(trace, "review.intake")].tolist())
    heard = Counter(told["family"].tolist()) + Counter(looked.tolist())
    assert heard == rounds


def test_the_credential_is_one_page_more(plugins: Plugins, tmp_path: Path) -> None:
    """After the notice it is downloaded and printed; trouble there keeps nobody from being enrolled."""
    trace = _run(
        tmp_path,
        plugins,
        40,
        0.0,
        credential=True,
        slots=1,
        backlog=5,
        request=_fixed("30 s"),
        think=_fixed("2 min"),
        retry=0.7,
        silent=0.0,
        more={"behaviour": {"persist": 1.0, "tries": 99}},
    )
    visits, told = _visits(trace), _visits(trace, "notice.portal.SMS")
    pages = visits["step"] == "portal/credential"
    enrolled = np.asarray(trace.families["enrolled"])
    assert set(visits["family"][pages].tolist()) == set(range(40))
    assert _outcomes(trace) == {"enrolled": 40}
    good = pages & (visits["ended"] == "served")
    assert 0 < good.sum() <= 40
    np.testing.assert_allclose(enrolled[visits["family"][good]], visits["leave"][good] + 120)
    assert (visits["enter"][pages & (visits["attempt"] == 0)] == told["enter"]).all()


class _Seal:
    """A formality after the review, of which a channel sees no more than its place."""

    place = "after review"


def test_the_credential_is_left_to_a_formality_after_the_review(plugins: Plugins) -> None:
    """There is no such page where something has to be done between approval and enrolment."""
    district, portal = small_district(plugins=plugins), _portal(plugins)
    sealed: Any = {"seal": _Seal()}
    names = [
        {step.name for step in portal.build("portal", place).steps}
        for place in (district, replace(district, formalities=sealed))
    ]
    assert "credential" in names[0]
    assert "credential" not in names[1]
    assert "result" in names[1]


# --- corrections ---


def test_a_correction_is_a_page_of_its_own_and_never_given_up(plugins: Plugins, tmp_path: Path) -> None:
    """After the time to correct, one page; whoever meets trouble there begins the correction again."""
    review = {**REVIEW, "mismatch": 0.5, "corrections": 50}
    trace = _run(
        tmp_path,
        plugins,
        300,
        12.0,
        more={"review": review},
        slots=1,
        request=_fixed("3 s"),
        retry=0.5,
        silent=1.0,
        correct=_fixed("1 h"),
    )
    visits, outcomes = _visits(trace), _outcomes(trace)
    corrections = visits["step"] == "portal/correction"
    assert Counter(visits["ended"][corrections].tolist()).keys() == {"served", "full"}
    assert set(outcomes) == {"enrolled", "left silently"}
    submitted = ~np.isnan(np.asarray(trace.families["submitted"]))
    assert submitted.sum() == outcomes["enrolled"]
    rounds = Counter(np.asarray(trace.visits["family"])[_is(trace, "review.intake")].tolist())
    good = Counter(visits["family"][corrections & (visits["ended"] == "served")].tolist())
    assert all(rounds[family] == 1 + good[family] for family in rounds)


def _is(trace: Trace, station: str) -> Any:
    column = trace.visits["station"]
    assert isinstance(column, Coded)
    return column.has(station)


# --- names of pages ---


@pytest.mark.parametrize(
    "page", ["application", "again", "register", "credential", "correct", "correction", "result", "a: later", "a/b", ""]
)
def test_a_page_cannot_have_the_name_of_another_step(page: str, plugins: Plugins) -> None:
    """A page named `application` would be where applications are handed in; the fault names the page."""
    with pytest.raises(ScenarioError) as refused:
        small_scenario({"channels": {"portal": {"kind": "portal", "slots": 1, "pages": ["log in", page]}}}, plugins)
    (fault,) = refused.value.faults
    assert fault.key == "channels.portal.pages.1"
    assert fault.problem == "is not a name that a page can have"
    assert "application" in fault.allowed


def test_two_pages_cannot_have_one_name(plugins: Plugins) -> None:
    """The second of them is the fault."""
    with pytest.raises(ScenarioError) as refused:
        small_scenario({"channels": {"portal": {"kind": "portal", "slots": 1, "pages": ["a", "b", "a"]}}}, plugins)
    assert [fault.key for fault in refused.value.faults] == ["channels.portal.pages.2"]


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"notices": {"status": 0.5}}, "notices.status"),
        ({"notices": {"a/b": 0.5}}, 'notices."a/b"'),
        ({"helped_by": "form"}, "helped_by"),
    ],
)
def test_notices_and_helpers_have_names_of_their_own(settings: Mapping[str, Any], key: str, plugins: Plugins) -> None:
    """A notice must not take a station's name, and help is no page of the portal."""
    with pytest.raises(ScenarioError) as refused:
        _portal(plugins, **settings)
    assert [fault.key for fault in refused.value.faults] == [f"channels.portal.{key}"]


def test_more_slots_do_not_change_the_luck_of_anybody(plugins: Plugins, tmp_path: Path) -> None:
    """A family's first request for a page takes as long on one slot as on fifty."""
    patient = {"backlog": 60, "patience": _fixed("1 h")}
    few, many = (_visits(_run(tmp_path, plugins, 60, 1.0, slots=slots, **patient)) for slots in (1, 50))
    stays = []
    for visits in (few, many):
        first = (visits["attempt"] == 0) & (visits["ended"] == "served")
        keys = zip(visits["family"][first].tolist(), visits["step"][first].tolist(), strict=True)
        stays.append(dict(zip(keys, (visits["leave"] - visits["start"])[first].tolist(), strict=True)))
    common = stays[0].keys() & stays[1].keys()
    assert len(common) == 3 * 60
    assert (few["start"] > few["enter"]).sum() > 50
    np.testing.assert_allclose([stays[0][key] for key in common], [stays[1][key] for key in common], rtol=1e-6)
