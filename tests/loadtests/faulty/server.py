"""A server on loopback that misbehaves as it is told; run as a process of its own.

By itself it answers every request with what it got, as JSON. With `--behind URL` it passes requests on to a service,
so that faults can be put between a client and a service that works, before or after the service did what it was asked.

It is told by `PUT /_faults` with a list of rules, tried in order on each request::

    {"match": "POST /pay", "times": 2, "delay_s": 0.5, "status": 503, "headers": {"Retry-After": "1"}}

`match` is a regular expression found in `METHOD PATH`; `times` how often the rule holds (null: always); `every` lets
only every n-th request that matches go wrong. What happens, in this order: `delay_s` seconds pass; with `passed_on` the
service gets the request; `raw` bytes (as latin-1) are written, or an answer with `status`, `headers` and `body`; what
would be written is cut after `cut` bytes; `then` the connection is kept, closed, or reset (`keep`, `close`, `reset`).
`PUT /_freeze` with a number lets everything wait for so many seconds. `GET /_seen` says which requests came, and over
how many connections. `POST /_idle`
closes the connections over which nothing is under way. `POST /_new` forgets what was told and seen.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import re
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@dataclass
class Got:
    """A request as it came."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Rule:
    """When something goes wrong, and what."""

    what: Mapping[str, Any]
    left: int | None
    matched: int = 0

    def holds(self, got: Got) -> bool:
        """Tell whether it holds for a request, and count that."""
        if self.left == 0 or not re.search(self.what.get("match", ""), f"{got.method} {got.path}"):
            return False
        self.matched += 1
        if self.matched % int(self.what.get("every", 1)):
            return False
        self.left = None if self.left is None else self.left - 1
        return True


@dataclass
class Server:
    """What all connections share."""

    behind: str
    rules: list[Rule] = field(default_factory=list)
    frozen_until: float = 0.0
    seen: list[str] = field(default_factory=list)
    idle: set[socket.socket] = field(default_factory=set)
    connections: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def rule(self, got: Got) -> Mapping[str, Any]:
        """Give what goes wrong with a request; nothing, mostly."""
        with self.lock:
            self.seen.append(f"{got.method} {got.path}")
            return next((rule.what for rule in self.rules if rule.holds(got)), {})

    def counted(self) -> int:
        """Give a connection its number, at its first request."""
        with self.lock:
            self.connections += 1
            return self.connections

    def told(self, got: Got) -> bytes:
        """Do what a test says."""
        body = json.loads(got.body or b"null")
        with self.lock:
            if got.path == "/_faults":
                self.rules = [Rule(what, what.get("times", 1)) for what in body]
            elif got.path == "/_new":
                self.rules, self.seen, self.frozen_until = [], [], 0.0
            elif got.path == "/_freeze":
                self.frozen_until = time.monotonic() + body
            elif got.path == "/_idle":
                for connection in list(self.idle):
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)
            return json.dumps({"requests": self.seen, "connections": self.connections}).encode()


def serve(connection: socket.socket, server: Server) -> None:
    """Answer the requests of one connection."""
    service: http.client.HTTPConnection | None = None
    if server.behind:
        service = http.client.HTTPConnection(urlsplit(server.behind).netloc, timeout=60)
    with connection, connection.makefile("rb") as stream, contextlib.suppress(OSError, ValueError):
        number = mine = 0
        while True:
            server.idle.add(connection)
            got = read_request(stream)
            server.idle.discard(connection)
            if got is None:
                break
            if got.path.startswith("/_"):
                connection.sendall(written(200, {}, server.told(got)))
                continue
            number += 1
            mine = mine or server.counted()
            time.sleep(max(0.0, server.frozen_until - time.monotonic()))
            if not answer(connection, server, got, echo(got, mine, number), service):
                break
    server.idle.discard(connection)
    if service is not None:
        service.close()


def answer(
    connection: socket.socket, server: Server, got: Got, said: Any, service: http.client.HTTPConnection | None
) -> bool:
    """Answer one request, well or badly; tell whether the connection is kept."""
    rule = server.rule(got)
    time.sleep(rule.get("delay_s", 0.0))
    content = b""
    if service is not None and (not rule or rule.get("passed_on")):
        content = passed_on(service, got)
    if "raw" in rule:
        content = rule["raw"].encode("latin-1")
    elif not content:
        body = rule.get("body", json.dumps(said)).encode()
        content = written(rule.get("status", 200), rule.get("headers", {}), body)
    connection.sendall(content[: rule.get("cut", len(content))])
    if rule.get("then") == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return bool(rule.get("then", "keep") == "keep")


def echo(got: Got, connection: int, number: int) -> dict[str, Any]:
    """Say what came."""
    said = {"method": got.method, "path": got.path, "headers": got.headers, "body": got.body.decode("latin-1")}
    return {**said, "connection": connection, "number": number}


def read_request(stream: Any) -> Got | None:
    """Read a request; None at the end of the connection."""
    first = stream.readline()
    if not first:
        return None
    method, path, _ = first.decode("latin-1").split()
    headers = []
    for line in iter(stream.readline, b"\r\n"):
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name, value.strip()))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Got(method, path, headers, stream.read(length))


def passed_on(service: http.client.HTTPConnection, got: Got) -> bytes:
    """Let the service answer; 502 if it does not."""
    headers = {name: value for name, value in got.headers if name.lower() not in _HOP}
    try:
        service.request(got.method, got.path, got.body or None, headers)
        reply = service.getresponse()
        return written(reply.status, reply.getheaders(), reply.read())
    except (OSError, http.client.HTTPException):
        service.close()
        return written(502, {}, b"")


def written(status: int, headers: Mapping[str, str] | Iterable[tuple[str, str]], body: bytes) -> bytes:
    """Write an answer."""
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'Word')}"]
    lines += [f"{name}: {value}" for name, value in pairs if name.lower() not in _HOP]
    if status >= 200 and status not in {204, 304}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def main() -> None:
    """Listen on a free port of loopback, print it, and serve until standard input ends."""
    options = argparse.ArgumentParser()
    options.add_argument("--behind", default="", help="the service to pass requests on to")
    options.add_argument("--certificate", default="", help="PEM with a certificate and its key: TLS")
    told = options.parse_args()
    server = Server(told.behind)
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    context = None
    if told.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(told.certificate)
    threading.Thread(target=accept, args=(listening, server, context), daemon=True).start()
    print(listening.getsockname()[1], flush=True)
    sys.stdin.read()


def accept(listening: socket.socket, server: Server, context: ssl.SSLContext | None) -> None:
    """Give each connection a thread."""
    while True:
        connection, _ = listening.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=begin, args=(connection, server, context), daemon=True).start()


def begin(connection: socket.socket, server: Server, context: ssl.SSLContext | None) -> None:
    """Shake hands, if there is TLS, and serve."""
    try:
        wrapped = connection if context is None else context.wrap_socket(connection, server_side=True)
    except OSError:  # a client that does not trust it
        connection.close()
        return
    serve(wrapped, server)


if __name__ == "__main__":
    main()
