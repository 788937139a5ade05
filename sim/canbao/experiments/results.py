"""What an experiment found: one value for each variant, seed and measure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from canbao.arrays import FloatArray
from canbao.columns import Coded
from canbao.errors import InputError
from canbao.experiments.failures import Failure
from canbao.experiments.measured import where_absent
from canbao.experiments.rows import stacked
from canbao.trace import Table, arrow_table

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Results"]


@dataclass(frozen=True)
class Results:
    """What the replications of some variants gave.

    Parameters
    ----------
    variants
        Their names.
    seeds
        The seeds, the same for all variants.
    measures
        Every measure that any replication gave.
    failures
        The replications that failed.
    found
        The measures of each replication that did not, by variant and seed.
    """

    variants: tuple[str, ...]
    seeds: tuple[int, ...]
    measures: tuple[str, ...]
    failures: tuple[Failure, ...] = ()
    found: Mapping[tuple[str, int], Mapping[str, float]] = field(default_factory=dict, repr=False)

    def values(self, variant: str, measure: str) -> FloatArray:
        """Give a measure of a variant, one value a seed; nan where the replication failed or had nothing to measure.

        Raises
        ------
        InputError
            When there is no such variant or measure.
        """
        for given, known, what in ((variant, self.variants, "variant"), (measure, self.measures, "measure")):
            if given not in known:
                raise InputError(f"these results have no {what} {given!r}; they have: {', '.join(known)}")
        absent = where_absent(measure)
        rows = (self.found.get((variant, seed)) for seed in self.seeds)
        return np.array([math.nan if row is None else row.get(measure, absent) for row in rows], dtype=np.float64)

    def frame(self) -> pyarrow.Table:
        """Give a long table: variant, seed, measure, value, one row for each measure of each finished replication.

        It is a pyarrow Table, which pandas (`.to_pandas()`), polars (`polars.from_arrow`) and whoever speaks the
        dataframe interchange protocol take over.
        """
        return arrow_table(self.table())

    def table(self) -> Table:
        """Give the same as columns."""
        done = [(v, s) for v in range(len(self.variants)) for s in range(len(self.seeds)) if self._has(v, s)]
        variant, seed = np.array(done, dtype=np.int64).reshape(-1, 2).T
        width = len(self.measures)
        absent = np.array([where_absent(measure) for measure in self.measures], dtype=np.float64)
        rows = [self.found[self.variants[v], self.seeds[s]] for v, s in done]
        return {
            "variant": Coded(np.repeat(variant, width).astype(np.int32), self.variants),
            "seed": np.repeat(np.array(self.seeds, dtype=np.int64)[seed], width),
            "measure": Coded(np.tile(np.arange(width, dtype=np.int32), len(done)), self.measures),
            "value": stacked(rows, self.measures, absent).ravel(),
        }

    def _has(self, variant: int, seed: int) -> bool:
        return (self.variants[variant], self.seeds[seed]) in self.found
