"""The birth bundle: one form at the ward; the birth is registered first, the insurance comes last."""

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
from canbao.assembly import make_district, scenario_plan
from canbao.columns import Coded, numbers_of
from canbao.district import GIVE_UP, District, Part
from canbao.engines.compiled_engine import CompiledEngine
from canbao.errors import ScenarioError
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.models import Settings
from canbao.testing import check_channel, small_district, small_scenario
from canbao.testing.district import registered_also
from canbao.trace import Trace
from canbao_plugins.hospital import BIRTH_REGISTERED, HOUSEHOLD_LICENCE, Hospital

DAY_S = 86_400.0
MONDAY = dt.datetime(2025, 12, 8, 9)
AT_ONCE = {"kind": "fixed", "value": "0 s"}
WARD = {"staff": 900, "travel": AT_ONCE}
REVIEW = {
    **dict.fromkeys(("incomplete", "mismatch", "refused", "duplicate", "drop_out"), 0.0),
    **{desk: {"staff": 500} for desk in ("acceptance", "first", "second")},
}
"""A review that passes everything, and in which nobody waits for a clerk."""
CALM = {"undecided": 0.0, "incomplete": 0.0, "hasty": 0.0}
"""Nothing goes wrong at the ward."""
BIRTHS = {"population": {"residents": 4000, "births_per_thousand": 1000.0}}
"""A district in which most families have a newborn."""


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins()


def _fixed(value: str) -> dict[str, str]:
    return {"kind": "fixed", "value": value}


def _replay(folder: Path, count: int, start: dt.datetime = MONDAY, every_s: float = 1.0) -> dict[str, Any]:
    path = folder / "arrivals.csv"
    moments = (start + dt.timedelta(seconds=every_s * number) for number in range(count))
    path.write_text("arrival\n" + "".join(f"{moment}\n" for moment in moments), encoding="utf-8")
    return {"kind": "replay", "file": str(path)}


def _changes(more: Mapping[str, Any], **hospital: Any) -> dict[str, Any]:
    """Give a district whose newborns go to the hospital and all others to an office, and nothing else goes wrong."""
    wards = {"kind": "hospital", "sites": {"first": WARD}, **CALM, **hospital}
    office = {"kind": "office", "incomplete": 0.0, "sites": {"hall": WARD}}
    choice = {"online_share": 0.0, "popularity": {"office": 1e-9}}
    channels = {"channels": {"hospital": wards, "office": office}}
    return {**channels, "review": REVIEW, "choice": choice, **BIRTHS, **more}


def _run(more: Mapping[str, Any], plugins: Plugins, **hospital: Any) -> Trace:
    return CompiledEngine().run(scenario_plan(small_scenario(_changes(more, **hospital), plugins)))


def _visits(trace: Trace, station: str) -> dict[str, Any]:
    """Give the visits to the stations of which the name begins so, with words for station, step and ending."""
    words = {name: np.array(column.words()) for name, column in trace.visits.items() if isinstance(column, Coded)}
    mine = np.char.startswith(words["station"].astype(str), station)
    return {name: words.get(name, numbers_of(column))[mine] for name, column in trace.visits.items()}


def _newborn(trace: Trace) -> Any:
    kind: Any = trace.families["kind"]
    return kind.has("newborn")


def _moments(trace: Trace, name: str) -> Any:
    return np.asarray(trace.families[name], dtype=np.float64)


def _outcomes(trace: Trace) -> Counter[str]:
    outcome = trace.families["outcome"]
    assert isinstance(outcome, Coded)
    return Counter(outcome.words())


def _near(count: float, trials: float, share: float) -> bool:
    """Tell whether a count of trials is within five standard deviations of its share."""
    return abs(count - trials * share) <= 5 * math.sqrt(trials * share * (1 - share))


