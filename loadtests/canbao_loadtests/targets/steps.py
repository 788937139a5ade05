"""Steps, compiled: which operation with which request, what an answer means, what comes next, what is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from canbao_loadtests.targets.arazzo import (
    Criterion,
    FailureAction,
    Found,
    Parameter,
    Reusable,
    Step,
    StepHints,
    SuccessAction,
    Workflow,
    WorkflowHints,
)
from canbao_loadtests.targets.bodies import Body, body_of
from canbao_loadtests.targets.conditions import Test, all_of, criterion
from canbao_loadtests.targets.documents import MISSING, pointer_path
from canbao_loadtests.targets.expressions import Getter, Names, as_text, expression, is_expression, template, value_of
from canbao_loadtests.targets.openapi import Operation, OperationParameter
from canbao_loadtests.targets.reading import Spot
from canbao_loadtests.targets.requesting import Given, request_of
from canbao_loadtests.targets.scope import Scope
from canbao_loadtests.targets.selecting import html_value, json_path, pattern, x_path
from canbao_loadtests.targets.target import Outcome
from canbao_loadtests.targets.workflows import CompiledStep, Move

__all__ = ["compile_step", "output_of"]

_Action = TypeVar("_Action", SuccessAction, FailureAction)
_UNLISTED = ("accept", "authorization", "content-type")
"""Headers that OpenAPI does not list among the parameters."""


@dataclass(frozen=True)
class _Site:
    """Where a step stands, and what can be named there."""

    spot: Spot
    workflow: Workflow
    step: Step
    names: Names


def compile_step(spot: Spot, workflow: Workflow, index: int, names: Names) -> CompiledStep:
    """Compile a step; what is wrong with it is noted at its place.

    Parameters
    ----------
    spot
        The place of the workflow.
    workflow
        The workflow.
    index
        Which of its steps.
    names
        What its expressions may name.
    """
    step = workflow.steps[index]
    site = _Site(spot.at("steps", index), workflow, step, names)
    operation = None if step.workflow_id is not None else _operation(site)
    given = _parameters(site, operation)
    compiled = CompiledStep(
        name=step.step_id,
        request=None,
        outcomes=_outcomes(site, spot),
        success=_tests(site.spot.at("successCriteria"), step.success_criteria, names),
        follow=step.hints.follow,
        on_success=_moves(site, "onSuccess", step.on_success, "successActions", workflow.success_actions),
        on_failure=_moves(site, "onFailure", step.on_failure, "failureActions", workflow.failure_actions),
        outputs=_outputs(site),
    )
    if step.workflow_id is not None:
        called = _workflow_name(site.spot.at("workflowId"), step.workflow_id, names)
        inputs = tuple((one.parameter.name, one.value) for one in given)
        return replace(compiled, workflow=called, inputs=inputs)
    if operation is None:
        return compiled
    request = request_of(operation, given, _body(site, operation), step.hints.follow)
    return replace(compiled, request=request, operation=operation.name)


# ---------------------------------------------------------------------------------------------------------------------
# What is called
# ---------------------------------------------------------------------------------------------------------------------


def _operation(site: _Site) -> Operation | None:
    step, sources = site.step, site.spot.sheet.operations
    if step.operation_path is not None:
        return _by_path(site, step.operation_path)
    spot, given = site.spot.at("operationId"), step.operation_id or ""
    source, name = _source_and_name(given)
    if source is None:
        known = {key: found for one in sources.values() for key, found in one.by_id.items()}
        if sum(name in one.by_id for one in sources.values()) > 1:
            spot.add("two documents have this operation", given, "$sourceDescriptions.NAME.operationId")
    elif source in sources:
        known = dict(sources[source].by_id)
    else:
        spot.unknown("source description of OpenAPI", source, sources)
        return None
    if name not in known and sources:
        spot.unknown("operation", name, known)
    return known.get(name)


def _source_and_name(given: str) -> tuple[str | None, str]:
    match = re.fullmatch(r"\$sourceDescriptions\.([^.]+)\.(.+)", given)
    return (match[1], match[2]) if match else (None, given)


def _by_path(site: _Site, given: str) -> Operation | None:
    spot, sources = site.spot.at("operationPath"), site.spot.sheet.operations
    match = re.fullmatch(r"\{?\$sourceDescriptions\.([^.{}]+)\.url\}?#(/.*)", given)
    if match is None:
        spot.add("is no path of an operation", given, "'{$sourceDescriptions.NAME.url}#/paths/~1applications/post'")
        return None
    if match[1] not in sources:
        spot.unknown("source description of OpenAPI", match[1], sources)
        return None
    found = sources[match[1]].by_place.get(pointer_path(match[2]))
    if found is None:
        known = {f"/paths/{place[1]}/{place[2]}": place for place in sources[match[1]].by_place}
        spot.unknown("operation", match[2].replace("~1", "/"), known)
    return found


def _workflow_name(spot: Spot, given: str, names: Names) -> str:
    _, name = _source_and_name(given)
    if names.workflows is not None and name not in names.workflows:
        spot.unknown("workflow", name, names.workflows)
    return name


# ---------------------------------------------------------------------------------------------------------------------
# What is sent
# ---------------------------------------------------------------------------------------------------------------------


def _parameters(site: _Site, operation: Operation | None) -> list[Given]:
    """Compile the parameters, those of the step over those of the workflow."""
    of_workflow = Spot(site.spot.sheet, site.spot.faults, site.spot.path[:-2]).at("parameters")
    before = len(site.spot.faults.found)
    found: dict[tuple[str | None, str], Given] = {}
    for spot, parameters in [
        (of_workflow, site.workflow.parameters),
        (site.spot.at("parameters"), site.step.parameters),
    ]:
        own: set[tuple[str | None, str]] = set()
        for index, given in enumerate(parameters):
            here = spot.at(index)
            parameter = _resolved(here, given)
            if parameter is None:
                continue
            key = (parameter.where, parameter.name)
            if key in own:
                here.add("this parameter stands here twice", parameter.name)
            own.add(key)
            with here.at("value").told():
                value = value_of(parameter.value, site.names)
                found[key] = Given(_described(here, parameter, operation, site.step), value)
    if operation is not None and len(site.spot.faults.found) == before:
        _check_required(site, operation, found)
    return list(found.values())


def _resolved(spot: Spot, given: Parameter | Reusable) -> Parameter | None:
    if isinstance(given, Parameter):
        return given
    known = spot.sheet.model.components.parameters
    name = given.reference.removeprefix("$components.parameters.")
    if name not in known:
        spot.at("reference").unknown("parameter in components", name, known)
        return None
    return known[name] if given.value is None else known[name].model_copy(update={"value": given.value})


def _described(spot: Spot, parameter: Parameter, operation: Operation | None, step: Step) -> OperationParameter:
    """Give the parameter as the operation describes it."""
    where, name = parameter.where, parameter.name
    if step.workflow_id is not None or operation is None:
        return OperationParameter(name, where or "input")
    if where is None:
        spot.add("in is missing", None, "path, query, header or cookie")
        return OperationParameter(name, "query")
    for (place, other), described in operation.parameters.items():
        if place == where and (other == name or (where == "header" and other.lower() == name.lower())):
            return described
    if where == "path":
        paths = {other: place for place, other in operation.parameters if place == "path"}
        spot.at("name").unknown(f"parameter in the path of {operation.name}", name, paths)
    style = {"query": "form", "cookie": "form"}.get(where, "simple")
    return OperationParameter(name, where, style=style, explode=style == "form")


def _check_required(site: _Site, operation: Operation, found: Mapping[tuple[str | None, str], Given]) -> None:
    given = {(where, name.lower() if where == "header" else name) for where, name in found}
    for (where, name), described in operation.parameters.items():
        key = (where, name.lower() if where == "header" else name)
        listed = not (where == "header" and name.lower() in _UNLISTED)
        if (described.required or where == "path") and listed and key not in given:
            site.spot.add(f"operation {operation.name} needs the parameter {name!r} in {where}")


def _body(site: _Site, operation: Operation) -> Body | None:
    given = site.step.request_body
    if given is None:
        if operation.body_required:
            site.spot.add(f"operation {operation.name} needs a requestBody", allowed=", ".join(operation.content_types))
        return None
    with site.spot.at("requestBody").told():
        return body_of(given, operation.content_types, site.names)
    return None


# ---------------------------------------------------------------------------------------------------------------------
# What an answer means
# ---------------------------------------------------------------------------------------------------------------------


def _tests(spot: Spot, given: Sequence[Criterion | int], names: Names) -> Test | None:
    tests = []
    for index, one in enumerate(given):
        with spot.at(index).told():
            tests.append(criterion(one, names))
    return all_of(tests) if tests else None


def _outcomes(site: _Site, workflow: Spot) -> tuple[tuple[Outcome, Test], ...]:
    """Compile what answers mean: what the step says before the workflow, the workflow before the document."""
    root = Spot(workflow.sheet, workflow.faults)
    levels: list[tuple[Spot, StepHints | WorkflowHints]] = [
        (site.spot, site.step.hints),
        (workflow, site.workflow.hints),
        (root, workflow.sheet.model.hints),
    ]
    found: list[tuple[Outcome, Test]] = []
    # Elsewhere the steps of others cannot be named.
    for (spot, hints), names in zip(levels, (site.names, site.names, replace(site.names, steps=None)), strict=True):
        told = [(outcome, index, one) for outcome, given in hints.outcomes.items() for index, one in enumerate(given)]
        for outcome, index, one in told:
            with spot.at("x-canbao", "outcomes", outcome, index).told():
                found.append((outcome, criterion(one, names)))
    return tuple(found)


def _moves(
    site: _Site,
    key: str,
    own: Sequence[_Action | Reusable],
    shared_key: str,
    shared: Sequence[_Action | Reusable],
) -> tuple[Move, ...]:
    """Compile what comes next, the actions of the step before those of the workflow."""
    moves: dict[str, Move] = {}
    of_workflow = Spot(site.spot.sheet, site.spot.faults, site.spot.path[:-2])
    for spot, actions in [(site.spot.at(key), own), (of_workflow.at(shared_key), shared)]:
        for index, given in enumerate(actions):
            action = _action(spot.at(index), given, shared_key)
            if action is not None and action.name not in moves:
                moves[action.name] = _move(spot.at(index), site, action)
    return tuple(moves.values())


def _action(spot: Spot, given: _Action | Reusable, kind: str) -> SuccessAction | FailureAction | None:
    if not isinstance(given, Reusable):
        return given
    components = spot.sheet.model.components
    known: Mapping[str, SuccessAction | FailureAction]
    known = components.success_actions if kind == "successActions" else components.failure_actions
    name = given.reference.removeprefix(f"$components.{kind}.")
    if name not in known:
        spot.at("reference").unknown(f"action in components.{kind}", name, known)
    return known.get(name)


def _move(spot: Spot, site: _Site, action: SuccessAction | FailureAction) -> Move:
    steps = {step.step_id: index for index, step in enumerate(site.workflow.steps)}
    if action.step_id is not None and action.step_id not in steps:
        spot.at("stepId").unknown("step in this workflow", action.step_id, steps)
    workflow = None
    if action.workflow_id is not None:
        workflow = _workflow_name(spot.at("workflowId"), action.workflow_id, site.names)
    retries = action if isinstance(action, FailureAction) else None
    return Move(
        name=action.name,
        kind=action.type,
        test=_tests(spot.at("criteria"), action.criteria, site.names),
        step=None if action.step_id is None else steps.get(action.step_id),
        workflow=workflow,
        after_s=(retries and retries.retry_after) or 0.0,
        limit=1 if retries is None or retries.retry_limit is None else retries.retry_limit,
    )


# ---------------------------------------------------------------------------------------------------------------------
# What is kept
# ---------------------------------------------------------------------------------------------------------------------


def _outputs(site: _Site) -> tuple[tuple[str, Getter], ...]:
    found: list[tuple[str, Getter]] = []
    for name, text in site.step.outputs.items():
        with site.spot.at("outputs", name).told():
            found.append((name, output_of(text, site.names)))
    for name, given in site.step.hints.outputs.items():
        spot = site.spot.at("x-canbao", "outputs", name)
        if name in site.step.outputs:
            spot.add("this output stands here twice", name)
        with spot.told():
            found.append((name, _found(given, site.names)))
    return tuple(found)


def output_of(text: str, names: Names) -> Getter:
    """Compile an output: an expression, or a text with expressions in it."""
    return expression(text, names) if is_expression(text) else template(text, names)


def _found(given: Found, names: Names) -> Getter:
    if given.cookie is not None:
        cookie = given.cookie
        return lambda scope: scope.response.cookies.get(cookie, MISSING)
    context = expression(given.context, names)
    if given.jsonpath is not None:
        path = json_path(given.jsonpath)
        return lambda scope: path(context(scope))
    if given.html is not None:
        return _in_text(html_value(given.html, given.attribute), context)
    if given.xpath is not None:
        return _in_text(x_path(given.xpath), context)
    return _in_text(pattern(given.regex or ""), context)


def _in_text(find: Callable[[str], Any], context: Getter) -> Getter:
    def get(scope: Scope) -> Any:
        value = context(scope)
        return MISSING if value is MISSING else find(as_text(value))

    return get
