"""Which inputs a measure hangs on: Morris's elementary effects and Sobol's indices, by SALib.

A design says at which shares of their ranges the inputs are set, one row a simulation; the analysis takes one value a
row. Both know nothing of scenarios, so they can be held against functions whose indices are known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from canbao.arrays import BoolArray, FloatArray, np
from canbao.errors import InputError

__all__ = ["METHODS", "Design", "Effect", "analyse", "make_design"]

Method = Literal["morris", "sobol"]

METHODS: Mapping[str, int] = {"morris": 10, "sobol": 64}
"""The methods, and how many samples each takes if nobody says.

Campolongo, Cariboni and Saltelli (2007), section 3, find 10 trajectories enough to screen; Sobol's indices take
hundreds of samples for two digits, and 64 to tell large from small."""

_LEVELS = 4
"""Morris's p: at how many values of its range an input stands (Campolongo et al. 2007, section 2)."""

_RESAMPLES = 1_000
"""Resamplings of the bootstrap behind the half-widths."""


@dataclass(frozen=True)
class Design:
    """At which shares of their ranges the inputs are set."""

    method: Method
    paths: tuple[str, ...]
    """The inputs."""
    samples: int
    """Trajectories (Morris) or base samples (Sobol)."""
    seed: int
    shares: FloatArray
    """From 0 to 1, shape (rows, inputs)."""

    @property
    def block(self) -> int:
        """Rows that belong together: a trajectory, or a base sample with its crossings."""
        return len(self.paths) + (1 if self.method == "morris" else 2)


@dataclass(frozen=True)
class Effect:
    """How much of a measure hangs on one input."""

    path: str
    importance: float
    """Morris's µ*: how far the measure moves, on average, for the whole range of the input, in the measure's unit.
    Sobol's total index: the share of the variance that would be gone if the input were known."""
    half_width: float
    """Of the interval of the importance, by bootstrap over samples."""
    direct: float
    """Morris's µ, which has a sign: negative where more of the input means less of the measure. Sobol's first index:
    the share of the variance that the input explains by itself."""
    spread: float
    """Morris's σ: large beside µ* where the effect depends on other inputs, or is no straight line. nan for Sobol."""

    def as_data(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {
            name: value if isinstance(value, str) or math.isfinite(value) else None
            for name, value in vars(self).items()
        }


def make_design(method: str, paths: Sequence[str], samples: int | None = None, seed: int = 1) -> Design:
    """Make the design of a sensitivity analysis.

    Morris (1991), Technometrics 33, 161-174, as improved by Campolongo, Cariboni and Saltelli (2007), Environmental
    Modelling and Software 22, 1509-1518; Saltelli et al. (2010), Computer Physics Communications 181, 259-270, without
    indices of pairs.

    Parameters
    ----------
    method
        `morris`: samples × (inputs + 1) rows, to rank many inputs. `sobol`: samples × (inputs + 2) rows, to share out
        the variance among a few.
    paths
        The inputs.
    samples
        Trajectories or base samples, those for Sobol a power of two; `METHODS` says how many if not given.
    seed
        The design follows from it.

    Raises
    ------
    InputError
        When there is no such method, no input, or a number of samples that the method cannot use; or when SALib is not
        installed.
    """
    chosen = _checked(method, paths, METHODS.get(method, 0) if samples is None else samples)
    problem, count = _problem(paths), METHODS[method] if samples is None else samples
    _salib()
    if chosen == "morris":
        from SALib.sample import morris

        shares = morris.sample(problem, count, num_levels=_LEVELS, seed=seed + 1)
    else:
        from SALib.sample import sobol

        shares = sobol.sample(problem, count, calc_second_order=False, seed=seed + 1)
    return Design(chosen, tuple(paths), count, seed, np.asarray(shares, dtype=np.float64))


def analyse(design: Design, values: FloatArray, level: float = 0.95) -> tuple[tuple[Effect, ...], int]:
    """Rank the inputs of a design by what the values owe them.

    Parameters
    ----------
    design
        As `make_design` gives it.
    values
        One a row of the design, shape (rows,). A nan takes the rows that belong to it along.
    level
        Of the half-widths.

    Returns
    -------
    effects
        The most important input first.
    dropped
        Trajectories or base samples that were left out because of a nan.

    Raises
    ------
    InputError
        When fewer than two samples are whole.
    """
    whole = np.asarray(~np.isnan(values.reshape(-1, design.block)).any(axis=1))
    if whole.sum() < 2:
        raise InputError(
            f"only {whole.sum()} of {len(whole)} samples have a value everywhere, and a ranking needs 2; choose a "
            "measure that every season has"
        )
    dropped = int((~whole).sum())
    rows = np.repeat(whole, design.block)
    kept = values[rows]
    if float(kept.max() - kept.min()) <= 1e-12 * max(1.0, float(np.abs(kept).max())):  # no input moves it at all
        return tuple(
            Effect(path, 0.0, 0.0, 0.0, 0.0 if design.method == "morris" else math.nan) for path in design.paths
        ), dropped
    found = _morris(design, rows, kept, level) if design.method == "morris" else _sobol(design, kept, level)
    return tuple(sorted(found, key=lambda effect: -effect.importance)), dropped


def _morris(design: Design, rows: BoolArray, values: FloatArray, level: float) -> list[Effect]:
    from SALib.analyze import morris

    problem = _problem(design.paths)
    found = morris.analyze(
        problem, design.shares[rows], values, _RESAMPLES, level, num_levels=_LEVELS, seed=design.seed + 1
    )
    columns = (found[name] for name in ("mu_star", "mu_star_conf", "mu", "sigma"))
    return [Effect(path, *map(float, row)) for path, *row in zip(design.paths, *columns, strict=True)]


def _sobol(design: Design, values: FloatArray, level: float) -> list[Effect]:
    from SALib.analyze import sobol

    # A seed of 0 counts as none there.
    found = sobol.analyze(_problem(design.paths), values, False, _RESAMPLES, level, seed=design.seed + 1)
    rows = zip(design.paths, *(found[name] for name in ("ST", "ST_conf", "S1")), strict=True)
    return [Effect(path, float(total), float(half), float(first), math.nan) for path, total, half, first in rows]


def _problem(paths: Sequence[str]) -> dict[str, Any]:
    return {"num_vars": len(paths), "names": list(paths), "bounds": [[0.0, 1.0]] * len(paths)}


def _checked(method: str, paths: Sequence[str], samples: int) -> Method:
    if method not in METHODS:
        raise InputError(f"there is no sensitivity analysis {method!r}; there are: {', '.join(METHODS)}")
    if not paths:
        raise InputError("there is no input to rank; name one with --vary, such as --vary review.first.staff=6..20")
    if samples < 2:
        raise InputError(f"a sensitivity analysis needs 2 samples or more, given {samples}")
    if method == "sobol" and samples & (samples - 1):
        near = 2 ** round(math.log2(samples))
        raise InputError(f"the samples of a Sobol sequence are a power of two, given {samples}; take {near}")
    return "morris" if method == "morris" else "sobol"


def _salib() -> None:
    try:
        import SALib  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(
            "a sensitivity analysis needs SALib, which is not installed; install it using "
            "`pip install 'canbao[sensitivity]'`"
        ) from error
