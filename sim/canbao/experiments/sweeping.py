"""Sweeps: what some measures are at the points of a grid or a Latin hypercube."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from canbao.arrays import np
from canbao.columns import Coded, Column
from canbao.experiments.comparing import chosen_measures
from canbao.experiments.meaning import Meanings, meaning_data
from canbao.experiments.points import Point
from canbao.experiments.results import Results
from canbao.experiments.varying import Input, Levels, column
from canbao.statistics import Interval, t_interval
from canbao.trace import Table, arrow_table

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Kind", "Response", "Sweep", "sweep"]

Kind = Literal["grid", "latin hypercube"]
"""How the points were chosen."""

_MOST_LINES = 1_000
"""Levels of one input of which a response is told."""


@dataclass(frozen=True)
class Response:
    """How a measure answers to one input of a grid, all other inputs together."""

    measure: str
    path: str
    means: tuple[Interval, ...]
    """One a level of the input: over seeds, of the mean over all points with that level."""

    def as_data(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {"measure": self.measure, "path": self.path, "means": [each.as_data() for each in self.means]}


@dataclass(frozen=True)
class Sweep:
    """What some measures are at the points of a design."""

    design: Kind
    inputs: tuple[Input, ...]
    points: tuple[Point, ...]
    measures: tuple[str, ...]
    level: float
    results: Results = field(repr=False)
    meanings: Meanings = field(default_factory=dict, repr=False)

    def interval(self, point: str, measure: str) -> Interval:
        """Give a measure at a point, over seeds."""
        return t_interval(self.results.values(point, measure), self.level)

    def responses(self) -> tuple[Response, ...]:
        """Give the response of each measure to each input of a grid; nothing for other designs."""
        if self.design != "grid":
            return ()
        return tuple(
            Response(measure, one.path, self._response(measure, number, one))
            for measure in self.measures
            for number, one in enumerate(self.inputs)
            if isinstance(one, Levels) and len(one.settings) <= _MOST_LINES
        )

    def _response(self, measure: str, number: int, one: Levels) -> tuple[Interval, ...]:
        found = []
        for setting in one.settings:
            names = [point.name for point in self.points if point.settings[number] == setting]
            values = np.array([self.results.values(name, measure) for name in names])
            # Points of one seed share its luck, so that they are one observation. Where one is missing, all are.
            found.append(t_interval(values.mean(axis=0), self.level))
        return tuple(found)

    def table(self) -> Table:
        """Give one row a point and seed: the inputs, then the measures."""
        seeds = np.array(self.results.seeds, dtype=np.int64)
        table: dict[str, Column] = {
            "point": Coded(np.repeat(np.arange(len(self.points)), len(seeds)).astype(np.int32), self._names()),
            "seed": np.tile(seeds, len(self.points)),
        }
        table |= {column(one): self._input(number, len(seeds)) for number, one in enumerate(self.inputs)}
        for measure in self.measures:
            table[measure] = np.concatenate([self.results.values(name, measure) for name in self._names()])
        return table

    def frame(self) -> pyarrow.Table:
        """Give the same for pandas, polars and whoever reads Arrow."""
        return arrow_table(self.table())

    def as_data(self) -> dict[str, Any]:
        """Give everything as JSON."""
        return {
            "design": self.design,
            "level": self.level,
            "seeds": list(self.results.seeds),
            "inputs": [one.described() for one in self.inputs],
            "measures": [meaning_data(measure, self.meanings) for measure in self.measures],
            "points": [self._point(point) for point in self.points],
            "responses": [response.as_data() for response in self.responses()],
            "failures": [vars(failure) for failure in self.results.failures],
        }

    def _names(self) -> tuple[str, ...]:
        return tuple(point.name for point in self.points)

    def _input(self, number: int, seeds: int) -> Column:
        settings = [point.settings[number] for point in self.points]
        if any(setting.number is None for setting in settings):
            labels = tuple(dict.fromkeys(setting.label for setting in settings))
            codes = np.array([labels.index(setting.label) for setting in settings], dtype=np.int32)
            return Coded(np.repeat(codes, seeds), labels)
        whole = all(isinstance(setting.value, int) for setting in settings)
        numbers = np.array([setting.number for setting in settings], dtype=np.int64 if whole else np.float64)
        return np.repeat(numbers, seeds)

    def _point(self, point: Point) -> dict[str, Any]:
        return {
            "name": point.name,
            "settings": {setting.path: setting.data for setting in point.settings},
            "numbers": {setting.path: setting.number for setting in point.settings},
            "measures": {measure: self.interval(point.name, measure).as_data() for measure in self.measures},
        }


def sweep(  # noqa: PLR0913 - each of these is a choice of the user's
    results: Results,
    inputs: Sequence[Input],
    points: Sequence[Point],
    *,
    design: Kind = "grid",
    measures: Sequence[str] = (),
    level: float = 0.95,
    meanings: Meanings | None = None,
) -> Sweep:
    """Put the results of a sweep together.

    Parameters
    ----------
    results
        Of replications of the points' variants, each named as its point.
    inputs, points
        What was varied, and the points of the design.
    design
        How the points were chosen.
    measures
        What is looked at; `usual_measures` if none is named.
    level
        Of the intervals.
    meanings
        What is known of measures whose names do not say it.

    Raises
    ------
    InputError
        When there is no such measure, or no replication gave one.
    """
    chosen = chosen_measures(results, measures)
    return Sweep(design, tuple(inputs), tuple(points), chosen, level, results, dict(meanings or {}))
