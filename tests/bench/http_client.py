"""A client for benchmarks: requests are bytes already, and of an answer it reads no more than it must."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Connection", "Measured", "closed_load", "request"]


def request(method: str, path: str, body: bytes = b"", *headers: str, content_type: str = "application/json") -> bytes:
    """Give the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}", *headers]
    lines += [f"Content-Type: {content_type}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection(asyncio.Protocol):
    """One connection with one request at a time on it."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._data = b""

    @classmethod
    async def open(cls, port: int) -> Connection:
        """Connect to this machine."""
        _, protocol = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits for an answer."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    async def ask(self, content: bytes) -> tuple[int, bytes]:
        """Send a request and give the status and the body of its answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(content)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        """Collect until the answer is whole."""
        self._data += data
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._data[:end].lower()
        place = head.find(b"content-length: ")
        size = int(head[place + 16 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
        if len(self._data) - end - 4 < size:
            return
        status, body = int(head[9:12]), self._data[end + 4 :]
        self._data = b""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((status, body))


@dataclass
class Measured:
    """What came of a load."""

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    wrong: int = 0
    """Answers that were no success."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies_s) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """Give a percentile of the time until the answer, in milliseconds."""
        ordered = sorted(self.latencies_s)
        return 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]


async def closed_load(port: int, connections: int, seconds: float, requests: Iterator[bytes]) -> Measured:
    """Keep so many connections busy for a time, each with the next request as soon as it has its answer.

    It measures what a server gets through, not what people would wait: nobody comes while all are waiting.
    """
    measured, loop = Measured(), asyncio.get_running_loop()
    opened = [await Connection.open(port) for _ in range(connections)]
    end = loop.time() + seconds

    async def work(connection: Connection) -> None:
        while (start := time.perf_counter()) and loop.time() < end:
            status, _ = await connection.ask(next(requests))
            measured.latencies_s.append(time.perf_counter() - start)
            measured.wrong += status >= 300

    start = time.perf_counter()
    await asyncio.gather(*map(work, opened))
    measured.seconds = time.perf_counter() - start
    for connection in opened:
        connection.close()
    return measured
