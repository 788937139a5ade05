"""Getting an engine ready in such a way that Ctrl-C works all the while.

A compiler calls back into Python, and an exception that comes up in such a call is lost: of six runs that were
interrupted while they compiled, three ended with an error of LLVM's instead. So the compiler has a process of its own,
which can be ended at any moment; what it has compiled by then is kept. When it is loaded, which takes half a second
and has such calls too, signals wait.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from canbao.engines import Engine
from canbao.errors import StorageError

__all__ = ["compile_engine", "load_engine"]


def compile_engine(engine: Engine) -> None:
    """Compile an engine, if that has not been done on this machine.

    Raises
    ------
    StorageError
        When there is no space for what is compiled.
    """
    if engine.ready():
        return
    with suppress(OSError):  # where no process can be started
        _prepare_apart(engine.name)
    try:
        if not engine.ready():  # where nothing can be kept, it has to be compiled by who uses it
            engine.prepare()
    except OSError as error:
        said = error.strerror or str(error)
        raise StorageError(
            f"what is compiled cannot be kept in {error.filename}: {said}; make room, or take the engine 'simpy'"
        ) from error


def _prepare_apart(name: str) -> None:
    code = f"from canbao.engines import engine_named; engine_named({name!r}).prepare()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    silent = subprocess.DEVNULL  # what goes wrong there goes wrong here again, and is told then
    subprocess.run(
        [sys.executable, "-c", code], env=environment, stdin=silent, stdout=silent, stderr=silent, check=False
    )


def load_engine(engine: Engine) -> None:
    """Load what is compiled, undisturbed by signals."""
    if engine.ready():
        with _signals_waiting():
            engine.prepare()


@contextmanager
def _signals_waiting() -> Iterator[None]:
    """Let Ctrl-C, and an order to end, take effect at the end of a block only."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals, and only it may say what becomes of them
        return
    came: list[int] = []
    numbers = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) is not None]
    before = {each: signal.signal(each, lambda number, _: came.append(number)) for each in numbers}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        for number in came[:1]:
            signal.raise_signal(number)
