"""The card: who orders one, how long it takes to make, what is held, lost, left behind or looked for elsewhere."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from canbao.assembly import scenario_plan
from canbao.calendar import Calendar, Horizon, parse_hours, working_days
from canbao.columns import Coded, numbers_of
from canbao.district import HAND_IN, District, Part
from canbao.engines.compiled_engine import CompiledEngine
from canbao.network import Go
from canbao.plan import Plan
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.models import Settings
from canbao.testing import check_formality, small_district, small_scenario
from canbao.testing.district import registered_also
from canbao.trace import Trace
from canbao_plugins.card import Card

DAY_S = 86_400.0
MINUTE_S = 60.0
MONDAY = dt.datetime(2025, 12, 8, 9)
HOURS = parse_hours(["08:30-12:00", "14:00-17:30"])


class Door(Settings):
    """A channel without a queue: whoever comes hands in at once."""

    kind: Literal["door"]

    def build(self, name: str, district: District) -> Part:
        return Part([], [Go(HAND_IN, name="in")])


def _always(time: str) -> dict[str, Any]:
    return {"kind": "fixed", "value": time}


AT_ONCE, PATIENT = _always("0 s"), _always("900 days")
PASSED = {
    **dict.fromkeys(("precheck", "incomplete", "mismatch", "refused", "duplicate", "drop_out"), 0.0),
    **dict.fromkeys(("notice", "credential"), "0 s"),
    **{desk: {"staff": 9999, "service": AT_ONCE} for desk in ("acceptance", "first", "second")},
}
"""A review that passes everything at once."""
OFFICE = {"staff": 9999, "travel": AT_ONCE}
ALL_DAY = ["00:00-24:00"]
DESK = {**OFFICE, "hours": ALL_DAY, "saturday_hours": ALL_DAY, "sunday_hours": ALL_DAY}
"""A desk that never closes, so that times can be told to the second."""
SMOOTH = {
    "kind": "card",
    "sites": {"desk": DESK},
    "wants": 1.0,
    **dict.fromkeys(("download_fails", "urgent_share", "instant_share", "held", "wrong_desk"), 0.0),
    **dict.fromkeys(("uncollected", "activation_fails", "lost", "each_further_child"), 0.0),
    **dict.fromkeys(("sets_out", "activation_after"), AT_ONCE),
    "notice": "0 s",
    "production": "12 working days",
    "service": _always("12 min"),
    "errand": _always("5 min"),
    "patience": PATIENT,
}
"""Everybody wants a card, gets it without a wait, and nothing goes wrong."""
ROUGH = {
    "kind": "card",
    "sites": {
        "agency": {"staff": 1, "room": 6, "closing": "send home"},
        "bank": {"staff": 1, "catchment": 2.0, "instant": True, "saturday_hours": ["09:00-12:00"]},
    },
    **{"wants": 0.7, "download_fails": 0.3, "production": "3 working days", "urgent": "1 working days"},
    **{"urgent_share": 0.3, "held": 0.2, "wrong_desk": 0.3, "uncollected": 0.1, "stop_after": "2 weeks"},
    **{"activation_fails": 0.4, "lost": 0.3, "lost_after": _always("5 days"), "patience": _always("10 min")},
    **{"tries": 1, "come_back": _always("1 days")},
}
"""Everything happens often, so that a short season shows it."""


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once, and the door."""
    return registered_also(load_plugins(), "channels", "door", Door)


def _replay(folder: Path, count: int, start: dt.datetime, every_s: float = 0.0) -> dict[str, Any]:
    path = folder / f"arrivals {count}.csv"
    moments = (start + dt.timedelta(seconds=every_s * number) for number in range(count))
    path.write_text("arrival\n" + "".join(f"{moment}\n" for moment in moments), encoding="utf-8")
    return {"kind": "replay", "file": str(path)}


