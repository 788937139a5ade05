"""Files that are there as a whole or not at all, and never over others unasked."""

from __future__ import annotations

import gzip
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO

from canbao.errors import InputError, StorageError
from canbao.runs.folders import is_full

__all__ = ["placed", "text_file"]

_FAST = 4
"""The level of compression: a tenth larger than the smallest, in a quarter of the time."""


@contextmanager
def placed(path: Path, *, folder: bool, force: bool) -> Iterator[Path]:
    """Give a hidden path to write to; what is there at the end gets its place, and on any error nothing is left.

    Parameters
    ----------
    path
        Its last place. Folders above it are made, and vanish again when anything goes wrong.
    folder
        Whether it is a folder of files, which is given empty, and not one file.
    force
        Whether files that are there are overwritten; in a folder those of the same names, and no others.

    Raises
    ------
    InputError
        When something is there and `force` is not given, or something that cannot be overwritten.
    StorageError
        When it cannot be written.
    """
    path = Path(os.path.abspath(path))
    hidden = path.parent / f".{path.name}.{os.getpid()}.part"
    made = [above for above in path.parents if not above.exists()]
    try:
        _refuse(path, folder=folder, force=force)
        path.parent.mkdir(parents=True, exist_ok=True)
        if folder:
            hidden.mkdir()
        yield hidden
        _refuse(path, folder=folder, force=force)  # somebody else may have been quicker
        _move(hidden, path)
    except BaseException as error:  # Ctrl-C too
        _clear(hidden, made)
        if isinstance(error, OSError):
            raise StorageError(_problem(error, path)) from error
        raise


def _refuse(path: Path, *, folder: bool, force: bool) -> None:
    if path.is_dir() and not folder:
        raise InputError(f"{path} is a folder; name a file with --out, such as {path / 'events'}")
    if folder and path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; name a folder with --out, because there is more than one file")
    taken = any(path.iterdir()) if path.is_dir() else os.path.lexists(path)
    if taken and not force:
        there = "is not empty" if path.is_dir() else "is there already"
        raise InputError(f"{path} {there}; choose another place with --out, or overwrite it with --force")


def _move(hidden: Path, path: Path) -> None:
    if not (hidden.is_dir() and path.is_dir()):
        hidden.replace(path)
        return
    for file in hidden.iterdir():
        file.replace(path / file.name)
    hidden.rmdir()


def _clear(hidden: Path, made: list[Path]) -> None:
    if hidden.is_dir():
        shutil.rmtree(hidden, ignore_errors=True)
    with suppress(OSError):
        hidden.unlink()
    for above in made:
        with suppress(OSError):  # somebody else's files are in it by now
            above.rmdir()


def _problem(error: OSError, path: Path) -> str:
    if is_full(error):
        return f"no space for {path}; make room, or choose another place with --out; nothing was written"
    return f"{path} cannot be written: {error.strerror or error}; choose another place with --out"


@contextmanager
def text_file(path: Path, *, packed: bool = False, mark: bool = False) -> Iterator[IO[str]]:
    """Open a new file of text in UTF-8.

    Parameters
    ----------
    packed
        Whether it is compressed with gzip, without its name and time, so that equal texts are equal files.
    mark
        Whether it begins with a byte order mark, by which spreadsheets know that it is UTF-8.
    """
    encoding = "utf-8-sig" if mark else "utf-8"
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", _FAST, raw, mtime=0) if packed else nullcontext(raw) as target,
        io.TextIOWrapper(target, encoding, errors="replace", newline="") as text,
    ):
        yield text
