"""A prediction held against a measurement: what a simulation said of a load test, and what the load test found.

Both have the same families with the same luck. How much of a difference chance explains is told by the prediction made
again with other luck of the deployment, where that was done (`canbao calibrate`): if the scenario is right, the
measured value is one more drawing of the same, and Student's prediction interval says where it lies. Where it was not
done, chance is found within the two runs, by leaving out one block of families after another in both at once
(`canbao.statistics.jackknife`). A measure is off only where its difference is more than that, adjusted for all measures
that are looked at (Holm 1979), and more than 1 % of what was predicted: smaller ones do not matter, however sure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from canbao.arrays import BoolArray, FloatArray, IntArray, np
from canbao.assembly import scenario_plan
from canbao.assembly.review import REVIEW
from canbao.columns import Column
from canbao.errors import StorageError
from canbao.experiments.assumptions import chances_of, read_calibration, restated
from canbao.experiments.breakdown import known
from canbao.experiments.comparability import LOAD, Obstacle, is_load, obstacles, same_scenario
from canbao.experiments.meaning import Meaning, Meanings, meaning_of
from canbao.experiments.measured import find_measure, measures_of, where_absent
from canbao.measures.stays import stays
from canbao.measures.summary import summarise
from canbao.runs.run import SCENARIO, read_run
from canbao.scenario.scenario import ScenarioFile, load_scenario
from canbao.statistics.drawings import beyond, chance_of
from canbao.statistics.intervals import Interval
from canbao.statistics.jackknife import FEWEST_BLOCKS, blocks_in_time, jackknife, two_sided
from canbao.statistics.paired import holm
from canbao.trace import Table, Trace

if TYPE_CHECKING:
    from canbao.plugins import Plugins
    from canbao.runs import Run

__all__ = ["Held", "Row", "all_measures", "hold", "prediction_of", "told_measures", "value_of"]

_PREDICTION = "prediction"
_BLOCKS, _LEAST = 20, 5
"""Blocks of families, and families that a block has at least."""

_MATTERS = 0.01
"""The share of what was predicted below which a difference is not worth a word."""

Verdict = Literal["off", "within chance", "same", "unknown"]


@dataclass(frozen=True)
class Row:
    """One measure, predicted and measured."""

    measure: str
    meaning: Meaning
    predicted: float
    measured: Interval
    difference: Interval
    """Measured less predicted."""
    p_adjusted: float
    """How often chance alone would show such a difference in any of the measures; nan where nobody can say."""
    verdict: Verdict

    def as_data(self) -> dict[str, Any]:
        """Give the row as JSON."""
        return {
            "measure": self.measure,
            "unit": self.meaning.unit,
            "better": self.meaning.better,
            "predicted": known(self.predicted),
            "measured": self.measured.as_data(),
            "difference": self.difference.as_data(),
            "p_adjusted": known(self.p_adjusted),
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class Held:
    """A simulation held against a load test."""

    predicted: Run
    measured: Run
    level: float
    families: int
    """How many came in the load test."""
    blocks: int
    """Of families, for the intervals; 0 where these come from simulations."""
    simulations: int
    """With other luck of the deployment, for the intervals; 0 where there were none."""
    obstacles: tuple[Obstacle, ...]
    """Why the two cannot be compared; empty if they can."""
    rows: tuple[Row, ...]
    assumptions: tuple[Mapping[str, Any], ...] | None
    """Each with what the simulation's scenario states and what was measured; None where they were not checked."""
    unfit: str = ""
    """Why they could not be checked, where somebody tried."""

    def of(self, measure: str) -> Row:
        """Give the row of a measure.

        Raises
        ------
        InputError
            When there is none.
        """
        rows = {row.measure: row for row in self.rows}
        return rows[find_measure(measure, rows)]

    def as_data(self) -> dict[str, Any]:
        """Give everything as JSON."""
        return {
            "kind": "prediction",
            "predicted": {key: self.predicted.manifest[key] for key in ("scenario", "run", "seed")},
            "measured": {key: self.measured.manifest[key] for key in ("scenario", "run", "seed")},
            "level": self.level,
            "families": self.families,
            "blocks": self.blocks,
            "simulations": self.simulations,
            "comparable": not self.obstacles,
            "obstacles": [one.as_data() for one in self.obstacles],
            "measures": [row.as_data() for row in self.rows],
            "assumptions": None if self.assumptions is None else [dict(one) for one in self.assumptions],
            "unfit": self.unfit,
        }


def prediction_of(folders: Sequence[Path]) -> tuple[Run, Run] | None:
    """Give the simulation and the load test that are meant by one or two folders of runs; None if neither is one.

    Raises
    ------
    StorageError
        When a run cannot be read, or a load test that stands alone has no prediction.
    """
    runs = [read_run(path) for path in folders]
    loads = [run for run in runs if is_load(run)]
    if len(loads) != 1 or len(runs) > 2:
        return None
    (measured,) = loads
    others = [run for run in runs if run is not measured]
    if others:
        return others[0], measured
    if not (measured.folder / _PREDICTION).is_dir():
        raise StorageError(
            f"{measured.folder} keeps no prediction; name the run of a simulation to hold it against: "
            f"canbao compare results/<scenario>/<run> {measured.folder}"
        )
    return read_run(measured.folder / _PREDICTION), measured


