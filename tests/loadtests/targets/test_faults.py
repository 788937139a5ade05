"""Faults of documents: every one with file, line, what was given and what is allowed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.loadtests.targets.conftest import OPENAPI, Bench

from canbao.errors import Fault, TargetError
from canbao_loadtests.targets import load_target

FLOW = """\
arazzo: 1.0.1
info: {title: x, version: "1"}
sourceDescriptions:
- {name: api, url: openapi.json, type: openapi}
x-canbao:
  papers: {front: photo}
workflows:
- workflowId: enrol
  steps:
  - stepId: form
    operationId: show_child
    parameters:
    - {name: child, in: path, value: $inputs.child_name}
    outputs: {id: $response.body#/id}
  - stepId: send
    operationId: add_child
    requestBody:
      contentType: application/json
      payload: {name: $inputs.child_name, id: $steps.form.outputs.id}
    successCriteria:
    - condition: $statusCode == 201
    onFailure:
    - {name: again, type: retry, retryLimit: 2}
  outputs: {id: $steps.form.outputs.id}
- workflowId: submit
  steps:
  - {stepId: s, operationId: list_children}
- workflowId: progress
  steps:
  - stepId: s
    operationId: list_children
    outputs: {status: $response.body#/status}
  outputs: {status: $steps.s.outputs.status}
"""


def written(folder: Path, flow: str, settings_text: str = 'name = "x"', openapi: Any = OPENAPI) -> Path:
    """Write a target's folder."""
    (folder / "flow.arazzo.yaml").write_text(flow, encoding="utf-8")
    (folder / "openapi.json").write_text(json.dumps(openapi, indent=1), encoding="utf-8")
    (folder / "target.toml").write_text(settings_text, encoding="utf-8")
    return folder


def told(folder: Path) -> tuple[Fault, ...]:
    """Give the faults of a folder, if there are any."""
    try:
        load_target(folder, {}, lambda _: None)
    except TargetError as error:
        return error.faults
    return ()


def faults(folder: Path) -> tuple[Fault, ...]:
    """Give the faults of a folder."""
    with pytest.raises(TargetError) as caught:
        load_target(folder, {}, lambda _: None)
    return caught.value.faults


def test_the_document_that_the_others_break_is_fine(tmp_path: Path) -> None:
    """Without a change there is no fault."""
    target = load_target(written(tmp_path, FLOW), {}, lambda _: None)
    assert target.steps == {"enrol", "submit", "progress"}
    assert target.papers == {"front": "photo"}


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "said"),
    [
        ("arazzo: 1.0.1", "arazzo: 2.0.0", 1, "arazzo", "this version of Arazzo is not known"),
        ("url: openapi.json", "url: api.json", 4, "sourceDescriptions.0.url", "there is no such file"),
        ("url: openapi.json", "url: ../openapi.json", 4, "sourceDescriptions.0.url", "there is no such file"),
        ("front: photo", "front: foto", 6, "x-canbao.papers.front", "did you mean 'photo'?"),
        (
            "operationId: show_child",
            "operationId: showChild",
            11,
            "workflows.0.steps.0.operationId",
            "did you mean 'show_child'?",
        ),
        (
            "operationId: show_child",
            "operationID: show_child",
            11,
            "workflows.0.steps.0.operationID",
            "did you mean operationId?",
        ),
        (
            "name: child, in: path",
            "name: chld, in: path",
            13,
            "workflows.0.steps.0.parameters.0.name",
            "did you mean 'child'?",
        ),
        (
            "name: child, in: path",
            "name: child, in: query",
            10,
            "workflows.0.steps.0",
            "needs the parameter 'child' in path",
        ),
        ("name: child, in: path, value", "name: child, value", 13, "workflows.0.steps.0.parameters.0", "in is missing"),
        (
            "value: $inputs.child_name}",
            "value: $inputs.childname}",
            13,
            "workflows.0.steps.0.parameters.0.value",
            "did you mean 'child_name'?",
        ),
        ("{id: $response.body#/id}", "{id: $response.bdy#/id}", 14, "workflows.0.steps.0.outputs.id", "is not known"),
        (
            "contentType: application/json",
            "contentType: text/plain",
            18,
            "workflows.0.steps.1.requestBody.contentType",
            "does not take this",
        ),
        (
            "id: $steps.form.outputs.id}",
            "id: $steps.from.outputs.id}",
            19,
            "workflows.0.steps.1.requestBody.payload.id",
            "did you mean 'form'?",
        ),
        (
            "condition: $statusCode == 201",
            "condition: $statusCode = 201",
            21,
            "workflows.0.steps.1.successCriteria.0",
            "cannot be read",
        ),
        ("type: retry", "type: rety", 23, "workflows.0.steps.1.onFailure.0.type", 'did you mean "retry"?'),
        (
            "type: retry, retryLimit: 2",
            "type: goto, stepId: frm",
            23,
            "workflows.0.steps.1.onFailure.0.stepId",
            "did you mean 'form'?",
        ),
        ("type: retry, retryLimit: 2", "type: goto", 23, "workflows.0.steps.1.onFailure.0.type", "goto needs"),
        (
            "type: retry, retryLimit: 2",
            "type: goto, workflowId: submt",
            23,
            "workflows.0.steps.1.onFailure.0.workflowId",
            "did you mean 'submit'?",
        ),
        (
            "{name: again, type: retry, retryLimit: 2}",
            "{reference: $components.failureActions.x}",
            23,
            "workflows.0.steps.1.onFailure.0.reference",
            "there is no action",
        ),
        ("workflowId: submit", "workflowId: handin", 7, "workflows", "there is no workflow 'submit'"),
        ("workflowId: submit", "workflowId: enrol", 25, "workflows.1.workflowId", "two workflows have this id"),
        ("- stepId: send", "- stepId: form", 15, "workflows.0.steps.1.stepId", "two steps have this id"),
        ("  outputs: {status: $steps", "  outputs: {stats: $steps", 28, "workflows.2", "needs an output 'status'"),
        (
            "  outputs: {id: $steps",
            "  dependsOn: [sumbit]\n  outputs: {id: $steps",
            24,
            "workflows.0.dependsOn.0",
            "did you mean 'submit'?",
        ),
        (
            "  outputs: {id: $steps",
            "  dependsOn: [enrol]\n  outputs: {id: $steps",
            24,
            "workflows.0.dependsOn",
            "depends on itself",
        ),
        (
            "  outputs: {id: $steps",
            "  inputs: {required: [chid_name]}\n  outputs: {id: $steps",
            24,
            "workflows.0.inputs.required.0",
            "did you mean 'child_name'?",
        ),
        (
            "  papers:",
            "  words: {payment: {a: b}}\n  papers:",
            6,
            "x-canbao.words.payment",
            "did you mean 'payment_way'?",
        ),
        ("  papers:", "  outcomes: {declind: [402]}\n  papers:", 6, "x-canbao.outcomes.declind", "'declined'"),
        (
            "  papers:",
            "  status: {approved: [{}]}\n  papers:",
            6,
            "x-canbao.status.approved.0",
            "has none of the forms",
        ),
        (
            "    outputs: {status:",
            "    x-canbao: {outputs: {a: {html: '['}}}\n    outputs: {status:",
            32,
            "workflows.2.steps.0.x-canbao.outputs.a",
            "not a CSS selector",
        ),
        (
            "    outputs: {status:",
            "    x-canbao: {outputs: {a: {attribute: b}}}\n    outputs: {status:",
            32,
            "workflows.2.steps.0.x-canbao.outputs.a",
            "exactly one way",
        ),
    ],
)
def test_each_fault_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, key: str, said: str) -> None:
    """A fault of the Arazzo document names file, line and key, and what helps."""
    assert FLOW.count(old) >= 1
    found = faults(written(tmp_path, FLOW.replace(old, new, 1)))
    assert [(fault.line, fault.key) for fault in found] == [(line, key)], "\n".join(map(str, found))
    assert said in str(found[0])
    assert found[0].file == str(tmp_path / "flow.arazzo.yaml")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """Faults of several places and documents come together."""
    flow = FLOW.replace("operationId: show_child", "operationId: x").replace("$statusCode == 201", "$status == 201")
    openapi = {**OPENAPI, "openapi": "2.0"}
    assert len(faults(written(tmp_path, flow, openapi=openapi))) >= 3


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('name = "x"\nhots = "y"\n', 2, "did you mean host?"),
        ('name = "x"\nmax_rate = -1.0\n', 2, "at least 0"),
        ('name = "x"\n[secrets]\ncode = "not a name"\n', 3, "is not written as it should be"),
        ("name = \n", 1, "not TOML"),
        ('host = "y"\n', None, "is missing"),
    ],
)
def test_faults_of_the_settings(tmp_path: Path, text: str, line: int | None, said: str) -> None:
    """`target.toml` is checked as a scenario is."""
    found = faults(written(tmp_path, FLOW, text))
    assert (found[0].line, len(found)) == (line, 1)
    assert said in str(found[0])


