"""What a load process leaves behind, in a folder of its own, and how the parts of all processes are put together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from canbao.arrays import BoolArray, IntArray
from canbao.columns import Coded, numbers_of
from canbao.errors import StorageError
from canbao.runs.folders import storing, write
from canbao.runs.tables import checksum, read_table, table_bytes
from canbao.trace import Table
from canbao_loadtests.driving.recorder import Journeys, Recorder, stacked, with_looks
from canbao_loadtests.driving.schedule import Schedule
from canbao_loadtests.driving.spool import SPOOL, Kept, read_spool
from canbao_loadtests.job import Job

__all__ = ["END", "PARTS", "TABLES", "WALKS", "Parts", "journal_of", "new_part", "read_parts", "save_part"]

PARTS = "parts"
"""Where parts are, in the folder of a run."""

END = "end.json"
"""How a process ended; written last, so that a part without one is not whole."""

WALKS = "walks.npz"
"""What the families of a process did (`canbao_loadtests.walking.book.WalkPart`)."""

_REAL = ("began", "ended", "intended", "started", "finished", "due")

TABLES = ("requests", "journeys", "delays")


@dataclass(frozen=True, eq=False)
class Parts:
    """What all processes of a load test recorded.

    Parameters
    ----------
    requests
        Columns operation, began, ended (real seconds since 1970), status (0: no answer), sent, received (bytes),
        trouble (why there was no answer), polling (whether it asked how an application stands).
    journeys
        Columns family, moment (of the scenario), intended, started, finished (real; nan: never), how
        (`canbao_loadtests.driving.recorder.HOW`).
    delays
        Columns due (real), delay (seconds by which the generator was late).
    ends
        How each process ended, as it said itself. Of one that was killed nothing but `part`, `reason` (`killed`),
        `stopped_at` (when it wrote something down last) and `missing_s` (so many seconds may be missing at most).
    walks
        The files of what the families did: of each part the newest, which begins with what the older ones knew.
    """

    requests: Table
    journeys: Table
    delays: Table
    ends: tuple[Mapping[str, Any], ...]
    walks: tuple[Path, ...]


def journal_of(job: Job) -> Path:
    """Give where the process of a job keeps its journal."""
    return Path(job.folder) / ("journal.jsonl" if job.parts == 1 else f"journal-{job.part}.jsonl")


def new_part(run: Path, part: int) -> Path:
    """Make the folder of a process: `parts/<part>`; `-2`, `-3` and so on is added where a run is resumed."""
    for number in count(1):
        folder = run / PARTS / (f"{part}" if number == 1 else f"{part}-{number}")
        with storing(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            try:
                folder.mkdir()
            except FileExistsError:
                continue
        return folder
    raise AssertionError  # numbers do not end


def save_part(folder: Path, recorder: Recorder, journeys: Journeys, end: Mapping[str, Any]) -> None:
    """Write the tables of a process, and at last how it ended."""
    tables = dict(zip(TABLES, (recorder.requests(), journeys.table(), recorder.delays()), strict=True))
    entries = {}
    with storing(folder):
        for name, table in tables.items():
            content = table_bytes(table)
            write(folder / f"{name}.parquet", content)
            entries[name] = {"rows": len(next(iter(table.values()))), "sha256": checksum(content)}
        write(folder / END, json.dumps({**end, "tables": entries}, indent=1) + "\n")


def read_parts(run: Path) -> Parts:
    """Read what all processes of a run recorded; of one that was killed, what it had written down by then.

    Raises
    ------
    StorageError
        When a table is missing or damaged.
    """
    tables = {name: [table] for name, table in _empty().items()}
    killed = list(_killed(run))
    known = _told(killed)
    for _, kept in killed:
        ahead_s = float(kept.said.get("ahead_s", 0.0))
        for name, table in zip(
            TABLES, (with_looks(kept.requests, kept.looks), kept.journeys, kept.delays), strict=True
        ):
            tables[name].append(_on_one_clock(table, ahead_s))
    ends = {path: _read_end(path) for path in sorted((run / PARTS).glob(f"*/{END}"), key=_number)}
    newest = {_number(path)[0]: path for path in ends}
    for path, end in ends.items():
        for name in TABLES:
            table = read_table(path.with_name(f"{name}.parquet"), str(end["tables"][name]["sha256"]))
            gone_on = name == "journeys" and path not in newest.values()
            table = _on_one_clock(table, float(end.get("ahead_s", 0.0)))
            table = _unknown(table, known) if name == "journeys" else table
            tables[name].append(_injected(table) if gone_on else table)
    requests, journeys, delays = (stacked(tables[name]) for name in TABLES)
    walks = [path.with_name(WALKS) for path in newest.values()]
    told = (*(_end_of(spooled, kept) for spooled, kept in killed), *ends.values())
    return Parts(requests, journeys, delays, told, tuple(path for path in walks if path.is_file()))


def _killed(run: Path) -> Iterator[tuple[Path, Kept]]:
    """Give what processes that were killed left behind."""
    for path in sorted((run / PARTS).glob(f"*/{SPOOL}"), key=_number):
        kept = None if path.with_name(END).is_file() else read_spool(path)
        if kept is not None:
            yield path, kept


def _end_of(spooled: Path, kept: Kept) -> dict[str, Any]:
    part, _ = _number(spooled)
    stopped_at = float(kept.said["at"]) - float(kept.said.get("ahead_s", 0.0))
    return {"reason": "killed", "part": part, "stopped_at": stopped_at, "missing_s": kept.said["every_s"]}


def _told(killed: Sequence[tuple[Path, Kept]]) -> IntArray:
    """Give the families of which processes that were killed have told something."""
    families = [numbers_of(kept.journeys["family"]) for _, kept in killed]
    return np.concatenate([np.empty(0, dtype=np.int64), *families]).astype(np.int64)


def _unknown(journeys: Table, known: IntArray) -> Table:
    """Leave out journeys of which nothing is said here, but something in what a killed process left."""
    how = journeys["how"]
    assert isinstance(how, Coded)
    return _some(journeys, ~(how.has("not injected", "lost") & np.isin(numbers_of(journeys["family"]), known)))


def _number(end: Path) -> tuple[int, int]:
    """Give the number of a part, and the how-manieth process of it wrote this."""
    part, _, process = end.parent.name.partition("-")
    return int(part), int(process or 1)


def _on_one_clock(table: Table, ahead_s: float) -> Table:
    """Set the real times of a process whose clock was ahead back."""
    if not ahead_s:
        return table
    return {name: numbers_of(column) - ahead_s if name in _REAL else column for name, column in table.items()}


def _injected(journeys: Table) -> Table:
    """Leave out those who did not come: the process that went on has them again."""
    how = journeys["how"]
    assert isinstance(how, Coded)
    return _some(journeys, ~how.has("not injected"))


def _some(table: Table, chosen: BoolArray) -> Table:
    return {
        name: column.take(chosen) if isinstance(column, Coded) else column[chosen] for name, column in table.items()
    }


def _empty() -> dict[str, Table]:
    """Give tables without rows, so that a run without parts has all columns."""
    nobody = Schedule.of([], [])
    recorder, journeys = Recorder(), Journeys(nobody, nobody.moments)
    return dict(zip(TABLES, (recorder.requests(), journeys.table(), recorder.delays()), strict=True))


def _read_end(path: Path) -> dict[str, Any]:
    try:
        end: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for name in TABLES:
            str(end["tables"][name]["sha256"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StorageError(f"{path} is damaged ({type(error).__name__}: {error}); run the load test again") from error
    return end
