"""Machine code of one function: the one place that sets the compiler's options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numba
from numba.core import types
from numba.core.compiler import Compiler
from numba.core.compiler_lock import global_compiler_lock

from canbao.kernel.building.arrays import handle_type
from canbao.kernel.compiling import Entry

__all__ = ["Code", "machine_code", "make"]

_JIT: Any = numba.njit
"""Numba makes its options when it is imported, and its types do not know all arguments."""


class _Compiler(Compiler):
    """Numba's compiler without its last step: nothing of what it compiles is called here, so nothing is loaded."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.state.flags.no_compile = True

    def compile_extra(self, func: Any) -> Any:
        """Compile a function; others find it by an object that only they know."""
        made = super().compile_extra(func)
        known_by: Any = [].append
        with global_compiler_lock:
            self.state.targetctx.insert_user_function(known_by, made.fndesc, [made.library])
        return made._replace(entry_point=known_by)


_OPTIONS = {
    "pipeline_class": _Compiler,
    "nogil": True,
    "error_model": "numpy",  # a division by zero gives inf or nan
    "no_cpython_wrapper": True,  # without what Python needs to call it, in a third less time
    "no_cfunc_wrapper": True,
    "_nrt": False,  # the kernel makes no arrays, so that nobody has to count who uses them
}
"""No fast mathematics: every operation rounds as it does in Python."""

_NUMBERS: dict[type | None, Any] = {int: types.int64, float: types.float64, None: types.void}


class Code(NamedTuple):
    """What becomes of a function."""

    symbol: str
    """What it is called."""
    needs: list[str]
    """What it calls in the system's libraries."""
    binary: bytes


def make(function: Callable[..., Any], inline: bool) -> Any:
    """Make a function that other compiled functions call, or that is compiled into them."""
    # One that says nothing does as its caller does.
    return _JIT(function, **_OPTIONS, **({"forceinline": True} if inline else {}))


def machine_code(entry: Entry, *, wide: bool) -> Code:
    """Compile a function that Python calls.

    It is called as Numba's functions call each other, which is an ordinary C function: where the result goes, where a
    failure is told, the arguments; what it returns is 0 unless it failed.
    """
    arguments = [_NUMBERS[kind] if kind in _NUMBERS else handle_type(kind, wide) for kind in entry.arguments]
    dispatcher = _JIT(_NUMBERS[entry.result](*arguments), **_OPTIONS)(entry.function)
    (made,) = dispatcher.overloads.values()
    library = made.library
    with global_compiler_lock:
        _, kind, (binary, _) = library.serialize_using_object_code()
    assert kind == "object"
    declared = [each.name for each in library._final_module.functions if each.is_declaration]
    return Code(made.fndesc.llvm_func_name, [name for name in declared if not name.startswith("llvm.")], binary)
