"""The contender in C: `enrolment.c`, compiled here and called through ctypes."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contenders import AbsentError, Case
from enrolment import ATTEMPTS, Visits, by_family, difference

SOURCE = Path(__file__).with_name("enrolment.c")
FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC")
_SERVED = 0


def compiler() -> str | None:
    """Give the C compiler of this machine, if it has one."""
    return shutil.which("gcc") or shutil.which("cc")


_INPUT = ("arrival", "window", "patience", "review", "passes", "card")


class _Samples(ctypes.Structure):
    _fields_ = (
        ("families", ctypes.c_int64),
        ("until", ctypes.c_double),
        *((name, ctypes.c_void_p) for name in _INPUT),
    )


_COLUMNS = {
    "family": np.int64,
    "attempt": np.int64,
    "station": np.int32,
    "enter": np.float64,
    "start": np.float64,
    "leave": np.float64,
    "ended": np.int8,
}
_FATES = {"outcome": np.int8, "finished": np.float64}


class _Output(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_void_p) for name in (*_COLUMNS, *_FATES))


def compiled(*flags: str) -> Any:
    """Compile the kernel and give its function.

    Raises
    ------
    AbsentError
        Where there is no C compiler.
    """
    found = compiler()
    if found is None:
        raise AbsentError("there is no C compiler on the path")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "enrolment.so"
        subprocess.run([found, *FLAGS, *flags, "-o", str(library), str(SOURCE)], check=True)
        function = ctypes.CDLL(str(library)).enrolment
    function.restype = ctypes.c_int64
    return function


class CKernel:
    """The kernel with its input at hand; patience is an event."""

    title = "C kernel"
    draws = False
    checked = "visits equal, bit for bit"
    flags: tuple[str, ...] = ()

    def __init__(self, case: Case) -> None:
        self.kernel, samples = compiled(*self.flags), case.samples
        self.columns = [np.ascontiguousarray(getattr(samples, name)) for name in _INPUT]
        self.input = _Samples(samples.families, samples.until, *(column.ctypes.data for column in self.columns))

    def run(self) -> dict[str, NDArray[Any]]:
        """Run to the horizon; give columns, those of visits in the order in which they ended."""
        families = self.input.families
        table: dict[str, NDArray[Any]] = {
            name: np.empty((ATTEMPTS + 2) * families, dtype=kind) for name, kind in _COLUMNS.items()
        }
        table |= {name: np.full(families, np.nan if kind is np.float64 else 0, kind) for name, kind in _FATES.items()}
        output = _Output(*(column.ctypes.data for column in table.values()))
        count = self.kernel(ctypes.byref(self.input), ctypes.byref(output))
        if count < 0:
            raise MemoryError("the C kernel ran out of memory")
        return {name: column[:count] if name in _COLUMNS else column for name, column in table.items()}

    def fault(self, reference: Visits) -> str:
        """Compare all visits."""
        table = self.run()
        rows = [table[name] for name in ("family", "station", "enter", "start", "leave")]
        return difference(by_family([*rows, table["ended"] == _SERVED]), reference)


class LazyCKernel(CKernel):
    """The kernel that looks at patience at the head of the queue only."""

    title = "C kernel, patience without an event"
    flags = ("-DLAZY",)
