"""What every run stores, whoever made it happen: scenario and inputs first, then tables, summary and reports."""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from canbao.errors import CanbaoError, PluginError, StorageError
from canbao.languages import Language
from canbao.plugins import Plugins
from canbao.runs.folders import NewFolder, is_full, storing, write
from canbao.runs.manifest import with_tables
from canbao.runs.run import MANIFEST, SCENARIO, SUMMARY, Run
from canbao.runs.tables import checksum, table_bytes
from canbao.scenario.resolved import input_files, resolved_text, with_value
from canbao.scenario.scenario import ScenarioFile
from canbao.trace import Table

__all__ = ["Packed", "Stages", "Watch", "as_json", "pack_tables", "report_run", "store_results", "store_scenario"]

Watch = Callable[[str, float], None]
"""Is told the stage and which share of it is done, from 0 to 1."""

_INPUTS = "inputs"


@dataclass
class Stages:
    """How long each stage took."""

    watch: Watch
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what is done inside."""
        began = time.perf_counter()
        self.watch(name, 0.0)
        yield
        self.watch(name, 1.0)
        self.seconds[name] = time.perf_counter() - began


def store_scenario(folder: NewFolder, file: ScenarioFile, run: Run) -> None:
    """Store the scenario with its seed and with the files that it reads, so that it runs again wherever it is.

    This comes before anything that takes time, so that a missing permission is told at once.
    """
    source = with_value(file.source, ("seed",), run.manifest["seed"])
    for number, (path, original) in enumerate(input_files(file.scenario)):
        content = _input(original)
        kept = f"{_INPUTS}/{original.name}" if not number else f"{_INPUTS}/{number}-{original.name}"
        source = with_value(source, path, kept)
        with storing(folder.final, len(content)):
            (folder.path / _INPUTS).mkdir(exist_ok=True)
            write(folder.path / kept, content)
    head = f"# The scenario of run {run.manifest['run']} with everything that it extends; it runs as it is.\n\n"
    with storing(folder.final):
        write(folder.path / SCENARIO, head + resolved_text(source))
        write(folder.path / MANIFEST, as_json(run.manifest))


def _input(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StorageError(
            f"{path}, which the scenario reads, cannot be kept with the run: {error.strerror}"
        ) from error


@dataclass(frozen=True)
class Packed:
    """A table as it goes into its file."""

    content: bytes
    rows: int
    sha256: str


def pack_tables(tables: Mapping[str, Table]) -> dict[str, Packed]:
    """Make the files of tables, in memory."""
    packed = {}
    for name, table in tables.items():
        content = table_bytes(table)
        rows = len(table["station" if name == "stations" else "family"])
        packed[name] = Packed(content, rows, checksum(content))
    return packed


_Report = Callable[[Mapping[str, Any], Path], list[PluginError]]


def store_results(
    folder: NewFolder, run: Run, packed: Mapping[str, Packed], report: _Report, stages: Stages
) -> tuple[Run, list[PluginError]]:
    """Store tables, summary and reports; give the finished run, and the reporters that failed."""
    with stages.stage("store"):
        # On one line: with indents the summary of a city's season is three times as long, and takes four times as long.
        summary = as_json(run.summary, indent=None)
        with storing(folder.final, sum(len(table.content) for table in packed.values()) + len(summary)):
            for name, table in packed.items():
                write(folder.path / f"{name}.parquet", table.content)
            write(folder.path / SUMMARY, summary)
    tables = {name: {"rows": table.rows, "sha256": table.sha256} for name, table in packed.items()}
    run = replace(run, manifest=with_tables(run.manifest, tables, stages.seconds))
    with stages.stage("report"), storing(folder.final):
        write(folder.path / MANIFEST, as_json(run.manifest))
        failures = report(run.summary, folder.path)
    run = replace(run, manifest=with_tables(run.manifest, tables, stages.seconds))
    with storing(folder.final):
        write(folder.path / MANIFEST, as_json(run.manifest))
    return run, failures


def as_json(data: Mapping[str, Any], indent: int | None = 1) -> str:
    """Write data as JSON that every reader understands; a number that is none is an error."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent) + "\n"


def report_run(summary: Mapping[str, Any], folder: Path, plugins: Plugins, language: Language) -> list[PluginError]:
    """Let every reporter write; what one of them breaks is no reason to lose the others' work."""
    failures = []
    for entry in plugins.tables["reporters"].values():
        try:
            # A reporter that has an argument for the language is told it.
            told = {"language": language} if "language" in inspect.signature(entry.thing).parameters else {}
            entry.thing(summary, folder, **told)
        except Exception as error:
            if is_full(error) or isinstance(error, CanbaoError):  # not the plugin's fault
                raise
            who = f"reporter {entry.name!r} of plugin {entry.plugin!r} ({entry.origin})"
            failure = PluginError(f"{who} failed: {type(error).__name__}: {error}")
            failure.__cause__ = error
            failures.append(failure)
    return failures
