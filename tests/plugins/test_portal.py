"""The portal: sessions page by page, error pages and retries, maintenance, closed payment days, silent abandonment."""

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
from canbao.columns import Coded, numbers_of
from canbao.engines.simpy_engine import SimpyEngine
from canbao.errors import ScenarioError
from canbao.plugins import Plugins, load_plugins
from canbao.testing import check_channel, small_district, small_scenario
from canbao.trace import Trace
from canbao_plugins.portal import Portal

DAY_S = 86_400.0
MONDAY = dt.datetime(2025, 12, 8, 10)
CALM = {"wanders_off": 0.0, "payment_failure": 0.0}
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
    **portal: Any,
) -> Trace:
    """Let families come one after the other to a portal, and let the review pass everything."""
    path = folder / "arrivals.csv"
    moments = (start + dt.timedelta(seconds=every_s * number) for number in range(families))
    path.write_text("arrival\n" + "".join(f"{moment}\n" for moment in moments), encoding="utf-8")
    changes = {
        "demand": {"kind": "replay", "file": str(path)},
        "channels": {"portal": {"kind": "portal", "slots": 50, **CALM, **portal}},
        "review": REVIEW,
        **(more or {}),
    }
    return SimpyEngine().run(scenario_plan(small_scenario(changes, plugins)))


def _visits(trace: Trace) -> dict[str, Any]:
    """Give the visits to the portal, with words for station, step and ending."""
    words = {name: np.array(column.words()) for name, column in trace.visits.items() if isinstance(column, Coded)}
    mine = np.char.startswith(words["station"].astype(str), "portal")
    return {name: words.get(name, numbers_of(column))[mine] for name, column in trace.visits.items()}


def _outcomes(trace: Trace) -> Counter[str]:
    outcome = trace.families["outcome"]
    assert isinstance(outcome, Coded)
    return Counter(outcome.words())


def _near(count: float, trials: float, share: float) -> bool:
    """Tell whether a count of trials is within five standard deviations of its share."""
    return abs(count - trials * share) <= 5 * math.sqrt(trials * share * (1 - share))


def test_it_is_a_channel_as_the_kit_wants_it(plugins: Plugins) -> None:
    """Two portals side by side, with all that can go wrong."""
    settings = {"slots": 2, "backlog": 1, "maintenance": ["02:00-04:00"], "payment_closed_after": 25}
    assert len(np.asarray(check_channel(Portal, settings, plugins=plugins).families["family"])) > 100


# --- a session ---


def test_a_session_asks_for_each_page_once_and_then_pays(plugins: Plugins, tmp_path: Path) -> None:
    """One request a page, in order, with time to think behind each, and the payment at the end."""
    pages = ["welcome", "form", "papers", "check"]
    trace = _run(tmp_path, plugins, 50, 30.0, pages=pages, request=_fixed("2 s"), think=_fixed("3 min"))
    visits = _visits(trace)
    wanted = [f"portal/{page}" for page in pages] + ["portal/pay"]
    for family in range(50):
        mine = visits["family"] == family
        assert visits["step"][mine].tolist() == wanted
        np.testing.assert_allclose(np.diff(visits["enter"][mine]), 182.0)
    np.testing.assert_allclose(np.asarray(trace.families["effort_s"]), 4 * 180.0)
    submitted, arrival = np.asarray(trace.families["submitted"]), np.asarray(trace.families["arrival"])
    np.testing.assert_allclose(submitted - arrival, 4 * 182.0 + 2.0)
    assert np.asarray(trace.families["trips"]).tolist() == [0] * 50


def test_sessions_that_end_for_no_reason_are_twice_as_many_without_skill(plugins: Plugins) -> None:
    """The chance falls with skill, from twice the stated share to none; unknown skill has the share itself."""
    district = small_district(plugins=plugins)
    scenario: Any = small_scenario(
        {"channels": {"portal": {"kind": "portal", "slots": 1, "wanders_off": 0.1}}}, plugins
    )
    portal = scenario.scenario.channels["portal"]
    finishes = np.asarray(portal.build("portal", district).columns["_portal finishes"])
    skill = np.asarray(district.columns["digital_skill"])
    np.testing.assert_allclose(1 - finishes, 0.2 * (1 - skill))
    plain = {"_number": np.arange(5)}
    unknown = portal.build("portal", replace(district, columns=plain, families=5))
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


# --- error pages ---


def test_a_full_portal_shows_error_pages(plugins: Plugins, tmp_path: Path) -> None:
    """With two slots and three places behind them, of ten requests at one moment five get an error page."""
    trace = _run(tmp_path, plugins, 10, 0.0, slots=2, backlog=3, request=_fixed("5 s"), patience=_fixed("1 h"))
    visits = _visits(trace)
    at_once = visits["enter"] == visits["enter"].min()
    assert Counter(visits["ended"][at_once].tolist()) == {"served": 5, "full": 5}


