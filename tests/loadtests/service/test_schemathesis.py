"""Schemathesis against the service: requests made from the document, good and bad, and whether answers fit."""

from __future__ import annotations

import datetime as dt
import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import settings
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from tests.loadtests.conftest import told_by

from canbao_loadtests.service.openapi import document
from canbao_loadtests.service.operations import Limits, Operation
from canbao_loadtests.service.routes import OPERATIONS
from canbao_plugins.families.identities import citizen_number

CODE = "open sesame"
PAPERS = ("identity-card-front", "identity-card-back", "photo", "household-register")
BIRTHS = st.dates(dt.date(1950, 1, 1), dt.date(2026, 1, 1))
NUMBERS = st.builds(lambda birth, serial: citizen_number("999999", birth, serial), BIRTHS, st.integers(1, 999))

LOGGED_IN = [schemathesis.checks.ignored_auth, schemathesis.checks.missing_required_header]
"""Checks that need somebody who is not logged in."""


@dataclass
class Api:
    """A service, and a token of each side."""

    url: str
    tokens: dict[str, str]

    def ask(self, method: str, path: str, body: Any = None, side: str = "", key: str = "") -> Any:
        """Send a request that must succeed."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"content-type": "image/png" if isinstance(body, bytes) else "application/json"}
        headers |= {"authorization": f"Bearer {self.tokens[side]}"} if side else {}
        headers |= {"idempotency-key": key} if key else {}
        request = urllib.request.Request(self.url + path, content, headers, method=method)
        with urllib.request.urlopen(request) as reply:
            said = reply.read()
            return json.loads(said) if said else None


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Give a service with a family that has applications in several states, and a reviewer."""
    options = ["--json", "--port", "0", "--data", str(tmp_path_factory.mktemp("data")), "--reviews", "people"]
    command = [sys.executable, "-m", "canbao", "serve", *options, "--password-cost", "1"]
    environment = {"CANBAO_REVIEWER_CODE": CODE, "PATH": "", "PYTHONWARNINGS": "error"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        found = Api(told_by(process)["url"], {})
        prepare(found)
        yield found
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0


@pytest.fixture(scope="module")
def schema() -> Any:
    """Give the document as one that makes requests."""
    load_all_checks()
    schemathesis.openapi.format("child-number", NUMBERS)
    return schemathesis.openapi.from_dict(document(OPERATIONS, Limits()))


def prepare(api: Api) -> None:
    """Open accounts, and leave one application as a draft and three in review."""
    people = {"family": {"telephone": "15400000000"}, "reviewer": {"code": CODE}}
    for side, more in people.items():
        account = {"name": side, "password": "password-1"}
        api.ask("POST", "/accounts" if side == "family" else "/reviewers", {**account, **more})
        api.tokens[side] = api.ask("POST", "/sessions", account)["token"]
    for number in range(1, 5):
        form = {"name": "Li", "number": f"A99000000{number}", "guardian": "Li"}
        path = f"/applications/{api.ask('POST', '/applications', form, 'family')['application']}"
        api.ask("PUT", f"{path}/payment-choice", {"way": "alipay"}, "family")
        for paper in PAPERS:
            api.ask("PUT", f"{path}/papers/{paper}", b"\x89PNG", "family")
        if number > 1:
            api.ask("POST", f"{path}/payment", None, "family", f"pay {number}")
            api.ask("POST", f"{path}/submission", None, "family", f"submit {number}")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: f"{operation.method} {operation.path}")
def test_every_answer_is_one_that_the_document_allows(operation: Operation, schema: Any, api: Api) -> None:
    """No failure of the server, no status, content type or form that is not described, nothing wrong that is accepted.

    Whoever asks is logged in always, so that it is not the same refusal each time; who is not is another test's matter.
    Requests are made here and not by `schema.parametrize()`, which makes those of all operations to find the tests:
    seconds in each process.
    """
    described = schema[operation.path][operation.method]
    token = api.tokens.get(described.tags[0])
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    @settings(max_examples=10)
    def asked(case: Any) -> None:
        case.call_and_validate(base_url=api.url, headers=headers, excluded_checks=LOGGED_IN)

    usual = schema.config.get_hypothesis_settings(operation=described, phase="fuzzing")
    all_kinds = HypothesisTestConfig(schema.config, list(HypothesisTestMode), usual)
    create_test(operation=described, test_func=asked, config=all_kinds)()
