"""Compiling: a target's documents become workflows that are ready to be run, or all their faults are told at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from canbao_loadtests.flow import FLOW, STATUSES, Status
from canbao_loadtests.targets.arazzo import Reusable, Workflow, WorkflowHints
from canbao_loadtests.targets.contract import FAMILY, REVIEWER, STEP_INPUTS, supplied
from canbao_loadtests.targets.documents import Faults, follow, pointer_path
from canbao_loadtests.targets.expressions import Getter, Names, as_text
from canbao_loadtests.targets.reading import Sheet, Spot
from canbao_loadtests.targets.settings import TargetSettings
from canbao_loadtests.targets.steps import compile_step, output_of
from canbao_loadtests.targets.workflows import CompiledWorkflow, Word

__all__ = ["Compiled", "compile_workflows"]

_SUPPLIED = {*FAMILY, *REVIEWER, *STEP_INPUTS}


@dataclass(frozen=True)
class Compiled:
    """What a target's documents come to."""

    workflows: Mapping[str, CompiledWorkflow]
    papers: Mapping[str, str]
    """The deployment's word for each paper, and the picture."""


def compile_workflows(sheets: Sequence[Sheet], settings: TargetSettings, faults: Faults) -> Compiled:
    """Compile all workflows of a target; what is wrong is noted in `faults`."""
    homes = dict(_homes(sheets, faults))
    outputs = {name: set(workflow.outputs) for name, (_, workflow) in homes.items()}
    everywhere = {name for names in outputs.values() for name in names} | {*settings.inputs, *settings.secrets}
    used: dict[str, set[str]] = {}
    compiled = {}
    for name, (spot, workflow) in homes.items():
        known = _inputs(name, everywhere, workflow, homes)
        names = _names(spot.sheet, workflow, dict.fromkeys(known), outputs)
        compiled[name] = _compiled(spot, workflow, names)
        used[name] = names.used - set(_given(name))
    _check_circles(compiled, homes)
    return Compiled(
        {name: replace(one, needed=_needed(name, outputs[name], used)) for name, one in compiled.items()},
        {word: image for sheet in sheets for word, image in _papers(sheet, faults).items()},
    )


def _homes(sheets: Sequence[Sheet], faults: Faults) -> Iterator[tuple[str, tuple[Spot, Workflow]]]:
    seen: dict[str, str] = {}
    for sheet in sheets:
        for index, workflow in enumerate(sheet.model.workflows):
            name, spot = workflow.workflow_id, Spot(sheet, faults, ("workflows", index))
            if name in seen:
                spot.at("workflowId").add("two workflows have this id", name, hint=f"the other is in {seen[name]}")
            seen[name] = str(sheet.document.path)
            yield name, (spot, workflow)


def _inputs(
    name: str, everywhere: set[str], workflow: Workflow, homes: Mapping[str, tuple[Spot, Workflow]]
) -> list[str]:
    """List the inputs of a workflow; one that others call is given what they are given, and their parameters."""
    given = {*_given(name), *_called_with(name, homes), *everywhere}
    if name not in FLOW:
        given |= _SUPPLIED
    return sorted(given | {key for key, schema in _properties(workflow.inputs).items() if "default" in schema})


def _given(name: str) -> Iterable[str]:
    """Give what canbao supplies to a workflow in any case."""
    step = FLOW.get(name)
    return FAMILY if step is None else supplied(step)


def _called_with(name: str, homes: Mapping[str, tuple[Spot, Workflow]]) -> Iterator[str]:
    """Give the names of the parameters with which other workflows call one."""
    for spot, workflow in homes.values():
        shared = spot.sheet.model.components.parameters
        calls = [step for step in workflow.steps if (step.workflow_id or "").rpartition(".")[2] == name]
        for given in (one for step in calls for one in (*workflow.parameters, *step.parameters)):
            if not isinstance(given, Reusable):
                yield given.name
            elif (key := given.reference.rpartition(".")[2]) in shared:
                yield shared[key].name


def _names(sheet: Sheet, workflow: Workflow, inputs: Mapping[str, None], outputs: Mapping[str, set[str]]) -> Names:
    return Names(
        inputs=inputs,
        steps=_step_outputs(workflow),
        workflows=outputs,
        sources={source.name: source.url for source in sheet.model.source_descriptions},
        parameters={name: parameter.value for name, parameter in sheet.model.components.parameters.items()},
    )


def _step_outputs(workflow: Workflow) -> dict[str, list[str]]:
    outputs: dict[str, list[str]] = {}
    for step in workflow.steps:
        outputs.setdefault(step.step_id, []).extend([*step.outputs, *step.hints.outputs])
    return outputs


def _compiled(spot: Spot, workflow: Workflow, names: Names) -> CompiledWorkflow:
    _check(spot, workflow, names)
    hints = (spot.sheet.model.hints, workflow.hints)
    words: dict[str, Any] = {**hints[0].words, **hints[1].words}
    decided_at = words.pop("decided_at", None)
    return CompiledWorkflow(
        name=workflow.workflow_id,
        steps=tuple(compile_step(spot, workflow, index, names) for index in range(len(workflow.steps))),
        outputs=_outputs(spot, workflow, names),
        depends_on=tuple(name.rpartition(".")[2] for name in workflow.depends_on),
        defaults={key: one["default"] for key, one in _properties(workflow.inputs).items() if "default" in one},
        words={name: _word(given) for name, given in words.items()},
        status=_status(hints),
        decided_at=decided_at if isinstance(decided_at, str) else None,
    )


