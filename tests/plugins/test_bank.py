"""The bank: whom its counters may serve, the fee that they take, patience, branches and corrections."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from pydantic import Field

from canbao.assembly import scenario_plan
from canbao.columns import Coded, numbers_of
from canbao.district import PAID, District, Part, pay_fee, return_fee
from canbao.engines.compiled_engine import CompiledEngine
from canbao.network import Marked, Step
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.models import Settings
from canbao.testing import check_channel, small_district, small_scenario
from canbao.testing.district import registered_also
from canbao.trace import Trace
from canbao_plugins.bank import Bank

DAY_S = 86_400.0
MONDAY = dt.datetime(2025, 12, 8, 9)
AT_ONCE = {"kind": "fixed", "value": "0 s"}
PATIENT = {"kind": "fixed", "value": "900 days"}
ROOMY = {"branch": {"staff": 900}}
OFFICE: dict[str, Any] = {"kind": "office", "sites": {"hall": {"staff": 900}}, "incomplete": 0.0}
REVIEW = {
    **dict.fromkeys(("incomplete", "mismatch", "refused", "duplicate", "drop_out"), 0.0),
    **{desk: {"staff": 500} for desk in ("acceptance", "first", "second")},
}


class _Fee(Settings):
    """A payment without any trouble: whoever has not paid does so, and a failed application gets it back."""

    kind: Literal["payment"]
    place: Literal["before review", "after review"] = Field("before review", description="When it is paid.")

    def build(self, name: str, district: District, onward: str) -> Part:
        return Part([], [Marked(PAID, name="due", yes=onward), *pay_fee(label="paid here", then=onward)])

    def undo(self, name: str, district: District, onward: str) -> Sequence[Step]:
        return [Marked(PAID, no=onward), *return_fee(then=onward)]


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once; the payment is one that never fails."""
    return registered_also(load_plugins(), "formalities", "payment", _Fee)


def _fixed(value: str) -> dict[str, str]:
    return {"kind": "fixed", "value": value}


def _bank(**settings: Any) -> dict[str, Any]:
    return {"kind": "bank", "sites": ROOMY, **settings}


def _run(
    folder: Path,
    plugins: Plugins,
    families: int,
    every_s: float,
    channels: Mapping[str, Any],
    start: dt.datetime = MONDAY,
    **more: Any,
) -> Trace:
    """Let families come one after the other, all of them to the first channel, and let the review pass everything."""
    path = folder / "arrivals.csv"
    moments = (start + dt.timedelta(seconds=every_s * number) for number in range(families))
    path.write_text("arrival\n" + "".join(f"{moment}\n" for moment in moments), encoding="utf-8")
    first, *others = channels
    changes = {
        "demand": {"kind": "replay", "file": str(path)},
        "channels": channels,
        "choice": {"online_share": 0.0, "popularity": {first: 1.0, **dict.fromkeys(others, 0.0)}},
        "review": REVIEW,
        **more,
    }
    return CompiledEngine().run(scenario_plan(small_scenario(changes, plugins)))


def _visits(trace: Trace, station: str = "bank.branch") -> dict[str, Any]:
    words = {name: np.array(column.words()) for name, column in trace.visits.items() if isinstance(column, Coded)}
    mine = words["station"] == station
    return {name: words.get(name, numbers_of(column))[mine] for name, column in trace.visits.items()}


def _failures(trace: Trace) -> Counter[str]:
    station: Any = trace.visits["station"]
    words = station.words()
    return Counter(word.partition(".")[2] for word in words if word.startswith("failure."))


def _outcomes(trace: Trace) -> Counter[str]:
    outcome: Any = trace.families["outcome"]
    return Counter(outcome.words())


def _built(plugins: Plugins, name: str, channels: Mapping[str, Any], district: District) -> Part:
    scenario: Any = small_scenario({"channels": channels}, plugins).scenario
    part = scenario.channels[name].build(name, replace(district, channels=scenario.channels))
    assert isinstance(part, Part)
    return part


def _near(count: float, trials: float, share: float) -> bool:
    """Tell whether a count of trials is within five standard deviations of its share."""
    return abs(count - trials * share) <= 5 * math.sqrt(trials * share * (1 - share))


