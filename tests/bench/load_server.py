"""A server that answers everything with the same few bytes, on uvloop: `python tests/bench/load_server.py PORT`."""

from __future__ import annotations

import asyncio
import sys

import uvloop

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status": "ok"}'


class Connection(asyncio.Protocol):
    """A connection with one request at a time on it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._data = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer when head and body are there."""
        self._data += data
        head, end, body = self._data.partition(b"\r\n\r\n")
        place = head.lower().find(b"content-length: ")
        size = int(head[place + 16 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
        if end and len(body) >= size:
            self._data = b""
            self._transport.write(ANSWER)


async def serve(port: int) -> None:
    """Serve for good."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
