"""Designs: at which points a scenario is looked at, and the variants that they make."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from canbao.arrays import FloatArray, IntArray, np
from canbao.errors import InputError, ScenarioError
from canbao.experiments.models import Model
from canbao.experiments.variants import Variant
from canbao.experiments.varying import Input, Levels, Setting

__all__ = ["MOST_POINTS", "Point", "grid", "latin_hypercube", "points_of", "variants_of"]

MOST_POINTS = 100_000
"""How many points a sweep may have; more were hardly meant."""


@dataclass(frozen=True)
class Point:
    """One setting of every input."""

    name: str
    settings: tuple[Setting, ...]

    @property
    def overrides(self) -> tuple[str, ...]:
        """The settings as `--set` takes them."""
        return tuple(setting.override for setting in self.settings)


def grid(inputs: Sequence[Input]) -> tuple[Point, ...]:
    """Give every combination of the values of some inputs; the last input changes fastest.

    Raises
    ------
    InputError
        When an input is a range without a number of values, or there are more than `MOST_POINTS` combinations.
    """
    levels = [_levels(one) for one in inputs]
    _check_count(math.prod(len(values) for values in levels))
    return _named(list(itertools.product(*levels)))


def _levels(one: Input) -> tuple[Setting, ...]:
    if isinstance(one, Levels):
        return one.settings
    said = one.described()
    raise InputError(
        f"{one.path} goes from {said['low']:g} to {said['high']:g}, and a grid needs to know at how many values; write "
        f"{one.path}={said['low']:g}:{said['high']:g}:5, or draw from the range with --lhs"
    )


def latin_hypercube(inputs: Sequence[Input], count: int, seed: int = 1) -> tuple[Point, ...]:
    """Draw points such that each input takes a value from each of `count` equal parts of its range, once.

    McKay, Beckman and Conover (1979), Technometrics 21, 239-245, by `scipy.stats.qmc.LatinHypercube`. An input with
    fewer values than points takes each of them about equally often; points that fall together are told once.

    Parameters
    ----------
    inputs
        What is varied.
    count
        How many points are drawn; at least 2.
    seed
        The points follow from it.

    Raises
    ------
    InputError
        When there are too few or too many points.
    """
    if count < 2:
        raise InputError(f"a Latin hypercube has 2 points or more, given {count}")
    _check_count(count)
    from scipy.stats import qmc

    drawn = qmc.LatinHypercube(len(inputs), rng=np.random.default_rng(seed)).random(count)
    return points_of(inputs, drawn)[0]


def points_of(inputs: Sequence[Input], shares: FloatArray) -> tuple[tuple[Point, ...], IntArray]:
    """Give the points at some shares of the ranges, each once, and which of them each row is.

    Parameters
    ----------
    inputs
        What is varied.
    shares
        From 0 to 1, shape (rows, inputs).
    """
    rows = [tuple(one.at(share) for one, share in zip(inputs, row, strict=True)) for row in shares.tolist()]
    places: dict[tuple[str, ...], int] = {}
    settings: list[tuple[Setting, ...]] = []
    which: list[int] = []
    for row in rows:
        place = places.setdefault(tuple(setting.override for setting in row), len(places))
        if place == len(settings):
            settings.append(row)
        which.append(place)
    return _named(settings), np.array(which, dtype=np.int64)


def _named(rows: Sequence[tuple[Setting, ...]]) -> tuple[Point, ...]:
    digits = len(str(len(rows)))
    return tuple(Point(f"point-{number:0{digits}d}", row) for number, row in enumerate(rows, start=1))


def _check_count(count: int) -> None:
    if count > MOST_POINTS:
        raise InputError(
            f"that makes {count:,} points, and {MOST_POINTS:,} are the most; take fewer values, or --lhs N"
        )


def variants_of(
    points: Sequence[Point],
    build: Callable[[Sequence[str]], Model],
    *,
    told: bool = True,
    progress: Callable[[int], None] | None = None,
) -> tuple[Variant, ...]:
    """Make the variants of some points.

    Parameters
    ----------
    points
        Of one design.
    build
        Reads the scenario with the overrides of a point and makes its model; it raises a ScenarioError where values
        that fit by themselves do not fit together.
    told
        Whether the variants carry their settings; not for hundreds of inputs at hundreds of points.
    progress
        Is told how many are made.

    Raises
    ------
    ScenarioError
        When the values of a point do not fit together; the message names them.
    """
    variants = []
    for number, point in enumerate(points, start=1):
        settings = {setting.path: setting.data for setting in point.settings} if told else {}
        variants.append(Variant(point.name, _built(point, build), settings))
        if progress:
            progress(number)
    return tuple(variants)


def _built(point: Point, build: Callable[[Sequence[str]], Model]) -> Model:
    try:
        return build(point.overrides)
    except ScenarioError as error:
        named = {setting.path: setting.label for setting in point.settings}
        shown = ", ".join(f"{path}={label}" for path, label in itertools.islice(named.items(), 5))
        hint = f"these values do not fit together: {shown}{', …' if len(named) > 5 else ''}"
        raise ScenarioError([replace(fault, hint=fault.hint or hint) for fault in error.faults]) from None
