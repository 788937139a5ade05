"""Payment: each failure by itself, who meets it, the way through it; money that is paid once or returned."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import canbao
from canbao.arrays import BoolArray, FloatArray
from canbao.assembly import scenario_plan
from canbao.calendar import Calendar, Horizon, working_days
from canbao.columns import Coded, numbers_of
from canbao.district import HAND_IN, PAID, District, Part, pay_fee
from canbao.engines.compiled_engine import CompiledEngine
from canbao.errors import ScenarioError
from canbao.measures.laws import check_laws
from canbao.plan import Plan
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.models import Settings
from canbao.testing import SMALL, check_formality, small_district, small_scenario
from canbao.testing.district import registered_also
from canbao.trace import Trace
from canbao_plugins.payment import Payment
from canbao_plugins.payment.rates import failing, method_shares

DAY_S = 86_400.0
HORIZON = Horizon(SMALL["horizon"]["start"], SMALL["horizon"]["end"])
MONDAY = dt.datetime(2025, 12, 8, 10)
ONLINE = ("online_bank", "alipay", "wechat_pay")
METHODS = (*ONLINE, "bank_counter", "transfer")
REVIEW = {
    **dict.fromkeys(("incomplete", "mismatch", "refused", "duplicate", "drop_out"), 0.0),
    **{desk: {"staff": 500} for desk in ("acceptance", "first", "second")},
    "credential": "0 s",
}


class Straight(Settings):
    """A channel in which families hand in at once."""

    kind: Literal["straight"]

    def build(self, name: str, district: District) -> Part:
        return Part([], [canbao.Go(HAND_IN, name="in")])


class Cashier(Settings):
    """A channel in which families pay at once and hand in."""

    kind: Literal["cashier"]

    def build(self, name: str, district: District) -> Part:
        return Part([], [canbao.Marked(PAID, yes=HAND_IN), *pay_fee(label="till"), canbao.Go(HAND_IN)])


class Halves(Settings):
    """Rules by which every other family pays nothing."""

    kind: Literal["halves"]

    def deadline_s(self, columns: Any, horizon: Horizon) -> FloatArray:
        return np.full(len(columns["_number"]), np.inf)

    def insured_from_birth_until_s(self, columns: Any, horizon: Horizon) -> FloatArray:
        return np.full(len(columns["_number"]), np.nan)

    def period_s(self, horizon: Horizon) -> tuple[float, float]:
        return 0.0, horizon.end_s

    def fee_yuan(self, columns: Any, horizon: Horizon) -> FloatArray:
        return np.where(columns["_number"] % 2, 400.0, 0.0)


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once, and add the channels and the policy of these tests."""
    found = load_plugins()
    for kind, name, thing in (
        ("channels", "straight", Straight),
        ("channels", "cashier", Cashier),
        ("policies", "halves", Halves),
    ):
        found = registered_also(found, kind, name, thing)
    return found


def _fixed(value: str) -> dict[str, str]:
    return {"kind": "fixed", "value": value}


def _only(*methods: str, **more: Any) -> dict[str, Any]:
    """Give payment by these methods, alike in weight, at which nothing fails."""
    sound: dict[str, Any] = {"debit_failed": 0.0}
    tables = {
        method: {"weight": float(method in methods), **sound, **({"locked": 0.0} if method in ONLINE else {})}
        for method in METHODS
        if method != "bank_counter" or method in methods
    }
    if "bank_counter" in tables:
        tables["bank_counter"] |= {"sites": {"east": {"staff": 500}, "west": {"staff": 500}}}
    payment = {"kind": "payment", "not_registered": 0.0, "not_visible": 0.0, **tables}
    return _over(payment, more)


