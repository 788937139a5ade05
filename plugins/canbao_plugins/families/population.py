"""A city's families as columns: one value for each family, drawn for the whole population at once.

Every value is a function of (seed, index of the family) and of the settings. It does not depend on how
many families there are, so a smaller `scale` meets the first families of the full population.

Dependences are made by sharing luck, which leaves each share exactly as it was set:

- With probability `hardship_rural`, a family's category is decided by the very uniform that decides
  whether it lives in the countryside. Both stay what the settings say; special categories get more rural.
- Digital skill has a mean of its own in town and in the countryside, and is lower in special categories.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from canbao.arrays import BoolArray, FloatArray, np
from canbao.columns import Coded, Column
from canbao.scenario.models import Settings
from canbao.scenario.quantities import Amount, Count, MisfitError, PositiveAmount, Share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from canbao.calendar import Horizon
    from canbao.luck import Luck

__all__ = [
    "CATEGORIES",
    "KINDS",
    "NEWBORN_DAYS",
    "PAPERS",
    "REGISTERS",
    "RESIDENCES",
    "SKILLS",
    "Categories",
    "ChildrenPerFamily",
    "City",
    "DigitalSkill",
    "PaperShares",
    "needed_papers",
]

KINDS = ("newborn", "pre-school", "pupil")
"""Kinds of family, by the youngest child."""

CATEGORIES = (
    "ordinary",
    "low income",
    "extremely poor",
    "severely disabled",
    "orphan",
    "out of poverty",
    "monitored",
)
"""Categories that decide the fee; all but the first are special."""

RESIDENCES = ("urban", "rural")
"""Where a family lives."""

REGISTERS = ("local", "elsewhere")
"""Where a family's household register is kept: in this city or in another."""

SKILLS = ("low", "middle", "high")
"""Digital skill in words, by thirds of the scale: below 1/3, below 2/3, above."""

PAPERS = (
    "birth_certificate",
    "household_register",
    "identity_cards",
    "residence_proof",
    "proof_of_school",
    "photo",
)
"""Papers that a family may hold; paper k is bit `1 << k` of the column `papers`."""

NEWBORN_DAYS = 90
"""A child is a newborn for this many days; who enrols within them is insured from birth."""

_DAY_S = 86_400.0
_YEAR_DAYS = 365.25
_PRE_SCHOOL_YEARS = 6.0  # primary school starts in the September after the sixth birthday
_PUPIL_YEARS = 18.0

_NEEDED: dict[str, tuple[str, ...]] = {
    "newborn": ("birth_certificate", "household_register", "identity_cards"),
    "pre-school": ("household_register", "identity_cards", "photo"),
    "pupil": ("household_register", "identity_cards", "photo", "proof_of_school"),
}

_GRADE_E: dict[str, Any] = {"grade": "E"}
_GRADE_D: dict[str, Any] = {"grade": "D"}


class ChildrenPerFamily(Settings):
    """Shares of families with one, two and three children; they add up to 1."""

    one: Share = Field(0.58, description="Share of families with one child.", json_schema_extra=_GRADE_E)
    two: Share = Field(0.36, description="Share of families with two children.", json_schema_extra=_GRADE_E)
    three: Share = Field(0.06, description="Share of families with three children.", json_schema_extra=_GRADE_E)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = self.one + self.two + self.three
        if abs(total - 1.0) > 1e-6:
            raise MisfitError(
                "does not add up to 1", allowed=f"shares with the sum 1; these have {total:g}", hint="give all three"
            )
        return self

    @property
    def mean(self) -> float:
        """Mean number of children in a family."""
        return self.one + 2.0 * self.two + 3.0 * self.three


class Categories(Settings):
    """Shares of families in the special categories; all others are ordinary."""

    low_income: Share = Field(0.025, description="Families on the minimum allowance.", json_schema_extra=_GRADE_E)
    extremely_poor: Share = Field(0.003, description="Families supported in full.", json_schema_extra=_GRADE_E)
    severely_disabled: Share = Field(0.008, description="With a severely disabled member.", json_schema_extra=_GRADE_E)
    orphan: Share = Field(0.0005, description="Children without parents.", json_schema_extra=_GRADE_E)
    out_of_poverty: Share = Field(0.03, description="Lifted out of poverty, still on file.", json_schema_extra=_GRADE_E)
    monitored: Share = Field(0.005, description="Monitored against falling back.", json_schema_extra=_GRADE_E)

    @model_validator(mode="after")
    def _leave_room(self) -> Self:
        total = sum(self.model_dump().values())
        if total > 1.0 + 1e-9:
            raise MisfitError("adds up to more than 1", allowed=f"shares with a sum up to 1; these have {total:g}")
        return self

    def shares(self) -> FloatArray:
        """Give the shares in the order of `CATEGORIES`, without the ordinary ones; shape (6,)."""
        return np.array([getattr(self, name.replace(" ", "_")) for name in CATEGORIES[1:]], dtype=np.float64)


