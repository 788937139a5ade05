"""What master and workers say to each other, over Locust's own connections.

Locust brings connections, heartbeats and the news that a worker is gone. What is sent over them is ours: files in
pieces, events as the load process prints them, and pings by which the clocks of two machines are compared.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from canbao.errors import InputError

__all__ = ["Files", "Handler", "address", "environment", "files_below", "listen", "pieces"]

Handler: TypeAlias = Callable[[str, Mapping[str, Any]], None]
"""Is told from whom a message came, and what it says."""

_PIECE = 1_000_000


def environment() -> Any:
    """Give an environment of Locust without users, and without Locust's changes to the standard library."""
    os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
    from locust.env import Environment

    return Environment(user_classes=[])


def listen(runner: Any, handlers: Mapping[str, Handler]) -> None:
    """Have messages handled, each kind by its handler, one after the other."""
    for kind, handler in handlers.items():

        def heard(environment: Any, msg: Any, handler: Handler = handler, **more: Any) -> None:
            handler(msg.node_id, msg.data or {})

        runner.register_message(kind, heard)


def address(text: str) -> tuple[str, int]:
    """Read `HOST:PORT`.

    Raises
    ------
    InputError
        When it is something else.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise InputError(f"{text!r} is no address of a master; give host and port, as 192.0.2.7:5557")
    return host.strip("[]"), int(port)


def pieces(name: str, content: bytes) -> Iterator[dict[str, Any]]:
    """Cut a file into messages; the last one says so."""
    starts = range(0, max(len(content), 1), _PIECE)
    for start in starts:
        yield {"name": name, "data": content[start : start + _PIECE], "last": start == starts[-1]}


def files_below(folder: Path, *names: str) -> Iterator[tuple[str, bytes]]:
    """Give files and what is below folders, by their path inside `folder`; what is not there is left out."""
    for name in names:
        path = folder / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from ((file.relative_to(folder).as_posix(), file.read_bytes()) for file in found if file.is_file())


class Files:
    """Files that come in pieces, put together below a folder.

    Parameters
    ----------
    folder
        Where they go; a name that leads out of it is refused.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._pieces: dict[str, list[bytes]] = {}

    def take(self, piece: Mapping[str, Any]) -> None:
        """Take a piece; the last one makes the file."""
        name = str(piece["name"])
        self._pieces.setdefault(name, []).append(bytes(piece["data"]))
        if piece["last"]:
            path = (self._folder / name).resolve()
            if not path.is_relative_to(self._folder):
                raise InputError(f"a file called {name!r} came, which would lie outside {self._folder}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"".join(self._pieces.pop(name)))
