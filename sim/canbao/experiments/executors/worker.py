"""A worker process: replicates what it is told to, until nobody tells it anything any more.

`python -m canbao.experiments.executors.worker`, started by the local executor. Messages come in on stdin and go out on
stdout; whatever a model prints goes to stderr.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from typing import BinaryIO

from canbao.experiments.executors.attempt import attempt, unpacked
from canbao.experiments.executors.frames import receive, send

__all__ = ["HELLO", "main"]

HELLO = "hello"
"""What a worker says first."""


def main() -> None:
    """Work until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it ends it
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - as long as the process
    inbox: queue.SimpleQueue[tuple[str, int, bytes | None]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders, inbox), daemon=True).start()
    send(answers, HELLO)
    models = {}
    while True:
        key, seed, content = inbox.get()
        if content is not None:
            models[key] = unpacked(content)
        done = attempt(models[key], seed)
        send(answers, (done.measures, done.problem))


def _listen(orders: BinaryIO, inbox: queue.SimpleQueue[tuple[str, int, bytes | None]]) -> None:
    """Hear orders while the other thread works; when whoever gives them is gone, even by force, end at once."""
    try:
        while True:
            inbox.put(receive(orders))
    except (EOFError, OSError):
        os._exit(0)


if __name__ == "__main__":
    main()
