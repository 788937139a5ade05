"""Transports: bytes there and back, over a plain socket or in TLS, in a greenlet that waits for them."""

from __future__ import annotations

import contextlib
import select
import socket as names
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from gevent import ssl
from gevent.hub import get_hub

__all__ = ["Plain", "Transport", "Tunnel"]

_CHUNK = 65_536
_READABLE, _WRITABLE = 1, 2
_GATHERS = hasattr(names.socket, "sendmsg")
"""Whether several pieces can be sent as one; not on Windows."""


class Transport(Protocol):
    """A connection of one greenlet at a time; what it does may raise OSError."""

    def send(self, parts: Sequence[bytes]) -> None:
        """Send it all."""
        ...

    def receive(self) -> bytes:
        """Wait for bytes, and give them; none where the other side has ended."""
        ...

    def is_quiet(self) -> bool:
        """Tell whether nothing came that nobody has received: no end, no bytes that nobody asked for."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class Plain:
    """A socket as it is, which waits by the loop itself.

    A socket of gevent asks it for its timeout at each turn, and tries to receive before it waits, which after a request
    is in vain: with both a request costs 20 µs more.

    Parameters
    ----------
    connected
        A connected socket of gevent; it is taken over.
    """

    __slots__ = ("_hub", "_news", "_readable", "_socket")

    def __init__(self, connected: Any) -> None:
        self._socket = names.socket(connected.family, connected.type, fileno=connected.detach())
        self._socket.setblocking(False)
        self._hub = get_hub()
        self._readable = self._hub.loop.io(self._socket.fileno(), _READABLE)
        self._news = _news_of(self._socket)

    def send(self, parts: Sequence[bytes]) -> None:
        """Send it all, at once where the system takes it."""
        if not _GATHERS:
            parts = (b"".join(parts),)
        left = sum(map(len, parts))
        try:  # noqa: SIM105 - to make a `suppress` takes a µs
            left -= self._socket.sendmsg(parts) if len(parts) > 1 else self._socket.send(parts[0])
        except BlockingIOError:
            pass
        if left:
            self._send_rest(memoryview(b"".join(parts))[-left:])

    def _send_rest(self, rest: memoryview) -> None:
        writable = self._hub.loop.io(self._socket.fileno(), _WRITABLE)
        try:
            while rest:
                self._hub.wait(writable)
                with contextlib.suppress(BlockingIOError):
                    rest = rest[self._socket.send(rest) :]
        finally:
            writable.close()

    def receive(self) -> bytes:
        """Wait for bytes, and give them."""
        while True:
            self._hub.wait(self._readable)
            try:
                return self._socket.recv(_CHUNK)
            except BlockingIOError:
                pass

    def is_quiet(self) -> bool:
        """Tell whether nothing came."""
        return not self._news()

    def close(self) -> None:
        """Close it."""
        self._readable.close()
        self._socket.close()


def _news_of(connected: names.socket) -> Callable[[], object]:
    """Give what tells whether there is something to be received: 1 µs, where to receive in vain takes 4."""
    if not hasattr(select, "poll"):  # on Windows
        return lambda: select.select([connected], (), (), 0.0)[0]
    news = select.poll()
    news.register(connected, select.POLLIN)
    return partial(news.poll, 0)


class Tunnel:
    """A socket of gevent in TLS."""

    __slots__ = ("_socket",)

    def __init__(self, connected: Any) -> None:
        self._socket = connected

    def send(self, parts: Sequence[bytes]) -> None:
        """Send it all."""
        for part in parts:
            sent = self._socket.send(part)  # mostly all of it, 9 µs cheaper than `sendall`
            if sent < len(part):
                self._socket.sendall(memoryview(part)[sent:])

    def receive(self) -> bytes:
        """Wait for bytes, and give them."""
        return bytes(self._socket.recv(_CHUNK))

    def is_quiet(self) -> bool:
        """Tell whether nothing came but what TLS says to itself."""
        self._socket.settimeout(0.0)
        try:
            self._socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            self._socket.settimeout(None)
            return True
        except OSError:
            pass
        return False

    def close(self) -> None:
        """Close it."""
        self._socket.close()