def all_measures(summary: Mapping[str, Any], trace: Trace) -> dict[str, float]:
    """Give every measure of a run, with the stays at its stations."""
    return {**measures_of({**summary, "stays": {"stations": stays(trace)}})}


def hold(predicted: Run, measured: Run, plugins: Plugins, *, measures: Sequence[str] = (), level: float = 0.95) -> Held:
    """Hold a simulation against a load test.

    Parameters
    ----------
    predicted, measured
        The runs.
    plugins
        What the scenario is read with.
    measures
        What is compared; the objectives, the review, stays at the deployment and what became of families if none is
        named.
    level
        Of the intervals, and what 1 less is the risk that any measure is called off by chance.

    Raises
    ------
    InputError
        When there is no such measure.
    StorageError
        When a run cannot be read.
    """
    checked = read_calibration(measured.folder)
    chance = chances_of(checked)
    problems = obstacles(predicted, measured, repeated=bool(chance))
    chance = {} if problems else chance
    sides = [_Side(run.trace, all_measures(run.summary, run.trace)) for run in (predicted, measured)]
    chosen = _chosen([side.whole for side in sides], measures)
    rest = [] if problems or chance else _left_out(sides, _recount(measured, plugins))
    meanings = _meanings(measured)
    rows = [
        _against_chance(name, meanings, sides[1], chance[name], level)
        if name in chance
        else _row(name, meanings, sides, rest, level)
        for name in chosen
    ]
    return Held(
        predicted,
        measured,
        level,
        families=len(measured.trace.families["family"]),
        blocks=len(rest),
        simulations=max((len(values) for values in chance.values()), default=0),
        obstacles=problems,
        rows=_judged(rows, level),
        assumptions=None if checked is None else _assumed(predicted, measured, checked["assumptions"], plugins),
        unfit=_unfit(measured) if checked is None else "",
    )


def _assumed(
    predicted: Run, measured: Run, found: Sequence[Mapping[str, Any]], plugins: Plugins
) -> tuple[Mapping[str, Any], ...]:
    """Give what was found of the assumptions, beside what the simulation's own scenario states."""
    if same_scenario(predicted, measured):
        return tuple(found)
    theirs, own = (load_scenario(run.folder / SCENARIO, plugins) for run in (predicted, measured))
    return restated(found, theirs, own)


def _unfit(measured: Run) -> str:
    """Give why the load test could not fit anything when it ended."""
    return str(((measured.summary.get(LOAD) or {}).get("fit") or {}).get("problem") or "")


# --- the runs, and parts of them --------------------------------------------------------------------------------------

_Recount = Callable[[Trace], dict[str, float]]


def _recount(run: Run, plugins: Plugins) -> _Recount:
    """Give what takes all measures of a trace of this scenario."""
    file, until = load_scenario(run.folder / SCENARIO, plugins), float(run.manifest["until_s"])
    plan = replace(scenario_plan(file, int(run.manifest["seed"])), until=until)
    # A load test is over before the season is; what nobody watched is no part of either summary.
    last = min(file.horizon.date(max(until - 1.0, 0.0)), file.horizon.end)
    scenario = file.scenario.model_copy(update={"horizon": file.scenario.horizon.model_copy(update={"end": last})})
    seen = ScenarioFile(scenario, file.source)
    return lambda trace: all_measures(summarise(seen, plan, trace, laws=False), trace)


@dataclass(frozen=True)
class _Side:
    """A run, with every measure of it."""

    trace: Trace
    whole: Mapping[str, float]

    def without(self, recount: _Recount, block: IntArray, number: int) -> Mapping[str, float]:
        """Give the measures without the families of a block."""
        order = np.sort(np.asarray(self.trace.families["family"]))
        return recount(_of_families(self.trace, order[block != number]))


_Pair = tuple[Mapping[str, float], Mapping[str, float]]


def _left_out(sides: Sequence[_Side], recount: _Recount) -> list[_Pair]:
    """Give the measures of both sides without each of the blocks of families."""
    block = _blocks(sides[1].trace)
    count = int(block.max(initial=0)) + 1
    if count < FEWEST_BLOCKS:
        return []
    first, second = sides
    return [(first.without(recount, block, j), second.without(recount, block, j)) for j in range(count)]


def _of_families(trace: Trace, wanted: IntArray) -> Trace:
    """Give the rows of some families; stations stay as they are."""
    mine, theirs = (np.isin(np.asarray(table["family"]), wanted) for table in (trace.families, trace.visits))
    return replace(trace, families=_rows(trace.families, mine), visits=_rows(trace.visits, theirs))


def _rows(table: Table, keep: BoolArray) -> Table:
    return {name: _some(column, keep) for name, column in table.items()}


def _some(column: Column, keep: BoolArray) -> Column:
    return column[keep] if isinstance(column, np.ndarray) else column.take(keep)


