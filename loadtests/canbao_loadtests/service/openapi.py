"""The OpenAPI 3.1 document, made from the operations and the models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from canbao import __version__
from canbao_loadtests.service.asking import PARAMETERS
from canbao_loadtests.service.models import MOST, Problem
from canbao_loadtests.service.operations import Limits, Operation

__all__ = ["PROBLEM", "document"]

PROBLEM = "application/problem+json"
"""The content type of a problem (RFC 9457)."""

_SCHEMAS = "#/components/schemas/"
_SAID = {
    200: "Done.",
    201: "Made.",
    204: "Done, and nothing to say.",
    400: "Not JSON, or a header is missing.",
    401: "Not logged in.",
    402: "The debit failed.",
    403: "Not for this account.",
    404: "No such thing.",
    409: "Does not fit how things stand.",
    413: "Too large.",
    415: "Another content type is needed.",
    422: "Does not fit.",
    503: "The database could not do it; try again.",
}


def document(operations: Sequence[Operation], limits: Limits) -> dict[str, Any]:
    """Describe operations as an OpenAPI document."""
    _, schemas = models_json_schema(
        [(model, "validation") for model in {Problem: None} | dict.fromkeys(_models(operations))],
        ref_template=_SCHEMAS + "{model}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        there = paths.setdefault(operation.path, {})
        there[operation.method.lower()] = _described(operation, limits)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "canbao reference service",
            "version": __version__,
            "summary": "Enrolment of children in resident medical insurance, with invented people only.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _models(operations: Sequence[Operation]) -> Iterator[type[BaseModel]]:
    for operation in operations:
        for thing in (operation.body, *operation.answers.values()):
            if isinstance(thing, type) and issubclass(thing, BaseModel):
                yield thing


def _described(operation: Operation, limits: Limits) -> dict[str, Any]:
    said: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary, "tags": [operation.side]}
    if operation.description:
        said["description"] = operation.description
    if operation.side != "everybody":
        said["security"] = [{"token": []}]
    parameters = [_parameter(name) for name in PARAMETERS if f"{{{name}}}" in operation.path]
    if operation.idempotent:
        parameters.append(_key())
    if parameters:
        said["parameters"] = parameters
    if operation.body is not None:
        said["requestBody"] = {"required": True, "content": _body(operation, limits)}
    said["responses"] = {str(status): _answer(status, thing) for status, thing in sorted(_answers(operation).items())}
    return said


def _parameter(name: str) -> dict[str, Any]:
    kind = PARAMETERS[name]
    schema: dict[str, Any] = (
        {"type": "integer", "minimum": 1, "maximum": MOST}
        if kind is int
        else {"type": "string", "enum": [str(value) for value in kind]}  # type: ignore[union-attr]
    )
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _key() -> dict[str, Any]:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "Another one for each deed; the same again when no answer came.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    }


def _body(operation: Operation, limits: Limits) -> dict[str, Any]:
    if isinstance(operation.body, tuple):
        return {kind: {"schema": {"minLength": 1, "maxLength": limits.paper_bytes}} for kind in operation.body}
    assert operation.body is not None
    return {"application/json": {"schema": {"$ref": _SCHEMAS + operation.body.__name__}}}


def _answers(operation: Operation) -> Mapping[int, type[BaseModel] | str | None]:
    """Give the answers of an operation, with those that follow from what it takes."""
    follow = {503}
    if operation.side != "everybody":
        follow |= {401, 403}
    if "{" in operation.path:
        follow |= {404}
    if operation.idempotent:
        follow |= {400}
    if operation.body is not None:
        follow |= {400, 413, 415, 422}
    return {**dict.fromkeys(follow, Problem), **operation.answers}


def _answer(status: int, thing: type[BaseModel] | str | None) -> dict[str, Any]:
    said: dict[str, Any] = {"description": _SAID[status]}
    if isinstance(thing, str):
        said["content"] = {thing: {}}
    elif thing is not None:
        content_type = PROBLEM if thing is Problem else "application/json"
        said["content"] = {content_type: {"schema": {"$ref": _SCHEMAS + thing.__name__}}}
    return said
