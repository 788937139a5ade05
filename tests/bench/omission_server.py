"""A tiny server for load tests whose truth is known: slots with exponential service, or one that freezes.

    python tests/bench/omission_server.py [--mean 0.06] [--freeze START LENGTH [--every PERIOD]]

It listens on a free port of loopback, which it prints, until stdin is closed. `GET /<c>/<rho>/<name>` joins a queue of
its own with `c` slots, first come, first served, which begins with as many inside as M/M/c at that load has in the long
run; the header `X-Service` of the answer says how long its service took. When a service ends is reckoned, not slept, so
that a busy machine delays answers and not the queue. `GET /` is answered at once. With `--freeze` the whole process
stands still so many seconds after the first request, every so often.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import random
import select
import selectors
import sys
import threading
import time

SHARES = (10, 20, 30, 40, 50, 60, 70, 75, 80, 82.5, 85, 87.5, 90, 92, 94, 95, 96, 97, 98, 99, 99.5, 99.9)
"""The percentiles that are told, here so that all scripts tell the same."""

ANSWER = "HTTP/1.1 200 OK\r\nX-Service: %r\r\nContent-Length: 2\r\n\r\nok"


class Precise(selectors.EpollSelector):
    """Waits for microseconds, where epoll waits for milliseconds; and for any number of files, unlike select()."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for the epoll itself to have something, and take it."""
        if timeout is None or timeout > 0:
            select.select([self.fileno()], [], [], timeout)
        return super().select(0)


class Queue:
    """Slots, and who is served when.

    Parameters
    ----------
    path
        `/<c>/<rho>/<name>`; all luck follows from it.
    mean_s
        Mean service.
    now
        The moment at which it begins, with as many inside as the long run would have.
    """

    def __init__(self, path: str, mean_s: float, now: float) -> None:
        slots, load, _ = path.strip("/").split("/")
        self._free = [now] * int(slots)
        self._luck = random.Random(path)
        self._mean_s = mean_s
        for _ in range(self._inside(int(slots), float(load))):
            self.come(now)  # what is left of an exponential service is exponential again

    def _inside(self, slots: int, load: float) -> int:
        """Draw how many are inside M/M/c: from n to n + 1 the odds change by rho * c / min(n + 1, c)."""
        weights = [1.0]
        while weights[-1] > 1e-12:
            weights.append(weights[-1] * load * slots / min(len(weights), slots))
        return self._luck.choices(range(len(weights)), weights)[0]

    def come(self, now: float) -> tuple[float, float]:
        """Take in who comes now; give when it leaves, and how long its service takes."""
        service = self._luck.expovariate(1.0 / self._mean_s)
        leave = max(now, self._free[0]) + service
        heapq.heapreplace(self._free, leave)
        return leave, service


class Freezes:
    """Stands still at the given times, from the first call on."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._given, self._begun = given, given.freeze is None

    def __call__(self, now: float) -> None:
        """Begin, if that has not been yet."""
        if not self._begun:
            self._begun = True
            self._at(now + self._given.freeze[0])

    def _at(self, due: float) -> None:
        asyncio.get_running_loop().call_at(due, self._freeze, due)

    def _freeze(self, due: float) -> None:
        self._at(due + self._given.every)
        time.sleep(max(0.0, due + self._given.freeze[1] - asyncio.get_running_loop().time()))


class Connection(asyncio.Protocol):
    """A connection with one request at a time on it."""

    def __init__(self, queues: dict[str, Queue], freezes: Freezes, given: argparse.Namespace) -> None:
        self._queues, self._freezes, self._given, self._data = queues, freezes, given, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._data += data
        while b"\r\n\r\n" in self._data:
            head, _, self._data = self._data.partition(b"\r\n\r\n")
            self._freezes(now)
            path = head.split(b" ", 2)[1].decode()
            if path == "/":
                self._answer(0.0)
                continue
            if path not in self._queues:
                self._queues[path] = Queue(path, self._given.mean, now)
            leave, service = self._queues[path].come(now)
            loop.call_at(leave, self._answer, service)

    def _answer(self, service: float) -> None:
        self._transport.write((ANSWER % service).encode())


async def serve(given: argparse.Namespace) -> None:
    """Serve until stdin is closed."""
    loop = asyncio.get_running_loop()
    queues: dict[str, Queue] = {}
    freezes = Freezes(given)
    server = await loop.create_server(lambda: Connection(queues, freezes, given), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    over = asyncio.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(over.set)), daemon=True).start()
    await over.wait()
    server.close()


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--mean", type=float, default=0.06, help="mean service, in seconds")
    parser.add_argument("--freeze", type=float, nargs=2, metavar=("START", "LENGTH"))
    parser.add_argument("--every", type=float, default=1e9, metavar="PERIOD")
    loop = asyncio.SelectorEventLoop(Precise())
    loop.run_until_complete(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
