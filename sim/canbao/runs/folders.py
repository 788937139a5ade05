"""Folders that are there as a whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from canbao.errors import StorageError

__all__ = ["NewFolder", "is_full", "new_folder", "storing", "write"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_FOLDER = (errno.ENOTDIR, errno.EEXIST)


@dataclass(frozen=True)
class NewFolder:
    """A folder while it is being filled."""

    path: Path
    """Where its files go until it is whole: hidden, beside its last place."""
    final: Path
    """Where it stands once it is whole."""


@contextmanager
def new_folder(parent: Path, name: str) -> Iterator[NewFolder]:
    """Give a folder to be filled; it gets its name at the end, or vanishes when anything goes wrong on the way.

    Parameters
    ----------
    parent
        Is made if need be, and vanishes with what was made for it.
    name
        The name; `-2`, `-3` and so on is added where it is taken.

    Raises
    ------
    StorageError
        When the folder cannot be made.
    """
    made = [path for path in (parent, *parent.parents) if not path.exists()]
    here: NewFolder | None = None
    try:
        with storing(parent):
            parent.mkdir(parents=True, exist_ok=True)
            here = _reserve(parent, name)
        yield here
        with storing(parent):
            here.path.rename(here.final)
    except BaseException:  # Ctrl-C too
        with _undisturbed():
            _remove(here, made)
        raise


def _reserve(parent: Path, name: str) -> NewFolder:
    """Take the first name that is free; making the hidden folder is what keeps other processes from it."""
    for number in count(1):
        final = parent / (name if number == 1 else f"{name}-{number}")
        hidden = final.with_name(f".{final.name}.part")
        with suppress(FileExistsError):
            hidden.mkdir()
            if not final.exists():
                return NewFolder(hidden, final)
            hidden.rmdir()
    raise AssertionError  # numbers do not end


def _remove(here: NewFolder | None, made: list[Path]) -> None:
    if here is not None:
        shutil.rmtree(here.path, ignore_errors=True)
    for path in made:
        with suppress(OSError):  # somebody else's runs are in it by now
            path.rmdir()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no second Ctrl-C come between."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals, and only it may say what becomes of them
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


@contextmanager
def storing(folder: Path, needed: int | None = None) -> Iterator[None]:
    """Turn what the system says about files into a StorageError that says what to do.

    Parameters
    ----------
    folder
        Where something is stored.
    needed
        How many bytes it needs, where that is known.
    """
    free = _free(folder)  # before anything of it is used up
    try:
        yield
    except OSError as error:
        raise StorageError(_problem(error, folder, needed, free)) from error


def is_full(error: Exception) -> bool:
    """Tell whether an error says that a disk is full, or a quota or limit used up."""
    return isinstance(error, OSError) and error.errno in _FULL


def write(path: Path, content: bytes | str) -> None:
    """Write a file."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def _free(folder: Path) -> int | None:
    """Give the bytes that are free where a folder is or will be."""
    with suppress(OSError):
        return shutil.disk_usage(_nearest(folder)).free
    return None


def _problem(error: OSError, folder: Path, needed: int | None, free: int | None) -> str:
    elsewhere = "name another folder with --out"
    if is_full(error):
        sizes = [f"it needs {_size(needed)}"] if needed else []
        sizes += [f"{_size(free)} are free"] if free is not None else []
        said = f" ({', '.join(sizes)})" if sizes else ""
        return f"no space for the run in {folder}{said}; make room, or {elsewhere}; nothing was stored"
    if error.errno in _FORBIDDEN:
        return f"no permission to write to {error.filename or folder}; change it, or {elsewhere}"
    if error.errno in _NO_FOLDER:
        return f"{folder} cannot be a folder, because {_file_in_the_way(folder)} is a file; {elsewhere}"
    return f"the run cannot be stored in {folder}: {error.strerror or error}; {elsewhere}"


def _nearest(folder: Path) -> Path:
    return next((path for path in (folder, *folder.parents) if path.is_dir()), Path())


def _file_in_the_way(folder: Path) -> Path:
    return next((path for path in (folder, *folder.parents) if os.path.lexists(path) and not path.is_dir()), folder)