class DigitalSkill(Settings):
    """How well families get on with a portal or an app, from 0 (not at all) to 1 (with ease).

    The skill is logit-logistic: its log odds follow a logistic distribution. Like a Beta distribution it
    fills (0, 1) with one hump or two, but its inverse is one power and one division, so that a million are
    drawn exactly in hundredths of a second; the inverse of the Beta takes seconds.
    """

    urban: Share = Field(0.68, description="Mean skill of ordinary urban families.", json_schema_extra=_GRADE_E)
    rural: Share = Field(0.50, description="Mean skill of ordinary rural families.", json_schema_extra=_GRADE_E)
    spread: Amount = Field(
        0.5, le=3.0, description="Scale of the log odds; 0 makes all alike.", json_schema_extra=_GRADE_E
    )
    hardship: Amount = Field(
        0.6,
        le=10.0,
        description="How much lower the log odds are in special categories.",
        json_schema_extra=_GRADE_E,
    )


class PaperShares(Settings):
    """Share of families that hold each paper; as they stand, about 8 % lack one that they need."""

    birth_certificate: Share = Field(0.985, description="Birth certificate.", json_schema_extra=_GRADE_E)
    household_register: Share = Field(0.97, description="Household register.", json_schema_extra=_GRADE_E)
    identity_cards: Share = Field(0.985, description="Both parents' identity cards.", json_schema_extra=_GRADE_E)
    residence_proof: Share = Field(0.94, description="Proof of residence.", json_schema_extra=_GRADE_E)
    proof_of_school: Share = Field(0.985, description="Proof of school or kindergarten.", json_schema_extra=_GRADE_E)
    photo: Share = Field(0.985, description="Recent photo of the child.", json_schema_extra=_GRADE_E)