def _working_days(trace: Trace, start: Any, end: Any, plugins: Plugins) -> Any:
    """Count the working days from a moment to another, the first day left out."""
    worked = np.cumsum(small_district(plugins=plugins).working)
    return worked[(end // DAY_S).astype(int)] - worked[(start // DAY_S).astype(int)]


def test_it_is_a_channel_as_the_kit_wants_it(plugins: Plugins) -> None:
    """Two hospitals side by side, beside an office for all others."""
    sites = {"east": {"staff": 2, "room": 9}, "west": {"staff": 1, "closing": "send home"}}
    check_channel(Hospital, {"sites": sites, "hasty": 0.5, "undecided": 0.5}, plugins=plugins)


@given(seed=st.integers(1, 10_000))
@settings(max_examples=5, deadline=None)
def test_only_newborns_are_enrolled_at_the_ward(seed: int, plugins: Plugins) -> None:
    """Whatever the seed, no other family ever comes there, and no newborn's family has to go anywhere else."""
    population = {"population": {"residents": 600, "births_per_thousand": 300.0}}
    trace = _run({"seed": seed, **population}, plugins)
    newborn, channels = _newborn(trace), [trace.families[f"{which}_channel"] for which in ("first", "last")]
    assert all((channel.has("hospital") == newborn).all() for channel in channels)
    ids = np.asarray(trace.families["family"])
    assert newborn[np.isin(ids, _visits(trace, "hospital")["family"])].all()
    assert 20 < newborn.sum() < len(ids) - 20


# --- the order ---


@pytest.mark.parametrize(("least", "most"), [(1, 5), (3, 3), (2, 9)])
def test_the_police_take_as_many_working_days_as_stated(
    least: int, most: int, plugins: Plugins, tmp_path: Path
) -> None:
    """From the form to the registration it is each number of working days alike, whatever holidays lie between."""
    demand = _replay(tmp_path, 2000, dt.datetime(2025, 12, 25, 9))
    trace = _run({"demand": demand}, plugins, registration={"least": least, "most": most})
    forms = _visits(trace, "hospital.first")
    registered = _moments(trace, BIRTH_REGISTERED)[forms["family"]]
    days = _working_days(trace, forms["leave"], registered, plugins)
    counts = np.bincount(days, minlength=most + 1)
    assert counts[:least].sum() == 0
    assert len(counts) == most + 1
    assert all(_near(count, len(days), 1 / (most - least + 1)) for count in counts[least:])
    assert len(days) > 1000


def test_registration_comes_before_the_licence_and_the_licence_before_the_insurance(plugins: Plugins) -> None:
    """Whatever goes wrong meanwhile; and the card, which comes after the approval, is later still."""
    review = {**REVIEW, "mismatch": 0.2}
    trace = _run({"review": review}, plugins, hasty=0.5, undecided=0.5, incomplete=0.5, sites={"first": {"staff": 3}})
    newborn = _newborn(trace)
    names = (BIRTH_REGISTERED, HOUSEHOLD_LICENCE, "submitted", "reviewed")
    registered, licence, submitted, reviewed = (_moments(trace, name)[newborn] for name in names)
    done = ~np.isnan(submitted)
    assert done.sum() > 300
    assert (registered[done] < licence[done]).all()
    assert (licence[done] <= submitted[done]).all()
    assert (submitted[done] < reviewed[done])[~np.isnan(reviewed[done])].all()
    assert np.isnan(_moments(trace, BIRTH_REGISTERED)[~newborn]).all()


def test_the_licence_takes_the_time_stated_and_the_application_goes_by_itself(plugins: Plugins, tmp_path: Path) -> None:
    """Two working hours after the registration it is handed in, and the family has made no trip at all."""
    trace = _run({"demand": _replay(tmp_path, 500)}, plugins, licence="2 working hours", registration={"most": 1})
    newborn = _newborn(trace)
    registered, submitted = _moments(trace, BIRTH_REGISTERED)[newborn], _moments(trace, "submitted")[newborn]
    np.testing.assert_array_equal(submitted, _moments(trace, HOUSEHOLD_LICENCE)[newborn])
    np.testing.assert_allclose(submitted - registered, 2 * 3600.0)  # all of them before ten in the morning
    assert not np.asarray(trace.families["trips"])[newborn].any()
    assert len(_visits(trace, "failure.")["family"]) == 0


# --- what goes wrong ---


def test_who_asks_before_the_registration_is_sent_back_and_comes_again(plugins: Plugins, tmp_path: Path) -> None:
    """The only thing that fails, as often as stated; it costs two ways, and the time until the family comes again."""
    demand = _replay(tmp_path, 3000)
    said = {"hasty": 0.3, "skill_effect": 4.0}
    trace = _run({"demand": demand}, plugins, **said, come_again=_fixed("26 h"), licence="0 s")
    failures, visits = _visits(trace, "failure."), _visits(trace, "hospital.first")
    newborn, ids = _newborn(trace), np.arange(3000)
    assert set(failures["station"].tolist()) == {"failure.not registered yet"}
    hasty = np.isin(ids, failures["family"])
    assert not hasty[~newborn].any()
    assert len(failures["family"]) == hasty.sum()
    chance = 1 - _chance("waits", 0.7, {"demand": demand}, plugins, **said)
    spread = math.sqrt((chance * (1 - chance))[newborn].sum())
    assert abs(hasty.sum() - chance[newborn].sum()) <= 5 * spread
    skill = np.asarray(trace.families["digital_skill"])
    assert (np.diff(chance[np.argsort(skill)]) <= 0).all()
    assert skill[hasty].mean() < skill[newborn & ~hasty].mean() - 0.05
    registered = _moments(trace, BIRTH_REGISTERED)
    assert (failures["enter"] < registered[failures["family"]]).all()
    # The police need as long as for everybody else.
    forms = visits["step"] == "hospital/first form"
    days = _working_days(trace, visits["leave"][forms], registered[visits["family"][forms]], plugins)
    assert set(days.tolist()) == {1, 2, 3, 4, 5}
    again = visits["step"] == "hospital/first asks again"
    assert visits["family"][again].tolist() == sorted(failures["family"].tolist())
    assert (visits["enter"][again] >= registered[visits["family"][again]] + 26 * 3600.0).all()
    submitted = _moments(trace, "submitted")
    np.testing.assert_array_equal(submitted[visits["family"][again]], visits["leave"][again])
    trips = np.asarray(trace.families["trips"])
    assert trips[newborn].tolist() == (2 * hasty[newborn]).tolist()
    assert _outcomes(trace) == {"enrolled": 3000}


def test_who_has_no_name_yet_comes_back_with_one(plugins: Plugins, tmp_path: Path) -> None:
    """As many as stated, after the time to decide; it is no failure, and one way."""
    trace = _run({"demand": _replay(tmp_path, 3000)}, plugins, undecided=0.2, decide=_fixed("48 h"))
    visits, newborn = _visits(trace, "hospital.first"), _newborn(trace)
    named = visits["step"] == "hospital/first named visit"
    assert _near(named.sum(), newborn.sum(), 0.2)
    form = visits["step"] == "hospital/first form"
    left = dict(zip(visits["family"][form].tolist(), visits["leave"][form].tolist(), strict=True))
    wanted = [left[family] + 48 * 3600.0 for family in visits["family"][named].tolist()]
    np.testing.assert_allclose(visits["enter"][named], wanted)
    assert len(_visits(trace, "failure.")["family"]) == 0
    trips = np.asarray(trace.families["trips"])[newborn]
    assert trips.sum() == named.sum()


def test_incomplete_papers_cost_the_time_to_fetch_them(plugins: Plugins, tmp_path: Path) -> None:
    """The only thing that fails, as often as stated; the form is complete that much later."""
    demand = {"demand": _replay(tmp_path, 3000)}
    trace = _run(demand, plugins, incomplete=0.25, fetch=_fixed("24 h"))
    failures, visits, newborn = _visits(trace, "failure."), _visits(trace, "hospital.first"), _newborn(trace)
    assert set(failures["station"].tolist()) == {"failure.incomplete papers"}
    chance = 1 - _chance("papers", 0.75, demand, plugins, incomplete=0.25)
    spread = math.sqrt((chance * (1 - chance))[newborn].sum())
    assert abs(len(failures["family"]) - chance[newborn].sum()) <= 5 * spread
    second = visits["step"] == "hospital/first second visit"
    np.testing.assert_allclose(visits["enter"][second], failures["enter"] + 24 * 3600.0)


def _chance(name: str, mean: float, more: Mapping[str, Any], plugins: Plugins, **hospital: Any) -> Any:
    """Give each family's chance that all is well; the mean over typical families is what the scenario states."""
    changes = _changes(more, **hospital)
    channel: Any = small_scenario(changes, plugins).scenario.channels["hospital"]
    district, column = small_district(changes, plugins), f"_hospital {name}"
    typical = channel.build("hospital", replace(district, columns=district.typical, families=10_000))
    assert np.asarray(typical.columns[column]).mean() == pytest.approx(mean)
    return np.asarray(channel.build("hospital", district).columns[column])


def test_what_the_review_returns_is_corrected_at_the_desk(plugins: Plugins, tmp_path: Path) -> None:
    """After the time to correct it, by one more way for each round; nobody who came so far gives up."""
    review = {**REVIEW, "mismatch": 0.3, "corrections": 50}
    changes = {"demand": _replay(tmp_path, 1000), "review": review}
    trace = _run(changes, plugins, fetch=_fixed("5 h"))
    visits, newborn = _visits(trace, "hospital.first"), _newborn(trace)
    corrections = Counter(visits["family"][visits["step"] == "hospital/first correction"].tolist())
    rounds = Counter(_visits(trace, "review.intake")["family"].tolist())
    mine = np.flatnonzero(newborn).tolist()
    assert all(rounds[family] == 1 + corrections[family] for family in mine)
    assert corrections.total() > 100
    trips = np.asarray(trace.families["trips"])
    assert all(trips[family] == corrections[family] for family in mine)
    assert _outcomes(trace) == {"enrolled": 1000}


class Stumble(Settings):
    """Lets everybody give up once on the way to the review."""

    place: ClassVar[Literal["before review"]] = "before review"

    kind: Literal["stumble"]

    def build(self, name: str, district: District, onward: str) -> Part:
        """Fail the first time."""
        steps: Sequence[Any] = [canbao.Check(0.0, name="first", failed=GIVE_UP, limit=1, exceeded=onward)]
        return Part([], steps)


def test_a_birth_is_registered_once(plugins: Plugins, tmp_path: Path) -> None:
    """Whoever gives up behind the form, as while paying, hands in again without a second form or registration."""
    more = {
        "demand": _replay(tmp_path, 300),
        "formalities": {"stumble": {"kind": "stumble"}},
        "behaviour": {"persist": 1.0, "switch": 0.0, "come_back": _fixed("1 h")},
    }
    trace = _run(more, registered_also(plugins, "formalities", "stumble", Stumble), registration={"least": 2})
    newborn = _newborn(trace)
    forms = _visits(trace, "hospital.first")
    assert Counter(forms["family"].tolist()) == dict.fromkeys(np.flatnonzero(newborn).tolist(), 1)
    licence, submitted = (_moments(trace, name)[newborn] for name in (HOUSEHOLD_LICENCE, "submitted"))
    np.testing.assert_allclose(submitted, licence + 3600.0)
    assert _outcomes(trace) == {"enrolled": 300}


# --- the rest ---


def test_more_desks_change_no_luck(plugins: Plugins, tmp_path: Path) -> None:
    """The same families are undecided, lack papers and ask too early, and the police need the same days for them."""
    demand = _replay(tmp_path, 400, every_s=60.0)
    said = {"undecided": 0.3, "incomplete": 0.3, "hasty": 0.3, "patience": _fixed("900 days")}
    found = []
    for staff in (4, 40):
        trace = _run({"demand": demand}, plugins, sites={"first": {"staff": staff}}, **said)
        visits, failures = _visits(trace, "hospital.first"), _visits(trace, "failure.")
        steps = Counter(zip(visits["family"].tolist(), visits["step"].tolist(), visits["ended"].tolist(), strict=True))
        served = {key: count for key, count in steps.items() if key[2] == "served"}
        found.append((served, Counter(zip(failures["family"].tolist(), failures["station"].tolist(), strict=True))))
    assert found[0] == found[1]
    assert len(found[0][1]) > 100


def test_luck_of_a_family_depends_on_no_other(plugins: Plugins) -> None:
    """The days that the police need, and when the hasty ask, are whole and inside what is stated."""
    file = small_scenario(_changes({}, registration={"least": 2, "most": 4}), plugins)
    hospital: Any = file.scenario.channels["hospital"]
    columns = hospital.build("hospital", make_district(file, 7)).columns
    days, asks, left = (np.asarray(columns[f"_hospital {name}"]) for name in ("registration", "asks", "left"))
    assert set(days.tolist()) == {2.0, 3.0, 4.0}
    assert (asks >= 0).all()
    assert (asks < days).all()
    np.testing.assert_array_equal(asks + left, days)


def test_more_days_at_least_than_at_most_are_a_fault(plugins: Plugins) -> None:
    """The fault names the key."""
    with pytest.raises(ScenarioError) as refused:
        small_scenario(_changes({}, registration={"least": 6}), plugins)
    assert [fault.key for fault in refused.value.faults] == ["channels.hospital.registration.most"]
