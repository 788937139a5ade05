"""How a load process talks with the process that started it: lines of JSON on stdin and stdout."""

from __future__ import annotations

import json
import math
import os
import stat
import sys
from collections.abc import Callable, Mapping
from typing import Any

from gevent.select import select

from canbao.errors import InputError
from canbao_loadtests.job import Job

__all__ = ["say_json", "stop_with_parent", "told_by_parent"]


def told_by_parent(job: Job) -> Job | None:
    """Wait for a line on stdin that tells origin and host, if the job does not know them; None if nobody tells.

    Raises
    ------
    InputError
        When the line says something else.
    """
    if job.origin is not None:
        return job
    line = sys.stdin.readline()
    if not line:
        return None
    try:
        said = json.loads(line)
        return job.told(float(said["origin"]), str(said.get("host") or job.host), said.get("until_s"))
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f'the load process needs a line {{"origin": ..., "host": ...}}, given {line.strip()}'
        ) from error


def stop_with_parent(stop: Callable[[str], object]) -> None:
    """Wait until stdin is closed, if it is a pipe, and stop: whoever held the other end is gone."""
    try:
        is_pipe = stat.S_ISFIFO(os.fstat(0).st_mode) or stat.S_ISSOCK(os.fstat(0).st_mode)
    except OSError:
        return
    while is_pipe:
        select([0], [], [])
        if not os.read(0, 4096):
            stop("interrupted")
            return


def say_json(event: Mapping[str, Any]) -> None:
    """Print an event as a line of JSON; numbers that are none become null."""
    try:
        print(json.dumps({name: _plain(value) for name, value in event.items()}), flush=True)
    except BrokenPipeError:  # nobody listens; the part is written all the same
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
