"""The best of several variants, with a stated probability: Kim and Nelson's procedure on an experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from canbao.arrays import FloatArray, np
from canbao.errors import InputError
from canbao.experiments.experiment import Experiment
from canbao.experiments.meaning import Meanings, meaning_of
from canbao.experiments.measured import find_measure
from canbao.experiments.results import Results
from canbao.experiments.variants import Variant
from canbao.statistics import Interval, Selection, compare_paired, kim_nelson, t_interval

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Best", "Candidate", "select_best"]


@dataclass(frozen=True)
class Candidate:
    """One variant of a selection."""

    variant: str
    replications: int
    """After which it was dropped, or the end came."""
    mean: Interval
    """Over those replications. Not of a size that was fixed beforehand, so read it as a description."""
    behind: Interval
    """How far it is behind the best, on the seeds that both have; positive where it is the worse one."""
    kept: bool
    """Whether it was in the race to the end."""

    def as_data(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {
            "variant": self.variant,
            "replications": self.replications,
            "mean": self.mean.as_data(),
            "behind": self.behind.as_data(),
            "kept": self.kept,
        }


@dataclass(frozen=True)
class Best:
    """Which variant is best in one measure, and with which promise."""

    measure: str
    unit: str
    best: str
    maximise: bool
    indifference: float
    """Differences below this are not worth knowing, in the measure's unit."""
    level: float
    """With this probability the best is selected, if it is better than all others by the indifference or more."""
    guaranteed: bool
    """False where the replications that were allowed ended it before."""
    candidates: tuple[Candidate, ...]
    """The best first, then by how late they were dropped."""
    results: Results = field(repr=False)

    def frame(self) -> pyarrow.Table:
        """Give one row a variant, for pandas, polars and whoever reads Arrow."""
        import pyarrow as pa

        rows = [
            {
                "variant": each.variant,
                "replications": each.replications,
                "mean": each.mean.mean,
                "mean_half_width": each.mean.half_width,
                "behind": each.behind.mean,
                "behind_half_width": each.behind.half_width,
                "kept": each.kept,
            }
            for each in self.candidates
        ]
        return pa.Table.from_pylist(rows)

    def as_data(self) -> dict[str, Any]:
        """Give everything as JSON."""
        return {
            "measure": self.measure,
            "unit": self.unit,
            "best": self.best,
            "maximise": self.maximise,
            "indifference": self.indifference,
            "level": self.level,
            "guaranteed": self.guaranteed,
            "candidates": [each.as_data() for each in self.candidates],
            "replications": sum(each.replications for each in self.candidates),
        }


def select_best(  # noqa: PLR0913 - each of these is a choice of the user's
    experiment: Experiment,
    variants: Sequence[Variant],
    measure: str,
    *,
    indifference: float,
    first_seed: int = 1,
    level: float = 0.95,
    first_stage: int = 10,
    maximise: bool | None = None,
    portion: int = 1,
    budget: int | None = None,
    meanings: Meanings | None = None,
) -> Best:
    """Select the best of several variants (Kim and Nelson 2001), all on the same seeds.

    Parameters
    ----------
    experiment
        Carries out the replications, and keeps them: a selection that was interrupted goes on where it was.
    variants
        Two or more.
    measure
        The name of the measure that decides.
    indifference
        The smallest difference worth knowing, in the measure's unit.
    first_seed
        Of the first replication; the others follow.
    level
        The probability of the promise.
    first_stage
        Replications of every variant before the first is dropped.
    maximise
        Whether the largest mean is the best; what is known of the measure decides if not given.
    portion
        How many replications are carried out at a time after the first stage; the answer does not depend on it.
    budget
        No variant gets more replications than this.
    meanings
        What is known of measures whose names do not say it.

    Raises
    ------
    InputError
        When there are fewer than two variants, no such measure, or nobody knows which way is better; or when a
        replication has nothing to compare.
    """
    if len(variants) < 2:
        raise InputError(f"the best of several needs two variants or more, given {len(variants)}")
    race = _Race(experiment, tuple(variants), measure, first_seed)
    name = race.found_measure()
    meaning = meaning_of(name, meanings)
    upwards = _upwards(name, meaning.better if maximise is None else "higher" if maximise else "lower")
    selection = kim_nelson(
        race.sample,
        len(variants),
        delta=indifference,
        level=level,
        n0=first_stage,
        maximize=upwards,
        portion=portion,
        budget=budget,
    )
    results = race.results(max(selection.replications))
    candidates = _candidates(results, name, selection, level, upwards)
    return Best(
        measure=name,
        unit=meaning.unit,
        best=candidates[0].variant,
        maximise=upwards,
        indifference=indifference,
        level=level,
        guaranteed=selection.guaranteed,
        candidates=candidates,
        results=results,
    )