class City(Settings):
    """The families of one city: those with children in the scheme, and those with newborns to come."""

    kind: Literal["city"] = Field(description="A city described by its shares.")
    residents: Count = Field(
        334_100, le=100_000_000, description="Residents in the scheme, adults included.", json_schema_extra=_GRADE_D
    )
    students_and_children: Share = Field(
        0.478, description="Share of students and children among the residents.", json_schema_extra=_GRADE_D
    )
    births_per_thousand: Amount = Field(
        5.64,
        le=1000.0,
        description="Births a year per thousand residents (7.92 million among 1.405 billion in 2025).",
        json_schema_extra=_GRADE_D,
    )
    children_per_family: ChildrenPerFamily = Field(
        default_factory=ChildrenPerFamily.model_construct, description="Families with one, two and three children."
    )
    pre_school: Share = Field(
        0.24,
        description="Share of children under six among those who are not newborns "
        "(58.7 million born in 2020-2025, 188.9 million pupils).",
        json_schema_extra=_GRADE_D,
    )
    rural: Share = Field(0.35, description="Share of families in the countryside.", json_schema_extra=_GRADE_E)
    rural_way: PositiveAmount = Field(
        2.0,
        le=100.0,
        description="How many times as long as in town the ways of families in the countryside are.",
        json_schema_extra=_GRADE_E,
    )
    registered_elsewhere: Share = Field(
        0.15, description="Share of families whose household register is elsewhere.", json_schema_extra=_GRADE_E
    )
    categories: Categories = Field(
        default_factory=Categories.model_construct, description="Families in special categories."
    )
    hardship_rural: Share = Field(
        0.3, description="How strongly special categories and the countryside go together.", json_schema_extra=_GRADE_E
    )
    digital_skill: DigitalSkill = Field(
        default_factory=DigitalSkill.model_construct, description="Skill with a portal or an app."
    )
    papers: PaperShares = Field(
        default_factory=PaperShares.model_construct, description="Share of families that hold each paper."
    )
    scale: PositiveAmount = Field(
        1.0, le=1000.0, description="Multiplies the number of families; staffing stays as it is."
    )

    def count(self, horizon: Horizon) -> int:
        """Give the number of families: at least one where there are residents.

        Children of the scheme and newborns, over the mean number of children in a family. (Newborns have
        brothers and sisters who are in the scheme already, so their families are not added on top.)
        """
        if self.residents == 0:
            return 0
        return max(1, round(self.scale * self._families(horizon)))

    def columns(self, luck: Luck, count: int, horizon: Horizon) -> dict[str, Column]:
        """Give one value for each of the first `count` families.

        Parameters
        ----------
        luck
            All the luck of one seed.
        count
            Number of families; it changes no value, only how many there are.
        horizon
            The days simulated; newborns are born in it or up to 90 days before.

        Returns
        -------
        dict
            `children`, `newborns`, `pre_school`, `pupils` (int8, the last three add up to the first), `kind`,
            `category`, `residence`, `register` (words), `way_factor` (float64: how many times as long as in town its
            ways are), `digital_skill` (float64 in 0..1), `skill` (the same in words, see `SKILLS`), `papers` (uint8
            bit mask, see `PAPERS`), `papers_complete` (bool) and `birth_s` (float64: birth of the youngest child
            in seconds since the first midnight of the horizon, negative before it).
        """
        children = _children(luck.uniforms("families.children", count), self.children_per_family)
        newborns = self._newborns(luck, count, horizon)
        pre_school = _pre_school(luck.uniforms("families.pre_school", count), children - newborns, self.pre_school)
        pupils = children - newborns - pre_school
        kind = Coded(np.where(newborns, 0, np.where(pre_school, 1, 2)).astype(np.int8), KINDS)
        birth = luck.uniforms("families.birth", count)
        return {
            "children": children,
            "kind": kind,
            "newborns": newborns,
            "pre_school": pre_school,
            "pupils": pupils,
            "birth_s": _birth_s(birth, newborns, pre_school, pupils, horizon.end_s),
            **self._circumstances(luck, count, kind),
        }

    def _families(self, horizon: Horizon) -> float:
        of_the_scheme = self.residents * self.students_and_children
        born = self._born(horizon)
        return max(born, (of_the_scheme + born) / self.children_per_family.mean)

    def _born(self, horizon: Horizon) -> float:
        days = horizon.days + NEWBORN_DAYS
        return self.residents * self.births_per_thousand / 1000.0 * days / _YEAR_DAYS

    def _newborns(self, luck: Luck, count: int, horizon: Horizon) -> NDArray[np.int8]:
        # One newborn a family: twins are left out.
        families = self._families(horizon)
        share = self._born(horizon) / families if families > 0.0 else 0.0
        return (luck.uniforms("families.newborn", count) < share).astype(np.int8)

    def _circumstances(self, luck: Luck, count: int, kind: Coded) -> dict[str, Column]:
        place = luck.uniforms("families.residence", count)
        rural = place < self.rural
        shared = luck.uniforms("families.hardship_rural", count) < self.hardship_rural
        fate = np.where(shared, place, luck.uniforms("families.category", count))
        category = _category(fate, self.categories.shares())
        elsewhere = luck.uniforms("families.register", count) < self.registered_elsewhere
        skill = _skill(luck.uniforms("families.digital_skill", count), rural, category > 0, self.digital_skill)
        papers = _papers(luck, count, self.papers)
        return {
            "category": Coded(category, CATEGORIES),
            "residence": Coded(rural.astype(np.int8), RESIDENCES),
            "register": Coded(elsewhere.astype(np.int8), REGISTERS),
            "way_factor": np.where(rural, self.rural_way, 1.0),
            "digital_skill": skill,
            "skill": _in_words(skill),
            "papers": papers,
            "papers_complete": _complete(papers, kind, elsewhere),
        }


def needed_papers(kind: str, register: str) -> tuple[str, ...]:
    """Tell which papers a family needs: by its kind, and proof of residence if it is registered elsewhere."""
    extra = ("residence_proof",) if register == "elsewhere" else ()
    return _NEEDED[kind] + extra


def _children(luck: FloatArray, shares: ChildrenPerFamily) -> NDArray[np.int8]:
    more_than_one = luck >= shares.one
    more_than_two = luck >= shares.one + shares.two
    return more_than_one.astype(np.int8) + (more_than_two & (shares.three > 0.0)) + np.int8(1)


