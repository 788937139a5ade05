"""The built-in regions: what each says, by hand from the sources, and where each value comes from."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.calendar import Horizon
from canbao.columns import Coded
from canbao.errors import InputError
from canbao.plugins import load_plugins
from canbao.testing import check_plugin, check_policy, small_district
from canbao_plugins import doors, policies
from canbao_plugins.families import CATEGORIES, KINDS, PAPERS, REGISTERS
from canbao_plugins.families.population import needed_papers
from canbao_plugins.policies import REGIONS, Region
from canbao_plugins.policies.rules import Category, Kind, Paper

PLUGINS = load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})
HORIZON = Horizon(dt.date(2025, 9, 1), dt.date(2026, 6, 30))

# What a child pays and what the state adds for an ordinary one, from the sources and not from the region files.
FEES: dict[str, dict[str, float]] = {
    "national-2025": dict(zip(CATEGORIES, (400, 120, 0, 200, 0, 200, 120), strict=True)),
    "national-2026": dict(zip(CATEGORIES, (400, 120, 0, 200, 0, 200, 120), strict=True)),
    "beijing-2026": dict(zip(CATEGORIES, (435, 120, 0, 200, 0, 200, 120), strict=True)),
    "taian-2026": dict(zip(CATEGORIES, (390, 120, 0, 200, 0, 200, 120), strict=True)),
    "yuxi-2026": dict(zip(CATEGORIES, (400, 280, 0, 200, 0, 200, 220), strict=True)),
}
SUBSIDY = {"national-2025": 670, "national-2026": 700, "beijing-2026": 1755, "taian-2026": 700, "yuxi-2026": 700}
PERIOD = {
    "national-2025": ("2024-09-01", "2024-12-31"),
    "national-2026": ("2025-09-01", "2025-12-31"),
    "beijing-2026": ("2025-11-30", "2026-02-28"),
    "taian-2026": ("2025-10-13", "2025-12-31"),
    "yuxi-2026": ("2025-10-10", "2026-02-25"),
}
OWN = {  # what a region says itself, of what is a fact
    "beijing-2026": {"start", "deadline", "subsidy", "fees.ordinary"},
    "taian-2026": {"start", "deadline", "fees.ordinary"},
    "yuxi-2026": {
        *("start", "deadline", "fees.low_income", "fees.extremely_poor", "fees.orphan", "fees.monitored"),
    },
}


def families(**columns: Any) -> dict[str, Any]:
    """Give columns of families; words are given as words."""
    known = {"category": CATEGORIES, "kind": KINDS, "register": REGISTERS}
    return {
        name: Coded(np.array([known[name].index(word) for word in values], dtype=np.int8), known[name])
        if name in known
        else np.asarray(values)
        for name, values in columns.items()
    }


def changed(region: str, **changes: Any) -> Region:
    """Give a built-in region with other values, as a scenario would write them."""
    return Region.model_validate({"kind": "region", "region": region, **changes})


def second(text: str) -> float:
    """Give a moment in seconds."""
    return HORIZON.seconds(dt.datetime.fromisoformat(text))


# --- oracles ----------------------------------------------------------------------------------------------------------


def test_the_built_in_regions_are_those_of_the_tables_below() -> None:
    """No region comes without an oracle."""
    assert set(REGIONS) == set(FEES) == set(SUBSIDY) == set(PERIOD)


@pytest.mark.parametrize("name", FEES)
def test_a_child_of_each_category_pays_what_the_sources_say(name: str) -> None:
    """One child of each category, against the tables of fees."""
    paid = Region.named(name).fee_yuan(families(category=CATEGORIES), HORIZON)
    assert dict(zip(CATEGORIES, paid.tolist(), strict=True)) == FEES[name]


@pytest.mark.parametrize("name", SUBSIDY)
def test_the_state_adds_the_subsidy_and_what_a_category_is_let_off(name: str) -> None:
    """The fund gets the same for each child: what an ordinary child pays and the subsidy."""
    columns = families(category=CATEGORIES)
    added = Region.named(name).subsidy_yuan(columns, HORIZON)
    assert added[0] == SUBSIDY[name]
    per_child = FEES[name]["ordinary"] + SUBSIDY[name]
    assert (added + Region.named(name).fee_yuan(columns, HORIZON)).tolist() == [per_child] * len(CATEGORIES)


@pytest.mark.parametrize("name", PERIOD)
def test_the_collection_period_is_that_of_the_sources(name: str) -> None:
    """From the first midnight to the midnight behind the last date; the insurance year is a calendar year."""
    first, last = (dt.date.fromisoformat(text) for text in PERIOD[name])
    region = Region.named(name)
    assert region.period_s(HORIZON) == (HORIZON.seconds(first), HORIZON.seconds(last + dt.timedelta(days=1)))
    year = int(name[-4:])
    assert region.benefits_s(HORIZON) == tuple(HORIZON.seconds(dt.date(year + more, 1, 1)) for more in (0, 1))


def test_a_collection_may_take_one_day() -> None:
    """Its first date is its last."""
    start, end = changed("beijing-2026", deadline=dt.date(2025, 11, 30)).period_s(HORIZON)
    assert end - start == 86_400.0


@pytest.mark.parametrize("name", FEES)
def test_what_holds_everywhere(name: str) -> None:
    """Ninety days for newborns, three months to wait and one more a year, ten yuan for care, refunds in 20-30 days."""
    region = Region.named(name)
    assert (region.newborn_days, region.newborn_both_years) == (90, True)
    assert (region.waiting.months, region.waiting.further_months, region.waiting.since) == (3, 1, 2025)
    assert region.long_term_care == 10
    refund = region.refund
    assert (refund.before_benefits_only, refund.least_working_days, refund.most_working_days) == (True, 20, 30)
    assert region.refundable_until_s(HORIZON) == region.benefits_s(HORIZON)[0]


def test_a_place_may_pay_back_at_any_time() -> None:
    """Then there is no moment after which a refund comes too late."""
    refund = {"before_benefits_only": False}
    assert changed("beijing-2026", refund=refund).refundable_until_s(HORIZON) == math.inf


# --- words ------------------------------------------------------------------------------------------------------------


def test_the_words_of_the_rules_are_those_of_the_population() -> None:
    """A region speaks of the kinds, categories and papers that families have."""
    assert (get_args(Kind), get_args(Category), get_args(Paper)) == (KINDS, CATEGORIES, PAPERS)


@pytest.mark.parametrize("name", FEES)
@pytest.mark.parametrize("register", REGISTERS)
@pytest.mark.parametrize("kind", KINDS)
def test_papers_are_those_that_the_population_is_drawn_with(name: str, kind: str, register: str) -> None:
    """As long as no region is known to ask for others, families that are complete there are complete here."""
    assert set(Region.named(name).needed_papers(kind, register)) == set(needed_papers(kind, register))


def test_a_region_may_ask_for_other_papers() -> None:
    """They come in the order of the file, and none of them twice."""
    papers = {"pupil": ["photo", "residence_proof"], "elsewhere": ["residence_proof", "birth_certificate"]}
    region = changed("beijing-2026", papers=papers)
    assert region.needed_papers("pupil", "local") == ("photo", "residence_proof")
    assert region.needed_papers("pupil", "elsewhere") == ("photo", "residence_proof", "birth_certificate")
    assert region.needed_papers("newborn", "local") == ("birth_certificate", "household_register", "identity_cards")


def test_families_lack_what_their_region_asks_for() -> None:
    """Where pupils need proof of residence, those without it lack a paper; else nothing changes."""
    plain, strict = (
        small_district({"policy": {"kind": "region", "region": "national-2026", **DECEMBER, **more}}, PLUGINS)
        for more in ({}, {"papers": {"pupil": ["residence_proof"]}})
    )
    alone = small_district(plugins=PLUGINS)  # a policy that knows nothing of papers
    usual = np.asarray(plain.columns["papers_complete"])
    np.testing.assert_array_equal(usual, np.asarray(alone.columns["papers_complete"]))
    kind: Any = strict.columns["kind"]
    pupil, bit = kind.has("pupil"), 1 << PAPERS.index("residence_proof")
    holds = (np.asarray(strict.columns["papers"]) & bit) > 0
    complete = np.asarray(strict.columns["papers_complete"])
    register: Any = strict.columns["register"]
    local = pupil & register.has("local")
    np.testing.assert_array_equal(complete[local], holds[local])
    assert 0 < complete[local].mean() < 1
    np.testing.assert_array_equal(complete[~pupil], usual[~pupil])
    assert len(np.asarray(strict.typical["papers_complete"])) == 10_000


# --- money ------------------------------------------------------------------------------------------------------------


def test_a_family_pays_for_each_of_its_children() -> None:
    """Two children of a low-income family, three of an ordinary one."""
    columns = families(category=["low income", "ordinary"], children=[2, 3])
    region = Region.named("yuxi-2026")
    assert region.fee_yuan(columns, HORIZON).tolist() == [560.0, 1200.0]
    assert region.subsidy_yuan(columns, HORIZON).tolist() == [2 * 820.0, 2100.0]
    assert region.long_term_care_yuan(columns, HORIZON).tolist() == [20.0, 30.0]


def test_who_pays_nothing_pays_nothing_for_long_term_care() -> None:
    """The share is inside the fee, so it is never more than the fee."""
    columns = families(category=["ordinary", "orphan"])
    assert Region.named("beijing-2026").long_term_care_yuan(columns, HORIZON).tolist() == [10.0, 0.0]


@pytest.mark.parametrize(
    ("both", "paid"), [(True, [1305.0, 870.0, 870.0, 435.0]), (False, [870.0, 870.0, 870.0, 435.0])]
)
def test_a_newborn_from_before_new_year_pays_for_two_years_where_the_region_says_so(
    both: bool, paid: list[float]
) -> None:
    """Its brother does not, and neither does a child born on 1 January or one that is no newborn."""
    births = [second(day) for day in ("2025-12-31 23:59:59", "2026-01-01", "2026-02-01", "2019-05-05")]
    kind = ["newborn", "newborn", "newborn", "pupil"]
    columns = families(kind=kind, birth_s=births, children=[2, 2, 2, 1], newborns=[1, 1, 1, 0])
    region = changed("beijing-2026", newborn_both_years=both)
    assert region.fee_yuan(columns, HORIZON).tolist() == paid
    assert region.subsidy_yuan(columns, HORIZON).tolist() == [fee / 435 * 1755 for fee in paid]


def test_twins_pay_for_two_years_each() -> None:
    """Two newborns from before New Year and a brother: five contributions."""
    columns = families(kind=["newborn"], birth_s=[second("2025-12-24")], children=[3], newborns=[2])
    assert Region.named("beijing-2026").fee_yuan(columns, HORIZON).tolist() == [5 * 435.0]


def test_a_population_that_knows_less_pays_for_one_ordinary_child() -> None:
    """Without categories all are ordinary, without numbers of children each family has one."""
    columns = {"_number": np.arange(3)}
    assert Region.named("taian-2026").fee_yuan(columns, HORIZON).tolist() == [390.0] * 3
    newborn = families(kind=["newborn", "pupil"])
    assert Region.named("taian-2026").fee_yuan(newborn, HORIZON).tolist() == [390.0] * 2


def test_a_category_without_a_fee_is_an_error_that_names_it() -> None:
    """An outsider's population may have categories that no fee is known of."""
    columns = {"category": Coded(np.zeros(2, dtype=np.int8), ("ordinary", "veteran"))}
    with pytest.raises(InputError, match=r"no fee is known of the category 'veteran'; known are .*monitored"):
        Region.named("beijing-2026").fee_yuan(columns, HORIZON)