@pytest.mark.parametrize("retry", [0.0, 0.5, 1.0])
def test_after_trouble_the_stated_share_tries_again(retry: float, plugins: Plugins, tmp_path: Path) -> None:
    """An error page and a page that takes too long are both trouble; who does not try again has stopped."""
    trace = _run(
        tmp_path,
        plugins,
        1500,
        0.4,
        slots=1,
        backlog=2,
        request=_fixed("1 s"),
        patience=_fixed("1500 ms"),
        retry=retry,
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


# --- maintenance and closed days ---


def test_at_night_the_portal_is_closed_and_families_come_back_in_the_morning(plugins: Plugins, tmp_path: Path) -> None:
    """During maintenance nobody gets in; they come back within the next hours, at the page where they were."""
    start = dt.datetime(2025, 12, 8, 1, 30)
    trace = _run(tmp_path, plugins, 300, 20.0, start, maintenance=["02:00-04:00"], silent=1.0)
    visits = _visits(trace)
    closed = np.flatnonzero((visits["ended"] == "closed") & (visits["station"] == "portal"))
    assert len(closed) > 150
    at = visits["enter"] % DAY_S / 3600
    in_maintenance = (at >= 2) & (at < 4)
    assert ((visits["ended"] == "closed") == in_maintenance).all()
    assert visits["step"][closed + 1].tolist() == visits["step"][closed].tolist()
    back = at[closed + 1]
    assert (back >= 4).all()
    assert (back <= 4 + 0.3 * 20).all()
    assert np.ptp(back) > 4
    assert _outcomes(trace) == {"enrolled": 300}


def test_after_the_last_payment_day_families_pay_in_the_next_month(plugins: Plugins, tmp_path: Path) -> None:
    """From the 26th on no payment is taken; the form is filled in all the same, and paid on the first."""
    start = dt.datetime(2025, 12, 25, 23, 40)
    more = {"policy": {"deadline": dt.date(2026, 1, 31)}}
    trace = _run(tmp_path, plugins, 100, 40.0, start, more, payment_closed_after=25)
    visits = _visits(trace)
    paid = visits["enter"][(visits["station"] == "portal.payment") & (visits["ended"] == "served")]
    dates = Counter(str(dt.date(2025, 12, 1) + dt.timedelta(days=int(t // DAY_S))) for t in paid)
    assert set(dates) == {"2025-12-25", "2026-01-01"}
    assert dates["2025-12-25"] + dates["2026-01-01"] == 100
    assert min(dates.values()) > 10
    pages = visits["enter"][visits["station"] == "portal"]
    assert (pages < 26 * DAY_S).all()


def test_failed_payments_are_tried_again(plugins: Plugins, tmp_path: Path) -> None:
    """As often as stated a payment fails; half an hour later it is tried again, until it works."""
    trace = _run(tmp_path, plugins, 1500, 1.0, payment_failure=0.3, payment_retry=_fixed("30 min"))
    visits = _visits(trace)
    payments = visits["step"] == "portal/pay"
    tries = np.bincount(visits["family"][payments])
    failures = int((tries - 1).sum())
    assert _near(failures, tries.sum(), 0.3)
    gaps = np.diff(visits["enter"][payments])[np.diff(visits["family"][payments]) == 0]
    assert len(gaps) == failures
    assert ((gaps >= 1800) & (gaps < 1830)).all()
    assert _outcomes(trace) == {"enrolled": 1500}


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
    "page", ["review", "again", "pay", "session", "correct", "correction", "silent", "a: later", ""]
)
def test_a_page_cannot_have_the_name_of_another_step(page: str, plugins: Plugins) -> None:
    """A page named `review` would be where applications are handed in; the fault names the page."""
    with pytest.raises(ScenarioError) as refused:
        small_scenario({"channels": {"portal": {"kind": "portal", "slots": 1, "pages": ["log in", page]}}}, plugins)
    (fault,) = refused.value.faults
    assert fault.key == "channels.portal.pages.1"
    assert fault.problem == "is not a name that a page can have"
    assert "review" in fault.allowed


def test_two_pages_cannot_have_one_name(plugins: Plugins) -> None:
    """The second of them is the fault."""
    with pytest.raises(ScenarioError) as refused:
        small_scenario({"channels": {"portal": {"kind": "portal", "slots": 1, "pages": ["a", "b", "a"]}}}, plugins)
    assert [fault.key for fault in refused.value.faults] == ["channels.portal.pages.2"]
