"""Requests that do not fit: what is answered, and what is not given away."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 400), (b"{", 400), (b"[]", 422), (b"{}", 422), (b'{"name": "a", "extra": 1}', 422), (b"\xff", 400)],
)
def test_bodies_that_do_not_fit_are_refused(play: Any, content: bytes, status: int) -> None:
    """No JSON is 400; JSON of another form is 422."""

    async def scene(office: Any) -> None:
        headers = {"content-type": "application/json"}
        assert (await office.client("POST", "/sessions", content, headers=headers)).status == status

    play(scene)


def test_all_faults_of_a_body_are_told_at_once_and_none_of_its_values(play: Any) -> None:
    """Each fault has its place; what was sent, a password among it, is not repeated."""

    async def scene(office: Any) -> None:
        body = {"name": "x" * 100, "password": f"{SECRET} with spaces", "telephone": "13800138000", "more": SECRET}
        reply = await office.client("POST", "/accounts", body)
        assert reply.status == 422
        assert {fault["where"] for fault in reply.json["faults"]} == {"name", "password", "telephone", "more"}
        for sent in (SECRET, "13800138000", "xxxx"):
            assert sent not in reply.content.decode()

    play(scene)


def test_the_number_of_a_real_place_is_not_stored(play: Any) -> None:
    """A citizen number that could be somebody's is refused, and does not come back in the answer."""

    async def scene(office: Any) -> None:
        family = await office.family()
        body = {**family.form, "number": "11010120100307123X"}
        reply = await office.client("POST", "/applications", body, token=family.token)
        assert reply.status == 422
        assert "110101" not in reply.content.decode()
        listed = await office.client("GET", "/applications", token=family.token)
        assert listed.json["applications"] == []

    play(scene)


def test_large_bodies_are_refused(play: Any) -> None:
    """Papers and forms have their limits, with or without a header that tells the length."""

    async def scene(office: Any) -> None:
        family = await office.family()
        await family.enrol()
        assert (await family("PUT", "/papers/photo", b"x" * 10_000)).status == 201
        assert (await family("PUT", "/papers/photo", b"x" * 10_001)).status == 413
        assert (await family("PUT", "/papers/photo", b"")).status == 422
        assert (await office.client("POST", "/accounts", {"name": "x" * 20_000})).status == 413

    play(scene)


def test_papers_are_pictures(play: Any) -> None:
    """Another content type than those of the document is 415."""

    async def scene(office: Any) -> None:
        family = await office.family()
        await family.enrol()
        reply = await family("PUT", "/papers/photo", b"#!/bin/sh", headers={"content-type": "text/x-shellscript"})
        assert reply.status == 415
        assert (await office.client("POST", "/sessions", b"{}", headers={"content-type": "text/plain"})).status == 415

    play(scene)


def test_tokens_expire_and_cannot_be_made(play: Any, settings: Any) -> None:
    """A token is good for its time and for what it says; any other is 401, whatever it holds."""

    async def scene(office: Any) -> None:
        family = await office.family()

        async def ask(token: str) -> Any:
            return await office.client("GET", "/applications", token=token)

        assert (await ask(family.token)).status == 200
        account, side, until, signature = family.token.split(".")
        forged = [
            f"{account}.reviewer.{until}.{signature}",
            f"2.{side}.{until}.{signature}",
            "x",
            "...",
            "\xe9",
            "." * 99,
        ]
        forged += [f"{account}.{side}.{int(until) + 1}.{signature}", family.token + "0"]
        for token in forged:
            reply = await ask(token)
            assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer"), token
        office.client.hand.time += 59
        assert (await ask(family.token)).status == 200
        office.client.hand.time += 1
        assert (await ask(family.token)).status == 401

    play(scene, limits=replace(settings.limits, token_s=60.0))


def test_whoever_is_not_logged_in_gets_nowhere(play: Any, document_of_service: Any) -> None:
    """Each operation of one side is 401 without a token, before it looks at anything else; the others are open."""

    async def scene(office: Any) -> None:
        for path, methods in document_of_service["paths"].items():
            for method, said in methods.items():
                where = path.format(application=1, paper="photo", desk="first")
                reply = await office.client(method.upper(), where)
                assert (reply.status == 401) == ("security" in said), (method, path)

    play(scene)


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 30, "1.0", "\u0661", str(2**53)])
def test_numbers_that_no_application_has_are_404(play: Any, number: str) -> None:
    """Neither text nor numbers too large for a database get any further."""

    async def scene(office: Any) -> None:
        family = await office.family()
        reply = await office.client._send(
            "GET", f"/applications/{number}", b"", {"authorization": f"Bearer {family.token}"}
        )
        assert reply.status == 404

    play(scene)


def test_what_is_not_there_is_told_as_a_problem(play: Any) -> None:
    """Unknown paths are 404, unknown methods 405 with those that there are."""

    async def scene(office: Any) -> None:
        send = office.client._send
        missing, wrong = await send("GET", "/nothing", b"", {}), await send("DELETE", "/accounts", b"", {})
        assert (missing.status, wrong.status, wrong.headers["allow"]) == (404, 405, "POST")
        assert {reply.headers["content-type"] for reply in (missing, wrong)} == {"application/problem+json"}
        assert json.loads(wrong.content)["status"] == 405

    play(scene)