def test_a_folder_without_documents_is_told(tmp_path: Path) -> None:
    """No folder, and a folder without an Arazzo document, are told as such."""
    assert "there is no such folder" in faults(tmp_path / "none")[0].problem
    assert "there is no Arazzo document" in faults(tmp_path)[0].problem


def test_upload_paper_needs_papers(tmp_path: Path) -> None:
    """A target that takes papers says which."""
    flow = FLOW.replace("  papers: {front: photo}\n", "  words: {}\n") + (
        "- workflowId: upload_paper\n  steps:\n  - {stepId: s, operationId: list_children}\n"
    )
    assert "which papers upload_paper is to upload" in faults(written(tmp_path, flow))[0].problem


@pytest.mark.parametrize(
    ("change", "key", "said"),
    [
        (lambda api: api.update(openapi="2.0"), "openapi", "is no version that is understood"),
        (lambda api: api.update(paths=[]), "paths", "is no object"),
        (lambda api: api["paths"]["/login"]["post"].update(operationId="add_child"), "operationId", "two operations"),
        (
            lambda api: api["paths"]["/children/{child}"].pop("parameters"),
            "get",
            "'child' of the path is not described",
        ),
        (
            lambda api: api["paths"]["/children/{child}"]["parameters"][0].update({"in": "body"}),
            "parameters.0",
            "is no parameter",
        ),
        (
            lambda api: api["paths"]["/children/{child}"]["parameters"][0].update(style="matrix"),
            "parameters.0",
            "style is not known",
        ),
        (lambda api: api["paths"]["/login"].update({"$ref": "#/nowhere"}), "$ref", "leads nowhere"),
        (lambda api: api["paths"]["/login"].update({"$ref": "other.json#/x"}), "$ref", "cannot be read"),
        (lambda api: api["paths"]["/login"].update({"$ref": "#/paths/~1login"}), "$ref", "round in a circle"),
    ],
)
def test_faults_of_the_openapi_document(tmp_path: Path, change: Callable[[Any], Any], key: str, said: str) -> None:
    """What a request needs of the OpenAPI document is checked, with its line."""
    openapi = copy.deepcopy(dict(OPENAPI))
    change(openapi)
    found = [fault for fault in faults(written(tmp_path, FLOW, openapi=openapi)) if said in fault.problem]
    assert found
    assert found[0].key.endswith(key) or key in found[0].key
    assert found[0].line is not None


