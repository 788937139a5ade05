"""Machine code: loaded from a file, called from Python. It takes LLVM's linker, but no compiler, which starts slowly.

A file holds a line that says what the function is called, and what it needs of the system's libraries; then comes the
code, as LLVM's own kind of object file.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from canbao.errors import EngineError
from canbao.kernel.handle import Handle

__all__ = ["Native", "build", "code_file", "keep", "processor"]

_KINDS: dict[type | None, Any] = {int: ctypes.c_int64, float: ctypes.c_double, None: ctypes.c_void_p}
"""What stands for an argument or a result; a handle is an address."""
_REMEDY = "take the engine 'simpy'"


class Native:
    """A function whose machine code is loaded when it is called first, and compiled before where there is none.

    The global lock of Python is released while it runs, so that another thread can work meanwhile.
    """

    def __init__(self, name: str, arguments: Sequence[type], result: type | None, folder: Callable[[], Path]) -> None:
        self.name = name
        self._arguments = [_KINDS.get(each, ctypes.c_int64) for each in arguments]
        self._result = _KINDS[result]
        self._folder = folder
        self._loaded: dict[bool, Any] = {}

    def __call__(self, *arguments: Any) -> Any:
        """Call it with handles and numbers."""
        wide = any(isinstance(each, Handle) and each.wide for each in arguments)
        code = self._loaded.get(wide) or self._load(wide)
        given, failure = self._result(), ctypes.c_void_p()
        numbers = [each.address if isinstance(each, Handle) else each for each in arguments]
        if code(ctypes.byref(given), ctypes.byref(failure), *numbers):
            raise EngineError(f"the kernel's function {self.name} failed")
        return given.value

    def _load(self, wide: bool) -> Any:
        path = code_file(self._folder(), self.name, wide)
        if not path.exists():
            build([self.name], folder=self._folder(), wide=wide)
        kind = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *self._arguments)
        self._loaded[wide] = kind(_address(path))
        return self._loaded[wide]


def code_file(folder: Path, name: str, wide: bool = False) -> Path:
    """Say in which file the machine code of a function stands; another one for counters that are wide."""
    return folder / f"{name}{'-wide' if wide else ''}.code"


def build(*groups: Sequence[str], folder: Path, wide: bool = False) -> None:
    """Compile functions, each group in a process of its own, all at once; they can be interrupted at any moment.

    Raises
    ------
    OSError
        When what is compiled cannot be kept.
    EngineError
        When it cannot be compiled, or no process can be started.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    options = ["--folder", str(folder), *(["--wide"] if wide else [])]
    silent: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with ExitStack() as stack:
        started: list[subprocess.Popen[str]] = []
        for names in filter(None, groups):
            command = [sys.executable, "-m", "canbao.kernel.building", *options, *names]
            try:
                started.append(stack.enter_context(subprocess.Popen(command, env=environment, **silent)))
            except OSError as error:
                raise EngineError(f"no process can be started that compiles the engine: {error}; {_REMEDY}") from error
            stack.callback(started[-1].kill)  # one that has ended does not hear it
        for process in started:
            _, errors = process.communicate()
            if process.returncode:
                raise _fault(errors)


def _fault(errors: str) -> Exception:
    """Give what the process that compiles has said at its end: a fault of the system as JSON, others in words."""
    last = (errors.strip().splitlines() or ["it said nothing"])[-1]
    try:
        told = json.loads(last)
        return OSError(told["errno"], os.strerror(told["errno"]), told["filename"])
    except (ValueError, LookupError, TypeError):
        return EngineError(f"the engine cannot be compiled: {last}; {_REMEDY}")


# --- files and LLVM ---------------------------------------------------------------------------------------------------


def keep(path: Path, symbol: str, needs: Sequence[str], code: bytes) -> None:
    """Write a file of machine code, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        part.write_bytes(json.dumps({"symbol": symbol, "needs": list(needs)}).encode() + b"\n" + code)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def processor() -> str:
    """Name the processor and what it can do: code for one does not run on every other."""
    import llvmlite.binding as llvm

    return f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"


def _address(path: Path) -> int:
    """Load a file, and say where its function is now."""
    import llvmlite.binding as llvm

    head, _, code = path.read_bytes().partition(b"\n")
    told = json.loads(head)
    linker = _linker()  # which knows from now on what this process has loaded
    # LLVM ends the whole process where something is missing.
    missing = [name for name in told["needs"] if llvm.address_of_symbol(name) is None]
    if missing:
        raise EngineError(f"{path} needs {missing[0]!r}, which this system does not have; {_REMEDY}")
    linker.add_object_file(llvm.ObjectFileRef.from_data(code))
    linker.finalize_object()
    return int(linker.get_function_address(told["symbol"]))


@cache
def _linker() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
