"""The folder of an experiment: what is finished stands there as a whole, whatever happens at that moment.

==============================  ====================================================================
experiment.json                 the question: kind, variants, settings; and in the end the answer
replications/<key>-<seed>.json  the measures of one replication; the key is the start of its model's
variants/<name>/scenario.toml   the scenario of each variant, which runs as it is
results.parquet                 all measures as a long table, when the experiment is concluded
report.html                     the report
==============================  ====================================================================

No time, path or name of a machine goes into a file; so an experiment that was killed and resumed is the same, byte for
byte, as one that was not.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from canbao.errors import StorageError
from canbao.runs.folders import storing

__all__ = [
    "EXPERIMENT",
    "FORMAT",
    "REPLICATIONS",
    "REPORT",
    "RESULTS",
    "clear_leftovers",
    "count_replications",
    "json_like",
    "json_text",
    "locked",
    "read_experiment",
    "read_replication",
    "remove_if_empty",
    "write_atomically",
    "write_replication",
]

FORMAT = 1
"""The version of the form of the folder."""

EXPERIMENT = "experiment.json"
REPLICATIONS = "replications"
RESULTS = "results.parquet"
REPORT = "report.html"

_PART = ".part"
_KEY = 12
"""Digits of a model's key in a file name; the whole key stands inside."""


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file such that it is there as a whole or not at all, even after the machine stops.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    part = path.with_name(f".{path.name}{_PART}")
    with storing(path.parent, len(content)):
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
        _sync(path.parent)


def _sync(folder: Path) -> None:
    """Make a new name in a folder last."""
    with suppress(OSError):  # Windows opens no folders, and needs not
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def clear_leftovers(folder: Path) -> None:
    """Remove what was half written when somebody was killed."""
    for part in folder.rglob(f".*{_PART}"):
        part.unlink(missing_ok=True)


def remove_if_empty(folder: Path) -> None:
    """Remove the folder of an experiment that ended before anything was finished, and what was made for it."""
    if count_replications(folder) or (folder / RESULTS).exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # others are in there
        folder.parent.rmdir()
        folder.parent.parent.rmdir()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from going on with the same experiment; who is killed lets go of it.

    Raises
    ------
    StorageError
        When another process has it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(f"another process works on {folder}; wait for it, or end it first") from None
        except OSError:  # some network file systems have no locks
            pass
        yield
    finally:
        os.close(number)


# --- replications -----------------------------------------------------------------------------------------------------


def write_replication(folder: Path, key: str, seed: int, measures: Mapping[str, float]) -> None:
    """Keep the measures of a replication."""
    finite = {name: value if math.isfinite(value) else str(value) for name, value in measures.items()}
    data = {"format": FORMAT, "model": key, "seed": seed, "measures": finite}
    write_atomically(_place(folder, key, seed), json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n")


def count_replications(folder: Path) -> int:
    """Count the replications that are finished."""
    return sum(1 for _ in (folder / REPLICATIONS).glob("[!.]*.json"))


def read_replication(folder: Path, key: str, seed: int) -> dict[str, float] | None:
    """Give the measures of a replication; None if it is not there, or is not whole."""
    try:
        data = json.loads(_place(folder, key, seed).read_text(encoding="utf-8"))
        if (data["format"], data["model"], data["seed"]) == (FORMAT, key, seed):
            return {name: float(value) for name, value in data["measures"].items()}
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        pass  # it will be done again
    return None


def _place(folder: Path, key: str, seed: int) -> Path:
    return folder / REPLICATIONS / f"{key[:_KEY]}-{seed}.json"


# --- the question and the answer --------------------------------------------------------------------------------------


def json_text(data: Mapping[str, Any]) -> str:
    """Write data for people and machines; a number that is not finite is null."""
    return json.dumps(_finite(data), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def json_like(value: Any) -> Any:
    """Give a value as it comes back from a JSON file."""
    return json.loads(json_text({"value": value}))["value"]


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_experiment(folder: Path) -> dict[str, Any]:
    """Read what an experiment asks and answers.

    Raises
    ------
    StorageError
        When it is not the folder of an experiment, or of another format.
    """
    path = folder / EXPERIMENT
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(
            f"{folder} is not the folder of an experiment: {EXPERIMENT} cannot be read ({error.strerror}); "
            "name a folder such as results/experiments/city-season/20261121-214800-replications"
        ) from error
    except ValueError as error:
        raise StorageError(f"{path} is damaged: it is not JSON ({error})") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        found = data.get("format") if isinstance(data, dict) else None
        raise StorageError(f"{path} has format {found!r}, but this canbao reads format {FORMAT}")
    return data