people = st.lists(
    st.tuples(st.sampled_from(CATEGORIES), st.sampled_from(KINDS), st.integers(1, 3), st.floats(-3e7, 3e7)),
    min_size=1,
    max_size=20,
)


def _columns(drawn: list[tuple[str, str, int, float]]) -> dict[str, Any]:
    category, kind, children, birth = zip(*drawn, strict=True)
    newborns = [int(word == "newborn") for word in kind]
    return families(category=category, kind=kind, children=children, birth_s=birth, newborns=newborns)


@given(people, st.sampled_from(sorted(REGIONS)), st.booleans())
def test_the_fund_gets_the_same_for_each_child_and_year(drawn: Any, name: str, both: bool) -> None:
    """Fee and subsidy add up to whole contributions, nobody pays more than an ordinary child or less than nothing."""
    region, columns = changed(name, newborn_both_years=both), _columns(drawn)
    fee, subsidy = region.fee_yuan(columns, HORIZON), region.subsidy_yuan(columns, HORIZON)
    contributions = (fee + subsidy) / (region.fees.ordinary + region.subsidy)
    more = contributions - columns["children"]
    np.testing.assert_array_equal(contributions, np.round(contributions))
    assert set(more.tolist()) <= ({0.0, 1.0} if both else {0.0})
    assert (fee >= 0).all()
    assert (subsidy >= region.subsidy * contributions).all()
    assert (region.long_term_care_yuan(columns, HORIZON) <= fee).all()


