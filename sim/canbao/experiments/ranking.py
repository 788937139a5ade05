"""Rankings: which inputs of a scenario its measures hang on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from canbao.arrays import IntArray, np
from canbao.columns import Coded
from canbao.errors import InputError
from canbao.experiments.comparing import chosen_measures
from canbao.experiments.failures import Failure
from canbao.experiments.meaning import Meanings, meaning_data
from canbao.experiments.measured import find_measure
from canbao.experiments.results import Results
from canbao.experiments.sensitivity import Design, Effect, analyse
from canbao.experiments.varying import Input
from canbao.trace import Table, arrow_table

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Ranking", "Sensitivity", "rank"]


@dataclass(frozen=True)
class Ranking:
    """The inputs by what one measure owes them."""

    measure: str
    effects: tuple[Effect, ...]
    """The most important first."""
    dropped: int
    """Samples that were left out because the measure had no value somewhere in them."""


@dataclass(frozen=True)
class Sensitivity:
    """Which inputs the measures hang on."""

    design: Design
    inputs: tuple[Input, ...]
    rankings: tuple[Ranking, ...]
    level: float
    runs: int
    """Points that were simulated; those of the design that fall together count once."""
    seeds: tuple[int, ...]
    """Each point's value is the mean over these; what is ranked is that mean, not its luck."""
    grades: Mapping[str, str] = field(default_factory=dict)
    """Grades of evidence of the inputs, as far as they have one; E is an estimate."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Estimates that could not be varied, and why."""
    meanings: Meanings = field(default_factory=dict, repr=False)
    failures: tuple[Failure, ...] = ()

    def of(self, measure: str) -> Ranking:
        """Give the ranking of a measure; an InputError names the nearest ones if there is none."""
        found = {ranking.measure: ranking for ranking in self.rankings}
        return found[find_measure(measure, found)]

    def table(self) -> Table:
        """Give one row a measure and input, as columns."""
        rows = [(ranking, place, each) for ranking in self.rankings for place, each in enumerate(ranking.effects, 1)]
        numbers = ("importance", "half_width", "direct", "spread")
        return {
            "measure": _coded([ranking.measure for ranking, _, _ in rows]),
            "rank": np.array([place for _, place, _ in rows], dtype=np.int64),
            "input": _coded([effect.path for _, _, effect in rows]),
            "grade": _coded([self.grades.get(effect.path, "") for _, _, effect in rows]),
            **{name: np.array([getattr(effect, name) for *_, effect in rows], dtype=np.float64) for name in numbers},
        }

    def frame(self) -> pyarrow.Table:
        """Give the same for pandas, polars and whoever reads Arrow."""
        return arrow_table(self.table())

    def as_data(self) -> dict[str, Any]:
        """Give everything as JSON."""
        return {
            "method": self.design.method,
            "samples": self.design.samples,
            "points": self.runs,
            "seeds": list(self.seeds),
            "level": self.level,
            "inputs": [{**one.described(), "grade": self.grades.get(one.path, "")} for one in self.inputs],
            "left_out": dict(self.left_out),
            "rankings": [
                {
                    **meaning_data(ranking.measure, self.meanings),
                    "dropped": ranking.dropped,
                    "effects": [effect.as_data() for effect in ranking.effects],
                }
                for ranking in self.rankings
            ],
            "failures": [vars(failure) for failure in self.failures],
        }


def _coded(words: Sequence[str]) -> Coded:
    labels = tuple(dict.fromkeys(words))
    return Coded(np.array([labels.index(word) for word in words], dtype=np.int32), labels)


def rank(  # noqa: PLR0913 - each of these is a choice of the user's
    results: Results,
    inputs: Sequence[Input],
    design: Design,
    which: IntArray,
    *,
    measures: Sequence[str] = (),
    level: float = 0.95,
    grades: Mapping[str, str] | None = None,
    left_out: Mapping[str, str] | None = None,
    meanings: Meanings | None = None,
) -> Sensitivity:
    """Rank the inputs of a design by what each measure owes them.

    Parameters
    ----------
    results
        Of replications of the points, in the order that `points_of` gave them.
    inputs, design
        What was varied, and where.
    which
        The point of each row of the design, as `points_of` gives it.
    measures
        What is looked at; `usual_measures` if none is named.
    level
        Of the half-widths.
    grades, left_out
        What is to be said of the inputs, and of those that were left out.
    meanings
        What is known of measures whose names do not say it.

    Raises
    ------
    InputError
        When there is no such measure, or too few values of one that was named.
    """
    chosen = chosen_measures(results, measures)
    rankings = []
    for measure in chosen:
        # A seed on which a point has no value would shift its mean, so the point has none either.
        means = np.array([results.values(name, measure).mean() for name in results.variants])
        try:
            effects, dropped = analyse(design, means[which], level)
        except InputError:
            if measures:
                raise
            continue  # nobody asked for it
        rankings.append(Ranking(measure, effects, dropped))
    return Sensitivity(
        design=design,
        inputs=tuple(inputs),
        rankings=tuple(rankings),
        level=level,
        runs=len(results.variants),
        seeds=results.seeds,
        grades=dict(grades or {}),
        left_out=dict(left_out or {}),
        meanings=dict(meanings or {}),
        failures=results.failures,
    )
