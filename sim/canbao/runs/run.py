"""A stored run, and how it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from canbao.errors import StorageError
from canbao.runs.tables import TABLES, read_table
from canbao.trace import Table, Trace

__all__ = ["FORMAT", "MANIFEST", "REPORT", "SCENARIO", "SUMMARY", "Run", "read_run"]

FORMAT = 1
"""The version of the form of a run folder."""

MANIFEST = "manifest.json"
SCENARIO = "scenario.toml"
SUMMARY = "summary.json"
REPORT = "report.html"


@dataclass(frozen=True)
class Run:
    """One plan on one engine, stored in a folder."""

    folder: Path
    """Where it is stored, or will be once it is finished."""
    manifest: Mapping[str, Any]
    """What was run and with what."""
    summary: Mapping[str, Any]
    """Every measure; empty until the run is finished."""

    @property
    def report(self) -> Path:
        """The file of the report."""
        return self.folder / REPORT

    @cached_property
    def trace(self) -> Trace:
        """What happened, read from the folder when it is first asked for.

        Raises
        ------
        StorageError
            When a table is missing or damaged, or the run keeps none.
        """
        if not _entry(self, ("tables",)):
            raise StorageError(f"{self.folder} keeps no tables; run the scenario again without --tables none")
        tables: dict[str, Table] = {}
        for name in TABLES:
            entry = _entry(self, ("tables", name))
            tables[name] = read_table(self.folder / f"{name}.parquet", str(entry.get("sha256")))
        return Trace(float(self.manifest["until_s"]), tables["families"], tables["visits"], tables["stations"])


def read_run(folder: str | Path) -> Run:
    """Read a stored run.

    Parameters
    ----------
    folder
        The folder of a run; or one with runs in it, `results/<scenario>` or `results`, for the newest of them.

    Raises
    ------
    StorageError
        When it is not the folder of a run, or a file of it is missing or damaged.
    """
    path = _run_folder(Path(folder))
    run = Run(path, _read_json(path, MANIFEST), {})
    if run.manifest.get("unfinished"):
        raise StorageError(f"{path} is a load test without an end; go on with it: canbao load --resume {path}")
    if run.manifest.get("format") != FORMAT:
        raise StorageError(
            f"{path / MANIFEST} has format {run.manifest.get('format')!r}, but this canbao reads format {FORMAT}; "
            "run the scenario again"
        )
    kept = TABLES if _entry(run, ("tables",)) else ()
    for key in (("run",), ("scenario",), ("seed",), ("until_s",), *(("tables", name) for name in kept)):
        _entry(run, key)
    missing = [name for name in (SCENARIO, *(f"{table}.parquet" for table in kept)) if not (path / name).is_file()]
    if missing:
        raise StorageError(f"{path} is not whole: {', '.join(missing)} is missing; run the scenario again")
    return Run(path, run.manifest, _read_json(path, SUMMARY))


def _run_folder(folder: Path) -> Path:
    try:
        if (folder / MANIFEST).exists():
            return folder
        below = [path.parent for pattern in ("*", "*/*") for path in folder.glob(f"{pattern}/{MANIFEST}")]
        # The run inside a run is the prediction of a load test.
        runs = [path for path in below if not path.name.startswith(".") and not (path.parent / MANIFEST).exists()]
        there = folder.exists()
    except OSError as error:
        raise StorageError(f"{folder} cannot be read: {error.strerror}") from error
    if runs:
        return max(runs, key=lambda path: path.name)  # names begin with date and time
    problem = f"has no {MANIFEST}, so it is not the folder of a run" if there else "does not exist"
    raise StorageError(f"{folder} {problem}; name a folder such as results/city-season/20261121-214800-seed1")


def _read_json(folder: Path, name: str) -> Mapping[str, Any]:
    path = folder / name
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StorageError(f"{folder} is not whole: {name} is missing; run the scenario again") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise StorageError(f"{path} is damaged: it is not JSON ({error}); run the scenario again") from error
    if not isinstance(data, dict):
        raise StorageError(f"{path} is damaged: it holds no JSON object; run the scenario again")
    return data


def _entry(run: Run, path: Sequence[str]) -> Any:
    value: Any = run.manifest
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            raise StorageError(
                f"{run.folder / MANIFEST} is damaged: {'.'.join(path)} is missing; run the scenario again"
            )
        value = value[key]
    return value
