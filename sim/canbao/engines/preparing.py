"""Getting an engine ready, in such a way that Ctrl-C works all the while.

A compiler calls back into Python, and an exception that comes up in such a call is lost: of six runs that were
interrupted while they compiled, three ended with an error of LLVM's instead. So the compiler has a process of its own,
which can be ended at any moment; what it has compiled by then is kept.
"""

from __future__ import annotations

from canbao.engines import Engine
from canbao.errors import StorageError

__all__ = ["compile_engine"]


def compile_engine(engine: Engine) -> None:
    """Compile an engine, if that has not been done on this machine.

    Raises
    ------
    StorageError
        When there is no space for what is compiled.
    EngineError
        When it cannot be compiled.
    """
    if engine.ready():
        return
    try:
        engine.prepare()
    except OSError as error:
        said = error.strerror or str(error)
        raise StorageError(
            f"what is compiled cannot be kept in {error.filename}: {said}; make room, or take the engine 'simpy'"
        ) from error
