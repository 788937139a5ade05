"""Connections to one site, kept and shared: plain sockets of gevent, without Nagle's delay, or TLS on them."""

from __future__ import annotations

import errno
import socket as names
from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import Any

from gevent import socket

from canbao_loadtests.http.answers import AnswerReader
from canbao_loadtests.http.messages import Headers, TransportError, Trouble
from canbao_loadtests.http.safety import Address, is_loopback
from canbao_loadtests.http.transports import Plain, Transport, Tunnel
from canbao_loadtests.http.ways import Origin, Ways
from canbao_loadtests.http.writing import Writer

__all__ = ["Site"]

_SAFE = {"GET", "HEAD", "OPTIONS"}
_LONG_IDLE_S = 1.0
_IDLE_AT_MOST_S = 60.0
_REFUSED: dict[int, Trouble] = {errno.ECONNRESET: "reset", errno.ETIMEDOUT: "timeout"}


class _Connection:
    """A transport that carries one request at a time."""

    __slots__ = ("_transport", "close", "idle_s", "idle_since", "is_quiet")

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.is_quiet, self.close = transport.is_quiet, transport.close
        self.idle_since = self.idle_s = 0.0
        """When the last request was over, and for how long by the next one."""

    def carry(self, parts: Sequence[bytes], reader: AnswerReader) -> None:
        """Send a request and read its answer."""
        try:
            try:  # noqa: SIM105 - to make a `suppress` takes a µs
                self._transport.send(parts)
            except (BrokenPipeError, ConnectionResetError):
                pass  # a server that answers before it has everything, and closes, may still have said why
            while not reader.done:
                data = self._transport.receive()
                if not data:
                    reader.end()
                    break
                reader.feed(data)
        except OSError as error:
            raise TransportError("reset", error.strerror or str(error)) from None


class Site:
    """A scheme, host and port, with the connections that are kept to it.

    Parameters
    ----------
    origin
        Where it is.
    ways
        How it is reached.
    defaults
        Headers that its requests have unless they say otherwise.
    """

    def __init__(self, origin: Origin, ways: Ways, defaults: Headers = ()) -> None:
        self.origin, self.url = origin, str(origin)
        self.write = Writer(origin.authority, defaults).written
        self._ways = ways
        self._idle: deque[_Connection] = deque()
        # Cookies that are `Secure` go to this machine too, as in today's browsers: a deployment keeps its settings.
        self.is_private = origin.scheme == "https" or all(is_loopback(at[0]) for _, at in ways.addresses(origin))
        self.opened = 0
        """Connections that were opened."""

    def carry(self, method: str, parts: Sequence[bytes], reader: AnswerReader) -> None:
        """Send a request over a kept connection, or a new one, and read its answer.

        A kept connection that the server has closed meanwhile is replaced without a word, once, if nothing came back.
        For requests that change something this needs a long idle time: a server ends connections that were idle, but
        one that dies in the middle may have done what it was asked for.

        Raises
        ------
        TransportError
            When no whole answer came.
        """
        kept = self._kept()
        if kept is not None:
            try:
                self._carry_over(kept, parts, reader)
            except TransportError as error:
                is_stale = error.trouble == "reset" and not reader.received
                if not is_stale or (method not in _SAFE and kept.idle_s < _LONG_IDLE_S):
                    raise
            else:
                return
        self._carry_over(self._connect(), parts, reader)

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().close()

    def _carry_over(self, connection: _Connection, parts: Sequence[bytes], reader: AnswerReader) -> None:
        reusable = False
        try:
            connection.carry(parts, reader)
            reader.unpack()
            reusable = reader.reusable
        finally:
            if reusable:
                connection.idle_since = monotonic()
                self._idle.append(connection)
            else:
                connection.close()

    def _kept(self) -> _Connection | None:
        """Give the connection that was used last, so that those that are too many grow old and go."""
        now = monotonic()
        while self._idle and now - self._idle[0].idle_since > _IDLE_AT_MOST_S:
            self._idle.popleft().close()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_quiet():
                connection.idle_s = now - connection.idle_since
                return connection
            connection.close()
        return None

    def _connect(self) -> _Connection:
        trouble = TransportError("refused", f"{self.origin.host} has no address")
        for address in self._ways.addresses(self.origin):
            try:
                connected = self._connected(address)
            except TransportError as error:
                trouble = error
            else:
                self.opened += 1
                return _Connection(connected)
        raise trouble

    def _connected(self, address: Address) -> Transport:
        family, where = address
        plain = socket.socket(family, names.SOCK_STREAM)
        try:
            plain.settimeout(self._ways.connect_timeout_s)
            plain.connect(where)
            plain.setsockopt(names.IPPROTO_TCP, names.TCP_NODELAY, 1)
            return self._in_tls(plain) if self.origin.scheme == "https" else Plain(plain)
        except BaseException as error:
            plain.close()
            if isinstance(error, OSError):
                raise _not_connected(error, self.origin) from None
            raise

    def _in_tls(self, plain: Any) -> Tunnel:
        tunnel = self._ways.context().wrap_socket(
            plain, server_hostname=self.origin.host, do_handshake_on_connect=False
        )
        try:
            tunnel.do_handshake()
        except BaseException as error:
            tunnel.close()
            if isinstance(error, TimeoutError) or not isinstance(error, OSError | ValueError):
                raise
            said = getattr(error, "verify_message", "") or str(error)
            raise TransportError("tls", f"{self.origin}: {said}") from None
        tunnel.settimeout(None)
        return Tunnel(tunnel)


def _not_connected(error: OSError, origin: Origin) -> TransportError:
    trouble: Trouble = "timeout" if isinstance(error, TimeoutError) else _REFUSED.get(error.errno or 0, "refused")
    return TransportError(trouble, f"{origin}: {error.strerror or error}")
