"""A region policy that is data: fees, dates, newborns, waiting, papers and refunds from a region file."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, PrivateAttr, ValidationInfo, model_validator

from canbao.arrays import BoolArray, FloatArray, IntArray, np
from canbao.calendar import Horizon
from canbao.columns import Coded, Column
from canbao.errors import InputError, ScenarioError
from canbao.scenario.faults import nearest
from canbao.scenario.models import Settings
from canbao.scenario.quantities import MisfitError
from canbao_plugins.policies.moments import (
    all_but_newborns_until_s,
    births_s,
    cover_after_s,
    is_newborn,
    newborns_until_s,
    number_of_families,
    period_s,
)
from canbao_plugins.policies.reading import REGIONS, Evidence, evidence_of, read_region
from canbao_plugins.policies.rules import Fees, Rules

__all__ = ["Region"]


class _Named(Settings):
    """Which region a scenario means; a class of its own, so that these keys come before the rules."""

    kind: Literal["region"]
    region: str = Field(
        "", description="A built-in region, such as national-2026.", json_schema_extra={"examples": list(REGIONS)}
    )
    file: str = Field(
        "",
        description="A region file of one's own, relative to the scenario file; in place of `region`.",
        json_schema_extra={"format": "file-path"},  # so that a run keeps a copy of it
    )


class Region(Rules, _Named):
    """The rules of a region, from a built-in region or from a region file of one's own.

    A key that has no default here holds as the region says; written here, it takes the place of what the region says.
    """

    _evidence: list[Evidence] = PrivateAttr(default_factory=list)

    @model_validator(mode="wrap")
    @classmethod
    def _upon_a_region(cls, value: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """Put what the scenario says over what the region says."""
        if not isinstance(value, Mapping):
            return handler(value)
        given = dict(value)
        path = _file_of(given, info.context or {})
        if given.get("file"):
            given["file"] = path
        try:
            source = read_region(path)
        except ScenarioError as error:
            key = "file" if given.get("file") else "region"
            raise MisfitError("names a region with faults", below=(key,), faults=error.faults) from None
        policy = handler(_put_over(source.data, given))
        policy._evidence.extend(evidence_of(source, besides=given))
        return policy

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """Give the JSON Schema: only `kind` must be given, in no table below anything."""
        schema = super().model_json_schema(*args, **options)
        for node in schema.get("$defs", {}).values():
            node.pop("required", None)
        return {**schema, "required": ["kind"]}

    @classmethod
    def named(cls, region: str) -> Self:
        """Give a built-in region by its name, for Python."""
        return cls.model_validate({"kind": "region", "region": region})

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What stands behind each value that comes from a region file, in the order of the file."""
        return tuple(self._evidence)

    def grades(self) -> dict[str, str]:
        """Give the grade of evidence of each value that comes from a region file, by dotted key."""
        return {item.key: item.grade for item in self._evidence if item.grade}

    # --- when ---------------------------------------------------------------------------------------------------------

    def period_s(self, horizon: Horizon) -> tuple[float, float]:
        """Give the first moment of the collection period and the midnight at which its last date ends."""
        return period_s(self.start, self.deadline, horizon)

    def benefits_s(self, horizon: Horizon) -> tuple[float, float]:
        """Give the first moment of the insurance year and the one at which it is over."""
        return period_s(dt.date(self.insurance_year, 1, 1), dt.date(self.insurance_year, 12, 31), horizon)

    def deadline_s(self, columns: Mapping[str, Column], horizon: Horizon) -> FloatArray:
        """Give the deadline of each family; a newborn's family has none, it may enrol all year round."""
        return all_but_newborns_until_s(columns, self.period_s(horizon)[1])

    def insured_from_birth_until_s(self, columns: Mapping[str, Column], horizon: Horizon) -> FloatArray:
        """Give the last moment at which each newborn is insured from birth, nan for other families."""
        return newborns_until_s(columns, self.newborn_days)

    def refundable_until_s(self, horizon: Horizon) -> float:
        """Give the moment before which a fee is paid back to whoever asks, inf if there is none."""
        return self.benefits_s(horizon)[0] if self.refund.before_benefits_only else math.inf

    def cover_from_s(self, columns: Mapping[str, Column], paid_s: FloatArray, horizon: Horizon) -> FloatArray:
        """Give the moment at which cover begins for each family, by the moment at which it paid.

        A newborn is insured from birth if its family paid inside the window, else from the first day of the next month.
        Others are insured from 1 January of the insurance year if they paid in the collection period and missed none
        before; whoever missed one waits from the payment on, see `waiting_months` and `moments.cover_after_s`. In a
        family with a newborn and older children this is about the newborn.

        Parameters
        ----------
        columns
            `kind`, `category`, `birth_s`, and `missed_years` (how many collection periods in a row a family missed
            before this one), each where the population knows it. A payment behind the collection period adds one.
        paid_s
            Shape (families,); nan for a family that did not pay.

        Returns
        -------
        FloatArray
            Shape (families,); nan for a family that did not pay, inf where the insurance year is over before its cover
            would begin.
        """
        paid = np.asarray(paid_s, dtype=np.float64)
        first, over = self.benefits_s(horizon)
        late = paid > self.period_s(horizon)[1]
        missed = _counted(columns, "missed_years", 0) + late
        months = self.waiting_months(_words(columns, "category"), _words(columns, "kind"), missed)
        later = cover_after_s(paid, months, horizon)
        newborn, birth = is_newborn(columns) & ~np.isnan(births_s(columns)), births_s(columns)
        others = np.where(late | (months > 0), np.fmax(later, first), first)
        inside = paid <= birth + self.newborn_days * 86_400.0
        begin = np.where(newborn, np.where(inside, birth, later), others)
        return np.where(np.isfinite(paid), np.where(begin < over, begin, math.inf), math.nan)

    def waiting_months(self, category: Coded | None, kind: Coded | None, missed_years: IntArray | int) -> IntArray:
        """Give the months that each family waits for cover after its payment.

        Parameters
        ----------
        category, kind
            Words of each family; None where they are not known, so that nobody is exempt by them.
        missed_years
            How many collection periods in a row each missed, the last one included; those of insurance years before
            `waiting.since` do not count.

        Returns
        -------
        IntArray
            Shape (families,); shape () for a number and no words.
        """
        countable = max(0, self.insurance_year - self.waiting.since + 1)
        missed = np.minimum(np.asarray(missed_years, dtype=np.int64), countable)
        months = np.where(missed > 0, self.waiting.months + self.waiting.further_months * (missed - 1), 0)
        for words in (category, kind):
            if words is not None:
                months = np.where(_has_any(words, self.waiting.exempt), 0, months)
        return np.asarray(months, dtype=np.int64)

    # --- how much -----------------------------------------------------------------------------------------------------

    def fee_yuan(self, columns: Mapping[str, Column], horizon: Horizon) -> FloatArray:
        """Give what each family pays for all its children, shape (families,).

        A newborn born before the insurance year counts twice where `newborn_both_years` says so: it pays for the year
        of its birth as well, at the same fee.

        Raises
        ------
        InputError
            For a category that no fee is known of.
        """
        return self._years_of_children(columns, horizon) * self._fee_a_child(columns)

    def subsidy_yuan(self, columns: Mapping[str, Column], horizon: Horizon) -> FloatArray:
        """Give what the state adds for each family, shape (families,).

        That is the subsidy for each child, and the part of the ordinary fee that its category is let off, which medical
        assistance pays: the fund gets the same for each child.
        """
        a_child = self.fees.ordinary + self.subsidy
        return self._years_of_children(columns, horizon) * (a_child - self._fee_a_child(columns))

    def long_term_care_yuan(self, columns: Mapping[str, Column], horizon: Horizon) -> FloatArray:
        """Give the part of each family's fee that goes to long-term care insurance, shape (families,)."""
        share = np.minimum(self._fee_a_child(columns), self.long_term_care)
        return self._years_of_children(columns, horizon) * share

    def _fee_a_child(self, columns: Mapping[str, Column]) -> FloatArray:
        category = _words(columns, "category")
        if category is None:
            return np.full(number_of_families(columns), float(self.fees.ordinary))
        known = {name.replace("_", " ") for name in Fees.model_fields}
        unknown = [label for label in category.labels if label not in known]
        if unknown:
            raise InputError(f"no fee is known of the category {unknown[0]!r}; known are {', '.join(sorted(known))}")
        fees: FloatArray = np.array([self.fees.of(label) for label in category.labels], dtype=np.float64)
        return np.asarray(fees[category.codes])

    def _years_of_children(self, columns: Mapping[str, Column], horizon: Horizon) -> FloatArray:
        """Count the children of each family, and those twice who pay for two years."""
        children = np.maximum(_counted(columns, "children", 1), 1).astype(np.float64)
        if not self.newborn_both_years:
            return children
        before = is_newborn(columns) & (births_s(columns) < self.benefits_s(horizon)[0])
        return children + np.where(before, _counted(columns, "newborns", 1), 0)

    # --- what with ----------------------------------------------------------------------------------------------------

    def needed_papers(self, kind: str, register: str) -> tuple[str, ...]:
        """Tell which papers a family needs, by its kind and by where its household register is kept."""
        return self.papers.of(kind, register)

    def papers_complete(self, columns: Mapping[str, Column], horizon: Horizon) -> BoolArray | None:
        """Tell whether each family holds all papers that it needs here; None where it is not known what it holds."""
        from canbao_plugins.families import PAPERS  # the bits of the column `papers`

        held, kind, register = columns.get("papers"), columns.get("kind"), columns.get("register")
        if held is None or isinstance(held, Coded) or not isinstance(kind, Coded) or not isinstance(register, Coded):
            return None
        needed = [
            [sum(1 << PAPERS.index(paper) for paper in self.needed_papers(one, other)) for other in register.labels]
            for one in kind.labels
        ]
        mask = np.array(needed, dtype=held.dtype)[kind.codes, register.codes]
        return np.asarray((held & mask) == mask)