class Season:
    """One run in which `count` families are enrolled at one moment."""

    def __init__(
        self,
        plugins: Plugins,
        folder: Path,
        count: int = 50,
        start: dt.datetime = MONDAY,
        *,
        every_s: float = 0.0,
        changes: Mapping[str, Any] | None = None,
        **card: Any,
    ) -> None:
        scenario = {
            "horizon": {"start": dt.date(2025, 12, 1), "end": dt.date(2026, 4, 30)},
            "policy": {"deadline": dt.date(2026, 3, 31)},
            "channels": {"door": {"kind": "door"}},
            "review": PASSED,
            "population": {"rural_way": 1.0},
            "formalities": {"card": {**SMOOTH, **card}},
            "demand": _replay(folder, count, start, every_s),
            **(changes or {}),
        }
        self.plan: Plan = scenario_plan(small_scenario(scenario, plugins))
        self.trace: Trace = CompiledEngine().run(self.plan)

    def __getitem__(self, event: str) -> Any:
        return np.asarray(numbers_of(self.trace.families[event]), dtype=np.float64)

    def column(self, name: str) -> Any:
        return np.asarray(numbers_of(self.plan.columns[name]), dtype=np.float64)

    def moment(self, event: str) -> dt.datetime:
        """Give the one moment of an event, the same for all."""
        (second,) = set(self[event].tolist())
        return Horizon(dt.date(2025, 12, 1), dt.date(2026, 4, 30)).moment(second)

    def visits(self, what: str = "") -> dict[str, Any]:
        """Give the visits whose station or step has these words in it."""
        words = {n: np.array(c.words()) for n, c in self.trace.visits.items() if isinstance(c, Coded)}
        both = np.char.add(np.char.add(words["station"].astype(str), "|"), words["step"].astype(str))
        mine = np.char.find(both, what) >= 0
        return {n: words.get(n, numbers_of(c))[mine] for n, c in self.trace.visits.items()}

    def families_at(self, what: str) -> list[int]:
        return sorted(set(self.visits(what)["family"].tolist()))


