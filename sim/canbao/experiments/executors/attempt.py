"""One attempt at one replication, the same on every executor; it imports little, because workers do."""

from __future__ import annotations

import pickle
import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING

from canbao.errors import EngineError
from canbao.experiments.executors import Done
from canbao.experiments.failures import problem_of

if TYPE_CHECKING:
    from canbao.experiments.models import Model

__all__ = ["attempt", "attempt_there", "unpacked"]


def attempt(model: Model, seed: int) -> Done:
    """Replicate a model once; what goes wrong in it is told and not raised, so that all others go on."""
    try:
        measures = {str(name): float(value) for name, value in model.replicate(seed).items()}
    except (Exception, SystemExit) as error:
        return Done(model.key(), seed, None, problem_of(error))
    return Done(model.key(), seed, measures)


def unpacked(content: bytes) -> Model:
    """Give a model that was sent."""
    model: Model = pickle.loads(content)
    return model


def attempt_there(model: Model, seed: int, expected: Mapping[str, str]) -> Done:
    """Replicate a model on another machine, if it has the versions that are expected: others may give other numbers.

    Raises
    ------
    EngineError
        When it has another version of something.
    """
    from canbao.experiments.checksums import versions

    here = versions()
    for name, version in expected.items():
        if here.get(name) != version:
            raise EngineError(
                f"a worker on {platform.node()} has {name} {here.get(name)}, but this experiment {version}; "
                "install the same versions on all machines"
            )
    return attempt(model, seed)