def _places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(place for key, value in inside for place in _places(value, (*path, key)))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.data())
def test_a_document_that_is_broken_anywhere_is_told_and_never_crashes(bench: Bench, data: st.DataObject) -> None:
    """Whatever stands in place of any value of either document, reading ends in a target or in faults."""
    bench.write(
        {
            "workflowId": "enrol",
            "parameters": [{"reference": "$components.parameters.p"}],
            "steps": [
                {
                    "stepId": "s",
                    "operationId": "show_child",
                    "parameters": [{"name": "q", "in": "query", "value": "$inputs.kind"}],
                    "requestBody": {
                        "contentType": "application/json",
                        "payload": {"a": 1},
                        "replacements": [{"target": "/a", "value": 2}],
                    },
                    "successCriteria": [{"context": "$response.body", "condition": "$.a", "type": "jsonpath"}],
                    "onFailure": [{"name": "x", "type": "retry", "retryAfter": 1}],
                    "x-canbao": {"outputs": {"c": {"regex": "a"}}, "outcomes": {"done": [409]}},
                }
            ],
        },
        components={"parameters": {"p": {"name": "child", "in": "path", "value": 1}}},
        **{"x-canbao": {"papers": {"front": "photo"}, "words": {"kind": {"pupil": 1}}, "status": {"approved": [1]}}},
    )
    name = data.draw(st.sampled_from(["flow.arazzo.json", "openapi.json"]))
    document = json.loads((bench.folder / name).read_text(encoding="utf-8"))
    *way, last = data.draw(st.sampled_from(_places(document)[1:]))
    holder = document
    for key in way:
        holder = holder[key]
    junk = [
        None,
        0,
        -1.5,
        "",
        "x",
        "$inputs.",
        "$response.body#x",
        [],
        [1],
        {},
        {"$ref": "#/"},
        {"reference": 1},
        True,
        "{$url",
    ]
    holder[last] = data.draw(st.sampled_from(junk))
    (bench.folder / name).write_text(json.dumps(document), encoding="utf-8")
    assert all(fault.file and fault.problem for fault in told(bench.folder))
