"""What tests of targets share: a browser that is told its answers, one that really sends, and small targets."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from canbao_loadtests.http.messages import Request, Response, TransportError
from canbao_loadtests.targets import ArazzoTarget, load_target

FAMILY: Mapping[str, Any] = {
    "user_name": "family-1",
    "password": "correct-horse-1",
    "telephone": "15400000001",
    "child_name": "Li Xiaoming",
    "child_number": "999999201901010011",
    "child_birth": "2019-01-31",
    "child_sex": "male",
    "guardian_name": "Li Gang",
    "guardian_number": "999999199001010015",
    "address": "1 Sample Road",
    "kind": "pupil",
    "residence": "local",
    "fee_yuan": 400.0,
}

Reply = Response | TransportError | Callable[[Request], Response]


def reply(status: int = 200, body: Any = None, cookies: Mapping[str, str] | None = None, **headers: str) -> Response:
    """Make an answer: data as JSON, a text as HTML, bytes as they are."""
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    kind = "text/html" if isinstance(body, str) else kind
    content = body if isinstance(body, bytes) else b"" if body is None else _encoded(body)
    lines = [("Content-Type", kind)] if body is not None else []
    lines += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Response(status, lines, content, "", dict(cookies or {}))


def _encoded(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


@dataclass
class Told:
    """A browser that gives the answers it was told, the last one for ever, and keeps what it was to send."""

    replies: Sequence[Reply]
    jar: dict[str, str] = field(default_factory=dict)
    sent: list[Request] = field(default_factory=list)

    def send(self, request: Request) -> Response:
        self.sent.append(request)
        answer = self.replies[min(len(self.sent), len(self.replies)) - 1]
        if isinstance(answer, TransportError):
            raise answer
        if isinstance(answer, Response):
            self.jar |= answer.cookies
            return answer
        return answer(request)

    def cookies(self) -> dict[str, str]:
        return dict(self.jar)

    def close(self) -> None:
        return None


@dataclass
class Plain:
    """A browser on the standard library, without cookies and redirects: enough for the reference service."""

    url: str

    def send(self, request: Request) -> Response:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            connection.request(request.method, request.path, request.body, dict(request.headers))
            answer = connection.getresponse()
            return Response(answer.status, answer.getheaders(), answer.read(), self.url + request.path)
        except OSError as error:
            raise TransportError("reset", str(error)) from error
        finally:
            connection.close()

    def cookies(self) -> dict[str, str]:
        return {}

    def close(self) -> None:
        return None


OPENAPI: Mapping[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "a deployment", "version": "1"},
    "paths": {
        "/login": {
            "get": {"operationId": "login_page", "responses": {"200": {"description": "a form"}}},
            "post": {
                "operationId": "login",
                "requestBody": {
                    "content": {"application/json": {}, "application/x-www-form-urlencoded": {}},
                    "required": True,
                },
                "responses": {"200": {"description": "in"}},
            },
        },
        "/children": {
            "post": {
                "operationId": "add_child",
                "requestBody": {
                    "content": {
                        "application/json": {},
                        "application/x-www-form-urlencoded": {},
                        "multipart/form-data": {},
                        "application/xml": {},
                        "image/*": {},
                    }
                },
                "responses": {"201": {"description": "added"}},
            },
            "get": {"operationId": "list_children", "responses": {"200": {"description": "all"}}},
        },
        "/children/{child}": {
            "parameters": [{"name": "child", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "operationId": "show_child",
                "parameters": [
                    {"name": "fields", "in": "query", "explode": False, "schema": {"type": "array"}},
                    {"name": "tags", "in": "query", "schema": {"type": "array"}},
                    {"name": "filter", "in": "query", "style": "deepObject", "schema": {"type": "object"}},
                    {"name": "q", "in": "query", "schema": {"type": "string"}},
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                    {"name": "theme", "in": "cookie", "schema": {"type": "string"}},
                ],
                "responses": {"200": {"description": "one"}},
            },
            "post": {"operationId": "hand_in", "responses": {"200": {"description": "handed in"}}},
        },
    },
}

ENROL = {"workflowId": "enrol", "steps": [{"stepId": "s", "operationId": "list_children"}]}
SUBMIT = {"workflowId": "submit", "steps": [{"stepId": "s", "operationId": "list_children"}]}
PROGRESS = {
    "workflowId": "progress",
    "steps": [
        {"stepId": "s", "operationId": "list_children", "outputs": {"status": "$response.body#/status"}},
    ],
    "outputs": {"status": "$steps.s.outputs.status"},
}


@dataclass
class Bench:
    """A folder for small targets: `bench(workflow, ...)` writes the documents and reads the target."""

    folder: Path
    naps: list[float] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    kept: Any = None

    def write(self, *workflows: Mapping[str, Any], settings: str = 'name = "small"', **more: Any) -> Path:
        """Write the documents: the workflows, those that every target needs, and more keys of the document."""
        own = {workflow["workflowId"] for workflow in workflows}
        needed = [workflow for workflow in (ENROL, SUBMIT, PROGRESS) if workflow["workflowId"] not in own]
        document = {
            "arazzo": "1.0.1",
            "info": {"title": "small", "version": "1"},
            "sourceDescriptions": [{"name": "api", "url": "openapi.json", "type": "openapi"}],
            "workflows": [*workflows, *needed],
            **more,
        }
        (self.folder / "openapi.json").write_text(json.dumps(OPENAPI, indent=1), encoding="utf-8")
        (self.folder / "flow.arazzo.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
        (self.folder / "target.toml").write_text(settings, encoding="utf-8")
        return self.folder

    def __call__(self, *workflows: Mapping[str, Any], **more: Any) -> ArazzoTarget:
        """Write the documents and read them."""
        return load_target(self.write(*workflows, **more), self.environment, self.naps.append)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Give a folder for small targets."""
    return Bench(tmp_path)
