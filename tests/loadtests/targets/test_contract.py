"""The contract: what canbao supplies and needs, as a JSON Schema, and the folders that keep it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from canbao_loadtests.flow import FLOW
from canbao_loadtests.targets import load_target, read_settings
from canbao_loadtests.targets.checking import openapi_faults
from canbao_loadtests.targets.command import command
from canbao_loadtests.targets.contract import FAMILY, STEP_INPUTS, contract_schema, supplied
from canbao_loadtests.targets.documents import read_document

TARGETS = Path(__file__).parents[3] / "loadtests" / "targets"
REFERENCE = TARGETS / "reference"
PAGE = Path(__file__).parents[3] / "docs" / "how-to-write-a-target.md"


def test_the_schema_in_the_repository_is_the_codes() -> None:
    """`contract.schema.json` says what the code says."""
    printed = CliRunner().invoke(command, ["schema"]).output
    assert (TARGETS / "contract.schema.json").read_text(encoding="utf-8") == printed
    assert json.loads(printed) == contract_schema()


def test_the_schema_is_a_schema_and_the_reference_target_keeps_it() -> None:
    """The schema is valid, and the reference target's documents are what it asks for."""
    schema = contract_schema()
    Draft202012Validator.check_schema(schema)
    flow = yaml.safe_load((REFERENCE / "flow.arazzo.yaml").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(flow)
    settings = {"$ref": "#/$defs/target.toml", "$defs": schema["$defs"]}
    Draft202012Validator(settings).validate(read_settings(REFERENCE).model_dump(exclude_unset=True))


@pytest.mark.parametrize("step", [step for step in FLOW.values() if step.required])
def test_the_schema_asks_for_required_steps_and_their_outputs(step: object) -> None:
    """A document without a step that every target must have, or without an output that canbao needs, does not fit."""
    name, needs = step.name, step.needs
    flow = yaml.safe_load((REFERENCE / "flow.arazzo.yaml").read_text(encoding="utf-8"))
    validator = Draft202012Validator(contract_schema())
    without = {**flow, "workflows": [one for one in flow["workflows"] if one["workflowId"] != name]}
    assert not validator.is_valid(without)
    for need in needs:
        one = next(one for one in flow["workflows"] if one["workflowId"] == name)
        one["outputs"].pop(need)
        assert not validator.is_valid(flow)


def test_every_input_of_a_step_is_explained() -> None:
    """What canbao supplies to any step is explained, and nothing is explained that is never supplied."""
    given = {name for step in FLOW.values() for name in step.given}
    assert given == set(STEP_INPUTS)
    assert all(set(FAMILY) <= set(supplied(step)) for step in FLOW.values() if step.side == "family")


def test_the_page_tells_all_of_the_contract() -> None:
    """The documented page names every step, every input and every output of the contract."""
    page = PAGE.read_text(encoding="utf-8")
    names = [*FLOW, *FAMILY, *STEP_INPUTS, *(name for step in FLOW.values() for name in (*step.needs, *step.may_give))]
    assert [name for name in dict.fromkeys(names) if f"`{name}`" not in page] == []


def test_the_reference_target_covers_the_whole_flow() -> None:
    """The reference target has every step of the flow, both sides."""
    assert load_target(REFERENCE).steps == set(FLOW)


def test_the_reference_targets_openapi_document_is_the_services() -> None:
    """`openapi.json` is what `canbao serve --openapi` prints."""
    line = [sys.executable, "-m", "canbao", "serve", "--openapi"]
    printed = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    assert (REFERENCE / "openapi.json").read_text(encoding="utf-8") == printed


def test_an_independent_checker_agrees_about_openapi(tmp_path: Path) -> None:
    """The reference's document passes the checker of the OpenAPI schema; a broken one is told with its line."""
    document = read_document(REFERENCE / "openapi.json")
    assert openapi_faults(document) == []
    broken = tmp_path / "openapi.json"
    broken.write_text(document.text.replace('"title": "canbao reference service",', ""), encoding="utf-8")
    faults = openapi_faults(read_document(broken))
    assert faults
    assert faults[0].line is not None
