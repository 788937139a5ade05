"""The service's own clerks: the desks, moved on by the clock, and what they decide written to the database."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Sequence

from canbao.errors import StorageError
from canbao_loadtests.service.desks import Desks, Done, Task
from canbao_loadtests.service.enrolment import Step
from canbao_loadtests.service.enrolment.review import record
from canbao_loadtests.service.models import Desk
from canbao_loadtests.service.operations import State
from canbao_loadtests.service.storage import Row, Transaction

__all__ = ["Clerks"]

_LOG = logging.getLogger("canbao.service")
_PAUSE_S = 0.005
"""The least real time between two looks at the desks, so that decisions share a commit."""
_MOST = 200
"""Decisions in one step; a family's step that comes in meanwhile has to wait for no more than that."""
_AGAIN_S = 1.0
"""Real time until decisions that could not be stored are stored again."""


class Clerks:
    """Clerks at work, as many and as fast as the rules say."""

    def __init__(self) -> None:
        self._came: list[Row] = []
        self._news = asyncio.Event()

    def hand_in(self, row: Row) -> None:
        """Hear of an application that was handed in, when that is stored."""
        self._came.append(row)
        self._news.set()

    async def begin(self, state: State) -> None:
        """Take up what is in review already; call it before anything else can be handed in."""
        self._came = list(await state.storage.read(_in_review))

    async def work(self, state: State) -> None:
        """Work until cancelled."""
        desks = Desks(state.rules, state.now())
        while True:
            came, self._came = self._came, []
            self._news.clear()
            for row in came:
                desks.add(Desk(row["desk"]), Task(row["priority"], row["since"], row["id"], row["round"]))
            done = desks.advance(state.now())
            for first in range(0, len(done), _MOST):
                await _store(state, done[first : first + _MOST])
            await self._wait(state.clock.real_s(state.now(), desks.next_event))

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(_PAUSE_S)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), None if seconds == math.inf else max(seconds - _PAUSE_S, 0.0))


async def _in_review(tx: Transaction) -> Sequence[Row]:
    return await tx.all("SELECT * FROM applications WHERE desk IS NOT NULL ORDER BY since, id")


async def _store(state: State, done: Sequence[Done]) -> None:
    """Store decisions, and try until it succeeds: who has decided does not forget it."""
    while True:
        try:
            return await state.storage.write(lambda tx: _record_all(tx, state, done))
        except StorageError as error:
            _LOG.error("%d decisions wait to be stored: %s", len(done), error)
            await asyncio.sleep(_AGAIN_S)


async def _record_all(tx: Transaction, state: State, done: Sequence[Done]) -> None:
    for each in done:
        row = await tx.one("SELECT * FROM applications WHERE id = ?1", each.task.application, lock="wait")
        assert row is not None
        await record(Step(tx, state.rules, each.decided, 0), row, each.started, each.ruling)