@given(people, st.sampled_from(sorted(REGIONS)), st.integers(0, 19))
def test_what_a_family_pays_does_not_depend_on_other_families(drawn: Any, name: str, index: int) -> None:
    """Each family by itself gives what all together give."""
    region, chosen = Region.named(name), index % len(drawn)
    alone = region.fee_yuan(_columns([drawn[chosen]]), HORIZON)
    assert alone.tolist() == [region.fee_yuan(_columns(drawn), HORIZON)[chosen]]


# --- evidence ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REGIONS)
def test_every_value_of_a_region_has_a_grade_and_a_source(name: str) -> None:
    """All but the name and the year, which are no facts about the world."""
    without = [item.key for item in Region.named(name).evidence if not (item.grade and item.source)]
    assert without == ["title", "insurance_year"]


@pytest.mark.parametrize("name", OWN)
def test_what_a_region_does_not_say_is_marked_as_taken_over(name: str) -> None:
    """The evidence names the region that says it, and the line."""
    evidence = {item.key: item for item in Region.named(name).evidence if item.grade}
    assert {key for key, item in evidence.items() if item.region == name} == OWN[name]
    assert {item.region for key, item in evidence.items() if key not in OWN[name]} <= {"national-2025", "national-2026"}
    assert evidence["waiting.months"].source.endswith("fixed wait")
    assert all(item.line for item in evidence.values())


