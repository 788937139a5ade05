"""The OpenAPI document says what the service does, all of it; other tests hold each answer against it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route

from canbao.cli import program
from canbao_loadtests.service.models import Child, Decision
from canbao_loadtests.service.openapi import document
from canbao_loadtests.service.routes import OPERATIONS


def test_it_is_an_openapi_document(document_of_service: Any) -> None:
    """A validator that is not ours finds nothing wrong in it, schemas included."""
    assert document_of_service["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document_of_service).validate()


def test_it_is_served_as_it_is_printed(play: Any) -> None:
    """The service gives the document for its own limits at /openapi.json."""

    async def scene(office: Any) -> None:
        served = await office.client("GET", "/openapi.json")
        assert served.json == json.loads(json.dumps(document(OPERATIONS, office.client.state.limits)))

    play(scene)


def test_the_command_prints_it(document_of_service: Any) -> None:
    """`canbao serve --openapi` needs no service to run."""
    result = CliRunner().invoke(program, ["serve", "--openapi"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json.loads(json.dumps(document_of_service))


def test_paths_and_methods_are_those_of_the_service(play: Any, document_of_service: Any) -> None:
    """Each route is described and each description has a route."""

    async def scene(office: Any) -> None:
        routes = {
            (route.path, method.lower())
            for route in office.client.app.routes
            if isinstance(route, Route) and route.path != "/openapi.json"
            for method in (route.methods or set()) - {"HEAD"}
        }
        described = {(path, method) for path, methods in document_of_service["paths"].items() for method in methods}
        assert routes == described

    play(scene)


def test_every_operation_has_a_name_of_its_own_and_a_sentence(document_of_service: Any) -> None:
    """So a target's workflow can call it by name, and a reader knows what it does."""
    operations = [said for methods in document_of_service["paths"].values() for said in methods.values()]
    assert len({said["operationId"] for said in operations}) == len(operations)
    assert all(said["summary"] for said in operations)


def test_the_flow_is_all_there(document_of_service: Any) -> None:
    """Each step of the flow is an operation."""
    names = {said["operationId"] for methods in document_of_service["paths"].values() for said in methods.values()}
    flow = ["register", "log_in", "enrol_child", "upload_paper", "choose_payment", "pay_fee", "submit", "progress"]
    flow += ["correct_child", "read_notices", "download_credential", "order", "collect", "activate", "settle_bill"]
    assert set(flow) <= names
    assert {"register_reviewer", "take", "look", "look_at_paper", "decide_application", "show_backlog"} <= names


@pytest.mark.parametrize("number", ["110101201003071234", "999999201013011239", "999999201001010121", "A110000001", ""])
def test_numbers_that_could_be_somebodys_are_refused(number: str) -> None:
    """An assigned area code, a date that is none, a wrong check digit, a certificate of a real province."""
    with pytest.raises(ValueError, match="number"):
        Child.model_validate({"name": "Li Ming", "number": number, "guardian": "Li Gang"})


def test_a_return_needs_a_reason() -> None:
    """Nobody is sent away without being told why."""
    with pytest.raises(ValueError, match="reasons"):
        Decision.model_validate({"verdict": "return", "reasons": []})