# --- the scenario's table ---------------------------------------------------------------------------------------------


def _file_of(given: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    """Give the region file that a scenario names."""
    region, file = given.get("region", ""), given.get("file", "")
    known = ", ".join(REGIONS)
    if region and file:
        hint = 'leave one of them out; write region = "" to do without one that is inherited'
        raise MisfitError("stands beside a region", allowed="either region or file", hint=hint, below=("file",))
    if file:
        return _own_file(file, context)
    if not region:
        hint = 'write region = "national-2026"' if "national-2026" in REGIONS else ""
        raise MisfitError("is missing", allowed=f"{known}, or a file of one's own", hint=hint, below=("region",))
    if not isinstance(region, str) or region not in REGIONS:
        close = nearest(str(region), REGIONS)
        hint = f'did you mean "{close}"?' if close else ""
        raise MisfitError("there is no such region", allowed=known, hint=hint, below=("region",))
    return REGIONS[region]


def _own_file(file: object, context: Mapping[str, Any]) -> str:
    allowed = "the path of a region file in TOML, relative to the scenario file"
    if not isinstance(file, str):
        raise MisfitError("does not name a file", allowed=allowed, below=("file",))
    folder = context.get("folders", {}).get(file, context.get("folder", "."))
    path = Path(folder) / file
    if not _is_file(path):
        raise MisfitError(f"names a file that is not there: {path}", allowed=allowed, below=("file",))
    return str(path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _put_over(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge tables key by key; everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        inner = merged.get(key)
        both = isinstance(inner, Mapping) and isinstance(value, Mapping)
        merged[key] = _put_over(inner, value) if both else value  # type: ignore[arg-type]
    return merged


# --- columns ----------------------------------------------------------------------------------------------------------


def _words(columns: Mapping[str, Column], name: str) -> Coded | None:
    column = columns.get(name)
    return column if isinstance(column, Coded) else None


def _has_any(column: Coded, words: Iterable[str]) -> BoolArray:
    return column.has(*(word for word in words if word in column.labels))


def _counted(columns: Mapping[str, Column], name: str, otherwise: int) -> IntArray:
    """Give a column of counts, or the same count for all where it is not known."""
    column = columns.get(name)
    if column is None or isinstance(column, Coded):
        return np.full(number_of_families(columns), otherwise, dtype=np.int64)
    return np.asarray(column, dtype=np.int64)
