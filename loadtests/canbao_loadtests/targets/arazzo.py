"""Arazzo 1.0 documents, and what canbao adds to them under `x-canbao`, as models.

The rules are those of the Arazzo Specification 1.0.1 (OpenAPI Initiative, 16 January 2025). `x-` keys of others are
ignored, as it asks for; an unknown key is a fault.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from canbao.errors import TargetError
from canbao.scenario.faults import faults_of
from canbao.scenario.quantities import MisfitError
from canbao_loadtests.flow import Status
from canbao_loadtests.targets.documents import Document
from canbao_loadtests.targets.target import Outcome

__all__ = [
    "Arazzo",
    "Components",
    "Criterion",
    "FailureAction",
    "Found",
    "Hints",
    "Parameter",
    "Replacement",
    "RequestBody",
    "Reusable",
    "Source",
    "Step",
    "StepHints",
    "SuccessAction",
    "Workflow",
    "WorkflowHints",
    "read_arazzo",
]

OutputName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9._-]+$")]
Identifier: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")]

_OURS = "x-canbao"


def _without_foreign(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    return {key: value for key, value in data.items() if not str(key).startswith("x-") or key == _OURS}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Object(BaseModel):
    """An object of the specification: its keys in camel case, `x-` keys of others left out."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        json_schema_extra={"patternProperties": {"^x-(?!canbao$)": {}}},
    )

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, data: Any) -> Any:
        return _without_foreign(data)


# --- criteria ---


class ExpressionType(_Object):
    """The type of a condition, with the version of its language."""

    type: Literal["jsonpath", "xpath"]
    version: Literal["draft-goessner-dispatch-jsonpath-00", "xpath-30", "xpath-20", "xpath-10"]


class Criterion(_Object):
    """An assertion about an answer."""

    condition: str
    context: str | None = Field(None, description="The expression that a regex, JSONPath or XPath is applied to.")
    type: Literal["simple", "regex", "jsonpath", "xpath"] | ExpressionType = "simple"

    @property
    def kind(self) -> str:
        """The type, without its version."""
        return self.type if isinstance(self.type, str) else self.type.type


# --- what canbao adds ---


