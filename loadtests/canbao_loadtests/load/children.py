"""The processes that a load test starts, and what they say: one JSON object a line."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canbao.errors import CanbaoError, InputError, LoadError

__all__ = ["Child", "start_child"]

_PATIENCE_S = 10.0
"""How long a process may take to end by itself when it was told to."""


@dataclass
class Child:
    """A process that says what it does.

    Parameters
    ----------
    name
        What it is, for messages.
    process
        The process; its stdin is open as long as somebody wants it.
    errors
        The file of what it says on stderr.
    """

    name: str
    process: subprocess.Popen[str]
    errors: Path

    def wait_for(self, event: str) -> Mapping[str, Any]:
        """Wait until it says something, and give what it said.

        Raises
        ------
        LoadError, InputError
            When it ends without.
        """
        for told in self.events():
            if told.get("event") == event:
                return told
        raise self.failed(f"ended before it was {event}")

    def events(self) -> Iterator[Mapping[str, Any]]:
        """Give what it says, until it ends; what is no JSON is for nobody."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):
                told = json.loads(line)
                if isinstance(told, dict):
                    yield told

    def tell(self, **told: object) -> None:
        """Tell it something, in a line of JSON."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # how it ended is said by who reads what it says
            self.process.stdin.write(json.dumps(told) + "\n")
            self.process.stdin.flush()

    def interrupt(self) -> None:
        """Send SIGINT; nothing if it has ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Let it end, by force if need be, and give its exit code."""
        with contextlib.suppress(OSError):
            assert self.process.stdin is not None
            self.process.stdin.close()
        try:
            return self.process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            assert self.process.stdout is not None
            self.process.stdout.close()

    def failed(self, problem: str) -> CanbaoError:
        """Give the error that says what it said last."""
        code = self.end()
        said = self.errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = said[-1] if said else f"it said nothing; exit code {code}"
        kind = InputError if code == 2 else LoadError
        return kind(f"{self.name} {problem}: {last}; all that it said is in {self.errors}")


@contextlib.contextmanager
def start_child(
    name: str, words: Sequence[str], errors: Path, environment: Mapping[str, str], lock: int
) -> Iterator[Child]:
    """Start a Python process; it is ended at the end.

    It hears of Ctrl-C from nobody but its parent, which decides what becomes of it: so it has a session of its own.

    Parameters
    ----------
    name
        What it is, for messages.
    words
        The module that it runs, and its arguments.
    errors
        The file for what it says on stderr.
    environment
        Its environment.
    lock
        A file that it keeps open, and so locked, for as long as it lives.
    """
    with errors.open("a", encoding="utf-8") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sink,
            text=True,
            env=dict(environment),
            start_new_session=True,
            pass_fds=[lock],
        )
    child = Child(name, process, errors)
    try:
        yield child
    finally:
        child.end()
