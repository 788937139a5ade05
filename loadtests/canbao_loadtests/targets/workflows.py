"""Workflows, compiled: steps with their requests, tests, outputs and what comes after them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from canbao_loadtests.flow import Status
from canbao_loadtests.targets.conditions import Test
from canbao_loadtests.targets.expressions import Getter
from canbao_loadtests.targets.requesting import Build
from canbao_loadtests.targets.target import Outcome

__all__ = ["CompiledStep", "CompiledWorkflow", "Move", "Word"]

Word = Callable[[Any], Any]
"""Gives a value as the deployment writes it."""


@dataclass(frozen=True)
class Move:
    """What happens after a step, where its test holds."""

    name: str
    kind: Literal["end", "goto", "retry"]
    test: Test | None = None
    step: int | None = None
    """The step that is gone to, or taken before the next try."""
    workflow: str | None = None
    """The workflow, instead of a step."""
    after_s: float = 0.0
    limit: int = 1


@dataclass(frozen=True)
class CompiledStep:
    """A step, ready to be taken."""

    name: str
    request: Build | None
    """None where it calls a workflow."""
    operation: str = ""
    workflow: str | None = None
    inputs: tuple[tuple[str, Getter], ...] = ()
    """What that workflow is given besides."""
    outcomes: tuple[tuple[Outcome, Test], ...] = ()
    success: Test | None = None
    """None: any status of success."""
    follow: bool = True
    on_success: tuple[Move, ...] = ()
    on_failure: tuple[Move, ...] = ()
    outputs: tuple[tuple[str, Getter], ...] = ()


@dataclass(frozen=True)
class CompiledWorkflow:
    """A workflow, ready to be run."""

    name: str
    steps: tuple[CompiledStep, ...]
    outputs: tuple[tuple[str, Getter], ...] = ()
    needed: frozenset[str] = frozenset()
    """The outputs without which it has failed: canbao or another workflow needs them."""
    depends_on: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Of its inputs."""
    words: Mapping[str, Word] = field(default_factory=dict)
    """How inputs are written here."""
    status: Mapping[str, Status] = field(default_factory=dict)
    """canbao's word for each of the deployment's."""
    decided_at: str | None = None
    """The format of that output; None where it is ISO's."""