class Found(_Strict):
    """A value out of an answer for which Arazzo has no word: exactly one of html, cookie, regex, jsonpath, xpath."""

    html: str | None = Field(None, description="A CSS selector, as input[name=csrf].")
    attribute: str | None = Field(None, description="The attribute of the element; its text if not given.")
    cookie: str | None = Field(None, description="The name of a cookie.")
    regex: str | None = Field(None, description="A regular expression; its first group, or all of it.")
    jsonpath: str | None = Field(None, description="A JSONPath (RFC 9535); its first match.")
    xpath: str | None = Field(None, description="An XPath 1.0; its first match.")
    context: str = Field("$response.body", description="What it is looked for in, for regex, jsonpath and xpath.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set & set(_WAYS)) != 1:
            raise MisfitError("needs exactly one way to find the value", allowed=", ".join(_WAYS))
        if self.attribute is not None and self.html is None:
            raise MisfitError("attribute belongs to html", below=("attribute",))
        return self


_WAYS = ("html", "cookie", "regex", "jsonpath", "xpath")

_Status: TypeAlias = Annotated[int, Field(ge=100, le=599)]
_Tests: TypeAlias = list[_Status | Criterion]
_Words: TypeAlias = dict[str, dict[str, Any] | str]


class StepHints(_Strict):
    """What canbao adds to a step."""

    outcomes: dict[Outcome, _Tests] = Field(
        {}, description="What an answer means, tested before the success criteria: statuses or criteria for an outcome."
    )
    outputs: dict[OutputName, Found] = Field({}, description="Outputs for which Arazzo has no expression.")
    follow: bool = Field(True, description="Whether redirects are followed.")


class WorkflowHints(_Strict):
    """What canbao adds to a workflow."""

    outcomes: dict[Outcome, _Tests] = Field({}, description="As in a step, for all steps of the workflow.")
    status: dict[Status, list[str | int | bool]] = Field(
        {}, description="The deployment's words for where an application stands, by canbao's."
    )
    words: _Words = Field(
        {},
        description="How the deployment writes an input: its words by canbao's, or a format of strftime for a date. "
        "A format for decided_at says how that output reads.",
    )


class Hints(WorkflowHints):
    """What canbao adds to the document, for all workflows."""

    papers: dict[str, str] = Field(
        {}, description="The papers that families upload: the deployment's word and the picture that canbao draws."
    )


# --- Arazzo ---


class Info(_Object):
    """About the document."""

    title: str
    version: str
    summary: str | None = None
    description: str | None = None


class Source(_Object):
    """Another document: the OpenAPI document, or more workflows."""

    name: Identifier
    url: str = Field(description="A file in the target's folder.")
    type: Literal["openapi", "arazzo"] | None = None


class Reusable(_Object):
    """A reference to `components`."""

    reference: str
    value: Any = None


class Parameter(_Object):
    """What a request carries beside its body; an input, where a workflow is called."""

    name: str
    where: Literal["path", "query", "header", "cookie"] | None = Field(None, alias="in")
    value: Any


class SuccessAction(_Object):
    """What happens after a step that succeeded."""

    name: str
    type: Literal["end", "goto"]
    workflow_id: str | None = None
    step_id: str | None = None
    criteria: list[Criterion] = []

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _leads_somewhere(self.type, self.workflow_id, self.step_id)
        return self


class FailureAction(_Object):
    """What happens after a step that failed."""

    name: str
    type: Literal["end", "goto", "retry"]
    workflow_id: str | None = None
    step_id: str | None = None
    retry_after: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(None, description="Seconds.")
    retry_limit: Annotated[int, Field(ge=0)] | None = Field(None, description="How often; once if not given.")
    criteria: list[Criterion] = []

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _leads_somewhere(self.type, self.workflow_id, self.step_id)
        return self


def _leads_somewhere(kind: str, workflow: str | None, step: str | None) -> None:
    if workflow is not None and step is not None:
        raise MisfitError("workflowId and stepId exclude each other", below=("stepId",))
    if kind == "goto" and workflow is None and step is None:
        raise MisfitError("goto needs a stepId or a workflowId", below=("type",))


class Replacement(_Object):
    """A value put into a payload."""

    target: str = Field(description="A JSON Pointer into the payload.")
    value: Any


class RequestBody(_Object):
    """The body of a request."""

    content_type: str | None = None
    payload: Any = None
    replacements: list[Replacement] = []


def _form(data: Any) -> str:
    return "Reusable" if isinstance(data, Reusable) or (isinstance(data, dict) and "reference" in data) else "Own"


_Parameters: TypeAlias = list[
    Annotated[Annotated[Reusable, Tag("Reusable")] | Annotated[Parameter, Tag("Own")], Discriminator(_form)]
]
_Successes: TypeAlias = list[
    Annotated[Annotated[Reusable, Tag("Reusable")] | Annotated[SuccessAction, Tag("Own")], Discriminator(_form)]
]
_Failures: TypeAlias = list[
    Annotated[Annotated[Reusable, Tag("Reusable")] | Annotated[FailureAction, Tag("Own")], Discriminator(_form)]
]


class Step(_Object):
    """A call of an operation, or of another workflow."""

    step_id: Identifier
    description: str | None = None
    operation_id: str | None = None
    operation_path: str | None = None
    workflow_id: str | None = None
    parameters: _Parameters = []
    request_body: RequestBody | None = None
    success_criteria: list[Criterion] = []
    on_success: _Successes = []
    on_failure: _Failures = []
    outputs: dict[OutputName, str] = {}
    hints: StepHints = Field(default_factory=StepHints, alias=_OURS)

    @model_validator(mode="after")
    def _one_call(self) -> Self:
        given = [self.operation_id, self.operation_path, self.workflow_id]
        if sum(name is not None for name in given) != 1:
            raise MisfitError("needs exactly one of operationId, operationPath and workflowId")
        return self


class Workflow(_Object):
    """A sequence of steps; one that bears the name of a step of canbao's flow is how this deployment does it."""

    workflow_id: Identifier
    summary: str | None = None
    description: str | None = None
    inputs: dict[str, Any] = Field({}, description="A JSON Schema.")
    depends_on: list[str] = []
    steps: Annotated[list[Step], Field(min_length=1)]
    success_actions: _Successes = []
    failure_actions: _Failures = []
    outputs: dict[OutputName, str] = {}
    parameters: _Parameters = []
    hints: WorkflowHints = Field(default_factory=WorkflowHints, alias=_OURS)


class Components(_Object):
    """What several steps share."""

    inputs: dict[OutputName, dict[str, Any]] = {}
    parameters: dict[OutputName, Parameter] = {}
    success_actions: dict[OutputName, SuccessAction] = {}
    failure_actions: dict[OutputName, FailureAction] = {}


def _version(text: str) -> str:
    if not re.fullmatch(r"1\.0\.\d+(-.+)?", text):
        raise MisfitError("this version of Arazzo is not known", allowed="1.0.0 or 1.0.1")
    return text


class Arazzo(_Object):
    """An Arazzo document."""

    arazzo: Annotated[str, BeforeValidator(lambda given: given if not isinstance(given, str) else _version(given))]
    info: Info
    source_descriptions: Annotated[list[Source], Field(min_length=1)]
    workflows: Annotated[list[Workflow], Field(min_length=1)]
    components: Components = Field(default_factory=Components)
    hints: Hints = Field(default_factory=Hints, alias=_OURS)


def read_arazzo(document: Document) -> Arazzo:
    """Check an Arazzo document.

    Raises
    ------
    TargetError
        With all that does not fit, each with its line.
    """
    try:
        return Arazzo.model_validate(document.data)
    except ValidationError as error:
        raise TargetError(faults_of(error, document.source(), Arazzo)) from None
