"""Durations of a scenario made longer or shorter, as its file would say them."""

from __future__ import annotations

from typing import Any

from canbao.errors import InputError
from canbao.scenario.durations import BUILT_IN

__all__ = ["lognormal_text", "scaled_text", "seconds_text"]

_TIMES = ("value", "mean", "median", "low", "mode", "high", "scale")
"""Fields of the distributions that are times; all others are pure numbers."""


def scaled_text(settings: Any, factor: float) -> str:
    """Write a random duration, `factor` times as long, as an inline table of TOML.

    Raises
    ------
    InputError
        When it is a plugin's, of whose fields nobody here knows which are times.
    """
    kind = getattr(settings, "kind", "")
    if kind not in BUILT_IN:
        raise InputError(f"a duration of kind {kind!r} is a plugin's, so that it cannot be scaled")
    fields = {name: getattr(settings, name) for name in type(settings).model_fields if name != "kind"}
    said = [
        f'{name} = "{seconds_text(value * factor)}"' if name in _TIMES else f"{name} = {value:g}"
        for name, value in fields.items()
        if value is not None
    ]
    return f'{{ kind = "{kind}", {", ".join(said)} }}'


def lognormal_text(mean_s: float, cv: float) -> str:
    """Write a lognormal duration as an inline table of TOML."""
    return f'{{ kind = "lognormal", mean = "{seconds_text(mean_s)}", cv = {max(cv, 0.01):.3g} }}'


def seconds_text(seconds: float) -> str:
    """Write a time to four digits, in seconds."""
    return f"{float(f'{seconds:.4g}'):f}".rstrip("0").rstrip(".") + " s"