def _settings(table: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a scenario file says besides `kind`."""
    return {key: value for key, value in table.items() if key != "kind"}


def _happened(events: Any) -> Any:
    return ~np.isnan(events)


def _near(count: float, chances: Any) -> bool:
    """Tell whether a count is within five standard deviations of what these chances give."""
    chances = np.asarray(chances)
    return bool(abs(count - chances.sum()) <= 5 * math.sqrt((chances * (1 - chances)).sum()))


def _office(end: dt.date = dt.date(2026, 4, 30)) -> Calendar:
    """Give office hours on working days, counted by the calendar alone."""
    horizon = Horizon(dt.date(2025, 12, 1), end)
    return Calendar.build(horizon, [(working_days(horizon), HOURS)])


# --- as a formality ---


@pytest.mark.parametrize("settings", [{"sites": {"desk": {"staff": 2}}}, ROUGH])
def test_it_is_a_formality_as_the_kit_wants_it(settings: Mapping[str, Any], plugins: Plugins) -> None:
    """With little and with much that goes wrong: all laws hold and every way leads on."""
    trace = check_formality(Card, _settings(settings), plugins=plugins)
    assert _happened(trace.families["card"]).sum() > 20


def test_whoever_is_enrolled_has_a_card_or_a_credential_or_gives_up_the_card(plugins: Plugins) -> None:
    """In the end each leaves as enrolled, with a credential or an order, and with a reason if it has no card."""
    changes = {"formalities": {"card": ROUGH}, "horizon": {"end": dt.date(2026, 6, 30)}}
    trace = CompiledEngine().run(scenario_plan(small_scenario(changes, plugins)))
    enrolled = _happened(trace.families["enrolled"])
    outcome = np.array(trace.families["outcome"].words())[enrolled]
    events = ("credential", "card_ordered", "card", "card_uncollected")
    credential, ordered, card, left = (_happened(trace.families[event])[enrolled] for event in events)
    assert set(outcome) == {"enrolled"}
    assert len(outcome) > 200
    assert (credential ^ ordered).all()
    assert (ordered == (card | left)).all()
    assert left.sum() > 10


def test_all_its_names_begin_with_its_own(plugins: Plugins) -> None:
    """Stations, calendars and columns; those of columns with an underscore, because only steps need them."""
    card: Any = small_scenario({"formalities": {"card": ROUGH}}, plugins).scenario.formalities["card"]
    part = card.build("one", small_district(), "on")
    assert {station.name for station in part.stations} == {"one.agency", "one.bank"}
    assert all(name.startswith("one") for name in part.calendars)
    assert all(name.startswith("_one ") for name in part.columns)


def test_events_stand_in_their_order(plugins: Plugins) -> None:
    """Enrolled, ordered, ready, in the hand, activated, lost, replaced: each not before the one that it follows."""
    trace = CompiledEngine().run(scenario_plan(small_scenario({"formalities": {"card": ROUGH}}, plugins)))
    events = ["enrolled", "card_ordered", "card", "activated", "card_lost", "card_replaced"]
    moments = [np.asarray(trace.families[event]) for event in events]
    for before, after in pairwise(moments):
        both = _happened(before) & _happened(after)
        assert both.sum() > 5
        assert (before <= after)[both].all()
    ordered, card, ready = (np.asarray(trace.families[event]) for event in ("card_ordered", "card", "card_ready"))
    assert not (_happened(card) & ~_happened(ordered)).any()
    made = _happened(ready) & _happened(card)
    assert ((ordered <= ready) & (ready <= card))[made].all()
    assert (_happened(card) & ~_happened(ready)).any()  # on the spot
    assert not (_happened(trace.families["card_replaced"]) & ~_happened(trace.families["card_lost"])).any()


def test_staffing_changes_when_and_never_whether(plugins: Plugins) -> None:
    """On one seed the same families want cards, have them held and lose them, and are served as long."""
    patient = {**ROUGH, "patience": PATIENT}
    few, many = (
        CompiledEngine().run(
            scenario_plan(
                small_scenario(
                    {
                        "formalities": {"card": {**patient, "sites": {"a": {"staff": staff}, "b": {"staff": staff}}}},
                        "horizon": {"end": dt.date(2026, 8, 31)},
                    },
                    plugins,
                )
            )
        )
        for staff in (1, 40)
    )
    for event in ("credential", "card_ordered", "card_ready", "card", "activated", "card_lost", "card_replaced"):
        one, other = np.asarray(few.families[event]), np.asarray(many.families[event])
        assert _happened(one).tolist() == _happened(other).tolist(), event
    one, other = _services(few), _services(many)
    shared = one.keys() & other.keys()  # whoever comes once more, because it was closed, is served by other luck
    assert len(shared) > 0.9 * max(len(one), len(other))
    assert [one[visit] for visit in shared] == [other[visit] for visit in shared]
    assert _waits(few) > 0.0 == _waits(many)


def _waits(trace: Trace) -> float:
    """Give the longest wait at a desk."""
    table: Any = trace.visits
    desks = [name for name in table["station"].labels if name.startswith("card.")]
    return float(np.nanmax((table["start"] - table["enter"])[table["station"].has(*desks)]))


def _services(trace: Trace) -> dict[tuple[int, str, int], float]:
    table: Any = trace.visits
    rows = zip(
        table["family"].tolist(),
        table["step"].words(),
        table["attempt"].tolist(),
        (table["leave"] - table["start"]).tolist(),
        table["ended"].words(),
        strict=True,
    )
    return {(f, s, a): round(t, 3) for f, s, a, t, ended in rows if s.startswith("card/") and ended == "served"}


# --- production ---


@pytest.mark.parametrize(
    ("span", "ready"),
    [
        # Friday. On Saturday 14 February offices work, from 15 to 23 February they do not, on Saturday 28 they do.
        ("1 working days", dt.datetime(2026, 2, 14, 10)),
        ("2 working days", dt.datetime(2026, 2, 24, 10)),
        ("5 working days", dt.datetime(2026, 2, 27, 10)),
        ("6 working days", dt.datetime(2026, 2, 28, 10)),
        ("12 working days", dt.datetime(2026, 3, 9, 10)),
        ("8 working hours", dt.datetime(2026, 2, 14, 11)),
        ("12 days", dt.datetime(2026, 2, 25, 10)),
    ],
)
@pytest.mark.parametrize("sort", ["production", "urgent"])
def test_a_card_takes_as_many_working_days_as_stated(
    span: str, ready: dt.datetime, sort: str, plugins: Plugins, tmp_path: Path
) -> None:
    """Ordinary and urgent cards, over the Spring Festival and make-up Saturdays, to the second."""
    start = dt.datetime(2026, 2, 13, 10)
    season = Season(plugins, tmp_path, 5, start, urgent_share=float(sort == "urgent"), **{sort: span})
    assert season.moment("enrolled") == season.moment("card_ordered") == start
    assert season.moment("card_ready") == ready
    assert season.moment("card") == ready + dt.timedelta(minutes=12)


def test_each_card_is_ready_when_the_calendar_says(plugins: Plugins, tmp_path: Path) -> None:
    """For orders at all hours of a fortnight, the very moment that the calendar counts."""
    season = Season(plugins, tmp_path, 300, dt.datetime(2026, 2, 5), every_s=4000.0, production="7 working days")
    office = _office()
    wanted = [office.add_days(moment, 7) for moment in season["card_ordered"].tolist()]
    assert season["card_ready"].tolist() == wanted
    assert len({moment // DAY_S for moment in wanted}) > 5


def test_as_many_cards_are_urgent_as_stated(plugins: Plugins, tmp_path: Path) -> None:
    """A share takes five working days, the others twelve, and nothing else."""
    season = Season(plugins, tmp_path, 900, urgent_share=0.15)
    days = (season["card_ready"] - season["card_ordered"]) / DAY_S
    office = _office()
    ordinary, urgent = ((office.add_days(season["card_ordered"][0], n) - season["card_ordered"][0]) for n in (12, 5))
    assert set((days * DAY_S).tolist()) == {ordinary, urgent}
    assert _near(int((days * DAY_S == urgent).sum()), np.full(900, 0.15))


def test_some_desks_make_cards_on_the_spot(plugins: Plugins, tmp_path: Path) -> None:
    """The stated share goes there at once and has its card when it is served; whose own desk does it stays there."""
    sites = {"plain": DESK, "quick": {**DESK, "instant": True}, "far": {**DESK, "instant": True}}
    season = Season(plugins, tmp_path, 700, sites=sites, instant_share=0.4)
    at_once = season["card"] == season["enrolled"] + 12 * MINUTE_S
    assert _near(int(at_once.sum()), np.full(700, 0.4))
    assert (_happened(season["card_ready"]) == ~at_once).all()
    visits = season.visits("made on the spot")
    stations = dict(zip(visits["family"].tolist(), visits["station"].tolist(), strict=True))
    assert sorted(stations) == np.flatnonzero(at_once).tolist()
    assert set(stations.values()) == {"card.quick", "card.far"}
    for site in ("quick", "far"):
        lives_there = season.column(f"_card near {site}") > 0
        assert {stations[family] for family in np.flatnonzero(at_once & lives_there)} == {f"card.{site}"}


def test_without_such_a_desk_nobody_has_a_card_on_the_spot(plugins: Plugins, tmp_path: Path) -> None:
    """The share speaks of those desks only."""
    season = Season(plugins, tmp_path, 40, instant_share=1.0)
    assert not season.families_at("made on the spot")
    assert _happened(season["card_ready"]).all()


# --- one failure at a time ---


@pytest.mark.parametrize("made_again", [0.0, 1.0])
def test_held_cards_are_as_many_and_as_late_as_stated(made_again: float, plugins: Plugins, tmp_path: Path) -> None:
    """A notice, the papers, the errand, a second notice; and the time of production again for those made again."""
    season = Season(
        plugins,
        tmp_path,
        1200,
        held=0.05,
        made_again=made_again,
        notice="1 working days",
        gather=_always("2 days"),
        production="12 working days",
    )
    held = season.families_at("failure.card held")
    assert len(season.visits("failure.card held")["family"]) == len(held)
    assert _near(len(held), 1 - season.column("_card matches"))
    assert len(season.visits("failure.")["family"]) == len(held)
    office, ordered = _office(), float(season["card_ordered"][0])
    made = office.add_days(ordered, 12)
    shown = office.add_days(made, 1) + 2 * DAY_S + 5 * MINUTE_S
    wanted = np.full(1200, office.add_days(made, 1))
    wanted[held] = office.add_days(office.add_days(shown, 12 * made_again), 1)
    assert season["card_ready"].tolist() == wanted.tolist()
    errands = season.visits("papers: desk")
    assert errands["family"].tolist() == held


def test_cards_are_held_where_papers_are_missing(plugins: Plugins, tmp_path: Path) -> None:
    """As long as fewer are held than lack a paper, all who have theirs are spared."""
    season = Season(plugins, tmp_path, 900, held=0.03)
    complete = np.asarray(season.trace.families["papers_complete"], dtype=bool)
    held = season.families_at("failure.card held")
    assert len(held) > 20
    assert not complete[held].any()


@pytest.mark.parametrize("desks", [1, 3])
def test_as_many_go_to_a_wrong_desk_as_stated(desks: int, plugins: Plugins, tmp_path: Path) -> None:
    """They are sent on to their own, which costs a way and, where the other desk is in the scenario, a visit there."""
    sites = {f"bank {number}": {**DESK, "travel": _always("10 min")} for number in range(desks)}
    season = Season(plugins, tmp_path, 1000, sites=sites, wrong_desk=0.04)
    sent_on = season.families_at("failure.wrong channel")
    assert _near(len(sent_on), np.full(1000, 0.04))
    assert len(season.visits("failure.")["family"]) == len(sent_on)
    usual = np.full(1000, season["card_ready"][0] + (10 + 12) * MINUTE_S)
    usual[sent_on] += (10 + 5 * (desks > 1)) * MINUTE_S
    assert season["card"].tolist() == usual.tolist()
    trips = np.ones(1000)
    trips[sent_on] += 1
    assert season["trips"].tolist() == trips.tolist()
    wrong, right = season.visits("other desk: desk"), season.visits("collection: desk")
    own = dict(zip(right["family"].tolist(), right["station"].tolist(), strict=True))
    assert wrong["family"].tolist() == (sent_on if desks > 1 else [])
    assert all(own[f] != s for f, s in zip(wrong["family"].tolist(), wrong["station"].tolist(), strict=True))


def test_cards_that_nobody_comes_for_are_given_up_in_time(plugins: Plugins, tmp_path: Path) -> None:
    """The stated share never comes, and is done with it so many weeks after the notice."""
    season = Season(plugins, tmp_path, 900, uncollected=0.1, stop_after="3 weeks")
    stopped = _happened(season["card_uncollected"])
    assert _near(int(stopped.sum()), np.full(900, 0.1))
    assert (stopped == ~_happened(season["card"])).all()
    assert (season["card_uncollected"] - season["card_ready"])[stopped].tolist() == [21 * DAY_S] * int(stopped.sum())
    assert set(season.trace.families["outcome"].words()) == {"enrolled"}
    assert (season["finished"] == np.where(stopped, season["card_uncollected"], season["activated"])).all()


@pytest.mark.parametrize("by_phone", [0.0, 1.0])
def test_activations_fail_as_often_as_stated(by_phone: float, plugins: Plugins, tmp_path: Path) -> None:
    """Those who fail are helped on the phone, in the time of a call, or at the desk, on a second trip."""
    season = Season(
        plugins,
        tmp_path,
        1000,
        activation_fails=0.2,
        by_phone=by_phone,
        call=_always("7 min"),
        activation_after=_always("30 min"),
    )
    late = season["activated"] - season["card"] - 30 * MINUTE_S
    assert set(late.tolist()) == {0.0, (7 if by_phone else 5) * MINUTE_S}
    assert _near(int((late > 0).sum()), 1 - season.column("_card activates"))
    assert season["trips"].tolist() == np.where((late > 0) & (by_phone == 0), 2, 1).tolist()
    assert season["effort_s"].tolist() == np.where((late > 0) & (by_phone == 1), 7 * MINUTE_S, 0.0).tolist()
    skill = season["digital_skill"]
    assert skill[late > 0].mean() < skill[late == 0].mean() - 0.05


def test_lost_cards_are_replaced(plugins: Plugins, tmp_path: Path) -> None:
    """The stated share is lost, after the stated time; reported at the desk, made, collected and activated again."""
    season = Season(
        plugins,
        tmp_path,
        1000,
        lost=0.08,
        lost_after=_always("3 days"),
        activation_after=_always("5 min"),
        notice="1 h",
    )
    lost = _happened(season["card_lost"])
    assert _near(int(lost.sum()), np.full(1000, 0.08))
    assert (season["card_lost"] - season["activated"])[lost] == pytest.approx(3 * DAY_S)
    office = _office()
    reported = float(season["card_lost"][lost][0]) + 5 * MINUTE_S
    another = office.add_days(reported, 12) + 3600.0 + 12 * MINUTE_S
    assert set(season["card_replaced"][lost].tolist()) == {another}
    assert (_happened(season["card_replaced"]) == lost).all()
    assert season["finished"][lost].tolist() == [another + 5 * MINUTE_S] * int(lost.sum())
    assert season["trips"].tolist() == np.where(lost, 3, 1).tolist()


# --- the credential ---


@pytest.mark.parametrize("wants", [0.0, 0.2, 0.65, 1.0])
def test_cards_and_credentials_are_shared_as_stated(wants: float, plugins: Plugins, tmp_path: Path) -> None:
    """The mean over typical families is the stated share, and each family goes by its own chance."""
    season = Season(plugins, tmp_path, 700, wants=wants)
    credential = _happened(season["credential"])
    assert _near(int(credential.sum()), season.column("_card credential"))
    assert (credential ^ _happened(season["card_ordered"])).all()


@pytest.mark.parametrize(
    ("setting", "column"),
    [
        ("wants", "credential"),
        ("download_fails", "downloads"),
        ("activation_fails", "activates"),
        ("held", "matches"),
    ],
)
def test_shares_hold_on_average_over_typical_families(setting: str, column: str, plugins: Plugins) -> None:
    """Whatever a family's skill and papers, the mean of its chances is the stated one."""
    district = small_district()
    typical = replace(district, columns=district.typical, families=10_000)
    made: Any = small_scenario({"formalities": {"card": {**SMOOTH, setting: 0.23}}}, plugins)
    chances = np.asarray(made.scenario.formalities["card"].build("card", typical, "on").columns[f"_card {column}"])
    assert 1 - chances.mean() == pytest.approx(0.23, abs=1e-9)
    assert np.ptp(chances) > 0.1


def test_the_skilled_do_without_a_card(plugins: Plugins, tmp_path: Path) -> None:
    """Credentials go to those of high skill, the more so the stronger the effect; without one skill does not matter."""
    means = []
    for effect in (0.0, 3.0, 9.0):
        season = Season(plugins, tmp_path, 900, wants=0.5, skill_effect=effect)
        chosen, skill = _happened(season["credential"]), season["digital_skill"]
        means.append(skill[chosen].mean() - skill[~chosen].mean())
    assert abs(means[0]) < 0.03
    assert means[0] + 0.05 < means[1] < means[2] - 0.05


def test_more_skill_in_town_means_fewer_cards(plugins: Plugins) -> None:
    """A chance depends on the family's own skill and rises with it."""
    district = small_district()
    skilled = replace(district, columns={**district.columns, "digital_skill": district.number("digital_skill") ** 0.5})
    card: Any = small_scenario({"formalities": {"card": {**SMOOTH, "wants": 0.4}}}, plugins).scenario.formalities[
        "card"
    ]
    before, after = (np.asarray(card.build("c", d, "on").columns["_c credential"]) for d in (district, skilled))
    assert (after > before).all()


def test_a_download_that_fails_is_tried_again_and_then_given_up_for_a_card(plugins: Plugins, tmp_path: Path) -> None:
    """Each try takes its time; behind the last one the family orders a card."""
    settings = {"wants": 0.0, "download": _always("10 min"), "download_retry": _always("1 days"), "download_retries": 2}
    never = Season(plugins, tmp_path, 30, download_fails=1.0, **settings)
    assert not _happened(never["credential"]).any()
    assert (never["card_ordered"] - never["enrolled"]).tolist() == [2 * DAY_S + 30 * MINUTE_S] * 30
    some = Season(plugins, tmp_path, 1000, download_fails=0.3, **settings)
    tries = (some["credential"] - some["enrolled"] - 10 * MINUTE_S) / (DAY_S + 10 * MINUTE_S)
    assert set(np.round(tries[_happened(tries)], 9).tolist()) == {0.0, 1.0, 2.0}
    chance = some.column("_card downloads")
    assert _near(int((tries == 0).sum()), chance)
    assert _near(int(_happened(some["card_ordered"]).sum()), (1 - chance) ** 3)


# --- at the desk ---


def test_desks_have_queues_and_serve_in_the_order_of_coming(plugins: Plugins, tmp_path: Path) -> None:
    """At two windows, two of those who come together are served at a time; nobody is called after closing time."""
    site = {"staff": 2, "travel": AT_ONCE, "closing": "send home"}
    season = Season(plugins, tmp_path, 50, sites={"desk": site}, service=_always("19 min"))
    served = season.visits("card.desk")
    served = {name: values[served["ended"] == "served"] for name, values in served.items()}
    office = _office()
    assert all(office.is_open(moment) for moment in served["start"].tolist())
    starts = np.sort(served["start"])
    first = season["card_ready"][0]
    assert starts[:18].tolist() == [first + 19 * MINUTE_S * (number // 2) for number in range(18)]
    assert len(served["family"]) == 50
    assert (season.visits("card.desk")["ended"] == "sent home").any()
    assert len(set((starts // DAY_S).tolist())) > 1


def test_whoever_comes_to_closed_doors_comes_when_they_are_open(plugins: Plugins, tmp_path: Path) -> None:
    """A card that is ready on a Sunday is collected on Monday, in hours."""
    start = dt.datetime(2025, 12, 5, 10)
    season = Season(plugins, tmp_path, 60, start, sites={"desk": OFFICE}, production="2 days", service=_always("1 min"))
    assert season.moment("card_ready") == dt.datetime(2025, 12, 7, 10)
    days = {dt.date(2025, 12, 1) + dt.timedelta(days=int(moment // DAY_S)) for moment in season["card"].tolist()}
    assert days == {dt.date(2025, 12, 8)}
    assert all(_office().is_open(moment) for moment in season.visits("card.desk")["enter"].tolist())


def test_a_full_room_sends_families_home_until_another_day(plugins: Plugins, tmp_path: Path) -> None:
    """No more than fit in are inside, and the others come on another day."""
    site = {"staff": 1, "room": 5, "travel": AT_ONCE}
    season = Season(plugins, tmp_path, 30, sites={"desk": site}, service=_always("10 min"))
    visits = season.visits("card.desk")
    full = np.flatnonzero(visits["ended"] == "full")
    assert len(full) >= 25
    assert (visits["family"][full] == visits["family"][full + 1]).all()
    assert (visits["enter"][full + 1] // DAY_S > visits["enter"][full] // DAY_S).all()
    assert _happened(season["card"]).all()


def test_whoever_leaves_the_queue_comes_back_so_often_and_then_stops(plugins: Plugins, tmp_path: Path) -> None:
    """At a desk that serves nobody each family comes once and so many times again; then the card stays there."""
    site = {"staff": 0, "travel": AT_ONCE}
    season = Season(
        plugins, tmp_path, 20, sites={"desk": site}, tries=3, come_back=_always("7 days"), patience=_always("30 min")
    )
    visits = season.visits("card.desk")
    assert np.bincount(visits["family"]).tolist() == [4] * 20
    assert set(visits["ended"].tolist()) == {"abandoned"}
    assert np.diff(visits["enter"].reshape(20, 4), axis=1) == pytest.approx(7 * DAY_S + 30 * MINUTE_S)
    assert (season["card_uncollected"] == visits["leave"].reshape(20, 4)[:, -1]).all()
    assert not _happened(season["card"]).any()
    assert set(season.trace.families["outcome"].words()) == {"enrolled"}


def test_each_child_has_a_card(plugins: Plugins, tmp_path: Path) -> None:
    """Each further child adds its part of the time at the desk."""
    season = Season(plugins, tmp_path, 300, each_further_child=0.5)
    visits = season.visits("card.desk")
    children = np.asarray(season.trace.families["children"])[visits["family"]]
    assert visits["leave"] - visits["start"] == pytest.approx(12 * MINUTE_S * (1 + 0.5 * (children - 1)))
    assert set(children.tolist()) == {1, 2, 3}


def test_families_set_out_after_the_notice(plugins: Plugins, tmp_path: Path) -> None:
    """Between the end of production and the visit lie the notice and the time until a family goes."""
    season = Season(plugins, tmp_path, 10, notice="2 h", sets_out=_always("1 days"), production="5 working days")
    assert season.moment("card_ready") == dt.datetime(2025, 12, 15, 11)
    assert season.moment("card") == dt.datetime(2025, 12, 16, 11, 12)


def test_defaults_are_those_of_the_sources(plugins: Plugins) -> None:
    """Twelve working days, urgent five, twelve minutes at the desk, one card in a hundred held."""
    made: Any = small_scenario({"formalities": {"card": {"kind": "card", "sites": {"a": {"staff": 1}}}}}, plugins)
    card: Card = made.scenario.formalities["card"]
    assert (card.production.amount, card.production.unit) == (12.0, "working days")
    assert (card.urgent.amount, card.urgent.unit) == (5.0, "working days")
    assert card.service.build().mean == pytest.approx(720.0)
    assert card.held == 0.01
    assert "formalities.card.held" in made.estimates()
    assert "formalities.card.production" not in made.estimates()
