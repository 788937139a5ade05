"""How much the reference service holds on one core, by database and by how a commit waits for the disk.

    python tests/bench/bench_service.py [--seconds 4] [--postgres] [--connections 64]

The service has one core, this client the other (PostgreSQL shares the client's). Every request that changes something
is answered after its commit. The load is closed: as many connections as given, each busy all the time.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from http_client import Connection, Measured, closed_load, request

PAPER = os.urandom(200_000)
FORM = '{"name": "Li Xiaoming", "number": "%s", "guardian": "Li Gang"}'
NEEDED = ("identity-card-front", "identity-card-back", "photo", "household-register")


class Service(NamedTuple):
    """A service at work."""

    port: int
    pid: int

    def core_s(self) -> float:
        """Give the seconds of a core that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def service(folder: Path, *options: str) -> Iterator[Service]:
    """Run the service on the first core."""
    command = [sys.executable, "-m", "canbao", "serve", "--json", "--port", "0", "--password-cost", "1"]
    process = subprocess.Popen([*command, "--data", str(folder), *options], stdout=subprocess.PIPE, text=True)
    os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(process.pid))})
    assert process.stdout is not None
    try:
        yield Service(int(json.loads(_told(process.stdout))["url"].rpartition(":")[2]), process.pid)
    finally:
        process.terminate()
        process.wait()


def _told(lines: IO[str]) -> str:
    """Read what the service says of itself, as far as its last brace or its end."""
    said = ""
    while (line := lines.readline()) and line != "}\n":
        said += line
    return said + line


async def family(connection: Connection, name: str) -> str:
    """Open an account and log in; give the header with the token."""
    body = {"name": name, "password": "password-1", "telephone": "15400000001"}
    status, said = await connection.ask(request("POST", "/accounts", json.dumps(body).encode()))
    assert status == 201, said
    del body["telephone"]
    _, said = await connection.ask(request("POST", "/sessions", json.dumps(body).encode()))
    return f"Authorization: Bearer {json.loads(said)['token']}"


def certificates(letter: str) -> Iterator[bytes]:
    """Give forms of children, each another one."""
    return ((FORM % f"{letter}99{serial:07d}").encode() for serial in itertools.count())


async def journey(connection: Connection, token: str, form: bytes, keys: Iterator[int]) -> int:
    """Take a family from the form to the submission and two looks at its progress; give how many requests it took."""
    status, said = await connection.ask(request("POST", "/applications", form, token))
    assert status == 201, said
    path = f"/applications/{json.loads(said)['application']}"
    key = f"Idempotency-Key: {next(keys)}"
    asked = [request("PUT", f"{path}/papers/{kind}", b"\x89PNG", token, content_type="image/png") for kind in NEEDED]
    asked.append(request("PUT", f"{path}/payment-choice", b'{"way": "alipay"}', token))
    asked.append(request("POST", f"{path}/payment", b"", token, f"{key}-pay"))
    asked.append(request("POST", f"{path}/submission", b"", token, f"{key}-submit"))
    asked += [request("GET", path, b"", token)] * 2
    for one in asked:
        status, said = await connection.ask(one)
        if status == 402:  # the debit failed; this family pays no more
            return 0
        assert status < 300, (status, said)
    return len(asked) + 1


async def journeys(port: int, connections: int, seconds: float) -> tuple[float, float]:
    """Give journeys and requests a second."""
    opened = [await Connection.open(port) for _ in range(connections)]
    tokens = [await family(connection, f"journey{number}") for number, connection in enumerate(opened)]
    forms, keys, done = certificates("J"), itertools.count(), [0, 0]
    end = time.perf_counter() + seconds

    async def work(connection: Connection, token: str) -> None:
        while time.perf_counter() < end:
            requests = await journey(connection, token, next(forms), keys)
            done[0] += requests > 0
            done[1] += requests

    start = time.perf_counter()
    await asyncio.gather(*map(work, opened, tokens))
    passed = time.perf_counter() - start
    return done[0] / passed, done[1] / passed


async def measure(service: Service, connections: int, seconds: float) -> list[tuple[str, Measured, float]]:
    """Measure single requests: what came of each load, and the core seconds of a request."""
    connection = await Connection.open(service.port)
    token = await family(connection, "bench")
    _, said = await connection.ask(request("POST", "/applications", next(certificates("B")), token))
    path = f"/applications/{json.loads(said)['application']}"
    loads = {
        "health (no database)": itertools.repeat(request("GET", "/health")),
        "progress (read)": itertools.repeat(request("GET", path, b"", token)),
        "choose payment (write)": itertools.repeat(
            request("PUT", f"{path}/payment-choice", b'{"way": "alipay"}', token)
        ),
        "enrol (write)": (request("POST", "/applications", form, token) for form in certificates("E")),
        "upload 200 kB": itertools.repeat(
            request("PUT", f"{path}/papers/photo", PAPER, token, content_type="image/png")
        ),
    }
    answers = []
    for name, load in loads.items():
        before = service.core_s()
        found = await closed_load(service.port, connections, seconds, load)
        answers.append((name, found, (service.core_s() - before) / len(found.latencies_s)))
    return answers


def report(kind: str, service: Service, connections: int, seconds: float) -> None:
    """Measure one kind of service and print it."""
    print(kind)
    for name, found, core_s in asyncio.run(measure(service, connections, seconds)):
        times = f"p50 {found.percentile_ms(0.5):6.1f} ms, p99 {found.percentile_ms(0.99):6.1f} ms"
        wrong = f", {found.wrong} WRONG" if found.wrong else ""
        rate = f"{found.rate:8,.0f} a second, {1e6 * core_s:5.0f} µs of a core each"
        print(f"  {name:24} {rate}, {times}{wrong}", flush=True)
    before = service.core_s()
    whole, requests = asyncio.run(journeys(service.port, connections, 2 * seconds))
    core_s = (service.core_s() - before) / (whole * 2 * seconds)
    rate = f"{whole:8,.0f} a second, {1e6 * core_s:5.0f} µs of a core each"
    print(f"  {'whole journeys':24} {rate}, {requests:,.0f} requests a second", flush=True)


def main() -> int:
    """Measure each kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--postgres", metavar="URL", help="a database of PostgreSQL to be filled as well")
    given = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"{given.connections} connections, load of the machine before: {os.getloadavg()[0]:.2f}")
    kinds = {
        "SQLite, synchronous FULL": ("--synchronous", "full"),
        "SQLite, synchronous NORMAL": ("--synchronous", "normal"),
    }
    if given.postgres:
        kinds["PostgreSQL"] = ("--database", given.postgres)
    for kind, options in kinds.items():
        with tempfile.TemporaryDirectory() as folder, service(Path(folder), "--reviews", "people", *options) as started:
            report(kind, started, given.connections, given.seconds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