@pytest.mark.parametrize(
    "settings",
    [
        {"sites": {"a": {"staff": 2}}},
        {
            "sites": {"a": {"staff": 1, "room": 5}, "b": {"staff": 1, "closing": "send home"}},
            "own_cards_only": True,
            "market_share": 0.4,
            "registers": False,
            "choice_of_site": "fastest",
            "baulk_at": 3,
        },
    ],
)
def test_it_is_a_channel_as_the_kit_wants_it(settings: Mapping[str, Any], plugins: Plugins) -> None:
    """Two banks side by side, plain and with everybody whom they may not serve."""
    assert len(np.asarray(check_channel(Bank, settings, plugins=plugins).families["family"])) > 100


# --- whom it may serve ---


def test_the_wrong_bank_sends_families_elsewhere(plugins: Plugins, tmp_path: Path) -> None:
    """As the only failure: all whose card is of another bank, at the counter, and they come to the hall at once."""
    channels = {"bank": _bank(own_cards_only=True, market_share=0.35), "office": OFFICE}
    trace = _run(tmp_path, plugins, 2000, 5.0, channels)
    failures, counter = _visits(trace, "failure.wrong channel"), _visits(trace)
    assert _failures(trace) == {"wrong channel": len(failures["family"])}
    assert _near(len(failures["family"]), 2000, 0.65)
    left = dict(zip(counter["family"].tolist(), counter["leave"].tolist(), strict=True))
    assert failures["enter"].tolist() == [left[family] for family in failures["family"].tolist()]
    last: Any = trace.families["last_channel"]
    wrong = np.isin(np.arange(2000), failures["family"])
    assert (last.has("office") == wrong).all()
    assert _outcomes(trace) == {"enrolled": 2000}
    assert (np.asarray(trace.families["trips"]) >= 1 + wrong).all()


def test_families_that_are_not_registered_yet_cannot_pay(plugins: Plugins, tmp_path: Path) -> None:
    """As the only failure: as many as stated, and all newborns, where the bank only takes payments."""
    more = {"population": {"births_per_thousand": 60.0}}
    channels = {"bank": _bank(registers=False, registered=0.8), "office": OFFICE}
    trace = _run(tmp_path, plugins, 2000, 5.0, channels, **more)
    failures = _visits(trace, "failure.not registered yet")
    assert _failures(trace) == {"not registered yet": len(failures["family"])}
    unknown = np.isin(np.arange(2000), failures["family"])
    kind: Any = trace.families["kind"]
    newborn = kind.has("newborn")
    assert newborn.sum() > 100
    assert unknown[newborn].all()
    assert _near(unknown[~newborn].sum(), (~newborn).sum(), 0.2)
    assert _outcomes(trace) == {"enrolled": 2000}
    registers = _run(tmp_path, plugins, 200, 5.0, {**channels, "bank": _bank(registered=0.0)}, **more)
    assert not _failures(registers)


def test_a_family_that_no_bank_serves_is_not_sent_to_and_fro_for_ever(plugins: Plugins, tmp_path: Path) -> None:
    """Once at each bank at once, then only after it gave up and came back, so often as it tries."""
    bank = _bank(own_cards_only=True, market_share=0.0, sites={"branch": {"staff": 900, "travel": AT_ONCE}})
    behaviour = {"persist": 1.0, "switch": 1.0, "tries": 3, "come_back": _fixed("1 h")}
    trace = _run(tmp_path, plugins, 50, 1.0, {"bank": bank, "savings": bank}, behaviour=behaviour)
    assert _outcomes(trace) == {"gave up": 50}
    family = _visits(trace, "failure.wrong channel")["family"]
    # There, to the other one and back at once; then three tries.
    assert np.bincount(family).tolist() == [3 + 3] * 50


