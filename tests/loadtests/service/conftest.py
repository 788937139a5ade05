"""What tests of the reference service share: a service in this process, and a client that checks every answer."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from jsonschema import Draft202012Validator
from tests.loadtests.conftest import free_port

from canbao.plugins import load_plugins
from canbao.testing import small_scenario
from canbao_loadtests.service.openapi import document
from canbao_loadtests.service.operations import Limits, State
from canbao_loadtests.service.routes import OPERATIONS
from canbao_loadtests.service.rules import Rules, rules_of
from canbao_loadtests.service.serving import Settings, opened
from canbao_plugins.families.identities import citizen_number

DOCUMENT = document(OPERATIONS, Limits())
NEEDED = ("identity-card-front", "identity-card-back", "photo", "household-register")
CODE = "open sesame"
PICTURE = b"\x89PNG sample"
NO_CHANCE = {"precheck": 0.0, "incomplete": 0.0, "mismatch": 0.0, "refused": 0.0, "duplicate": 0.0}


@dataclass
class Reply:
    """An answer."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Hand:
    """Real time, moved by hand."""

    time: float = 1_000_000.0

    def __call__(self) -> float:
        return self.time


class Client:
    """Calls an ASGI application in this process, and holds each answer against the OpenAPI document."""

    def __init__(self, app: Any, state: State, hand: Hand) -> None:
        self.app, self.state, self.hand = app, state, hand

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request: `body` is data for JSON, or the bytes of a picture."""
        is_bytes = isinstance(body, bytes)
        sent: dict[str, str] = (
            {"content-type": "image/png" if is_bytes else "application/json"} if body is not None else {}
        )
        sent |= {"authorization": f"Bearer {token}"} if token else {}
        sent |= {"idempotency-key": key} if key else {}
        content = body if is_bytes else b"" if body is None else json.dumps(body).encode()
        reply = await self._send(method, path, content, {**sent, **(headers or {})})
        if path != "/openapi.json":
            hold_against_document(method, path, reply)
        return reply

    async def _send(self, method: str, path: str, content: bytes, headers: Mapping[str, str]) -> Reply:
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80), "headers": [(k.encode(), v.encode("latin-1")) for k, v in headers.items()],
        }  # fmt: skip
        messages: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        start = messages[0]
        got = {k.decode().lower(): v.decode("latin-1") for k, v in start["headers"]}
        return Reply(start["status"], got, b"".join(m.get("body", b"") for m in messages[1:]))


def operation_of(method: str, path: str) -> dict[str, Any]:
    """Give what the document says of a path."""
    for template, methods in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            found: dict[str, Any] = methods[method.lower()]
            return found
    raise LookupError(path)


def hold_against_document(method: str, path: str, reply: Reply) -> None:
    """See that the document knows the status, the content type and the form of an answer."""
    said = operation_of(method, path)["responses"]
    assert str(reply.status) in said, f"{method} {path}: {reply.status} is not in the document: {reply.content!r}"
    content = said[str(reply.status)].get("content")
    if content is None:
        assert reply.content == b""
        return
    content_type = reply.headers["content-type"].partition(";")[0]
    media = content.get(content_type, content.get("*/*"))
    assert media is not None, f"{content_type} is not in the document"
    if "schema" in media:
        schema = {**media["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(reply.json)


_NUMBERS = itertools.count(1)


def child() -> dict[str, str]:
    """Give the form of a child whom nobody has enrolled yet."""
    serial = next(_NUMBERS)
    birth = dt.date(2010, 1, 1) + dt.timedelta(days=serial // 900)
    return {"name": "Li Xiaoming", "number": citizen_number("999999", birth, 1 + serial % 900), "guardian": "Li Gang"}


@dataclass
class Family:
    """A family with an account, and its way through the flow."""

    client: Client
    token: str
    form: dict[str, str] = field(default_factory=child)
    application: int = 0

    async def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> Reply:
        """Send a request about the application."""
        return await self.client(method, f"/applications/{self.application}{path}", body, token=self.token, **more)

    async def enrol(self) -> None:
        reply = await self.client("POST", "/applications", self.form, token=self.token)
        assert reply.status == 201, reply.content
        self.application = reply.json["application"]

    async def upload(self) -> None:
        for paper in NEEDED:
            assert (await self("PUT", f"/papers/{paper}", PICTURE)).status == 201

    async def pay(self, key: str = "pay") -> Reply:
        assert (await self("PUT", "/payment-choice", {"way": "alipay"})).status == 204
        return await self("POST", "/payment", key=key)

    async def submit(self, key: str = "submit") -> Reply:
        return await self("POST", "/submission", key=key)

    async def hand_in(self) -> None:
        """Go all the way until the application is handed in."""
        await self.enrol()
        await self.upload()
        assert (await self.pay()).status == 201
        reply = await self.submit()
        assert reply.status == 201, reply.content

    async def progress(self) -> Any:
        return (await self("GET", "")).json


@dataclass
class Office:
    """Makes people: families and reviewers."""

    client: Client
    count: int = 0

    async def log_in(self, name: str) -> str:
        reply = await self.client("POST", "/sessions", {"name": name, "password": "password-1"})
        assert reply.status == 201, reply.content
        return str(reply.json["token"])

    async def family(self) -> Family:
        self.count += 1
        name = f"family{self.count}"
        body = {"name": name, "password": "password-1", "telephone": f"154{self.count:08d}"}
        assert (await self.client("POST", "/accounts", body)).status == 201
        return Family(self.client, await self.log_in(name))

    async def reviewer(self) -> str:
        self.count += 1
        name = f"reviewer{self.count}"
        reply = await self.client("POST", "/reviewers", {"name": name, "password": "password-1", "code": CODE})
        assert reply.status == 201, reply.content
        return await self.log_in(name)


Scene = Callable[[Office], Awaitable[None]]
Play = Callable[..., None]


@pytest.fixture(scope="session")
def rules() -> Rules:
    """Give the rules of a small district in which nothing goes wrong by chance."""
    file = small_scenario({"review": NO_CHANCE}, load_plugins(environment={"CANBAO_NO_PLUGINS": "1"}))
    return rules_of(file, pay="before review")


@pytest.fixture
def settings(rules: Rules, tmp_path: Path) -> Settings:
    """Give a service whose clock stands still until it is moved, reviewed by people; its passwords are cheap."""
    limits = Limits(password_cost=1, paper_bytes=10_000)
    return Settings(rules, tmp_path, reviews="people", limits=limits, reviewer_code=CODE, real_time=Hand())


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Office]:
    """Run a service in this process."""
    hand = settings.real_time
    async with opened(settings) as (app, state), app.router.lifespan_context(app):
        yield Office(Client(app, state, hand if isinstance(hand, Hand) else Hand()))


_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
_SPEED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")  # what tests need not survive


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Run PostgreSQL (Debian: postgresql) on loopback, in a folder of its own; give its URL without a database."""
    assert _PROGRAMS, "these tests need PostgreSQL: apt-get install postgresql"
    with tempfile.TemporaryDirectory(prefix="canbao-postgres-", ignore_cleanup_errors=True) as folder:
        user = {"user": "postgres"} if os.geteuid() == 0 else {}  # it refuses to run as root
        if user:
            shutil.chown(folder, "postgres")
        data = f"{folder}/data"
        options: dict[str, Any] = {"stdout": subprocess.DEVNULL, "cwd": folder, **user}
        initdb = [_PROGRAMS[-1] / "initdb", "-D", data, "-U", "canbao", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(initdb, check=True, **options)
        port = free_port()
        listen = ["-h", "127.0.0.1", "-p", str(port), "-k", folder]
        command = [_PROGRAMS[-1] / "postgres", "-D", data, *listen, *(word for s in _SPEED for word in ("-c", s))]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder, user=user.get("user")) as server:
            assert server.stderr is not None
            said = []
            for line in server.stderr:
                said.append(line)
                if "ready to accept connections" in line:
                    break
            assert server.poll() is None, "".join(said)
            drain = threading.Thread(target=server.stderr.read)
            drain.start()
            try:
                yield f"postgresql://canbao@127.0.0.1:{port}/"
            finally:
                server.send_signal(signal.SIGQUIT)
                server.wait()
                drain.join()


@pytest.fixture
def database(postgres: str) -> str:
    """Give the URL of a new database."""
    name = f"test{next(_NUMBERS)}"

    async def make() -> None:
        connection = await asyncpg.connect(f"{postgres}postgres")
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    asyncio.run(make())
    return f"{postgres}{name}"


@pytest.fixture
def play(settings: Settings) -> Play:
    """Give a function that plays a scene with a service; settings can be changed by name."""

    def with_service(scene: Scene, **changes: Any) -> None:
        async def whole() -> None:
            async with running(replace(settings, **changes)) as office:
                await scene(office)

        asyncio.run(whole())

    return with_service


Running = Callable[[Settings], AbstractAsyncContextManager[Office]]


@pytest.fixture
def run_service() -> Running:
    """Give the function that runs a service."""
    return running


@pytest.fixture
def document_of_service() -> dict[str, Any]:
    """Give the OpenAPI document."""
    return DOCUMENT
