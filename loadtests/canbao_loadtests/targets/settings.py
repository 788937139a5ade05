"""`target.toml`: what is to be known of a target besides its documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from canbao.errors import ScenarioError, TargetError
from canbao.scenario.faults import faults_of
from canbao.scenario.source import read_scenario

__all__ = ["SETTINGS", "TargetSettings", "read_settings"]

SETTINGS = "target.toml"

_Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class TargetSettings(BaseModel):
    """The settings of a target."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, StringConstraints(min_length=1)] = Field(description="What reports call it.")
    host: str = Field("", description="Where it is, unless --host says otherwise: http://127.0.0.1:8780.")
    allow_hosts: list[str] = Field([], description="Hosts other than loopback that may get requests.")
    max_rate: Annotated[float, Field(ge=0)] = Field(
        0.0, description="Requests a second that are never exceeded; 0 for no such limit."
    )
    inputs: dict[str, Any] = Field({}, description="Inputs of the workflows that are the same for everybody.")
    secrets: dict[str, _Variable] = Field(
        {}, description="Inputs whose values are in the environment: the names of the variables."
    )
    plugin: str | None = Field(None, description="The target of a plugin, where Arazzo does not reach.")
    settings: dict[str, Any] = Field({}, description="What that plugin is told.")


def read_settings(folder: Path) -> TargetSettings:
    """Read the settings in a target's folder; without a file of them the target is called like its folder.

    Raises
    ------
    TargetError
        With all that does not fit, each with its line.
    """
    path = folder / SETTINGS
    if not path.exists():
        return TargetSettings(name=folder.resolve().name)
    try:
        source = read_scenario(path)
    except ScenarioError as error:
        raise TargetError(error.faults) from None
    try:
        return TargetSettings.model_validate(source.data)
    except ValidationError as error:
        raise TargetError(faults_of(error, source, TargetSettings)) from None
