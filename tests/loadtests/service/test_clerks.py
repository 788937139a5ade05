"""The service's own clerks, on a clock that runs."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from canbao_loadtests.service.enrolment import Step
from canbao_loadtests.service.enrolment.review import backlog
from canbao_loadtests.service.models import Desk
from canbao_loadtests.service.serving import Speed

FILL_ACCOUNT = "INSERT INTO accounts (id, name, password, side, opened) VALUES (1, 'many', '-', 'family', 0)"
FILL = (
    "INSERT INTO applications (account, child, number, guardian, status, round, desk, priority, since, paid, fee_yuan, "
    "tries, enrolled, handed_in, reasons) VALUES (1, ?1, 'x', 'y', 'in review', 1, ?2, 1, 0, 'no', 400, 0, 0, 0, '[]')"
)


async def until(condition: Any, seconds: float = 30.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.01)


async def counted(state: Any, sql: str) -> int:
    """Give the number that a statement counts."""
    row = await state.storage.read(lambda tx: tx.one(sql))
    return int(row[0])


def test_clerks_decide_what_families_hand_in(play: Any) -> None:
    """Ten families hand in, nobody reviews over HTTP, and all are approved; each desk has decided once on each."""

    async def scene(office: Any) -> None:
        families = [await office.family() for _ in range(10)]
        for family in families:
            await family.hand_in()

        async def approved() -> bool:
            return all([(await family.progress())["status"] == "approved" for family in families])

        await until(approved)
        assert await counted(office.client.state, "SELECT count(*) FROM decisions") == 30
        notices = await office.client("GET", "/notices", token=families[0].token)
        assert notices.status == 200

    play(scene, reviews="clerks", speed=Speed(1.0), real_time=time.time)


def test_the_pipeline_gets_through_clerks_times_speed(play: Any, settings: Any, rules: Any) -> None:
    """With work enough, decisions of a scaled working day are clerks x open time / mean service, within 5 %.

    A working day takes 0.3 s, and the moments of all decisions stand in the database: what was decided in ten working
    days is counted, whatever the machine was doing meanwhile.
    """
    filled = {"reviews": "people", "folder": settings.folder}

    async def fill(office: Any) -> None:
        async def work(tx: Any) -> None:
            await tx.all(FILL_ACCOUNT)
            await tx.run_many(FILL, [(f"{n}", Desk.SECOND) for n in range(4000)])

        await office.client.state.storage.write(work)

    async def scene(office: Any) -> None:
        state = office.client.state
        count = "SELECT count(*) FROM decisions"
        await until(lambda: counted(state, count))
        start = float(await counted(state, "SELECT max(decided) FROM decisions"))
        end = rules.hours.add_days(start, 10)

        async def passed() -> bool:
            return await counted(state, f"{count} WHERE decided > {end}") > 0

        await until(passed)
        found = await counted(state, f"{count} WHERE decided BETWEEN {start} AND {end}")
        stage = rules.review.second
        expected = stage.staff * rules.hours.open_s(start, end) / stage.service.mean
        assert found == pytest.approx(expected, rel=0.05)

    hand = settings.real_time
    play(fill, speed=Speed(0.3), **filled)
    hand.time = time.time()
    play(scene, speed=Speed(0.3), reviews="clerks", real_time=lambda: 1_000_000.0 + time.time() - hand.time)


def test_what_was_in_review_when_the_service_ended_is_taken_up_again(play: Any, settings: Any) -> None:
    """Applications that people left on the desks are decided by the clerks of the next start."""

    async def before(office: Any) -> None:
        for _ in range(5):
            await (await office.family()).hand_in()
        await office.client("POST", "/review/acceptance/next", token=await office.reviewer())

    async def after(office: Any) -> None:
        state = office.client.state

        async def empty() -> bool:
            left = await state.storage.read(lambda tx: backlog(Step(tx, state.rules, state.now(), 0)))
            return not any(left.values())

        await until(empty)
        assert await counted(state, "SELECT count(*) FROM applications WHERE status = 'approved'") == 5

    begun = time.time()
    play(before, speed=Speed(1.0))
    moved = replace(settings, real_time=lambda: 1_000_000.0 + time.time() - begun)
    play(after, speed=Speed(1.0), reviews="clerks", real_time=moved.real_time)


def test_decisions_that_cannot_be_stored_are_stored_later(play: Any) -> None:
    """A disk that is full for a while holds decisions up, and loses none."""

    async def scene(office: Any) -> None:
        state = office.client.state
        family = await office.family()
        await family.enrol()
        await family.upload()
        await family.pay()
        pages = await counted(state, "PRAGMA page_count")
        failing = [True]
        write = state.storage.write

        async def write_or_fail(work: Any) -> Any:
            if failing[0] and "_store" in work.__qualname__:
                failing[0] = False
                await write(lambda tx: tx.one(f"PRAGMA max_page_count = {pages}"))
                return await write(lambda tx: tx.run_many("INSERT INTO facts VALUES (?1, ?2)", [("x", "x" * 10**6)]))
            await write(lambda tx: tx.one("PRAGMA max_page_count = 1000000"))
            return await write(work)

        object.__setattr__(state.storage, "write", write_or_fail)
        await family.submit()

        async def approved() -> bool:
            return bool((await family.progress())["status"] == "approved")

        await until(approved)
        assert failing == [False]

    play(scene, reviews="clerks", speed=Speed(1.0), real_time=time.time)
