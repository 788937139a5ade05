"""Schools and kindergartens: lists that open and close, confirmations, one batch to the agency and one back."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import canbao
from canbao.assembly import scenario_plan
from canbao.assembly.review import REVIEW as REVIEW_GROUP
from canbao.columns import Coded, numbers_of
from canbao.district import GIVE_UP, District, Part
from canbao.engines.compiled_engine import CompiledEngine
from canbao.errors import ScenarioError
from canbao.measures.enrolment import hours_spent
from canbao.measures.money import costs
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.costs import Costs
from canbao.scenario.models import Settings
from canbao.testing import check_channel, small_district, small_scenario
from canbao.testing.district import registered_also
from canbao.trace import Trace
from canbao_plugins.school import Schools

DAY_S = 86_400.0
START = dt.date(2025, 12, 1)
MONDAY = dt.datetime(2025, 12, 1, 9)
AT_ONCE = {"kind": "fixed", "value": "0 s"}
MANY = {"staff": 900}
REVIEW = {
    **dict.fromkeys(("incomplete", "mismatch", "refused", "duplicate", "drop_out"), 0.0),
    **{desk: {"staff": 500} for desk in ("acceptance", "first", "second")},
}
"""A review that passes everything, and in which nobody waits for a clerk."""
LIST = {"opens": dt.date(2025, 12, 3), "closes": dt.date(2025, 12, 9)}
SECOND = {"opens": dt.date(2025, 12, 12), "closes": dt.date(2025, 12, 16)}
CALM = {"confirm": 1.0, "confirm_after": {"kind": "fixed", "value": "1 days"}, "incomplete": 0.0}
"""Every guardian confirms on the day after the list has opened, and nothing is missing."""


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins()


def _fixed(value: str) -> dict[str, str]:
    return {"kind": "fixed", "value": value}


def _moment(month: int, day: int, hour: float = 0.0) -> float:
    year = 2025 if month == 12 else 2026
    return (dt.date(year, month, day) - START).days * DAY_S + hour * 3600.0


def _replay(folder: Path, count: int, start: dt.datetime = MONDAY, every_s: float = 1.0) -> dict[str, Any]:
    path = folder / "arrivals.csv"
    moments = (start + dt.timedelta(seconds=every_s * number) for number in range(count))
    path.write_text("arrival\n" + "".join(f"{moment}\n" for moment in moments), encoding="utf-8")
    return {"kind": "replay", "file": str(path)}


def _changes(more: Mapping[str, Any], **school: Any) -> dict[str, Any]:
    """Give a district without newborns, whose families go to a school, or to an office; nothing goes wrong."""
    schools = {"kind": "school", "sites": {"red": MANY}, "lists": [LIST], **CALM, **school}
    office = {"kind": "office", "incomplete": 0.0, "sites": {"hall": {**MANY, "travel": AT_ONCE}}}
    return {
        "channels": {"school": schools, "office": office},
        "choice": {"online_share": 0.0, "popularity": {"office": 1e-9}},
        "population": {"births_per_thousand": 0.0},
        "policy": {"deadline": dt.date(2026, 1, 20)},
        "review": REVIEW,
        **more,
    }


def _run(more: Mapping[str, Any], plugins: Plugins, **school: Any) -> Trace:
    return CompiledEngine().run(scenario_plan(small_scenario(_changes(more, **school), plugins)))


def _visits(trace: Trace, station: str) -> dict[str, Any]:
    """Give the visits to the stations of which the name begins so, with words for station, step and ending."""
    words = {name: np.array(column.words()) for name, column in trace.visits.items() if isinstance(column, Coded)}
    mine = np.char.startswith(words["station"].astype(str), station)
    return {name: words.get(name, numbers_of(column))[mine] for name, column in trace.visits.items()}


def _batches(trace: Trace, sort: str) -> dict[str, Any]:
    """Give the stays in lists or in results."""
    stays = _visits(trace, "school.")
    mine = np.char.endswith(stays["station"].astype(str), f" {sort}")
    return {name: values[mine] for name, values in stays.items()}


def _moments(trace: Trace, name: str) -> Any:
    return np.asarray(trace.families[name], dtype=np.float64)


def _channel(trace: Trace, name: str) -> Any:
    column: Any = trace.families["last_channel"]
    return column.has(name)


def _outcomes(trace: Trace) -> Counter[str]:
    outcome = trace.families["outcome"]
    assert isinstance(outcome, Coded)
    return Counter(outcome.words())


def _near(count: float, trials: float, share: float) -> bool:
    """Tell whether a count of trials is within five standard deviations of its share."""
    return abs(count - trials * share) <= 5 * math.sqrt(trials * share * (1 - share))


def test_it_is_a_channel_as_the_kit_wants_it(plugins: Plugins) -> None:
    """Two channels of schools side by side, beside an office for all others."""
    sites = {"red": {"staff": 1, "takes": "school"}, "blue": {"staff": 1, "takes": "kindergarten"}}
    lists = [{"opens": dt.date(2025, 12, 2), "closes": dt.date(2025, 12, 8), "reminder": dt.date(2025, 12, 5)}, SECOND]
    check_channel(Schools, {"sites": sites, "lists": lists}, plugins=plugins)


# --- whom it serves ---


def test_children_go_to_the_sort_of_site_that_takes_them(plugins: Plugins, tmp_path: Path) -> None:
    """Pupils to schools, younger ones to kindergartens, in proportion to the pupils of each, newborns to neither."""
    sites = {
        "red": {**MANY, "takes": "school", "pupils": 3.0},
        "blue": {**MANY, "takes": "kindergarten"},
        "green": {**MANY, "pupils": 1.0},
    }
    more = {"demand": _replay(tmp_path, 3000), "population": {"births_per_thousand": 300.0}}
    trace = _run(more, plugins, sites=sites)
    kind: Any = trace.families["kind"]
    entries = _visits(trace, "school.")
    site = np.char.partition(entries["station"].astype(str), " ")[:, 0]
    went = {name: np.isin(np.arange(3000), entries["family"][site == f"school.{name}"]) for name in sites}
    pupil, younger, newborn = (kind.has(word) for word in ("pupil", "pre-school", "newborn"))
    assert (went["red"] | went["green"])[pupil].all()
    assert (went["blue"] | went["green"])[younger].all()
    assert not went["blue"][pupil].any()
    assert not went["red"][younger].any()
    assert _near(went["green"][pupil].sum(), pupil.sum(), 1 / 4)
    assert _near(went["green"][younger].sum(), younger.sum(), 1 / 2)
    np.testing.assert_array_equal(_channel(trace, "office"), newborn)
    assert newborn.sum() > 300


@pytest.mark.parametrize(("takes", "kinds"), [("school", {"pupil"}), ("kindergarten", {"pre-school"})])
def test_where_no_site_takes_them_families_are_not_served(takes: str, kinds: set[str], plugins: Plugins) -> None:
    """A channel of kindergartens alone is for nobody else."""
    file = small_scenario(_changes({}, sites={"red": {"staff": 1, "takes": takes}}), plugins)
    district = small_district(plugins=plugins)
    served = file.scenario.channels["school"].serves(district)  # type: ignore[attr-defined]
    kind: Any = district.columns["kind"]
    assert {word for word, mine in zip(kind.words(), served, strict=True) if mine} == kinds
    np.testing.assert_array_equal(served, kind.has(*kinds))


# --- the list ---


def test_nobody_confirms_before_the_list_opens(plugins: Plugins, tmp_path: Path) -> None:
    """Whoever comes earlier waits for it; whoever comes while it is open, confirms from then on."""
    demand = _replay(tmp_path, 400, every_s=900.0)  # from Monday the 1st to Friday the 5th
    trace = _run({"demand": demand}, plugins, reading=_fixed("5 min"))
    entries, arrival = _visits(trace, "school.red"), _moments(trace, "arrival")
    first = entries["step"] == "school/red entry"
    begun = np.maximum(arrival, _moment(12, 3))
    wanted = begun + DAY_S + 300.0
    np.testing.assert_allclose(entries["enter"][first], wanted[entries["family"][first]])
    assert (arrival < _moment(12, 3)).sum() > 100
    assert (arrival > _moment(12, 3)).sum() > 100
    np.testing.assert_allclose(_moments(trace, "effort_s"), 300.0)
    assert not np.asarray(trace.families["trips"]).any()


def test_after_the_last_list_families_go_elsewhere_at_once(plugins: Plugins, tmp_path: Path) -> None:
    """Whoever comes when the list has closed is at the office in the same moment, or when that opens."""
    demand = _replay(tmp_path, 300, dt.datetime(2025, 12, 9, 9), 300.0)
    trace = _run({"demand": demand}, plugins, confirm_after=AT_ONCE)
    arrival = _moments(trace, "arrival")
    late = arrival >= _moment(12, 10)
    np.testing.assert_array_equal(_channel(trace, "office"), late)
    halls = _visits(trace, "office")
    hour = arrival[halls["family"]] % DAY_S / 3600.0
    open_then = (hour >= 8.5) & (hour < 12)
    assert open_then.sum() > 10
    np.testing.assert_array_equal(halls["enter"][open_then], arrival[halls["family"]][open_then])
    assert _outcomes(trace) == {"enrolled": 300}


def test_where_there_is_nowhere_else_families_give_up_in_the_end(plugins: Plugins, tmp_path: Path) -> None:
    """Nobody goes round in a circle between schools whose lists have closed."""
    schools = _changes({})["channels"]["school"]
    demand = _replay(tmp_path, 50, dt.datetime(2025, 12, 10, 9))
    trace = _run(
        {"channels": {"one": schools, "two": schools}, "demand": demand, "choice": {"popularity": {}}}, plugins
    )
    assert set(_outcomes(trace)) <= {"gave up", "too late"}


@pytest.mark.parametrize("confirm", [0.0, 0.4, 0.8, 1.0])
def test_guardians_confirm_as_often_as_stated(confirm: float, plugins: Plugins, tmp_path: Path) -> None:
    """The mean over typical families is the stated share, and more of the skilled do; all others go elsewhere."""
    trace = _run({"demand": _replay(tmp_path, 3000)}, plugins, confirm=confirm, skill_effect=4.0)
    file = small_scenario(_changes({}, confirm=confirm, skill_effect=4.0), plugins)
    school: Any = file.scenario.channels["school"]
    district = small_district(_changes({"demand": _replay(tmp_path, 3000)}), plugins)
    typical = school.build("school", replace(district, columns=district.typical, families=10_000))
    assert np.asarray(typical.columns["_school confirms"]).mean() == pytest.approx(confirm)
    chance = np.asarray(school.build("school", district).columns["_school confirms"])
    assert (np.diff(chance[np.argsort(district.number("digital_skill"))]) >= 0).all()
    listed = np.isin(np.arange(3000), _batches(trace, "list")["family"])
    assert abs(listed.sum() - chance.sum()) <= 5 * math.sqrt((chance * (1 - chance)).sum())
    np.testing.assert_array_equal(_channel(trace, "office"), ~listed)
    left = _visits(trace, "office")["enter"]
    assert (left >= _moment(12, 10)).all()  # they learn it when the list closes
    if confirm == 0.4:
        skill = district.number("digital_skill")
        assert listed[skill > np.median(skill)].mean() > listed[skill < np.median(skill)].mean() + 0.1


@pytest.mark.parametrize("reminded", [0.0, 0.3, 1.0])
def test_a_reminder_moves_the_stated_share_of_the_others(reminded: float, plugins: Plugins, tmp_path: Path) -> None:
    """Those who have not confirmed by themselves, so long after the reminder and never before."""
    rule = {"lists": [{**LIST, "reminder": dt.date(2025, 12, 6)}], "confirm": 0.4, "reminded": reminded}
    trace = _run({"demand": _replay(tmp_path, 3000)}, plugins, **rule, reminded_after=_fixed("36 h"), reading=AT_ONCE)
    enter = _visits(trace, "school.red")
    enter = enter["enter"][enter["step"] == "school/red entry"]
    by_themselves = int((enter == _moment(12, 4)).sum())
    assert set(enter.tolist()) <= {_moment(12, 4), _moment(12, 7, 12.0)}
    assert _near(len(enter) - by_themselves, 3000 - by_themselves, reminded)
    assert 800 < by_themselves < 1600


def test_whoever_comes_behind_the_reminder_gets_none(plugins: Plugins, tmp_path: Path) -> None:
    """It was sent before they came."""
    demand = _replay(tmp_path, 500, dt.datetime(2025, 12, 6, 0, 0, 1))
    rule = {"lists": [{**LIST, "reminder": dt.date(2025, 12, 6)}], "confirm": 0.0, "reminded": 1.0}
    trace = _run({"demand": demand}, plugins, **rule, reminded_after=AT_ONCE)
    assert len(_batches(trace, "list")["family"]) == 0


def test_who_is_too_slow_has_missed_the_list(plugins: Plugins, tmp_path: Path) -> None:
    """A guardian who would confirm a day after the closing is not on it."""
    trace = _run({"demand": _replay(tmp_path, 100)}, plugins, confirm_after=_fixed("8 days"))
    assert len(_batches(trace, "list")["family"]) == 0
    assert _channel(trace, "office").all()
    assert (_visits(trace, "office")["enter"] >= _moment(12, 10)).all()


@pytest.mark.parametrize("waits", [0.0, 0.4, 1.0])
def test_of_those_not_on_a_list_the_stated_share_waits_for_the_next(
    waits: float, plugins: Plugins, tmp_path: Path
) -> None:
    """The others go elsewhere when the list closes; on the second list families confirm anew."""
    rule = {"lists": [LIST, SECOND], "confirm": 0.5, "wait_for_next": waits, "skill_effect": 0.0}
    trace = _run({"demand": _replay(tmp_path, 3000)}, plugins, **rule, reading=AT_ONCE)
    lists = _batches(trace, "list")
    first, second = (lists["enter"] < moment for moment in (_moment(12, 9), np.inf))
    second = second & ~first
    missed = 3000 - first.sum()
    office = _visits(trace, "office")["enter"]
    went = int((office < _moment(12, 12)).sum())
    assert _near(first.sum(), 3000, 0.5)
    assert _near(went, missed, 1 - waits)
    assert _near(second.sum(), missed - went, 0.5)
    assert (lists["enter"][second] >= _moment(12, 13)).all()
    assert _outcomes(trace) == {"enrolled": 3000}


# --- batch in ---


def test_a_list_goes_to_the_agency_as_a_whole(plugins: Plugins, tmp_path: Path) -> None:
    """Nobody is handed in before it leaves, and all of one school at the very same moment."""
    sites = {"red": {**MANY, "takes": "school"}, "blue": {**MANY, "takes": "kindergarten"}}
    trace = _run(
        {"demand": _replay(tmp_path, 500)}, plugins, sites=sites, lists=[{**LIST, "leaves": dt.date(2025, 12, 13)}]
    )
    lists = _batches(trace, "list")
    assert len(lists["family"]) == 500
    assert set(lists["start"].tolist()) == {_moment(12, 15, 16.0)}  # the 13th is a Saturday
    np.testing.assert_array_equal(_moments(trace, "submitted")[lists["family"]], lists["start"])
    assert set(lists["station"].tolist()) == {"school.red list", "school.blue list"}


def test_what_is_entered_late_follows_on_the_next_working_day(plugins: Plugins, tmp_path: Path) -> None:
    """One clerk enters some fifty families a day: those left over when the list leaves follow day by day."""
    rule = {"sites": {"red": {"staff": 1}}, "entry": _fixed("5 min")}
    trace = _run({"demand": _replay(tmp_path, 500)}, plugins, **rule)
    lists = _batches(trace, "list")
    clerk = _visits(trace, "school.red")
    clerk = {name: values[clerk["step"] == "school/red entry"] for name, values in clerk.items()}
    children = np.asarray(trace.families["children"])[clerk["family"]]
    np.testing.assert_allclose(clerk["leave"] - clerk["start"], 300.0 * children)
    worked = small_district(plugins=plugins).working
    departures = np.flatnonzero(worked) * DAY_S + 16 * 3600.0
    departures = departures[departures >= _moment(12, 10, 16.0)]
    wanted = departures[np.searchsorted(departures, clerk["leave"])]
    assert clerk["family"].tolist() == lists["family"].tolist()
    np.testing.assert_array_equal(lists["start"], wanted)
    assert len(np.unique(wanted)) > 2


@pytest.mark.parametrize("swept", [True, False])
def test_a_list_that_would_leave_too_late_leaves_by_the_deadline(swept: bool, plugins: Plugins, tmp_path: Path) -> None:
    """The season ends on the day on which the list closes; without that rule all of it is too late."""
    policy = {"policy": {"deadline": LIST["closes"]}}
    trace = _run({"demand": _replay(tmp_path, 100), **policy}, plugins, by_the_deadline=swept)
    assert _outcomes(trace) == {"enrolled" if swept else "too late": 100}


# --- batch out ---


def test_results_of_a_list_come_out_together(plugins: Plugins, tmp_path: Path) -> None:
    """What was decided by Friday comes back on Friday, and only then do families know that they are enrolled."""
    trace = _run({"demand": _replay(tmp_path, 500)}, plugins)
    results, reviewed = _batches(trace, "results"), _moments(trace, "reviewed")
    assert set(results["start"].tolist()) == {_moment(12, 12, 16.0)}
    assert (reviewed < _moment(12, 12, 16.0)).all()
    np.testing.assert_array_equal(_moments(trace, "enrolled"), _moment(12, 12, 16.0))
    assert len(results["family"]) == 500


def test_results_can_come_as_soon_as_they_are_decided(plugins: Plugins, tmp_path: Path) -> None:
    """With batches of one nobody waits."""
    trace = _run({"demand": _replay(tmp_path, 200)}, plugins, results={"size": 1})
    results = _batches(trace, "results")
    np.testing.assert_array_equal(results["start"], results["enter"])
    assert len(results["family"]) == 200


def test_results_behind_the_last_date_wait_for_nothing(plugins: Plugins, tmp_path: Path) -> None:
    """Where results come on stated dates, those decided later are known at once."""
    trace = _run({"demand": _replay(tmp_path, 200)}, plugins, results={"dates": [dt.date(2025, 12, 5)]})
    assert len(_batches(trace, "results")["family"]) == 0
    assert _outcomes(trace) == {"enrolled": 200}


# --- what goes wrong ---


def test_what_the_clerk_finds_missing_delays_a_family_until_the_school_has_it(plugins: Plugins, tmp_path: Path) -> None:
    """The only thing that fails, as often as stated; then it is entered a second time and leaves with the list."""
    rule = {"incomplete": 0.3, "fetch": _fixed("60 h")}
    more = {"demand": _replay(tmp_path, 3000)}
    trace = _run(more, plugins, **rule)
    failures, entries = _visits(trace, "failure."), _visits(trace, "school.red")
    assert set(failures["station"].tolist()) == {"failure.incomplete papers"}
    file, district = small_scenario(_changes(more, **rule), plugins), small_district(_changes(more, **rule), plugins)
    school: Any = file.scenario.channels["school"]
    typical = school.build("school", replace(district, columns=district.typical, families=10_000))
    assert 1 - np.asarray(typical.columns["_school papers"]).mean() == pytest.approx(0.3)
    chance = 1 - np.asarray(school.build("school", district).columns["_school papers"])
    assert abs(len(failures["family"]) - chance.sum()) <= 5 * math.sqrt((chance * (1 - chance)).sum())
    second = entries["step"] == "school/red second entry"
    np.testing.assert_allclose(entries["enter"][second], failures["enter"] + 60 * 3600.0)
    assert Counter(_batches(trace, "list")["family"].tolist()) == dict.fromkeys(range(3000), 1)


def test_what_the_review_returns_is_put_right_through_the_school(plugins: Plugins, tmp_path: Path) -> None:
    """The school learns it with the results, asks the family, enters it again, and hands it in at once."""
    review = {**REVIEW, "mismatch": 0.2, "corrections": 50}
    more = {"demand": _replay(tmp_path, 500), "review": review}
    trace = _run(more, plugins, fetch=_fixed("60 h"))
    failures, entries, intake = (_visits(trace, name) for name in ("failure.", "school.red", "review.intake"))
    corrected = entries["step"] == "school/red correction"
    results = _batches(trace, "results")
    returned = results["step"] == "school/red returned results"
    assert returned.sum() == corrected.sum() == len(failures["family"]) > 80
    np.testing.assert_allclose(np.sort(entries["enter"][corrected]), np.sort(results["start"][returned]) + 60 * 3600.0)
    assert Counter(intake["family"].tolist()) == Counter([*range(500), *entries["family"][corrected].tolist()])
    moments = set(entries["leave"][corrected].tolist()) | set(_batches(trace, "list")["start"].tolist())
    assert set(intake["enter"].tolist()) == moments
    assert _outcomes(trace) == {"enrolled": 500}


class Stumble(Settings):
    """Lets everybody give up once on the way to the review."""

    place: ClassVar[Literal["before review"]] = "before review"

    kind: Literal["stumble"]

    def build(self, name: str, district: District, onward: str) -> Part:
        """Fail the first time."""
        steps: Sequence[Any] = [canbao.Check(0.0, name="first", failed=GIVE_UP, limit=1, exceeded=onward)]
        return Part([], steps)


STUMBLES = {
    "formalities": {"stumble": {"kind": "stumble"}},
    "behaviour": {"persist": 1.0, "switch": 0.0, "come_back": {"kind": "fixed", "value": "1 h"}},
}


def test_a_family_is_on_one_list(plugins: Plugins, tmp_path: Path) -> None:
    """Whoever gives up behind the list, as while paying, tries that again, though all lists have closed."""
    known = registered_also(plugins, "formalities", "stumble", Stumble)
    trace = _run({"demand": _replay(tmp_path, 200), **STUMBLES}, known)
    lists = _batches(trace, "list")
    assert Counter(lists["family"].tolist()) == dict.fromkeys(range(200), 1)
    np.testing.assert_allclose(_moments(trace, "submitted"), _moments(trace, "listed") + 3600.0)
    np.testing.assert_array_equal(_moments(trace, "listed")[lists["family"]], lists["start"])
    assert _outcomes(trace) == {"enrolled": 200}


@given(
    confirm=st.sampled_from([0.3, 0.9]),
    incomplete=st.sampled_from([0.0, 0.3]),
    mismatch=st.sampled_from([0.0, 0.4]),
    staff=st.integers(1, 3),
    two_lists=st.booleans(),
    results=st.sampled_from([{"size": 1}, {"weekdays": ["Tuesday"]}, {"every": "4 working days", "size": 9}]),
    seed=st.integers(1, 1000),
)
@settings(max_examples=12, deadline=None)
def test_no_papers_are_lost(
    confirm: float,
    incomplete: float,
    mismatch: float,
    staff: int,
    two_lists: bool,
    results: dict[str, Any],
    seed: int,
    plugins: Plugins,
) -> None:
    """Who confirmed is entered once, is on one list, and each round of review comes from a list or a correction.

    Each decision comes out with one batch of results.
    """
    lists = [{**LIST, "reminder": dt.date(2025, 12, 6)}, SECOND]
    sites = {"red": {"staff": staff, "takes": "school"}, "blue": {"staff": 1}}
    more = {"population": {"residents": 300, "births_per_thousand": 0.0}, "seed": seed}
    more |= {"review": {**REVIEW, "mismatch": mismatch, "corrections": 9}}
    rule = {"confirm": confirm, "incomplete": incomplete, "sites": sites, "lists": lists if two_lists else lists[:1]}
    trace = _run(more, plugins, **rule, results=results)
    visits = _visits(trace, "school.")
    steps = np.char.partition(np.char.partition(visits["step"].astype(str), "/")[:, 2], " ")[:, 2]
    per = {
        step: Counter(visits["family"][(steps == step) & (visits["ended"] == "served")].tolist())
        for step in ("entry", "listed", "results", "returned results", "correction")
    }
    waiting = Counter(visits["family"][visits["ended"] == "inside"].tolist())
    mine = set(np.asarray(trace.families["family"])[_channel(trace, "school")].tolist())
    rounds = Counter(_visits(trace, "review.intake")["family"].tolist())
    decided = _moments(trace, "reviewed")
    number = {family: row for row, family in enumerate(np.asarray(trace.families["family"]).tolist())}
    for family in mine:
        assert per["entry"][family] <= 1
        assert rounds[family] == per["listed"][family] + per["correction"][family]
        assert per["results"][family] <= 1
        assert waiting[family] <= 1
        if not waiting[family] and not np.isnan(_moments(trace, "enrolled")[number[family]]):
            assert per["results"][family] == 1
            assert per["returned results"][family] == rounds[family] - 1
            assert not np.isnan(decided[number[family]])
    assert per["listed"]


# --- the rest ---


def test_papers_that_wait_are_no_hours_of_a_family(plugins: Plugins, tmp_path: Path) -> None:
    """A guardian spends five minutes, though clerk, list and results take days; the clerk costs the school."""
    trace = _run({"demand": _replay(tmp_path, 300)}, plugins, sites={"red": {"staff": 1}}, reading=_fixed("5 min"))
    hours = hours_spent(trace, REVIEW_GROUP)
    np.testing.assert_allclose(hours, 1 / 12)
    stays = _visits(trace, "school.red")
    assert (stays["leave"] - stays["enter"]).sum() > 300 * DAY_S
    staff = costs(trace, Costs(), {"school": False, "office": False}, hours)["staff"]
    assert "school/papers" not in staff
    on_duty = small_scenario(_changes({}, sites={"red": {"staff": 1}}), plugins).scenario.channels["school"]
    schedule = on_duty.sites["red"].opening(small_district(plugins=plugins)).servers
    assert staff["school"]["hours"] == pytest.approx(schedule.integral(0.0, trace.until) / 3600.0, rel=0.01)


def test_more_clerks_change_no_luck(plugins: Plugins, tmp_path: Path) -> None:
    """The same guardians confirm at the same moments, and of the same families something is missing."""
    said = {"confirm": 0.6, "incomplete": 0.3, "confirm_after": {"kind": "exponential", "mean": "2 days"}}
    found = []
    for staff in (1, 30):
        trace = _run({"demand": _replay(tmp_path, 400)}, plugins, **said, sites={"red": {"staff": staff}})
        entries = _visits(trace, "school.red")
        first = entries["step"] == "school/red entry"
        failures = _visits(trace, "failure.")["family"]
        found.append((entries["family"][first].tolist(), entries["enter"][first].tolist(), sorted(failures.tolist())))
    assert found[0] == found[1]
    assert len(found[0][2]) > 20


def test_families_may_come_on_any_day(plugins: Plugins) -> None:
    """Guardians confirm at home: no day is closed to them."""
    file = small_scenario(_changes({}), plugins)
    school: Any = file.scenario.channels["school"]
    assert school.open_days(small_district(plugins=plugins)).all()


@pytest.mark.parametrize(
    ("lists", "key"),
    [
        ([{"opens": dt.date(2025, 12, 3), "closes": dt.date(2025, 12, 2)}], "0.closes"),
        ([{**LIST, "reminder": dt.date(2025, 12, 10)}], "0.reminder"),
        ([{**LIST, "reminder": dt.date(2025, 12, 2)}], "0.reminder"),
        ([{**LIST, "leaves": dt.date(2025, 12, 8)}], "0.leaves"),
        ([LIST, {"opens": dt.date(2025, 12, 10), "closes": dt.date(2025, 12, 12)}], "1.opens"),
        ([SECOND, LIST], "1.opens"),
    ],
)
def test_dates_of_lists_that_cannot_be_are_faults(lists: list[Any], key: str, plugins: Plugins) -> None:
    """They are in order, a reminder is while the list is open, and a list leaves before the next one opens."""
    with pytest.raises(ScenarioError) as refused:
        small_scenario(_changes({}, lists=lists), plugins)
    assert [fault.key for fault in refused.value.faults] == [f"channels.school.lists.{key}"]
