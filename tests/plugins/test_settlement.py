"""The first settlement: who falls ill and when, what the insurance pays, and what has to be put right before."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from canbao.arrays import FloatArray
from canbao.assembly import scenario_plan
from canbao.calendar import Calendar, Horizon, parse_hours, working_days
from canbao.columns import Coded, Column, numbers_of
from canbao.district import HAND_IN, District, Part
from canbao.engines.compiled_engine import CompiledEngine
from canbao.errors import ScenarioError
from canbao.network import Go
from canbao.plan import Plan
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.models import Settings
from canbao.testing import check_formality, small_district, small_scenario
from canbao.testing.district import registered_also
from canbao.testing.findings import same_values
from canbao.trace import Trace
from canbao_plugins.settlement import Settlement

DAY_S = 86_400.0
MINUTE_S = 60.0
START = dt.date(2025, 12, 1)
END = dt.date(2026, 4, 30)
MONDAY = dt.datetime(2025, 12, 8, 9)
HOURS = parse_hours(["08:30-12:00", "14:00-17:30"])


class Door(Settings):
    """A channel without a queue: whoever comes hands in at once."""

    kind: Literal["door"]

    def build(self, name: str, district: District) -> Part:
        return Part([], [Go(HAND_IN, name="in")])


class Covered(Settings):
    """A policy under which cover begins at a moment, for newborns at birth."""

    kind: Literal["covered"]
    start: dt.date
    deadline: dt.date
    begins: dt.datetime

    def period_s(self, horizon: Horizon) -> tuple[float, float]:
        return horizon.seconds(self.start), horizon.seconds(self.deadline) + DAY_S

    def deadline_s(self, columns: Mapping[str, Column], horizon: Horizon) -> FloatArray:
        return np.full(len(columns["children"]), math.inf)

    def insured_from_birth_until_s(self, columns: Mapping[str, Column], horizon: Horizon) -> FloatArray:
        newborn = columns["kind"].has("newborn")
        return np.where(newborn, columns["birth_s"] + 30 * DAY_S, math.nan)

    def cover_from_s(self, columns: Mapping[str, Column], paid_s: FloatArray, horizon: Horizon) -> FloatArray:
        return np.where(columns["kind"].has("newborn"), columns["birth_s"], horizon.seconds(self.begins))


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
    "kind": "settlement",
    "falls_ill": 1.0,
    **dict.fromkeys(("suspended", "frozen", "mismatch", "by_hand"), 0.0),
    "by_phone": 1.0,
    "after": _always("7 days"),
    "call": _always("10 min"),
    "service": _always("4 min"),
    "errand": _always("6 min"),
    "travel": _always("20 min"),
    "patience": PATIENT,
}
"""Every family has a bill a week after its enrolment, and nothing is in the way."""
ROUGH = {
    "kind": "settlement",
    **{"falls_ill": 0.8, "after": _always("5 days"), "suspended": 0.3, "frozen": 0.2, "mismatch": 0.4},
    **{"by_phone": 0.4, "by_hand": 0.4, "claim": "3 working days", "patience": _always("8 min")},
    **{"come_back": _always("1 days"), "tries": 1},
    "sites": {"hospital": {"staff": 1, "room": 5, "closing": "send home"}, "clinic": {"staff": 1}},
    "halls": {"hospital": {"staff": 1}},
}
"""Everything happens often, so that a short season shows it."""


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once, the door and the policy with a cover."""
    return registered_also(registered_also(load_plugins(), "channels", "door", Door), "policies", "covered", Covered)


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
        **settlement: Any,
    ) -> None:
        scenario = {
            "horizon": {"start": START, "end": END},
            "policy": {"deadline": dt.date(2026, 3, 31)},
            "channels": {"door": {"kind": "door"}},
            "review": PASSED,
            "population": {"rural_way": 1.0},
            "formalities": {"settlement": {**SMOOTH, **settlement}},
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
        return Horizon(START, END).moment(second)

    def visits(self, what: str = "") -> dict[str, Any]:
        """Give the visits whose station or step has these words in it."""
        words = {n: np.array(c.words()) for n, c in self.trace.visits.items() if isinstance(c, Coded)}
        both = np.char.add(np.char.add(words["station"].astype(str), "|"), words["step"].astype(str))
        mine = np.char.find(both, what) >= 0
        return {n: words.get(n, numbers_of(c))[mine] for n, c in self.trace.visits.items()}


def _happened(events: Any) -> Any:
    return ~np.isnan(events)


def _near(count: float, chances: Any) -> bool:
    """Tell whether a count is within five standard deviations of what these chances give."""
    chances = np.asarray(chances)
    return bool(abs(count - chances.sum()) <= 5 * math.sqrt((chances * (1 - chances)).sum()))


def _office() -> Calendar:
    """Give office hours on working days, counted by the calendar alone."""
    horizon = Horizon(START, END)
    return Calendar.build(horizon, [(working_days(horizon), HOURS)])


# --- as a formality ---


@pytest.mark.parametrize("settings", [{"after": _always("2 days")}, ROUGH])
def test_it_is_a_formality_as_the_kit_wants_it(settings: Mapping[str, Any], plugins: Plugins) -> None:
    """With little and with much that goes wrong: all laws hold and every way leads on."""
    told = {key: value for key, value in settings.items() if key != "kind"}
    trace = check_formality(Settlement, told, plugins=plugins)
    assert _happened(trace.families["settled"]).any()


def test_whoever_is_enrolled_stays_so_whatever_becomes_of_the_bill(plugins: Plugins) -> None:
    """In the end each leaves as enrolled; money goes only to those who had a bill, and some give it up."""
    changes = {"formalities": {"settlement": ROUGH}, "horizon": {"end": dt.date(2026, 4, 30)}}
    trace = CompiledEngine().run(scenario_plan(small_scenario(changes, plugins)))
    enrolled = _happened(trace.families["enrolled"])
    assert enrolled.sum() > 200
    assert set(np.array(trace.families["outcome"].words())[enrolled]) == {"enrolled"}
    billed, settled = (_happened(trace.families[event]) for event in ("billed", "settled"))
    assert not (settled & ~billed).any()
    assert 0 < (billed & ~settled).sum() < settled.sum()
    assert (billed == (enrolled & _happened(trace.families["settlement_bill_yuan"]))).all()


def test_all_its_names_begin_with_its_own(plugins: Plugins) -> None:
    """A hall may be called as a hospital is."""
    made: Any = small_scenario({"formalities": {"settlement": ROUGH}}, plugins).scenario.formalities["settlement"]
    part = made.build("one", small_district(), "on")
    assert {station.name for station in part.stations} == {"one.hospital", "one.clinic", "one hall.hospital"}
    assert all(name.startswith("one") for name in part.calendars)
    assert all(name.startswith(("one", "_one ")) for name in part.columns)


def test_staffing_changes_when_and_never_how_much(plugins: Plugins) -> None:
    """On one seed the same families fall ill, meet the same trouble and are paid the same, whoever serves them."""
    few, many = (
        CompiledEngine().run(
            scenario_plan(
                small_scenario(
                    {
                        "formalities": {
                            "settlement": {
                                **ROUGH,
                                "patience": PATIENT,
                                "service": _always("20 min"),
                                "sites": {"hospital": {"staff": staff}},
                            }
                        },
                        "horizon": {"end": dt.date(2026, 6, 30)},
                    },
                    plugins,
                )
            )
        )
        for staff in (1, 40)
    )
    for name in ("settlement_bill_yuan", "settlement_reimbursed_yuan"):
        assert same_values(few.families[name], many.families[name])
    for event in ("billed", "account_suspended", "account_frozen", "settled"):
        one, other = np.asarray(few.families[event]), np.asarray(many.families[event])
        assert _happened(one).tolist() == _happened(other).tolist(), event
    assert np.nanmax(np.asarray(few.families["settled"]) - np.asarray(many.families["settled"])) > 0


# --- the bill ---


def test_who_falls_ill_has_a_bill_after_the_stated_time(plugins: Plugins, tmp_path: Path) -> None:
    """The stated share, that long after the enrolment; where nothing is in the way and nobody queues it is settled."""
    season = Season(plugins, tmp_path, 900, falls_ill=0.3, after=_always("9 days"))
    ill = _happened(season["billed"])
    assert _near(int(ill.sum()), np.full(900, 0.3))
    assert set((season["billed"] - season["enrolled"])[ill].tolist()) == {9 * DAY_S}
    assert (season["settled"] == season["billed"])[ill].all()
    assert (season["finished"] == np.where(ill, season["settled"], season["enrolled"])).all()
    for column in ("settlement_bill_yuan", "settlement_reimbursed_yuan"):
        assert (_happened(season[column]) == ill).all()
    assert set(season.trace.families["outcome"].words()) == {"enrolled"}
    assert season["trips"].sum() == season["effort_s"].sum() == 0


def test_bills_and_rates_are_as_stated(plugins: Plugins) -> None:
    """Bills are lognormal with the stated mean and spread; of each the insurance pays a share between the two rates."""
    settings = {**SMOOTH, "bill_yuan": 800.0, "bill_cv": 0.5, "lowest_rate": 0.5, "highest_rate": 0.7}
    made: Any = small_scenario({"formalities": {"settlement": settings}}, plugins).scenario.formalities["settlement"]
    district = small_district()
    many = replace(district, columns=district.typical, families=10_000)
    many = replace(many, columns={**many.columns, "newborn_until_s": np.full(10_000, math.nan)})
    columns = made.build("s", many, "on").columns
    bill, paid = (np.asarray(columns[f"s_{name}_yuan"]) for name in ("bill", "reimbursed"))
    assert bill.mean() == pytest.approx(800.0, abs=5 * 400.0 / 100)
    assert bill.std() == pytest.approx(400.0, rel=0.1)
    assert np.log(bill).std() == pytest.approx(math.sqrt(math.log(1.25)), rel=0.05)
    rate = paid / bill
    assert rate.mean() == pytest.approx(0.6, abs=5 * 0.2 / math.sqrt(12) / 100)
    assert (rate > 0.4999).all()
    assert (rate < 0.7001).all()
    assert (np.round(paid, 2) == paid).all()


# --- one trouble at a time ---


@pytest.mark.parametrize(
    ("trouble", "span", "mark"),
    [("suspended", "reinstatement", "account_suspended"), ("frozen", "unfreezing", "account_frozen")],
)
@pytest.mark.parametrize("by_phone", [0.0, 1.0])
def test_an_account_that_is_not_normal_is_put_right_first(
    trouble: str, span: str, mark: str, by_phone: float, plugins: Plugins, tmp_path: Path
) -> None:
    """As many as stated; a call, or a way to a hall, and the stated working days later the bill is settled."""
    season = Season(plugins, tmp_path, 900, **{trouble: 0.1, span: "4 working days", "by_phone": by_phone})
    met = _happened(season[mark])
    assert _near(int(met.sum()), np.full(900, 0.1))
    other = "account_frozen" if trouble == "suspended" else "account_suspended"
    assert other not in season.trace.families or not _happened(season[other]).any()
    billed = float(season["billed"][0])
    begun = billed + (10 if by_phone else 20) * MINUTE_S
    assert season["settled"].tolist() == np.where(met, _office().add_days(begun, 4), billed).tolist()
    assert season["trips"].tolist() == np.where(met & (by_phone == 0), 1, 0).tolist()
    assert season["effort_s"][met].tolist() == [begun - billed] * int(met.sum())
    assert not len(season.visits("failure.")["family"])


@pytest.mark.parametrize("by_phone", [0.0, 1.0])
def test_wrong_data_are_corrected_later(by_phone: float, plugins: Plugins, tmp_path: Path) -> None:
    """As many failures by name as stated, and a correction that lasts as many working days as stated."""
    season = Season(plugins, tmp_path, 900, mismatch=0.2, correction="6 working days", by_phone=by_phone)
    failures = season.visits("failure.data mismatch")
    wrong = np.isin(np.arange(900), failures["family"])
    assert wrong.sum() == len(failures["family"]) == len(season.visits("failure.")["family"])
    assert _near(int(wrong.sum()), 1 - season.column("_settlement matches"))
    billed = float(season["billed"][0])
    begun = billed + (10 if by_phone else 20) * MINUTE_S
    assert season["settled"].tolist() == np.where(wrong, _office().add_days(begun, 6), billed).tolist()
    complete = np.asarray(season.trace.families["papers_complete"], dtype=bool)
    assert wrong[~complete].mean() > wrong[complete].mean()


def test_the_mean_share_of_wrong_data_is_the_stated_one(plugins: Plugins) -> None:
    """Over typical families, whatever papers each holds."""
    made: Any = small_scenario({"formalities": {"settlement": {**SMOOTH, "mismatch": 0.02}}}, plugins)
    district = small_district()
    typical = replace(district, columns=district.typical, families=10_000)
    chances = np.asarray(made.scenario.formalities["settlement"].build("s", typical, "on").columns["_s matches"])
    assert 1 - chances.mean() == pytest.approx(0.02, abs=1e-12)


@pytest.mark.parametrize("trouble", ["suspended", "mismatch"])
def test_whoever_does_not_settle_again_claims_by_hand(trouble: str, plugins: Plugins, tmp_path: Path) -> None:
    """The stated share takes a way to a hall and waits for the decision, the others settle on the spot."""
    spans = dict.fromkeys(("reinstatement", "correction"), "2 working days")
    season = Season(plugins, tmp_path, 900, by_hand=0.4, claim="20 working days", **spans, **{trouble: 1.0})
    office, billed = _office(), float(season["billed"][0])
    normal = office.add_days(billed + 10 * MINUTE_S, 2)
    claimed = office.add_days(normal + 20 * MINUTE_S, 20)
    assert set(season["settled"].tolist()) == {normal, claimed}
    assert _near(int((season["settled"] == claimed).sum()), np.full(900, 0.4))
    assert season["trips"].tolist() == (season["settled"] == claimed).astype(int).tolist()


@pytest.mark.parametrize(
    ("span", "settled"),
    [
        # The bill comes on Friday 13 February at 10:00. Offices work on Saturday 14, not from 15 to 23 February.
        ("1 working days", dt.datetime(2026, 2, 14, 10, 10)),
        ("2 working days", dt.datetime(2026, 2, 24, 10, 10)),
        ("6 working days", dt.datetime(2026, 2, 28, 10, 10)),
        ("7 working days", dt.datetime(2026, 3, 2, 10, 10)),
        ("4 working hours", dt.datetime(2026, 2, 13, 16, 10)),
        ("2 days", dt.datetime(2026, 2, 15, 10, 10)),
    ],
)
@pytest.mark.parametrize("trouble", ["suspended", "frozen", "mismatch"])
def test_to_put_right_takes_working_days_over_the_spring_festival(
    span: str, settled: dt.datetime, trouble: str, plugins: Plugins, tmp_path: Path
) -> None:
    """To the second, make-up Saturdays included."""
    spans = dict.fromkeys(("reinstatement", "unfreezing", "correction"), span)
    season = Season(plugins, tmp_path, 4, dt.datetime(2026, 2, 6, 10), **spans, **{trouble: 1.0})
    assert season.moment("billed") == dt.datetime(2026, 2, 13, 10)
    assert season.moment("settled") == settled


def test_trouble_comes_one_after_the_other(plugins: Plugins, tmp_path: Path) -> None:
    """A suspended account is put right first, then wrong data, each with its own errand."""
    spans = dict.fromkeys(("reinstatement", "correction"), "1 working days")
    season = Season(plugins, tmp_path, 20, suspended=1.0, mismatch=1.0, **spans)
    office, billed = _office(), float(season["billed"][0])
    once = office.add_days(billed + 10 * MINUTE_S, 1)
    assert set(season["settled"].tolist()) == {office.add_days(once + 10 * MINUTE_S, 1)}
    assert len(season.visits("failure.data mismatch")["family"]) == 20


# --- desks and halls ---


def test_hospitals_have_queues_and_serve_in_the_order_of_coming(plugins: Plugins, tmp_path: Path) -> None:
    """At one desk one of those who come together is settled at a time."""
    season = Season(plugins, tmp_path, 30, sites={"hospital": {"staff": 1, "travel": AT_ONCE}})
    visits = season.visits("settlement.hospital")
    first = season["billed"][0]
    assert np.sort(visits["start"]).tolist() == [first + 4 * MINUTE_S * number for number in range(30)]
    assert np.sort(season["settled"]).tolist() == [first + 4 * MINUTE_S * number for number in range(1, 31)]
    assert set(visits["step"].tolist()) == {"settlement/hospital bill: desk"}


def test_bills_are_settled_in_the_hours_of_the_desk(plugins: Plugins, tmp_path: Path) -> None:
    """A bill of a Saturday waits for Monday."""
    season = Season(plugins, tmp_path, 30, sites={"hospital": OFFICE}, after=_always("5 days"))
    assert season.moment("billed") == dt.datetime(2025, 12, 13, 9)
    enter = season.visits("settlement.hospital")["enter"].tolist()
    assert {Horizon(START, END).date(moment) for moment in enter} == {dt.date(2025, 12, 15)}
    assert all(_office().is_open(moment) for moment in enter)


def test_each_settlement_is_a_way_to_the_same_hospital(plugins: Plugins, tmp_path: Path) -> None:
    """The first one, the one behind the account, the one behind the data: three trips, one hospital a family."""
    sites = {"east": DESK, "west": {**DESK, "catchment": 3.0}}
    spans = dict.fromkeys(("reinstatement", "correction"), "1 working days")
    season = Season(plugins, tmp_path, 300, sites=sites, suspended=1.0, mismatch=1.0, **spans)
    visits = season.visits("settlement.")
    assert np.bincount(visits["family"]).tolist() == [3] * 300
    assert season["trips"].tolist() == [3] * 300
    stations = visits["station"].reshape(300, 3)
    assert (stations == stations[:, :1]).all()
    assert _near(int((stations[:, 0] == "settlement.west").sum()), np.full(300, 0.75))


def test_errands_go_to_halls_where_there_are_some(plugins: Plugins, tmp_path: Path) -> None:
    """The errand is a visit with its time at the window, and another one for the claim."""
    season = Season(
        plugins,
        tmp_path,
        40,
        frozen=1.0,
        by_phone=0.0,
        by_hand=1.0,
        halls={"agency": {**DESK, "travel": _always("15 min")}},
        unfreezing="1 working days",
        claim="2 working days",
    )
    visits = season.visits("settlement hall.agency")
    assert np.bincount(visits["family"]).tolist() == [2] * 40
    assert (visits["leave"] - visits["start"]).tolist() == [6 * MINUTE_S] * 80
    office, billed = _office(), float(season["billed"][0])
    normal = office.add_days(billed + 21 * MINUTE_S, 1)
    assert set(season["settled"].tolist()) == {office.add_days(normal + 21 * MINUTE_S, 2)}


def test_whoever_leaves_the_queue_too_often_claims_by_hand(plugins: Plugins, tmp_path: Path) -> None:
    """At a desk that serves nobody a family comes once and so many times again; then it takes the bill to a hall."""
    season = Season(
        plugins,
        tmp_path,
        10,
        sites={"hospital": {**DESK, "staff": 0}},
        tries=2,
        patience=_always("30 min"),
        come_back=_always("1 days"),
        claim="5 working days",
    )
    visits = season.visits("settlement.hospital")
    assert np.bincount(visits["family"]).tolist() == [3] * 10
    left = float(visits["leave"].max())
    assert left == season["billed"][0] + 2 * DAY_S + 90 * MINUTE_S
    assert set(season["settled"].tolist()) == {_office().add_days(left + 20 * MINUTE_S, 5)}


def test_whoever_is_never_served_at_a_hall_gives_the_money_up(plugins: Plugins, tmp_path: Path) -> None:
    """The child is insured all the same, and no money has flowed."""
    season = Season(
        plugins,
        tmp_path,
        10,
        frozen=1.0,
        by_phone=0.0,
        halls={"agency": {**DESK, "staff": 0}},
        patience=_always("30 min"),
        come_back=_always("1 days"),
    )
    assert not _happened(season["settled"]).any()
    assert _happened(season["settlement_reimbursed_yuan"]).all()
    assert set(season.trace.families["outcome"].words()) == {"enrolled"}


# --- cover ---


def _covered(begins: dt.datetime) -> dict[str, Any]:
    return {"policy": {"kind": "covered", "start": START, "deadline": dt.date(2025, 12, 31), "begins": begins}}


def _first_covered(bill: Any, again_s: float, cover: Any) -> list[float]:
    """Give the first of some bills, `again_s` apart, that does not come before the cover."""
    return [
        start + again_s * max(0, math.ceil((begins - start) / again_s))
        for start, begins in zip(bill, cover, strict=True)
    ]


@pytest.mark.parametrize("late_s", [0, 1])
def test_no_bill_is_settled_before_the_cover_begins(late_s: int, plugins: Plugins, tmp_path: Path) -> None:
    """A bill from before is the family's own, and another comes; one at the very moment of the beginning is covered."""
    begins = dt.datetime(2025, 12, 18, 9) + dt.timedelta(seconds=late_s)
    season = Season(plugins, tmp_path, 200, after=_always("10 days"), changes=_covered(begins))
    newborn = season.trace.families["kind"].has("newborn")
    cover = np.where(newborn, season["birth_s"], Horizon(START, END).seconds(begins))
    first = season["enrolled"] + 10 * DAY_S
    assert set(first.tolist()) == {Horizon(START, END).seconds(dt.datetime(2025, 12, 18, 9))}
    assert (first < cover)[~newborn].all() == bool(late_s)
    behind = newborn & (season["newborn_until_s"] < season["enrolled"])  # see the next test
    seen = ~behind & (cover < 90 * DAY_S)
    assert seen.sum() > 190
    assert (_happened(season["bill_uncovered"]) == (first < cover))[seen].all()
    assert season["settled"][seen].tolist() == _first_covered(first[seen], 11 * DAY_S, cover[seen])
    assert (season["billed"] == season["settled"])[seen].all()


def test_newborns_behind_their_window_are_covered_from_the_next_month(plugins: Plugins, tmp_path: Path) -> None:
    """Inside the window from birth on, behind it from the first day of the month after the enrolment."""
    changes = {**_covered(dt.datetime(2025, 12, 1)), "population": {"births_per_thousand": 300.0, "rural_way": 1.0}}
    season = Season(plugins, tmp_path, 600, dt.datetime(2026, 1, 15, 10), after=_always("2 days"), changes=changes)
    newborn = season.trace.families["kind"].has("newborn")
    late = newborn & (season["enrolled"] > season["newborn_until_s"])
    in_time = newborn & ~late & (season["birth_s"] < season["enrolled"])
    assert late.sum() > 20
    assert in_time.sum() > 20
    assert set(season["settled"][late].tolist()) == {Horizon(START, END).seconds(dt.date(2026, 2, 3))}
    others = in_time | ~newborn
    assert (season["settled"] == season["enrolled"] + 2 * DAY_S)[others].all()
    assert not (season["settled"] < season["birth_s"])[newborn].any()


def test_the_national_policy_covers_from_new_year(plugins: Plugins, tmp_path: Path) -> None:
    """With the rules of a region no bill of the old year is settled, but for newborns."""
    changes = {"policy": {"kind": "region", "region": "national-2026"}}
    season = Season(plugins, tmp_path, 300, after=_always("5 days"), changes=changes)
    newborn = season.trace.families["kind"].has("newborn")
    new_year = Horizon(START, END).seconds(dt.date(2026, 1, 1))
    assert (season["settled"] >= new_year)[~newborn].all()
    assert _happened(season["bill_uncovered"])[~newborn].all()
    born = newborn & (season["birth_s"] < season["enrolled"])
    assert born.any()
    assert (season["settled"] < new_year)[born].all()


# --- settings ---


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"suspended": 0.7, "frozen": 0.4}, "leaves no room beside those suspended"),
        ({"lowest_rate": 0.7, "highest_rate": 0.5}, "is below the lowest"),
    ],
)
def test_settings_that_do_not_fit_are_told(settings: Mapping[str, float], words: str, plugins: Plugins) -> None:
    """With the key and what is allowed."""
    with pytest.raises(ScenarioError) as caught:
        small_scenario({"formalities": {"settlement": {"kind": "settlement", **settings}}}, plugins)
    (fault,) = caught.value.faults
    assert words in fault.problem
    assert fault.key == f"formalities.settlement.{list(settings)[1]}"


def test_rates_of_reimbursement_are_those_of_the_source(plugins: Plugins) -> None:
    """45 to 65 per cent, which is no estimate of ours; the size of a bill is."""
    made: Any = small_scenario({"formalities": {"settlement": {"kind": "settlement"}}}, plugins)
    settlement = made.scenario.formalities["settlement"]
    assert (settlement.lowest_rate, settlement.highest_rate) == (0.45, 0.65)
    assert "formalities.settlement.bill_yuan" in made.estimates()
    assert "formalities.settlement.lowest_rate" not in made.estimates()
