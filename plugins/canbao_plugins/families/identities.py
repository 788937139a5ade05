"""Identities: who a family is. Names, numbers and an address, made one family at a time when somebody asks.

Everybody here is invented. Real children are never copied, and a number never leads to somebody by accident:

- Citizen numbers (GB 11643) carry the area code 999999, which GB/T 2260 assigns to no place, and a right check digit.
  A target that looks up the area rejects them; `real_area_codes=True` is for targets that insist.
- Telephone numbers begin with 154, which China's numbering plan assigns to nobody (see `TELEPHONE_PREFIX`).
- Numbers of birth certificates begin with 99 after their letter, where a real one names its province.

`repr` shows none of this, and `mask` makes a number fit for a log.

Telephones and certificates are different for every family. Citizen numbers are not quite: one area has 500 numbers
for each sex and date of birth, so in a city of 160,000 children about one in forty shares its number with another.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import date, timedelta
from operator import mul
from random import Random
from typing import TYPE_CHECKING, Literal

from canbao.columns import Coded, Column
from canbao.errors import InputError
from canbao.luck import Luck
from canbao_plugins.families.places import Place, all_places, places_within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faker import Faker

    from canbao.calendar import Horizon

__all__ = ["SAFE_AREA", "TELEPHONE_PREFIX", "FamilyIdentity", "Identities", "Person", "citizen_number", "mask"]

SAFE_AREA = "999999"
"""Area code of citizen numbers that belong to nobody."""

TELEPHONE_PREFIX = "154"
"""First digits of telephone numbers that belong to nobody.

