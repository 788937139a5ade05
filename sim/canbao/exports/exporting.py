"""From a stored run to files that other programs read."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from canbao.errors import InputError
from canbao.exports.event_csv import write_event_csv
from canbao.exports.events import EventLog
from canbao.exports.placing import placed, text_file
from canbao.exports.positions import positions
from canbao.exports.sheets import INDEX, chart_files, header_of, index_of, write_rows, write_table
from canbao.exports.vidigi import HEADER, AnimationLog
from canbao.exports.xes import write_xes
from canbao.languages import ENGLISH, Language
from canbao.report.charts import charts
from canbao.runs import Run, Watch
from canbao.runs.tables import TABLES

__all__ = ["FORMS", "Exported", "export_run"]


@dataclass(frozen=True)
class Exported:
    """What was written."""

    path: Path
    """The file, or the folder of files."""
    files: Mapping[str, int]
    """The name of each file, and how many events or rows it holds."""


@dataclass(frozen=True)
class _Order:
    """What is to be written."""

    run: Run
    every_moment: bool
    language: Language
    packed: bool
    tell: Callable[[float], None]
    """Is told which share is written."""


_Writer = Callable[[_Order, Path], Mapping[str, int]]
"""Writes into a file or folder; gives rows by file, for a single file under an empty name."""


def export_run(  # noqa: PLR0913 - each of these is a choice of the user's
    run: Run,
    form: str,
    out: Path | None = None,
    *,
    force: bool = False,
    every_moment: bool = False,
    language: Language = ENGLISH,
    progress: Watch | None = None,
) -> Exported:
    """Write a stored run in a form that other programs read.

    Parameters
    ----------
    run
        The run, as `canbao.runs.read_run` gives it.
    form
        One of `FORMS`: `xes` and `csv` are an event log for process mining, `vidigi` is one to animate, `charts` are
        the data of each chart of the report, `tables` the tables of the run.
    out
        The file, for `xes` and `csv`; a folder for the others. A file whose name ends in `.gz` is compressed. In the
        folder `exports` of the run if not given.
    force
        Whether files that are there are overwritten.
    every_moment
        Whether each known moment of a visit is an event, for `xes` and `csv`; see `canbao.exports.events`.
    language
        Of titles and headers of charts.
    progress
        Is told how far it is.

    Raises
    ------
    InputError
        When there is no such form, or something is in the way.
    StorageError
        When the run cannot be read, or its files cannot be written; nothing is left of them then.
    """
    if form not in FORMS:
        raise InputError(f"no export is called {form!r}; there are: {', '.join(FORMS)}")
    name, write = FORMS[form]
    single = bool(Path(name).suffix)
    if every_moment and not single:
        raise InputError(f"an event for every moment is a matter of event logs (xes, csv), not of {form}")
    path = out or run.folder / "exports" / name
    with placed(path, folder=not single, force=force) as hidden:
        order = _Order(run, every_moment, language, path.suffix == ".gz", _teller(progress))
        files = write(order, hidden)
    return Exported(path, {name or path.name: rows for name, rows in files.items()})


def _teller(progress: Watch | None) -> Callable[[float], None]:
    return (lambda share: None) if progress is None else (lambda share: progress("store", share))


# --- event logs -------------------------------------------------------------------------------------------------------


def _start(run: Run) -> dt.date:
    return dt.date.fromisoformat(run.summary["horizon"]["start"])


def _event_log(order: _Order) -> tuple[EventLog, Callable[[int], None]]:
    log = EventLog(order.run.trace, _start(order.run), order.every_moment)
    return log, lambda written: order.tell(written / log.rows)


def _xes(order: _Order, path: Path) -> Mapping[str, int]:
    (log, tell), manifest = _event_log(order), order.run.manifest
    about = {key: manifest[key] for key in ("scenario", "title", "run", "seed") if key in manifest}
    with text_file(path, packed=order.packed) as file:
        write_xes(log, {"concept:name": f"{manifest['scenario']} {manifest['run']}", **about}, file, tell)
    return {"": log.rows}


def _csv(order: _Order, path: Path) -> Mapping[str, int]:
    log, tell = _event_log(order)
    with text_file(path, packed=order.packed) as file:
        write_event_csv(log, file, tell)
    return {"": log.rows}


def _vidigi(order: _Order, folder: Path) -> Mapping[str, int]:
    log, written = AnimationLog(order.run.trace, order.run.manifest["seed"]), 0
    drawn = positions(log.places)
    with text_file(folder / "event_positions.csv") as file:
        write_rows(file, [list(asdict(drawn[0])), *(tuple(asdict(position).values()) for position in drawn)])
    servers = {name: count for name, count in log.places.items() if count}
    with text_file(folder / "servers.json") as file:
        json.dump(servers, file, ensure_ascii=False, indent=1)
    with text_file(folder / "event_log.csv") as file:
        write_rows(file, [HEADER])
        for lines in log.lines():
            write_rows(file, lines)
            written += len(lines)
            order.tell(written / len(log))
    return {"event_log.csv": written, "event_positions.csv": len(drawn), "servers.json": len(servers)}


# --- charts and tables ------------------------------------------------------------------------------------------------


def _charts(order: _Order, folder: Path) -> Mapping[str, int]:
    files = chart_files(charts(order.run.summary, language=order.language))
    with text_file(folder / INDEX, mark=True) as file:
        write_rows(file, index_of(files))
    for name, chart in files.items():
        with text_file(folder / name, mark=True) as file:
            write_rows(file, [header_of(chart, order.language), *chart.table.rows])
    return {INDEX: len(files), **{name: len(chart.table.rows) for name, chart in files.items()}}


def _tables(order: _Order, folder: Path) -> Mapping[str, int]:
    files = {f"{name}.csv": getattr(order.run.trace, name) for name in TABLES}
    for number, (name, table) in enumerate(files.items(), 1):
        with (folder / name).open("wb") as file:
            write_table(file, table)
        order.tell(number / len(files))
    return {name: len(next(iter(table.values()))) for name, table in files.items()}


FORMS: Mapping[str, tuple[str, _Writer]] = {
    "xes": ("events.xes", _xes),
    "csv": ("events.csv", _csv),
    "vidigi": ("vidigi", _vidigi),
    "charts": ("charts", _charts),
    "tables": ("tables", _tables),
}
"""The forms: the name of the file or folder unless another is given, and what writes it."""