def test_no_date_of_a_named_place_is_an_estimate_and_those_of_the_nation_are() -> None:
    """Nothing says when collection begins in the whole country, so that is graded E."""
    for name in REGIONS:
        grades = Region.named(name).grades()
        assert (grades["start"], grades["deadline"]) == (("E", "E") if "national" in name else ("B", "B"))


def test_what_the_scenario_says_itself_is_no_evidence_of_the_region() -> None:
    """Its grade stands in the scenario file then."""
    region = changed("beijing-2026", newborn_days=60, fees={"ordinary": 440})
    keys = {item.key for item in region.evidence}
    assert not {"newborn_days", "fees.ordinary"} & keys
    assert {"fees.low_income", "subsidy"} <= keys
    assert region.fees.ordinary == 440
    assert region.fees.low_income == 120


# --- the kit ----------------------------------------------------------------------------------------------------------

DECEMBER = {"start": dt.date(2025, 12, 1), "deadline": dt.date(2025, 12, 20)}


@pytest.mark.parametrize("name", [name for name in REGIONS if name.endswith("2026")])
def test_every_region_is_a_policy_as_the_kit_wants_it(name: str) -> None:
    """A pure function of the families; a season with it runs, and some get enrolled."""
    trace = check_policy(Region, {"region": name, **DECEMBER}, plugins=PLUGINS)
    assert (np.asarray(trace.families["submitted"]) > 0).sum() > 50


def test_the_plugin_registers_both_policies() -> None:
    """Under the words that scenarios use."""
    assert check_plugin(doors.policies) == {"policies": {"collection": policies.Collection, "region": Region}}


def test_fees_are_columns_of_the_district() -> None:
    """Each family's own payment and what the state adds are known when channels are built."""
    district = small_district({"policy": {"kind": "region", "region": "beijing-2026"}}, PLUGINS)
    region = Region.named("beijing-2026")
    np.testing.assert_array_equal(district.number("fee_yuan"), region.fee_yuan(district.columns, district.horizon))
    np.testing.assert_array_equal(
        district.number("subsidy_yuan"), region.subsidy_yuan(district.columns, district.horizon)
    )
