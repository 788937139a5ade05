"""The contract: what canbao supplies to the workflows of a target, and what it needs back, as a JSON Schema.

`canbao target schema > loadtests/targets/contract.schema.json` writes it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from canbao_loadtests.flow import FLOW, FlowStep
from canbao_loadtests.targets.arazzo import Arazzo
from canbao_loadtests.targets.settings import TargetSettings

__all__ = ["FAMILY", "REVIEWER", "STEP_INPUTS", "contract_schema", "supplied"]

FAMILY: Mapping[str, str] = MappingProxyType(
    {
        "user_name": "The name of the account, new for each family: letters, digits, `-`.",
        "password": "Its password, 12 letters and digits or more.",
        "telephone": "A mobile number in the range 154, which no operator has.",
        "child_name": "The child's name.",
        "child_number": "A citizen number with area code 999999, or a newborn's certificate of birth.",
        "child_birth": "The date of birth, 2019-01-31.",
        "child_sex": "female or male.",
        "guardian_name": "The guardian's name.",
        "guardian_number": "The guardian's citizen number.",
        "address": "Where they live.",
        "kind": "newborn, pre-school or pupil.",
        "residence": "local or other, as the scenario says.",
        "fee_yuan": "What is to be paid.",
    }
)
"""What every step of a family is given, and what it is."""

REVIEWER: Mapping[str, str] = MappingProxyType(
    {"user_name": "The name of the account, new for each reviewer.", "password": "Its password."}
)
"""What every step of a reviewer is given."""

STEP_INPUTS: Mapping[str, str] = MappingProxyType(
    {
        "paper": "The deployment's word for the paper, from `papers`.",
        "paper_image": "The picture, bytes.",
        "paper_type": "Its type, image/png or image/jpeg.",
        "paper_name": "A file name for it.",
        "payment_way": "online bank, alipay or wechat pay, or as the scenario names it.",
        "idempotency_key": "A key that a repeated request shares with the first.",
        "card_password": "Six digits.",
        "bill_yuan": "The sum of the bill, a whole number of yuan.",
        "desk": "acceptance, first or second.",
        "application": "What `take` gave.",
        "verdict": "pass, return or reject.",
        "fault": "What is wrong: incomplete papers, data mismatch, refused or duplicate.",
    }
)
"""What some steps are given besides."""


def supplied(step: FlowStep) -> Mapping[str, str]:
    """Give what canbao supplies to a step, and what each is."""
    fixed = FAMILY if step.side == "family" else REVIEWER
    return {**fixed, **{name: STEP_INPUTS[name] for name in step.given}}


def contract_schema() -> dict[str, Any]:
    """Give the contract as a JSON Schema of Arazzo documents, with `target.toml` under `$defs`."""
    schema = Arazzo.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    definitions["target.toml"] = TargetSettings.model_json_schema()
    names = definitions["Workflow"]["properties"]["workflowId"]
    names["anyOf"] = [{"const": step.name, "description": _in_words(step)} for step in FLOW.values()]
    names["anyOf"].append({"type": "string", "description": "A workflow that others call."})
    properties = schema["properties"]["workflows"]
    properties["allOf"] = [_contains(step) for step in FLOW.values() if step.required]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A target of canbao",
        **{key: value for key, value in schema.items() if key != "title"},
        "x-canbao-steps": {step.name: _as_data(step) for step in FLOW.values()},
    }


def _contains(step: FlowStep) -> dict[str, Any]:
    needs: dict[str, Any] = {"properties": {"workflowId": {"const": step.name}}, "required": ["workflowId"]}
    if step.needs:
        needs["properties"]["outputs"] = {"required": list(step.needs)}
        needs["required"].append("outputs")
    return {"contains": needs}


def _in_words(step: FlowStep) -> str:
    parts = [step.does, "Every target has it." if step.required else ""]
    parts.append(f"Given: {', '.join(supplied(step))}.")
    parts.append(f"Must give: {', '.join(step.needs)}." if step.needs else "")
    parts.append(f"May give: {', '.join(step.may_give)}." if step.may_give else "")
    return " ".join(part for part in parts if part)


def _as_data(step: FlowStep) -> dict[str, Any]:
    return {
        "does": step.does,
        "side": step.side,
        "required": step.required,
        "given": dict(supplied(step)),
        "needs": list(step.needs),
        "may_give": list(step.may_give),
    }
