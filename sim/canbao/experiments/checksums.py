"""The checksum of a thing: equal for equal things, in every process and on every machine.

Pickled bytes would not do: they depend on which objects happen to be shared. So a thing is walked: dataclasses by
their fields, arrays by their numbers, functions by their code and by what they close over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

__all__ = ["checksum_of", "versions"]

_PACKAGES = ("canbao", "numba", "numpy", "scipy", "simpy")
"""Packages whose version can change a number."""

_PLAIN = (str, bytes, bool, int, float, complex, type(None))


def versions() -> dict[str, str]:
    """Give the versions of what can change a number of a replication."""
    return {name: _version(name) for name in _PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def checksum_of(*things: object) -> str:
    """Give the SHA-256 of things, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in _walk(things, ()):
        digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"\0")
    return digest.hexdigest()


def _walk(thing: Any, above: tuple[int, ...]) -> Iterator[str | bytes]:
    """Give what a thing consists of; `above` are the things that it is a part of."""
    if isinstance(thing, _PLAIN):
        yield f"{type(thing).__name__} {thing!r}"
        return
    yield f"{type(thing).__module__}.{type(thing).__qualname__}"
    if id(thing) in above:  # a function that closes over itself
        return
    for part in _parts(thing):
        yield from (part,) if isinstance(part, bytes) else _walk(part, (*above, id(thing)))


def _parts(thing: Any) -> Iterable[Any]:
    if isinstance(thing, np.ndarray | np.generic):
        array = np.ascontiguousarray(thing)
        return (str(array.dtype), array.shape, array.tobytes()) if array.dtype != object else array.tolist()
    if isinstance(thing, Mapping):
        return (len(thing), *(part for item in thing.items() for part in item))
    if isinstance(thing, Set):
        return sorted(checksum_of(part) for part in thing)
    if isinstance(thing, Sequence):
        return (len(thing), *thing)
    if is_dataclass(thing) and not isinstance(thing, type):
        return (part for each in fields(thing) for part in (each.name, getattr(thing, each.name)))
    return _parts_of_code(thing)


def _parts_of_code(thing: Any) -> Iterable[Any]:
    if isinstance(thing, FunctionType):
        closed = [cell.cell_contents for cell in thing.__closure__ or ()]
        # What it calls by name is known by its name: to follow every name would walk half of Python.
        return thing.__module__, thing.__qualname__, thing.__code__, thing.__defaults__, thing.__kwdefaults__, closed
    if isinstance(thing, CodeType):
        return thing.co_code, thing.co_names, thing.co_varnames, thing.co_consts
    if isinstance(thing, MethodType):
        return thing.__func__, thing.__self__
    if isinstance(thing, partial):
        return thing.func, thing.args, thing.keywords
    if isinstance(thing, type | BuiltinFunctionType):
        return thing.__module__ or "", thing.__qualname__
    return sorted(getattr(thing, "__dict__", {}).items()) or (repr(thing),)
