"""What tests of the load side share: servers that misbehave, and a second deployment of the flow, on loopback."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_HERE = Path(__file__).parent


def told_by(service: subprocess.Popen[str]) -> Any:
    """Give what a service says when it is ready, as JSON; one that ends before that is an error."""
    assert service.stdout is not None
    said = ""
    while not said.endswith("\n}\n"):
        line = service.stdout.readline()
        assert line, f"the service ended before it was ready: {said}"
        said += line
    return json.loads(said)


def free_port() -> int:
    """Find a port that nobody has, and that nobody is given who asks for any: those are from 32,768 on."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port


@contextmanager
def _process(script: Path, *options: str) -> Iterator[int]:
    """Run a server in a process of its own; give its port. It ends when its standard input does."""
    command = [sys.executable, str(script), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            assert server.stdin is not None
            server.stdin.close()
            server.wait()


def _json(url: str, method: str, what: Any = None) -> Any:
    """Ask a server, not by the client that is tested."""
    request = urllib.request.Request(url, json.dumps(what).encode(), method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


@dataclass(frozen=True)
class Faulty:
    """A server that misbehaves as it is told (`faulty/server.py`)."""

    url: str

    def faults(self, *rules: dict[str, Any]) -> None:
        """Say what goes wrong from now on; nothing, without rules."""
        self._tell("PUT", "/_faults", list(rules))

    def forget(self) -> None:
        """Forget faults, and which requests came."""
        self._tell("POST", "/_new", None)

    def raw(self, text: str, then: str = "close", **more: Any) -> None:
        """Let the next answer be these bytes."""
        self.faults({"raw": text, "then": then, **more})

    def freeze(self, seconds: float) -> None:
        """Let everything wait."""
        self._tell("PUT", "/_freeze", seconds)

    def close_idle(self) -> None:
        """Close the connections over which nothing is under way."""
        self._tell("POST", "/_idle", None)

    def seen(self) -> list[str]:
        """Give the requests that came, `METHOD PATH`."""
        found: list[str] = self._tell("GET", "/_seen", None)["requests"]
        return found

    def connections(self) -> int:
        """Count the connections that carried requests, other than those of this class."""
        return int(self._tell("GET", "/_seen", None)["connections"])

    def _tell(self, method: str, path: str, what: Any) -> Any:
        return _json(self.url + path, method, what)


StartFaulty = Callable[..., Faulty]


@pytest.fixture(scope="session")
def _faulty_process() -> Iterator[Faulty]:
    with _process(_HERE / "faulty" / "server.py") as port:
        yield Faulty(f"http://127.0.0.1:{port}")


@pytest.fixture
def faulty(_faulty_process: Faulty) -> Faulty:
    """Give a server that does nothing wrong yet, and answers with what it got."""
    _faulty_process.forget()
    return _faulty_process


@pytest.fixture
def start_faulty() -> Iterator[StartFaulty]:
    """Give what starts such a server: `behind=URL` before a service, `certificate=FILE` with TLS."""
    with ExitStack() as stack:

        def start(**options: str) -> Faulty:
            words = [word for name, value in options.items() for word in (f"--{name}", value)]
            port = stack.enter_context(_process(_HERE / "faulty" / "server.py", *words))
            return Faulty(f"{'https' if 'certificate' in options else 'http'}://127.0.0.1:{port}")

        yield start


@dataclass(frozen=True)
class Second:
    """The second deployment (`second/server.py`)."""

    url: str

    def batch(self) -> int:
        """Decide what was handed in; give how many."""
        return int(_json(self.url + "/_batch", "POST"))

    def forget(self, session: float = 3600.0, declined: int = 0) -> None:
        """Let it begin anew: how many seconds sessions last, and every how many debits one fails; 0 for none."""
        _json(self.url + "/_new", "POST", {"session_s": session, "declined_every": declined})

    def books(self) -> list[dict[str, Any]]:
        """Give all applications that it knows."""
        found: list[dict[str, Any]] = _json(self.url + "/_books", "GET")
        return found


StartSecond = Callable[..., Second]


@pytest.fixture(scope="session")
def second() -> Iterator[Second]:
    """Give a second deployment, which its tests make forget what others did."""
    with _process(_HERE / "second" / "server.py") as port:
        yield Second(f"http://127.0.0.1:{port}")


@pytest.fixture
def start_second() -> Iterator[StartSecond]:
    """Give what starts a second deployment: `batch=seconds`, `session=seconds`, `declined=every how many`."""
    with ExitStack() as stack:

        def start(**options: float) -> Second:
            words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
            port = stack.enter_context(_process(_HERE / "second" / "server.py", *words))
            return Second(f"http://127.0.0.1:{port}")

        yield start


@pytest.fixture
def second_target() -> Path:
    """Give the folder of the second deployment's target."""
    return _HERE / "second" / "target"
