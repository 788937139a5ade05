"""Identities: people who could be, agree with their columns, and are nobody."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric
from stdnum.exceptions import InvalidComponent

from canbao.calendar import Horizon
from canbao.columns import Coded, Column
from canbao.errors import InputError
from canbao.luck import Luck
from canbao_plugins.families.identities import FamilyIdentity, Identities, Person, citizen_number, mask
from canbao_plugins.families.population import Categories, City

SEASON = Horizon(date(2025, 9, 1), date(2026, 2, 28))
SEED = 11
FAMILIES = 1_500
CITY = City(kind="city", births_per_thousand=100.0, categories=Categories(orphan=0.05))
YEAR = 365.25

# Mobile numbers by Google's libphonenumber 9.0.43, then ranges for machines and satellites that it leaves out, short
# codes (10 to 12), and everything that does not begin with 1: fixed lines and service numbers.
ASSIGNED = re.compile(r"1(?:[38]\d|4[57]|[59][0-35-9]|6[25-7]|7[0-35-8])|1610|1740|14[014689]|160|17[49]|1[0-2]|[02-9]")


@pytest.fixture(scope="module", name="columns")
def _columns() -> dict[str, Column]:
    return CITY.columns(Luck(SEED), FAMILIES, SEASON)


@pytest.fixture(scope="module", name="families")
def _families(columns: dict[str, Column]) -> list[FamilyIdentity]:
    made = Identities(SEED, SEASON, home="32")
    return [made.identity(family, columns) for family in range(FAMILIES)]


@pytest.fixture(scope="module", name="real_families")
def _real_families(columns: dict[str, Column]) -> list[FamilyIdentity]:
    made = Identities(SEED, SEASON, home="32", real_area_codes=True)
    return [made.identity(family, columns) for family in range(FAMILIES)]


def _people(families: list[FamilyIdentity]) -> Iterator[Person]:
    for family in families:
        yield from (*family.parents, *family.children)


def _secrets(family: FamilyIdentity) -> set[str]:
    """Everything that must not be seen in a log."""
    people = (*family.parents, *family.children)
    found = {family.address, family.telephone, family.household_register_place.district}
    for person in people:
        found |= {person.name, person.citizen_number, person.birth.isoformat(), repr(person.birth)}
        found |= {person.birth_certificate_number}
    return found - {""}


def _digest(families: list[FamilyIdentity]) -> str:
    told = [[*sorted(_secrets(family)), family.address] for family in families]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def test_an_identity_does_not_depend_on_who_was_asked_before(
    columns: dict[str, Column], families: list[FamilyIdentity]
) -> None:
    """Family 900 alone, or asked twice, is family 900 among all; so is it in a smaller population."""
    alone = Identities(SEED, SEASON, home="32")
    assert alone.identity(900, columns) == families[900] == alone.identity(900, columns)
    few = CITY.columns(Luck(SEED), 10, SEASON)
    assert alone.identity(9, few) == families[9]


def test_identities_are_equal_in_another_process(families: list[FamilyIdentity]) -> None:
    """Another process, with another hash seed, tells the same names, numbers and addresses."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_families_identities as t\n"
        "columns = t.CITY.columns(t.Luck(t.SEED), 100, t.SEASON); made = t.Identities(t.SEED, t.SEASON, home='32')\n"
        "print(t._digest([made.identity(family, columns) for family in range(100)]))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script, os.path.dirname(__file__)],
        env={**os.environ, "PYTHONHASHSEED": "4711", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == _digest(families[:100])


def test_identities_agree_with_the_columns(columns: dict[str, Column], families: list[FamilyIdentity]) -> None:
    """Number and kinds of children, the birth of the youngest, the register and orphanhood are those of the columns."""
    words = {name: column.words() for name, column in columns.items() if isinstance(column, Coded)}
    counts = {name: column.tolist() for name, column in columns.items() if not isinstance(column, Coded)}
    for i, family in enumerate(families):
        kinds = [child.kind for child in family.children]
        assert family.family == i
        assert [kinds.count(kind) for kind in ("newborn", "pre-school", "pupil")] == [
            counts["newborns"][i], counts["pre_school"][i], counts["pupils"][i]
        ]  # fmt: skip
        assert family.children[0].birth == SEASON.date(counts["birth_s"][i]) == max(c.birth for c in family.children)
        assert (family.household_register_place == family.home) == (words["register"][i] == "local")
        roles = ["guardian"] if words["category"][i] == "orphan" else ["father", "mother"]
        assert [parent.role for parent in family.parents] == roles
        assert ("村" in family.address.removeprefix(family.home.name)) == (words["residence"][i] == "rural")


def test_children_have_the_age_of_their_kind(families: list[FamilyIdentity]) -> None:
    """On the first day of the season newborns are at most 90 days old, pre-school children under 6, pupils under 18."""
    days = {"newborn": (-SEASON.days, 90), "pre-school": (90, 6 * YEAR + 1), "pupil": (6 * YEAR - 1, 18 * YEAR + 1)}
    for family in families:
        for child in family.children:
            least, most = days[child.kind]
            assert least < (SEASON.start - child.birth).days <= most


def test_brothers_and_sisters_are_twins_or_born_ten_months_apart(families: list[FamilyIdentity]) -> None:
    """No two births of a mother lie closer together than nature allows."""
    for family in families:
        for child, elder in zip(family.children, family.children[1:], strict=False):
            gap = (child.birth - elder.birth).days
            assert gap == 0 or gap >= 300


def test_mothers_are_20_to_45_and_fathers_22_to_80_at_every_birth(families: list[FamilyIdentity]) -> None:
    """Ages of parents are plausible for the eldest and for the youngest child."""
    span = {
        "mother": (20 * YEAR, 45 * YEAR),
        "father": (22 * YEAR - 1, 80 * YEAR),
        "guardian": (45 * YEAR - 1, 85 * YEAR),
    }
    for family in families:
        for parent in family.parents:
            for child in family.children:
                least, most = span[parent.role]
                assert least <= (child.birth - parent.birth).days <= most


def test_children_bear_the_surname_of_a_parent_usually_the_fathers(families: list[FamilyIdentity]) -> None:
    """All children of a family share one surname, and it is a parent's."""
    of_the_father = 0
    for family in families:
        (surname,) = {child.name[0] for child in family.children}
        assert surname in {parent.name[0] for parent in family.parents}
        of_the_father += surname == family.parents[0].name[0]
    assert 0.88 * FAMILIES < of_the_father < FAMILIES


def test_names_are_two_to_four_chinese_characters_and_differ_within_a_family(families: list[FamilyIdentity]) -> None:
    """Names look like names, and no two children of a family have the same."""
    assert all(re.fullmatch(r"[\u4e00-\u9fff]{2,4}", person.name) for person in _people(families))
    assert all(len({child.name for child in family.children}) == len(family.children) for family in families)


def test_an_address_begins_with_a_place_within_the_home(families: list[FamilyIdentity]) -> None:
    """Province, city and district of the address are the home's; plain Faker joins what does not belong together."""
    for family in families:
        place = ric.get_birth_place(f"{family.home.code}202512310010")
        assert family.home.code.startswith("32")
        assert family.address.startswith(place["province"] + family.home.city + family.home.district)


def test_citizen_numbers_have_the_form_of_the_standard_and_belong_to_no_place(families: list[FamilyIdentity]) -> None:
    """Date, sex and check digit are right (python-stdnum agrees); the area is rejected, by its own reason."""
    for person in _people(families):
        number = person.citizen_number
        assert re.fullmatch(r"999999\d{11}[\dX]", number)
        assert number[6:14] == f"{person.birth:%Y%m%d}"
        assert int(number[16]) % 2 == (person.sex == "male")
        assert number[-1] == ric.calc_check_digit(number)
        with pytest.raises(InvalidComponent):
            ric.validate(number)


def test_real_area_codes_are_the_registers_place_where_it_existed_at_birth(
    families: list[FamilyIdentity], real_families: list[FamilyIdentity]
) -> None:
    """With the switch on every number is valid; people born before the code have another that was in force."""
    own = 0
    for family in real_families:
        place = family.household_register_place
        for person in (*family.parents, *family.children):
            assert ric.is_valid(person.citizen_number)
            assert (person.citizen_number[:6] == place.code) == (place.since <= person.birth.year)
            own += person.citizen_number[:6] == place.code
    assert own > len(families)


def test_the_switch_changes_area_and_check_digit_only(
    families: list[FamilyIdentity], real_families: list[FamilyIdentity]
) -> None:
    """Names, dates, sequences, addresses and telephones stay."""
    for safe, real in zip(families, real_families, strict=True):
        assert (safe.address, safe.telephone) == (real.address, real.telephone)
    for person, same in zip(_people(families), _people(real_families), strict=True):
        assert (person.name, person.birth, person.citizen_number[6:17]) == (
            same.name, same.birth, same.citizen_number[6:17]
        )  # fmt: skip


def test_no_telephone_is_in_an_assigned_range_and_none_is_given_twice(families: list[FamilyIdentity]) -> None:
    """Eleven digits that a form takes, that no operator has, and that no other family has."""
    numbers = [family.telephone for family in families]
    assert all(re.fullmatch(r"1[3-9]\d{9}", number) and not ASSIGNED.match(number) for number in numbers)
    assert len(set(numbers)) == len(numbers)


def test_a_newborn_and_nobody_else_has_a_birth_certificate_of_its_own(families: list[FamilyIdentity]) -> None:
    """One letter and nine digits, beginning with a province that does not exist, each once."""
    for person in _people(families):
        assert bool(person.birth_certificate_number) == (person.kind == "newborn")
    numbers = [child.birth_certificate_number for child in _people(families) if child.kind == "newborn"]
    assert len(numbers) > 100
    assert all(re.fullmatch(r"[A-Z]99\d{7}", number) for number in numbers)
    assert len(set(numbers)) == len(numbers)


def test_citizen_numbers_are_distinct_within_a_family(families: list[FamilyIdentity]) -> None:
    """Twins too have a number each."""
    twins = 0
    for family in families:
        people = (*family.parents, *family.children)
        assert len({person.citizen_number for person in people}) == len(people)
        twins += len({child.birth for child in family.children}) < len(family.children)
    assert twins > 0


def test_nothing_private_is_in_a_repr_or_behind_a_mask(families: list[FamilyIdentity]) -> None:
    """A family that gets into a log by mistake tells its number and roles only."""
    for family in families:
        shown = f"{family} {family.parents!r} {family.children!s}"
        masked = " ".join(mask(number) for number in _secrets(family))
        assert not any(secret in shown or secret in masked for secret in _secrets(family))


@given(st.text("0123456789X", max_size=30))
def test_a_mask_keeps_the_length_and_shows_four_characters_at_most(number: str) -> None:
    """The two characters at each end of a long identifier, nothing of a short one."""
    masked = mask(number)
    assert len(masked) == len(number)
    assert sum(character != "*" for character in masked) == (4 if len(number) >= 8 else 0)


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)), st.integers(1, 999), st.integers(0, 999_999))
def test_the_check_digit_is_that_of_iso_7064(birth: date, sequence: int, area: int) -> None:
    """Another implementation of MOD 11-2 finds the same digit, and reads the date of birth back."""
    number = citizen_number(f"{area:06d}", birth, sequence)
    assert number[-1] == ric.calc_check_digit(number)
    assert ric.get_birth_date(number) == birth