def _over(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    inner = {
        key: _over(table[key], value) if isinstance(value, Mapping) and isinstance(table.get(key), Mapping) else value
        for key, value in changes.items()
    }
    return {**table, **inner}


def _run(
    folder: Path,
    plugins: Plugins,
    families: int,
    payment: Mapping[str, Any],
    *,
    start: dt.datetime = MONDAY,
    every_s: float = 1.0,
    more: Mapping[str, Any] | None = None,
) -> tuple[Plan, Trace]:
    """Let families hand in one after the other, and let the review pass everything."""
    path = folder / "arrivals.csv"
    moments = (start + dt.timedelta(seconds=every_s * number) for number in range(families))
    path.write_text("arrival\n" + "".join(f"{moment}\n" for moment in moments), encoding="utf-8")
    changes = {
        "demand": {"kind": "replay", "file": str(path)},
        "policy": {"deadline": dt.date(2026, 1, 31)},
        "channels": {"desk": {"kind": "straight"}},
        "formalities": {"payment": dict(payment)},
        "review": REVIEW,
        **(more or {}),
    }
    plan = scenario_plan(small_scenario(changes, plugins))
    return plan, CompiledEngine().run(plan)


def _visits(trace: Trace) -> dict[str, Any]:
    """Give all visits, with words for station, step and ending."""
    words = {name: np.array(column.words()) for name, column in trace.visits.items() if isinstance(column, Coded)}
    return {name: words.get(name, numbers_of(column)) for name, column in trace.visits.items()}


def _outcomes(trace: Trace) -> Counter[str]:
    outcome = trace.families["outcome"]
    assert isinstance(outcome, Coded)
    return Counter(outcome.words())


def _moments(trace: Trace, name: str) -> FloatArray:
    return np.asarray(trace.families[name], dtype=np.float64)


def _at(visits: Mapping[str, Any], station: str, column: str = "enter") -> Any:
    """Give a column of the visits to a station."""
    return visits[column][visits["station"] == station]


def _waits(visits: Mapping[str, Any], failure: str) -> FloatArray:
    """Give the time from each failure to the family's next visit."""
    here = np.flatnonzero(visits["station"] == f"failure.{failure}")
    assert len(here)
    np.testing.assert_array_equal(visits["family"][here], visits["family"][here + 1])
    return np.asarray(visits["enter"][here + 1] - visits["enter"][here])


def _near(count: float, trials: float, share: float) -> bool:
    """Tell whether a count of trials is within four standard deviations of its share."""
    return bool(abs(count - trials * share) <= 4 * math.sqrt(trials * share * (1 - share)))


def _failures(visits: Mapping[str, Any]) -> set[str]:
    return {name for name in visits["station"] if name.startswith("failure.")}


def _dates(moments: FloatArray) -> list[dt.date]:
    return [HORIZON.date(moment) for moment in moments]


# --- as the kit wants it ---


@pytest.mark.parametrize("place", ["before review", "after review"])
def test_it_is_a_formality_as_the_kit_wants_it(place: str, plugins: Plugins) -> None:
    """With all that can go wrong, and with counters."""
    sites = {"east": {"staff": 1}, "west": {"staff": 1, "room": 3}}
    said = {"place": place, "bank_counter": {"sites": sites}, "maintenance": ["00:00-05:00"], "closed_after": 25}
    assert len(np.asarray(check_formality(Payment, {**said, "slots": 1}, plugins=plugins).families["family"])) > 100


# --- nothing goes wrong ---


@pytest.mark.parametrize("place", ["before review", "after review"])
def test_everybody_pays_once_by_a_method_of_its_own(place: str, plugins: Plugins, tmp_path: Path) -> None:
    """Where nothing fails each family is at one method, at the service and in the ledger once; weights are met."""
    weights = {"online_bank": 1.0, "alipay": 2.0, "wechat_pay": 3.0, "bank_counter": 2.0, "transfer": 1.0}
    tables = {method: {"weight": weight} for method, weight in weights.items()}
    _, trace = _run(tmp_path, plugins, 2000, _only(*METHODS, place=place, **tables), every_s=0.5)
    visits = _visits(trace)
    assert _outcomes(trace) == {"enrolled": 2000}
    assert not _failures(visits)
    assert np.unique(_at(visits, "fee.paid", "family")).tolist() == list(range(2000))
    for method, weight in weights.items():
        name = method.replace("bank_counter", "counter").replace("_", " ")
        count = int(np.char.startswith(visits["station"].astype(str), f"payment.{name}").sum())
        assert _near(count, 2000, weight / 9), name


def test_the_switch_moves_the_payment(plugins: Plugins, tmp_path: Path) -> None:
    """Before the review the fee is paid when the application is handed in, after it when it is approved."""
    _, before = _run(tmp_path, plugins, 200, _only("alipay", place="before review"))
    _, after = _run(tmp_path, plugins, 200, _only("alipay", place="after review"))
    np.testing.assert_array_equal(_moments(before, "paid"), _moments(before, "submitted"))
    assert (_moments(before, "reviewed") > _moments(before, "paid")).all()
    np.testing.assert_array_equal(_moments(after, "submitted"), _moments(after, "arrival"))
    assert (_moments(after, "paid") > _moments(after, "reviewed")).all()
    np.testing.assert_array_equal(_moments(after, "paid"), _moments(after, "enrolled"))


def test_unless_a_scenario_says_otherwise_families_register_first(plugins: Plugins) -> None:
    """The default is the order that a tax bureau has published."""
    file: Any = small_scenario({"formalities": {"payment": {"kind": "payment"}}}, plugins)
    assert file.scenario.formalities["payment"].place == "after review"


def test_who_owes_nothing_does_not_pay(plugins: Plugins, tmp_path: Path) -> None:
    """A fee of 0 is never in the ledger, and its family is enrolled all the same."""
    _, trace = _run(tmp_path, plugins, 300, _only("alipay"), more={"policy": {"kind": "halves"}})
    assert _outcomes(trace) == {"enrolled": 300}
    owes = np.arange(300) % 2 == 1
    np.testing.assert_array_equal(~np.isnan(_moments(trace, "paid")), owes)
    assert set(_at(_visits(trace), "fee.paid", "family").tolist()) == set(np.flatnonzero(owes).tolist())


def test_who_has_paid_in_the_channel_is_not_asked_again(plugins: Plugins, tmp_path: Path) -> None:
    """A channel that takes the fee itself leaves nothing for the formality to do."""
    more = {"channels": {"bank": {"kind": "cashier"}}}
    _, trace = _run(tmp_path, plugins, 100, _only("alipay", alipay={"debit_failed": 1.0}), more=more)
    visits = _visits(trace)
    assert _outcomes(trace) == {"enrolled": 100}
    assert len(_at(visits, "fee.paid")) == 100
    assert not np.char.startswith(visits["station"].astype(str), "payment.").any()


def test_a_transfer_takes_working_days(plugins: Plugins, tmp_path: Path) -> None:
    """What is sent on a Friday is there on the working day that is stated, at the same time of day."""
    transfer = {"time": _fixed("0 s"), "arrives_after_working_days": [2.0, 2.0]}
    friday = dt.datetime(2025, 12, 12, 10)
    _, trace = _run(tmp_path, plugins, 20, _only("transfer", transfer=transfer), start=friday)
    sent = _at(_visits(trace), "payment.transfer")
    np.testing.assert_allclose(_moments(trace, "paid") - sent, 4 * DAY_S)


def test_money_that_arrives_on_a_closed_day_is_booked_on_the_first_open_day(plugins: Plugins, tmp_path: Path) -> None:
    """The bank takes a transfer on any day; the ledger waits, and nobody is sent away."""
    changes = {"transfer": {"arrives_after_working_days": [2.0, 2.0]}, "closed_after": 25}
    _, trace = _run(tmp_path, plugins, 20, _only("transfer", **changes), start=dt.datetime(2025, 12, 24, 10))
    assert _moments(trace, "paid").tolist() == [HORIZON.seconds(dt.date(2026, 1, 1))] * 20
    assert not _failures(_visits(trace))


def test_a_debit_that_the_closing_catches_is_booked_at_the_opening(plugins: Plugins, tmp_path: Path) -> None:
    """The service takes the payment five seconds before it closes and needs ten: the ledger has it afterwards."""
    alipay = {"alipay": {"time": _fixed("0 s")}, "request": _fixed("10 s"), "maintenance": ["11:00-15:00"]}
    start = dt.datetime(2025, 12, 8, 10, 59, 55)
    _, trace = _run(tmp_path, plugins, 1, _only("alipay", place="before review", **alipay), start=start)
    assert _moments(trace, "paid").tolist() == [HORIZON.seconds(dt.datetime(2025, 12, 8, 15))]


def test_the_service_takes_so_many_payments_at_once(plugins: Plugins, tmp_path: Path) -> None:
    """A rush queues for the slots; who looks too long at a page that does not load tries again, and all pay."""
    service = {"slots": 3, "request": _fixed("10 s"), "patience": _fixed("25 s"), "try_again": _fixed("5 min")}
    payment = _only("alipay", place="before review", alipay={"time": _fixed("1 min")}, tries=50, **service)
    _, trace = _run(tmp_path, plugins, 60, payment, every_s=0.0)
    visits = _visits(trace)
    served = visits["ended"] == "served"
    start, leave = (visits[name][served & (visits["station"] == "payment.service")] for name in ("start", "leave"))
    working = [int(((start <= moment) & (moment < leave)).sum()) for moment in start]
    assert max(working) == 3
    lost = Counter(_at(visits, "payment.service", "ended"))
    assert lost["abandoned"] >= 60 - 9
    assert _outcomes(trace) == {"enrolled": 60}
    assert len(_at(visits, "fee.paid")) == 60


# --- each failure is the only one ---


def test_payment_locked_is_tried_again_when_the_lock_is_over(plugins: Plugins, tmp_path: Path) -> None:
    """The stated share of tries is locked, and each of them is tried again after just 30 minutes."""
    _, trace = _run(tmp_path, plugins, 3000, _only("alipay", alipay={"locked": 0.2}), every_s=0.5)
    visits = _visits(trace)
    failures = len(_at(visits, "failure.payment locked"))
    assert _failures(visits) == {"failure.payment locked"}
    assert _near(failures, len(_at(visits, "payment.service")), 0.2)
    assert len(_at(visits, "payment.service")) == 3000 + failures
    np.testing.assert_allclose(_waits(visits, "payment locked"), 1800.0)
    assert _outcomes(trace) == {"enrolled": 3000}


def test_a_failed_debit_is_tried_again(plugins: Plugins, tmp_path: Path) -> None:
    """Of first tries the stated share fails; each family tries again after the stated time."""
    changes = {"alipay": {"debit_failed": 0.2}, "try_again": _fixed("10 min"), "tries": 1000}
    _, trace = _run(tmp_path, plugins, 3000, _only("alipay", **changes), every_s=0.5)
    visits = _visits(trace)
    assert _failures(visits) == {"failure.debit failed"}
    failed = np.unique(_at(visits, "failure.debit failed", "family"))
    assert _near(len(failed), 3000, 0.2)
    np.testing.assert_allclose(_waits(visits, "debit failed"), 600.0)
    assert _outcomes(trace) == {"enrolled": 3000}


def test_after_a_failed_debit_another_method_is_taken_as_often_as_it_weighs(plugins: Plugins, tmp_path: Path) -> None:
    """Who has tried once in vain chooses anew among the methods."""
    changes = {"alipay": {"debit_failed": 1.0}, "wechat_pay": {"weight": 3.0}, "tries": 1000}
    _, trace = _run(tmp_path, plugins, 2000, _only("alipay", "wechat_pay", **changes))
    visits = _visits(trace)
    after = np.flatnonzero(visits["station"] == "failure.debit failed") + 1
    moved = int((visits["station"][after] == "payment.wechat pay").sum())
    assert _near(moved, len(after), 0.75)
    assert _near(len(np.unique(_at(visits, "failure.debit failed", "family"))), 2000, 0.25)


@pytest.mark.parametrize(("to_counter", "counter"), [(0.0, True), (0.5, True), (1.0, True), (1.0, False)])
def test_after_so_many_tries_families_go_to_a_counter_or_never_pay(
    to_counter: float, counter: bool, plugins: Plugins, tmp_path: Path
) -> None:
    """Where every online debit fails each family tries as often as stated, and then the stated share goes to a bank."""
    methods = ("alipay", "bank_counter") if counter else ("alipay",)
    # So few choose the counter by themselves that none of these does.
    small: dict[str, Any] = {"bank_counter": {"weight": 1e-9}} if counter else {}
    changes = {"alipay": {"debit_failed": 1.0}, "tries": 3, "to_counter": to_counter, **small}
    _, trace = _run(tmp_path, plugins, 800, _only(*methods, **changes))
    visits, outcomes = _visits(trace), _outcomes(trace)
    assert Counter(_at(visits, "failure.debit failed", "family").tolist()) == dict.fromkeys(range(800), 4)
    assert set(outcomes) <= {"enrolled", "not paid"}
    share = to_counter if counter else 0.0
    assert _near(outcomes["enrolled"], 800, share)
    at_bank = np.char.startswith(visits["station"].astype(str), "payment.counter")
    assert int(at_bank.sum()) == outcomes["enrolled"] == len(_at(visits, "fee.paid"))


def test_a_counter_is_the_last_try(plugins: Plugins, tmp_path: Path) -> None:
    """Where the debit fails at the counter too, the family leaves after it and does not go round."""
    changes = {"alipay": {"debit_failed": 1.0}, "bank_counter": {"debit_failed": 1.0, "weight": 1e-9}}
    _, trace = _run(tmp_path, plugins, 100, _only("alipay", "bank_counter", tries=2, to_counter=1.0, **changes))
    visits = _visits(trace)
    assert _outcomes(trace) == {"not paid": 100}
    assert Counter(_at(visits, "failure.debit failed", "family").tolist()) == dict.fromkeys(range(100), 3 + 1)
    assert not len(_at(visits, "fee.paid"))


@pytest.mark.parametrize("method", ["alipay", "bank_counter"])
def test_a_registration_that_is_not_visible_is_waited_for(method: str, plugins: Plugins, tmp_path: Path) -> None:
    """The stated share of families comes too early, once, and is back after the stated working days."""
    changes = {"not_visible": 0.3, "visible_after_working_days": [2.0, 2.0]}
    if method == "bank_counter":
        changes["bank_counter"] = {"sites": {name: {"travel": _fixed("0 s")} for name in ("east", "west")}}
    _, trace = _run(tmp_path, plugins, 2000, _only(method, **changes))
    visits = _visits(trace)
    assert _failures(visits) == {"failure.registration not visible"}
    failed = _at(visits, "failure.registration not visible", "family")
    assert len(np.unique(failed)) == len(failed)
    assert _near(len(failed), 2000, 0.3)
    np.testing.assert_allclose(_waits(visits, "registration not visible"), 2 * DAY_S)
    assert _outcomes(trace) == {"enrolled": 2000}


def test_who_was_found_once_is_not_looked_for_again(plugins: Plugins, tmp_path: Path) -> None:
    """However often they try, the stated share of families must wait, and the same ones whatever the method."""
    waited = []
    for method in ("alipay", "wechat_pay"):
        changes = {"not_visible": 0.3, method: {"locked": 0.5}}
        _, trace = _run(tmp_path, plugins, 1000, _only(method, **changes))
        waited.append(_at(_visits(trace), "failure.registration not visible", "family").tolist())
    assert waited[0] == waited[1]
    assert len(set(waited[0])) == len(waited[0])
    assert _near(len(waited[0]), 1000, 0.3)


def test_it_takes_from_the_fewest_to_the_most_working_days(plugins: Plugins, tmp_path: Path) -> None:
    """Waits for the registration fill the range from one to two working days, weekends left out."""
    friday = dt.datetime(2025, 12, 12, 10)
    _, trace = _run(tmp_path, plugins, 800, _only("alipay", not_visible=1.0, by_day=["00:00-24:00"]), start=friday)
    visits = _visits(trace)
    waits = _waits(visits, "registration not visible") / DAY_S - 2.0  # less the weekend
    # Half of the days behind the first end before midnight; who is told at the end of a day begins with the next one.
    assert 1.0 <= waits.min() < 1.02
    assert 1.98 < waits.max() <= 2.0
    assert abs(waits.mean() - 1.5) < 4 * math.sqrt(1 / 12 / 800)


def test_who_is_not_registered_waits_for_it(plugins: Plugins, tmp_path: Path) -> None:
    """Paying first, the stated share of families is not registered, once, and is back when it is."""
    changes = {"not_registered": 0.25, "registers_elsewhere": 0.0, "registered_after_working_days": [3.0, 3.0]}
    _, trace = _run(tmp_path, plugins, 2000, _only("alipay", place="before review", **changes))
    visits = _visits(trace)
    assert _failures(visits) == {"failure.not registered yet"}
    failed = _at(visits, "failure.not registered yet", "family")
    assert len(np.unique(failed)) == len(failed)
    assert _near(len(failed), 2000, 0.25)
    np.testing.assert_allclose(_waits(visits, "not registered yet"), 3 * DAY_S)
    assert _outcomes(trace) == {"enrolled": 2000}


def test_who_is_not_registered_registers_through_another_channel(plugins: Plugins, tmp_path: Path) -> None:
    """The others hand in elsewhere at once, and pay there unless it happens again."""
    changes = {"not_registered": 0.25, "registers_elsewhere": 1.0, "mistakes": 0.0}
    more = {"channels": {"desk": {"kind": "straight"}, "other": {"kind": "straight"}}}
    _, trace = _run(tmp_path, plugins, 2000, _only("alipay", place="before review", **changes), more=more)
    visits = _visits(trace)
    times = np.bincount(_at(visits, "failure.not registered yet", "family"), minlength=2000)
    first, last = (trace.families[name] for name in ("first_channel", "last_channel"))
    np.testing.assert_array_equal(numbers_of(first) != numbers_of(last), times % 2 == 1)
    assert _near(int(times.sum()), len(_at(visits, "payment.service")), 0.25)
    np.testing.assert_array_equal(_waits(visits, "not registered yet"), 0.0)
    assert _outcomes(trace) == {"enrolled": 2000}


def test_registered_first_nobody_is_not_registered(plugins: Plugins, tmp_path: Path) -> None:
    """Behind the review the child is registered, whatever the share says."""
    _, trace = _run(tmp_path, plugins, 100, _only("alipay", not_registered=1.0))
    assert not _failures(_visits(trace))


@pytest.mark.parametrize("method", ["alipay", "bank_counter"])
def test_on_a_closed_payment_day_families_wait_for_the_first_open_day(
    method: str, plugins: Plugins, tmp_path: Path
) -> None:
    """All who try after the 25th of the month, and nobody else, are told so and come back on the 1st."""
    start = dt.datetime(2025, 12, 24, 10)
    changes = {"closed_after": 25, "place": "before review"}
    if method == "bank_counter":  # open on New Year's Day, too
        hours = {"travel": _fixed("0 s"), "sunday_hours": ["09:00-17:00"], "saturday_hours": ["09:00-17:00"]}
        changes["bank_counter"] = {"sites": dict.fromkeys(("east", "west"), hours)}
    _, trace = _run(tmp_path, plugins, 500, _only(method, **changes), start=start, every_s=600.0)
    visits = _visits(trace)
    assert _failures(visits) == {"failure.closed payment day"}
    service = visits["station"] == "payment.service"
    closed = np.array([date.day > 25 for date in _dates(visits["enter"])])
    np.testing.assert_array_equal(visits["ended"][service] == "closed", closed[service])
    told = _at(visits, "failure.closed payment day")
    assert 100 < len(told) == int((service & closed).sum())
    back = _dates(told + _waits(visits, "closed payment day"))
    assert set(back) == {dt.date(2026, 1, 1)}
    assert all(date.day <= 25 for date in _dates(_at(visits, "fee.paid")))
    assert _outcomes(trace) == {"enrolled": 500}


def test_during_maintenance_families_wait_until_it_is_over(plugins: Plugins, tmp_path: Path) -> None:
    """All who try at night, and nobody else, are told so and come back in the morning."""
    start, payment = dt.datetime(2025, 12, 8, 20), _only("alipay", place="before review", maintenance=["01:00-05:00"])
    _, trace = _run(tmp_path, plugins, 600, payment, start=start, every_s=60.0)
    visits = _visits(trace)
    assert _failures(visits) == {"failure.maintenance"}
    service = visits["station"] == "payment.service"
    hour = visits["enter"] % DAY_S / 3600.0
    night = service & (hour >= 1) & (hour < 5)
    np.testing.assert_array_equal(service & (visits["ended"] == "closed"), night)
    told = _at(visits, "failure.maintenance")
    assert 200 < len(told) == int(night.sum())
    back = told + _waits(visits, "maintenance")
    assert (told // DAY_S == back // DAY_S).all()
    assert (back % DAY_S >= 8 * 3600.0).all()  # by day, which begins at eight
    assert (back % DAY_S <= (8 + 0.3 * 14) * 3600.0).all()
    assert _outcomes(trace) == {"enrolled": 600}


def test_a_closed_day_is_told_as_such_even_at_night(plugins: Plugins, tmp_path: Path) -> None:
    """Maintenance on a day on which nothing is paid anyway is no reason to come back in the morning."""
    changes = {"place": "before review", "maintenance": ["00:00-05:00"], "closed_after": 8}
    _, trace = _run(tmp_path, plugins, 20, _only("alipay", **changes), start=dt.datetime(2025, 12, 9, 2))
    assert _failures(_visits(trace)) == {"failure.closed payment day"}


# --- whom it happens to ---


def test_failed_debits_and_early_payments_fall_with_skill_and_keep_their_mean(plugins: Plugins) -> None:
    """The less skill, the more; those who use a method fail as often as stated on average, and so do all others."""
    payment = _only(*METHODS, not_registered=0.05, transfer={"debit_failed": 0.1}, alipay={"debit_failed": 0.03})
    file: Any = small_scenario({"formalities": {"payment": payment}, "population": {"residents": 30000}}, plugins)
    district = small_district({"population": {"residents": 30000}}, plugins)
    settings_: Payment = file.scenario.formalities["payment"]
    columns = settings_.build("payment", district, "onward").columns
    order = np.argsort(np.asarray(district.columns["digital_skill"]))
    for name in ("registered", "debit by transfer", "debit by alipay"):
        sound = np.asarray(columns[f"_payment {name}"])[order]
        assert (np.diff(sound) >= 0).all()
        assert sound[0] < sound[-1]
    typical = replace(district, columns=district.typical, families=10_000)
    shares, same = method_shares(settings_.methods(), settings_.skill_effect, typical)
    for method, stated in (("transfer", 0.1), ("alipay", 0.03)):
        failed = failing(stated, settings_.mistakes, same[method], typical)
        assert np.average(failed, weights=shares[method]) == pytest.approx(stated, abs=1e-9)
    assert np.mean(failing(0.05, settings_.mistakes, 1.0, typical)) == pytest.approx(0.05, abs=1e-9)


def test_the_skilled_pay_online_and_weights_are_the_means(plugins: Plugins) -> None:
    """The share that pays online rises with skill; each method's mean is its weight among all."""
    file: Any = small_scenario({"formalities": {"payment": {"kind": "payment"}}}, plugins)
    payment: Payment = file.scenario.formalities["payment"]
    district = small_district(plugins=plugins)
    typical = replace(district, columns=district.typical, families=10_000)
    shares, _ = method_shares(payment.methods(), payment.skill_effect, typical)
    total = sum(method.weight for method in payment.methods().values())
    for name, method in payment.methods().items():
        assert np.mean(shares[name]) == pytest.approx(method.weight / total, abs=1e-9)
    np.testing.assert_allclose(sum(shares.values()), 1.0)
    order = np.argsort(np.asarray(district.typical["digital_skill"]))
    assert (np.diff(shares["alipay"][order]) >= 0).all()
    assert (np.diff(shares["transfer"][order]) <= 0).all()


def test_in_a_run_the_unskilled_fail_more_often(plugins: Plugins, tmp_path: Path) -> None:
    """Shifting skill shifts failures: the lower third is far above the upper third."""
    _, trace = _run(tmp_path, plugins, 3000, _only("alipay", alipay={"debit_failed": 0.2}, mistakes=3.0))
    failed = np.zeros(3000, dtype=bool)
    failed[_at(_visits(trace), "failure.debit failed", "family")] = True
    skill = _moments(trace, "digital_skill")
    low, high = skill < np.quantile(skill, 1 / 3), skill > np.quantile(skill, 2 / 3)
    assert failed[low].mean() > 1.5 * failed[high].mean() > 0


def test_luck_does_not_depend_on_the_staff_of_counters(plugins: Plugins, tmp_path: Path) -> None:
    """With one clerk or with hundreds the same families fail at the same things, and are as slow at the counter."""
    changes = {
        "not_visible": 0.2,
        **{method: {"debit_failed": 0.1} for method in METHODS},
        **{method: {"debit_failed": 0.1, "locked": 0.1} for method in ONLINE},
    }
    counter = {"debit_failed": 0.1, "patience": _fixed("40 days")}
    seen = []
    for staff in (1, 300):
        sites = {name: {"staff": staff} for name in ("east", "west")}
        payment = _only(*METHODS, **{**changes, "bank_counter": {**counter, "sites": sites}})
        _, trace = _run(tmp_path, plugins, 700, payment)
        visits = _visits(trace)
        fails = np.char.startswith(visits["station"].astype(str), "failure.")
        bank = np.char.startswith(visits["station"].astype(str), "payment.counter.")
        first = bank & (visits["attempt"] == 0) & (visits["ended"] == "served")
        seen.append(
            (
                Counter(zip(visits["family"][fails].tolist(), visits["station"][fails], strict=True)),
                dict(zip(visits["family"][first], (visits["leave"] - visits["start"])[first], strict=True)),
                (visits["start"] - visits["enter"])[first].max(),
            )
        )
    (few, served, longest), (many, served_too, shortest) = seen
    assert few == many
    both = [family for family in served if family in served_too]
    assert len(both) > 100
    np.testing.assert_allclose([served[f] for f in both], [served_too[f] for f in both])
    assert longest > 3600.0 > shortest


# --- money ---


def _ledger(trace: Trace) -> tuple[Any, Any]:
    """Count each family's entries in the ledger: paid, refunded."""
    visits, count = _visits(trace), len(trace.families["family"])
    row = np.searchsorted(np.asarray(trace.families["family"]), visits["family"])
    paid, refunded = (
        np.bincount(row[visits["station"] == f"fee.{name}"], minlength=count) for name in ("paid", "refunded")
    )
    return paid, refunded


def _expect_money_kept(plan: Plan, trace: Trace) -> None:
    paid, refunded = _ledger(trace)
    held = paid - refunded
    assert set(held.tolist()) <= {0, 1}
    np.testing.assert_array_equal(held == 1, ~np.isnan(_moments(trace, "paid")))
    np.testing.assert_array_equal(refunded > 0, ~np.isnan(_moments(trace, "refunded")))
    outcome = np.array(trace.families["outcome"].words())
    assert (held[outcome == "enrolled"] == 1).all()
    assert (held[~np.isin(outcome, ["enrolled", "inside"])] == 0).all()
    assert [law.name for law in check_laws(trace, plan) if not law.holds] == []


def _working() -> Calendar:
    days = np.flatnonzero(working_days(HORIZON)) * DAY_S
    return Calendar.from_intervals([(day, day + DAY_S) for day in days.tolist()], HORIZON.days)


def test_who_has_paid_and_is_rejected_gets_the_fee_back(plugins: Plugins, tmp_path: Path) -> None:
    """A rejection after payment is followed by a refund within the stated working days, and by the end."""
    review = {"review": {**REVIEW, "refused": 0.5, "corrections": 0}}
    plan, trace = _run(
        tmp_path, plugins, 600, _only("alipay", place="before review"), start=dt.datetime(2025, 12, 1, 10), more=review
    )
    _expect_money_kept(plan, trace)
    outcomes = _outcomes(trace)
    assert set(outcomes) == {"enrolled", "rejected"}
    assert _near(outcomes["rejected"], 600, 0.5)
    rejected = np.array(trace.families["outcome"].words()) == "rejected"
    decided, refunded = _moments(trace, "reviewed")[rejected], _moments(trace, "refunded")[rejected]
    calendar = _working()
    days = [calendar.day_clock(end) - calendar.day_clock(start) for start, end in zip(decided, refunded, strict=True)]
    assert 20.0 - 1e-9 <= min(days) < 20.5
    assert 29.5 < max(days) <= 30.0 + 1e-9
    np.testing.assert_array_equal(refunded, _moments(trace, "finished")[rejected])
    assert np.isnan(_moments(trace, "paid")[rejected]).all()


def test_who_is_rejected_first_has_nothing_to_get_back(plugins: Plugins, tmp_path: Path) -> None:
    """Registered first, a rejection ends at once and no fee was ever paid."""
    review = {"review": {**REVIEW, "refused": 1.0, "corrections": 0}}
    _, trace = _run(tmp_path, plugins, 50, _only("alipay"), more=review)
    assert _outcomes(trace) == {"rejected": 50}
    np.testing.assert_array_equal(_moments(trace, "finished"), _moments(trace, "reviewed"))
    assert not np.char.startswith(_visits(trace)["station"].astype(str), "fee.").any()


def test_who_pays_first_and_comes_too_late_is_not_charged(plugins: Plugins, tmp_path: Path) -> None:
    """Closed payment days that last beyond the deadline keep families out, and no money changes hands."""
    more = {"policy": {"deadline": dt.date(2025, 12, 31)}, "population": {"kind": "city", "residents": 900}}
    payment = _only("alipay", place="before review", closed_after=25)
    _, trace = _run(tmp_path, plugins, 200, payment, start=dt.datetime(2025, 12, 27), more=more)
    newborn = np.array(trace.families["kind"].words()) == "newborn"  # may enrol all year round
    outcome = np.array(trace.families["outcome"].words())
    assert 0 < newborn.sum() < 200
    np.testing.assert_array_equal(outcome == "enrolled", newborn)
    assert set(outcome[~newborn]) == {"too late"}
    np.testing.assert_array_equal(_ledger(trace)[0], newborn)


SHARE = st.floats(0.0, 0.7)


@st.composite
def _payments(draw: Any) -> dict[str, Any]:
    """Give a payment with any mix of rates, methods, hours and places."""
    methods = draw(st.lists(st.sampled_from(METHODS), min_size=1, unique=True))
    tables: dict[str, Any] = {name: {"debit_failed": draw(SHARE)} for name in methods}
    for name in methods:
        tables[name] |= {"locked": draw(SHARE)} if name in ONLINE else {}
    if "bank_counter" in methods:
        tables["bank_counter"]["sites"] = {"east": {"staff": draw(st.integers(1, 3))}}
    rates = {name: draw(SHARE) for name in ("not_registered", "registers_elsewhere", "not_visible", "to_counter")}
    return {
        **_only(*methods, **tables),
        **rates,
        "place": draw(st.sampled_from(["before review", "after review"])),
        "tries": draw(st.integers(0, 4)),
        "closed_after": draw(st.sampled_from([None, 5, 12])),
        "maintenance": draw(st.sampled_from([[], ["00:00-06:00"], ["11:00-15:00", "23:00-24:00"]])),
        "refund_working_days": [1.0, draw(st.sampled_from([1.0, 12.0]))],
        "slots": draw(st.sampled_from([None, 1])),
    }


@settings(max_examples=25)
@given(payment=_payments(), seed=st.integers(1, 100), trouble=SHARE)
def test_money_is_kept_whatever_goes_wrong(
    plugins: Plugins, payment: dict[str, Any], seed: int, trouble: float
) -> None:
    """Each fee is for a child insured, for one in process, or returned; none is taken while payments are closed."""
    changes = {
        "population": {"residents": 300},
        "channels": {"desk": {"kind": "straight"}, "bank": {"kind": "cashier"}, "other": {"kind": "straight"}},
        "formalities": {"payment": {key: value for key, value in payment.items() if value is not None}},
        "review": {"mismatch": trouble, "refused": trouble / 2, "drop_out": trouble, "corrections": 1},
    }
    plan = scenario_plan(small_scenario(changes, plugins), seed)
    trace = CompiledEngine().run(plan)
    _expect_money_kept(plan, trace)
    visits = _visits(trace)
    booked = _at(visits, "fee.paid")[_at(visits, "fee.paid", "step") != "bank/till"]
    last = payment["closed_after"]
    assert all(last is None or date.day <= last for date in _dates(booked))
    assert not _within(booked, payment["maintenance"]).any()


def _within(moments: FloatArray, hours: list[str]) -> BoolArray:
    """Tell which moments lie in some hours of the day."""
    inside = np.zeros(len(moments), dtype=bool)
    for text in hours:
        start, end = (float(part[:2]) * 3600.0 for part in text.split("-"))
        inside |= (moments % DAY_S >= start) & (moments % DAY_S < end)
    return inside


# --- what a file may say ---


@pytest.mark.parametrize(
    ("changes", "key", "problem"),
    [
        ({name: {"weight": 0.0} for name in (*ONLINE, "transfer")}, "formalities.payment", "no method"),
        ({"refund_working_days": [30, 20]}, "formalities.payment.refund_working_days", "order"),
        ({"maintenance": ["07:00-23:00"]}, "formalities.payment.by_day", "no time"),
        ({"by_day": []}, "formalities.payment.by_day", "no time"),
        ({"bank_counter": {"sites": {}}}, "formalities.payment.bank_counter.sites", ""),
        ({"place": "afterwards"}, "formalities.payment.place", ""),
    ],
)
def test_what_cannot_be_is_a_fault_of_the_file(
    changes: Mapping[str, Any], key: str, problem: str, plugins: Plugins
) -> None:
    """Each mistake is told with its key before anything runs."""
    with pytest.raises(ScenarioError) as caught:
        small_scenario({"formalities": {"payment": {"kind": "payment", **changes}}}, plugins)
    (fault,) = caught.value.faults
    assert fault.key == key
    assert problem in fault.problem
