"""The flow on PostgreSQL: the same steps as on SQLite, and many at once."""

from __future__ import annotations

import asyncio
from typing import Any


def test_a_family_goes_through_and_is_found_again_after_a_restart(play: Any, database: str) -> None:
    """Enrol, pay, hand in, three desks, and another service on the same database knows it."""
    there: list[Any] = []

    async def scene(office: Any) -> None:
        family, anna, bert = await office.family(), await office.reviewer(), await office.reviewer()
        await family.hand_in()
        for desk, token in (("acceptance", anna), ("first", anna), ("second", bert)):
            taken = await office.client("POST", f"/review/{desk}/next", token=token)
            path = f"/review/applications/{taken.json['application']}/decision"
            assert (await office.client("POST", path, {"verdict": "pass"}, token=token)).status == 200
        there.extend([family, await family.progress()])

    async def later(office: Any) -> None:
        family, told = there
        family.client = office.client
        assert told["status"] == "approved"
        assert await family.progress() == told

    play(scene, database=database)
    play(later, database=database)


def test_many_at_once_do_each_thing_once(play: Any, database: str) -> None:
    """Ten repeats of one submission are one; twenty reviewers at once get twenty applications."""

    async def scene(office: Any) -> None:
        families = [await office.family() for _ in range(20)]
        await asyncio.gather(*(family.hand_in() for family in families))
        family = await office.family()
        await family.enrol()
        await family.upload()
        await family.pay()
        replies = await asyncio.gather(*(family.submit() for _ in range(10)))
        assert {(reply.status, reply.content) for reply in replies} == {(201, replies[0].content)}
        assert sum("idempotency-replayed" not in reply.headers for reply in replies) == 1
        tokens = [await office.reviewer() for _ in range(20)]
        taken = await asyncio.gather(
            *(office.client("POST", "/review/acceptance/next", token=token) for token in tokens)
        )
        assert len({reply.json["application"] for reply in taken}) == 20

    play(scene, database=database)


def test_two_who_enrol_one_child_at_once_get_one_application(play: Any, database: str) -> None:
    """One of two accounts gets it, and the other is refused."""

    async def scene(office: Any) -> None:
        one, other = await office.family(), await office.family()
        replies = await asyncio.gather(
            *(office.client("POST", "/applications", one.form, token=each.token) for each in (one, other))
        )
        assert sorted(reply.status for reply in replies) == [201, 409]

    play(scene, database=database)