def test_a_register_elsewhere_is_in_another_city() -> None:
    """Of many families registered elsewhere none is registered in another district of the city where it lives."""
    columns = City(kind="city", registered_elsewhere=1.0).columns(Luck(SEED), FAMILIES, SEASON)
    made = Identities(SEED, SEASON, home="5001")
    for family in range(FAMILIES):
        assert made.identity(family, columns).household_register_place.code[:4] != "5001"


def test_homes_are_anywhere_if_nothing_is_said(columns: dict[str, Column]) -> None:
    """Without a home, a hundred families live in many provinces."""
    made = Identities(SEED, SEASON)
    assert len({made.identity(family, columns).home.province for family in range(100)}) > 10


def test_a_family_that_is_not_in_the_columns_and_a_home_that_is_no_place_are_refused(
    columns: dict[str, Column],
) -> None:
    """The messages say what is allowed."""
    made = partial(Identities(SEED, SEASON).identity, columns=columns)
    for family in (-1, FAMILIES):
        with pytest.raises(InputError, match=rf"{family}; allowed: 0 to {FAMILIES - 1}"):
            made(family)
    with pytest.raises(InputError, match="no place with code '99'"):
        Identities(SEED, SEASON, home="99")


def test_a_season_of_many_years_still_gives_families(columns: dict[str, Column]) -> None:
    """Where the youngest is born long after the eldest, parents are older, and nothing breaks."""
    decades = Horizon(date(2000, 1, 1), date(2029, 12, 31))
    long = City(kind="city", births_per_thousand=500.0).columns(Luck(1), 300, decades)
    made = Identities(1, decades)
    for family in range(300):
        identity = made.identity(family, long)
        assert all(parent.birth < child.birth for parent in identity.parents for child in identity.children)