def _upwards(measure: str, better: str | None) -> bool:
    if better is None:
        raise InputError(f"nobody knows whether more of {measure} is better; say --maximise or --minimise")
    return better == "higher"


@dataclass
class _Race:
    """The replications of a selection."""

    experiment: Experiment
    variants: tuple[Variant, ...]
    measure: str
    first_seed: int
    observed: dict[tuple[str, int], Mapping[str, float]] = field(default_factory=dict)

    def found_measure(self) -> str:
        """Give the whole name of the measure, which one replication tells."""
        first = self.experiment.replicate(self.variants[:1], [self.first_seed])
        _check_whole(first)
        return find_measure(self.measure, first.measures)

    def sample(self, ids: Sequence[int], replications: range) -> FloatArray:
        """Give observations of some variants."""
        chosen = [self.variants[each] for each in ids]
        found = self.experiment.replicate(chosen, [self.first_seed + each for each in replications])
        _check_whole(found)
        self.observed |= found.found
        name = find_measure(self.measure, found.measures)
        values = np.array([found.values(variant.name, name) for variant in chosen])
        _check_known(found, name, values)
        return values

    def results(self, replications: int) -> Results:
        """Give all that was observed; a variant that was dropped lacks what would have come after."""
        names = tuple(variant.name for variant in self.variants)
        measures = dict.fromkeys(name for row in self.observed.values() for name in row)
        seeds = tuple(range(self.first_seed, self.first_seed + replications))
        return Results(names, seeds, tuple(measures), (), self.observed)


def _check_whole(results: Results) -> None:
    if results.failures:
        raise InputError(f"a selection needs every replication, and one failed: {results.failures[0]}")


def _check_known(results: Results, measure: str, values: FloatArray) -> None:
    empty = np.argwhere(~np.isfinite(values))
    if len(empty):
        row, place = empty[0]
        raise InputError(
            f"{results.variants[row]} has no {measure} with seed {results.seeds[place]}, and a selection needs it on "
            "every seed; choose a measure that every season has"
        )


def _candidates(
    results: Results, measure: str, selection: Selection, level: float, upwards: bool
) -> tuple[Candidate, ...]:
    values = [
        results.values(name, measure)[:count]
        for name, count in zip(results.variants, selection.replications, strict=True)
    ]
    order = sorted(range(len(values)), key=lambda each: (each != selection.best, -selection.replications[each]))
    return tuple(_candidate(results.variants[each], each, values, selection, level, upwards) for each in order)


def _candidate(  # noqa: PLR0913, PLR0917 - one row, spelled out
    name: str, number: int, values: Sequence[FloatArray], selection: Selection, level: float, upwards: bool
) -> Candidate:
    mine, best = values[number], values[selection.best]
    both = min(len(mine), len(best))
    ahead, behind = (best, mine) if upwards else (mine, best)
    return Candidate(
        variant=name,
        replications=len(mine),
        mean=t_interval(mine, level),
        behind=compare_paired(behind[:both], ahead[:both], level).difference,
        kept=number in selection.survivors,
    )