def _outputs(spot: Spot, workflow: Workflow, names: Names) -> tuple[tuple[str, Getter], ...]:
    found = []
    for name, text in workflow.outputs.items():
        with spot.at("outputs", name).told():
            found.append((name, output_of(text, names)))
    return tuple(found)


def _properties(schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {name: one for name, one in properties.items() if isinstance(one, dict)}


# ---------------------------------------------------------------------------------------------------------------------
# Words
# ---------------------------------------------------------------------------------------------------------------------


def _word(given: Mapping[str, Any] | str) -> Word:
    if isinstance(given, str):
        return lambda value: _formatted(value, given)
    table = {key.casefold(): written for key, written in given.items()}
    return lambda value: table.get(as_text(value).casefold(), value)


def _formatted(value: Any, form: str) -> Any:
    try:
        return dt.date.fromisoformat(str(value)).strftime(form)
    except ValueError:
        return value


def _status(levels: Sequence[WorkflowHints]) -> Mapping[str, Status]:
    """Give canbao's word for each of the deployment's; canbao's own are known where nothing else is said of them."""
    found: dict[str, Status] = {word: word for word in STATUSES}
    for hints in levels:
        for status, words in hints.status.items():
            found.update({as_text(word).casefold(): status for word in words})
    return found


# ---------------------------------------------------------------------------------------------------------------------
# What must fit together
# ---------------------------------------------------------------------------------------------------------------------


def _check(spot: Spot, workflow: Workflow, names: Names) -> None:
    step = FLOW.get(workflow.workflow_id)
    for need in step.needs if step else ():
        if need not in workflow.outputs:
            spot.add(f"the step {workflow.workflow_id} needs an output {need!r}", hint="see outputs of a workflow")
    ids = [one.step_id for one in workflow.steps]
    for index, name in enumerate(ids):
        if name in ids[:index]:
            spot.at("steps", index, "stepId").add("two steps have this id", name)
    for index, name in enumerate(workflow.depends_on):
        if (last := name.rpartition(".")[2]) not in (names.workflows or {}):
            spot.at("dependsOn", index).unknown("workflow", last, names.workflows or {})
    _check_schema(spot, workflow, names)
    for name in workflow.hints.words:
        _check_word(spot.at("x-canbao", "words", name), name)


def _check_schema(spot: Spot, workflow: Workflow, names: Names) -> None:
    """See that what the workflow's schema requires is supplied."""
    schema, path = workflow.inputs, "inputs"
    reference = schema.get("$ref")
    if isinstance(reference, str):
        try:
            found = follow(spot.sheet.document.data, pointer_path(reference.removeprefix("#")))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            spot.at(path, "$ref").add("leads nowhere", reference, "#/components/inputs/NAME")
            return
        schema = found
    required = schema.get("required", [])
    for index, name in enumerate(required if isinstance(required, list) else []):
        if names.inputs is not None and name not in names.inputs:
            here = spot.at(path, "required", index) if schema is workflow.inputs else spot.at(path)
            here.unknown("input that canbao supplies", str(name), names.inputs)


def _check_word(spot: Spot, name: str) -> None:
    known = dict.fromkeys(sorted({*_SUPPLIED, "decided_at"}))
    if name not in known:
        spot.unknown("input that canbao supplies", name, known)


def _check_circles(compiled: Mapping[str, CompiledWorkflow], homes: Mapping[str, tuple[Spot, Workflow]]) -> None:
    """See that no workflow depends on itself."""
    for name in compiled:
        waiting, seen = list(compiled[name].depends_on), set[str]()
        while waiting:
            other = waiting.pop()
            if other == name:
                homes[name][0].at("dependsOn").add("the workflow depends on itself", name)
                break
            if other not in seen and other in compiled:
                seen.add(other)
                waiting += compiled[other].depends_on


def _needed(name: str, outputs: set[str], used: Mapping[str, set[str]]) -> frozenset[str]:
    """Give the outputs that canbao or another workflow needs."""
    step = FLOW.get(name)
    others = {wanted for other, names in used.items() if other != name for wanted in names}
    return frozenset(others & outputs) | frozenset(step.needs if step else ())


def _papers(sheet: Sheet, faults: Faults) -> Mapping[str, str]:
    from canbao_plugins.families.papers import PAPER_IMAGES

    spot = Spot(sheet, faults, ("x-canbao", "papers"))
    for word, image in sheet.model.hints.papers.items():
        if image not in PAPER_IMAGES:
            spot.at(word).unknown("picture", image, dict.fromkeys(PAPER_IMAGES))
    for name in sheet.model.hints.words:
        _check_word(Spot(sheet, faults, ("x-canbao", "words", name)), name)
    return sheet.model.hints.papers
