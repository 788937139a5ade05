"""The reviewer's side: who may take what, and what happens when somebody goes home with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

PASS = {"verdict": "pass"}


async def take(office: Any, desk: str, token: str) -> Any:
    """Take the next application of a desk; None if there is none."""
    reply = await office.client("POST", f"/review/{desk}/next", token=token)
    return reply.json["application"] if reply.status == 200 else None


async def decide(office: Any, application: int, token: str, decision: Any) -> Any:
    """Decide on an application."""
    return await office.client("POST", f"/review/applications/{application}/decision", decision, token=token)


async def families(office: Any, count: int) -> list[Any]:
    """Let some families hand in, one after the other."""
    found = [await office.family() for _ in range(count)]
    for family in found:
        office.client.hand.time += 0.001
        await family.hand_in()
    return found


def test_who_waited_longest_is_taken_first_and_by_one_reviewer_only(play: Any) -> None:
    """Two reviewers get two applications, in the order in which they were handed in; a third gets none."""

    async def scene(office: Any) -> None:
        first, second = await families(office, 2)
        anna, bert, carl = [await office.reviewer() for _ in range(3)]
        assert await take(office, "acceptance", anna) == first.application
        assert await take(office, "acceptance", bert) == second.application
        assert await take(office, "acceptance", carl) is None
        assert await take(office, "acceptance", anna) == first.application

    play(scene)


def test_newborns_are_taken_first(play: Any) -> None:
    """A child with a birth certificate in the place of a number goes before those who came earlier."""

    async def scene(office: Any) -> None:
        older, newborn = await office.family(), await office.family()
        newborn.form["number"] = "A990000001"
        await older.hand_in()
        await newborn.hand_in()
        assert await take(office, "acceptance", await office.reviewer()) == newborn.application

    play(scene)


def test_the_second_review_is_by_another_person(play: Any) -> None:
    """Whoever did the first review of a round is not given it again at the second desk."""

    async def scene(office: Any) -> None:
        (family,) = await families(office, 1)
        anna, bert = await office.reviewer(), await office.reviewer()
        for desk in ("acceptance", "first"):
            assert (await decide(office, await take(office, desk, anna), anna, PASS)).status == 200
        assert await take(office, "second", anna) is None
        assert await take(office, "second", bert) == family.application

    play(scene)


def test_what_nobody_decided_in_time_is_free_again(play: Any, settings: Any) -> None:
    """An application comes back to the queue when its time is over, and who had it can decide no more."""

    async def scene(office: Any) -> None:
        (family,) = await families(office, 1)
        anna, bert = await office.reviewer(), await office.reviewer()
        assert await take(office, "acceptance", anna) == family.application
        assert await take(office, "acceptance", bert) is None
        office.client.hand.time += 10.5
        assert await take(office, "acceptance", bert) == family.application
        assert (await decide(office, family.application, anna, PASS)).status == 404

    play(scene, limits=replace(settings.limits, take_s=10.0))


def test_a_decision_said_twice_counts_once(play: Any) -> None:
    """A repeated decision gets the same answer; another one is refused, as the application has moved on."""

    async def scene(office: Any) -> None:
        (family,) = await families(office, 1)
        anna = await office.reviewer()
        application = await take(office, "acceptance", anna)
        once, twice = [await decide(office, application, anna, PASS) for _ in range(2)]
        assert (once.status, once.content) == (twice.status, twice.content)
        other = {"verdict": "reject", "reasons": [{"fault": "refused"}]}
        assert (await decide(office, application, anna, other)).status == 404
        assert (await family.progress())["desk"] == "first"

    play(scene)


def test_only_what_is_in_hand_can_be_looked_at(play: Any) -> None:
    """Form and papers open to whoever has taken the application, and to no other reviewer."""

    async def scene(office: Any) -> None:
        (family,) = await families(office, 1)
        anna, bert = await office.reviewer(), await office.reviewer()
        await take(office, "acceptance", anna)
        path = f"/review/applications/{family.application}"
        seen = await office.client("GET", path, token=anna)
        assert seen.json["child"] == family.form
        assert (await office.client("GET", f"{path}/papers/photo", token=anna)).status == 200
        assert (await office.client("GET", f"{path}/papers/school-proof", token=anna)).status == 404
        assert (await office.client("GET", path, token=bert)).status == 404
        assert (await office.client("GET", f"{path}/papers/photo", token=bert)).status == 404

    play(scene)


def test_the_backlog_counts_applications_by_desk(play: Any) -> None:
    """What was handed in stands at a desk until it is decided."""

    async def scene(office: Any) -> None:
        await families(office, 3)
        anna = await office.reviewer()
        await decide(office, await take(office, "acceptance", anna), anna, PASS)
        counted = (await office.client("GET", "/review", token=anna)).json
        assert counted == {"acceptance": 2, "first": 1, "second": 0}

    play(scene)


def test_reviewers_need_the_code(play: Any) -> None:
    """Without the right code there is no account; where the service has none, nobody gets one."""
    new = {"name": "eve", "password": "password-1", "code": "guessed"}

    async def scene(office: Any) -> None:
        assert (await office.client("POST", "/reviewers", new)).status == 403
        assert (await office.client("POST", "/reviewers", {**new, "code": ""})).status == 403

    play(scene)
    play(scene, reviewer_code=None)
