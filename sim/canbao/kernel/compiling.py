"""Which functions of the kernel are machine code, how Python calls them, and where what is compiled is kept.

Three things can be made of the functions that are marked here. As a rule they stay what they are, and what Python calls
stands for machine code that was compiled before, by another process: `canbao.kernel.building`, the only one that needs
a compiler. There, and there alone, `MAKERS` holds one. With NUMBA_DISABLE_JIT=1 they are plain Python.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from canbao.kernel.handle import JIT
from canbao.kernel.machine import Native, processor

__all__ = ["ENTRIES", "MAKERS", "Entry", "cache_folder", "compiled", "entry", "inlined"]

F = TypeVar("F", bound=Callable[..., Any])

Maker = Callable[[Callable[..., Any], bool], Any]
"""Makes a function that other compiled functions call; True where it is compiled into those."""

MAKERS: list[Maker] = []
"""What compiles, in the process that does."""

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Entry:
    """A function of the kernel that Python calls."""

    function: Callable[..., Any]
    arguments: tuple[type, ...]
    """A NamedTuple of arrays, of which a handle is given; int; or float."""
    result: type | None
    """int, or None."""

    @property
    def name(self) -> str:
        """Its module and its name."""
        return f"{self.function.__module__.rpartition('.')[2]}.{self.function.__name__}"


ENTRIES: dict[str, Entry] = {}
"""All of the modules that have been imported, by name."""


def compiled(function: F) -> F:
    """Mark a function of the kernel that other compiled functions call."""
    made: F = MAKERS[0](function, False) if MAKERS else function
    return made


def inlined(function: F) -> F:
    """Mark a function of the kernel that is compiled into those that call it.

    It is for what happens at every event: calls from function to function took a fifth of the time.
    """
    made: F = MAKERS[0](function, True) if MAKERS else function
    return made


def entry(*arguments: type, result: type | None = None) -> Callable[[F], F]:
    """Mark a function of the kernel that Python calls.

    Parameters
    ----------
    arguments
        What each argument is: a NamedTuple of arrays (given as a handle), int or float.
    result
        int, or None.
    """

    def mark(function: F) -> F:
        made = Entry(function, arguments, result)
        ENTRIES[made.name] = made
        native: Any = Native(made.name, arguments, result, cache_folder)
        return native if JIT and not MAKERS else function

    return mark


# --- where it is kept -------------------------------------------------------------------------------------------------


@cache
def cache_folder() -> Path:
    """Give the folder of the machine code of this version of the package.

    It is beside this package, or in the user's cache folder where that cannot be written. Its name holds a checksum of
    the whole package, of the processor, and of the versions that make machine code.
    """
    for parent in (_HERE / "__pycache__", _user_cache()):
        folder = parent / f"kernel-{_checksum()}"
        if _writable(folder):
            return folder
    # Then it is compiled anew after every restart of the machine.
    return Path(tempfile.gettempdir()) / f"canbao-{os.getuid()}" / _checksum()


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "canbao"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


@cache
def _checksum() -> str:
    versions = " ".join(version(name) for name in ("numba", "llvmlite", "numpy"))
    digest = blake2b(f"{versions} {processor()}".encode(), digest_size=8)
    for path in sorted(_HERE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
