"""The one place that sets the compiler's options, and says where machine code is kept.

Compiled code is kept beside this package, or in the user's cache folder where that cannot be written. Numba renews
what it kept when the file of a function changes, but not when a function changes that this one calls; therefore the
folder's name holds a checksum of the whole package.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numba.core import config

__all__ = ["JIT", "cache_folder", "compiled", "entry", "inlined"]

F = TypeVar("F", bound=Callable[..., object])

_OPTIONS: Any = config
_JIT: Any = numba.njit
"""Numba makes its options when it is imported, and its types do not know all arguments."""

_HERE = Path(__file__).parent

JIT = not _OPTIONS.DISABLE_JIT
"""Whether functions are compiled at all; NUMBA_DISABLE_JIT=1 leaves them as they are."""


def compiled(function: F) -> F:
    """Compile a function of the kernel that only other compiled functions call.

    No fast mathematics: every operation rounds as it does in Python. A division by zero gives inf or nan, as in numpy.
    Python's global lock is released, so that another thread can work meanwhile.
    """
    return _dispatcher(function, no_cpython_wrapper=True)  # without what Python needs to call it, in a third less time


def inlined(function: F) -> F:
    """Compile a function of the kernel into those that call it.

    It is for what happens at every event: calls from function to function took a fifth of the time.
    """
    return _dispatcher(function, no_cpython_wrapper=True, forceinline=True)


def entry(function: F) -> F:
    """Compile a function of the kernel that Python calls."""
    return _dispatcher(function, no_cpython_wrapper=False)


def _dispatcher(function: F, **options: bool) -> F:
    before, _OPTIONS.CACHE_DIR = _OPTIONS.CACHE_DIR, str(cache_folder())
    try:
        dispatcher: F = _JIT(
            function, nogil=True, cache=True, error_model="numpy", no_cfunc_wrapper=True, _nrt=False, **options
        )
    finally:
        _OPTIONS.CACHE_DIR = before
    return dispatcher


@cache
def cache_folder() -> Path:
    """Give the folder of the machine code of this version of the package."""
    for parent in (_HERE / "__pycache__", _user_cache()):
        folder = parent / f"kernel-{_checksum()}"
        if _writable(folder):
            return folder
    # Then it is compiled at every start.
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
    """Give a checksum of all sources of the package and of the versions that make machine code of them."""
    digest = blake2b(f"{numba.__version__} {np.__version__}".encode(), digest_size=8)
    for path in sorted(_HERE.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
