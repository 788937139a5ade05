"""What is stored already, as results that can be compared: runs, and experiments."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canbao.errors import InputError, StorageError
from canbao.experiments.comparing import Notice
from canbao.experiments.folder import EXPERIMENT, RESULTS, read_experiment
from canbao.experiments.meaning import Meaning
from canbao.experiments.measured import measures_of
from canbao.experiments.results import Results

if TYPE_CHECKING:
    from canbao.runs import Run

__all__ = [
    "is_experiment",
    "joined",
    "meanings_of_experiment",
    "meanings_of_run",
    "results_of_experiment",
    "results_of_runs",
]


def results_of_runs(runs: Sequence[Run]) -> tuple[Results, tuple[Notice, ...]]:
    """Take stored runs for the variants of an experiment with one replication each.

    Returns
    -------
    results
        With the runs' common seed, or 0 where they have several.
    notices
        That there is but one replication, and that the seeds differ, if they do.
    """
    names = _names(runs)
    seeds = sorted({int(run.manifest["seed"]) for run in runs})
    seed = seeds[0] if len(seeds) == 1 else 0
    found = {(name, seed): measures_of(run.summary) for name, run in zip(names, runs, strict=True)}
    measures = tuple(dict.fromkeys(measure for row in found.values() for measure in row))
    notices: tuple[Notice, ...] = ("one replication",) if len(seeds) == 1 else ("one replication", "other seeds")
    return Results(tuple(names), (seed,), measures, (), found), notices


def meanings_of_run(run: Run) -> dict[str, Meaning]:
    """Say what the values of a stored run's objectives mean, by measure."""
    return {
        f"objectives.{objective['name']}": Meaning(
            objective["unit"], "higher" if "at_least" in objective["wanted"] else "lower"
        )
        for objective in run.summary.get("objectives", ())
    }


def _names(runs: Sequence[Run]) -> list[str]:
    """Call runs by their scenarios, and where two are of one also by the part of their paths that tells them apart."""
    folders = [run.folder.resolve() for run in runs]
    if len(set(folders)) < len(folders):
        raise InputError(f"a run cannot be compared with itself: {', '.join(sorted({str(each) for each in folders}))}")
    scenarios = [str(run.manifest["scenario"]) for run in runs]
    if len(set(scenarios)) == len(scenarios):
        return scenarios
    levels = zip(*(folder.parts for folder in folders), strict=False)
    parts = next((level for level in levels if len(set(level)) == len(level)), folders)
    return [f"{scenario} {part}" for scenario, part in zip(scenarios, parts, strict=True)]


# --- stored experiments -----------------------------------------------------------------------------------------------


def is_experiment(folder: Path) -> bool:
    """Tell whether a folder is that of an experiment."""
    return (folder / EXPERIMENT).is_file()


def results_of_experiment(folder: str | Path) -> Results:
    """Read the results of an experiment that is finished.

    Raises
    ------
    StorageError
        When it is not the folder of an experiment, is not finished, or its results cannot be read.
    """
    path = Path(folder)
    said = read_experiment(path)
    if not said.get("finished"):
        raise StorageError(f"{path} is not finished; go on with it by the command that began it and --resume {path}")
    return _read(path / RESULTS)


def meanings_of_experiment(folder: str | Path) -> dict[str, Meaning]:
    """Say what the values of the objectives mean, by the scenarios that the experiment keeps; nothing for networks."""
    found = {}
    for path in sorted(Path(folder).glob("variants/*/scenario.toml")):
        try:
            scenario = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StorageError(f"{path} cannot be read: {error}") from error
        for name, objective in scenario.get("objectives", {}).items():
            unit = "s" if objective["kind"] == "wait" else "share"
            found[f"objectives.{name}"] = Meaning(unit, "higher" if "at_least" in objective else "lower")
    return found


def _read(path: Path) -> Results:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        columns: dict[str, list[Any]] = pq.read_table(path).to_pydict()
    except (OSError, pa.ArrowInvalid) as error:
        raise StorageError(f"{path} cannot be read: {error}") from error
    found: dict[tuple[str, int], dict[str, float]] = {}
    rows = zip(*(columns[name] for name in ("variant", "seed", "measure", "value")), strict=True)
    for variant, seed, measure, value in rows:
        found.setdefault((variant, seed), {})[measure] = value
    seeds = sorted({seed for _, seed in found})
    return Results(
        tuple(dict.fromkeys(variant for variant, _ in found)),
        tuple(seeds),
        tuple(dict.fromkeys(columns["measure"])),
        (),
        found,
    )


def joined(named: Sequence[tuple[str, Results]]) -> Results:
    """Put the results of several experiments beside each other, on the seeds that all of them have.

    Parameters
    ----------
    named
        A name for each experiment, which tells variants of one name apart, and its results.

    Raises
    ------
    InputError
        When there is no seed that all of them have.
    """
    seeds = set.intersection(*(set(results.seeds) for _, results in named))
    if not seeds:
        raise InputError("the experiments have no seed in common, so nothing can be held side by side")
    names = [variant for _, results in named for variant in results.variants]
    found: dict[tuple[str, int], Mapping[str, float]] = {}
    for name, results in named:
        for variant in results.variants:
            own = f"{variant} {name}" if names.count(variant) > 1 else variant
            mine = {(own, seed): row for (who, seed), row in results.found.items() if who == variant and seed in seeds}
            found |= mine
    measures = dict.fromkeys(measure for _, results in named for measure in results.measures)
    return Results(tuple(dict.fromkeys(who for who, _ in found)), tuple(sorted(seeds)), tuple(measures), (), found)