def _pre_school(luck: FloatArray, older: NDArray[np.int8], share: float) -> NDArray[np.int8]:
    """Draw how many of the 0 to 3 older children are under six: a binomial by its inverse."""
    pupil = 1.0 - share
    at_most = np.ones((4, 3))  # at_most[n, k]: probability of k or fewer among n
    at_most[1, 0] = pupil
    at_most[2, :2] = pupil**2, 1.0 - share**2
    at_most[3] = pupil**3, pupil**3 + 3.0 * share * pupil**2, 1.0 - share**3
    drawn = np.zeros(len(luck), dtype=np.int8)
    for most in range(3):
        drawn += luck >= at_most[:, most][older]
    return drawn


def _birth_s(
    luck: FloatArray,
    newborns: NDArray[np.int8],
    pre_school: NDArray[np.int8],
    pupils: NDArray[np.int8],
    end_s: float,
) -> FloatArray:
    """Draw the birth of the youngest: evenly over the days in question; of k siblings the latest of k births."""
    newborn_s = NEWBORN_DAYS * _DAY_S
    under_six = pre_school > 0
    siblings = np.maximum(np.where(under_six, pre_school, pupils), 1)
    youngest = 1.0 - (1.0 - luck) ** (1.0 / siblings)
    six_s, grown_s = (years * _YEAR_DAYS * _DAY_S for years in (_PRE_SCHOOL_YEARS, _PUPIL_YEARS))
    least_s = np.where(under_six, newborn_s, six_s)
    most_s = np.where(under_six, six_s, grown_s)
    older_s = -(least_s + (most_s - least_s) * youngest)
    return np.where(newborns, luck * (end_s + newborn_s) - newborn_s, older_s)


def _category(fate: FloatArray, shares: FloatArray) -> NDArray[np.int8]:
    """Place each uniform among the special categories; past their sum a family is ordinary, code 0."""
    code = np.zeros(len(fate), dtype=np.int8)
    total = float(shares.sum())
    special = np.flatnonzero(fate < total)  # few, so that the search is cheap
    code[special] = 1 + np.searchsorted(np.cumsum(shares)[:-1], fate[special], side="right")
    return code


def _skill(luck: FloatArray, rural: BoolArray, special: BoolArray, settings: DigitalSkill) -> FloatArray:
    centres = [_centre(mean, settings.spread) for mean in (settings.urban, settings.rural)]
    centres += [centre - settings.hardship for centre in centres]
    against = np.exp(-np.array(centres))[rural + 2 * special.astype(np.int8)]
    skill: FloatArray = 1.0 / (1.0 + against * (1.0 / luck - 1.0) ** settings.spread)
    return skill


def _in_words(skill: FloatArray) -> Coded:
    """Give the third of the scale in which each skill lies, as a word."""
    return Coded((skill >= 1 / 3).astype(np.int8) + (skill >= 2 / 3), SKILLS)


@lru_cache(maxsize=256)
def _centre(mean: float, spread: float) -> float:
    """Find the median log odds at which the logit-logistic distribution has this mean, by bisection.

    Every replication of a scenario asks for the same ones.
    """
    steps = (np.arange(2000) + 0.5) / 2000
    scatter = spread * np.log(steps / (1.0 - steps))
    low, high = -60.0, 60.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if np.mean(1.0 / (1.0 + np.exp(-middle - scatter))) < mean:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _papers(luck: Luck, count: int, shares: PaperShares) -> NDArray[np.uint8]:
    held = np.zeros(count, dtype=np.uint8)
    for bit, paper in enumerate(PAPERS):
        has = luck.uniforms(f"families.papers.{paper}", count) < getattr(shares, paper)
        held |= has.astype(np.uint8) << np.uint8(bit)
    return held


def _complete(papers: NDArray[np.uint8], kind: Coded, elsewhere: BoolArray) -> BoolArray:
    masks = [[_mask(needed_papers(kind_, register)) for register in REGISTERS] for kind_ in KINDS]
    needed = np.array(masks, dtype=np.uint8)[kind.codes, elsewhere.astype(np.int8)]
    complete: BoolArray = (papers & needed) == needed
    return complete


def _mask(papers: tuple[str, ...]) -> int:
    return sum(1 << PAPERS.index(paper) for paper in papers)
