"""Variants: what an experiment holds beside one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from canbao.errors import InputError
from canbao.experiments.models import Model

__all__ = ["Variant", "check_names"]

_RESERVED = (".", "..")


@dataclass(frozen=True)
class Variant:
    """A model with a name.

    Parameters
    ----------
    name
        How tables and reports call it; also the name of a folder, so without `/`.
    model
        What is replicated.
    settings
        What was varied, for tables: JSON values by dotted key.
    """

    name: str
    model: Model
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name or self.name in _RESERVED or set(self.name) & set("/\\\0"):
            raise InputError(f"{self.name!r} cannot be the name of a variant; take one without slashes")


def check_names(names: list[str]) -> None:
    """Raise an InputError if two variants have one name."""
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two variants are named {name!r}; give each a name of its own")