def test_cards_of_several_banks_do_not_overlap(plugins: Plugins) -> None:
    """A family's card is of one bank at most, each bank has its share, and more branches do not change whose it is."""
    district = replace(small_district(plugins=plugins), families=10_000)
    district = replace(district, columns=district.typical)
    shares = {"east": 0.5, "west": 0.3, "north": 0.1}
    channels = {name: _bank(own_cards_only=True, market_share=share) for name, share in shares.items()}
    cards = {}
    for name, share in shares.items():
        cards[name] = np.asarray(_built(plugins, name, channels, district).columns[f"_{name} own card"])
        assert _near(cards[name].sum(), 10_000, share)
    total = np.sum(list(cards.values()), axis=0)
    assert set(total.tolist()) == {0.0, 1.0}


# --- the fee ---


@pytest.mark.parametrize(
    ("formalities", "takes_fee", "at_counter"),
    [
        ({"payment": {"kind": "payment"}}, True, True),
        ({"payment": {"kind": "payment"}}, False, False),
        ({"payment": {"kind": "payment", "place": "after review"}}, True, False),
        ({}, True, False),
    ],
)
def test_the_counter_takes_the_fee_where_it_can_be_given_back(
    formalities: Mapping[str, Any], takes_fee: bool, at_counter: bool, plugins: Plugins, tmp_path: Path
) -> None:
    """At the end of the visit, before the application is handed in; nobody pays twice, and nobody where none is due."""
    channels = {"bank": _bank(takes_fee=takes_fee), "office": OFFICE}
    trace = _run(tmp_path, plugins, 100, 60.0, channels, formalities=formalities)
    ledger = _visits(trace, "fee.paid")
    assert ledger["family"].tolist() == (list(range(100)) if formalities else [])
    if at_counter:
        assert set(ledger["step"].tolist()) == {"bank/pays"}
        np.testing.assert_array_equal(ledger["enter"], _visits(trace)["leave"])
        np.testing.assert_array_equal(ledger["enter"], np.asarray(trace.families["submitted"]))
    else:
        assert set(ledger["step"].tolist()) <= {"payment/paid here"}
    assert _outcomes(trace) == {"enrolled": 100}


def test_a_fee_paid_at_the_counter_is_kept_for_enrolled_families_only(plugins: Plugins, tmp_path: Path) -> None:
    """Corrected applications pay once; whoever ends otherwise has it back, to the last yuan."""
    review = {**REVIEW, "mismatch": 0.4, "corrections": 1, "drop_out": 0.3, "duplicate": 0.1}
    more = {"formalities": {"payment": {"kind": "payment"}}, "review": review}
    trace = _run(tmp_path, plugins, 500, 20.0, {"bank": _bank()}, **more)
    paid, refunded = (np.bincount(_visits(trace, f"fee.{way}")["family"], minlength=500) for way in (PAID, "refunded"))
    assert set(paid.tolist()) == {1}
    outcome: Any = trace.families["outcome"]
    enrolled = outcome.has("enrolled")
    assert (paid - refunded == enrolled).all()
    assert {"rejected", "withdrawn", "already enrolled"} <= set(outcome.words())
    assert sum("correction" in step for step in _visits(trace)["step"]) > 50


def test_families_without_a_fee_pay_nothing(plugins: Plugins) -> None:
    """Where the policy names fees, whoever has none is not asked at the counter."""
    district = small_district(plugins=plugins)
    fees = np.where(np.arange(district.families) % 3 == 0, 0.0, 400.0)
    known = replace(district, columns={**district.columns, "fee_yuan": fees})
    for place, wanted in ((known, fees > 0), (district, fees >= 0)):
        owes = _built(plugins, "bank", {"bank": _bank()}, place).columns["_bank owes"]
        assert np.asarray(owes).tolist() == wanted.tolist()


# --- at the branch ---


def test_nobody_waits_longer_than_its_patience(plugins: Plugins, tmp_path: Path) -> None:
    """By default half of those who leave do so by 40 minutes, when they are angry, and one in six by 20, annoyed."""
    sites = {"branch": {"staff": 1, "travel": AT_ONCE}}
    channels = {"bank": _bank(sites=sites, pay=_fixed("7 h"))}
    trace = _run(tmp_path, plugins, 1000, 0.0, channels, behaviour={"persist": 0.0})
    counter = _visits(trace)
    waited = (counter["leave"] - counter["enter"])[counter["ended"] == "abandoned"]
    assert len(waited) > 990  # a few wait for more than a visit of seven hours
    assert _near((waited <= 2400.0).sum(), 999, 0.5)
    assert _near((waited <= 1200.0).sum(), 999, 0.159)


