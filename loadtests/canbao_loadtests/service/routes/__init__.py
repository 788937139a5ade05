"""The flow as HTTP operations, by side."""

from __future__ import annotations

from canbao_loadtests.service.operations import Operation
from canbao_loadtests.service.routes import benefits, everybody, families, reviewers

__all__ = ["OPERATIONS"]

OPERATIONS: tuple[Operation, ...] = (
    *everybody.OPERATIONS,
    *families.OPERATIONS,
    *benefits.OPERATIONS,
    *reviewers.OPERATIONS,
)
"""All operations, in the order of the flow."""
