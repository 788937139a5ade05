"""What a check found: everything that a plugin must change, told at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args, get_origin

import numpy as np
from pydantic import BaseModel, PydanticUserError

from canbao.columns import Column, numbers_of

__all__ = ["Findings", "is_array", "kind_of", "same_values"]


class Findings:
    """Collects what must change in one plugin."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.said: list[str] = []

    def expect(self, holds: bool, otherwise: str) -> bool:
        """Note what must change where something does not hold; tell whether it does."""
        if not holds:
            self.said.append(otherwise)
        return holds

    @contextmanager
    def calling(self, what: str) -> Iterator[None]:
        """Note that a call of the plugin raised, and stop there: nothing can be said of what comes after."""
        try:
            yield
        except AssertionError:
            raise
        except Exception as error:
            self.said.append(f"{what} raised {type(error).__name__}: {error}")
            raise self._error() from error

    def settle(self) -> None:
        """Raise an AssertionError if anything was noted."""
        if self.said:
            raise self._error()

    def _error(self) -> AssertionError:
        return AssertionError(f"{self.what} must change:\n" + "\n".join(f"- {text}" for text in self.said))


_OPTIONS = (
    ("extra", "forbid", "so that a misspelt key is an error"),
    ("frozen", True, "so that nothing changes it after reading"),
    ("strict", True, "so that nothing is converted in silence"),
)


def kind_of(model: Any, findings: Findings) -> str:
    """Look at a settings class as such; give its `kind`."""
    settings = isinstance(model, type) and issubclass(model, BaseModel)
    if not findings.expect(settings, "it must be a class of settings: derive it from canbao.scenario.models.Settings"):
        findings.settle()
    for option, wanted, why in _OPTIONS:
        right = model.model_config.get(option) == wanted
        findings.expect(right, f"model_config must have {option}={wanted!r}, {why}, as canbao.scenario.models.Settings")
    for name, field in model.model_fields.items():
        described = bool(field.description) or name == "kind"
        findings.expect(
            described, f"field {name} must have a description: Field(..., description=...) is what docs show"
        )
    try:
        model.model_json_schema()
    except (PydanticUserError, KeyError) as error:
        findings.expect(False, f"its JSON Schema cannot be made ({error}); give such a field pydantic's WithJsonSchema")
    kind = getattr(model.model_fields.get("kind"), "annotation", None)
    values = get_args(kind) if get_origin(kind) is Literal else ()
    one = len(values) == 1 and isinstance(values[0], str)
    if not findings.expect(one, 'it must have a field `kind: Literal["..."]`, the word by which a scenario names it'):
        findings.settle()
    return str(values[0])


def same_values(one: Column, other: Column) -> bool:
    """Tell whether two columns hold the same, bit for bit; nan is the same as nan."""
    if getattr(one, "labels", None) != getattr(other, "labels", None):
        return False
    a, b = np.asarray(numbers_of(one)), np.asarray(numbers_of(other))
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def is_array(value: object, shape: tuple[int, ...]) -> bool:
    """Tell whether a value is an array of numbers or of yes and no in this shape."""
    return isinstance(value, np.ndarray) and value.shape == shape and value.dtype.kind in "biuf"
