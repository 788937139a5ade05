"""Variants held against a base on the same seeds: how large the differences are, and how sure.

The same seed brings the same families with the same luck, so a difference between two variants is taken seed by seed
and its interval is that of the differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from canbao.arrays import np
from canbao.errors import InputError
from canbao.experiments.breakdown import Group, breakdown, known
from canbao.experiments.failures import Failure
from canbao.experiments.meaning import Meaning, Meanings, meaning_of
from canbao.experiments.measured import find_measure
from canbao.experiments.results import Results
from canbao.statistics import Interval, against_base, holm, t_interval

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Compared", "Comparison", "Notice", "chosen_measures", "compare", "usual_measures"]

Verdict = Literal["better", "worse", "more", "less", "unclear", "same", "unknown"]

Notice = Literal["one replication", "other seeds", "other families"]
"""What a reader has to know: no interval is possible; the seeds are not the same; not the same families came."""


@dataclass(frozen=True)
class Compared:
    """One measure of one variant, held against the base."""

    measure: str
    variant: str
    meaning: Meaning
    base: Interval
    """Of the base, by itself."""
    other: Interval
    """Of the variant, by itself."""
    difference: Interval
    """Variant less base, seed by seed. With several variants the intervals of a measure hold together (Bonferroni)."""
    p_value: float
    """Of the paired t test, two-sided; nan for fewer than two seeds."""
    p_adjusted: float
    """By Holm, over all measures and variants of the comparison."""
    variance_ratio: float
    """As many times more replications would be needed with other luck for each variant; nan where nothing varies."""
    verdict: Verdict
    """`better` or `worse` where it is known which way is better, else `more` or `less`; `unclear` where luck may
    explain the difference; `same` where there is none on any seed; `unknown` where one replication cannot tell."""

    def as_data(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {
            "measure": self.measure,
            "variant": self.variant,
            "unit": self.meaning.unit,
            "better": self.meaning.better,
            "base": self.base.as_data(),
            "other": self.other.as_data(),
            "difference": self.difference.as_data(),
            "p_value": known(self.p_value),
            "p_adjusted": known(self.p_adjusted),
            "variance_ratio": known(self.variance_ratio),
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class Comparison:
    """What distinguishes some variants from a base."""

    base: str
    others: tuple[str, ...]
    seeds: tuple[int, ...]
    level: float
    rows: tuple[Compared, ...]
    """By variant, and within it by measure."""
    groups: tuple[Group, ...]
    """By kind of family."""
    absent: Mapping[str, tuple[str, ...]]
    """Measures that were asked for and that some variants do not have, with the names of those variants."""
    notices: tuple[Notice, ...] = ()
    failures: tuple[Failure, ...] = ()

    def of(self, measure: str, variant: str | None = None) -> Compared:
        """Give the row of a measure; of the only other variant, if none is named.

        Raises
        ------
        InputError
            When there is none.
        """
        wanted = variant or self.others[0]
        rows = {row.measure: row for row in self.rows if row.variant == wanted}
        if not rows:
            raise InputError(f"no variant {wanted!r} was compared; there are: {', '.join(self.others)}")
        return rows[find_measure(measure, rows)]

    def frame(self) -> pyarrow.Table:
        """Give the rows as a table, for pandas, polars and whoever reads Arrow."""
        return _frame([row.as_data() for row in self.rows])

    def group_frame(self) -> pyarrow.Table:
        """Give the kinds of families as a table."""
        return _frame([group.as_data() for group in self.groups])

    def as_data(self) -> dict[str, Any]:
        """Give everything as JSON."""
        return {
            "base": self.base,
            "others": list(self.others),
            "seeds": list(self.seeds),
            "level": self.level,
            "measures": [row.as_data() for row in self.rows],
            "groups": [group.as_data() for group in self.groups],
            "absent": {measure: list(names) for measure, names in self.absent.items()},
            "notices": list(self.notices),
            "failures": [vars(failure) for failure in self.failures],
        }


def _frame(rows: Sequence[Mapping[str, Any]]) -> pyarrow.Table:
    """Make a table of rows, with an interval as two columns, `difference` and `difference_half_width`."""
    import pyarrow as pa

    return pa.Table.from_pylist([dict(_flat(row)) for row in rows])


def _flat(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield name, value["mean"]
            yield f"{name}_half_width", value["half_width"]
        else:
            yield name, value


# --- what is compared -------------------------------------------------------------------------------------------------

_USUAL = (
    "deadline.in_time_share",
    "families.enrolled",
    "review.within.4",
    "review.working_days.mean",
    "review.working_days.p95",
    "spent.hours.all.mean",
    "spent.hours.all.p95",
    "spent.trips.all.mean",
    "money.costs.total_yuan",
    "money.costs.yuan_per_enrolment",
)
"""What most people ask of a season, beside its objectives and the waits of its channels."""

_NO_WAITS = ("review", "payment")
"""Groups of stations at which papers wait, or that are beside the question where nobody asks for them."""


def usual_measures(results: Results) -> tuple[str, ...]:
    """Choose the measures for those who named none.

    The objectives, the waits of the channels that all variants have, the review, families' hours and trips, costs, who
    is enrolled; nothing that an objective says already. Results that have none of them, as those of a network of one's
    own, are compared in all that they have.
    """
    objectives = [name for name in results.measures if name.startswith("objectives.") and not name.endswith(".held")]
    waits = [name for name in results.measures if _is_wait(name) and not _without(results, name)]
    told = {_trace_of(results, name) for name in objectives}
    usual = [name for name in _USUAL if name in results.measures and _trace_of(results, name) not in told]
    return tuple([*objectives, *waits, *usual] or results.measures)


def _is_wait(measure: str) -> bool:
    parts = measure.split(".")  # a group with a further part is one of papers
    return len(parts) == 4 and parts[:2] == ["waits", "channels"] and parts[2] not in _NO_WAITS and parts[3] == "mean"


def _trace_of(results: Results, measure: str) -> tuple[float, ...] | str:
    """Give what tells two measures apart: their values, or the name where these never change, which proves nothing."""
    values = [value for name in results.variants for value in results.values(name, measure).tolist()]
    return tuple(values) if len(set(values)) > 1 else measure


def compare(  # noqa: PLR0913 - each of these is a choice of the user's
    results: Results,
    *,
    base: str | None = None,
    measures: Sequence[str] = (),
    level: float = 0.95,
    known_meanings: Meanings | None = None,
    notices: Sequence[Notice] = (),
) -> Comparison:
    """Compare variants with a base, seed by seed.

    Parameters
    ----------
    results
        Of replications on the same seeds; two variants or more.
    base
        The variant that the others are held against; the first if none is named.
    measures
        What is compared; `usual_measures` if none is named.
    level
        Of the intervals, and what 1 less is the risk that any of the verdicts is luck.
    known_meanings
        Which way is better for measures whose names do not say it: `objective_meanings` gives those of objectives.
    notices
        What has to be said beside what is found here.

    Raises
    ------
    InputError
        When there are fewer than two variants, or no such base or measure.
    """
    first = _base(results, base)
    others = tuple(name for name in results.variants if name != first)
    chosen = chosen_measures(results, measures)
    absent = {name: tuple(_without(results, name)) for name in chosen}
    both = [name for name in chosen if not absent[name]]
    rows = [row for name in both for row in _rows(results, name, first, others, level, known_meanings)]
    seen: list[Notice] = [*notices]
    seen += ["one replication"] if len(results.seeds) < 2 else []
    seen += [] if _same_families(results) else ["other families"]
    return Comparison(
        base=first,
        others=others,
        seeds=results.seeds,
        level=level,
        rows=_judged(sorted(rows, key=lambda row: others.index(row.variant)), level),
        groups=breakdown(results, first, others, level),
        absent={name: names for name, names in absent.items() if names},
        notices=tuple(dict.fromkeys(seen)),
        failures=results.failures,
    )


def _base(results: Results, base: str | None) -> str:
    if len(results.variants) < 2:
        raise InputError(f"a comparison needs two variants or more, given {len(results.variants)}")
    if base is not None and base not in results.variants:
        raise InputError(f"there is no variant {base!r} to compare with; there are: {', '.join(results.variants)}")
    return base or results.variants[0]


def chosen_measures(results: Results, measures: Sequence[str]) -> tuple[str, ...]:
    """Give the measures that somebody asked for by name, or the usual ones.

    Raises
    ------
    InputError
        When there is no such measure, or none at all.
    """
    if not results.measures:
        why = f"; the first failed: {results.failures[0]}" if results.failures else ""
        raise InputError(f"no replication gave a measure, so there is nothing to tell{why}")
    found = dict.fromkeys(find_measure(text, results.measures) for text in measures)
    return tuple(found) or usual_measures(results)


def _without(results: Results, measure: str) -> list[str]:
    return [name for name in results.variants if np.isnan(results.values(name, measure)).all()]


def _rows(  # noqa: PLR0913, PLR0917 - one comparison, spelled out
    results: Results, measure: str, base: str, others: Sequence[str], level: float, meanings: Meanings | None
) -> Iterator[Compared]:
    first = results.values(base, measure)
    values = [results.values(name, measure) for name in others]
    for name, mine, paired in zip(others, values, against_base(first, values, level), strict=True):
        yield Compared(
            measure=measure,
            variant=name,
            meaning=meaning_of(measure, meanings),
            base=t_interval(first, level),
            other=t_interval(mine, level),
            difference=paired.difference,
            p_value=paired.p_value,
            p_adjusted=paired.p_value,
            variance_ratio=paired.variance_ratio,
            verdict="unknown",
        )


def _judged(rows: Sequence[Compared], level: float) -> tuple[Compared, ...]:
    adjusted = holm([row.p_value for row in rows])
    return tuple(
        replace(row, p_adjusted=float(p), verdict=_verdict(row, float(p), level))
        for row, p in zip(rows, adjusted, strict=True)
    )


def _verdict(row: Compared, p_adjusted: float, level: float) -> Verdict:
    mean = row.difference.mean
    if row.difference.n < 2:
        return "unknown"
    if mean == 0 and row.difference.half_width == 0:
        return "same"
    if not p_adjusted < 1.0 - level:
        return "unclear"
    if row.meaning.better is None:
        return "more" if mean > 0 else "less"
    return "better" if (mean > 0) == (row.meaning.better == "higher") else "worse"


def _same_families(results: Results) -> bool:
    """Tell whether as many families came in all variants, on every seed; true where families are not counted."""
    if "families.arrived" not in results.measures:
        return True
    came = np.array([results.values(name, "families.arrived") for name in results.variants])
    whole = came[:, ~np.isnan(came).any(axis=0)]
    return bool((whole == whole[0]).all())
