"""Messages between a process and its workers: a length, and so many bytes."""

from __future__ import annotations

import pickle
import struct
from typing import Any, BinaryIO

from canbao.errors import InputError
from canbao.experiments.failures import problem_of

__all__ = ["pack", "receive", "send"]

_LENGTH = struct.Struct(">Q")


def pack(thing: object) -> bytes:
    """Pickle a thing; functions of a notebook or a script go as code, which plain pickle cannot do.

    Raises
    ------
    InputError
        When there is something in it that cannot leave its process, such as an open file.
    """
    import cloudpickle

    try:
        content: bytes = cloudpickle.dumps(thing)
    except Exception as error:  # whatever its parts raise
        raise InputError(
            f"{type(thing).__name__} cannot be sent to another process ({problem_of(error)}); take the executor "
            "'serial', or make it without what cannot be sent"
        ) from error
    return content


def send(stream: BinaryIO, message: object) -> None:
    """Send a message of plain data."""
    content = pickle.dumps(message)
    stream.write(_LENGTH.pack(len(content)) + content)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Wait for a message and give it.

    Raises
    ------
    EOFError
        When the other side is gone.
    """
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    return pickle.loads(_exactly(stream, length))


def _exactly(stream: BinaryIO, size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content
