"""The columns of a population: laws that hold for every city, and shares that are what the settings say."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from canbao.arrays import AnyArray, BoolArray
from canbao.calendar import Horizon
from canbao.columns import Coded, Column, numbers_of
from canbao.luck import Luck
from canbao_plugins.families.population import (
    CATEGORIES,
    NEWBORN_DAYS,
    PAPERS,
    SKILLS,
    Categories,
    ChildrenPerFamily,
    City,
    DigitalSkill,
    PaperShares,
    needed_papers,
)

SEASON = Horizon(date(2025, 9, 1), date(2026, 2, 28))
MANY = 200_000
DAY_S = 86_400.0

_share = st.floats(0.0, 1.0)


@st.composite
def _cities(draw: st.DrawFn) -> City:
    cuts = sorted((draw(_share), draw(_share)))
    special = [draw(_share) / 6.0 for _ in CATEGORIES[1:]]
    return City(
        kind="city",
        residents=draw(st.integers(0, 10_000_000)),
        students_and_children=draw(_share),
        births_per_thousand=draw(st.floats(0.0, 50.0)),
        children_per_family=ChildrenPerFamily(one=cuts[0], two=cuts[1] - cuts[0], three=1.0 - cuts[1]),
        pre_school=draw(_share),
        rural=draw(_share),
        rural_way=draw(st.floats(0.1, 10.0)),
        registered_elsewhere=draw(_share),
        categories=Categories(
            **dict(zip((name.replace(" ", "_") for name in CATEGORIES[1:]), special, strict=True)),
        ),
        hardship_rural=draw(_share),
        digital_skill=DigitalSkill(
            urban=draw(_share),
            rural=draw(_share),
            spread=draw(st.floats(0.0, 3.0)),
            hardship=draw(st.floats(0.0, 10.0)),
        ),
        papers=PaperShares(**{paper: draw(_share) for paper in PAPERS}),
        scale=draw(st.floats(0.01, 10.0)),
    )


_horizons = st.builds(
    lambda start, days: Horizon(start, date.fromordinal(start.toordinal() + days)),
    st.dates(date(2005, 1, 1), date(2026, 1, 1)),
    st.integers(0, 400),
)


def _columns(city: City, count: int = MANY, horizon: Horizon = SEASON, seed: int = 7) -> dict[str, Column]:
    return city.columns(Luck(seed), count, horizon)


def _words(column: Column) -> Coded:
    assert isinstance(column, Coded)
    return column


def _numbers(column: Column) -> AnyArray:
    assert isinstance(column, np.ndarray)
    return column


def _assert_share(hits: BoolArray, share: float) -> None:
    """Five standard deviations of a binomial: wrong by chance once in a million."""
    count = len(hits)
    assert abs(int(hits.sum()) - count * share) <= 5.0 * math.sqrt(count * share * (1.0 - share)) + 1.0


def _assert_more(first: BoolArray, second: BoolArray) -> None:
    """Check that the share among the first is higher by more than five standard errors."""
    error = math.sqrt(
        first.mean() * (1 - first.mean()) / len(first) + second.mean() * (1 - second.mean()) / len(second)
    )
    assert first.mean() - second.mean() > 5.0 * error


def _assert_equal(one: dict[str, Column], other: dict[str, Column], families: int) -> None:
    assert one.keys() == other.keys()
    for name, column in one.items():
        np.testing.assert_array_equal(numbers_of(column)[:families], numbers_of(other[name])[:families], err_msg=name)


def test_a_familys_columns_do_not_depend_on_how_many_families_there_are() -> None:
    """The first ten families of a hundred thousand are the ten of a population of ten."""
    few, many = (_columns(City(kind="city"), count) for count in (10, 100_000))
    _assert_equal(few, many, 10)


def test_scale_keeps_each_family_as_it_is() -> None:
    """A tenth of a city is the first tenth of its families."""
    whole, tenth = City(kind="city"), City(kind="city", scale=0.1)
    assert tenth.count(SEASON) == pytest.approx(whole.count(SEASON) / 10.0, abs=1.0)
    _assert_equal(_columns(tenth, tenth.count(SEASON)), _columns(whole, whole.count(SEASON)), tenth.count(SEASON))


def test_columns_are_the_same_again_and_others_on_another_seed() -> None:
    """Columns are a pure function of the seed, and the seed matters in each of them."""
    city = City(kind="city")
    _assert_equal(_columns(city, 5_000), _columns(city, 5_000), 5_000)
    other = _columns(city, 5_000, seed=8)
    for name, column in _columns(city, 5_000).items():
        assert not np.array_equal(numbers_of(column), numbers_of(other[name])), name


def test_a_setting_leaves_the_luck_of_other_columns_alone() -> None:
    """More families in the countryside and fewer papers change neither children nor births."""
    plain = _columns(City(kind="city"), 5_000)
    other = _columns(City(kind="city", rural=0.9, papers=PaperShares(photo=0.1)), 5_000)
    for name in ("children", "kind", "newborns", "pre_school", "pupils", "birth_s", "register"):
        np.testing.assert_array_equal(numbers_of(plain[name]), numbers_of(other[name]))


@given(city=_cities(), horizon=_horizons)
def test_children_add_up_and_agree_with_the_kind_of_family_in_every_city(city: City, horizon: Horizon) -> None:
    """Newborns, pre-school children and pupils are all the children, and the youngest gives the family its kind."""
    columns = _columns(city, 300, horizon)
    children, newborns, pre_school, pupils = (
        _numbers(columns[name]) for name in ("children", "newborns", "pre_school", "pupils")
    )
    np.testing.assert_array_equal(newborns + pre_school + pupils, children)
    assert 1 <= children.min() <= children.max() <= 3
    assert min(newborns.min(), pre_school.min(), pupils.min()) == 0 or newborns.min() == children.max() == 1
    youngest = np.where(newborns > 0, "newborn", np.where(pre_school > 0, "pre-school", "pupil"))
    assert _words(columns["kind"]).words() == youngest.tolist()


@given(city=_cities(), horizon=_horizons)
def test_the_birth_of_the_youngest_fits_the_kind_of_family_in_every_city(city: City, horizon: Horizon) -> None:
    """Newborns are born up to 90 days before the horizon or in it, pupils at least six years before."""
    columns = _columns(city, 300, horizon)
    birth_s, kind = _numbers(columns["birth_s"]), _words(columns["kind"])
    newborn_s, six_s, grown_s = NEWBORN_DAYS * DAY_S, 6 * 365.25 * DAY_S, 18 * 365.25 * DAY_S
    newborn, pre_school, pupil = (birth_s[kind.has(label)] for label in kind.labels)
    assert ((newborn >= -newborn_s) & (newborn < horizon.end_s)).all()
    assert ((pre_school > -six_s) & (pre_school <= -newborn_s)).all()
    assert ((pupil > -grown_s) & (pupil <= -six_s)).all()


@given(city=_cities())
def test_a_family_has_its_papers_together_if_it_holds_all_that_it_needs(city: City) -> None:
    """`papers_complete` follows from the papers held, the kind of family and its register, family by family."""
    columns = _columns(city, 100)
    held = _numbers(columns["papers"])
    for i, (kind, register) in enumerate(
        zip(_words(columns["kind"]).words(), _words(columns["register"]).words(), strict=True)
    ):
        complete = all(held[i] >> PAPERS.index(paper) & 1 for paper in needed_papers(kind, register))
        assert complete == _numbers(columns["papers_complete"])[i]


@given(city=_cities())
def test_shares_are_what_the_settings_say_in_every_city(city: City) -> None:
    """Residence, register, categories and papers keep their shares, however strongly they depend on each other."""
    columns = _columns(city, 4_000)
    _assert_share(_words(columns["residence"]).has("rural"), city.rural)
    _assert_share(_words(columns["register"]).has("elsewhere"), city.registered_elsewhere)
    for name, share in zip(CATEGORIES[1:], city.categories.shares(), strict=True):
        _assert_share(_words(columns["category"]).has(name), float(share))
    for bit, paper in enumerate(PAPERS):
        _assert_share((_numbers(columns["papers"]) >> bit & 1).astype(bool), getattr(city.papers, paper))


@given(city=_cities())
def test_digital_skill_stays_between_0_and_1_in_every_city(city: City) -> None:
    """Whatever mean and spread are asked for, no family leaves the scale."""
    skill = _numbers(_columns(city, 500)["digital_skill"])
    assert ((skill >= 0.0) & (skill <= 1.0)).all()


@given(city=_cities())
def test_skill_in_words_is_the_third_of_the_scale_in_every_city(city: City) -> None:
    """Below one third low, below two thirds middle, above high; family by family."""
    columns = _columns(city, 500)
    word = {0: "low", 1: "middle", 2: "high", 3: "high"}  # a skill of just 1 is high too
    assert _words(columns["skill"]).words() == [word[int(skill * 3)] for skill in _numbers(columns["digital_skill"])]


def test_a_more_skilled_city_has_more_skilled_families_and_no_other_words() -> None:
    """Every word is met, and shifting the skill shifts families from the lower words to the higher."""
    low, high = (
        _words(_columns(City(kind="city", digital_skill=DigitalSkill(urban=mean, rural=mean)), 20_000)["skill"])
        for mean in (0.5, 0.6)
    )
    assert low.labels == high.labels == SKILLS
    assert (np.bincount(low.codes, minlength=3) > 0).all()
    assert (high.codes >= low.codes).all()
    assert (high.codes > low.codes).any()


@given(city=_cities())
def test_ways_are_longer_in_the_countryside_by_the_stated_factor(city: City) -> None:
    """In town they are what a channel says, in the countryside so many times as long."""
    columns = _columns(city, 500)
    rural = _words(columns["residence"]).has("rural")
    np.testing.assert_array_equal(_numbers(columns["way_factor"]), np.where(rural, city.rural_way, 1.0))


def test_children_per_family_and_their_ages_have_the_shares_of_the_settings() -> None:
    """One, two or three children, and the share of those under six among all that are not newborns."""
    city = City(kind="city", pre_school=0.3)
    columns = _columns(city)
    children, newborns = _numbers(columns["children"]), _numbers(columns["newborns"])
    for number, share in enumerate((0.58, 0.36, 0.06), start=1):
        _assert_share(children == number, share)
    older = int((children - newborns).sum())
    deviation = math.sqrt(older * 0.3 * 0.7)
    assert abs(int(_numbers(columns["pre_school"]).sum()) - 0.3 * older) < 5.0 * deviation


def test_the_whole_population_has_the_children_of_the_scheme_and_the_newborns_of_the_season() -> None:
    """Children are conserved: as many as the shares say, plus who is born in the season or shortly before."""
    city = City(kind="city")
    columns = _columns(city, city.count(SEASON))
    of_the_scheme = 334_100 * 0.478
    born = 334.1 * 5.64 * (SEASON.days + 90) / 365.25
    children, newborns = (int(_numbers(columns[name]).sum()) for name in ("children", "newborns"))
    assert abs(children - of_the_scheme - born) < 5.0 * 0.61 * math.sqrt(city.count(SEASON))  # 0.61: deviation a family
    assert abs(newborns - born) < 5.0 * math.sqrt(born)


@given(city=_cities(), horizon=_horizons)
def test_there_is_a_family_wherever_there_are_residents(city: City, horizon: Horizon) -> None:
    """The count is never negative, at least 1 with residents, and 0 without."""
    assert (city.count(horizon) == 0) if city.residents == 0 else (city.count(horizon) >= 1)


def test_newborns_come_evenly_over_the_season() -> None:
    """Each tenth of the time from 90 days before the season to its end has a tenth of the births."""
    columns = _columns(City(kind="city", births_per_thousand=500.0))
    births = _numbers(columns["birth_s"])[_words(columns["kind"]).has("newborn")]
    tenths = np.floor((births + 90 * DAY_S) / (SEASON.end_s + 90 * DAY_S) * 10).astype(int)
    for tenth in range(10):
        _assert_share(tenths == tenth, 0.1)


def test_special_categories_are_more_rural_by_default_and_not_without_the_setting() -> None:
    """`hardship_rural` makes the dependence: none at 0, all that is possible at 1."""
    for strength in (0.0, 0.3, 1.0):
        columns = _columns(City(kind="city", hardship_rural=strength))
        rural, ordinary = _words(columns["residence"]).has("rural"), _words(columns["category"]).has("ordinary")
        if strength == 0.0:
            _assert_share(rural[~ordinary], 0.35)
        else:
            _assert_more(rural[~ordinary], rural[ordinary])
        assert bool(rural[~ordinary].all()) == (strength == 1.0)


def test_digital_skill_has_its_means_and_is_lower_in_hardship_and_in_the_countryside() -> None:
    """Ordinary families have the means of the settings; special categories stay below them."""
    columns = _columns(City(kind="city", digital_skill=DigitalSkill(urban=0.7, rural=0.4, spread=0.8)))
    skill = _numbers(columns["digital_skill"])
    rural, ordinary = _words(columns["residence"]).has("rural"), _words(columns["category"]).has("ordinary")
    for where, mean in ((~rural, 0.7), (rural, 0.4)):
        usual, hard = skill[where & ordinary], skill[where & ~ordinary]
        assert abs(usual.mean() - mean) < 5.0 * usual.std() / math.sqrt(len(usual)) + 1e-4
        assert usual.mean() - hard.mean() > 5.0 * hard.std() / math.sqrt(len(hard))


def test_without_spread_all_ordinary_urban_families_have_the_same_skill() -> None:
    """A spread of 0 puts everybody on the mean."""
    columns = _columns(City(kind="city", digital_skill=DigitalSkill(spread=0.0)), 1_000)
    usual = _words(columns["residence"]).has("urban") & _words(columns["category"]).has("ordinary")
    np.testing.assert_allclose(_numbers(columns["digital_skill"])[usual], 0.68, rtol=1e-9)


def test_by_default_about_eight_in_a_hundred_families_lack_a_paper() -> None:
    """The defaults of the single papers together say what is known of incomplete applications."""
    lacking = ~_numbers(_columns(City(kind="city"))["papers_complete"])
    assert 0.07 < lacking.mean() < 0.09


@pytest.mark.parametrize(
    "part",
    [
        {"children_per_family": {"one": 0.5}},
        {"categories": {"low_income": 0.6, "monitored": 0.6}},
        {"rural": 1.5},
        {"rural_way": 0.0},
        {"residents": -1},
        {"residents": 10**12},
        {"scale": 0.0},
        {"births_per_thousand": math.nan},
        {"childern": 3},
        {"papers": {"passport": 0.5}},
    ],
)
def test_settings_that_make_no_city_are_refused(part: dict[str, Any]) -> None:
    """Shares that do not add up, numbers out of range, unknown keys."""
    with pytest.raises(ValidationError):
        City.model_validate({"kind": "city", **part})


@pytest.mark.parametrize("model", [City, ChildrenPerFamily, Categories, DigitalSkill, PaperShares])
def test_every_number_about_the_world_says_how_well_it_is_known(model: type[BaseModel]) -> None:
    """Each setting has a description; each but `kind`, `scale` and the tables has a grade."""
    for name, setting in model.model_fields.items():
        assert setting.description, name
        extra = setting.json_schema_extra
        table = isinstance(setting.annotation, type) and issubclass(setting.annotation, BaseModel)
        grade = extra.get("grade") if isinstance(extra, dict) else None
        assert grade in ({None} if table or name in {"kind", "scale"} else set("ABCDVE")), name
