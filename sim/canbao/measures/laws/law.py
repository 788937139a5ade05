"""What is said of a law."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CLOSE", "Law", "alike"]

CLOSE = 1e-9
"""Sums of a million stays, added up in two orders, agree to this share."""


@dataclass(frozen=True)
class Law:
    """A law, whether it holds, and what was looked at or where it first breaks."""

    name: str
    holds: bool
    detail: str


def alike(one: float, other: float) -> bool:
    """Tell whether two sums of the same numbers are equal."""
    return abs(one - other) <= CLOSE * max(abs(one), abs(other), 1.0)