def test_families_turn_round_before_a_long_queue(plugins: Plugins, tmp_path: Path) -> None:
    """With two counters and three waiting for each, whoever meets six waiting does not join."""
    sites = {"branch": {"staff": 2, "travel": AT_ONCE}}
    channels = {"bank": _bank(sites=sites, patience=PATIENT, baulk_at=3)}
    counter = _visits(_run(tmp_path, plugins, 60, 0.0, channels, behaviour={"persist": 0.0}))
    assert Counter(counter["ended"].tolist()) == {"served": 8, "baulked": 52}


def test_who_comes_at_night_comes_most_of_all_around_noon(plugins: Plugins, tmp_path: Path) -> None:
    """The next day, in the hours of the branch, which are open over noon; nearly half between 11:48 and 13:48."""
    night = dt.datetime(2025, 12, 7, 22)
    sites = {"branch": {"staff": 900, "travel": AT_ONCE}}
    enter = _visits(_run(tmp_path, plugins, 2000, 1.0, {"bank": _bank(sites=sites)}, night))["enter"]
    hours = enter % DAY_S / 3600
    assert set((enter // DAY_S).tolist()) == {7.0}
    assert hours.min() >= 9
    assert hours.max() < 17
    assert _near(((hours >= 11.8) & (hours < 13.8)).sum(), 2000, 0.45)


def test_a_returned_application_is_corrected_at_the_branch(plugins: Plugins, tmp_path: Path) -> None:
    """After the time to fetch, in a second visit; and the application is in the review again."""
    review = {**REVIEW, "mismatch": 0.5, "corrections": 50}
    channels = {"bank": _bank(fetch=_fixed("1 day"), patience=PATIENT)}
    trace = _run(tmp_path, plugins, 200, 30.0, channels, review=review)
    counter = _visits(trace)
    corrected = (counter["step"] == "bank/branch correction") & (counter["ended"] == "served")
    corrections = Counter(counter["family"][corrected].tolist())
    rounds = Counter(_visits(trace, "review.intake")["family"].tolist())
    assert corrections.total() > 100
    assert all(rounds[family] == 1 + corrections[family] for family in range(200))
    assert _outcomes(trace) == {"enrolled": 200}


def test_ways_to_the_branches_are_known_to_those_who_choose_by_distance(plugins: Plugins) -> None:
    """The mean way to the branch near each family, as many times as long as the population says."""
    district = small_district(plugins=plugins)
    near = {"staff": 1, "travel": _fixed("10 min")}
    far = {"staff": 1, "travel": _fixed("30 min"), "catchment": 2.0}
    channels = {"bank": _bank(sites={"near": near, "far": far})}
    scenario: Any = small_scenario({"channels": channels}, plugins).scenario
    ways = scenario.channels["bank"].travel_s("bank", district)
    mine = np.asarray(_built(plugins, "bank", channels, district).columns["_bank near far"])
    np.testing.assert_allclose(ways / district.number("way_factor"), np.where(mine > 0, 1800.0, 600.0))


def test_more_counters_do_not_change_the_luck_of_anybody(plugins: Plugins, tmp_path: Path) -> None:
    """A family takes as long at the only counter as at one of many, and has the same card."""
    settings = {"own_cards_only": True, "market_share": 0.5, "patience": PATIENT}
    runs = []
    for staff in (1, 90):
        channels = {"bank": _bank(sites={"branch": {"staff": staff}}, **settings), "office": OFFICE}
        runs.append(_run(tmp_path, plugins, 100, 10.0, channels))
    stays = []
    for trace in runs:
        counter = _visits(trace)
        first = counter["attempt"] == 0
        stays.append((counter["leave"] - counter["start"])[first][np.argsort(counter["family"][first])])
    np.testing.assert_allclose(stays[0], stays[1], rtol=1e-6)
    wrong = [sorted(_visits(trace, "failure.wrong channel")["family"].tolist()) for trace in runs]
    assert wrong[0] == wrong[1]
    assert (_visits(runs[0])["start"] > _visits(runs[0])["enter"]).sum() > 50