Mobile numbers in China have 11 digits and begin with 13 to 19. The ranges 142, 143, 154, 164 and 194 have never been
handed to an operator (reports on the allocation of 2022; Google's libphonenumber 9.0.43 knows no number in them).
Those under 10, 11 and 12 would look safer, but are short codes, emergency calls among them: an exchange connects after
three or five digits. A form that asks for 1, then 3 to 9, then nine digits takes a 154.
"""

Sex = Literal["male", "female"]
Role = Literal["father", "mother", "guardian", "child"]

_YEAR = 365.25
_AGES_DAYS = {"pre-school": (91, 2191), "pupil": (2192, 6574)}  # on the first day of the horizon, to the 18th birthday
_BETWEEN_BIRTHS_DAYS = 300  # where there is no room for that, siblings are twins
_YOUNGEST_MOTHER, _OLDEST_MOTHER = 20.1, 44.9  # a little inside 20 and 45, as years are not all equally long
_FATHERS_SURNAME = 0.92  # E: share of children who bear it
_BOYS = 0.527  # 111 boys for 100 girls, the census of 2020
_CERTIFICATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_SPREAD = 61_803_397  # no multiple of 2, 3 or 5, so that i -> i * _SPREAD modulo such a size meets every number once


@dataclass(frozen=True, slots=True)
class Person:
    """An invented person; `repr` shows only the role."""

    role: Role
    name: str = field(repr=False)
    sex: Sex = field(repr=False)
    birth: date = field(repr=False)
    citizen_number: str = field(repr=False)
    kind: str = ""
    """Of a child: newborn, pre-school or pupil."""
    birth_certificate_number: str = field(default="", repr=False)
    """Of a newborn: one letter and nine digits."""


@dataclass(frozen=True, slots=True)
class FamilyIdentity:
    """An invented family; `repr` shows only its number and who belongs to it."""

    family: int
    parents: tuple[Person, ...]
    """Father and mother; one guardian for orphans."""
    children: tuple[Person, ...]
    """The youngest first."""
    address: str = field(repr=False)
    home: Place = field(repr=False)
    household_register_place: Place = field(repr=False)
    telephone: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Row:
    """What the columns say of one family."""

    family: int
    kinds: tuple[str, ...]
    birth: date
    rural: bool
    elsewhere: bool
    orphan: bool


@dataclass(frozen=True, slots=True)
class _Draft:
    """What is settled of a family before its people get names and numbers."""

    row: _Row
    births: tuple[date, ...]
    register: Place
    rng: Random


class Identities:
    """Makes the identities of one seed's families; one name generator serves them all.

    Parameters
    ----------
    seed
        The seed of the run: the same that the columns were drawn with.
    horizon
        The days simulated; a birth in the columns counts from its first midnight.
    home
        Where the families live: GB/T 2260 code of a province, a city or a district; "" for anywhere.
    real_area_codes
        Put the code of the household register's place into citizen numbers. They may then be somebody's: only for a
        target that looks the area up, and that is yours. Somebody born before that code existed has the nearest
        code of the time.

    Raises
    ------
    InputError
        No place has the code `home`.
    """

    def __init__(self, seed: int, horizon: Horizon, *, home: str = "", real_area_codes: bool = False) -> None:
        from faker import Faker  # 140 ms that a simulation never needs

        self._luck = Luck(seed)
        self._horizon = horizon
        self._homes = places_within(home)
        self._real_area_codes = real_area_codes
        self._names: Faker = Faker("zh_CN")
        self._in_force: dict[int, list[str]] = {}

    def identity(self, family: int, columns: Mapping[str, Column]) -> FamilyIdentity:
        """Make the identity of one family, in keeping with its columns; with one version of Faker always the same.

        Parameters
        ----------
        family
            Index of the family, which is also its place in the columns.
        columns
            The columns that `City.columns` gives for this seed.

        Raises
        ------
        InputError
            The columns have no such family.
        """
        row = self._row(family, columns)
        rng = Random(self._luck.bits("families.identity", family))
        self._names.seed_instance(rng.getrandbits(64))
        home = _pick(self._homes, rng)
        register = _elsewhere(home, rng) if row.elsewhere else home
        draft = _Draft(row, _births(row, self._horizon.start, rng), register, rng)
        surnames = (self._names.last_name(), self._names.last_name())
        parents = self._parents(draft, surnames)
        surname = surnames[0] if row.orphan or rng.random() < _FATHERS_SURNAME else surnames[1]
        return FamilyIdentity(
            family=family,
            parents=parents,
            children=self._children(draft, surname),
            address=home.name + self._door(row.rural, rng),
            home=home,
            household_register_place=register,
            telephone=f"{TELEPHONE_PREFIX}{self._own_number('telephone', family, 10**8):08d}",
        )

    def _row(self, family: int, columns: Mapping[str, Column]) -> _Row:
        families = len(columns["children"])
        if not 0 <= family < families:
            raise InputError(f"there is no family {family}; allowed: 0 to {families - 1}")
        counts = [int(_at(columns, name, family)) for name in ("newborns", "pre_school", "pupils")]
        kinds = ("newborn",) * counts[0] + ("pre-school",) * counts[1] + ("pupil",) * counts[2]
        return _Row(
            family,
            kinds,
            self._horizon.date(float(_at(columns, "birth_s", family))),
            rural=_at(columns, "residence", family) == "rural",
            elsewhere=_at(columns, "register", family) == "elsewhere",
            orphan=_at(columns, "category", family) == "orphan",
        )

    def _parents(self, draft: _Draft, surnames: tuple[str, str]) -> tuple[Person, ...]:
        births, rng = draft.births, draft.rng
        if draft.row.orphan:
            sex: Sex = "male" if rng.random() < 0.5 else "female"
            return (self._adult(draft, "guardian", sex, surnames[0], rng.uniform(45.0, 65.0)),)
        oldest = max(_YOUNGEST_MOTHER, _OLDEST_MOTHER - (births[0] - births[-1]).days / _YEAR)
        mother = rng.triangular(_YOUNGEST_MOTHER, oldest, max(_YOUNGEST_MOTHER, min(27.0, oldest - 4.0)))
        father = min(max(mother + rng.triangular(-4.0, 10.0, 2.0), 22.0), 60.0)
        return (
            self._adult(draft, "father", "male", surnames[0], father),
            self._adult(draft, "mother", "female", surnames[1], mother),
        )

    def _adult(self, draft: _Draft, role: Role, sex: Sex, surname: str, age: float) -> Person:
        birth = draft.births[-1] - timedelta(days=round(age * _YEAR))
        return Person(role, surname + self._given_name(sex), sex, birth, self._number(draft, birth, sex, set()))

    def _children(self, draft: _Draft, surname: str) -> tuple[Person, ...]:
        children: list[Person] = []
        for kind, birth in zip(draft.row.kinds, draft.births, strict=True):
            sex: Sex = "male" if draft.rng.random() < _BOYS else "female"
            name = self._new_name(surname, sex, {child.name for child in children})
            number = self._number(draft, birth, sex, {child.citizen_number for child in children})
            certificate = self._certificate(draft.row.family) if kind == "newborn" else ""
            children.append(Person("child", name, sex, birth, number, kind, certificate))
        return tuple(children)

    def _given_name(self, sex: Sex) -> str:
        return self._names.first_name_male() if sex == "male" else self._names.first_name_female()

    def _new_name(self, surname: str, sex: Sex, taken: set[str]) -> str:
        name = surname + self._given_name(sex)
        while name in taken:
            name = surname + self._given_name(sex)
        return name

    def _number(self, draft: _Draft, birth: date, sex: Sex, taken: set[str]) -> str:
        area = self._area(draft.register, birth.year) if self._real_area_codes else SAFE_AREA
        number = citizen_number(area, birth, _sequence(sex, draft.rng))
        while number in taken:  # twins
            number = citizen_number(area, birth, _sequence(sex, draft.rng))
        return number

    def _area(self, register: Place, year: int) -> str:
        if register.since <= year:
            return register.code
        if year not in self._in_force:
            self._in_force[year] = [place.code for place in all_places() if place.since <= year]
        codes = self._in_force[year]
        right = bisect_left(codes, register.code)
        return min(codes[max(right - 1, 0) : right + 1], key=lambda code: abs(int(code) - int(register.code)))

    def _door(self, rural: bool, rng: Random) -> str:
        if rural:
            return f"{self._names.last_name()}家村{rng.randint(1, 300)}号"
        door = rng.randint(1, 30) * 100 + rng.randint(1, 4)
        return f"{self._names.street_name()}{rng.randint(1, 999)}号{rng.randint(1, 40)}幢{door}室"

    def _certificate(self, family: int) -> str:
        letter, serial = divmod(self._own_number("certificate", family, len(_CERTIFICATE_LETTERS) * 10**7), 10**7)
        return f"{_CERTIFICATE_LETTERS[letter]}99{serial:07d}"

    def _own_number(self, purpose: str, family: int, size: int) -> int:
        """Give a number below `size` that no other of `size` families has; its prime factors are 2, 3 and 5."""
        return (family * _SPREAD + self._luck.key(f"families.{purpose}")) % size


_WEIGHTS = tuple(1 << (17 - place) for place in range(17))
"""ISO 7064 MOD 11-2: the weight of the digit at place i from the left, the check digit being place 17, is 2**(17-i)."""


def citizen_number(area: str, birth: date, sequence: int) -> str:
    """Put a citizen number together (GB 11643): area, date of birth, sequence and check digit.

    Parameters
    ----------
    area
        Six digits of GB/T 2260.
    birth
        Date of birth.
    sequence
        1 to 999, odd for a man.
    """
    body = f"{area}{birth.isoformat().replace('-', '')}{sequence:03d}"
    rest = sum(map(mul, map(int, body), _WEIGHTS))
    return body + "10X98765432"[rest % 11]


def mask(number: str) -> str:
    """Make an identifier fit for a log: its first two and last two characters, stars between; short ones vanish."""
    if len(number) < 8:
        return "*" * len(number)
    return number[:2] + "*" * (len(number) - 4) + number[-2:]


def _at(columns: Mapping[str, Column], name: str, family: int) -> str | float:
    column = columns[name]
    if isinstance(column, Coded):
        return column.labels[int(column.codes[family])]
    return float(column[family])


def _pick(places: tuple[Place, ...], rng: Random) -> Place:
    return places[int(rng.random() * len(places))]


def _elsewhere(home: Place, rng: Random) -> Place:
    place = _pick(all_places(), rng)
    while place.code[:4] == home.code[:4]:
        place = _pick(all_places(), rng)
    return place


def _births(row: _Row, start: date, rng: Random) -> tuple[date, ...]:
    """Give the children's dates of birth, the youngest first; ages on the first day say who goes to school."""
    births = [row.birth]
    for kind in row.kinds[1:]:
        least_days, most_days = _AGES_DAYS[kind]
        least_days = max(least_days, (start - births[-1]).days + _BETWEEN_BIRTHS_DAYS)
        alone = least_days <= most_days
        births.append(start - timedelta(days=rng.randint(least_days, most_days)) if alone else births[-1])
    return tuple(births)


def _sequence(sex: Sex, rng: Random) -> int:
    return 2 * rng.randint(1, 499) + (1 if sex == "male" else 0)
