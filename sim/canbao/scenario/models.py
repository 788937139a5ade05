"""What every part of a scenario file is made of: strict models, and fields whose form a plugin decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

__all__ = ["ESTIMATE", "PLUGGED", "Named", "Plugged", "Settings"]

ESTIMATE: dict[str, Any] = {"grade": "E"}
"""Marks a default as an estimate of ours: `Field(8, json_schema_extra=ESTIMATE)`; a report lists those in use."""

PLUGGED = "x-plugged"
"""What stands in a model's own JSON Schema for a reference to what plugins registered; its value is the table."""


class Settings(BaseModel):
    """A part of a scenario file: no unknown keys, no conversion in silence, no change after reading."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True)


@dataclass(frozen=True)
class Plugged:
    """Marks a field whose model is chosen by its `kind` among what plugins registered under `table`.

    The registered models come in as the validation context: `{"channels": {"office": Office, ...}, ...}`.
    """

    table: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self._validated)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        # Not a "$ref" yet: pydantic follows each one, and what plugins registered stands in no model.
        return {PLUGGED: self.table}

    def _validated(self, value: Any, info: ValidationInfo) -> Any:
        known: Mapping[str, type[BaseModel]] = (info.context or {}).get(self.table, {})
        if not isinstance(value, dict):
            raise PydanticCustomError("dict_type", "Input should be a valid dictionary")
        kind = value.get("kind")
        names = ", ".join(repr(name) for name in sorted(known))
        if kind is None:
            raise PydanticCustomError("union_tag_not_found", "Unable to extract tag", {"discriminator": "'kind'"})
        if not isinstance(kind, str) or kind not in known:
            detail = {"discriminator": "'kind'", "tag": str(kind), "expected_tags": names}
            raise PydanticCustomError("union_tag_invalid", "Input tag '{tag}' is not one of {expected_tags}", detail)
        # A ValidationError from within keeps its own places behind this field's.
        return known[kind].model_validate(value, context=info.context)


@dataclass(frozen=True)
class Named:
    """Marks a field that names one thing among what plugins registered under `table`; its value becomes that thing.

    The registered things come in as the validation context, as for `Plugged`.
    """

    table: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self._validated)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {PLUGGED: self.table}

    def _validated(self, value: Any, info: ValidationInfo) -> Any:
        known: Mapping[str, Any] = (info.context or {}).get(self.table, {})
        if not isinstance(value, str) or value not in known:
            expected = {"expected": " or ".join(repr(name) for name in sorted(known))}
            raise PydanticCustomError("literal_error", "Input should be {expected}", expected)
        return known[value]