def _blocks(trace: Trace) -> IntArray:
    """Give the block of each family of the load test, by rising number of the family."""
    family, arrival = (np.asarray(trace.families[name]) for name in ("family", "arrival"))
    blocks = min(_BLOCKS, len(family) // _LEAST)
    return blocks_in_time(arrival[np.argsort(family)], max(blocks, 1))


# --- measures ---------------------------------------------------------------------------------------------------------

_USUAL = (
    "families.enrolled",
    "families.finished",
    "deadline.in_time_share",
    "review.rounds",
    "review.working_days.mean",
    "review.working_days.p95",
    "review.within.1",
    "review.within.2",
    "review.within.4",
    "spent.hours.all.mean",
)
_STAYS = "stays.stations."
"""A load test sees no desk of the review, only how long it takes."""
_TOLD = ("mean", "p95")


def told_measures(predicted: Mapping[str, float], measured: Mapping[str, float]) -> list[str]:
    """Choose the measures for those who named none, among those that both worlds have.

    The objectives, stays at the deployment, what became of families, and the review.
    """
    wholes = (predicted, measured)
    both = [name for name in {**predicted, **measured} if all(_has(found, name) for found in wholes)]
    objectives = [name for name in both if name.startswith("objectives.") and not name.endswith(".held")]
    outcomes = [name for name in both if name.startswith("families.outcomes.")]
    usual = [*objectives, *_stays(wholes), *(name for name in _USUAL if name in both), *outcomes]
    return [name for name in usual if not any(math.isnan(value_of(found, name)) for found in wholes)]


def _chosen(wholes: Sequence[Mapping[str, float]], measures: Sequence[str]) -> list[str]:
    if not measures:
        return told_measures(*wholes)
    both = [name for name in {**wholes[0], **wholes[1]} if all(_has(found, name) for found in wholes)]
    return list(dict.fromkeys(find_measure(text, both) for text in measures))


def _has(found: Mapping[str, float], name: str) -> bool:
    return name in found or not math.isnan(where_absent(name))


def value_of(found: Mapping[str, float], name: str) -> float:
    """Give a measure of a run; 0 for a count of families that it leaves out."""
    return found.get(name, where_absent(name))


def _stays(wholes: Sequence[Mapping[str, float]]) -> list[str]:
    """Give the stays that take time in either world, by station."""
    mine = [name for name in wholes[1] if name.startswith(_STAYS) and not name.startswith(f"{_STAYS}{REVIEW}.")]
    names = [name for name in mine if name.rpartition(".")[2] in _TOLD]
    return [name for name in names if any(found.get(name, 0.0) > 0.0 for found in wholes) and name in wholes[0]]


def _meanings(run: Run) -> Meanings:
    from canbao.experiments.stored import meanings_of_run

    return meanings_of_run(run)


def _against_chance(name: str, meanings: Meanings, side: _Side, chance: FloatArray, level: float) -> Row:
    """Hold a measure against what simulations with other luck gave, which are its prediction."""
    after, meaning = value_of(side.whole, name), meaning_of(name, meanings)
    # Where all of them agree, one family could have ended otherwise.
    one = {"families": 1.0, "share": 1.0 / max(len(side.trace.families["family"]), 1)}
    difference = beyond(after, chance, level, one.get(meaning.unit, 0.0))
    return Row(
        measure=name,
        meaning=meaning,
        predicted=after - difference.mean,
        measured=Interval(after, math.inf, level, 1),
        difference=difference,
        p_adjusted=chance_of(difference, len(chance) - 1),
        verdict="unknown",
    )


def _row(name: str, meanings: Meanings, sides: Sequence[_Side], left: Sequence[_Pair], level: float) -> Row:
    before, after = (value_of(side.whole, name) for side in sides)
    pairs = np.array([[value_of(found, name) for found in pair] for pair in left]).reshape(-1, 2)
    first, second = pairs.T
    difference = jackknife(after - before, second - first, level)
    return Row(
        measure=name,
        meaning=meaning_of(name, meanings),
        predicted=before,
        measured=jackknife(after, second, level),
        difference=difference,
        p_adjusted=two_sided(difference) if difference.n >= FEWEST_BLOCKS else math.nan,
        verdict="unknown",
    )


def _judged(rows: Sequence[Row], level: float) -> tuple[Row, ...]:
    adjusted = holm([row.p_adjusted for row in rows])
    return tuple(
        replace(row, p_adjusted=float(p), verdict=_verdict(row, float(p), level))
        for row, p in zip(rows, adjusted, strict=True)
    )


def _verdict(row: Row, p_adjusted: float, level: float) -> Verdict:
    if row.difference.n < FEWEST_BLOCKS:
        return "unknown"
    if row.difference.mean == 0 and not row.difference.half_width:
        return "same"
    if math.isnan(p_adjusted):
        return "unknown"
    matters = abs(row.difference.mean) > _MATTERS * abs(row.predicted)
    return "off" if p_adjusted < 1.0 - level and matters else "within chance"
