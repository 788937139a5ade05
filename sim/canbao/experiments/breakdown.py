"""Who gains and who loses: a comparison by kind of family."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from canbao.arrays import FloatArray, np
from canbao.experiments.meaning import Meaning, meaning_of
from canbao.experiments.results import Results
from canbao.statistics import Interval, compare_paired, holm, t_interval

__all__ = ["EVERYBODY", "Group", "breakdown"]

EVERYBODY = ("enrolled_share", "online_share", "hours", "trips")
"""What every family has a value of; so the contributions of the groups add up to the difference of all families."""

_MEANS = re.compile(r"equity\.(?P<kind>[^.]+)\.means\.(?P<label>.+)\.(?P<what>\w+)")
_FAMILIES = re.compile(r"equity\.(?P<kind>[^.]+)\.families\.(?P<label>.+)")

Change = Literal["gains", "loses", "more", "less", "unclear", "same"]


@dataclass(frozen=True)
class Group:
    """What a change means for one group of families."""

    kind: str
    """What tells families apart: `skill`, `residence`, `category` ..."""
    label: str
    """The group: `low`, `rural` ..."""
    what: str
    """What is compared: `hours`, `trips`, `enrolled_share` ..."""
    variant: str
    """The variant that is held against the base."""
    meaning: Meaning
    families: float
    """How many families of the group came in the base, mean over seeds."""
    base: Interval
    other: Interval
    difference: Interval
    p_value: float
    p_adjusted: float
    """By Holm, over all groups and whatever is compared."""
    contribution: float | None
    """The part of the difference of all families that is this group's: its share of the families times its difference.

    None where it is not told of every family, or not the same families came in both variants."""
    change: Change

    def as_data(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {
            "kind": self.kind,
            "label": self.label,
            "what": self.what,
            "variant": self.variant,
            "unit": self.meaning.unit,
            "better": self.meaning.better,
            "families": known(self.families),
            "base": self.base.as_data(),
            "other": self.other.as_data(),
            "difference": self.difference.as_data(),
            "p_value": known(self.p_value),
            "p_adjusted": known(self.p_adjusted),
            "contribution": self.contribution,
            "change": self.change,
        }


def known(value: float) -> float | None:
    """Give a number for JSON, which has no nan and no infinity: None for them."""
    return value if np.isfinite(value) else None


def breakdown(results: Results, base: str, others: Sequence[str], level: float = 0.95) -> tuple[Group, ...]:
    """Compare variants with a base by kind of family, seed by seed.

    Parameters
    ----------
    results
        Of replications on the same seeds.
    base, others
        Names of variants.
    level
        Of the intervals, each by itself; p-values are adjusted over all of them.
    """
    found = [group for other in others for group in _groups(results, base, other, level)]
    adjusted = holm([group.p_value for group in found])
    return tuple(
        replace(group, p_adjusted=float(p), change=_change(group, float(p) < 1.0 - level))
        for group, p in zip(found, adjusted, strict=True)
    )


def _groups(results: Results, base: str, other: str, level: float) -> Iterator[Group]:
    weights = _Weights(results, base, other)
    for measure in results.measures:
        match = _MEANS.fullmatch(measure)
        if match is None:
            continue
        kind, label, what = match["kind"], match["label"], match["what"]
        first, second = results.values(base, measure), results.values(other, measure)
        paired = compare_paired(first, second, level)
        if paired.n == 0:  # a group that nobody of came in one of them
            continue
        share = weights.share(kind, label) if what in EVERYBODY else None
        yield Group(
            kind=kind,
            label=label,
            what=what,
            variant=other,
            meaning=meaning_of(measure),
            families=weights.families(kind, label),
            base=t_interval(first, level),
            other=t_interval(second, level),
            difference=paired.difference,
            p_value=paired.p_value,
            p_adjusted=paired.p_value,
            contribution=None if share is None else _contribution(share, second - first),
            change="unclear",
        )


def _contribution(share: FloatArray, difference: FloatArray) -> float | None:
    here = np.where(share == 0, 0.0, share * difference)  # where nobody of a group came, it has no part
    return float(np.mean(here[~np.isnan(here)])) if (~np.isnan(here)).any() else None


class _Weights:
    """How many families of each group came, seed by seed."""

    def __init__(self, results: Results, base: str, other: str) -> None:
        counts: dict[str, dict[str, FloatArray]] = {}
        for measure in results.measures:
            if match := _FAMILIES.fullmatch(measure):
                both = np.array([results.values(name, measure) for name in (base, other)])
                # A group of which nobody came in a season is not told at all.
                counts.setdefault(match["kind"], {})[match["label"]] = np.asarray(np.nan_to_num(both))
        self._counts = counts

    def families(self, kind: str, label: str) -> float:
        """Give how many of a group came in the base, mean over the seeds in which somebody came; nan if not told."""
        came = self._counts.get(kind, {}).get(label, np.zeros((2, 0)))[0]
        return float(came[came > 0].mean()) if (came > 0).any() else np.nan

    def share(self, kind: str, label: str) -> FloatArray | None:
        """Give the share of a group among all families, shape (seeds,); nan where a replication failed.

        None if it is not told, or if not the same families came in both variants.
        """
        groups = self._counts.get(kind, {})
        if label not in groups:
            return None
        everybody = np.sum(list(groups.values()), axis=0)
        done = np.asarray((everybody > 0).all(axis=0))
        if any(not np.array_equal(each[0, done], each[1, done]) for each in groups.values()):
            return None
        return np.where(done, groups[label][0] / np.where(done, everybody[0], 1.0), np.nan)


def _change(group: Group, sure: bool) -> Change:
    mean = group.difference.mean
    if mean == 0 and group.difference.half_width == 0:
        return "same"
    if not sure:
        return "unclear"
    if group.meaning.better is None:
        return "more" if mean > 0 else "less"
    return "gains" if (mean > 0) == (group.meaning.better == "higher") else "loses"
