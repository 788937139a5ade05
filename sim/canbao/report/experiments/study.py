"""An experiment that is finished, as its report reads it."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from canbao.errors import StorageError
from canbao.experiments.folder import RESULTS, read_experiment
from canbao.languages import ENGLISH, Language
from canbao.report.experiments.names import measure_name
from canbao.report.terms import term

__all__ = ["Study", "read_study"]

_VARIANTS = 10
"""How many variants are asked for their objectives; the points of a sweep have the same ones."""


@dataclass(frozen=True)
class Study:
    """What an experiment asked and found."""

    asked: Mapping[str, Any]
    """What `experiment.json` holds."""
    kept: Mapping[tuple[str, str], Mapping[int, float]] = field(default_factory=dict)
    """What each replication gave, by seed, for variants and measures that the answer names; nothing where it is not
    kept."""
    scenario: Mapping[str, Any] | None = None
    """The first variant's scenario as its file says it: title, objectives, to which those of the others are added."""
    language: Language = ENGLISH

    @property
    def answer(self) -> Mapping[str, Any]:
        """What was found."""
        answer: Mapping[str, Any] = self.asked["answer"]
        return answer

    @property
    def kind(self) -> str:
        """What sort of answer it is: that of the experiment, or a closer one where the answer has it."""
        return str(self.answer.get("kind") or self.asked["kind"])

    @property
    def title(self) -> str:
        """What was looked at."""
        if self.asked["kind"] == "compare" or not (self.scenario or {}).get("title"):
            return str(self.asked["name"])
        return term("scenario", str((self.scenario or {})["title"]), self.language)

    @property
    def objectives(self) -> Mapping[str, Mapping[str, Any]]:
        """The objectives of the scenario, by name."""
        found: Mapping[str, Mapping[str, Any]] = (self.scenario or {}).get("objectives") or {}
        return found

    @property
    def failures(self) -> Sequence[Mapping[str, Any]]:
        """Replications that failed, with the command that repeats each."""
        return self.asked.get("failures") or ()

    def name(self, measure: str) -> str:
        """Say what a measure is."""
        return measure_name(measure, self.objectives, self.language)

    def limit(self, measure: str) -> float | None:
        """Give the threshold of an objective; None for other measures, and where it is not known."""
        wanted = self.objectives.get(measure.removeprefix("objectives."), {})
        found = wanted.get("at_least", wanted.get("at_most"))
        if isinstance(found, str):
            return _number(found)
        return None if found is None else float(found)

    def values(self, variant: str, measure: str) -> dict[int, float]:
        """Give a measure of a variant by seed, without seeds that have none."""
        found = self.kept.get((variant, measure), {})
        return {seed: found[seed] for seed in sorted(found) if math.isfinite(found[seed])}

    def held(self, variant: str) -> float | None:
        """Give the share of seeds on which a variant held every objective; None where none was judged."""
        judged = [values for (name, measure), values in self.kept.items() if name == variant and _is_held(measure)]
        seeds = {seed for values in judged for seed, value in values.items() if math.isfinite(value)}
        if not seeds:
            return None
        return sum(all(values.get(seed) != 0 for values in judged) for seed in seeds) / len(seeds)


def _is_held(measure: str) -> bool:
    return measure.startswith("objectives.") and measure.endswith(".held")


def _number(text: str) -> float | None:
    """Read a duration in seconds, or a share, as a scenario file writes them."""
    from canbao.scenario.quantities import parse_duration, parse_share

    try:
        return parse_share(text) if text.rstrip().endswith("%") else parse_duration(text)
    except ValueError:
        return None


def read_study(folder: str | Path, language: Language = ENGLISH) -> Study:
    """Read the folder of an experiment.

    Raises
    ------
    StorageError
        When it is not one, or has no answer yet.
    """
    path = Path(folder)
    asked = read_experiment(path)
    if not asked.get("answer"):
        raise StorageError(
            f"{path} has no answer yet, so there is nothing to report; go on with it by the command that began it and "
            f"--resume {path}"
        )
    kept = _kept(path / RESULTS, set(_measures(asked["answer"]))) if (path / RESULTS).is_file() else {}
    return Study(asked, kept, _scenario(path, asked.get("variants") or ()), language)


def _measures(found: Any) -> Iterator[str]:
    """Find the measures that an answer names anywhere."""
    if isinstance(found, Mapping):
        if isinstance(found.get("measure"), str):
            yield found["measure"]
        found = list(found.values())
    if isinstance(found, list):
        for each in found:
            yield from _measures(each)


def _kept(path: Path, measures: set[str]) -> dict[tuple[str, str], dict[int, float]]:
    """Read what the replications gave for some measures, and whether objectives held."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise StorageError(f"{path} cannot be read: {error}") from error
    names = table["measure"].cast(pa.string())
    wanted = pc.or_(pc.is_in(names, pa.array(sorted(measures), pa.string())), pc.ends_with(names, ".held"))
    columns = table.filter(wanted).to_pydict()
    found: dict[tuple[str, str], dict[int, float]] = {}
    rows = zip(*(columns[name] for name in ("variant", "measure", "seed", "value")), strict=True)
    for variant, measure, seed, value in rows:
        found.setdefault((variant, measure), {})[seed] = math.nan if value is None else value
    return found


def _scenario(folder: Path, variants: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Read the scenario of the first variant that has one, with the objectives of all of the first few."""
    paths = [folder / "variants" / str(variant["name"]) / "scenario.toml" for variant in variants[:_VARIANTS]]
    found = [scenario for path in paths if (scenario := _read(path)) is not None]
    if not found:
        return None
    objectives = {name: one for each in reversed(found) for name, one in (each.get("objectives") or {}).items()}
    return {**found[0], "objectives": objectives}


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
